// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the rest of x86 needs of the hardware-breakpoint layer where it is not built:
 * nothing is ever armed.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/export.h>
#include <linux/percpu.h>

#include <asm/debugreg.h>

/* Always 0: see asm/debugreg.h, which reads it in a #DB, NMI or MCE. */
DEFINE_PER_CPU(unsigned long, cpu_dr7);
EXPORT_PER_CPU_SYMBOL(cpu_dr7);

/* Counted by asm/debugreg.h. */
DEFINE_PER_CPU(unsigned int, cpu_dr7_held);
EXPORT_PER_CPU_SYMBOL_GPL(cpu_dr7_held);

void cpu_dr7_release(unsigned int marks)
{
	this_cpu_and(cpu_dr7_held, ~marks);
}
EXPORT_SYMBOL_GPL(cpu_dr7_release);

void hw_breakpoint_reset(void)
{
	hw_breakpoint_restore();
}

/* A guest's debug registers are its own affair. */
void hw_breakpoint_guest_enter(const unsigned long *address)
{
	if (!address)
		return;
	set_debugreg(DR7_FIXED_1, 7);
	set_debugreg(address[0], 0);
	set_debugreg(address[1], 1);
	set_debugreg(address[2], 2);
	set_debugreg(address[3], 3);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_enter);

void hw_breakpoint_guest_enter_protected(void)
{
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_enter_protected);

void hw_breakpoint_guest_exit(void)
{
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_exit);
