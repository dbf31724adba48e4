/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How breakpoints are packed into DR7, x86's debug control register.
 *
 * Sources: Intel SDM vol. 3, "Debug Control Register (DR7)"; AMD APM vol. 2, ch. 13. Pure: it
 * builds in user space, see tools/testing/hw_breakpoint/. The names DR_* are those of
 * uapi/asm/debugreg.h.
 *
 *   31      28 27      24 23      20 19      16 15 14  13  12  11  10  9  8 7    0
 *  +----+----+----+----+----+----+----+----+-----+--+-----+---+--+--+--+------+
 *  |LEN3|R/W3|LEN2|R/W2|LEN1|R/W1|LEN0|R/W0|  0  |GD|  0  |RTM| 1|GE|LE|GL..GL|
 *  +----+----+----+----+----+----+----+----+-----+--+-----+---+--+--+--+------+
 *                                                                       3    0
 *
 * A register's setting is its LEN and R/W, four bits; its enables are its G and L.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _ARCH_X86_KERNEL_HW_BREAKPOINT_DR7_H
#define _ARCH_X86_KERNEL_HW_BREAKPOINT_DR7_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <uapi/linux/hw_breakpoint.h>

#include <asm/debugreg.h>

/* Of a setting: LEN and R/W. */
#define DR7_LEN_MASK		(DR_LEN_1 | DR_LEN_2 | DR_LEN_4 | DR_LEN_8)
#define DR7_RW_MASK		(DR_RW_EXECUTE | DR_RW_WRITE | DR_RW_READ)
#define DR7_SETTING_MASK	(DR7_LEN_MASK | DR7_RW_MASK)

static_assert(DR7_LEN_MASK + DR7_RW_MASK == (1 << DR_CONTROL_SIZE) - 1);

/* A setting times this is that of each register. */
#define DR7_EACH_SETTING	0x1111UL

/* All that belongs to register @reg, as a constant expression. */
#define DR7_SLOT_MASK(reg)							\
	((unsigned long)DR7_SETTING_MASK << (DR_CONTROL_SHIFT + (reg) * DR_CONTROL_SIZE) | \
	 (unsigned long)(DR_LOCAL_ENABLE | DR_GLOBAL_ENABLE) << (reg) * DR_ENABLE_SIZE)

/* The registers' bits are disjoint. */
static_assert(DR7_SLOT_MASK(0) + DR7_SLOT_MASK(1) + DR7_SLOT_MASK(2) + DR7_SLOT_MASK(3) ==
	      0xffff00ffUL);

/*
 * The setting for breakpoints of @type and @len, which the caller has checked. The processor
 * requires LEN_1 for execution.
 */
static __always_inline unsigned int dr7_setting(unsigned int type, unsigned int len)
{
	const unsigned int rw = type == HW_BREAKPOINT_W ? DR_RW_WRITE : DR_RW_READ;

	if (type == HW_BREAKPOINT_X)
		return DR_RW_EXECUTE | DR_LEN_1;
	switch (len) {
	case 2:
		return rw | DR_LEN_2;
	case 4:
		return rw | DR_LEN_4;
	case 8:
		return rw | DR_LEN_8;
	default:
		return rw | DR_LEN_1;
	}
}

/* DR7 with all registers enabled and set alike. DR7_SLOT_MASK() picks the bits of one of them. */
static __always_inline unsigned long dr7_every_slot(unsigned int setting)
{
	return setting * DR7_EACH_SETTING << DR_CONTROL_SHIFT | DR_GLOBAL_ENABLE_MASK;
}

static __always_inline bool dr7_enabled(unsigned long dr7, unsigned int reg)
{
	return dr7 >> reg * DR_ENABLE_SIZE & (DR_LOCAL_ENABLE | DR_GLOBAL_ENABLE);
}

static __always_inline unsigned int dr7_setting_of(unsigned long dr7, unsigned int reg)
{
	return dr7 >> (DR_CONTROL_SHIFT + reg * DR_CONTROL_SIZE) & DR7_SETTING_MASK;
}

/* What register @reg watches for. 0: I/O, for which there is no generic name. */
static __always_inline unsigned int dr7_type(unsigned long dr7, unsigned int reg)
{
	switch (dr7_setting_of(dr7, reg) & DR7_RW_MASK) {
	case DR_RW_EXECUTE:
		return HW_BREAKPOINT_X;
	case DR_RW_WRITE:
		return HW_BREAKPOINT_W;
	case DR_RW_READ:
		return HW_BREAKPOINT_RW;
	default:
		return 0;
	}
}

/* How many bytes register @reg watches, as LEN says, whatever the type. */
static __always_inline unsigned int dr7_len(unsigned long dr7, unsigned int reg)
{
	switch (dr7_setting_of(dr7, reg) & DR7_LEN_MASK) {
	case DR_LEN_2:
		return 2;
	case DR_LEN_4:
		return 4;
	case DR_LEN_8:
		return 8;
	default:
		return 1;
	}
}

#endif /* _ARCH_X86_KERNEL_HW_BREAKPOINT_DR7_H */
