// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware breakpoints as perf events: registration, the PMU, and the promises
 * that let perf core rely on a register being there.
 *
 * A breakpoint is checked when it is created (hw_breakpoint_event_init()), in this
 * order: is it well-formed, is its CPU there, is it allowed, is there room. The last
 * is the constraint table's answer (hw_breakpoint_slots.c). From then on perf core
 * decides when the event is on a CPU, and the architecture moves it into a debug
 * register: add and del note it, pmu_enable programs it.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#define pr_fmt(fmt) "hw_breakpoint: " fmt

#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "hw_breakpoint_slots.h"

/* === Data ================================================================= */

/*
 * Protects the constraint table, the accounts and every event's promise.
 *
 * What is done under it doesn't depend on how many tasks and CPUs there are, but for
 * the search in @task_accounts and for tasks that hold a promise on each of many CPUs.
 * Interrupts are off because ptrace releases from under tasklist_lock, which
 * interrupts take too.
 */
static DEFINE_SPINLOCK(table_lock);

/* The promises of the whole machine. Protected by table_lock. */
static struct hw_breakpoint_table table;

/*
 * A task that holds promises, or did when it lived: a promise lasts until its
 * event's descriptors are closed, so the account keeps the task_struct, and no new
 * task can be taken for the old one.
 */
struct task_account {
	struct hw_breakpoint_account	account;
	struct task_struct		*task;
	struct rb_node			node;
};

/* All accounts that are not empty, by address of the task. Protected by table_lock. */
static struct rb_root task_accounts = RB_ROOT;

/* === Accounts ============================================================= */

static int task_account_cmp(const void *key, const struct rb_node *node)
{
	const struct task_struct *task = rb_entry(node, struct task_account, node)->task;

	if (key == (const void *)task)
		return 0;
	return (unsigned long)key < (unsigned long)task ? -1 : 1;
}

static int task_account_cmp_node(struct rb_node *new, const struct rb_node *node)
{
	return task_account_cmp(rb_entry(new, struct task_account, node)->task, node);
}

static struct task_account *task_account_find(const struct task_struct *task)
{
	struct rb_node *node;

	lockdep_assert_held(&table_lock);
	node = rb_find(task, &task_accounts, task_account_cmp);
	return node ? rb_entry(node, struct task_account, node) : NULL;
}

/* Called before table_lock is taken: the account may turn out not to be needed. */
static struct task_account *task_account_alloc(struct task_struct *task)
{
	struct task_account *ta = kzalloc(sizeof(*ta), GFP_KERNEL);

	if (ta)
		ta->task = get_task_struct(task);
	return ta;
}

static void task_account_free(struct task_account *ta)
{
	if (!ta)
		return;
	put_task_struct(ta->task);
	kfree(ta);
}

/*
 * Find the account of @spare's task, or make @spare its account. Returns what is
 * left for the caller to free.
 */
static struct task_account *task_account_add(struct task_account *spare,
					     struct task_account **ta)
{
	*ta = task_account_find(spare->task);
	if (*ta)
		return spare;
	rb_find_add(&spare->node, &task_accounts, task_account_cmp_node);
	*ta = spare;
	return NULL;
}

/* Take @ta out if it has become empty. Returns what is for the caller to free. */
static struct task_account *task_account_del_if_empty(struct task_account *ta)
{
	lockdep_assert_held(&table_lock);
	if (!ta || !hw_breakpoint_account_empty(&ta->account))
		return NULL;
	rb_erase(&ta->node, &task_accounts);
	return ta;
}

/* === Promises ============================================================= */

static int reserve_for_cpu(struct hw_breakpoint_promise *promise, int cpu,
			   unsigned int weight)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&table_lock, flags);
	err = hw_breakpoint_table_reserve(&table, promise, NULL, cpu, weight, NULL);
	spin_unlock_irqrestore(&table_lock, flags);
	return err;
}

/*
 * @inherited: the promise of the event that it was copied from covers it. It is not
 * refused, since a refusal would make the fork() fail that copied it, and it breaks
 * no promise: the forking task was promised at least as much.
 */
static int reserve_for_task(struct hw_breakpoint_promise *promise,
			    struct task_struct *task, int cpu, unsigned int weight,
			    const void *family, bool inherited)
{
	struct task_account *spare, *unused, *empty = NULL, *ta;
	unsigned long flags;
	int err = 0;

	spare = task_account_alloc(task);
	if (!spare)
		return -ENOMEM;

	spin_lock_irqsave(&table_lock, flags);
	unused = task_account_add(spare, &ta);
	if (inherited)
		hw_breakpoint_table_inherit(&table, promise, &ta->account, cpu, weight,
					    family);
	else
		err = hw_breakpoint_table_reserve(&table, promise, &ta->account, cpu,
						  weight, family);
	if (err)
		empty = task_account_del_if_empty(ta);
	spin_unlock_irqrestore(&table_lock, flags);

	task_account_free(unused);
	task_account_free(empty);
	return err;
}

static struct task_account *promise_account(const struct hw_breakpoint_promise *promise)
{
	if (!promise->weight || !promise->account)
		return NULL;
	return container_of(promise->account, struct task_account, account);
}

/*
 * @holder: the task on which the event was when it went, if that is known: perf core
 * swaps the contexts of related tasks, so it need not be the one that was charged.
 */
static void release(struct hw_breakpoint_promise *promise,
		    const struct task_struct *holder)
{
	struct task_account *ta = NULL, *empty;
	unsigned long flags;

	spin_lock_irqsave(&table_lock, flags);
	if (holder)
		ta = task_account_find(holder);
	if (ta)
		hw_breakpoint_table_settle(&table, promise, &ta->account);
	ta = promise_account(promise);
	hw_breakpoint_table_release(&table, promise);
	empty = task_account_del_if_empty(ta);
	spin_unlock_irqrestore(&table_lock, flags);

	task_account_free(empty);
}

/**
 * hw_breakpoint_promise_set() - hold one promise for a number of events
 * @promise: zeroed before its first use; the caller serialises calls for it
 * @tsk: the task that the events are for, the same in each call
 * @weight: how many registers it is to be from now on; 0 gives back all
 *
 * For a caller whose events don't reserve for themselves, see
 * arch_hw_breakpoint_prepaid(): so a change of several registers is granted or
 * refused as one.
 *
 * Context: may sleep where @weight is above 0 and nothing is held yet; otherwise any
 * context but hard interrupt and NMI.
 * Return: 0, -ENOSPC or -ENOMEM; on error the promise is what it was before.
 */
int hw_breakpoint_promise_set(struct hw_breakpoint_promise *promise,
			      struct task_struct *tsk, unsigned int weight)
{
	unsigned long flags;
	int err;

	if (!weight) {
		release(promise, NULL);
		return 0;
	}
	if (!promise->weight)
		return reserve_for_task(promise, tsk, -1, weight, NULL, false);

	spin_lock_irqsave(&table_lock, flags);
	err = hw_breakpoint_table_resize(&table, promise, weight);
	spin_unlock_irqrestore(&table_lock, flags);
	return err;
}

/* === The PMU ============================================================== */

/* An event and its inherited copies are one family: perf core may swap them. */
static const void *event_family(const struct perf_event *bp)
{
	if (!bp->attr.inherit)
		return NULL;
	return bp->parent ?: bp;
}

/*
 * Is @bp an inherited copy that its task frees because it exits, or because it
 * executes another program? Then current is the task that it was on. A fork() that
 * failed frees the copies too, as the parent: of a task that was never woken.
 */
static bool event_freed_by_its_task(const struct perf_event *bp)
{
	return bp->parent && bp->state == PERF_EVENT_STATE_EXIT &&
	       READ_ONCE(bp->hw.target->__state) != TASK_NEW;
}

static void hw_breakpoint_event_destroy(struct perf_event *bp)
{
	release(&counter_arch_bp(bp)->promise,
		event_freed_by_its_task(bp) ? current : NULL);
}

static int hw_breakpoint_parse(const struct perf_event *bp,
			       const struct perf_event_attr *attr,
			       struct arch_hw_breakpoint *hw)
{
	int err = arch_hw_breakpoint_parse(bp, attr, hw);

	/* It could never be hit. */
	if (!err && attr->exclude_kernel && arch_hw_breakpoint_in_kernel(hw))
		return -EINVAL;
	return err;
}

static int hw_breakpoint_permit(const struct arch_hw_breakpoint *hw)
{
	if (arch_hw_breakpoint_in_kernel(hw) && !perfmon_capable())
		return -EPERM;
	return 0;
}

static int hw_breakpoint_reserve(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	unsigned int weight = arch_hw_breakpoint_weight(hw);

	if (arch_hw_breakpoint_prepaid(bp))
		return 0;
	if (!bp->hw.target)
		return reserve_for_cpu(&hw->promise, bp->cpu, weight);
	return reserve_for_task(&hw->promise, bp->hw.target, bp->cpu, weight,
				event_family(bp), bp->parent);
}

static int hw_breakpoint_check(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	int err = hw_breakpoint_parse(bp, &bp->attr, hw);

	/* The original was checked; its task may have fewer rights by now. */
	if (err || bp->parent)
		return err;
	if (bp->cpu >= 0 && !cpu_online(bp->cpu))
		return -ENODEV;
	return hw_breakpoint_permit(hw);
}

static int hw_breakpoint_event_init(struct perf_event *bp)
{
	int err;

	if (bp->attr.type != PERF_TYPE_BREAKPOINT)
		return -ENOENT;
	if (has_branch_stack(bp))
		return -EOPNOTSUPP;

	err = hw_breakpoint_check(bp);
	if (!err)
		err = hw_breakpoint_reserve(bp);
	if (!err)
		bp->destroy = hw_breakpoint_event_destroy;
	return err;
}

static int hw_breakpoint_add(struct perf_event *bp, int flags)
{
	bp->hw.state = flags & PERF_EF_START ? 0 : PERF_HES_STOPPED;
	if (is_sampling_event(bp)) {
		bp->hw.last_period = bp->hw.sample_period;
		perf_swevent_set_period(bp);
	}
	return arch_hw_breakpoint_add(bp);
}

static void hw_breakpoint_del(struct perf_event *bp, int flags)
{
	arch_hw_breakpoint_del(bp);
}

static void hw_breakpoint_start(struct perf_event *bp, int flags)
{
	bp->hw.state = 0;
}

/* The register stays armed, its hits don't count: a throttled event is back soon. */
static void hw_breakpoint_stop(struct perf_event *bp, int flags)
{
	bp->hw.state = PERF_HES_STOPPED;
}

/* The count is kept at each hit. */
static void hw_breakpoint_read(struct perf_event *bp)
{
}

/* What add and del note waits for the end of the bracket; perf core wants both ends. */
static void hw_breakpoint_pmu_disable(struct pmu *pmu)
{
}

static void hw_breakpoint_pmu_enable(struct pmu *pmu)
{
	arch_hw_breakpoint_commit();
}

/*
 * A software PMU to perf core, so that breakpoints can stand in groups with other
 * PMUs' events, before or behind them.
 */
static struct pmu perf_breakpoint = {
	.task_ctx_nr	= perf_sw_context,
	.pmu_disable	= hw_breakpoint_pmu_disable,
	.pmu_enable	= hw_breakpoint_pmu_enable,
	.event_init	= hw_breakpoint_event_init,
	.add		= hw_breakpoint_add,
	.del		= hw_breakpoint_del,
	.start		= hw_breakpoint_start,
	.stop		= hw_breakpoint_stop,
	.read		= hw_breakpoint_read,
};

/* === Interface ============================================================ */

/**
 * hw_breakpoint_slots() - how many breakpoints a CPU has room for
 * @type: TYPE_INST or TYPE_DATA
 *
 * Context: any.
 * Return: the number of registers, used or not.
 */
int hw_breakpoint_slots(int type)
{
	return table.nr_slots;
}
EXPORT_SYMBOL_GPL(hw_breakpoint_slots);

/**
 * hw_breakpoint_is_used() - does anybody hold a promise?
 *
 * Context: any but NMI and #DB. The answer may be outdated when it arrives.
 * Return: true if a breakpoint exists anywhere, enabled or not.
 */
bool hw_breakpoint_is_used(void)
{
	unsigned long flags;
	bool used;

	spin_lock_irqsave(&table_lock, flags);
	used = hw_breakpoint_table_used(&table);
	spin_unlock_irqrestore(&table_lock, flags);
	return used;
}
EXPORT_SYMBOL_GPL(hw_breakpoint_is_used);

/**
 * register_user_hw_breakpoint() - set a breakpoint for a task
 * @attr: from hw_breakpoint_init() or ptrace_breakpoint_init(); copied
 * @triggered: called at each hit, in the context of the #DB: it must not sleep, and
 *	take no lock that code with interrupts on takes
 * @context: for @triggered, as event->overflow_handler_context
 * @tsk: the task; it is watched on whatever CPU it runs
 *
 * Context: may sleep.
 * Return: the event, or an ERR_PTR: -EINVAL for what can't be watched, -EPERM for a
 * kernel address without CAP_PERFMON, -ENOSPC where no register can be promised,
 * -ESRCH for a task that has exited, -ENOMEM.
 */
struct perf_event *
register_user_hw_breakpoint(struct perf_event_attr *attr,
			    perf_overflow_handler_t triggered, void *context,
			    struct task_struct *tsk)
{
	return perf_event_create_kernel_counter(attr, -1, tsk, triggered, context);
}
EXPORT_SYMBOL_GPL(register_user_hw_breakpoint);

static void copy_modifiable(struct perf_event_attr *to,
			    const struct perf_event_attr *from)
{
	to->bp_addr = from->bp_addr;
	to->bp_type = from->bp_type;
	to->bp_len = from->bp_len;
	to->disabled = from->disabled;
}

/* May @bp become what @attr, which is all of its attribute, says? */
static int check_modified(const struct perf_event *bp, const struct perf_event_attr *attr)
{
	struct arch_hw_breakpoint hw;
	int err = hw_breakpoint_parse(bp, attr, &hw);

	/* What its original may, an inherited copy may, or the two would differ. */
	return err || bp->parent ? err : hw_breakpoint_permit(&hw);
}

/*
 * exec() switches events on without asking for the context's mutex, so look under the
 * lock that it takes: what is on a CPU must not change.
 */
static int publish_modified(struct perf_event *bp, const struct perf_event_attr *attr)
{
	struct perf_event_context *ctx = bp->ctx;
	unsigned long flags;
	int err = -EAGAIN;

	raw_spin_lock_irqsave(&ctx->lock, flags);
	if (bp->state <= PERF_EVENT_STATE_OFF) {
		copy_modifiable(&bp->attr, attr);
		err = hw_breakpoint_parse(bp, &bp->attr, counter_arch_bp(bp));
	}
	raw_spin_unlock_irqrestore(&ctx->lock, flags);
	return err;
}

/**
 * modify_user_hw_breakpoint_check() - give a disabled breakpoint another place
 * @bp: the event; the caller has disabled it and will enable it again
 * @attr: bp_addr, bp_type, bp_len and disabled are taken from it
 * @check: refuse if anything else in @attr differs from what the event has; not asked
 *	of an inherited copy, whose period may have become another
 *
 * Context: may sleep. perf core calls it with the context's mutex held, for an event
 * and then for each of its inherited copies, which take what the first took.
 * Return: 0, or -EINVAL or -EPERM as for a new event, or -EAGAIN if the task's exec()
 * has just enabled it; on error nothing has changed.
 */
int modify_user_hw_breakpoint_check(struct perf_event *bp,
				    struct perf_event_attr *attr, bool check)
{
	struct perf_event_attr modified = bp->attr;
	int err;

	copy_modifiable(&modified, attr);
	if (check && !bp->parent && memcmp(&modified, attr, sizeof(modified)))
		return -EINVAL;

	err = check_modified(bp, &modified);
	return err ?: publish_modified(bp, &modified);
}

/**
 * modify_user_hw_breakpoint() - move a breakpoint, or switch it on or off
 * @bp: from register_user_hw_breakpoint()
 * @attr: bp_addr, bp_type, bp_len and disabled are taken from it
 *
 * Context: may sleep.
 * Return: as modify_user_hw_breakpoint_check(); on error nothing has changed.
 */
int modify_user_hw_breakpoint(struct perf_event *bp, struct perf_event_attr *attr)
{
	struct perf_event_attr modified = bp->attr;
	int err;

	copy_modifiable(&modified, attr);
	err = check_modified(bp, &modified);
	if (err)
		return err;

	perf_event_disable(bp);
	err = publish_modified(bp, &modified);
	if (!bp->attr.disabled)
		perf_event_enable(bp);
	return err;
}
EXPORT_SYMBOL_GPL(modify_user_hw_breakpoint);

/**
 * unregister_hw_breakpoint() - remove a breakpoint
 * @bp: the event, or NULL
 *
 * Its handler has returned on every CPU when this returns, and isn't called again.
 *
 * Context: may sleep.
 */
void unregister_hw_breakpoint(struct perf_event *bp)
{
	if (bp)
		perf_event_release_kernel(bp);
}
EXPORT_SYMBOL_GPL(unregister_hw_breakpoint);

/**
 * register_wide_hw_breakpoint() - set a breakpoint on every CPU that is online
 * @attr: from hw_breakpoint_init(); copied
 * @triggered: as for register_user_hw_breakpoint()
 * @context: for @triggered, as event->overflow_handler_context
 *
 * Context: may sleep.
 * Return: the events, one for each CPU, or an ERR_PTR as for
 * register_user_hw_breakpoint(). It is on all CPUs or on none.
 */
struct perf_event * __percpu *
register_wide_hw_breakpoint(struct perf_event_attr *attr,
			    perf_overflow_handler_t triggered, void *context)
{
	struct perf_event * __percpu *cpu_events = alloc_percpu(typeof(*cpu_events));
	struct perf_event *bp;
	long err = 0;
	int cpu;

	if (!cpu_events)
		return (struct perf_event * __percpu __force *)ERR_PTR(-ENOMEM);

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		bp = perf_event_create_kernel_counter(attr, cpu, NULL, triggered, context);
		err = PTR_ERR_OR_ZERO(bp);
		if (err)
			break;
		*per_cpu_ptr(cpu_events, cpu) = bp;
	}
	cpus_read_unlock();

	if (!err)
		return cpu_events;
	unregister_wide_hw_breakpoint(cpu_events);
	return (struct perf_event * __percpu __force *)ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(register_wide_hw_breakpoint);

/**
 * unregister_wide_hw_breakpoint() - remove a breakpoint from all CPUs
 * @cpu_events: from register_wide_hw_breakpoint()
 *
 * Context: may sleep.
 */
void unregister_wide_hw_breakpoint(struct perf_event * __percpu *cpu_events)
{
	int cpu;

	for_each_possible_cpu(cpu)
		unregister_hw_breakpoint(*per_cpu_ptr(cpu_events, cpu));
	free_percpu(cpu_events);
}
EXPORT_SYMBOL_GPL(unregister_wide_hw_breakpoint);

/**
 * init_hw_breakpoint() - set up the layer
 *
 * Context: once, from perf core's own set-up, before any event exists.
 * Return: 0 or an error, with which perf core warns.
 */
int __init init_hw_breakpoint(void)
{
	struct hw_breakpoint_cpu_slots *cpus;

	cpus = kcalloc(nr_cpu_ids, sizeof(*cpus), GFP_KERNEL);
	if (!cpus)
		return -ENOMEM;
	hw_breakpoint_table_init(&table, cpus, nr_cpu_ids, HBP_NUM);

	arch_hw_breakpoint_init();
	return perf_pmu_register(&perf_breakpoint, "breakpoint", PERF_TYPE_BREAKPOINT);
}
