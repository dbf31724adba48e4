/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One CPU's debug registers: what they are to watch, and what they hold.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _ARCH_X86_KERNEL_HW_BREAKPOINT_REGISTERS_H
#define _ARCH_X86_KERNEL_HW_BREAKPOINT_REGISTERS_H

#include <linux/bitops.h>
#include <linux/percpu.h>

#include <asm/hw_breakpoint.h>
#include <asm/rmwcc.h>

#include "hw_breakpoint_dr7.h"
#include "hw_breakpoint_stats.h"

/**
 * struct debug_registers - one CPU's DR0 to DR3
 * @address: what DRn holds
 * @contents: how many bits AMD's address mask for DRn has, and ADDRESS_UNKNOWN
 * @owner: the breakpoint that register n is for; NULL: none
 * @piece: which of the owner's pieces register n is for
 * @wanted_dr7: what DR7 is to be, and LOAD(n) if register n may not hold what its owner wants. It
 *	equals cpu_dr7 if nothing is left to be done
 * @next: the register to be loaded next, if it is free: the registers are loaded in turn
 * @section: 1 in a section of begin() and end(); and SECTION_AGAIN if an NMI that came meanwhile
 *	wants something to be programmed
 *
 * Only the CPU itself changes it, with interrupts off.
 */
struct debug_registers {
	unsigned long			address[HBP_NUM];
	u8				contents[HBP_NUM];
	struct arch_hw_breakpoint	*owner[HBP_NUM];
	u8				piece[HBP_NUM];
	unsigned long			wanted_dr7;
	unsigned int			next;
	unsigned int			section;
};

/* A guest had the register, or the CPU has lost what was in it. */
#define ADDRESS_UNKNOWN	0x80

#define DEBUG_REGISTERS_UNKNOWN { .contents = { [0 ... HBP_NUM - 1] = ADDRESS_UNKNOWN } }

/* Bits that DR7 doesn't use for registers. */
#define LOAD_SHIFT	8
#define LOAD(reg)	(1UL << (LOAD_SHIFT + (reg)))
#define LOAD_ALL	(LOAD(0) | LOAD(1) | LOAD(2) | LOAD(3))

#define SECTION_AGAIN	0x100U

DECLARE_PER_CPU(struct debug_registers, debug_registers);

/* All bits of a register in wanted_dr7; a table, since context switches use it. */
#define REGISTER_BITS(reg)	(DR7_SLOT_MASK(reg) | LOAD(reg))
extern const unsigned long register_bits[HBP_NUM];

/*
 * For registers in a bitmap, numbered by unsigned longs, which addressing and bit operations take
 * as they are: for_each_set_bit() in a third of its instructions.
 */
#define for_each_register(i, set)						\
	for (unsigned long left_ = (set); left_ && ((i) = __ffs(left_), true);	\
	     left_ &= left_ - 1)

/* One instruction, and a look at its flags. Return: true if @pcp is 0 then. */
#ifndef this_cpu_dec_and_test
#define this_cpu_dec_and_test(pcp)						\
	GEN_UNARY_RMWcc("decl", __my_cpu_var(pcp), e, __percpu_arg([var]))
#endif

/*
 * The breakpoint that is hit if register @i matches, as the processor says; NULL: none. Register @i
 * may match without being enabled, or be armed for a breakpoint that was deleted or moved since.
 */
static __always_inline struct arch_hw_breakpoint *
owner_of_match(const struct debug_registers *regs, unsigned long dr7, unsigned int i)
{
	struct arch_hw_breakpoint *hw = READ_ONCE(regs->owner[i]);

	if (!hw || !dr7_enabled(dr7, i) || (READ_ONCE(regs->wanted_dr7) ^ dr7) & register_bits[i])
		return NULL;
	return hw;
}

static __always_inline bool traps_before_execution(unsigned long dr7, unsigned int i)
{
	return dr7_enabled(dr7, i) && dr7_type(dr7, i) == HW_BREAKPOINT_X;
}

/* From the first byte that a breakpoint watches to the last one. */
static inline unsigned long arch_hw_breakpoint_span(const struct arch_hw_breakpoint *hw)
{
	const struct hw_breakpoint_piece *last = &hw->piece[hw->nr_pieces - 1];

	if (last->mask_bits)
		return last->offset + BIT_ULL(last->mask_bits) - 1;
	return last->offset + dr7_len((unsigned long)last->setting << DR_CONTROL_SHIFT, 0) - 1;
}

#endif /* _ARCH_X86_KERNEL_HW_BREAKPOINT_REGISTERS_H */
