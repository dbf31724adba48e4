/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <linux/errno.h> where the pure parts are built in user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_LINUX_ERRNO_H
#define _SHIM_LINUX_ERRNO_H

/* The C library's <errno.h> includes this very file for the numbers. */
#include_next <linux/errno.h>

#endif /* _SHIM_LINUX_ERRNO_H */
