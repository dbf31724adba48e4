#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Which of the layer's locks the creation and release of tasks' breakpoints takes, how often
# on another CPU than the time before, and how often it had to wait.
# Copyright (C) 2026 The hw_breakpoint authors
# guests: 8
# flavours: debug
set -euo pipefail
. "$(dirname "$0")/../locks.sh"

locks_known || {
	echo 'this kernel has no lock_stat, or does not call a lock hw_breakpoint_table_lock' >&2
	exit 1
}
locks_of_a_storm | awk '
	BEGIN { n = split("table cpu account", order) }
	$1 == "slow" { slow = $2; next }
	{ sub(/^hw_breakpoint_/, "", $1); sub(/_lock$/, "", $1) }
	!($1 in taken) && $1 !~ /^(table|cpu|account)$/ { order[++n] = $1 }
	{ taken[$1] = $2; bounced[$1] = $3; contended[$1] = $4 }
	END {
		if (!("cpu" in taken)) {
			print "the storm took no lock of the class hw_breakpoint_cpu_lock" >"/dev/stderr"
			exit 1
		}
		for (i = 1; i <= n; i++) {
			c = order[i]
			printf "bench: thread storm: %s lock taken\t%d\ttimes\n", c, taken[c]
			printf "bench: thread storm: %s lock bounced\t%d\ttimes\n", c, bounced[c]
			printf "bench: thread storm: %s lock waited for\t%d\ttimes\n", c, contended[c]
		}
		if (slow != "")
			printf "bench: thread storm: slow path\t%d\ttimes\n", slow
	}'
