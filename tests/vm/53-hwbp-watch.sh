#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command hwbp on a kernel: watch sees what is written and leaves nothing behind; list, why
# and stat tell what there is.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug
# threads: single
#
# The checks are called by their name.
# shellcheck disable=SC2317
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"
hwbp=$HWBP_TESTBIN/tools/hwbp
module=$HWBP_TESTBIN/hwbp/$FLAVOUR/module/hw_breakpoint_target.ko

if [ "${1:-}" = prepare ]; then
	MAKEFLAGS='' make -s -C "$root/tools/hw_breakpoint" OUT="$HWBP_TESTBIN/tools" LDFLAGS=-static >&2
	exec "$root/tests/vm/20-hwbp.sh" prepare
fi

tracefs=/sys/kernel/tracing
told=/sys/kernel/debug/hw_breakpoint
ctl=/sys/kernel/debug/hw_breakpoint_target/ctl
var=hw_breakpoint_target:target_var
cpus=$(getconf _NPROCESSORS_ONLN)
tmp=$(mktemp -d)
watchers=()

tidy() {
	[ "$BASHPID" = $$ ] || return 0
	[ "${#watchers[@]}" = 0 ] || kill "${watchers[@]}" 2>/dev/null || true
	wait
	rmmod hw_breakpoint_target 2>/dev/null || true
	rm -rf "$tmp"
}
trap tidy EXIT

# wait_until COMMAND...: for at most a minute.
wait_until() {
	for _ in $(seq 600); do
		! "$@" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "# waited in vain: $*"
	return 1
}

# Registers in force with PATTERN in their records, on all CPUs.
armed() { grep -c "^register .*state=armed.*$1" "$told/slots" || true; }
are_armed() { [ "$(armed "$2")" = "$(($1 * cpus))" ]; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }

# Nothing of ours is left, nor anything else.
all_gone() {
	! grep 'hwbp/' "$tracefs/dynamic_events" && ! ls -d "$tracefs"/instances/hwbp-* 2>/dev/null &&
		! grep -v 'state=free' <(grep ^register "$told/slots") && ! grep ^promise "$told/slots"
}

# start ARGUMENT...: hwbp watch, in force; its PID is in $watcher.
start() {
	"$hwbp" watch "$@" >"$tmp/out" 2>"$tmp/err" &
	watcher=$!
	watchers+=("$watcher")
	wait_until is_on "$watcher" && return
	sed 's/^/# /' "$tmp/err"
	return 1
}

is_on() { [ "$(cat "$tracefs/instances/hwbp-$1/events/hwbp/w$1/enable")" = 1 ]; }

# By itself, and well.
ends() {
	local rc=0
	wait_until is_gone "$watcher" || return 1
	wait "$watcher" || rc=$?
	[ "$rc" = 0 ] && return
	sed 's/^/# /' "$tmp/err" "$tmp/out"
	echo "# status $rc"
	return 1
}

hits() { grep -vc '^#' "$tmp/out" || true; }
has_hits() { [ "$(hits)" = "$1" ]; }

# What changed, a line each, against the arguments.
changes_are() {
	local expected
	expected=$(printf '%s\n' "$@")
	grep -v '^#' "$tmp/out" | grep -oE '(0x[0-9a-f]+ ->|=) 0x[0-9a-f]+$' | diff <(echo "$expected") - | sed 's/^/# /'
	[ "${PIPESTATUS[2]}" = 0 ]
}

# === What watch sees ===

stores() { start -n 5 $var/8 && echo 'w 5 8' >$ctl && ends; }
by_whom() { [ "$(grep -cE "/$$ +hw_breakpoint_target:(target_)?store_8\+0x" "$tmp/out")" = 5 ]; }
summed_up() { grep -qF "# 5 hits of $var/8" "$tmp/out" && grep -qE '^# +5  hw_breakpoint_target:(target_)?store_8$' "$tmp/out"; }

reads() {
	start -n 3 $var/8:rw && echo 'r 2 8' >$ctl && echo 'w 1 8' >$ctl && ends &&
		changes_are '= 0x4' '= 0x4' '0x4 -> 0x0'
}

calls() {
	start -n 2 hw_breakpoint_target:target_func:x && echo 'x 2' >$ctl && ends && has_hits 2 &&
		[ "$(grep -c 'hw_breakpoint_target:target_func+0x0$' "$tmp/out")" = 2 ]
}

address() {
	local at
	at=$(awk '$1 == "var" { print $2 }' /sys/kernel/debug/hw_breakpoint_target/status)
	start -n 1 "$at" && echo 'w 1 8' >$ctl && ends && changes_are '0x0 -> 0x0'
}

ksym_spelling() { start -n 2 target_var/4:-w- && echo 'w 2 4' >$ctl && ends && changes_are '0x0 -> 0x0' '0x0 -> 0x1'; }

# Too quick to be seen in force.
clock() { timeout 60 "$hwbp" watch -n 3 jiffies >"$tmp/out" && has_hits 3; }

no_symbol() {
	! "$hwbp" watch no_such_symbol/8 >"$tmp/out" 2>"$tmp/err" && sed 's/^/# /' "$tmp/err" &&
		[ "$(wc -l <"$tmp/err")" = 1 ] && grep -q "^hwbp: can't watch no_such_symbol/8: " "$tmp/err"
}

# === How it ends ===

# What was hit before is shown.
ends_by() {
	start $var/8 && echo 'w 3 8' >$ctl && kill -"$1" "$watcher" && ends && has_hits 3 && all_gone
}

reader_goes() {
	"$hwbp" watch $var/8 > >(head -n 1 >"$tmp/one") 2>"$tmp/err" &
	watcher=$!
	wait_until are_armed 1 target_var && echo 'w 3 8' >$ctl && ends && all_gone
}

# What can't be caught leaves all in place; the next one takes it away.
killed() {
	start $var/8 && kill -KILL "$watcher"
	wait "$watcher" || true
	! all_gone >/dev/null || return 1
	"$hwbp" watch -n 1 $var+4/4 >"$tmp/out" 2>"$tmp/err" &
	watcher=$!
	watchers+=("$watcher")
	wait_until are_armed 1 'target_var+0x4 ' && are_armed 1 target_var &&
		[ "$(grep -c 'hwbp/' "$tracefs/dynamic_events")" = 1 ] &&
		echo 'w 1 8' >$ctl && ends && all_gone
}

# === When all have been taken ===

take_all() {
	full=()
	for offset in 0 2 4 6; do
		start $var+$offset/2 || return 1
		full+=("$watcher")
	done
	are_armed 4 target_var
}

fifth() {
	local rc=0
	timeout 60 "$hwbp" watch $var/1 >"$tmp/out" 2>"$tmp/err" || rc=$?
	sed 's/^/# /' "$tmp/err"
	[ "$rc" = 1 ] && [ "$(wc -l <"$tmp/err")" = 1 ] &&
		grep -qE "^hwbp: no register is free for $var/1: CPU [0-9]+: 4 its own" "$tmp/err"
}

fifth_left_nothing() {
	[ "$(grep -c 'hwbp/' "$tracefs/dynamic_events")" = 4 ] &&
		[ "$(echo "$tracefs"/instances/hwbp-* | wc -w)" = 4 ]
}

why() {
	"$hwbp" why -n 1 >"$tmp/out" && sed 's/^/# /' "$tmp/out"
	grep -qE "hwbp/[0-9]+ asked .*target_var.*for every CPU: No space left on device \(ENOSPC\)" "$tmp/out" &&
		grep -q '^ *CPU [0-9]*: 4 its own' "$tmp/out"
}

# A line for each register, and one for each promise since all CPUs have it.
list() {
	"$hwbp" list >"$tmp/out" && sed 's/^/# /' "$tmp/out"
	[ "$(grep -cE '^ +[0-9]+ +[0-3]  armed .* 2  w .*target_var' "$tmp/out")" = $((4 * cpus)) ] &&
		[ "$(grep -cE '^every CPU: 1 to .*: w of 2 at target_var' "$tmp/out")" = 4 ] &&
		grep -qE '^CPU 0.*: 0 free, 4 promised to itself, 0 to the busiest task, room for 0$' "$tmp/out"
}

give_back() {
	kill -INT "${full[@]}"
	wait "${full[@]}" || return 1
	all_gone
}

# === Counters ===

# The total of the column "hits".
counted() { awk '$1 == "CPU" { for (i = 1; i <= NF; i++) if ($i == "hits") { column = i; break } } $1 == "total" { print $column }' "$1"; }

counts() {
	start $var/8 || return 1
	"$hwbp" stat -- sh -c "echo 'w 7 8' >$ctl" 2>"$tmp/stat" || return 1
	sed 's/^/# /' "$tmp/stat"
	kill -INT "$watcher"
	ends && [ "$(counted "$tmp/stat")" -ge 7 ]
}

all_free() { "$hwbp" list >"$tmp/out" && grep -qx 'no register is in use' "$tmp/out"; }

# === All ===

insmod "$module"
check "watch -n 5: five stores" stores
check "from what to what" changes_are '0x0 -> 0x0' '0x0 -> 0x1' '0x1 -> 0x2' '0x2 -> 0x3' '0x3 -> 0x4'
check "by whom and where" by_whom
check "and summed up" summed_up
check "nothing is left" all_gone
check "reads and writes" reads
check "execution" calls
check "an address" address
check "without the module, ksym's spelling" ksym_spelling
check "jiffies, as long as it is" clock
check "a symbol that isn't there" no_symbol
check "nothing is left of that" all_gone
for signal in INT TERM HUP; do
	check "$signal: shows what was, leaves nothing" ends_by "$signal"
done
check "the reader goes: leaves nothing" reader_goes
check "after a SIGKILL the next one cleans up" killed
check "four watch all registers" take_all
check "the fifth is refused, with the reason" fifth
check "and has left nothing" fifth_left_nothing
check "why" why
check "list" list
check "all of them come back" give_back
if [ -r "$told/stats" ]; then
	check "stat -- COMMAND" counts
else
	skip "stat -- COMMAND" "CONFIG_HW_BREAKPOINT_STATS isn't set"
fi
check "list: all are free" all_free
rmmod hw_breakpoint_target
check "nothing is left at the end" all_gone
tap_end
