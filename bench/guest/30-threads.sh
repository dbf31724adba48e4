#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# perf's own benchmarks of breakpoints: threads that inherit them, alone and while another
# process opens and closes breakpoints on CPUs; and disabling and enabling one.
# Copyright (C) 2026 The hw_breakpoint authors
# guests: 2-mt 8-mt 8-icount
#
# 64 batches of threads, one for each of the 64 threads that make them; perf's own 10 would
# leave 54 of those without work. A time is of one thread's life: created and joined, or of
# one pair. With four breakpoints a thread leaves no room for one on a CPU, and the other
# process is refused always; with three, never. It begins when perf has its own, or perf might
# be the one that is refused. What just a busy CPU costs is to be seen from a process that only
# spins instead: with icount the CPUs run in turn, and a thread waits for that one's turns to end.
set -euo pipefail

runs=5
[[ $BENCH_SHAPE != *-icount ]] || runs=3
spinning=', beside one that spins'
out=$(mktemp) asked=$(mktemp)
trap 'rm "$out" "$asked"; kill $(jobs -p) 2>/dev/null || true' EXIT

# The microseconds that perf bench says in $out one operation took.
usecs() {
	awk '$2 == "usecs/op" { print $1; found = 1 } END { exit !found }' "$out" ||
		{ cat "$out" >&2; return 1; }
}

# measure WHAT ARGUMENT...
measure() {
	local what=$1
	shift
	for ((run = 0; run < runs; run++)); do
		perf bench "$@" >"$out" 2>&1
		printf 'bench: %s\t%s\tus\n' "$what" "$(usecs)"
	done
}

# perf bench ARGUMENT... with the process $beside beside it, from its second thread on.
perf_bench_beside() {
	local perf loop tasks=()
	perf bench "$@" >"$out" 2>&1 &
	perf=$!
	while [ "${#tasks[@]}" -lt 2 ] && kill -0 "$perf"; do
		tasks=("/proc/$perf/task/"*)
	done
	"${beside[@]}" >"$asked" &
	loop=$!
	wait "$perf"
	kill "$loop"
	wait "$loop"
}

# measure_beside_spin WHAT ARGUMENT...
measure_beside_spin() {
	local what=$1 beside=(sh -c 'trap "exit 0" TERM; while :; do :; done')
	shift
	for ((run = 0; run < runs; run++)); do
		perf_bench_beside "$@"
		printf 'bench: %s\t%s\tus\n' "$what" "$(usecs)"
	done
}

# With breakpoints on CPUs opened and closed; how many of them tells that this wasn't idle.
measure_beside_cpus() {
	local what=$1 base=${1%%, *}$spinning beside=("$HWBP_TESTBIN/bench/open" loop)
	shift
	for ((run = 0; run < runs; run++)); do
		perf_bench_beside "$@"
		printf 'bench: %s\t%s\tus\t%s\n' "$what" "$(usecs)" "$base"
		awk -v what="$what" '{
			printf "bench: %s: granted\t%.1f\t1/s\n", what, $1 / $3
			printf "bench: %s: refused\t%.1f\t1/s\n", what, $2 / $3
		}' "$asked"
	done
}

threads() { "$1" "perf bench breakpoint thread -b $2${3:-}" -r 64 breakpoint thread -b "$2" -p 64 -t 64; }

threads measure 4
threads measure_beside_spin 4 "$spinning"
threads measure_beside_cpus 4 ', breakpoints on CPUs too'
threads measure_beside_spin 3 "$spinning"
threads measure_beside_cpus 3 ', breakpoints on CPUs too'
measure 'perf bench breakpoint enable' -r 10000 breakpoint enable
