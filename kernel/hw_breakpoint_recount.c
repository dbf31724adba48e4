// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts all promises anew, from the lists that they are on, and compares the result with
 * what the constraint table keeps: /sys/kernel/debug/hw_breakpoint/recount.
 *
 * The first word is the verdict: "ok"; "unsettled" if the table counts tasks that are on no
 * list of tasks yet, as in the middle of a fork(); or "wrong", and what.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/debugfs.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "hw_breakpoint_internal.h"
#include "hw_breakpoint_slots.h"

/**
 * struct recount - what comes of it
 * @tasks: accounts by their everywhere
 * @just: accounts with a promise for just a CPU, by what they may use on it
 * @unsettled: how many more the table has
 * @wrong: the first thing that is wrong, or NULL
 * @cpu: where; -1: everywhere
 */
struct recount {
	struct hw_breakpoint_levels			tasks;
	struct hw_breakpoint_levels __percpu		*just;
	unsigned int					unsettled;
	const char					*wrong;
	int						cpu;
};

static void expect(struct recount *r, bool good, int cpu, const char *otherwise)
{
	if (good || r->wrong)
		return;
	r->wrong = otherwise;
	r->cpu = cpu;
}

static void enter(struct hw_breakpoint_levels *levels, unsigned int slots)
{
	if (slots)
		levels->nr[min_t(unsigned int, slots, HW_BREAKPOINT_TOP_LEVEL)]++;
}

static void count_account(struct recount *r, const struct hw_breakpoint_account *account)
{
	const struct hw_breakpoint_promise *promise;
	unsigned int everywhere = 0, nr_just = 0, here = 0;
	int last = -1;

	for (promise = account->promises; promise; promise = promise->next) {
		expect(r, promise->account == account && promise->weight, promise->cpu,
		       "a promise is on a list that is not its own");
		expect(r, promise->cpu >= last, promise->cpu, "a list is not in order");
		if (promise->cpu < 0)
			everywhere += promise->weight;
		else
			nr_just++;
		here = promise->cpu == last ? here + promise->weight : promise->weight;
		last = promise->cpu;
		if (last >= 0 && (!promise->next || promise->next->cpu != last))
			enter(per_cpu_ptr(r->just, last), everywhere + here);
	}
	expect(r, everywhere == account->everywhere && nr_just == account->nr_just, -1,
	       "an account's sums");
	enter(&r->tasks, everywhere);
}

/* The table has at least what was found. */
static void compare(struct recount *r, unsigned int table, unsigned int found, int cpu)
{
	expect(r, table >= found, cpu, "tasks by what they were promised");
	r->unsettled += table - found;
}

static void compare_everywhere(struct recount *r, const struct hw_breakpoint_table *table)
{
	unsigned int level, sum;
	int cpu;

	for (level = 0; level <= HW_BREAKPOINT_TOP_LEVEL; level++) {
		sum = 0;
		for_each_possible_cpu(cpu)
			sum += per_cpu_ptr(table->cpu, cpu)->tasks.nr[level];
		compare(r, sum, r->tasks.nr[level], -1);
	}
}

static unsigned int count_own(struct recount *r, const struct hw_breakpoint_promise *promise,
			      int cpu)
{
	unsigned int slots = 0;

	for (; promise; promise = promise->next) {
		expect(r, !promise->account && promise->cpu == cpu, cpu,
		       "a promise is on a CPU's list that is not its own");
		slots += promise->weight;
	}
	return slots;
}

static void check_cpu(struct recount *r, const struct hw_breakpoint_table *table, int cpu)
{
	const struct hw_breakpoint_cpu_slots *this = per_cpu_ptr(table->cpu, cpu);
	const unsigned int busiest = hw_breakpoint_table_task_slots(table, cpu);
	unsigned int level;

	for (level = 0; level <= HW_BREAKPOINT_TOP_LEVEL; level++)
		compare(r, atomic_read(&this->just[level]), per_cpu_ptr(r->just, cpu)->nr[level],
			cpu);
	expect(r, count_own(r, this->promises, cpu) == this->slots, cpu, "the CPU's own");
	expect(r, this->slots + busiest <= table->nr_slots, cpu, "more is promised than there is");
	expect(r, this->floor <= this->task_room, cpu, "the floor");
	expect(r, this->task_room + max(this->slots, this->cpu_room) <= table->nr_slots, cpu,
	       "the room of tasks");
	expect(r, !this->cpu_room ||
	       this->cpu_room + max(busiest, this->task_room) <= table->nr_slots, cpu,
	       "the room of the CPU");
}

static void recount(const struct hw_breakpoint_table *table, void *data)
{
	struct task_struct *process, *thread;
	struct recount *r = data;
	int cpu;

	rcu_read_lock();
	for_each_process_thread(process, thread)
		count_account(r, &thread->hw_breakpoint_account);
	rcu_read_unlock();
	compare_everywhere(r, table);
	for_each_possible_cpu(cpu)
		check_cpu(r, table, cpu);
}

static int recount_show(struct seq_file *m, void *unused)
{
	struct recount r = { };

	r.just = alloc_percpu(struct hw_breakpoint_levels);
	if (!r.just)
		return -ENOMEM;
	hw_breakpoint_look_at_table(recount, &r);
	free_percpu(r.just);

	if (r.wrong)
		seq_printf(m, "wrong on CPU %d: %s\n", r.cpu, r.wrong);
	else if (r.unsettled)
		seq_printf(m, "unsettled: %u\n", r.unsettled);
	else
		seq_puts(m, "ok\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(recount);

/**
 * hw_breakpoint_recount_init() - make the file
 * @dir: where
 *
 * Context: once, at boot.
 */
void __init hw_breakpoint_recount_init(struct dentry *dir)
{
	debugfs_create_file("recount", 0400, dir, NULL, &recount_fops);
}
