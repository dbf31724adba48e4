// SPDX-License-Identifier: GPL-2.0-only
/*
 * The constraint table: grants and takes back promises of debug registers.
 *
 * What it keeps and why is in hw_breakpoint_slots.h. Whatever the number of tasks
 * and CPUs, a request costs a look at two histograms, and a walk along the promises
 * of the one account that it is for.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include "hw_breakpoint_slots.h"

/* An account at the limit must be told from one above it, so that both refuse. */
static_assert(HW_BREAKPOINT_TOP_LEVEL > HW_BREAKPOINT_MAX_SLOTS);
static_assert(sizeof(struct hw_breakpoint_levels) ==
	      (HW_BREAKPOINT_TOP_LEVEL + 1) * sizeof(unsigned int));

/* === Levels === */

/* @by is 1 or -1; what goes in at a level comes out at the same one, the top included. */
static void levels_count(struct hw_breakpoint_levels *levels, unsigned int level, int by)
{
	if (level)
		levels->nr[min_t(unsigned int, level, HW_BREAKPOINT_TOP_LEVEL)] += by;
}

static unsigned int levels_highest(const struct hw_breakpoint_levels *levels)
{
	unsigned int level = HW_BREAKPOINT_TOP_LEVEL;

	while (level && !levels->nr[level])
		level--;
	return level;
}

/* === Accounts === */

/* @promise and those after it for the same CPU: the list is in the order of CPUs. */
static unsigned int run_weight(const struct hw_breakpoint_promise *promise)
{
	const int cpu = promise->cpu;
	unsigned int weight = 0;

	for (; promise && promise->cpu == cpu; promise = promise->next)
		weight += promise->weight;
	return weight;
}

/* The first promise of @account that is for just @cpu, or for any one CPU if @cpu is -1. */
static struct hw_breakpoint_promise *
first_run(const struct hw_breakpoint_account *account, int cpu)
{
	struct hw_breakpoint_promise *promise = account->promises;

	while (promise && (promise->cpu < 0 || promise->cpu < cpu))
		promise = promise->next;
	return promise && (cpu < 0 || promise->cpu == cpu) ? promise : NULL;
}

/* The next CPU's first promise; only if @cpu is -1, since one CPU has but one run. */
static struct hw_breakpoint_promise *
next_run(struct hw_breakpoint_promise *promise, int cpu)
{
	const int this = promise->cpu;

	if (cpu >= 0)
		return NULL;
	while (promise && promise->cpu == this)
		promise = promise->next;
	return promise;
}

/*
 * Enters (@by = 1) or takes out (@by = -1) the levels of @account that depend on
 * its promises for @cpu. Those for every CPU move it on each CPU that it has a
 * promise for.
 */
static void account_count(struct hw_breakpoint_table *table,
			  const struct hw_breakpoint_account *account, int cpu, int by)
{
	struct hw_breakpoint_promise *run;

	if (cpu < 0)
		levels_count(&table->tasks, account->everywhere, by);
	for (run = first_run(account, cpu); run; run = next_run(run, cpu))
		levels_count(&table->cpu[run->cpu].tasks,
			     account->everywhere + run_weight(run), by);
}

/* === CPUs === */

static void cpu_weigh(struct hw_breakpoint_table *table, int cpu, unsigned int weight)
{
	struct hw_breakpoint_cpu_slots *this = &table->cpu[cpu];

	levels_count(&table->cpus, this->slots, -1);
	this->slots += weight;
	levels_count(&table->cpus, this->slots, 1);
}

/* === Promises === */

/* The list that @promise stands in. A CPU's has at most nr_slots of them. */
static struct hw_breakpoint_promise **list_of(struct hw_breakpoint_table *table,
					      const struct hw_breakpoint_promise *promise)
{
	return promise->account ? &promise->account->promises :
				  &table->cpu[promise->cpu].promises;
}

static void promise_link(struct hw_breakpoint_table *table,
			 struct hw_breakpoint_promise *promise)
{
	struct hw_breakpoint_promise **link = list_of(table, promise);

	while (*link && (*link)->cpu < promise->cpu)
		link = &(*link)->next;
	promise->next = *link;
	*link = promise;
}

static void promise_unlink(struct hw_breakpoint_table *table,
			   struct hw_breakpoint_promise *promise)
{
	struct hw_breakpoint_promise **link = list_of(table, promise);

	while (*link != promise)
		link = &(*link)->next;
	*link = promise->next;
}

static void promise_attach(struct hw_breakpoint_table *table,
			   struct hw_breakpoint_promise *promise,
			   struct hw_breakpoint_account *account)
{
	promise->account = account;
	if (!account) {
		promise_link(table, promise);
		cpu_weigh(table, promise->cpu, promise->weight);
		return;
	}
	account_count(table, account, promise->cpu, -1);
	promise_link(table, promise);
	if (promise->cpu < 0)
		account->everywhere += promise->weight;
	account_count(table, account, promise->cpu, 1);
}

static void promise_detach(struct hw_breakpoint_table *table,
			   struct hw_breakpoint_promise *promise)
{
	struct hw_breakpoint_account *account = promise->account;

	if (!account) {
		promise_unlink(table, promise);
		cpu_weigh(table, promise->cpu, -promise->weight);
		return;
	}
	account_count(table, account, promise->cpu, -1);
	promise_unlink(table, promise);
	if (promise->cpu < 0)
		account->everywhere -= promise->weight;
	account_count(table, account, promise->cpu, 1);
}

/* May @account use @more registers on @cpu, or on every CPU if @cpu is -1? */
static bool account_fits(const struct hw_breakpoint_table *table,
			 const struct hw_breakpoint_account *account,
			 int cpu, unsigned int more)
{
	const unsigned int everywhere = account->everywhere + more;
	struct hw_breakpoint_promise *run;

	if (everywhere + (cpu < 0 ? levels_highest(&table->cpus) : table->cpu[cpu].slots) >
	    table->nr_slots)
		return false;
	for (run = first_run(account, cpu); run; run = next_run(run, cpu))
		if (everywhere + run_weight(run) + table->cpu[run->cpu].slots > table->nr_slots)
			return false;
	return true;
}

/* May @cpu's own events use @more registers, whichever task runs? */
static bool cpu_fits(const struct hw_breakpoint_table *table, int cpu, unsigned int more)
{
	return table->cpu[cpu].slots + hw_breakpoint_table_task_slots(table, cpu) + more <=
	       table->nr_slots;
}

static bool promise_fits(const struct hw_breakpoint_table *table,
			 const struct hw_breakpoint_account *account,
			 int cpu, unsigned int more)
{
	/* Nobody has that many; and what is added below can't overflow. */
	if (more > table->nr_slots)
		return false;
	return account ? account_fits(table, account, cpu, more) : cpu_fits(table, cpu, more);
}

/* === Interface === */

/**
 * hw_breakpoint_table_init() - make an empty table
 * @table: the table
 * @cpus: its CPUs, zeroed; they stay the caller's to free
 * @nr_cpus: the length of @cpus
 * @nr_slots: debug registers of each CPU, at most HW_BREAKPOINT_MAX_SLOTS
 *
 * Context: any; nobody else uses @table yet.
 */
void hw_breakpoint_table_init(struct hw_breakpoint_table *table,
			      struct hw_breakpoint_cpu_slots *cpus,
			      unsigned int nr_cpus, unsigned int nr_slots)
{
	memset(table, 0, sizeof(*table));
	table->cpu = cpus;
	table->nr_cpus = nr_cpus;
	table->nr_slots = min_t(unsigned int, nr_slots, HW_BREAKPOINT_MAX_SLOTS);
}

/**
 * hw_breakpoint_table_reserve() - promise registers to a new event
 * @table: the table
 * @promise: where to record it; holds nothing yet
 * @account: the task's account, or NULL for a CPU's own event
 * @cpu: the one CPU that it is for, below the table's nr_cpus; or -1 for every CPU,
 *	with an account only
 * @weight: how many registers; 0 always succeeds and holds nothing
 * @family: the same for an event and all copies that will be inherited from it,
 *	or NULL if there will be none
 *
 * The promise is kept until hw_breakpoint_table_release(), and @promise and @account
 * have to live as long.
 *
 * Context: any; the caller holds the table's lock.
 * Return: 0, or -ENOSPC if some CPU could then be asked for more registers than it
 * has; nothing is changed then.
 */
int hw_breakpoint_table_reserve(struct hw_breakpoint_table *table,
				struct hw_breakpoint_promise *promise,
				struct hw_breakpoint_account *account,
				int cpu, unsigned int weight, const void *family)
{
	if (weight && !promise_fits(table, account, cpu, weight))
		return -ENOSPC;
	hw_breakpoint_table_inherit(table, promise, account, cpu, weight, family);
	return 0;
}

/**
 * hw_breakpoint_table_inherit() - record the promise of an inherited copy
 * @table: the table
 * @promise: where to record it; holds nothing yet
 * @account: the account of the task that inherits
 * @cpu: as the original's
 * @weight: as the original's
 * @family: the original's, not NULL
 *
 * It can't be refused, since a refusal would make fork() fail; nor need it be: a
 * child starts with copies of what its parent's context holds, all of which was
 * promised to the parent, and the law looks at the busiest task only.
 *
 * Context: any; the caller holds the table's lock.
 */
void hw_breakpoint_table_inherit(struct hw_breakpoint_table *table,
				 struct hw_breakpoint_promise *promise,
				 struct hw_breakpoint_account *account,
				 int cpu, unsigned int weight, const void *family)
{
	*promise = (struct hw_breakpoint_promise) {
		.family = family, .cpu = cpu, .weight = weight, .holder = promise->holder,
	};
	if (!weight)
		return;
	promise_attach(table, promise, account);
	table->nr_promises++;
}

/**
 * hw_breakpoint_table_resize() - change how many registers a promise is for
 * @table: the table
 * @promise: the promise; holds something, unless @weight is 0
 * @weight: how many registers from now on; 0 releases it
 *
 * To hold something again after that takes a new hw_breakpoint_table_reserve().
 *
 * Context: any; the caller holds the table's lock.
 * Return: 0; -ENOSPC if there is no room for more, and nothing is changed then;
 * -EINVAL if @promise holds nothing that could grow. To shrink never fails.
 */
int hw_breakpoint_table_resize(struct hw_breakpoint_table *table,
			       struct hw_breakpoint_promise *promise,
			       unsigned int weight)
{
	struct hw_breakpoint_account *account = promise->account;

	if (!weight) {
		hw_breakpoint_table_release(table, promise);
		return 0;
	}
	if (!promise->weight)
		return -EINVAL;
	if (weight > promise->weight &&
	    !promise_fits(table, account, promise->cpu, weight - promise->weight))
		return -ENOSPC;
	promise_detach(table, promise);
	promise->weight = weight;
	promise_attach(table, promise, account);
	return 0;
}

/**
 * hw_breakpoint_table_release() - take a promise back
 * @table: the table
 * @promise: the promise; one that holds nothing is left alone
 *
 * An inherited copy that goes because its task exits or execs has to be settled
 * first, see hw_breakpoint_table_settle().
 *
 * Context: any; the caller holds the table's lock.
 */
void hw_breakpoint_table_release(struct hw_breakpoint_table *table,
				 struct hw_breakpoint_promise *promise)
{
	if (!promise->weight)
		return;
	promise_detach(table, promise);
	*promise = (struct hw_breakpoint_promise) { .holder = promise->holder };
	table->nr_promises--;
}

/**
 * hw_breakpoint_table_settle() - have a copy's promise where the copy is
 * @table: the table
 * @promise: the promise of a copy that is about to be released
 * @holder: the account of the task whose context held the copy at its end
 *
 * perf core exchanges the contexts of related tasks that hold equal inherited
 * events, rather than switch events off and on. An event then runs on another task
 * than the one whose account its promise is on. Nothing is done about it at the
 * switch, which must stay cheap, and nothing has to be: the exchanged sets are equal,
 * so each task still has a promise for each family that its context holds a copy of,
 * even though the record is another member's. That is the invariant:
 *
 *   a task's context holds a copy of family F <=> its account has one promise of F
 *
 * Only when a task loses the copy that its context holds, and others keep theirs, does
 * it matter whose promise goes: it must be one on that task's account, and the copy's
 * own may be on another's. So the two records exchange accounts first, and the right
 * task is relieved by the release that follows:
 *
 *   before       settle(1, A)     release(1)      1 is freed by A's exit, having
 *   A: [F 2]     A: [F 1]         A:              been made for B; 2 runs on B now
 *   B: [F 1]     B: [F 2]         B: [F 2]        and B must go on paying for it
 *
 * If @holder has no promise of the family, @promise is left where it is: so it is for
 * a copy that never was exchanged, or whose family is being closed as a whole, and
 * then each record goes, in whatever order, from wherever it is.
 *
 * Context: any; the caller holds the table's lock.
 */
void hw_breakpoint_table_settle(struct hw_breakpoint_table *table,
				struct hw_breakpoint_promise *promise,
				struct hw_breakpoint_account *holder)
{
	struct hw_breakpoint_account *account = promise->account;
	struct hw_breakpoint_promise *other = holder->promises;

	if (!promise->weight || !promise->family || !account || account == holder)
		return;
	while (other && other->family != promise->family)
		other = other->next;
	if (!other)
		return;
	promise_detach(table, promise);
	promise_detach(table, other);
	promise_attach(table, promise, holder);
	promise_attach(table, other, account);
}

/**
 * hw_breakpoint_table_used() - does anybody hold a promise?
 * @table: the table
 *
 * Context: any; the caller holds the table's lock, or can live with an answer that
 * may be outdated.
 * Return: true if at least one promise holds something.
 */
bool hw_breakpoint_table_used(const struct hw_breakpoint_table *table)
{
	return table->nr_promises;
}

/**
 * hw_breakpoint_table_cpu_slots() - what a CPU's own events were promised
 * @table: the table
 * @cpu: the CPU
 *
 * Context: any; the caller holds the table's lock.
 * Return: a number of registers.
 */
unsigned int hw_breakpoint_table_cpu_slots(const struct hw_breakpoint_table *table,
					   unsigned int cpu)
{
	return table->cpu[cpu].slots;
}

/**
 * hw_breakpoint_table_task_slots() - the most that any task may use on a CPU
 * @table: the table
 * @cpu: the CPU
 *
 * Context: any; the caller holds the table's lock.
 * Return: a number of registers; HW_BREAKPOINT_TOP_LEVEL stands for all above it too.
 */
unsigned int hw_breakpoint_table_task_slots(const struct hw_breakpoint_table *table,
					    unsigned int cpu)
{
	return max(levels_highest(&table->tasks), levels_highest(&table->cpu[cpu].tasks));
}

/**
 * hw_breakpoint_table_cpu_promises() - the promises of a CPU's own events
 * @table: the table
 * @cpu: the CPU
 *
 * Context: any; the caller holds the table's lock.
 * Return: the first one, from which next leads on; or NULL.
 */
const struct hw_breakpoint_promise *
hw_breakpoint_table_cpu_promises(const struct hw_breakpoint_table *table, unsigned int cpu)
{
	return table->cpu[cpu].promises;
}

/**
 * hw_breakpoint_account_slots() - what a task may use on a CPU
 * @account: its account
 * @cpu: the CPU
 *
 * Context: any; the caller holds the table's lock.
 * Return: a number of registers.
 */
unsigned int hw_breakpoint_account_slots(const struct hw_breakpoint_account *account, int cpu)
{
	const struct hw_breakpoint_promise *run = first_run(account, cpu);

	return account->everywhere + (run ? run_weight(run) : 0);
}

/**
 * hw_breakpoint_account_empty() - was nothing promised to this task?
 * @account: the account
 *
 * Context: any; the caller holds the table's lock.
 * Return: true if no promise is on @account, so that it may be freed.
 */
bool hw_breakpoint_account_empty(const struct hw_breakpoint_account *account)
{
	return !account->promises;
}
