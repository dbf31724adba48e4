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

const int shim_nr_cpus = N_CPUS;

static struct hw_breakpoint_cpu_slots cpus[N_CPUS];
static struct hw_breakpoint_table table;
static struct hw_breakpoint_account a, b;
static struct hw_breakpoint_promise p[16], wide[N_CPUS];

/* Requests that one lock was not enough for. */
static int all_locks;

static void setup(unsigned int nr_slots)
{
	memset(cpus, 0, sizeof(cpus));
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	memset(p, 0, sizeof(p));
	memset(wide, 0, sizeof(wide));
	all_locks = 0;
	hw_breakpoint_table_init(&table, cpus, nr_slots);
}

/* One lock is tried first: that of CPU 1 for tasks' requests. */
static int held_for(const struct hw_breakpoint_account *account, int cpu)
{
	return account ? 1 : cpu;
}

static int reserve_family(int i, struct hw_breakpoint_account *account, int cpu,
			  unsigned int weight, const void *family)
{
	int err = hw_breakpoint_table_reserve(&table, held_for(account, cpu), &p[i], account,
					      cpu, weight, family);

	if (err != -EAGAIN)
		return err;
	all_locks++;
	return hw_breakpoint_table_reserve(&table, HW_BREAKPOINT_ALL_LOCKS, &p[i], account, cpu,
					   weight, family);
}

static int reserve(int i, struct hw_breakpoint_account *account, int cpu, unsigned int weight)
{
	return reserve_family(i, account, cpu, weight, NULL);
}

static int family;

static int original(int i, struct hw_breakpoint_account *account, unsigned int weight)
{
	return reserve_family(i, account, -1, weight, &family);
}

static void copy(int i, struct hw_breakpoint_account *account, unsigned int weight)
{
	if (hw_breakpoint_table_inherit(&table, 2, &p[i], account, -1, weight, &family))
		hw_breakpoint_table_inherit(&table, HW_BREAKPOINT_ALL_LOCKS, &p[i], account, -1,
					    weight, &family);
}

static int resize(int i, unsigned int weight)
{
	int err = hw_breakpoint_table_resize(&table, held_for(p[i].account, p[i].cpu), &p[i],
					     weight);

	if (err != -EAGAIN)
		return err;
	all_locks++;
	return hw_breakpoint_table_resize(&table, HW_BREAKPOINT_ALL_LOCKS, &p[i], weight);
}

static void release(int i)
{
	hw_breakpoint_table_release(&table, held_for(p[i].account, p[i].cpu), &p[i]);
}

/* The task of @holder, whose context holds the copy with record @i, exits. */
static void exits(int i, struct hw_breakpoint_account *holder)
{
	if (hw_breakpoint_table_release_from(&table, 0, &p[i], &family, holder))
		hw_breakpoint_table_release_from(&table, HW_BREAKPOINT_ALL_LOCKS, &p[i],
						 &family, holder);
}

static bool empty(const struct hw_breakpoint_account *account)
{
	return !account->promises && !account->everywhere;
}

static bool released(void)
{
	for (int i = 0; i < 16; i++)
		release(i);
	for (int c = 0; c < N_CPUS; c++)
		if (cpus[c].slots || cpus[c].promises ||
		    hw_breakpoint_table_task_slots(&table, c))
			return false;
	return !hw_breakpoint_table_used(&table) && empty(&a) &&
	       empty(&b);
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
	       !reserve(3, NULL, 2, 3) && cpus[1].slots == 3 &&
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
	       !resize(0, 3) &&
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
	good = !reserve(0, &a, -1, 0) && empty(&a) &&
	       !hw_breakpoint_table_used(&table) && !reserve(1, &a, -1, 4) &&
	       !reserve(2, &a, -1, 0);
	release(0);
	release(0);
	good &= hw_breakpoint_table_used(&table) && !empty(&a);
	tap_ok(good && released(), "a weight of 0 is granted and holds nothing");
}

static void test_weight_of_too_much(void)
{
	bool good;

	setup(2);
	good = reserve(0, &a, -1, 3) == -ENOSPC && reserve(0, NULL, 0, UINT_MAX) == -ENOSPC &&
	       !reserve(1, &a, 0, 1) && reserve(0, &a, 0, UINT_MAX) == -ENOSPC &&
	       resize(1, UINT_MAX) == -ENOSPC &&
	       p[1].weight == 1;
	tap_ok(good && released(), "a weight that overflows every sum is refused");
}

static void test_resize(void)
{
	bool good;

	setup(4);
	good = !reserve(0, &a, -1, 2) && !reserve(1, NULL, 1, 1) &&
	       resize(0, 4) == -ENOSPC && p[0].weight == 2 &&
	       !resize(0, 3) &&
	       resize(1, 2) == -ENOSPC &&
	       !resize(0, 0) && !p[0].account &&
	       resize(0, 1) == -EINVAL &&
	       !resize(0, 0) &&
	       !resize(1, 4);
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

/* A fork can't be refused, but nobody else is granted anything on its account. */
static void test_copies_move_rooms(void)
{
	bool good;

	setup(4);
	/* CPU 0 keeps room for two, which a copy of three then takes from it. */
	good = !reserve(0, NULL, 0, 2);
	release(0);
	copy(1, &a, 3);
	good &= reserve(0, NULL, 0, 2) == -ENOSPC && !reserve(0, NULL, 0, 1);
	/* One that has more than CPU 0 has left: no reason for another task to have it, too. */
	copy(2, &a, 1);
	good &= reserve(3, &b, -1, 4) == -ENOSPC && !reserve(3, &b, -1, 3);
	tap_ok(good && released(), "what copies hold is nobody else's, lawful or not");
}

/* Weak spot 23: with its promise gone, a fifth would be accepted on the survivor. */
static void test_exchange_and_exit(void)
{
	bool good;

	setup(4);
	good = !original(0, &a, 4);
	copy(1, &b, 4);
	/* Contexts are exchanged: B runs the original, A runs the copy and exits. */
	exits(1, &a);
	good &= empty(&a) && reserve(2, &b, -1, 1) == -ENOSPC;
	release(0);
	tap_ok(good && !reserve(2, &b, -1, 4) && released(),
	       "after an exchange of contexts an exit relieves the task that exits");
}

/* What the heir was promised goes with the task that dies; the other's record pays on. */
static void test_exchange_and_death(void)
{
	bool good;

	setup(4);
	good = !original(0, &a, 2);
	copy(1, &b, 2);
	/* B runs the original and dies: with its account goes the copy's record. */
	release(1);
	good &= a.everywhere == 2 && reserve(2, &a, -1, 3) == -ENOSPC;
	/* A exits with the copy, which holds nothing: the original's record has to go. */
	exits(1, &a);
	tap_ok(good && empty(&a) && empty(&b) && !p[0].weight && released(),
	       "a copy without a record relieves its task of its family's");
}

static void test_exit_leaves_others_alone(void)
{
	bool good;

	setup(4);
	good = !original(0, &a, 2) && !reserve(1, &b, -1, 2) && !reserve(2, &a, -1, 1);
	/* 3 holds nothing, and B has none of its family. */
	exits(3, &b);
	good &= p[0].account == &a && a.everywhere == 3 && b.everywhere == 2;
	/* B has none of 0's family: the record goes from where it is, and no other. */
	exits(0, &b);
	good &= !p[0].weight && p[1].account == &b && p[2].account == &a && a.everywhere == 1;
	tap_ok(good && released(), "an exit leaves other families alone");
}

/* A family whose resize is under way has copies of two weights. */
static void test_exit_with_unequal_weights(void)
{
	bool good;

	setup(4);
	good = !original(0, &a, 3);
	copy(1, &b, 1);
	exits(1, &a);
	good &= empty(&a) && b.everywhere == 3 && p[0].account == &b && !p[1].weight &&
		hw_breakpoint_table_task_slots(&table, 0) == 3;
	tap_ok(good && released(), "a record that takes a place takes its weight with it");
}

static void test_wide(void)
{
	bool good;
	int full = -1;

	setup(4);
	good = !reserve(0, &a, 2, 2) && !reserve(1, NULL, 1, 2) &&
	       hw_breakpoint_table_set_wide(&table, wide, 3, &full) == -ENOSPC && full == 1 &&
	       cpus[0].slots == 0 &&
	       hw_breakpoint_table_set_wide(&table, wide, UINT_MAX, &full) == -ENOSPC &&
	       !hw_breakpoint_table_set_wide(&table, wide, 2, &full) &&
	       cpus[0].slots == 2 && cpus[1].slots == 4 && cpus[2].slots == 2 &&
	       reserve(2, NULL, 2, 1) == -ENOSPC && !reserve(2, NULL, 0, 2) &&
	       reserve(3, &b, -1, 1) == -ENOSPC;
	for (int c = 0; c < N_CPUS; c++)
		hw_breakpoint_table_release(&table, c, &wide[c]);
	tap_ok(good && released(), "a wide request is granted on all CPUs or on none");
}

static void test_wide_resize(void)
{
	bool good;
	int full = -1;

	setup(4);
	good = !reserve(0, &a, 2, 1) && !hw_breakpoint_table_set_wide(&table, wide, 1, &full) &&
	       !hw_breakpoint_table_set_wide(&table, wide, 3, &full) &&
	       cpus[0].slots == 3 && cpus[2].slots == 3 &&
	       hw_breakpoint_table_set_wide(&table, wide, 4, &full) == -ENOSPC && full == 2 &&
	       cpus[0].slots == 3 && reserve(1, &b, -1, 2) == -ENOSPC &&
	       !hw_breakpoint_table_set_wide(&table, wide, 2, &full) && !reserve(1, &b, -1, 2) &&
	       !hw_breakpoint_table_set_wide(&table, wide, 0, &full) && !cpus[1].slots;
	tap_ok(good && released(), "a wide promise grows and shrinks on all CPUs or on none");
}

static bool move(int from, int to, unsigned int weight)
{
	return hw_breakpoint_table_move(&table, held_for(p[from].account, p[from].cpu), &p[from],
					&p[to], weight, NULL);
}

/* Each way, all of it and a part, to who has nothing and to who has something. */
static void test_move(void)
{
	bool good;

	setup(4);
	good = !reserve(0, &a, -1, 4) && move(0, 1, 1) && p[0].weight == 3 && p[1].weight == 1 &&
	       p[1].account == &a && a.everywhere == 4 && reserve(2, NULL, 0, 1) == -ENOSPC &&
	       move(0, 1, 2) && p[0].weight == 1 && p[1].weight == 3 && !move(0, 1, 2) &&
	       move(0, 1, 1) && !p[0].weight && !p[0].account && p[1].weight == 4 &&
	       !move(0, 1, 1) && !move(1, 0, 0) && a.everywhere == 4 && a.promises == &p[1] &&
	       hw_breakpoint_table_task_slots(&table, 0) == 4;
	tap_ok(good && released(), "a task's registers move from one of its events to another");

	setup(4);
	good = !reserve(0, NULL, 1, 4) && move(0, 1, 3) && p[0].weight == 1 && p[1].cpu == 1 &&
	       cpus[1].slots == 4 && reserve(2, &a, -1, 1) == -ENOSPC && move(0, 1, 1) &&
	       !p[0].weight && cpus[1].slots == 4 && cpus[1].promises == &p[1];
	tap_ok(good && released(), "so do a CPU's");

	setup(4);
	good = !reserve(0, &a, -1, 2) && !reserve(1, &b, -1, 1) && !reserve(2, &a, 1, 1) &&
	       !move(0, 1, 1) && !move(0, 2, 1) && p[0].weight == 2 && p[1].weight == 1;
	tap_ok(good && released(), "but not to another task's, nor to another CPU's");
}

/* What was asked for once costs one lock from then on, on every CPU and for every task. */
static void test_rooms_stay(void)
{
	bool good;

	setup(4);
	good = !reserve(0, &a, -1, 3) && !all_locks && !reserve(1, NULL, 0, 1) && all_locks == 1;
	release(1);
	good &= !reserve(1, NULL, 1, 1) && !reserve(2, NULL, 2, 1) && !reserve(3, &b, -1, 3) &&
		!reserve(4, NULL, 0, 1) && all_locks == 1 && reserve(5, &b, -1, 1) == -ENOSPC &&
		all_locks == 2;
	for (int i = 1; i < 5; i++)
		release(i);
	good &= !reserve(5, &a, -1, 1) && all_locks == 3 && !reserve(6, &b, -1, 4) &&
		all_locks == 3;
	tap_ok(good && released(), "rooms stay as they were moved");
}

/* CPU 0 has given three to its own, CPU 1 three to a task: beyond any equal division. */
static void test_rooms_of_single_cpus(void)
{
	bool good;

	setup(4);
	good = !reserve(0, &a, 1, 3) && !reserve(1, NULL, 0, 3) && !reserve(2, &b, 1, 3) &&
	       reserve(3, NULL, 1, 2) == -ENOSPC && !reserve(3, NULL, 1, 1) &&
	       reserve(4, &b, -1, 1) == -ENOSPC && reserve(4, &a, 0, 2) == -ENOSPC &&
	       !reserve(4, &a, 0, 1);
	release(3);
	good &= !reserve(3, &b, -1, 1) && reserve(5, &b, 1, 1) == -ENOSPC;
	tap_ok(good && released(), "each CPU's registers are divided by themselves");
}

static void test_most(void)
{
	bool good;

	setup(4);
	good = !reserve(0, &a, -1, 1) && !reserve(1, &a, 0, 1) && !reserve(2, &a, 2, 2) &&
	       hw_breakpoint_account_most(&a, -1) == 3 && hw_breakpoint_account_most(&a, 0) == 2 &&
	       hw_breakpoint_account_most(&a, 1) == 1 && hw_breakpoint_account_slots(&a, 2) == 3;
	tap_ok(good && released(), "an account's most is that of its busiest CPU");
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
	test_copies_move_rooms();
	test_exchange_and_exit();
	test_exchange_and_death();
	test_exit_leaves_others_alone();
	test_exit_with_unequal_weights();
	test_wide();
	test_wide_resize();
	test_move();
	test_rooms_stay();
	test_rooms_of_single_cpus();
	test_most();
	return tap_end();
}
