/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One CPU's debug registers: what they are to watch, and what they do.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _ARCH_X86_KERNEL_HW_BREAKPOINT_REGISTERS_H
#define _ARCH_X86_KERNEL_HW_BREAKPOINT_REGISTERS_H

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/container_of.h>
#include <linux/percpu.h>

#include <asm/hw_breakpoint.h>

#include "hw_breakpoint_dr7.h"

static_assert(HBP_NUM == DR7_NR_REGS);

/*
 * One CPU's DR0-DR3. Only the CPU itself touches them, with interrupts off; a #DB or
 * NMI can come at any instruction in between and must find them consistent:
 *
 *      add/del/move                  commit
 *   -----------------> @wanted ----------------------> DR7
 *                      @wanted_dr7   (cpu_dr7 first,
 *                      DR0-DR3        or, for 0, last)
 *
 * A register that DR7 doesn't arm is loaded as soon as it is wanted. If it is still armed for
 * its former owner it becomes stale, and is loaded by the commit, while it is off: or it would
 * be live with one breakpoint's address and another's setting. It is stale, too, when its
 * breakpoint was moved, or when others had it.
 *
 * A hit is @wanted's, unless the register is stale: then it is nobody's, like that of a
 * breakpoint that was deleted and is still armed.
 *
 * An NMI may itself add, delete, move and commit, for the kernel debugger and for those who
 * move a breakpoint. If it came in the middle of a commit it leaves the programming to that,
 * which finds @wanted_dr7 changed and goes round again: before anything else runs on this
 * CPU. What both change they change by single instructions, which no NMI can divide.
 */
struct debug_registers {
	/* What is to be watched on this CPU. Behind the last there is nothing. */
	struct hw_breakpoint_piece	*wanted[HBP_NUM + 1];
	/* Bit n: wanted[n] is somebody's, or about to be. */
	unsigned long			taken;
	/*
	 * What DR7 is to be; and which registers are stale, in bits that it doesn't use: so it
	 * is cpu_dr7's equal if nothing is left to be done.
	 */
	unsigned long			wanted_dr7;
	/*
	 * What was last written to DR0-DR3 and to AMD's masks for them, and for which
	 * of them (bit n) it is known to be there still.
	 */
	unsigned long			address[HBP_NUM];
	unsigned long			mask[HBP_NUM];
	unsigned long			known;
	/* Which of the masks (bit n) may not be zero. */
	unsigned long			masked;
	/*
	 * Which of them (bit n) were loaded not long ago: for tasks that may be back soon. A
	 * hint only.
	 */
	unsigned long			recent;
};

DECLARE_PER_CPU(struct debug_registers, debug_registers);

/* In wanted_dr7: bit STALE_SHIFT + n for register n. */
#define STALE_SHIFT	8
#define ALL_STALE	(DR7_ALL_REGS << STALE_SHIFT)

static_assert(!(ALL_STALE & (DR7_ALL_ENABLES | DR7_ALL_SETTINGS)));

static __always_inline unsigned long stale(unsigned long set)
{
	return set << STALE_SHIFT;
}

/*
 * Each register of @set, the lowest first: for_each_set_bit() in a third of its
 * instructions.
 */
#define for_each_register(i, set)						\
	for (unsigned long left_ = (set); left_ && ((i) = __ffs(left_), true);	\
	     left_ &= left_ - 1)

/* Whose is it? */
static __always_inline struct arch_hw_breakpoint *owner_of(struct hw_breakpoint_piece *piece)
{
	return container_of((void *)piece - piece->back, struct arch_hw_breakpoint, piece[0]);
}

/*
 * Whose is a match of register @i, as the processor reports it? @dr7: what cpu_dr7 is. It may
 * match and not be enabled.
 */
static __always_inline struct arch_hw_breakpoint *
owner_of_match(const struct debug_registers *regs, unsigned long dr7, unsigned int i)
{
	struct hw_breakpoint_piece *piece = READ_ONCE(regs->wanted[i]);

	if (!piece || !dr7_enabled(dr7, i) || READ_ONCE(regs->wanted_dr7) & stale(BIT(i)))
		return NULL;
	return owner_of(piece);
}

/* Is it an execution breakpoint, which traps before its instruction is executed? */
static __always_inline bool traps_before_execution(unsigned long dr7, unsigned int i)
{
	return dr7_enabled(dr7, i) && dr7_type(dr7, i) == HW_BREAKPOINT_X;
}

void hw_breakpoint_forget(unsigned int cpu);

#endif /* _ARCH_X86_KERNEL_HW_BREAKPOINT_REGISTERS_H */
