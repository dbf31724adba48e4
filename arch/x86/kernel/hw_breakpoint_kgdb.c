// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel debugger's hardware breakpoints.
 *
 * kgdb works while every CPU is stopped, maybe in an NMI that came in the middle of
 * anything, so its breakpoints are no perf events: they stand beside those in each CPU's
 * debug registers (hw_breakpoint.c). It sets and removes them in the list below, and each
 * CPU takes over what the list says as it leaves the debugger.
 *
 * A breakpoint is promised a register on every possible CPU when it is set, without
 * waiting for a lock, and gives the promise back when the machine runs on without it: gdb
 * removes all breakpoints at each stop and sets them again.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/atomic.h>
#include <linux/cpuhotplug.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_holder.h>
#include <linux/hw_breakpoint_share.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/kdebug.h>
#include <linux/kgdb.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include <asm/debugreg.h>

#include "hw_breakpoint_kgdb.h"

/* === Data ================================================================= */

/*
 * Only the debugger, for which all CPUs are stopped, sets and removes. Only give_back()
 * runs while they are not: it takes what the debugger left by a cmpxchg().
 */
enum break_state {
	BREAK_FREE,		/* nothing is promised */
	BREAK_SET,
	BREAK_IDLE,		/* removed; the promise is still held */
	BREAK_GIVES_BACK,	/* the same, and give_back() has it */
};

static struct kgdb_break {
	atomic_t			state;
	/* As the debugger named it; meaningless unless it is set. */
	enum kgdb_bptype		type;
	int				len;
	struct arch_hw_breakpoint	hw;
	/* Since it was set, on all CPUs. */
	atomic_long_t			hits;
} breaks[HBP_NUM];

/* What each CPU promised, for each of @breaks. */
static DEFINE_PER_CPU(struct hw_breakpoint_promise [HBP_NUM], promises);

/* How often the debugger has let go of the machine. */
static unsigned int nr_stops;

/*
 * A CPU's own. @ready: it is online, so the list is for it, too. @syncing: it takes over
 * what the list says, and a stop in the middle of that leaves it to it. @hit: the
 * breakpoint that makes it enter the debugger, and what that was then: until its turn
 * comes, another CPU's stop may make it another.
 */
struct kgdb_cpu {
	bool				ready;
	bool				syncing;
	const struct kgdb_break		*hit;
	unsigned long			hit_address;
	enum kgdb_bptype		hit_type;
};

static DEFINE_PER_CPU(struct kgdb_cpu, kgdb_cpu);

/* === Who holds what ======================================================= */

static void describe(const struct kgdb_break *brk, struct hw_breakpoint_who *who)
{
	who->kind = "kgdb";
	if (atomic_read(&brk->state) != BREAK_SET)
		return;
	who->watch.address = arch_hw_breakpoint_address(&brk->hw);
	who->watch.len = brk->hw.span + 1;
	who->watch.type = brk->hw.type;
	who->hits = atomic_long_read(&brk->hits);
}

static void describe_promise(const struct hw_breakpoint_promise *promise,
			     struct task_struct *task, struct hw_breakpoint_who *who)
{
	describe(&breaks[promise - per_cpu(promises, promise->cpu)], who);
}

static const struct hw_breakpoint_holder kgdb_holder = {
	.describe	= describe_promise,
};

/**
 * arch_kgdb_hw_breakpoint_describe() - what a breakpoint of the debugger watches
 * @hw: the breakpoint
 * @who: zeroed; kind, watch and hits are filled in
 *
 * Context: any.
 */
void arch_kgdb_hw_breakpoint_describe(const struct arch_hw_breakpoint *hw,
				      struct hw_breakpoint_who *who)
{
	describe(container_of(hw, struct kgdb_break, hw), who);
}

/* === This CPU's registers ================================================= */

/* All are deleted first: one may be another by now. Nothing is written for what stays. */
static void __kprobes sync_registers(bool ready)
{
	int i;

	for (i = 0; i < HBP_NUM; i++)
		arch_hw_breakpoint_del_any(&breaks[i].hw);
	for (i = 0; ready && i < HBP_NUM; i++)
		if (atomic_read(&breaks[i].state) == BREAK_SET)
			hw_breakpoint_debugger_add(&breaks[i].hw);
	hw_breakpoint_debugger_done();
	arch_hw_breakpoint_commit();
}

/* From a CPU that isn't in the debugger, but may be stopped for it at any instruction. */
static void set_ready(bool ready)
{
	struct kgdb_cpu *this;
	unsigned long flags;
	unsigned int stops;

	local_irq_save(flags);
	this = this_cpu_ptr(&kgdb_cpu);
	WRITE_ONCE(this->ready, ready);
	WRITE_ONCE(this->syncing, true);
	do {
		stops = READ_ONCE(nr_stops);
		barrier();
		sync_registers(ready);
		barrier();
	} while (stops != READ_ONCE(nr_stops));
	WRITE_ONCE(this->syncing, false);
	local_irq_restore(flags);
}

/**
 * arch_kgdb_hw_breakpoint_sync() - have this CPU watch what the debugger wants
 *
 * For whoever the debugger has interrupted in the middle of what it can't be in the middle of.
 *
 * Context: interrupts off.
 */
void arch_kgdb_hw_breakpoint_sync(void)
{
	set_ready(this_cpu_read(kgdb_cpu.ready));
}

static int kgdb_cpu_online(unsigned int cpu)
{
	set_ready(true);
	return 0;
}

/* The CPU's registers are reset before it is back. */
static int kgdb_cpu_offline(unsigned int cpu)
{
	set_ready(false);
	return 0;
}

/* === Promises ============================================================= */

/*
 * Runs when the machine does again; what is set by then keeps its promise. As soon as this
 * has taken one, the debugger keeps its hands off it.
 */
static void give_back(struct irq_work *work)
{
	int i;

	for (i = 0; i < HBP_NUM; i++) {
		if (atomic_cmpxchg(&breaks[i].state, BREAK_IDLE, BREAK_GIVES_BACK) != BREAK_IDLE)
			continue;
		hw_breakpoint_promise_everywhere(&promises[i], 0, NULL);
		atomic_set(&breaks[i].state, BREAK_FREE);
	}
}

static DEFINE_IRQ_WORK(give_back_work, give_back);

static struct kgdb_break *find_state(enum break_state state)
{
	int i;

	for (i = 0; i < HBP_NUM; i++)
		if (atomic_read(&breaks[i].state) == state)
			return &breaks[i];
	return NULL;
}

/* How many registers it is promised on each CPU, in use or not. */
static unsigned int promised(const struct kgdb_break *brk)
{
	return this_cpu_read(promises[brk - breaks].weight);
}

/* One that has no use for its promise, if there is, that of @weight. */
static struct kgdb_break *find_idle(unsigned int weight)
{
	struct kgdb_break *brk, *idle = NULL;

	for (brk = breaks; brk < breaks + HBP_NUM; brk++) {
		if (atomic_read(&brk->state) != BREAK_IDLE)
			continue;
		idle = brk;
		if (promised(brk) == weight)
			break;
	}
	return idle;
}

static int try_promise(struct kgdb_break *brk, unsigned int weight, char *why)
{
	return hw_breakpoint_try_promise_everywhere(&promises[brk - breaks], weight, why);
}

static void free_idle(void)
{
	struct kgdb_break *brk;

	for (brk = breaks; brk < breaks + HBP_NUM; brk++)
		if (atomic_read(&brk->state) == BREAK_IDLE && !try_promise(brk, 0, NULL))
			atomic_set(&brk->state, BREAK_FREE);
}

/* One that is promised @weight registers on each CPU, or an ERR_PTR, and @why. */
static struct kgdb_break *get_break(unsigned int weight, char *why)
{
	struct kgdb_break *brk = find_idle(weight);
	int err;

	if (brk && promised(brk) == weight)
		return brk;
	/* What idle ones hold is needed in another size. */
	free_idle();
	brk = find_state(BREAK_FREE);
	if (!brk && !find_state(BREAK_GIVES_BACK) && !find_state(BREAK_IDLE))
		return ERR_PTR(-ENOSPC);
	err = brk ? try_promise(brk, weight, why) : -EBUSY;
	if (err == -EBUSY)
		strscpy(why, "somebody was stopped while he reserved or gave back",
			HW_BREAKPOINT_WHY_LEN);
	return err ? ERR_PTR(err) : brk;
}

/* === For the debugger ===================================================== */

static unsigned int attr_type(enum kgdb_bptype type)
{
	switch (type) {
	case BP_HARDWARE_BREAKPOINT:
		return HW_BREAKPOINT_X;
	case BP_WRITE_WATCHPOINT:
		return HW_BREAKPOINT_W;
	case BP_ACCESS_WATCHPOINT:
		return HW_BREAKPOINT_RW;
	default:
		return HW_BREAKPOINT_EMPTY;
	}
}

static void refused(const struct perf_event_attr *attr, int err, const char *why)
{
	const struct hw_breakpoint_request request = {
		.kind	= "kgdb",
		.watch	= hw_breakpoint_watch(attr),
		.cpu	= HW_BREAKPOINT_EVERY_CPU,
	};

	hw_breakpoint_refused(&request, err, why);
}

static int set(const struct perf_event_attr *attr, int len, enum kgdb_bptype type)
{
	char no_room[HW_BREAKPOINT_WHY_LEN] = "all registers are the debugger's";
	struct arch_hw_breakpoint hw;
	struct kgdb_break *brk;
	const char *why;

	why = arch_hw_breakpoint_objection(NULL, attr, &hw);
	if (why) {
		refused(attr, -EINVAL, why);
		return -EINVAL;
	}
	brk = get_break(arch_hw_breakpoint_weight(&hw), no_room);
	if (IS_ERR(brk)) {
		refused(attr, PTR_ERR(brk), no_room);
		return PTR_ERR(brk);
	}
	brk->type = type;
	brk->len = len;
	arch_hw_breakpoint_assign(&brk->hw, &hw);
	brk->hw.debugger = true;
	atomic_long_set(&brk->hits, 0);
	atomic_set(&brk->state, BREAK_SET);
	return 0;
}

/**
 * kgdb_hw_breakpoint_set() - set a breakpoint on all CPUs
 * @addr: the first byte
 * @len: bytes; ignored for execution
 * @type: any but a software breakpoint
 *
 * It is in force on each CPU that has left the debugger.
 *
 * Context: in the debugger, all other CPUs stopped.
 * Return: 0; -EOPNOTSUPP for reads alone; -EINVAL for what can't be watched; -ENOSPC where a
 * CPU has no register left; -EBUSY if somebody was stopped while he reserved one: try again
 * after a step.
 */
int kgdb_hw_breakpoint_set(unsigned long addr, int len, enum kgdb_bptype type)
{
	struct perf_event_attr attr;

	/* gdb then sets one for all accesses, and leaves out those that changed the value. */
	if (type == BP_READ_WATCHPOINT)
		return -EOPNOTSUPP;

	hw_breakpoint_init(&attr);
	attr.bp_addr = addr;
	attr.bp_type = attr_type(type);
	attr.bp_len = attr.bp_type == HW_BREAKPOINT_X ? sizeof(long) : len;
	return set(&attr, len, type);
}

/**
 * kgdb_hw_breakpoint_remove() - remove a breakpoint
 * @addr: as it was set
 * @len: as it was set
 * @type: as it was set
 *
 * Context: in the debugger, all other CPUs stopped.
 * Return: 0, or -ENOENT.
 */
int kgdb_hw_breakpoint_remove(unsigned long addr, int len, enum kgdb_bptype type)
{
	struct kgdb_break *brk;

	for (brk = breaks; brk < breaks + HBP_NUM; brk++) {
		if (atomic_read(&brk->state) != BREAK_SET ||
		    arch_hw_breakpoint_address(&brk->hw) != addr ||
		    brk->len != len || brk->type != type)
			continue;
		atomic_set(&brk->state, BREAK_IDLE);
		irq_work_queue(&give_back_work);
		return 0;
	}
	return -ENOENT;
}

/**
 * kgdb_hw_breakpoint_remove_all() - remove all breakpoints of the debugger
 *
 * Context: in the debugger, all other CPUs stopped.
 */
void kgdb_hw_breakpoint_remove_all(void)
{
	int i;

	for (i = 0; i < HBP_NUM; i++)
		atomic_cmpxchg(&breaks[i].state, BREAK_SET, BREAK_IDLE);
	irq_work_queue(&give_back_work);
}

/**
 * kgdb_hw_breakpoint_enter() - a CPU enters the debugger: nothing traps from here on
 * @regs: unused
 *
 * Context: any; each CPU for itself.
 */
void __kprobes kgdb_hw_breakpoint_enter(struct pt_regs *regs)
{
	hw_breakpoint_debugger_enter();
}

/**
 * kgdb_hw_breakpoint_leave() - a CPU leaves the debugger, and arms what is set
 *
 * A CPU that comes up calls it too, without having been there; its turn is later, see
 * set_ready().
 *
 * Context: as kgdb_hw_breakpoint_enter(). In an NMI or #DB it is armed when that ends.
 */
void __kprobes kgdb_hw_breakpoint_leave(void)
{
	struct kgdb_cpu *this = this_cpu_ptr(&kgdb_cpu);

	if (!(this_cpu_read(cpu_dr7_held) & CPU_DR7_DEBUGGER))
		return;
	/* Whichever CPU sees it: a set_ready() that was interrupted looks again. */
	WRITE_ONCE(nr_stops, nr_stops + 1);
	if (!this->syncing)
		sync_registers(this->ready);
	hw_breakpoint_debugger_leave();
}

/**
 * kgdb_arch_stop_reason() - tell gdb which watchpoint has stopped the kernel
 * @ptr: where the reply goes on
 *
 * For execution the address says it all. gdb's remote protocol, "Stop Reply Packets".
 *
 * Context: in the debugger, on the CPU that made the others stop.
 * Return: the new end of the reply.
 */
char *kgdb_arch_stop_reason(char *ptr)
{
	const struct kgdb_cpu *this = this_cpu_ptr(&kgdb_cpu);
	const struct kgdb_break *brk = this->hit;
	const char *name;

	if (!brk || atomic_read(&brk->state) != BREAK_SET || brk->type != this->hit_type ||
	    arch_hw_breakpoint_address(&brk->hw) != this->hit_address ||
	    brk->type == BP_HARDWARE_BREAKPOINT)
		return ptr;
	name = brk->type == BP_WRITE_WATCHPOINT ? "watch" : "awatch";
	return ptr + sprintf(ptr, "%s:%lx;", name, this->hit_address);
}

/* === For the #DB handler ================================================== */

/**
 * arch_kgdb_hw_breakpoint_hit() - is a hit for the debugger?
 * @hw: one of the debugger's breakpoints, hit on this CPU
 *
 * Context: #DB.
 * Return: true if arch_kgdb_hw_breakpoint_stop() is to be called.
 */
bool __kprobes arch_kgdb_hw_breakpoint_hit(const struct arch_hw_breakpoint *hw)
{
	struct kgdb_break *brk = &breaks[container_of(hw, struct kgdb_break, hw) - breaks];
	struct kgdb_cpu *this = this_cpu_ptr(&kgdb_cpu);

	/* It may have been removed while this CPU was on its way here. */
	if (atomic_read(&brk->state) != BREAK_SET)
		return false;
	atomic_long_inc(&brk->hits);
	this->hit_address = arch_hw_breakpoint_address(hw);
	this->hit_type = brk->type;
	this->hit = brk;
	return true;
}

/**
 * arch_kgdb_hw_breakpoint_stop() - enter the debugger
 * @args: as the #DB handler got them
 *
 * Called at once and not by way of kgdb's own notifier, which can't tell a hit of the
 * debugger's from others, and leaves out those of threads that are being single-stepped.
 *
 * Context: #DB, interrupts off. Returns when the debugger lets the machine run on.
 */
void __kprobes arch_kgdb_hw_breakpoint_stop(struct die_args *args)
{
	kgdb_handle_exception(args->trapnr, args->signr, DIE_DEBUG, args->regs);
	this_cpu_write(kgdb_cpu.hit, NULL);
}

/**
 * arch_kgdb_hw_breakpoint_init() - have the boot CPU's registers ready for the debugger
 *
 * Before it, setting a breakpoint fails: -ENOSPC.
 *
 * Context: once, at boot.
 */
void __init arch_kgdb_hw_breakpoint_init(void)
{
	int cpu, i;

	for_each_possible_cpu(cpu)
		for (i = 0; i < HBP_NUM; i++)
			per_cpu(promises, cpu)[i].holder = &kgdb_holder;
	set_ready(true);
}

static int __init kgdb_hw_breakpoint_init(void)
{
	int state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "x86/hw_breakpoint_kgdb:online",
				      kgdb_cpu_online, kgdb_cpu_offline);

	return state < 0 ? state : 0;
}
early_initcall(kgdb_hw_breakpoint_init);
