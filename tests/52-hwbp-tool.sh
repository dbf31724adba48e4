#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command hwbp, built with sanitizers, against files that look like the kernel's.
# Copyright (C) 2026 The hw_breakpoint authors
#
# SEED=N for the broken input of another run. The checks are called by their name.
# shellcheck disable=SC2317
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/tap.sh"
tool=$root/tools/hw_breakpoint

tmp=$(mktemp -d)
fixtures=$tmp/fixtures
tidy() {
	[ "$BASHPID" = $$ ] || return 0
	jobs -p | xargs -r kill 2>/dev/null || true
	rm -rf "$tmp"
}
trap tidy EXIT
chmod 755 "$tmp"
hwbp=$tmp/asan/hwbp
debugfs=$tmp/debugfs/hw_breakpoint tracefs=$tmp/tracefs instance=$tmp/tracefs/instances/hwbp-test
export HWBP_DEBUGFS=$tmp/debugfs HWBP_TRACEFS=$tracefs HWBP_KALLSYMS=$fixtures/kallsyms HWBP_ID=test
export ASAN_OPTIONS=exitcode=99 TERM=xterm
unset NO_COLOR

# Their first line, a licence, isn't the kernel's.
mkdir "$fixtures"
for file in "$tool"/tests/fixtures/*; do
	sed 1d "$file" >"$fixtures/$(basename "$file")"
done

build() { MAKEFLAGS='' make -s -C "$tool" OUT="$tmp/$1" "${@:2}" 2>&1 | sed 's/^/# /'; }

# kernel NAME: slots, refusals and counters are those of the fixtures of that name.
kernel() {
	rm -rf "$debugfs"
	mkdir -p "$debugfs"
	for file in slots refused stats; do
		[ ! -f "$fixtures/$1.$file" ] || cp "$fixtures/$1.$file" "$debugfs/$file"
	done
}

# A tracefs with an instance, since a real one's files come by themselves.
new_tracefs() {
	rm -rf "$tracefs"
	mkdir -p "$instance/events/hwbp/wtest"
	mkfifo "$instance/trace_pipe"
	: >"$tracefs/dynamic_events"
	: >"$instance/trace_clock"
	: >"$instance/events/hwbp/wtest/enable"
}

# Without a difference nothing is shown.
same() { diff "$1" - | sed 's/^/# /' && [ "${PIPESTATUS[0]}" = 0 ]; }

prints() {
	local expected=$1
	shift
	"$@" | same "$expected"
}

# complains STATUS TEXT COMMAND...: with that exit status, and one line of stderr that has TEXT.
complains() {
	local status=$1 text=$2 rc=0
	shift 2
	"$@" </dev/null >"$tmp/out" 2>"$tmp/err" || rc=$?
	[ "$rc" = "$status" ] && [ "$(wc -l <"$tmp/err")" = 1 ] && grep -q '^hwbp: .*: ' "$tmp/err" &&
		grep -qF -- "$text" "$tmp/err" && return
	sed 's/^/# /' "$tmp/err"
	echo "# status $rc instead of $status"
	return 1
}

# wait_until COMMAND...: for at most 20 s.
wait_until() {
	for _ in $(seq 400); do
		! "$@" 2>/dev/null || return 0
		sleep 0.05
	done
	return 1
}

# === list, why, stat ===

last_two() { tail -n 4 "$fixtures/mixed.why" >"$tmp/two"; prints "$tmp/two" "$hwbp" why -n 2; }

nothing_refused() { : >"$debugfs/refused"; [ "$("$hwbp" why)" = "nothing was refused" ]; }

# Two listings and an empty line between them, to a reader that goes away then.
list_twice() {
	{ cat "$fixtures/idle.list"; echo; cat "$fixtures/idle.list"; } >"$tmp/twice"
	timeout 20 "$hwbp" list -w 0.02 | head -n "$(wc -l <"$tmp/twice")" | same "$tmp/twice"
}

# HUP is ignored by whoever is run by nohup, and then by hwbp, too.
ends_by() {
	local pid rc=0
	: >"$tmp/listed"
	env --default-signal=HUP "$hwbp" list -w 600 >"$tmp/listed" &
	pid=$!
	wait_until [ -s "$tmp/listed" ]
	kill -"$1" "$pid"
	wait "$pid" || rc=$?
	[ "$rc" = 0 ]
}

# Ten hits on one CPU and one on the other.
count_on() { printf 'sed -i "s/hits 1000 /hits 1010 /; s/ hits 18446744073709550000/ hits 18446744073709550001/" %s' "$debugfs/stats"; }

stat_of_command() {
	local rc=0
	"$hwbp" stat -- sh -c "$(count_on); echo out; exit 7" >"$tmp/out" 2>"$tmp/err" || rc=$?
	[ "$rc" = 7 ] && [ "$(cat "$tmp/out")" = out ] && same "$fixtures/mixed.difference" <"$tmp/err"
}

full_disk() { complains 1 "can't write" sh -c "$hwbp list >/dev/full"; }

partly_bad() {
	echo 'register cpu="0' >>"$debugfs/slots"
	complains 1 "1 lines of slots aren't records" "$hwbp" list && same "$fixtures/mixed.list" <"$tmp/out"
}

not_for_all() {
	chmod 700 "$debugfs" && chmod -R a+rX "$tmp/asan"
	if [ "$(id -u)" = 0 ]; then
		complains 1 "is for root alone: use sudo" setpriv --reuid 65534 --clear-groups "$hwbp" list
	else
		chmod 000 "$debugfs"
		complains 1 "is for root alone: use sudo" "$hwbp" list
		local rc=$?
		chmod 700 "$debugfs"
		return $rc
	fi
}

# === Terminals ===

# tty COMMAND: what it prints on a terminal, with what comes from stdin typed there.
tty() { timeout 30 script -qec "$1" /dev/null; }

# Reads all: who writes isn't to be killed.
is_coloured() { [ "$(grep -c $'\033\\[32m')" != 0 ]; }
has_none() { [ "$(grep -c $'\033')" = 0 ]; }
tty_coloured() { tty "$hwbp list" </dev/null | is_coloured; }
tty_never() { tty "$hwbp --color=never list" </dev/null | has_none; }
tty_no_color() { NO_COLOR=1 tty "$hwbp list" </dev/null | has_none; }
pipe_always() { "$hwbp" --color=always list | is_coloured; }
pipe_plain() { { "$hwbp" list; "$hwbp" why; "$hwbp" stat; } | has_none; }

# Another screen while it runs; the terminal as it was afterwards.
until_q() {
	printf q | tty "$hwbp list -w 600; stty -a" >"$tmp/screen" || return 1
	grep -q $'\033\\[?1049h' "$tmp/screen" && grep -q $'\033\\[?1049l' "$tmp/screen" &&
		grep -qE '(^| )icanon' "$tmp/screen" && grep -qE '(^| )echo( |;)' "$tmp/screen"
}

tty_watch() {
	new_tracefs
	cat "$fixtures/hits.trace_pipe" >"$instance/trace_pipe" &
	tty "$hwbp watch -n 1 jiffies" </dev/null >"$tmp/screen" || true
	grep -q 'OLD -> NEW' "$tmp/screen" && is_coloured <"$tmp/screen"
}

# === watch ===

# watch FIXTURE ARGUMENT...: with those lines in trace_pipe. The instance has to stay here.
watch() {
	local fixture=$1
	shift
	new_tracefs
	cat "$fixture" >"$instance/trace_pipe" &
	timeout 30 "$hwbp" watch "$@" 2>"$tmp/err" || [ $? = 1 ]
	wait
}

shows() {
	local name=$1
	shift
	watch "$fixtures/$name.trace_pipe" "$@" >"$tmp/watched"
	same "$fixtures/$name.watch" <"$tmp/watched"
}

# What it made is switched off and taken away, as far as it can be here.
cleaned() {
	[ "$(tail -n 1 "$tracefs/dynamic_events")" = "-:hwbp/wtest" ] &&
		grep -q '^10' "$instance/events/hwbp/wtest/enable" && [ "$(cat "$instance/trace_clock")" = mono ] &&
		[ "$(cat "$tmp/err")" = "hwbp: can't remove the tracing instance hwbp-test (Directory not empty): rmdir it" ]
}

# asks TARGET EVENT: what the kernel is told.
asks() {
	watch "$fixtures/calls.trace_pipe" "$1" >/dev/null
	[ "$(head -n 1 "$tracefs/dynamic_events")" = "w:hwbp/wtest $2" ] || {
		sed 's/^/# /' "$tracefs/dynamic_events"
		return 1
	}
}

asks_data() { asks "$1" "$2 old=\$old:x$3 value=\$value:x$3 comm=\$comm"; }

two_hits() {
	watch "$fixtures/hits.trace_pipe" -n 2 jiffies >"$tmp/watched"
	{ head -n 2 "$fixtures/hits.watch"; printf '# 2 hits of jiffies\n'; } >"$tmp/two"
	head -n 3 "$tmp/watched" | same "$tmp/two"
}

# Starts one whose trace_pipe stays open, and waits for its first line.
start_watch() {
	new_tracefs
	: >"$tmp/watched"
	env --default-signal=HUP "$hwbp" watch jiffies >"$tmp/watched" 2>"$tmp/err" &
	watcher=$!
	exec 5<>"$instance/trace_pipe"
	head -n 1 "$fixtures/hits.trace_pipe" >&5
	wait_until grep -q tick_do "$tmp/watched"
}

watch_ends_by() {
	start_watch
	kill -"$1" "$watcher"
	wait_until sh -c "! kill -0 $watcher"
	wait "$watcher" || true
	exec 5>&-
	cleaned && grep -q '^# 1 hit of jiffies' "$tmp/watched"
}

# Though no hit comes that it would have to print.
reader_goes() {
	new_tracefs
	exec 5<>"$instance/trace_pipe"
	head -n 1 "$fixtures/hits.trace_pipe" >&5
	timeout 20 "$hwbp" watch jiffies 2>"$tmp/err" | head -n 1 >/dev/null
	local rc=${PIPESTATUS[0]}
	exec 5>&-
	[ "$rc" = 1 ] && cleaned
}

# A number that no process has, and one that hwbp doesn't have.
leftovers() {
	local dead=$((1 << 22))
	new_tracefs
	mkdir "$tracefs/instances/hwbp-$dead" "$tracefs/instances/hwbp-1" "$tracefs/instances/hwbp-x"
	echo "w:hwbp/w$((dead + 1)) w@jiffies:8" >"$tracefs/dynamic_events"
	head -n 1 "$fixtures/hits.trace_pipe" >"$instance/trace_pipe" &
	timeout 20 "$hwbp" watch jiffies >/dev/null 2>&1 || true
	[ "$(echo "$tracefs"/instances/*)" = "$instance $tracefs/instances/hwbp-x" ] &&
		grep -qxF -- "-:hwbp/w$((dead + 1))" "$tracefs/dynamic_events"
}

# Another that lives keeps what it has.
no_leftovers() {
	local pid
	start_watch
	pid=$watcher
	mkdir "$tracefs/instances/hwbp-$pid"
	head -n 1 "$fixtures/hits.trace_pipe" >&5
	HWBP_ID=other timeout 20 "$hwbp" watch jiffies >/dev/null 2>&1 || true
	[ -d "$tracefs/instances/hwbp-$pid" ]
	local rc=$?
	kill "$pid"
	wait "$pid" || true
	exec 5>&-
	return $rc
}

# === What can't be watched ===

fails() { complains 1 "$@"; }

# /dev/full refuses as a kernel without a free register does.
no_register() {
	new_tracefs
	ln -sf /dev/full "$tracefs/dynamic_events"
	fails "no register is free for jiffies: the reason isn't known" "$hwbp" watch jiffies
}

# As does this one what it can't understand.
no_understanding() {
	new_tracefs
	ln -sf /proc/self/oom_score_adj "$tracefs/dynamic_events"
	printf '%s\n' "$1" >"$tracefs/error_log"
	fails "$2" "$hwbp" watch nonesuch
}

error_log="[  123.456789] other: error: Something else
  Command: p:kprobes/wtest nonesuch
             ^
[  124.000000] wprobe: error: Symbol not found
  Command: w:hwbp/wtest w@nonesuch:8 old=\$old:x64 value=\$value:x64
                          ^"
no_symbol() { no_understanding "$error_log" "can't watch nonesuch: Symbol not found: "; }
no_wprobe() { no_understanding "" "this kernel has no watch events (CONFIG_WPROBE_EVENTS)"; }

no_tracefs() {
	rm -rf "$tracefs"
	fails "this kernel has no watch events (CONFIG_WPROBE_EVENTS)" "$hwbp" watch jiffies
}

no_layer() {
	rm -rf "$debugfs"
	fails "boot ours" "$hwbp" list && fails "boot ours" "$hwbp" why &&
		fails "CONFIG_HW_BREAKPOINT_STATS" "$hwbp" stat
}

misuse() { check "misuse: hwbp $*" complains 2 "hwbp: " "$hwbp" "$@"; }

# === Broken input ===

seed=${SEED:-$RANDOM}

# Lines of a fixture, broken.
broken() { LC_ALL=C awk -v seed="$1" -v times="$2" -f "$tool/tests/mutate.awk" "$3"; }

# survives COMMAND...: it may complain, but not die, nor send to a terminal what it shouldn't.
survives() {
	local rc=0
	timeout 20 "$@" </dev/null >"$tmp/out" 2>"$tmp/err" || rc=$?
	[ "$rc" -le 2 ] && ! grep -qE 'Sanitizer|runtime error' "$tmp/err" &&
		! LC_ALL=C grep -q $'[^\t -~]' "$tmp/out" && return
	echo "# status $rc, seed $seed: $*"
	sed 's/^/# /' "$tmp/err" | head -n 20
	return 1
}

# Each time 5 s or 100 files, each of them with some 50 broken lines.
survives_all() {
	local command=$1 file=$2 end=$((SECONDS + 5))
	kernel mixed
	for ((i = 0; i < 100 && SECONDS < end; i++)); do
		broken $((seed + i)) "$3" "$fixtures/mixed.$file" >"$debugfs/$file"
		survives "$hwbp" "$command" || return 1
	done
	echo "# $i files from seed $seed on"
}

survives_hits() {
	broken "$seed" 1000 "$fixtures/hits.trace_pipe" >"$tmp/broken"
	new_tracefs
	cat "$tmp/broken" >"$instance/trace_pipe" &
	survives "$hwbp" watch jiffies
	wait
}

survives_targets() {
	local end=$((SECONDS + 5)) n=0 target
	rm -rf "$tracefs"
	while IFS= read -r target && [ "$SECONDS" -lt "$end" ]; do
		survives "$hwbp" watch "$target" || return 1
		n=$((n + 1))
	done < <(echo 'hw_breakpoint_target:target_var+0x4/4:rw-' | broken "$seed" 200 - | tr -d '\000')
	echo "# $n targets"
}

# === All ===

check "it builds" build plain
check "it builds statically" build static LDFLAGS=-static
check "it builds with sanitizers" build asan \
	CFLAGS='-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all'

kernel mixed
check "list" prints "$fixtures/mixed.list" "$hwbp" list
check "why" prints "$fixtures/mixed.why" "$hwbp" why
check "why -n 2: the newest" last_two
check "stat" prints "$fixtures/mixed.stat" "$hwbp" stat
check "stat -- COMMAND: the differences, and its status" stat_of_command
check "stat -- COMMAND that isn't there" [ "$(PATH=/bin "$hwbp" stat -- nonesuch 2>/dev/null || echo $?)" = 127 ]
check "colours on a terminal" tty_coloured
check "none with --color=never" tty_never
check "none with NO_COLOR" tty_no_color
check "colours in a pipe with --color=always" pipe_always
check "none in a pipe" pipe_plain
check "list -w on a terminal until q" until_q
check "what is left of a bad slots is shown" partly_bad
check "root's files are told from missing ones" not_for_all
check "nothing was refused" nothing_refused
kernel idle
check "list: all are free" prints "$fixtures/idle.list" "$hwbp" list
check "list --all" prints "$fixtures/idle.all" "$hwbp" list --all
check "list -w in a pipe" list_twice
for signal in INT TERM HUP; do
	check "list -w ends by $signal" ends_by "$signal"
done
check "a full disk is told" full_disk

check "watch" shows hits jiffies
check "watch takes away what it made" cleaned
check "watch :x" shows calls do_exit:x
check "watch :rw" shows reads jiffies/4:rw
check "watch -n 2" two_hits
check "watch on a terminal" tty_watch
check "length: to the next symbol" asks_data jiffies w@jiffies:8 64
check "length: 1" asks_data one_byte w@one_byte:1 8
check "length: the next symbol is 3 bytes on, and the address odd" asks_data three_bytes w@three_bytes:1 8
check "length: as alignment allows" asks_data unaligned w@unaligned:4 32
check "length: at most 8" asks_data big w@big:8 64
check "length: behind an offset" asks_data big+0x1c w@big+28:4 32
check "length: of what isn't in kallsyms" asks_data nonesuch w@nonesuch:8 64
check "a module's symbol" asks_data hw_breakpoint_target:target_var w@hw_breakpoint_target:target_var:4 32
check "all parts" asks_data hw_breakpoint_target:other+4/2:rw- rw@hw_breakpoint_target:other+4:2 16
check "an address" asks_data 0xffffffff81c079cc w@0xffffffff81c079cc:4 32
check "an address and an offset" asks_data 0xffffffff81c079cc+4/8:-w- w@0xffffffff81c079d0:8 64
# shellcheck disable=SC2016
check "execution" asks do_exit:--x 'x@do_exit comm=$comm'
for signal in INT TERM HUP QUIT; do
	check "watch ends by $signal" watch_ends_by "$signal"
done
check "watch ends when nobody reads" reader_goes
check "watch removes what a killed one left" leftovers
check "watch leaves alone what a living one has" no_leftovers

kernel mixed
check "no register" no_register
check "no symbol" no_symbol
check "a tracefs without watch events" no_wprobe
check "no tracefs" no_tracefs
check "no debugfs" no_layer

misuse
misuse nonesuch
misuse --nonesuch
misuse --color=red list
misuse list jiffies
misuse list -w
misuse list -w x
misuse list -w -1
misuse list -w nan
misuse list --nonesuch
misuse why 3
misuse why -n 0
misuse why -n 1x
misuse stat true
misuse stat --
misuse watch
misuse watch a b
misuse watch -n 0 jiffies
misuse watch -x jiffies
for target in '' jiffies/3 jiffies/16 jiffies/ jiffies/8:q jiffies:r jiffies:r-- do_exit/8:x jiffies+x \
	jiffies+ 0x 0xg 'a b' a:b:c : 'a;b' 0x12345678123456789; do
	misuse watch "$target"
done

check "broken slots" survives_all list slots 2
check "broken refused" survives_all why refused 12
check "broken stats" survives_all stat stats 1
check "broken trace_pipe" survives_hits
check "broken targets" survives_targets
tap_end
