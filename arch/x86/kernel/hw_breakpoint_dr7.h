/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How breakpoints are packed into DR7, x86's debug control register.
 *
 * Sources: Intel SDM vol. 3, "Debug Control Register (DR7)"; AMD APM vol. 2,
 * ch. 13. Pure: it builds in user space, see tools/testing/hw_breakpoint/.
 *
 *   31      28 27      24 23      20 19      16 15 14  13  12  11  10  9  8 7    0
 *  +----+----+----+----+----+----+----+----+-----+--+-----+---+--+--+--+------+
 *  |LEN3|R/W3|LEN2|R/W2|LEN1|R/W1|LEN0|R/W0|  0  |GD|  0  |RTM| 1|GE|LE|GL..GL|
 *  +----+----+----+----+----+----+----+----+-----+--+-----+---+--+--+--+------+
 *                                                                       3    0
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _ARCH_X86_KERNEL_HW_BREAKPOINT_DR7_H
#define _ARCH_X86_KERNEL_HW_BREAKPOINT_DR7_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <uapi/linux/hw_breakpoint.h>

#define DR7_NR_REGS		4
#define DR7_ALL_REGS		((1UL << DR7_NR_REGS) - 1)	/* as a bitmap */

/* The enables of a register: two bits, from bit 2n on. */
#define DR7_ENABLE_SHIFT	0
#define DR7_ENABLE_WIDTH	2
#define DR7_L			0x1UL
#define DR7_G			0x2UL

/* The setting of a register: four bits, from bit 16 + 4n on. */
#define DR7_SETTING_SHIFT	16
#define DR7_SETTING_WIDTH	4
#define DR7_RW_MASK		0x3UL
#define DR7_RW_X		0x0UL
#define DR7_RW_W		0x1UL
#define DR7_RW_IO		0x2UL
#define DR7_RW_RW		0x3UL
#define DR7_LEN_MASK		0xcUL
#define DR7_LEN_BYTES_1		0x0UL
#define DR7_LEN_BYTES_2		0x4UL
#define DR7_LEN_BYTES_8		0x8UL
#define DR7_LEN_BYTES_4		0xcUL

/* What belongs to no register. */
#define DR7_EXACT		0x00000300UL	/* LE and GE: no effect since the P6 */
#define DR7_ONE			0x00000400UL	/* reads as 1 */
#define DR7_RTM			0x00000800UL
#define DR7_DETECT		0x00002000UL	/* GD; the name DR7_GD is KVM's */
#define DR7_ZERO		0x0000d000UL	/* reserved */

#define DR7_ALL_ENABLES		0x000000ffUL
#define DR7_ALL_SETTINGS	0xffff0000UL

/* A register's enables tile the low byte, its settings the upper half. */
static_assert(DR7_NR_REGS * DR7_ENABLE_WIDTH == 8);
static_assert(DR7_NR_REGS * DR7_SETTING_WIDTH == 16);
static_assert((DR7_L ^ DR7_G) == (1UL << DR7_ENABLE_WIDTH) - 1);
static_assert((DR7_RW_MASK ^ DR7_LEN_MASK) == (1UL << DR7_SETTING_WIDTH) - 1);

/* Times these is what each register has that the first one has. */
#define DR7_EACH_ENABLE		0x55UL
#define DR7_EACH_SETTING	0x1111UL
static_assert((DR7_L | DR7_G) * DR7_EACH_ENABLE << DR7_ENABLE_SHIFT == DR7_ALL_ENABLES);
static_assert((DR7_RW_MASK | DR7_LEN_MASK) * DR7_EACH_SETTING << DR7_SETTING_SHIFT ==
	      DR7_ALL_SETTINGS);

/* With the rest they tile the register: the sum is that of disjoint sets. */
static_assert(DR7_ALL_ENABLES + DR7_EXACT + DR7_ONE + DR7_RTM + DR7_DETECT +
	      DR7_ZERO + DR7_ALL_SETTINGS == 0xffffffffUL);
static_assert((DR7_ALL_ENABLES | DR7_EXACT | DR7_ONE | DR7_RTM | DR7_DETECT |
	       DR7_ZERO | DR7_ALL_SETTINGS) == 0xffffffffUL);

static __always_inline unsigned long dr7_enable_bits(unsigned int reg, unsigned long bits)
{
	return bits << (DR7_ENABLE_SHIFT + reg * DR7_ENABLE_WIDTH);
}

static __always_inline unsigned long dr7_setting_bits(unsigned int reg, unsigned long bits)
{
	return bits << (DR7_SETTING_SHIFT + reg * DR7_SETTING_WIDTH);
}

static __always_inline unsigned long dr7_setting(unsigned long dr7, unsigned int reg)
{
	return dr7 >> (DR7_SETTING_SHIFT + reg * DR7_SETTING_WIDTH);
}

static __always_inline unsigned long dr7_encode_type(unsigned int type)
{
	switch (type) {
	case HW_BREAKPOINT_X:
		return DR7_RW_X;
	case HW_BREAKPOINT_W:
		return DR7_RW_W;
	default:
		return DR7_RW_RW;
	}
}

static __always_inline unsigned long dr7_encode_len(unsigned int len)
{
	switch (len) {
	case HW_BREAKPOINT_LEN_2:
		return DR7_LEN_BYTES_2;
	case HW_BREAKPOINT_LEN_4:
		return DR7_LEN_BYTES_4;
	case HW_BREAKPOINT_LEN_8:
		return DR7_LEN_BYTES_8;
	default:
		return DR7_LEN_BYTES_1;
	}
}

static __always_inline unsigned long dr7_encode(unsigned int type, unsigned int len)
{
	const unsigned long setting = dr7_encode_type(type);

	return setting == DR7_RW_X ? setting : setting | dr7_encode_len(len);
}

/**
 * dr7_slot() - the bits of one armed register
 * @reg: which of DR0 to DR3
 * @type: HW_BREAKPOINT_X, HW_BREAKPOINT_W or HW_BREAKPOINT_RW
 * @len: 1, 2, 4 or 8 bytes; ignored for execution, which the hardware wants
 *	with a length of 0b00
 *
 * The caller has checked @type and @len: what they don't name is taken as
 * HW_BREAKPOINT_RW and as one byte.
 *
 * Context: any, noinstr included.
 * Return: the setting and the global enable, to be or-ed into DR7.
 */
static __always_inline unsigned long dr7_slot(unsigned int reg, unsigned int type,
					      unsigned int len)
{
	return dr7_setting_bits(reg, dr7_encode(type, len)) | dr7_enable_bits(reg, DR7_G);
}

/**
 * dr7_every_slot() - the bits of an armed register, whichever it is
 * @type: as for dr7_slot()
 * @len: as for dr7_slot()
 *
 * Context: any, noinstr included.
 * Return: dr7_slot() of all registers; dr7_slot_mask() picks one's.
 */
static __always_inline unsigned long dr7_every_slot(unsigned int type, unsigned int len)
{
	return dr7_setting_bits(0, dr7_encode(type, len)) * DR7_EACH_SETTING |
	       dr7_enable_bits(0, DR7_G) * DR7_EACH_ENABLE;
}

/**
 * dr7_enable_mask() - both enables of a register
 * @reg: which of DR0 to DR3
 *
 * Context: any, noinstr included.
 * Return: the bits L and G of @reg.
 */
static __always_inline unsigned long dr7_enable_mask(unsigned int reg)
{
	return dr7_enable_bits(reg, DR7_L | DR7_G);
}

/**
 * dr7_slot_mask() - all that belongs to a register
 * @reg: which of DR0 to DR3
 *
 * Context: any, noinstr included.
 * Return: the bits L, G, R/W and LEN of @reg.
 */
static __always_inline unsigned long dr7_slot_mask(unsigned int reg)
{
	return dr7_enable_mask(reg) | dr7_setting_bits(reg, DR7_RW_MASK | DR7_LEN_MASK);
}

/**
 * dr7_enabled() - is a register armed?
 * @dr7: a value of DR7
 * @reg: which of DR0 to DR3
 *
 * Context: any, noinstr included.
 * Return: true if either enable is set.
 */
static __always_inline bool dr7_enabled(unsigned long dr7, unsigned int reg)
{
	return dr7 & dr7_enable_mask(reg);
}

/**
 * dr7_type() - what a register watches for
 * @dr7: a value of DR7
 * @reg: which of DR0 to DR3
 *
 * Context: any, noinstr included.
 * Return: HW_BREAKPOINT_X, HW_BREAKPOINT_W or HW_BREAKPOINT_RW, or 0 for I/O,
 * for which there is no generic name.
 */
static __always_inline unsigned int dr7_type(unsigned long dr7, unsigned int reg)
{
	switch (dr7_setting(dr7, reg) & DR7_RW_MASK) {
	case DR7_RW_X:
		return HW_BREAKPOINT_X;
	case DR7_RW_W:
		return HW_BREAKPOINT_W;
	case DR7_RW_RW:
		return HW_BREAKPOINT_RW;
	default:
		return 0;
	}
}

/**
 * dr7_len() - how much a register watches
 * @dr7: a value of DR7
 * @reg: which of DR0 to DR3
 *
 * Context: any, noinstr included.
 * Return: 1, 2, 4 or 8 bytes, as the field says, whatever the type.
 */
static __always_inline unsigned int dr7_len(unsigned long dr7, unsigned int reg)
{
	switch (dr7_setting(dr7, reg) & DR7_LEN_MASK) {
	case DR7_LEN_BYTES_2:
		return 2;
	case DR7_LEN_BYTES_4:
		return 4;
	case DR7_LEN_BYTES_8:
		return 8;
	default:
		return 1;
	}
}

#endif /* _ARCH_X86_KERNEL_HW_BREAKPOINT_DR7_H */
