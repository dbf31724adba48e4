// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: at each step in which debug registers are programmed, somebody accesses what is
 * watched, an NMI comes, or an NMI moves a breakpoint. No hit is told to the wrong event, it
 * all comes to an end, and afterwards each access is one hit of whom it should be.
 *
 * There are two breakpoints: one of data, which can be moved, and one of execution, so that
 * one register is now the one's and now the other's. (QEMU's TCG takes two of data for one
 * another.)
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <kunit/test.h>

#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_steps.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/smp.h>
#include <linux/wait.h>

#include "hw_breakpoint_nmi.h"

#define ACCESSES 3
#define MAX_STEPS 1000
#define NEVER INT_MAX

/* === What is watched === */

/* One of them at a time, and a function. */
static struct {
	u64 var;
} place[2] __aligned(64);

/* Not the one of the run before, which may still be in some register: so any is as good. */
#define FUNCTION(n) static noinline notrace void function_##n(void) { asm volatile("nop #" #n); }

FUNCTION(0)
FUNCTION(1)
FUNCTION(2)
FUNCTION(3)
FUNCTION(4)

static void (* const function[])(void) = {
	function_0, function_1, function_2, function_3, function_4,
};

static void (*watched_function)(void);

static unsigned long addr(unsigned int i)
{
	return (unsigned long)&place[i].var;
}

enum { DATA, CALL, NR_EVENTS };

static struct perf_event *event[NR_EVENTS];
static int hits[NR_EVENTS];
/* What is being accessed; 0: nothing. */
static unsigned long accessed;
static int wrong_hits;
/* The data breakpoint is being moved: it may be at either place. */
static bool moving;

static bool is_watched(const struct perf_event *bp, unsigned long address)
{
	if (bp->hw.target && bp->hw.target != current)
		return false;
	if (moving && bp == event[DATA])
		return address == addr(0) || address == addr(1);
	return bp->attr.bp_addr == address;
}

static void count_hit(struct perf_event *bp, struct perf_sample_data *data, struct pt_regs *regs)
{
	const int i = bp == event[CALL] ? CALL : DATA;

	if (!is_watched(bp, READ_ONCE(accessed)))
		WRITE_ONCE(wrong_hits, wrong_hits + 1);
	WRITE_ONCE(hits[i], hits[i] + 1);
}

/* They change between any two instructions. */
static int hits_of(int i)
{
	return READ_ONCE(hits[i]);
}

static void access_place(unsigned int i)
{
	WRITE_ONCE(accessed, addr(i));
	WRITE_ONCE(place[i].var, place[i].var + 1);
	WRITE_ONCE(accessed, 0);
}

static void call_function(void)
{
	WRITE_ONCE(accessed, (unsigned long)watched_function);
	watched_function();
	WRITE_ONCE(accessed, 0);
}

/* === What comes in between === */

enum what { NOTHING, ACCESS_A, ACCESS_B, A_CALL, NMI, NMI_ACCESS, NMI_MOVE, NR_WHAT };

static const char * const what_name[NR_WHAT] = {
	"nothing", "an access", "an access to the other place", "a call", "an NMI",
	"an NMI that accesses", "an NMI that moves",
};

static enum what what;
static int step_nr, at_step;
static int steps_cpu = -1;
static bool in_hook;

static void move_data(void)
{
	hw_breakpoint_move_local(event[DATA], addr(event[DATA]->attr.bp_addr == addr(0)));
}

/* Nothing is a hit there: DR7 is zero. */
static void access_or_move(void)
{
	if (what == NMI_ACCESS) {
		access_place(0);
		access_place(1);
		call_function();
	}
	if (what == NMI_MOVE)
		move_data();
}

static void at_each_step(void)
{
	if (raw_smp_processor_id() != steps_cpu || in_hook || step_nr++ != at_step)
		return;
	WRITE_ONCE(in_hook, true);
	switch (what) {
	case NOTHING:
		break;
	case ACCESS_A:
		access_place(0);
		break;
	case ACCESS_B:
		access_place(1);
		break;
	case A_CALL:
		call_function();
		break;
	default:
		send_nmi(steps_cpu);
	}
	WRITE_ONCE(in_hook, false);
}

/* === Events === */

/* Whose they are: tasks', or this CPU's. */
static struct task_struct *target[NR_EVENTS];

static void open_events(struct kunit *test)
{
	static unsigned int run_nr;
	struct perf_event_attr attr[NR_EVENTS];
	int i, cpu;

	watched_function = function[run_nr++ % ARRAY_SIZE(function)];
	for (i = 0; i < NR_EVENTS; i++) {
		hw_breakpoint_init(&attr[i]);
		attr[i].disabled = 1;
		attr[i].bp_type = i == CALL ? HW_BREAKPOINT_X : HW_BREAKPOINT_W;
		attr[i].bp_addr = i == CALL ? (unsigned long)watched_function : addr(0);
		attr[i].bp_len = 8;
		/* perf core takes the one off and on again for the other, in one bracket */
		attr[i].pinned = i == DATA;
		cpu = target[i] ? -1 : raw_smp_processor_id();
		event[i] = perf_event_create_kernel_counter(&attr[i], cpu, target[i], count_hit,
							    NULL);
		if (IS_ERR(event[i])) {
			int err = PTR_ERR(event[i]);

			event[i] = NULL;
			KUNIT_FAIL_AND_ABORT(test, "no event: %d", err);
		}
	}
}

static void close_events(struct kunit *test)
{
	int i;

	hw_breakpoint_hook_steps(NULL);
	for (i = 0; i < NR_EVENTS; i++) {
		if (event[i])
			perf_event_release_kernel(event[i]);
		event[i] = NULL;
	}
}

/* === What is interrupted === */

static void on(unsigned int i)
{
	perf_event_enable(event[i]);
}

static void off(unsigned int i)
{
	perf_event_disable(event[i]);
}

static void data_moves(void)
{
	moving = true;
	move_data();
	moving = false;
}

static void nothing(void)
{
}

static void data_on(void)
{
	on(DATA);
}

static void data_off(void)
{
	off(DATA);
}

static void call_on(void)
{
	on(CALL);
}

static void call_off(void)
{
	off(CALL);
}

static void both_on(void)
{
	on(CALL);
	on(DATA);
}

/* The one has the register that was the other's: so it becomes stale when that is on again. */
static void call_where_data_was(void)
{
	on(DATA);
	off(DATA);
	on(CALL);
}

static const struct op {
	const char *name;
	void (*before)(void);
	void (*run)(void);
	/* who is on then, and who has been on all the time */
	bool on[NR_EVENTS], stays[NR_EVENTS];
} ops[] = {
	{ "data on", nothing, data_on, { true, false } },
	{ "data off", data_on, data_off },
	{ "call on", nothing, call_on, { false, true } },
	{ "call off", call_on, call_off },
	{ "data on beside call", call_where_data_was, data_on, { true, true } },
	{ "data off beside call", both_on, data_off, { false, true }, { false, true } },
	{ "call on beside data", data_on, call_on, { true, true }, { true, false } },
	{ "call off beside data", both_on, call_off, { true, false }, { true, false } },
	{ "data moves", data_on, data_moves, { true, false } },
	{ "data moves beside call", both_on, data_moves, { true, true } },
};

/* === Verdict === */

static void forget_hits(void)
{
	WRITE_ONCE(hits[DATA], 0);
	WRITE_ONCE(hits[CALL], 0);
}

/* In an NMI nothing is: DR7 is zero. */
static bool is_access(enum what what)
{
	return what >= ACCESS_A && what <= A_CALL;
}

/* What is a hit of an event that is on. */
static enum what access_to(int i)
{
	if (i == CALL)
		return A_CALL;
	return event[DATA]->attr.bp_addr == addr(0) ? ACCESS_A : ACCESS_B;
}

/* Return: NULL, or what was wrong. */
static const char *judge(const struct op *op)
{
	const bool at_b = event[DATA]->attr.bp_addr == addr(1);
	int i;

	if (READ_ONCE(wrong_hits))
		return "a hit was told to the wrong event";
	for (i = 0; i < NR_EVENTS; i++) {
		if (hits_of(i) > is_access(what))
			return "an access was told too often";
		/* It may take a step less than the run before. */
		if (op->stays[i] && what == access_to(i) && step_nr > at_step && !hits_of(i))
			return "an access was told to nobody";
	}
	forget_hits();
	for (i = 0; i < ACCESSES; i++)
		access_place(at_b);
	for (i = 0; i < ACCESSES; i++)
		call_function();
	if (hits_of(DATA) != op->on[DATA] * ACCESSES || hits_of(CALL) != op->on[CALL] * ACCESSES)
		return "afterwards not all is told to whom it should be";
	access_place(!at_b);
	if (hits_of(DATA) != op->on[DATA] * ACCESSES)
		return "afterwards something else is watched, too";
	return READ_ONCE(wrong_hits) ? "afterwards a hit was told to the wrong event" : NULL;
}

/* Return: what was wrong. How many steps it takes is in step_nr then. */
static const char *run(struct kunit *test, const struct op *op)
{
	const char *wrong;

	/* New ones, for which any register is as good as another. */
	open_events(test);
	op->before();
	forget_hits();
	WRITE_ONCE(wrong_hits, 0);
	step_nr = 0;
	steps_cpu = raw_smp_processor_id();
	hw_breakpoint_hook_steps(at_each_step);
	op->run();
	hw_breakpoint_hook_steps(NULL);
	wrong = judge(op);
	close_events(test);
	return wrong;
}

static void test_op(struct kunit *test, const struct op *op)
{
	const char *wrong;
	int steps;

	at_step = NEVER;
	what = NOTHING;
	wrong = run(test, op);
	KUNIT_EXPECT_NULL_MSG(test, wrong, "%s: %s", op->name, wrong);
	KUNIT_ASSERT_GT(test, step_nr, 0);
	KUNIT_ASSERT_LT(test, step_nr, MAX_STEPS);
	for (what = ACCESS_A; what < NR_WHAT; what++) {
		steps = step_nr;
		for (at_step = 0; at_step < steps; at_step++) {
			wrong = run(test, op);
			KUNIT_EXPECT_NULL_MSG(test, wrong, "%s, %s at step %d: %s", op->name,
					      what_name[what], at_step, wrong);
			steps = min(step_nr, MAX_STEPS);
		}
		KUNIT_ASSERT_LT(test, steps, MAX_STEPS);
	}
}

/* === On a CPU === */

static void test_on_a_cpu(struct kunit *test)
{
	int i;

	migrate_disable();
	memset(target, 0, sizeof(target));
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		test_op(test, &ops[i]);
	migrate_enable();
}

/* === Switches === */

static DECLARE_WAIT_QUEUE_HEAD(turn);
static bool others_turn;
/* The other task's calls are counted, and nothing else. */
static bool other_is_wrong;

static int other_task(void *arg)
{
	int i, before;

	for (;;) {
		wait_event(turn, READ_ONCE(others_turn) || kthread_should_stop());
		if (kthread_should_stop())
			return 0;
		before = hits_of(CALL);
		for (i = 0; i < ACCESSES; i++)
			call_function();
		if (hits_of(CALL) != before + ACCESSES)
			other_is_wrong = true;
		WRITE_ONCE(hits[CALL], before);
		before = hits_of(DATA);
		access_place(0);
		if (hits_of(DATA) != before)
			other_is_wrong = true;
		WRITE_ONCE(others_turn, false);
		wake_up(&turn);
	}
}

/* This task watches data, the other one, on the same CPU, calls. */
static void switch_there_and_back(void)
{
	WRITE_ONCE(others_turn, true);
	wake_up(&turn);
	wait_event(turn, !READ_ONCE(others_turn));
}

static const struct op switches = {
	"a switch there and back", both_on, switch_there_and_back, { true, false },
};

static void test_switches(struct kunit *test)
{
	migrate_disable();
	other_is_wrong = false;
	target[DATA] = current;
	target[CALL] = kthread_run_on_cpu(other_task, NULL, raw_smp_processor_id(), "steps/%u");
	KUNIT_ASSERT_FALSE(test, IS_ERR(target[CALL]));
	test_op(test, &switches);
	migrate_enable();
	kthread_stop(target[CALL]);
	KUNIT_EXPECT_FALSE(test, other_is_wrong);
}

/* === The suite === */

static int suite_init(struct kunit_suite *suite)
{
	nmi_action = access_or_move;
	return nmi_suite_init(suite);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(test_on_a_cpu),
	KUNIT_CASE_SLOW(test_switches),
	{ },
};

static struct kunit_suite steps_suite = {
	.name = "hw_breakpoint_steps",
	.test_cases = cases,
	.exit = close_events,
	.suite_init = suite_init,
	.suite_exit = nmi_suite_exit,
};

kunit_test_suite(steps_suite);

MODULE_DESCRIPTION("KUnit test of what comes between the steps of programming debug registers");
MODULE_LICENSE("GPL");
