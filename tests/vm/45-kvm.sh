#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The host's breakpoints while guests of its own run: KVM, on the CPU's SVM.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug vanilla
# threads: single
#
# TCG's SVM is not the real one: VMRUN and the exit exchange DR7 without arming what it says,
# and the exit leaves the host's on. Guests with breakpoints are for Bochs, therefore, and
# Linux's debug_regs fails at its first int3 here, with any layer.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"
. "$root/tests/once.sh"
. "$root/tests/kvm.sh"
selftests=$root/tools/testing/selftests/breakpoints/hw_breakpoint
bin=$HWBP_TESTBIN/hwbp

# Linux's own, in a copy of its folder, so that nothing is written into the tree.
make_linux() {
	local tree=$1 to=$HWBP_TESTBIN/linux-kvm part
	mkdir -p "$to/tools/testing/selftests"
	cp -a "$tree"/tools/testing/selftests/{lib.mk,kselftest.h,kselftest_harness.h,kvm,rseq} \
		"$to/tools/testing/selftests"
	for part in scripts tools/{include,arch,build,scripts,lib}; do
		ln -sfn "$tree/$part" "$to/$part"
	done
	MAKEFLAGS='' make -s -C "$tree" O="$to/obj" INSTALL_HDR_PATH="$to/usr" headers_install
	MAKEFLAGS='' make -s -j2 -C "$to/tools/testing/selftests/kvm" OUTPUT="$to/out" \
		LDFLAGS='-static -no-pie -pthread' "$to/out/x86_64/debug_regs" 2>"$to/log" ||
		{ cat "$to/log"; return 1; }
	cp "$to/out/x86_64/debug_regs" "$HWBP_TESTBIN/debug_regs"
}

if [ "${1:-}" = prepare ]; then
	"$root/tests/vm/20-hwbp.sh" prepare >&2
	tree=$("$root/overlay/tree.sh" laid)
	once linux-kvm "$0" "$tree"/tools/{include,testing/selftests/{lib.mk,kselftest*.h,kvm,rseq}} \
		"$tree"/{include,arch/x86/include}/uapi -- make_linux "$tree" </dev/null >&2
	exit 0
fi
kvm_load "$HWBP_KDIR"
kvm_program "$selftests/run.sh" "$bin" "$bin/$FLAVOUR/module/hw_breakpoint_target.ko" hwbp_kvm
kvm_debug_regs "$HWBP_TESTBIN/debug_regs" 0
kvm_unload
tap_end
