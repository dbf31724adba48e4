// SPDX-License-Identifier: GPL-2.0-only
/*
 * The constraint table: grants and takes back promises of debug registers.
 *
 * What it keeps, why, and under which locks is in hw_breakpoint_slots.h. Whatever the number
 * of tasks and CPUs, a task's request costs a look at this CPU's floor, and a walk along the
 * promises of the one account that it is for; a CPU's own, a look at its room. Only what
 * there is no room for looks at every CPU once.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include "hw_breakpoint_slots.h"

/* An account at the limit must be told from one above it, so that both refuse. */
static_assert(HW_BREAKPOINT_TOP_LEVEL > HW_BREAKPOINT_MAX_SLOTS);

/* Nobody who writes one of these lines for himself disturbs another's. */
static_assert(offsetof(struct hw_breakpoint_cpu_slots, promises) >=
	      offsetof(struct hw_breakpoint_cpu_slots, tasks) +
	      sizeof(struct hw_breakpoint_levels));
static_assert(offsetof(struct hw_breakpoint_cpu_slots, promises) % SMP_CACHE_BYTES == 0);
static_assert(offsetof(struct hw_breakpoint_cpu_slots, just) % SMP_CACHE_BYTES == 0);
static_assert(sizeof(struct hw_breakpoint_cpu_slots) % SMP_CACHE_BYTES == 0);

static struct hw_breakpoint_cpu_slots *cpu_of(const struct hw_breakpoint_table *table, int cpu)
{
	return per_cpu_ptr(table->cpu, cpu);
}

/* === Levels === */

static unsigned int level_of(unsigned int slots)
{
	return min_t(unsigned int, slots, HW_BREAKPOINT_TOP_LEVEL);
}

/*
 * @by is 1 or -1; what goes in at a level comes out at the same one, the top included. With
 * all locks held any CPU's share will do, and CPU 0 is always there.
 */
static void count_task(struct hw_breakpoint_table *table, int held, unsigned int slots, int by)
{
	if (slots)
		cpu_of(table, held < 0 ? 0 : held)->tasks.nr[level_of(slots)] += by;
}

static void count_just(struct hw_breakpoint_cpu_slots *cpu, unsigned int slots, int by)
{
	if (slots)
		atomic_add(by, &cpu->just[level_of(slots)]);
}

/* The most that any account has for every CPU. */
static unsigned int busiest_everywhere(const struct hw_breakpoint_table *table)
{
	unsigned int level, nr[HW_BREAKPOINT_TOP_LEVEL + 1] = { };
	int cpu;

	for_each_possible_cpu(cpu)
		for (level = 1; level <= HW_BREAKPOINT_TOP_LEVEL; level++)
			nr[level] += cpu_of(table, cpu)->tasks.nr[level];
	for (level = HW_BREAKPOINT_TOP_LEVEL; level && !nr[level]; level--)
		;
	return level;
}

/* The most that any task may use on @cpu. @everywhere: from busiest_everywhere() */
static unsigned int busiest_on(const struct hw_breakpoint_cpu_slots *cpu,
			       unsigned int everywhere)
{
	unsigned int level = HW_BREAKPOINT_TOP_LEVEL;

	while (level > everywhere && !atomic_read(&cpu->just[level]))
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

	/* Most tasks have none. */
	if (!account->nr_just)
		return NULL;
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
static void account_count(struct hw_breakpoint_table *table, int held,
			  const struct hw_breakpoint_account *account, int cpu, int by)
{
	struct hw_breakpoint_promise *run;

	if (cpu < 0)
		count_task(table, held, account->everywhere, by);
	for (run = first_run(account, cpu); run; run = next_run(run, cpu))
		count_just(cpu_of(table, run->cpu), account->everywhere + run_weight(run), by);
}

/* === Promises === */

/* The list that @promise stands in. A CPU's has at most nr_slots of them. */
static struct hw_breakpoint_promise **list_of(struct hw_breakpoint_table *table,
					      const struct hw_breakpoint_promise *promise)
{
	return promise->account ? &promise->account->promises :
				  &cpu_of(table, promise->cpu)->promises;
}

static void promise_link(struct hw_breakpoint_table *table,
			 struct hw_breakpoint_promise *promise)
{
	struct hw_breakpoint_promise **link = list_of(table, promise);

	while (*link && (*link)->cpu < promise->cpu)
		link = &(*link)->next;
	promise->next = *link;
	WRITE_ONCE(*link, promise);
}

static void promise_unlink(struct hw_breakpoint_table *table,
			   struct hw_breakpoint_promise *promise)
{
	struct hw_breakpoint_promise **link = list_of(table, promise);

	while (*link != promise)
		link = &(*link)->next;
	WRITE_ONCE(*link, promise->next);
}

static void promise_attach(struct hw_breakpoint_table *table, int held,
			   struct hw_breakpoint_promise *promise,
			   struct hw_breakpoint_account *account)
{
	/* Who releases looks at it to know which account's lock to take. */
	WRITE_ONCE(promise->account, account);
	if (!account) {
		promise_link(table, promise);
		cpu_of(table, promise->cpu)->slots += promise->weight;
		return;
	}
	account_count(table, held, account, promise->cpu, -1);
	promise_link(table, promise);
	if (promise->cpu < 0)
		account->everywhere += promise->weight;
	else
		account->nr_just++;
	account_count(table, held, account, promise->cpu, 1);
}

static void promise_detach(struct hw_breakpoint_table *table, int held,
			   struct hw_breakpoint_promise *promise)
{
	struct hw_breakpoint_account *account = promise->account;

	if (!account) {
		promise_unlink(table, promise);
		cpu_of(table, promise->cpu)->slots -= promise->weight;
		return;
	}
	account_count(table, held, account, promise->cpu, -1);
	promise_unlink(table, promise);
	if (promise->cpu < 0)
		account->everywhere -= promise->weight;
	else
		account->nr_just--;
	account_count(table, held, account, promise->cpu, 1);
}

/* It stays on its list meanwhile, for who looks at that without a lock. */
static void promise_weigh(struct hw_breakpoint_table *table, int held,
			  struct hw_breakpoint_promise *promise, unsigned int weight)
{
	struct hw_breakpoint_account *account = promise->account;
	const unsigned int more = weight - promise->weight;

	if (account)
		account_count(table, held, account, promise->cpu, -1);
	promise->weight = weight;
	if (!account)
		cpu_of(table, promise->cpu)->slots += more;
	else if (promise->cpu < 0)
		account->everywhere += more;
	if (account)
		account_count(table, held, account, promise->cpu, 1);
}

static void promise_record(struct hw_breakpoint_table *table, int held,
			   struct hw_breakpoint_promise *promise,
			   struct hw_breakpoint_account *account,
			   int cpu, unsigned int weight, const void *family)
{
	promise->family = family;
	promise->cpu = cpu;
	promise->weight = weight;
	promise_attach(table, held, promise, account);
}

/*
 * It holds nothing from here on. Whoever sees that it is on no account takes no lock to
 * release it, finds that it holds nothing, and may free it: so that comes last.
 */
static void promise_clear(struct hw_breakpoint_promise *promise)
{
	promise->next = NULL;
	promise->family = NULL;
	promise->cpu = 0;
	promise->weight = 0;
	/* Pairs with the acquire of who releases it. */
	smp_store_release(&promise->account, NULL);
}

/* === Rooms === */

/* May @account use @more registers without a look at what others have? */
static bool account_within_room(const struct hw_breakpoint_table *table, int held,
				const struct hw_breakpoint_account *account,
				int cpu, unsigned int more)
{
	const unsigned int everywhere = account->everywhere + more;
	struct hw_breakpoint_promise *run;

	if (everywhere > (cpu < 0 ? cpu_of(table, held < 0 ? 0 : held)->floor :
				    cpu_of(table, cpu)->task_room))
		return false;
	for (run = first_run(account, cpu); run; run = next_run(run, cpu))
		if (everywhere + run_weight(run) > cpu_of(table, run->cpu)->task_room)
			return false;
	return true;
}

static bool within_room(const struct hw_breakpoint_table *table, int held,
			const struct hw_breakpoint_account *account,
			int cpu, unsigned int more)
{
	if (account)
		return account_within_room(table, held, account, cpu, more);
	return cpu_of(table, cpu)->slots + more <= cpu_of(table, cpu)->cpu_room;
}

/* Tasks will use up to @slots on @cpu, which may be more than there are. */
static void give_to_tasks(const struct hw_breakpoint_table *table,
			  struct hw_breakpoint_cpu_slots *cpu, unsigned int slots)
{
	const unsigned int lawful = min(slots, table->nr_slots - cpu->slots);
	const unsigned int used = max(min(slots, table->nr_slots), cpu->task_room);

	cpu->task_room = max(cpu->task_room, lawful);
	cpu->cpu_room = min(cpu->cpu_room, table->nr_slots - used);
}

static void give_to_cpu(const struct hw_breakpoint_table *table,
			struct hw_breakpoint_cpu_slots *cpu, unsigned int slots)
{
	cpu->cpu_room = max(cpu->cpu_room, slots);
	cpu->task_room = min(cpu->task_room, table->nr_slots - cpu->cpu_room);
}

static void set_floor(struct hw_breakpoint_table *table)
{
	unsigned int floor = table->nr_slots;
	int cpu;

	for_each_possible_cpu(cpu)
		floor = min(floor, cpu_of(table, cpu)->task_room);
	for_each_possible_cpu(cpu)
		cpu_of(table, cpu)->floor = floor;
}

static noinline void make_task_room(struct hw_breakpoint_table *table,
				    const struct hw_breakpoint_account *account,
				    int cpu, unsigned int more)
{
	const unsigned int everywhere = account->everywhere + more;
	struct hw_breakpoint_promise *run;
	int c;

	if (cpu >= 0)
		give_to_tasks(table, cpu_of(table, cpu), everywhere);
	else
		for_each_possible_cpu(c)
			give_to_tasks(table, cpu_of(table, c), everywhere);
	for (run = first_run(account, cpu); run; run = next_run(run, cpu))
		give_to_tasks(table, cpu_of(table, run->cpu), everywhere + run_weight(run));
	set_floor(table);
}

/* Wherever it is possible: who asks for one CPU will soon ask for the next. */
static void make_cpu_room(struct hw_breakpoint_table *table, unsigned int everywhere,
			  unsigned int slots)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (busiest_on(cpu_of(table, cpu), everywhere) + slots <= table->nr_slots)
			give_to_cpu(table, cpu_of(table, cpu), slots);
	set_floor(table);
}

/* === The law === */

static bool account_fits(const struct hw_breakpoint_table *table,
			 const struct hw_breakpoint_account *account,
			 int cpu, unsigned int more)
{
	const unsigned int everywhere = account->everywhere + more;
	struct hw_breakpoint_promise *run;
	unsigned int own = 0;
	int c;

	if (cpu >= 0)
		own = cpu_of(table, cpu)->slots;
	else
		for_each_possible_cpu(c)
			own = max(own, cpu_of(table, c)->slots);
	if (everywhere + own > table->nr_slots)
		return false;
	for (run = first_run(account, cpu); run; run = next_run(run, cpu))
		if (everywhere + run_weight(run) + cpu_of(table, run->cpu)->slots >
		    table->nr_slots)
			return false;
	return true;
}

/* @everywhere: from busiest_everywhere() */
static bool cpu_fits(const struct hw_breakpoint_table *table, int cpu, unsigned int everywhere,
		     unsigned int more)
{
	const struct hw_breakpoint_cpu_slots *this = cpu_of(table, cpu);

	return this->slots + busiest_on(this, everywhere) + more <= table->nr_slots;
}

/* Out of the way of who has room: noinline, so that those need not save registers for it. */
static noinline int admit_task(struct hw_breakpoint_table *table,
			       const struct hw_breakpoint_account *account,
			       int cpu, unsigned int more)
{
	if (!account_fits(table, account, cpu, more))
		return -ENOSPC;
	make_task_room(table, account, cpu, more);
	return 0;
}

static noinline int admit_cpu(struct hw_breakpoint_table *table, int cpu, unsigned int more)
{
	const unsigned int everywhere = busiest_everywhere(table);

	if (!cpu_fits(table, cpu, everywhere, more))
		return -ENOSPC;
	make_cpu_room(table, everywhere, cpu_of(table, cpu)->slots + more);
	return 0;
}

/* See to it that @more can be recorded. */
static int admit(struct hw_breakpoint_table *table, int held,
		 const struct hw_breakpoint_account *account, int cpu, unsigned int more)
{
	/* Nobody has that many; and what is added elsewhere can't overflow. */
	if (more > table->nr_slots)
		return -ENOSPC;
	if (within_room(table, held, account, cpu, more))
		return 0;
	/* Whatever others have. */
	if (account && hw_breakpoint_account_most(account, cpu) + more > table->nr_slots)
		return -ENOSPC;
	if (held != HW_BREAKPOINT_ALL_LOCKS)
		return -EAGAIN;
	return account ? admit_task(table, account, cpu, more) : admit_cpu(table, cpu, more);
}

/* The same for what can't be refused. */
static int admit_anyway(struct hw_breakpoint_table *table, int held,
			const struct hw_breakpoint_account *account, int cpu,
			unsigned int more)
{
	if (within_room(table, held, account, cpu, more))
		return 0;
	if (held != HW_BREAKPOINT_ALL_LOCKS)
		return -EAGAIN;
	make_task_room(table, account, cpu, more);
	return 0;
}

/* === Interface === */

/**
 * hw_breakpoint_table_init() - make an empty table
 * @table: the table
 * @cpu: its CPUs, zeroed but for their locks; they stay the caller's to free
 * @nr_slots: debug registers of each CPU, at most HW_BREAKPOINT_MAX_SLOTS
 *
 * Context: any; nobody else uses @table yet.
 */
void hw_breakpoint_table_init(struct hw_breakpoint_table *table,
			      struct hw_breakpoint_cpu_slots __percpu *cpu,
			      unsigned int nr_slots)
{
	int c;

	table->cpu = cpu;
	table->nr_slots = min_t(unsigned int, nr_slots, HW_BREAKPOINT_MAX_SLOTS);
	for_each_possible_cpu(c)
		cpu_of(table, c)->task_room = table->nr_slots;
	set_floor(table);
}

/**
 * hw_breakpoint_table_reserve() - promise registers to a new event
 * @table: the table
 * @held: the CPU whose lock is held, @cpu where there is no account; or
 *	HW_BREAKPOINT_ALL_LOCKS
 * @promise: where to record it; holds nothing yet
 * @account: the task's account, its lock held; or NULL for a CPU's own event
 * @cpu: the one CPU that it is for; or -1 for every CPU, with an account only
 * @weight: how many registers; 0 always succeeds and holds nothing
 * @family: the same for an event and all copies that will be inherited from it,
 *	or NULL if there will be none
 *
 * The promise is kept until hw_breakpoint_table_release(), and @promise and @account
 * have to live as long.
 *
 * Context: any.
 * Return: 0; -ENOSPC if some CPU could then be asked for more registers than it has; or
 * -EAGAIN if that can't be told without all locks. Unless it is 0 nothing is changed.
 */
int hw_breakpoint_table_reserve(struct hw_breakpoint_table *table, int held,
				struct hw_breakpoint_promise *promise,
				struct hw_breakpoint_account *account,
				int cpu, unsigned int weight, const void *family)
{
	int err;

	if (!weight)
		return 0;
	err = admit(table, held, account, cpu, weight);
	if (!err)
		promise_record(table, held, promise, account, cpu, weight, family);
	return err;
}

/**
 * hw_breakpoint_table_inherit() - record the promise of an inherited copy
 * @table: the table
 * @held: as for hw_breakpoint_table_reserve()
 * @promise: where to record it; holds nothing yet
 * @account: the account of the task that inherits, its lock held
 * @cpu: as the original's
 * @weight: as the original's
 * @family: the original's, not NULL
 *
 * It can't be refused, since a refusal would make fork() fail; nor need it be: a
 * child starts with copies of what its parent's context holds, all of which was
 * promised to the parent, and the law looks at the busiest task only.
 *
 * Context: any.
 * Return: 0, or -EAGAIN if it takes all locks.
 */
int hw_breakpoint_table_inherit(struct hw_breakpoint_table *table, int held,
				struct hw_breakpoint_promise *promise,
				struct hw_breakpoint_account *account,
				int cpu, unsigned int weight, const void *family)
{
	int err;

	if (!weight)
		return 0;
	err = admit_anyway(table, held, account, cpu, weight);
	if (!err)
		promise_record(table, held, promise, account, cpu, weight, family);
	return err;
}

/**
 * hw_breakpoint_table_resize() - change how many registers a promise is for
 * @table: the table
 * @held: as for hw_breakpoint_table_reserve()
 * @promise: the promise, its account's lock held; holds something, unless @weight is 0
 * @weight: how many registers from now on; 0 releases it
 *
 * To hold something again after that takes a new hw_breakpoint_table_reserve().
 *
 * Context: any.
 * Return: 0; -ENOSPC if there is no room for more; -EAGAIN if that can't be told without all
 * locks; -EINVAL if @promise holds nothing that could grow. Unless it is 0 nothing is
 * changed. To shrink never fails.
 */
int hw_breakpoint_table_resize(struct hw_breakpoint_table *table, int held,
			       struct hw_breakpoint_promise *promise,
			       unsigned int weight)
{
	struct hw_breakpoint_account *account = promise->account;
	int err = 0;

	if (!weight) {
		hw_breakpoint_table_release(table, held, promise);
		return 0;
	}
	if (!promise->weight)
		return -EINVAL;
	if (weight > promise->weight)
		err = admit(table, held, account, promise->cpu, weight - promise->weight);
	if (err)
		return err;
	promise_weigh(table, held, promise, weight);
	return 0;
}

/**
 * hw_breakpoint_table_release() - take a promise back
 * @table: the table
 * @held: as for hw_breakpoint_table_reserve(); one lock is always enough
 * @promise: the promise, its account's lock held; one that holds nothing is left alone
 *
 * For an inherited copy that goes because its task exits or execs there is
 * hw_breakpoint_table_release_from().
 *
 * Context: any.
 */
void hw_breakpoint_table_release(struct hw_breakpoint_table *table, int held,
				 struct hw_breakpoint_promise *promise)
{
	if (!promise->weight)
		return;
	promise_detach(table, held, promise);
	promise_clear(promise);
}

/**
 * hw_breakpoint_table_move() - have one event's registers be promised to another of its task
 * @table: the table
 * @held: as for hw_breakpoint_table_reserve(); one lock is always enough
 * @from: whose they are; its account's lock is held
 * @to: who gets them; holds something on the same account and for the same CPU, or nothing
 * @weight: how many, not 0
 * @family: of @to, if that holds nothing yet
 *
 * Nobody else can be promised them in between.
 *
 * Context: any.
 * Return: true; false if @from has less, or @to is elsewhere, and nothing is changed.
 */
bool hw_breakpoint_table_move(struct hw_breakpoint_table *table, int held,
			      struct hw_breakpoint_promise *from,
			      struct hw_breakpoint_promise *to,
			      unsigned int weight, const void *family)
{
	const unsigned int rest = from->weight - weight;

	if (!weight || from->weight < weight ||
	    (to->weight && (to->account != from->account || to->cpu != from->cpu)))
		return false;
	/* In this order: a task that exits looks without a lock whether its account is empty. */
	if (to->weight)
		promise_weigh(table, held, to, to->weight + weight);
	else
		promise_record(table, held, to, from->account, from->cpu, weight, family);
	if (rest)
		promise_weigh(table, held, from, rest);
	else
		hw_breakpoint_table_release(table, held, from);
	return true;
}

/* Does @cpu lack room for it? */
static bool is_full(struct hw_breakpoint_table *table, int cpu, unsigned int everywhere,
		    unsigned int held, unsigned int weight)
{
	if (weight <= held)
		return false;
	return weight > table->nr_slots || !cpu_fits(table, cpu, everywhere, weight - held);
}

/**
 * hw_breakpoint_table_set_wide() - promise registers on every CPU
 * @table: the table; all locks are held
 * @promise: where to record it, for each possible CPU; all of them hold the same, or nothing
 * @weight: how many registers of each from now on; 0 releases them
 * @full: on error, set to a CPU without room
 *
 * Context: any.
 * Return: 0, or -ENOSPC, and nothing is changed then.
 */
int hw_breakpoint_table_set_wide(struct hw_breakpoint_table *table,
				 struct hw_breakpoint_promise __percpu *promise,
				 unsigned int weight, int *full)
{
	const unsigned int everywhere = busiest_everywhere(table);
	struct hw_breakpoint_cpu_slots *this;
	struct hw_breakpoint_promise *that;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (is_full(table, cpu, everywhere, per_cpu_ptr(promise, cpu)->weight, weight)) {
			*full = cpu;
			return -ENOSPC;
		}
	}
	for_each_possible_cpu(cpu) {
		this = cpu_of(table, cpu);
		that = per_cpu_ptr(promise, cpu);
		hw_breakpoint_table_release(table, HW_BREAKPOINT_ALL_LOCKS, that);
		if (!weight)
			continue;
		give_to_cpu(table, this, this->slots + weight);
		promise_record(table, HW_BREAKPOINT_ALL_LOCKS, that, NULL, cpu, weight, NULL);
	}
	set_floor(table);
	return 0;
}

static struct hw_breakpoint_promise *
family_member(const struct hw_breakpoint_account *account, const void *family)
{
	struct hw_breakpoint_promise *promise = account->promises;

	while (promise && promise->family != family)
		promise = promise->next;
	return promise;
}

/* @heir takes the place that @promise has, which holds nothing from then on. */
static int inherit_place(struct hw_breakpoint_table *table, int held,
			 struct hw_breakpoint_promise *promise,
			 struct hw_breakpoint_promise *heir)
{
	struct hw_breakpoint_account *account = promise->account;
	int err = 0;

	if (heir->weight > promise->weight)
		err = admit_anyway(table, held, account, heir->cpu,
				   heir->weight - promise->weight);
	if (err)
		return err;
	/* In this order: a task that exits looks without a lock whether its account is empty. */
	promise_detach(table, held, heir);
	promise_attach(table, held, heir, account);
	promise_detach(table, held, promise);
	promise_clear(promise);
	return 0;
}

/**
 * hw_breakpoint_table_release_from() - take back what a task has of a family
 * @table: the table
 * @held: as for hw_breakpoint_table_reserve()
 * @promise: the promise of a copy that goes; its account's lock is held, if it has one
 * @family: the copy's
 * @holder: the account of the task whose context held the copy at its end; its lock is held
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
 * it matter whose promise goes: it must be the one on that task's account, and the copy's
 * own may be on another's. So the other record takes its place there:
 *
 *   before       after           1 is freed by A's exit, having
 *   A: [F 2]     A:              been made for B; 2 runs on B now
 *   B: [F 1]     B: [F 2]        and B must go on paying for it
 *
 * If @holder has no promise of the family, @promise goes from where it is: so it is for
 * a copy that never was exchanged, or whose family is being closed as a whole, and
 * then each record goes, in whatever order, from wherever it is. And a copy whose record
 * went with a task that died may hold nothing: then @holder's goes all the same.
 *
 * Context: any.
 * Return: 0, or -EAGAIN if it takes all locks.
 */
int hw_breakpoint_table_release_from(struct hw_breakpoint_table *table, int held,
				     struct hw_breakpoint_promise *promise,
				     const void *family,
				     struct hw_breakpoint_account *holder)
{
	struct hw_breakpoint_promise *other = family ? family_member(holder, family) : NULL;

	if (other && promise->weight && promise->account != holder)
		return inherit_place(table, held, promise, other);
	hw_breakpoint_table_release(table, held,
				    other && !promise->weight ? other : promise);
	return 0;
}

/**
 * hw_breakpoint_table_used() - does anybody hold a promise?
 * @table: the table; all locks are held
 *
 * Context: any.
 * Return: true if at least one promise holds something.
 */
bool hw_breakpoint_table_used(const struct hw_breakpoint_table *table)
{
	const unsigned int everywhere = busiest_everywhere(table);
	int cpu;

	for_each_possible_cpu(cpu)
		if (cpu_of(table, cpu)->slots || busiest_on(cpu_of(table, cpu), everywhere))
			return true;
	return false;
}

/**
 * hw_breakpoint_table_task_slots() - the most that any task may use on a CPU
 * @table: the table; all locks are held
 * @cpu: the CPU
 *
 * Context: any.
 * Return: a number of registers; HW_BREAKPOINT_TOP_LEVEL stands for all above it too.
 */
unsigned int hw_breakpoint_table_task_slots(const struct hw_breakpoint_table *table, int cpu)
{
	return busiest_on(cpu_of(table, cpu), busiest_everywhere(table));
}

/**
 * hw_breakpoint_account_slots() - what a task may use on a CPU
 * @account: its account, its lock held
 * @cpu: the CPU
 *
 * Context: any.
 * Return: a number of registers.
 */
unsigned int hw_breakpoint_account_slots(const struct hw_breakpoint_account *account, int cpu)
{
	const struct hw_breakpoint_promise *run = first_run(account, cpu);

	return account->everywhere + (run ? run_weight(run) : 0);
}

/**
 * hw_breakpoint_account_most() - what a task may use at most
 * @account: its account, its lock held
 * @cpu: on this CPU; or -1: on whichever it may use the most
 *
 * Context: any.
 * Return: a number of registers.
 */
unsigned int hw_breakpoint_account_most(const struct hw_breakpoint_account *account, int cpu)
{
	struct hw_breakpoint_promise *run;
	unsigned int most = 0;

	for (run = first_run(account, cpu); run; run = next_run(run, cpu))
		most = max(most, run_weight(run));
	return account->everywhere + most;
}
