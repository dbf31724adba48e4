/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The constraint table: who was promised a debug register, on which CPU.
 *
 * It is pure: it knows neither perf events nor tasks, takes no lock, allocates
 * nothing, and builds in user space (tools/testing/hw_breakpoint/). The law that
 * it keeps, for each CPU c:
 *
 *   slots of c's own events + max over tasks t of what t may use on c <= nr_slots
 *
 * where a task event that is bound to no CPU counts on every CPU. A task is known
 * here by its account.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _KERNEL_HW_BREAKPOINT_SLOTS_H
#define _KERNEL_HW_BREAKPOINT_SLOTS_H

#include <linux/hw_breakpoint_promise.h>
#include <linux/types.h>

/* No machine that this table serves has more debug registers than this. */
#define HW_BREAKPOINT_MAX_SLOTS	4

/*
 * The highest level that is told apart from those above. Inherited copies are
 * never refused, so an account can stand above the limit for a while; it is then
 * counted at this level, on the way in as on the way out.
 */
#define HW_BREAKPOINT_TOP_LEVEL	(2 * HW_BREAKPOINT_MAX_SLOTS)

/**
 * struct hw_breakpoint_account - what one task was promised
 * @promises: its promises: those for every CPU first, then in the order of CPUs
 * @everywhere: the sum of the weights of those for every CPU
 *
 * Both are protected by the table's lock. Zeroed memory is an empty account. It
 * has to live as long as it has promises, which can be longer than its task.
 */
struct hw_breakpoint_account {
	struct hw_breakpoint_promise	*promises;
	unsigned int			everywhere;
};

/* How many stand on each level; those on level 0 ask for nothing and aren't counted. */
struct hw_breakpoint_levels {
	unsigned int			nr[HW_BREAKPOINT_TOP_LEVEL + 1];
};

/**
 * struct hw_breakpoint_cpu_slots - what was promised on one CPU
 * @promises: those of the CPU's own events
 * @slots: the sum of their weights; never above nr_slots
 * @tasks: accounts that have a promise for just this CPU, by all that they may
 *	use on it: their account's everywhere, and what is just for this CPU
 */
struct hw_breakpoint_cpu_slots {
	struct hw_breakpoint_promise	*promises;
	unsigned int			slots;
	struct hw_breakpoint_levels	tasks;
};

/*
 * The picture: 4 slots, 2 CPUs, and three tasks. A has one promise for every CPU
 * and one just for CPU 1, B has two for every CPU, C has one just for CPU 0. CPU 1
 * has an event of its own.
 *
 *   account A           account B           account C
 *   everywhere 1        everywhere 2        everywhere 0
 *   promises            promises            promises
 *     |                   |                   |
 *   [*, 1]->[cpu 1, 1]  [*, 1]->[*, 1]      [cpu 0, 1]
 *
 *   level               0   1   2   3   4  ..  8 (and above)
 *   table.tasks         -   A   B                    every account's everywhere
 *   cpus[0].tasks       -   C                        C: 0 + 1
 *   cpus[1].tasks       -       A                    A: 1 + 1
 *   table.cpus          -   1                        cpus[1].slots = 1
 *
 * So the most that a task may use on CPU 1 is the highest level in table.tasks or
 * cpus[1].tasks, and the most that any CPU gave to its own events is the highest
 * level in table.cpus: neither depends on how many tasks or CPUs there are. A is in
 * two rows; its place in the first is below that in the other and does no harm.
 */

/**
 * struct hw_breakpoint_table - the promises made on one machine
 * @nr_slots: debug registers of each CPU; constant
 * @nr_cpus: the length of @cpu; constant
 * @nr_promises: promises that hold something
 * @cpu: the CPUs, an array of the caller's
 * @cpus: CPUs by what their own events were promised
 * @tasks: accounts by what they were promised on every CPU
 *
 * The caller's lock protects all of it, what @cpu points to included.
 */
struct hw_breakpoint_table {
	unsigned int			nr_slots;
	unsigned int			nr_cpus;
	unsigned long			nr_promises;
	struct hw_breakpoint_cpu_slots	*cpu;
	struct hw_breakpoint_levels	cpus;
	struct hw_breakpoint_levels	tasks;
};

void hw_breakpoint_table_init(struct hw_breakpoint_table *table,
			      struct hw_breakpoint_cpu_slots *cpus,
			      unsigned int nr_cpus, unsigned int nr_slots);
int hw_breakpoint_table_reserve(struct hw_breakpoint_table *table,
				struct hw_breakpoint_promise *promise,
				struct hw_breakpoint_account *account,
				int cpu, unsigned int weight, const void *family);
void hw_breakpoint_table_inherit(struct hw_breakpoint_table *table,
				 struct hw_breakpoint_promise *promise,
				 struct hw_breakpoint_account *account,
				 int cpu, unsigned int weight, const void *family);
int hw_breakpoint_table_resize(struct hw_breakpoint_table *table,
			       struct hw_breakpoint_promise *promise,
			       unsigned int weight);
void hw_breakpoint_table_release(struct hw_breakpoint_table *table,
				 struct hw_breakpoint_promise *promise);
void hw_breakpoint_table_settle(struct hw_breakpoint_table *table,
				struct hw_breakpoint_promise *promise,
				struct hw_breakpoint_account *holder);

bool hw_breakpoint_table_used(const struct hw_breakpoint_table *table);
unsigned int hw_breakpoint_table_cpu_slots(const struct hw_breakpoint_table *table,
					   unsigned int cpu);
unsigned int hw_breakpoint_table_task_slots(const struct hw_breakpoint_table *table,
					    unsigned int cpu);
const struct hw_breakpoint_promise *
hw_breakpoint_table_cpu_promises(const struct hw_breakpoint_table *table, unsigned int cpu);
unsigned int hw_breakpoint_account_slots(const struct hw_breakpoint_account *account, int cpu);
bool hw_breakpoint_account_empty(const struct hw_breakpoint_account *account);

#endif /* _KERNEL_HW_BREAKPOINT_SLOTS_H */
