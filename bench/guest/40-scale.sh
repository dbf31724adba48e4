#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What it costs to be promised a register and to give it back, without perf core: as more
# tasks have breakpoints, and as more CPUs are possible.
# Copyright (C) 2026 The hw_breakpoint authors
# guests: 1of2-icount 1of4-icount 1of8-icount 1of16-icount 1of32-icount 1of64-icount
#
# A task that has none asks: for itself on all CPUs, for itself on CPU 0, for CPU 0. Tasks
# grow in the guest with 8 possible CPUs; CPUs grow beside one task.
set -euo pipefail

module=$HWBP_TESTBIN/bench/$FLAVOUR/hw_breakpoint_bench.ko
bench=/sys/kernel/debug/hw_breakpoint_bench
pairs=200
possible=$(($(sed 's/.*-//' /sys/devices/system/cpu/possible) + 1))

name() {
	case $1 in
	task) echo 'reserve+release for a task' ;;
	task_cpu) echo 'reserve+release for a task on a CPU' ;;
	cpu) echo 'reserve+release for a CPU' ;;
	esac
}

# measure BY X: each kind in peace, the first time not counted.
measure() {
	local kind
	for kind in task task_cpu cpu; do
		sleep 0.12
		echo "$kind $pairs" >$bench
		for _ in {1..9}; do
			echo "$kind $pairs" >$bench
			awk -v what="$(name $kind), by $1" -v x="$2" \
				'{ printf "bench: %s\t%.1f\tns\t\t%s\n", what, $1 / $2, x }' $bench
		done
	done
}

# tasks N: there are so many, asleep.
tasks() {
	local n
	echo "$1" >&"${sleepers[1]}"
	read -r n <&"${sleepers[0]}"
	[ "$n" = "$1" ]
}

[ "$BENCH_SHAPE" = "1of$possible-icount" ] || {
	echo "$BENCH_SHAPE: $possible CPUs are possible here" >&2
	exit 1
}
echo 20000 >/proc/sys/kernel/threads-max
insmod "$module"
coproc sleepers { exec "$HWBP_TESTBIN/bench/tasks"; }
tasks 1
measure 'possible CPUs' "$possible"
if [ "$possible" = 8 ]; then
	for n in 1 10 100 1000 10000; do
		tasks $n
		measure tasks $n
	done
fi
rmmod hw_breakpoint_bench
