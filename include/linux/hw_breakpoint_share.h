/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the architecture asks of kernel/hw_breakpoint_flexible.c, where kernel-doc stands with
 * each.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _LINUX_HW_BREAKPOINT_SHARE_H
#define _LINUX_HW_BREAKPOINT_SHARE_H

#include <linux/jump_label.h>

struct arch_hw_breakpoint;

/* May several events share a register? */
DECLARE_STATIC_KEY_FALSE(hw_breakpoint_may_share);

/* For the #DB handler: all whose a hit is. */
void hw_breakpoint_share_begin_hits(void);
void hw_breakpoint_share_end_hits(void);
struct arch_hw_breakpoint *hw_breakpoint_share_next(const struct arch_hw_breakpoint *hw,
						    const struct arch_hw_breakpoint *host);

/* For who adds breakpoints that are no events: the kernel debugger. */
bool hw_breakpoint_debugger_begin(void);
void hw_breakpoint_debugger_add(struct arch_hw_breakpoint *hw);
void hw_breakpoint_debugger_end(void);

#endif /* _LINUX_HW_BREAKPOINT_SHARE_H */
