#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that is started by kexec while breakpoints are armed finds the registers off.
# Copyright (C) 2026 The hw_breakpoint authors
#
# Twice: once it is a program that tells what it finds in them, once it is the same kernel,
# which would trap where it has no handler yet. FLAVOUR=vanilla to compare.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/tap.sh"
export FLAVOUR=${FLAVOUR:-ours}
bin=$HWBP_TESTBIN/hwbp
module=$bin/$FLAVOUR/module/hw_breakpoint_target.ko

# What the next kernel calls: nothing calls them in this one any more.
jump="insmod $module && $bin/hwbp_kexec --jump start_kernel rest_init kernel_init"

# boot: leaves the guest's output in $dir/out, the console, if all went wrong, in
# $dir/err, and the status in $rc.
boot() {
	rc=0
	"$root/vm/run.sh" >"$dir/out" 2>"$dir/err" || rc=$?
}

told() { grep -o 'hwbp_stub: .*' "$dir/err" || { sed 's/^/# /' "$dir/out" "$dir/err"; return 1; }; }

# SDM vol. 3, "Debug Control Register (DR7)": bits 0 to 7 enable, bit 13 guards.
all_off() { [[ $1 == *DR7=* ]] && [ $((16#${1##*DR7=} & 0x20ff)) = 0 ]; }

into_a_program() {
	gcc -O1 -Wall -Wextra -ffreestanding -nostdlib -static -no-pie -fno-pie -fno-stack-protector \
		-mno-red-zone -mgeneral-regs-only -fcf-protection=none -Wl,-Ttext-segment=0x4000000 \
		-Wl,--build-id=none -o "$dir/stub" "$root/tests/kexec/stub.c"
	export RUN="kexec -c -t elf-x86_64 --args-none -l $dir/stub && $jump"
	boot
	check "a program that was started tells the registers" told
	check "DR7 enables none" all_off "$(told)"
}

into_a_kernel() {
	local image
	image=$("$root/overlay/kernel.sh" | tail -n 1)
	"$root/vm/initramfs.sh" "$dir/initrd"
	export RUN="if grep -q hwbp.second /proc/cmdline; then
			exec $root/tools/testing/selftests/breakpoints/hw_breakpoint/run.sh $bin $module hwbp_kexec
		fi
		kexec -c -l $image --initrd=$dir/initrd \
			--command-line=\"\$(cat /proc/cmdline) hwbp.second\" && $jump"
	boot
	tap_of "a second kernel" <"$dir/out"
	check "a second kernel boots and ends well" [ "$rc" = 0 ]
	[ "$rc" = 0 ] || sed 's/^/# /' "$dir/err"
	check "it ran its tests" grep -q hwbp_kexec.each_counts "$dir/out"
}

"$root/tests/vm/20-hwbp.sh" prepare >&2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
into_a_program
into_a_kernel
tap_end
