// SPDX-License-Identifier: GPL-2.0-only
/*
 * A long random run on a larger machine, against the model. Every verdict is judged by
 * a recount from scratch; all else is checked every so many steps.
 *
 *	table_random [seed [steps]]
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <stdlib.h>

#define N_TASKS	50
#define N_CPUS		8
#define N_FAMILIES	24

#include "model.h"
#include "tap.h"

#define CHECK_EVERY	64

/* How often each operation is tried, and what it is called when it is counted. */
enum kind {
	OPEN_TASK, OPEN_CPU, OPEN_WIDE, CLOSE, CLOSE_STEP, FORK, SWAP, UNCLONE, EXIT, EXEC, RESIZE,
	N_KINDS,
};

static const struct {
	const char	*name;
	unsigned int	share;
} kinds[] = {
	[OPEN_TASK] = { "open of a task", 20 },
	[OPEN_CPU] = { "open of a CPU", 4 },
	[OPEN_WIDE] = { "open on every CPU", 2 },
	[CLOSE] = { "close", 6 },
	[CLOSE_STEP] = { "step of a close", 45 },
	[FORK] = { "fork", 25 },
	[SWAP] = { "swap", 40 },
	[UNCLONE] = { "unclone", 2 },
	[EXIT] = { "exit", 12 },
	[EXEC] = { "exec", 12 },
	[RESIZE] = { "resize", 6 },
};

static_assert(sizeof(kinds) / sizeof(*kinds) == N_KINDS);

static u64 random_state;
static long done[N_KINDS];

/* splitmix64 */
static u64 random_next(void)
{
	u64 x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static int random_below(int n)
{
	return random_next() % n;
}

static enum kind random_kind(void)
{
	int total = 0, at;

	for (int i = 0; i < N_KINDS; i++)
		total += kinds[i].share;
	at = random_below(total);
	for (int i = 0; i < N_KINDS; i++) {
		at -= kinds[i].share;
		if (at < 0)
			return i;
	}
	return CLOSE;
}

/* A living task; with everybody dead, a first one is made again. */
static int random_task(void)
{
	const int start = random_below(N_TASKS);

	for (int i = 0; i < N_TASKS; i++)
		if (w.task[(start + i) % N_TASKS].alive)
			return (start + i) % N_TASKS;
	for (int t = 0; t < N_TASKS; t++) {
		if (w.books.account[t].promises)
			continue;
		w.task[t].alive = true;
		touch(t);
		return t;
	}
	return 0;
}

static unsigned int random_weight(void)
{
	return random_below(8) ? 1 : 1 + random_below(5);
}

static bool open_task(void)
{
	const int cpu = random_below(2) ? -1 : random_below(N_CPUS);

	return do_open(random_task(), cpu, random_weight(), random_below(4));
}

/* Swaps are rare by chance, so look for somebody to swap with. */
static bool swap_some(void)
{
	const int a = random_task(), start = random_below(N_TASKS);

	for (int i = 0; i < N_TASKS; i++)
		if (do_swap(a, (start + i) % N_TASKS))
			return true;
	return false;
}

static bool close_step(void)
{
	const int start = random_below(N_FAMILIES), from = random_below(N_TASKS);

	for (int i = 0; i < N_FAMILIES; i++) {
		struct family *f = &w.family[(start + i) % N_FAMILIES];

		if (!f->closing)
			continue;
		for (int j = 0; j < N_TASKS; j++)
			if (do_close_copy(f, (from + j) % N_TASKS))
				return true;
		for (int j = 0; j < N_COPIES; j++)
			if (do_close_free(f, (from + j) % N_COPIES))
				return true;
	}
	return false;
}

static bool step(enum kind kind)
{
	struct family *f = &w.family[random_below(N_FAMILIES)];

	switch (kind) {
	case OPEN_TASK:
		return open_task();
	case OPEN_CPU:
		return do_open(-1, random_below(N_CPUS), random_weight(), false);
	case OPEN_WIDE:
		return do_open_wide(random_weight());
	case CLOSE:
		return do_close(f);
	case CLOSE_STEP:
		return close_step();
	case FORK:
		return do_fork(random_task());
	case SWAP:
		return swap_some();
	case UNCLONE:
		return do_unclone(random_task());
	case EXIT:
		return do_exit(random_task());
	case EXEC:
		return do_exec(random_task(), f);
	default:
		return do_resize(f, random_weight());
	}
}

static void run(long steps)
{
	for (long i = 0; i < steps && !wrong;) {
		const enum kind kind = random_kind();

		if (!step(kind))
			continue;
		done[kind]++;
		if (++i % CHECK_EVERY == 0)
			check();
		if (wrong)
			printf("# step %ld, a %s: unmet: %s\n", i, kinds[kind].name, wrong);
	}
}

/* Closes and ends everything, after which nothing may be left. */
static void run_down(void)
{
	for (int f = 0; f < N_FAMILIES; f++)
		do_close(&w.family[f]);
	while (close_step())
		;
	check();
}

int main(int argc, char **argv)
{
	const u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 20260101;
	const long steps = argc > 2 ? atol(argv[2]) : 1000000;
	char what[160];
	bool often = true;

	random_state = seed;
	setup(4);
	run(steps);
	snprintf(what, sizeof(what), "%ld random steps, %d tasks, %d CPUs, seed %llu", steps,
		 N_TASKS, N_CPUS, seed);
	tap_ok(!wrong, what);
	run_down();
	tap_ok(!wrong && !hw_breakpoint_table_used(&w.books.table), "and back to nothing");
	for (int i = 0; i < N_KINDS; i++) {
		printf("# %8ld %s\n", done[i], kinds[i].name);
		often &= done[i] > steps / 1000;
	}
	printf("# %8ld refused\n# %8ld took all locks\n", nr_refused, nr_all_locks);
	often &= nr_refused > steps / 1000 && nr_all_locks > steps / 1000;
	tap_ok(often, "every kind of step was taken often");
	return tap_end();
}
