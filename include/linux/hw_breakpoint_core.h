/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the core of the breakpoint layer (kernel/hw_breakpoint*.c) offers its clients and the
 * architecture, beyond linux/hw_breakpoint.h: reserving registers without an event, saying who
 * holds registers and who was refused, and sharing a register among several events.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _LINUX_HW_BREAKPOINT_CORE_H
#define _LINUX_HW_BREAKPOINT_CORE_H

#include <linux/hw_breakpoint_types.h>
#include <linux/jump_label.h>
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
 * struct hw_breakpoint_holder - the owner of a breakpoint, or of a request for one
 * @kind: "perf", "ptrace", "kernel", "kgdb", or what register_wide_hw_breakpoint_as() was given;
 *	empty: nobody
 * @name: which of that kind, such as the function of the kernel that registered the breakpoint;
 *	may be empty
 * @asker: the task that asked for the breakpoint, such as a debugger
 * @task: the task that is watched
 * @watch: what is watched
 * @hits: how often it was hit
 * @cpu: the CPU that it is bound to, HW_BREAKPOINT_ANY_CPU or HW_BREAKPOINT_EVERY_CPU
 * @weight: how many registers are reserved, or were requested
 */
struct hw_breakpoint_holder {
	char				kind[16];
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

/* hw_breakpoint_slots.c: for clients that reserve registers on every CPU */
int hw_breakpoint_charge(struct hw_breakpoint_charge *charge, unsigned int weight,
			 unsigned int task_limit);
int hw_breakpoint_charge_stopped(struct hw_breakpoint_charge *charge, unsigned int weight);

/* hw_breakpoint_holders.c */
void hw_breakpoint_name_owner(struct hw_breakpoint_holder *holder,
			      const struct hw_breakpoint_owner *owner);
void hw_breakpoint_add_owner(struct hw_breakpoint_owner *owner);
void hw_breakpoint_remove_owner(struct hw_breakpoint_owner *owner);
void hw_breakpoint_explain(char *why, const struct hw_breakpoint_charge *charge,
			   unsigned int more);

/* hw_breakpoint_refused.c */
void hw_breakpoint_refused(struct hw_breakpoint_holder *request, int err, const char *why,
			   unsigned int state);

/* hw_breakpoint_flexible.c: several events may share a register */
DECLARE_STATIC_KEY_FALSE(hw_breakpoint_may_share);

/* For the #DB handler, which has to tell all of them. */
void hw_breakpoint_share_begin_hits(void);
void hw_breakpoint_share_end_hits(void);
struct arch_hw_breakpoint *hw_breakpoint_share_next(const struct arch_hw_breakpoint *hw,
						    const struct arch_hw_breakpoint *host);

/* For the kernel debugger, whose breakpoints are no events. */
bool hw_breakpoint_debugger_begin(void);
void hw_breakpoint_debugger_add(struct arch_hw_breakpoint *hw);
void hw_breakpoint_debugger_end(void);

#endif /* _LINUX_HW_BREAKPOINT_CORE_H */
