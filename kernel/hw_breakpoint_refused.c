// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the last requests for a breakpoint that were refused, and the reasons.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/kgdb.h>
#include <linux/preempt.h>
#include <linux/sched/clock.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <trace/events/hw_breakpoint.h>

#include "hw_breakpoint_internal.h"

/* Protects the two below. It is raw because the kernel debugger, too, is refused breakpoints. */
static DEFINE_RAW_SPINLOCK(refused_lock);

/* A ring. The oldest refusal is the one that next_refused is going to overwrite. */
static struct hw_breakpoint_refusal refused[HW_BREAKPOINT_NR_REFUSALS];
static unsigned int next_refused;

static struct hw_breakpoint_refusal *last_refusal(void)
{
	lockdep_assert_held(&refused_lock);
	return &refused[(next_refused ?: HW_BREAKPOINT_NR_REFUSALS) - 1];
}

/* But for the asker. */
static bool is_same_request(const struct hw_breakpoint_holder *a,
			    const struct hw_breakpoint_holder *b)
{
	return a->task.pid == b->task.pid && a->cpu == b->cpu && a->weight == b->weight &&
	       a->watch.address == b->watch.address && a->watch.len == b->watch.len &&
	       a->watch.type == b->watch.type && !strcmp(a->kind, b->kind) &&
	       !strcmp(a->name, b->name);
}

/* A refusal that repeats the last one is only counted, so that a loop doesn't push out all others. */
static void record(const struct hw_breakpoint_refusal *new)
{
	struct hw_breakpoint_refusal *last = last_refusal();

	if (last->err == new->err && last->request.asker.pid == new->request.asker.pid &&
	    is_same_request(&last->request, &new->request) && !strcmp(last->why, new->why)) {
		last->explained = new->explained;
		last->state = new->state;
		last->time = new->time;
		last->times++;
		return;
	}
	refused[next_refused] = *new;
	next_refused = (next_refused + 1) % HW_BREAKPOINT_NR_REFUSALS;
}

/*
 * If the last refusal was of @request, with @err and in the same @state of the constraint table, count
 * that refusal once more. So a program that asks in a loop doesn't cost a new reason each time. The
 * asker of @request isn't set yet. In process context. Return: false if the refusal differs.
 */
bool hw_breakpoint_refused_again(const struct hw_breakpoint_holder *request, int err,
				 unsigned int state)
{
	const u64 now = local_clock();
	struct hw_breakpoint_refusal *last;
	unsigned long flags;
	bool again;

	if (trace_hw_breakpoint_refuse_enabled())
		return false;
	raw_spin_lock_irqsave(&refused_lock, flags);
	last = last_refusal();
	/* Other holders may have taken the place of those that the reason names. */
	again = last->times && last->err == err && last->state == state &&
		now - last->explained < NSEC_PER_SEC &&
		last->request.asker.pid == task_pid_nr(current) &&
		is_same_request(&last->request, request);
	if (again) {
		last->time = now;
		last->times++;
	}
	raw_spin_unlock_irqrestore(&refused_lock, flags);
	return again;
}

static const char *reason(int err, const char *why)
{
	if (why && *why)
		return why;
	return err == -ENOMEM ? "no memory" : "the reason isn't known";
}

/*
 * Record that the current task was refused @request, with the errno -@err, because of @why. The
 * asker is set here; @why may be NULL, and is copied. @state is for hw_breakpoint_refused_again(), or
 * 0. In any context. In an NMI and in the kernel debugger, which can't wait for the lock, the record
 * may be lost.
 */
void hw_breakpoint_refused(struct hw_breakpoint_holder *request, int err, const char *why,
			   unsigned int state)
{
	struct hw_breakpoint_refusal new = {
		.time = local_clock(), .times = 1, .err = err, .state = state,
	};
	unsigned long flags;

	new.explained = new.time;
	hw_breakpoint_name_task(&request->asker, current);
	new.request = *request;
	strscpy(new.why, reason(err, why));
	trace_hw_breakpoint_refuse(request, err, new.why);

	if (!in_nmi() && !in_dbg_master())
		raw_spin_lock_irqsave(&refused_lock, flags);
	else if (!raw_spin_trylock_irqsave(&refused_lock, flags))
		return;
	record(&new);
	raw_spin_unlock_irqrestore(&refused_lock, flags);
}

/*
 * Copy all refusals, the oldest first, to an array of HW_BREAKPOINT_NR_REFUSALS. Entries whose
 * "times" is 0 are empty. In any context but an NMI.
 */
void hw_breakpoint_copy_refusals(struct hw_breakpoint_refusal *to)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&refused_lock, flags);
	for (i = 0; i < HW_BREAKPOINT_NR_REFUSALS; i++)
		to[i] = refused[(next_refused + i) % HW_BREAKPOINT_NR_REFUSALS];
	raw_spin_unlock_irqrestore(&refused_lock, flags);
}
