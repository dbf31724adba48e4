// SPDX-License-Identifier: GPL-2.0-only
/*
 * The x86 side of the breakpoint layer: the #DB handler, and how CPUs come and go.
 *
 * hw_breakpoint_parse.c says what can be watched, hw_breakpoint_registers.c programs the debug
 * registers, hw_breakpoint_ptrace.c has the virtual registers of debuggers, hw_breakpoint_kgdb.c is
 * for the kernel debugger, and hw_breakpoint_dr7.h has DR7's layout.
 *
 * Sources: Intel SDM vol. 3, "Debug Exceptions"; AMD APM vol. 2, ch. 13.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/cpuhotplug.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/init.h>
#include <linux/kdebug.h>
#include <linux/kprobes.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>
#include <linux/sched.h>

#include <asm/debugreg.h>
#include <asm/processor.h>

#include <trace/events/hw_breakpoint.h>

#include "hw_breakpoint_kgdb.h"
#include "hw_breakpoint_registers.h"

/* === #DB ================================================================== */

/* Call the handlers of a hit. Return: true if the hit is the kernel debugger's. */
static nokprobe_inline bool deliver(struct arch_hw_breakpoint *hw, struct pt_regs *ptregs)
{
	const struct arch_hw_breakpoint *host = hw;
	struct perf_event *bp;

	hw_breakpoint_count(HITS, 1);
	if (hw->debugger)
		return arch_kgdb_hw_breakpoint_hit(hw);
	do {
		bp = container_of(hw, struct perf_event, hw.info);
		trace_hw_breakpoint_hit(bp, ptregs);
		perf_bp_event(bp, ptregs);
		if (!static_branch_unlikely(&hw_breakpoint_may_share))
			break;
		hw = hw_breakpoint_share_next(hw, host);
	} while (hw);
	return false;
}

/* The breakpoint that is hit because register @i matched, or NULL. */
static nokprobe_inline struct arch_hw_breakpoint *
hit_breakpoint(const struct debug_registers *regs, unsigned int i, struct pt_regs *ptregs)
{
	const unsigned long dr7 = this_cpu_read(cpu_dr7);
	struct arch_hw_breakpoint *hw = owner_of_match(regs, dr7, i);

	/*
	 * Without RF the instruction would trap again and again, also for a breakpoint that was
	 * just deleted. So ask DR7 and not the breakpoint.
	 */
	if (traps_before_execution(dr7, i))
		ptregs->flags |= X86_EFLAGS_RF;
	/* The processor may report a match of a register that is not enabled. */
	if (unlikely(!hw))
		hw_breakpoint_count(SPURIOUS_HITS, 1);
	return hw;
}

static nokprobe_inline bool is_among(const struct arch_hw_breakpoint *hw,
				     struct arch_hw_breakpoint *const *hit, unsigned int nr)
{
	while (nr--)
		if (hit[nr] == hw)
			return true;
	return false;
}

/*
 * Each breakpoint that has a register in @matched is hit once, even if the access touched several of
 * its pieces. All of them are found before the first handler is called, since a handler may move a
 * breakpoint. Return: true if one of them is the kernel debugger's.
 */
static noinline bool __kprobes several_hits(unsigned long matched, struct pt_regs *ptregs)
{
	const struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	const bool may_share = static_branch_unlikely(&hw_breakpoint_may_share);
	struct arch_hw_breakpoint *hw, *hit[HBP_NUM];
	unsigned int i, nr = 0;
	bool stop = false;

	if (may_share)
		hw_breakpoint_share_begin_hits();
	for_each_register(i, matched) {
		hw = hit_breakpoint(regs, i, ptregs);
		if (hw && !is_among(hw, hit, nr))
			hit[nr++] = hw;
	}
	for (i = 0; i < nr; i++)
		stop |= deliver(hit[i], ptregs);
	if (may_share)
		hw_breakpoint_share_end_hits();
	return stop;
}

/* The usual case of several_hits(): one register matched, and no event shares it. */
static nokprobe_inline bool hits(unsigned long matched, struct pt_regs *ptregs)
{
	struct arch_hw_breakpoint *hw;

	if (unlikely(matched & (matched - 1)) || static_branch_unlikely(&hw_breakpoint_may_share))
		return several_hits(matched, ptregs);
	hw = hit_breakpoint(this_cpu_ptr(&debug_registers), __ffs(matched), ptregs);
	return hw && deliver(hw, ptregs);
}

/*
 * The registers of @matched that are hit. A single step traps after its instruction. If the next
 * instruction has an execution breakpoint, DR6 may name that too, but its own #DB follows, and is
 * the hit. If RF were set for it now, the breakpoint's #DB would not come.
 */
static nokprobe_inline unsigned long without_next_instruction(unsigned long matched)
{
	const unsigned long dr7 = this_cpu_read(cpu_dr7);
	unsigned int i;

	for_each_register(i, matched)
		if (traps_before_execution(dr7, i))
			matched &= ~BIT(i);
	return matched;
}

/* Will exc_debug_user() send a SIGTRAP for this thread's debugger? */
static nokprobe_inline bool owes_signal(struct pt_regs *ptregs)
{
	return user_mode(ptregs) && current->thread.virtual_dr6 & DR_TRAP_BITS;
}

/*
 * args->err points to DR6. Its bits for DR0-DR3 are this layer's alone, so they are cleared for the
 * next notifiers; what a debugger is to see is in virtual_dr6. The bits for single steps and bus
 * locks are not this layer's.
 *
 * The kernel debugger stops the machine, so it is called after all hits were counted.
 */
static int __kprobes handle_debug(struct notifier_block *nb, unsigned long val, void *data)
{
	struct die_args *args = data;
	unsigned long *dr6, matched;
	bool stop = false;

	if (val != DIE_DEBUG)
		return NOTIFY_DONE;
	dr6 = (unsigned long *)args->err;
	matched = *dr6 & DR_TRAP_BITS;
	if (!matched)
		return NOTIFY_DONE;

	*dr6 &= ~DR_TRAP_BITS;
	if (unlikely(*dr6 & DR_STEP))
		matched = without_next_instruction(matched);
	if (matched)
		stop = hits(matched, args->regs);
	if (stop && arch_kgdb_hw_breakpoint_stop(args))
		*dr6 &= ~DR_STEP;

	return *dr6 || owes_signal(args->regs) ? NOTIFY_DONE : NOTIFY_STOP;
}

static struct notifier_block debug_notifier = {
	.notifier_call	= handle_debug,
	.priority	= INT_MAX,	/* the other notifiers look at what is left in DR6 */
};

bool arch_hw_breakpoint_is_armed(unsigned int i)
{
	return owner_of_match(this_cpu_ptr(&debug_registers), this_cpu_read(cpu_dr7), i) &&
	       !this_cpu_read(cpu_dr7_held);
}

/* === CPUs ================================================================= */

/* A CPU that comes online doesn't have what its registers held when it went offline. */
static int forget_registers(unsigned int cpu)
{
	per_cpu(debug_registers, cpu) = (struct debug_registers) DEBUG_REGISTERS_UNKNOWN;
	per_cpu(cpu_dr7, cpu) = 0;
	return 0;
}

/* A kernel that ran before this one may have left address masks. */
static int cpu_comes(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	hw_breakpoint_reset();
	local_irq_restore(flags);
	arch_kgdb_hw_breakpoint_ready(true);
	return 0;
}

static int cpu_goes(unsigned int cpu)
{
	arch_kgdb_hw_breakpoint_ready(false);
	return 0;
}

static int __init hw_breakpoint_cpu_init(void)
{
	int state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "x86/hw_breakpoint:prepare",
					      forget_registers, NULL);

	if (state >= 0)
		state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "x86/hw_breakpoint:online",
					  cpu_comes, cpu_goes);
	return state < 0 ? state : 0;
}
early_initcall(hw_breakpoint_cpu_init);

void __init arch_hw_breakpoint_init(void)
{
	register_die_notifier(&debug_notifier);
	arch_kgdb_hw_breakpoint_ready(true);
}
