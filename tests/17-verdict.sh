#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Which consoles vm/verdict.sh takes for a failure, and what make vm gives back of a guest whose
# kernel warns, and of one that hangs.
# Copyright (C) 2026 The hw_breakpoint authors
# What verdict.sh needs of us, it finds.
# shellcheck disable=SC2317,SC2034
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/tap.sh"
. "$root/vm/verdict.sh"

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

# stepped MACHINE: a step over a watchpoint on TCG, as its console shows it.
stepped() {
	ACCELERATOR=$1 judged 99 <<<'WARNING: CPU: 0 PID: 85 at arch/x86/kernel/traps.c:1120 exc_debug_kernel+0xbf/0x1a0'
}
tells_step() { stepped "$1" && grep -q 'single step .* watchpoint .*MACHINE=bochs' "$tmp/said"; }
tells_none() { stepped "$1" && ! grep -q 'single step' "$tmp/said"; }

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
check "a step over a watchpoint on TCG is named" tells_step tcg
check "on KVM it isn't" tells_none kvm

# === Guests ===

# A program that ends without a word if it ends; its output is the C library's.
cat >"$tmp/hangs.c" <<-'END'
	#include <stdio.h>
	#include <unistd.h>
	int main(void) { puts("printed"); for (;;) pause(); }
END
gcc -O1 -Wall -Werror -o "$tmp/hangs" "$tmp/hangs.c"
export VM_OUT="$tmp/from the guest, out"

# guest WARN TIMEOUT RUN: leaves $rc, $tmp/out and $tmp/err.
guest() {
	rc=0
	WARN=$1 TIMEOUT=$2 RUN=$3 "$root/vm/run.sh" >"$tmp/out" 2>"$tmp/err" || rc=$?
}
says() { grep -q "$1" "$tmp/err" && return; sed 's/^/# /' "$tmp/err"; return 1; }
gave() { [ "$(cat "$VM_OUT/$1")" = "$2" ]; }

# The kernel of a guest that says that it was warned need not have stopped for it.
SECONDS=0
guest go-on 300 "cat /proc/sys/kernel/panic_on_warn; echo '<4>WARNING: made up' >/dev/kmsg
	mkdir \"\$VM_OUT/folder\"; echo kept >\"\$VM_OUT/folder/file\"; echo lost >$tmp/lost"
check "WARN=go-on: the kernel doesn't panic" [ "$(cat "$tmp/out")" = 0 ]
check "it has complained nevertheless" [ "$rc" = 99 ]
check "and that is said" says 'failure: the kernel complained'
check "VM_OUT: its files come out" gave folder/file kept
check "others don't" [ ! -e "$tmp/lost" ]

# QEMU would drop what a guest writes to a console if a full pipe were behind it.
check "a reader that is late loses nothing" \
	[ "$(RUN='seq 1 200000' "$root/vm/run.sh" 2>"$tmp/err" | { sleep 10; tr -d '\r'; } | sha256sum)" = "$(seq 1 200000 | sha256sum)" ]

# Long enough however busy this machine is: as three such guests took.
guest stop $((SECONDS * 3)) "cat /proc/sys/kernel/panic_on_warn; echo kept >\"\$VM_OUT/file\"; exec $tmp/hangs"
check "WARN=stop, the default: it panics" [ "$(head -n 1 "$tmp/out")" = 1 ]
check "TIMEOUT: status 124" [ "$rc" = 124 ]
check "TIMEOUT: it is said" says 'failure: no verdict within TIMEOUT='
check "TIMEOUT: what was printed is shown" [ "$(sed 1d "$tmp/out")" = printed ]
check "TIMEOUT: the console tells where the kernel is" says '<NMI>'
check "TIMEOUT: files are there" gave file kept
tap_end
