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
split=arch/x86/kernel/hw_breakpoint_split.h
regs=arch/x86/kernel/hw_breakpoint_registers.c
match=arch/x86/kernel/hw_breakpoint_registers.h
arm=overlay/patches/0100-x86-debugreg.patch

killed=0 missed=0

# run TARGET FILE: with the tests that look at FILE only. What is broken may be used no more.
run() {
	local tests

	case $2 in
	"$dr7") tests=dr7_test ;;
	"$split") tests=split_test ;;
	"$regs" | "$match" | "$arm") tests=registers_test ;;
	*) tests='table_test table_random table_exhaustive_2x3 table_exhaustive_3x2' ;;
	esac
	timeout 100 make --no-print-directory -f "$here/Makefile" SRC="$work/src" \
		O="$work/build" TESTS="$tests" MODELS= STEPS=100000 STATES=30000 CFLAGS=-Wno-error "$1" >"$work/log" 2>&1
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
		{ grep -m1 -E "unmet|^not ok" "$work/log" || echo "it did not come to an end"; } | sed 's/^/#   /'
	fi
	cp "$src/$file" "$work/src/$file"
}

mkdir -p "$work/src"
(cd "$src" && cp --parents include/linux/hw_breakpoint*.h include/uapi/linux/hw_breakpoint.h \
	kernel/hw_breakpoint_slots.* arch/x86/kernel/hw_breakpoint_*.[ch] \
	arch/x86/include/asm/hw_breakpoint.h "$arm" "$work/src")

mutant "an account at the limit takes one more" $slots \
	'/^static bool account_fits/,/^}/ s/everywhere \+ own > table->nr_slots/everywhere + own > table->nr_slots + 1/'
mutant "a CPU at the limit takes one more" $slots \
	'/^static bool cpu_fits/,/^}/ s/more <= table->nr_slots;/more <= table->nr_slots + 1;/'
mutant "a task's request looks at CPU 0 only" $slots \
	'/^static bool account_fits/,/^}/ s/own = max\(own, cpu_of\(table, c\)->slots\)/own = c ? own : cpu_of(table, c)->slots/'
mutant "a request for every CPU forgets those for one CPU" $slots \
	'/^static bool account_fits/,/^}/ s/everywhere \+ run_weight\(run\)/everywhere/'
mutant "so does the one with one lock" $slots \
	'/^static bool account_within_room/,/^}/ s/everywhere \+ run_weight\(run\)/everywhere/'
mutant "a request for every CPU looks at the first CPU's promises only" $slots \
	'/^next_run/,/^}/ s/if \(cpu >= 0\)/if (cpu >= -1)/'
mutant "a CPU looks at tasks with promises for every CPU only" $slots \
	'/^static unsigned int busiest_on/,/^}/ s/!atomic_read\(.*\)\)/!(cpu ? 0 : 1))/'
mutant "a CPU looks at its own share of tasks only" $slots \
	'/^static unsigned int busiest_everywhere/,/^}/ s/nr\[level\] \+= cpu_of\(table, cpu\)/nr[level] = cpu_of(table, cpu)/'
mutant "a promise for every CPU does not move the account on single CPUs" $slots \
	'/^static void account_count/,/^}/ s/run = first_run/run = cpu < 0 ? NULL : first_run/'
mutant "an account's place on a CPU leaves out its promises for every CPU" $slots \
	'/^static void account_count/,/^}/ s/account->everywhere \+ run_weight/run_weight/'
mutant "levels above the top one are lost on the way out" $slots \
	'/^static void count_task/,/^}/ s/if \(slots\)/if (slots \&\& (by > 0 || slots < 8))/'
mutant "promises are not kept in the order of CPUs" $slots \
	'/^static void promise_link/,/^}/ s/\(\*link\)->cpu < promise->cpu/false/'
mutant "a release forgets who holds the promise" $slots \
	'/^static void promise_clear/,/^}/ s/promise->next = NULL;/promise->holder = NULL;/'
mutant "a CPU's own events stay counted" $slots \
	'/^static void promise_detach/,/^}/ s/->slots -= promise->weight/->slots -= 0/'
mutant "a release leaves the sum of the promises for every CPU" $slots \
	's/account->everywhere -= promise->weight/account->everywhere -= 0/'
mutant "a shrink is refused when all is full" $slots \
	's/if \(weight > promise->weight\)$/if (weight)/'
mutant "a resize is never refused" $slots \
	'/^int hw_breakpoint_table_resize/,/^}/ s/return err;/return err == -EAGAIN ? err : 0;/'
mutant "one lock is enough to refuse" $slots \
	'/^static int admit\(/,/^}/ s/return -EAGAIN/return -ENOSPC/'
mutant "one lock is enough to refuse what others have" $slots \
	'/^static int admit\(/,/^}/ s/if \(account \&\& hw_breakpoint_account_most\(account, cpu\) \+/if (account \&\& 2 + hw_breakpoint_account_most(account, cpu) +/'
mutant "one lock is enough to move rooms" $slots \
	'/^static int admit\(/,/^}/ s/if \(held != HW_BREAKPOINT_ALL_LOCKS\)/if (held > 99)/'
mutant "the floor stays as it was" $slots \
	'/^static void make_cpu_room/,/^}/ s/set_floor\(table\)/(void)0/'
mutant "only CPU 0 knows the floor" $slots \
	'/^static void set_floor/,/^}/ s/cpu_of\(table, cpu\)->floor = floor/cpu_of(table, 0)->floor = floor/'
mutant "a task's room leaves the CPU its own" $slots \
	'/^static void give_to_tasks/,/^}/ s/^\tcpu->cpu_room = .*//'
mutant "a CPU's room leaves tasks theirs" $slots \
	'/^static void give_to_cpu/,/^}/ s/^\tcpu->task_room = .*//'
mutant "a room is given where tasks are" $slots \
	'/^static void make_cpu_room/,/^}/ s/busiest_on\(.*\) \+ slots <= /slots <= everywhere * 0 + /'
mutant "what an inherited copy has in excess is lawful for tasks" $slots \
	'/^static void give_to_tasks/,/^}/ s/lawful = min\(slots, table->nr_slots - cpu->slots\)/lawful = slots/'
mutant "what an inherited copy has is free for the CPU" $slots \
	'/^static int admit_anyway/,/^}/ s/make_task_room\(/if (0) make_task_room(/'
mutant "a wide request looks at CPU 0 only" $slots \
	'/^int hw_breakpoint_table_set_wide/,/^}/ s/is_full\(table, cpu, /is_full(table, 0, /'
mutant "a wide request makes no room" $slots \
	'/^int hw_breakpoint_table_set_wide/,/^}/ s/give_to_cpu\(.*\);/(void)this;/'
mutant "a wide promise that grows asks for all of it anew" $slots \
	'/^static bool is_full/,/^}/ s/weight - held\)/weight)/'
mutant "a wide promise that grows is never refused" $slots \
	'/^static bool is_full/,/^}/ s/return weight > table->nr_slots \|\| .*/return weight > table->nr_slots;/'
mutant "what is moved stays where it was, too" $slots \
	'/^bool hw_breakpoint_table_move/,/^}/ s/promise_weigh\(table, held, from, rest\)/(void)0/'
mutant "what is moved goes to whomever" $slots \
	'/^bool hw_breakpoint_table_move/,/^}/ s/to->account != from->account \|\| //'
mutant "what is moved goes to another CPU" $slots \
	'/^bool hw_breakpoint_table_move/,/^}/ s/ \|\| to->cpu != from->cpu//'
mutant "an exit leaves the task's other record" $slots \
	's/return inherit_place\(table, held, promise, other\);/return 0;/'
mutant "an exit takes the first record that it finds" $slots \
	's/while \(promise \&\& promise->family != family\)/while (0)/'
mutant "an exit takes no other record's place" $slots \
	's/promise_attach\(table, held, heir, account\)/promise_clear(heir)/'
mutant "a copy without a record relieves nobody" $slots \
	's/other \&\& !promise->weight \? other : promise/promise/'
mutant "a release is not idempotent" $slots \
	'/^void hw_breakpoint_table_release\(/,/^}/ s/!promise->weight/promise->cpu > 100/'
mutant "lengths 4 and 8 are exchanged" $dr7 \
	's/LEN_BYTES_8\s+0x8UL/LEN_BYTES_8 0xcUL/; s/LEN_BYTES_4\s+0xcUL/LEN_BYTES_4 0x8UL/'
mutant "execution keeps its length" $dr7 \
	's/return setting == DR7_RW_X \?/return setting == 7 ?/'
mutant "each register has the local enable, too" $dr7 \
	's/dr7_enable_bits\(0, DR7_G\) \* /dr7_enable_bits(0, DR7_L | DR7_G) * /'
mutant "the local enable is set instead of the global one" $dr7 \
	's/dr7_enable_bits\(reg, DR7_G\)/dr7_enable_bits(reg, DR7_L)/'
mutant "I/O is taken for reads and writes" $dr7 \
	's/case DR7_RW_RW:/case DR7_RW_IO: case DR7_RW_RW:/'
mutant "only the global enable counts" $dr7 \
	's/return dr7 \& dr7_enable_mask\(reg\)/return dr7 \& dr7_enable_bits(reg, DR7_G)/'
mutant "a block goes beyond the end" $split \
	's/block > len \|\| //'
mutant "a block stands where it can't" $split \
	's/ \|\| start \& \(block - 1\)//'
mutant "no block is the largest" $split \
	's/u64 block = largest;/u64 block = largest \/ 2;/'
mutant "one register more than there are" $split \
	's/nr == max/nr > max/'
mutant "a register is the new one's before it is stale" $regs \
	'/^static void __kprobes want_stale/,/^}/ s/^\twant\(stale\(BIT\(i\)\)\);//'
mutant "a register is free before it is empty" $regs \
	'/^static nokprobe_inline void give_up/,/^}/ { s/__clear_bit\(i, \&regs->taken\);//; s/WRITE_ONCE/__clear_bit(i, \&regs->taken); WRITE_ONCE/ }'
mutant "what an NMI wants instead is not loaded" $regs \
	'/^static nokprobe_inline void load\(/,/^}/ { s/\} while \(READ_ONCE.*/} while (0 \&\&/; s/\(masks \&\& READ_ONCE\(piece->mask\) != mask\)/piece/ }'
mutant "a stale register is loaded while it is armed" $regs \
	'/^static unsigned long __kprobes load_stale/,/^}/ s/disarm_for_commit\(\);//'
mutant "a commit doesn't look again" $regs \
	'/^static void __kprobes program\(/,/^}/ s/\} while \(this_cpu_read\(.*/} while (0);/'
mutant "nor does the one for the last" $regs \
	'/^static nokprobe_inline bool program_last/,/^}/ s/return !this_cpu_read.*/return true;/'
mutant "nor does the one for the first" $regs \
	'/^static nokprobe_inline bool program_first/,/^}/ s/this_cpu_read\(debug_registers.wanted_dr7\) != dr7/0/'
mutant "a commit in an NMI divides another" $regs \
	'/^static noinline void __kprobes program_all/,/^}/ s/ \&\& !\(this_cpu_read.*/)/'
mutant "what is armed may be outdated" $arm \
	'/^\+.* hw_breakpoint_arm\(/,/^\+}/ s/dr7 = this_cpu_read\(cpu_dr7\)/dr7 = written/'
mutant "a match of a stale register is somebody's" $match \
	'/^owner_of_match/,/^}/ s/ \|\| READ_ONCE\(regs->wanted_dr7\).*/)/'
mutant "cpu_dr7 is cleared before DR7" $regs \
	'/^static nokprobe_inline bool program_last/,/^}/ { s/this_cpu_write\(cpu_dr7, 0\);//; s/disarm\(\);/this_cpu_write(cpu_dr7, 0); step(); disarm();/ }'
mutant "what is lent is loaded at once" $regs \
	'/^static nokprobe_inline bool is_lent/,/^}/ s/return .*/return false;/'
mutant "what a guest has had is taken for loaded" $regs \
	'/^void hw_breakpoint_guest_enter\(/,/^}/ s/regs->known = 0;//'
mutant "what the CPU has lost is taken for loaded" $regs \
	'/^void hw_breakpoint_reset/,/^}/ s/this_cpu_write\(debug_registers.known, 0\);//'
mutant "what is not known to be there is not loaded" $regs \
	'/^static void __kprobes take_back/,/^}/ s/want\(stale.*//'
mutant "an NMI arms what is being taken back" $regs \
	'/^static void __kprobes take_back/,/^}/ s/^\thold\(\);//; /^static void __kprobes take_back/,/^}/ s/^\tunhold\(\);//'
mutant "who moves elsewhere keeps the register until then" $regs \
	'/^static noinline int __kprobes load_elsewhere/,/^}/ { s/give_up\(regs, i\);//; s/return add_unloaded\(.*/int err = add_unloaded(regs, NO_REGISTER, piece); give_up(regs, i); return err;/ }'
mutant "a mask is taken for written" $regs \
	'/^static void __kprobes write_mask/,/^}/ s/if \(!known\)/if (0)/'
mutant "what another kernel left in the masks is taken for zero" $regs \
	's/\.masked = DR7_ALL_REGS/.masked = 0/'
mutant "a guest has a mask of the host's" $regs \
	'/^void hw_breakpoint_guest_enter\(/,/^}/ s/if \(unlikely\(regs->masked\)\)/if (0)/'
mutant "so has one with protected state" $regs \
	'/^void hw_breakpoint_guest_enter\(/,/^}/ s/if \(unlikely\(regs->masked\)\)/if (regs->masked \&\& *address)/'
mutant "a guest's entry writes masks though none was used" $regs \
	'/^void hw_breakpoint_guest_enter\(/,/^}/ { s/if \(unlikely\(regs->masked\)\)/if (1)/; s/regs->masked/DR7_ALL_REGS/ }'
mutant "a mask stays when its breakpoint goes" $regs \
	'/^static noinline void __kprobes del_elsewhere/,/^}/ s/clear_mask\(regs, i\);//'
mutant "what has a mask is deleted like what has none" $regs \
	'/^static void __kprobes set_last/,/^}/ s/if \(!piece->mask\)/if (1)/'
mutant "what is deleted is taken to have its mask still" $regs \
	'/^static void __kprobes write_mask/,/^}/ s/regs->mask\[i\] = mask;/if (mask) regs->mask[i] = mask;/'
mutant "a moved breakpoint stays where it was" $regs \
	'/^void __kprobes arch_hw_breakpoint_move/,/^}/ s/^\twant\(.*//'
mutant "an NMI moves half of a breakpoint" $regs \
	'/^static void __kprobes move_pieces/,/^}/ s/\} while \(.*/} while (0);/'
mutant "only the first piece goes" $regs \
	'/^static noinline void __kprobes del_pieces/,/^}/ s/i < HBP_NUM/i < 1/'
mutant "of what has no room a piece stays" $regs \
	'/^static noinline int __kprobes add_pieces/,/^}/ { s/while \(i--\)/while (0)/; s/free < hw->nr_pieces/0/ }'

echo "1..$((killed + missed))"
echo "# $killed broken lines seen, $missed not seen"
[ "$missed" -eq 0 ]
