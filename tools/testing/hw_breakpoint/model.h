/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A plain model of what perf core does with breakpoints: tasks, contexts, originals
 * and inherited copies. It drives the constraint table and says, without asking it,
 * what the table should have answered.
 *
 * The truth is where a copy can run, and stands in the model: the table's records may
 * lawfully be on another account. Sizes (N_TASKS, N_CPUS, N_FAMILIES) are set by
 * whoever includes this file.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _HW_BREAKPOINT_MODEL_H
#define _HW_BREAKPOINT_MODEL_H

#include <assert.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include "hw_breakpoint_slots.h"

/*
 * Each task has at most one copy; an original can outlive its task; and one copy is made and
 * dropped by fork.
 */
#define N_COPIES	(N_TASKS + 2)
#define ORIGINAL	0

/* === Data === */

enum place {
	NO_COPY,
	IN_CONTEXT,	/* of task @at: it can run there */
	ENDED,		/* an original whose task exec'ed; its descriptor is still open */
	DEAD,		/* an original whose task exited; it holds nothing for itself any more */
	DANGLING,	/* taken off its context by a close, not yet freed */
};

struct copy {
	enum place			place;
	int				at;
	struct hw_breakpoint_promise	promise;
};

/* An event that was opened, with all its copies. */
struct family {
	bool		open;
	bool		closing;
	bool		inherit;
	bool		of_task;
	bool		wide;		/* on every CPU; recorded in everywhere[] */
	bool		orphaned;	/* a context was cloned without it while it was closing */
	int		cpu;
	unsigned int	weight;
	int		top;		/* copies from here on were never used */
	struct copy	copy[N_COPIES];
	struct hw_breakpoint_promise	everywhere[N_CPUS];
};

/*
 * A task and the context that it has at the moment. @self is the context's generation,
 * unique among all; @up is that of the context which it is a clone of, or 0.
 */
struct task {
	bool				alive;
	unsigned int			self;
	unsigned int			up;
};

/* What belongs to the code under test, but for the records in the copies. */
struct books {
	struct hw_breakpoint_table	table;
	struct hw_breakpoint_cpu_slots	cpu[N_CPUS];
	struct hw_breakpoint_account	account[N_TASKS];
};

/* Lists run through it, so a copy of it is of use only once it is copied back. */
static struct world {
	unsigned int			nr_slots;
	unsigned int			generations;
	unsigned int			turn;
	struct task			task[N_TASKS];
	struct family			family[N_FAMILIES];
	struct books			books;
} w;

static struct books snapshot, before;

/* What went wrong first, or NULL. */
static const char *wrong;

/* Requests that were refused, and that took all locks, to show that a run had any. */
static long nr_refused, nr_all_locks;

const int shim_nr_cpus = N_CPUS;

static void expect(bool good, const char *what)
{
	if (!good && !wrong)
		wrong = what;
}

/* The request at hand was refused by who held one lock only. */
static bool refused_by_one;

/*
 * As the kernel does: with the lock of one CPU, and if that isn't enough with all. A task's
 * request can come from any CPU, so CPUs take turns. @call uses "held".
 */
#define ask(cpu, call) ({							\
	int held = (cpu) >= 0 ? (cpu) : (int)(w.turn++ % N_CPUS), answer;	\
										\
	before = w.books;							\
	answer = (call);							\
	if (answer == -EAGAIN) {						\
		expect(!memcmp(&before, &w.books, sizeof(before)),		\
		       "a request that takes all locks changes nothing before");	\
		nr_all_locks++;							\
		held = HW_BREAKPOINT_ALL_LOCKS;					\
		answer = (call);						\
	} else {								\
		refused_by_one |= answer == -ENOSPC;				\
	}									\
	answer;									\
})

/* === The oracle === */

struct slots {
	unsigned int cpu[N_CPUS];
	unsigned int task[N_TASKS][N_CPUS];
};

/*
 * On which tasks is @f to be counted? Between a close's first step and its last, two
 * answers are right: where it can still run (@all false), and wherever it may not have
 * been given back yet (@all true). At any other time they are the same.
 */
static void spread(const struct family *f, bool all, bool on[N_TASKS])
{
	bool anywhere = all && f->orphaned;

	memset(on, 0, N_TASKS * sizeof(*on));
	for (const struct copy *copy = f->copy; copy < f->copy + f->top; copy++) {
		if (copy->place == IN_CONTEXT || copy->place == ENDED)
			on[copy->at] |= all || !f->orphaned;
		anywhere |= all && copy->place == DANGLING;
	}
	for (int t = 0; t < N_TASKS; t++)
		on[t] |= anywhere;
}

static void recount_family(struct slots *slots, const struct family *f, bool all)
{
	const int first = f->cpu < 0 ? 0 : f->cpu, last = f->cpu < 0 ? N_CPUS - 1 : f->cpu;
	bool on[N_TASKS];

	if (!f->of_task) {
		for (int c = 0; c < N_CPUS; c++)
			slots->cpu[c] += f->wide || f->cpu == c ? f->weight : 0;
		return;
	}
	spread(f, all, on);
	for (int t = 0; t < N_TASKS; t++)
		for (int c = first; on[t] && c <= last; c++)
			slots->task[t][c] += f->weight;
}

static void recount(struct slots *slots, bool all)
{
	memset(slots, 0, sizeof(*slots));
	for (int i = 0; i < N_FAMILIES; i++)
		if (w.family[i].open)
			recount_family(slots, &w.family[i], all);
}

static unsigned int busiest(const struct slots *slots, int cpu)
{
	unsigned int most = 0;

	for (int t = 0; t < N_TASKS; t++)
		most = max(most, slots->task[t][cpu]);
	return most;
}

/* The law, word by word. */
static bool lawful(bool all)
{
	struct slots slots;

	recount(&slots, all);
	for (int c = 0; c < N_CPUS; c++)
		if (slots.cpu[c] + busiest(&slots, c) > w.nr_slots)
			return false;
	return true;
}

/* Is there a task, or a CPU, that alone has more than there is? */
static bool somebody_has_too_much(void)
{
	struct slots slots;

	recount(&slots, true);
	for (int c = 0; c < N_CPUS; c++)
		if (slots.cpu[c] > w.nr_slots || busiest(&slots, c) > w.nr_slots)
			return true;
	return false;
}

/* The model is as if the request had been granted: was @verdict the right answer? */
static void judge(int verdict)
{
	expect(verdict == 0 || verdict == -ENOSPC, "the verdict is 0 or -ENOSPC");
	nr_refused += verdict != 0;
	expect(!refused_by_one || somebody_has_too_much(),
	       "only who sees everything refuses, unless one alone asks too much");
	if (verdict)
		expect(!lawful(true), "a lawful request is granted");
	else
		expect(lawful(false), "an unlawful request is refused");
}

/* === What is checked after each step === */

static bool any_copy(const struct family *f, enum place place)
{
	for (int i = 0; i < f->top; i++)
		if (f->copy[i].place == place)
			return true;
	return false;
}

static bool something(enum place place)
{
	for (int i = 0; i < N_FAMILIES; i++)
		if (any_copy(&w.family[i], place))
			return true;
	return false;
}

/* A family that a context was cloned without isn't the table's to answer for: see spread(). */
static bool anything_held(void)
{
	for (int i = 0; i < N_FAMILIES; i++) {
		const struct family *f = &w.family[i];

		if (!f->orphaned && (any_copy(f, IN_CONTEXT) || any_copy(f, ENDED)))
			return true;
	}
	return false;
}

static unsigned int on_account(int t, int cpu)
{
	unsigned int sum = 0;

	for (const struct hw_breakpoint_promise *p = w.books.account[t].promises; p; p = p->next) {
		expect(p->account == &w.books.account[t], "a promise is on its account's list");
		sum += p->cpu == -1 || p->cpu == cpu ? p->weight : 0;
	}
	return sum;
}

static unsigned int listed_on(int cpu)
{
	const struct hw_breakpoint_promise *p = w.books.cpu[cpu].promises;
	unsigned int sum = 0;

	for (; p; p = p->next) {
		expect(!p->account && p->cpu == cpu, "a CPU lists its own events");
		sum += p->weight;
	}
	return sum;
}

/* The table's answers and every account's sums are those of the truth. */
static void check_truth(void)
{
	struct slots slots;

	recount(&slots, false);
	for (int t = 0; t < N_TASKS; t++)
		for (int c = 0; c < N_CPUS; c++)
			expect(on_account(t, c) == slots.task[t][c] &&
			       hw_breakpoint_account_slots(&w.books.account[t], c) ==
			       slots.task[t][c],
			       "an account is charged for what its task may run");
	for (int c = 0; c < N_CPUS; c++)
		expect(hw_breakpoint_table_task_slots(&w.books.table, c) ==
		       min_t(unsigned int, busiest(&slots, c), HW_BREAKPOINT_TOP_LEVEL),
		       "the busiest task of a CPU is known");
	for (int c = 0; c < N_CPUS; c++)
		expect(w.books.cpu[c].slots == slots.cpu[c] && listed_on(c) == slots.cpu[c],
		       "a CPU's own events are counted");
}

static void enter(struct hw_breakpoint_levels *levels, unsigned int level, int by)
{
	levels->nr[min_t(unsigned int, level, HW_BREAKPOINT_TOP_LEVEL)] += level ? by : 0;
}

static bool has_just(int t, int cpu)
{
	const struct hw_breakpoint_promise *p = w.books.account[t].promises;

	while (p && p->cpu != cpu)
		p = p->next;
	return p;
}

/* What all CPUs have of the histogram of tasks is what their records give. */
static bool tasks_add_up(void)
{
	struct hw_breakpoint_levels sum = { }, none = { };

	for (int c = 0; c < N_CPUS; c++)
		for (int level = 0; level <= HW_BREAKPOINT_TOP_LEVEL; level++)
			sum.nr[level] += w.books.cpu[c].tasks.nr[level];
	for (int t = 0; t < N_TASKS; t++)
		enter(&sum, on_account(t, -1), -1);
	return !memcmp(&sum, &none, sizeof(sum));
}

static bool just_adds_up(int cpu)
{
	struct hw_breakpoint_levels here = { };

	for (int t = 0; t < N_TASKS; t++)
		if (has_just(t, cpu))
			enter(&here, on_account(t, cpu), 1);
	for (int level = 0; level <= HW_BREAKPOINT_TOP_LEVEL; level++)
		if ((int)here.nr[level] != atomic_read(&w.books.cpu[cpu].just[level]))
			return false;
	return true;
}

/* The table's counters are those that its records give when counted anew. */
static void check_counters(void)
{
	expect(tasks_add_up(), "accounts stand on their levels");
	for (int c = 0; c < N_CPUS; c++)
		expect(just_adds_up(c), "accounts stand on their levels on a CPU");
}

/* Neither side can take from its room what the other has. */
static void check_rooms(void)
{
	unsigned int floor = w.nr_slots;

	for (int c = 0; c < N_CPUS; c++) {
		const struct hw_breakpoint_cpu_slots *cpu = &w.books.cpu[c];
		const unsigned int tasks = hw_breakpoint_table_task_slots(&w.books.table, c);

		expect(cpu->task_room + max(cpu->slots, cpu->cpu_room) <= w.nr_slots,
		       "a task's room is what the CPU leaves");
		expect(!cpu->cpu_room ||
		       cpu->cpu_room + max(tasks, cpu->task_room) <= w.nr_slots,
		       "a CPU's room is what tasks leave");
		floor = min(floor, cpu->task_room);
	}
	for (int c = 0; c < N_CPUS; c++)
		expect(w.books.cpu[c].floor == floor, "each CPU knows the least room of all");
}

static void check(void)
{
	const bool held = anything_held();
	const bool used = hw_breakpoint_table_used(&w.books.table);

	expect(lawful(false), "no CPU can be asked for more than it has");
	expect(used || !held, "used as long as anything is held");
	if (!something(DANGLING)) {
		expect(held || !used, "unused when nothing is held");
		check_truth();
	}
	check_counters();
	check_rooms();
}

/* === What perf core does === */

static void setup(unsigned int nr_slots)
{
	memset(&w, 0, sizeof(w));
	w.nr_slots = nr_slots;
	w.generations = 1;
	w.task[0].alive = true;
	w.task[0].self = w.generations++;
	hw_breakpoint_table_init(&w.books.table, w.books.cpu, nr_slots);
	wrong = NULL;
}

/* An event came into the context of @t or left it. */
static void touch(int t)
{
	w.task[t].self = w.generations++;
}

static struct family *free_family(void)
{
	for (int f = 0; f < N_FAMILIES; f++)
		if (!w.family[f].open)
			return &w.family[f];
	return NULL;
}

static struct copy *free_copy(struct family *f)
{
	for (int i = ORIGINAL + 1; i < f->top; i++)
		if (f->copy[i].place == NO_COPY)
			return &f->copy[i];
	assert(f->top < N_COPIES);
	return &f->copy[f->top++];
}

static struct copy *copy_in(struct family *f, int t)
{
	for (int i = 0; i < f->top; i++)
		if (f->copy[i].place == IN_CONTEXT && f->copy[i].at == t)
			return &f->copy[i];
	return NULL;
}

/* Opens an event of task @t, or of @cpu if @t is -1. Return: false if it can't be tried. */
static bool do_open(int t, int cpu, unsigned int weight, bool inherit)
{
	struct family *f = free_family();
	struct hw_breakpoint_account *account = t < 0 ? NULL : &w.books.account[t];
	int verdict;

	if (!f || (t >= 0 && !w.task[t].alive))
		return false;
	snapshot = w.books;
	refused_by_one = false;
	verdict = ask(t < 0 ? cpu : -1,
		      hw_breakpoint_table_reserve(&w.books.table, held,
						  &f->copy[ORIGINAL].promise, account, cpu,
						  weight, inherit ? f : NULL));
	if (verdict)
		expect(!memcmp(&snapshot, &w.books, sizeof(snapshot)) &&
		       !f->copy[ORIGINAL].promise.weight, "a refusal changes nothing");
	f->open = true;
	f->of_task = t >= 0;
	f->inherit = inherit;
	f->cpu = cpu;
	f->weight = weight;
	f->top = ORIGINAL + 1;
	f->copy[ORIGINAL].place = IN_CONTEXT;
	f->copy[ORIGINAL].at = t;
	judge(verdict);
	if (verdict) {
		memset(f, 0, sizeof(*f));
	} else if (t >= 0) {
		w.task[t].up = 0;
		touch(t);
	}
	return true;
}

/* Holds @weight of each CPU from now on. */
static int set_wide(struct family *f, unsigned int weight)
{
	int verdict, full = -1;

	snapshot = w.books;
	verdict = hw_breakpoint_table_set_wide(&w.books.table, f->everywhere, weight, &full);
	if (verdict)
		expect(!memcmp(&snapshot, &w.books, sizeof(snapshot)) && full >= 0,
		       "a refusal changes nothing, and names a CPU");
	return verdict;
}

/* Opens an event on every CPU. */
static bool do_open_wide(unsigned int weight)
{
	struct family *f = free_family();
	int verdict;

	if (!f)
		return false;
	refused_by_one = false;
	verdict = set_wide(f, weight);
	f->open = true;
	f->wide = true;
	f->weight = weight;
	f->top = ORIGINAL + 1;
	f->copy[ORIGINAL].place = IN_CONTEXT;
	f->copy[ORIGINAL].at = -1;
	judge(verdict);
	if (verdict)
		memset(f, 0, sizeof(*f));
	return true;
}

static void free_record(struct family *f, struct copy *copy)
{
	const int cpu = f->of_task ? (int)(w.turn++ % N_CPUS) : f->cpu;

	hw_breakpoint_table_release(&w.books.table, cpu, &copy->promise);
	for (int c = 0; f->wide && c < N_CPUS; c++)
		hw_breakpoint_table_release(&w.books.table, c, &f->everywhere[c]);
	copy->place = NO_COPY;
	copy->at = 0;
	for (int i = 0; i < f->top; i++)
		if (f->copy[i].place != NO_COPY)
			return;
	memset(f, 0, sizeof(*f));
}

/* A close takes the original off its context, */
static bool do_close(struct family *f)
{
	struct copy *copy = &f->copy[ORIGINAL];

	if (!f->open || f->closing)
		return false;
	f->closing = true;
	if (f->of_task && copy->place == IN_CONTEXT)
		touch(copy->at);
	copy->place = DANGLING;
	copy->at = 0;
	return true;
}

/* then each copy, */
static bool do_close_copy(struct family *f, int t)
{
	struct copy *copy = f->closing ? copy_in(f, t) : NULL;

	if (!copy)
		return false;
	touch(t);
	copy->place = DANGLING;
	copy->at = 0;
	return true;
}

/* and only after the last of them are they freed, in whatever order. */
static bool do_close_free(struct family *f, int i)
{
	if (!f->closing || f->copy[i].place != DANGLING || any_copy(f, IN_CONTEXT))
		return false;
	free_record(f, &f->copy[i]);
	return true;
}

static void inherit_copy(struct family *f, int child)
{
	struct copy *copy = free_copy(f);
	int err = ask(-1, hw_breakpoint_table_inherit(&w.books.table, held, &copy->promise,
						      &w.books.account[child], f->cpu,
						      f->weight, f));

	expect(!err, "a fork is never refused");
	copy->place = IN_CONTEXT;
	copy->at = child;
	if (!f->closing)
		return;
	/* perf core makes the copy, sees that the original is gone, and drops it. */
	free_record(f, copy);
	f->orphaned = true;
}

static int free_task(void)
{
	for (int t = 0; t < N_TASKS; t++)
		if (!w.task[t].alive && !w.books.account[t].promises)
			return t;
	return -1;
}

static bool do_fork(int parent)
{
	const int child = free_task();
	bool all = true, any = false;

	if (child < 0 || !w.task[parent].alive)
		return false;
	w.task[child].alive = true;
	w.task[child].up = 0;
	touch(child);
	for (struct family *f = w.family; f < w.family + N_FAMILIES; f++) {
		if (!copy_in(f, parent))
			continue;
		all &= f->inherit;
		any |= f->inherit;
		if (f->inherit)
			inherit_copy(f, child);
	}
	if (all && any)
		w.task[child].up = w.task[parent].up ?: w.task[parent].self;
	return true;
}

/* What perf core calls equivalent: a clone and its parent, or clones of the same. */
static bool equivalent(const struct task *a, const struct task *b)
{
	return a->self == b->up || a->up == b->self || (a->up && a->up == b->up);
}

static void swap_family(struct family *f, int a, int b)
{
	struct copy *from = copy_in(f, a), *to = copy_in(f, b);

	expect(f->closing || !from == !to, "the model exchanges equal contexts only");
	if (from)
		from->at = b;
	if (to)
		to->at = a;
}

/* A switch between @a and @b, which exchanges their contexts instead. */
static bool do_swap(int a, int b)
{
	struct task *from = &w.task[a], *to = &w.task[b];
	const unsigned int self = from->self, up = from->up;

	if (a == b || !from->alive || !to->alive || !equivalent(from, to))
		return false;
	from->self = to->self;
	from->up = to->up;
	to->self = self;
	to->up = up;
	for (struct family *f = w.family; f < w.family + N_FAMILIES; f++)
		swap_family(f, a, b);
	return true;
}

/* What the context of @t holds of @f goes, and what other tasks hold of it stays. */
static bool end_copy(struct family *f, int t)
{
	struct copy *copy = f->of_task ? copy_in(f, t) : NULL;

	if (!copy)
		return false;
	w.task[t].up = 0;
	touch(t);
	if (copy == &f->copy[ORIGINAL]) {
		copy->place = ENDED;
		return true;
	}
	expect(!ask(-1, hw_breakpoint_table_release_from(&w.books.table, held, &copy->promise,
							 f, &w.books.account[t])),
	       "an exit is never refused");
	free_record(f, copy);
	return true;
}

/* An event of another PMU came into the context of @t, say: it is no clone any more. */
static bool do_unclone(int t)
{
	const unsigned int self = w.task[t].self;
	bool clone = w.task[t].up;

	for (int i = 0; i < N_TASKS; i++)
		clone |= self && w.task[i].up == self;
	if (!clone)
		return false;
	w.task[t].up = 0;
	touch(t);
	return true;
}

static bool do_exec(int t, struct family *f)
{
	return w.task[t].alive && end_copy(f, t);
}

static bool do_exit(int t)
{
	if (!w.task[t].alive)
		return false;
	for (int f = 0; f < N_FAMILIES; f++)
		end_copy(&w.family[f], t);
	while (w.books.account[t].promises)
		hw_breakpoint_table_release(&w.books.table, w.turn++ % N_CPUS,
					    w.books.account[t].promises);
	for (int f = 0; f < N_FAMILIES; f++)
		if (w.family[f].copy[ORIGINAL].place == ENDED &&
		    w.family[f].copy[ORIGINAL].at == t)
			w.family[f].copy[ORIGINAL].place = DEAD;
	w.task[t].alive = false;
	w.task[t].self = 0;
	w.task[t].up = 0;
	return true;
}

/* Return: 0, or a copy's refusal; those before it keep their new weight. */
static int resize_all(struct family *f, unsigned int weight)
{
	for (int i = 0; i < f->top; i++) {
		struct hw_breakpoint_promise *promise = &f->copy[i].promise;

		if (f->copy[i].place != NO_COPY && promise->weight &&
		    ask(f->of_task ? -1 : f->cpu,
			hw_breakpoint_table_resize(&w.books.table, held, promise, weight))) {
			expect(promise->weight == f->weight, "a refused resize changes nothing");
			return -ENOSPC;
		}
	}
	return 0;
}

static bool do_resize(struct family *f, unsigned int weight)
{
	const unsigned int old = f->weight;
	int verdict;

	if (!f->open || f->closing || weight == old)
		return false;
	refused_by_one = false;
	verdict = f->wide ? set_wide(f, weight) : resize_all(f, weight);
	f->weight = weight;
	judge(verdict);
	if (!verdict)
		return true;
	expect(weight > old, "to shrink never fails");
	f->weight = old;
	if (!f->wide)
		expect(!resize_all(f, old), "to shrink never fails");
	return true;
}

#endif /* _HW_BREAKPOINT_MODEL_H */
