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
	echo 'this kernel has no lock_stat, or does not call a lock table_mutex' >&2
	exit 1
}
locks_of_a_storm | awk '
	{ taken[$1] = $2; contended[$1] = $4 }
	END {
		if (!("account" in taken)) {
			print "the storm took no account'"'"'s lock" >"/dev/stderr"
			exit 1
		}
		printf "bench: thread storm: table mutex taken\t%d\ttimes\n", taken["table"]
		printf "bench: thread storm: account lock taken\t%d\ttimes\n", taken["account"]
		printf "bench: thread storm: account lock waited for\t%d\ttimes\n", contended["account"]
	}'
