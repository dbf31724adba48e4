# SPDX-License-Identifier: GPL-2.0-only
# Loads KVM where it is a module, and runs what has to do with it; sourced, by busybox, too.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=sh

# The modules of this CPU, in the order of loading.
kvm_files() {
	vendor=
	if grep -qw svm /proc/cpuinfo; then
		vendor=kvm-amd
	elif grep -qw vmx /proc/cpuinfo; then
		vendor=kvm-intel
	fi
	[ -z "$vendor" ] || echo "virt/lib/irqbypass.ko arch/x86/kvm/kvm.ko arch/x86/kvm/$vendor.ko"
}

# kvm_load FOLDER: where it is built in there is nothing to do.
kvm_loaded=
kvm_load() {
	[ ! -e /dev/kvm ] || return 0
	for kvm_file in $(kvm_files); do
		insmod "$1/$kvm_file"
		kvm_loaded="$(basename "$kvm_file" .ko) $kvm_loaded"
	done
}

# Nobody holds the modules any more.
kvm_unload() {
	# shellcheck disable=SC2086
	[ -z "$kvm_loaded" ] || check "KVM's modules can be removed" rmmod $kvm_loaded
}

# kvm_program RUN FOLDER MODULE PROGRAM: our selftest, as part of a longer TAP.
kvm_program() {
	kvm_log=$(mktemp)
	"$@" 2>&1 | grep -vE '^1\.\.[0-9]+$' | tee "$kvm_log"
	# shellcheck disable=SC2034
	tap_count=$(grep -cE '^(not )?ok ' "$kvm_log")
	rm -f "$kvm_log"
}

# How far Linux's debug_regs came: how many of its exits were right. It stops at the first
# that isn't, and names it; an int3 that the guest gets itself is the first one.
kvm_reached() {
	case $1 in
	'') echo 16 ;;
	INT3:* | "Unhandled exception '0x3'"*) echo 0 ;;
	'INS_HW_BP (DR'[0-3]*) echo "$1" | sed 's/.*(DR\([0-3]\)).*/1 + \1/' ;;
	'DATA_HW_BP (DR'[0-3]*) echo "$1" | sed 's/.*(DR\([0-3]\)).*/5 + \1/' ;;
	'SINGLE_STEP['[0-5]*) echo "$1" | sed 's/.*STEP\[\([0-5]\)\].*/9 + \1/' ;;
	DR7.GD:*) echo 15 ;;
	*) echo -1 ;;
	esac
}

# kvm_debug_regs PROGRAM NUMBER: Linux's own test comes at least so far.
kvm_debug_regs() {
	if [ ! -e /dev/kvm ]; then
		skip "debug_regs of Linux's selftests" "no /dev/kvm"
		return
	fi
	kvm_status=0
	kvm_out=$("$1" 2>&1) || kvm_status=$?
	echo "$kvm_out" | sed 's/^/# /'
	kvm_stop=$(echo "$kvm_out" | sed -nE "s/^ *((INT3|INS_HW_BP|DATA_HW_BP|SINGLE_STEP|DR7).*: exit |Unhandled exception)/\1/p")
	[ "$kvm_status$kvm_stop" = 0 ] || [ -n "$kvm_stop" ] || kvm_stop="status $kvm_status"
	check "debug_regs of Linux's selftests: $2 of its 16 exits, or more, are right" \
		[ "$(($(kvm_reached "$kvm_stop")))" -ge "$2" ]
}
