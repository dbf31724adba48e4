// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware breakpoints as perf events: registration, and the PMU.
 *
 * A breakpoint is checked when it is created (hw_breakpoint_event_init()), in this
 * order: is it well-formed, is its CPU there, is it allowed. perf core then checks whether
 * the caller may observe the task, and asks whether there is room (hw_breakpoint_charge()).
 * That is the constraint table's answer (hw_breakpoint_promises.c): a promise that lets perf
 * core rely on a register being there. From then on perf core decides when the event is
 * on a CPU, and the architecture moves it into a debug register: add and del note it,
 * pmu_enable programs it.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#define pr_fmt(fmt) "hw_breakpoint: " fmt

#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_holder.h>
#include <linux/hw_breakpoint_share.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>

#define CREATE_TRACE_POINTS
#include <trace/events/hw_breakpoint.h>

#include "hw_breakpoint_internal.h"

/* === Who holds an event =================================================== */

/*
 * What perf core has as the owner of kernel code's events, and as the task of a context whose
 * task has left it for good. It has its name for it, TASK_TOMBSTONE, to itself.
 */
#define TOMBSTONE	((struct task_struct *)-1L)

/* The owner comes only when the event has been made. */
static const char *event_kind(const struct perf_event *bp)
{
	if (arch_hw_breakpoint_prepaid(bp))
		return "ptrace";
	if (READ_ONCE(bp->owner) == TOMBSTONE ||
	    !is_default_overflow_handler((struct perf_event *)bp))
		return "kernel";
	return "perf";
}

/* A debugger of the task, or who opened the event, while that lives. */
static const struct task_struct *event_asker(const struct perf_event *bp)
{
	const struct task_struct *owner;

	if (arch_hw_breakpoint_prepaid(bp))
		return ptrace_parent(bp->hw.target);
	/* Pairs with the release with which an owner that exits takes itself out. */
	owner = smp_load_acquire(&bp->owner);
	return owner == TOMBSTONE ? NULL : owner;
}

/**
 * hw_breakpoint_describe_event() - who holds an event, and what it watches
 * @bp: the event; the caller sees to it that it stays
 * @who: zeroed; all but slots is filled in
 *
 * Context: any.
 */
void hw_breakpoint_describe_event(const struct perf_event *bp, struct hw_breakpoint_who *who)
{
	const struct arch_hw_breakpoint *hw = &bp->hw.info;
	const struct task_struct *asker;

	who->kind = event_kind(bp);
	if (!strcmp(who->kind, "kernel"))
		snprintf(who->name, sizeof(who->name), "%pS",
			 hw->caller ?: (void *)bp->overflow_handler);
	rcu_read_lock();
	asker = event_asker(bp);
	if (asker)
		hw_breakpoint_name_task(&who->asker, asker);
	rcu_read_unlock();
	if (bp->hw.target)
		hw_breakpoint_name_task(&who->task, bp->hw.target);
	who->watch = hw_breakpoint_watch(&bp->attr);
	who->hits = local64_read((local64_t *)&bp->count);
	who->cpu = bp->cpu;
}

static void describe_promise(const struct hw_breakpoint_promise *promise,
			     struct task_struct *task, struct hw_breakpoint_who *who)
{
	const struct hw_breakpoint_task charged = who->task;

	hw_breakpoint_describe_event(container_of(promise, struct perf_event, hw.info.promise),
				     who);
	/* perf core may have moved the event to a related task. */
	if (charged.pid)
		who->task = charged;
}

static const struct hw_breakpoint_holder event_holder = {
	.describe	= describe_promise,
};

/* @attr: what was asked for */
static void refuse(const struct perf_event *bp, const struct perf_event_attr *attr, int err,
		   const char *why)
{
	const struct hw_breakpoint_request request = {
		.kind	= event_kind(bp),
		.watch	= hw_breakpoint_watch(attr),
		.task	= bp->hw.target,
		.cpu	= bp->cpu,
	};

	hw_breakpoint_refused(&request, err, why);
}

/* === The PMU ============================================================== */

/**
 * hw_breakpoint_event_family() - what an event and its inherited copies have in common
 * @bp: the event
 *
 * perf core may swap them.
 *
 * Context: any.
 * Return: the same for all of them; NULL: there are none.
 */
const void *hw_breakpoint_event_family(const struct perf_event *bp)
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
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	struct task_struct *holder = event_freed_by_its_task(bp) ? current : NULL;

	trace_hw_breakpoint_unregister(bp);
	if (hw->group)
		hw_breakpoint_exclusive_leave(bp, holder);
	hw_breakpoint_promise_release(&hw->promise, hw_breakpoint_event_family(bp), holder);
}

/* Why @attr can't be, on this machine; NULL: it can, and @hw is what it means. */
static const char *objection(const struct perf_event *bp, const struct perf_event_attr *attr,
			     struct arch_hw_breakpoint *hw)
{
	const char *why = arch_hw_breakpoint_objection(bp, attr, hw);

	if (!why && attr->exclude_kernel && arch_hw_breakpoint_in_kernel(hw))
		why = "a kernel address is never hit with exclude_kernel";
	return why;
}

static int hw_breakpoint_permit(const struct arch_hw_breakpoint *hw, const char **why)
{
	if (!arch_hw_breakpoint_in_kernel(hw) || perfmon_capable())
		return 0;
	*why = "a kernel address needs CAP_PERFMON";
	return -EPERM;
}

/**
 * hw_breakpoint_promise_to_event() - promise registers to an event's task or CPU
 * @bp: the event, which is promised nothing yet; its promise's holder is set
 * @weight: how many
 * @why: as for hw_breakpoint_promise_to_cpu()
 *
 * Context: any but NMI.
 * Return: 0 or -ENOSPC.
 */
int hw_breakpoint_promise_to_event(struct perf_event *bp, unsigned int weight, char *why)
{
	struct hw_breakpoint_promise *promise = &counter_arch_bp(bp)->promise;

	if (!bp->hw.target)
		return hw_breakpoint_promise_to_cpu(promise, bp->cpu, weight, why);
	return hw_breakpoint_promise_to_task(promise, bp->hw.target, bp->cpu, weight,
					     hw_breakpoint_event_family(bp), bp->parent, why);
}

/* By those who have a handler of their own. */
static bool is_prepaid(struct perf_event *bp)
{
	return !is_default_overflow_handler(bp) &&
	       (arch_hw_breakpoint_prepaid(bp) || hw_breakpoint_wide_prepaid(bp));
}

static int hw_breakpoint_reserve(struct perf_event *bp, char *why)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	const unsigned int weight = arch_hw_breakpoint_weight(hw);
	const bool prepaid = is_prepaid(bp);

	hw->sched.promised = prepaid || !hw_breakpoint_is_flexible(bp);
	if (prepaid || !hw->sched.promised)
		return 0;
	hw->promise.holder = &event_holder;
	if (bp->group_leader->attr.exclusive)
		return hw_breakpoint_exclusive_join(bp, weight, why);
	return hw_breakpoint_promise_to_event(bp, weight, why);
}

static void copy_modifiable(struct perf_event_attr *to,
			    const struct perf_event_attr *from)
{
	/* Pairs with hw_breakpoint_watch(), of who looks at it meanwhile. */
	WRITE_ONCE(to->bp_addr, from->bp_addr);
	WRITE_ONCE(to->bp_type, from->bp_type);
	WRITE_ONCE(to->bp_len, from->bp_len);
	to->disabled = from->disabled;
}

/*
 * What the original is now, which it may have become after its attribute was copied. It isn't
 * checked again: its task may have fewer rights by now, and fork() should not fail for it.
 */
static void copy_original(struct perf_event *bp)
{
	const struct perf_event *original = bp->parent;
	struct perf_event_context *ctx = original->ctx;

	raw_spin_lock_irq(&ctx->lock);
	copy_modifiable(&bp->attr, &original->attr);
	bp->attr.sig_data = original->attr.sig_data;
	arch_hw_breakpoint_assign(counter_arch_bp(bp), &original->hw.info);
	raw_spin_unlock_irq(&ctx->lock);
}

static int hw_breakpoint_check(struct perf_event *bp, const char **why)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);

	*why = objection(bp, &bp->attr, hw);
	if (*why)
		return -EINVAL;
	/* A task's event for a CPU that is offline counts as soon as the CPU is back. */
	if (!bp->hw.target && !cpu_online(bp->cpu)) {
		*why = "the CPU is offline";
		return -ENODEV;
	}
	/* perf core asks, too, but only when we have made a promise. */
	if (!bp->hw.target && perf_allow_cpu()) {
		*why = "a CPU needs CAP_PERFMON, or kernel.perf_event_paranoid at 0 or less";
		return -EACCES;
	}
	/* With exclude_kernel it isn't a kernel address. */
	return bp->attr.exclude_kernel ? 0 : hw_breakpoint_permit(hw, why);
}

static int hw_breakpoint_event_init(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	const char *why = NULL;
	int err;

	if (bp->attr.type != PERF_TYPE_BREAKPOINT)
		return -ENOENT;
	if (has_branch_stack(bp))
		return -EOPNOTSUPP;

	/* What an inherited copy is to be is read when it is charged. */
	if (!bp->parent) {
		err = hw_breakpoint_check(bp, &why);
		if (err) {
			refuse(bp, &bp->attr, err, why);
			return err;
		}
	}
	INIT_LIST_HEAD(&hw->sched.ring);
	hw->sched.alone = !bp->hw.target && !is_default_overflow_handler(bp);
	return 0;
}

/*
 * Slow path of hw_breakpoint_charge(): ask again, with a buffer for the reason. noinline, so
 * that a request that is granted doesn't reserve stack for the buffer.
 */
static noinline int reserve_or_refuse(struct perf_event *bp)
{
	char no_room[HW_BREAKPOINT_WHY_LEN] = "";
	int err = hw_breakpoint_reserve(bp, no_room);

	if (err)
		refuse(bp, &bp->attr, err, no_room);
	return err;
}

/*
 * Registers are reserved only here, after perf core has checked that the caller may observe the
 * task. Otherwise a caller who may not could hold the task's registers for an instant, and
 * could learn from the error how many of them are in use.
 *
 * An inherited copy is charged under its original's child_mutex, so no modification of the
 * original is under way.
 */
static int hw_breakpoint_charge(struct perf_event *bp, struct perf_event_context *ctx)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	int err;

	if (bp->parent)
		copy_original(bp);
	if (hw_breakpoint_reserve(bp, NULL)) {
		err = reserve_or_refuse(bp);
		if (err)
			return err;
	}
	hw->sig_data = bp->attr.sig_data;
	bp->destroy = hw_breakpoint_event_destroy;
	trace_hw_breakpoint_register(bp);
	return 0;
}

static int take_registers(struct perf_event *bp)
{
	if (static_branch_unlikely(&hw_breakpoint_may_share))
		return hw_breakpoint_share_add(bp);
	return arch_hw_breakpoint_add(counter_arch_bp(bp));
}

static void leave_registers(struct perf_event *bp)
{
	if (static_branch_unlikely(&hw_breakpoint_may_share))
		hw_breakpoint_share_del(bp);
	else
		arch_hw_breakpoint_del(counter_arch_bp(bp));
}

/* If none was begun. */
static void begin_period(struct perf_event *bp)
{
	if (!is_sampling_event(bp))
		return;
	bp->hw.last_period = bp->hw.sample_period;
	perf_swevent_set_period(bp);
}

/* Apart, as the next one: who needs nothing of this need not save registers for it. */
static noinline int add_slowly(struct perf_event *bp)
{
	int err;

	begin_period(bp);
	err = take_registers(bp);
	if (!err)
		trace_hw_breakpoint_install(bp);
	return err;
}

static noinline void del_slowly(struct perf_event *bp)
{
	trace_hw_breakpoint_uninstall(bp);
	leave_registers(bp);
}

static int hw_breakpoint_add(struct perf_event *bp, int flags)
{
	bp->hw.state = flags & PERF_EF_START ? 0 : PERF_HES_STOPPED;
	if (is_sampling_event(bp) || trace_hw_breakpoint_install_enabled() ||
	    static_branch_unlikely(&hw_breakpoint_may_share))
		return add_slowly(bp);
	return arch_hw_breakpoint_add(counter_arch_bp(bp));
}

static void hw_breakpoint_del(struct perf_event *bp, int flags)
{
	if (trace_hw_breakpoint_uninstall_enabled() ||
	    static_branch_unlikely(&hw_breakpoint_may_share))
		del_slowly(bp);
	else
		arch_hw_breakpoint_del(counter_arch_bp(bp));
}

/*
 * Where perf core has set another period, and so taken back what was left of the one before, a
 * new one begins, as with hardware events. Left to itself perf core would end that first.
 */
static void hw_breakpoint_start(struct perf_event *bp, int flags)
{
	if (flags & PERF_EF_RELOAD && !local64_read(&bp->hw.period_left))
		begin_period(bp);
	bp->hw.state = 0;
}

/* The register stays armed, its hits don't count: a throttled event is back soon. */
static void hw_breakpoint_stop(struct perf_event *bp, int flags)
{
	bp->hw.state = PERF_HES_STOPPED;
}

/* The count is kept at each hit; it is the time that may have to be put right. */
static void hw_breakpoint_read(struct perf_event *bp)
{
	if (static_branch_unlikely(&hw_breakpoint_may_share))
		hw_breakpoint_share_read(bp);
}

/*
 * perf core wants both ends of a bracket; what is to be done is done at the other, by the
 * architecture. This and the next three are called several times at each context switch:
 * notrace, since to be traced would be most of what they do.
 */
static notrace void hw_breakpoint_pmu_disable(struct pmu *pmu)
{
}

/*
 * Each add has its bracket, and none depends on the others'. Without these perf core would
 * open another bracket around each group.
 */
static notrace void hw_breakpoint_start_txn(struct pmu *pmu, unsigned int flags)
{
}

static notrace int hw_breakpoint_commit_txn(struct pmu *pmu)
{
	return 0;
}

static notrace void hw_breakpoint_cancel_txn(struct pmu *pmu)
{
}

/*
 * A software PMU to perf core, so that breakpoints can stand in groups with other
 * PMUs' events, before or behind them.
 */
static struct pmu perf_breakpoint = {
	.task_ctx_nr	= perf_sw_context,
	.attr_groups	= hw_breakpoint_attr_groups,
	.pmu_disable	= hw_breakpoint_pmu_disable,
	.pmu_enable	= arch_hw_breakpoint_pmu_enable,
	.event_init	= hw_breakpoint_event_init,
	.charge		= hw_breakpoint_charge,
	.add		= hw_breakpoint_add,
	.del		= hw_breakpoint_del,
	.start		= hw_breakpoint_start,
	.stop		= hw_breakpoint_stop,
	.read		= hw_breakpoint_read,
	.start_txn	= hw_breakpoint_start_txn,
	.commit_txn	= hw_breakpoint_commit_txn,
	.cancel_txn	= hw_breakpoint_cancel_txn,
};

/* === Interface ============================================================ */

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
	struct perf_event *bp;

	bp = perf_event_create_kernel_counter(attr, -1, tsk, triggered, context);
	if (!IS_ERR(bp))
		counter_arch_bp(bp)->caller = __builtin_return_address(0);
	return bp;
}
EXPORT_SYMBOL_GPL(register_user_hw_breakpoint);

/**
 * hw_breakpoint_check_attr() - could a CPU's own breakpoint of the kernel be made so?
 * @attr: its attribute
 * @hw: set to what that means on this machine, but for what isn't the architecture's
 * @why: on error, set to the reason
 *
 * Context: any but NMI.
 * Return: 0, -EINVAL or -EPERM as for a new event; whether there is room isn't asked.
 */
int hw_breakpoint_check_attr(const struct perf_event_attr *attr, struct arch_hw_breakpoint *hw,
			     const char **why)
{
	*why = objection(NULL, attr, hw);
	return *why ? -EINVAL : hw_breakpoint_permit(hw, why);
}

/*
 * Promise @bp what it takes if its weight is @weight, where that is more than it has. Who is
 * prepaid, or is promised nothing, isn't concerned.
 */
static int grow(struct perf_event *bp, unsigned int weight, char *why)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	int err = -ENOENT;

	if (weight <= arch_hw_breakpoint_weight(hw))
		return 0;
	if (hw->group)
		err = hw_breakpoint_exclusive_resize(bp, weight, why);
	if (err == -ENOENT)
		err = hw_breakpoint_promise_resize(&hw->promise, weight, bp->parent, why);
	return err;
}

/* Back to what it takes as it is. */
static void shrink(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	const unsigned int weight = arch_hw_breakpoint_weight(hw);

	if (!hw->group || hw_breakpoint_exclusive_resize(bp, weight, NULL))
		hw_breakpoint_promise_resize(&hw->promise, weight, true, NULL);
}

static void shrink_family(struct perf_event *bp)
{
	struct perf_event *child;

	shrink(bp);
	list_for_each_entry(child, &bp->child_list, child_list)
		shrink(child);
}

/* grow() for @bp and its inherited copies, or for none of them. */
static int grow_family(struct perf_event *bp, unsigned int weight, char *why)
{
	struct perf_event *child;
	int err;

	lockdep_assert_held(&bp->child_mutex);
	err = grow(bp, weight, why);
	if (err)
		return err;
	list_for_each_entry(child, &bp->child_list, child_list) {
		err = grow(child, weight, why);
		if (err) {
			shrink_family(bp);
			break;
		}
	}
	return err;
}

/**
 * struct modification - how an event is to be modified
 * @bp: the event
 * @attr: all of its attribute
 * @hw: what that means on this machine
 * @done: it has been
 */
struct modification {
	struct perf_event		*bp;
	struct perf_event_attr		attr;
	struct arch_hw_breakpoint	hw;
	bool				done;
};

static void make_modified(struct modification *m)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(m->bp);

	copy_modifiable(&m->bp->attr, &m->attr);
	arch_hw_breakpoint_assign(hw, &m->hw);
	hw->sig_data = m->bp->attr.sig_data;
	m->done = true;
}

/* Is it on a CPU? Not if its task has left the context for good. ctx->lock is held. */
static bool is_on(const struct perf_event *bp)
{
	return bp->state == PERF_EVENT_STATE_ACTIVE && bp->ctx->task != TOMBSTONE;
}

/* On the CPU that it is said to be on, interrupts off. */
static void modify_here(void *data)
{
	struct modification *m = data;
	struct perf_event *bp = m->bp;

	raw_spin_lock(&bp->ctx->lock);
	if (is_on(bp) && bp->oncpu == smp_processor_id()) {
		leave_registers(bp);
		make_modified(m);
		if (take_registers(bp))
			hw_breakpoint_share_wait(bp);
		arch_hw_breakpoint_commit();
	}
	raw_spin_unlock(&bp->ctx->lock);
}

/*
 * Nearly always it is off, since the caller has disabled it. But exec() may have enabled it in
 * between, without asking for the context's mutex; then it changes on the CPU where it is. All
 * that could fail has been done.
 */
static void publish_modified(struct modification *m)
{
	struct perf_event *bp = m->bp;
	unsigned long flags;
	int cpu;

	while (!m->done) {
		raw_spin_lock_irqsave(&bp->ctx->lock, flags);
		cpu = bp->oncpu;
		if (!is_on(bp))
			make_modified(m);
		raw_spin_unlock_irqrestore(&bp->ctx->lock, flags);
		if (!m->done)
			smp_call_function_single(cpu, modify_here, m, true);
	}
	trace_hw_breakpoint_modify(bp);
}

/*
 * May the event become what its new attribute says? Then what that takes is reserved by
 * @reserve, which is grow() or the like.
 */
static int prepare_modified(struct modification *m,
			    int (*reserve)(struct perf_event *bp, unsigned int weight, char *why))
{
	char no_room[HW_BREAKPOINT_WHY_LEN] = "";
	const char *why = objection(m->bp, &m->attr, &m->hw);
	int err = why ? -EINVAL : 0;

	/* The first of the family has prepared for all. */
	if (m->bp->parent)
		return err;
	if (!err)
		err = hw_breakpoint_permit(&m->hw, &why);
	if (!err) {
		why = no_room;
		err = reserve(m->bp, arch_hw_breakpoint_weight(&m->hw), no_room);
	}
	if (err)
		refuse(m->bp, &m->attr, err, why);
	return err;
}

/* What a family has in excess goes when all of it has been modified: perf core may swap it. */
static void shrink_after_last(struct perf_event *bp)
{
	struct perf_event *first = bp->parent ?: bp;

	lockdep_assert_held(&first->child_mutex);
	if (bp->parent ? list_is_last(&bp->child_list, &first->child_list) :
			 list_empty(&first->child_list))
		shrink_family(first);
}

/**
 * modify_user_hw_breakpoint_check() - give a disabled breakpoint another place
 * @bp: the event; the caller has disabled it and will enable it again
 * @attr: bp_addr, bp_type, bp_len and disabled are taken from it
 * @check: refuse if anything else in @attr differs from what the event has; not asked
 *	of an inherited copy, whose period may have become another
 *
 * What an event and its inherited copies need is reserved for all of them when the event
 * itself is modified: so that is refused, or none of the calls for them is. The caller has
 * copied sig_data into the event's attribute; where it is refused, that is what it was before,
 * too.
 *
 * Context: may sleep. perf core calls it with the event's child_mutex held, for the event
 * and then for each of its inherited copies, which take what the first took.
 * Return: 0, or -EINVAL, -EPERM or -ENOSPC as for a new event; on error nothing has changed.
 */
int modify_user_hw_breakpoint_check(struct perf_event *bp,
				    struct perf_event_attr *attr, bool check)
{
	const unsigned int had = arch_hw_breakpoint_weight(counter_arch_bp(bp));
	struct modification m = { .bp = bp, .attr = bp->attr };
	int err;

	copy_modifiable(&m.attr, attr);
	if (check && !bp->parent && memcmp(&m.attr, attr, sizeof(m.attr))) {
		err = -EINVAL;
		refuse(bp, attr, err, "only address, length, type and disabled can be modified");
	} else {
		err = prepare_modified(&m, grow_family);
	}
	if (err) {
		bp->attr.sig_data = counter_arch_bp(bp)->sig_data;
		return err;
	}
	publish_modified(&m);
	if (had > arch_hw_breakpoint_weight(&m.hw))
		shrink_after_last(bp);
	return 0;
}

/**
 * modify_user_hw_breakpoint() - move a breakpoint, or switch it on or off
 * @bp: from register_user_hw_breakpoint()
 * @attr: bp_addr, bp_type, bp_len and disabled are taken from it
 *
 * Inherited copies of it stay as they are.
 *
 * Context: may sleep.
 * Return: as modify_user_hw_breakpoint_check(); on error nothing has changed.
 */
int modify_user_hw_breakpoint(struct perf_event *bp, struct perf_event_attr *attr)
{
	struct modification m = { .bp = bp, .attr = bp->attr };
	int err;

	copy_modifiable(&m.attr, attr);
	err = prepare_modified(&m, grow);
	if (err)
		return err;

	perf_event_disable(bp);
	publish_modified(&m);
	shrink(bp);
	if (!bp->attr.disabled)
		perf_event_enable(bp);
	return 0;
}
EXPORT_SYMBOL_GPL(modify_user_hw_breakpoint);

/**
 * hw_breakpoint_move_local() - watch another address on this CPU, at once
 * @bp: a breakpoint of the kernel's own that is bound to this CPU and has a handler, such as
 *	this CPU's of register_wide_hw_breakpoint()
 * @addr: the kernel address to be watched from now on, aligned as for a new breakpoint
 *
 * Nothing but the address changes: not the length, the type, the count, or whether it is
 * enabled. When this returns the old address isn't watched any more and the new one is;
 * called from a #DB, an NMI or a machine check, during which nothing is watched, that
 * holds from its end on. DR7 as it was saved by them doesn't come back. If the event is
 * disabled, it has the address when it is enabled.
 *
 * The caller sees to it that the event isn't unregistered or modified at the same time,
 * and, where the breakpoint is one for execution, that no module is being unloaded.
 *
 * Context: any, NMI included, from the #DB of a hit too; the caller stays on the CPU.
 * Takes no lock and allocates nothing.
 * Return: 0; -EINVAL if the address can't be watched, or @bp is not such an event.
 */
int hw_breakpoint_move_local(struct perf_event *bp, unsigned long addr)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	unsigned long flags;
	int err;

	if (bp->cpu != raw_smp_processor_id() || !hw->sched.alone || bp->attr.exclude_kernel)
		return -EINVAL;
	err = arch_hw_breakpoint_check_move(hw, addr);
	if (err)
		return err;

	local_irq_save(flags);
	arch_hw_breakpoint_move(hw, addr);
	/* An NMI may have moved it on. */
	do {
		addr = arch_hw_breakpoint_address(hw);
		WRITE_ONCE(bp->attr.bp_addr, addr);
	} while (addr != arch_hw_breakpoint_address(hw));
	trace_hw_breakpoint_modify(bp);
	local_irq_restore(flags);
	return 0;
}
EXPORT_SYMBOL_GPL(hw_breakpoint_move_local);

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
 * init_hw_breakpoint() - set up the layer
 *
 * Context: once, from perf core's own set-up, before any event exists.
 * Return: 0 or an error, with which perf core warns.
 */
int __init init_hw_breakpoint(void)
{
	hw_breakpoint_promises_init();
	arch_hw_breakpoint_init();
	return perf_pmu_register(&perf_breakpoint, "breakpoint", PERF_TYPE_BREAKPOINT);
}
