/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <linux/spinlock_types_raw.h> where the pure parts are built in
 * user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_LINUX_SPINLOCK_TYPES_RAW_H
#define _SHIM_LINUX_SPINLOCK_TYPES_RAW_H

/* The pure parts take no lock. */
typedef struct {
	int unused;
} raw_spinlock_t;

#endif /* _SHIM_LINUX_SPINLOCK_TYPES_RAW_H */
