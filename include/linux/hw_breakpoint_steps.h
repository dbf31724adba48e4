/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the test that comes between the steps in which debug registers are programmed; only
 * with CONFIG_HW_BREAKPOINT_STEPS.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _LINUX_HW_BREAKPOINT_STEPS_H
#define _LINUX_HW_BREAKPOINT_STEPS_H

void hw_breakpoint_hook_steps(void (*hook)(void));

#endif /* _LINUX_HW_BREAKPOINT_STEPS_H */
