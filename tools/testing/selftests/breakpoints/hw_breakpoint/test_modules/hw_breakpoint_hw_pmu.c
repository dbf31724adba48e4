// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PMU "hw_breakpoint_hw" in perf's hardware context, with one counter a CPU that counts
 * nothing: for groups of breakpoints with hardware events, where the machine has none.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>

static DEFINE_PER_CPU(bool, taken);
static struct pmu hw_pmu;

static int hw_event_init(struct perf_event *event)
{
	return event->attr.type == hw_pmu.type ? 0 : -ENOENT;
}

static int hw_add(struct perf_event *event, int flags)
{
	if (__this_cpu_read(taken))
		return -EAGAIN;
	__this_cpu_write(taken, true);
	return 0;
}

static void hw_del(struct perf_event *event, int flags)
{
	__this_cpu_write(taken, false);
}

static void hw_start_or_stop(struct perf_event *event, int flags)
{
}

static void hw_read(struct perf_event *event)
{
}

static struct pmu hw_pmu = {
	.module		= THIS_MODULE,
	.task_ctx_nr	= perf_hw_context,
	.event_init	= hw_event_init,
	.add		= hw_add,
	.del		= hw_del,
	.start		= hw_start_or_stop,
	.stop		= hw_start_or_stop,
	.read		= hw_read,
};

static int __init hw_pmu_init(void)
{
	return perf_pmu_register(&hw_pmu, "hw_breakpoint_hw", -1);
}
module_init(hw_pmu_init);

static void __exit hw_pmu_exit(void)
{
	perf_pmu_unregister(&hw_pmu);
}
module_exit(hw_pmu_exit);

MODULE_DESCRIPTION("A hardware PMU that counts nothing, for breakpoints in its groups");
MODULE_LICENSE("GPL");
