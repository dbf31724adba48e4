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
