/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The constraint table on a machine of any size, beside an oracle that counts from scratch.
 *
 * kernel/hw_breakpoint_slots.c is included, so that all it has can be compared with what it
 * should have, saved, and put back.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _HW_BREAKPOINT_TABLE_H
#define _HW_BREAKPOINT_TABLE_H

#include <stdio.h>

/* === The machine === */

static void *shim_per_cpu(void *p, int cpu);
static int shim_cpu;

#define shim_per_cpu	shim_per_cpu
#define shim_cpu	shim_cpu

#include "hw_breakpoint_slots.c"

int shim_nr_cpus, shim_atomic, shim_allocated;
bool shim_no_memory;

extern char __start_percpu[], __stop_percpu[];
static char *areas;

static size_t area_size(void)
{
	return (__stop_percpu - __start_percpu + 63) & ~63UL;
}

static void *shim_per_cpu(void *p, int cpu)
{
	assert(cpu >= 0 && cpu < shim_nr_cpus);
	return areas + cpu * area_size() + ((char *)p - __start_percpu);
}

/* === What is charged === */

#define MAX_CPUS	16
#define MAX_ACCOUNTS	8
#define MAX_CHARGES	40

static int nr_accounts, nr_charges;
static struct hw_breakpoint_account account[MAX_ACCOUNTS];
/* Without weight: not open. */
static struct hw_breakpoint_charge charge[MAX_CHARGES];

/* The first thing that was wrong; NULL: nothing was. */
static const char *wrong;
static long nr_refused[2], nr_granted;

#define must(what)	((void)((what) || wrong || (wrong = #what)))

static void setup(int cpus, unsigned int slots, int accounts, int charges)
{
	for (int a = 0; a < nr_accounts; a++)
		free(account[a].on_cpu);
	free(areas);
	shim_nr_cpus = cpus;
	shim_cpu = 0;
	shim_allocated = 0;
	nr_accounts = accounts;
	nr_charges = charges;
	areas = aligned_alloc(64, cpus * area_size());
	assert(areas);
	memset(areas, 0, cpus * area_size());
	memset(account, 0, sizeof(account));
	memset(charge, 0, sizeof(charge));
	memset(cpus_by_own, 0, sizeof(cpus_by_own));
	wide = 0;
	wrong = NULL;
	hw_breakpoint_slots_init(slots);
}

/* === Save and put back === */

struct world {
	unsigned int	limit, capacity, wide, by_own[HW_BREAKPOINT_MAX_SLOTS + 1];
	struct hw_breakpoint_charge charge[MAX_CHARGES];
	struct {
		unsigned int	everywhere, nr_on_cpu;
		u8		on_cpu[MAX_CPUS];
	} account[MAX_ACCOUNTS];
	char		areas[];
};

static size_t world_size(void)
{
	return sizeof(struct world) + shim_nr_cpus * area_size();
}

static void save(struct world *to)
{
	memset(to, 0, sizeof(*to));
	to->limit = limit;
	to->capacity = capacity;
	to->wide = wide;
	memcpy(to->by_own, cpus_by_own, sizeof(cpus_by_own));
	memcpy(to->charge, charge, sizeof(charge));
	for (int a = 0; a < nr_accounts; a++) {
		to->account[a].everywhere = account[a].everywhere;
		to->account[a].nr_on_cpu = account[a].nr_on_cpu;
		if (account[a].on_cpu)
			memcpy(to->account[a].on_cpu, account[a].on_cpu, shim_nr_cpus);
	}
	memcpy(to->areas, areas, shim_nr_cpus * area_size());
}

static void put_back(const struct world *from)
{
	limit = from->limit;
	capacity = from->capacity;
	wide = from->wide;
	memcpy(cpus_by_own, from->by_own, sizeof(cpus_by_own));
	memcpy(charge, from->charge, sizeof(charge));
	for (int a = 0; a < nr_accounts; a++) {
		kvfree_rcu_mightsleep(account[a].on_cpu);
		account[a].on_cpu = NULL;
		account[a].everywhere = from->account[a].everywhere;
		account[a].nr_on_cpu = from->account[a].nr_on_cpu;
		if (!account[a].nr_on_cpu)
			continue;
		account[a].on_cpu = kvzalloc(shim_nr_cpus, GFP_KERNEL);
		memcpy(account[a].on_cpu, from->account[a].on_cpu, shim_nr_cpus);
	}
	memcpy(areas, from->areas, shim_nr_cpus * area_size());
}

/* === The oracle === */

struct sums {
	unsigned int	wide, own[MAX_CPUS], everywhere[MAX_ACCOUNTS];
	unsigned int	on_cpu[MAX_ACCOUNTS][MAX_CPUS];
};

static struct sums recount(void)
{
	struct sums s = { };

	for (int i = 0; i < nr_charges; i++) {
		const struct hw_breakpoint_charge *c = &charge[i];

		if (c->cpu == HW_BREAKPOINT_EVERY_CPU)
			s.wide += c->weight;
		else if (c->account && c->cpu == HW_BREAKPOINT_ANY_CPU)
			s.everywhere[c->account - account] += c->weight;
		else if (c->account)
			s.on_cpu[c->account - account][c->cpu] += c->weight;
		else if (c->weight)
			s.own[c->cpu] += c->weight;
	}
	return s;
}

/* Of account @a: the most on @cpu, or on any. */
static unsigned int most_of(const struct sums *s, int a, int cpu)
{
	unsigned int most = 0;

	for (int c = 0; c < shim_nr_cpus; c++)
		if (cpu < 0 || c == cpu)
			most = max(most, s->everywhere[a] + s->on_cpu[a][c]);
	return most;
}

static bool is_lawful(const struct sums *s)
{
	for (int cpu = 0; cpu < shim_nr_cpus; cpu++) {
		unsigned int most = 0;

		for (int a = 0; a < nr_accounts; a++)
			most = max(most, most_of(s, a, cpu));
		if (s->wide + s->own[cpu] + most > nr_slots)
			return false;
	}
	return true;
}

/* What is to come out if @c asks for @weight; @most: what its account would have then. */
static int verdict(struct hw_breakpoint_charge *c, unsigned int weight, unsigned int task_limit,
		   unsigned int *most)
{
	const unsigned int has = c->weight;
	struct sums s;

	c->weight = weight;
	s = recount();
	c->weight = has;
	*most = c->account ? most_of(&s, c->account - account, c->cpu) : 0;
	if (weight <= has || task_limit == HW_BREAKPOINT_COVERED)
		return 0;
	return *most > task_limit ? -EDQUOT : is_lawful(&s) ? 0 : -ENOSPC;
}

/* === The table against the recount === */

static void check_cpu(const struct sums *s, int cpu)
{
	const struct cpu_slots *slots = per_cpu_ptr(&cpu_slots, cpu);
	unsigned int busiest = 0;

	must(hw_breakpoint_left_on(cpu) == nr_slots - s->wide - s->own[cpu]);
	must(!per_cpu(shard, cpu).in_flight);
	for (unsigned int n = 1; n <= nr_slots; n++) {
		unsigned int nr = 0;

		for (int a = 0; a < nr_accounts; a++)
			nr += s->on_cpu[a][cpu] && s->everywhere[a] + s->on_cpu[a][cpu] == n;
		must(slots->nr[n] == nr);
		busiest = nr ? n : busiest;
	}
	must(hw_breakpoint_busiest_on(cpu) == busiest);
}

static void check_account(const struct sums *s, int a)
{
	unsigned int sum = 0;

	must(account[a].everywhere == s->everywhere[a]);
	must(account[a].everywhere <= limit);
	for (int cpu = 0; cpu < shim_nr_cpus; cpu++) {
		sum += s->on_cpu[a][cpu];
		must(!account[a].on_cpu || account[a].on_cpu[cpu] == s->on_cpu[a][cpu]);
		must(hw_breakpoint_account_most(&account[a], cpu) == most_of(s, a, cpu));
	}
	must(account[a].nr_on_cpu == sum);
	must(!account[a].on_cpu == !sum);
	must(hw_breakpoint_account_most(&account[a], -1) == most_of(s, a, -1));
	must(!account[a].lock.held);
}

static void check(void)
{
	const struct sums s = recount();
	unsigned int own = 0, busiest = 0;
	int arrays = 0;

	must(is_lawful(&s));
	for (int cpu = 0; cpu < shim_nr_cpus; cpu++) {
		check_cpu(&s, cpu);
		own = max(own, s.own[cpu]);
	}
	for (int a = 0; a < nr_accounts; a++) {
		check_account(&s, a);
		busiest = max(busiest, s.everywhere[a]);
		arrays += !!account[a].on_cpu;
	}
	for (unsigned int n = 1; n <= nr_slots; n++) {
		int nr = 0;

		for (int a = 0; a < nr_accounts; a++)
			nr += s.everywhere[a] == n;
		must(sum_shards(n) == nr);
	}
	must(hw_breakpoint_busiest_everywhere() == busiest);
	must(wide == s.wide);
	must(capacity == nr_slots - s.wide - own);
	must(limit <= capacity);
	must(shim_allocated == arrays);
	must(!table_mutex.held && !shim_atomic);
}

/* === Steps === */

/* As kgdb, which has no other CPU to fear. */
static int charge_stopped_too(struct hw_breakpoint_charge *c, unsigned int weight, int expected)
{
	static struct world *world;

	world = realloc(world, world_size());
	save(world);
	must(hw_breakpoint_charge_stopped(c, weight) == expected);
	check();
	put_back(world);
	return expected;
}

static void charge_and_compare(struct hw_breakpoint_charge *c, unsigned int weight,
			       unsigned int task_limit, int expected)
{
	static struct world *before, *after;
	const struct hw_breakpoint_charge was = *c;
	int err;

	before = realloc(before, world_size());
	after = realloc(after, world_size());
	if (!was.account)
		charge_stopped_too(c, weight, expected);
	else
		must(hw_breakpoint_would_refuse(c, weight, task_limit) == expected);
	save(before);
	err = hw_breakpoint_charge(c, weight, task_limit);
	must(err == expected);
	if (err) {
		save(after);
		must(!memcmp(before, after, world_size()));
		nr_refused[err == -EDQUOT]++;
		return;
	}
	nr_granted++;
	must(c->weight == weight);
	check();
	if (weight || !was.account)
		return;
	/* It was closed, so it's charged no more. */
	must(!c->account);
	save(before);
	must(!hw_breakpoint_charge(c, 1, HW_BREAKPOINT_NO_LIMIT));
	save(after);
	must(!memcmp(before, after, world_size()));
}

/*
 * @c asks for @weight, first with a task limit that is one too low, then with one that allows
 * just that. Return: true if it was granted.
 */
static bool try(struct hw_breakpoint_charge *c, unsigned int weight)
{
	unsigned int most;
	int err = verdict(c, weight, 0, &most);

	if (err == -EDQUOT) {
		charge_and_compare(c, weight, most - 1, -EDQUOT);
		err = verdict(c, weight, most, &most);
	}
	charge_and_compare(c, weight, most, err);
	return !err;
}

static inline bool try_open(struct hw_breakpoint_charge *c, struct hw_breakpoint_account *a,
			    int cpu, unsigned int weight)
{
	*c = (struct hw_breakpoint_charge) { .account = a, .cpu = cpu };
	if (try(c, weight))
		return true;
	*c = (struct hw_breakpoint_charge) { };
	return false;
}

/*
 * A forking task's @from is copied to account @a, if that wouldn't have more than the task by
 * it. Return: false if it would.
 */
static inline bool try_inherit(struct hw_breakpoint_charge *c,
			       const struct hw_breakpoint_charge *from,
			       struct hw_breakpoint_account *a)
{
	const int parent = from->account - account, child = a - account;
	struct sums s;

	*c = *from;
	c->account = a;
	s = recount();
	*c = (struct hw_breakpoint_charge) { };
	if (s.everywhere[child] > s.everywhere[parent])
		return false;
	for (int cpu = 0; cpu < shim_nr_cpus; cpu++)
		if (s.on_cpu[child][cpu] > s.on_cpu[parent][cpu])
			return false;
	*c = (struct hw_breakpoint_charge) { .account = a, .cpu = from->cpu };
	charge_and_compare(c, from->weight, HW_BREAKPOINT_COVERED, 0);
	return true;
}

#endif /* _HW_BREAKPOINT_TABLE_H */
