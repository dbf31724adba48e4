#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Our kselftests where debug registers behave as real ones: four watchpoints at once,
# counted exactly, through perf events and through ptrace.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
#
# The programs of 32 bits stay away: Bochs goes back to them after some system calls with a stack
# pointer of 16 bits (on vanilla too: "segfault at d020 ... sp ff9cd020", at vdso's pop).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
selftests=$root/tools/testing/selftests/breakpoints/hw_breakpoint
bin=$HWBP_TESTBIN/hwbp
module=$bin/ours/module/hw_breakpoint_target.ko
# Of the last three what QEMU can't show.
programs='hwbp_hits hwbp_ptrace hwbp_inherit hwbp_range:each_byte,wider_accesses,one_hit_each,two_ranges
	hwbp_exclusive:siblings_live_inside hwbp_flexible:scaled'

if [ "${1:-}" = prepare ]; then
	FLAVOUR=ours "$root/tests/vm/20-hwbp.sh" prepare >&2
	echo "$selftests/run.sh" "$module"
	for program in $programs; do
		echo "$bin/${program%%:*}"
	done
	exit 0
fi
# shellcheck disable=SC2086
exec sh "$selftests/run.sh" "$bin" "$module" $programs
