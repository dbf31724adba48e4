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

/* The C library's copy of uapi/asm/debugreg.h. */
#include_next <asm/debugreg.h>

#define DR7_FIXED_1		0x400UL

DECLARE_PER_CPU(unsigned long, cpu_dr7);
DECLARE_PER_CPU(unsigned int, cpu_dr7_held);

/* The test's, which is the hardware. */
void shim_set_debugreg(unsigned int nr, unsigned long value);
unsigned long shim_get_debugreg(unsigned int nr);
void amd_set_dr_addr_mask(unsigned long mask, unsigned int nr);

#define set_debugreg(value, nr)		shim_set_debugreg(nr, value)
#define get_debugreg(variable, nr)	((variable) = shim_get_debugreg(nr))

static __always_inline bool hw_breakpoint_active(void)
{
	return this_cpu_read(cpu_dr7) & DR_GLOBAL_ENABLE_MASK;
}

void cpu_dr7_release(unsigned int marks);
void hw_breakpoint_reset(void);
void hw_breakpoint_guest_enter(const unsigned long *address);
void hw_breakpoint_guest_enter_protected(void);
void hw_breakpoint_guest_exit(void);

/* The marks, cpu_dr7_hold(), hw_breakpoint_restore(), local_db_restore(). */
#include <cpu_dr7.h>

/* The kernel's, on a machine that is a guest itself. */
static __always_inline unsigned long local_db_save(void)
{
	this_cpu_inc(cpu_dr7_held);
	if (hw_breakpoint_active())
		set_debugreg(DR7_FIXED_1, 7);
	return 0;
}

#endif /* _SHIM_ASM_DEBUGREG_H */
