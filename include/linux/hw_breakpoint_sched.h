/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where one hardware-breakpoint event stands among those that want a CPU's registers, once
 * there may be more than those have room for: see kernel/hw_breakpoint_flexible.c.
 *
 * It is a header of its own because perf events embed it, through asm/hw_breakpoint.h.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _LINUX_HW_BREAKPOINT_SCHED_H
#define _LINUX_HW_BREAKPOINT_SCHED_H

#include <linux/types.h>

/**
 * struct hw_breakpoint_sched - an event among others
 * @ring: all that share one set of registers with it
 * @evicted: in the CPU's list of those that were evicted
 * @evicted_at: when it lost its registers to another, though perf core believes it to be on; in
 *	ns of local_clock(); 0: it has them
 * @lost: for how many ns it was so before, and is still counted as running
 * @promised: registers are there whenever its task or CPU runs
 * @alone: nobody else may have the same registers, since it can be moved
 * @guest: of its ring it isn't the one whose the registers are
 *
 * @promised and @alone are set when the event is made. All else changes on the CPU that it is
 * on, with interrupts off.
 */
struct hw_breakpoint_sched {
	struct list_head		ring;
	struct list_head		evicted;
	u64				evicted_at;
	u64				lost;
	bool				promised;
	bool				alone;
	bool				guest;
};

#endif /* _LINUX_HW_BREAKPOINT_SCHED_H */
