# SPDX-License-Identifier: GPL-2.0-only
# Weak spots of the distribution's own layer, in TAP that a test printed there; sourced.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=bash

# The caller's $out is that TAP.
# shellcheck disable=SC2154
fails() { grep -qE "^not ok [0-9]+ - $1\$" <<<"$out"; }

# weak NUMBER TEST...
weak() {
	local number=$1 test
	shift
	for test in "$@"; do
		check "weak spot $number shows on vanilla in $test" fails "$test"
	done
}
