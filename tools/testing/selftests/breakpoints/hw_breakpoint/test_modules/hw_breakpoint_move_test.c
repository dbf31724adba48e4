// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: a breakpoint is moved from every context that there is, and from then on each
 * access to the new place is one hit, and none to the old one.
 *
 * One data watchpoint on a CPU at a time, as QEMU TCG needs it.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/hrtimer.h>
#include <linux/hw_breakpoint.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/smp.h>

#include <asm/cpu_entry_area.h>

#include "hw_breakpoint_nmi.h"

/* === Data === */

#define ACCESSES 100
#define PLACES 32
#define STORM 2000

/* What is watched: one at a time, the others beside it. */
static struct {
	u64 var;
} place[PLACES] __aligned(64);

/* How often each was hit, and any other address. */
static atomic_t hits[PLACES];
static atomic_t stray_hits;

/* The breakpoint of the test that runs. */
static struct perf_event * __percpu *wide;

/* What the movers are to do, and what came of it. */
static unsigned long destination;
static int move_error;
static unsigned long move_ticket;

/* === Accesses === */

static void store_here(void *n)
{
	unsigned long i = (unsigned long)n;

	WRITE_ONCE(place[i].var, place[i].var + 1);
}

static void stores(unsigned int i, unsigned int n)
{
	while (n--)
		store_here((void *)(unsigned long)i);
}

/* The same on each CPU. */
static void stores_everywhere(unsigned int i, unsigned int n)
{
	int cpu;

	for_each_online_cpu(cpu) {
		unsigned int k = n;

		while (k--)
			smp_call_function_single(cpu, store_here, (void *)(unsigned long)i, 1);
	}
}

static unsigned long addr(unsigned int i)
{
	return (unsigned long)&place[i].var;
}

static void count_hit(struct perf_event *bp, struct perf_sample_data *data, struct pt_regs *regs)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++) {
		if (bp->attr.bp_addr == addr(i)) {
			atomic_inc(&hits[i]);
			return;
		}
	}
	atomic_inc(&stray_hits);
}

/* A hit moves the breakpoint on: each place is hit once. */
static void count_and_move(struct perf_event *bp, struct perf_sample_data *data,
			   struct pt_regs *regs)
{
	unsigned long next = bp->attr.bp_addr + sizeof(place[0]);

	count_hit(bp, data, regs);
	if (next <= addr(PLACES - 1))
		move_error = hw_breakpoint_move_local(bp, next);
}

static void watch(struct kunit *test, unsigned int type, unsigned long where,
		  perf_overflow_handler_t handler)
{
	struct perf_event_attr attr;
	int i;

	for (i = 0; i < PLACES; i++)
		atomic_set(&hits[i], 0);
	atomic_set(&stray_hits, 0);
	atomic_set(&nmis_seen, 0);
	move_error = -ENODATA;

	hw_breakpoint_init(&attr);
	attr.bp_addr = where;
	attr.bp_type = type;
	attr.bp_len = 8;
	wide = register_wide_hw_breakpoint(&attr, handler, NULL);
	if (IS_ERR_PCPU(wide)) {
		int err = PTR_ERR_PCPU(wide);

		wide = NULL;
		KUNIT_FAIL_AND_ABORT(test, "no breakpoint: %d", err);
	}
}

static void unwatch(struct kunit *test)
{
	if (wide)
		unregister_wide_hw_breakpoint(wide);
	wide = NULL;
}

static int move_mine(unsigned long where)
{
	return hw_breakpoint_move_local(*this_cpu_ptr(wide), where);
}

/* === On this CPU === */

/* Between two places, by what @move does with preemption off, there and back. */
static void there_and_back(struct kunit *test, void (*move)(struct kunit *test))
{
	migrate_disable();
	stores(0, ACCESSES);
	KUNIT_EXPECT_EQ(test, ACCESSES, atomic_read(&hits[0]));

	destination = addr(1);
	move(test);
	KUNIT_EXPECT_EQ(test, 0, move_error);
	stores(0, ACCESSES);
	stores(1, ACCESSES);
	KUNIT_EXPECT_EQ(test, ACCESSES, atomic_read(&hits[0]));
	KUNIT_EXPECT_EQ(test, ACCESSES, atomic_read(&hits[1]));

	destination = addr(0);
	move(test);
	stores(1, ACCESSES);
	stores(0, ACCESSES);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, 2 * ACCESSES, atomic_read(&hits[0]));
	KUNIT_EXPECT_EQ(test, ACCESSES, atomic_read(&hits[1]));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&stray_hits));
}

static void by_task(struct kunit *test)
{
	move_error = move_mine(destination);
}

static void test_from_task(struct kunit *test)
{
	watch(test, HW_BREAKPOINT_W, addr(0), count_hit);
	there_and_back(test, by_task);
}

static noinline notrace void probed(void)
{
	barrier();
}

static int probe_handler(struct kprobe *probe, struct pt_regs *regs)
{
	move_error = move_mine(destination);
	return 0;
}

static void by_kprobe(struct kunit *test)
{
	probed();
}

static void test_from_kprobe(struct kunit *test)
{
	struct kprobe probe = { .addr = (void *)probed, .pre_handler = probe_handler };

	watch(test, HW_BREAKPOINT_W, addr(0), count_hit);
	KUNIT_ASSERT_EQ(test, 0, register_kprobe(&probe));
	there_and_back(test, by_kprobe);
	unregister_kprobe(&probe);
}

static DECLARE_COMPLETION(timer_done);

static enum hrtimer_restart timer_handler(struct hrtimer *timer)
{
	move_error = in_hardirq() ? move_mine(destination) : -EDOM;
	complete(&timer_done);
	return HRTIMER_NORESTART;
}

static void by_timer(struct kunit *test)
{
	struct hrtimer timer;

	reinit_completion(&timer_done);
	hrtimer_init_on_stack(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timer.function = timer_handler;
	hrtimer_start(&timer, ms_to_ktime(1), HRTIMER_MODE_REL_PINNED_HARD);
	wait_for_completion(&timer_done);
	hrtimer_cancel(&timer);
	destroy_hrtimer_on_stack(&timer);
}

static void test_from_timer(struct kunit *test)
{
	watch(test, HW_BREAKPOINT_W, addr(0), count_hit);
	there_and_back(test, by_timer);
}

/* === From an NMI === */

static void nmi_moves_mine(void)
{
	move_error = in_nmi() ? move_mine(destination) : -EDOM;
}

static void by_nmi(struct kunit *test)
{
	send_nmi(raw_smp_processor_id());
}

static void test_from_nmi(struct kunit *test)
{
	nmi_action = nmi_moves_mine;
	watch(test, HW_BREAKPOINT_W, addr(0), count_hit);
	there_and_back(test, by_nmi);
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&nmis_seen));
}

/* From the #DB of its own hit: the array is written once, from the first place on. */
static void test_from_hit(struct kunit *test)
{
	int i;

	watch(test, HW_BREAKPOINT_W, addr(0), count_and_move);
	migrate_disable();
	for (i = 0; i < PLACES; i++)
		stores(i, 3);
	migrate_enable();
	for (i = 0; i < PLACES; i++)
		KUNIT_EXPECT_EQ(test, i < PLACES - 1 ? 1 : 3, atomic_read(&hits[i]));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&stray_hits));
}

/* === On all CPUs === */

static void expect_moved(struct kunit *test, unsigned int from, unsigned int to)
{
	int old = atomic_read(&hits[from]), new = atomic_read(&hits[to]);

	stores_everywhere(from, ACCESSES);
	stores_everywhere(to, ACCESSES);
	KUNIT_EXPECT_EQ(test, old, atomic_read(&hits[from]));
	KUNIT_EXPECT_EQ(test, new + ACCESSES * num_online_cpus(), atomic_read(&hits[to]));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&stray_hits));
}

static void test_everywhere_from_task(struct kunit *test)
{
	unsigned long ticket;
	int i;

	watch(test, HW_BREAKPOINT_W, addr(0), count_hit);
	stores_everywhere(0, ACCESSES);
	KUNIT_EXPECT_EQ(test, ACCESSES * num_online_cpus(), atomic_read(&hits[0]));
	for (i = 1; i < PLACES; i++) {
		KUNIT_ASSERT_EQ(test, 0, hw_breakpoint_move_wide(wide, addr(i), &ticket));
		while (!hw_breakpoint_moved(wide, ticket))
			cond_resched();
		expect_moved(test, i - 1, i);
	}
}

static void nmi_moves_all(void)
{
	move_error = hw_breakpoint_move_wide(wide, destination, &move_ticket);
}

static void test_everywhere_from_nmi(struct kunit *test)
{
	unsigned int i = 0;
	int cpu;

	nmi_action = nmi_moves_all;
	watch(test, HW_BREAKPOINT_W, addr(0), count_hit);
	for_each_online_cpu(cpu) {
		destination = addr(++i);
		send_nmi(cpu);
		KUNIT_ASSERT_EQ(test, 0, move_error);
		while (!hw_breakpoint_moved(wide, move_ticket))
			cond_resched();
		expect_moved(test, i - 1, i);
	}
}

static void test_waiting(struct kunit *test)
{
	unsigned long ticket;

	watch(test, HW_BREAKPOINT_W, addr(0), count_hit);
	KUNIT_ASSERT_EQ(test, 0, hw_breakpoint_move_wide(wide, addr(1), &ticket));
	KUNIT_ASSERT_EQ(test, 0, hw_breakpoint_move_wide(wide, addr(2), NULL));
	hw_breakpoint_wait_moved(wide);
	KUNIT_EXPECT_TRUE(test, hw_breakpoint_moved(wide, ticket));
	expect_moved(test, 1, 2);
}

/* === In the middle of everything === */

static void nmi_hops(void)
{
	unsigned int i = atomic_read(&nmis_seen) % 2;

	move_error = move_mine(addr(i));
}

static int storm(void *cpu)
{
	int i;

	for (i = 0; i < STORM; i++)
		send_nmi((long)cpu);
	return 0;
}

/*
 * NMIs that move the breakpoint come at any instruction of its being switched off and on
 * again; and of accesses, each of which is one hit if the breakpoint is there.
 */
static void test_storm(struct kunit *test)
{
	int here, there, before, last;
	struct perf_event *bp;
	struct task_struct *sender;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU to send NMIs");
	nmi_action = nmi_hops;
	watch(test, HW_BREAKPOINT_W, addr(0), count_hit);
	migrate_disable();
	here = smp_processor_id();
	there = cpumask_any_but(cpu_online_mask, here);
	bp = *per_cpu_ptr(wide, here);
	sender = kthread_run_on_cpu(storm, (void *)(long)here, there, "storm/%u");
	KUNIT_ASSERT_FALSE(test, IS_ERR(sender));
	while (atomic_read(&nmis_seen) < STORM) {
		before = atomic_read(&hits[2]);
		perf_event_disable(bp);
		stores(0, 1);
		stores(1, 1);
		perf_event_enable(bp);
		stores(2, 1);
		KUNIT_EXPECT_EQ(test, before, atomic_read(&hits[2]));
		cond_resched();
	}
	last = (STORM - 1) % 2;
	before = atomic_read(&hits[last]);
	stores(!last, ACCESSES);
	stores(last, ACCESSES);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, before + ACCESSES, atomic_read(&hits[last]));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&stray_hits));
}

/* === Execution, and errors === */

static int calls_seen;

/* Different, or gcc makes one of them. */
static noinline notrace void callee_a(void)
{
	asm volatile("nop");
}

static noinline notrace void callee_b(void)
{
	asm volatile("nop; nop");
}

static void count_call(struct perf_event *bp, struct perf_sample_data *data, struct pt_regs *regs)
{
	if (regs->ip == bp->attr.bp_addr)
		calls_seen++;
}

static void test_execution(struct kunit *test)
{
	int i;

	calls_seen = 0;
	watch(test, HW_BREAKPOINT_X, (unsigned long)callee_a, count_call);
	migrate_disable();
	for (i = 0; i < ACCESSES; i++)
		callee_a();
	KUNIT_EXPECT_EQ(test, ACCESSES, calls_seen);
	move_error = move_mine((unsigned long)callee_b);
	for (i = 0; i < ACCESSES; i++)
		callee_a();
	KUNIT_EXPECT_EQ(test, ACCESSES, calls_seen);
	for (i = 0; i < ACCESSES; i++)
		callee_b();
	migrate_enable();
	KUNIT_EXPECT_EQ(test, 0, move_error);
	KUNIT_EXPECT_EQ(test, 2 * ACCESSES, calls_seen);
}

static void test_errors(struct kunit *test)
{
	int other;

	watch(test, HW_BREAKPOINT_W, addr(0), count_hit);
	migrate_disable();
	KUNIT_EXPECT_EQ(test, -EINVAL, move_mine(addr(1) + 4));
	KUNIT_EXPECT_EQ(test, -EINVAL, move_mine(0x400000));
	KUNIT_EXPECT_EQ(test, -EINVAL, move_mine(0));
	KUNIT_EXPECT_EQ(test, -EINVAL, move_mine(CPU_ENTRY_AREA_BASE));
	KUNIT_EXPECT_EQ(test, -EINVAL, move_mine(-4UL));
	KUNIT_EXPECT_EQ(test, -EINVAL, hw_breakpoint_move_wide(wide, addr(1) + 1, NULL));
	other = cpumask_any_but(cpu_online_mask, smp_processor_id());
	if (other < nr_cpu_ids)
		KUNIT_EXPECT_EQ(test, -EINVAL,
				hw_breakpoint_move_local(*per_cpu_ptr(wide, other), addr(1)));
	stores(1, ACCESSES);
	stores(0, ACCESSES);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, ACCESSES, atomic_read(&hits[0]));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hits[1]));
}

static void test_while_disabled(struct kunit *test)
{
	struct perf_event *bp;

	watch(test, HW_BREAKPOINT_W, addr(0), count_hit);
	migrate_disable();
	bp = *this_cpu_ptr(wide);
	perf_event_disable(bp);
	KUNIT_EXPECT_EQ(test, 0, move_mine(addr(1)));
	stores(1, ACCESSES);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hits[1]));
	perf_event_enable(bp);
	stores(0, ACCESSES);
	stores(1, ACCESSES);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hits[0]));
	KUNIT_EXPECT_EQ(test, ACCESSES, atomic_read(&hits[1]));
}

/* === The suite === */

static struct kunit_case cases[] = {
	KUNIT_CASE(test_from_task),
	KUNIT_CASE(test_from_kprobe),
	KUNIT_CASE(test_from_timer),
	KUNIT_CASE(test_from_nmi),
	KUNIT_CASE(test_from_hit),
	KUNIT_CASE(test_everywhere_from_task),
	KUNIT_CASE(test_everywhere_from_nmi),
	KUNIT_CASE(test_waiting),
	KUNIT_CASE(test_storm),
	KUNIT_CASE(test_execution),
	KUNIT_CASE(test_errors),
	KUNIT_CASE(test_while_disabled),
	{ },
};

static struct kunit_suite move_suite = {
	.name = "hw_breakpoint_move",
	.test_cases = cases,
	.exit = unwatch,
	.suite_init = nmi_suite_init,
	.suite_exit = nmi_suite_exit,
};

kunit_test_suite(move_suite);

MODULE_DESCRIPTION("KUnit test of breakpoints that are moved");
MODULE_LICENSE("GPL");
