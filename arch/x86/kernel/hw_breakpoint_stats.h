/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CONFIG_HW_BREAKPOINT_STATS: each CPU counts its accesses to the debug registers, for
 * /sys/kernel/debug/hw_breakpoint/stats.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _ARCH_X86_KERNEL_HW_BREAKPOINT_STATS_H
#define _ARCH_X86_KERNEL_HW_BREAKPOINT_STATS_H

#include <linux/percpu.h>

/**
 * enum hw_breakpoint_stat - what is counted
 * @ADDRESS_WRITES: writes to DR0-DR3
 * @DR6_WRITES: writes to DR6, but for those at the entry of a #DB
 * @DR7_WRITES: writes to DR7, but for those at the entry and exit of a #DB, NMI or MCE, and of
 *	hw_breakpoint_disable()
 * @SKIPPED_WRITES: writes to DR0-DR3 that were not needed
 * @HITS: hits of breakpoints
 * @SPURIOUS_HITS: hits of breakpoints that were just being removed, or of none
 * @GUEST_EXITS: how often a guest gave the registers back
 * @GUEST_EXIT_WRITES: writes to debug registers for that
 * @NR_REGISTER_STATS: not a counter
 */
enum hw_breakpoint_stat {
	ADDRESS_WRITES,
	DR6_WRITES,
	DR7_WRITES,
	SKIPPED_WRITES,
	HITS,
	SPURIOUS_HITS,
	GUEST_EXITS,
	GUEST_EXIT_WRITES,
	NR_REGISTER_STATS,
};

#ifdef CONFIG_HW_BREAKPOINT_STATS

DECLARE_PER_CPU(unsigned long [NR_REGISTER_STATS], hw_breakpoint_stats);

#define hw_breakpoint_count(stat, nr)	this_cpu_add(hw_breakpoint_stats[stat], nr)
#define hw_breakpoint_writes()				\
	(this_cpu_read(hw_breakpoint_stats[ADDRESS_WRITES]) +	\
	 this_cpu_read(hw_breakpoint_stats[DR6_WRITES]) +	\
	 this_cpu_read(hw_breakpoint_stats[DR7_WRITES]))

#else /* !CONFIG_HW_BREAKPOINT_STATS */

#define hw_breakpoint_count(stat, nr)	((void)(nr))
#define hw_breakpoint_writes()		0

#endif /* !CONFIG_HW_BREAKPOINT_STATS */

#endif /* _ARCH_X86_KERNEL_HW_BREAKPOINT_STATS_H */
