// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual debug registers of a thread, which its debugger reads and writes with PTRACE_PEEKUSER
 * and PTRACE_POKEUSER.
 *
 * Each register that is enabled in the virtual DR7 and has an address is a breakpoint event of the
 * thread. A write to DR7 creates all events that are needed, or none.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/kprobes.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include <asm/debugreg.h>
#include <asm/processor.h>

#include "hw_breakpoint_dr7.h"

/* === Data ================================================================= */

/*
 * A thread's debug registers. They are allocated at the first write by a debugger, and freed when
 * the thread executes another program or exits, or when its debugger exits.
 *
 * There is no lock, because a debugger writes them only while the thread is stopped for it. When a
 * debugger exits, the thread may run, and may free them at the same time. So they are taken out of
 * the thread with xchg() before they are freed.
 *
 * Register n is live if it is enabled in @dr7 and its address was written. Only then event[n] is
 * enabled. Other events are kept for the next use until the thread runs.
 */
struct ptrace_debugregs {
	/* As last written; meaningless where bit n of @written is clear. */
	unsigned long			address[HBP_NUM];
	unsigned long			written;
	unsigned long			dr7;
	struct perf_event		*event[HBP_NUM];
	/* The list of what an exiting debugger frees. */
	struct ptrace_debugregs		*next;
};

/*
 * RF in a thread's saved flags makes the processor ignore an execution breakpoint at the saved ip.
 * The #DB handler sets RF when a breakpoint was hit, and the processor sets it when an instruction
 * faulted. This RF is meant for the old ip only, so it is cleared when a debugger writes another ip.
 * Debuggers write the flags after the ip, including the RF that they read before; such a copy is
 * dropped, too. If a debugger sets RF itself, RF stays. But if it does so after it has written an ip,
 * RF is meant for that ip: gdb restores both after a function that it has called, and may jump
 * elsewhere then.
 *
 * thread.ptrace_rf says what the debugger has done since the thread stopped.
 */
enum {
	RF_UNTOUCHED,
	RF_SET,			/* RF was clear, and the debugger has set it */
	RF_CLEARED,		/* RF was cleared, and the debugger hasn't seen that */
	RF_MOVED,		/* the debugger has written another ip, and knows RF */
};

/* === Registers and events ================================================= */

static bool is_live(const struct ptrace_debugregs *regs, unsigned long dr7, unsigned int n)
{
	return dr7_enabled(dr7, n) && test_bit(n, &regs->written);
}

/* Set @attr to what register @n is to be with @dr7. Return: NULL, or why that is impossible. */
static const char *register_attr(const struct ptrace_debugregs *regs, unsigned long dr7,
				 unsigned int n, struct perf_event_attr *attr)
{
	struct arch_hw_breakpoint hw;
	const char *why;

	ptrace_breakpoint_init(attr);
	attr->bp_addr = test_bit(n, &regs->written) ? regs->address[n] : 0;
	attr->bp_type = dr7_type(dr7, n);
	attr->bp_len = dr7_len(dr7, n);

	/* The processor requires 0b00; the parser would accept sizeof(long). */
	if (attr->bp_type == HW_BREAKPOINT_X && attr->bp_len != 1)
		return "execution has another length than 0b00 in DR7";
	why = arch_hw_breakpoint_objection(NULL, attr, &hw);
	/* The debugger programs a single register. */
	if (!why && arch_hw_breakpoint_weight(&hw) > 1)
		why = "the address isn't a multiple of the length";
	return why;
}

static int refuse(struct task_struct *tsk, const struct perf_event_attr *attr, int err,
		  const char *why)
{
	struct hw_breakpoint_holder request = {
		.kind	= "ptrace",
		.watch	= hw_breakpoint_watch(attr),
		.cpu	= HW_BREAKPOINT_ANY_CPU,
	};

	hw_breakpoint_name_task(&request.task, tsk);
	hw_breakpoint_refused(&request, err, why, 0);
	return err;
}

/* Is everything that @dr7 enables possible? Whether registers are left is not checked. */
static int check_dr7(struct task_struct *tsk, const struct ptrace_debugregs *regs,
		     unsigned long dr7)
{
	struct perf_event_attr attr;
	const char *why;
	unsigned int n;

	for (n = 0; n < HBP_NUM; n++) {
		if (!dr7_enabled(dr7, n))
			continue;
		why = register_attr(regs, dr7, n, &attr);
		if (why)
			return refuse(tsk, &attr, -EINVAL, why);
	}
	return 0;
}

/* Remove the events of the registers in @which. */
static void drop_events(struct ptrace_debugregs *regs, unsigned long which)
{
	unsigned int n;

	for_each_set_bit(n, &which, HBP_NUM) {
		unregister_hw_breakpoint(regs->event[n]);
		regs->event[n] = NULL;
	}
}

/* An event that no register needs with @dr7, taken away from its register; NULL: there is none. */
static struct perf_event *take_idle_event(struct ptrace_debugregs *regs, unsigned long dr7)
{
	struct perf_event *bp;
	unsigned int n;

	for (n = 0; n < HBP_NUM; n++) {
		bp = regs->event[n];
		if (bp && !is_live(regs, dr7, n)) {
			regs->event[n] = NULL;
			return bp;
		}
	}
	return NULL;
}

/*
 * Ensure that each register that @dr7 makes live has an event, enabled or not. Idle events are used
 * first, so that switching one register off and another one on never fails. On an error nothing has
 * changed.
 */
static int create_events(struct task_struct *tsk, struct ptrace_debugregs *regs,
			 unsigned long dr7)
{
	struct perf_event *old[HBP_NUM], *bp;
	unsigned long created = 0;
	struct perf_event_attr attr;
	unsigned int n;

	memcpy(old, regs->event, sizeof(old));
	for (n = 0; n < HBP_NUM; n++) {
		if (regs->event[n] || !is_live(regs, dr7, n))
			continue;
		regs->event[n] = take_idle_event(regs, dr7);
		if (regs->event[n])
			continue;
		register_attr(regs, dr7, n, &attr);
		attr.disabled = 1;
		bp = register_user_hw_breakpoint(&attr, ptrace_hit, NULL, tsk);
		if (IS_ERR(bp)) {
			drop_events(regs, created);
			memcpy(regs->event, old, sizeof(old));
			return PTR_ERR(bp);
		}
		regs->event[n] = bp;
		__set_bit(n, &created);
	}
	return 0;
}

/* Modify register @n's event as @regs says, which was checked before. */
static int update_event(struct ptrace_debugregs *regs, unsigned int n)
{
	struct perf_event *bp = regs->event[n];
	struct perf_event_attr attr;

	if (!bp)
		return 0;
	if (is_live(regs, regs->dr7, n)) {
		register_attr(regs, regs->dr7, n, &attr);
	} else {
		attr = bp->attr;
		attr.disabled = 1;
	}
	if (attr.disabled == bp->attr.disabled && attr.bp_addr == bp->attr.bp_addr &&
	    attr.bp_type == bp->attr.bp_type && attr.bp_len == bp->attr.bp_len)
		return 0;
	return modify_user_hw_breakpoint(bp, &attr);
}

/* Remove the events that no register needs with @dr7. */
static void drop_idle_events(struct ptrace_debugregs *regs, unsigned long dr7)
{
	unsigned int n;

	for (n = 0; n < HBP_NUM; n++)
		if (regs->event[n] && !is_live(regs, dr7, n))
			drop_events(regs, BIT(n));
}

/* === Reads and writes ===================================================== */

static struct ptrace_debugregs *get_or_create(struct task_struct *tsk)
{
	struct ptrace_debugregs *regs = tsk->thread.ptrace_debugregs;

	if (!regs) {
		regs = kzalloc(sizeof(*regs), GFP_KERNEL);
		tsk->thread.ptrace_debugregs = regs;
	}
	return regs;
}

static int write_dr7(struct task_struct *tsk, struct ptrace_debugregs *regs, unsigned long dr7)
{
	unsigned int n;
	int err;

	err = check_dr7(tsk, regs, dr7);
	if (err)
		return err;
	err = create_events(tsk, regs, dr7);
	if (err)
		return err;

	regs->dr7 = dr7;
	for (n = 0; n < HBP_NUM; n++)
		update_event(regs, n);
	return 0;
}

static int write_address(struct task_struct *tsk, struct ptrace_debugregs *regs,
			 unsigned int n, unsigned long address)
{
	unsigned long old = regs->address[n];
	bool was_written = test_bit(n, &regs->written);
	int err;

	if (address >= TASK_SIZE_MAX) {
		struct perf_event_attr attr = { .bp_addr = address };

		return refuse(tsk, &attr, -EINVAL, "a debugger can't watch kernel addresses");
	}

	regs->address[n] = address;
	__set_bit(n, &regs->written);

	err = check_dr7(tsk, regs, regs->dr7);
	if (!err)
		err = create_events(tsk, regs, regs->dr7);
	if (!err)
		err = update_event(regs, n);
	if (err) {
		regs->address[n] = old;
		__assign_bit(n, &regs->written, was_written);
	}
	return err;
}

/**
 * ptrace_get_debugreg() - read one of a thread's debug registers
 * @tsk: the thread; stopped for its debugger, or current
 * @n: 0 to 3, 6 or 7
 *
 * Context: process context.
 * Return: what was written, or what a new thread has. DR6 has the processor's polarity.
 */
unsigned long ptrace_get_debugreg(struct task_struct *tsk, int n)
{
	const struct ptrace_debugregs *regs = tsk->thread.ptrace_debugregs;

	if (n == DR_STATUS)
		return tsk->thread.virtual_dr6 ^ DR6_RESERVED;
	if (!regs)
		return 0;
	if (n == DR_CONTROL)
		return regs->dr7;
	return n < HBP_NUM ? regs->address[n] : 0;
}

/**
 * ptrace_set_debugreg() - write one of a thread's debug registers
 * @tsk: the thread; stopped for its debugger
 * @n: 0 to 3, 6 or 7
 * @val: what to write; reserved bits of DR7 are kept, and do nothing
 *
 * Addresses and DR7 may come in either order: a register is live once it has both.
 *
 * Context: may sleep.
 * Return: 0; -EIO if there is no such register; -EINVAL for a kernel address and for an impossible
 * setting or alignment; -ENOSPC if too few registers are left; -ENOMEM. On an error nothing has
 * changed.
 */
int ptrace_set_debugreg(struct task_struct *tsk, int n, unsigned long val)
{
	struct ptrace_debugregs *regs;

	if (n == DR_STATUS) {
		tsk->thread.virtual_dr6 = val ^ DR6_RESERVED;
		return 0;
	}
	if (n != DR_CONTROL && n >= HBP_NUM)
		return -EIO;

	regs = get_or_create(tsk);
	if (!regs)
		return -ENOMEM;
	if (n == DR_CONTROL)
		return write_dr7(tsk, regs, val);
	return write_address(tsk, regs, n, val);
}

/* === Called by the rest of the kernel ====================================== */

/**
 * ptrace_hit() - record which of its debug registers a thread has hit
 * @bp: the event
 * @data: unused
 * @ptregs: unused
 *
 * exc_debug_user() sends a SIGTRAP for virtual_dr6. If the thread's debug registers are being freed,
 * the hit is dropped.
 *
 * Context: #DB.
 */
void __kprobes ptrace_hit(struct perf_event *bp, struct perf_sample_data *data,
			  struct pt_regs *ptregs)
{
	struct thread_struct *thread = &current->thread;
	/* Freed only after @bp, which isn't freed before this handler has returned. */
	const struct ptrace_debugregs *regs = READ_ONCE(thread->ptrace_debugregs);
	unsigned int n;

	for (n = 0; regs && n < HBP_NUM; n++) {
		if (regs->event[n] == bp)
			thread->virtual_dr6 |= DR_TRAP0 << n;
	}
}

bool arch_hw_breakpoint_is_ptrace(const struct perf_event *bp)
{
	return bp->overflow_handler == ptrace_hit;
}

/**
 * ptrace_resume_debugregs() - release what a stopped thread has kept for its debugger
 * @tsk: the thread, which is about to run or to be detached
 *
 * Context: may sleep; @tsk can't exit meanwhile.
 */
void ptrace_resume_debugregs(struct task_struct *tsk)
{
	struct ptrace_debugregs *regs = tsk->thread.ptrace_debugregs;

	tsk->thread.ptrace_rf = RF_UNTOUCHED;
	if (!regs)
		return;
	drop_idle_events(regs, regs->dr7);
}

/* Take the debug registers out of a thread, for end_debugregs(). */
static struct ptrace_debugregs *take_debugregs(struct task_struct *tsk)
{
	/* Avoid the atomic operation for most threads, which have none. */
	return READ_ONCE(tsk->thread.ptrace_debugregs) ?
	       xchg(&tsk->thread.ptrace_debugregs, NULL) : NULL;
}

static void end_debugregs(struct ptrace_debugregs *regs)
{
	drop_idle_events(regs, 0);
	kfree(regs);
}

/**
 * ptrace_exit_debugregs() - end the debug registers of all threads that a debugger traces
 * @debugger: current: it exits
 *
 * Without its debugger, a hit would kill such a thread. This runs before anybody can see that the
 * debugger has exited, so a program that waits for that hits no breakpoint afterwards. Threads that
 * are killed with their debugger keep their breakpoints until then.
 *
 * Context: may sleep; PF_EXITING is set, the debugger's files are still open.
 */
void ptrace_exit_debugregs(struct task_struct *debugger)
{
	struct ptrace_debugregs *all = NULL, *regs;
	struct task_struct *tsk;

	/* Threads that are added to the list later are new, and have no debug registers. */
	if (list_empty(&debugger->ptraced))
		return;

	read_lock(&tasklist_lock);
	list_for_each_entry(tsk, &debugger->ptraced, ptrace_entry) {
		if (tsk->ptrace & PT_EXITKILL)
			continue;
		tsk->thread.ptrace_rf = RF_UNTOUCHED;
		regs = take_debugregs(tsk);
		if (!regs)
			continue;
		regs->next = all;
		all = regs;
	}
	read_unlock(&tasklist_lock);

	while (all) {
		regs = all;
		all = regs->next;
		end_debugregs(regs);
	}
}

/**
 * flush_ptrace_hw_breakpoint() - end a thread's debug registers
 * @tsk: current: it exits, or executes another program
 *
 * Context: may sleep.
 */
void flush_ptrace_hw_breakpoint(struct task_struct *tsk)
{
	struct ptrace_debugregs *regs = take_debugregs(tsk);

	if (regs)
		end_debugregs(regs);
	tsk->thread.virtual_dr6 = 0;
}

/* === The resume flag, RF ================================================== */

/**
 * ptrace_clear_rf() - clear RF if a debugger writes another ip
 * @tsk: the thread, stopped for its debugger
 * @ip: what its ip will be
 *
 * Context: process context.
 */
void ptrace_clear_rf(struct task_struct *tsk, unsigned long ip)
{
	struct pt_regs *regs = task_pt_regs(tsk);

	if (regs->ip == ip || tsk->thread.ptrace_rf == RF_SET)
		return;
	if (regs->flags & X86_EFLAGS_RF)
		tsk->thread.ptrace_rf = RF_CLEARED;
	else if (tsk->thread.ptrace_rf == RF_UNTOUCHED)
		tsk->thread.ptrace_rf = RF_MOVED;
	regs->flags &= ~X86_EFLAGS_RF;
}

/**
 * ptrace_filter_rf() - drop RF from flags that a debugger writes, if it is a copy
 * @tsk: the thread, stopped for its debugger
 * @flags: what the debugger writes
 *
 * Context: process context.
 * Return: the flags to be written.
 */
unsigned long ptrace_filter_rf(struct task_struct *tsk, unsigned long flags)
{
	u8 *rf = &tsk->thread.ptrace_rf;

	if (!(flags & X86_EFLAGS_RF))
		*rf = *rf == RF_CLEARED || *rf == RF_MOVED ? RF_MOVED : RF_UNTOUCHED;
	else if (*rf == RF_CLEARED)
		flags &= ~X86_EFLAGS_RF;
	else if (*rf == RF_UNTOUCHED && !(task_pt_regs(tsk)->flags & X86_EFLAGS_RF))
		*rf = RF_SET;
	return flags;
}

/**
 * ptrace_show_rf() - a debugger reads the flags
 * @tsk: the thread, stopped for its debugger
 *
 * From now on the debugger knows that RF is clear. If it sets RF later, that is on purpose.
 *
 * Context: process context.
 */
void ptrace_show_rf(struct task_struct *tsk)
{
	if (tsk->thread.ptrace_rf == RF_CLEARED)
		tsk->thread.ptrace_rf = RF_MOVED;
}
