#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Four watches at once where debug registers behave as real ones: the ksym tracer's and watch
# events tell four variables apart, and miss and invent nothing.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
set -eu

if [ "${1:-}" = prepare ]; then
	echo "$(dirname "$0")/../tap.sh"
	exit
fi
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
cd /sys/kernel/tracing

# The variables and their files in /proc/sys/kernel/: the first is written 10 times, the second 20 ...
variables='panic_timeout:panic panic_on_oops:panic_on_oops kptr_restrict:kptr_restrict
	sysctl_perf_event_paranoid:perf_event_paranoid'

# In turns, so that one follows another.
write_all() {
	round=0
	while [ $round -lt 10 ]; do
		most=1
		for pair in $variables; do
			n=0
			while [ $n -lt $most ]; do
				echo $((n % 2)) >"/proc/sys/kernel/${pair#*:}"
				n=$((n + 1))
			done
			most=$((most + 1))
		done
		round=$((round + 1))
	done
}

# each COMMAND: with a variable's name, and how often it was written.
each() {
	count=10
	for pair in $variables; do
		"$1" "${pair%:*}" $count
		count=$((count + 10))
	done
}

set_ksym() { echo "$1/4:-w-" >ksym_trace_filter; }
counted() { [ "$(awk -v name="$1" '$4 == name { print $1 }' ksym_profile)" = "$2" ]; }
recorded() { [ "$(grep -c "ksym_hit: $1+0x0/.* by [a-z_]*proc_do" trace)" = "$2" ]; }
check_ksym() {
	check "ksym, four at once: $2 writes of $1 are counted" counted "$1" "$2"
	check "ksym, four at once: $2 writes of $1 are recorded" recorded "$1" "$2"
}

# A write that changes nothing, and one each way.
# shellcheck disable=SC2016
set_event() {
	echo "w:bochs/$1 w@$1:4 old=\$old:u32 value=\$value:u32 at=\$addr:symbol" >>dynamic_events
	echo 1 >"events/bochs/$1/enable"
}
seen() { [ "$(grep -c " $1: (.*proc_do.*) old=[01] value=[01] at=$1+0x0/" trace)" = "$2" ]; }
check_event() { check "watch events, four at once: $2 writes of $1" seen "$1" "$2"; }
nothing_else() { [ "$(grep -c ': (' trace)" = 100 ]; }

# Known values first.
write_all
echo 8192 >buffer_size_kb
each set_ksym
echo ksym_tracer >current_tracer
write_all
each check_ksym
echo >ksym_trace_filter
echo nop >current_tracer

each set_event
echo >trace
write_all
each check_event
check "watch events, four at once: no other hit" nothing_else
echo 0 >events/enable
echo >dynamic_events
tap_end
