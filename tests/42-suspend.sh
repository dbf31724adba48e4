#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Breakpoints before and after the machine has slept: in memory, and on a disk.
# Copyright (C) 2026 The hw_breakpoint authors
#
# FLAVOUR=vanilla to compare.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/tap.sh"
export FLAVOUR=${FLAVOUR:-ours} VM_ROOT=ram CPUS=3 MEM=512M
bin=$HWBP_TESTBIN/hwbp
export VM_FILES=$bin/hwbp_suspend
selftest="$root/tools/testing/selftests/breakpoints/hw_breakpoint/run.sh $bin \
	$bin/$FLAVOUR/module/hw_breakpoint_target.ko hwbp_suspend"

# More than there are tests, each of which sleeps once.
most_boots=30

# boot: leaves the guest's output in $dir/out and its status in $rc.
boot() {
	rc=0
	"$root/vm/run.sh" >"$dir/out" 2>"$dir/err" || rc=$?
}

came_back() {
	[ "$rc" = 0 ] || { sed 's/^/# /' "$dir/err"; return 1; }
}

# vm/run.sh wakes it.
in_memory() {
	export RUN="export HWBP_ALARM=0; $selftest"
	boot
	tap_of memory <"$dir/out"
	check "memory: the guest ended well" came_back
}

# The guest ends each time that it sleeps, and the next one goes on where it was; one that
# begins anew has lost what slept.
on_disk() {
	local disk=$dir/disk append=${APPEND:-} n
	truncate -s 1G "$disk"
	export QEMU_ARGS="-drive file=$disk,if=virtio,format=raw"
	export RUN="grep -q hwbp.boot=1 /proc/cmdline || { echo 'not ok 1 - goes on after a sleep'; exit 1; }
		mkswap /dev/vda >/dev/null; swapon /dev/vda; export HWBP_SLEEP=disk; $selftest"
	: >"$dir/all"
	for ((n = 1; n <= most_boots; n++)); do
		export APPEND="$append resume=/dev/vda hwbp.boot=$n"
		boot
		cat "$dir/out" >>"$dir/all"
		[ "$rc" = 98 ] || break
	done
	tap_of disk <"$dir/all"
	check "disk: the guest ended well" came_back
	check "disk: it slept" [ "$n" -gt 1 ]
}

"$root/tests/vm/20-hwbp.sh" prepare >&2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
in_memory
# With KASAN the ten ways to the disk and back did not end in six minutes.
[ "$FLAVOUR" = debug ] || on_disk
tap_end
