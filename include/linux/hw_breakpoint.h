/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware breakpoints as perf events: the interface for kernel code.
 *
 * A breakpoint watches an address for execution, writes, or reads and writes, for
 * one task, one CPU, or all CPUs ("wide"). It is an ordinary perf event of type
 * PERF_TYPE_BREAKPOINT: fill in an attribute with hw_breakpoint_init(), set
 * bp_addr, bp_len and bp_type, register it. What each attribute means, and which
 * error comes when, is said in Documentation/trace/hw_breakpoint.rst.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _LINUX_HW_BREAKPOINT_H
#define _LINUX_HW_BREAKPOINT_H

#include <linux/perf_event.h>
#include <uapi/linux/hw_breakpoint.h>

/*
 * The kinds of registers. Where one register serves data and instructions alike
 * (HAVE_MIXED_BREAKPOINTS_REGS) both names mean the one pool that there is.
 */
enum bp_type_idx {
	TYPE_INST = 0,
#ifdef CONFIG_HAVE_MIXED_BREAKPOINTS_REGS
	TYPE_DATA = TYPE_INST,
#else
	TYPE_DATA,
#endif
	TYPE_MAX
};

#ifdef CONFIG_HAVE_HW_BREAKPOINT

/**
 * hw_breakpoint_init() - start an attribute for a breakpoint of the kernel's own
 * @attr: overwritten whole
 *
 * The event is pinned and calls its handler at each hit.
 *
 * Context: any.
 */
static inline void hw_breakpoint_init(struct perf_event_attr *attr)
{
	*attr = (struct perf_event_attr) {
		.type		= PERF_TYPE_BREAKPOINT,
		.size		= sizeof(*attr),
		.sample_period	= 1,
		.pinned		= 1,
	};
}

/**
 * ptrace_breakpoint_init() - the same for a debugger's breakpoint on a thread
 * @attr: overwritten whole
 *
 * What the kernel does on the thread's behalf is not reported.
 *
 * Context: any.
 */
static inline void ptrace_breakpoint_init(struct perf_event_attr *attr)
{
	hw_breakpoint_init(attr);
	attr->exclude_kernel = 1;
}

/**
 * hw_breakpoint_addr() - where a breakpoint is
 * @bp: a breakpoint event
 *
 * Context: any.
 * Return: the address of its first byte.
 */
static inline unsigned long hw_breakpoint_addr(struct perf_event *bp)
{
	return bp->attr.bp_addr;
}

/**
 * hw_breakpoint_type() - what a breakpoint watches for
 * @bp: a breakpoint event
 *
 * Context: any.
 * Return: a mask of HW_BREAKPOINT_R, _W and _X.
 */
static inline int hw_breakpoint_type(struct perf_event *bp)
{
	return bp->attr.bp_type;
}

/**
 * hw_breakpoint_len() - how much a breakpoint watches
 * @bp: a breakpoint event
 *
 * Context: any.
 * Return: bytes.
 */
static inline unsigned long hw_breakpoint_len(struct perf_event *bp)
{
	return bp->attr.bp_len;
}

/**
 * counter_arch_bp() - the architecture's part of a breakpoint
 * @bp: a breakpoint event
 *
 * Context: any.
 * Return: lives as long as @bp.
 */
static inline struct arch_hw_breakpoint *counter_arch_bp(struct perf_event *bp)
{
	return &bp->hw.info;
}

/**
 * hw_breakpoint_init_context() - a perf event context begins without charges
 * @ctx: the context; zeroed
 *
 * Context: any.
 */
static inline void hw_breakpoint_init_context(struct perf_event_context *ctx)
{
	spin_lock_init(&ctx->hw_breakpoint_account.lock);
}

int hw_breakpoint_slots(int type);
bool hw_breakpoint_is_used(void);

struct perf_event *
register_user_hw_breakpoint(struct perf_event_attr *attr,
			    perf_overflow_handler_t triggered, void *context,
			    struct task_struct *tsk);
int modify_user_hw_breakpoint(struct perf_event *bp, struct perf_event_attr *attr);
int modify_user_hw_breakpoint_check(struct perf_event *bp,
				    struct perf_event_attr *attr, bool check);
void unregister_hw_breakpoint(struct perf_event *bp);

struct perf_event * __percpu *
register_wide_hw_breakpoint(struct perf_event_attr *attr,
			    perf_overflow_handler_t triggered, void *context);
struct perf_event * __percpu *
register_wide_hw_breakpoint_as(const char *kind, const char *name, struct perf_event_attr *attr,
			       perf_overflow_handler_t triggered, void *context);
int modify_wide_hw_breakpoint(struct perf_event *__percpu *cpu_events,
			      struct perf_event_attr *attr);
void unregister_wide_hw_breakpoint(struct perf_event *__percpu *cpu_events);

int hw_breakpoint_move_local(struct perf_event *bp, unsigned long addr);
int hw_breakpoint_move_wide(struct perf_event *__percpu *cpu_events, unsigned long addr,
			    unsigned long *ticket);
bool hw_breakpoint_moved(struct perf_event *__percpu *cpu_events, unsigned long ticket);
void hw_breakpoint_wait_moved(struct perf_event *__percpu *cpu_events);

void flush_ptrace_hw_breakpoint(struct task_struct *tsk);
int init_hw_breakpoint(void);

#else /* !CONFIG_HAVE_HW_BREAKPOINT */

static inline int modify_user_hw_breakpoint_check(struct perf_event *bp,
						  struct perf_event_attr *attr,
						  bool check)
{
	return -EOPNOTSUPP;
}

static inline void hw_breakpoint_init_context(struct perf_event_context *ctx)
{
}

static inline void flush_ptrace_hw_breakpoint(struct task_struct *tsk)
{
}

static inline int init_hw_breakpoint(void)
{
	return 0;
}

#endif /* !CONFIG_HAVE_HW_BREAKPOINT */

/* An architecture whose ptrace keeps registers ready during a stop defines these. */
#ifndef ptrace_resume_debugregs
static inline void ptrace_resume_debugregs(struct task_struct *tsk)
{
}
#endif

#ifndef ptrace_exit_debugregs
static inline void ptrace_exit_debugregs(struct task_struct *debugger)
{
}
#endif

#endif /* _LINUX_HW_BREAKPOINT_H */
