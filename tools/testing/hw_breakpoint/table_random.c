// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many random steps on a larger machine, against the oracle.
 *
 *	table_random [seed [steps]]
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

static u64 state;

/* Less than @n. */
static unsigned int draw(unsigned int n)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (state >> 33) % n;
}

/* Most contexts have no charge for one CPU, as in life. */
static int draw_cpu(int a)
{
	if (a < 0)
		return draw(4) ? (int)draw(shim_nr_cpus) : HW_BREAKPOINT_EVERY_CPU;
	return a < nr_accounts / 2 || draw(2) ? HW_BREAKPOINT_ANY_CPU : (int)draw(shim_nr_cpus);
}

static void step(void)
{
	struct hw_breakpoint_charge *c = &charge[draw(nr_charges)];
	const struct hw_breakpoint_charge *from = &charge[draw(nr_charges)];
	const int a = (int)draw(nr_accounts + 1) - 1;

	shim_cpu = draw(shim_nr_cpus);
	if (c->weight)
		try(c, draw(2) ? 0 : draw(nr_slots + 2));
	else if (a < 0 || draw(2))
		try_open(c, a < 0 ? NULL : &account[a], draw_cpu(a),
			 1 + draw(draw(4) ? 2 : nr_slots + 1));
	else if (from->account && from->account != &account[a])
		try_inherit(c, from, &account[a]);
}

static void run(unsigned int slots, long seed, long steps)
{
	char what[100];
	long i;

	setup(8, slots, 6, 24);
	state = seed + slots;
	memset(nr_refused, 0, sizeof(nr_refused));
	for (i = 0; i < steps && !wrong; i++)
		step();
	if (wrong)
		printf("# unmet: %s, in step %ld\n", wrong, i);
	/* A run in which nothing is refused, or nearly all is, shows little. */
	must(nr_refused[0] > steps / 100 && nr_granted > steps / 10);
	snprintf(what, sizeof(what), "%u slots, seed %ld: %ld steps, %ld refused by the law", slots,
		 seed, i, nr_refused[0]);
	tap_ok(!wrong, what);
	for (i = 0; i < nr_charges; i++)
		if (charge[i].weight)
			try(&charge[i], 0);
	must(!shim_allocated);
	tap_ok(!wrong, "all was given back");
}

int main(int argc, char **argv)
{
	const long seed = argc > 1 ? atol(argv[1]) : 1;
	const long steps = argc > 2 ? atol(argv[2]) : 1000000;

	run(4, seed, steps / 2);
	run(16, seed, steps / 2);
	return tap_end();
}
