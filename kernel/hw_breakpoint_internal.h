/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the breakpoint layer's core offer each other. Each file calls only those
 * that are listed before it.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _KERNEL_HW_BREAKPOINT_INTERNAL_H
#define _KERNEL_HW_BREAKPOINT_INTERNAL_H

#include <linux/hw_breakpoint_core.h>
#include <linux/hw_breakpoint_types.h>
#include <linux/perf_event.h>

struct attribute_group;
struct seq_file;

/* hw_breakpoint_slots.c: see hw_breakpoint_slots.h */

/**
 * hw_breakpoint_no_charge() - what an event is going to be charged to
 * @bp: the event
 * @ctx: the context that it is installed in
 *
 * Return: a charge of nothing.
 */
static inline struct hw_breakpoint_charge
hw_breakpoint_no_charge(const struct perf_event *bp, struct perf_event_context *ctx)
{
	return (struct hw_breakpoint_charge) {
		.account = bp->hw.target ? &ctx->hw_breakpoint_account : NULL,
		.cpu = bp->cpu,
	};
}

/*
 * What perf core has as the owner of kernel code's events, and as the task of a context that has
 * lost its task. perf core has its name for it, TASK_TOMBSTONE, to itself.
 */
#define HW_BREAKPOINT_NO_TASK	((struct task_struct *)-1L)

/* hw_breakpoint_holders.c */
void hw_breakpoint_describe(const struct perf_event *bp, struct hw_breakpoint_holder *holder);
void hw_breakpoint_add_cpu_event(struct perf_event *bp);
void hw_breakpoint_remove_cpu_event(struct perf_event *bp);
void hw_breakpoint_explain_limit(char *why, const struct hw_breakpoint_charge *charge,
				 unsigned int limit, unsigned int more);
void hw_breakpoint_list_holders(void (*show)(struct seq_file *m,
					     const struct hw_breakpoint_holder *holder),
				struct seq_file *m);

/* hw_breakpoint_refused.c: 64 refusals take 24 KiB */
#define HW_BREAKPOINT_NR_REFUSALS	64

/**
 * struct hw_breakpoint_refusal - a refused request, or several in a row that don't differ
 * @time: when the last one was refused, in ns of local_clock()
 * @explained: when the reason was found
 * @times: how many there were
 * @err: the negative errno
 * @state: as for hw_breakpoint_refused_again()
 * @request: what was asked for, and by whom
 * @why: the reason
 */
struct hw_breakpoint_refusal {
	u64				time;
	u64				explained;
	unsigned int			times;
	int				err;
	unsigned int			state;
	struct hw_breakpoint_holder	request;
	char				why[HW_BREAKPOINT_WHY_LEN];
};

bool hw_breakpoint_refused_again(const struct hw_breakpoint_holder *request, int err,
				 unsigned int state);
void hw_breakpoint_copy_refusals(struct hw_breakpoint_refusal *to);

/* hw_breakpoint_exclusive.c */
int hw_breakpoint_exclusive_join(struct perf_event *bp, struct perf_event_context *ctx,
				 unsigned int weight, unsigned int limit);
void hw_breakpoint_exclusive_leave(struct perf_event *bp);
int hw_breakpoint_exclusive_resize(struct perf_event *bp, unsigned int weight, unsigned int limit);
void hw_breakpoint_exclusive_orphan(struct perf_event *bp);
const struct hw_breakpoint_charge *hw_breakpoint_exclusive_charge(const struct perf_event *bp);
bool hw_breakpoint_exclusive_explain(char *why, struct perf_event *bp, unsigned int *more);

/* hw_breakpoint_flexible.c */
extern const struct attribute_group *hw_breakpoint_attr_groups[];
bool hw_breakpoint_is_flexible(const struct perf_event *bp);
int hw_breakpoint_share_add(struct perf_event *bp);
void hw_breakpoint_share_del(struct perf_event *bp);
void hw_breakpoint_share_wait(struct perf_event *bp);
void hw_breakpoint_share_each(void (*fn)(const struct perf_event *bp, int reg, void *data),
			      void *data);

/* hw_breakpoint.c */
int hw_breakpoint_check_attr(const struct perf_event_attr *attr, struct arch_hw_breakpoint *hw,
			     const char **why);
void hw_breakpoint_prepaid(struct perf_event *bp, struct perf_sample_data *data,
			   struct pt_regs *regs);

#endif /* _KERNEL_HW_BREAKPOINT_INTERNAL_H */
