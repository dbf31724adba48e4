/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions that an NMI can't divide.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_LINUX_STEP_H
#define _SHIM_LINUX_STEP_H

#include <stdbool.h>

/*
 * What on x86 is one instruction that reads and writes, so that an NMI comes before it or
 * after it. All other accesses to memory are the compiler's to announce, see registers_test.c.
 * Return: what it was before.
 */
unsigned long step_or(unsigned long *p, unsigned long bits);
unsigned long step_and(unsigned long *p, unsigned long bits);
unsigned int step_or_int(unsigned int *p, unsigned int bits);
unsigned int step_and_int(unsigned int *p, unsigned int bits);
unsigned int step_add_int(unsigned int *p, unsigned int by);
bool step_cmpxchg(unsigned long *p, unsigned long *old, unsigned long new_value);

#endif /* _SHIM_LINUX_STEP_H */
