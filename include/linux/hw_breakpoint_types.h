/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hardware breakpoints keep in each perf event and in each perf event context.
 *
 * These are apart from linux/hw_breakpoint.h because linux/perf_event.h embeds them.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _LINUX_HW_BREAKPOINT_TYPES_H
#define _LINUX_HW_BREAKPOINT_TYPES_H

#include <linux/spinlock_types.h>
#include <linux/types.h>

/**
 * struct hw_breakpoint_account - the registers that a task's perf event context may use
 * @lock: protects all other fields, and the charges to this account. With @on_cpu, the table's
 *	mutex is held, too, to change any of them
 * @everywhere: registers of its events that are bound to no CPU
 * @nr_on_cpu: registers in @on_cpu
 * @on_cpu: registers of its events that are bound to one CPU, by CPU. NULL: none
 *
 * perf core may exchange the contexts of two tasks; the account stays with the context, as the
 * events do. Zeroed memory is an account without charges, but for @lock.
 */
struct hw_breakpoint_account {
	spinlock_t		lock;
	unsigned int		everywhere;
	unsigned int		nr_on_cpu;
	u8			*on_cpu;
};

/**
 * struct hw_breakpoint_charge - the registers that are reserved for one event or group
 * @account: the context that is charged. NULL: @cpu itself, or every CPU
 * @cpu: the CPU that the registers are reserved on; HW_BREAKPOINT_ANY_CPU: wherever the task
 *	runs (only with @account); HW_BREAKPOINT_EVERY_CPU: on all of them (only without)
 * @weight: how many registers. 0: nothing is reserved. Protected by @account's lock or, where
 *	there is none, by the table's mutex
 */
struct hw_breakpoint_charge {
	struct hw_breakpoint_account	*account;
	int				cpu;
	unsigned int			weight;
};

#define HW_BREAKPOINT_ANY_CPU	(-1)
#define HW_BREAKPOINT_EVERY_CPU	(-2)

/* A task limit that no machine reaches, and one for what another context's charge covers. */
#define HW_BREAKPOINT_NO_LIMIT	(UINT_MAX - 1)
#define HW_BREAKPOINT_COVERED	UINT_MAX

#endif /* _LINUX_HW_BREAKPOINT_TYPES_H */
