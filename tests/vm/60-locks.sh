#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A storm of threads that inherit breakpoints takes no lock that all CPUs share.
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
check "the storm took the accounts' locks" some account 2
check "the table's mutex was not taken" is table 2 0
check "no account's lock was waited for" is account 4 0
tap_end
