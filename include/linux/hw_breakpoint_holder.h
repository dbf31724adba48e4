/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who holds debug registers, and who asked for some in vain: what the parts of the
 * breakpoint layer tell each other for /sys/kernel/debug/hw_breakpoint/.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _LINUX_HW_BREAKPOINT_HOLDER_H
#define _LINUX_HW_BREAKPOINT_HOLDER_H

#include <linux/hw_breakpoint_promise.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/types.h>

/* The longest name of a holder, and the longest reason of a refusal, with their NUL. */
#define HW_BREAKPOINT_NAME_LEN	64
#define HW_BREAKPOINT_WHY_LEN	192

/**
 * struct hw_breakpoint_task - a task, to be named
 * @pid: in the initial namespace; 0: none
 * @comm: what it was called when it was looked at
 */
struct hw_breakpoint_task {
	pid_t		pid;
	char		comm[TASK_COMM_LEN];
};

/**
 * struct hw_breakpoint_watch - what is watched
 * @address: the first byte
 * @len: bytes; 0: this isn't known
 * @type: HW_BREAKPOINT_W, _RW, _X
 */
struct hw_breakpoint_watch {
	unsigned long	address;
	u64		len;
	u32		type;
};

/**
 * struct hw_breakpoint_who - a holder of registers
 * @kind: "perf", "ptrace", "kernel", "kgdb", or what register_wide_hw_breakpoint_as() was given
 * @name: of that kind: kernel code's caller; empty where there is nothing to add
 * @asker: who asked for it, such as a debugger
 * @task: the task that it is for
 * @watch: what it watches
 * @hits: how often it was hit on this CPU, or in this task
 * @cpu: the CPU that it is for, or -1
 * @slots: how many registers
 */
struct hw_breakpoint_who {
	const char			*kind;
	char				name[HW_BREAKPOINT_NAME_LEN];
	struct hw_breakpoint_task	asker;
	struct hw_breakpoint_task	task;
	struct hw_breakpoint_watch	watch;
	u64				hits;
	int				cpu;
	unsigned int			slots;
};

/**
 * struct hw_breakpoint_holder - tells whose a promise is
 * @describe: fills in @who: its kind, and what else it knows, but for task, cpu and slots; the
 *	rest is zero. Under the table's lock, interrupts off, for the debugger in an NMI too
 */
struct hw_breakpoint_holder {
	void (*describe)(const struct hw_breakpoint_promise *promise,
			 struct task_struct *task, struct hw_breakpoint_who *who);
};

/**
 * struct hw_breakpoint_request - what somebody asked for
 * @kind: as for struct hw_breakpoint_who
 * @name: as for struct hw_breakpoint_who; NULL where there is nothing to add
 * @watch: to watch this
 * @task: for this task, or NULL
 * @cpu: for this CPU; -1: none; HW_BREAKPOINT_EVERY_CPU
 */
struct hw_breakpoint_request {
	const char			*kind;
	const char			*name;
	struct hw_breakpoint_watch	watch;
	struct task_struct		*task;
	int				cpu;
};

#define HW_BREAKPOINT_EVERY_CPU	(-2)

/**
 * hw_breakpoint_name_task() - name a task
 * @to: where to
 * @task: which; the caller sees to it that it stays
 *
 * Context: any. Takes no lock: a name that is just being changed comes mixed.
 */
static inline void hw_breakpoint_name_task(struct hw_breakpoint_task *to,
					   const struct task_struct *task)
{
	to->pid = task_pid_nr((struct task_struct *)task);
	memcpy(to->comm, task->comm, sizeof(to->comm));
	to->comm[sizeof(to->comm) - 1] = '\0';
}

/**
 * hw_breakpoint_watch() - what an attribute watches
 * @attr: of a breakpoint event
 *
 * Context: any. Takes no lock: what is just being modified comes mixed.
 * Return: the same in brief.
 */
static inline struct hw_breakpoint_watch
hw_breakpoint_watch(const struct perf_event_attr *attr)
{
	return (struct hw_breakpoint_watch) {
		.address = READ_ONCE(attr->bp_addr),
		.len = READ_ONCE(attr->bp_len),
		.type = READ_ONCE(attr->bp_type),
	};
}

void hw_breakpoint_refused(const struct hw_breakpoint_request *request, int err,
			   const char *why);

#endif /* _LINUX_HW_BREAKPOINT_HOLDER_H */
