/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one hardware-breakpoint event was promised, and one task: the records that
 * the constraint table (kernel/hw_breakpoint_slots.h) keeps in each perf event and
 * in each task.
 *
 * It is a header of its own because perf events embed it, through
 * asm/hw_breakpoint.h, and tasks, through linux/sched.h: it has to stay small.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _LINUX_HW_BREAKPOINT_PROMISE_H
#define _LINUX_HW_BREAKPOINT_PROMISE_H

#include <linux/spinlock_types_raw.h>

struct hw_breakpoint_holder;

/**
 * struct hw_breakpoint_promise - the debug registers that one event may count on
 * @account: the account that is charged; NULL: a CPU's own event, or nothing is held
 * @next: the next promise on @account, in the order of @cpu; or the CPU's next
 * @family: the same for an event and all its inherited copies; NULL: none
 * @cpu: the CPU that it is for; -1: every CPU (task events only)
 * @weight: in registers; 0: nothing is held and no other field but @holder means anything
 * @holder: who can tell whose this is (hw_breakpoint_holder.h); set by who reserves, before
 *	that, and left alone by the table
 *
 * All other fields belong to the constraint table, and change as the list does that they
 * are on: see there. Zeroed memory is a promise of nothing.
 */
struct hw_breakpoint_promise {
	struct hw_breakpoint_account	*account;
	struct hw_breakpoint_promise	*next;
	const void			*family;
	int				cpu;
	unsigned int			weight;
	const struct hw_breakpoint_holder *holder;
};

/**
 * struct hw_breakpoint_account - what one task was promised
 * @promises: its promises: those for every CPU first, then in the order of CPUs
 * @everywhere: the sum of the weights of those for every CPU
 * @nr_just: how many are for just one CPU
 * @lock: protects them, and each promise on the list; the table doesn't know it
 *
 * The table's locks nest inside of @lock, and what it protects changes only with one of
 * them held, too: whoever holds all of those sees every account as it is.
 */
struct hw_breakpoint_account {
	struct hw_breakpoint_promise	*promises;
	unsigned short			everywhere;
	unsigned short			nr_just;
	raw_spinlock_t			lock;
};

#endif /* _LINUX_HW_BREAKPOINT_PROMISE_H */
