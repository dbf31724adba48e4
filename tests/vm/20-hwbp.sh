#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Our kselftests, of 64 and of 32 bits, with their kernel module.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug
# limit: 500
#
# 20-hwbp.sh prepare builds for the flavour of $FLAVOUR, or of each one of $FLAVOURS.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/once.sh"
selftests=$root/tools/testing/selftests/breakpoints/hw_breakpoint
bin=$HWBP_TESTBIN/hwbp

make_programs() { MAKEFLAGS='' make -s -j2 -f "$selftests/Makefile" OUT="$bin" KSFT="$harness"; }

# make_modules FLAVOUR: anew, since kbuild doesn't notice that the kernel's BTF has changed, on
# which that of a module depends.
make_modules() {
	local kdir
	rm -rf "${bin:?}/$1/module"
	kdir=$(FLAVOUR=$1 "$root/overlay/kernel.sh" kdir | tail -n 1)
	MAKEFLAGS='' make -s -f "$selftests/Makefile" OUT="$bin/$1" KDIR="$kdir" module
}

prepare() {
	local flavour harness
	harness=$("$root/overlay/tree.sh" laid)/tools/testing/selftests
	once hwbp "$selftests" "$root/include/uapi" "$harness"/kselftest*.h -- make_programs
	for flavour in ${FLAVOUR:-${FLAVOURS:-ours debug}}; do
		[ "$flavour" = off ] ||
			once "hwbp-$flavour" "$selftests/Makefile" "$selftests/test_modules" \
				"$(FLAVOUR=$flavour "$root/overlay/kernel.sh" | tail -n 1)" -- make_modules "$flavour"
	done
}

if [ "${1:-}" = prepare ]; then
	prepare >&2
	exit 0
fi
exec "$selftests/run.sh" "$bin" "$bin/$FLAVOUR/module/hw_breakpoint_target.ko" \
	hwbp_validate hwbp_slots hwbp_hits hwbp_inherit hwbp_ptrace hwbp_stress hwbp_who hwbp_limit \
	hwbp_range hwbp_exclusive hwbp_perf_core hwbp_traffic hwbp_validate_32 hwbp_hits_32 hwbp_ptrace_32
