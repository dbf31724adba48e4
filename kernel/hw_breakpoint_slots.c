// SPDX-License-Identifier: GPL-2.0-only
/*
 * The constraint table: reserves registers and gives them back.
 *
 * The law that it keeps, and its locking, are in hw_breakpoint_slots.h.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "hw_breakpoint_slots.h"

/* === Data ================================================================= */

/* Serialises all but the fast path: see "Locking" in the header. */
static DEFINE_MUTEX(table_mutex);

/* Constant after hw_breakpoint_slots_init(). */
static unsigned int nr_slots __read_mostly;

/*
 * See the header. Written with table_mutex held; the fast path reads limit, and a refusal
 * capacity, without.
 */
static int limit __read_mostly;
static unsigned int capacity __read_mostly;
static unsigned int wide;

/* A limit that nobody is within, not even to give back: all accounts stay as they are. */
#define HELD	(-1)

/* By n: the CPUs whose own[] is n. Protected by table_mutex. */
static unsigned int cpus_by_own[HW_BREAKPOINT_MAX_SLOTS + 1];

/**
 * struct shard - a CPU's part of the histogram of accounts
 * @in_flight: the CPU is between its look at limit and its update of @nr
 * @nr: by n: accounts whose everywhere is n. An account may be added on one CPU and taken out
 *	on another, so only the sums over all CPUs mean anything. Written by the CPU itself
 */
struct shard {
	int	in_flight;
	int	nr[HW_BREAKPOINT_MAX_SLOTS + 1];
};

static DEFINE_PER_CPU_ALIGNED(struct shard, shard);

/**
 * struct cpu_slots - what is reserved on one CPU
 * @left: nr_slots - wide - own[] of the header. A single word, so that a refusal that reads it
 *	without table_mutex was right at that instant
 * @nr: by n: accounts with on_cpu charges for this CPU that may use n registers on it
 *
 * Written with table_mutex held.
 */
struct cpu_slots {
	unsigned int	left;
	unsigned int	nr[HW_BREAKPOINT_MAX_SLOTS + 1];
};

static DEFINE_PER_CPU(struct cpu_slots, cpu_slots);

/* === Sums ================================================================= */

static int sum_shards(unsigned int n)
{
	int cpu, sum = 0;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(shard, cpu).nr[n]);
	return sum;
}

/*
 * The greatest "everywhere" of all contexts. It may be outdated, unless limit is below it: contexts
 * above limit only shrink.
 */
unsigned int hw_breakpoint_busiest_everywhere(void)
{
	unsigned int n = nr_slots;

	while (n && sum_shards(n) <= 0) {
		/*
		 * Pairs with the barrier in move_account(): an account that was seen to leave
		 * n is seen at the lower number that it has now.
		 */
		smp_rmb();
		n--;
	}
	return n;
}

/*
 * The most registers that a context with on_cpu charges may use on @cpu. It may be outdated, unless
 * table_mutex is held; so may be hw_breakpoint_left_on().
 */
unsigned int hw_breakpoint_busiest_on(int cpu)
{
	unsigned int n = nr_slots;

	while (n && !READ_ONCE(per_cpu(cpu_slots, cpu).nr[n]))
		n--;
	return n;
}

/* The registers of @cpu that are reserved neither for the CPU itself nor on every CPU. */
unsigned int hw_breakpoint_left_on(int cpu)
{
	return READ_ONCE(per_cpu(cpu_slots, cpu).left);
}

static void change_left(int cpu, int by)
{
	struct cpu_slots *slots = per_cpu_ptr(&cpu_slots, cpu);

	WRITE_ONCE(slots->left, slots->left + by);
}

static void update_capacity(void)
{
	unsigned int own = nr_slots;

	while (own && !cpus_by_own[own])
		own--;
	WRITE_ONCE(capacity, nr_slots - wide - own);
}

/* === Accounts ============================================================= */

/* Count @account at @to instead of where it is. Preemption is off. */
static void move_account(struct hw_breakpoint_account *account, unsigned int to)
{
	struct shard *this = this_cpu_ptr(&shard);
	const unsigned int from = account->everywhere;

	WRITE_ONCE(account->everywhere, to);
	if (to)
		WRITE_ONCE(this->nr[to], this->nr[to] + 1);
	/* Pairs with hw_breakpoint_busiest_everywhere(). */
	smp_wmb();
	if (from)
		WRITE_ONCE(this->nr[from], this->nr[from] - 1);
}

/*
 * The fast path, for an account without on_cpu charges. An account that shrinks is not compared
 * with limit. A copy is, although the context that it is copied from has as much: lower_limit()
 * relies on it that no account is added above limit while the shards are summed.
 */
static bool try_move(struct hw_breakpoint_account *account, unsigned int to)
{
	bool within;

	lockdep_assert_held(&account->lock);
	preempt_disable();
	this_cpu_write(shard.in_flight, 1);
	/* Pairs with the barrier in set_limit(). */
	smp_mb();
	within = (to <= account->everywhere ? 0 : (int)to) <= READ_ONCE(limit);
	if (within)
		move_account(account, to);
	/* Pairs with the acquire in set_limit(). */
	smp_store_release(this_cpu_ptr(&shard.in_flight), 0);
	preempt_enable();
	return within;
}

/*
 * The most registers that a context may use on @cpu or, if that is -1, on any CPU. In any context.
 * Without the account's lock the result may be outdated.
 */
unsigned int hw_breakpoint_account_most(const struct hw_breakpoint_account *account, int cpu)
{
	unsigned int most = 0;
	const u8 *on_cpu;

	rcu_read_lock();
	on_cpu = READ_ONCE(account->on_cpu);
	if (on_cpu && cpu >= 0)
		most = READ_ONCE(on_cpu[cpu]);
	else if (on_cpu)
		for_each_possible_cpu(cpu)
			most = max_t(unsigned int, most, READ_ONCE(on_cpu[cpu]));
	rcu_read_unlock();
	return READ_ONCE(account->everywhere) + most;
}

/* Count @account on @cpu as one that may use @to registers there instead of @from. */
static void move_on_cpu(int cpu, unsigned int from, unsigned int to)
{
	struct cpu_slots *slots = per_cpu_ptr(&cpu_slots, cpu);

	if (from)
		WRITE_ONCE(slots->nr[from], slots->nr[from] - 1);
	if (to)
		WRITE_ONCE(slots->nr[to], slots->nr[to] + 1);
}

/* === The slow path ======================================================== */

static bool fits_on(const struct hw_breakpoint_account *account, int cpu, unsigned int by)
{
	return hw_breakpoint_account_most(account, cpu) + by <= hw_breakpoint_left_on(cpu);
}

/*
 * Does the law allow @account @by registers more on @cpu or, if that is HW_BREAKPOINT_ANY_CPU,
 * wherever its task runs? Without table_mutex "no" is right, and "yes" may be outdated.
 */
static bool fits(const struct hw_breakpoint_account *account, int cpu, unsigned int by)
{
	if (cpu >= 0)
		return fits_on(account, cpu, by);
	if (account->everywhere + by > READ_ONCE(capacity))
		return false;
	if (account->on_cpu)
		for_each_possible_cpu(cpu)
			if (account->on_cpu[cpu] && !fits_on(account, cpu, by))
				return false;
	return true;
}

/* Why @charge can't become @weight: -EDQUOT, -ENOSPC, or 0 if nothing speaks against it yet. */
static int find_objection(const struct hw_breakpoint_charge *charge, unsigned int weight,
			  unsigned int task_limit)
{
	const unsigned int by = weight - charge->weight;

	lockdep_assert_held(&charge->account->lock);
	if (weight <= charge->weight || task_limit == HW_BREAKPOINT_COVERED)
		return 0;
	if (hw_breakpoint_account_most(charge->account, charge->cpu) + by > task_limit)
		return -EDQUOT;
	return fits(charge->account, charge->cpu, by) ? 0 : -ENOSPC;
}

static void change_everywhere(struct hw_breakpoint_account *account, int by)
{
	const unsigned int from = account->everywhere, to = from + by;
	int cpu;

	if ((int)to > limit)
		WRITE_ONCE(limit, to);
	if (account->on_cpu)
		for_each_possible_cpu(cpu)
			if (account->on_cpu[cpu])
				move_on_cpu(cpu, from + account->on_cpu[cpu],
					    to + account->on_cpu[cpu]);
	preempt_disable();
	move_account(account, to);
	preempt_enable();
}

static void change_on_cpu(struct hw_breakpoint_account *account, int cpu, int by)
{
	const unsigned int had = account->on_cpu[cpu], has = had + by;

	move_on_cpu(cpu, had ? account->everywhere + had : 0, has ? account->everywhere + has : 0);
	WRITE_ONCE(account->on_cpu[cpu], has);
	account->nr_on_cpu += by;
}

/* On return, no fast path is under way that has seen the limit before. */
static void set_limit(int to)
{
	int cpu;

	WRITE_ONCE(limit, to);
	/* Pairs with the barrier in try_move(): it sees the new limit, or we see it in flight. */
	smp_mb();
	for_each_possible_cpu(cpu)
		/* Pairs with the release in try_move(): its update of the shard is in the sums. */
		smp_cond_load_acquire(per_cpu_ptr(&shard.in_flight, cpu), !VAL);
}

/* Lower limit to @to, unless a context has more than that. Return: limit is at most @to. */
static bool lower_limit(unsigned int to)
{
	const int old = limit;

	if (old <= (int)to)
		return true;
	set_limit(to);
	if (hw_breakpoint_busiest_everywhere() <= to)
		return true;
	WRITE_ONCE(limit, old);
	return false;
}

/* May @by registers of @cpu be taken from those that are left to tasks with on_cpu charges? */
static bool can_spare(int cpu, unsigned int by)
{
	return hw_breakpoint_busiest_on(cpu) + by <= hw_breakpoint_left_on(cpu);
}

static int change_own(int cpu, int by)
{
	const unsigned int left = hw_breakpoint_left_on(cpu), own = nr_slots - wide - left;

	if (by > 0 && (!can_spare(cpu, by) || !lower_limit(left - by)))
		return -ENOSPC;
	cpus_by_own[own]--;
	cpus_by_own[own + by]++;
	change_left(cpu, -by);
	update_capacity();
	return 0;
}

static int change_wide(int by)
{
	int cpu;

	if (by > 0) {
		for_each_possible_cpu(cpu)
			if (!can_spare(cpu, by))
				return -ENOSPC;
		if (!lower_limit(capacity - by))
			return -ENOSPC;
	}
	wide += by;
	for_each_possible_cpu(cpu)
		change_left(cpu, -by);
	update_capacity();
	return 0;
}

/* A charge without an account. */
static int change_cpus(struct hw_breakpoint_charge *charge, unsigned int weight)
{
	const int by = weight - charge->weight;
	int err;

	if (charge->cpu == HW_BREAKPOINT_EVERY_CPU)
		err = change_wide(by);
	else
		err = change_own(charge->cpu, by);
	if (!err)
		charge->weight = weight;
	return err;
}

/* After this nothing is charged to the account any more, whatever is asked of @charge. */
static void close_charge(struct hw_breakpoint_charge *charge)
{
	WRITE_ONCE(charge->cpu, HW_BREAKPOINT_ANY_CPU);
	/* Pairs with hw_breakpoint_charge(), which must not take it for a CPU's own charge. */
	smp_store_release(&charge->account, NULL);
}

static void set_weight(struct hw_breakpoint_charge *charge, unsigned int weight)
{
	charge->weight = weight;
	if (!weight)
		close_charge(charge);
}

/*
 * @array: an empty array for on_cpu charges, if @charge may need one. It is set to an array that
 * isn't used any more, or to NULL.
 */
static void change_account(struct hw_breakpoint_charge *charge, unsigned int weight, u8 **array)
{
	struct hw_breakpoint_account *account = charge->account;
	const int by = weight - charge->weight;

	if (charge->cpu < 0) {
		change_everywhere(account, by);
		return;
	}
	if (!account->on_cpu) {
		/* Pairs with hw_breakpoint_account_most(), which must see an empty array. */
		smp_store_release(&account->on_cpu, *array);
		*array = NULL;
	}
	change_on_cpu(account, charge->cpu, by);
	if (!account->nr_on_cpu) {
		*array = account->on_cpu;
		WRITE_ONCE(account->on_cpu, NULL);
	}
}

static int charge_account_slowly(struct hw_breakpoint_charge *charge,
				 struct hw_breakpoint_account *account, unsigned int weight,
				 unsigned int task_limit, u8 **array)
{
	int err = 0;

	lockdep_assert_held(&table_mutex);
	spin_lock(&account->lock);
	if (charge->account == account) {
		err = find_objection(charge, weight, task_limit);
		if (!err) {
			if (weight != charge->weight)
				change_account(charge, weight, array);
			set_weight(charge, weight);
		}
	}
	spin_unlock(&account->lock);
	return err;
}

/* noinline, so that the fast path doesn't save registers for it. */
static noinline int charge_slowly(struct hw_breakpoint_charge *charge,
				  struct hw_breakpoint_account *account, unsigned int weight,
				  unsigned int task_limit)
{
	u8 *array = NULL;
	int err;

	/* Only the first charge of an account for a CPU can need it. */
	if (account && !charge->weight && weight && charge->cpu >= 0) {
		array = kvzalloc(nr_cpu_ids, GFP_KERNEL);
		if (!array)
			return -ENOMEM;
	}
	mutex_lock(&table_mutex);
	if (account)
		err = charge_account_slowly(charge, account, weight, task_limit, &array);
	else
		err = change_cpus(charge, weight);
	mutex_unlock(&table_mutex);
	/* hw_breakpoint_account_most() may still be reading it. */
	kvfree_rcu_mightsleep(array);
	return err;
}

/*
 * Would @charge be refused @weight? In process context. Return: what hw_breakpoint_charge()
 * would; 0 doesn't mean that it will be granted.
 */
int hw_breakpoint_would_refuse(const struct hw_breakpoint_charge *charge, unsigned int weight,
			       unsigned int task_limit)
{
	int err;

	spin_lock(&charge->account->lock);
	err = find_objection(charge, weight, task_limit);
	spin_unlock(&charge->account->lock);
	return err;
}

/* Return: -EAGAIN if it takes the table's mutex. */
static int charge_fast(struct hw_breakpoint_charge *charge, struct hw_breakpoint_account *account,
		       unsigned int weight, unsigned int task_limit)
{
	int err = 0;

	spin_lock(&account->lock);
	if (charge->account == account) {
		err = find_objection(charge, weight, task_limit);
		if (!err && (charge->cpu >= 0 || account->on_cpu ||
			     !try_move(account, account->everywhere + weight - charge->weight)))
			err = -EAGAIN;
		if (!err)
			set_weight(charge, weight);
	}
	spin_unlock(&account->lock);
	return err;
}

/* === Interface ============================================================ */

/**
 * hw_breakpoint_charge() - reserve registers, or give them back
 * @charge: where they are reserved, and how many are already
 * @weight: how many are to be reserved from now on. 0 gives all back; a task's charge is closed
 *	by that: it stays 0 whatever is asked for later
 * @task_limit: the most that @charge's account may have on any CPU; HW_BREAKPOINT_COVERED: the
 *	context that a new context is copied from has at least as much, so neither the limit
 *	nor the law can be violated
 *
 * Context: may sleep. Neither ctx->mutex, cpu_hotplug_lock nor mmap_lock is taken.
 * Return: 0; -ENOSPC if the law doesn't allow it; -EDQUOT if @task_limit doesn't; -ENOMEM. On an
 * error nothing has changed. To give back never fails.
 */
int hw_breakpoint_charge(struct hw_breakpoint_charge *charge, unsigned int weight,
			 unsigned int task_limit)
{
	/* Pairs with close_charge(). */
	struct hw_breakpoint_account *account = smp_load_acquire(&charge->account);
	int err = -EAGAIN;

	if (!account && READ_ONCE(charge->cpu) == HW_BREAKPOINT_ANY_CPU)
		return 0;
	if (account)
		err = charge_fast(charge, account, weight, task_limit);
	if (err == -EAGAIN)
		err = charge_slowly(charge, account, weight, task_limit);
	return err;
}

static bool table_is_in_use(void)
{
	int cpu;

	if (mutex_is_locked(&table_mutex))
		return true;
	for_each_possible_cpu(cpu)
		if (READ_ONCE(per_cpu(shard, cpu).in_flight))
			return true;
	return false;
}

/**
 * hw_breakpoint_charge_stopped() - hw_breakpoint_charge() while the machine stands still
 * @charge: not a task's
 * @weight: as for hw_breakpoint_charge()
 *
 * For the kernel debugger, which has stopped all other CPUs, wherever they were.
 *
 * Context: any, NMI too; no other CPU runs.
 * Return: 0 or -ENOSPC as hw_breakpoint_charge(); -EBUSY if the table was in use when the
 * machine was stopped.
 */
int hw_breakpoint_charge_stopped(struct hw_breakpoint_charge *charge, unsigned int weight)
{
	if (table_is_in_use())
		return -EBUSY;
	return change_cpus(charge, weight);
}

/*
 * The numbers that a refusal of @charge depends on: while they are the same, so is the reason. They
 * may be outdated.
 */
unsigned int hw_breakpoint_state(const struct hw_breakpoint_charge *charge)
{
	const struct hw_breakpoint_account *account = charge->account;
	const bool on_cpu = charge->cpu >= 0;

	return (on_cpu ? hw_breakpoint_left_on(charge->cpu) : READ_ONCE(capacity)) << 16 |
	       (account ? hw_breakpoint_account_most(account, charge->cpu) : 0);
}

/* How many registers a CPU has, reserved or not. */
unsigned int hw_breakpoint_nr_slots(void)
{
	return nr_slots;
}

/* Called once, with the registers of each CPU, before anything is charged. */
void __init hw_breakpoint_slots_init(unsigned int nr)
{
	int cpu;

	nr_slots = limit = capacity = nr;
	cpus_by_own[0] = num_possible_cpus();
	for_each_possible_cpu(cpu)
		change_left(cpu, nr);
}

#ifdef CONFIG_DEBUG_HW_BREAKPOINT
/* For hw_breakpoint_recount.c: keep all charges as they are until hw_breakpoint_resume(). */
void hw_breakpoint_hold(struct hw_breakpoint_held *held)
	__acquires(&table_mutex)
{
	mutex_lock(&table_mutex);
	held->limit = limit;
	held->capacity = capacity;
	set_limit(HELD);
}

void hw_breakpoint_resume(const struct hw_breakpoint_held *held)
	__releases(&table_mutex)
{
	WRITE_ONCE(limit, held->limit);
	mutex_unlock(&table_mutex);
}

/*
 * While held: how many accounts have @n registers everywhere or, if @cpu isn't -1, may use @n on
 * @cpu and have on_cpu charges for it.
 */
int hw_breakpoint_nr_accounts(int cpu, unsigned int n)
{
	return cpu < 0 ? sum_shards(n) : per_cpu(cpu_slots, cpu).nr[n];
}
#endif /* CONFIG_DEBUG_HW_BREAKPOINT */
