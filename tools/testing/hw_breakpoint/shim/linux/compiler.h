/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <linux/compiler.h> where the pure parts are built in user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_LINUX_COMPILER_H
#define _SHIM_LINUX_COMPILER_H

#define noinline		__attribute__((noinline))

#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, value)	((x) = (value))

#endif /* _SHIM_LINUX_COMPILER_H */
