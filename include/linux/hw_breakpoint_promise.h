/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one hardware-breakpoint event was promised: the record that the
 * constraint table (kernel/hw_breakpoint_slots.h) keeps in each perf event.
 *
 * It is a header of its own because it is embedded, through
 * asm/hw_breakpoint.h, in every perf event: it has to stay small and to need
 * no other header.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _LINUX_HW_BREAKPOINT_PROMISE_H
#define _LINUX_HW_BREAKPOINT_PROMISE_H

struct hw_breakpoint_account;
struct hw_breakpoint_holder;

/**
 * struct hw_breakpoint_promise - the debug registers that one event may count on
 * @account: the account that is charged; NULL: a CPU's own event
 * @next: the next promise on @account, in the order of @cpu; or the CPU's next
 * @family: the same for an event and all its inherited copies; NULL: none
 * @cpu: the CPU that it is for; -1: every CPU (task events only)
 * @weight: in registers; 0: nothing is held and no other field but @holder means anything
 * @holder: who can tell whose this is (hw_breakpoint_holder.h); set by who reserves, before
 *	that, and left alone by the table
 *
 * All other fields belong to the constraint table and are protected by its lock.
 * Zeroed memory is a promise of nothing.
 */
struct hw_breakpoint_promise {
	struct hw_breakpoint_account	*account;
	struct hw_breakpoint_promise	*next;
	const void			*family;
	int				cpu;
	unsigned int			weight;
	const struct hw_breakpoint_holder *holder;
};

#endif /* _LINUX_HW_BREAKPOINT_PROMISE_H */
