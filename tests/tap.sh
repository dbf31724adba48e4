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

tap_end() { echo "1..$tap_count"; }
