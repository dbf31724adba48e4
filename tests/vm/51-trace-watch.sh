#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The ksym tracer and watch events where ftracetest has nothing to watch: a module's variables of
# each size, modules that come and go, writes in odd contexts, one heap object among thousands, and
# perf, trace-cmd and BPF programs on watch events.
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
module=$HWBP_TESTBIN/hwbp/$FLAVOUR/module/hw_breakpoint_target.ko

# A module that has events.
kvm=$HWBP_TESTBIN/kvm-$FLAVOUR
if [ "${1:-}" = prepare ]; then
	kdir=$("$root/overlay/kernel.sh" kdir | tail -n 1)
	rm -rf "$kvm"
	mkdir "$kvm"
	cp "$kdir"/virt/lib/irqbypass.ko "$kdir"/arch/x86/kvm/kvm.ko "$kvm/" 2>/dev/null || true
	gcc -O2 -Wall -Wextra -Werror -static -o "$HWBP_TESTBIN/bpf_wprobe" "$root/tests/bpf/bpf_wprobe.c"
	exec "$root/tests/vm/20-hwbp.sh" prepare
fi

target=/sys/kernel/debug/hw_breakpoint_target
slots=/sys/kernel/debug/hw_breakpoint/slots
cd /sys/kernel/tracing

load() { insmod "$module"; }
unload() { rmmod hw_breakpoint_target; }
act() { echo "$1" >$target/ctl; }
records() { grep -c -e "$1" trace || true; }
# seen N PATTERN: as many records.
seen() {
	[ "$(records "$2")" = "$1" ] && return
	grep -v '^#' trace | sed 's/^/# /'
	echo "# expected $1 of $2"
	return 1
}
clear() { echo >trace; }
off() {
	echo 0 >events/enable
	echo >dynamic_events
	echo >ksym_trace_filter
	echo nop >current_tracer
	clear
}
held() { grep -cE "^register .*owner=($1)" $slots || true; }
holds_nothing() { [ "$(held 'ksym|wprobe')" = 0 ]; }

# === The ksym tracer ===

# values LENGTH: three stores of 0, 1, 2, each with what was there before.
values() {
	local zeros=$((2 * $1))
	act 'w 1 8'
	echo "target_var/$1:-w-" >ksym_trace_filter
	echo ksym_tracer >current_tracer
	act "w 3 $1"
	seen 1 "$(printf -- '-w- 0x%0*x -> 0x%0*x by' $zeros 0 $zeros 0)" &&
		seen 1 "$(printf -- '-w- 0x%0*x -> 0x%0*x by' $zeros 0 $zeros 1)" &&
		seen 1 "$(printf -- '-w- 0x%0*x -> 0x%0*x by' $zeros 1 $zeros 2)" && seen 3 ksym_hit
}

by_module() {
	echo 'hw_breakpoint_target:target_func:--x' >ksym_trace_filter
	echo 'hw_breakpoint_target:target_var+4:rw-' >ksym_trace_filter
	[ "$(cat ksym_trace_filter)" = "$(printf '%s\n' hw_breakpoint_target:target_func:--x hw_breakpoint_target:target_var+4/4:rw-)" ]
}

# The first of them with a message.
unloading() {
	unload
	[ -z "$(cat ksym_trace_filter)" ] && holds_nothing &&
		dmesg | grep 'ksym: hw_breakpoint_target:target_func is no longer watched: module hw_breakpoint_target is unloaded' >/dev/null &&
		! echo 'hw_breakpoint_target:target_func:--x' 2>/dev/null >ksym_trace_filter
}

loaded_again() {
	load
	echo 'hw_breakpoint_target:target_func:--x' >ksym_trace_filter
	echo ksym_tracer >current_tracer
	act 'x 7'
	seen 7 'target_func+0x0/'
}

# Both remove the watches, each its own way.
going_together() {
	local round
	for round in {1..30}; do
		mkdir instances/{one,two}
		echo 'hw_breakpoint_target:target_func:--x' >instances/one/ksym_trace_filter
		echo 'hw_breakpoint_target:target_var/8:-w-' >instances/one/ksym_trace_filter
		echo 'hw_breakpoint_target:target_var/8:rw-' >instances/two/ksym_trace_filter
		echo ksym_tracer >instances/two/current_tracer
		[ $((round % 2)) = 0 ] || act 'w 10 8'
		unload &
		rmdir instances/{one,two}
		wait $!
		load
		holds_nothing || return 1
	done
}

# A kprobe's handler counts as an NMI.
in_odd_contexts() {
	local cpus
	cpus=$(nproc)
	echo 'target_var/8:-w-' >ksym_trace_filter
	echo ksym_tracer >current_tracer
	act 'irq 100'
	act 'int3 100'
	echo 1 >options/stacktrace
	act 'irq 1'
	act 'int3 1'
	echo 0 >options/stacktrace
	seen $((cpus * 101 + 101)) ksym_hit && seen "$cpus" '=> store_in_irq' && seen 1 '=> store_in_int3' &&
		seen 1 '=> asm_exc_int3'
}

# === Watch events ===

w_values() {
	act 'w 1 8'
	# shellcheck disable=SC2016
	echo "w:w w@target_var:$1 old=\$old value=\$value at=\$addr" >>dynamic_events
	echo 1 >events/wprobes/w/enable
	act "w 3 $1"
	seen 1 'old=0x0 value=0x0 at=' && seen 1 'old=0x0 value=0x1 at=' && seen 1 'old=0x1 value=0x2 at=' && seen 3 ' w: ('
}

# Defined, and enabled, before its module is there; it stays when that goes.
w_waits() {
	unload
	# shellcheck disable=SC2016
	echo 'w:w w@hw_breakpoint_target:target_var:8 value=$value' >>dynamic_events
	echo 1 >events/wprobes/w/enable
	load
	act 'w 3 8'
	seen 3 'w: (.*store_8.*) value=' || return 1
	unload
	# shellcheck disable=SC2016
	[ "$(cat dynamic_events)" = 'w:wprobes/w w@hw_breakpoint_target:target_var:8 value=$value' ] || return 1
	load
	act 'w 4 8'
	seen 7 'w: (.*store_8.*) value='
}

# What a module has only while it is initialised can't be watched: its memory becomes another's.
w_init() {
	unload
	echo 'w:i x@hw_breakpoint_target:target_init' >>dynamic_events
	echo 1 >events/wprobes/i/enable
	load
	echo 'hw_breakpoint_target:target_init:--x' 2>/dev/null >ksym_trace_filter && return 1
	echo 'w:j x@hw_breakpoint_target:target_init' 2>/dev/null >>dynamic_events && return 1
	! grep -q 'target_init\|bpf_prog\|hw_breakpoint_target' $slots && seen 0 ' i: ('
}

# A length that nobody said, and memory that doesn't fit it.
w_fits() {
	unload
	! echo 'w:w w@hw_breakpoint_target:target_var' 2>/dev/null >>dynamic_events || return 1
	echo 'w:w w@hw_breakpoint_target:target_var+2:4' >>dynamic_events
	echo 1 >events/wprobes/w/enable
	load
	dmesg | grep "wprobe: wprobes/w can't watch hw_breakpoint_target:target_var" >/dev/null || return 1
	act 'w 3 8'
	seen 0 ' w: ('
}

# Who asked for it is gone with its module: the watch event can be removed nevertheless.
w_triggers() {
	insmod "$kvm/irqbypass.ko" && insmod "$kvm/kvm.ko" && [ -e events/kvm/kvm_cr/trigger ] || return 1
	echo 'w:w w@0:8' >>dynamic_events
	echo 'set_wprobe:w:val' >events/kvm/kvm_cr/trigger
	echo 'clear_wprobe:w' >events/kvm/kvm_cr/trigger
	echo '-:w' 2>/dev/null >>dynamic_events && return 1
	rmmod kvm irqbypass && echo '-:w' >>dynamic_events && holds_nothing
}

# It is handed thousands, and works on all; afterwards all are written to again.
w_object() {
	act 'objects 3000'
	cat >>dynamic_events <<-'END'
		w:object w@0:8 old=$old value=$value
		p:enter hw_breakpoint_target:touch_object object=%di:x64 id=+0(%di):u64
		r:leave hw_breakpoint_target:touch_object
	END
	echo 1 >events/wprobes/object/enable
	echo 'set_wprobe:object:object+8 if id == 1789' >events/kprobes/enter/trigger
	echo 'clear_wprobe:object' >events/kprobes/leave/trigger
	act 'touch 100'
	act 'touch 200'
	seen 1 'object: (touch_object+.*) old=0x0 value=0x64$' && seen 1 'object: (touch_object+.*) old=0x65 value=0xc8$' &&
		seen 2 ' object: ('
	local rc=$?
	echo '!set_wprobe:object:object' >events/kprobes/enter/trigger
	echo '!clear_wprobe:object' >events/kprobes/leave/trigger
	act 'objects 0'
	return $rc
}

# === Programs that attach to watch events ===

perf_event() {
	# shellcheck disable=SC2016
	echo 'w:mine/w w@target_var:8 old=$old:u64 value=$value:u64' >>dynamic_events
}

samples() {
	perf_event
	perf record -q -a -e mine:w --filter 'value >= 10' -o "$tmp/data" -- sh -c "echo 'w 30 8' >$target/ctl" >"$tmp/log" 2>&1 ||
		{ sed 's/^/# /' "$tmp/log"; return 1; }
	perf script -i "$tmp/data" -F comm,event,trace >"$tmp/script" 2>/dev/null
	[ "$(grep -c ' mine:w: ' "$tmp/script")" = 20 ] && grep -q 'old=28 value=29' "$tmp/script"
}

counts() {
	perf_event
	perf stat -x, -a -e mine:w -o "$tmp/stat" -- sh -c "echo 'w 1000 8' >$target/ctl" &&
		[ "$(awk -F, '/mine:w/ { print $1 }' "$tmp/stat")" = 1000 ]
}

trace_cmd() {
	perf_event
	trace-cmd record -q -e mine:w -f 'value < 5' -o "$tmp/dat" sh -c "echo 'w 30 8' >$target/ctl" >"$tmp/log" 2>&1 ||
		{ sed 's/^/# /' "$tmp/log"; return 1; }
	trace-cmd report -i "$tmp/dat" >"$tmp/report" 2>/dev/null
	[ "$(grep -cE ' w: +\(' "$tmp/report")" = 5 ] && grep -q 'old=3 value=4' "$tmp/report"
}

bpf() {
	perf_event
	"$HWBP_TESTBIN/bpf_wprobe" events/mine/w/id "$target/ctl" >"$tmp/bpf" || { sed 's/^/# /' "$tmp/bpf"; return 1; }
}

# === All ===

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
load
for length in 1 2 4 8; do
	check "ksym: $length bytes, old and new" values $length
	off
done
check "ksym: module:symbol, and offsets" by_module
check "ksym: a module that goes takes its watches along" unloading
check "ksym: and can be watched when it is there again" loaded_again
off
check "ksym: modules and instances that go at the same time" going_together
off
check "ksym: writes in interrupts and in what counts as an NMI" in_odd_contexts
off
for length in 1 2 4 8; do
	check "watch event: $length bytes, old and new" w_values $length
	off
done
check "watch event: waits for its module, each time" w_waits
off
check "watch event: not what is freed after a module's initialisation" w_init
off
check "watch event: not what doesn't fit, when its module comes" w_fits
off
if [ -e "$kvm/kvm.ko" ]; then
	check "watch event: triggers of a module that goes" w_triggers
else
	skip "watch event: triggers of a module that goes" "KVM is built in"
fi
off
check "watch event: a write to one object among 3000, while a function works on it" w_object
off
check "perf record, with a filter" samples
off
check "perf stat counts 1000 of 1000" counts
off
check "trace-cmd record, with a filter" trace_cmd
off
check "a BPF program of type kprobe" bpf
off
check "no register is held" holds_nothing
unload
tap_end
