// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of reserving and releasing a register, alone: the PMU's event_init(), its charge() if
 * it has one, and the event's destroy(), as perf core calls them, without perf core.
 *
 * Nothing else here depends on the layer, so any layer can be measured. To
 * /sys/kernel/debug/hw_breakpoint_bench write "KIND PAIRS", where KIND is
 *
 *   task	for the task that writes
 *   cpu	for CPU 0
 *   task_cpu	for the task that writes, on CPU 0 only
 *
 * then read "NANOSECONDS PAIRS". What the loop takes without the two calls is taken off.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hw_breakpoint_ctl.h"

/* === Data === */

/* What is watched, in user space; no register is ever programmed with it. */
#define BENCH_ADDRESS	0x10000

/* Serialises commands; protects what follows. */
static DEFINE_MUTEX(bench_lock);

/* The answer to the last command. */
static s64 bench_ns;
static unsigned int bench_pairs;

/* The event, never seen by perf core; what both kinds of breakpoints have in common. */
static struct perf_event *bench_event;

/* Where a task's event would be. */
static struct perf_event_context bench_ctx;

static struct dentry *bench_file;

/* === Measuring === */

/* As perf core gives it to the PMU: with nothing of the one before. */
static void make_anew(struct perf_event *event, struct task_struct *task, int cpu)
{
	memset(&event->hw, 0, sizeof(event->hw));
	event->hw.target = task;
	event->cpu = cpu;
	event->destroy = NULL;
}

static int charge(struct perf_event *event)
{
#ifdef HW_BREAKPOINT_ANY_CPU
	return event->pmu->charge(event, &bench_ctx);
#else
	return 0;
#endif
}

static noinline int pairs(struct task_struct *task, int cpu, unsigned int n)
{
	struct perf_event *event = bench_event;
	int err;

	while (n--) {
		make_anew(event, task, cpu);
		err = event->pmu->event_init(event) ?: charge(event);
		if (err)
			return err;
		if (event->destroy)
			event->destroy(event);
	}
	return 0;
}

static noinline void no_pairs(struct task_struct *task, int cpu, unsigned int n)
{
	struct perf_event *event = bench_event;

	while (n--) {
		make_anew(event, task, cpu);
		barrier();
	}
}

static int measure(struct task_struct *task, int cpu, unsigned int n)
{
	ktime_t start, between, end;
	int err;

	start = ktime_get();
	err = pairs(task, cpu, n);
	between = ktime_get();
	no_pairs(task, cpu, n);
	end = ktime_get();
	if (err)
		return err;
	bench_ns = ktime_to_ns(ktime_sub(between, start)) - ktime_to_ns(ktime_sub(end, between));
	bench_pairs = n;
	return 0;
}

static int run_command(const char *text)
{
	unsigned int n;

	if (sscanf(text, "task %u", &n) == 1)
		return measure(current, -1, n);
	if (sscanf(text, "cpu %u", &n) == 1)
		return measure(NULL, 0, n);
	if (sscanf(text, "task_cpu %u", &n) == 1)
		return measure(current, 0, n);
	return -EINVAL;
}

/* === Interface === */

static ssize_t bench_write(struct file *file, const char __user *buf, size_t size, loff_t *ppos)
{
	return run_written(buf, size, &bench_lock, run_command);
}

static int bench_show(struct seq_file *m, void *unused)
{
	mutex_lock(&bench_lock);
	seq_printf(m, "%lld %u\n", bench_ns, bench_pairs);
	mutex_unlock(&bench_lock);
	return 0;
}
DEFINE_SHOW_STORE_ATTRIBUTE(bench);

static void never_hit(struct perf_event *bp, struct perf_sample_data *data, struct pt_regs *regs)
{
}

/* A real event is made once, for what it has, and is gone before anything is measured. */
static int make_event(void)
{
	struct perf_event_attr attr;
	struct perf_event *real;

	hw_breakpoint_init(&attr);
	attr.bp_addr = BENCH_ADDRESS;
	attr.bp_type = HW_BREAKPOINT_W;
	attr.bp_len = HW_BREAKPOINT_LEN_8;
	attr.disabled = 1;
	attr.exclude_kernel = 1;
	bench_event = kzalloc(sizeof(*bench_event), GFP_KERNEL);
	if (!bench_event)
		return -ENOMEM;
	real = perf_event_create_kernel_counter(&attr, 0, NULL, never_hit, NULL);
	if (IS_ERR(real)) {
		kfree(bench_event);
		return PTR_ERR(real);
	}
	bench_event->attr = real->attr;
	bench_event->pmu = real->pmu;
	bench_event->state = PERF_EVENT_STATE_OFF;
	bench_event->overflow_handler = never_hit;
	perf_event_release_kernel(real);
	return 0;
}

static int __init bench_init(void)
{
	int err = make_event();

	if (err)
		return err;
	bench_file = debugfs_create_file("hw_breakpoint_bench", 0600, NULL, NULL, &bench_fops);
	return 0;
}

static void __exit bench_exit(void)
{
	debugfs_remove(bench_file);
	kfree(bench_event);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("What a promise of a hardware breakpoint costs");
MODULE_LICENSE("GPL");
