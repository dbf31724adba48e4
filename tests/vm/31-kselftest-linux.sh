#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel tree's own kselftests of breakpoints, built as their Makefiles do.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug vanilla
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"
. "$root/tests/once.sh"

# Their sources are the distribution's: overlay/manifest lays nothing over them. Only the
# harness's limit of 30 s is not for a debug kernel on an emulated CPU: so they are built in
# a copy of their folders.
copy() {
	local tests=$1 to=$2
	rm -rf "$to"
	mkdir -p "$to"
	cp -r "$tests"/{lib.mk,kselftest.h,kselftest_harness.h,perf_events,breakpoints} "$to"
	sed -i 's/^#define TEST_TIMEOUT_DEFAULT 30$/#define TEST_TIMEOUT_DEFAULT 300/' "$to/kselftest_harness.h"
	grep -q '^#define TEST_TIMEOUT_DEFAULT 300$' "$to/kselftest_harness.h"
	ln -sfn "$tests/../../../scripts" "$to/../../../scripts"
}

make_programs() {
	copy "$1" "$HWBP_TESTBIN/linux/tools/testing/selftests"
	for program in perf_events/sigtrap_threads breakpoints/breakpoint_test; do
		MAKEFLAGS='' make -s -C "$HWBP_TESTBIN/linux/tools/testing/selftests/${program%/*}" \
			OUTPUT="$HWBP_TESTBIN" "$HWBP_TESTBIN/${program#*/}" >&2
	done
}

if [ "${1:-}" = prepare ]; then
	tests=$("$root/overlay/tree.sh" laid)/tools/testing/selftests
	once linux "$0" "$tests"/{lib.mk,kselftest*.h,perf_events,breakpoints} -- make_programs "$tests"
	exit 0
fi

# results PROGRAM: its TAP, as comments, and in $out.
results() {
	out=$("$HWBP_TESTBIN/$1" 2>&1) || true
	grep -vE '^ok ' <<<"$out" | sed 's/^/# /'
}

has() { grep -qxE "$1" <<<"$out"; }
lines() { [ "$(grep -cE "$1" <<<"$out")" = "$2" ]; }

results sigtrap_threads
for name in remain_disabled enable_event modify_and_enable_event signal_stress signal_stress_with_disable; do
	check "sigtrap_threads.$name" has "ok [0-9]+ sigtrap_threads\.$name"
done
check "sigtrap_threads: 5 of 5" has '# Totals: pass:5 fail:0 .*'

# icebp and int3 fail on every kernel that runs on QEMU's TCG.
results breakpoint_test
check "breakpoint_test: all of its 110 tests ran" lines '^(not )?ok ' 110
check "breakpoint_test: 12 execution breakpoints" lines '^ok [0-9]+ Test breakpoint [0-3] ' 12
check "breakpoint_test: 48 write watchpoints" lines '^ok [0-9]+ Test write watchpoint [0-3] ' 48
check "breakpoint_test: 48 read and write watchpoints" lines '^ok [0-9]+ Test read watchpoint [0-3] ' 48
check "breakpoint_test: nothing fails but icebp and int3" lines '^not ok [0-9]+ Test (breakpoint|read|write) ' 0
tap_end
