// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every sequence of operations on a small machine, against the model.
 *
 * Breadth first, and a state that differs from a known one only in the names of its
 * tasks, CPUs or events, or in the order of an account's list, is not looked at again.
 * Where no new state turns up, sequences of every length were covered; otherwise those up
 * to the depth that is printed.
 *
 *	table_exhaustive [states]
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <assert.h>
#include <stdlib.h>

#include "model.h"
#include "tap.h"

/* === Operations === */

enum op_kind {
	OPEN, WIDE, CLOSE, CLOSE_COPY, CLOSE_FREE, FORK, SWAP, UNCLONE, EXIT, EXEC, RESIZE, N_KINDS,
};

static const char *const op_name[] = {
	[OPEN] = "open task, cpu, weight, inherit",
	[WIDE] = "open on every CPU, weight",
	[CLOSE] = "close event",
	[CLOSE_COPY] = "close: take off event, task",
	[CLOSE_FREE] = "close: free event, copy",
	[FORK] = "fork task",
	[SWAP] = "swap task, task",
	[UNCLONE] = "unclone task",
	[EXIT] = "exit task",
	[EXEC] = "exec: end task, event",
	[RESIZE] = "resize event, weight",
};

static_assert(sizeof(op_name) / sizeof(*op_name) == N_KINDS);

struct op {
	signed char kind, a, b, c, d;
};

static struct op ops[512];
static int nr_ops;

static void add_op(int kind, int a, int b, int c, int d)
{
	assert(nr_ops < (int)(sizeof(ops) / sizeof(*ops)));
	ops[nr_ops++] = (struct op) { kind, a, b, c, d };
}

static void add_opens(int t)
{
	for (int cpu = t < 0 ? 0 : -1; cpu < N_CPUS; cpu++)
		for (int weight = 1; weight <= 2; weight++)
			for (int inherit = 0; inherit <= (t >= 0); inherit++)
				add_op(OPEN, t, cpu, weight, inherit);
}

static void add_task_ops(int t)
{
	add_opens(t);
	add_op(FORK, t, 0, 0, 0);
	add_op(UNCLONE, t, 0, 0, 0);
	add_op(EXIT, t, 0, 0, 0);
	for (int other = 0; other < t; other++)
		add_op(SWAP, t, other, 0, 0);
	for (int f = 0; f < N_FAMILIES; f++) {
		add_op(EXEC, t, f, 0, 0);
		add_op(CLOSE_COPY, f, t, 0, 0);
	}
}

static void add_family_ops(int f)
{
	add_op(CLOSE, f, 0, 0, 0);
	for (int i = 0; i < N_COPIES; i++)
		add_op(CLOSE_FREE, f, i, 0, 0);
	add_op(RESIZE, f, 1, 0, 0);
	add_op(RESIZE, f, 2, 0, 0);
}

static void add_ops(void)
{
	add_opens(-1);
	add_op(WIDE, 1, 0, 0, 0);
	add_op(WIDE, 2, 0, 0, 0);
	for (int t = 0; t < N_TASKS; t++)
		add_task_ops(t);
	for (int f = 0; f < N_FAMILIES; f++)
		add_family_ops(f);
}

static bool apply(const struct op *op)
{
	switch (op->kind) {
	case OPEN:
		return do_open(op->a, op->b, op->c, op->d);
	case WIDE:
		return do_open_wide(op->a);
	case CLOSE:
		return do_close(&w.family[op->a]);
	case CLOSE_COPY:
		return do_close_copy(&w.family[op->a], op->b);
	case CLOSE_FREE:
		return do_close_free(&w.family[op->a], op->b);
	case FORK:
		return do_fork(op->a);
	case SWAP:
		return do_swap(op->a, op->b);
	case UNCLONE:
		return do_unclone(op->a);
	case EXIT:
		return do_exit(op->a);
	case EXEC:
		return do_exec(op->a, &w.family[op->b]);
	case RESIZE:
	default:
		return do_resize(&w.family[op->a], op->b);
	}
}

/* === What makes two states the same === */

struct names {
	int task[N_TASKS];
};

static u64 mix(u64 x)
{
	x = (x + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 29) * 0x94d049bb133111eb;
	return x ^ x >> 32;
}

/* Sums do not depend on order, so events and copies need no names. */
static u64 copy_key(const struct copy *copy, const struct names *names, bool original)
{
	const struct hw_breakpoint_account *account = copy->promise.account;
	unsigned int key = copy->place << 1 | original;

	if (copy->place != DANGLING && copy->at >= 0)
		key |= names->task[copy->at] << 4;
	if (account)
		key |= (names->task[account - w.books.account] + 1) << 6;
	return mix(key);
}

static u64 copies_key(const struct family *f, const struct names *names)
{
	u64 key = 0;

	for (int i = 0; i < f->top; i++)
		if (f->copy[i].place != NO_COPY)
			key += copy_key(&f->copy[i], names, i == ORIGINAL);
	return key;
}

/* @swapped: CPU 0 is called 1 and the other way round. */
static u64 family_key(const struct family *f, u64 copies, bool swapped)
{
	const int cpu = f->cpu < 0 ? 2 : f->cpu ^ swapped;

	static_assert(N_CPUS == 2);
	return mix(copies + mix(f->closing | f->inherit << 1 | f->of_task << 2 |
				f->orphaned << 3 | f->weight << 4 | cpu << 8 |
				f->wide << 10));
}

static unsigned int relation(const struct task *a, const struct task *b)
{
	return (a->up && a->up == b->self) << 1 | (a->up && a->up == b->up);
}

/* Of generations it only matters which are equal. */
static u64 tasks_key(const struct names *names)
{
	u64 key = 0;

	for (int i = 0; i < N_TASKS; i++) {
		key |= (u64)w.task[i].alive << (32 + names->task[i]);
		for (int j = 0; j < N_TASKS; j++)
			key |= relation(&w.task[i], &w.task[j]) <<
			       2 * (N_TASKS * names->task[i] + names->task[j]);
	}
	return mix(key);
}

static void name(struct names *names, int number)
{
	static const int orders[6][3] = {
		{ 0, 1, 2 }, { 1, 0, 2 }, { 0, 2, 1 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};

	static_assert(N_TASKS == 2 || N_TASKS == 3);
	memcpy(names->task, orders[number], sizeof(names->task));
}

/* What a request may have with one lock alone; the least room of all follows from it. */
static u64 rooms_key(bool swapped)
{
	const struct hw_breakpoint_cpu_slots *first = &w.books.cpu[swapped],
					     *second = &w.books.cpu[!swapped];

	return mix(first->task_room | first->cpu_room << 4 | second->task_room << 8 |
		   second->cpu_room << 12);
}

/* The lesser of the keys with the CPUs' own names and with exchanged ones. */
static u64 state_key_as(const struct names *names)
{
	const u64 tasks = tasks_key(names);
	u64 key[2] = { tasks + rooms_key(false), tasks + rooms_key(true) };

	for (int i = 0; i < N_FAMILIES; i++) {
		const struct family *f = &w.family[i];
		const u64 copies = copies_key(f, names);

		if (!f->open)
			continue;
		key[0] += family_key(f, copies, false);
		key[1] += family_key(f, copies, true);
	}
	return mix(min_t(u64, key[0], key[1]));
}

/* The same for all states that differ in names only: the least of all keys. */
static u64 state_key(void)
{
	u64 least = ~0ULL;

	for (int i = 0; i < (N_TASKS == 2 ? 2 : 6); i++) {
		struct names names;

		name(&names, i);
		least = min_t(u64, least, state_key_as(&names));
	}
	return least;
}

/* === The search === */

/* A state that was found, and how. */
struct node {
	int	from;
	int	op;
};

static u64 *known;
static size_t known_mask, nr_known;
static struct node *nodes;
static int nr_nodes, max_nodes;
static long nr_steps, nr_of_kind[N_KINDS];

/* The worlds of the present depth and of the next, each after its node. */
struct front {
	struct world	*worlds;
	int		first, nr, room;
};

/* Return: true if the key was not known yet. */
static bool learn_key(u64 key)
{
	size_t i = key & known_mask;

	while (known[i] && known[i] != key)
		i = (i + 1) & known_mask;
	if (known[i])
		return false;
	known[i] = key;
	nr_known++;
	assert(nr_known < known_mask);
	return true;
}

/*
 * Return: true if the state was not known yet. The key under its tasks' present names
 * comes first, since most states come again under the same, and one key is cheaper than all.
 */
static bool learn(void)
{
	struct names names;
	u64 key, least;

	name(&names, 0);
	key = state_key_as(&names);
	if (!learn_key(key))
		return false;
	least = state_key();
	return least == key || learn_key(least);
}

static void keep(struct front *front, int from, int op)
{
	if (front->nr == front->room) {
		front->room = front->room * 2 + 1024;
		front->worlds = realloc(front->worlds, front->room * sizeof(struct world));
		assert(front->worlds);
	}
	front->worlds[front->nr++] = w;
	nodes[nr_nodes++] = (struct node) { from, op };
}

static void tell(int node)
{
	const struct op *op = &ops[nodes[node].op];

	if (nodes[node].from < 0)
		return;
	tell(nodes[node].from);
	printf("#   %-32s %d %d %d %d\n", op_name[op->kind], op->a, op->b, op->c, op->d);
}

static void blame(int from, int op)
{
	printf("# unmet: %s. The sequence:\n", wrong);
	nodes[nr_nodes] = (struct node) { from, op };
	tell(nr_nodes);
}

/* Takes every step from @world; one that can't be taken changes nothing. Return: false if wrong. */
static bool expand(const struct world *world, int node, struct front *next)
{
	w = *world;
	for (int i = 0; i < nr_ops; i++) {
		if (!apply(&ops[i]))
			continue;
		nr_steps++;
		nr_of_kind[(int)ops[i].kind]++;
		check();
		if (wrong) {
			blame(node, i);
			return false;
		}
		if (nr_nodes < max_nodes && learn())
			keep(next, node, i);
		w = *world;
	}
	return true;
}

/* Return: the depth reached, or -1 if something was wrong. */
static int search(struct front *now, struct front *next)
{
	int depth = 0;

	for (; now->nr && nr_nodes < max_nodes; depth++) {
		*next = (struct front) { next->worlds, nr_nodes, 0, next->room };
		for (int i = 0; i < now->nr; i++) {
			if (!expand(&now->worlds[i], now->first + i, next))
				return -1;
			if (nr_nodes >= max_nodes)
				return depth;
		}
		struct front t = *now;

		*now = *next;
		*next = t;
	}
	return depth;
}

static bool explore(unsigned int nr_slots)
{
	struct front now = { }, next = { };
	char what[160];
	int depth;

	memset(known, 0, (known_mask + 1) * sizeof(*known));
	nr_known = 0;
	nr_nodes = 0;
	nr_steps = 0;
	setup(nr_slots);
	learn();
	keep(&now, -1, 0);
	depth = search(&now, &next);
	free(now.worlds);
	free(next.worlds);
	snprintf(what, sizeof(what),
		 "%d tasks, %d CPUs, %d events, %u slots: %s depth %d, %d states, %ld steps",
		 N_TASKS, N_CPUS, N_FAMILIES, nr_slots,
		 nr_nodes < max_nodes ? "complete at" : "every sequence to", depth, nr_nodes,
		 nr_steps);
	return tap_ok(depth >= 0, what);
}

static bool all_kinds(void)
{
	for (int i = 0; i < N_KINDS; i++)
		if (!nr_of_kind[i])
			return false;
	return nr_refused && nr_all_locks;
}

int main(int argc, char **argv)
{
	size_t size = 1024;

	max_nodes = argc > 1 ? atoi(argv[1]) : 500000;
	while (size < 8 * (size_t)max_nodes)
		size *= 2;
	known_mask = size - 1;
	known = malloc(size * sizeof(*known));
	nodes = malloc((max_nodes + 1) * sizeof(*nodes));
	assert(known && nodes);
	add_ops();
	for (unsigned int nr_slots = 2; nr_slots <= 4; nr_slots++)
		explore(nr_slots);
	tap_ok(all_kinds(), "every kind of step was taken, some were refused, some took all locks");
	free(known);
	free(nodes);
	return tap_end();
}
