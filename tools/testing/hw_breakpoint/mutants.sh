#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Breaks the pure parts one line at a time, in a copy, and requires that the tests see
# each break: a test that can't fail shows nothing.
#
# Arguments: SRC and O as the makefile has them; and a pattern: only what is in files that match.
#
# Copyright (C) 2026 The hw_breakpoint authors

set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
src=$1
work=$2/mutants
only=${3:-}
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
	*) tests='table_test table_random table_exhaustive' ;;
	esac
	timeout 100 make --no-print-directory -f "$here/Makefile" SRC="$work/src" \
		O="$work/build" TESTS="$tests" MODELS= STEPS=100000 STATES=30000 SCENARIOS=0 CFLAGS=-Wno-error "$1" >"$work/log" 2>&1
}

# mutant WHAT FILE SED: WHAT is what goes wrong.
mutant() {
	local what=$1 file=$2

	[[ $file =~ $only ]] || return 0
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

mutant "a CPU's own charge may be one too many" $slots \
	'/^[a-z].*\bchange_own\(/,/^}/ { s/by > left_on\(cpu\) \|\|/by > left_on(cpu) + 1 ||/ }'
mutant "a CPU's own charge forgets contexts on that CPU" $slots \
	'/^[a-z].*\bchange_own\(/,/^}/ { s/busiest_bound_to\(cpu\) > .* \|\|$/0 ||/ }'
mutant "a CPU's own charge leaves contexts one too few" $slots \
	'/^[a-z].*\bchange_own\(/,/^}/ { s/busiest_bound_to\(cpu\) > left_on\(cpu\) - by/busiest_bound_to(cpu) > left_on(cpu) - by + 1/ }'
mutant "a CPU's own charge forgets contexts on any CPU" $slots \
	'/^[a-z].*\bchange_own\(/,/^}/ { s/!lower_limit\(.*\)\)/0)/ }'
mutant "a CPU's own charge leaves limit one too high" $slots \
	'/^[a-z].*\bchange_own\(/,/^}/ { s/!lower_limit\(left_on\(cpu\) - by/!lower_limit(left_on(cpu) - by + 1/ }'
mutant "a charge for every CPU looks at the first only" $slots \
	'/^[a-z].*\bchange_wide\(/,/^}/ { s/for_each_possible_cpu\(cpu\)/for (cpu = 0; cpu < 1; cpu++)/ }'
mutant "a charge for every CPU leaves limit as it is" $slots \
	'/^[a-z].*\bchange_wide\(/,/^}/ { s/lower_limit\(capacity - by\)/lower_limit(capacity)/ }'
mutant "a charge for every CPU isn't counted" $slots \
	'/^[a-z].*\bchange_wide\(/,/^}/ { s/wide \+ by/wide/ }'
mutant "a context may have one too many" $slots \
	'/^[a-z].*\bchange_everywhere\(/,/^}/ { s/to > capacity/to > capacity + 1/ }'
mutant "so it may in the fast path" $slots \
	'/^[a-z].*\bcharge_fast\(/,/^}/ { s/to > READ_ONCE\(capacity\)/to > READ_ONCE(capacity) + 1/ }'
mutant "the fast path refuses what is above limit" $slots \
	'/^[a-z].*\bcharge_fast\(/,/^}/ { s/to > READ_ONCE\(capacity\)/to > READ_ONCE(limit)/ }'
mutant "the fast path looks at no limit" $slots \
	'/^[a-z].*\btry_move\(/,/^}/ { s/to <= READ_ONCE\(limit\)/true/ }'
mutant "a copy is counted above limit" $slots \
	'/^[a-z].*\bcharge_fast\(/,/^}/ { s/!try_move\(account, to\)/(!covered || !READ_ONCE(account)) \&\& !try_move(account, to)/ }'
mutant "the fast path isn't marked" $slots \
	'/^[a-z].*\btry_move\(/,/^}/ { s/this_cpu_write\(shard.in_flight, 1\)/(void)0/ }'
mutant "the mark comes after the look at limit" $slots \
	'/^[a-z].*\btry_move\(/,/^}/ { s/this_cpu_write\(shard.in_flight, 1\);//; s/^\tif \(within\)/\tthis_cpu_write(shard.in_flight, 1);\n\tif (within)/ }'
mutant "the mark goes before the context is counted" $slots \
	'/^[a-z].*\btry_move\(/,/^}/ { s/smp_store_release.*//; s/^\tif \(within\)/\tthis_cpu_write(shard.in_flight, 0);\n\tif (within)/ }'
mutant "nobody waits for those in flight" $slots \
	'/^[a-z].*\blower_limit\(/,/^}/ { s/smp_cond_load_acquire\(.*/;/ }'
mutant "only CPU 0 is waited for" $slots \
	'/^[a-z].*\blower_limit\(/,/^}/ { s/for_each_possible_cpu\(cpu\)/for (cpu = 0; cpu < 1; cpu++)/ }'
mutant "limit stays low after a refusal" $slots \
	'/^[a-z].*\blower_limit\(/,/^}/ { s/WRITE_ONCE\(limit, old\);// }'
mutant "what is below limit isn't refused" $slots \
	'/^[a-z].*\blower_limit\(/,/^}/ { s/return false/return true/ }'
mutant "limit isn't raised in the slow path" $slots \
	'/^[a-z].*\bchange_everywhere\(/,/^}/ { s/if \(to > limit\)/if (0)/ }'
mutant "a context forgets its charges for single CPUs" $slots \
	'/^[a-z].*\bfits_on_cpus\(/,/^}/ { s/return false/return true/ }'
mutant "a context stays where it was on single CPUs" $slots \
	'/^[a-z].*\bchange_everywhere\(/,/^}/ { s/if \(account->on_cpu\)/if (0)/ }'
mutant "a single CPU may have one too many" $slots \
	'/^[a-z].*\bchange_on_cpu\(/,/^}/ { s/> left_on\(cpu\)/> left_on(cpu) + 1/ }'
mutant "a single CPU forgets the charges for any CPU" $slots \
	'/^[a-z].*\bchange_on_cpu\(/,/^}/ { s/account->everywhere \+ has >/has >/ }'
mutant "charges for single CPUs aren't counted" $slots \
	'/^[a-z].*\bchange_on_cpu\(/,/^}/ { s/account->nr_on_cpu \+= by/account->nr_on_cpu += 0/ }'
mutant "a context stays at its old number on a CPU" $slots \
	'/^[a-z].*\bmove_on_cpu\(/,/^}/ { s/if \(from\)/if (0)/ }'
mutant "a context stays at its old number" $slots \
	'/^[a-z].*\bmove_account\(/,/^}/ { s/if \(from\)/if (0)/ }'
mutant "only one shard is summed" $slots \
	'/^[a-z].*\bsum_shards\(/,/^}/ { s/for_each_possible_cpu\(cpu\)/for (cpu = 0; cpu < 1; cpu++)/ }'
mutant "the sums don't begin at the top" $slots \
	'/^[a-z].*\bhw_breakpoint_busiest_everywhere\(/,/^}/ { s/n = nr_slots/n = nr_slots - 1/ }'
mutant "the sums go from low to high" $slots \
	'/^[a-z].*\bhw_breakpoint_busiest_everywhere\(/,/^}/ { s/unsigned int n = nr_slots;/unsigned int n, top = 0; for (n = 1; n <= nr_slots; n++) if (sum_shards(n) > 0) top = n; return top;/ }'
mutant "capacity forgets what is reserved on every CPU" $slots \
	'/^[a-z].*\bupdate_capacity\(/,/^}/ { s/nr_slots - wide - own/nr_slots - own/ }'
mutant "capacity is as on the first CPU" $slots \
	'/^[a-z].*\bupdate_capacity\(/,/^}/ { s/nr_slots - wide - own/left_on(0)/ }'
mutant "a context at its task limit is refused" $slots \
	'/^[a-z].*\bchange_locked\(/,/^}/ { s/by > task_limit/by >= task_limit/ }'
mutant "so it is in the fast path" $slots \
	'/^[a-z].*\bcharge_fast\(/,/^}/ { s/to > task_limit/to >= task_limit/ }'
mutant "the task limit forgets single CPUs" $slots \
	'/^[a-z].*\bhw_breakpoint_account_most\(/,/^}/ { s/for_each_possible_cpu\(cpu\)/for (cpu = 0; cpu < 1; cpu++)/ }'
mutant "what was closed can be charged again" $slots \
	'/^[a-z].*\bclose_charge\(/,/^}/ { s/smp_store_release.*// }'
mutant "nothing is closed in the fast path" $slots \
	'/^[a-z].*\bcharge_fast\(/,/^}/ { s/^\t\tclose_charge.*/\t\t;/ }'
mutant "nothing is closed in the slow path" $slots \
	'/^[a-z].*\bchange_account_slowly\(/,/^}/ { s/^\t\t\tclose_charge.*/\t\t\t;/ }'
mutant "an empty array is kept" $slots \
	'/^[a-z].*\bchange_account_slowly\(/,/^}/ { s/empty = account->nr_on_cpu \? .*/empty = NULL;/ }'
mutant "an array goes too early" $slots \
	'/^[a-z].*\bchange_account_slowly\(/,/^}/ { s/account->nr_on_cpu \? NULL : // }'
mutant "an array is forgotten" $slots \
	'/^[a-z].*\bchange_account_slowly\(/,/^}/ { s/kvfree_rcu_mightsleep.*// }'
mutant "to give back takes memory" $slots \
	'/^[a-z].*\bchange_account_slowly\(/,/^}/ { s/if \(weight \&\& /if (/ }'
mutant "the fast path is for all contexts" $slots \
	'/^[a-z].*\bcharge_fast\(/,/^}/ { s/if \(account->on_cpu\)/if (0)/ }'
mutant "the debugger goes on with the mutex held" $slots \
	'/^[a-z].*\btable_is_in_use\(/,/^}/ { s/mutex_is_locked\(.*\)\)/0)/ }'
mutant "the debugger goes on with a CPU in flight" $slots \
	'/^[a-z].*\btable_is_in_use\(/,/^}/ { s/if \(READ_ONCE.*/if (0)/ }'
mutant "lengths 4 and 8 are exchanged" $dr7 \
	'/dr7_setting\(/,/^}/ { s/DR_LEN_4/DR_LEN_8/; t; s/DR_LEN_8/DR_LEN_4/ }'
mutant "execution keeps its length" $dr7 \
	's/return DR_RW_EXECUTE \| DR_LEN_1/return DR_RW_EXECUTE | (len == 8 ? DR_LEN_8 : DR_LEN_1)/'
mutant "each register has the local enable, too" $dr7 \
	's/\| DR_GLOBAL_ENABLE_MASK/| DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK/'
mutant "the local enable is set instead of the global one" $dr7 \
	's/\| DR_GLOBAL_ENABLE_MASK/| DR_LOCAL_ENABLE_MASK/'
mutant "I/O is taken for reads and writes" $dr7 \
	's/case DR_RW_READ:/case 2: case DR_RW_READ:/'
mutant "only the global enable counts" $dr7 \
	'/ dr7_enabled\(/,/^}/ s/\(DR_LOCAL_ENABLE \| DR_GLOBAL_ENABLE\)/DR_GLOBAL_ENABLE/'
mutant "a block goes beyond the end" $split \
	's/block > len \|\| //'
mutant "a block stands where it can't" $split \
	's/ \|\| start \& \(block - 1\)//'
mutant "no block is the largest" $split \
	's/u64 block = largest;/u64 block = largest \/ 2;/'
mutant "one register more than there are" $split \
	's/nr == max/nr > max/'
mutant "a register that holds something else is armed" $regs \
	's/dr7 \|= LOAD\(i\);/(void)0;/'
mutant "an armed register is loaded" $regs \
	'/ load_registers\(/,/^}/ s/if \(armed\)/if (0)/'
mutant "a register is its new owner's before it is off" $regs \
	'/ load_registers\(/,/^}/ { s/^\tthis_cpu_and\(.*//; s/^\tunsigned long i, armed = 0;/&\n\tthis_cpu_and(debug_registers.wanted_dr7, ~(set << LOAD_SHIFT));/ }'
mutant "what an NMI moves while registers are loaded is lost" $regs \
	'/ load_registers\(/,/^}/ { s/^\tthis_cpu_and\(.*//; s/^\t\tload\(regs, i\);/&\n\tthis_cpu_and(debug_registers.wanted_dr7, ~(set << LOAD_SHIFT));/ }'
mutant "what an NMI has left is not done after an addition" $regs \
	'/arch_hw_breakpoint_add\(/,/^}/ s/if \(end\(\)\)/if (end(), true)/'
mutant "nor after a deletion" $regs \
	'/arch_hw_breakpoint_del\(/,/^}/ s/if \(end\(\)\)/if (end(), true)/'
mutant "nor after a commit" $regs \
	'/arch_hw_breakpoint_commit\(/,/^}/ s/if \(end\(\)\)/if (end(), true)/'
mutant "nor after an addition that takes longer" $regs \
	'/ add_slowly\(/,/^}/ s/program_pending\(\);//'
mutant "nor after a deletion that does" $regs \
	'/ del_slowly\(/,/^}/ s/program_pending\(\);//'
mutant "what an NMI has left is done once, and not again" $regs \
	'/ program_pending\(/,/^}/ s/while \(/if (/'
mutant "what was added when an NMI came is added again" $regs \
	'/ add_slowly\(/,/^}/ s/if \(this_cpu_read.*/if (this_cpu_read(debug_registers.section) || 1) {/'
mutant "an NMI programs in the middle of a section" $regs \
	'/ program_pending\(/,/^}/ s/== SECTION_AGAIN/\& SECTION_AGAIN/'
mutant "the debugger divides a change" $regs \
	'/arch_hw_breakpoint_is_busy\(/,/^}/ s/return .*/return false;/'
mutant "a commit doesn't load" $regs \
	'/arch_hw_breakpoint_commit\(/,/^}/ s/!\(dr7 \& LOAD_ALL\)/1/'
mutant "an NMI arms again what is being disarmed" $regs \
	'/ disarm\(/,/^}/ { s/this_cpu_inc\(.*//; s/this_cpu_dec\(.*// }'
mutant "cpu_dr7 is cleared before DR7" $regs \
	'/ disarm\(/,/^}/ { s/^\tthis_cpu_write.*//; s/^\twrite_dr7.*/\tthis_cpu_write(cpu_dr7, 0);\n&/ }'
mutant "DR7 is set before cpu_dr7" $regs \
	'/ arm\(/,/^}/ { s/^\tthis_cpu_write.*//; s/^\t\twrite_dr7\(dr7\);/&\n\tthis_cpu_write(cpu_dr7, dr7);/ }'
mutant "DR7 is armed while somebody holds it at zero" $regs \
	'/ arm\(/,/^}/ s/!this_cpu_read\(cpu_dr7_held\)/1/'
mutant "DR7 is zeroed before it is held" $arm \
	'/ cpu_dr7_hold\(/,/^.}/ { s/^\+\tthis_cpu_or.*/+/; s/^ \tset_debugreg.*/&\n+\tthis_cpu_or(cpu_dr7_held, mark);/ }'
mutant "what the end of a trap arms may be outdated" $arm \
	's/^\+\twhile \(armed != \(dr7 = (.*)\)\) \{/+\tfor (dr7 = \1; armed != dr7;) {/'
mutant "the end of a trap arms while somebody holds DR7" $arm \
	'/^\+\tif \(this_cpu_read\(cpu_dr7_held\)\)/,/^\+\t\treturn;/ s/^\+.*/+/'
mutant "a match of a register that is to be loaded is somebody's" $match \
	'/^owner_of_match/,/^}/ s/register_bits\[i\]/DR7_SLOT_MASK(i)/'
mutant "a match of another type is the new owner's" $match \
	'/^owner_of_match/,/^}/ s/\(READ_ONCE\(regs->wanted_dr7\) \^ dr7\) \& register_bits\[i\]/READ_ONCE(regs->wanted_dr7) \& LOAD(i)/'
mutant "what is lent is loaded at once" $regs \
	'/ program_once\(/,/^}/ s/cpu_dr7_held\) \& CPU_DR7_GUEST/cpu_dr7_held) \& 0/'
mutant "an NMI arms what a guest has left" $regs \
	'/ forget_contents\(/,/^}/ s/^\tthis_cpu_write.*//'
mutant "what a guest has had is taken for loaded" $regs \
	'/ forget_contents\(/,/^}/ s/regs->contents\[i\] \|= ADDRESS_UNKNOWN;//'
mutant "what isn't known to be there is not loaded" $regs \
	'/ forget_contents\(/,/^}/ s/want\(LOAD\(i\)\)/(void)0/'
mutant "an event that comes back doesn't ask whether a guest had its register" $regs \
	's/ \&\&$/ \&\& true \&\&/; s/!this_cpu_read\(debug_registers.contents\[i\]\)/true/'
mutant "nor whether another event had it" $regs \
	's/this_cpu_read\(debug_registers.address\[i\]\) == READ_ONCE\(hw->address\)/true/'
mutant "nor whether another event has it" $regs \
	's/!\(this_cpu_read\(debug_registers.wanted_dr7\) \& register_bits\[i\]\)/true/'
mutant "masks that another kernel left stay" $regs \
	's/^\t\tamd_set_dr_addr_mask\(1, i\);//'
mutant "a guest has a mask of the host's" $regs \
	'/ forget_contents\(/,/^}/ s/set_mask\(regs, i, 0\);//'
mutant "a guest's entry writes masks though none was used" $regs \
	'/ forget_contents\(/,/^}/ s/set_mask\(regs, i, 0\);/amd_set_dr_addr_mask(1, i); amd_set_dr_addr_mask(0, i);/'
mutant "a mask stays when its breakpoint goes" $regs \
	'/ del_slowly\(/,/^}/ s/want\(LOAD\(i\)\)/(void)0/'
mutant "a mask stays for the next breakpoint" $regs \
	'/^static bool|^static nokprobe_inline bool holds/,/^}/ s/regs->contents\[i\] == mask_bits/!(regs->contents[i] \& ADDRESS_UNKNOWN)/'
mutant "what has a mask goes like what has none" $regs \
	'/arch_hw_breakpoint_del\(/,/^}/ s/hw->simple \&\& //'
mutant "a moved breakpoint stays where it was" $regs \
	'/arch_hw_breakpoint_move\(/,/^}/ s/^\twant\(.*//'
mutant "a move waits for the next commit" $regs \
	'/arch_hw_breakpoint_move\(/,/^}/ s/^\tprogram\(\);//'
mutant "only the first register goes" $regs \
	'/ del_slowly\(/,/^}/ s/i < HBP_NUM/i < 1/'
mutant "of what has no room a piece is added" $regs \
	'/ add_pieces\(/,/^}/ s/hweight_long\(enables\) < hw->nr_pieces/!enables/'
mutant "a register that is armed is taken before one that isn't" $regs \
	's/^\tenables = enables \& ~this_cpu_read\(cpu_dr7\).*//'
mutant "registers aren't loaded in turn" $regs \
	's/^\tregs->next = .*//'
mutant "the register that holds the address isn't looked for" $regs \
	'/ pick_register\(/,/^}/ s/ \&\& holds\(.*\)\)$/ \&\& 0)/'
mutant "what is there already is written again" $regs \
	'/ load\(/,/^}/ s/if \(holds\(.*/if (0) {/'

echo "1..$((killed + missed))"
echo "# $killed broken lines seen, $missed not seen"
[ "$missed" -eq 0 ]
