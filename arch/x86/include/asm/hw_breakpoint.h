/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware breakpoints on x86: what the core (kernel/hw_breakpoint.c) asks of
 * the architecture, and what the rest of arch/x86 asks of this layer.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _ASM_X86_HW_BREAKPOINT_H
#define _ASM_X86_HW_BREAKPOINT_H

#include <linux/errno.h>
#include <linux/hw_breakpoint_promise.h>
#include <linux/types.h>

struct die_args;
struct hw_breakpoint_who;
struct perf_event;
struct perf_event_attr;
struct perf_sample_data;
struct pmu;
struct pt_regs;
struct task_struct;

/* DR0 to DR3; the same words as in asm/processor.h, which needs it without us. */
#define HBP_NUM 4

/**
 * struct arch_hw_breakpoint - what each breakpoint event carries
 * @address: the first byte; with @mask set, the first of the range
 * @mask: address bits that the comparison ignores (AMD's BPEXT); 0 elsewhere
 * @type: HW_BREAKPOINT_X, HW_BREAKPOINT_W or HW_BREAKPOINT_RW
 * @len: what goes into DR7, in bytes: 1, 2, 4 or 8; 1 with @mask set
 * @last: the register that it had last, on whatever CPU; HBP_NUM: none. It gets that again
 *	if it is free, where its address may be still
 * @dr7: @type and @len in DR7, with its enable, the same for each of the four registers
 * @debugger: it is the kernel debugger's, and no event
 * @promise: the slots that the event was promised; the core's
 * @caller: the kernel code that registered it, NULL where that isn't known; the core's
 *
 * All but @address, @last, @promise and @caller change only while the breakpoint is on no CPU;
 * the kernel debugger's while all CPUs are stopped.
 */
struct arch_hw_breakpoint {
	unsigned long			address;
	unsigned long			mask;
	u8				type;
	u8				len;
	u8				last;
	bool				debugger;
	unsigned long			dr7;
	struct hw_breakpoint_promise	promise;
	void				*caller;
};

#ifdef CONFIG_HW_BREAKPOINT

/* The core calls these; kernel-doc stands with each in arch/x86/kernel/hw_breakpoint.c. */
void arch_hw_breakpoint_init(void);
const char *arch_hw_breakpoint_objection(const struct perf_event *bp,
					 const struct perf_event_attr *attr,
					 struct arch_hw_breakpoint *hw);
int arch_hw_breakpoint_parse(const struct perf_event *bp,
			     const struct perf_event_attr *attr,
			     struct arch_hw_breakpoint *hw);
bool arch_hw_breakpoint_in_kernel(const struct arch_hw_breakpoint *hw);
unsigned int arch_hw_breakpoint_weight(const struct arch_hw_breakpoint *hw);
bool arch_hw_breakpoint_prepaid(const struct perf_event *bp);
int arch_hw_breakpoint_check_move(const struct arch_hw_breakpoint *hw, unsigned long address);
int arch_hw_breakpoint_add(struct arch_hw_breakpoint *hw);
void arch_hw_breakpoint_del(struct arch_hw_breakpoint *hw);
void arch_hw_breakpoint_move(struct arch_hw_breakpoint *hw, unsigned long address);
void arch_hw_breakpoint_commit(void);
void arch_hw_breakpoint_pmu_enable(struct pmu *pmu);
const struct arch_hw_breakpoint *arch_hw_breakpoint_at(unsigned int i, bool *armed);

/* While the kernel debugger has this CPU. */
void hw_breakpoint_debugger_enter(void);
void hw_breakpoint_debugger_leave(void);

/* The kernel debugger's breakpoints: hw_breakpoint_kgdb.c. */
#ifdef CONFIG_KGDB
void arch_kgdb_hw_breakpoint_init(void);
bool arch_kgdb_hw_breakpoint_hit(const struct arch_hw_breakpoint *hw);
void arch_kgdb_hw_breakpoint_stop(struct die_args *args);
void arch_kgdb_hw_breakpoint_describe(const struct arch_hw_breakpoint *hw,
				      struct hw_breakpoint_who *who);
#else
static inline void arch_kgdb_hw_breakpoint_init(void)
{
}

static inline bool arch_kgdb_hw_breakpoint_hit(const struct arch_hw_breakpoint *hw)
{
	return false;
}

static inline void arch_kgdb_hw_breakpoint_stop(struct die_args *args)
{
}

static inline void arch_kgdb_hw_breakpoint_describe(const struct arch_hw_breakpoint *hw,
						    struct hw_breakpoint_who *who)
{
}
#endif

/* A thread's virtual debug registers, for ptrace: hw_breakpoint_ptrace.c. */
unsigned long ptrace_get_debugreg(struct task_struct *tsk, int n);
int ptrace_set_debugreg(struct task_struct *tsk, int n, unsigned long val);
void ptrace_hit(struct perf_event *bp, struct perf_sample_data *data,
		struct pt_regs *regs);

#define ptrace_resume_debugregs ptrace_resume_debugregs
void ptrace_resume_debugregs(struct task_struct *tsk);
#define ptrace_unlink_debugregs ptrace_unlink_debugregs
void ptrace_unlink_debugregs(struct task_struct *tsk);

#else /* !CONFIG_HW_BREAKPOINT */

static inline unsigned long ptrace_get_debugreg(struct task_struct *tsk, int n)
{
	return 0;
}

static inline int ptrace_set_debugreg(struct task_struct *tsk, int n, unsigned long val)
{
	return -EIO;
}

#endif /* !CONFIG_HW_BREAKPOINT */

#endif /* _ASM_X86_HW_BREAKPOINT_H */
