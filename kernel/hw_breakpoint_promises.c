// SPDX-License-Identifier: GPL-2.0-only
/*
 * Promises of debug registers: the machine's constraint table and its lock, the accounts
 * of tasks, and who holds what.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_holder.h>
#include <linux/percpu.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_buf.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "hw_breakpoint_internal.h"
#include "hw_breakpoint_slots.h"

/* === Data ================================================================= */

/*
 * Protects the constraint table, the accounts and every event's promise.
 *
 * What is done under it doesn't depend on how many tasks and CPUs there are, but for
 * the search in @task_accounts and for tasks that hold a promise on each of many CPUs.
 * Interrupts are off because ptrace releases from under tasklist_lock, which
 * interrupts take too.
 */
static DEFINE_SPINLOCK(table_lock);

/* The promises of the whole machine. Protected by table_lock. */
static struct hw_breakpoint_table table;

/*
 * A task that holds promises, or did when it lived: a promise lasts until its
 * event's descriptors are closed, so the account keeps the task_struct, and no new
 * task can be taken for the old one.
 */
struct task_account {
	struct hw_breakpoint_account	account;
	struct task_struct		*task;
	struct rb_node			node;
};

/* All accounts that are not empty, by address of the task. Protected by table_lock. */
static struct rb_root task_accounts = RB_ROOT;

/* === Accounts ============================================================= */

static int task_account_cmp(const void *key, const struct rb_node *node)
{
	const struct task_struct *task = rb_entry(node, struct task_account, node)->task;

	if (key == (const void *)task)
		return 0;
	return (unsigned long)key < (unsigned long)task ? -1 : 1;
}

static int task_account_cmp_node(struct rb_node *new, const struct rb_node *node)
{
	return task_account_cmp(rb_entry(new, struct task_account, node)->task, node);
}

static struct task_account *task_account_find(const struct task_struct *task)
{
	struct rb_node *node;

	lockdep_assert_held(&table_lock);
	node = rb_find(task, &task_accounts, task_account_cmp);
	return node ? rb_entry(node, struct task_account, node) : NULL;
}

/* Called before table_lock is taken: the account may turn out not to be needed. */
static struct task_account *task_account_alloc(struct task_struct *task)
{
	struct task_account *ta = kzalloc(sizeof(*ta), GFP_KERNEL);

	if (ta)
		ta->task = get_task_struct(task);
	return ta;
}

static void task_account_free(struct task_account *ta)
{
	if (!ta)
		return;
	put_task_struct(ta->task);
	kfree(ta);
}

/*
 * Find the account of @spare's task, or make @spare its account. Returns what is
 * left for the caller to free.
 */
static struct task_account *task_account_add(struct task_account *spare,
					     struct task_account **ta)
{
	*ta = task_account_find(spare->task);
	if (*ta)
		return spare;
	rb_find_add(&spare->node, &task_accounts, task_account_cmp_node);
	*ta = spare;
	return NULL;
}

/* Take @ta out if it has become empty. Returns what is for the caller to free. */
static struct task_account *task_account_del_if_empty(struct task_account *ta)
{
	lockdep_assert_held(&table_lock);
	if (!ta || !hw_breakpoint_account_empty(&ta->account))
		return NULL;
	rb_erase(&ta->node, &task_accounts);
	return ta;
}

static struct task_account *promise_account(const struct hw_breakpoint_promise *promise)
{
	if (!promise->weight || !promise->account)
		return NULL;
	return container_of(promise->account, struct task_account, account);
}

/* === Who holds what ======================================================= */

static void describe(const struct hw_breakpoint_promise *promise, struct hw_breakpoint_who *who)
{
	const struct task_account *ta = promise_account(promise);

	lockdep_assert_held(&table_lock);
	memset(who, 0, sizeof(*who));
	who->kind = "unknown";
	who->cpu = promise->cpu;
	who->slots = promise->weight;
	if (ta)
		hw_breakpoint_name_task(&who->task, ta->task);
	if (promise->holder)
		promise->holder->describe(promise, ta ? ta->task : NULL, who);
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

/* Those of the list from @promise on that count on @cpu. */
static void print_holders(struct seq_buf *s, const struct hw_breakpoint_promise *promise, int cpu)
{
	const char *sep = " (";

	for (; promise; promise = promise->next) {
		if (promise->cpu >= 0 && promise->cpu != cpu)
			continue;
		seq_buf_puts(s, sep);
		print_holder(s, promise);
		sep = ", ";
	}
	seq_buf_putc(s, ')');
}

static const struct task_account *busiest_account(int cpu)
{
	const unsigned int most = hw_breakpoint_table_task_slots(&table, cpu);
	struct rb_node *node;

	for (node = rb_first(&task_accounts); node; node = rb_next(node)) {
		struct task_account *ta = rb_entry(node, struct task_account, node);

		if (hw_breakpoint_account_slots(&ta->account, cpu) >= most)
			return ta;
	}
	return NULL;
}

/* Where a request of @ta for every CPU is furthest from being served. */
static int worst_cpu(const struct task_account *ta)
{
	unsigned int most = 0, here;
	int cpu, worst = 0;

	for_each_possible_cpu(cpu) {
		here = hw_breakpoint_table_cpu_slots(&table, cpu) +
		       hw_breakpoint_account_slots(&ta->account, cpu);
		if (here > most) {
			most = here;
			worst = cpu;
		}
	}
	return worst;
}

/*
 * Why could @more not be promised? @ta: to this task, or NULL: to the CPU itself. @why may
 * be NULL. Only who is refused pays for this.
 */
static void explain(char *why, const struct task_account *ta, int cpu, unsigned int more)
{
	unsigned int own, tasks;
	struct seq_buf s;

	if (!why)
		return;
	seq_buf_init(&s, why, HW_BREAKPOINT_WHY_LEN);
	if (cpu < 0)
		cpu = worst_cpu(ta);
	if (!ta)
		ta = busiest_account(cpu);

	own = hw_breakpoint_table_cpu_slots(&table, cpu);
	tasks = ta ? hw_breakpoint_account_slots(&ta->account, cpu) : 0;
	seq_buf_printf(&s, "CPU %d:", cpu);
	if (own) {
		seq_buf_printf(&s, " %u its own", own);
		print_holders(&s, hw_breakpoint_table_cpu_promises(&table, cpu), cpu);
		seq_buf_putc(&s, ',');
	}
	if (tasks) {
		seq_buf_printf(&s, " task %s/%d holds %u", ta->task->comm, task_pid_nr(ta->task),
			       tasks);
		print_holders(&s, ta->account.promises, cpu);
		seq_buf_putc(&s, ',');
	}
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

	spin_lock_irqsave(&table_lock, flags);
	for (promise = hw_breakpoint_table_cpu_promises(&table, cpu); promise && nr < max;
	     promise = promise->next)
		describe(promise, &who[nr++]);
	spin_unlock_irqrestore(&table_lock, flags);
	return nr;
}

/* The first account whose task's address is above @cursor. */
static const struct task_account *next_account(unsigned long cursor)
{
	struct rb_node *node = task_accounts.rb_node;
	const struct task_account *ta, *next = NULL;

	while (node) {
		ta = rb_entry(node, struct task_account, node);
		if ((unsigned long)ta->task > cursor) {
			next = ta;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return next;
}

/**
 * hw_breakpoint_promises_of_tasks() - who holds promises for tasks?
 * @cursor: how far it is; zeroed to begin with
 * @who: filled in, with some of one task's
 * @max: the length of @who
 *
 * Tasks come in no order that means anything. What comes or goes meanwhile may be missed,
 * all else is told exactly once. The lock is let go between two calls.
 *
 * Context: process context.
 * Return: how many of @who were filled in; 0: that was all.
 */
unsigned int hw_breakpoint_promises_of_tasks(struct hw_breakpoint_cursor *cursor,
					     struct hw_breakpoint_who *who, unsigned int max)
{
	const struct hw_breakpoint_promise *promise = NULL;
	const struct task_account *ta;
	unsigned int i, nr = 0;
	unsigned long flags;

	spin_lock_irqsave(&table_lock, flags);
	ta = next_account(cursor->task - !!cursor->done);
	if (ta) {
		if ((unsigned long)ta->task != cursor->task)
			cursor->done = 0;
		cursor->task = (unsigned long)ta->task;
		promise = ta->account.promises;
	}
	for (i = 0; promise && nr < max; promise = promise->next, i++)
		if (i >= cursor->done)
			describe(promise, &who[nr++]);
	cursor->done = promise ? i : 0;
	spin_unlock_irqrestore(&table_lock, flags);
	return nr;
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
	unsigned long flags;

	spin_lock_irqsave(&table_lock, flags);
	*own = hw_breakpoint_table_cpu_slots(&table, cpu);
	*task = hw_breakpoint_table_task_slots(&table, cpu);
	spin_unlock_irqrestore(&table_lock, flags);
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
	unsigned long flags;
	int err;

	spin_lock_irqsave(&table_lock, flags);
	err = hw_breakpoint_table_reserve(&table, promise, NULL, cpu, weight, NULL);
	if (err)
		explain(why, NULL, cpu, weight);
	spin_unlock_irqrestore(&table_lock, flags);
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
 * Context: may sleep.
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int hw_breakpoint_promise_to_task(struct hw_breakpoint_promise *promise,
				  struct task_struct *task, int cpu, unsigned int weight,
				  const void *family, bool inherited, char *why)
{
	struct task_account *spare, *unused, *empty = NULL, *ta;
	unsigned long flags;
	int err = 0;

	spare = task_account_alloc(task);
	if (!spare)
		return -ENOMEM;

	spin_lock_irqsave(&table_lock, flags);
	unused = task_account_add(spare, &ta);
	if (inherited)
		hw_breakpoint_table_inherit(&table, promise, &ta->account, cpu, weight,
					    family);
	else
		err = hw_breakpoint_table_reserve(&table, promise, &ta->account, cpu,
						  weight, family);
	if (err) {
		explain(why, ta, cpu, weight);
		empty = task_account_del_if_empty(ta);
	}
	spin_unlock_irqrestore(&table_lock, flags);

	task_account_free(unused);
	task_account_free(empty);
	return err;
}

/**
 * hw_breakpoint_promise_release() - take back what an event was promised
 * @promise: the event's
 * @holder: the task on which the event was when it went, if that is known: perf core
 *	swaps the contexts of related tasks, so it need not be the one that was charged
 *
 * Context: any but hard interrupt and NMI.
 */
void hw_breakpoint_promise_release(struct hw_breakpoint_promise *promise,
				   const struct task_struct *holder)
{
	struct task_account *ta = NULL, *empty;
	unsigned long flags;

	spin_lock_irqsave(&table_lock, flags);
	if (holder)
		ta = task_account_find(holder);
	if (ta)
		hw_breakpoint_table_settle(&table, promise, &ta->account);
	ta = promise_account(promise);
	hw_breakpoint_table_release(&table, promise);
	empty = task_account_del_if_empty(ta);
	spin_unlock_irqrestore(&table_lock, flags);

	task_account_free(empty);
}

/* Gives back what a number of CPUs were promised, from @promise of each. */
static void release_everywhere(struct hw_breakpoint_promise __percpu *promise)
{
	int cpu;

	for_each_possible_cpu(cpu)
		hw_breakpoint_table_release(&table, per_cpu_ptr(promise, cpu));
}

static int reserve_everywhere(struct hw_breakpoint_promise __percpu *promise,
			      unsigned int weight, char *why)
{
	int cpu, err;

	for_each_possible_cpu(cpu) {
		err = hw_breakpoint_table_reserve(&table, per_cpu_ptr(promise, cpu), NULL, cpu,
						  weight, NULL);
		if (err) {
			release_everywhere(promise);
			explain(why, NULL, cpu, weight);
			return err;
		}
	}
	return 0;
}

static int set_everywhere(struct hw_breakpoint_promise __percpu *promise, unsigned int weight,
			  char *why)
{
	lockdep_assert_held(&table_lock);
	if (weight)
		return reserve_everywhere(promise, weight, why);
	release_everywhere(promise);
	return 0;
}

/**
 * hw_breakpoint_promise_everywhere() - reserve on every CPU that may ever come
 * @promise: of each CPU; zeroed but for the holder before its first use; the caller
 *	serialises calls for it
 * @weight: how many registers; 0 gives back what is held
 * @why: of HW_BREAKPOINT_WHY_LEN; where there is no room, set to the reason; or NULL
 *
 * Context: any but NMI.
 * Return: 0, or -ENOSPC, and nothing is held then.
 */
int hw_breakpoint_promise_everywhere(struct hw_breakpoint_promise __percpu *promise,
				     unsigned int weight, char *why)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&table_lock, flags);
	err = set_everywhere(promise, weight, why);
	spin_unlock_irqrestore(&table_lock, flags);
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
	unsigned long flags;
	int err;

	if (!spin_trylock_irqsave(&table_lock, flags))
		return -EBUSY;
	err = set_everywhere(promise, weight, why);
	spin_unlock_irqrestore(&table_lock, flags);
	return err;
}

/* Of what is held already; nothing needs to be allocated. */
static int resize(struct hw_breakpoint_promise *promise, unsigned int weight, char *why)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&table_lock, flags);
	err = hw_breakpoint_table_resize(&table, promise, weight);
	if (err)
		explain(why, promise_account(promise), promise->cpu, weight - promise->weight);
	spin_unlock_irqrestore(&table_lock, flags);
	return err;
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
 * Context: may sleep where @weight is above 0 and nothing is held yet; otherwise any
 * context but hard interrupt and NMI.
 * Return: 0, -ENOSPC or -ENOMEM; on error the promise is what it was before.
 */
int hw_breakpoint_promise_set(struct hw_breakpoint_promise *promise,
			      struct task_struct *tsk, unsigned int weight, char *why)
{
	if (!weight) {
		hw_breakpoint_promise_release(promise, NULL);
		return 0;
	}
	if (!promise->weight)
		return hw_breakpoint_promise_to_task(promise, tsk, -1, weight, NULL, false, why);
	return resize(promise, weight, why);
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

/**
 * hw_breakpoint_is_used() - does anybody hold a promise?
 *
 * Context: any but NMI and #DB. The answer may be outdated when it arrives.
 * Return: true if a breakpoint exists anywhere, enabled or not.
 */
bool hw_breakpoint_is_used(void)
{
	unsigned long flags;
	bool used;

	spin_lock_irqsave(&table_lock, flags);
	used = hw_breakpoint_table_used(&table);
	spin_unlock_irqrestore(&table_lock, flags);
	return used;
}
EXPORT_SYMBOL_GPL(hw_breakpoint_is_used);

/**
 * hw_breakpoint_promises_init() - make the table
 *
 * Context: once, at boot, before anything is promised.
 * Return: 0 or -ENOMEM.
 */
int __init hw_breakpoint_promises_init(void)
{
	struct hw_breakpoint_cpu_slots *cpus;

	cpus = kcalloc(nr_cpu_ids, sizeof(*cpus), GFP_KERNEL);
	if (!cpus)
		return -ENOMEM;
	hw_breakpoint_table_init(&table, cpus, nr_cpu_ids, HBP_NUM);
	return 0;
}
