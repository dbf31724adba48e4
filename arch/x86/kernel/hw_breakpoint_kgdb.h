/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel debugger's hardware breakpoints: what arch/x86/kernel/kgdb.c hands to kgdb.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _ARCH_X86_KERNEL_HW_BREAKPOINT_KGDB_H
#define _ARCH_X86_KERNEL_HW_BREAKPOINT_KGDB_H

#include <linux/kgdb.h>

struct pt_regs;

int kgdb_hw_breakpoint_set(unsigned long addr, int len, enum kgdb_bptype type);
int kgdb_hw_breakpoint_remove(unsigned long addr, int len, enum kgdb_bptype type);
void kgdb_hw_breakpoint_remove_all(void);
void kgdb_hw_breakpoint_enter(struct pt_regs *regs);
void kgdb_hw_breakpoint_leave(void);

#endif /* _ARCH_X86_KERNEL_HW_BREAKPOINT_KGDB_H */
