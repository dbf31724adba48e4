/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a range of bytes is split over debug registers.
 *
 * A register watches a block: a power of two of bytes, at a multiple of its size (Intel SDM
 * vol. 3, "Breakpoint Field Recognition"). Two blocks never overlap in part, so the fewest
 * that make up a range are those that can't grow: from its first byte on, each as large as
 * it may be where it starts and without going beyond the end.
 *
 * Pure: it builds in user space, see tools/testing/hw_breakpoint/.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _ARCH_X86_KERNEL_HW_BREAKPOINT_SPLIT_H
#define _ARCH_X86_KERNEL_HW_BREAKPOINT_SPLIT_H

#include <linux/types.h>

/**
 * block_at() - the largest block that starts a range
 * @start: the range's first byte
 * @len: its bytes, not 0
 * @largest: what a register can watch at most; a power of two
 *
 * Context: any.
 * Return: the block's bytes.
 */
static inline u64 block_at(u64 start, u64 len, u64 largest)
{
	u64 block = largest;

	while (block > len || start & (block - 1))
		block /= 2;
	return block;
}

/**
 * split_range() - the fewest blocks that are a range, and no byte more
 * @start: the range's first byte
 * @len: its bytes
 * @largest: what a register can watch at most; a power of two
 * @block: set to the blocks' bytes, in the order of addresses, which they cover without a gap
 * @max: the length of @block
 *
 * Context: any.
 * Return: how many blocks there are; 0: none, or more than @max.
 */
static inline unsigned int split_range(u64 start, u64 len, u64 largest, u64 *block,
				       unsigned int max)
{
	unsigned int nr;

	for (nr = 0; len; nr++) {
		if (nr == max)
			return 0;
		block[nr] = block_at(start, len, largest);
		start += block[nr];
		len -= block[nr];
	}
	return nr;
}

#endif /* _ARCH_X86_KERNEL_HW_BREAKPOINT_SPLIT_H */
