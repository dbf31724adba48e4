// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wide breakpoints: breakpoints of kernel code that are on every online CPU, including CPUs that
 * come online later. They can be moved to another address from any context.
 *
 * Registers are reserved for the breakpoint as a whole, on every possible CPU. The events of the CPUs
 * reserve nothing, so the event of a CPU that comes online is never refused.
 *
 * Moving: wide->owner.watch has the address that all CPUs are to watch. The calling CPU moves its
 * event at once, and the others do so in an irq_work. An NMI can't queue work on other CPUs. So the
 * caller queues "spread" on its own CPU, which then queues "move" on all CPUs. Each CPU takes the
 * newest address, so all of them end up with the same.
 *
 *   any context         interrupt here          interrupt on each CPU
 *   target, move_here   spread ---------------> move_here
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#define pr_fmt(fmt) "hw_breakpoint: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>
#include <linux/slab.h>

#include "hw_breakpoint_internal.h"
#include "hw_breakpoint_slots.h"

/* === Data ================================================================= */

/**
 * struct wide_cpu - one CPU's part of a wide breakpoint
 * @bp: the CPU's event; NULL while the CPU is offline. It is the first field, because callers have
 *	per-CPU pointers to events. Written on the CPU itself once the caller has the pointer
 * @wide: the wide breakpoint
 * @spread: queues @move on all CPUs
 * @move: moves this CPU's event
 * @in_force: the ticket of the newest move that this CPU has made; written on the CPU
 */
struct wide_cpu {
	struct perf_event		*bp;
	struct wide			*wide;
	struct irq_work			spread;
	struct irq_work			move;
	unsigned long			in_force;
};

static_assert(offsetof(struct wide_cpu, bp) == 0);

/**
 * struct wide - a wide breakpoint
 * @node: in wide_list; protected by wide_mutex
 * @cpu: the CPUs' parts
 * @attr: the attribute of the events, except their address; protected by wide_mutex
 * @triggered: the handler of the events; constant
 * @context: for @triggered; constant
 * @owner: whose the breakpoint is, and what is reserved. wide_mutex protects its watch, except that
 *	a move writes the address
 * @hw: what @attr means for the architecture; the callers ensure that no move is under way when it
 *	changes
 * @moves: how many moves there were: the newest ticket
 */
struct wide {
	struct list_head		node;
	struct wide_cpu __percpu	*cpu;
	struct perf_event_attr		attr;
	perf_overflow_handler_t		triggered;
	void				*context;
	struct hw_breakpoint_owner	owner;
	struct arch_hw_breakpoint	hw;
	atomic_long_t			moves;
};

/* The wide breakpoints that CPU hotplug has to care for. Taken inside the CPU hotplug lock. */
static DEFINE_MUTEX(wide_mutex);
static LIST_HEAD(wide_list);

/* === Moving =============================================================== */

/*
 * The ticket is read before the address, which is therefore at least as new: pairs with
 * move_from_here(). If an NMI moved the event in between, it has been moved back, so try again.
 */
static void move_here(struct wide_cpu *this)
{
	unsigned long ticket;

	do {
		ticket = atomic_long_read_acquire(&this->wide->moves);
		if (this->bp)
			hw_breakpoint_move_local(this->bp, READ_ONCE(this->wide->owner.watch.address));
		/* Pairs with the acquire in hw_breakpoint_moved(). */
		smp_store_release(&this->in_force, ticket);
	} while (ticket != atomic_long_read(&this->wide->moves));
}

static void move_work(struct irq_work *work)
{
	move_here(container_of(work, struct wide_cpu, move));
}

/* In an interrupt, so no CPU can go offline meanwhile. */
static void spread_work(struct irq_work *work)
{
	struct wide *wide = container_of(work, struct wide_cpu, spread)->wide;
	int cpu;

	for_each_online_cpu(cpu)
		irq_work_queue_on(&per_cpu_ptr(wide->cpu, cpu)->move, cpu);
}

static struct wide *wide_of(struct perf_event * __percpu *cpu_events)
{
	return raw_cpu_ptr((struct wide_cpu __percpu *)cpu_events)->wide;
}

static void move_from_here(struct wide *wide, unsigned long addr, unsigned long *ticket)
{
	struct wide_cpu *this = this_cpu_ptr(wide->cpu);
	unsigned long mine;

	WRITE_ONCE(wide->owner.watch.address, addr);
	/* A full barrier, which pairs with move_here(). */
	mine = atomic_long_inc_return(&wide->moves);
	if (ticket)
		*ticket = mine;
	move_here(this);
	irq_work_queue(&this->spread);
}

/**
 * hw_breakpoint_move_wide() - watch another address on all CPUs
 * @cpu_events: from register_wide_hw_breakpoint()
 * @addr: the kernel address to be watched from now on, aligned as for a new breakpoint
 * @ticket: set to what hw_breakpoint_moved() takes, or NULL
 *
 * The calling CPU watches the new address as hw_breakpoint_move_local() says. The other CPUs watch
 * the old address until they take an interrupt. If several CPUs move the same breakpoint, all CPUs
 * end up with the address of the last move.
 *
 * The caller ensures that the breakpoint isn't unregistered at the same time and, for an execution
 * breakpoint, that no module is being unloaded.
 *
 * Context: any, including NMI. Takes no lock and allocates nothing.
 * Return: 0; -EINVAL if the address can't be watched; -ENODEV on a CPU that is coming online or
 * going offline.
 */
int hw_breakpoint_move_wide(struct perf_event * __percpu *cpu_events, unsigned long addr,
			    unsigned long *ticket)
{
	struct wide *wide = wide_of(cpu_events);
	unsigned long flags;
	int err;

	err = arch_hw_breakpoint_check_move(&wide->hw, addr);
	if (err)
		return err;

	local_irq_save(flags);
	/* On a CPU that isn't online the irq_work would not run. */
	if (cpu_online(smp_processor_id()))
		move_from_here(wide, addr, ticket);
	else
		err = -ENODEV;
	local_irq_restore(flags);
	return err;
}
EXPORT_SYMBOL_GPL(hw_breakpoint_move_wide);

/**
 * hw_breakpoint_moved() - has every CPU made a move?
 * @cpu_events: from register_wide_hw_breakpoint()
 * @ticket: from hw_breakpoint_move_wide()
 *
 * Context: any, including NMI.
 * Return: true if each online CPU watches the address of that move, or of a later one.
 */
bool hw_breakpoint_moved(struct perf_event * __percpu *cpu_events, unsigned long ticket)
{
	struct wide *wide = wide_of(cpu_events);
	struct wide_cpu *that;
	int cpu;

	for_each_online_cpu(cpu) {
		that = per_cpu_ptr(wide->cpu, cpu);
		/* Pairs with the release in move_here(). */
		if ((long)(smp_load_acquire(&that->in_force) - ticket) < 0 &&
		    READ_ONCE(that->bp))
			return false;
	}
	return true;
}
EXPORT_SYMBOL_GPL(hw_breakpoint_moved);

static void wait_moved(struct wide *wide)
{
	int cpu;

	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu_ptr(wide->cpu, cpu)->spread);
	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu_ptr(wide->cpu, cpu)->move);
}

/**
 * hw_breakpoint_wait_moved() - wait until every CPU has made all moves
 * @cpu_events: from register_wide_hw_breakpoint()
 *
 * Context: may sleep.
 */
void hw_breakpoint_wait_moved(struct perf_event * __percpu *cpu_events)
{
	wait_moved(wide_of(cpu_events));
}
EXPORT_SYMBOL_GPL(hw_breakpoint_wait_moved);

/* === Events =============================================================== */

/* The event is created disabled, so that it isn't hit before it has its own handler. */
static int wide_cpu_create(struct wide *wide, int cpu)
{
	struct perf_event_attr attr = wide->attr;
	struct perf_event *bp;

	attr.bp_addr = READ_ONCE(wide->owner.watch.address);
	attr.disabled = 1;
	bp = perf_event_create_kernel_counter(&attr, cpu, NULL, hw_breakpoint_prepaid, NULL);
	if (IS_ERR(bp))
		return PTR_ERR(bp);

	bp->overflow_handler = wide->triggered ?: perf_event_output_forward;
	bp->overflow_handler_context = wide->context;
	counter_arch_bp(bp)->owner = &wide->owner;
	bp->attr.disabled = wide->attr.disabled;
	WRITE_ONCE(per_cpu_ptr(wide->cpu, cpu)->bp, bp);
	return 0;
}

static void wide_cpu_enable(struct wide *wide, int cpu)
{
	struct perf_event *bp = per_cpu_ptr(wide->cpu, cpu)->bp;

	if (!bp->attr.disabled)
		perf_event_enable(bp);
}

/* The event is disabled before moves no longer reach it. */
static void wide_cpu_destroy(struct wide *wide, int cpu)
{
	struct wide_cpu *that = per_cpu_ptr(wide->cpu, cpu);
	struct perf_event *bp = that->bp;

	if (!bp)
		return;
	perf_event_disable(bp);
	WRITE_ONCE(that->bp, NULL);
	unregister_hw_breakpoint(bp);
}

/* === CPUs that come and go ================================================ */

/* The event, which is still disabled, has missed moves that were made while it was created. */
static void catch_up(struct wide *wide)
{
	unsigned long flags;

	local_irq_save(flags);
	move_here(this_cpu_ptr(wide->cpu));
	local_irq_restore(flags);
}

/* Runs on the CPU, after perf core's callback. */
static int wide_cpu_online(unsigned int cpu)
{
	struct wide *wide;
	int err;

	mutex_lock(&wide_mutex);
	list_for_each_entry(wide, &wide_list, node) {
		err = wide_cpu_create(wide, cpu);
		if (err) {
			pr_warn("CPU %u has come without the breakpoint at %pS: error %d\n",
				cpu, (void *)READ_ONCE(wide->owner.watch.address), err);
			continue;
		}
		catch_up(wide);
		wide_cpu_enable(wide, cpu);
	}
	mutex_unlock(&wide_mutex);
	return 0;
}

/* Runs on the CPU, before perf core's callback, which would detach the event for good. */
static int wide_cpu_offline(unsigned int cpu)
{
	struct wide *wide;

	mutex_lock(&wide_mutex);
	list_for_each_entry(wide, &wide_list, node)
		wide_cpu_destroy(wide, cpu);
	mutex_unlock(&wide_mutex);
	return 0;
}

static int __init hw_breakpoint_wide_init(void)
{
	int state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "hw_breakpoint:online",
				      wide_cpu_online, wide_cpu_offline);

	return state < 0 ? state : 0;
}
core_initcall(hw_breakpoint_wide_init);

/* === Registration ========================================================= */

static void wide_free(struct wide *wide)
{
	free_percpu(wide->cpu);
	kfree(wide);
}

static struct wide *wide_alloc(const struct perf_event_attr *attr,
			       perf_overflow_handler_t triggered, void *context)
{
	struct wide *wide = kzalloc(sizeof(*wide), GFP_KERNEL);
	struct wide_cpu *that;
	int cpu;

	if (!wide)
		return NULL;
	wide->cpu = alloc_percpu(struct wide_cpu);
	if (!wide->cpu) {
		kfree(wide);
		return NULL;
	}
	INIT_LIST_HEAD(&wide->node);
	wide->attr = *attr;
	wide->triggered = triggered;
	wide->context = context;
	wide->owner.watch = hw_breakpoint_watch(attr);
	wide->owner.charge.cpu = HW_BREAKPOINT_EVERY_CPU;
	for_each_possible_cpu(cpu) {
		that = per_cpu_ptr(wide->cpu, cpu);
		that->wide = wide;
		that->spread = IRQ_WORK_INIT_HARD(spread_work);
		that->move = IRQ_WORK_INIT_HARD(move_work);
	}
	return wide;
}

static void wide_unregister(struct wide *wide)
{
	int cpu;

	cpus_read_lock();
	mutex_lock(&wide_mutex);
	list_del(&wide->node);
	mutex_unlock(&wide_mutex);
	cpus_read_unlock();

	wait_moved(wide);
	for_each_possible_cpu(cpu)
		wide_cpu_destroy(wide, cpu);
	hw_breakpoint_remove_owner(&wide->owner);
	hw_breakpoint_charge(&wide->owner.charge, 0, HW_BREAKPOINT_NO_LIMIT);
	wide_free(wide);
}

static int wide_create_all(struct wide *wide)
{
	int cpu, err;

	for_each_online_cpu(cpu) {
		err = wide_cpu_create(wide, cpu);
		if (err)
			return err;
		wide_cpu_enable(wide, cpu);
	}
	return 0;
}

static unsigned int wide_weight(const struct wide *wide, const struct arch_hw_breakpoint *hw)
{
	return wide->attr.exclusive ? HBP_NUM : arch_hw_breakpoint_weight(hw);
}

static int wide_refuse(const struct wide *wide, const struct perf_event_attr *attr, int err,
		       const char *why)
{
	struct hw_breakpoint_holder request = {
		.watch	= hw_breakpoint_watch(attr),
		.cpu	= HW_BREAKPOINT_EVERY_CPU,
	};

	hw_breakpoint_name_owner(&request, &wide->owner);
	hw_breakpoint_refused(&request, err, why, 0);
	return err;
}

/* Check @attr, set @hw to what it means for the architecture, and reserve registers for it. */
static int wide_reserve(struct wide *wide, const struct perf_event_attr *attr,
			struct arch_hw_breakpoint *hw)
{
	struct hw_breakpoint_charge *charge = &wide->owner.charge;
	char no_room[HW_BREAKPOINT_WHY_LEN];
	unsigned int weight;
	const char *why;
	int err;

	err = hw_breakpoint_check_attr(attr, hw, &why);
	if (err)
		return wide_refuse(wide, attr, err, why);
	/* perf core would take the CPU hotplug lock for that. It is held when events are created. */
	if (attr->context_switch)
		return wide_refuse(wide, attr, -EINVAL, "context_switch doesn't go with all CPUs");
	weight = wide_weight(wide, hw);
	if (weight <= charge->weight)
		return 0;
	err = hw_breakpoint_charge(charge, weight, HW_BREAKPOINT_NO_LIMIT);
	if (!err)
		return 0;
	hw_breakpoint_explain(no_room, charge, weight - charge->weight);
	return wide_refuse(wide, attr, err, no_room);
}

static int wide_register(struct wide *wide)
{
	int err = wide_reserve(wide, &wide->attr, &wide->hw);

	if (err)
		return err;
	hw_breakpoint_add_owner(&wide->owner);
	cpus_read_lock();
	err = wide_create_all(wide);
	mutex_lock(&wide_mutex);
	list_add_tail(&wide->node, &wide_list);
	mutex_unlock(&wide_mutex);
	cpus_read_unlock();
	return err;
}

static struct perf_event * __percpu *wide_set(struct wide *wide, const char *kind,
					      const char *name, void *caller)
{
	int err;

	if (!wide)
		return (struct perf_event * __percpu __force *)ERR_PTR(-ENOMEM);
	wide->owner.kind = kind;
	wide->owner.name = name;
	wide->owner.caller = caller;
	err = wide_register(wide);
	if (!err)
		return &wide->cpu->bp;

	if (list_empty(&wide->node))
		wide_free(wide);
	else
		wide_unregister(wide);
	return (struct perf_event * __percpu __force *)ERR_PTR(err);
}

/**
 * register_wide_hw_breakpoint_as() - set a breakpoint on every CPU on behalf of a user
 * @kind: a word for the owner, such as "ksym", which debugfs shows; or NULL: kernel code
 * @name: which of that kind. Neither string is copied; both have to stay as long as the breakpoint
 * @attr: as for register_wide_hw_breakpoint()
 * @triggered: as for register_wide_hw_breakpoint()
 * @context: as for register_wide_hw_breakpoint()
 *
 * Context: as for register_wide_hw_breakpoint().
 * Return: as for register_wide_hw_breakpoint().
 */
struct perf_event * __percpu *
register_wide_hw_breakpoint_as(const char *kind, const char *name, struct perf_event_attr *attr,
			       perf_overflow_handler_t triggered, void *context)
{
	return wide_set(wide_alloc(attr, triggered, context), kind, name,
			__builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(register_wide_hw_breakpoint_as);

/**
 * register_wide_hw_breakpoint() - set a breakpoint on every CPU
 * @attr: from hw_breakpoint_init(); copied
 * @triggered: as for register_user_hw_breakpoint()
 * @context: for @triggered, as event->overflow_handler_context
 *
 * Registers are reserved on every possible CPU. A CPU that comes online gets the breakpoint before
 * tasks run on it, and a CPU that goes offline keeps the breakpoint until tasks have left it. While
 * a CPU is offline its pointer is NULL.
 *
 * Context: may sleep; not from a CPU hotplug callback.
 * Return: the events, one for each CPU, or an ERR_PTR as for register_user_hw_breakpoint(). The
 * breakpoint is set on all CPUs or on none.
 */
struct perf_event * __percpu *
register_wide_hw_breakpoint(struct perf_event_attr *attr,
			    perf_overflow_handler_t triggered, void *context)
{
	return wide_set(wide_alloc(attr, triggered, context), NULL, NULL,
			__builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(register_wide_hw_breakpoint);

/**
 * modify_wide_hw_breakpoint() - change what a breakpoint watches on every CPU
 * @cpu_events: from register_wide_hw_breakpoint()
 * @attr: bp_addr, bp_type and bp_len are taken from it
 *
 * The CPUs' events are modified one after the other, and each misses the hits of that time. Counts
 * go on. The caller ensures that the breakpoint isn't moved or unregistered at the same time.
 *
 * Context: may sleep; not from a CPU hotplug callback.
 * Return: 0, or -EINVAL, -EPERM or -ENOSPC as for a new breakpoint. On an error nothing has changed.
 */
int modify_wide_hw_breakpoint(struct perf_event * __percpu *cpu_events,
			      struct perf_event_attr *attr)
{
	struct wide *wide = wide_of(cpu_events);
	struct perf_event_attr modified = wide->attr;
	struct arch_hw_breakpoint hw = { };
	struct perf_event *bp;
	int cpu, err;

	modified.bp_addr = attr->bp_addr;
	modified.bp_type = attr->bp_type;
	modified.bp_len = attr->bp_len;
	err = wide_reserve(wide, &modified, &hw);
	if (err)
		return err;

	wait_moved(wide);
	cpus_read_lock();
	mutex_lock(&wide_mutex);
	wide->attr = modified;
	wide->hw = hw;
	wide->owner.watch = hw_breakpoint_watch(&modified);
	for_each_online_cpu(cpu) {
		bp = per_cpu_ptr(wide->cpu, cpu)->bp;
		/* wide_reserve() has checked the attribute and reserved the registers. */
		if (bp)
			WARN_ON_ONCE(modify_user_hw_breakpoint(bp, &modified));
	}
	mutex_unlock(&wide_mutex);
	cpus_read_unlock();
	hw_breakpoint_charge(&wide->owner.charge, wide_weight(wide, &hw), HW_BREAKPOINT_NO_LIMIT);
	return 0;
}
EXPORT_SYMBOL_GPL(modify_wide_hw_breakpoint);

/**
 * unregister_wide_hw_breakpoint() - remove a breakpoint from all CPUs
 * @cpu_events: from register_wide_hw_breakpoint()
 *
 * Context: may sleep; not from a CPU hotplug callback.
 */
void unregister_wide_hw_breakpoint(struct perf_event * __percpu *cpu_events)
{
	wide_unregister(wide_of(cpu_events));
}
EXPORT_SYMBOL_GPL(unregister_wide_hw_breakpoint);
