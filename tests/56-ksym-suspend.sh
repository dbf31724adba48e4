#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The ksym tracer's watches and watch events before and after the machine has slept.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/tap.sh"

# One write by each CPU, a sleep, from which vm/run.sh wakes it, and the same again. One variable
# is watched at a time: emulators may take two for one another.
guest() {
	cat <<-'END'
		set -e
		mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true
		cd /sys/kernel/tracing
		write() { for cpu in 0 1 2; do taskset -c $cpu sh -c 'echo 1 >/proc/sys/kernel/panic'; done; }
		sleeps() { write; echo mem >/sys/power/state; write; write; }
		echo ksym_tracer >current_tracer
		echo 'panic_timeout:-w-' >ksym_trace_filter
		sleeps
		awk '$4 == "panic_timeout" { print "ksym hits", $1 }' ksym_profile
		echo ksym records $(grep -c 'ksym_hit: panic_timeout' trace)
		echo >ksym_trace_filter
		echo nop >current_tracer
		echo 'w:timeout w@panic_timeout value=$value' >>dynamic_events
		echo 1 >events/wprobes/timeout/enable
		sleeps
		for cpu in 0 1 2; do echo watch event records on $cpu: $(grep -c "\[00$cpu\].* timeout: (" trace); done
		echo 0 >events/wprobes/timeout/enable
		echo '-:timeout' >>dynamic_events
	END
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
guest >"$dir/guest.sh"
export FLAVOUR=ours VM_ROOT=ram CPUS=3 MEM=512M VM_FILES=$dir/guest.sh RUN="sh $dir/guest.sh"
rc=0
"$root/vm/run.sh" >"$dir/out" 2>"$dir/err" || rc=$?
sed 's/^/# /' "$dir/out"

says() { grep -qx "$1" "$dir/out"; }
came_back() {
	[ "$rc" = 0 ] || { sed 's/^/# /' "$dir/err"; return 1; }
}
check "the guest ended well" came_back
check "ksym: 9 of 9 writes are counted" says 'ksym hits 9'
check "ksym: 9 of 9 writes are recorded" says 'ksym records 9'
for cpu in 0 1 2; do
	check "watch event: 3 of 3 writes by CPU $cpu are recorded" says "watch event records on $cpu: 3"
done
tap_end
