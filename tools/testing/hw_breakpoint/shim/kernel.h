/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's headers where the pure parts are built in user space. The makefile
 * makes a file for each <linux/NAME.h> that they include, which includes this one.
 *
 * The tests have one thread. Locks and barriers order nothing here, but a lock that is taken in
 * the wrong context, taken twice, or not taken at all, ends the test.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _SHIM_KERNEL_H
#define _SHIM_KERNEL_H

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>	/* and with it __always_inline */
#include <stdlib.h>
#include <string.h>

/* === Types, the compiler, linkage === */

typedef uint8_t u8;
typedef uint32_t u32;
typedef unsigned long long u64;
struct list_head { struct list_head *next, *prev; };

#define noinline		__attribute__((noinline))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)

#define __init
#define __percpu
#define __read_mostly
#define __ro_after_init
#define SMP_CACHE_BYTES		64
#define ____cacheline_aligned	__attribute__((aligned(SMP_CACHE_BYTES)))

#define EXPORT_SYMBOL_GPL(symbol)
#define EXPORT_PER_CPU_SYMBOL(symbol)
#define EXPORT_PER_CPU_SYMBOL_GPL(symbol)
#define __kprobes
#define NOKPROBE_SYMBOL(symbol)	struct nokprobe_##symbol
#define nokprobe_inline		__always_inline

#define min_t(type, a, b) ({ type _a = (a), _b = (b); _a < _b ? _a : _b; })
#define max_t(type, a, b) ({ type _a = (a), _b = (b); _a > _b ? _a : _b; })
#define min(a, b)		min_t(__typeof__(a), a, b)
#define max(a, b)		max_t(__typeof__(a), a, b)
#define swap(a, b)		({ __typeof__(a) _a = (a); (a) = (b); (b) = _a; })

/* === Memory that is shared === */

/* A test that comes in between defines this first. */
#ifndef shim_step
#define shim_step()		((void)0)
#endif

#define barrier()		__asm__ __volatile__("" ::: "memory")
#define READ_ONCE(x)		(*({ shim_step(); (const volatile __typeof__(x) *)&(x); }))
#define WRITE_ONCE(x, value)	\
	({ shim_step(); *(volatile __typeof__(x) *)&(x) = (value); })
#define smp_mb()		barrier()
#define smp_rmb()		barrier()
#define smp_wmb()		barrier()
#define smp_load_acquire(p)	READ_ONCE(*(p))
#define smp_store_release(p, value)	WRITE_ONCE(*(p), value)

#define smp_cond_load_acquire(p, condition)	\
	({ __typeof__(*(p)) VAL = READ_ONCE(*(p)); if (!(condition)) shim_blocks(); })

/* Is called where only another CPU could end the wait, and doesn't return. */
void shim_blocks(void);

/* === CPUs === */

/* A test of more than one CPU defines where the others' variables are, first. */
#ifndef shim_per_cpu
#define shim_per_cpu(p, cpu)	((void)(cpu), (p))
#define shim_cpu		0
#endif

extern int shim_nr_cpus;

#define nr_cpu_ids			((unsigned int)shim_nr_cpus)
#define num_possible_cpus()		nr_cpu_ids
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < shim_nr_cpus; (cpu)++)

/* What is in this section is the first CPU's. */
#define __per_cpu			__attribute__((section("percpu")))
#define DECLARE_PER_CPU(type, name)	extern __per_cpu type name
#define DEFINE_PER_CPU(type, name)	__per_cpu type name
#define DEFINE_PER_CPU_ALIGNED(type, name)	____cacheline_aligned __per_cpu type name
#define per_cpu_ptr(p, cpu)		((__typeof__(p))shim_per_cpu(p, cpu))
#define per_cpu(name, cpu)		(*per_cpu_ptr(&(name), cpu))
#define this_cpu_ptr(p)			per_cpu_ptr(p, shim_cpu)
#define this_cpu_read(x)		READ_ONCE(per_cpu(x, shim_cpu))
#define this_cpu_write(x, value)	WRITE_ONCE(per_cpu(x, shim_cpu), value)

/*
 * Instructions of x86 that read and write, so that an NMI comes before them or after them. All
 * other accesses to memory are the compiler's to announce, see registers_test.c.
 * Return: what it was before.
 */
unsigned long step_or(unsigned long *p, unsigned long bits);
unsigned long step_and(unsigned long *p, unsigned long bits);
unsigned int step_or_int(unsigned int *p, unsigned int bits);
unsigned int step_and_int(unsigned int *p, unsigned int bits);
unsigned int step_add_int(unsigned int *p, unsigned int by);

#define step_op(op, x, y)							\
	__builtin_choose_expr(sizeof(x) == sizeof(int),				\
			      step_##op##_int((void *)&(x), y), step_##op((void *)&(x), y))

#define this_cpu_or(x, bits)		((void)step_op(or, x, bits))
#define this_cpu_and(x, bits)		((void)step_op(and, x, bits))
#define this_cpu_inc(x)			((void)step_add_int(&(x), 1))
#define this_cpu_dec(x)			((void)step_add_int(&(x), -1U))
#define this_cpu_dec_and_test(x)	(step_add_int(&(x), -1U) == 1)

#define BIT(nr)				(1UL << (nr))
#define BIT_ULL(nr)			(1ULL << (nr))
#define __ffs(word)			((unsigned int)__builtin_ctzl(word))
#define hweight_long(word)		((unsigned int)__builtin_popcountl(word))

/* === Locks === */

typedef struct { bool held; } spinlock_t;
struct mutex { bool held; };

/* How many spinlocks are held, and how often preemption was turned off. */
extern int shim_atomic;

#define DEFINE_MUTEX(name)	struct mutex name
#define mutex_is_locked(lock)	((lock)->held)
#define mutex_lock(lock)	\
	({ assert(!shim_atomic); if ((lock)->held) shim_blocks(); (lock)->held = true; })
#define mutex_unlock(lock)	({ assert(!shim_atomic && (lock)->held); (lock)->held = false; })
#define spin_lock(lock)		({ assert(!(lock)->held); (lock)->held = true; shim_atomic++; })
#define spin_unlock(lock)	({ assert((lock)->held); (lock)->held = false; shim_atomic--; })
#define preempt_disable()	((void)shim_atomic++)
#define preempt_enable()	({ assert(shim_atomic > 0); shim_atomic--; })
#define lockdep_assert_held(lock)	assert((lock)->held)

/* === The heap === */

/* How many are allocated; and is memory short? */
extern int shim_allocated;
extern bool shim_no_memory;

#define kvzalloc(size, flags)	\
	({ assert(!shim_atomic); shim_no_memory ? NULL : (shim_allocated++, calloc(1, size)); })
#define kvfree_rcu_mightsleep(p)	\
	({ assert(!shim_atomic); if (p) shim_allocated--; free(p); })

#endif /* _SHIM_KERNEL_H */
