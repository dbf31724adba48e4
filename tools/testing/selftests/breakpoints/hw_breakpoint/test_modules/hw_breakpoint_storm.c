// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's part of hwbp_scale: threads that ask for wide breakpoints, and for others'
 * tasks', at random, as /sys/kernel/debug/hw_breakpoint_storm/ is told.
 *
 * Write to "ctl":
 *   start THREADS SEED LOW HIGH ADDR    so many threads, for tasks from pid LOW to HIGH, which
 *                                       are to watch the user address ADDR
 *   stop                                ends them; what they hold is gone when this returns
 * Read "status": lines "threads", "granted", "refused", "gone" (requests for a task that wasn't
 * there any more), and "odd" (the first errno that may not be; 0).
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/debugfs.h>
#include <linux/hw_breakpoint.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/perf_event.h>
#include <linux/pid.h>
#include <linux/prandom.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>

#include "hw_breakpoint_ctl.h"

#define MAX_THREADS 64

/* === Data === */

/**
 * struct storm - a thread and what it holds
 * @thread: NULL: it isn't running
 * @random: its choices
 * @user: a task's breakpoint, or NULL
 * @wide: one on every CPU, or NULL
 */
struct storm {
	struct task_struct		*thread;
	struct rnd_state		random;
	struct perf_event		*user;
	struct perf_event * __percpu	*wide;
};

/* All but @thread is each thread's own; that is protected by storm_lock. */
static struct storm storms[MAX_THREADS];

/* Serialises commands. */
static DEFINE_MUTEX(storm_lock);

/* What "start" said; doesn't change while there are threads. */
static pid_t pid_low, pid_high;
static u64 user_addr;

/* What wide breakpoints watch: touched by nothing. */
static u64 storm_var __aligned(64);

/* What became of requests. */
static atomic_long_t granted, refused, gone;
static atomic_t odd;

static struct dentry *storm_dir;

/* === Requests === */

static u32 below(struct storm *s, u32 n)
{
	return prandom_u32_state(&s->random) % n;
}

static void ignore_hit(struct perf_event *bp, struct perf_sample_data *data, struct pt_regs *regs)
{
}

static void note(int err)
{
	switch (err) {
	case 0:
		atomic_long_inc(&granted);
		break;
	case -ENOSPC:
		atomic_long_inc(&refused);
		break;
	case -ESRCH:
		atomic_long_inc(&gone);
		break;
	default:
		atomic_cmpxchg(&odd, 0, -err);
	}
}

static void storm_attr(struct perf_event_attr *attr, u64 addr)
{
	hw_breakpoint_init(attr);
	attr->bp_type = HW_BREAKPOINT_W;
	attr->bp_addr = addr;
	attr->bp_len = HW_BREAKPOINT_LEN_8;
}

static void begin_wide(struct storm *s)
{
	struct perf_event * __percpu *wide;
	struct perf_event_attr attr;

	storm_attr(&attr, (unsigned long)&storm_var);
	wide = register_wide_hw_breakpoint(&attr, ignore_hit, NULL);
	note(PTR_ERR_OR_ZERO((__force void *)wide));
	if (!IS_ERR_PCPU(wide))
		s->wide = wide;
}

static void end_wide(struct storm *s)
{
	if (s->wide)
		unregister_wide_hw_breakpoint(s->wide);
	s->wide = NULL;
}

static void begin_user(struct storm *s)
{
	pid_t nr = pid_low + below(s, pid_high - pid_low + 1);
	struct perf_event_attr attr;
	struct task_struct *task;
	struct perf_event *user;
	struct pid *pid;

	pid = find_get_pid(nr);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!task) {
		note(-ESRCH);
		return;
	}
	storm_attr(&attr, user_addr);
	user = register_user_hw_breakpoint(&attr, ignore_hit, NULL, task);
	put_task_struct(task);
	note(PTR_ERR_OR_ZERO(user));
	if (!IS_ERR(user))
		s->user = user;
}

static void end_user(struct storm *s)
{
	if (s->user)
		unregister_hw_breakpoint(s->user);
	s->user = NULL;
}

/* What is there may always become another. */
static void modify_user(struct storm *s)
{
	struct perf_event_attr attr = s->user->attr;
	int err;

	attr.bp_type = below(s, 2) ? HW_BREAKPOINT_W : HW_BREAKPOINT_RW;
	attr.bp_len = below(s, 2) ? HW_BREAKPOINT_LEN_4 : HW_BREAKPOINT_LEN_8;
	attr.disabled = below(s, 4) == 0;
	err = modify_user_hw_breakpoint(s->user, &attr);
	if (err)
		atomic_cmpxchg(&odd, 0, -err);
}

static void do_something(struct storm *s)
{
	if (below(s, 4) == 0) {
		if (s->wide)
			end_wide(s);
		else
			begin_wide(s);
	} else if (!s->user) {
		begin_user(s);
	} else if (below(s, 2)) {
		modify_user(s);
	} else {
		end_user(s);
	}
}

static int storm_thread(void *arg)
{
	struct storm *s = arg;

	while (!kthread_should_stop()) {
		do_something(s);
		cond_resched();
	}
	end_user(s);
	end_wide(s);
	return 0;
}

/* === Commands === */

static int do_stop(void)
{
	int i;

	for (i = 0; i < MAX_THREADS; i++) {
		if (storms[i].thread)
			kthread_stop(storms[i].thread);
		storms[i].thread = NULL;
	}
	return 0;
}

static int start_one(int i, u32 seed)
{
	struct task_struct *thread;

	prandom_seed_state(&storms[i].random, ((u64)seed << 32) + i);
	thread = kthread_run(storm_thread, &storms[i], "hwbp_storm/%d", i);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	storms[i].thread = thread;
	return 0;
}

static int do_start(unsigned int threads, u32 seed, pid_t low, pid_t high, u64 addr)
{
	int i, err;

	if (threads > MAX_THREADS || low < 1 || high < low)
		return -EINVAL;
	do_stop();
	pid_low = low;
	pid_high = high;
	user_addr = addr;
	for (i = 0; i < threads; i++) {
		err = start_one(i, seed);
		if (err) {
			do_stop();
			return err;
		}
	}
	return 0;
}

static int run_command(const char *text)
{
	unsigned int threads;
	pid_t low, high;
	u64 addr;
	u32 seed;

	if (sscanf(text, "start %u %u %d %d %llx", &threads, &seed, &low, &high, &addr) == 5)
		return do_start(threads, seed, low, high, addr);
	if (!strncmp(text, "stop", 4))
		return do_stop();
	return -EINVAL;
}

DEFINE_CTL_FOPS(&storm_lock, run_command);

static int status_show(struct seq_file *m, void *unused)
{
	int i, threads = 0;

	mutex_lock(&storm_lock);
	for (i = 0; i < MAX_THREADS; i++)
		threads += !!storms[i].thread;
	mutex_unlock(&storm_lock);
	seq_printf(m, "threads %d\n", threads);
	seq_printf(m, "granted %ld\n", atomic_long_read(&granted));
	seq_printf(m, "refused %ld\n", atomic_long_read(&refused));
	seq_printf(m, "gone %ld\n", atomic_long_read(&gone));
	seq_printf(m, "odd %d\n", atomic_read(&odd));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

static int __init storm_init(void)
{
	storm_dir = debugfs_create_dir("hw_breakpoint_storm", NULL);
	debugfs_create_file("ctl", 0200, storm_dir, NULL, &ctl_fops);
	debugfs_create_file("status", 0400, storm_dir, NULL, &status_fops);
	return 0;
}

static void __exit storm_exit(void)
{
	debugfs_remove(storm_dir);
	do_stop();
}

module_init(storm_init);
module_exit(storm_exit);
MODULE_DESCRIPTION("The kernel's part of the hardware breakpoint stress");
MODULE_LICENSE("GPL");
