// SPDX-License-Identifier: GPL-2.0-only
/*
 * DR7 packing, against the manuals' table written down bit by bit, exhaustively.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hw_breakpoint_dr7.h"
#include "tap.h"

#define NR_REGS	4

/* === What the manuals say === */

/* The number of each register's bits in DR7: L, G, R/W low and high, LEN low and high. */
static const struct {
	unsigned int l, g, rw0, rw1, len0, len1;
} bits[NR_REGS] = {
	{ 0, 1, 16, 17, 18, 19 },
	{ 2, 3, 20, 21, 22, 23 },
	{ 4, 5, 24, 25, 26, 27 },
	{ 6, 7, 28, 29, 30, 31 },
};

/* R/W, by its value: 00 execution, 01 writes, 10 I/O, 11 reads and writes. */
static const unsigned int types[4] = { 4, 2, 0, 3 };

/* LEN, by its value: 00 one byte, 01 two, 10 eight, 11 four. */
static const unsigned int lens[4] = { 1, 2, 8, 4 };

static unsigned long bit(unsigned int nr)
{
	return 1UL << nr;
}

static unsigned int field(unsigned long dr7, unsigned int low, unsigned int high)
{
	return (dr7 & bit(low) ? 1 : 0) + (dr7 & bit(high) ? 2 : 0);
}

/* === Tests === */

static unsigned long slot(unsigned int reg, unsigned int type, unsigned int len)
{
	return dr7_every_slot(dr7_setting(type, len)) & DR7_SLOT_MASK(reg);
}

static bool check_slot(unsigned int reg, unsigned int rw, unsigned int len)
{
	unsigned long want = bit(bits[reg].g);

	if (rw & 1)
		want |= bit(bits[reg].rw0);
	if (rw & 2)
		want |= bit(bits[reg].rw1);
	if (rw && (len & 1))
		want |= bit(bits[reg].len0);
	if (rw && (len & 2))
		want |= bit(bits[reg].len1);
	return slot(reg, types[rw], lens[len]) == want;
}

static void test_slot_has_the_bits_of_the_manual(void)
{
	bool good = true;

	for (unsigned int reg = 0; reg < NR_REGS; reg++)
		for (unsigned int rw = 0; rw < 4; rw++)
			for (unsigned int len = 0; len < 4; len++)
				good &= rw == 2 || check_slot(reg, rw, len);
	tap_ok(good, "each register, type and length has the bits of the manual");
}

/* An x86-64 caller asks for sizeof(long), a 32-bit one for 4. */
static void test_execution_has_length_zero(void)
{
	bool good = true;

	for (unsigned int reg = 0; reg < NR_REGS; reg++)
		for (unsigned int len = 0; len <= 16; len++)
			good &= slot(reg, 4, len) == bit(bits[reg].g);
	tap_ok(good, "execution has LEN 00, whatever length was asked for");
}

static bool check_masks(unsigned int reg)
{
	return DR7_SLOT_MASK(reg) == (bit(bits[reg].l) | bit(bits[reg].g) |
				      bit(bits[reg].rw0) | bit(bits[reg].rw1) |
				      bit(bits[reg].len0) | bit(bits[reg].len1));
}

static void test_masks_tile(void)
{
	unsigned long all = 0;
	bool good = true;

	for (unsigned int reg = 0; reg < NR_REGS; reg++) {
		good &= check_masks(reg) && !(all & DR7_SLOT_MASK(reg));
		all |= DR7_SLOT_MASK(reg);
	}
	tap_ok(good && all == 0xffff00ffUL, "the registers' masks tile what belongs to registers");
}

static bool check_fields(unsigned long dr7, unsigned int reg)
{
	return dr7_type(dr7, reg) == types[field(dr7, bits[reg].rw0, bits[reg].rw1)] &&
	       dr7_len(dr7, reg) == lens[field(dr7, bits[reg].len0, bits[reg].len1)];
}

/* Each setting with none and with all of the other bits, beyond bit 31 too. */
static void test_every_setting_is_read(void)
{
	bool good = true;

	for (unsigned long upper = 0; upper < 0x10000; upper++)
		for (unsigned int reg = 0; reg < NR_REGS; reg++)
			good &= check_fields(upper << 16, reg) &&
				check_fields(~(0xffffUL << 16) | upper << 16, reg);
	tap_ok(good, "each of the 2^16 upper halves is read back as the manual says");
}

static void test_every_enable_is_read(void)
{
	bool good = true;

	for (unsigned long lower = 0; lower < 0x10000; lower++)
		for (unsigned int reg = 0; reg < NR_REGS; reg++)
			good &= dr7_enabled(lower, reg) ==
				((lower & bit(bits[reg].l)) || (lower & bit(bits[reg].g)));
	tap_ok(good && !dr7_enabled(~0xffUL, 0) && !dr7_enabled(~0xffUL, 3),
	       "a register is enabled by its L or G and by nothing else");
}

static void test_slots_are_read_back(void)
{
	bool good = true;

	for (unsigned int reg = 0; reg < NR_REGS; reg++)
		for (unsigned int rw = 1; rw < 4; rw += 2)
			for (unsigned int len = 0; len < 4; len++) {
				unsigned long dr7 = slot(reg, types[rw], lens[len]);

				good &= dr7_enabled(dr7, reg) && dr7_type(dr7, reg) == types[rw] &&
					dr7_len(dr7, reg) == lens[len] &&
					!(dr7 & ~DR7_SLOT_MASK(reg));
			}
	tap_ok(good, "what was packed is read back");
}

int main(void)
{
	test_slot_has_the_bits_of_the_manual();
	test_execution_has_length_zero();
	test_masks_tile();
	test_every_setting_is_read();
	test_every_enable_is_read();
	test_slots_are_read_back();
	return tap_end();
}
