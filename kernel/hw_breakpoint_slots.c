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

/* By n: the CPUs whose own[] is n, for the greatest of them. Protected by table_mutex. */
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
 * @own: own[] of the header. Read without a lock where an outdated value does no harm
 * @nr: by n: accounts with on_cpu charges for this CPU that may use n registers on it
 *
 * Protected by table_mutex.
 */
struct cpu_slots {
	unsigned int	own;
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

/**
 * hw_breakpoint_busiest_everywhere() - the greatest "everywhere" of all contexts
 *
 * It may be outdated when it arrives, unless limit is below it: contexts above limit only shrink.
 *
 * Context: any.
 * Return: registers.
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

static unsigned int busiest_bound_to(int cpu)
{
	unsigned int n = nr_slots;

	while (n && !READ_ONCE(per_cpu(cpu_slots, cpu).nr[n]))
		n--;
	return n;
}

/**
 * hw_breakpoint_busiest_on() - the most that a context with on_cpu charges may use on a CPU
 * @cpu: the CPU
 *
 * Context: any; it may be outdated when it arrives.
 * Return: registers.
 */
unsigned int hw_breakpoint_busiest_on(int cpu)
{
	return busiest_bound_to(cpu);
}

/* The registers of a CPU that neither the CPU itself nor wide charges have. */
static unsigned int left_on(int cpu)
{
	return nr_slots - wide - per_cpu(cpu_slots, cpu).own;
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
 * The fast path, for an account without on_cpu charges. An account that shrinks needs no look at
 * limit. A copy of what a forking task has does, although some context has as much already:
 * lower_limit() relies on no account being added above limit while it sums.
 */
static bool try_move(struct hw_breakpoint_account *account, unsigned int to)
{
	bool within;

	lockdep_assert_held(&account->lock);
	preempt_disable();
	this_cpu_write(shard.in_flight, 1);
	/* Pairs with the barrier in lower_limit(). */
	smp_mb();
	within = (to <= account->everywhere ? 0 : (int)to) <= READ_ONCE(limit);
	if (within)
		move_account(account, to);
	/* Pairs with the acquire in lower_limit(). */
	smp_store_release(this_cpu_ptr(&shard.in_flight), 0);
	preempt_enable();
	return within;
}

/**
 * hw_breakpoint_account_most() - the most that a context may use
 * @account: its account
 * @cpu: on this CPU; or -1: on whichever CPU that is the most
 *
 * Context: any. Without @account's lock, under RCU, and it may be outdated when it arrives.
 * Return: registers.
 */
unsigned int hw_breakpoint_account_most(const struct hw_breakpoint_account *account, int cpu)
{
	const u8 *on_cpu = READ_ONCE(account->on_cpu);
	unsigned int most = 0;

	if (on_cpu && cpu >= 0)
		most = READ_ONCE(on_cpu[cpu]);
	else if (on_cpu)
		for_each_possible_cpu(cpu)
			most = max_t(unsigned int, most, READ_ONCE(on_cpu[cpu]));
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

/* Have @by more registers room on each CPU where @account has on_cpu charges? */
static bool fits_on_cpus(const struct hw_breakpoint_account *account, unsigned int by)
{
	int cpu;

	if (account->on_cpu)
		for_each_possible_cpu(cpu)
			if (account->on_cpu[cpu] &&
			    account->everywhere + account->on_cpu[cpu] + by > left_on(cpu))
				return false;
	return true;
}

static int change_everywhere(struct hw_breakpoint_account *account, int by, bool covered)
{
	const unsigned int from = account->everywhere, to = from + by;
	int cpu;

	if (!covered) {
		if (to > capacity || !fits_on_cpus(account, by))
			return -ENOSPC;
		if ((int)to > limit)
			WRITE_ONCE(limit, to);
	}
	if (account->on_cpu)
		for_each_possible_cpu(cpu)
			if (account->on_cpu[cpu])
				move_on_cpu(cpu, from + account->on_cpu[cpu],
					    to + account->on_cpu[cpu]);
	preempt_disable();
	move_account(account, to);
	preempt_enable();
	return 0;
}

static int change_on_cpu(struct hw_breakpoint_account *account, int cpu, int by, bool covered)
{
	const unsigned int had = account->on_cpu[cpu], has = had + by;

	if (!covered && account->everywhere + has > left_on(cpu))
		return -ENOSPC;
	move_on_cpu(cpu, had ? account->everywhere + had : 0, has ? account->everywhere + has : 0);
	WRITE_ONCE(account->on_cpu[cpu], has);
	account->nr_on_cpu += by;
	return 0;
}

/* No fast path that is under way when this returns has seen the limit that was before. */
static void set_limit(int to)
{
	int cpu;

	WRITE_ONCE(limit, to);
	/* Pairs with the barrier in try_move(): it sees the new limit, or we see it in flight. */
	smp_mb();
	for_each_possible_cpu(cpu)
		smp_cond_load_acquire(per_cpu_ptr(&shard.in_flight, cpu), !VAL);
}

/*
 * Have contexts without on_cpu charges no more than @to registers, and will it stay so? Then
 * limit is lowered to that.
 */
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

static int change_own(int cpu, int by)
{
	struct cpu_slots *slots = per_cpu_ptr(&cpu_slots, cpu);

	if (by > 0) {
		if (by > left_on(cpu) || busiest_bound_to(cpu) > left_on(cpu) - by ||
		    !lower_limit(left_on(cpu) - by))
			return -ENOSPC;
	}
	cpus_by_own[slots->own]--;
	WRITE_ONCE(slots->own, slots->own + by);
	cpus_by_own[slots->own]++;
	update_capacity();
	return 0;
}

static int change_wide(int by)
{
	int cpu;

	if (by > 0) {
		for_each_possible_cpu(cpu)
			if (by > left_on(cpu) || busiest_bound_to(cpu) > left_on(cpu) - by)
				return -ENOSPC;
		if (!lower_limit(capacity - by))
			return -ENOSPC;
	}
	WRITE_ONCE(wide, wide + by);
	update_capacity();
	return 0;
}

static int change_account(struct hw_breakpoint_charge *charge, int by, bool covered)
{
	if (charge->cpu >= 0)
		return change_on_cpu(charge->account, charge->cpu, by, covered);
	return change_everywhere(charge->account, by, covered);
}

/* @charge is to become @weight. Both locks that it may take are held. */
static int change_locked(struct hw_breakpoint_charge *charge, unsigned int weight,
			 unsigned int task_limit)
{
	struct hw_breakpoint_account *account = charge->account;
	const int by = weight - charge->weight;
	int err;

	if (!by)
		return 0;
	if (charge->cpu == HW_BREAKPOINT_EVERY_CPU) {
		err = change_wide(by);
	} else if (!account) {
		err = change_own(charge->cpu, by);
	} else {
		if (by > 0 &&
		    hw_breakpoint_account_most(account, charge->cpu) + by > task_limit)
			return -EDQUOT;
		err = change_account(charge, by, by < 0 || task_limit == HW_BREAKPOINT_COVERED);
	}
	if (!err)
		charge->weight = weight;
	return err;
}

/* The account of a charge that was given back for good is no longer charged. */
static void close_charge(struct hw_breakpoint_charge *charge)
{
	WRITE_ONCE(charge->cpu, HW_BREAKPOINT_ANY_CPU);
	/* Pairs with hw_breakpoint_charge(), which must not take it for a CPU's own charge. */
	smp_store_release(&charge->account, NULL);
}

static int change_account_slowly(struct hw_breakpoint_charge *charge,
				 struct hw_breakpoint_account *account, unsigned int weight,
				 unsigned int task_limit)
{
	u8 *empty = NULL;
	int err = 0;

	if (weight && charge->cpu >= 0 && !account->on_cpu) {
		empty = kvzalloc(nr_cpu_ids, GFP_KERNEL);
		if (!empty)
			return -ENOMEM;
	}
	spin_lock(&account->lock);
	if (charge->account == account) {
		/* Pairs with hw_breakpoint_account_most(), which must see it zeroed. */
		if (empty)
			smp_store_release(&account->on_cpu, empty);
		err = change_locked(charge, weight, task_limit);
		if (!weight)
			close_charge(charge);
		empty = account->nr_on_cpu ? NULL : account->on_cpu;
		if (empty)
			WRITE_ONCE(account->on_cpu, NULL);
	}
	spin_unlock(&account->lock);
	/* hw_breakpoint_account_most() may be looking at it. */
	kvfree_rcu_mightsleep(empty);
	return err;
}

static noinline int charge_slowly(struct hw_breakpoint_charge *charge,
				  struct hw_breakpoint_account *account, unsigned int weight,
				  unsigned int task_limit)
{
	int err;

	mutex_lock(&table_mutex);
	if (account)
		err = change_account_slowly(charge, account, weight, task_limit);
	else
		err = change_locked(charge, weight, task_limit);
	mutex_unlock(&table_mutex);
	return err;
}

/* Return: -EAGAIN if that takes the table's mutex. */
static int charge_fast(struct hw_breakpoint_charge *charge, struct hw_breakpoint_account *account,
		       unsigned int weight, unsigned int task_limit)
{
	const int by = weight - charge->weight;
	const unsigned int to = account->everywhere + by;
	const bool covered = by <= 0 || task_limit == HW_BREAKPOINT_COVERED;

	if (account->on_cpu)
		return -EAGAIN;
	if (!covered && to > task_limit)
		return -EDQUOT;
	if (!covered && to > READ_ONCE(capacity))
		return -ENOSPC;
	if (!try_move(account, to))
		return -EAGAIN;
	charge->weight = weight;
	if (!weight)
		close_charge(charge);
	return 0;
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
 * Return: 0; -ENOSPC if the law doesn't allow it; -EDQUOT if the limit doesn't; -ENOMEM. Unless
 * it is 0 nothing is changed. To give back never fails.
 */
int hw_breakpoint_charge(struct hw_breakpoint_charge *charge, unsigned int weight,
			 unsigned int task_limit)
{
	/* Pairs with close_charge(). */
	struct hw_breakpoint_account *account = smp_load_acquire(&charge->account);
	const int cpu = READ_ONCE(charge->cpu);
	int err = 0;

	if (!account && cpu == HW_BREAKPOINT_ANY_CPU)
		return 0;
	if (!account || cpu >= 0)
		return charge_slowly(charge, account, weight, task_limit);

	spin_lock(&account->lock);
	if (charge->account == account)
		err = charge_fast(charge, account, weight, task_limit);
	spin_unlock(&account->lock);
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
	return change_locked(charge, weight, HW_BREAKPOINT_NO_LIMIT);
}

/**
 * hw_breakpoint_nr_slots() - how many registers a CPU has
 *
 * Context: any.
 * Return: registers, reserved or not.
 */
unsigned int hw_breakpoint_nr_slots(void)
{
	return nr_slots;
}

/**
 * hw_breakpoint_own() - what events that are bound to a CPU and to no task have reserved
 * @cpu: the CPU
 *
 * Context: any; it may be outdated when it arrives.
 * Return: registers.
 */
unsigned int hw_breakpoint_own(int cpu)
{
	return READ_ONCE(per_cpu(cpu_slots, cpu).own);
}

/**
 * hw_breakpoint_wide() - what is reserved on every CPU
 *
 * Context: any; it may be outdated when it arrives.
 * Return: registers.
 */
unsigned int hw_breakpoint_wide(void)
{
	return READ_ONCE(wide);
}

/**
 * hw_breakpoint_slots_init() - make the table
 * @nr: registers of each CPU, at most HW_BREAKPOINT_MAX_SLOTS
 *
 * Context: once, before anything is charged.
 */
void __init hw_breakpoint_slots_init(unsigned int nr)
{
	nr_slots = limit = capacity = nr;
	cpus_by_own[0] = num_possible_cpus();
}

#ifdef CONFIG_DEBUG_HW_BREAKPOINT
/**
 * hw_breakpoint_hold() - keep all that is reserved as it is
 * @held: set to what the table has
 *
 * Context: may sleep. Then the caller calls hw_breakpoint_resume().
 */
void hw_breakpoint_hold(struct hw_breakpoint_held *held)
	__acquires(&table_mutex)
{
	mutex_lock(&table_mutex);
	held->limit = limit;
	held->capacity = capacity;
	set_limit(HELD);
}

/**
 * hw_breakpoint_resume() - undo hw_breakpoint_hold()
 * @held: from hw_breakpoint_hold()
 *
 * Context: process context.
 */
void hw_breakpoint_resume(const struct hw_breakpoint_held *held)
	__releases(&table_mutex)
{
	WRITE_ONCE(limit, held->limit);
	mutex_unlock(&table_mutex);
}

/**
 * hw_breakpoint_nr_accounts() - how many accounts have so many registers
 * @cpu: accounts with on_cpu charges for this CPU, by what they may use there; -1: all accounts,
 *	by their everywhere
 * @n: so many registers, not 0
 *
 * Context: between hw_breakpoint_hold() and hw_breakpoint_resume().
 * Return: accounts.
 */
int hw_breakpoint_nr_accounts(int cpu, unsigned int n)
{
	return cpu < 0 ? sum_shards(n) : per_cpu(cpu_slots, cpu).nr[n];
}
#endif /* CONFIG_DEBUG_HW_BREAKPOINT */
