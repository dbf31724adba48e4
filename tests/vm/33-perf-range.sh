#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's perf on 13 bytes at an odd address: stat, record and script.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"
program=$HWBP_TESTBIN/write_range

if [ "${1:-}" = prepare ]; then
	# At a known address.
	exec gcc -O1 -Wall -Wextra -Werror -no-pie -o "$program" "$root/tests/perf/write_range.c"
fi

start=$((0x$(nm "$program" | awk '$3 == "buf" { print $1 }') + 3))
event=$(printf 'mem:0x%x/13:w' $start)
hits=$((13 * 100 + 50))
data=$(mktemp)

counted=$(perf stat -x, -e "$event" "$program" 2>&1 | cut -d, -f1)
check "perf stat -e $event: $hits" test "$counted" = $hits
perf record -q -d -c 1 -o "$data" -e "$event" "$program"
perf script -i "$data" -F addr,ip,sym >"$data.script"
check "perf record -e $event, perf script: $hits" test "$(wc -l <"$data.script")" = $hits
# shellcheck disable=SC2016
check "all of them in main(), at the range" \
	awk -v at="$(printf '%x' $start)" '$1 != at || $3 != "main" { exit 1 }' "$data.script"

# So much of it as four registers can cover, and no more.
too_many() { ! perf record -q -o "$data" -e "$(printf 'mem:0x%x/31:w' $((start - 2)))" "$program" >&2; }
check "31 bytes at an odd address are refused" too_many
check "the reason is told" grep -q 'it takes more than four registers where it is' /sys/kernel/debug/hw_breakpoint/refused
rm -f "$data" "$data.script"
tap_end
