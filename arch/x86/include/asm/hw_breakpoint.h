/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware breakpoints on x86: what the core (kernel/hw_breakpoint.c) asks of
 * the architecture, and what the rest of arch/x86 asks of this layer.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _ASM_X86_HW_BREAKPOINT_H
#define _ASM_X86_HW_BREAKPOINT_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/hw_breakpoint_promise.h>
#include <linux/hw_breakpoint_sched.h>
#include <linux/string.h>
#include <linux/types.h>

struct die_args;
struct hw_breakpoint_group;
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
 * struct hw_breakpoint_piece - what a breakpoint watches with one register
 * @address: the first byte
 * @mask: address bits that the comparison ignores (AMD's BPEXT); 0 elsewhere
 * @dr7: type and length in DR7, with its enable, the same for each of the four registers
 * @last: the register that it had last, on whatever CPU; HBP_NUM: none. It gets that again
 *	if it is free, where its address may be still
 * @back: from here to the breakpoint's first piece, in bytes; constant
 * @offset: from the breakpoint's first byte
 */
struct hw_breakpoint_piece {
	unsigned long			address;
	unsigned long			mask;
	u32				dr7;
	u8				last;
	u8				back;
	u8				offset;
};

/**
 * struct arch_hw_breakpoint - what each breakpoint event carries
 * @piece: what it watches, in the order of addresses and without a gap
 * @span: from the first byte of all to the last one
 * @type: HW_BREAKPOINT_X, HW_BREAKPOINT_W or HW_BREAKPOINT_RW
 * @nr_pieces: how many there are: 1, but for what no register can watch alone
 * @debugger: it is the kernel debugger's, and no event
 * @promise: the slots that the event was promised; the core's
 * @group: the exclusive group that it belongs to, or NULL; the core's
 * @surplus: what it is promised beyond what it takes, for that group; the core's
 * @sched: where it stands among those that want registers; the core's
 * @sig_data: of the event's attribute, which perf core overwrites too soon; the core's
 * @caller: the kernel code that registered it, NULL where that isn't known; the core's
 *
 * All but the pieces' @address and @last, and what is the core's, change only while the breakpoint
 * is on no CPU; the kernel debugger's while all CPUs are stopped.
 */
struct arch_hw_breakpoint {
	struct hw_breakpoint_piece	piece[HBP_NUM];
	unsigned long			span;
	u8				type;
	u8				nr_pieces;
	bool				debugger;
	u8				surplus;
	struct hw_breakpoint_promise	promise;
	struct hw_breakpoint_group	*group;
	struct hw_breakpoint_sched	sched;
	u64				sig_data;
	void				*caller;
};

/**
 * arch_hw_breakpoint_address() - where a breakpoint is
 * @hw: parsed; on this CPU, or on none, it may be moved meanwhile
 *
 * Context: any.
 * Return: its first byte.
 */
static inline unsigned long arch_hw_breakpoint_address(const struct arch_hw_breakpoint *hw)
{
	return READ_ONCE(hw->piece[0].address);
}

/**
 * arch_hw_breakpoint_assign() - have a breakpoint watch what another does
 * @to: the breakpoint; on no CPU. What isn't the architecture's stays
 * @from: parsed
 *
 * Context: any.
 */
static inline void arch_hw_breakpoint_assign(struct arch_hw_breakpoint *to,
					     const struct arch_hw_breakpoint *from)
{
	memcpy(to->piece, from->piece, sizeof(to->piece));
	to->span = from->span;
	to->type = from->type;
	to->nr_pieces = from->nr_pieces;
}

/**
 * arch_hw_breakpoint_weight() - how many registers a breakpoint takes
 * @hw: parsed
 *
 * Context: any.
 * Return: registers.
 */
static inline unsigned int arch_hw_breakpoint_weight(const struct arch_hw_breakpoint *hw)
{
	return hw->nr_pieces;
}

#ifdef CONFIG_HW_BREAKPOINT

/* hw_breakpoint.c */
void arch_hw_breakpoint_init(void);

/* What can be watched: hw_breakpoint_parse.c. */
void arch_hw_breakpoint_parse_init(void);
const char *arch_hw_breakpoint_objection(const struct perf_event *bp,
					 const struct perf_event_attr *attr,
					 struct arch_hw_breakpoint *hw);
bool arch_hw_breakpoint_in_kernel(const struct arch_hw_breakpoint *hw);
bool arch_hw_breakpoint_prepaid(const struct perf_event *bp);
int arch_hw_breakpoint_check_move(const struct arch_hw_breakpoint *hw, unsigned long address);

/* The debug registers of this CPU: hw_breakpoint_registers.c. */
void arch_hw_breakpoint_registers_init(void);
int arch_hw_breakpoint_add(struct arch_hw_breakpoint *hw);
void arch_hw_breakpoint_del(struct arch_hw_breakpoint *hw);
void arch_hw_breakpoint_del_any(struct arch_hw_breakpoint *hw);
void arch_hw_breakpoint_move(struct arch_hw_breakpoint *hw, unsigned long address);
void arch_hw_breakpoint_commit(void);
void arch_hw_breakpoint_pmu_enable(struct pmu *pmu);
const struct arch_hw_breakpoint *arch_hw_breakpoint_at(unsigned int i, bool *armed);
struct arch_hw_breakpoint *arch_hw_breakpoint_holder(unsigned int i);
bool arch_hw_breakpoint_same(const struct arch_hw_breakpoint *a,
			     const struct arch_hw_breakpoint *b);
void arch_hw_breakpoint_pass(struct arch_hw_breakpoint *from, struct arch_hw_breakpoint *to);

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
void arch_kgdb_hw_breakpoint_sync(void);
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

static inline void arch_kgdb_hw_breakpoint_sync(void)
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
#define ptrace_exit_debugregs ptrace_exit_debugregs
void ptrace_exit_debugregs(struct task_struct *debugger);
void ptrace_clear_rf(struct task_struct *tsk, unsigned long ip);
unsigned long ptrace_filter_rf(struct task_struct *tsk, unsigned long flags);
void ptrace_show_rf(struct task_struct *tsk);

#else /* !CONFIG_HW_BREAKPOINT */

static inline unsigned long ptrace_get_debugreg(struct task_struct *tsk, int n)
{
	return 0;
}

static inline int ptrace_set_debugreg(struct task_struct *tsk, int n, unsigned long val)
{
	return -EIO;
}

static inline void ptrace_clear_rf(struct task_struct *tsk, unsigned long ip)
{
}

static inline unsigned long ptrace_filter_rf(struct task_struct *tsk, unsigned long flags)
{
	return flags;
}

static inline void ptrace_show_rf(struct task_struct *tsk)
{
}

#endif /* !CONFIG_HW_BREAKPOINT */

#endif /* _ASM_X86_HW_BREAKPOINT_H */
