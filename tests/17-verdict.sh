#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Which consoles vm/verdict.sh takes for a failure.
# Copyright (C) 2026 The hw_breakpoint authors
# What verdict.sh needs of us, it finds.
# shellcheck disable=SC2317,SC2034
set -euo pipefail
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/../vm/verdict.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
say() { echo "# $*" >>"$tmp/said"; }
printf '%s\n' hw_breakpoint_ours table_lookup.isra.0 >"$tmp/functions"

# report TITLE FIRST SECOND: a race; the stacks' functions from the innermost on.
report() {
	local name stack
	echo "=================================================================="
	echo "BUG: KCSAN: data-race in $1"
	echo
	for stack in "$2" "$3"; do
		echo "write to 0xffff888003d5a0c8 of 8 bytes by task 71 on cpu 1:"
		for name in $stack; do
			echo " ${name/@/+0x12/0x34 }$([[ $name == *@* ]] || echo '+0x12/0x34')"
		done
		echo
	done
	echo "Reported by Kernel Concurrency Sanitizer on:"
	echo "CPU: 1 UID: 0 PID: 71 Comm: hwbp_scale Not tainted 6.12.0 #1"
	echo "=================================================================="
}

# As a serial console has it.
stamped() { sed 's/^/[   12.345678] /; s/$/\r/'; }

# judged WANTED: the console on stdin, with a guest that said 0.
judged() {
	local rc=0
	stamped >"$tmp/console"
	: >"$tmp/said"
	verdict "$tmp/console" 0 0 10 2>/dev/null || rc=$?
	cat "$tmp/said"
	[ "$rc" = "$1" ]
}

# race WANTED REPORT...
race() {
	local wanted=$1
	shift
	{ echo booting; report "$@"; echo "perf: it goes on"; } | judged "$wanted"
}

# several: others' first, and a warning in the middle of the second.
several() {
	{ report 'a / b' 'a x' 'b y'; report 'c / d' 'c x' 'd y' | sed '4i WARNING: CPU: 0 PID: 1 at kernel/x.c:1'; } | judged 99
}

counted() {
	{ report 'a / b' 'a x' 'b y'; report 'c / d' 'c x' 'd y'; } | judged 0 && grep -q '2 races in others' "$tmp/said"
}

cut_short() { report 'a / hw_breakpoint_ours' 'hw_breakpoint_ours x' 'b y' | sed '/Reported/,$d' | judged 99; }

unknown_origin() {
	report "$1" "$1 y" '' | sed 's/^write to/race at unknown origin, with read to/' | judged "$2"
}

FUNCTIONS=$tmp/functions
check "nothing is no complaint" judged 0 </dev/null
check "a warning is one" judged 99 <<<'WARNING: CPU: 1 PID: 7 at kernel/events/core.c:1'
check "a race of ours, first" race 99 'a / hw_breakpoint_ours' 'hw_breakpoint_ours x' 'a y'
check "a race of ours, second" race 99 'a / hw_breakpoint_ours' 'a y' 'hw_breakpoint_ours x'
check "a race of a static function of ours" race 99 'a / b' 'a y' 'table_lookup.isra.0 x'
check "a race of a helper for ours" race 99 'a / memcpy' '__memcpy hw_breakpoint_ours x' 'a y'
check "a race of a module of ours" race 99 'a / b' 'b@[hw_breakpoint_storm] x' 'a y'
check "a race of others" race 0 'a / b' 'a x' 'b y'
check "a race of others, called by ours" race 0 'a / b' 'a x hw_breakpoint_ours' 'b y'
check "a race of a helper for others" race 0 'a / memcpy' 'memcpy x hw_breakpoint_ours' 'b y'
check "a race of others, by name nearly ours" race 0 'a / b' 'hw_breakpoint_ours_not x' 'b y'
check "a race of unknown origin, ours" unknown_origin hw_breakpoint_ours 99
check "a race of unknown origin, others'" unknown_origin other 0
check "a report that ends in the middle" cut_short
check "others' are counted" counted
check "a warning in the middle of others'" several
FUNCTIONS=
check "without names all are ours" race 99 'a / b' 'a x' 'b y'
tap_end
