// SPDX-License-Identifier: GPL-2.0-only
/*
 * The constraint table by hand: what the searches do not reach (odd arguments, levels
 * beyond the limit), and the cases that it is there for, so that they can be read.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <limits.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "hw_breakpoint_slots.h"
#include "tap.h"

#define N_CPUS	3

static struct hw_breakpoint_cpu_slots cpus[N_CPUS];
static struct hw_breakpoint_table table;
static struct hw_breakpoint_account a, b;
static struct hw_breakpoint_promise p[16];

static void setup(unsigned int nr_slots)
{
	memset(cpus, 0, sizeof(cpus));
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	memset(p, 0, sizeof(p));
	hw_breakpoint_table_init(&table, cpus, N_CPUS, nr_slots);
}

static int reserve(int i, struct hw_breakpoint_account *account, int cpu, unsigned int weight)
{
	return hw_breakpoint_table_reserve(&table, &p[i], account, cpu, weight, NULL);
}

static int family;

static int original(int i, struct hw_breakpoint_account *account, unsigned int weight)
{
	return hw_breakpoint_table_reserve(&table, &p[i], account, -1, weight, &family);
}

static void copy(int i, struct hw_breakpoint_account *account, unsigned int weight)
{
	hw_breakpoint_table_inherit(&table, &p[i], account, -1, weight, &family);
}

static void release(int i)
{
	hw_breakpoint_table_release(&table, &p[i]);
}

static bool released(void)
{
	for (int i = 0; i < 16; i++)
		release(i);
	for (int c = 0; c < N_CPUS; c++)
		if (hw_breakpoint_table_cpu_slots(&table, c) ||
		    hw_breakpoint_table_task_slots(&table, c))
			return false;
	return !hw_breakpoint_table_used(&table) && hw_breakpoint_account_empty(&a) &&
	       hw_breakpoint_account_empty(&b);
}

static void test_a_task_has_four(void)
{
	bool good = true;

	setup(4);
	for (int i = 0; i < 4; i++)
		good &= !reserve(i, &a, -1, 1);
	good &= reserve(4, &a, -1, 1) == -ENOSPC && reserve(4, &a, 2, 1) == -ENOSPC;
	good &= !reserve(5, &b, -1, 4);
	tap_ok(good && released(), "a task has four, and another has four as well");
}

static void test_a_cpu_leaves_the_rest_to_tasks(void)
{
	bool good;

	setup(4);
	good = !reserve(0, NULL, 1, 3) && !reserve(1, &a, -1, 1) && reserve(2, &a, -1, 1) &&
	       reserve(2, &a, 1, 1) == -ENOSPC && !reserve(2, &a, 0, 3) &&
	       reserve(3, NULL, 0, 1) == -ENOSPC && reserve(3, NULL, 1, 1) == -ENOSPC &&
	       !reserve(3, NULL, 2, 3) && hw_breakpoint_table_cpu_slots(&table, 1) == 3 &&
	       hw_breakpoint_table_task_slots(&table, 0) == 4 &&
	       hw_breakpoint_table_task_slots(&table, 2) == 1;
	tap_ok(good && released(), "what a CPU's own events hold is not left to tasks");
}

static void test_a_holder_stays(void)
{
	static const char who[] = "who";
	const void *holder = who;
	bool good;

	setup(4);
	p[0].holder = holder;
	good = !reserve(0, &a, -1, 1) && p[0].holder == holder &&
	       !hw_breakpoint_table_resize(&table, &p[0], 3) &&
	       p[0].holder == holder;
	release(0);
	good &= p[0].holder == holder;
	p[0].holder = NULL;
	tap_ok(good && released(), "the table leaves alone who holds a promise");
}

static void test_weight_of_nothing(void)
{
	bool good;

	setup(4);
	good = !reserve(0, &a, -1, 0) && hw_breakpoint_account_empty(&a) &&
	       !hw_breakpoint_table_used(&table) && !reserve(1, &a, -1, 4) &&
	       !reserve(2, &a, -1, 0);
	release(0);
	release(0);
	good &= hw_breakpoint_table_used(&table) && !hw_breakpoint_account_empty(&a);
	tap_ok(good && released(), "a weight of 0 is granted and holds nothing");
}

static void test_weight_of_too_much(void)
{
	bool good;

	setup(2);
	good = reserve(0, &a, -1, 3) == -ENOSPC && reserve(0, NULL, 0, UINT_MAX) == -ENOSPC &&
	       !reserve(1, &a, 0, 1) && reserve(0, &a, 0, UINT_MAX) == -ENOSPC &&
	       hw_breakpoint_table_resize(&table, &p[1], UINT_MAX) == -ENOSPC &&
	       p[1].weight == 1;
	tap_ok(good && released(), "a weight that overflows every sum is refused");
}

static void test_resize(void)
{
	bool good;

	setup(4);
	good = !reserve(0, &a, -1, 2) && !reserve(1, NULL, 1, 1) &&
	       hw_breakpoint_table_resize(&table, &p[0], 4) == -ENOSPC && p[0].weight == 2 &&
	       !hw_breakpoint_table_resize(&table, &p[0], 3) &&
	       hw_breakpoint_table_resize(&table, &p[1], 2) == -ENOSPC &&
	       !hw_breakpoint_table_resize(&table, &p[0], 0) && !p[0].account &&
	       hw_breakpoint_table_resize(&table, &p[0], 1) == -EINVAL &&
	       !hw_breakpoint_table_resize(&table, &p[0], 0) &&
	       !hw_breakpoint_table_resize(&table, &p[1], 4);
	tap_ok(good && released(), "a promise grows, shrinks, and ends at 0");
}

static void test_copies_beyond_the_limit(void)
{
	bool good;

	setup(4);
	for (int i = 0; i < 12; i++)
		copy(i, &a, 1);
	good = hw_breakpoint_table_task_slots(&table, 0) == HW_BREAKPOINT_TOP_LEVEL &&
	       reserve(12, NULL, 0, 1) == -ENOSPC && reserve(12, &a, -1, 1) == -ENOSPC;
	for (int i = 0; i < 9; i++)
		release(i);
	good &= hw_breakpoint_table_task_slots(&table, 0) == 3 && !reserve(12, NULL, 0, 1);
	tap_ok(good && released(), "copies are never refused, and are counted back down");
}

/* Weak spot 23: with its promise gone, a fifth would be accepted on the survivor. */
static void test_exchange_and_exit(void)
{
	bool good;

	setup(4);
	good = !original(0, &a, 4);
	copy(1, &b, 4);
	/* Contexts are exchanged: B runs the original, A runs the copy and exits. */
	hw_breakpoint_table_settle(&table, &p[1], &a);
	release(1);
	good &= hw_breakpoint_account_empty(&a) && reserve(2, &b, -1, 1) == -ENOSPC;
	release(0);
	tap_ok(good && !reserve(2, &b, -1, 4) && released(),
	       "after an exchange of contexts an exit relieves the task that exits");
}

static void test_settle_leaves_others_alone(void)
{
	bool good;

	setup(4);
	good = !original(0, &a, 2) && !reserve(1, &b, -1, 2) && !reserve(2, NULL, 0, 1) &&
	       !reserve(4, &a, -1, 1);
	/* B has none of 0's family; 1 and 4 have none; 2 has no account; 3 holds nothing. */
	hw_breakpoint_table_settle(&table, &p[0], &b);
	hw_breakpoint_table_settle(&table, &p[1], &a);
	hw_breakpoint_table_settle(&table, &p[2], &a);
	hw_breakpoint_table_settle(&table, &p[3], &a);
	hw_breakpoint_table_settle(&table, &p[0], &a);
	good &= p[0].account == &a && p[1].account == &b && !p[2].account && !p[3].account &&
		p[4].account == &a;
	tap_ok(good && released(), "what has no place to settle stays where it is");
}

/* A family whose resize is under way has copies of two weights. */
static void test_settle_of_unequal_weights(void)
{
	bool good;

	setup(4);
	good = !original(0, &a, 1);
	copy(1, &b, 3);
	hw_breakpoint_table_settle(&table, &p[1], &a);
	good &= p[1].account == &a && a.everywhere == 3 && b.everywhere == 1;
	release(1);
	good &= hw_breakpoint_account_empty(&a) && hw_breakpoint_table_task_slots(&table, 0) == 1;
	tap_ok(good && released(), "records of unequal weight take their weights with them");
}

int main(void)
{
	test_a_task_has_four();
	test_a_cpu_leaves_the_rest_to_tasks();
	test_a_holder_stays();
	test_weight_of_nothing();
	test_weight_of_too_much();
	test_resize();
	test_copies_beyond_the_limit();
	test_exchange_and_exit();
	test_settle_leaves_others_alone();
	test_settle_of_unequal_weights();
	return tap_end();
}
