// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86's debug registers: what can be watched, how it gets into DR0-DR3 and DR7, and
 * the #DB handler.
 *
 * Sources: Intel SDM vol. 3, "Debug Registers"; AMD APM vol. 2, ch. 13. DR7's layout
 * is in hw_breakpoint_dr7.h.
 *
 * perf core adds and deletes events in brackets of pmu_disable and pmu_enable, with
 * interrupts off. In the bracket it is noted what is wanted, and registers that are off are
 * loaded; at its end arch_hw_breakpoint_commit() switches on and off. That is one write to DR7,
 * but for a register that must be loaded and is on: it is off in between.
 *
 * Guests (KVM), text poking and kexec borrow the registers; what is wanted meanwhile is
 * programmed when they come back.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/compat.h>
#include <linux/cpuhotplug.h>
#include <linux/export.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_stats.h>
#include <linux/init.h>
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
#include <asm/sections.h>
#include <asm/tlbflush.h>

#include <trace/events/hw_breakpoint.h>

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
 * Why DR7 is zero though cpu_dr7 may not be: a count of the #DBs in the kernel, NMIs and MCEs
 * in progress on this CPU, and of hold(); and the marks CPU_DR7_*. Who takes the last away
 * arms again; while there is one, nobody writes a nonzero DR7. See asm/debugreg.h.
 */
DEFINE_PER_CPU(unsigned int, cpu_dr7_held);
EXPORT_PER_CPU_SYMBOL_GPL(cpu_dr7_held);

/*
 * One CPU's DR0-DR3. Only the CPU itself touches them, with interrupts off; a #DB or
 * NMI can come at any instruction in between and must find them consistent:
 *
 *      add/del/move                  commit
 *   -----------------> @wanted ----------------------> DR7
 *                      @wanted_dr7   (cpu_dr7 first,
 *                      DR0-DR3        or, for 0, last)
 *
 * A register that DR7 doesn't arm is loaded as soon as it is wanted. If it is still armed for
 * its former owner it becomes stale, and is loaded by the commit, while it is off: or it would
 * be live with one breakpoint's address and another's setting. It is stale, too, when its
 * breakpoint was moved, or when others had it.
 *
 * A hit is @wanted's, unless the register is stale: then it is nobody's, like that of a
 * breakpoint that was deleted and is still armed.
 *
 * An NMI may itself add, delete, move and commit, for the kernel debugger and for those who
 * move a breakpoint. If it came in the middle of a commit it leaves the programming to that,
 * which finds @wanted_dr7 changed and goes round again: before anything else runs on this
 * CPU. What both change they change by single instructions, which no NMI can divide.
 */
struct debug_registers {
	/* What is to be watched on this CPU. Behind the last there is nothing. */
	struct arch_hw_breakpoint	*wanted[HBP_NUM + 1];
	/* Bit n: wanted[n] is somebody's, or about to be. */
	unsigned long			taken;
	/*
	 * What DR7 is to be; and which registers are stale, in bits that it doesn't use: so it
	 * is cpu_dr7's equal if nothing is left to be done.
	 */
	unsigned long			wanted_dr7;
	/*
	 * What was last written to DR0-DR3 and to AMD's masks for them, and for which
	 * of them (bit n) it is known to be there still.
	 */
	unsigned long			address[HBP_NUM];
	unsigned long			mask[HBP_NUM];
	unsigned long			known;
};

/* It is always taken. */
#define NO_REGISTER	HBP_NUM

static DEFINE_PER_CPU(struct debug_registers, debug_registers) = {
	.taken = BIT(NO_REGISTER),
};

/* In wanted_dr7: bit STALE_SHIFT + n for register n. */
#define STALE_SHIFT	8
#define ALL_STALE	(DR7_ALL_REGS << STALE_SHIFT)

static_assert(!(ALL_STALE & (DR7_ALL_ENABLES | DR7_ALL_SETTINGS)));

/* A register's bits in wanted_dr7; looked up, since it is at every context switch. */
static unsigned long register_bits[HBP_NUM] __ro_after_init;

/*
 * Each register of @set, the lowest first: for_each_set_bit() in a third of its
 * instructions.
 */
#define for_each_register(i, set)						\
	for (unsigned long left_ = (set); left_ && ((i) = __ffs(left_), true);	\
	     left_ &= left_ - 1)

/* From the first byte of any CPU's static per-CPU variables to behind the last one of any. */
static unsigned long percpu_start __ro_after_init = ULONG_MAX, percpu_end __ro_after_init;

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

static const char *parse_data(const struct perf_event_attr *attr, struct arch_hw_breakpoint *hw)
{
	u64 len = attr->bp_len;

	if (data_len_fits_register(len)) {
		hw->len = len;
		hw->mask = 0;
	} else if (data_len_fits_mask(len)) {
		hw->len = 1;
		hw->mask = len - 1;
	} else {
		return "data has to be 1, 2, 4 or 8 bytes long";
	}
	/* The hardware ignores the address bits below the length. */
	return attr->bp_addr & (len - 1) ? "the address isn't a multiple of the length" : NULL;
}

/*
 * The length of an instruction means nothing to the hardware. Programs say 1 or, as
 * was once required, sizeof(long): that of the caller. An inherited copy may be made
 * by a task of the other kind.
 */
static const char *parse_execution(const struct perf_event *bp,
				   const struct perf_event_attr *attr,
				   struct arch_hw_breakpoint *hw)
{
	hw->len = 1;
	hw->mask = 0;
	if (attr->bp_len == 1 || attr->bp_len == sizeof(long))
		return NULL;
	if (attr->bp_len == 4 && ((bp && bp->parent) || in_compat_syscall()))
		return NULL;
	return "the length for execution is sizeof(long), or 1";
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
	       touches(hw, &per_cpu(debug_registers, cpu), sizeof(struct debug_registers)) ||
	       hw_breakpoint_stats_at(hw->address, last_byte(hw), cpu);
}

static bool touches_percpu_base(const struct arch_hw_breakpoint *hw)
{
#ifdef CONFIG_SMP
	return touches(hw, __per_cpu_offset, sizeof(__per_cpu_offset[0]) * nr_cpu_ids);
#else
	return touches(hw, &pcpu_unit_offsets, sizeof(pcpu_unit_offsets));
#endif
}

/*
 * Nearly all that is watched is elsewhere, and needs no search by CPU. Without SMP per-CPU
 * variables are among all others.
 */
static bool may_touch_percpu(const struct arch_hw_breakpoint *hw)
{
	if (!IS_ENABLED(CONFIG_SMP))
		return true;
	return hw->address < percpu_end && last_byte(hw) >= percpu_start;
}

static void __init find_percpu(void)
{
	unsigned long start;
	int cpu;

	for_each_possible_cpu(cpu) {
		start = (unsigned long)per_cpu_ptr((void __percpu *)__per_cpu_start, cpu);
		percpu_start = min(percpu_start, start);
		percpu_end = max(percpu_end, start + (__per_cpu_end - __per_cpu_start));
	}
}

static bool would_recurse(const struct arch_hw_breakpoint *hw)
{
	int cpu;

	if (touches(hw, (void *)CPU_ENTRY_AREA_BASE, CPU_ENTRY_AREA_MAP_SIZE) ||
	    touches_percpu_base(hw))
		return true;

	if (may_touch_percpu(hw)) {
		for_each_possible_cpu(cpu) {
			if (touches_debug_entry(hw, cpu))
				return true;
		}
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

static const char *parse_type(const struct perf_event *bp, const struct perf_event_attr *attr,
			      struct arch_hw_breakpoint *hw)
{
	switch (attr->bp_type) {
	case HW_BREAKPOINT_W:
	case HW_BREAKPOINT_RW:
		return parse_data(attr, hw);
	case HW_BREAKPOINT_X:
		return parse_execution(bp, attr, hw);
	case HW_BREAKPOINT_R:
		return "x86 can't watch reads alone";
	default:
		return "the type is none of write, read and write, execute";
	}
}

/**
 * arch_hw_breakpoint_objection() - check an attribute and translate it
 * @bp: the event that it is for, or NULL where there is none yet
 * @attr: bp_addr, bp_len and bp_type are looked at
 * @hw: what is not the core's is written; it is undefined if there is an objection
 *
 * Context: process context.
 * Return: NULL, or in words what x86 can't watch, or must not.
 */
const char *arch_hw_breakpoint_objection(const struct perf_event *bp,
					 const struct perf_event_attr *attr,
					 struct arch_hw_breakpoint *hw)
{
	const char *why;

	hw->address = attr->bp_addr;
	hw->type = attr->bp_type;
	why = parse_type(bp, attr, hw);
	if (why)
		return why;
	if (attr->bp_addr != hw->address || last_byte(hw) < hw->address)
		return "there is no such address";

	hw->dr7 = dr7_slot(0, hw->type, hw->len) | dr7_slot(1, hw->type, hw->len) |
		  dr7_slot(2, hw->type, hw->len) | dr7_slot(3, hw->type, hw->len);
	hw->last = NO_REGISTER;

	/* An inherited copy's original was checked; fork() should not fail for it. */
	if ((bp && bp->parent) || !arch_hw_breakpoint_in_kernel(hw))
		return NULL;
	return would_recurse(hw) ? "the handling of debug exceptions itself uses it" : NULL;
}

/**
 * arch_hw_breakpoint_parse() - the same, where the reason isn't asked for
 * @bp: as for arch_hw_breakpoint_objection()
 * @attr: as for arch_hw_breakpoint_objection()
 * @hw: as for arch_hw_breakpoint_objection()
 *
 * Context: process context.
 * Return: 0 or -EINVAL.
 */
int arch_hw_breakpoint_parse(const struct perf_event *bp, const struct perf_event_attr *attr,
			     struct arch_hw_breakpoint *hw)
{
	return arch_hw_breakpoint_objection(bp, attr, hw) ? -EINVAL : 0;
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

/**
 * arch_hw_breakpoint_check_move() - may a kernel breakpoint be moved?
 * @hw: the breakpoint
 * @address: where to
 *
 * Context: any, up to NMI.
 * Return: 0, or -EINVAL for an address that isn't aligned, isn't the kernel's, or must
 * not be watched, and for a breakpoint that isn't the kernel's.
 */
int arch_hw_breakpoint_check_move(const struct arch_hw_breakpoint *hw, unsigned long address)
{
	struct arch_hw_breakpoint moved = *hw;

	moved.address = address;
	if (address & ((hw->len - 1) | hw->mask) || last_byte(&moved) < address ||
	    address < TASK_SIZE_MAX || !arch_hw_breakpoint_in_kernel(hw))
		return -EINVAL;
	return would_recurse(&moved) ? -EINVAL : 0;
}

/* === Programming the registers ============================================ */

static nokprobe_inline unsigned long stale(unsigned long set)
{
	return set << STALE_SHIFT;
}

static nokprobe_inline unsigned long stale_set(unsigned long dr7)
{
	return dr7 >> STALE_SHIFT & DR7_ALL_REGS;
}

static nokprobe_inline bool holds(const struct debug_registers *regs, unsigned int i,
				  const struct arch_hw_breakpoint *hw)
{
	return test_bit(i, &regs->known) && regs->address[i] == READ_ONCE(hw->address) &&
	       regs->mask[i] == hw->mask;
}

/* Is it live, except while something holds DR7 at zero? */
static nokprobe_inline bool is_armed(unsigned int i)
{
	return this_cpu_read(cpu_dr7) & register_bits[i];
}

static void __kprobes write_address(unsigned int i, unsigned long address)
{
	hw_breakpoint_count(HW_BREAKPOINT_ADDRESS_WRITES);
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
 * amd_set_dr_addr_mask() writes nothing if it believes the value to be there, which it isn't
 * if the CPU was reset, or a guest had it: so another one is written before.
 */
static void __kprobes write_mask(unsigned int i, unsigned long mask, bool known)
{
	/* Without the masks there is never one to be taken away. */
	if (!mask && !boot_cpu_has(X86_FEATURE_BPEXT))
		return;
	if (!known)
		amd_set_dr_addr_mask(mask ? 0 : 1, i);
	amd_set_dr_addr_mask(mask, i);
}

static nokprobe_inline bool is_lent(void)
{
	return this_cpu_read(cpu_dr7_held) & (CPU_DR7_TEXT | CPU_DR7_GUEST);
}

/*
 * For wanted[i], while the register is off. Again as long as an NMI makes that another, or
 * moves it, in between: what it has loaded itself may have been overwritten. What is lent is
 * loaded when it comes back: until then it isn't known to be there.
 */
static noinline void __kprobes load_register(struct debug_registers *regs, unsigned int i)
{
	const bool known = test_bit(i, &regs->known);
	const struct arch_hw_breakpoint *hw;
	unsigned long address, mask;

	do {
		hw = READ_ONCE(regs->wanted[i]);
		if (!hw || is_lent()) {
			__clear_bit(i, &regs->known);
			return;
		}
		address = READ_ONCE(hw->address);
		mask = READ_ONCE(hw->mask);
		regs->address[i] = address;
		regs->mask[i] = mask;
		__set_bit(i, &regs->known);
		barrier();
		write_address(i, address);
		write_mask(i, mask, known);
		barrier();
	} while (READ_ONCE(regs->wanted[i]) != hw || READ_ONCE(hw->address) != address ||
		 READ_ONCE(hw->mask) != mask);
}

/* @hw: what wanted[i] is, unless an NMI makes it another. Return: true if it is there. */
static nokprobe_inline bool is_loaded(const struct debug_registers *regs, unsigned int i,
				      const struct arch_hw_breakpoint *hw)
{
	if (!holds(regs, i, hw))
		return false;
	hw_breakpoint_count(HW_BREAKPOINT_SKIPPED_WRITES);
	return true;
}

/*
 * The best register for @hw of the set @free: one that holds the address already, or else
 * one that is not armed, so that DR7 need not be written twice.
 */
static unsigned int __kprobes pick_register(const struct debug_registers *regs,
					    unsigned long free,
					    const struct arch_hw_breakpoint *hw)
{
	unsigned int i;

	for_each_register(i, free & regs->known) {
		if (holds(regs, i, hw))
			return i;
	}
	for_each_register(i, free) {
		if (!is_armed(i))
			return i;
	}
	return __ffs(free);
}

/* Return: NO_REGISTER if none is free. */
static unsigned int __kprobes claim_register(struct debug_registers *regs,
					     struct arch_hw_breakpoint *hw)
{
	unsigned long free;
	unsigned int i;

	/* The debugger, in an NMI, may take the register that was just picked. */
	do {
		free = ~READ_ONCE(regs->taken) & DR7_ALL_REGS;
		if (!free)
			return NO_REGISTER;
		i = pick_register(regs, free, hw);
	} while (__test_and_set_bit(i, &regs->taken));
	WRITE_ONCE(hw->last, i);
	return i;
}

static nokprobe_inline void want(unsigned long dr7)
{
	barrier();
	this_cpu_or(debug_registers.wanted_dr7, dr7);
	barrier();
}

/* @hw has register @i, whose former owner was deleted and is still armed. */
static void __kprobes want_stale(struct debug_registers *regs, unsigned int i,
				 struct arch_hw_breakpoint *hw)
{
	/* Before it is @hw's, or that would get the former's hits. */
	want(stale(BIT(i)));
	WRITE_ONCE(regs->wanted[i], hw);
	want((hw->dr7 & register_bits[i]) | stale(BIT(i)));
}

/* @hw has register @i. Return: false if that must be loaded, and is not wanted until then. */
static nokprobe_inline bool want_loaded(struct debug_registers *regs, unsigned int i,
					struct arch_hw_breakpoint *hw)
{
	WRITE_ONCE(regs->wanted[i], hw);
	barrier();
	if (unlikely(!is_loaded(regs, i, hw)))
		return false;
	want(hw->dr7 & register_bits[i]);
	return true;
}

/* @i: what is claimed already, or NO_REGISTER */
static noinline int __kprobes add_unloaded(struct debug_registers *regs, unsigned int i,
					   struct arch_hw_breakpoint *hw)
{
	if (i == NO_REGISTER)
		i = claim_register(regs, hw);
	if (i == NO_REGISTER)
		return -EBUSY;
	if (is_armed(i)) {
		want_stale(regs, i, hw);
	} else if (!want_loaded(regs, i, hw)) {
		load_register(regs, i);
		want(hw->dr7 & register_bits[i]);
	}
	return 0;
}

/**
 * arch_hw_breakpoint_add() - note that a breakpoint wants a register of this CPU
 * @hw: the breakpoint
 *
 * It is watched after the next arch_hw_breakpoint_commit().
 *
 * Context: interrupts off, in a pmu_disable bracket; or NMI, for the kernel debugger.
 * Return: 0, or -EBUSY if all are taken.
 */
int __kprobes arch_hw_breakpoint_add(struct arch_hw_breakpoint *hw)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	unsigned int i = READ_ONCE(hw->last);

	if (unlikely(__test_and_set_bit(i, &regs->taken)))
		i = NO_REGISTER;
	else if (likely(!is_armed(i) && want_loaded(regs, i, hw)))
		return 0;
	return add_unloaded(regs, i, hw);
}

/* Return: @hw's register, or NO_REGISTER. */
static unsigned int __kprobes find_register(const struct debug_registers *regs,
					    const struct arch_hw_breakpoint *hw)
{
	unsigned int i;

	for (i = 0; i < HBP_NUM; i++)
		if (READ_ONCE(regs->wanted[i]) == hw)
			break;
	return i;
}

static nokprobe_inline void give_up(struct debug_registers *regs, unsigned int i)
{
	WRITE_ONCE(regs->wanted[i], NULL);
	barrier();
	this_cpu_and(debug_registers.wanted_dr7, ~register_bits[i]);
	barrier();
	/* Only now may an NMI take it. */
	__clear_bit(i, &regs->taken);
}

/* The debugger's may have another on each CPU, or none. */
static noinline void __kprobes del_elsewhere(struct debug_registers *regs,
					     const struct arch_hw_breakpoint *hw)
{
	unsigned int i = find_register(regs, hw);

	if (i != NO_REGISTER)
		give_up(regs, i);
}

/**
 * arch_hw_breakpoint_del() - note that a breakpoint no longer wants its register
 * @hw: the breakpoint
 *
 * Its hits are dropped from now on; the hardware forgets it at the next
 * arch_hw_breakpoint_commit().
 *
 * Context: interrupts off, in a pmu_disable bracket; or NMI, for the kernel debugger.
 */
void __kprobes arch_hw_breakpoint_del(struct arch_hw_breakpoint *hw)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	unsigned int i = READ_ONCE(hw->last);

	if (likely(READ_ONCE(regs->wanted[i]) == hw))
		give_up(regs, i);
	else
		del_elsewhere(regs, hw);
}

static void __kprobes disarm(void)
{
	hw_breakpoint_count(HW_BREAKPOINT_DR7_WRITES);
	set_debugreg(DR7_FIXED_1, 7);
}

/*
 * @dr7: what cpu_dr7 is. An NMI may come before the write, change that, and arm it: then
 * this is outdated.
 */
static nokprobe_inline void arm(unsigned long dr7)
{
	unsigned long written;

	hw_breakpoint_count(HW_BREAKPOINT_DR7_WRITES);
	do {
		written = dr7;
		set_debugreg(written, 7);
		dr7 = this_cpu_read(cpu_dr7);
	} while (unlikely(dr7 != written));
}

/* An NMI that came since the commit began has left DR7 zero. */
static void __kprobes disarm_for_commit(void)
{
	if (this_cpu_read(cpu_dr7_held) == CPU_DR7_COMMIT)
		disarm();
}

/* The kernel debugger deletes and adds again at each stop: what is as it was may stay on. */
static bool __kprobes is_as_armed(const struct debug_registers *regs, unsigned int i,
				  unsigned long dr7)
{
	const struct arch_hw_breakpoint *hw = READ_ONCE(regs->wanted[i]);

	return !((dr7 ^ this_cpu_read(cpu_dr7)) & register_bits[i] & ~ALL_STALE) &&
	       hw && holds(regs, i, hw);
}

/* Return: what DR7 is to be, with nothing stale. */
static unsigned long __kprobes load_stale(void)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	unsigned long dr7 = this_cpu_read(debug_registers.wanted_dr7);
	const struct arch_hw_breakpoint *hw;
	unsigned int i;

	/* What an NMI makes stale after that is off, too, as everything is. */
	for_each_register(i, stale_set(dr7)) {
		if (is_armed(i) && !is_as_armed(regs, i, dr7)) {
			disarm_for_commit();
			break;
		}
	}
	barrier();
	while (!this_cpu_try_cmpxchg(debug_registers.wanted_dr7, &dr7, dr7 & ~ALL_STALE))
		;
	for_each_register(i, stale_set(dr7)) {
		hw = READ_ONCE(regs->wanted[i]);
		if (hw && !is_loaded(regs, i, hw))
			load_register(regs, i);
	}
	return dr7 & ~ALL_STALE;
}

/*
 * As long as cpu_dr7_held is marked, an NMI doesn't arm DR7 again when it leaves: so what
 * is off stays off, and the last write can't be left out. What an NMI still changes before
 * that is included, so that DR7 never arms what is no longer as it says.
 */
static void __kprobes program(void)
{
	unsigned long dr7;

	this_cpu_or(cpu_dr7_held, CPU_DR7_COMMIT);
	do {
		barrier();
		dr7 = load_stale();
		if (!dr7)
			disarm_for_commit();
		barrier();
		this_cpu_write(cpu_dr7, dr7);
	} while (this_cpu_read(debug_registers.wanted_dr7) != dr7);

	this_cpu_and(cpu_dr7_held, ~CPU_DR7_COMMIT);
	barrier();
	if (dr7 && !this_cpu_read(cpu_dr7_held))
		arm(dr7);
}

static nokprobe_inline bool is_programmed(void)
{
	return this_cpu_read(debug_registers.wanted_dr7) == this_cpu_read(cpu_dr7);
}

/* After each round look again: an NMI that found us at it has left its change to us. */
static noinline void __kprobes program_all(void)
{
	while (!is_programmed() && !(this_cpu_read(cpu_dr7_held) & CPU_DR7_COMMIT))
		program();
}

/*
 * program() as it nearly always is, and at every context switch: nothing is stale, and
 * nobody else holds DR7 at zero. Return: false if that isn't so, or an NMI has changed
 * meanwhile what is wanted: nothing was armed then.
 */
static nokprobe_inline bool program_loaded(void)
{
	unsigned long dr7;

	this_cpu_or(cpu_dr7_held, CPU_DR7_COMMIT);
	dr7 = this_cpu_read(debug_registers.wanted_dr7);
	if (unlikely(dr7 & ALL_STALE)) {
		this_cpu_and(cpu_dr7_held, ~CPU_DR7_COMMIT);
		return false;
	}
	if (!dr7)
		disarm();
	this_cpu_write(cpu_dr7, dr7);
	this_cpu_and(cpu_dr7_held, ~CPU_DR7_COMMIT);
	if (unlikely(this_cpu_read(debug_registers.wanted_dr7) != dr7))
		return false;
	if (dr7)
		arm(dr7);
	return true;
}

static nokprobe_inline void commit(void)
{
	if (is_programmed())
		return;
	if (likely(!this_cpu_read(cpu_dr7_held) && program_loaded()))
		return;
	program_all();
}

/**
 * arch_hw_breakpoint_commit() - program what was noted since the last time
 *
 * Where a #DB, NMI or MCE is being handled on this CPU the registers are armed when
 * that ends; where they are lent, when they come back. Otherwise they are when this
 * returns.
 *
 * Context: interrupts off, on the CPU whose registers they are; NMI too.
 */
void __kprobes arch_hw_breakpoint_commit(void)
{
	commit();
}

/**
 * arch_hw_breakpoint_pmu_enable() - arch_hw_breakpoint_commit() as perf core calls it
 * @pmu: not looked at
 *
 * Context: the same; the end of a bracket.
 */
void __kprobes arch_hw_breakpoint_pmu_enable(struct pmu *pmu)
{
	commit();
}

/**
 * arch_hw_breakpoint_move() - change a breakpoint's address, live or not
 * @hw: the breakpoint; if it is on a CPU, then on this one
 * @address: has been checked
 *
 * Context: interrupts off; #DB, NMI and MCE too, at whose end it is in force.
 */
void __kprobes arch_hw_breakpoint_move(struct arch_hw_breakpoint *hw, unsigned long address)
{
	unsigned int i;

	WRITE_ONCE(hw->address, address);
	barrier();
	i = find_register(this_cpu_ptr(&debug_registers), hw);
	if (i != NO_REGISTER)
		want(stale(BIT(i)));
	commit();
}

/**
 * arch_hw_breakpoint_at() - whose is a register of this CPU?
 * @i: which, below HBP_NUM
 * @armed: set to whether it is in force
 *
 * Context: interrupts off. The answer holds until they are on again.
 * Return: the breakpoint that has it or is about to get it, or NULL.
 */
const struct arch_hw_breakpoint *arch_hw_breakpoint_at(unsigned int i, bool *armed)
{
	const struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	const struct arch_hw_breakpoint *hw = regs->wanted[i];

	*armed = hw && is_armed(i) &&
		 !(regs->wanted_dr7 & stale(BIT(i))) && !this_cpu_read(cpu_dr7_held);
	return hw;
}

/* === Lending the registers ================================================ */

/* From here to unhold() an NMI doesn't arm, whatever mark is taken off cpu_dr7_held. */
static nokprobe_inline void hold(void)
{
	this_cpu_inc(cpu_dr7_held);
	barrier();
}

static void __kprobes unhold(void)
{
	barrier();
	if (!this_cpu_dec_return(cpu_dr7_held) && hw_breakpoint_active())
		arm(this_cpu_read(cpu_dr7));
}

/* @mark: who gives them back. What isn't known to be in the registers is loaded. */
static void __kprobes take_back(unsigned int mark)
{
	const struct debug_registers *regs = this_cpu_ptr(&debug_registers);

	hold();
	this_cpu_and(cpu_dr7_held, ~mark);
	barrier();
	want(stale(regs->taken & ~regs->known & DR7_ALL_REGS));
	commit();
	unhold();
}

/**
 * hw_breakpoint_restore() - arm again after hw_breakpoint_disable()
 *
 * If a guest has the registers meanwhile, they are armed at its exit.
 *
 * Context: interrupts off, on the CPU whose registers they are; also in an NMI or
 * #DB, at whose end DR7 is then armed.
 */
void __kprobes hw_breakpoint_restore(void)
{
	take_back(CPU_DR7_TEXT);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_restore);

/* Zero masks, whatever is in them and whatever amd_set_dr_addr_mask() believes. */
static void reset_masks(void)
{
	int i;

	for (i = 0; i < HBP_NUM; i++) {
		amd_set_dr_addr_mask(1, i);
		amd_set_dr_addr_mask(0, i);
	}
}

/**
 * hw_breakpoint_reset() - load this CPU's registers after it lost them
 *
 * For resume: from memory, from disk, from a kexec'ed kernel. Whoever had borrowed the
 * registers before is forgotten.
 *
 * Context: interrupts off, on the CPU whose registers they are.
 */
void hw_breakpoint_reset(void)
{
	hold();
	disarm();
	hw_breakpoint_count(HW_BREAKPOINT_DR6_WRITES);
	set_debugreg(DR6_RESERVED, 6);
	reset_masks();
	/* Only now: what an NMI has loaded in between is gone, too. */
	this_cpu_write(debug_registers.known, 0);
	take_back(CPU_DR7_TEXT | CPU_DR7_GUEST);
	unhold();
}

/**
 * hw_breakpoint_guest_enter() - lend the registers to a guest
 * @address: DR0-DR3 for the guest to run with; NULL if it can't reach them
 *
 * Context: interrupts off until hw_breakpoint_guest_exit().
 */
void hw_breakpoint_guest_enter(const unsigned long *address)
{
	struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	int i;

	this_cpu_or(cpu_dr7_held, CPU_DR7_GUEST);
	barrier();
	disarm();
	if (!address)
		return;
	regs->known = 0;
	for (i = 0; i < HBP_NUM; i++)
		write_address(i, address[i]);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_enter);

/**
 * hw_breakpoint_guest_enter_protected() - the same for a guest whose registers are its secret
 *
 * It may write them, and finds there what it wrote, as long as the host watches nothing. What
 * the host watches it doesn't find.
 *
 * Context: interrupts off until hw_breakpoint_guest_exit().
 */
void hw_breakpoint_guest_enter_protected(void)
{
	static const unsigned long nothing[HBP_NUM];

	this_cpu_or(cpu_dr7_held, CPU_DR7_GUEST);
	barrier();
	if (hw_breakpoint_active())
		hw_breakpoint_guest_enter(nothing);
	this_cpu_write(debug_registers.known, 0);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_enter_protected);

/**
 * hw_breakpoint_guest_exit() - take the registers back from a guest
 *
 * Only what the guest may have changed is written. DR6 may still say why the guest
 * stopped, and the next #DB of ours would be misread.
 *
 * Context: interrupts off since hw_breakpoint_guest_enter().
 */
void hw_breakpoint_guest_exit(void)
{
	unsigned long dr6, writes = hw_breakpoint_writes();

	get_debugreg(dr6, 6);
	if (dr6 != DR6_RESERVED) {
		hw_breakpoint_count(HW_BREAKPOINT_DR6_WRITES);
		set_debugreg(DR6_RESERVED, 6);
	}
	take_back(CPU_DR7_GUEST);

	hw_breakpoint_count(HW_BREAKPOINT_GUEST_EXITS);
	hw_breakpoint_count_many(HW_BREAKPOINT_GUEST_EXIT_WRITES,
				 hw_breakpoint_writes() - writes);
}
EXPORT_SYMBOL_GPL(hw_breakpoint_guest_exit);

/**
 * hw_breakpoint_debugger_enter() - keep this CPU from trapping while a debugger has it
 *
 * Context: any, up to NMI. The registers stay ours, and may be programmed meanwhile.
 */
void __kprobes hw_breakpoint_debugger_enter(void)
{
	this_cpu_or(cpu_dr7_held, CPU_DR7_DEBUGGER);
	barrier();
	if (hw_breakpoint_active() && !is_lent())
		disarm();
}

/**
 * hw_breakpoint_debugger_leave() - undo hw_breakpoint_debugger_enter()
 *
 * Context: the same.
 */
void __kprobes hw_breakpoint_debugger_leave(void)
{
	unsigned long dr7;

	this_cpu_and(cpu_dr7_held, ~CPU_DR7_DEBUGGER);
	dr7 = this_cpu_read(cpu_dr7);
	if (!this_cpu_read(cpu_dr7_held) && dr7)
		arm(dr7);
}

/* === #DB ================================================================== */

/* Returns true if the kernel debugger's breakpoint was hit. */
static bool __kprobes hit(const struct debug_registers *regs, unsigned int i,
			  struct pt_regs *ptregs)
{
	const unsigned long dr7 = this_cpu_read(cpu_dr7);
	struct arch_hw_breakpoint *hw = READ_ONCE(regs->wanted[i]);
	struct perf_event *bp;

	/*
	 * Without RF the instruction would trap again and again. That holds too for
	 * a breakpoint on its way out.
	 */
	if (dr7_enabled(dr7, i) && dr7_type(dr7, i) == HW_BREAKPOINT_X)
		ptregs->flags |= X86_EFLAGS_RF;
	/* The processor may report a match of a register that is not enabled. */
	if (!hw || !dr7_enabled(dr7, i) ||
	    READ_ONCE(regs->wanted_dr7) & stale(BIT(i))) {
		hw_breakpoint_count(HW_BREAKPOINT_SPURIOUS_HITS);
		return false;
	}
	hw_breakpoint_count(HW_BREAKPOINT_HITS);
	if (hw->debugger)
		return arch_kgdb_hw_breakpoint_hit(hw);
	bp = container_of(hw, struct perf_event, hw.info);
	trace_hw_breakpoint_hit(bp, ptregs);
	perf_bp_event(bp, ptregs);
	return false;
}

/* Has a debugger of this thread something to be told, once this trap ends? */
static nokprobe_inline bool owes_signal(struct pt_regs *ptregs)
{
	return user_mode(ptregs) && current->thread.virtual_dr6 & DR_TRAP_BITS;
}

/*
 * The reason of a #DB, in DR6, comes by pointer. All of its bits for DR0-DR3 are ours,
 * so none of them stays for whoever comes next: a debugger's are in virtual_dr6 by
 * then. Single step and bus lock aren't ours.
 *
 * The kernel debugger's turn comes when all hits have been counted: it stops the machine.
 */
static int __kprobes handle_debug(struct notifier_block *nb, unsigned long val, void *data)
{
	const struct debug_registers *regs = this_cpu_ptr(&debug_registers);
	struct die_args *args = data;
	bool stop = false;
	unsigned long *dr6;
	int i;

	if (val != DIE_DEBUG)
		return NOTIFY_DONE;
	dr6 = (unsigned long *)args->err;
	if (!(*dr6 & DR_TRAP_BITS))
		return NOTIFY_DONE;

	for (i = 0; i < HBP_NUM; i++) {
		if (*dr6 & (DR_TRAP0 << i))
			stop |= hit(regs, i, args->regs);
	}
	*dr6 &= ~DR_TRAP_BITS;
	if (stop) {
		arch_kgdb_hw_breakpoint_stop(args);
		/* In the kernel only the debugger single-steps: it has had its stop. */
		if (!user_mode(args->regs))
			*dr6 &= ~DR_STEP;
	}

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
	unsigned int i;

	for (i = 0; i < HBP_NUM; i++)
		register_bits[i] = dr7_slot_mask(i) | stale(BIT(i));
	find_percpu();
	register_die_notifier(&debug_notifier);
	arch_kgdb_hw_breakpoint_init();
}

/* What a CPU's registers hold when it comes up is not what they held when it went. */
static int forget_registers(unsigned int cpu)
{
	per_cpu(debug_registers.known, cpu) = 0;
	return 0;
}

/* The kernel that ran before this one may have left masks. */
static int reset_new_cpu(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	hw_breakpoint_reset();
	local_irq_restore(flags);
	return 0;
}

static int __init hw_breakpoint_cpu_init(void)
{
	int state = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "x86/hw_breakpoint:prepare",
				      forget_registers, NULL);

	if (state >= 0)
		state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "x86/hw_breakpoint:online",
					  reset_new_cpu, NULL);
	return state < 0 ? state : 0;
}
early_initcall(hw_breakpoint_cpu_init);
