// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last requests for a breakpoint that were refused, and why.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_holder.h>
#include <linux/kgdb.h>
#include <linux/math64.h>
#include <linux/preempt.h>
#include <linux/sched/clock.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include <trace/events/hw_breakpoint.h>

#include "hw_breakpoint_internal.h"

/* How many are kept: 20 KiB. */
#define NR_REFUSALS	64

/* === Data ================================================================= */

/**
 * struct refusal - one that was refused, or several in a row that don't differ
 * @time: of the last, as printk() has it
 * @times: how many
 * @asker: the task that asked
 * @task: the task that it was for, if any
 * @cpu: as in struct hw_breakpoint_request
 * @watch: to watch this
 * @err: a negative errno
 * @kind: as in struct hw_breakpoint_request, empty for NULL
 * @name: the same
 * @why: in words
 */
struct refusal {
	u64				time;
	unsigned int			times;
	struct hw_breakpoint_task	asker;
	struct hw_breakpoint_task	task;
	int				cpu;
	struct hw_breakpoint_watch	watch;
	int				err;
	char				kind[16];
	char				name[HW_BREAKPOINT_NAME_LEN];
	char				why[HW_BREAKPOINT_WHY_LEN];
};

/* Protects all below. Raw, since the debugger comes from an NMI; it doesn't wait for it. */
static DEFINE_RAW_SPINLOCK(refused_lock);

/* A ring; the newest is the one before nr_refused. */
static struct refusal refused[NR_REFUSALS];
static unsigned long nr_refused;

/* === Recording ============================================================ */

static bool same(const struct refusal *a, const struct refusal *b)
{
	return a->asker.pid == b->asker.pid && a->task.pid == b->task.pid && a->cpu == b->cpu &&
	       a->watch.address == b->watch.address && a->watch.len == b->watch.len &&
	       a->watch.type == b->watch.type && a->err == b->err &&
	       !strcmp(a->kind, b->kind) && !strcmp(a->name, b->name) && !strcmp(a->why, b->why);
}

/* A program that tries again and again doesn't push out all others. */
static void record(const struct refusal *new)
{
	struct refusal *last = &refused[(nr_refused - 1) % NR_REFUSALS];

	lockdep_assert_held(&refused_lock);
	if (nr_refused && same(last, new)) {
		last->time = new->time;
		last->times++;
		return;
	}
	refused[nr_refused++ % NR_REFUSALS] = *new;
}

static const char *words(int err, const char *why)
{
	if (why && *why)
		return why;
	return err == -ENOMEM ? "no memory" : "the reason isn't known";
}

/**
 * hw_breakpoint_refused() - keep for users what was refused, and why
 * @request: what was asked for, by the current task
 * @err: the negative errno that the caller gets
 * @why: in words, or NULL; copied
 *
 * Context: any. In an NMI, where it can't wait, a refusal may be lost to another one.
 */
void hw_breakpoint_refused(const struct hw_breakpoint_request *request, int err,
			   const char *why)
{
	struct refusal new = {
		.time = local_clock(), .times = 1, .cpu = request->cpu,
		.watch = request->watch, .err = err,
	};
	unsigned long flags;

	hw_breakpoint_name_task(&new.asker, current);
	if (request->task)
		hw_breakpoint_name_task(&new.task, request->task);
	strscpy(new.kind, request->kind ?: "");
	strscpy(new.name, request->name ?: "");
	strscpy(new.why, words(err, why));
	trace_hw_breakpoint_refuse(request, err, new.why);

	if (!in_nmi() && !in_dbg_master())
		raw_spin_lock_irqsave(&refused_lock, flags);
	else if (!raw_spin_trylock_irqsave(&refused_lock, flags))
		return;
	record(&new);
	raw_spin_unlock_irqrestore(&refused_lock, flags);
}

/* === Showing ============================================================== */

#ifdef CONFIG_DEBUG_FS

/* The one with this number, if it is still there. */
static bool get_refusal(unsigned long i, struct refusal *copy)
{
	unsigned long flags;
	bool there;

	raw_spin_lock_irqsave(&refused_lock, flags);
	there = i < nr_refused && i + NR_REFUSALS >= nr_refused;
	if (there)
		*copy = refused[i % NR_REFUSALS];
	raw_spin_unlock_irqrestore(&refused_lock, flags);
	return there;
}

static unsigned long first_refusal(void)
{
	unsigned long flags, nr;

	raw_spin_lock_irqsave(&refused_lock, flags);
	nr = nr_refused;
	raw_spin_unlock_irqrestore(&refused_lock, flags);
	return nr > NR_REFUSALS ? nr - NR_REFUSALS : 0;
}

static const char *error_name(int err)
{
	switch (err) {
	case -EBUSY:
		return "EBUSY";
	case -EINVAL:
		return "EINVAL";
	case -ENODEV:
		return "ENODEV";
	case -ENOMEM:
		return "ENOMEM";
	case -ENOSPC:
		return "ENOSPC";
	case -EPERM:
		return "EPERM";
	default:
		return "error";
	}
}

static void show_refusal(struct seq_file *m, const struct refusal *r)
{
	u64 s = r->time;
	const u32 us = do_div(s, NSEC_PER_SEC) / NSEC_PER_USEC;

	seq_printf(m, "refused time=%llu.%06u", s, us);
	hw_breakpoint_show_task(m, "pid", &r->asker);
	hw_breakpoint_show_watch(m, &r->watch);
	hw_breakpoint_show_task(m, "task", &r->task);
	if (r->cpu == HW_BREAKPOINT_EVERY_CPU)
		seq_puts(m, " wide=1");
	else if (r->cpu >= 0)
		seq_printf(m, " cpu=%d", r->cpu);
	if (r->kind[0])
		seq_printf(m, " owner=%s", r->kind);
	if (r->name[0])
		hw_breakpoint_show_string(m, "name", r->name);
	seq_printf(m, " errno=%d error=%s times=%u", -r->err, error_name(r->err), r->times);
	hw_breakpoint_show_string(m, "reason", r->why);
	seq_putc(m, '\n');
}

/**
 * hw_breakpoint_refused_show() - show the refusals, the oldest first
 * @m: where
 * @unused: unused
 *
 * Context: process context.
 * Return: 0.
 */
int hw_breakpoint_refused_show(struct seq_file *m, void *unused)
{
	unsigned long i, first = first_refusal();
	struct refusal r;

	/* What comes meanwhile may push out the oldest, which is then left out. */
	for (i = first; i < first + NR_REFUSALS; i++)
		if (get_refusal(i, &r))
			show_refusal(m, &r);
	return 0;
}

#endif /* CONFIG_DEBUG_FS */
