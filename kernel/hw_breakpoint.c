// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware breakpoints as perf events: registration, and the PMU.
 *
 * hw_breakpoint_event_init() checks a new event: is it well-formed, is its CPU online, is the
 * address allowed. perf core then checks whether the caller may observe the task, and calls
 * hw_breakpoint_charge_event(), which reserves debug registers in the constraint table
 * (hw_breakpoint_slots.h). From then on, perf core can rely on it that there is a register whenever
 * it schedules the event in. The architecture moves the event into the register: add and del only
 * note what is wanted, pmu_enable programs it.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#define pr_fmt(fmt) "hw_breakpoint: " fmt

#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/sysctl.h>

#define CREATE_TRACE_POINTS
#include <trace/events/hw_breakpoint.h>

#include "hw_breakpoint_internal.h"
#include "hw_breakpoint_slots.h"

/* === Refusals ============================================================= */

/* @attr: what was asked for, which may not be what @bp has */
static void refuse(const struct perf_event *bp, const struct perf_event_attr *attr, int err,
		   const char *why)
{
	struct hw_breakpoint_holder request;

	hw_breakpoint_describe(bp, &request);
	request.watch = hw_breakpoint_watch(attr);
	hw_breakpoint_refused(&request, err, why, 0);
}

/* === Checks =============================================================== */

/*
 * Why a breakpoint can't have @attr on this machine. NULL: it can, and @hw is set to what @attr means
 * for the architecture.
 */
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

static void copy_modifiable(struct perf_event_attr *to,
			    const struct perf_event_attr *from)
{
	/* Pairs with hw_breakpoint_watch(), which takes no lock. */
	WRITE_ONCE(to->bp_addr, from->bp_addr);
	WRITE_ONCE(to->bp_type, from->bp_type);
	WRITE_ONCE(to->bp_len, from->bp_len);
	to->disabled = from->disabled;
}

/*
 * perf core copied the original's attribute without a lock, and the original may have been modified
 * since: copy what it has now. Nothing is checked again, since fork() should not fail because the
 * task has fewer rights by now.
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
	/* perf core may move such a group to another CPU, where nothing is reserved. */
	if (bp->group_leader->pmu->task_ctx_nr == perf_invalid_context) {
		*why = "the group leader's PMU may change the group's CPU";
		return -EINVAL;
	}
	/* perf core checks this, too, but only after the event was initialised. */
	if (!bp->hw.target && perf_allow_cpu()) {
		*why = "a CPU needs CAP_PERFMON, or kernel.perf_event_paranoid at 0 or less";
		return -EACCES;
	}
	/* objection() has refused a kernel address with exclude_kernel. */
	return bp->attr.exclude_kernel ? 0 : hw_breakpoint_permit(hw, why);
}

/* === Charges ============================================================== */

/* kernel.hw_breakpoint_task_limit: the registers a task may have if the caller lacks CAP_PERFMON. */
static unsigned int task_limit = HBP_NUM;
static unsigned int task_limit_max = HBP_NUM;

static struct ctl_table hw_breakpoint_sysctls[] = {
	{
		.procname	= "hw_breakpoint_task_limit",
		.data		= &task_limit,
		.maxlen		= sizeof(task_limit),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= &task_limit_max,
	},
};

static int __init hw_breakpoint_sysctl_init(void)
{
	register_sysctl_init("kernel", hw_breakpoint_sysctls);
	return 0;
}
late_initcall(hw_breakpoint_sysctl_init);

/* Have @bp hold @weight registers. @ctx: where it is being installed; NULL: it is installed. */
static int set_weight(struct perf_event *bp, struct perf_event_context *ctx, unsigned int weight,
		      unsigned int limit)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);

	if (hw->group)
		return hw_breakpoint_exclusive_resize(bp, weight, limit);
	if (ctx) {
		hw->charge = hw_breakpoint_no_charge(bp, ctx);
		if (bp->group_leader->attr.exclusive)
			return hw_breakpoint_exclusive_join(bp, ctx, weight, limit);
	}
	return hw_breakpoint_charge(&hw->charge, weight, limit);
}

/*
 * The task limit doesn't apply to an inherited copy. When the copy is made, the constraint table
 * can't refuse it, either: the forking task has as many registers, and fork() must not fail.
 */
static int reserve(struct perf_event *bp, struct perf_event_context *ctx, unsigned int weight)
{
	unsigned int limit = READ_ONCE(task_limit);
	int err;

	if (bp->parent)
		return set_weight(bp, ctx, weight,
				  ctx ? HW_BREAKPOINT_COVERED : HW_BREAKPOINT_NO_LIMIT);
	if (limit >= HBP_NUM)
		limit = HW_BREAKPOINT_NO_LIMIT;
	err = set_weight(bp, ctx, weight, limit);
	if (err == -EDQUOT && perfmon_capable())
		err = set_weight(bp, ctx, weight, HW_BREAKPOINT_NO_LIMIT);
	return err;
}

static void describe_request(const struct perf_event *bp, const struct perf_event_attr *attr,
			     unsigned int weight, struct hw_breakpoint_holder *request)
{
	hw_breakpoint_describe(bp, request);
	request->watch = hw_breakpoint_watch(attr);
	request->weight = weight;
}

static void explain(char *why, struct perf_event *bp, const struct hw_breakpoint_charge *charge,
		    int err, unsigned int more)
{
	*why = '\0';
	if (bp->group_leader->attr.exclusive && hw_breakpoint_exclusive_explain(why, bp, &more))
		return;
	if (err == -EDQUOT)
		hw_breakpoint_explain_limit(why, charge, READ_ONCE(task_limit), more);
	else if (err == -ENOSPC)
		hw_breakpoint_explain(why, charge, more);
}

/* noinline, so that the successful path doesn't reserve stack for the reason. */
static noinline int refuse_to_reserve(const struct perf_event_attr *attr, struct perf_event *bp,
				      unsigned int weight, int err)
{
	const struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	const struct hw_breakpoint_charge *charge =
		hw->group ? hw_breakpoint_exclusive_charge(bp) : &hw->charge;
	const unsigned int limit = err == -EDQUOT ? READ_ONCE(task_limit) + 1 : 0;
	const unsigned int state = hw_breakpoint_state(charge) | limit << 24;
	const int told = err == -EDQUOT ? -ENOSPC : err;
	struct hw_breakpoint_holder request;
	char why[HW_BREAKPOINT_WHY_LEN];

	describe_request(bp, attr, weight, &request);
	if (!bp->group_leader->attr.exclusive &&
	    hw_breakpoint_refused_again(&request, told, state))
		return told;
	explain(why, bp, charge, err, weight - hw->charge.weight);
	hw_breakpoint_refused(&request, told, why, state);
	return told;
}

/*
 * Repeat the last refusal, if a task has asked for itself once more and nothing has changed: a program
 * that asks in a loop shouldn't make perf core look up and lock its context each time. Everything else
 * is refused by hw_breakpoint_charge_event(), where the caller may observe the task and the context
 * stays.
 */
static int refuse_early(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	const unsigned int weight = arch_hw_breakpoint_weight(hw);
	struct hw_breakpoint_holder request;
	struct hw_breakpoint_charge charge;
	struct perf_event_context *ctx;
	int err = 0;

	if (bp->hw.target != current || bp->group_leader->attr.exclusive ||
	    hw_breakpoint_is_flexible(bp))
		return 0;
	rcu_read_lock();
	ctx = rcu_dereference(current->perf_event_ctxp);
	if (ctx) {
		charge = hw_breakpoint_no_charge(bp, ctx);
		err = hw_breakpoint_would_refuse(&charge, weight, HW_BREAKPOINT_NO_LIMIT);
	}
	if (err) {
		describe_request(bp, &bp->attr, weight, &request);
		/* perf core may have given the context to another task meanwhile. */
		if (ctx != rcu_access_pointer(current->perf_event_ctxp) ||
		    !hw_breakpoint_refused_again(&request, err, hw_breakpoint_state(&charge)))
			err = 0;
	}
	rcu_read_unlock();
	return err;
}

static void give_back(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);

	if (!hw->charge.weight)
		return;
	if (!bp->hw.target)
		hw_breakpoint_remove_cpu_event(bp);
	if (hw->group)
		hw_breakpoint_exclusive_leave(bp);
	else
		hw_breakpoint_charge(&hw->charge, 0, 0);
}

static void hw_breakpoint_event_destroy(struct perf_event *bp)
{
	trace_hw_breakpoint_unregister(bp);
	give_back(bp);
}

/* The event leaves its context for good. The mutex keeps a modification from going on meanwhile. */
static void hw_breakpoint_uncharge(struct perf_event *bp)
{
	mutex_lock(&bp->child_mutex);
	give_back(bp);
	mutex_unlock(&bp->child_mutex);
}

static void hw_breakpoint_leader_gone(struct perf_event *bp)
{
	if (counter_arch_bp(bp)->group)
		hw_breakpoint_exclusive_orphan(bp);
}

/*
 * The handler of an event that isn't charged, since registers are reserved for it already. Such an
 * event is created disabled, and then gets another handler, so this one is never called.
 */
void hw_breakpoint_prepaid(struct perf_event *bp, struct perf_sample_data *data,
			   struct pt_regs *regs)
{
}

/*
 * Reserve registers for a new event. This comes after perf core has checked that the caller may
 * observe the task. Otherwise any caller could take another user's registers for an instant, and
 * could learn from the error how many of them are in use.
 *
 * perf core holds the original's child_mutex when it charges an inherited copy, so no modification
 * of the original is under way.
 */
static int hw_breakpoint_charge_event(struct perf_event *bp, struct perf_event_context *ctx)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	const bool prepaid = bp->overflow_handler == hw_breakpoint_prepaid;
	unsigned int weight;
	int err;

	if (bp->parent)
		copy_original(bp);
	weight = arch_hw_breakpoint_weight(hw);
	hw->promised = prepaid || !hw_breakpoint_is_flexible(bp);
	if (hw->promised && !prepaid) {
		err = reserve(bp, ctx, weight);
		if (err)
			return refuse_to_reserve(&bp->attr, bp, weight, err);
		if (!bp->hw.target)
			hw_breakpoint_add_cpu_event(bp);
	}
	bp->destroy = hw_breakpoint_event_destroy;
	trace_hw_breakpoint_register(bp);
	return 0;
}

/* === The PMU ============================================================== */

static int hw_breakpoint_event_init(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	const char *why = NULL;
	int err;

	if (bp->attr.type != PERF_TYPE_BREAKPOINT)
		return -ENOENT;
	if (has_branch_stack(bp))
		return -EOPNOTSUPP;

	/* copy_original() says what an inherited copy is. */
	if (!bp->parent) {
		err = hw_breakpoint_check(bp, &why);
		if (err) {
			refuse(bp, &bp->attr, err, why);
			return err;
		}
	}
	hw->movable = !bp->hw.target && !is_default_overflow_handler(bp);
	/* Nothing is charged before hw_breakpoint_charge_event(). */
	hw->charge.cpu = HW_BREAKPOINT_ANY_CPU;
	return bp->parent ? 0 : refuse_early(bp);
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

static void begin_period(struct perf_event *bp)
{
	if (!is_sampling_event(bp))
		return;
	bp->hw.last_period = bp->hw.sample_period;
	perf_swevent_set_period(bp);
}

/* noinline, so that the fast path doesn't save registers for it. */
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
 * perf core zeroes period_left when it sets another period. The new period begins at once then, as
 * it does for hardware events; perf core alone would first end the old one.
 */
static void hw_breakpoint_start(struct perf_event *bp, int flags)
{
	if (flags & PERF_EF_RELOAD && !local64_read(&bp->hw.period_left))
		begin_period(bp);
	bp->hw.state = 0;
}

/* The register stays armed, but hits don't count: a throttled event starts again soon. */
static void hw_breakpoint_stop(struct perf_event *bp, int flags)
{
	bp->hw.state = PERF_HES_STOPPED;
}

/* Nothing to do: each hit is counted at once. */
static void hw_breakpoint_read(struct perf_event *bp)
{
}

/*
 * Nothing to do: pmu_enable programs the registers. This and the next three functions are called
 * several times at each context switch. They are notrace because tracing would cost more than they
 * do.
 */
static notrace void hw_breakpoint_pmu_disable(struct pmu *pmu)
{
}

/*
 * The events of a group are added one by one. Without these functions, perf core would disable and
 * enable the PMU once more for each group.
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

/* A software PMU for perf core, so that breakpoints can be in groups with any PMU's events. */
static struct pmu perf_breakpoint = {
	.task_ctx_nr	= perf_sw_context,
	.attr_groups	= hw_breakpoint_attr_groups,
	.pmu_disable	= hw_breakpoint_pmu_disable,
	.pmu_enable	= arch_hw_breakpoint_commit,
	.event_init	= hw_breakpoint_event_init,
	.charge		= hw_breakpoint_charge_event,
	.uncharge	= hw_breakpoint_uncharge,
	.leader_gone	= hw_breakpoint_leader_gone,
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
 * @triggered: called at each hit, in the context of the #DB: it must not sleep, nor take a lock that
 *	is taken with interrupts on anywhere
 * @context: for @triggered, as event->overflow_handler_context
 * @tsk: the task, which is watched on every CPU
 *
 * Context: may sleep.
 * Return: the event, or an ERR_PTR: -EINVAL if the machine can't watch that, -EPERM for a kernel
 * address without CAP_PERFMON, -ENOSPC if too few registers are left, -ESRCH if the task has exited,
 * -ENOMEM.
 */
struct perf_event *
register_user_hw_breakpoint(struct perf_event_attr *attr,
			    perf_overflow_handler_t triggered, void *context,
			    struct task_struct *tsk)
{
	return perf_event_create_kernel_counter(attr, -1, tsk, triggered, context);
}
EXPORT_SYMBOL_GPL(register_user_hw_breakpoint);

/**
 * hw_breakpoint_check_attr() - may a breakpoint on a CPU have an attribute?
 * @attr: its attribute
 * @hw: the architecture's part is set to what @attr means
 * @why: on an error, set to the reason
 *
 * Context: any but NMI.
 * Return: 0, -EINVAL or -EPERM as for a new event. Whether registers are left isn't checked.
 */
int hw_breakpoint_check_attr(const struct perf_event_attr *attr, struct arch_hw_breakpoint *hw,
			     const char **why)
{
	*why = objection(NULL, attr, hw);
	return *why ? -EINVAL : hw_breakpoint_permit(hw, why);
}

/* === Modification ========================================================= */

static int grow(struct perf_event *bp, unsigned int weight)
{
	const struct arch_hw_breakpoint *hw = counter_arch_bp(bp);

	/* An event without a charge of its own, or that has left its context, needs none. */
	if (!hw->charge.weight || weight <= hw->charge.weight)
		return 0;
	return reserve(bp, NULL, weight);
}

/* Release what grow() has reserved and @bp doesn't take. */
static void shrink(struct perf_event *bp)
{
	const struct arch_hw_breakpoint *hw = counter_arch_bp(bp);

	if (hw->charge.weight > arch_hw_breakpoint_weight(hw))
		reserve(bp, NULL, arch_hw_breakpoint_weight(hw));
}

/* grow() for @bp and its inherited copies: for all of them or for none. */
static int grow_all(struct perf_event *bp, unsigned int weight)
{
	struct perf_event *child;
	int err;

	lockdep_assert_held(&bp->child_mutex);
	err = grow(bp, weight);
	list_for_each_entry(child, &bp->child_list, child_list) {
		if (err)
			break;
		err = grow(child, weight);
	}
	if (!err)
		return 0;
	shrink(bp);
	list_for_each_entry(child, &bp->child_list, child_list)
		shrink(child);
	return err;
}

static bool is_last_of_family(struct perf_event *bp)
{
	return bp->parent ? list_is_last(&bp->child_list, &bp->parent->child_list) :
			    list_empty(&bp->child_list);
}

/*
 * The other way round than copies are made: a context that is copied has at least as much as the
 * copies, which HW_BREAKPOINT_COVERED relies on.
 */
static void shrink_family(struct perf_event *original)
{
	struct perf_event *child;

	lockdep_assert_held(&original->child_mutex);
	list_for_each_entry_reverse(child, &original->child_list, child_list)
		shrink(child);
	shrink(original);
}

/**
 * struct modification - how an event is to be modified
 * @bp: the event
 * @attr: the attribute that it will have
 * @hw: what @attr means for the architecture
 * @done: the event has it
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
	m->done = true;
}

/* ctx->lock is held. Events of a context that has lost its task may still say ACTIVE. */
static bool is_scheduled_in(const struct perf_event *bp)
{
	return bp->state == PERF_EVENT_STATE_ACTIVE && bp->ctx->task != HW_BREAKPOINT_NO_TASK;
}

/* Runs, with interrupts off, on the CPU where the event was scheduled in. */
static void modify_here(void *data)
{
	struct modification *m = data;
	struct perf_event *bp = m->bp;

	raw_spin_lock(&bp->ctx->lock);
	if (is_scheduled_in(bp) && bp->oncpu == smp_processor_id()) {
		leave_registers(bp);
		make_modified(m);
		if (take_registers(bp))
			hw_breakpoint_share_wait(bp);
		arch_hw_breakpoint_commit(NULL);
	}
	raw_spin_unlock(&bp->ctx->lock);
}

/*
 * The caller has disabled the event. But exec() may have enabled it since, without the context's
 * mutex; then the event is modified on the CPU where it is scheduled in. Nothing here can fail.
 */
static void publish_modified(struct modification *m)
{
	struct perf_event *bp = m->bp;
	unsigned long flags;
	int cpu;

	while (!m->done) {
		raw_spin_lock_irqsave(&bp->ctx->lock, flags);
		cpu = bp->oncpu;
		if (!is_scheduled_in(bp))
			make_modified(m);
		raw_spin_unlock_irqrestore(&bp->ctx->lock, flags);
		if (!m->done)
			smp_call_function_single(cpu, modify_here, m, true);
	}
	trace_hw_breakpoint_modify(bp);
}

/* May the event have its new attribute? Then @m->hw is set. */
static int check_modified(struct modification *m)
{
	const char *why = objection(m->bp, &m->attr, &m->hw);
	int err = why ? -EINVAL : 0;

	/* For a copy, the original was checked. */
	if (!err && !m->bp->parent)
		err = hw_breakpoint_permit(&m->hw, &why);
	if (err)
		refuse(m->bp, &m->attr, err, why);
	return err;
}

/* Reserve registers for @m. @grow_by is grow() or grow_all(). */
static int reserve_modified(struct modification *m,
			    int (*grow_by)(struct perf_event *bp, unsigned int weight))
{
	const unsigned int weight = arch_hw_breakpoint_weight(&m->hw);
	int err = grow_by(m->bp, weight);

	return err ? refuse_to_reserve(&m->attr, m->bp, weight, err) : 0;
}

/**
 * modify_user_hw_breakpoint_check() - give a disabled breakpoint another place
 * @bp: the event; the caller has disabled it and will enable it again
 * @attr: bp_addr, bp_type, bp_len and disabled are taken from it
 * @check: refuse if anything else in @attr differs from what the event has. Ignored for an
 *	inherited copy, which may have got another period
 *
 * The call for the event itself reserves registers for the event and all its inherited copies, so
 * the calls for the copies are not refused.
 *
 * Context: may sleep. perf core calls it with the event's child_mutex held, for the event
 * and then for each of its inherited copies.
 * Return: 0, or -EINVAL, -EPERM or -ENOSPC as for a new event; on error nothing has changed.
 */
int modify_user_hw_breakpoint_check(struct perf_event *bp,
				    struct perf_event_attr *attr, bool check)
{
	struct modification m = { .bp = bp, .attr = bp->attr };
	int err;

	copy_modifiable(&m.attr, attr);
	if (check && !bp->parent && memcmp(&m.attr, attr, sizeof(m.attr))) {
		refuse(bp, attr, -EINVAL, "only address, length, type and disabled can be modified");
		return -EINVAL;
	}
	err = check_modified(&m);
	if (!err && !bp->parent)
		err = reserve_modified(&m, grow_all);
	if (err)
		return err;
	publish_modified(&m);
	if (is_last_of_family(bp))
		shrink_family(bp->parent ?: bp);
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
	err = check_modified(&m);
	if (err)
		return err;
	/* The task may exit meanwhile, and hw_breakpoint_uncharge() change the charge. */
	mutex_lock(&bp->child_mutex);
	err = reserve_modified(&m, grow);
	mutex_unlock(&bp->child_mutex);
	if (err)
		return err;

	perf_event_disable(bp);
	mutex_lock(&bp->child_mutex);
	publish_modified(&m);
	shrink(bp);
	mutex_unlock(&bp->child_mutex);
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
 * Only the address changes: not the length, the type, the count, or whether the event is enabled.
 * When this returns, the CPU watches the new address and no longer the old one. Nothing is watched
 * while a #DB, an NMI or a machine check is being handled; if it is called from there, the new
 * address is watched from their end on. A disabled event has the new address when it is enabled.
 *
 * The caller ensures that the event isn't unregistered or modified at the same time and, for an
 * execution breakpoint, that no module is being unloaded.
 *
 * Context: any, including NMI and the #DB of a hit; the caller stays on the CPU. Takes no lock and
 * allocates nothing.
 * Return: 0; -EINVAL if the address can't be watched, or @bp is not such an event.
 */
int hw_breakpoint_move_local(struct perf_event *bp, unsigned long addr)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	unsigned long flags;
	int err;

	if (bp->cpu != raw_smp_processor_id() || !hw->movable || bp->attr.exclude_kernel)
		return -EINVAL;
	err = arch_hw_breakpoint_check_move(hw, addr);
	if (err)
		return err;

	local_irq_save(flags);
	arch_hw_breakpoint_move(hw, addr);
	/* An NMI may have moved the event meanwhile. */
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
 * When this returns, the handler has returned on every CPU and isn't called again.
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
 * hw_breakpoint_slots() - how many debug registers a CPU has
 * @type: TYPE_INST or TYPE_DATA
 *
 * Context: any.
 * Return: the number of registers, reserved or not.
 */
int hw_breakpoint_slots(int type)
{
	return hw_breakpoint_nr_slots();
}
EXPORT_SYMBOL_GPL(hw_breakpoint_slots);

/**
 * hw_breakpoint_is_used() - are any debug registers reserved?
 *
 * Context: any. The result may be outdated.
 * Return: true if there is a breakpoint, enabled or not, that registers are reserved for.
 */
bool hw_breakpoint_is_used(void)
{
	int cpu;

	if (hw_breakpoint_busiest_everywhere())
		return true;
	for_each_possible_cpu(cpu)
		if (hw_breakpoint_left_on(cpu) < HBP_NUM || hw_breakpoint_busiest_on(cpu))
			return true;
	return false;
}
EXPORT_SYMBOL_GPL(hw_breakpoint_is_used);

/**
 * init_hw_breakpoint() - set up the layer
 *
 * Context: once, from perf core's own set-up, before any event exists.
 * Return: 0 or an error, with which perf core warns.
 */
int __init init_hw_breakpoint(void)
{
	hw_breakpoint_slots_init(HBP_NUM);
	arch_hw_breakpoint_init();
	return perf_pmu_register(&perf_breakpoint, "breakpoint", PERF_TYPE_BREAKPOINT);
}
