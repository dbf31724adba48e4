// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware breakpoints as perf events: registration, and the PMU.
 *
 * A breakpoint is checked when it is created (hw_breakpoint_event_init()), in this
 * order: is it well-formed, is its CPU there, is it allowed, is there room. The last
 * is the constraint table's answer (hw_breakpoint_promises.c): a promise that lets perf
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
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

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
	trace_hw_breakpoint_unregister(bp);
	hw_breakpoint_promise_release(&counter_arch_bp(bp)->promise, event_family(bp),
				      event_freed_by_its_task(bp) ? current : NULL);
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

static int hw_breakpoint_reserve(struct perf_event *bp, char *why)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	unsigned int weight = arch_hw_breakpoint_weight(hw);

	if (arch_hw_breakpoint_prepaid(bp) || hw_breakpoint_wide_prepaid(bp))
		return 0;
	hw->promise.holder = &event_holder;
	if (!bp->hw.target)
		return hw_breakpoint_promise_to_cpu(&hw->promise, bp->cpu, weight, why);
	return hw_breakpoint_promise_to_task(&hw->promise, bp->hw.target, bp->cpu, weight,
					     event_family(bp), bp->parent, why);
}

static int hw_breakpoint_check(struct perf_event *bp, const char **why)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);

	*why = objection(bp, &bp->attr, hw);
	if (*why)
		return -EINVAL;
	/* The original was checked; its task may have fewer rights by now. */
	if (bp->parent)
		return 0;
	if (bp->cpu >= 0 && !cpu_online(bp->cpu)) {
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

/*
 * There was no room: ask again, for the reason. Apart, since who has room would pay for the
 * buffer, too.
 */
static noinline int reserve_or_refuse(struct perf_event *bp)
{
	char no_room[HW_BREAKPOINT_WHY_LEN] = "";
	int err = hw_breakpoint_reserve(bp, no_room);

	if (err)
		refuse(bp, &bp->attr, err, no_room);
	return err;
}

static int hw_breakpoint_event_init(struct perf_event *bp)
{
	const char *why = NULL;
	int err;

	if (bp->attr.type != PERF_TYPE_BREAKPOINT)
		return -ENOENT;
	if (has_branch_stack(bp))
		return -EOPNOTSUPP;

	err = hw_breakpoint_check(bp, &why);
	if (err) {
		refuse(bp, &bp->attr, err, why);
		return err;
	}
	if (hw_breakpoint_reserve(bp, NULL)) {
		err = reserve_or_refuse(bp);
		if (err)
			return err;
	}
	bp->destroy = hw_breakpoint_event_destroy;
	trace_hw_breakpoint_register(bp);
	return 0;
}

/* Apart, as the next one: who needs nothing of this need not save registers for it. */
static noinline int add_sampling_or_traced(struct perf_event *bp)
{
	if (is_sampling_event(bp)) {
		bp->hw.last_period = bp->hw.sample_period;
		perf_swevent_set_period(bp);
	}
	trace_hw_breakpoint_install(bp);
	return arch_hw_breakpoint_add(counter_arch_bp(bp));
}

static noinline void del_traced(struct perf_event *bp)
{
	trace_hw_breakpoint_uninstall(bp);
	arch_hw_breakpoint_del(counter_arch_bp(bp));
}

static int hw_breakpoint_add(struct perf_event *bp, int flags)
{
	bp->hw.state = flags & PERF_EF_START ? 0 : PERF_HES_STOPPED;
	if (is_sampling_event(bp) || trace_hw_breakpoint_install_enabled())
		return add_sampling_or_traced(bp);
	return arch_hw_breakpoint_add(counter_arch_bp(bp));
}

static void hw_breakpoint_del(struct perf_event *bp, int flags)
{
	if (trace_hw_breakpoint_uninstall_enabled())
		del_traced(bp);
	else
		arch_hw_breakpoint_del(counter_arch_bp(bp));
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
	.pmu_disable	= hw_breakpoint_pmu_disable,
	.pmu_enable	= arch_hw_breakpoint_pmu_enable,
	.event_init	= hw_breakpoint_event_init,
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

static void copy_modifiable(struct perf_event_attr *to,
			    const struct perf_event_attr *from)
{
	/* Pairs with hw_breakpoint_watch(), of who looks at it meanwhile. */
	WRITE_ONCE(to->bp_addr, from->bp_addr);
	WRITE_ONCE(to->bp_type, from->bp_type);
	WRITE_ONCE(to->bp_len, from->bp_len);
	to->disabled = from->disabled;
}

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

/* May @bp become what @attr, which is all of its attribute, says? */
static int check_modified(const struct perf_event *bp, const struct perf_event_attr *attr)
{
	struct arch_hw_breakpoint hw;
	const char *why = objection(bp, attr, &hw);
	int err = why ? -EINVAL : 0;

	/* What its original may, an inherited copy may, or the two would differ. */
	if (!err && !bp->parent)
		err = hw_breakpoint_permit(&hw, &why);
	if (err)
		refuse(bp, attr, err, why);
	return err;
}

/*
 * Only what is on no CPU, and can get on none meanwhile, may change; ctx->lock is held. An
 * inherited copy isn't switched off any more when its task exits, and will never be on.
 */
static bool may_run(const struct perf_event *bp)
{
	return bp->state > PERF_EVENT_STATE_OFF && bp->ctx->task != TOMBSTONE;
}

/*
 * exec() switches events on without asking for the context's mutex, so look under the
 * lock that it takes.
 */
static int publish_modified(struct perf_event *bp, const struct perf_event_attr *attr)
{
	struct perf_event_context *ctx = bp->ctx;
	unsigned long flags;
	int err = -EAGAIN;

	raw_spin_lock_irqsave(&ctx->lock, flags);
	if (!may_run(bp)) {
		copy_modifiable(&bp->attr, attr);
		err = arch_hw_breakpoint_parse(bp, &bp->attr, counter_arch_bp(bp));
	}
	raw_spin_unlock_irqrestore(&ctx->lock, flags);
	if (!err)
		trace_hw_breakpoint_modify(bp);
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
	if (check && !bp->parent && memcmp(&modified, attr, sizeof(modified))) {
		refuse(bp, attr, -EINVAL,
		       "only address, length, type and disabled can be modified");
		return -EINVAL;
	}

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
 * hw_breakpoint_move_local() - watch another address on this CPU, at once
 * @bp: a breakpoint of the kernel's own that is bound to this CPU, such as this CPU's of
 *	register_wide_hw_breakpoint()
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

	if (bp->cpu != raw_smp_processor_id() || bp->hw.target || bp->attr.exclude_kernel)
		return -EINVAL;
	err = arch_hw_breakpoint_check_move(hw, addr);
	if (err)
		return err;

	local_irq_save(flags);
	arch_hw_breakpoint_move(hw, addr);
	/* An NMI may have moved it on. */
	do {
		addr = READ_ONCE(hw->address);
		WRITE_ONCE(bp->attr.bp_addr, addr);
	} while (addr != READ_ONCE(hw->address));
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
