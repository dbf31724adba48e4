# SPDX-License-Identifier: GPL-2.0-only
# Turns a VM's console and its reported status into one exit status; sourced.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=bash

# What a kernel says when something is wrong with it.
COMPLAINTS='WARNING: |BUG: |Oops|Kernel panic|general protection fault|unable to handle|UBSAN: |KASAN: '
COMPLAINTS+='|INFO: rcu|rcu: INFO|rcu.*detected .*stall|INFO: task .* blocked|possible (recursive|circular|irq)'
COMPLAINTS+='|inconsistent lock state|suspicious RCU usage|held lock freed|sleeping function called'
COMPLAINTS+='|scheduling while atomic|Invalid wait context|bad unlock balance|Bad page state|ODEBUG: '
COMPLAINTS+='|list_(add|del) corruption|Unhandled|double fault|soft lockup|refcount_t: '

# What a machine's own faults make the kernel say; a machine's script sets it.
EXCUSED=

# Statuses of our own, above those of commands: they say that the machine failed.
HUNG=124 COMPLAINED=99 DIED=98

# verdict CONSOLE STATUS RC SECONDS: STATUS is what the guest reported, empty if it
# didn't; RC is the emulator's, as timeout(1) gives it.
verdict() {
	local console=$1 status=$2 rc=$3 seconds=$4 line
	line=$(grep -nE "$COMPLAINTS" "$console" | grep -vE "${EXCUSED:-^$}" | head -n 1 | cut -d: -f1 || true)
	if [ -n "$line" ]; then
		sed -n "$((line > 5 ? line - 5 : 1)),$((line + 80))p" "$console" >&2
		say "failure: the kernel complained (above, from $console)"
		[[ $status =~ ^[1-9] ]] && return "$status"
		return $COMPLAINED
	fi
	if [[ $status =~ ^[0-9]+$ ]]; then
		return "$status"
	fi
	tail -n 60 "$console" >&2
	if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then
		say "failure: no verdict within TIMEOUT=$seconds s (console above, from $console)"
		return $HUNG
	fi
	say "failure: the machine ended without a verdict (console above, from $console)"
	return $DIED
}
