#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A storm of threads that inherit breakpoints takes no lock that all CPUs share, and no CPU's
# lock on another CPU.
# Copyright (C) 2026 The hw_breakpoint authors
# flavours: debug
# limit: 600
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"
. "$root/bench/locks.sh"

# column CLASS N: 0 where the class isn't there: it wasn't taken.
column() { awk -v class="$1" -v n="$2" '$1 == class { value = $n } END { print value + 0 }' <<<"$locks"; }

is() { [ "$(column "$1" "$2")" = "$3" ]; }
some() { [ "$(column "$1" "$2")" -gt 0 ]; }

check 'the classes of the locks are known, and counted' locks_known
locks_known || {
	tap_end
	exit
}
locks=$(locks_of_a_storm)
echo "# ${locks//$'\n'/$'\n'# }"
check 'the storm took the locks of CPUs' some hw_breakpoint_cpu_lock 2
check "the storm took the tasks' locks" some hw_breakpoint_account_lock 2
check "the table's lock was not taken" is hw_breakpoint_table_lock 2 0
check "no CPU's lock was taken on another CPU" is hw_breakpoint_cpu_lock 3 0
check "no CPU's lock was waited for" is hw_breakpoint_cpu_lock 4 0
if grep -q '^slow ' <<<"$locks"; then
	check 'the slow path was not taken' is slow 2 0
else
	skip 'the slow path was not taken' 'it is not counted here'
fi
tap_end
