#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tour's part inside the VM: three ways to the bug, and who writes to the kernel's own
# variables and holds the registers; all checked.
# Copyright (C) 2026 The hw_breakpoint authors
#
# show.sh FOLDER: where run.sh has built.
set -euo pipefail

program=$1/corrupt source=$1/corrupt.c busy=$1/busy hwbp=$1/hwbp
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
	printf '$%s\n' "$line" | names
	{ "$@" 2>&1 || true; } | names
}
# As they would be called.
names() { sed "s,$program,corrupt,; s,$busy,busy,; s,$hwbp,hwbp,"; }
# typed TEXT: as one would type it, and done.
typed() {
	echo "\$ $1"
	eval "$1" 2>&1 || true
}
# wait_until COMMAND...: it doesn't take long.
wait_until() {
	for _ in {1..300}; do
		! "$@" || return 0
		sleep 0.1
	done
	echo "waited in vain: $*"
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

cd /sys/kernel/tracing
title "hwbp watch: who changes a variable of the kernel, live"
shown "$hwbp" watch -n 4 jiffies | tee "$work/watch"
# on_by_one: four changes, each from what the one before has made, and more.
on_by_one() {
	local old new last='' n=0
	while read -r old new; do
		[ "$((new))" -gt "$((old))" ] && [ "${last:-$old}" = "$old" ] || return 1
		last=$new n=$((n + 1))
	done < <(sed -n 's/.* \(0x[0-9a-f]*\) -> \(0x[0-9a-f]*\)$/\1 \2/p' "$work/watch")
	[ "$n" = 4 ]
}
result "hwbp watch: 4 changes of jiffies, each as it happened" on_by_one
result "hwbp watch: nothing is left of it" [ ! -s dynamic_events ]

title "The ksym tracer: from what to what"
typed "echo 'panic_timeout:-w-' > ksym_trace_filter"
typed "echo ksym_tracer > current_tracer"
typed "echo 30 > /proc/sys/kernel/panic"
typed "echo 5 > /proc/sys/kernel/panic"
typed "grep ksym_hit trace" | tee "$work/trace"
result "ksym: panic_timeout was made 30, then 5" grep -q '0x0000001e -> 0x00000005 by .*proc_do' "$work/trace"

title "Four kinds of owners have all registers of CPU 1"
# Nobody else is to run there.
taskset -cp 0 $$ >/dev/null
echo '$ gdb busy: watch quiet, run &'
taskset -c 1 gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'watch quiet' -ex run "$busy" </dev/null >"$work/gdb" 2>&1 &
gdb=$!
on_oops=0x$(awk '$3 == "panic_on_oops" { print $1 }' /proc/kallsyms)
echo "\$ perf stat -a -e mem:$on_oops/4:w &"
perf stat -a -e "mem:$on_oops/4:w" sleep 1000 >"$work/stat" 2>&1 &
perf=$!
typed "echo 'w:max w@pid_max:4' > dynamic_events"
typed "echo 1 > events/wprobes/max/enable"
# owners: those in force on CPU 1, a word each.
owners() { sed -n 's/^register cpu=1 .*state=armed.* owner=\([a-z]*\).*/\1/p' /sys/kernel/debug/hw_breakpoint/slots | sort | xargs; }
all_four() { [ "$(owners)" = 'ksym perf ptrace wprobe' ]; }
wait_until all_four
# A task's register is in use while it runs, which something else on its CPU may interrupt: so
# what was shown is judged, not another list.
four_owners() {
	[ "$(grep -cE '^ +1 +[0-3] +armed .* (ksym|perf|ptrace|wprobe) ' "$work/list")" = 4 ]
}
listed() { "$hwbp" list >"$work/list" && four_owners; }
wait_until listed
shown cat "$work/list" | sed "1s/.*/$ hwbp list/"
result "hwbp list: ksym, perf, ptrace and a watch event on CPU 1" four_owners

title "The fifth is refused, and the kernel says why"
shown perf stat -C 1 -e "mem:$on_oops/1:w" true | grep -iE '^\$|no space' || true
shown "$hwbp" why -n 1 | tee "$work/why"
result "hwbp why: who wanted what, and who has it" grep -qE 'CPU 1: 3 its own \(.*ksym panic_timeout.*\), task busy/[0-9]+ holds 1 \(ptrace ' "$work/why"
pkill -x busy
kill "$perf"
wait "$gdb" "$perf" || true
echo 0 >events/wprobes/max/enable
echo >dynamic_events
echo >ksym_trace_filter

title "Summary"
printf '  %s\n' "${summary[@]}"
if [ "$failed" != 0 ]; then
	echo "$failed of ${#summary[@]} FAILED."
	exit 1
fi
echo "All ${#summary[@]} shown."
