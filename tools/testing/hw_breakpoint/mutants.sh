#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Breaks the pure parts one line at a time, in a copy, and requires that the tests see
# each break: a test that can't fail shows nothing.
#
# Arguments: SRC and O as the makefile has them.
#
# Copyright (C) 2026 The hw_breakpoint authors

set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
src=$1
work=$2/mutants
slots=kernel/hw_breakpoint_slots.c
dr7=arch/x86/kernel/hw_breakpoint_dr7.h
files=(include/linux/hw_breakpoint_promise.h include/uapi/linux/hw_breakpoint.h
       kernel/hw_breakpoint_slots.h "$slots" "$dr7")

killed=0 missed=0

# run TARGET FILE: with the tests that look at FILE only.
run() {
	local tests=dr7_test

	[ "$2" = "$dr7" ] ||
		tests='table_test table_random table_exhaustive_2x3 table_exhaustive_3x2'
	timeout 300 make --no-print-directory -f "$here/Makefile" SRC="$work/src" \
		O="$work/build" TESTS="$tests" STEPS=100000 STATES=30000 "$1" >"$work/log" 2>&1
}

# mutant WHAT FILE SED: WHAT is what goes wrong.
mutant() {
	local what=$1 file=$2

	sed -E -i "$3" "$work/src/$file"
	if cmp -s "$src/$file" "$work/src/$file"; then
		echo "not ok $((killed + ++missed)) - $what: the sources have no such line"
	elif ! run build "$file"; then
		cat "$work/log"
		echo "not ok $((killed + ++missed)) - $what: does not build"
	elif run check "$file"; then
		echo "not ok $((killed + ++missed)) - $what: not seen"
	else
		echo "ok $((++killed + missed)) - $what: $(grep -cE '^not ok' "$work/log") failed"
		grep -m1 -E 'unmet|^not ok' "$work/log" | sed 's/^/#   /'
	fi
	cp "$src/$file" "$work/src/$file"
}

mkdir -p "$work/src"
(cd "$src" && cp --parents "${files[@]}" "$work/src")

mutant "an account at the limit takes one more" $slots \
	'/^static bool account_fits/,/^}/ s/^(\s+)table->nr_slots\)/\1table->nr_slots + 1)/'
mutant "a CPU at the limit takes one more" $slots \
	'/^static bool cpu_fits/,/^}/ s/^(\s+)table->nr_slots;/\1table->nr_slots + 1;/'
mutant "a task's request looks at CPU 0 only" $slots \
	'/^static bool account_fits/,/^}/ s/levels_highest\(&table->cpus\)/table->cpu[0].slots/'
mutant "a request for every CPU forgets those for one CPU" $slots \
	'/^static bool account_fits/,/^}/ s/everywhere \+ run_weight\(run\)/everywhere/'
mutant "a request for every CPU looks at the first CPU's promises only" $slots \
	'/^next_run/,/^}/ s/if \(cpu >= 0\)/if (cpu >= -1)/'
mutant "a CPU looks at tasks with promises for every CPU only" $slots \
	's/return max\(.*/return levels_highest(\&table->tasks + 0 * cpu);/'
mutant "a promise for every CPU does not move the account on single CPUs" $slots \
	'/^static void account_count/,/^}/ s/run = first_run/run = cpu < 0 ? NULL : first_run/'
mutant "an account's place on a CPU leaves out its promises for every CPU" $slots \
	'/^static void account_count/,/^}/ s/account->everywhere \+ run_weight/run_weight/'
mutant "levels above the top one are lost on the way out" $slots \
	'/^static void levels_count/,/^}/ s/if \(level\)/if (level \&\& (by > 0 || level < 8))/'
mutant "promises are not kept in the order of CPUs" $slots \
	'/^static void promise_link/,/^}/ s/\(\*link\)->cpu < promise->cpu/false/'
mutant "a release forgets who holds the promise" $slots \
	'/^void hw_breakpoint_table_release/,/^}/ s/ \.holder = promise->holder//'
mutant "a CPU's own events stay listed" $slots \
	'/^static void promise_detach/,/^}/ s/^\t\tpromise_unlink.*//'
mutant "a release leaves the sum of the promises for every CPU" $slots \
	's/account->everywhere -= promise->weight/account->everywhere -= 0/'
mutant "a shrink is refused when all is full" $slots \
	's/if \(weight > promise->weight \&\&/if (/'
mutant "a resize is never refused" $slots \
	'/^int hw_breakpoint_table_resize/,/^}/ s/return -ENOSPC/return 0/'
mutant "settle does nothing" $slots \
	's/^(\s+)if \(!promise->weight \|\| !promise->family .*/\1if (promise)/'
mutant "settle takes the first promise it finds" $slots \
	's/while \(other \&\& other->family != promise->family\)/while (0)/'
mutant "settle moves one record and not the other" $slots \
	's/promise_attach\(table, other, account\)/promise_attach(table, other, holder)/'
mutant "settle mixes up what has no family" $slots \
	's/ \|\| !promise->family//'
mutant "an inherited copy is not counted as used" $slots \
	's/table->nr_promises\+\+/table->nr_promises += !account || !account->promises->next/'
mutant "a release is not idempotent" $slots \
	'/^void hw_breakpoint_table_release/,/^}/ s/!promise->weight/promise->cpu > 100/'
mutant "lengths 4 and 8 are exchanged" $dr7 \
	's/LEN_BYTES_8\s+0x8UL/LEN_BYTES_8 0xcUL/; s/LEN_BYTES_4\s+0xcUL/LEN_BYTES_4 0x8UL/'
mutant "execution keeps its length" $dr7 \
	's/if \(setting != DR7_RW_X\)/if (setting != 7)/'
mutant "the local enable is set instead of the global one" $dr7 \
	's/dr7_enable_bits\(reg, DR7_G\)/dr7_enable_bits(reg, DR7_L)/'
mutant "I/O is taken for reads and writes" $dr7 \
	's/case DR7_RW_RW:/case DR7_RW_IO: case DR7_RW_RW:/'
mutant "only the global enable counts" $dr7 \
	's/return dr7 \& dr7_enable_mask\(reg\)/return dr7 \& dr7_enable_bits(reg, DR7_G)/'

echo "1..$((killed + missed))"
echo "# $killed broken lines seen, $missed not seen"
[ "$missed" -eq 0 ]
