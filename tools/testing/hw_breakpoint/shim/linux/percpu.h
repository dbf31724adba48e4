/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <linux/percpu.h> where the pure parts are built in user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_LINUX_PERCPU_H
#define _SHIM_LINUX_PERCPU_H

/* What is there for each CPU is an array of the test's, which says how many there are. */
extern const int shim_nr_cpus;

#define __percpu
#define per_cpu_ptr(array, cpu)		(&(array)[cpu])
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < shim_nr_cpus; (cpu)++)

#endif /* _SHIM_LINUX_PERCPU_H */
