/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the breakpoint layer's core have in common.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _KERNEL_HW_BREAKPOINT_INTERNAL_H
#define _KERNEL_HW_BREAKPOINT_INTERNAL_H

#include <linux/types.h>

struct arch_hw_breakpoint;
struct attribute_group;
struct dentry;
struct hw_breakpoint_table;
struct hw_breakpoint_task;
struct hw_breakpoint_watch;
struct hw_breakpoint_promise;
struct hw_breakpoint_who;
struct perf_event;
struct perf_event_attr;
struct seq_file;
struct task_struct;

/**
 * struct hw_breakpoint_cursor - how far a listing of all tasks' promises is
 * @pid: the number of the next task
 * @done: how many of its promises have been told
 */
struct hw_breakpoint_cursor {
	pid_t		pid;
	unsigned int	done;
};

/* hw_breakpoint.c */
int hw_breakpoint_check_attr(const struct perf_event_attr *attr, struct arch_hw_breakpoint *hw,
			     const char **why);
void hw_breakpoint_describe_event(const struct perf_event *bp, struct hw_breakpoint_who *who);

const void *hw_breakpoint_event_family(const struct perf_event *bp);
int hw_breakpoint_promise_to_event(struct perf_event *bp, unsigned int weight, char *why);

/* hw_breakpoint_exclusive.c */
int hw_breakpoint_exclusive_join(struct perf_event *bp, unsigned int weight, char *why);
void hw_breakpoint_exclusive_leave(struct perf_event *bp, const struct task_struct *holder);
int hw_breakpoint_exclusive_resize(struct perf_event *bp, unsigned int weight, char *why);
bool hw_breakpoint_exclusive_reclaim(void);

/* hw_breakpoint_flexible.c */
extern const struct attribute_group *hw_breakpoint_attr_groups[];
bool hw_breakpoint_is_flexible(const struct perf_event *bp);
int hw_breakpoint_share_add(struct perf_event *bp);
void hw_breakpoint_share_del(struct perf_event *bp);
void hw_breakpoint_share_wait(struct perf_event *bp);
void hw_breakpoint_share_read(struct perf_event *bp);
void hw_breakpoint_share_each(void (*fn)(const struct perf_event *bp, int reg, void *data),
			      void *data);

/* hw_breakpoint_promises.c */
void hw_breakpoint_promises_init(void);
int hw_breakpoint_promise_to_cpu(struct hw_breakpoint_promise *promise, int cpu,
				 unsigned int weight, char *why);
int hw_breakpoint_promise_to_task(struct hw_breakpoint_promise *promise,
				  struct task_struct *task, int cpu, unsigned int weight,
				  const void *family, bool inherited, char *why);
int hw_breakpoint_promise_resize(struct hw_breakpoint_promise *promise, unsigned int weight,
				 bool inherited, char *why);
bool hw_breakpoint_promise_move(struct hw_breakpoint_promise *from,
				struct hw_breakpoint_promise *to, unsigned int weight,
				const void *family, const struct task_struct *task);
void hw_breakpoint_promise_shrink(struct hw_breakpoint_promise *promise, unsigned int by);
void hw_breakpoint_promise_release(struct hw_breakpoint_promise *promise, const void *family,
				   struct task_struct *holder);
void hw_breakpoint_promises_on(int cpu, unsigned int *own, unsigned int *task);
unsigned int hw_breakpoint_promises_of_cpu(int cpu, struct hw_breakpoint_who *who,
					   unsigned int max);
unsigned int hw_breakpoint_promises_of_tasks(struct hw_breakpoint_cursor *cursor,
					     struct hw_breakpoint_who *who, unsigned int max);
void hw_breakpoint_look_at_table(void (*look)(const struct hw_breakpoint_table *table, void *data),
				 void *data);

/* hw_breakpoint_wide.c */
bool hw_breakpoint_wide_prepaid(const struct perf_event *bp);
void hw_breakpoint_wide_lock(void);
void hw_breakpoint_wide_unlock(void);
void hw_breakpoint_describe_wide(const struct perf_event *bp, int cpu,
				 struct hw_breakpoint_who *who);

/* hw_breakpoint_debugfs.c */
void hw_breakpoint_show_escaped(struct seq_file *m, const char *string);
void hw_breakpoint_show_task(struct seq_file *m, const struct hw_breakpoint_task *task);
void hw_breakpoint_show_watch(struct seq_file *m, const struct hw_breakpoint_watch *watch);
void hw_breakpoint_show_string_kv(struct seq_file *m, const char *key, const char *string);
void hw_breakpoint_show_task_kv(struct seq_file *m, const char *prefix,
				const struct hw_breakpoint_task *task);
void hw_breakpoint_show_watch_kv(struct seq_file *m, const struct hw_breakpoint_watch *watch);

/* hw_breakpoint_recount.c */
#ifdef CONFIG_DEBUG_HW_BREAKPOINT
void hw_breakpoint_recount_init(struct dentry *dir);
#else
static inline void hw_breakpoint_recount_init(struct dentry *dir)
{
}
#endif

/* hw_breakpoint_refused.c */
int hw_breakpoint_refused_show(struct seq_file *m, void *unused);
int hw_breakpoint_refused_kv_show(struct seq_file *m, void *unused);

#endif /* _KERNEL_HW_BREAKPOINT_INTERNAL_H */
