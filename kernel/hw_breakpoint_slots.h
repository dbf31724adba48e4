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
 * Two numbers sum up the CPUs' side of the law for contexts without on_cpu charges, which are
 * nearly all:
 *
 *   capacity	nr_slots - wide - the greatest own[c]: what x.everywhere may be at most
 *   limit	what x.everywhere may be at most before somebody has to look; limit <= capacity,
 *		and no x.everywhere is above it
 *
 * limit may be below capacity: a CPU's side that lowered it doesn't raise it again, so that the
 * next request of the same kind needs no look at tasks.
 *
 * Locking:
 *
 * 1. A context's account has a spinlock. It protects the account and the charges to it.
 *
 * 2. The table has a mutex. With it held: wide, own[], limit, and capacity change; and so do
 *    accounts that have on_cpu charges. The account's lock nests inside.
 *
 * 3. An account without on_cpu charges changes with just its own lock held (the fast path). What
 *    it had and has is counted in a histogram, of which each CPU has a shard of its own, so that
 *    no cache line is shared. For the time in which the fast path compares with limit and
 *    updates the shard, preemption is off and the CPU is marked in_flight.
 *
 * 4. Whoever wants less for tasks lowers limit, waits until no CPU is in flight, and then sums
 *    the shards. Each fast path either saw the new limit, or its update is in the sum. From then
 *    on accounts that are above limit can only shrink, so counts are summed from the highest
 *    number down: an account that was missed at one number is found at a lower one. If some
 *    context has more than the new limit the old one is put back, and the request is refused.
 *    So nothing is refused that could have been granted, and a task never waits for anybody
 *    but in the slow path, for the mutex.
 *
 * 5. A refusal of a task's request needs no lock but the account's: capacity is exact at any
 *    instant.
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

unsigned int hw_breakpoint_account_most(const struct hw_breakpoint_account *account, int cpu);

unsigned int hw_breakpoint_nr_slots(void);
unsigned int hw_breakpoint_own(int cpu);
unsigned int hw_breakpoint_wide(void);
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
