/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel debugger's hardware breakpoints: what arch/x86/kernel/kgdb.c hands to kgdb, and what
 * the #DB handler asks for.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _ARCH_X86_KERNEL_HW_BREAKPOINT_KGDB_H
#define _ARCH_X86_KERNEL_HW_BREAKPOINT_KGDB_H

#include <linux/kgdb.h>

struct arch_hw_breakpoint;
struct die_args;
struct pt_regs;

#ifdef CONFIG_KGDB

/*
 * For kgdb, with all other CPUs stopped. What is set is in force on each CPU that has left the
 * debugger. Returns -EOPNOTSUPP for reads alone; -EINVAL for what can't be watched; -ENOSPC if a
 * CPU has no register left; -EBUSY if a task was stopped while it reserved one: try again after a
 * step.
 */
int kgdb_hw_breakpoint_set(unsigned long addr, int len, enum kgdb_bptype type);
int kgdb_hw_breakpoint_remove(unsigned long addr, int len, enum kgdb_bptype type);
void kgdb_hw_breakpoint_remove_all(void);

/* Each CPU for itself, in any context: from here on nothing traps, until it leaves. */
void kgdb_hw_breakpoint_enter(struct pt_regs *regs);
void kgdb_hw_breakpoint_leave(void);

/*
 * For the #DB handler: does a hit stop the kernel? Then do so, and return when it runs on. Return: true
 * if the debugger was single-stepping this CPU in the kernel, so the step was its own.
 */
bool arch_kgdb_hw_breakpoint_hit(const struct arch_hw_breakpoint *hw);
bool arch_kgdb_hw_breakpoint_stop(struct die_args *args);

/* This CPU comes up or goes down. */
void arch_kgdb_hw_breakpoint_ready(bool ready);
#else
static inline void arch_kgdb_hw_breakpoint_ready(bool ready)
{
}

static inline bool arch_kgdb_hw_breakpoint_hit(const struct arch_hw_breakpoint *hw)
{
	return false;
}

static inline bool arch_kgdb_hw_breakpoint_stop(struct die_args *args)
{
	return false;
}
#endif

#endif /* _ARCH_X86_KERNEL_HW_BREAKPOINT_KGDB_H */
