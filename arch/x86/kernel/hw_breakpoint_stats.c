// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows what was counted of the debug registers: /sys/kernel/debug/hw_breakpoint/stats.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/build_bug.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>

#include "hw_breakpoint_stats.h"

DEFINE_PER_CPU(unsigned long [NR_REGISTER_STATS], hw_breakpoint_stats);

static const char * const stat_name[] = {
	[ADDRESS_WRITES]	= "address_writes",
	[DR6_WRITES]		= "dr6_writes",
	[DR7_WRITES]		= "dr7_writes",
	[SKIPPED_WRITES]	= "skipped_writes",
	[HITS]			= "hits",
	[SPURIOUS_HITS]		= "spurious_hits",
	[GUEST_EXITS]		= "guest_exits",
	[GUEST_EXIT_WRITES]	= "guest_exit_writes",
};

static_assert(ARRAY_SIZE(stat_name) == NR_REGISTER_STATS);

/* A line for each possible CPU: "cpu0 address_writes 12 dr6_writes 0 ..." */
static int stats_show(struct seq_file *m, void *unused)
{
	int cpu, i;

	for_each_possible_cpu(cpu) {
		seq_printf(m, "cpu%d", cpu);
		for (i = 0; i < NR_REGISTER_STATS; i++)
			seq_printf(m, " %s %lu", stat_name[i],
				   READ_ONCE(per_cpu(hw_breakpoint_stats, cpu)[i]));
		seq_putc(m, '\n');
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int __init hw_breakpoint_stats_init(void)
{
	struct dentry *dir = debugfs_lookup("hw_breakpoint", NULL);

	debugfs_create_file("stats", 0400, dir, NULL, &stats_fops);
	dput(dir);
	return 0;
}
late_initcall(hw_breakpoint_stats_init);
