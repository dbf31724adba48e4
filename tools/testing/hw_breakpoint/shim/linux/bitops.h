/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <linux/bitops.h> where the pure parts are built in user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_LINUX_BITOPS_H
#define _SHIM_LINUX_BITOPS_H

#include <linux/step.h>
#include <linux/types.h>

#define BIT(nr)			(1UL << (nr))

#define __ffs(word)		((unsigned int)__builtin_ctzl(word))
#define hweight_long(word)	((unsigned int)__builtin_popcountl(word))

/* One instruction each, as on x86. */
#define test_bit(nr, p)			(!!(READ_ONCE(*(p)) & BIT(nr)))
#define __set_bit(nr, p)		((void)step_or(p, BIT(nr)))
#define __clear_bit(nr, p)		((void)step_and(p, ~BIT(nr)))
#define __test_and_set_bit(nr, p)	(!!(step_or(p, BIT(nr)) & BIT(nr)))

#endif /* _SHIM_LINUX_BITOPS_H */
