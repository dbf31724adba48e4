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

/* The largest block that starts a range of @len bytes. @largest: what a register can watch */
static inline u64 block_at(u64 start, u64 len, u64 largest)
{
	u64 block = largest;

	while (block > len || start & (block - 1))
		block /= 2;
	return block;
}

/*
 * The fewest blocks that are a range, and no byte more. @block: set to the blocks' bytes, in the
 * order of addresses. Return: how many there are; 0: none, or more than @max.
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
