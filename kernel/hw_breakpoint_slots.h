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

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/hw_breakpoint_promise.h>
#include <linux/percpu.h>
#include <linux/types.h>

/* No machine that this table serves has more debug registers than this. */
#define HW_BREAKPOINT_MAX_SLOTS	4

/*
 * The highest level that is told apart from those above. Inherited copies are
 * never refused, so an account can stand above the limit for a while; it is then
 * counted at this level, on the way in as on the way out.
 */
#define HW_BREAKPOINT_TOP_LEVEL	(2 * HW_BREAKPOINT_MAX_SLOTS)

/*
 * Who may do what at once.
 *
 * Each CPU has a lock. A request holds either one of them, and may then do what is
 * within the CPUs' rooms, or all of them, and then sees everything as it is:
 *
 *   own events of a CPU	that CPU's lock
 *   a task's events		any CPU's lock (the caller's CPU: nobody else uses it),
 *				inside of the account's
 *   more than there is room	all locks; it also moves the rooms
 *
 * A function is told by @held which lock its caller holds: that CPU's, or all of them. Where
 * one isn't enough it changes nothing and returns -EAGAIN. Only with all locks held is
 * anything refused, but what one task alone asks too much for: so each refusal was right at
 * that instant.
 */
#define HW_BREAKPOINT_ALL_LOCKS	(-1)

/* How many stand on each level; those on level 0 ask for nothing and aren't counted. */
struct hw_breakpoint_levels {
	unsigned int			nr[HW_BREAKPOINT_TOP_LEVEL + 1];
};

/**
 * struct hw_breakpoint_cpu_slots - what was promised on one CPU
 * @lock: the caller's
 * @floor: the least of all CPUs' @task_room, so that a task's request need not look at them.
 *	Changes only with all locks held
 * @tasks: this CPU's share of a histogram: accounts by their everywhere. Whoever holds @lock
 *	enters an account here, and may take it out elsewhere: only the sum of all CPUs'
 *	shares, with wrap-around, means anything
 * @promises: those of the CPU's own events. Protected by @lock
 * @slots: the sum of their weights; never above nr_slots. Protected by @lock
 * @cpu_room: how far @slots may go by itself. Changes only with all locks held
 * @task_room: how far any task may go by itself here. Changes only with all locks held
 * @just: accounts that have a promise for just this CPU, by all that they may use on it:
 *	their everywhere, and what is just for this CPU. Changed under any CPU's lock
 *
 * In three cache lines, by who writes them: tasks that run on this CPU; the few that ask for
 * the CPU; and tasks anywhere that ask for themselves on just this CPU.
 */
struct hw_breakpoint_cpu_slots {
	raw_spinlock_t			lock;
	unsigned int			floor;
	struct hw_breakpoint_levels	tasks;

	struct hw_breakpoint_promise	*promises ____cacheline_aligned;
	unsigned int			slots;
	unsigned int			cpu_room;
	unsigned int			task_room;

	atomic_t			just[HW_BREAKPOINT_TOP_LEVEL + 1] ____cacheline_aligned;
} ____cacheline_aligned;

/*
 * The picture: 4 slots, 2 CPUs, and three tasks. A has one promise for every CPU
 * and one just for CPU 1, B has two for every CPU, C has one just for CPU 0. CPU 1
 * has an event of its own. A was entered while it ran on CPU 0, B on CPU 1.
 *
 *   account A           account B           account C
 *   everywhere 1        everywhere 2        everywhere 0
 *   promises            promises            promises
 *     |                   |                   |
 *   [*, 1]->[cpu 1, 1]  [*, 1]->[*, 1]      [cpu 0, 1]
 *
 *                         CPU 0                CPU 1
 *   level                 0  1  2  3  4 .. 8   0  1  2  3  4 .. 8 (and above)
 *   tasks                 -  A                 -     B              everywhere's level
 *   just                  -  C                 -     A              C: 0 + 1, A: 1 + 1
 *   slots                 0                    1
 *   cpu_room, task_room   1, 3                 1, 3
 *   floor                 3                    3
 *
 * The most that a task may use on CPU 1 is the highest level in anybody's tasks or in CPU 1's
 * just. A is in two rows; its place in the first is below that in the other and does no harm.
 *
 * Rooms divide the registers of a CPU between its own events and tasks, so that neither has
 * to look at the other:
 *
 *   task_room <= nr_slots - the greater of slots and cpu_room
 *   cpu_room  <= nr_slots - the greater of the busiest task's and task_room, or 0
 *
 * Here a task may have a third promise for every CPU, and each CPU one of its own, with no
 * other lock than one CPU's. Who needs more takes all locks and gets what nobody has. Rooms
 * stay as they were moved last: what was asked for once will be asked for again.
 */

/**
 * struct hw_breakpoint_table - the promises made on one machine
 * @nr_slots: debug registers of each CPU; constant
 * @cpu: the CPUs; constant
 */
struct hw_breakpoint_table {
	unsigned int					nr_slots;
	struct hw_breakpoint_cpu_slots __percpu		*cpu;
};

void hw_breakpoint_table_init(struct hw_breakpoint_table *table,
			      struct hw_breakpoint_cpu_slots __percpu *cpu,
			      unsigned int nr_slots);
int hw_breakpoint_table_reserve(struct hw_breakpoint_table *table, int held,
				struct hw_breakpoint_promise *promise,
				struct hw_breakpoint_account *account,
				int cpu, unsigned int weight, const void *family);
int hw_breakpoint_table_inherit(struct hw_breakpoint_table *table, int held,
				struct hw_breakpoint_promise *promise,
				struct hw_breakpoint_account *account,
				int cpu, unsigned int weight, const void *family);
int hw_breakpoint_table_resize(struct hw_breakpoint_table *table, int held,
			       struct hw_breakpoint_promise *promise,
			       unsigned int weight);
bool hw_breakpoint_table_move(struct hw_breakpoint_table *table, int held,
			      struct hw_breakpoint_promise *from,
			      struct hw_breakpoint_promise *to,
			      unsigned int weight, const void *family);
int hw_breakpoint_table_set_wide(struct hw_breakpoint_table *table,
				 struct hw_breakpoint_promise __percpu *promise,
				 unsigned int weight, int *full);
void hw_breakpoint_table_release(struct hw_breakpoint_table *table, int held,
				 struct hw_breakpoint_promise *promise);
int hw_breakpoint_table_release_from(struct hw_breakpoint_table *table, int held,
				     struct hw_breakpoint_promise *promise,
				     const void *family,
				     struct hw_breakpoint_account *holder);

bool hw_breakpoint_table_used(const struct hw_breakpoint_table *table);
unsigned int hw_breakpoint_table_task_slots(const struct hw_breakpoint_table *table,
					    int cpu);
unsigned int hw_breakpoint_account_slots(const struct hw_breakpoint_account *account, int cpu);
unsigned int hw_breakpoint_account_most(const struct hw_breakpoint_account *account, int cpu);

#endif /* _KERNEL_HW_BREAKPOINT_SLOTS_H */
