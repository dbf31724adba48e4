// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split of ranges, against all sets of blocks that there are.
 *
 * A block is what one register can watch: a power of two of bytes at a multiple of its size.
 * Bytes are bits of a word, so a set of blocks is right if the union of their words is the
 * range's.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <stdint.h>

#include "hw_breakpoint_split.h"
#include "tap.h"

#define NR_REGS		4
#define NR_BYTES	64	/* a range may start in the first half and end in the second */

static uint64_t bytes(unsigned int start, unsigned int len)
{
	return ((1ULL << len) - 1) << start;
}

/* === Brute force === */

/* Each block within the NR_BYTES, up to @largest. */
static unsigned int all_blocks(unsigned int largest, uint64_t *block)
{
	unsigned int nr = 0;

	for (unsigned int size = 1; size <= largest; size *= 2)
		for (unsigned int start = 0; start < NR_BYTES; start += size)
			block[nr++] = bytes(start, size);
	return nr;
}

/*
 * Can @max blocks be the range? Some block has to hold its lowest byte, whichever others there
 * are.
 */
static bool cover(uint64_t range, uint64_t missing, const uint64_t *block, unsigned int nr,
		  unsigned int max)
{
	const uint64_t lowest = missing & -missing;

	if (!missing)
		return true;
	if (!max)
		return false;
	for (unsigned int i = 0; i < nr; i++)
		if (block[i] & lowest && !(block[i] & ~range) &&
		    cover(range, missing & ~block[i], block, nr, max - 1))
			return true;
	return false;
}

/* Return: 0 if @NR_REGS aren't enough. */
static unsigned int fewest(uint64_t range, const uint64_t *block, unsigned int nr)
{
	for (unsigned int max = 1; max <= NR_REGS; max++)
		if (cover(range, range, block, nr, max))
			return max;
	return 0;
}

/* === Tests === */

static bool is_block(u64 start, u64 size, u64 largest)
{
	return size && !(size & (size - 1)) && size <= largest && start % size == 0;
}

/* Are the @nr blocks from @start on all that a register can watch, and @len bytes together? */
static bool tiles(u64 start, u64 len, u64 largest, const u64 *block, unsigned int nr)
{
	u64 at = start;

	for (unsigned int i = 0; i < nr; i++) {
		if (!is_block(at, block[i], largest))
			return false;
		at += block[i];
	}
	return at - start == len;
}

static bool check(u64 start, unsigned int len, u64 largest, unsigned int want)
{
	u64 block[NR_REGS + 1] = { };
	unsigned int nr = split_range(start, len, largest, block, NR_REGS);

	if (nr == want && (!nr || tiles(start, len, largest, block, nr)) && !block[NR_REGS])
		return true;
	printf("# %u bytes at %#llx, blocks up to %llu: %u registers, not %u\n", len, start,
	       largest, nr, want);
	return false;
}

/* The same split wherever in the address space the range is. */
static void test_every_range(unsigned int largest)
{
	const u64 bases[] = { 0, 0x7fffffffffc0ULL, -64ULL, 0xffff888000000040ULL };
	uint64_t block[2 * NR_BYTES];
	const unsigned int nr = all_blocks(largest, block);
	char what[80];
	bool good = true;

	for (unsigned int start = 0; start < NR_BYTES / 2; start++) {
		for (unsigned int len = 1; len <= NR_BYTES / 2; len++) {
			unsigned int want = fewest(bytes(start, len), block, nr);

			for (unsigned int i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
				good &= check(bases[i] + start, len, largest, want);
		}
	}
	snprintf(what, sizeof(what), "1 to 32 bytes anywhere, in blocks up to %u: the fewest",
		 largest);
	tap_ok(good, what);
}

static void test_examples(void)
{
	u64 block[NR_REGS];

	/* 3: 1 byte, 4: 4, 8: 8. */
	tap_ok(split_range(0x1003, 13, 8, block, NR_REGS) == 3 && block[0] == 1 && block[1] == 4 &&
	       block[2] == 8, "13 bytes at offset 3 are 1, 4 and 8");
	tap_ok(split_range(0x1001, 15, 8, block, NR_REGS) == 4 && block[0] == 1 && block[1] == 2 &&
	       block[2] == 4 && block[3] == 8, "15 bytes at offset 1 are 1, 2, 4 and 8");
	tap_ok(split_range(0x1000, 32, 8, block, NR_REGS) == 4, "32 aligned bytes are 4 times 8");
	tap_ok(!split_range(0x1001, 31, 8, block, NR_REGS), "31 bytes at offset 1 are too many");
	tap_ok(split_range(0x1000, 32, 32, block, NR_REGS) == 1, "with masks 32 are 1");
	tap_ok(split_range(1ULL << 32, 1ULL << 32, 1ULL << 32, block, NR_REGS) == 1 &&
	       block[0] == 1ULL << 32, "2^32 bytes are 1, with masks");
	tap_ok(!split_range(0x1000, 0, 8, block, NR_REGS), "no bytes are no block");
}

int main(void)
{
	test_examples();
	for (unsigned int largest = 4; largest <= 32; largest *= 2)
		test_every_range(largest);
	return tap_end();
}
