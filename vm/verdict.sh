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

# A file with the names of our functions, for KCSAN's reports; a machine's script sets it. Without
# it each report is about us.
FUNCTIONS=

# What runs the guest, where that is known: tcg or kvm; a machine's script sets it.
ACCELERATOR=

# What does an access on behalf of its caller, who is then the one that races.
HELPERS='^(_*(mem|str)[a-z]+|_*list_[a-z_]+|_*llist_[a-z_]+|_*rb_[a-z_]+|_*bitmap_[a-z_]+|_*find_[a-z_]*bit'
HELPERS+='|_*copy_(to|from)_[a-z_]+|sort(_r)?|bsearch)$'

# races CONSOLE: numbers of the lines with which KCSAN's reports begin, and "ours" or "others". Ours
# is one in which an access is ours: made by a function of ours, or by a helper for it. A function
# further up that called somebody who races did nothing wrong. KCSAN's own filter (a whitelist in
# debugfs) would need both accesses to be ours, and comes too late for the boot.
races() {
	awk -v functions="$FUNCTIONS" -v helpers="$HELPERS" '
		function end_report() {
			if (title)
				print title, mine ? "ours" : "others"
			title = look = mine = 0
		}
		BEGIN {
			while (functions != "" && (getline name < functions) > 0)
				known[name] = ++names
		}
		{ sub(/\r$/, ""); sub(/^\[[^]]*\] ?/, "") }
		/BUG: KCSAN: / { end_report(); title = NR; mine = !names; next }
		!title { next }
		/^=====/ { end_report(); next }
		/ by (task [0-9]+|interrupt) on cpu [0-9]+:$/ { look = 1; next }
		look && $1 ~ /\+0x[0-9a-f]+\/0x[0-9a-f]+$/ {
			name = $1
			sub(/\+0x.*/, "", name)
			if (name ~ helpers && !(name in known))
				next
			look = 0
			if (name in known || $2 ~ /^\[hw_breakpoint_/)
				mine = 1
		}
		END { end_report() }' "$1"
}

# The number of the first line that is a complaint, or nothing.
first_complaint() {
	{
		grep -nE "$COMPLAINTS" "$1" | grep -vE "BUG: KCSAN: |${EXCUSED:-^$}" | cut -d: -f1 || true
		races "$1" | sed -n 's/ ours$//p'
	} | sort -n | sed -n 1p
}

# Statuses of our own, above those of commands: they say that the machine failed.
HUNG=124 COMPLAINED=99 DIED=98

# verdict CONSOLE STATUS RC SECONDS: STATUS is what the guest reported, empty if it
# didn't; RC is the emulator's, as timeout(1) gives it.
verdict() {
	local console=$1 status=$2 rc=$3 seconds=$4 line others
	line=$(first_complaint "$console")
	others=$(races "$console" | grep -c ' others$' || true)
	[ "$others" = 0 ] || say "KCSAN: $others races in others' code, which aren't judged"
	if [ -n "$line" ]; then
		sed -n "$((line > 5 ? line - 5 : 1)),$((line + 80))p" "$console" >&2
		[ "$rc" != 124 ] || say "no verdict within TIMEOUT=$seconds s"
		say "failure: the kernel complained (above, from $console)"
		if [ "$ACCELERATOR" = tcg ] && sed -n "${line}p" "$console" | grep -q ' exc_debug_kernel+'; then
			say "on QEMU's TCG a single step over an instruction that hits a data watchpoint does this, and" \
				"then hangs, with any layer: use MACHINE=bochs (README.md, Limits)"
		fi
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
