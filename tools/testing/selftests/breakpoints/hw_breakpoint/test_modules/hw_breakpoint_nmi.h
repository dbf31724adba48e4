/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NMIs that a test sends, and what is done in them.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _HW_BREAKPOINT_NMI_H
#define _HW_BREAKPOINT_NMI_H

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/nmi.h>
#include <linux/smp.h>

#include <asm/apic.h>

struct kunit_suite;

/* Which CPU one was sent to; the others' aren't ours. */
static int nmi_cpu = -1;
static void (*nmi_action)(void);
static atomic_t nmis_seen;

static int nmi_handler(unsigned int cmd, struct pt_regs *regs)
{
	if (READ_ONCE(nmi_cpu) != raw_smp_processor_id())
		return NMI_DONE;
	WRITE_ONCE(nmi_cpu, -1);
	nmi_action();
	atomic_inc(&nmis_seen);
	return NMI_HANDLED;
}

/* Returns when it was handled. */
static void send_nmi(int cpu)
{
	int before = atomic_read(&nmis_seen);

	WRITE_ONCE(nmi_cpu, cpu);
	apic->send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
	while (atomic_read(&nmis_seen) == before)
		cpu_relax();
}

/* The suite's. */
static int nmi_suite_init(struct kunit_suite *suite)
{
	return register_nmi_handler(NMI_LOCAL, nmi_handler, 0, KBUILD_MODNAME);
}

static void nmi_suite_exit(struct kunit_suite *suite)
{
	unregister_nmi_handler(NMI_LOCAL, KBUILD_MODNAME);
}

#endif /* _HW_BREAKPOINT_NMI_H */
