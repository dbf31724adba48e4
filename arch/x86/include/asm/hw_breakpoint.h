/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware breakpoints on x86: what the core (kernel/hw_breakpoint.c) asks of
 * the architecture, and what the rest of arch/x86 asks of this layer.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _ASM_X86_HW_BREAKPOINT_H
#define _ASM_X86_HW_BREAKPOINT_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/hw_breakpoint_types.h>
#include <linux/string.h>
#include <linux/types.h>

struct hw_breakpoint_holder;
struct perf_event;
struct perf_event_attr;
struct perf_sample_data;
struct pmu;
struct pt_regs;
struct task_struct;

/* DR0 to DR3; the same words as in asm/processor.h, which needs it without us. */
#define HBP_NUM 4

/**
 * struct hw_breakpoint_piece - the part of a breakpoint that one register watches
 * @setting: LEN and R/W, as they stand in DR7
 * @mask_bits: how many low address bits the comparison ignores (AMD's BPEXT); 0 elsewhere
 * @offset: from the breakpoint's first byte to the piece's
 * @reg: the register that the piece had last, on whatever CPU. If that register still holds the
 *	address, the piece gets it again
 */
struct hw_breakpoint_piece {
	u8	setting;
	u8	mask_bits;
	u8	offset;
	u8	reg;
};

/**
 * struct arch_hw_breakpoint - what each breakpoint event carries
 * @address: the first byte. hw_breakpoint_move_local() changes it in any context
 * @piece: the pieces, in the order of addresses and without a gap
 * @dr7: LEN, R/W and G of the first piece, for each of the four registers
 * @type: HW_BREAKPOINT_X, HW_BREAKPOINT_W or HW_BREAKPOINT_RW
 * @nr_pieces: how many pieces there are: 1, unless no register can watch all of it alone
 * @simple: there is one piece, without a mask
 * @debugger: the breakpoint is the kernel debugger's, and no event
 * @promised: registers are reserved for the event; the core's, as all below
 * @movable: the event can be moved, so it shares its registers with no other
 * @guest: the event shares the registers of another one
 * @evicted: the event has lost its registers to another one
 * @charge: the registers that are reserved
 * @group: the exclusive group that the event belongs to, or NULL
 * @owner: of a breakpoint on every CPU, whose it is
 * @ring: the next event that shares the registers; NULL: there is none
 *
 * The fields from @piece to @debugger change only while the breakpoint is on no CPU; the kernel
 * debugger's while all CPUs are stopped.
 */
struct arch_hw_breakpoint {
	unsigned long			address;
	struct hw_breakpoint_piece	piece[HBP_NUM];
	u32				dr7;
	u8				type;
	u8				nr_pieces;
	bool				simple : 1;
	bool				debugger : 1;
	bool				promised : 1;
	bool				movable : 1;
	bool				guest : 1;
	bool				evicted : 1;
	struct hw_breakpoint_charge	charge;
	struct hw_breakpoint_group	*group;
	struct hw_breakpoint_owner	*owner;
	struct arch_hw_breakpoint	*ring;
};

/* In struct hw_perf_event's union this and bp_list take no more than a hardware PMU's part. */
static_assert(sizeof(struct arch_hw_breakpoint) <= 72);

/* On this CPU, or on none, the breakpoint may be moved meanwhile. */
static inline unsigned long arch_hw_breakpoint_address(const struct arch_hw_breakpoint *hw)
{
	return READ_ONCE(hw->address);
}

/* How many registers a breakpoint takes. */
static inline unsigned int arch_hw_breakpoint_weight(const struct arch_hw_breakpoint *hw)
{
	return hw->nr_pieces;
}

/* Have @to, which is on no CPU, watch what @from does. What isn't the architecture's stays. */
static inline void arch_hw_breakpoint_assign(struct arch_hw_breakpoint *to,
					     const struct arch_hw_breakpoint *from)
{
	WRITE_ONCE(to->address, from->address);
	memcpy(to->piece, from->piece, sizeof(to->piece));
	to->dr7 = from->dr7;
	to->type = from->type;
	to->nr_pieces = from->nr_pieces;
	to->simple = from->simple;
}

#ifdef CONFIG_HW_BREAKPOINT

/* === What can be watched: hw_breakpoint_parse.c =========================== */

/*
 * Check bp_addr, bp_len and bp_type of @attr, and set @hw, but for what is the core's, to what they
 * mean. @bp: the event that it is for, or NULL if there is none yet. May sleep. Returns NULL, or in
 * words what x86 can't watch, or must not; then @hw is undefined.
 */
const char *arch_hw_breakpoint_objection(const struct perf_event *bp,
					 const struct perf_event_attr *attr,
					 struct arch_hw_breakpoint *hw);

/* Is any byte that the breakpoint watches not user space's? */
bool arch_hw_breakpoint_in_kernel(const struct arch_hw_breakpoint *hw);

/* Is each hit of @a a hit of @b, and the other way round? */
bool arch_hw_breakpoint_same(const struct arch_hw_breakpoint *a,
			     const struct arch_hw_breakpoint *b);

/*
 * May a breakpoint be moved to @address? In any context. Returns 0, or -EINVAL for an address that
 * isn't aligned, isn't the kernel's, or must not be watched, and for a breakpoint that isn't the
 * kernel's. A breakpoint that takes several registers moves by multiples of 32 bytes.
 */
int arch_hw_breakpoint_check_move(const struct arch_hw_breakpoint *hw, unsigned long address);

/* === The debug registers of this CPU: hw_breakpoint_registers.c =========== */

/*
 * All of these are called with interrupts off, and in NMIs too. An NMI may have interrupted a
 * change of the registers; then it must not add, delete, pass or commit anything.
 */
bool arch_hw_breakpoint_is_busy(void);

/* Note that @hw wants registers, from the next commit on. Returns -EBUSY if too few are free. */
int arch_hw_breakpoint_add(struct arch_hw_breakpoint *hw);

/*
 * Note that @hw wants its registers no longer; it need not have any. Its hits are dropped from now
 * on, and the hardware forgets it at the next commit.
 */
void arch_hw_breakpoint_del(struct arch_hw_breakpoint *hw);

/*
 * Program what was noted. If a #DB, NMI or MCE is being handled, it is in force when that ends; if
 * the registers are lent, when they come back. @unused makes this a pmu_enable().
 */
void arch_hw_breakpoint_commit(struct pmu *unused);

/*
 * Change the address of @hw, live or not, to one that was checked. It is in force as with a commit,
 * or when the change ends that an NMI has interrupted.
 */
void arch_hw_breakpoint_move(struct arch_hw_breakpoint *hw, unsigned long address);

/* Give the registers of @from to @to, which watches the same and has none. */
void arch_hw_breakpoint_pass(const struct arch_hw_breakpoint *from, struct arch_hw_breakpoint *to);

/* The breakpoint that register @i is for, or NULL. Does it watch for it just now? */
struct arch_hw_breakpoint *arch_hw_breakpoint_holder(unsigned int i);
bool arch_hw_breakpoint_is_armed(unsigned int i);

/* === The #DB handler: hw_breakpoint.c ===================================== */

/* Once, at boot. Before this, the kernel debugger can set no breakpoint: -ENOSPC. */
void arch_hw_breakpoint_init(void);

/* === The kernel debugger's breakpoints: hw_breakpoint_kgdb.c ============== */

#ifdef CONFIG_KGDB
/*
 * Set kind, watch and hits of the zeroed @holder. @hw has a register of this CPU; interrupts are
 * off.
 */
void arch_kgdb_hw_breakpoint_describe(const struct arch_hw_breakpoint *hw,
				      struct hw_breakpoint_holder *holder);

/*
 * Go through what is reserved for the debugger, from @i of 0 on. @holder is overwritten; its weight
 * may be 0. Returns false if there is nothing of that number. In any context.
 */
bool arch_kgdb_hw_breakpoint_reserved(unsigned int i, struct hw_breakpoint_holder *holder);
#else
static inline void arch_kgdb_hw_breakpoint_describe(const struct arch_hw_breakpoint *hw,
						    struct hw_breakpoint_holder *holder)
{
}

static inline bool arch_kgdb_hw_breakpoint_reserved(unsigned int i,
						    struct hw_breakpoint_holder *holder)
{
	return false;
}
#endif

/* === A thread's virtual debug registers, for ptrace: hw_breakpoint_ptrace.c === */

/* Is the event one of these registers? */
bool arch_hw_breakpoint_is_ptrace(const struct perf_event *bp);

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
