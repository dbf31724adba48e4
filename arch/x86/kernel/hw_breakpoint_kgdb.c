// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel debugger's hardware breakpoints.
 *
 * kgdb runs while every CPU is stopped, possibly in an NMI that has interrupted anything. So its
 * breakpoints are not perf events, but are in the CPUs' debug registers beside them. kgdb sets and
 * removes them in the array below. Each CPU copies the array to its registers when it leaves the
 * debugger or, if the NMI has interrupted a change of the registers, in an interrupt after that.
 *
 * When a breakpoint is set, registers on every possible CPU are reserved without waiting for a lock.
 * They are released only when the machine runs on without the breakpoint, because gdb removes all
 * breakpoints at each stop and sets them again.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/kdebug.h>
#include <linux/kgdb.h>
#include <linux/kprobes.h>
#include <linux/minmax.h>
#include <linux/nmi.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <asm/debugreg.h>

#include "hw_breakpoint_kgdb.h"
#include "hw_breakpoint_registers.h"

/* === Data ================================================================= */

/* Only the debugger changes these, while all CPUs are stopped. */
static struct kgdb_break {
	bool				set;
	/* As the debugger named it; meaningless unless it is set. */
	enum kgdb_bptype		type;
	int				len;
	struct arch_hw_breakpoint	hw;
	/* Since it was set, on all CPUs. */
	atomic_long_t			hits;
} breaks[HBP_NUM];

/* The registers that are reserved for all breakpoints, and for those removed since release_idle(). */
static struct hw_breakpoint_charge charge = { .cpu = HW_BREAKPOINT_EVERY_CPU };

/* The registers that the debugger may use; release_idle() may be releasing the others. */
static unsigned int most = UINT_MAX;

static void sync_work(struct irq_work *work);

/*
 * A CPU's own. @ready: the CPU is online and has the breakpoints. @hw: copies of breaks[], which the
 * registers are for. @hit: the breakpoint that makes the CPU enter the debugger, and what it was at
 * that time, since the debugger may change it in the stop of another CPU first.
 */
struct kgdb_cpu {
	bool				ready;
	struct arch_hw_breakpoint	hw[HBP_NUM];
	struct irq_work			sync;
	const struct kgdb_break		*hit;
	unsigned long			hit_address;
	enum kgdb_bptype		hit_type;
};

static DEFINE_PER_CPU(struct kgdb_cpu, kgdb_cpu) = {
	.hw = {
		[0 ... HBP_NUM - 1] = { .debugger = true, .promised = true, .movable = true },
	},
	.sync = IRQ_WORK_INIT_HARD(sync_work),
};

static struct kgdb_break *break_of(const struct arch_hw_breakpoint *hw)
{
	return &breaks[hw - this_cpu_ptr(&kgdb_cpu)->hw];
}

/* === Who holds what ======================================================= */

static void describe(const struct kgdb_break *brk, struct hw_breakpoint_holder *holder)
{
	strscpy(holder->kind, "kgdb");
	if (!READ_ONCE(brk->set))
		return;
	holder->watch.address = arch_hw_breakpoint_address(&brk->hw);
	holder->watch.len = arch_hw_breakpoint_span(&brk->hw) + 1;
	holder->watch.type = brk->hw.type;
	holder->hits = atomic_long_read(&brk->hits);
}

void arch_kgdb_hw_breakpoint_describe(const struct arch_hw_breakpoint *hw,
				      struct hw_breakpoint_holder *holder)
{
	describe(break_of(hw), holder);
}

static unsigned int weight_of(const struct kgdb_break *brk)
{
	return READ_ONCE(brk->set) ? arch_hw_breakpoint_weight(&brk->hw) : 0;
}

/* The registers that all set breakpoints take. */
static unsigned int weight_set(void)
{
	unsigned int i, sum = 0;

	for (i = 0; i < HBP_NUM; i++)
		sum += weight_of(&breaks[i]);
	return sum;
}

bool arch_kgdb_hw_breakpoint_reserved(unsigned int i, struct hw_breakpoint_holder *holder)
{
	unsigned int weight;

	if (i > HBP_NUM)
		return false;
	*holder = (struct hw_breakpoint_holder) {
		.kind = "kgdb",
		.cpu = HW_BREAKPOINT_EVERY_CPU,
	};
	if (i == HBP_NUM) {
		/* The debugger may stop this CPU between the two. */
		weight = READ_ONCE(charge.weight);
		holder->weight = weight - min(weight, weight_set());
	} else {
		holder->weight = weight_of(&breaks[i]);
		describe(&breaks[i], holder);
	}
	return true;
}

/* === This CPU's registers ================================================= */

/* Breakpoints may have changed, so all are deleted first. For those that stay nothing is written. */
static void __kprobes sync_registers(void)
{
	struct kgdb_cpu *this = this_cpu_ptr(&kgdb_cpu);
	int i;

	if (!hw_breakpoint_debugger_begin()) {
		irq_work_queue(&this->sync);
		return;
	}
	for (i = 0; i < HBP_NUM; i++)
		arch_hw_breakpoint_del(&this->hw[i]);
	for (i = 0; i < HBP_NUM; i++) {
		if (!this->ready || !breaks[i].set)
			continue;
		arch_hw_breakpoint_assign(&this->hw[i], &breaks[i].hw);
		hw_breakpoint_debugger_add(&this->hw[i]);
	}
	hw_breakpoint_debugger_end();
	arch_hw_breakpoint_commit(NULL);
}

static void sync_work(struct irq_work *work)
{
	sync_registers();
}

void arch_kgdb_hw_breakpoint_ready(bool ready)
{
	unsigned long flags;

	local_irq_save(flags);
	this_cpu_write(kgdb_cpu.ready, ready);
	sync_registers();
	local_irq_restore(flags);
}

/* === Reserving registers ================================================== */

/* Runs when the machine runs again. Breakpoints that are set by then keep their registers. */
static void release_idle(struct work_struct *work)
{
	unsigned int weight;
	int cpu;

	/* A stop before @most is set may change what is set; afterwards @most binds the debugger. */
	do {
		weight = weight_set();
		WRITE_ONCE(most, weight);
		barrier();
	} while (weight != weight_set());
	/* A CPU that the debugger interrupted in a change may still have what was removed. */
	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu_ptr(&kgdb_cpu, cpu)->sync);
	hw_breakpoint_charge(&charge, READ_ONCE(most), HW_BREAKPOINT_NO_LIMIT);
	barrier();
	WRITE_ONCE(most, UINT_MAX);
}

static DECLARE_WORK(release_work, release_idle);

/* The debugger may run in an NMI, which can't schedule work. */
static void schedule_release(struct irq_work *work)
{
	schedule_work(&release_work);
}

static DEFINE_IRQ_WORK(release_irq_work, schedule_release);

/* Reserve @weight registers in addition to weight_set(). @why: set to the reason of a refusal */
static int reserve(unsigned int weight, char *why)
{
	const unsigned int sum = weight_set() + weight;
	int err = sum > READ_ONCE(most) ? -EBUSY : 0;

	if (!err && sum > charge.weight)
		err = hw_breakpoint_charge_stopped(&charge, sum);
	if (err == -ENOSPC)
		hw_breakpoint_explain(why, &charge, sum - charge.weight);
	if (err == -EBUSY)
		strscpy(why, "a task was stopped while it reserved or released registers",
			HW_BREAKPOINT_WHY_LEN);
	return err;
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
	struct hw_breakpoint_holder request = {
		.kind	= "kgdb",
		.watch	= hw_breakpoint_watch(attr),
		.cpu	= HW_BREAKPOINT_EVERY_CPU,
	};

	hw_breakpoint_refused(&request, err, why, 0);
}

/* Return: NULL if there is none. */
static struct kgdb_break *find_unset(void)
{
	int i;

	for (i = 0; i < HBP_NUM; i++)
		if (!breaks[i].set)
			return &breaks[i];
	return NULL;
}

static int set(const struct perf_event_attr *attr, int len, enum kgdb_bptype type)
{
	char no_room[HW_BREAKPOINT_WHY_LEN] = "all registers are the debugger's";
	struct kgdb_break *brk = find_unset();
	struct arch_hw_breakpoint hw;
	const char *why;
	int err;

	why = arch_hw_breakpoint_objection(NULL, attr, &hw);
	if (why) {
		refused(attr, -EINVAL, why);
		return -EINVAL;
	}
	err = brk ? reserve(arch_hw_breakpoint_weight(&hw), no_room) : -ENOSPC;
	if (err) {
		refused(attr, err, no_room);
		return err;
	}
	brk->type = type;
	brk->len = len;
	arch_hw_breakpoint_assign(&brk->hw, &hw);
	atomic_long_set(&brk->hits, 0);
	WRITE_ONCE(brk->set, true);
	return 0;
}

int kgdb_hw_breakpoint_set(unsigned long addr, int len, enum kgdb_bptype type)
{
	struct perf_event_attr attr;

	/* gdb then uses BP_ACCESS_WATCHPOINT, and ignores hits that changed the value. */
	if (type == BP_READ_WATCHPOINT)
		return -EOPNOTSUPP;

	hw_breakpoint_init(&attr);
	attr.bp_addr = addr;
	attr.bp_type = attr_type(type);
	attr.bp_len = attr.bp_type == HW_BREAKPOINT_X ? sizeof(long) : len;
	return set(&attr, len, type);
}

int kgdb_hw_breakpoint_remove(unsigned long addr, int len, enum kgdb_bptype type)
{
	struct kgdb_break *brk;

	for (brk = breaks; brk < breaks + HBP_NUM; brk++) {
		if (!brk->set || arch_hw_breakpoint_address(&brk->hw) != addr ||
		    brk->len != len || brk->type != type)
			continue;
		WRITE_ONCE(brk->set, false);
		irq_work_queue(&release_irq_work);
		return 0;
	}
	return -ENOENT;
}

void kgdb_hw_breakpoint_remove_all(void)
{
	int i;

	for (i = 0; i < HBP_NUM; i++)
		WRITE_ONCE(breaks[i].set, false);
	irq_work_queue(&release_irq_work);
}

void __kprobes kgdb_hw_breakpoint_enter(struct pt_regs *regs)
{
	cpu_dr7_hold(CPU_DR7_DEBUGGER);
}

/* Also called by a CPU that comes online, which wasn't in the debugger. */
void __kprobes kgdb_hw_breakpoint_leave(void)
{
	if (!(this_cpu_read(cpu_dr7_held) & CPU_DR7_DEBUGGER))
		return;
	sync_registers();
	cpu_dr7_release(CPU_DR7_DEBUGGER);
}

/*
 * Tell gdb which watchpoint has stopped the kernel. For execution breakpoints the address is enough.
 * See "Stop Reply Packets" in the documentation of gdb's remote protocol.
 */
char *kgdb_arch_stop_reason(char *ptr)
{
	const struct kgdb_cpu *this = this_cpu_ptr(&kgdb_cpu);
	const struct kgdb_break *brk = this->hit;
	const char *name;

	if (!brk || !brk->set || brk->type != this->hit_type ||
	    arch_hw_breakpoint_address(&brk->hw) != this->hit_address ||
	    brk->type == BP_HARDWARE_BREAKPOINT)
		return ptr;
	name = brk->type == BP_WRITE_WATCHPOINT ? "watch" : "awatch";
	return ptr + sprintf(ptr, "%s:%lx;", name, this->hit_address);
}

/* === For the #DB handler ================================================== */

bool __kprobes arch_kgdb_hw_breakpoint_hit(const struct arch_hw_breakpoint *hw)
{
	struct kgdb_break *brk = break_of(hw);
	struct kgdb_cpu *this = this_cpu_ptr(&kgdb_cpu);

	/* The debugger may have removed the breakpoint since the trap, or set another one instead. */
	if (!READ_ONCE(brk->set) || !arch_hw_breakpoint_same(hw, &brk->hw))
		return false;
	atomic_long_inc(&brk->hits);
	this->hit_address = arch_hw_breakpoint_address(hw);
	this->hit_type = brk->type;
	this->hit = brk;
	return true;
}

/*
 * Call the debugger directly. kgdb's own notifier can't tell its hits from others, and ignores those
 * of threads that are being single-stepped.
 */
bool __kprobes arch_kgdb_hw_breakpoint_stop(struct die_args *args)
{
	const bool stepping = atomic_read(&kgdb_cpu_doing_single_step) == smp_processor_id();
	const unsigned long ip = args->regs->ip;

	kgdb_handle_exception(args->trapnr, args->signr, DIE_DEBUG, args->regs);
	this_cpu_write(kgdb_cpu.hit, NULL);
	/* The #DB handler set RF for the breakpoint at @ip; another one has to be hit. */
	if (args->regs->ip != ip)
		args->regs->flags &= ~X86_EFLAGS_RF;
	touch_nmi_watchdog();
	return stepping && !user_mode(args->regs);
}
