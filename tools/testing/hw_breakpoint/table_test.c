// SPDX-License-Identifier: GPL-2.0-only
/*
 * The constraint table: what other CPUs do in between, what needs the mutex, the kernel debugger,
 * short memory, and many CPUs.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <setjmp.h>
#include <time.h>

static void shim_step(void);
#define shim_step	shim_step

#include "table.h"
#include "tap.h"

static jmp_buf blocked;

void shim_blocks(void)
{
	longjmp(blocked, 1);
}

/* === Other CPUs in between === */

/* The contexts' charges, and a CPU's own or one for every CPU. */
enum { A, B, OWN };

struct act {
	int		cpu, i;
	unsigned int	weight, task_limit;
};

/* What happens meanwhile, and before which step. */
static const struct act *act[2];
static int when[2], now;
static bool running, waits[2];

/*
 * An act on its CPU. Where it would wait for another CPU it is taken back, to be tried again
 * later: all that it has done until then is to lower limit.
 */
static bool perform(const struct act *a)
{
	const int cpu = shim_cpu, atomic = shim_atomic;
	const unsigned int old = limit;
	const bool held = table_mutex.held;
	volatile bool done = false;

	shim_cpu = a->cpu;
	shim_atomic = 0;
	if (!setjmp(blocked)) {
		hw_breakpoint_charge(&charge[a->i], a->weight, a->task_limit);
		done = true;
	} else if (!held) {
		table_mutex.held = false;
		limit = old;
	}
	shim_cpu = cpu;
	shim_atomic = atomic;
	return done;
}

static void shim_step(void)
{
	if (!running)
		return;
	running = false;
	for (int i = 0; i < 2; i++)
		if ((when[i] == now || waits[i]) && !(i && waits[0]))
			waits[i] = !perform(act[i]);
		else if (when[i] == now)
			waits[i] = true;
	now++;
	running = true;
}

/* @outer, with @first and @second at each two steps of it. Return: true if that was often. */
static bool interrupt(const struct act *outer, const struct act *first, const struct act *second)
{
	struct world *world = malloc(world_size());
	int steps = 1;

	save(world);
	act[0] = first;
	act[1] = second;
	for (when[0] = 0; when[0] < steps && !wrong; when[0]++)
		for (when[1] = when[0]; when[1] < steps && !wrong; when[1]++) {
			now = waits[0] = waits[1] = 0;
			running = true;
			perform(outer);
			running = false;
			steps = max(steps, now);
			for (int i = 0; i < 2; i++)
				if (when[i] >= now || waits[i])
					perform(act[i]);
			check();
			if (wrong)
				printf("# unmet: %s, at steps %d and %d of %d\n", wrong, when[0],
				       when[1], now);
			put_back(world);
		}
	free(world);
	return steps > 1;
}

/* Context A has @a registers, and B has @b, which were counted on CPU @on. */
static void begin(unsigned int a, unsigned int b, int on)
{
	setup(4, 2, 2, 3);
	charge[OWN].cpu = 1;
	for (int i = A; i <= B; i++)
		charge[i] = (struct hw_breakpoint_charge) {
			.account = &account[i], .cpu = HW_BREAKPOINT_ANY_CPU,
		};
	shim_cpu = on;
	must(!a || try(&charge[A], a));
	must(!b || try(&charge[B], b));
}

/* Context B has @b, then @then and @at_last, while a CPU's own charge is asked for. */
static void test_against_cpu(unsigned int a, unsigned int b, unsigned int then,
			     unsigned int at_last, unsigned int task_limit, const char *what)
{
	bool often = true;

	wrong = NULL;
	for (int n = 0; n < 64 && often && !wrong; n++) {
		const struct act first = { n % 4, B, then, task_limit };
		const struct act second = { n / 4 % 4, B, at_last, task_limit };
		const struct act outer = { 0, OWN, 1 + n / 32, HW_BREAKPOINT_NO_LIMIT };

		begin(a, b, first.cpu);
		if (n & 16)
			charge[OWN].cpu = HW_BREAKPOINT_EVERY_CPU;
		often = interrupt(&outer, &first, &second);
	}
	tap_ok(often && !wrong, what);
}

/* The other way round: CPUs' own charges come and go while a context is charged. */
static void test_against_context(void)
{
	bool often = true;

	wrong = NULL;
	for (unsigned int n = 0; n < 8 && often && !wrong; n++) {
		const struct act first = { 1, OWN, 1 + n / 4, HW_BREAKPOINT_NO_LIMIT };
		const struct act second = { 2, OWN, n / 2 % 2, HW_BREAKPOINT_NO_LIMIT };
		const struct act outer = { 3, B, 1 + n % 2, HW_BREAKPOINT_NO_LIMIT };

		begin(0, 0, 0);
		often = interrupt(&outer, &first, &second);
	}
	tap_ok(often && !wrong, "CPUs' own charges come and go while a context is charged");
}

static void test_interleaving(void)
{
	const unsigned int none = HW_BREAKPOINT_NO_LIMIT, copy = HW_BREAKPOINT_COVERED;

	test_against_cpu(1, 1, 2, 1, none, "meanwhile a context grows and shrinks");
	test_against_cpu(1, 2, 1, 0, none, "meanwhile a context shrinks and shrinks again");
	test_against_cpu(0, 0, 1, 2, none, "meanwhile a context is charged, and again");
	test_against_cpu(2, 0, 2, 0, copy, "meanwhile a context is copied, and its copy goes");
	test_against_cpu(2, 0, 1, 2, copy, "meanwhile a context is copied event by event");
	test_against_context();
}

/* === Locks, memory, scale === */

static int charge_with_mutex_held(struct hw_breakpoint_charge *c, unsigned int weight,
				  unsigned int task_limit)
{
	int err;

	table_mutex.held = true;
	err = setjmp(blocked) ? -EAGAIN : hw_breakpoint_charge(c, weight, task_limit);
	table_mutex.held = false;
	check();
	return err;
}

static void test_fast_path(void)
{
	begin(0, 0, 0);
	must(charge_with_mutex_held(&charge[A], 2, 2) == 0);
	must(charge_with_mutex_held(&charge[A], 1, 2) == 0);
	must(try(&charge[OWN], 1));
	must(charge_with_mutex_held(&charge[A], 2, 2) == -ENOSPC);
	must(charge_with_mutex_held(&charge[B], 2, 1) == -EDQUOT);
	must(charge_with_mutex_held(&charge[B], 1, 1) == 0);
	must(charge_with_mutex_held(&charge[B], 0, 1) == 0);
	must(try(&charge[OWN], 0));
	must(charge_with_mutex_held(&charge[A], 2, 2) == -EAGAIN);
	must(try(&charge[A], 2));
	tap_ok(!wrong, "contexts need the mutex for nothing but what is above limit");
}

static void test_debugger(void)
{
	struct hw_breakpoint_charge c = { .cpu = HW_BREAKPOINT_EVERY_CPU };

	setup(3, 4, 1, 1);
	for (int cpu = 0; cpu < 3; cpu++) {
		per_cpu(shard, cpu).in_flight = 1;
		must(hw_breakpoint_charge_stopped(&c, 1) == -EBUSY);
		per_cpu(shard, cpu).in_flight = 0;
	}
	mutex_lock(&table_mutex);
	must(hw_breakpoint_charge_stopped(&c, 1) == -EBUSY);
	mutex_unlock(&table_mutex);
	check();
	must(!c.weight);
	shim_atomic = 1;	/* it may not wait */
	must(hw_breakpoint_charge_stopped(&c, 4) == 0 && c.weight == 4);
	must(hw_breakpoint_charge_stopped(&c, 5) == -ENOSPC && c.weight == 4);
	must(hw_breakpoint_charge_stopped(&c, 0) == 0 && !c.weight);
	shim_atomic = 0;
	check();
	tap_ok(!wrong, "the debugger is busy while anybody is in the table");
}

static void test_short_memory(void)
{
	setup(2, 4, 1, 2);
	charge[0] = (struct hw_breakpoint_charge) { .account = &account[0], .cpu = 1 };
	charge[1] = charge[0];
	shim_no_memory = true;
	must(hw_breakpoint_charge(&charge[0], 1, HW_BREAKPOINT_NO_LIMIT) == -ENOMEM);
	check();
	must(!charge[0].weight);
	must(hw_breakpoint_charge(&charge[0], 0, HW_BREAKPOINT_NO_LIMIT) == 0);
	must(!charge[0].account);
	shim_no_memory = false;
	must(hw_breakpoint_charge(&charge[1], 1, HW_BREAKPOINT_NO_LIMIT) == 0);
	shim_no_memory = true;
	must(hw_breakpoint_charge(&charge[1], 2, HW_BREAKPOINT_NO_LIMIT) == 0);
	must(hw_breakpoint_charge(&charge[1], 0, HW_BREAKPOINT_NO_LIMIT) == 0);
	shim_no_memory = false;
	check();
	tap_ok(!wrong, "without memory nothing is changed, but what there is can be given back");
}

static void test_scale(void)
{
	static struct hw_breakpoint_charge many[4 * 4096];
	const clock_t start = clock();
	int granted = 0, refused = 0;

	setup(4096, 4, 1, 0);
	for (int i = 0; i < 4 * 4096; i++) {
		many[i] = (struct hw_breakpoint_charge) { .account = &account[0], .cpu = i / 4 };
		granted += !hw_breakpoint_charge(&many[i], 1, HW_BREAKPOINT_NO_LIMIT);
	}
	printf("# 16384 task-on-CPU charges took %.3f s\n",
	       (double)(clock() - start) / CLOCKS_PER_SEC);
	for (int cpu = 0; cpu < 4096; cpu++) {
		struct hw_breakpoint_charge c = { .account = &account[0], .cpu = cpu };

		refused += hw_breakpoint_charge(&c, 1, HW_BREAKPOINT_NO_LIMIT) == -ENOSPC;
	}
	must(granted == 4 * 4096 && refused == 4096);
	for (int i = 0; i < 4 * 4096; i++)
		must(!hw_breakpoint_charge(&many[i], 0, HW_BREAKPOINT_NO_LIMIT));
	must(!shim_allocated && !account[0].on_cpu);
	tap_ok(!wrong, "a context is charged with all registers of 4096 CPUs");
}

int main(void)
{
	test_interleaving();
	test_fast_path();
	test_debugger();
	test_short_memory();
	test_scale();
	setup(1, 1, 0, 0);
	free(areas);
	return tap_end();
}
