// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells who holds debug registers: names the owners of breakpoints, lists what is reserved, and
 * says why a request was refused.
 *
 * Little is kept for that. The breakpoints of tasks are found by walking the tasks' perf events.
 * Only a CPU's own events, at most as many as the CPU has registers, and breakpoints on every CPU
 * are listed here.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/cpumask.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/kgdb.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_buf.h>

#include "hw_breakpoint_internal.h"
#include "hw_breakpoint_slots.h"

/* === Data ================================================================= */

/* The events of each CPU that registers are reserved for. RCU keeps them from being freed. */
static DEFINE_PER_CPU(struct perf_event *, cpu_events[HW_BREAKPOINT_MAX_SLOTS]);

/* The breakpoints on every CPU, without the kernel debugger's. */
static DEFINE_MUTEX(owners_mutex);
static LIST_HEAD(owners);

/* === One breakpoint ======================================================= */

/* See struct hw_breakpoint_holder. */
static const char *kind_of(const struct perf_event *bp)
{
	if (arch_hw_breakpoint_is_ptrace(bp))
		return "ptrace";
	if (READ_ONCE(bp->owner) == HW_BREAKPOINT_NO_TASK ||
	    !is_default_overflow_handler((struct perf_event *)bp))
		return "kernel";
	return "perf";
}

/*
 * The task that an event watches now: perf core exchanges the contexts of related tasks. RCU keeps
 * the task from being freed. NULL: none, or the task has exited.
 */
static struct task_struct *task_of(const struct perf_event *bp)
{
	const struct perf_event_context *ctx = READ_ONCE(bp->ctx);
	struct task_struct *task = bp->hw.target;

	/* Until the event is installed, its creator keeps the task. */
	if (task && ctx)
		task = READ_ONCE(ctx->task);
	return task == HW_BREAKPOINT_NO_TASK ? NULL : task;
}

/* The task's debugger, or the task that opened the event. NULL: that task has exited. */
static const struct task_struct *asker_of(const struct perf_event *bp, struct task_struct *task)
{
	const struct task_struct *owner;

	if (arch_hw_breakpoint_is_ptrace(bp))
		return task ? ptrace_parent(task) : NULL;
	/* Pairs with the release in perf_event_exit_task(). */
	owner = smp_load_acquire(&bp->owner);
	return owner == HW_BREAKPOINT_NO_TASK ? NULL : owner;
}

/* Set the kind and the name of @holder. In any context. */
void hw_breakpoint_name_owner(struct hw_breakpoint_holder *holder,
			      const struct hw_breakpoint_owner *owner)
{
	strscpy(holder->kind, owner->kind ?: "kernel");
	if (owner->kind)
		strscpy(holder->name, owner->name);
	else
		snprintf(holder->name, sizeof(holder->name), "%pS", owner->caller);
}

/* Set all of @holder. In any context; the caller keeps @bp from being freed. */
void hw_breakpoint_describe(const struct perf_event *bp, struct hw_breakpoint_holder *holder)
{
	const struct arch_hw_breakpoint *hw = &bp->hw.info;
	const struct task_struct *asker;
	struct task_struct *task;

	*holder = (struct hw_breakpoint_holder) {
		.watch	= hw_breakpoint_watch(&bp->attr),
		.hits	= local64_read((local64_t *)&bp->count),
		.cpu	= bp->cpu,
		.weight	= hw->charge.weight,
	};
	strscpy(holder->kind, kind_of(bp));
	if (hw->owner)
		hw_breakpoint_name_owner(holder, hw->owner);
	else if (!strcmp(holder->kind, "kernel"))
		snprintf(holder->name, sizeof(holder->name), "%pS", (void *)bp->overflow_handler);
	rcu_read_lock();
	task = task_of(bp);
	if (task)
		hw_breakpoint_name_task(&holder->task, task);
	asker = asker_of(bp, task);
	if (asker)
		hw_breakpoint_name_task(&holder->asker, asker);
	rcu_read_unlock();
}

/* List an event that registers of its CPU are reserved for. In any context. */
void hw_breakpoint_add_cpu_event(struct perf_event *bp)
{
	struct perf_event **events = per_cpu(cpu_events, bp->cpu);
	int i;

	for (i = 0; i < HW_BREAKPOINT_MAX_SLOTS; i++)
		if (!cmpxchg(&events[i], NULL, bp))
			return;
}

void hw_breakpoint_remove_cpu_event(struct perf_event *bp)
{
	struct perf_event **events = per_cpu(cpu_events, bp->cpu);
	int i;

	for (i = 0; i < HW_BREAKPOINT_MAX_SLOTS; i++)
		cmpxchg(&events[i], bp, NULL);
}

/* List a breakpoint on every CPU. May sleep. */
void hw_breakpoint_add_owner(struct hw_breakpoint_owner *owner)
{
	mutex_lock(&owners_mutex);
	list_add_tail(&owner->node, &owners);
	mutex_unlock(&owners_mutex);
}

void hw_breakpoint_remove_owner(struct hw_breakpoint_owner *owner)
{
	mutex_lock(&owners_mutex);
	list_del(&owner->node);
	mutex_unlock(&owners_mutex);
}

/* === All of them ========================================================== */

/**
 * struct visit - what is done with each holder
 * @fn: called with each of them
 * @show: for show_holder()
 * @m: for show_holder()
 * @s: for print_holder()
 * @cpu: only holders that may use registers of this CPU; -1: all
 * @nr: how many holders there were up to now
 */
struct visit {
	void		(*fn)(struct visit *v, const struct hw_breakpoint_holder *holder);
	void		(*show)(struct seq_file *m, const struct hw_breakpoint_holder *holder);
	struct seq_file	*m;
	struct seq_buf	*s;
	int		cpu;
	unsigned int	nr;
};

static void visit(struct visit *v, const struct hw_breakpoint_holder *holder)
{
	v->nr++;
	v->fn(v, holder);
}

static void visit_owners(struct visit *v)
{
	struct hw_breakpoint_holder holder;
	struct hw_breakpoint_owner *owner;
	int i;

	for (i = 0; arch_kgdb_hw_breakpoint_reserved(i, &holder); i++)
		if (holder.weight)
			visit(v, &holder);
	/* The kernel debugger may have stopped a task that holds the mutex. */
	if (in_dbg_master())
		return;
	mutex_lock(&owners_mutex);
	list_for_each_entry(owner, &owners, node) {
		holder = (struct hw_breakpoint_holder) {
			.watch = owner->watch,
			.cpu = HW_BREAKPOINT_EVERY_CPU,
			.weight = owner->charge.weight,
		};
		hw_breakpoint_name_owner(&holder, owner);
		visit(v, &holder);
	}
	mutex_unlock(&owners_mutex);
}

static void visit_event(struct visit *v, const struct perf_event *bp)
{
	struct hw_breakpoint_holder holder;

	hw_breakpoint_describe(bp, &holder);
	if (holder.weight && (v->cpu < 0 || bp->cpu < 0 || bp->cpu == v->cpu))
		visit(v, &holder);
}

static void visit_cpu(struct visit *v, int cpu)
{
	const struct perf_event *bp;
	int i;

	rcu_read_lock();
	for (i = 0; i < HW_BREAKPOINT_MAX_SLOTS; i++) {
		bp = READ_ONCE(per_cpu(cpu_events, cpu)[i]);
		if (bp)
			visit_event(v, bp);
	}
	rcu_read_unlock();
}

/* The caller is in an RCU read-side critical section, so no event is freed. */
static void visit_context(struct visit *v, struct perf_event_context *ctx)
{
	const struct perf_event *event;

	list_for_each_entry_rcu(event, &ctx->event_list, event_entry)
		if (event->attr.type == PERF_TYPE_BREAKPOINT)
			visit_event(v, event);
}

/*
 * The context of the first task with a number of at least *@nr that has reserved registers. *@nr is
 * set to the number after that task's. RCU keeps the context from being freed.
 */
static struct perf_event_context *next_context(pid_t *nr)
{
	struct perf_event_context *ctx;
	struct task_struct *task;
	struct pid *pid;

	while ((pid = find_ge_pid(*nr, &init_pid_ns))) {
		*nr = pid_nr(pid) + 1;
		task = pid_task(pid, PIDTYPE_PID);
		ctx = task ? rcu_dereference(task->perf_event_ctxp) : NULL;
		if (ctx && hw_breakpoint_account_most(&ctx->hw_breakpoint_account, -1))
			return ctx;
	}
	return NULL;
}

static void show_holder(struct visit *v, const struct hw_breakpoint_holder *holder)
{
	v->show(v->m, holder);
}

/*
 * Call @show for each holder of reserved registers: CPUs first, then tasks by their numbers. Holders
 * that come or go meanwhile may be missed; all others are shown exactly once. May sleep.
 */
void hw_breakpoint_list_holders(void (*show)(struct seq_file *m,
					     const struct hw_breakpoint_holder *holder),
				struct seq_file *m)
{
	struct visit v = { .fn = show_holder, .show = show, .m = m, .cpu = -1 };
	struct perf_event_context *ctx;
	pid_t nr = 1;
	int cpu;

	visit_owners(&v);
	for_each_possible_cpu(cpu)
		visit_cpu(&v, cpu);
	do {
		rcu_read_lock();
		ctx = next_context(&nr);
		if (ctx)
			visit_context(&v, ctx);
		rcu_read_unlock();
		cond_resched();
	} while (ctx);
}

/* === Reasons ============================================================== */

static void print_holder(struct visit *v, const struct hw_breakpoint_holder *holder)
{
	seq_buf_puts(v->s, v->nr > 1 ? ", " : " (");
	seq_buf_puts(v->s, holder->kind);
	if (holder->name[0])
		seq_buf_printf(v->s, " %s", holder->name);
	if (holder->asker.pid)
		seq_buf_printf(v->s, " %s/%d", holder->asker.comm, holder->asker.pid);
}

static void print_own(struct seq_buf *s, int cpu)
{
	const unsigned int own = hw_breakpoint_nr_slots() - hw_breakpoint_left_on(cpu);
	struct visit v = { .fn = print_holder, .s = s, .cpu = cpu };

	if (!own)
		return;
	seq_buf_printf(s, " %u its own", own);
	visit_owners(&v);
	visit_cpu(&v, cpu);
	seq_buf_puts(s, v.nr ? ")," : ",");
}

static void print_context(struct seq_buf *s, struct perf_event_context *ctx, int cpu)
{
	const unsigned int weight = hw_breakpoint_account_most(&ctx->hw_breakpoint_account, cpu);
	struct visit v = { .fn = print_holder, .s = s, .cpu = cpu };
	const struct task_struct *task;

	rcu_read_lock();
	task = READ_ONCE(ctx->task);
	if (weight && task && task != HW_BREAKPOINT_NO_TASK) {
		seq_buf_printf(s, " task %s/%d holds %u", task->comm, task_pid_nr((void *)task),
			       weight);
		visit_context(&v, ctx);
		seq_buf_puts(s, v.nr ? ")," : ",");
	}
	rcu_read_unlock();
}

/* The first task that has more than @most registers on @cpu. */
static void print_busy_task(struct seq_buf *s, int cpu, unsigned int most)
{
	struct perf_event_context *ctx;
	pid_t nr = 1;

	rcu_read_lock();
	while ((ctx = next_context(&nr))) {
		if (hw_breakpoint_account_most(&ctx->hw_breakpoint_account, cpu) > most) {
			print_context(s, ctx, cpu);
			break;
		}
	}
	rcu_read_unlock();
}

/* The CPU with the fewest registers left for @account or, if that is NULL, for every task. */
static int worst_cpu(const struct hw_breakpoint_account *account)
{
	int cpu, free, least = INT_MAX, worst = 0;

	for_each_possible_cpu(cpu) {
		free = hw_breakpoint_left_on(cpu);
		free -= account ? hw_breakpoint_account_most(account, cpu) :
				  hw_breakpoint_busiest_on(cpu);
		if (free < least) {
			least = free;
			worst = cpu;
		}
	}
	return worst;
}

/* The context that @charge is charged to. */
static struct perf_event_context *context_of(const struct hw_breakpoint_charge *charge)
{
	struct hw_breakpoint_account *account = READ_ONCE(charge->account);

	if (!account)
		return NULL;
	return container_of(account, struct perf_event_context, hw_breakpoint_account);
}

/*
 * Set @why, of HW_BREAKPOINT_WHY_LEN, to the reason for which @charge got no @more registers: the
 * task has reached @limit. In any context; the caller keeps the account from being freed.
 */
void hw_breakpoint_explain_limit(char *why, const struct hw_breakpoint_charge *charge,
				 unsigned int limit, unsigned int more)
{
	struct seq_buf s;

	seq_buf_init(&s, why, HW_BREAKPOINT_WHY_LEN);
	seq_buf_printf(&s, "kernel.hw_breakpoint_task_limit is %u without CAP_PERFMON:", limit);
	if (context_of(charge))
		print_context(&s, context_of(charge), charge->cpu);
	seq_buf_printf(&s, " %u more wanted", more);
	seq_buf_str(&s);
}

/*
 * The same, where too few registers are left. The reason is looked for after the refusal and without
 * a lock, so it may be outdated. May sleep, except in the kernel debugger.
 */
void hw_breakpoint_explain(char *why, const struct hw_breakpoint_charge *charge, unsigned int more)
{
	struct perf_event_context *ctx = context_of(charge);
	const int cpu = charge->cpu < 0 ? worst_cpu(charge->account) : charge->cpu;
	const unsigned int left = hw_breakpoint_left_on(cpu);
	struct seq_buf s;

	seq_buf_init(&s, why, HW_BREAKPOINT_WHY_LEN);
	seq_buf_printf(&s, "CPU %d:", cpu);
	print_own(&s, cpu);
	if (ctx)
		print_context(&s, ctx, cpu);
	else if (more <= left)
		print_busy_task(&s, cpu, left - more);
	seq_buf_printf(&s, " %u more wanted of %u", more, hw_breakpoint_nr_slots());
	seq_buf_str(&s);
}
