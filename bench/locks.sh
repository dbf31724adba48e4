# SPDX-License-Identifier: GPL-2.0-only
# What a storm of threads that inherit breakpoints takes of the layer's locks; sourced.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=bash

# Whether this kernel counts, and knows the classes of the layer's locks.
locks_known() { grep -q ' table_mutex$' /proc/lockdep && [ -w /proc/lock_stat ]; }

storm() { perf bench -r 16 breakpoint thread -b 4 -p 64 -t 64 >/dev/null; }

# One storm, after one that made what is made at first; then for the layer's locks, the table's
# mutex and contexts' accounts, "table|account ACQUISITIONS BOUNCES CONTENTIONS": a bounce is an
# acquisition on another CPU than that lock's last one. What nobody took is left out. While it is
# counted the four breakpoints of perf's own process are made and dropped; all others are inherited.
locks_of_a_storm() {
	storm
	echo 0 >/proc/lock_stat
	storm
	awk '/^ *(table_mutex|&[a-z>-]*hw_breakpoint_account\.lock)[#\/0-9]*(-[RW])?: / {
			class = $1 ~ /table/ ? "table" : "account"
			taken[class] += $9
			bounced[class] += $8
			contended[class] += $3
		}
		END { for (c in taken) print c, taken[c], bounced[c], contended[c] }' /proc/lock_stat
}
