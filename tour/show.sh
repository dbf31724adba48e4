#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tour's part inside the VM: three ways to the bug, each one checked.
# Copyright (C) 2026 The hw_breakpoint authors
#
# show.sh PROGRAM SOURCE
set -euo pipefail

program=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
summary=()
failed=0

title() { printf '\n== %s\n' "$*"; }
# shown COMMAND...: as one would type it.
shown() {
	local word line=
	for word; do
		[[ $word != *' '* ]] || word="'$word'"
		line+=" $word"
	done
	printf '$%s\n' "${line//$program/corrupt}"
	{ "$@" 2>&1 || true; } | sed "s,$program,corrupt,"
}
# result "what was shown" COMMAND...: ok if the command succeeds.
result() {
	local what=$1
	shift
	if "$@"; then
		summary+=("ok      $what")
	else
		summary+=("FAILED  $what")
		failed=$((failed + 1))
	fi
}
# line_of TEXT: the source's line that has it.
line_of() { grep -nF "$1" "$source" | head -n 1 | cut -d: -f1; }

stray=$(line_of '*to++ = *name++')
payment=$(line_of 'balance += amount')
eval "$("$program" where)"
# balance and set_owner: addresses, from the line above.
# shellcheck disable=SC2154
write="mem:$balance/8:w" call="mem:$set_owner:x"

echo "Linux $(uname -r), $(uname -m), $(nproc) CPUs: a VM, its breakpoint layer is the flavour $FLAVOUR"

title "The bug: 4 x 250 were paid in, and the balance is another"
shown "$program" || true
echo 'corrupt.c:'
cat -n "$source" | sed -n '/struct account {/,/};/p; /static void set_owner/,/}/p; /static long deposit/,/}/p'

title "perf record: a sample at each write to the 8 bytes of the balance"
shown perf record -q -e "$write:u" -o balance.data "$program" || true
shown perf report -i balance.data --stdio -q -n -F sample,sym,srcline | tee report | grep -v '^$' || true
# sampled LINE: how many samples the report has at it.
sampled() { awk -v at="corrupt.c:$1" '$NF == at { n += $1 } END { print n + 0 }' report; }
result "perf record + report: 4 writes by deposit(), corrupt.c:$payment" [ "$(sampled "$payment")" = 4 ]
result "perf record + report: 1 write by set_owner(), corrupt.c:$stray, that isn't its own" [ "$(sampled "$stray")" = 1 ]
echo "-> deposit() may write there, set_owner() may not: line $stray copied a zero behind owner[8]"

title "gdb: stop when the balance becomes what no payment makes it"
shown gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'watch account.balance if account.balance % 250' \
	-ex run -ex backtrace "$program" </dev/null | grep -vE '^$|libthread_db' | tee stop || true
result "gdb watch: a hardware watchpoint" grep -q '^Hardware watchpoint 1: account.balance$' stop
result "gdb watch: old value 1000, new value 768, in set_owner(), corrupt.c:$stray" \
	grep -qzP "Old value = 1000\nNew value = 768\n0x[0-9a-f]+ in set_owner .* at corrupt\.c:$stray\n" stop

title "perf stat: an execution breakpoint counts the calls of set_owner()"
shown perf stat -e "$call:u" "$program" | grep -v '^$' | tee calls || true
result "perf stat: set_owner() was entered 3 times" grep -qE "^ +3 +$call:u" calls

title "Summary"
printf '  %s\n' "${summary[@]}"
if [ "$failed" != 0 ]; then
	echo "$failed of ${#summary[@]} FAILED."
	exit 1
fi
echo "All ${#summary[@]} shown."
