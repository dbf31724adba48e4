/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watched memory: what the ksym tracer and watch events have in common.
 *
 * Documentation/trace/ksym.rst, Documentation/trace/watch-events.rst
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _TRACE_WATCH_H
#define _TRACE_WATCH_H

#include <linux/atomic.h>
#include <linux/hw_breakpoint.h>
#include <linux/task_work.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/* The longest memory whose value is recorded, in bytes. */
#define WATCH_MAX_LEN	sizeof(u64)

/**
 * struct watch_value - what was last seen in watched memory
 * @addr: where; 0: nothing was seen yet
 * @value: what; atomic64_t, since xchg() of 8 bytes doesn't exist on 32-bit machines
 */
struct watch_value {
	unsigned long	addr;
	atomic64_t	value;
};

/**
 * struct watch_hit - an access
 * @addr: of the memory, its first byte
 * @value: what is there now
 * @old: what was there at the hit before, or when watching began
 */
struct watch_hit {
	unsigned long	addr;
	u64		value;
	u64		old;
};

/**
 * struct watch_later - something that can't be done here
 * @task: done by the task when it returns to user space
 * @work: or by a worker
 * @fn: does it; may free what this is a part of
 */
struct watch_later {
	union {
		struct callback_head	task;
		struct work_struct	work;
	};
	void (*fn)(struct watch_later *later);
};

void watch_do_later(struct watch_later *later, void (*fn)(struct watch_later *later));

bool watch_is_len(unsigned long len);
unsigned int watch_default_len(unsigned long addr);
void watch_attr(struct perf_event_attr *attr, unsigned long addr, unsigned int type,
		unsigned int len);
int watch_find_symbol(const char *name, unsigned long *addr);

void watch_begin(struct watch_value *last, unsigned long addr, unsigned int len);
bool watch_look(struct watch_value *last, struct perf_event *bp, struct watch_hit *hit);

#endif /* _TRACE_WATCH_H */
