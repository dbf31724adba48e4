/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <asm/debugreg.h> where the registers are built in user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_ASM_DEBUGREG_H
#define _SHIM_ASM_DEBUGREG_H

#include <linux/bitops.h>
#include <linux/percpu.h>

#define DR6_RESERVED		0xffff0ff0UL
#define DR7_FIXED_1		0x400UL
#define DR7_GLOBAL_ENABLES	0xaaUL

DECLARE_PER_CPU(unsigned long, cpu_dr7);
DECLARE_PER_CPU(unsigned int, cpu_dr7_held);

/* The test's, which is the hardware. */
void shim_set_debugreg(unsigned int nr, unsigned long value);
unsigned long shim_get_debugreg(unsigned int nr);
void amd_set_dr_addr_mask(unsigned long mask, unsigned int nr);

#define set_debugreg(value, nr)		shim_set_debugreg(nr, value)
#define get_debugreg(variable, nr)	((variable) = shim_get_debugreg(nr))

/* The marks and hw_breakpoint_arm(): made from the patch that has them. */
#include <shim/cpu_dr7.h>

static __always_inline bool hw_breakpoint_active(void)
{
	return this_cpu_read(cpu_dr7) & DR7_GLOBAL_ENABLES;
}

void hw_breakpoint_restore(void);
void hw_breakpoint_reset(void);
void hw_breakpoint_guest_enter(const unsigned long *address);
void hw_breakpoint_guest_enter_protected(void);
void hw_breakpoint_guest_exit(void);

#endif /* _SHIM_ASM_DEBUGREG_H */
