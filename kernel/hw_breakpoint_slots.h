/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The constraint table: how many registers are reserved, for whom, and on which CPU.
 *
 * The law, for each CPU c:
 *
 *   wide + own[c] + max over contexts x of (x.everywhere + x.on_cpu[c])  <=  nr_slots
 *
 *   wide		registers that are reserved on every CPU
 *   own[c]		registers of events that are bound to CPU c and to no task
 *   x.everywhere	registers of a task context's events that are bound to no CPU
 *   x.on_cpu[c]	registers of a task context's events that are bound to CPU c
 *
 * Only the context with the most registers counts, because a CPU runs one task at a time.
 *
 * Nearly all contexts have no on_cpu charges. For those, two numbers say what the CPUs' side of
 * the law allows:
 *
 *   capacity	nr_slots - wide - the greatest own[c]: the most that x.everywhere may be
 *   limit	at most capacity; no x.everywhere is greater. A task whose x.everywhere stays within
 *		limit needs no lock but its own
 *
 * limit may be below capacity: a request for a CPU that has lowered it doesn't raise it again when
 * it gives its registers back, so the next one like it need not look at the tasks.
 *
 * Locking:
 *
 * 1. Each context's account has a spinlock. It protects the account and the charges to it.
 *
 * 2. The table has a mutex, outside of the accounts' locks. It protects wide, own[], capacity and
 *    limit and, together with the account's lock, accounts that have on_cpu charges.
 *
 * 3. The fast path: an account without on_cpu charges changes under its own lock alone. A histogram
 *    counts accounts by their everywhere. Each CPU has its own shard of the histogram, so that the
 *    fast path writes no shared cache line. From its comparison with limit to its update of the
 *    shard, preemption is off and the CPU's in_flight is set.
 *
 * 4. To take registers from tasks, the holder of the mutex lowers limit, waits until in_flight was
 *    seen clear on each CPU, and then sums the shards. Each fast path either saw the new limit or
 *    is in the sums. From then on an account that is above limit can only shrink. So the sums are
 *    made from the highest number down: an account that shrinks meanwhile is found at the lower
 *    number. If any context has more than the new limit, the old limit is put back and the request
 *    is refused. So no request is refused that could have been granted.
 *
 * 5. A task's request is refused under its account's lock alone, since capacity and each CPU's left
 *    are single words that were right when they were read.
 *
 * This file and its .c know neither perf events nor tasks, and build in user space, too
 * (tools/testing/hw_breakpoint/).
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _KERNEL_HW_BREAKPOINT_SLOTS_H
#define _KERNEL_HW_BREAKPOINT_SLOTS_H

#include <linux/hw_breakpoint_types.h>

/* No machine has more registers than this. */
#define HW_BREAKPOINT_MAX_SLOTS	16

void hw_breakpoint_slots_init(unsigned int nr_slots);
int hw_breakpoint_charge(struct hw_breakpoint_charge *charge, unsigned int weight,
			 unsigned int task_limit);
int hw_breakpoint_charge_stopped(struct hw_breakpoint_charge *charge, unsigned int weight);

int hw_breakpoint_would_refuse(const struct hw_breakpoint_charge *charge, unsigned int weight,
			       unsigned int task_limit);
unsigned int hw_breakpoint_state(const struct hw_breakpoint_charge *charge);

unsigned int hw_breakpoint_account_most(const struct hw_breakpoint_account *account, int cpu);

unsigned int hw_breakpoint_nr_slots(void);
unsigned int hw_breakpoint_left_on(int cpu);
unsigned int hw_breakpoint_busiest_everywhere(void);
unsigned int hw_breakpoint_busiest_on(int cpu);

/* For hw_breakpoint_recount.c: what the table has while it is held. */
struct hw_breakpoint_held {
	int		limit;
	unsigned int	capacity;
};

void hw_breakpoint_hold(struct hw_breakpoint_held *held);
void hw_breakpoint_resume(const struct hw_breakpoint_held *held);
int hw_breakpoint_nr_accounts(int cpu, unsigned int n);

#endif /* _KERNEL_HW_BREAKPOINT_SLOTS_H */
