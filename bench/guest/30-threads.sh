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
# process is refused nearly always; with three, never.
set -euo pipefail

runs=5
[[ $BENCH_SHAPE != *-icount ]] || runs=3
loop=
trap '[ -z "$loop" ] || kill "$loop"' EXIT

# The microseconds that perf bench with the arguments $@ says one operation took. Once more
# when the other process had the register that it wanted at first.
usecs() {
	local out
	for _ in {1..200}; do
		if out=$(timeout 300 perf bench "$@" 2>&1); then
			awk '$2 == "usecs/op" { print $1 }' <<<"$out"
			return
		fi
		[[ $out == *'No space left on device'* ]] || break
	done
	echo "perf bench $* failed: $out" >&2
	return 1
}

# measure WHAT ARGUMENT...
measure() {
	local what=$1 value
	shift
	for ((run = 0; run < runs; run++)); do
		value=$(usecs "$@")
		printf 'bench: %s\t%s\tus\n' "$what" "${value:?}"
	done
}

threads() { measure "perf bench breakpoint thread -b $1${2:-}" -r 64 breakpoint thread -b "$1" -p 64 -t 64; }

# The same, with breakpoints on CPUs all the while; how many tells that it wasn't idle.
threads_beside_cpus() {
	local out
	out=$(mktemp)
	"$HWBP_TESTBIN/bench/open" loop >"$out" &
	loop=$!
	threads "$1" ', breakpoints on CPUs too'
	kill "$loop"
	wait "$loop"
	loop=
	awk -v b="$1" '{
		printf "bench: beside -b %s: on CPUs, granted\t%.1f\t1/s\n", b, $1 / $3
		printf "bench: beside -b %s: on CPUs, refused\t%.1f\t1/s\n", b, $2 / $3
	}' "$out"
	rm "$out"
}

threads 4
threads_beside_cpus 4
threads_beside_cpus 3
measure 'perf bench breakpoint enable' -r 10000 breakpoint enable
