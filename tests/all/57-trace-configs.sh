#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tracing core compiles, without a warning, with and without the ksym tracer, watch events,
# the self tests of tracers, and modules.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/../../overlay/lib.sh"
. "$ROOT/tests/tap.sh"

# A copy of what the build of ours has generated, since another configuration writes to it.
prepare() {
	local build
	build=$("$ROOT/overlay/kernel.sh" kdir | tail -n 1)
	folder=$BASE/build-configs
	mkdir -p "$folder"
	(cd "$build" && rsync -a --delete --relative .config include arch/x86/include scripts tools/objtool \
		kernel/bounds.s arch/x86/kernel/asm-offsets.s "$folder/")
}

kmake() {
	MAKEFLAGS='' make -C "$BASE/laid" O="$folder" CC="ccache gcc" HOSTCC="ccache gcc" \
		CCACHE_DIR="$CACHE/ccache" "$@" </dev/null
}

# compiles SYMBOL=y|n...
compiles() {
	local pair
	for pair; do
		sed -i -E "s/^(# )?CONFIG_${pair%=*}[= ].*//" "$folder/.config"
		echo "CONFIG_$pair" >>"$folder/.config"
	done
	kmake olddefconfig >"$folder.log" 2>&1 || return 1
	for pair; do
		if [ "${pair#*=}" = y ]; then
			grep -qx "CONFIG_$pair" "$folder/.config" || { echo "# $pair isn't to be had"; return 1; }
		else
			! grep -qx "CONFIG_${pair%=*}=y" "$folder/.config" || { echo "# $pair isn't to be had"; return 1; }
		fi
	done
	kmake -j2 kernel/trace/ kernel/hw_breakpoint_wide.o >"$folder.log" 2>&1 &&
		! grep -E 'warning:|error:' "$folder.log" && return
	grep -E 'warning:|error:' "$folder.log" | sed 's/^/# /' || true
	return 1
}

export FLAVOUR=ours
check_flavour
resolve_kernel
prepare
check "neither" compiles KSYM_TRACER=n WPROBE_EVENTS=n FTRACE_STARTUP_TEST=n
check "the ksym tracer alone, without self tests" compiles KSYM_TRACER=y WPROBE_EVENTS=n FTRACE_STARTUP_TEST=n
check "watch events alone, with self tests" compiles KSYM_TRACER=n WPROBE_EVENTS=y FTRACE_STARTUP_TEST=y
check "both, without modules" compiles KSYM_TRACER=y WPROBE_EVENTS=y FTRACE_STARTUP_TEST=y MODULES=n
tap_end
