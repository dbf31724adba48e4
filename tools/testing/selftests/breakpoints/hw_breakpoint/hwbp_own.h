/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test watches of its own: one variable and one function.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef HWBP_OWN_H
#define HWBP_OWN_H

#include "hwbp.h"

#define MAX_CPUS 16

/* Alone on its cache line. */
static volatile uint64_t var __attribute__((aligned(64)));

static __attribute__((noinline)) void func(void)
{
	asm volatile("" ::: "memory");
}

#define CODE ((uintptr_t)func)

static void calls(unsigned int n)
{
	while (n--)
		func();
}

#endif /* HWBP_OWN_H */
