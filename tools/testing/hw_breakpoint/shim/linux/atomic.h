/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <linux/atomic.h> where the pure parts are built in user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_LINUX_ATOMIC_H
#define _SHIM_LINUX_ATOMIC_H

/* The tests have one thread. */
typedef struct {
	int counter;
} atomic_t;

static inline int atomic_read(const atomic_t *v)
{
	return v->counter;
}

static inline void atomic_add(int by, atomic_t *v)
{
	v->counter += by;
}

/* Nobody else is there to see an order. */
#define smp_store_release(p, value)	(*(p) = (value))

#endif /* _SHIM_LINUX_ATOMIC_H */
