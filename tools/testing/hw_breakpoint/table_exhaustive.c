// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every sequence of steps on small machines, against the oracle.
 *
 * Breadth first. A state that differs from a known one only in the names of contexts, CPUs or
 * charges isn't looked at again, nor is one that differs only in which CPUs' shards count an
 * account. Where no new state turns up, sequences of every length were covered.
 *
 *	table_exhaustive [states]
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "table.h"
#include "tap.h"

/* With one thread nobody waits. */
void shim_blocks(void)
{
	abort();
}

/* === Steps === */

/* On CPU @on, charge @i is opened, copied from charge @from, or resized. */
struct step {
	enum { OPEN, COPY, RESIZE } kind;
	int		on, i, from, account, cpu;
	unsigned int	weight;
};

static const char *const step_name[] = { "open", "copy", "resize" };

static bool take(const struct step *s)
{
	struct hw_breakpoint_charge *c = &charge[s->i];
	struct hw_breakpoint_account *a = s->account < 0 ? NULL : &account[s->account];

	shim_cpu = s->on;
	switch (s->kind) {
	case OPEN:
		return try_open(c, a, s->cpu, s->weight);
	case COPY:
		return try_inherit(c, &charge[s->from], a);
	default:
		return try(c, s->weight);
	}
}

/* === States === */

struct node {
	int		from;
	struct step	step;
	struct world	*world;
};

static struct node *nodes;
static int nr_nodes, max_nodes;
static u64 *known;
static size_t known_mask;
static long nr_steps;

static u64 mix(u64 x)
{
	x = (x + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 29) * 0x94d049bb133111eb;
	return x ^ x >> 32;
}

/* The orders of up to three things. */
static const int orders[6][3] = {
	{ 0, 1, 2 }, { 1, 0, 2 }, { 0, 2, 1 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
};

static int nr_orders(int n)
{
	return n == 1 ? 1 : n == 2 ? 2 : 6;
}

static u64 key_as(const int *accounts, const int *cpus)
{
	u64 key = mix(limit);

	for (int i = 0; i < nr_charges; i++) {
		const struct hw_breakpoint_charge *c = &charge[i];
		const int a = c->account ? accounts[c->account - account] : 3;
		const int cpu = c->cpu < 0 ? 2 - c->cpu : cpus[c->cpu];

		if (c->weight)
			key += mix(c->weight << 8 | cpu << 4 | a);
	}
	return mix(key);
}

/* The same for all states that differ in names only, and never 0. */
static u64 key(void)
{
	u64 least = ~0ULL;

	for (int a = 0; a < nr_orders(nr_accounts); a++)
		for (int c = 0; c < nr_orders(shim_nr_cpus); c++)
			least = min(least, key_as(orders[a], orders[c]));
	return least | 1;
}

static void learn(int from, const struct step *step)
{
	const u64 k = key();
	size_t i = k & known_mask;

	while (known[i] && known[i] != k)
		i = (i + 1) & known_mask;
	if (known[i] || nr_nodes >= max_nodes)
		return;
	known[i] = k;
	nodes[nr_nodes] = (struct node) { from, *step, malloc(world_size()) };
	save(nodes[nr_nodes++].world);
}

static void tell(int node, const struct step *s)
{
	if (node)
		tell(nodes[node].from, &nodes[node].step);
	printf("#   on CPU %d, %s charge %d: account %d, cpu %d, weight %u, from %d\n", s->on,
	       step_name[s->kind], s->i, s->account, s->cpu, s->weight, s->from);
}

/* === The search === */

static void explore(int node, struct step s)
{
	const unsigned long refused = nr_refused[0] + nr_refused[1];

	if (wrong)
		return;
	nr_steps++;
	if (take(&s)) {
		learn(node, &s);
		put_back(nodes[node].world);
	} else if (nr_refused[0] + nr_refused[1] != (long)refused) {
		/* Nothing has changed, but for what the charge was to be. */
		charge[s.i] = nodes[node].world->charge[s.i];
	}
	if (wrong) {
		printf("# unmet: %s. The sequence:\n", wrong);
		tell(node, &s);
	}
}

static void explore_opens(int node, struct step s)
{
	for (s.account = -1; s.account < nr_accounts; s.account++)
		for (s.cpu = -1; s.cpu < shim_nr_cpus; s.cpu++)
			for (s.weight = 1; s.weight <= nr_slots + 1; s.weight++) {
				struct step t = s;

				if (s.account < 0 && s.cpu < 0)
					t.cpu = HW_BREAKPOINT_EVERY_CPU;
				explore(node, t);
			}
	s.kind = COPY;
	for (s.from = 0; s.from < nr_charges; s.from++)
		for (s.account = 0; s.account < nr_accounts; s.account++)
			if (charge[s.from].account &&
			    charge[s.from].account != &account[s.account])
				explore(node, s);
}

/* All steps from a state; of charges that aren't open, the first stands for the others. */
static void expand(int node)
{
	struct step s = { };

	put_back(nodes[node].world);
	for (s.on = 0; s.on < shim_nr_cpus; s.on++) {
		bool opened = false;

		for (s.i = 0; s.i < nr_charges; s.i++) {
			s.kind = charge[s.i].weight ? RESIZE : OPEN;
			if (s.kind == RESIZE)
				for (s.weight = 0; s.weight <= nr_slots + 1; s.weight++)
					explore(node, s);
			else if (!opened)
				explore_opens(node, s);
			opened |= s.kind == OPEN;
		}
	}
}

static void search(int cpus, unsigned int slots, int accounts, int charges)
{
	char what[160];
	int node = 0;

	setup(cpus, slots, accounts, charges);
	memset(known, 0, (known_mask + 1) * sizeof(*known));
	nr_nodes = 0;
	nr_steps = 0;
	learn(0, &(struct step) { });
	while (node < nr_nodes && !wrong)
		expand(node++);
	snprintf(what, sizeof(what),
		 "%d CPUs, %u slots, %d contexts, %d charges: %s, %d states, %ld steps", cpus, slots,
		 accounts, charges, nr_nodes < max_nodes ? "every sequence" : "cut", nr_nodes,
		 nr_steps);
	tap_ok(!wrong, what);
	while (nr_nodes)
		free(nodes[--nr_nodes].world);
}

int main(int argc, char **argv)
{
	max_nodes = argc > 1 ? atoi(argv[1]) : 500000;
	known_mask = 1;
	while (known_mask < 4 * (size_t)max_nodes)
		known_mask *= 2;
	known_mask--;
	known = malloc((known_mask + 1) * sizeof(*known));
	nodes = malloc(max_nodes * sizeof(*nodes));
	assert(known && nodes);
	search(1, 4, 2, 4);
	search(2, 2, 3, 4);
	search(2, 3, 2, 4);
	search(3, 2, 2, 4);
	tap_ok(nr_refused[0] && nr_refused[1] && nr_granted,
	       "some steps were refused, for either reason");
	free(known);
	free(nodes);
	return tap_end();
}
