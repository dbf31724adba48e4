// SPDX-License-Identifier: GPL-2.0-only
/*
 * One CPU's debug registers: how what is to be watched gets into DR0-DR3 and DR7, and how
 * others borrow them.
 *
 * perf core adds and deletes events in brackets of pmu_disable and pmu_enable, with
 * interrupts off. In the bracket it is noted what is wanted, and registers that are off are
 * loaded; at its end arch_hw_breakpoint_commit() switches on and off. That is one write to DR7,
 * but for a register that must be loaded and is on: it is off in between.
 *
 * Guests (KVM), text poking and kexec borrow the registers; what is wanted meanwhile is
 * programmed when they come back.
 *
 * Sources: Intel SDM vol. 3, "Debug Registers"; AMD APM vol. 2, ch. 13. It builds in user
 * space, too, where an NMI comes at each step of it: see tools/testing/hw_breakpoint/.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/hw_breakpoint_stats.h>
#include <linux/hw_breakpoint_steps.h>
#include <linux/init.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>

#include <asm/cpufeature.h>
#include <asm/debugreg.h>

#include "hw_breakpoint_registers.h"

/* === Data ================================================================= */

/*
 * What this CPU's DR7 is when no #DB, NMI or MCE is being handled: the settings and
 * global enables of the armed registers, or 0. It is set before DR7 becomes nonzero
 * and cleared after it became zero. asm/debugreg.h and KVM read it.
 */
DEFINE_PER_CPU(unsigned long, cpu_dr7);
EXPORT_PER_CPU_SYMBOL(cpu_dr7);

/*
 * Why DR7 is zero though cpu_dr7 may not be: a count of the #DBs in the kernel, NMIs and MCEs
 * in progress on this CPU, and of hold(); and the marks CPU_DR7_*. Who takes the last away
 * arms again; while there is one, nobody writes a nonzero DR7. See asm/debugreg.h.
 */
DEFINE_PER_CPU(unsigned int, cpu_dr7_held);
EXPORT_PER_CPU_SYMBOL_GPL(cpu_dr7_held);

/*
 * Registers are numbered by unsigned longs, which is what bit operations and addresses take:
 * a context switch has no conversions to pay for.
 */

/* It is always taken. */
#define NO_REGISTER	HBP_NUM

/* A kernel that was running before kexec may have left masks. */
DEFINE_PER_CPU(struct debug_registers, debug_registers) = {
	.taken = BIT(NO_REGISTER),
	.masked = DR7_ALL_REGS,
};

/* A register's bits in wanted_dr7; looked up, since it is at every context switch. */
static unsigned long register_bits[HBP_NUM] __ro_after_init;

/* === Steps ================================================================ */

#ifdef CONFIG_HW_BREAKPOINT_STEPS
static void (*step_hook)(void);

/**
 * hw_breakpoint_hook_steps() - come between the steps of programming debug registers
 * @hook: is called at each of them, on any CPU, with interrupts off or in an NMI; NULL: none
 *
 * For a test.
 *
 * Context: any.
 */
void hw_breakpoint_hook_steps(void (*hook)(void))
{
	WRITE_ONCE(step_hook, hook);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_hook_steps);
#endif

/* What was done before is done: a #DB or an NMI that comes in between finds it so. */
static nokprobe_inline void step(void)
{
#ifdef CONFIG_HW_BREAKPOINT_STEPS
	void (*hook)(void);

	barrier();
	hook = READ_ONCE(step_hook);
	if (unlikely(hook))
		hook();
#endif
	barrier();
}

/* === Programming the registers ============================================ */

static nokprobe_inline unsigned long stale_set(unsigned long dr7)
{
	return dr7 >> STALE_SHIFT & DR7_ALL_REGS;
}

static nokprobe_inline bool holds(const struct debug_registers *regs, unsigned long i,
				  const struct hw_breakpoint_piece *piece)
{
	return test_bit(i, &regs->known) && regs->address[i] == READ_ONCE(piece->address) &&
	       regs->mask[i] == piece->mask;
}

/* Is it live, except while something holds DR7 at zero? */
static nokprobe_inline bool is_armed(unsigned long i)
{
	return this_cpu_read(cpu_dr7) & register_bits[i];
}

static nokprobe_inline void write_address(unsigned long i, unsigned long address)
{
	hw_breakpoint_count(HW_BREAKPOINT_ADDRESS_WRITES);
	step();
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

/* Is a mask to be written for @piece? With them, zero too. */
static nokprobe_inline bool needs_mask(const struct hw_breakpoint_piece *piece)
{
	return unlikely(piece->mask || boot_cpu_has(X86_FEATURE_BPEXT));
}

/*
 * amd_set_dr_addr_mask() writes nothing if it believes the value to be there, which it isn't
 * if the CPU was reset, or another kernel has written it: so another one is written before.
 */
static void __kprobes write_mask(struct debug_registers *regs, unsigned long i,
				 unsigned long mask, bool known)
{
	regs->mask[i] = mask;
	if (!known)
		amd_set_dr_addr_mask(mask ? 0 : 1, i);
	amd_set_dr_addr_mask(mask, i);
	if (mask)
		__set_bit(i, &regs->masked);
	else
		__clear_bit(i, &regs->masked);
}

/*
 * Register @i is no longer wanted. If its mask stayed, it would apply to the breakpoint of a guest
 * or of the next kernel, which don't know of it.
 */
static void __kprobes clear_mask(struct debug_registers *regs, unsigned long i)
{
	if (test_bit(i, &regs->masked))
		write_mask(regs, i, 0, test_bit(i, &regs->known));
}

static nokprobe_inline bool is_lent(void)
{
	return this_cpu_read(cpu_dr7_held) & (CPU_DR7_TEXT | CPU_DR7_GUEST);
}

/*
 * For wanted[i], while the register is off. Again as long as an NMI makes that another, or
 * moves it, in between: what it has loaded itself may have been overwritten. What is lent is
 * loaded when it comes back: until then it isn't known to be there.
 */
static nokprobe_inline void load(struct debug_registers *regs, unsigned long i, const bool masks)
{
	const bool known = masks && test_bit(i, &regs->known);
	const struct hw_breakpoint_piece *piece;
	unsigned long address, mask = 0;

	do {
		piece = READ_ONCE(regs->wanted[i]);
		if (!piece || is_lent()) {
			__clear_bit(i, &regs->known);
			if (masks)
				clear_mask(regs, i);
			return;
		}
		address = READ_ONCE(piece->address);
		regs->address[i] = address;
		if (masks)
			mask = READ_ONCE(piece->mask);
		__set_bit(i, &regs->known);
		__set_bit(i, &regs->recent);
		step();
		write_address(i, address);
		if (masks)
			write_mask(regs, i, mask, known);
		step();
	} while (READ_ONCE(regs->wanted[i]) != piece || READ_ONCE(piece->address) != address ||
		 (masks && READ_ONCE(piece->mask) != mask));
}

/* @piece: what wanted[i] is, unless an NMI makes it another. Return: true if it is there. */
static nokprobe_inline bool is_loaded(const struct debug_registers *regs, unsigned long i,
				      const struct hw_breakpoint_piece *piece)
{
	if (!holds(regs, i, piece))
		return false;
	hw_breakpoint_count(HW_BREAKPOINT_SKIPPED_WRITES);
	return true;
}

/* The first of @set that is not armed, so that DR7 need not be written twice; or NO_REGISTER. */
static unsigned long __kprobes first_unarmed(unsigned long set)
{
	unsigned long i;

	for_each_register(i, set) {
		if (!is_armed(i))
			return i;
	}
	return NO_REGISTER;
}

/*
 * The best register for @piece of the set @free: one that holds the address already, or else
 * one that nobody will miss soon.
 */
static unsigned long __kprobes pick_register(const struct debug_registers *regs,
					     unsigned long free,
					     const struct hw_breakpoint_piece *piece)
{
	unsigned long i;

	for_each_register(i, free & regs->known) {
		if (holds(regs, i, piece))
			return i;
	}
	i = first_unarmed(free & ~regs->recent);
	if (i == NO_REGISTER)
		i = first_unarmed(free);
	return i == NO_REGISTER ? __ffs(free) : i;
}

/*
 * A piece with a mask has no last register. So del_elsewhere() deletes it, which clears the mask,
 * and the common case in del_piece() needs no test.
 */
static void __kprobes set_last(struct hw_breakpoint_piece *piece, unsigned long i)
{
	if (!piece->mask)
		WRITE_ONCE(piece->last, i);
}

/* Return: NO_REGISTER if none is free. */
static unsigned long __kprobes claim_register(struct debug_registers *regs,
					      struct hw_breakpoint_piece *piece)
{
	unsigned long free;
	unsigned long i;

	/* The debugger, in an NMI, may take the register that was just picked. */
	do {
		free = ~READ_ONCE(regs->taken) & DR7_ALL_REGS;
		if (!free)
			return NO_REGISTER;
		i = pick_register(regs, free, piece);
	} while (__test_and_set_bit(i, &regs->taken));
	set_last(piece, i);
	return i;
}

static nokprobe_inline void want(unsigned long dr7)
{
	step();
	this_cpu_or(debug_registers.wanted_dr7, dr7);
	step();
}

/* @piece has register @i, whose former owner was deleted and is still armed. */
static void __kprobes want_stale(struct debug_registers *regs, unsigned long i,
				 struct hw_breakpoint_piece *piece)
{
	/* Before it is @piece's, or that would get the former's hits. */
	want(stale(BIT(i)));
	WRITE_ONCE(regs->wanted[i], piece);
	want((piece->dr7 & register_bits[i]) | stale(BIT(i)));
}

/* @piece has register @i. Return: false if that must be loaded, and is not wanted until then. */
static nokprobe_inline bool want_loaded(struct debug_registers *regs, unsigned long i,
					struct hw_breakpoint_piece *piece)
{
	WRITE_ONCE(regs->wanted[i], piece);
	step();
	if (unlikely(!is_loaded(regs, i, piece)))
		return false;
	want(piece->dr7 & register_bits[i]);
	return true;
}

static noinline void __kprobes load_masked_and_want(struct debug_registers *regs, unsigned long i,
						    struct hw_breakpoint_piece *piece)
{
	load(regs, i, true);
	want(piece->dr7 & register_bits[i]);
}

/*
 * @piece is wanted[i], as it is for want_loaded(). Without masks this is at context switches:
 * with them it is apart, so that what that needs isn't paid for here.
 */
static nokprobe_inline void load_and_want(struct debug_registers *regs, unsigned long i,
					  struct hw_breakpoint_piece *piece)
{
	if (needs_mask(piece)) {
		load_masked_and_want(regs, i, piece);
		return;
	}
	load(regs, i, false);
	want(piece->dr7 & register_bits[i]);
}

/* @i: what is claimed already, or NO_REGISTER */
static noinline int __kprobes add_unloaded(struct debug_registers *regs, unsigned long i,
					   struct hw_breakpoint_piece *piece)
{
	if (i == NO_REGISTER)
		i = claim_register(regs, piece);
	if (i == NO_REGISTER)
		return -EBUSY;
	if (is_armed(i))
		want_stale(regs, i, piece);
	else if (!want_loaded(regs, i, piece))
		load_and_want(regs, i, piece);
	return 0;
}

static nokprobe_inline void stop_wanting(struct debug_registers *regs, unsigned long i)
{
	WRITE_ONCE(regs->wanted[i], NULL);
	step();
	this_cpu_and(debug_registers.wanted_dr7, ~register_bits[i]);
	step();
}

static nokprobe_inline void give_up(struct debug_registers *regs, unsigned long i)
{
	stop_wanting(regs, i);
	/* Only now may an NMI take it. */
	__clear_bit(i, &regs->taken);
}

/*
 * @piece is wanted[i], and that was just loaded for somebody else: another register, if there
 * is one that wasn't. So tasks whose breakpoints have room side by side don't take turns in
 * loading theirs. If there is none all of them are taken for nobody's.
 *
 * First it has none: with two there might be too few for the debugger. Return: 0, or -EBUSY.
 */
static noinline int __kprobes load_elsewhere(struct debug_registers *regs, unsigned long i,
					     struct hw_breakpoint_piece *piece)
{
	const unsigned long spare = ~(READ_ONCE(regs->taken) | regs->recent) & DR7_ALL_REGS;

	if (spare && first_unarmed(spare) != NO_REGISTER) {
		give_up(regs, i);
		return add_unloaded(regs, NO_REGISTER, piece);
	}
	regs->recent = 0;
	load_and_want(regs, i, piece);
	return 0;
}

/* @piece is wanted[i], for which that must be loaded. Return: 0, or -EBUSY. */
static noinline int __kprobes load_for(struct debug_registers *regs, unsigned long i,
				       struct hw_breakpoint_piece *piece)
{
	if (unlikely(test_bit(i, &regs->recent)))
		return load_elsewhere(regs, i, piece);
	load_and_want(regs, i, piece);
	return 0;
}

/* Return: 0, or -EBUSY. */
static nokprobe_inline int add_piece(struct debug_registers *regs,
				     struct hw_breakpoint_piece *piece)
{
	unsigned long i = READ_ONCE(piece->last);

	if (unlikely(__test_and_set_bit(i, &regs->taken)))
		return add_unloaded(regs, NO_REGISTER, piece);
	if (unlikely(is_armed(i)))
		return add_unloaded(regs, i, piece);
	if (!want_loaded(regs, i, piece))
		return load_for(regs, i, piece);
	return 0;
}

/* Return: @piece's register, or NO_REGISTER. */
static unsigned long __kprobes find_register(const struct debug_registers *regs,
					     const struct hw_breakpoint_piece *piece)
{
	unsigned long i;

	for (i = 0; i < HBP_NUM; i++)
		if (READ_ONCE(regs->wanted[i]) == piece)
			break;
	return i;
}

/* The debugger's may have another on each CPU, or none. What has a mask comes here, too. */
static noinline void __kprobes del_elsewhere(struct debug_registers *regs,
					     const struct hw_breakpoint_piece *piece)
{
	unsigned long i = find_register(regs, piece);

	if (i == NO_REGISTER)
		return;
	stop_wanting(regs, i);
	clear_mask(regs, i);
	__clear_bit(i, &regs->taken);
}

static nokprobe_inline void del_piece(struct debug_registers *regs,
				      const struct hw_breakpoint_piece *piece)
{
	unsigned long i = READ_ONCE(piece->last);

	if (likely(READ_ONCE(regs->wanted[i]) == piece))
		give_up(regs, i);
	else
		del_elsewhere(regs, piece);
}

/* All of them or none; what there is no room for from the beginning isn't begun. */
static noinline int __kprobes add_pieces(struct debug_registers *regs,
					 struct arch_hw_breakpoint *hw)
{
	unsigned long i, free = HBP_NUM + 1 - hweight_long(READ_ONCE(regs->taken));

	if (free < hw->nr_pieces)
		return -EBUSY;
	for (i = 0; i < hw->nr_pieces; i++) {
		if (!add_piece(regs, &hw->piece[i]))
			continue;
		while (i--)
			del_piece(regs, &hw->piece[i]);
		return -EBUSY;
	}
	return 0;
}

static noinline void __kprobes del_pieces(struct debug_registers *regs,
					  const struct arch_hw_breakpoint *hw)
{
	unsigned long i;

	for (i = 0; i < HBP_NUM; i++)
		del_piece(regs, &hw->piece[i]);
}

/**
 * arch_hw_breakpoint_add() - note that a breakpoint wants registers of this CPU
 * @hw: the breakpoint
 *
 * It is watched after the next arch_hw_breakpoint_commit().
 *
 * Context: interrupts off, in a pmu_disable bracket; or NMI, for the kernel debugger.
 * Return: 0, or -EBUSY if too many are taken.
 */
int __kprobes arch_hw_breakpoint_add(struct arch_hw_breakpoint *hw)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);

	if (unlikely(hw->nr_pieces > 1))
		return add_pieces(regs, hw);
	return add_piece(regs, &hw->piece[0]);
}

/**
 * arch_hw_breakpoint_del() - note that a breakpoint no longer wants its registers
 * @hw: the breakpoint; it need not have any
 *
 * Its hits are dropped from now on; the hardware forgets it at the next
 * arch_hw_breakpoint_commit().
 *
 * Context: interrupts off, in a pmu_disable bracket; or NMI, for the kernel debugger.
 */
void __kprobes arch_hw_breakpoint_del(struct arch_hw_breakpoint *hw)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);

	if (unlikely(hw->nr_pieces > 1))
		del_pieces(regs, hw);
	else
		del_piece(regs, &hw->piece[0]);
}

/**
 * arch_hw_breakpoint_del_any() - arch_hw_breakpoint_del() for what may have become another
 * @hw: the breakpoint
 *
 * The kernel debugger's, which is made another while CPUs have its former pieces.
 *
 * Context: the same.
 */
void __kprobes arch_hw_breakpoint_del_any(struct arch_hw_breakpoint *hw)
{
	del_pieces(this_cpu_ptr(&debug_registers), hw);
}

static void __kprobes disarm(void)
{
	hw_breakpoint_count(HW_BREAKPOINT_DR7_WRITES);
	step();
	set_debugreg(DR7_FIXED_1, 7);
	step();
}

static nokprobe_inline void arm(unsigned long dr7)
{
	hw_breakpoint_count(HW_BREAKPOINT_DR7_WRITES);
	step();
	hw_breakpoint_arm(dr7);
	step();
}

/* An NMI that came since the commit began has left DR7 zero. */
static void __kprobes disarm_for_commit(void)
{
	if (this_cpu_read(cpu_dr7_held) == CPU_DR7_COMMIT)
		disarm();
}

/* The kernel debugger deletes and adds again at each stop: what is as it was may stay on. */
static bool __kprobes is_as_armed(const struct debug_registers *regs, unsigned long i,
				  unsigned long dr7)
{
	const struct hw_breakpoint_piece *piece = READ_ONCE(regs->wanted[i]);

	return !((dr7 ^ this_cpu_read(cpu_dr7)) & register_bits[i] & ~ALL_STALE) &&
	       piece && holds(regs, i, piece);
}

/* Return: what DR7 is to be, with nothing stale. */
static unsigned long __kprobes load_stale(void)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	unsigned long dr7 = this_cpu_read(debug_registers.wanted_dr7);
	const struct hw_breakpoint_piece *piece;
	unsigned long i;

	/* What an NMI makes stale after that is off, too, as everything is. */
	for_each_register(i, stale_set(dr7)) {
		if (is_armed(i) && !is_as_armed(regs, i, dr7)) {
			disarm_for_commit();
			break;
		}
	}
	step();
	while (!this_cpu_try_cmpxchg(debug_registers.wanted_dr7, &dr7, dr7 & ~ALL_STALE))
		;
	for_each_register(i, stale_set(dr7)) {
		piece = READ_ONCE(regs->wanted[i]);
		if (piece && !is_loaded(regs, i, piece))
			load(regs, i, needs_mask(piece));
	}
	return dr7 & ~ALL_STALE;
}

/*
 * As long as cpu_dr7_held is marked, an NMI doesn't arm DR7 again when it leaves: so what
 * is off stays off, and the last write can't be left out. What an NMI still changes before
 * that is included, so that DR7 never arms what is no longer as it says.
 */
static void __kprobes program(void)
{
	unsigned long dr7;

	this_cpu_or(cpu_dr7_held, CPU_DR7_COMMIT);
	do {
		step();
		dr7 = load_stale();
		if (!dr7)
			disarm_for_commit();
		step();
		this_cpu_write(cpu_dr7, dr7);
	} while (this_cpu_read(debug_registers.wanted_dr7) != dr7);

	this_cpu_and(cpu_dr7_held, ~CPU_DR7_COMMIT);
	step();
	if (dr7 && !this_cpu_read(cpu_dr7_held))
		arm(dr7);
}

static nokprobe_inline bool is_programmed(void)
{
	return this_cpu_read(debug_registers.wanted_dr7) == this_cpu_read(cpu_dr7);
}

/* After each round look again: an NMI that found us at it has left its change to us. */
static noinline void __kprobes program_all(void)
{
	while (!is_programmed() && !(this_cpu_read(cpu_dr7_held) & CPU_DR7_COMMIT))
		program();
}

/*
 * program() if nothing is wanted any more. Return: false if an NMI wants something meanwhile.
 */
static nokprobe_inline bool program_last(void)
{
	this_cpu_or(cpu_dr7_held, CPU_DR7_COMMIT);
	step();
	disarm();
	this_cpu_write(cpu_dr7, 0);
	step();
	this_cpu_and(cpu_dr7_held, ~CPU_DR7_COMMIT);
	step();
	return !this_cpu_read(debug_registers.wanted_dr7);
}

/*
 * program() if nothing is armed, so that there is nothing for an NMI to arm that shouldn't be.
 * Return: false if one has changed meanwhile what is wanted. What it has armed itself is in
 * force again after one round of program_all().
 */
static nokprobe_inline bool program_first(unsigned long dr7)
{
	this_cpu_write(cpu_dr7, dr7);
	step();
	if (unlikely(this_cpu_read(debug_registers.wanted_dr7) != dr7))
		return false;
	arm(dr7);
	return true;
}

/* The two that are at every context switch don't go round, and nobody holds DR7 at zero. */
static nokprobe_inline void commit(void)
{
	const unsigned long dr7 = this_cpu_read(debug_registers.wanted_dr7);
	const unsigned long was = this_cpu_read(cpu_dr7);
	bool done = false;

	if (dr7 == was)
		return;
	if (likely(!this_cpu_read(cpu_dr7_held))) {
		if (!dr7)
			done = program_last();
		else if (!was && !(dr7 & ALL_STALE))
			done = program_first(dr7);
	}
	if (unlikely(!done))
		program_all();
}

/**
 * arch_hw_breakpoint_commit() - program what was noted since the last time
 *
 * Where a #DB, NMI or MCE is being handled on this CPU the registers are armed when
 * that ends; where they are lent, when they come back. Otherwise they are when this
 * returns.
 *
 * Context: interrupts off, on the CPU whose registers they are; NMI too.
 */
void __kprobes arch_hw_breakpoint_commit(void)
{
	commit();
}

/**
 * arch_hw_breakpoint_pmu_enable() - arch_hw_breakpoint_commit() as perf core calls it
 * @pmu: not looked at
 *
 * Context: the same; the end of a bracket.
 */
void __kprobes arch_hw_breakpoint_pmu_enable(struct pmu *pmu)
{
	commit();
}

/* Again if an NMI has moved it meanwhile: all pieces of one address. */
static void __kprobes move_pieces(struct arch_hw_breakpoint *hw)
{
	unsigned long first;
	unsigned long i;

	do {
		first = READ_ONCE(hw->piece[0].address);
		step();
		for (i = 1; i < hw->nr_pieces; i++)
			WRITE_ONCE(hw->piece[i].address, first + hw->piece[i].offset);
		step();
	} while (READ_ONCE(hw->piece[0].address) != first);
}

/**
 * arch_hw_breakpoint_move() - change a breakpoint's address, live or not
 * @hw: the breakpoint; if it is on a CPU, then on this one
 * @address: has been checked
 *
 * Context: interrupts off; #DB, NMI and MCE too, at whose end it is in force.
 */
void __kprobes arch_hw_breakpoint_move(struct arch_hw_breakpoint *hw, unsigned long address)
{
	const struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	unsigned long moved = 0;
	unsigned long i;

	WRITE_ONCE(hw->piece[0].address, address);
	step();
	move_pieces(hw);
	step();
	for (i = 0; i < hw->nr_pieces; i++)
		moved |= BIT(find_register(regs, &hw->piece[i]));
	want(stale(moved & DR7_ALL_REGS));
	commit();
}

/**
 * arch_hw_breakpoint_at() - whose is a register of this CPU?
 * @i: which, below HBP_NUM
 * @armed: set to whether it is in force
 *
 * Context: interrupts off. The answer holds until they are on again.
 * Return: the breakpoint that has it or is about to get it, or NULL.
 */
const struct arch_hw_breakpoint *arch_hw_breakpoint_at(unsigned int i, bool *armed)
{
	const struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	const struct arch_hw_breakpoint *hw = arch_hw_breakpoint_holder(i);

	*armed = hw && hw == owner_of_match(regs, this_cpu_read(cpu_dr7), i) &&
		 !this_cpu_read(cpu_dr7_held);
	return hw;
}

/**
 * arch_hw_breakpoint_holder() - who has a register of this CPU, or is about to get it
 * @i: which, below HBP_NUM
 *
 * Context: interrupts off; NMI too.
 * Return: the breakpoint, or NULL.
 */
struct arch_hw_breakpoint *arch_hw_breakpoint_holder(unsigned int i)
{
	struct hw_breakpoint_piece *piece = this_cpu_read(debug_registers.wanted[i]);

	return piece ? owner_of(piece) : NULL;
}

NOKPROBE_SYMBOL(arch_hw_breakpoint_holder);

/**
 * arch_hw_breakpoint_same() - do two breakpoints watch the same?
 * @a: one
 * @b: the other
 *
 * Context: any.
 * Return: true if each hit of one is a hit of the other.
 */
bool __kprobes arch_hw_breakpoint_same(const struct arch_hw_breakpoint *a,
				       const struct arch_hw_breakpoint *b)
{
	return arch_hw_breakpoint_address(a) == arch_hw_breakpoint_address(b) &&
	       a->span == b->span && a->type == b->type;
}

/**
 * arch_hw_breakpoint_pass() - give a breakpoint's registers to another
 * @from: the breakpoint; it has registers of this CPU
 * @to: one that watches the same and has none
 *
 * Nothing is written: the registers hold what they are to hold.
 *
 * Context: interrupts off; NMI too.
 */
void __kprobes arch_hw_breakpoint_pass(struct arch_hw_breakpoint *from,
				       struct arch_hw_breakpoint *to)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	unsigned long i, reg;

	for (i = 0; i < from->nr_pieces; i++) {
		reg = find_register(regs, &from->piece[i]);
		if (reg == NO_REGISTER)
			continue;
		set_last(&to->piece[i], reg);
		WRITE_ONCE(regs->wanted[reg], &to->piece[i]);
	}
}

/* === Lending the registers ================================================ */

/* From here to unhold() an NMI doesn't arm, whatever mark is taken off cpu_dr7_held. */
static nokprobe_inline void hold(void)
{
	this_cpu_inc(cpu_dr7_held);
	step();
}

static void __kprobes unhold(void)
{
	step();
	if (!this_cpu_dec_return(cpu_dr7_held) && hw_breakpoint_active())
		arm(this_cpu_read(cpu_dr7));
}

/* @mark: who gives them back. What isn't known to be in the registers is loaded. */
static void __kprobes take_back(unsigned int mark)
{
	const struct debug_registers *regs = this_cpu_ptr(&debug_registers);

	hold();
	this_cpu_and(cpu_dr7_held, ~mark);
	step();
	want(stale(regs->taken & ~regs->known & DR7_ALL_REGS));
	commit();
	unhold();
}

/**
 * hw_breakpoint_restore() - arm again after hw_breakpoint_disable()
 *
 * If a guest has the registers meanwhile, they are armed at its exit.
 *
 * Context: interrupts off, on the CPU whose registers they are; also in an NMI or
 * #DB, at whose end DR7 is then armed.
 */
void __kprobes hw_breakpoint_restore(void)
{
	take_back(CPU_DR7_TEXT);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_restore);

/* Zero the masks of @set, whatever is in them and whatever amd_set_dr_addr_mask() believes. */
static void reset_masks(struct debug_registers *regs, unsigned long set)
{
	unsigned long i;

	for_each_register(i, set)
		write_mask(regs, i, 0, false);
}

/**
 * hw_breakpoint_reset() - load this CPU's registers after it lost them
 *
 * For resume: from memory, from disk, from a kexec'ed kernel. Whoever had borrowed the
 * registers before is forgotten.
 *
 * Context: interrupts off, on the CPU whose registers they are.
 */
void hw_breakpoint_reset(void)
{
	hold();
	disarm();
	hw_breakpoint_count(HW_BREAKPOINT_DR6_WRITES);
	set_debugreg(DR6_RESERVED, 6);
	reset_masks(this_cpu_ptr(&debug_registers), DR7_ALL_REGS);
	/* Only now: what an NMI has loaded in between is gone, too. */
	this_cpu_write(debug_registers.known, 0);
	take_back(CPU_DR7_TEXT | CPU_DR7_GUEST);
	unhold();
}

/**
 * hw_breakpoint_guest_enter() - lend the registers to a guest
 * @address: DR0-DR3 for the guest to run with; NULL if it can't reach them
 *
 * Context: interrupts off until hw_breakpoint_guest_exit().
 */
void hw_breakpoint_guest_enter(const unsigned long *address)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	int i;

	this_cpu_or(cpu_dr7_held, CPU_DR7_GUEST);
	step();
	disarm();
	if (!address)
		return;
	regs->known = 0;
	if (unlikely(regs->masked))
		reset_masks(regs, regs->masked);
	for (i = 0; i < HBP_NUM; i++)
		write_address(i, address[i]);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_enter);

/**
 * hw_breakpoint_guest_enter_protected() - the same for a guest whose registers are its secret
 *
 * It may write them, and finds there what it wrote, as long as the host watches nothing. What
 * the host watches it doesn't find. With DebugSwap the CPU loads the guest's registers and masks at
 * the entry, and zero masks at the exit: see sev_es_prepare_switch_to_guest().
 *
 * Context: interrupts off until hw_breakpoint_guest_exit().
 */
void hw_breakpoint_guest_enter_protected(void)
{
	static const unsigned long nothing[HBP_NUM];

	this_cpu_or(cpu_dr7_held, CPU_DR7_GUEST);
	step();
	if (hw_breakpoint_active() || this_cpu_read(debug_registers.masked))
		hw_breakpoint_guest_enter(nothing);
	this_cpu_write(debug_registers.known, 0);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_enter_protected);

/**
 * hw_breakpoint_guest_exit() - take the registers back from a guest
 *
 * Only what the guest may have changed is written. DR6 may still say why the guest
 * stopped, and the next #DB of ours would be misread.
 *
 * Context: interrupts off since hw_breakpoint_guest_enter().
 */
void hw_breakpoint_guest_exit(void)
{
	unsigned long dr6, writes = hw_breakpoint_writes();

	get_debugreg(dr6, 6);
	if (dr6 != DR6_RESERVED) {
		hw_breakpoint_count(HW_BREAKPOINT_DR6_WRITES);
		set_debugreg(DR6_RESERVED, 6);
	}
	take_back(CPU_DR7_GUEST);

	hw_breakpoint_count(HW_BREAKPOINT_GUEST_EXITS);
	hw_breakpoint_count_many(HW_BREAKPOINT_GUEST_EXIT_WRITES,
				 hw_breakpoint_writes() - writes);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_exit);

/**
 * hw_breakpoint_debugger_enter() - keep this CPU from trapping while a debugger has it
 *
 * Context: any, up to NMI. The registers stay ours, and may be programmed meanwhile.
 */
void __kprobes hw_breakpoint_debugger_enter(void)
{
	this_cpu_or(cpu_dr7_held, CPU_DR7_DEBUGGER);
	step();
	if (hw_breakpoint_active() && !is_lent())
		disarm();
}

/**
 * hw_breakpoint_debugger_leave() - undo hw_breakpoint_debugger_enter()
 *
 * Context: the same.
 */
void __kprobes hw_breakpoint_debugger_leave(void)
{
	unsigned long dr7;

	this_cpu_and(cpu_dr7_held, ~CPU_DR7_DEBUGGER);
	dr7 = this_cpu_read(cpu_dr7);
	if (!this_cpu_read(cpu_dr7_held) && dr7)
		arm(dr7);
}

/**
 * hw_breakpoint_forget() - a CPU that is down loses what is in its registers
 * @cpu: the CPU
 *
 * Context: before @cpu comes up again.
 */
void hw_breakpoint_forget(unsigned int cpu)
{
	per_cpu(debug_registers.known, cpu) = 0;
}

/**
 * arch_hw_breakpoint_registers_init() - make ready for the first breakpoint
 *
 * Context: once, at boot.
 */
void __init arch_hw_breakpoint_registers_init(void)
{
	unsigned long i;

	for (i = 0; i < HBP_NUM; i++)
		register_bits[i] = dr7_slot_mask(i) | stale(BIT(i));
}
