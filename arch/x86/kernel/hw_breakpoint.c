// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86's debug registers: what can be watched, how it gets into DR0-DR3 and DR7, and
 * the #DB handler.
 *
 * Sources: Intel SDM vol. 3, "Debug Registers"; AMD APM vol. 2, ch. 13. DR7's layout
 * is in hw_breakpoint_dr7.h.
 *
 * perf core adds and deletes events in brackets of pmu_disable and pmu_enable, with
 * interrupts off. In the bracket it is only noted what is wanted; at its end
 * arch_hw_breakpoint_commit() programs the difference, with one write to DR7.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/compat.h>
#include <linux/export.h>
#include <linux/hw_breakpoint.h>
#include <linux/kdebug.h>
#include <linux/kprobes.h>
#include <linux/log2.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>
#include <linux/sched.h>

#include <asm/cpu_entry_area.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>

#include "hw_breakpoint_dr7.h"

static_assert(HBP_NUM == DR7_NR_REGS);

/* === Data ================================================================= */

/*
 * What this CPU's DR7 is when no #DB, NMI or MCE is being handled: the settings and
 * global enables of the armed registers, or 0. It is set before DR7 becomes nonzero
 * and cleared after it became zero. asm/debugreg.h and KVM read it.
 */
DEFINE_PER_CPU(unsigned long, cpu_dr7);
EXPORT_PER_CPU_SYMBOL(cpu_dr7);

/*
 * How many #DBs, NMIs, MCEs and commits on this CPU need DR7 to stay zero. Only the
 * one that leaves last arms it again; see local_db_save().
 */
DEFINE_PER_CPU(unsigned int, cpu_dr7_held);

/*
 * One CPU's DR0-DR3. Only the CPU itself touches them, with interrupts off; a #DB or
 * NMI can come at any instruction in between and must find them consistent:
 *
 *  - a register that DR7 arms has its event in @armed, with the address and setting
 *    that are in the hardware;
 *  - an event in @armed that isn't in @wanted is on its way out: its hits are nobody's.
 *
 *      add/del          commit
 *   -------------> wanted ----> armed, DR0-DR3, DR7
 */
struct debug_registers {
	/* What perf core wants on this CPU. */
	struct perf_event	*wanted[HBP_NUM];
	/* Whose the armed registers are. */
	struct perf_event	*armed[HBP_NUM];
	/*
	 * What was last written to DR0-DR3 and to AMD's masks for them, and for which
	 * of them (bit n) it is known to be there still.
	 */
	unsigned long		address[HBP_NUM];
	unsigned long		mask[HBP_NUM];
	unsigned long		known;
	/* @wanted has changed since the last commit. */
	bool			dirty;
};

static DEFINE_PER_CPU(struct debug_registers, debug_registers);

/* === What can be watched ================================================== */

static bool data_len_fits_register(u64 len)
{
	return len == 1 || len == 2 || len == 4 || (len == 8 && IS_ENABLED(CONFIG_X86_64));
}

/* AMD: the comparison can ignore up to 32 low bits of the address. */
static bool data_len_fits_mask(u64 len)
{
	return IS_ENABLED(CONFIG_CPU_SUP_AMD) && boot_cpu_has(X86_FEATURE_BPEXT) &&
	       is_power_of_2(len) && len <= 1ULL << 32;
}

static int parse_data(const struct perf_event_attr *attr, struct arch_hw_breakpoint *hw)
{
	u64 len = attr->bp_len;

	if (data_len_fits_register(len)) {
		hw->len = len;
		hw->mask = 0;
	} else if (data_len_fits_mask(len)) {
		hw->len = 1;
		hw->mask = len - 1;
	} else {
		return -EINVAL;
	}
	/* The hardware ignores the address bits below the length. */
	return attr->bp_addr & (len - 1) ? -EINVAL : 0;
}

/*
 * The length of an instruction means nothing to the hardware. Programs say 1 or, as
 * was once required, sizeof(long): that of the caller. An inherited copy may be made
 * by a task of the other kind.
 */
static int parse_execution(const struct perf_event *bp, const struct perf_event_attr *attr,
			   struct arch_hw_breakpoint *hw)
{
	hw->len = 1;
	hw->mask = 0;
	if (attr->bp_len == 1 || attr->bp_len == sizeof(long))
		return 0;
	return attr->bp_len == 4 && (bp->parent || in_compat_syscall()) ? 0 : -EINVAL;
}

static unsigned long last_byte(const struct arch_hw_breakpoint *hw)
{
	return hw->address + (hw->len - 1) + hw->mask;
}

static bool touches(const struct arch_hw_breakpoint *hw, const void *area,
		    size_t size)
{
	unsigned long start = (unsigned long)area;

	return hw->address < start + size && last_byte(hw) >= start;
}

/*
 * What the #DB entry itself uses before DR7 is zero, or after it is armed again: a
 * trap on it would recurse until the stack is gone.
 */
static bool touches_debug_entry(const struct arch_hw_breakpoint *hw, int cpu)
{
	if ((IS_ENABLED(CONFIG_DEBUG_PREEMPT) ||
	     IS_ENABLED(CONFIG_MITIGATION_CALL_DEPTH_TRACKING)) &&
	    touches(hw, &per_cpu(pcpu_hot, cpu), sizeof(struct pcpu_hot)))
		return true;

	return touches(hw, get_cpu_gdt_rw(cpu), GDT_SIZE) ||
	       touches(hw, &per_cpu(cpu_tss_rw, cpu), sizeof(struct tss_struct)) ||
	       touches(hw, &per_cpu(cpu_tlbstate, cpu), sizeof(struct tlb_state)) ||
	       touches(hw, &per_cpu(x86_spec_ctrl_current, cpu), sizeof(u64)) ||
	       touches(hw, &per_cpu(cpu_dr7, cpu), sizeof(cpu_dr7)) ||
	       touches(hw, &per_cpu(cpu_dr7_held, cpu), sizeof(cpu_dr7_held)) ||
	       touches(hw, &per_cpu(debug_registers, cpu), sizeof(struct debug_registers));
}

static bool touches_percpu_base(const struct arch_hw_breakpoint *hw)
{
#ifdef CONFIG_SMP
	return touches(hw, __per_cpu_offset, sizeof(__per_cpu_offset[0]) * nr_cpu_ids);
#else
	return touches(hw, &pcpu_unit_offsets, sizeof(pcpu_unit_offsets));
#endif
}

static bool would_recurse(const struct arch_hw_breakpoint *hw)
{
	int cpu;

	if (touches(hw, (void *)CPU_ENTRY_AREA_BASE, CPU_ENTRY_AREA_MAP_SIZE) ||
	    touches_percpu_base(hw))
		return true;

	for_each_possible_cpu(cpu) {
		if (touches_debug_entry(hw, cpu))
			return true;
	}
	return hw->type == HW_BREAKPOINT_X && within_kprobe_blacklist(hw->address);
}

/**
 * arch_hw_breakpoint_in_kernel() - does a breakpoint touch the kernel's addresses?
 * @hw: parsed
 *
 * Context: any.
 * Return: true if any byte of it is not user space's.
 */
bool arch_hw_breakpoint_in_kernel(const struct arch_hw_breakpoint *hw)
{
	return last_byte(hw) >= TASK_SIZE_MAX;
}

/**
 * arch_hw_breakpoint_parse() - check an attribute and translate it
 * @bp: the event that it is for, or NULL where there is none yet; execution of 4
 *	bytes needs it
 * @attr: bp_addr, bp_len and bp_type are looked at
 * @hw: written, but for the promise; undefined on error
 *
 * Context: process context.
 * Return: 0, or -EINVAL for what x86 can't watch, or must not.
 */
int arch_hw_breakpoint_parse(const struct perf_event *bp, const struct perf_event_attr *attr,
			     struct arch_hw_breakpoint *hw)
{
	int err;

	hw->address = attr->bp_addr;
	hw->type = attr->bp_type;

	switch (attr->bp_type) {
	case HW_BREAKPOINT_W:
	case HW_BREAKPOINT_RW:
		err = parse_data(attr, hw);
		break;
	case HW_BREAKPOINT_X:
		err = parse_execution(bp, attr, hw);
		break;
	default:
		err = -EINVAL;
	}
	if (err || attr->bp_addr != hw->address || last_byte(hw) < hw->address)
		return -EINVAL;

	/* An inherited copy's original was checked; fork() should not fail for it. */
	if ((bp && bp->parent) || !arch_hw_breakpoint_in_kernel(hw))
		return 0;
	return would_recurse(hw) ? -EINVAL : 0;
}

/**
 * arch_hw_breakpoint_weight() - how many registers a breakpoint takes
 * @hw: parsed
 *
 * Context: any.
 * Return: registers.
 */
unsigned int arch_hw_breakpoint_weight(const struct arch_hw_breakpoint *hw)
{
	return 1;
}

/**
 * arch_hw_breakpoint_prepaid() - has the event's owner reserved its register?
 * @bp: an event that is being created
 *
 * Context: any.
 * Return: true for ptrace, which holds one promise for a thread's four registers.
 */
bool arch_hw_breakpoint_prepaid(const struct perf_event *bp)
{
	return bp->overflow_handler == ptrace_hit;
}

/* === Programming the registers ============================================ */

nokprobe_inline bool holds(const struct debug_registers *regs, unsigned int i,
			   const struct arch_hw_breakpoint *hw)
{
	return test_bit(i, &regs->known) && regs->address[i] == hw->address &&
	       regs->mask[i] == hw->mask;
}

/*
 * The best register for @hw: one that holds the address already, or else one that is
 * not armed, so that DR7 need not be written twice. Negative if all are taken.
 */
static int __kprobes pick_register(const struct debug_registers *regs,
				   const struct arch_hw_breakpoint *hw)
{
	unsigned long dr7 = __this_cpu_read(cpu_dr7);
	int i, best = -EBUSY;

	for (i = 0; i < HBP_NUM; i++) {
		if (regs->wanted[i])
			continue;
		if (holds(regs, i, hw))
			return i;
		if (best < 0 || (dr7_enabled(dr7, best) && !dr7_enabled(dr7, i)))
			best = i;
	}
	return best;
}

/**
 * arch_hw_breakpoint_add() - note that an event wants a register of this CPU
 * @bp: the event
 *
 * It has one after the next arch_hw_breakpoint_commit().
 *
 * Context: interrupts off, in a pmu_disable bracket.
 * Return: 0, or -EBUSY if all are taken.
 */
int __kprobes arch_hw_breakpoint_add(struct perf_event *bp)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	int i;

	lockdep_assert_irqs_disabled();
	i = pick_register(regs, counter_arch_bp(bp));
	if (i < 0)
		return i;
	regs->wanted[i] = bp;
	regs->dirty = true;
	return 0;
}

/**
 * arch_hw_breakpoint_del() - note that an event no longer wants its register
 * @bp: the event
 *
 * Its hits are dropped from now on; the hardware forgets it at the next
 * arch_hw_breakpoint_commit().
 *
 * Context: interrupts off, in a pmu_disable bracket.
 */
void __kprobes arch_hw_breakpoint_del(struct perf_event *bp)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	int i;

	lockdep_assert_irqs_disabled();
	for (i = 0; i < HBP_NUM; i++) {
		if (regs->wanted[i] == bp) {
			regs->wanted[i] = NULL;
			regs->dirty = true;
		}
	}
}

static unsigned long __kprobes wanted_dr7(const struct debug_registers *regs)
{
	const struct arch_hw_breakpoint *hw;
	unsigned long dr7 = 0;
	int i;

	for (i = 0; i < HBP_NUM; i++) {
		if (!regs->wanted[i])
			continue;
		hw = counter_arch_bp(regs->wanted[i]);
		dr7 |= dr7_slot(i, hw->type, hw->len);
	}
	return dr7;
}

/*
 * Would an armed register change its meaning? Then it has to be off in between, or it
 * would be live with one event's address and another's setting.
 */
static bool __kprobes must_disarm(const struct debug_registers *regs,
				  unsigned long old, unsigned long new)
{
	int i;

	for (i = 0; i < HBP_NUM; i++) {
		if (!regs->wanted[i] || !dr7_enabled(old, i))
			continue;
		if ((old ^ new) & dr7_slot_mask(i) ||
		    !holds(regs, i, counter_arch_bp(regs->wanted[i])))
			return true;
	}
	return false;
}

static void __kprobes write_address(unsigned int i, unsigned long address)
{
	switch (i) {
	case 0:
		set_debugreg(address, 0);
		break;
	case 1:
		set_debugreg(address, 1);
		break;
	case 2:
		set_debugreg(address, 2);
		break;
	case 3:
		set_debugreg(address, 3);
		break;
	}
}

/*
 * amd_set_dr_addr_mask() writes nothing if it believes the value to be there, as it no
 * longer is when the CPU was reset. Zero, which a reset leaves, is always true.
 */
static void __kprobes write_mask(unsigned int i, unsigned long mask)
{
	amd_set_dr_addr_mask(0, i);
	amd_set_dr_addr_mask(mask, i);
}

static void __kprobes load_registers(struct debug_registers *regs)
{
	const struct arch_hw_breakpoint *hw;
	int i;

	for (i = 0; i < HBP_NUM; i++) {
		if (!regs->wanted[i])
			continue;
		hw = counter_arch_bp(regs->wanted[i]);
		if (!holds(regs, i, hw)) {
			regs->address[i] = hw->address;
			regs->mask[i] = hw->mask;
			write_address(i, hw->address);
			write_mask(i, hw->mask);
			__set_bit(i, &regs->known);
		}
		WRITE_ONCE(regs->armed[i], regs->wanted[i]);
	}
}

/*
 * While cpu_dr7_held is up, an NMI doesn't arm DR7 again when it leaves, so between
 * the write that disarms and the one that arms it is zero whatever comes. For the
 * same reason the last write can't be left out: an NMI may have zeroed DR7.
 */
static void __kprobes program(struct debug_registers *regs, unsigned long old,
			      unsigned long new)
{
	this_cpu_inc(cpu_dr7_held);
	if (old && (!new || must_disarm(regs, old, new)))
		set_debugreg(DR7_FIXED_1, 7);
	barrier();

	/* With none of ours armed, KVM leaves a guest's addresses, a reset zeroes. */
	if (!old)
		regs->known = 0;
	load_registers(regs);

	barrier();
	this_cpu_write(cpu_dr7, new);
	if (!this_cpu_dec_return(cpu_dr7_held) && new)
		hw_breakpoint_arm();
}

/**
 * arch_hw_breakpoint_commit() - program what was noted since the last time
 *
 * Where a #DB, NMI or MCE is being handled on this CPU the registers are armed when
 * that ends. Otherwise they are when this returns.
 *
 * Context: interrupts off, on the CPU whose registers they are.
 */
void __kprobes arch_hw_breakpoint_commit(void)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	unsigned long old, new;
	int i;

	if (!regs->dirty)
		return;
	lockdep_assert_irqs_disabled();
	regs->dirty = false;

	old = __this_cpu_read(cpu_dr7);
	new = wanted_dr7(regs);
	if (old != new || must_disarm(regs, old, new))
		program(regs, old, new);

	/*
	 * Only now: as long as DR7 had the register, an execution breakpoint in it had
	 * to be known as one. What stays armed may still have another event: an equal.
	 */
	for (i = 0; i < HBP_NUM; i++)
		WRITE_ONCE(regs->armed[i], regs->wanted[i]);
}

/**
 * hw_breakpoint_restore() - load this CPU's debug registers anew
 *
 * For those who used them for something else, or found them reset: KVM after a guest's
 * exit, text poking after hw_breakpoint_disable(), resume.
 *
 * Context: interrupts off, on the CPU whose registers they are; also in an NMI or
 * #DB, at whose end DR7 is then armed.
 */
void __kprobes hw_breakpoint_restore(void)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	int i;

	for (i = 0; i < HBP_NUM; i++) {
		write_address(i, regs->address[i]);
		write_mask(i, regs->mask[i]);
	}
	regs->known = DR7_ALL_REGS;
	set_debugreg(DR6_RESERVED, 6);
	if (!this_cpu_read(cpu_dr7_held))
		hw_breakpoint_arm();
}
EXPORT_SYMBOL_GPL(hw_breakpoint_restore);

/* === #DB ================================================================== */

static void __kprobes hit(const struct debug_registers *regs, unsigned int i,
			  struct pt_regs *ptregs)
{
	struct perf_event *bp = READ_ONCE(regs->armed[i]);

	/* The processor may report a match of a register that is not enabled. */
	if (!bp)
		return;
	/*
	 * Without RF the instruction would trap again and again. That holds too for
	 * an event on its way out.
	 */
	if (counter_arch_bp(bp)->type == HW_BREAKPOINT_X)
		ptregs->flags |= X86_EFLAGS_RF;
	if (regs->wanted[i] == bp)
		perf_bp_event(bp, ptregs);
}

/* Has a debugger of this thread something to be told, once this trap ends? */
nokprobe_inline bool owes_signal(struct pt_regs *ptregs)
{
	return user_mode(ptregs) && current->thread.virtual_dr6 & DR_TRAP_BITS;
}

/*
 * The reason of a #DB, in DR6, comes by pointer. All of its bits for DR0-DR3 are ours,
 * so none of them stays for whoever comes next: a debugger's are in virtual_dr6 by
 * then. Single step and bus lock aren't ours.
 */
static int __kprobes handle_debug(struct notifier_block *nb, unsigned long val, void *data)
{
	const struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	struct die_args *args = data;
	unsigned long *dr6;
	int i;

	if (val != DIE_DEBUG)
		return NOTIFY_DONE;
	dr6 = (unsigned long *)args->err;
	if (!(*dr6 & DR_TRAP_BITS))
		return NOTIFY_DONE;

	for (i = 0; i < HBP_NUM; i++) {
		if (*dr6 & (DR_TRAP0 << i))
			hit(regs, i, args->regs);
	}
	*dr6 &= ~DR_TRAP_BITS;

	return *dr6 || owes_signal(args->regs) ? NOTIFY_DONE : NOTIFY_STOP;
}

static struct notifier_block debug_notifier = {
	.notifier_call	= handle_debug,
	.priority	= INT_MAX,	/* the others look at what we leave in DR6 */
};

/**
 * arch_hw_breakpoint_init() - start to handle #DB
 *
 * Context: once, from init_hw_breakpoint().
 */
void __init arch_hw_breakpoint_init(void)
{
	register_die_notifier(&debug_notifier);
}
