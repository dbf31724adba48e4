// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: at each instruction that programs the debug registers an NMI comes, or a breakpoint is
 * moved, or both. Afterwards each access is one hit of the breakpoint that it should be of.
 *
 * The CPU single-steps through what is tested. The trap after each instruction is such an
 * interruption itself: it saves DR7, zeroes it and writes it at its end, as an NMI does. In the
 * trap after a chosen instruction, one for each run, something else happens in addition.
 *
 * There are two breakpoints: one for data, which can be moved, and one for execution, so that a
 * register is now for the one and now for the other. (QEMU's TCG takes two for data for one
 * another.)
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <kunit/test.h>

#include <linux/hw_breakpoint.h>
#include <linux/kdebug.h>
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>

#include <asm/debugreg.h>
#include <asm/processor-flags.h>

#include "hw_breakpoint_nmi.h"

#define ACCESSES 3
#define MAX_STEPS 1000

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

static void count_hit(struct perf_event *bp, struct perf_sample_data *data, struct pt_regs *regs)
{
	hits[bp == event[CALL] ? CALL : DATA]++;
}

static void access_place(unsigned int i)
{
	WRITE_ONCE(place[i].var, place[i].var + 1);
}

static void move_data(void)
{
	hw_breakpoint_move_local(event[DATA], addr(event[DATA]->attr.bp_addr == addr(0)));
}

/* === Steps === */

static enum what { NOTHING, MOVE, NMI, NMI_MOVE, NR_WHAT } what;

static const char * const what_name[NR_WHAT] = {
	"nothing", "a move", "an NMI", "an NMI that moves",
};

static int step_nr, at_step, steps_cpu = -1;

static void nothing(void)
{
}

/*
 * The functions that program the registers are around this one, which is exported. What else is there
 * does no harm, but for locks: how long a CPU spins on them differs from run to run.
 */
static bool is_programming(unsigned long ip)
{
	return ip - (unsigned long)cpu_dr7_release + 0x1000 < 0x2000 && !in_lock_functions(ip);
}

static int handle_step(struct notifier_block *nb, unsigned long val, void *data)
{
	struct die_args *args = data;
	unsigned long *dr6 = (unsigned long *)args->err;

	if (val != DIE_DEBUG || raw_smp_processor_id() != steps_cpu || !(*dr6 & DR_STEP))
		return NOTIFY_DONE;
	if (is_programming(args->regs->ip) && step_nr++ == at_step) {
		if (what == MOVE)
			move_data();
		if (what >= NMI) {
			nmi_action = what == NMI_MOVE ? move_data : nothing;
			send_nmi(steps_cpu);
		}
	}
	return NOTIFY_STOP;
}

static struct notifier_block step_notifier = { .notifier_call = handle_step };

/* Nothing in it sleeps: what it locks, nobody else knows of. */
static void in_steps(void (*run)(void))
{
	step_nr = 0;
	steps_cpu = raw_smp_processor_id();
	preempt_disable();
	asm volatile("pushf; orq %0, (%%rsp); popf" : : "i" (X86_EFLAGS_TF) : "memory", "cc");
	run();
	asm volatile("pushf; andq %0, (%%rsp); popf" : : "i" (~X86_EFLAGS_TF) : "memory", "cc");
	preempt_enable();
	steps_cpu = -1;
}

/* === Events === */

static void open_events(struct kunit *test)
{
	static unsigned int run_nr;
	struct perf_event_attr attr[NR_EVENTS];
	int i;

	watched_function = function[run_nr++ % ARRAY_SIZE(function)];
	for (i = 0; i < NR_EVENTS; i++) {
		hw_breakpoint_init(&attr[i]);
		attr[i].disabled = 1;
		attr[i].bp_type = i == CALL ? HW_BREAKPOINT_X : HW_BREAKPOINT_W;
		attr[i].bp_addr = i == CALL ? (unsigned long)watched_function : addr(0);
		attr[i].bp_len = 8;
		/* perf core takes the one off and on again for the other, in one bracket */
		attr[i].pinned = i == DATA;
		event[i] = perf_event_create_kernel_counter(&attr[i], raw_smp_processor_id(), NULL,
							    count_hit, NULL);
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

	for (i = 0; i < NR_EVENTS; i++) {
		if (event[i])
			perf_event_release_kernel(event[i]);
		event[i] = NULL;
	}
}

/* === What is interrupted === */

static void data_on(void)
{
	perf_event_enable(event[DATA]);
}

static void data_off(void)
{
	perf_event_disable(event[DATA]);
}

static void call_on(void)
{
	perf_event_enable(event[CALL]);
}

static void call_off(void)
{
	perf_event_disable(event[CALL]);
}

static void both_on(void)
{
	call_on();
	data_on();
}

/* The one has the register that was the other's. */
static void call_where_data_was(void)
{
	data_on();
	data_off();
	call_on();
}

static const struct op {
	const char *name;
	void (*before)(void);
	void (*run)(void);
	/* which of them is on then */
	bool on[NR_EVENTS];
} ops[] = {
	{ "data on", nothing, data_on, { true, false } },
	{ "data off", data_on, data_off },
	{ "call on", nothing, call_on, { false, true } },
	{ "call off", call_on, call_off },
	{ "data on beside call", call_where_data_was, data_on, { true, true } },
	{ "data off beside call", both_on, data_off, { false, true } },
	{ "call on beside data", data_on, call_on, { true, true } },
	{ "call off beside data", both_on, call_off, { true, false } },
	{ "data moves", data_on, move_data, { true, false } },
	{ "data moves beside call", both_on, move_data, { true, true } },
};

/* === Verdict === */

/* Return: NULL, or what was wrong. */
static const char *judge(const struct op *op)
{
	const bool at_b = event[DATA]->attr.bp_addr == addr(1);
	int i;

	if (hits[DATA] || hits[CALL])
		return "something was hit that wasn't accessed";
	for (i = 0; i < ACCESSES; i++)
		access_place(at_b);
	for (i = 0; i < ACCESSES; i++)
		watched_function();
	if (hits[DATA] != op->on[DATA] * ACCESSES || hits[CALL] != op->on[CALL] * ACCESSES)
		return "not each access is one hit";
	access_place(!at_b);
	if (hits[DATA] != op->on[DATA] * ACCESSES)
		return "where it has been moved from is watched, too";
	return NULL;
}

/* Return: what was wrong. How many steps it takes is in step_nr then. */
static const char *run(struct kunit *test, const struct op *op)
{
	const char *wrong;

	/* New ones, for which any register is as good as another. */
	open_events(test);
	op->before();
	memset(hits, 0, sizeof(hits));
	in_steps(op->run);
	wrong = judge(op);
	close_events(test);
	return wrong;
}

static void test_op(struct kunit *test, const struct op *op)
{
	const char *wrong;
	int steps;

	at_step = MAX_STEPS;
	what = NOTHING;
	wrong = run(test, op);
	KUNIT_EXPECT_NULL_MSG(test, wrong, "%s: %s", op->name, wrong);
	/* A fast path alone takes more than ten instructions. */
	KUNIT_ASSERT_GT(test, step_nr, 10);
	for (what = MOVE; what < NR_WHAT; what++) {
		steps = step_nr;
		for (at_step = 0; at_step < steps; at_step++) {
			wrong = run(test, op);
			KUNIT_EXPECT_NULL_MSG(test, wrong, "%s, %s at step %d: %s", op->name,
					      what_name[what], at_step, wrong);
			steps = step_nr;
			KUNIT_ASSERT_LT(test, steps, MAX_STEPS);
		}
	}
	kunit_info(test, "%s: %d steps\n", op->name, step_nr);
}

static void test_on_a_cpu(struct kunit *test)
{
	int i;

	migrate_disable();
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		test_op(test, &ops[i]);
	migrate_enable();
}

/* === The suite === */

static int suite_init(struct kunit_suite *suite)
{
	return register_die_notifier(&step_notifier) ?: nmi_suite_init(suite);
}

static void suite_exit(struct kunit_suite *suite)
{
	nmi_suite_exit(suite);
	unregister_die_notifier(&step_notifier);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(test_on_a_cpu),
	{ },
};

static struct kunit_suite steps_suite = {
	.name = "hw_breakpoint_steps",
	.test_cases = cases,
	.exit = close_events,
	.suite_init = suite_init,
	.suite_exit = suite_exit,
};

kunit_test_suite(steps_suite);

MODULE_DESCRIPTION("KUnit test of what interrupts the programming of debug registers");
MODULE_LICENSE("GPL");
