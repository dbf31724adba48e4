/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the breakpoint layer counts on each CPU, for /sys/kernel/debug/hw_breakpoint/stats:
 * nothing without CONFIG_HW_BREAKPOINT_STATS.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _LINUX_HW_BREAKPOINT_STATS_H
#define _LINUX_HW_BREAKPOINT_STATS_H

#include <linux/percpu.h>

/**
 * enum hw_breakpoint_stat - what is counted
 * @HW_BREAKPOINT_ADDRESS_WRITES: writes to an address register
 * @HW_BREAKPOINT_DR6_WRITES: writes to the status register, but for those of a #DB's entry
 * @HW_BREAKPOINT_DR7_WRITES: writes to the control register, but for those with which #DB,
 *	NMI and MCE begin and end, and of hw_breakpoint_disable()
 * @HW_BREAKPOINT_SKIPPED_WRITES: address registers that held the right address already
 * @HW_BREAKPOINT_HITS: hits that went to somebody
 * @HW_BREAKPOINT_SPURIOUS_HITS: hits of breakpoints that were on their way out, or of none
 * @HW_BREAKPOINT_GUEST_EXITS: how often a guest gave the registers back
 * @HW_BREAKPOINT_GUEST_EXIT_WRITES: writes to any of them for that
 * @HW_BREAKPOINT_NR_STATS: not a counter
 */
enum hw_breakpoint_stat {
	HW_BREAKPOINT_ADDRESS_WRITES,
	HW_BREAKPOINT_DR6_WRITES,
	HW_BREAKPOINT_DR7_WRITES,
	HW_BREAKPOINT_SKIPPED_WRITES,
	HW_BREAKPOINT_HITS,
	HW_BREAKPOINT_SPURIOUS_HITS,
	HW_BREAKPOINT_GUEST_EXITS,
	HW_BREAKPOINT_GUEST_EXIT_WRITES,
	HW_BREAKPOINT_NR_STATS,
};

#ifdef CONFIG_HW_BREAKPOINT_STATS

struct hw_breakpoint_stats {
	unsigned long	nr[HW_BREAKPOINT_NR_STATS];
};

DECLARE_PER_CPU(struct hw_breakpoint_stats, hw_breakpoint_stats);

/**
 * hw_breakpoint_count_many() - add to one of this CPU's counters
 * @stat: which
 * @nr: how much
 *
 * Context: any, up to NMI.
 */
static __always_inline void hw_breakpoint_count_many(enum hw_breakpoint_stat stat,
						     unsigned long nr)
{
	this_cpu_add(hw_breakpoint_stats.nr[stat], nr);
}

/**
 * hw_breakpoint_writes() - writes to this CPU's debug registers up to now
 *
 * Context: the caller stays on the CPU.
 * Return: the sum, with wrap-around.
 */
static __always_inline unsigned long hw_breakpoint_writes(void)
{
	return this_cpu_read(hw_breakpoint_stats.nr[HW_BREAKPOINT_ADDRESS_WRITES]) +
	       this_cpu_read(hw_breakpoint_stats.nr[HW_BREAKPOINT_DR6_WRITES]) +
	       this_cpu_read(hw_breakpoint_stats.nr[HW_BREAKPOINT_DR7_WRITES]);
}

/**
 * hw_breakpoint_stats_at() - do a CPU's counters stand at an address?
 * @first: the first byte
 * @last: the last one
 * @cpu: the CPU
 *
 * Context: any.
 * Return: true if any of them is between @first and @last.
 */
static inline bool hw_breakpoint_stats_at(unsigned long first, unsigned long last, int cpu)
{
	unsigned long start = (unsigned long)&per_cpu(hw_breakpoint_stats, cpu);

	return first < start + sizeof(struct hw_breakpoint_stats) && last >= start;
}

#else /* !CONFIG_HW_BREAKPOINT_STATS */

static __always_inline void hw_breakpoint_count_many(enum hw_breakpoint_stat stat,
						     unsigned long nr)
{
}

static __always_inline unsigned long hw_breakpoint_writes(void)
{
	return 0;
}

static inline bool hw_breakpoint_stats_at(unsigned long first, unsigned long last, int cpu)
{
	return false;
}

#endif /* !CONFIG_HW_BREAKPOINT_STATS */

/**
 * hw_breakpoint_count() - count one on this CPU
 * @stat: what
 *
 * Context: any, up to NMI.
 */
static __always_inline void hw_breakpoint_count(enum hw_breakpoint_stat stat)
{
	hw_breakpoint_count_many(stat, 1);
}

#endif /* _LINUX_HW_BREAKPOINT_STATS_H */
