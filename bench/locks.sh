# SPDX-License-Identifier: GPL-2.0-only
# What a storm of threads that inherit breakpoints takes of the layer's locks; sourced.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=bash

# Whether this kernel counts, and knows the classes of the layer's locks.
locks_known() { grep -q 'hw_breakpoint_table_lock' /proc/lockdep && [ -w /proc/lock_stat ]; }

# How often the layer's table was asked in the way that takes all locks; "" if it isn't told.
slow_calls() {
	awk '{ for (i = 2; i < NF; i += 2) if ($i == "all_locks") { sum += $(i + 1); seen = 1 } }
		END { if (seen) print sum + 0 }' \
		/sys/kernel/debug/hw_breakpoint/stats 2>/dev/null || true
}

storm() { perf bench -r 16 breakpoint thread -b 4 -p 64 -t 64 >/dev/null; }

# One storm, after one that made what is made at first; then, for each class of the layer's
# locks, "CLASS ACQUISITIONS BOUNCES CONTENTIONS": a bounce is an acquisition on another CPU
# than that lock's last one. Classes that nobody took are left out. The last line is "slow N",
# if that is counted. While it is counted the four breakpoints of perf's own process are made
# and dropped; all others are inherited.
locks_of_a_storm() {
	local before after
	storm
	before=$(slow_calls)
	echo 0 >/proc/lock_stat
	storm
	after=$(slow_calls)
	awk '/^ *hw_breakpoint[a-z_]*[#\/0-9]*(-[RW])?: / {
			class = $1
			sub(/[^a-z_].*/, "", class)
			taken[class] += $9
			bounced[class] += $8
			contended[class] += $3
		}
		END { for (c in taken) print c, taken[c], bounced[c], contended[c] }' /proc/lock_stat
	[ -z "$after" ] || echo "slow $((after - before))"
}
