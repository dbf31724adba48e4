# SPDX-License-Identifier: GPL-2.0-only
# TAP for tests written in shell; sourced.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=sh

tap_count=0

# check "what must hold" COMMAND...: ok when the command succeeds.
check() {
	tap_what=$1
	shift
	tap_count=$((tap_count + 1))
	if "$@"; then
		echo "ok $tap_count - $tap_what"
	else
		echo "not ok $tap_count - $tap_what"
	fi
}

# skip "what" "why"
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# tap_of "where" <TAP: another TAP as a part of this one.
tap_of() {
	while IFS= read -r tap_line; do
		case $tap_line in
		"ok "* | "not ok "*)
			tap_count=$((tap_count + 1))
			echo "$tap_line" | sed -E "s/^(ok|not ok) [0-9]+ -? ?/\\1 $tap_count - $1: /"
			;;
		1..[0-9]* | "TAP version "*) ;;
		*) echo "$tap_line" ;;
		esac
	done
}

tap_end() { echo "1..$tap_count"; }

# kunit_module NAME TEST...: loads our KUnit module of that name, and removes it; all of its tests
# are those.
kunit_module() {
	tap_suite=hw_breakpoint_$1
	tap_results=/sys/kernel/debug/kunit/$tap_suite/results
	shift
	insmod "$HWBP_TESTBIN/hwbp/$FLAVOUR/module/${tap_suite}_test.ko"
	sed 's/^/# /' "$tap_results"
	for tap_test in "$@"; do
		check "${tap_suite#hw_breakpoint_}: $tap_test" grep -qE "^ *ok [0-9]+ test_$tap_test\$" "$tap_results"
	done
	check "${tap_suite#hw_breakpoint_}: all of its $# tests ran and passed" \
		grep -q "^# $tap_suite: pass:$# fail:0 skip:0 total:$#" "$tap_results"
	rmmod "${tap_suite}_test"
}
