/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <asm/cpufeature.h> where the registers are built in user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_ASM_CPUFEATURE_H
#define _SHIM_ASM_CPUFEATURE_H

#include <stdbool.h>

#define X86_FEATURE_BPEXT	0

/* The test's. */
extern bool shim_has_masks;

#define boot_cpu_has(feature)	(shim_has_masks)

#endif /* _SHIM_ASM_CPUFEATURE_H */
