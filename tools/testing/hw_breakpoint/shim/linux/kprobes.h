/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <linux/kprobes.h> where the pure parts are built in user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_LINUX_KPROBES_H
#define _SHIM_LINUX_KPROBES_H

#define __kprobes
#define NOKPROBE_SYMBOL(symbol)	struct nokprobe_##symbol
#define nokprobe_inline		__always_inline

#endif /* _SHIM_LINUX_KPROBES_H */
