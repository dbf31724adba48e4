// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the breakpoint layer tells of itself, in /sys/kernel/debug/hw_breakpoint/: who holds
 * which register, who was promised one, who was refused, and what it counts.
 *
 * "slots" and "refused" are for people; the same for programs is in "slots.kv" and
 * "refused.kv": a record a line, a word and then key=value, strings in double quotes.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/build_bug.h>
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_holder.h>
#include <linux/hw_breakpoint_stats.h>
#include <linux/init.h>
#include <linux/kallsyms.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string_helpers.h>

#include "hw_breakpoint_internal.h"

/* How many promises are told between two looks at the table: 9 KiB. */
#define BATCH	48

/* How many of a CPU's events that have no registers of their own are told: 5 KiB. */
#define MAX_WITHOUT	32

/**
 * struct cpu_register - what a register of a CPU is used for, or who has none of his own
 * @bp: the event that has it; not to be followed; NULL: no event has
 * @who: who holds it; kind NULL: nobody
 * @reg: which; -1: none, since @bp was evicted
 * @armed: it is in force
 * @shared: it is another event's, which is shown with it
 */
struct cpu_register {
	const struct perf_event		*bp;
	struct hw_breakpoint_who	who;
	int				reg;
	bool				armed;
	bool				shared;
};

/**
 * struct cpu_look - a CPU's registers at one moment
 * @reg: each of them
 * @without: events that are on and share another's, or were evicted: see
 *	hw_breakpoint_flexible.c
 * @nr_without: how many of these there are, told or not
 */
struct cpu_look {
	struct cpu_register	reg[HBP_NUM];
	struct cpu_register	without[MAX_WITHOUT];
	unsigned int		nr_without;
};

/**
 * struct style - how a listing looks
 * @head: what stands above the registers
 * @cpu: a CPU as a whole
 * @one: one register, or an event that has none of its own
 * @more: so many of these weren't told
 * @promise_head: what stands above the promises
 * @promise: one promise
 */
struct style {
	void (*head)(struct seq_file *m);
	void (*cpu)(struct seq_file *m, int cpu, unsigned int own, unsigned int task);
	void (*one)(struct seq_file *m, int cpu, const struct cpu_register *reg);
	void (*more)(struct seq_file *m, int cpu, unsigned int nr);
	void (*promise_head)(struct seq_file *m);
	void (*promise)(struct seq_file *m, const struct hw_breakpoint_who *who);
};

/* === Words ================================================================ */

static const char *type_name(u32 type)
{
	switch (type) {
	case HW_BREAKPOINT_R:
		return "r";
	case HW_BREAKPOINT_W:
		return "w";
	case HW_BREAKPOINT_RW:
		return "rw";
	case HW_BREAKPOINT_X:
		return "x";
	default:
		return "?";
	}
}

static const char *state_name(const struct cpu_register *reg)
{
	if (reg->reg < 0)
		return "evicted";
	if (reg->shared)
		return "shared";
	if (!reg->who.kind)
		return "free";
	return reg->armed ? "armed" : "waiting";
}

/* "symbol+0x8 [module]", without what is nothing; returns false if there is no name for it. */
static bool symbol_name(unsigned long address, char name[KSYM_SYMBOL_LEN])
{
	unsigned long size, offset;
	char *module, *at;

	if (kallsyms_lookup(address, &size, &offset, &module, name) != name)
		return false;
	at = name + strlen(name);
	if (offset)
		at += sprintf(at, "+0x%lx", offset);
	if (module)
		sprintf(at, " [%s]", module);
	return true;
}

static void show_symbol(struct seq_file *m, const char *before, unsigned long address,
			const char *after)
{
	char name[KSYM_SYMBOL_LEN];

	if (symbol_name(address, name))
		seq_printf(m, "%s%s%s", before, name, after);
}

/* Kernel code's own promises don't always tell. */
static bool is_known(const struct hw_breakpoint_watch *watch)
{
	return watch->len || watch->address;
}

/**
 * hw_breakpoint_show_escaped() - show a string that anybody may have made up
 * @m: where
 * @string: what isn't printable, quotes and backslashes come in octal
 *
 * Context: process context.
 */
void hw_breakpoint_show_escaped(struct seq_file *m, const char *string)
{
	seq_escape_mem(m, string, strlen(string), ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND,
		       "\"\\");
}

/**
 * hw_breakpoint_show_task() - name a task
 * @m: where
 * @task: which
 *
 * Context: process context.
 */
void hw_breakpoint_show_task(struct seq_file *m, const struct hw_breakpoint_task *task)
{
	hw_breakpoint_show_escaped(m, task->comm);
	seq_printf(m, "/%d", task->pid);
}

/**
 * hw_breakpoint_show_watch() - say what is watched
 * @m: where
 * @watch: what; nothing is said if it isn't known
 *
 * Context: process context.
 */
void hw_breakpoint_show_watch(struct seq_file *m, const struct hw_breakpoint_watch *watch)
{
	if (!is_known(watch))
		return;
	seq_printf(m, " %s of %llu at 0x%lx", type_name(watch->type), watch->len, watch->address);
	show_symbol(m, " (", watch->address, ")");
}

/**
 * hw_breakpoint_show_string_kv() - a string, for programs
 * @m: where
 * @key: its key
 * @string: the string
 *
 * Context: process context.
 */
void hw_breakpoint_show_string_kv(struct seq_file *m, const char *key, const char *string)
{
	seq_printf(m, " %s=\"", key);
	hw_breakpoint_show_escaped(m, string);
	seq_putc(m, '"');
}

/**
 * hw_breakpoint_show_task_kv() - a task, for programs
 * @m: where
 * @prefix: "task" for whom it is, "" for who asked
 * @task: which; nothing is shown if there is none
 *
 * Context: process context.
 */
void hw_breakpoint_show_task_kv(struct seq_file *m, const char *prefix,
				const struct hw_breakpoint_task *task)
{
	if (!task->pid)
		return;
	seq_printf(m, " %s=%d", *prefix ? prefix : "pid", task->pid);
	hw_breakpoint_show_string_kv(m, *prefix ? "task_comm" : "comm", task->comm);
}

/**
 * hw_breakpoint_show_watch_kv() - what is watched, for programs
 * @m: where
 * @watch: what; nothing is shown if it isn't known
 *
 * Context: process context.
 */
void hw_breakpoint_show_watch_kv(struct seq_file *m, const struct hw_breakpoint_watch *watch)
{
	if (!is_known(watch))
		return;
	seq_printf(m, " addr=0x%lx", watch->address);
	show_symbol(m, " symbol=\"", watch->address, "\"");
	seq_printf(m, " len=%llu type=%s", watch->len, type_name(watch->type));
}

/* === Looking ============================================================== */

static void describe(const struct arch_hw_breakpoint *hw, struct cpu_register *reg)
{
	if (hw->debugger) {
		arch_kgdb_hw_breakpoint_describe(hw, &reg->who);
		return;
	}
	reg->bp = container_of(hw, struct perf_event, hw.info);
	hw_breakpoint_describe_event(reg->bp, &reg->who);
}

static void describe_without(const struct perf_event *bp, int reg, void *data)
{
	struct cpu_look *look = data;
	struct cpu_register *to;

	if (look->nr_without++ >= MAX_WITHOUT)
		return;
	to = &look->without[look->nr_without - 1];
	to->bp = bp;
	to->reg = reg;
	to->shared = reg >= 0;
	hw_breakpoint_describe_event(bp, &to->who);
}

/* On the CPU, with interrupts off: what has a register stays as long. */
static void look_at_cpu(void *data)
{
	struct cpu_look *look = data;
	const struct arch_hw_breakpoint *hw;
	int i;

	for (i = 0; i < HBP_NUM; i++) {
		look->reg[i].reg = i;
		hw = arch_hw_breakpoint_at(i, &look->reg[i].armed);
		if (hw)
			describe(hw, &look->reg[i]);
	}
	hw_breakpoint_share_each(describe_without, look);
}

static void show_all(struct seq_file *m, const struct style *style, int cpu,
		     struct cpu_register *reg, unsigned int nr)
{
	for (; nr--; reg++) {
		if (reg->bp)
			hw_breakpoint_describe_wide(reg->bp, cpu, &reg->who);
		style->one(m, cpu, reg);
	}
}

static void show_cpu(struct seq_file *m, const struct style *style, int cpu, struct cpu_look *look)
{
	unsigned int told;

	memset(look, 0, sizeof(*look));
	if (smp_call_function_single(cpu, look_at_cpu, look, true))
		return;
	told = min(look->nr_without, MAX_WITHOUT);
	show_all(m, style, cpu, look->reg, HBP_NUM);
	show_all(m, style, cpu, look->without, told);
	if (look->nr_without > told)
		style->more(m, cpu, look->nr_without - told);
}

static int show_cpus(struct seq_file *m, const struct style *style)
{
	struct cpu_look *look = kmalloc(sizeof(*look), GFP_KERNEL);
	int cpu;

	if (!look)
		return -ENOMEM;
	for_each_online_cpu(cpu)
		show_cpu(m, style, cpu, look);
	kfree(look);
	return 0;
}

static void show_promises(struct seq_file *m, const struct style *style,
			  struct hw_breakpoint_who *who)
{
	struct hw_breakpoint_cursor cursor = { };
	unsigned int i, nr;
	int cpu;

	for_each_possible_cpu(cpu) {
		nr = hw_breakpoint_promises_of_cpu(cpu, who, BATCH);
		for (i = 0; i < nr; i++)
			style->promise(m, &who[i]);
	}
	while ((nr = hw_breakpoint_promises_of_tasks(&cursor, who, BATCH))) {
		for (i = 0; i < nr; i++)
			style->promise(m, &who[i]);
		cond_resched();
	}
}

static int show_slots(struct seq_file *m, const struct style *style)
{
	struct hw_breakpoint_who *who;
	unsigned int own, task;
	int cpu, err;

	who = kmalloc_array(BATCH, sizeof(*who), GFP_KERNEL);
	if (!who)
		return -ENOMEM;

	style->head(m);
	hw_breakpoint_wide_lock();
	err = show_cpus(m, style);
	for_each_possible_cpu(cpu) {
		hw_breakpoint_promises_on(cpu, &own, &task);
		style->cpu(m, cpu, own, task);
	}
	hw_breakpoint_wide_unlock();

	style->promise_head(m);
	show_promises(m, style, who);
	kfree(who);
	return err;
}

static unsigned int room(unsigned int own, unsigned int task)
{
	return own + task < HBP_NUM ? HBP_NUM - own - task : 0;
}

/* === For people =========================================================== */

static void show_holder(struct seq_file *m, const struct hw_breakpoint_who *who)
{
	seq_puts(m, who->kind);
	if (who->name[0])
		seq_printf(m, " %s", who->name);
	if (who->asker.pid) {
		seq_putc(m, ' ');
		hw_breakpoint_show_task(m, &who->asker);
	}
}

static void plain_head(struct seq_file *m)
{
	seq_puts(m, "CPU REG STATE    ADDRESS             LEN TYPE       HITS HOLDER\n");
}

static void plain_one(struct seq_file *m, int cpu, const struct cpu_register *reg)
{
	const struct hw_breakpoint_who *who = &reg->who;

	seq_printf(m, "%3d %3c ", cpu, reg->reg < 0 ? '-' : '0' + reg->reg);
	if (!who->kind) {
		seq_printf(m, "%s\n", state_name(reg));
		return;
	}
	seq_printf(m, "%-8s 0x%016lx %4llu %-4s %10llu ", state_name(reg), who->watch.address,
		   who->watch.len, type_name(who->watch.type), who->hits);
	show_holder(m, who);
	if (who->task.pid) {
		seq_puts(m, " for ");
		hw_breakpoint_show_task(m, &who->task);
	}
	show_symbol(m, " (", who->watch.address, ")");
	seq_putc(m, '\n');
}

static void plain_more(struct seq_file *m, int cpu, unsigned int nr)
{
	seq_printf(m, "%3d   - and %u more without registers of their own\n", cpu, nr);
}

static void plain_cpu(struct seq_file *m, int cpu, unsigned int own, unsigned int task)
{
	seq_printf(m, "CPU %d%s: %u promised to itself, %u to the busiest task, room for %u\n",
		   cpu, cpu_online(cpu) ? "" : " (offline)", own, task, room(own, task));
}

static void plain_promise_head(struct seq_file *m)
{
	seq_puts(m, "PROMISES\n");
}

static void plain_promise(struct seq_file *m, const struct hw_breakpoint_who *who)
{
	if (who->task.pid)
		hw_breakpoint_show_task(m, &who->task);
	if (who->cpu >= 0)
		seq_printf(m, "%sCPU %d", who->task.pid ? " on " : "", who->cpu);
	seq_printf(m, ": %u to ", who->slots);
	show_holder(m, who);
	hw_breakpoint_show_watch(m, &who->watch);
	seq_putc(m, '\n');
}

static const struct style plain = {
	.head		= plain_head,
	.cpu		= plain_cpu,
	.one		= plain_one,
	.more		= plain_more,
	.promise_head	= plain_promise_head,
	.promise	= plain_promise,
};

static int slots_show(struct seq_file *m, void *unused)
{
	return show_slots(m, &plain);
}
DEFINE_SHOW_ATTRIBUTE(slots);

/* === For programs ========================================================= */

static void kv_head(struct seq_file *m)
{
}

static void kv_who(struct seq_file *m, const struct hw_breakpoint_who *who)
{
	seq_printf(m, " owner=%s", who->kind);
	if (who->name[0])
		hw_breakpoint_show_string_kv(m, "name", who->name);
	hw_breakpoint_show_task_kv(m, "", &who->asker);
}

/* A register is a record of its own word, so that each is there once. */
static void kv_one(struct seq_file *m, int cpu, const struct cpu_register *reg)
{
	if (reg->reg < 0)
		seq_printf(m, "evicted cpu=%d", cpu);
	else if (reg->shared)
		seq_printf(m, "shared cpu=%d reg=%d", cpu, reg->reg);
	else
		seq_printf(m, "register cpu=%d reg=%d state=%s", cpu, reg->reg, state_name(reg));
	if (reg->who.kind) {
		hw_breakpoint_show_watch_kv(m, &reg->who.watch);
		seq_printf(m, " hits=%llu", reg->who.hits);
		kv_who(m, &reg->who);
		hw_breakpoint_show_task_kv(m, "task", &reg->who.task);
	}
	seq_putc(m, '\n');
}

static void kv_more(struct seq_file *m, int cpu, unsigned int nr)
{
	seq_printf(m, "more cpu=%d nr=%u\n", cpu, nr);
}

static void kv_cpu(struct seq_file *m, int cpu, unsigned int own, unsigned int task)
{
	seq_printf(m, "cpu cpu=%d online=%d own=%u busiest_task=%u room=%u\n", cpu,
		   cpu_online(cpu), own, task, room(own, task));
}

static void kv_promise(struct seq_file *m, const struct hw_breakpoint_who *who)
{
	seq_puts(m, "promise");
	if (who->cpu >= 0)
		seq_printf(m, " cpu=%d", who->cpu);
	hw_breakpoint_show_task_kv(m, "task", &who->task);
	seq_printf(m, " slots=%u", who->slots);
	kv_who(m, who);
	hw_breakpoint_show_watch_kv(m, &who->watch);
	seq_putc(m, '\n');
}

static const struct style kv = {
	.head		= kv_head,
	.cpu		= kv_cpu,
	.one		= kv_one,
	.more		= kv_more,
	.promise_head	= kv_head,
	.promise	= kv_promise,
};

static int slots_kv_show(struct seq_file *m, void *unused)
{
	return show_slots(m, &kv);
}
DEFINE_SHOW_ATTRIBUTE(slots_kv);

/* === Refusals ============================================================= */

static int refused_show(struct seq_file *m, void *unused)
{
	return hw_breakpoint_refused_show(m, unused);
}
DEFINE_SHOW_ATTRIBUTE(refused);

static int refused_kv_show(struct seq_file *m, void *unused)
{
	return hw_breakpoint_refused_kv_show(m, unused);
}
DEFINE_SHOW_ATTRIBUTE(refused_kv);

/* === Counters ============================================================= */

#ifdef CONFIG_HW_BREAKPOINT_STATS

/* Each CPU counts for itself. */
DEFINE_PER_CPU(struct hw_breakpoint_stats, hw_breakpoint_stats);

static const char * const stat_name[] = {
	[HW_BREAKPOINT_ADDRESS_WRITES]		= "address_writes",
	[HW_BREAKPOINT_DR6_WRITES]		= "dr6_writes",
	[HW_BREAKPOINT_DR7_WRITES]		= "dr7_writes",
	[HW_BREAKPOINT_SKIPPED_WRITES]		= "skipped_writes",
	[HW_BREAKPOINT_HITS]			= "hits",
	[HW_BREAKPOINT_SPURIOUS_HITS]		= "spurious_hits",
	[HW_BREAKPOINT_GUEST_EXITS]		= "guest_exits",
	[HW_BREAKPOINT_GUEST_EXIT_WRITES]	= "guest_exit_writes",
	[HW_BREAKPOINT_ALL_LOCKS_TAKEN]		= "all_locks",
};

static_assert(ARRAY_SIZE(stat_name) == HW_BREAKPOINT_NR_STATS);

/* A line for each possible CPU: "cpu0 address_writes 12 dr6_writes 0 ..." */
static int stats_show(struct seq_file *m, void *unused)
{
	int cpu, i;

	for_each_possible_cpu(cpu) {
		seq_printf(m, "cpu%d", cpu);
		for (i = 0; i < HW_BREAKPOINT_NR_STATS; i++)
			seq_printf(m, " %s %lu", stat_name[i],
				   READ_ONCE(per_cpu(hw_breakpoint_stats, cpu).nr[i]));
		seq_putc(m, '\n');
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static void stats_init(struct dentry *dir)
{
	debugfs_create_file("stats", 0400, dir, NULL, &stats_fops);
}

#else /* !CONFIG_HW_BREAKPOINT_STATS */

static void stats_init(struct dentry *dir)
{
}

#endif /* !CONFIG_HW_BREAKPOINT_STATS */

static int __init hw_breakpoint_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("hw_breakpoint", NULL);

	debugfs_create_file("slots", 0400, dir, NULL, &slots_fops);
	debugfs_create_file("slots.kv", 0400, dir, NULL, &slots_kv_fops);
	debugfs_create_file("refused", 0400, dir, NULL, &refused_fops);
	debugfs_create_file("refused.kv", 0400, dir, NULL, &refused_kv_fops);
	stats_init(dir);
	hw_breakpoint_recount_init(dir);
	return 0;
}
fs_initcall(hw_breakpoint_debugfs_init);
