// SPDX-License-Identifier: GPL-2.0-only
/*
 * What x86's debug registers can watch, and what they must not.
 *
 * Sources: Intel SDM vol. 3, "Breakpoint Field Recognition"; AMD APM vol. 2, "Breakpoint
 * Address-Mask MSRs".
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/bits.h>
#include <linux/compat.h>
#include <linux/hw_breakpoint.h>
#include <linux/init.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>

#include <asm/cpu_entry_area.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/processor.h>
#include <asm/sections.h>
#include <asm/tlbflush.h>

#include "hw_breakpoint_dr7.h"
#include "hw_breakpoint_registers.h"
#include "hw_breakpoint_split.h"

/* A range of addresses: the first and the last byte. */
struct extent {
	unsigned long	first, last;
};

/*
 * The static per-CPU variables of all CPUs, and what lies between: [percpu_start, percpu_end). All
 * addresses until find_percpu() has run.
 */
static unsigned long percpu_start __ro_after_init, percpu_end __ro_after_init = ULONG_MAX;

/* === What can be watched ================================================== */

/* The longest range that several registers may watch together, in bytes. */
#define RANGE_MAX	32

/* On AMD, the comparison can ignore up to 32 low bits of the address. */
#define MASK_MAX	BIT_ULL(32)

static u64 largest_block(void)
{
	if (IS_ENABLED(CONFIG_CPU_SUP_AMD) && boot_cpu_has(X86_FEATURE_BPEXT))
		return MASK_MAX;
	return sizeof(long);
}

/* A block that is longer than DR7 can say has one byte there and an address mask. */
static void set_piece(struct arch_hw_breakpoint *hw, unsigned int i, unsigned int offset, u64 block)
{
	const bool masked = block > sizeof(long);

	hw->piece[i] = (struct hw_breakpoint_piece) {
		.setting = dr7_setting(hw->type, masked ? 1 : block),
		.mask_bits = masked ? __ffs64(block) : 0,
		.offset = offset,
	};
}

static const char *parse_data(const struct perf_event_attr *attr, struct arch_hw_breakpoint *hw)
{
	u64 block[HBP_NUM], offset = 0;
	unsigned int i, nr;

	nr = split_range(attr->bp_addr, attr->bp_len, largest_block(), block, HBP_NUM);
	if (!attr->bp_len || (attr->bp_len > RANGE_MAX && nr != 1))
		return "data has to be 1 to 32 bytes long";
	if (!nr)
		return "it takes more than four registers where it is";
	for (i = 0; i < nr; i++) {
		set_piece(hw, i, offset, block[i]);
		offset += block[i];
	}
	hw->nr_pieces = nr;
	return NULL;
}

/*
 * The hardware doesn't use the length of an instruction. Programs give 1, or sizeof(long), which was
 * once required, for their own word size. An inherited copy may be created by a task with another
 * word size.
 */
static const char *parse_execution(const struct perf_event *bp,
				   const struct perf_event_attr *attr,
				   struct arch_hw_breakpoint *hw)
{
	set_piece(hw, 0, 0, 1);
	hw->nr_pieces = 1;
	if (attr->bp_len == 1 || attr->bp_len == sizeof(long))
		return NULL;
	if (attr->bp_len == 4 && ((bp && bp->parent) || in_compat_syscall()))
		return NULL;
	return "the length for execution is sizeof(long), or 1";
}

static struct extent extent_of(const struct arch_hw_breakpoint *hw)
{
	const unsigned long first = arch_hw_breakpoint_address(hw);

	return (struct extent) { .first = first, .last = first + arch_hw_breakpoint_span(hw) };
}

static bool touches(struct extent range, const void *area, size_t size)
{
	unsigned long start = (unsigned long)area;

	return range.first < start + size && range.last >= start;
}

static bool touches_stats(struct extent range, int cpu)
{
#ifdef CONFIG_HW_BREAKPOINT_STATS
	return touches(range, per_cpu(hw_breakpoint_stats, cpu), sizeof(hw_breakpoint_stats));
#else
	return false;
#endif
}

/* The handlers of #DB may be compiled with checks of the stack canary around them. */
static bool touches_canary(struct extent range, int cpu)
{
#if defined(CONFIG_STACKPROTECTOR) && defined(CONFIG_X86_64)
	return touches(range, &per_cpu(fixed_percpu_data, cpu), sizeof(struct fixed_percpu_data));
#elif defined(CONFIG_STACKPROTECTOR)
	return touches(range, &per_cpu(__stack_chk_guard, cpu), sizeof(unsigned long));
#else
	return false;
#endif
}

/*
 * The #DB entry uses these before DR7 is zero, or after DR7 is armed again. A trap there would recurse
 * until the stack overflows.
 */
static bool touches_debug_entry(struct extent range, int cpu)
{
	if ((IS_ENABLED(CONFIG_DEBUG_PREEMPT) ||
	     IS_ENABLED(CONFIG_MITIGATION_CALL_DEPTH_TRACKING)) &&
	    touches(range, &per_cpu(pcpu_hot, cpu), sizeof(struct pcpu_hot)))
		return true;

	return touches(range, get_cpu_gdt_rw(cpu), GDT_SIZE) ||
	       touches(range, &per_cpu(cpu_tss_rw, cpu), sizeof(struct tss_struct)) ||
	       touches(range, &per_cpu(cpu_tlbstate, cpu), sizeof(struct tlb_state)) ||
	       touches(range, &per_cpu(x86_spec_ctrl_current, cpu), sizeof(u64)) ||
	       touches(range, &per_cpu(cpu_dr7, cpu), sizeof(cpu_dr7)) ||
	       touches(range, &per_cpu(cpu_dr7_held, cpu), sizeof(cpu_dr7_held)) ||
	       touches(range, &per_cpu(debug_registers, cpu), sizeof(struct debug_registers)) ||
	       touches_stats(range, cpu) || touches_canary(range, cpu);
}

static bool touches_percpu_base(struct extent range)
{
#ifdef CONFIG_SMP
	return touches(range, __per_cpu_offset, sizeof(__per_cpu_offset[0]) * nr_cpu_ids);
#else
	return touches(range, &pcpu_unit_offsets, sizeof(pcpu_unit_offsets));
#endif
}

/*
 * Avoids the search of all CPUs for nearly all addresses. Without SMP, per-CPU variables are among all
 * other variables.
 */
static bool may_touch_percpu(struct extent range)
{
	if (!IS_ENABLED(CONFIG_SMP))
		return true;
	return range.first < percpu_end && range.last >= percpu_start;
}

static bool would_recurse(struct extent range, unsigned int type)
{
	int cpu;

	if (touches(range, (void *)CPU_ENTRY_AREA_BASE, CPU_ENTRY_AREA_MAP_SIZE) ||
	    touches_percpu_base(range))
		return true;

	if (may_touch_percpu(range)) {
		for_each_possible_cpu(cpu) {
			if (touches_debug_entry(range, cpu))
				return true;
		}
	}
	return type == HW_BREAKPOINT_X && within_kprobe_blacklist(range.first);
}

bool arch_hw_breakpoint_in_kernel(const struct arch_hw_breakpoint *hw)
{
	return extent_of(hw).last >= TASK_SIZE_MAX;
}

bool arch_hw_breakpoint_same(const struct arch_hw_breakpoint *a,
			     const struct arch_hw_breakpoint *b)
{
	return arch_hw_breakpoint_address(a) == arch_hw_breakpoint_address(b) &&
	       a->type == b->type && arch_hw_breakpoint_span(a) == arch_hw_breakpoint_span(b);
}
NOKPROBE_SYMBOL(arch_hw_breakpoint_same);

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

const char *arch_hw_breakpoint_objection(const struct perf_event *bp,
					 const struct perf_event_attr *attr,
					 struct arch_hw_breakpoint *hw)
{
	struct extent range;
	const char *why;

	hw->address = attr->bp_addr;
	hw->type = attr->bp_type;
	why = parse_type(bp, attr, hw);
	if (why)
		return why;
	hw->dr7 = dr7_every_slot(hw->piece[0].setting);
	hw->simple = hw->nr_pieces == 1 && !hw->piece[0].mask_bits;
	range = extent_of(hw);
	if (attr->bp_addr != range.first || range.last < range.first)
		return "there is no such address";

	/* For an inherited copy the original was checked, and fork() should not fail. */
	if ((bp && bp->parent) || !arch_hw_breakpoint_in_kernel(hw))
		return NULL;
	if (would_recurse(range, hw->type))
		return "the handling of debug exceptions itself uses it";
	return NULL;
}

/*
 * Can the same pieces watch @address? A single piece has to be at a multiple of its size. Several
 * pieces fit if the addresses differ by a multiple of the longest range.
 */
static bool splits_alike(const struct arch_hw_breakpoint *hw, unsigned long address)
{
	if (hw->nr_pieces == 1)
		return !(address & arch_hw_breakpoint_span(hw));
	return !((address ^ arch_hw_breakpoint_address(hw)) & (RANGE_MAX - 1));
}

int arch_hw_breakpoint_check_move(const struct arch_hw_breakpoint *hw, unsigned long address)
{
	const struct extent range = {
		.first = address, .last = address + arch_hw_breakpoint_span(hw),
	};

	if (!splits_alike(hw, address) || range.last < address ||
	    address < TASK_SIZE_MAX || !arch_hw_breakpoint_in_kernel(hw))
		return -EINVAL;
	return would_recurse(range, hw->type) ? -EINVAL : 0;
}

static int __init find_percpu(void)
{
	unsigned long start, first = ULONG_MAX, last = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		start = (unsigned long)per_cpu_ptr((void __percpu *)__per_cpu_start, cpu);
		first = min(first, start);
		last = max(last, start);
	}
	percpu_start = first;
	percpu_end = last + (__per_cpu_end - __per_cpu_start);
	return 0;
}
early_initcall(find_percpu);
