// SPDX-License-Identifier: GPL-2.0-only
/*
 * Promises of debug registers: the machine's constraint table and its locks, and who holds
 * what.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/capability.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_holder.h>
#include <linux/hw_breakpoint_stats.h>
#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_buf.h>
#include <linux/spinlock.h>
#include <linux/sysctl.h>

#include "hw_breakpoint_internal.h"
#include "hw_breakpoint_slots.h"

/* === Data ================================================================= */

/*
 * The promises of the whole machine, and each CPU's share of it.
 *
 * Locks, from the outer to the inner, interrupts off from the first on: ptrace releases
 * from under tasklist_lock, which interrupts take too.
 *
 * 1. An account's lock; of two accounts, first that with the lower address.
 * 2. table_lock, by who is about to take all of (3).
 * 3. A CPU's lock, see hw_breakpoint_slots.h. A task's request takes that of the CPU that it
 *    happens to run on, so it meets others only if they want all of them.
 *
 * The kernel debugger only tries, and takes no account's lock but to tell who holds what.
 */
static struct hw_breakpoint_table table;
static DEFINE_PER_CPU_ALIGNED(struct hw_breakpoint_cpu_slots, cpu_slots);
static DEFINE_RAW_SPINLOCK(table_lock);

/* A task may hold something on just one CPU so often. */
static_assert(CONFIG_NR_CPUS * HBP_NUM <= USHRT_MAX);

/* For lock_stat and lockdep to call the locks what they are. */
static struct lock_class_key account_lock_key, cpu_lock_key, table_lock_key;

static struct hw_breakpoint_cpu_slots *slots_of(int cpu)
{
	return per_cpu_ptr(&cpu_slots, cpu);
}

/* === The table's locks ==================================================== */

/*
 * One lock of all. preempt_count and lockdep have no room for as many as there may be, so
 * for both table_lock stands for them. And sparse can't follow what is taken in loops, here
 * and below: it is told that nothing was.
 */
static void lock_member(raw_spinlock_t *lock)
{
	do_raw_spin_lock(lock);
	__release(lock);
}

static void unlock_member(raw_spinlock_t *lock)
{
	__acquire(lock);
	do_raw_spin_unlock(lock);
}

static bool trylock_member(raw_spinlock_t *lock)
{
	return do_raw_spin_trylock(lock);
}

static void lock_all(void)
	__acquires(&table_lock)
{
	int cpu;

	hw_breakpoint_count(HW_BREAKPOINT_ALL_LOCKS_TAKEN);
	raw_spin_lock(&table_lock);
	might_lock(&slots_of(smp_processor_id())->lock);
	for_each_possible_cpu(cpu)
		lock_member(&slots_of(cpu)->lock);
}

static void unlock_all(void)
	__releases(&table_lock)
{
	int cpu;

	for_each_possible_cpu(cpu)
		unlock_member(&slots_of(cpu)->lock);
	raw_spin_unlock(&table_lock);
}

static bool trylock_members(void)
{
	int cpu, done;

	for_each_possible_cpu(cpu) {
		if (trylock_member(&slots_of(cpu)->lock))
			continue;
		for_each_possible_cpu(done) {
			if (done == cpu)
				return false;
			unlock_member(&slots_of(done)->lock);
		}
	}
	return true;
}

static bool trylock_all(void)
{
	if (!raw_spin_trylock(&table_lock))
		return false;
	if (!trylock_members()) {
		raw_spin_unlock(&table_lock);
		return false;
	}
	__release(&table_lock);
	return true;
}

static void unlock_tried(void)
{
	__acquire(&table_lock);
	unlock_all();
}

/* Of @cpu, or of whatever CPU this is. Returns what the table calls @held. */
static int lock_one(int cpu)
{
	lockdep_assert_irqs_disabled();
	if (cpu < 0)
		cpu = smp_processor_id();
	raw_spin_lock(&slots_of(cpu)->lock);
	__release(&slots_of(cpu)->lock);
	return cpu;
}

static void unlock_one(int cpu)
{
	__acquire(&slots_of(cpu)->lock);
	raw_spin_unlock(&slots_of(cpu)->lock);
}

/**
 * struct request - what is wanted of the table
 * @promise: the record
 * @account: the task's account, or NULL
 * @cpu: as for hw_breakpoint_table_reserve()
 * @weight: as for hw_breakpoint_table_reserve()
 * @family: as for hw_breakpoint_table_reserve()
 */
struct request {
	struct hw_breakpoint_promise	*promise;
	struct hw_breakpoint_account	*account;
	int				cpu;
	unsigned int			weight;
	const void			*family;
};

static int reserve(const struct request *r, int held)
{
	return hw_breakpoint_table_reserve(&table, held, r->promise, r->account, r->cpu,
					   r->weight, r->family);
}

static int inherit(const struct request *r, int held)
{
	return hw_breakpoint_table_inherit(&table, held, r->promise, r->account, r->cpu,
					   r->weight, r->family);
}

static int resize(const struct request *r, int held)
{
	return hw_breakpoint_table_resize(&table, held, r->promise, r->weight);
}

static int release_from(const struct request *r, int held)
{
	return hw_breakpoint_table_release_from(&table, held, r->promise, r->family,
						r->account);
}

typedef int (*ask_t)(const struct request *r, int held);

/* With one CPU's lock, which is nearly always enough. Return: also -EAGAIN, if it isn't. */
static int ask_one(ask_t ask, const struct request *r)
{
	int held = lock_one(r->account ? -1 : r->cpu);
	int err = ask(r, held);

	unlock_one(held);
	return err;
}

static int ask_all(ask_t ask, const struct request *r)
{
	int err;

	lock_all();
	err = ask(r, HW_BREAKPOINT_ALL_LOCKS);
	unlock_all();
	return err;
}

static int ask_table(ask_t ask, const struct request *r)
{
	int err = ask_one(ask, r);

	return err == -EAGAIN ? ask_all(ask, r) : err;
}

/* === Accounts ============================================================= */

/**
 * hw_breakpoint_fork_task() - a new task starts with no promise
 * @tsk: the task; nobody else knows it yet
 *
 * Context: any.
 */
void hw_breakpoint_fork_task(struct task_struct *tsk)
{
	struct hw_breakpoint_account *account = &tsk->hw_breakpoint_account;

	account->promises = NULL;
	account->everywhere = 0;
	account->nr_just = 0;
	raw_spin_lock_init(&account->lock);
	lockdep_set_class_and_name(&account->lock, &account_lock_key,
				   "hw_breakpoint_account_lock");
}

static struct task_struct *task_of(const struct hw_breakpoint_account *account)
{
	return container_of(account, struct task_struct, hw_breakpoint_account);
}

static void lock_account(struct hw_breakpoint_account *account, int subclass)
{
	raw_spin_lock_nested(&account->lock, subclass);
	__release(&account->lock);
}

static void unlock_account(struct hw_breakpoint_account *account)
{
	__acquire(&account->lock);
	raw_spin_unlock(&account->lock);
}

static void unlock_accounts(struct hw_breakpoint_account *account,
			    struct hw_breakpoint_account *holder)
	__releases(RCU)
{
	if (account)
		unlock_account(account);
	if (holder && holder != account)
		unlock_account(holder);
	rcu_read_unlock();
}

/*
 * Lock the account that @promise is on, and @holder; each may be NULL. The one that the
 * promise is on can be another by the time that its lock is taken, as a related task that
 * exits moves records of its family. It can't be gone: a task takes what is on its account
 * off before it is released, and what is released now stays until the next grace period.
 */
static struct hw_breakpoint_account *lock_accounts(const struct hw_breakpoint_promise *promise,
						   struct hw_breakpoint_account *holder)
	__acquires(RCU)
{
	struct hw_breakpoint_account *account, *first, *second;

	for (;;) {
		rcu_read_lock();
		/* Pairs with the release in promise_clear(), and with promise_attach(). */
		account = smp_load_acquire(&promise->account);
		first = holder && holder < account ? holder : account;
		second = first == holder ? account : holder;
		if (first)
			lock_account(first, 0);
		if (second && second != first)
			lock_account(second, SINGLE_DEPTH_NESTING);
		if (READ_ONCE(promise->account) == account)
			return account;
		unlock_accounts(account, holder);
	}
}

/* === Who holds what ======================================================= */

/* The lock of the list that @promise is on is held. */
static void describe(const struct hw_breakpoint_promise *promise, struct hw_breakpoint_who *who)
{
	struct task_struct *task = promise->account ? task_of(promise->account) : NULL;

	memset(who, 0, sizeof(*who));
	who->kind = "unknown";
	who->cpu = promise->cpu;
	who->slots = promise->weight;
	if (task)
		hw_breakpoint_name_task(&who->task, task);
	if (promise->holder)
		promise->holder->describe(promise, task, who);
}

static void print_holder(struct seq_buf *s, const struct hw_breakpoint_promise *promise)
{
	struct hw_breakpoint_who who;

	describe(promise, &who);
	seq_buf_puts(s, who.kind);
	if (who.name[0])
		seq_buf_printf(s, " %s", who.name);
	if (who.asker.pid)
		seq_buf_printf(s, " %s/%d", who.asker.comm, who.asker.pid);
}

/* Those of the list from @promise on that count on @cpu; on any if it is -1. */
static void print_holders(struct seq_buf *s, const struct hw_breakpoint_promise *promise, int cpu)
{
	const char *sep = " (";

	for (; promise; promise = promise->next) {
		if (promise->cpu >= 0 && cpu >= 0 && promise->cpu != cpu)
			continue;
		seq_buf_puts(s, sep);
		print_holder(s, promise);
		sep = ", ";
	}
	seq_buf_putc(s, ')');
}

static void print_account(struct seq_buf *s, const struct hw_breakpoint_account *account, int cpu)
{
	const struct task_struct *task = task_of(account);
	const unsigned int slots = hw_breakpoint_account_most(account, cpu);

	if (!slots)
		return;
	seq_buf_printf(s, " task %s/%d holds %u", task->comm, task_pid_nr((void *)task), slots);
	print_holders(s, account->promises, cpu);
	seq_buf_putc(s, ',');
}

/* The kernel debugger must not wait for whom it has stopped, and tells less instead. */
static bool lock_to_tell(raw_spinlock_t *lock, bool try, unsigned long *flags)
{
	local_irq_save(*flags);
	if (!try) {
		raw_spin_lock(lock);
	} else if (!raw_spin_trylock(lock)) {
		local_irq_restore(*flags);
		return false;
	}
	__release(lock);
	return true;
}

static void unlock_told(raw_spinlock_t *lock, unsigned long flags)
{
	__acquire(lock);
	raw_spin_unlock(lock);
	local_irq_restore(flags);
}

static unsigned int print_own(struct seq_buf *s, int cpu, bool try)
{
	struct hw_breakpoint_cpu_slots *slots = slots_of(cpu);
	unsigned long flags;
	unsigned int own;

	if (!lock_to_tell(&slots->lock, try, &flags))
		return 0;
	own = slots->slots;
	if (own) {
		seq_buf_printf(s, " %u its own", own);
		print_holders(s, slots->promises, cpu);
		seq_buf_putc(s, ',');
	}
	unlock_told(&slots->lock, flags);
	return own;
}

/*
 * The first task from *@nr on, by number, that was promised something; *@nr moves on behind it.
 * It stays until the RCU read-side critical section ends.
 */
static struct hw_breakpoint_account *next_account(pid_t *nr)
{
	struct task_struct *task;
	struct pid *pid;

	while ((pid = find_ge_pid(*nr, &init_pid_ns))) {
		*nr = pid_nr(pid) + 1;
		task = pid_task(pid, PIDTYPE_PID);
		if (task && READ_ONCE(task->hw_breakpoint_account.promises))
			return &task->hw_breakpoint_account;
	}
	return NULL;
}

/*
 * The number of the task that was last seen to leave a CPU's own request no room. It is likely
 * to do so the next time.
 */
static pid_t busy_task = 1;

/* Of the first task from number @nr on that may use @least or more on @cpu. */
static bool print_busy_from(struct seq_buf *s, pid_t nr, int cpu, unsigned int least, bool try)
{
	struct hw_breakpoint_account *account;
	unsigned long flags;
	bool found = false;

	while (!found && (account = next_account(&nr))) {
		if (!lock_to_tell(&account->lock, try, &flags))
			continue;
		found = hw_breakpoint_account_slots(account, cpu) >= least;
		if (found) {
			WRITE_ONCE(busy_task, nr - 1);
			print_account(s, account, cpu);
		}
		unlock_told(&account->lock, flags);
	}
	return found;
}

static void print_busy_task(struct seq_buf *s, int cpu, unsigned int least, bool try)
{
	rcu_read_lock();
	if (!print_busy_from(s, READ_ONCE(busy_task), cpu, least, try))
		print_busy_from(s, 1, cpu, least, try);
	rcu_read_unlock();
}

/*
 * Do the busy task and @cpu's own events leave no room for @more there? With just their two
 * locks held that is certain, and enough to refuse: who asks in vain again and again disturbs
 * nobody else. Interrupts are off, and no lock is held.
 */
static bool busy_task_forbids(int cpu, unsigned int more)
{
	struct hw_breakpoint_account *account;
	struct task_struct *task;
	bool full = false;

	rcu_read_lock();
	task = find_task_by_pid_ns(READ_ONCE(busy_task), &init_pid_ns);
	if (task) {
		account = &task->hw_breakpoint_account;
		lock_account(account, 0);
		lock_one(cpu);
		full = slots_of(cpu)->slots + hw_breakpoint_account_slots(account, cpu) + more >
		       table.nr_slots;
		unlock_one(cpu);
		unlock_account(account);
	}
	rcu_read_unlock();
	return full;
}

/* Where a request of @account for every CPU is furthest from being served. */
static int worst_cpu(const struct hw_breakpoint_account *account)
{
	unsigned int most = 0, here;
	int cpu, worst = 0;

	for_each_possible_cpu(cpu) {
		lock_one(cpu);
		here = slots_of(cpu)->slots + hw_breakpoint_account_slots(account, cpu);
		unlock_one(cpu);
		if (here > most) {
			most = here;
			worst = cpu;
		}
	}
	return worst;
}

static void begin_why(struct seq_buf *s, char *why)
{
	seq_buf_init(s, why, HW_BREAKPOINT_WHY_LEN);
}

/*
 * Why could @more not be promised on @cpu? @account: to this task, its lock held; NULL: to the
 * CPU itself, no lock held and interrupts on, as it may look at all tasks. It is told after
 * the event, so some of it may be gone; only who is refused pays for this. @why may be NULL.
 */
static void explain(char *why, const struct hw_breakpoint_account *account, int cpu,
		    unsigned int more, bool try)
{
	struct seq_buf s;
	unsigned int own;

	if (!why)
		return;
	begin_why(&s, why);
	if (cpu < 0)
		cpu = worst_cpu(account);
	seq_buf_printf(&s, "CPU %d:", cpu);
	own = print_own(&s, cpu, try);
	if (account)
		print_account(&s, account, cpu);
	else if (own + more <= table.nr_slots)
		print_busy_task(&s, cpu, table.nr_slots - own - more + 1, try);
	seq_buf_printf(&s, " %u more wanted of %u", more, table.nr_slots);
	seq_buf_str(&s);
}

/**
 * hw_breakpoint_promises_of_cpu() - who holds promises for a CPU itself?
 * @cpu: the CPU
 * @who: filled in
 * @max: the length of @who
 *
 * Context: process context.
 * Return: how many of @who were filled in.
 */
unsigned int hw_breakpoint_promises_of_cpu(int cpu, struct hw_breakpoint_who *who,
					   unsigned int max)
{
	const struct hw_breakpoint_promise *promise;
	unsigned int nr = 0;
	unsigned long flags;

	local_irq_save(flags);
	lock_one(cpu);
	for (promise = slots_of(cpu)->promises; promise && nr < max; promise = promise->next)
		describe(promise, &who[nr++]);
	unlock_one(cpu);
	local_irq_restore(flags);
	return nr;
}

/* From where @cursor is in @account, which has the number @pid. */
static unsigned int promises_of_task(struct hw_breakpoint_account *account, pid_t pid,
				     struct hw_breakpoint_cursor *cursor,
				     struct hw_breakpoint_who *who, unsigned int max)
{
	const struct hw_breakpoint_promise *promise;
	const unsigned int done = pid == cursor->pid ? cursor->done : 0;
	unsigned int i = 0, nr = 0;
	unsigned long flags;

	raw_spin_lock_irqsave(&account->lock, flags);
	for (promise = account->promises; promise && nr < max; promise = promise->next)
		if (i++ >= done)
			describe(promise, &who[nr++]);
	raw_spin_unlock_irqrestore(&account->lock, flags);
	cursor->pid = promise ? pid : pid + 1;
	cursor->done = promise ? i : 0;
	return nr;
}

/**
 * hw_breakpoint_promises_of_tasks() - who holds promises for tasks?
 * @cursor: how far it is; zeroed to begin with
 * @who: filled in, with some of one task's
 * @max: the length of @who
 *
 * Tasks come in the order of their numbers. What comes or goes meanwhile may be missed, all
 * else is told exactly once.
 *
 * Context: process context.
 * Return: how many of @who were filled in; 0: that was all.
 */
unsigned int hw_breakpoint_promises_of_tasks(struct hw_breakpoint_cursor *cursor,
					     struct hw_breakpoint_who *who, unsigned int max)
{
	struct hw_breakpoint_account *account;
	unsigned int nr = 0;
	pid_t next;

	rcu_read_lock();
	do {
		next = cursor->pid;
		account = next_account(&next);
		if (account)
			nr = promises_of_task(account, next - 1, cursor, who, max);
	} while (account && !nr);
	rcu_read_unlock();
	return nr;
}

/**
 * hw_breakpoint_look_at_table() - look at all that is promised, while nothing changes
 * @look: told the table, and @data; no promise and no account changes until it returns
 * @data: for @look
 *
 * Context: any but NMI. @look runs with interrupts off.
 */
void hw_breakpoint_look_at_table(void (*look)(const struct hw_breakpoint_table *table, void *data),
				 void *data)
{
	unsigned long flags;

	local_irq_save(flags);
	lock_all();
	look(&table, data);
	unlock_all();
	local_irq_restore(flags);
}

struct promised_on {
	int		cpu;
	unsigned int	*own;
	unsigned int	*task;
};

static void look_at_cpu(const struct hw_breakpoint_table *table, void *data)
{
	struct promised_on *on = data;

	*on->own = slots_of(on->cpu)->slots;
	*on->task = hw_breakpoint_table_task_slots(table, on->cpu);
}

/**
 * hw_breakpoint_promises_on() - how much was promised on a CPU?
 * @cpu: the CPU
 * @own: set to the registers that its own events hold
 * @task: set to the most that any task may use there
 *
 * Context: any but NMI.
 */
void hw_breakpoint_promises_on(int cpu, unsigned int *own, unsigned int *task)
{
	struct promised_on on = { .cpu = cpu, .own = own, .task = task };

	hw_breakpoint_look_at_table(look_at_cpu, &on);
}

/* === The limit of a task ================================================== */

/* kernel.hw_breakpoint_task_limit: what a task may hold at most if who asks lacks CAP_PERFMON. */
static unsigned int task_limit = HBP_NUM;
static unsigned int task_limit_max = HBP_NUM;

static struct ctl_table hw_breakpoint_sysctls[] = {
	{
		.procname	= "hw_breakpoint_task_limit",
		.data		= &task_limit,
		.maxlen		= sizeof(task_limit),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= &task_limit_max,
	},
};

static int __init hw_breakpoint_sysctl_init(void)
{
	register_sysctl_init("kernel", hw_breakpoint_sysctls);
	return 0;
}
late_initcall(hw_breakpoint_sysctl_init);

/* What is over the limit. It is given to who has CAP_PERFMON, who is asked only then. */
#define OVER_LIMIT	(-EDQUOT)

/* Only who wants more is held to it: what was promised before stays. */
static bool over_limit(const struct hw_breakpoint_account *account, int cpu, unsigned int more,
		       unsigned int limit, char *why)
{
	struct seq_buf s;

	if (limit >= HBP_NUM || hw_breakpoint_account_most(account, cpu) + more <= limit)
		return false;
	if (!why)
		return true;
	begin_why(&s, why);
	seq_buf_printf(&s, "kernel.hw_breakpoint_task_limit is %u without CAP_PERFMON:", limit);
	print_account(&s, account, cpu);
	seq_buf_printf(&s, " %u more wanted", more);
	seq_buf_str(&s);
	return true;
}

/* === Promises ============================================================= */

/**
 * hw_breakpoint_promise_to_cpu() - promise registers to a CPU's own event
 * @promise: the event's; its holder is set
 * @cpu: the CPU
 * @weight: how many registers
 * @why: of HW_BREAKPOINT_WHY_LEN; where there is no room, set to the reason
 *
 * Context: any but NMI.
 * Return: 0 or -ENOSPC.
 */
int hw_breakpoint_promise_to_cpu(struct hw_breakpoint_promise *promise, int cpu,
				 unsigned int weight, char *why)
{
	const struct request request = {
		.promise = promise, .cpu = cpu, .weight = weight,
	};
	unsigned long flags;
	int err;

	do {
		local_irq_save(flags);
		err = ask_one(reserve, &request);
		if (err == -EAGAIN)
			err = busy_task_forbids(cpu, weight) ? -ENOSPC :
							       ask_all(reserve, &request);
		local_irq_restore(flags);
	} while (err && hw_breakpoint_exclusive_reclaim());
	if (err)
		explain(why, NULL, cpu, weight, false);
	return err;
}

static int promise_to_account(const struct request *request, bool inherited, unsigned int limit,
			      char *why)
{
	unsigned long flags;
	int err;

	raw_spin_lock_irqsave(&request->account->lock, flags);
	if (inherited) {
		err = ask_table(inherit, request);
	} else if (over_limit(request->account, request->cpu, request->weight, limit, why)) {
		err = OVER_LIMIT;
	} else {
		err = ask_table(reserve, request);
		if (err)
			explain(why, request->account, request->cpu, request->weight, false);
	}
	raw_spin_unlock_irqrestore(&request->account->lock, flags);
	return err;
}

/**
 * hw_breakpoint_promise_to_task() - promise registers to a task's event
 * @promise: the event's; its holder is set
 * @task: the task
 * @cpu: the one CPU that it is for, or -1
 * @weight: how many registers
 * @family: the same for an event and its inherited copies; NULL: there will be none
 * @inherited: the promise of the event that it was copied from covers it. It is not
 *	refused, since a refusal would make the fork() fail that copied it, and it breaks
 *	no promise: the forking task was promised at least as much
 * @why: as for hw_breakpoint_promise_to_cpu()
 *
 * Context: any but NMI.
 * Return: 0 or -ENOSPC.
 */
int hw_breakpoint_promise_to_task(struct hw_breakpoint_promise *promise,
				  struct task_struct *task, int cpu, unsigned int weight,
				  const void *family, bool inherited, char *why)
{
	const struct request request = {
		.promise = promise, .account = &task->hw_breakpoint_account, .cpu = cpu,
		.weight = weight, .family = family,
	};
	int err;

	do {
		err = promise_to_account(&request, inherited, READ_ONCE(task_limit), why);
		if (err == OVER_LIMIT && perfmon_capable())
			err = promise_to_account(&request, inherited, HBP_NUM, why);
	} while (err && hw_breakpoint_exclusive_reclaim());
	return err == OVER_LIMIT ? -ENOSPC : err;
}

static void release(struct hw_breakpoint_promise *promise)
{
	int held = lock_one(promise->account ? -1 : promise->cpu);

	hw_breakpoint_table_release(&table, held, promise);
	unlock_one(held);
}

/**
 * hw_breakpoint_promise_release() - take back what an event was promised
 * @promise: the event's
 * @family: as it was promised
 * @holder: the task on which the event was when it went, if that is known: perf core
 *	swaps the contexts of related tasks, so it need not be the one that was charged
 *
 * Context: any but NMI.
 */
void hw_breakpoint_promise_release(struct hw_breakpoint_promise *promise, const void *family,
				   struct task_struct *holder)
{
	const struct request request = {
		.promise = promise, .family = family,
		.account = holder ? &holder->hw_breakpoint_account : NULL,
	};
	struct hw_breakpoint_account *account;
	unsigned long flags;

	local_irq_save(flags);
	account = lock_accounts(promise, request.account);
	if (holder)
		ask_table(release_from, &request);
	else if (promise->weight)
		release(promise);
	unlock_accounts(account, request.account);
	local_irq_restore(flags);
}

/**
 * hw_breakpoint_exit_task() - take back what is promised to a task that is dying
 * @tsk: the task; its events are off it for good
 *
 * It will never run again, so what was promised to it holds nothing, though its events'
 * descriptors may stay open.
 *
 * Context: any but NMI.
 */
void hw_breakpoint_exit_task(struct task_struct *tsk)
{
	struct hw_breakpoint_account *account = &tsk->hw_breakpoint_account;
	unsigned long flags;

	/*
	 * Without the lock: what others may be promising to it just now goes with their event,
	 * and a list that isn't empty doesn't look so while it changes.
	 */
	if (!READ_ONCE(account->promises))
		return;
	raw_spin_lock_irqsave(&account->lock, flags);
	while (account->promises)
		release(account->promises);
	raw_spin_unlock_irqrestore(&account->lock, flags);
}

static void release_everywhere(struct hw_breakpoint_promise __percpu *promise)
{
	unsigned long flags;
	int cpu;

	for_each_possible_cpu(cpu) {
		local_irq_save(flags);
		if (per_cpu_ptr(promise, cpu)->weight)
			release(per_cpu_ptr(promise, cpu));
		local_irq_restore(flags);
	}
}

/**
 * hw_breakpoint_promise_everywhere() - reserve on every CPU that may ever come
 * @promise: of each CPU; zeroed but for the holder before its first use; the caller
 *	serialises calls for it
 * @weight: how many registers from now on; 0 gives back what is held
 * @why: of HW_BREAKPOINT_WHY_LEN; where there is no room, set to the reason; or NULL
 *
 * Context: any but NMI.
 * Return: 0, or -ENOSPC, and what is held is what it was before.
 */
int hw_breakpoint_promise_everywhere(struct hw_breakpoint_promise __percpu *promise,
				     unsigned int weight, char *why)
{
	const unsigned int had = per_cpu_ptr(promise, 0)->weight;
	unsigned long flags;
	int err, full;

	if (!weight) {
		release_everywhere(promise);
		return 0;
	}
	do {
		local_irq_save(flags);
		lock_all();
		err = hw_breakpoint_table_set_wide(&table, promise, weight, &full);
		unlock_all();
		local_irq_restore(flags);
	} while (err && hw_breakpoint_exclusive_reclaim());
	if (err)
		explain(why, NULL, full, weight - had, false);
	return err;
}

/**
 * hw_breakpoint_try_promise_everywhere() - the same, without waiting
 * @promise: as for hw_breakpoint_promise_everywhere()
 * @weight: as for hw_breakpoint_promise_everywhere()
 * @why: as for hw_breakpoint_promise_everywhere()
 *
 * For the kernel debugger, which has stopped the other CPUs: one of them, or what was
 * interrupted on this one, may be in the middle of a reservation.
 *
 * Context: any, NMI too.
 * Return: 0, -ENOSPC, or -EBUSY; on error nothing has changed.
 */
int hw_breakpoint_try_promise_everywhere(struct hw_breakpoint_promise __percpu *promise,
					 unsigned int weight, char *why)
{
	const unsigned int had = per_cpu_ptr(promise, 0)->weight;
	unsigned long flags;
	int err = -EBUSY, full;

	local_irq_save(flags);
	if (trylock_all()) {
		err = hw_breakpoint_table_set_wide(&table, promise, weight, &full);
		unlock_tried();
	}
	if (err == -ENOSPC)
		explain(why, NULL, full, weight - had, true);
	local_irq_restore(flags);
	return err;
}

/* Of what is held already; what a task that died had is nothing, and stays so. */
static int change(struct hw_breakpoint_promise *promise, unsigned int weight,
		  unsigned int limit, char *why)
{
	struct request request = { .promise = promise, .cpu = promise->cpu, .weight = weight };
	struct hw_breakpoint_account *account;
	unsigned int more;
	unsigned long flags;
	int err = 0;

	local_irq_save(flags);
	account = lock_accounts(promise, NULL);
	request.account = account;
	more = weight - min(weight, promise->weight);
	if (account && more && over_limit(account, promise->cpu, more, limit, why))
		err = OVER_LIMIT;
	else if (promise->weight)
		err = ask_table(resize, &request);
	if (err == -ENOSPC && account)
		explain(why, account, promise->cpu, more, false);
	unlock_accounts(account, NULL);
	local_irq_restore(flags);
	if (err && !account)
		explain(why, NULL, request.cpu, more, false);
	return err;
}

/**
 * hw_breakpoint_promise_move() - have one event's registers be promised to another of its task
 * @from: whose they are
 * @to: who gets them; the caller serialises calls for the two
 * @weight: how many
 * @family: of @to, as for hw_breakpoint_promise_to_task()
 * @task: whom @from has to be charged to, or NULL: whoever that is
 *
 * Context: any but NMI.
 * Return: true; false if @from has less, or is charged to another, or @to has something
 * elsewhere, and nothing is changed.
 */
bool hw_breakpoint_promise_move(struct hw_breakpoint_promise *from,
				struct hw_breakpoint_promise *to, unsigned int weight,
				const void *family, const struct task_struct *task)
{
	struct hw_breakpoint_account *account;
	unsigned long flags;
	bool moved = false;
	int held;

	local_irq_save(flags);
	account = lock_accounts(from, NULL);
	if (from->weight && (!task || account == &task->hw_breakpoint_account)) {
		held = lock_one(account ? -1 : from->cpu);
		moved = hw_breakpoint_table_move(&table, held, from, to, weight, family);
		unlock_one(held);
	}
	unlock_accounts(account, NULL);
	local_irq_restore(flags);
	return moved;
}

/**
 * hw_breakpoint_promise_shrink() - take back a part of a promise
 * @promise: what holds no more than that stays as it is
 * @by: how many registers
 *
 * Context: any but NMI.
 */
void hw_breakpoint_promise_shrink(struct hw_breakpoint_promise *promise, unsigned int by)
{
	struct request request = { .promise = promise, .cpu = promise->cpu };
	unsigned long flags;

	local_irq_save(flags);
	request.account = lock_accounts(promise, NULL);
	request.weight = promise->weight - by;
	if (promise->weight > by)
		ask_one(resize, &request);
	unlock_accounts(request.account, NULL);
	local_irq_restore(flags);
}

/**
 * hw_breakpoint_promise_resize() - change how many registers are promised
 * @promise: what holds nothing stays as it is
 * @weight: how many it is to be from now on, not 0
 * @inherited: an inherited copy's, for which the limit of a task doesn't count
 * @why: as for hw_breakpoint_promise_to_cpu(), or NULL
 *
 * Context: any but NMI.
 * Return: 0 or -ENOSPC; on error the promise is what it was before. To shrink never fails.
 */
int hw_breakpoint_promise_resize(struct hw_breakpoint_promise *promise, unsigned int weight,
				 bool inherited, char *why)
{
	int err;

	do {
		err = change(promise, weight, inherited ? HBP_NUM : READ_ONCE(task_limit), why);
		if (err == OVER_LIMIT && perfmon_capable())
			err = change(promise, weight, HBP_NUM, why);
	} while (err && hw_breakpoint_exclusive_reclaim());
	return err == OVER_LIMIT ? -ENOSPC : err;
}

/**
 * hw_breakpoint_promise_set() - hold one promise for a number of events
 * @promise: zeroed but for the holder before its first use; the caller serialises calls for it
 * @tsk: the task that the events are for, the same in each call
 * @weight: how many registers it is to be from now on; 0 gives back all
 * @why: as for hw_breakpoint_promise_everywhere()
 *
 * For a caller whose events don't reserve for themselves, see
 * arch_hw_breakpoint_prepaid(): so a change of several registers is granted or
 * refused as one.
 *
 * Context: any but NMI.
 * Return: 0 or -ENOSPC; on error the promise is what it was before.
 */
int hw_breakpoint_promise_set(struct hw_breakpoint_promise *promise,
			      struct task_struct *tsk, unsigned int weight, char *why)
{
	if (!weight) {
		hw_breakpoint_promise_release(promise, NULL, NULL);
		return 0;
	}
	if (!promise->weight)
		return hw_breakpoint_promise_to_task(promise, tsk, -1, weight, NULL, false, why);
	return hw_breakpoint_promise_resize(promise, weight, false, why);
}

/* === Interface ============================================================ */

/**
 * hw_breakpoint_slots() - how many breakpoints a CPU has room for
 * @type: TYPE_INST or TYPE_DATA
 *
 * Context: any.
 * Return: the number of registers, used or not.
 */
int hw_breakpoint_slots(int type)
{
	return table.nr_slots;
}
EXPORT_SYMBOL_GPL(hw_breakpoint_slots);

static void look_if_used(const struct hw_breakpoint_table *table, void *used)
{
	*(bool *)used = hw_breakpoint_table_used(table);
}

/**
 * hw_breakpoint_is_used() - does anybody hold a promise?
 *
 * Context: any but NMI and #DB. The answer may be outdated when it arrives.
 * Return: true if a breakpoint exists anywhere, enabled or not, that is promised a register.
 */
bool hw_breakpoint_is_used(void)
{
	bool used;

	hw_breakpoint_look_at_table(look_if_used, &used);
	return used;
}
EXPORT_SYMBOL_GPL(hw_breakpoint_is_used);

/**
 * hw_breakpoint_promises_init() - make the table
 *
 * Context: once, at boot, before anything is promised.
 */
void __init hw_breakpoint_promises_init(void)
{
	int cpu;

	/* Not made by fork(). */
	hw_breakpoint_fork_task(&init_task);
	lockdep_set_class_and_name(&table_lock, &table_lock_key, "hw_breakpoint_table_lock");
	for_each_possible_cpu(cpu) {
		raw_spin_lock_init(&slots_of(cpu)->lock);
		lockdep_set_class_and_name(&slots_of(cpu)->lock, &cpu_lock_key,
					   "hw_breakpoint_cpu_lock");
	}
	hw_breakpoint_table_init(&table, &cpu_slots, HBP_NUM);
}
