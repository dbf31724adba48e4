/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <linux/build_bug.h> where the pure parts are built in user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_LINUX_BUILD_BUG_H
#define _SHIM_LINUX_BUILD_BUG_H

/* As in the kernel, the message may be left out: gcc lets it. */
#include <assert.h>

#endif /* _SHIM_LINUX_BUILD_BUG_H */
