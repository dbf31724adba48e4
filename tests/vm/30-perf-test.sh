#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's own `perf test`: its four breakpoint tests.
# Copyright (C) 2026 The hw_breakpoint authors
# flavours: ours debug vanilla
# threads: single
set -euo pipefail
. "$(dirname "$0")/../tap.sh"

# number_of NAME: perf's numbers change from one version to the next, names don't.
number_of() { sed -n "s/^ *\([0-9]*\): $1 *$/\1/p" <<<"$list"; }

# said PATTERN: one line of what perf said, spaces squeezed.
said() { tr -s ' ' <<<"$out" | grep -qxE " ?[0-9.:]+: $1"; }

# one NAME [RESULT...]: runs a test; each RESULT is a line it must give.
one() {
	local name=$1 number result
	shift
	number=$(number_of "$name")
	out=$(perf test "${number:-none}" 2>&1) || true
	printf "# %s\n" "${out//$'\n'/$'\n'# }"
	for result in "$@"; do
		check "perf test ${number:-?}: $result" said "$result"
	done
}

list=$(perf test list 2>&1)
one 'Breakpoint overflow signal handler' 'Breakpoint overflow signal handler : Ok'
one 'Breakpoint overflow sampling' 'Breakpoint overflow sampling : Ok'
one 'Breakpoint accounting' 'Breakpoint accounting : Ok'
# x86 can't watch reads alone.
one 'Watchpoint' 'Read Only Watchpoint : Skip \(missing hardware support\)' 'Write Only Watchpoint : Ok' \
	'Read / Write Watchpoint : Ok' 'Modify Watchpoint : Ok'
tap_end
