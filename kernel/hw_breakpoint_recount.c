// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts all that is reserved anew, from the accounts of all tasks' contexts, and compares the
 * result with what the constraint table has: /sys/kernel/debug/hw_breakpoint/recount.
 *
 * The first word is the verdict: "ok"; "unsettled" if the table has accounts that no task has as
 * yet, as in the middle of a fork(); or "wrong", and what.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/debugfs.h>
#include <linux/hw_breakpoint.h>
#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include "hw_breakpoint_internal.h"
#include "hw_breakpoint_slots.h"

/* By n: contexts that have n registers reserved. */
struct levels {
	int		nr[HW_BREAKPOINT_MAX_SLOTS + 1];
};

/**
 * struct recount - what comes of it
 * @everywhere: contexts by their everywhere
 * @on_cpu: for each CPU, contexts with on_cpu charges for it, by what they may use there
 * @unsettled: how many more the table has
 * @wrong: the first thing that is wrong, or NULL
 * @cpu: where; -1: everywhere
 */
struct recount {
	struct levels			everywhere;
	struct levels __percpu		*on_cpu;
	int				unsettled;
	const char			*wrong;
	int				cpu;
};

static void expect(struct recount *r, bool good, int cpu, const char *otherwise)
{
	if (good || r->wrong)
		return;
	r->wrong = otherwise;
	r->cpu = cpu;
}

static void count_account(struct recount *r, const struct hw_breakpoint_account *account)
{
	unsigned int nr = 0;
	int cpu;

	r->everywhere.nr[account->everywhere]++;
	if (account->on_cpu) {
		for_each_possible_cpu(cpu) {
			if (!account->on_cpu[cpu])
				continue;
			nr += account->on_cpu[cpu];
			per_cpu_ptr(r->on_cpu, cpu)->nr[account->everywhere + account->on_cpu[cpu]]++;
		}
	}
	expect(r, nr == account->nr_on_cpu, -1, "an account's sum");
}

static void count_tasks(struct recount *r)
{
	struct task_struct *process, *thread;
	struct perf_event_context *ctx;

	rcu_read_lock();
	for_each_process_thread(process, thread) {
		ctx = rcu_dereference(thread->perf_event_ctxp);
		if (ctx)
			count_account(r, &ctx->hw_breakpoint_account);
	}
	rcu_read_unlock();
}

/* The table has at least what was found. */
static void compare(struct recount *r, int cpu, const struct levels *found)
{
	unsigned int n;
	int more;

	for (n = 1; n <= hw_breakpoint_nr_slots(); n++) {
		more = hw_breakpoint_nr_accounts(cpu, n) - found->nr[n];
		expect(r, more >= 0, cpu, "contexts by what they have reserved");
		r->unsettled += more;
	}
}

static void check_law(struct recount *r, const struct hw_breakpoint_held *held, int cpu)
{
	const unsigned int left = hw_breakpoint_left_on(cpu);

	expect(r, left <= hw_breakpoint_nr_slots(), cpu, "more is reserved than there is");
	expect(r, hw_breakpoint_busiest_on(cpu) <= left, cpu, "contexts bound to the CPU");
	expect(r, held->capacity <= left, cpu, "the capacity");
}

static void recount(struct recount *r)
{
	struct hw_breakpoint_held held;
	int cpu;

	hw_breakpoint_hold(&held);
	count_tasks(r);
	compare(r, -1, &r->everywhere);
	expect(r, held.limit <= (int)held.capacity, -1, "the limit");
	expect(r, (int)hw_breakpoint_busiest_everywhere() <= held.limit, -1, "a context's everywhere");
	for_each_possible_cpu(cpu) {
		compare(r, cpu, per_cpu_ptr(r->on_cpu, cpu));
		check_law(r, &held, cpu);
	}
	hw_breakpoint_resume(&held);
}

static int recount_show(struct seq_file *m, void *unused)
{
	struct recount r = { };

	r.on_cpu = alloc_percpu(struct levels);
	if (!r.on_cpu)
		return -ENOMEM;
	recount(&r);
	free_percpu(r.on_cpu);

	if (r.wrong)
		seq_printf(m, "wrong on CPU %d: %s\n", r.cpu, r.wrong);
	else if (r.unsettled)
		seq_printf(m, "unsettled: %d\n", r.unsettled);
	else
		seq_puts(m, "ok\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(recount);

static int __init hw_breakpoint_recount_init(void)
{
	struct dentry *dir = debugfs_lookup("hw_breakpoint", NULL);

	debugfs_create_file("recount", 0400, dir, NULL, &recount_fops);
	dput(dir);
	return 0;
}
late_initcall(hw_breakpoint_recount_init);
