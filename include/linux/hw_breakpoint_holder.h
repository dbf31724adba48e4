/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who holds debug registers, and who was refused: what the parts of the breakpoint layer tell
 * each other for /sys/kernel/debug/hw_breakpoint/.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _LINUX_HW_BREAKPOINT_HOLDER_H
#define _LINUX_HW_BREAKPOINT_HOLDER_H

#include <linux/hw_breakpoint_types.h>
#include <linux/list.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/types.h>

/* The longest name of a holder, and the longest reason of a refusal, with their NUL. */
#define HW_BREAKPOINT_NAME_LEN	64
#define HW_BREAKPOINT_WHY_LEN	192

/**
 * struct hw_breakpoint_task - a task's names
 * @pid: in the initial namespace; 0: no task
 * @comm: what the task was called when it was looked at
 */
struct hw_breakpoint_task {
	pid_t		pid;
	char		comm[TASK_COMM_LEN];
};

/**
 * struct hw_breakpoint_watch - what is watched
 * @address: the first byte
 * @len: bytes; 0: nothing is known
 * @type: HW_BREAKPOINT_W, _RW, _X
 */
struct hw_breakpoint_watch {
	unsigned long	address;
	u64		len;
	u32		type;
};

/**
 * struct hw_breakpoint_holder - somebody who holds registers
 * @kind: "perf", "ptrace", "kernel", "kgdb", or what register_wide_hw_breakpoint_as() was given
 * @name: which of that kind, such as kernel code's caller; empty where there is nothing to add
 * @asker: the task that asked for the breakpoint, such as a debugger
 * @task: the task that is watched
 * @watch: what is watched
 * @hits: how often it was hit
 * @cpu: the CPU that it is bound to, HW_BREAKPOINT_ANY_CPU or HW_BREAKPOINT_EVERY_CPU
 * @weight: how many registers are reserved
 */
struct hw_breakpoint_holder {
	const char			*kind;
	char				name[HW_BREAKPOINT_NAME_LEN];
	struct hw_breakpoint_task	asker;
	struct hw_breakpoint_task	task;
	struct hw_breakpoint_watch	watch;
	u64				hits;
	int				cpu;
	unsigned int			weight;
};

/**
 * struct hw_breakpoint_owner - whose a breakpoint on every CPU is
 * @node: in the list of hw_breakpoint_add_owner()
 * @kind: as in struct hw_breakpoint_holder; NULL: kernel code
 * @name: as in struct hw_breakpoint_holder
 * @caller: the code that registered it
 * @watch: what is watched
 * @charge: what is reserved
 */
struct hw_breakpoint_owner {
	struct list_head		node;
	const char			*kind;
	const char			*name;
	void				*caller;
	struct hw_breakpoint_watch	watch;
	struct hw_breakpoint_charge	charge;
};

/**
 * struct hw_breakpoint_request - what was asked for
 * @kind: as for struct hw_breakpoint_holder
 * @name: as for struct hw_breakpoint_holder; NULL where there is nothing to add
 * @watch: to watch this
 * @task: for this task, or NULL
 * @cpu: on this CPU, HW_BREAKPOINT_ANY_CPU or HW_BREAKPOINT_EVERY_CPU
 */
struct hw_breakpoint_request {
	const char			*kind;
	const char			*name;
	struct hw_breakpoint_watch	watch;
	struct task_struct		*task;
	int				cpu;
};

/**
 * hw_breakpoint_name_task() - take down a task's names
 * @to: where to
 * @task: the task; the caller keeps it from going
 *
 * Context: any. Takes no lock: a name that is just being changed may come mixed.
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
 * Context: any. Takes no lock: what is just being modified may come mixed.
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

void hw_breakpoint_name_owner(struct hw_breakpoint_holder *holder,
			      const struct hw_breakpoint_owner *owner);
void hw_breakpoint_add_owner(struct hw_breakpoint_owner *owner);
void hw_breakpoint_remove_owner(struct hw_breakpoint_owner *owner);

void hw_breakpoint_explain(char *why, const struct hw_breakpoint_charge *charge,
			   unsigned int more);
void hw_breakpoint_refused(const struct hw_breakpoint_request *request, int err,
			   const char *why);

#endif /* _LINUX_HW_BREAKPOINT_HOLDER_H */
