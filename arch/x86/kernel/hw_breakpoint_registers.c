// SPDX-License-Identifier: GPL-2.0-only
/*
 * One CPU's debug registers: how breakpoints get into DR0-DR3 and DR7, and how the registers are
 * lent to others.
 *
 * perf core adds and deletes events between pmu_disable() and pmu_enable(), with interrupts off.
 * Adding and deleting only notes what is wanted. pmu_enable() brings the registers to that: with
 * one write to DR7, or with two if a register has to be loaded that is armed.
 *
 * An NMI comes at any instruction and may move a breakpoint, or be the kernel debugger's, which
 * adds and deletes its own. The rules:
 *
 * 1. What is wanted and what the registers hold change only in sections, between begin() and end().
 *    An NMI that has interrupted a section changes nothing but a breakpoint's address. It sets
 *    SECTION_AGAIN, and after the section what is wanted is programmed once more; the debugger
 *    comes back in an interrupt. No #DB or int3 interrupts a section, unless in an NMI or for a
 *    debugger's single step: the code can't be probed, and its data can't be watched.
 * 2. cpu_dr7 is what DR7 is while no #DB, NMI or MCE is being handled: when they end, they write it
 *    to DR7. So a register is loaded only while cpu_dr7 doesn't enable it. cpu_dr7 becomes nonzero
 *    before DR7 does, and zero after DR7, since they look at it to know whether to zero DR7.
 * 3. cpu_dr7_held counts the #DBs, NMIs and MCEs in progress, and has a mark for each borrower of
 *    the registers. While it is nonzero, DR7 stays zero. The last one that leaves arms.
 *
 * Sources: Intel SDM vol. 3, "Debug Registers"; AMD APM vol. 2, ch. 13. This file builds in user
 * space, too, where an NMI comes at each access to memory: see tools/testing/hw_breakpoint/.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>

#include <asm/debugreg.h>

#include "hw_breakpoint_registers.h"

/* === Data ================================================================= */

DEFINE_PER_CPU(unsigned long, cpu_dr7);
EXPORT_PER_CPU_SYMBOL(cpu_dr7);

DEFINE_PER_CPU(unsigned int, cpu_dr7_held);
EXPORT_PER_CPU_SYMBOL_GPL(cpu_dr7_held);

DEFINE_PER_CPU(struct debug_registers, debug_registers) = DEBUG_REGISTERS_UNKNOWN;

const unsigned long register_bits[HBP_NUM] = {
	REGISTER_BITS(0), REGISTER_BITS(1), REGISTER_BITS(2), REGISTER_BITS(3),
};

/* === Programming the registers ============================================ */

static nokprobe_inline void write_address(unsigned long i, unsigned long address)
{
	hw_breakpoint_count(ADDRESS_WRITES, 1);
	switch (i) {
	case 0:
		set_debugreg(address, 0);
		break;
	case 1:
		set_debugreg(address, 1);
		break;
	case 2:
		set_debugreg(address, 2);
		break;
	case 3:
		set_debugreg(address, 3);
		break;
	}
}

static nokprobe_inline void write_dr7(unsigned long dr7)
{
	hw_breakpoint_count(DR7_WRITES, 1);
	set_debugreg(dr7, 7);
}

/* cpu_dr7_held is raised, so that the end of an NMI between the two writes doesn't arm again. */
static nokprobe_inline void disarm(void)
{
	this_cpu_inc(cpu_dr7_held);
	write_dr7(DR7_FIXED_1);
	this_cpu_write(cpu_dr7, 0);
	this_cpu_dec(cpu_dr7_held);
}

static nokprobe_inline bool holds(const struct debug_registers *regs, unsigned long i,
				  unsigned long address, u8 mask_bits)
{
	return regs->address[i] == address && regs->contents[i] == mask_bits;
}

static void __kprobes set_mask(struct debug_registers *regs, unsigned long i, u8 mask_bits)
{
	const u8 unknown = regs->contents[i] & ADDRESS_UNKNOWN;

	if (regs->contents[i] == (unknown | mask_bits))
		return;
	regs->contents[i] = unknown | mask_bits;
	amd_set_dr_addr_mask(BIT_ULL(mask_bits) - 1, i);
}

/* A mask doesn't outlive its owner, since a guest's breakpoint would have it, too. */
static void __kprobes load(struct debug_registers *regs, unsigned long i)
{
	const struct arch_hw_breakpoint *hw = regs->owner[i];
	const struct hw_breakpoint_piece *piece;
	unsigned long address;

	if (!hw) {
		set_mask(regs, i, 0);
		return;
	}
	piece = &hw->piece[regs->piece[i]];
	address = READ_ONCE(hw->address) + piece->offset;
	if (holds(regs, i, address, piece->mask_bits)) {
		hw_breakpoint_count(SKIPPED_WRITES, 1);
		return;
	}
	write_address(i, address);
	regs->address[i] = address;
	regs->contents[i] &= ~ADDRESS_UNKNOWN;
	set_mask(regs, i, piece->mask_bits);
}

static void __kprobes load_registers(struct debug_registers *regs, unsigned long set)
{
	unsigned long i, armed = 0;

	for_each_register(i, set)
		armed |= this_cpu_read(cpu_dr7) & register_bits[i];
	if (armed)
		disarm();
	this_cpu_and(debug_registers.wanted_dr7, ~(set << LOAD_SHIFT));
	for_each_register(i, set)
		load(regs, i);
}

static nokprobe_inline void arm(unsigned long dr7)
{
	this_cpu_write(cpu_dr7, dr7);
	if (likely(!this_cpu_read(cpu_dr7_held)))
		write_dr7(dr7);
}

/* Bring the registers from whatever they are to what is wanted. */
static void __kprobes program_once(void)
{
	const unsigned long wanted = this_cpu_read(debug_registers.wanted_dr7);

	if (wanted & LOAD_ALL) {
		/* What a guest has is loaded when the guest gives it back. */
		if (this_cpu_read(cpu_dr7_held) & CPU_DR7_GUEST)
			return;
		load_registers(this_cpu_ptr(&debug_registers), (wanted & LOAD_ALL) >> LOAD_SHIFT);
	}
	if (wanted & ~LOAD_ALL)
		arm(wanted & ~LOAD_ALL);
	else if (hw_breakpoint_active())
		disarm();
}

static nokprobe_inline void begin(void)
{
	this_cpu_write(debug_registers.section, 1);
	barrier();
}

/*
 * An NMI that comes after this finds no section, and does its work itself. Return: false if one
 * that came before has left its work: then program_pending() is to be called.
 */
static nokprobe_inline bool end(void)
{
	barrier();
	return likely(this_cpu_dec_and_test(debug_registers.section));
}

/* In an NMI that has interrupted a section this does nothing. */
static void __kprobes program_pending(void)
{
	while (this_cpu_read(debug_registers.section) == SECTION_AGAIN) {
		begin();
		program_once();
		end();
	}
}

static void __kprobes program(void)
{
	this_cpu_or(debug_registers.section, SECTION_AGAIN);
	program_pending();
}

/* === Adding and deleting: see asm/hw_breakpoint.h ========================= */

static nokprobe_inline void want(unsigned long dr7)
{
	this_cpu_or(debug_registers.wanted_dr7, dr7);
}

static nokprobe_inline void take_register(unsigned long i, struct arch_hw_breakpoint *hw,
					  unsigned int piece, unsigned long dr7)
{
	this_cpu_write(debug_registers.piece[i], piece);
	this_cpu_write(debug_registers.owner[i], hw);
	want(dr7);
}

static nokprobe_inline void drop_register(unsigned long i)
{
	this_cpu_write(debug_registers.owner[i], NULL);
	this_cpu_and(debug_registers.wanted_dr7, ~register_bits[i]);
}

/*
 * A free register that holds @address already. Else the next one in turn: so tasks whose
 * breakpoints have room side by side find theirs loaded when they are back. If possible it is one
 * that isn't armed, so that DR7 need not be written twice. @enables: those of the free registers.
 */
static unsigned long __kprobes pick_register(struct debug_registers *regs, unsigned long enables,
					     unsigned long address, u8 mask_bits)
{
	unsigned long i;

	for (i = 0; i < HBP_NUM; i++)
		if (enables & register_bits[i] && holds(regs, i, address, mask_bits))
			return i;
	enables = enables & ~this_cpu_read(cpu_dr7) ?: enables;
	enables = enables & ~0UL << regs->next * DR_ENABLE_SIZE ?: enables;
	i = __ffs(enables) / DR_ENABLE_SIZE;
	regs->next = (i + 1) % HBP_NUM;
	return i;
}

/* All pieces or none. */
static int __kprobes add_pieces(struct debug_registers *regs, struct arch_hw_breakpoint *hw)
{
	unsigned long i, address, dr7, enables = ~regs->wanted_dr7 & DR_GLOBAL_ENABLE_MASK;
	struct hw_breakpoint_piece *piece;

	if (hweight_long(enables) < hw->nr_pieces)
		return -EBUSY;
	for (piece = hw->piece; piece < hw->piece + hw->nr_pieces; piece++) {
		address = READ_ONCE(hw->address) + piece->offset;
		i = pick_register(regs, enables, address, piece->mask_bits);
		enables &= ~register_bits[i];
		dr7 = dr7_every_slot(piece->setting) & register_bits[i];
		if (!holds(regs, i, address, piece->mask_bits))
			dr7 |= LOAD(i);
		WRITE_ONCE(piece->reg, i);
		take_register(i, hw, piece - hw->piece, dr7);
	}
	return 0;
}

/*
 * The fast paths, which are at context switches, call these in their section; or after it, if end()
 * says that an NMI has left its work.
 */
static noinline int __kprobes add_slowly(struct arch_hw_breakpoint *hw)
{
	int err = 0;

	if (this_cpu_read(debug_registers.section) & 1) {
		err = add_pieces(this_cpu_ptr(&debug_registers), hw);
		end();
	}
	program_pending();
	return err;
}

static noinline void __kprobes del_slowly(const struct arch_hw_breakpoint *hw)
{
	const struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	unsigned long i;

	this_cpu_or(debug_registers.section, 1);
	for (i = 0; i < HBP_NUM; i++) {
		if (regs->owner[i] != hw)
			continue;
		drop_register(i);
		if (regs->contents[i])
			want(LOAD(i));
	}
	end();
	program_pending();
}

static noinline void __kprobes commit_slowly(void)
{
	this_cpu_write(debug_registers.section, SECTION_AGAIN);
	program_pending();
}

int __kprobes arch_hw_breakpoint_add(struct arch_hw_breakpoint *hw)
{
	const unsigned long i = READ_ONCE(hw->piece[0].reg);

	begin();
	if (likely(hw->simple && !(this_cpu_read(debug_registers.wanted_dr7) & register_bits[i]) &&
		   this_cpu_read(debug_registers.address[i]) == READ_ONCE(hw->address) &&
		   !this_cpu_read(debug_registers.contents[i]))) {
		hw_breakpoint_count(SKIPPED_WRITES, 1);
		take_register(i, hw, 0, hw->dr7 & register_bits[i]);
		if (end())
			return 0;
	}
	return add_slowly(hw);
}

void __kprobes arch_hw_breakpoint_del(struct arch_hw_breakpoint *hw)
{
	const unsigned long i = READ_ONCE(hw->piece[0].reg);

	begin();
	if (likely(hw->simple && this_cpu_read(debug_registers.owner[i]) == hw)) {
		drop_register(i);
		if (end())
			return;
	}
	del_slowly(hw);
}

void __kprobes arch_hw_breakpoint_commit(struct pmu *pmu)
{
	unsigned long dr7;

	begin();
	dr7 = this_cpu_read(debug_registers.wanted_dr7);
	if (dr7 == this_cpu_read(cpu_dr7))
		goto out;
	if (!dr7)
		disarm();
	else if (likely(!(dr7 & LOAD_ALL)))
		arm(dr7);
	else
		goto slowly;
out:
	if (end())
		return;
slowly:
	commit_slowly();
}

void __kprobes arch_hw_breakpoint_move(struct arch_hw_breakpoint *hw, unsigned long address)
{
	WRITE_ONCE(hw->address, address);
	want(LOAD_ALL);
	program();
}

bool __kprobes arch_hw_breakpoint_is_busy(void)
{
	return this_cpu_read(debug_registers.section);
}

struct arch_hw_breakpoint *arch_hw_breakpoint_holder(unsigned int i)
{
	return this_cpu_read(debug_registers.owner[i]);
}
NOKPROBE_SYMBOL(arch_hw_breakpoint_holder);

void __kprobes arch_hw_breakpoint_pass(const struct arch_hw_breakpoint *from,
				       struct arch_hw_breakpoint *to)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	unsigned long i;

	for (i = 0; i < HBP_NUM; i++) {
		if (regs->owner[i] != from)
			continue;
		WRITE_ONCE(to->piece[regs->piece[i]].reg, i);
		WRITE_ONCE(regs->owner[i], to);
	}
}

/* === Lending the registers ================================================ */

/**
 * cpu_dr7_release() - undo cpu_dr7_hold(): arm again
 * @marks: the same
 *
 * Context: interrupts off; NMI and #DB too, at whose end it is in force.
 */
void __kprobes cpu_dr7_release(unsigned int marks)
{
	this_cpu_and(cpu_dr7_held, ~marks);
	program();
}
EXPORT_SYMBOL_GPL(cpu_dr7_release);

/*
 * The registers are lent, and loaded anew when they come back. Until then not even the end of an NMI
 * arms. cpu_dr7 is last, since the debugger's NMI sets it while nothing is marked to be loaded.
 */
static void forget_contents(void)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	unsigned long i;

	for (i = 0; i < HBP_NUM; i++) {
		regs->contents[i] |= ADDRESS_UNKNOWN;
		set_mask(regs, i, 0);
		if (regs->owner[i])
			want(LOAD(i));
	}
	this_cpu_write(cpu_dr7, 0);
}

/**
 * hw_breakpoint_reset() - load this CPU's registers after a suspend, or when it comes up
 *
 * Context: interrupts off.
 */
void hw_breakpoint_reset(void)
{
	unsigned long i;

	cpu_dr7_hold(CPU_DR7_GUEST);
	hw_breakpoint_count(DR6_WRITES, 1);
	set_debugreg(DR6_RESERVED, 6);
	forget_contents();
	/* What amd_set_dr_addr_mask() believes to be there isn't written: so another one first. */
	for (i = 0; i < HBP_NUM; i++) {
		amd_set_dr_addr_mask(1, i);
		amd_set_dr_addr_mask(0, i);
	}
	cpu_dr7_release(CPU_DR7_TEXT | CPU_DR7_GUEST);
}

/**
 * hw_breakpoint_guest_enter() - lend the registers to a guest
 * @address: DR0-DR3 for the guest to run with; NULL if it can't reach them
 *
 * Context: interrupts off until hw_breakpoint_guest_exit().
 */
void hw_breakpoint_guest_enter(const unsigned long *address)
{
	unsigned long i;

	hw_breakpoint_count(DR7_WRITES, 1);
	cpu_dr7_hold(CPU_DR7_GUEST);
	if (!address)
		return;
	forget_contents();
	for (i = 0; i < HBP_NUM; i++)
		write_address(i, address[i]);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_enter);

/**
 * hw_breakpoint_guest_enter_protected() - the same for a guest whose registers are its secret
 *
 * The guest may write them. It finds there what it wrote, unless the host watches something, and
 * doesn't find what the host watches. With DebugSwap the CPU loads the guest's registers and masks
 * at the entry, and zero masks at the exit: see sev_es_prepare_switch_to_guest().
 *
 * Context: interrupts off until hw_breakpoint_guest_exit().
 */
void hw_breakpoint_guest_enter_protected(void)
{
	static const unsigned long nothing[HBP_NUM];

	this_cpu_or(cpu_dr7_held, CPU_DR7_GUEST);
	if (hw_breakpoint_active())
		hw_breakpoint_guest_enter(nothing);
	else
		forget_contents();
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_enter_protected);

/**
 * hw_breakpoint_guest_exit() - take the registers back from a guest
 *
 * Only what the guest may have changed is written. DR6 may still say why the guest stopped; with
 * that, our next #DB would be misread.
 *
 * Context: interrupts off since hw_breakpoint_guest_enter().
 */
void hw_breakpoint_guest_exit(void)
{
	unsigned long dr6, writes = hw_breakpoint_writes();

	get_debugreg(dr6, 6);
	if (dr6 != DR6_RESERVED) {
		hw_breakpoint_count(DR6_WRITES, 1);
		set_debugreg(DR6_RESERVED, 6);
	}
	cpu_dr7_release(CPU_DR7_GUEST);

	hw_breakpoint_count(GUEST_EXITS, 1);
	hw_breakpoint_count(GUEST_EXIT_WRITES, hw_breakpoint_writes() - writes);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_exit);
