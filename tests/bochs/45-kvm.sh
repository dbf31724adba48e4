#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The host's breakpoints while guests run: KVM, on VMX, whose exits really empty DR7.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
#
# Linux's debug_regs stops at SINGLE_STEP[3], the first step after an instruction that KVM
# emulates: Bochs reports it before its instruction has run, with any layer.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"
. "$root/tests/kvm.sh"
selftests=$root/tools/testing/selftests/breakpoints/hw_breakpoint
bin=$HWBP_TESTBIN/hwbp
module=$bin/ours/module/hw_breakpoint_target.ko
kdir=$HWBP_TESTBIN/kvm

if [ "${1:-}" = prepare ]; then
	FLAVOUR=ours "$root/tests/vm/45-kvm.sh" prepare >&2
	built=$(FLAVOUR=ours "$root/overlay/kernel.sh" kdir | tail -n 1)
	for file in virt/lib/irqbypass.ko arch/x86/kvm/kvm.ko arch/x86/kvm/kvm-intel.ko; do
		mkdir -p "$kdir/$(dirname "$file")"
		cp "$built/$file" "$kdir/$file"
		echo "$kdir/$file"
	done
	echo "$root/tests/tap.sh" "$root/tests/kvm.sh" "$selftests/run.sh" "$module" "$bin/hwbp_kvm" \
		"$HWBP_TESTBIN/debug_regs"
	exit 0
fi
export HWBP_KVM_EXITS=1000
kvm_load "$kdir"
kvm_program "$selftests/run.sh" "$bin" "$module" hwbp_kvm
kvm_debug_regs "$HWBP_TESTBIN/debug_regs" 12
kvm_unload
tap_end
