/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's <linux/percpu.h> where the pure parts are built in user space.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_LINUX_PERCPU_H
#define _SHIM_LINUX_PERCPU_H

#include <linux/compiler.h>
#include <linux/step.h>

/* What is there for each CPU is an array of the test's, which says how many there are. */
extern const int shim_nr_cpus;

#define __percpu
#define per_cpu_ptr(array, cpu)		(&(array)[cpu])
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < shim_nr_cpus; (cpu)++)

/* A variable of its own for each CPU: of one CPU. */
#define DECLARE_PER_CPU(type, name)	extern type name
#define DEFINE_PER_CPU(type, name)	type name
#define per_cpu(name, cpu)		(*((void)(cpu), &(name)))
#define this_cpu_ptr(p)			(p)
#define this_cpu_read(x)		READ_ONCE(x)
#define this_cpu_write(x, value)	WRITE_ONCE(x, value)

#define step_op(op, x, y)							\
	__builtin_choose_expr(sizeof(x) == sizeof(int),				\
			      step_##op##_int((void *)&(x), y), step_##op((void *)&(x), y))

#define this_cpu_or(x, bits)		((void)step_op(or, x, bits))
#define this_cpu_and(x, bits)		((void)step_op(and, x, bits))
#define this_cpu_inc(x)			((void)step_add_int(&(x), 1))
#define this_cpu_dec_return(x)		(step_add_int(&(x), -1U) - 1)
#define this_cpu_try_cmpxchg(x, old, new_value)	step_cmpxchg(&(x), old, new_value)

#endif /* _SHIM_LINUX_PERCPU_H */
