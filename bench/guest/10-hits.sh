#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What one hit costs: of a counting breakpoint, and of each kind of event that records it, on
# one store instruction of a kernel module.
# Copyright (C) 2026 The hw_breakpoint authors
# guests: 1-icount
set -euo pipefail

module=$HWBP_TESTBIN/hwbp/$FLAVOUR/module/hw_breakpoint_target.ko
target=/sys/kernel/debug/hw_breakpoint_target
tracing=/sys/kernel/tracing
stores=20000
int3='hit of an int3 kprobe event'

# stored: the time that the stores take, in ns.
stored() {
	local t0 t1
	t0=${EPOCHREALTIME/./}
	echo "w $stores 8" >$target/ctl
	t1=${EPOCHREALTIME/./}
	echo $(((t1 - t0) * 1000))
}

# measure WHAT [BASE]: the cost of a hit, with what is set up.
measure() {
	local ns
	for _ in 1 2 3 4 5; do
		ns=$(stored)
		printf 'bench: %s\t%s\tns\t%s\n' "$1" "$(awk "BEGIN { print ($ns - $bare) / $stores }")" "${2:-}"
	done
}

# hits FILE PATTERN: all stores left their records, or the figure means nothing.
emptied() { echo >$tracing/trace; }
recorded() {
	local seen
	seen=$(awk '/^# entries-in-buffer/ { split($3, n, "/"); print n[2] }' $tracing/trace)
	[ "$seen" = $((stores * 5)) ] || {
		echo "$1: $seen records of $((stores * 5)) stores" >&2
		exit 1
	}
}

counted() {
	perf stat -a -e "mem:$var/8:w" sleep 1000 2>/dev/null &
	local perf=$!
	until grep -q "$var.*perf" /sys/kernel/debug/hw_breakpoint/slots 2>/dev/null || [ "$FLAVOUR" = vanilla ]; do
		sleep 0.1
	done
	[ "$FLAVOUR" != vanilla ] || sleep 2
	measure 'counted hit (perf stat)'
	kill $perf
	wait $perf || true
}

# event WHAT DEFINITION NAME [BASE]: of a dynamic event.
event() {
	echo "$2" >>$tracing/dynamic_events
	echo 1 >"$tracing/events/$3/enable"
	emptied
	measure "$1" "${4:-}"
	recorded "$1"
	echo 0 >"$tracing/events/$3/enable"
	echo "-:$3" >>$tracing/dynamic_events
}

ksym() {
	echo 'hw_breakpoint_target:target_var/8:-w-' >$tracing/ksym_trace_filter
	echo ksym_tracer >$tracing/current_tracer
	emptied
	measure 'hit of the ksym tracer' "$int3"
	recorded 'ksym'
	echo nop >$tracing/current_tracer
	echo >$tracing/ksym_trace_filter
}

# The one store of store_8(), as "store_8+0xN".
store() {
	objdump -d --no-show-raw-insn "$module" | awk '
		/^[0-9a-f]+ <.*>:$/ { inside = $2 == "<store_8>:"; start = $1 }
		inside && !found && $2 == "mov" && /,0x0\(%rip\)/ { sub(":", "", $1); print start, $1; found = 1 }' |
		{ read -r start at; printf 'hw_breakpoint_target:store_8+0x%x' $((0x$at - 0x$start)); }
}

insmod "$module"
var=$(awk '$1 == "var" { print $2 }' $target/status)
store=$(store)
echo 0 >/proc/sys/debug/kprobes-optimization
stored >/dev/null
bare=$(stored)
counted
event "$int3" "p:bench/k $store" bench/k
event "$int3, with 2 arguments" "p:bench/k $store value=@target_var:u64 s=\$stack" bench/k
if [ -e $tracing/ksym_trace_filter ]; then
	ksym
	event 'hit of a watch event' 'w:bench/w w@hw_breakpoint_target:target_var:8' bench/w "$int3"
	# shellcheck disable=SC2016
	event 'hit of a watch event, with 2 arguments' \
		'w:bench/w w@hw_breakpoint_target:target_var:8 value=$value old=$old' bench/w "$int3, with 2 arguments"
fi
rmmod hw_breakpoint_target
