#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The weak spots of the distribution's own layer, seen: the tests that ours passes fail there.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"
. "$root/tests/all/weak.sh"
bin=$HWBP_TESTBIN/hwbp

# Weak spot 23 makes vanilla WARN, so neither a panic nor the verdict is wanted.
FLAVOUR=vanilla "$root/tests/vm/20-hwbp.sh" prepare >&2
out=$(FLAVOUR=vanilla WARN=go-on TIMEOUT=600 \
	RUN="export HWBP_TRIES=200
		$root/tools/testing/selftests/breakpoints/hw_breakpoint/run.sh $bin \
		$bin/vanilla/module/hw_breakpoint_target.ko hwbp_validate hwbp_slots hwbp_ptrace hwbp_inherit \
		hwbp_range hwbp_exclusive hwbp_hits hwbp_perf_core:leader_was_offline" \
	"$root/vm/run.sh" 2>/dev/null) || true

weak 10 hwbp_ptrace.ptrace.{off_gives_back_when_it_runs,some_off_when_it_runs,stepping_gives_back_too} \
	hwbp_ptrace.ptrace.{detach_gives_back,addresses_hold_none_when_it_ran}
weak 11 hwbp_ptrace.ptrace.nothing_live_without_address hwbp_ptrace.ptrace.bad_dr7
weak 12 hwbp_ptrace.ptrace.{fork_child,thread}_starts_with_none
weak 13 hwbp_slots.slots.{malformed,forbidden}_before_full hwbp_validate.offline_cpu
weak 16 hwbp_range.modify_refused_keeps_sig_data
weak 18 hwbp_validate.validate.execute_lengths_and_alignments
weak 21 hwbp_validate.validate.perfmon_watches_the_kernel
weak 23 hwbp_inherit.swap_of_{one,two,four}_and_exit
weak 24 hwbp_inherit.fork_after_dropping_privileges
weak "(strangers)" hwbp_slots.slots.a_stranger_{learns,takes}_nothing
weak "(copies)" hwbp_inherit.modify_while_copies_are_made
weak "(lengths)" hwbp_range.{weight,each_byte,wider_accesses,one_hit_each,kernel}
weak "(periods)" hwbp_hits.change_period
weak "(perf core)" hwbp_perf_core.leader_was_offline
weak "(moved ip)" hwbp_ptrace.at_breakpoint.{poke,poke_both,setregs,setregs_twice,setregset}.move_onto_another \
	hwbp_ptrace.ptrace.move_among_perf_breakpoints
weak "(debugger dies)" hwbp_ptrace.death.{exit,crash,kill}_while_{stopped,running}.{switches_off,next_debugger}
weak "(exclusive)" hwbp_exclusive.exclusive.{takes_all,is_refused_where_somebody_is,siblings_live_inside,inherited}
skip "weak spot 6" "the window is too short to be hit on vanilla"
skip "weak spot 14" "cannot be seen from outside"
tap_end
