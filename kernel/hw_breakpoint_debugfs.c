// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the breakpoint layer tells of itself, in /sys/kernel/debug/hw_breakpoint/: who holds
 * which register, who has reserved one, and who was refused.
 *
 * A file has a record a line: a word, and then key=value, with strings in double quotes. The
 * command hwbp makes it readable.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/build_bug.h>
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/errname.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/init.h>
#include <linux/kallsyms.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string_helpers.h>

#include "hw_breakpoint_internal.h"
#include "hw_breakpoint_slots.h"

/* How many events that share another one's register are shown for each CPU: 7 KiB. */
#define MAX_GUESTS	32

/**
 * struct cpu_register - what a register of a CPU is used for
 * @holder: who holds it
 * @reg: which register
 * @armed: the register is in force
 */
struct cpu_register {
	struct hw_breakpoint_holder	holder;
	int				reg;
	bool				armed;
};

/**
 * struct cpu_look - a CPU's registers at one moment
 * @reg: each of them
 * @guest: events that are scheduled in and share another one's register
 * @nr_guests: how many of these there are; only the first MAX_GUESTS are in @guest
 */
struct cpu_look {
	struct cpu_register	reg[HBP_NUM];
	struct cpu_register	guest[MAX_GUESTS];
	unsigned int		nr_guests;
};

/* === Values =============================================================== */

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

/* "symbol+0x8 [module]", without an offset of 0; nothing if the address has no name. */
static void show_symbol(struct seq_file *m, unsigned long address)
{
	unsigned long size, offset;
	char name[KSYM_NAME_LEN];
	char *module;

	if (kallsyms_lookup(address, &size, &offset, &module, name) != name)
		return;
	seq_printf(m, " symbol=\"%s", name);
	if (offset)
		seq_printf(m, "+0x%lx", offset);
	if (module)
		seq_printf(m, " [%s]", module);
	seq_putc(m, '"');
}

/* Users choose some of the strings, so what isn't printable, quotes and backslashes are escaped. */
static void show_string(struct seq_file *m, const char *key, const char *string)
{
	seq_printf(m, " %s=\"", key);
	seq_escape_mem(m, string, strlen(string), ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND,
		       "\"\\");
	seq_putc(m, '"');
}

static void show_watch(struct seq_file *m, const struct hw_breakpoint_watch *watch)
{
	if (!watch->len && !watch->address)
		return;
	seq_printf(m, " addr=0x%lx", watch->address);
	show_symbol(m, watch->address);
	seq_printf(m, " len=%llu type=%s", watch->len, type_name(watch->type));
}

static void show_holder(struct seq_file *m, const struct hw_breakpoint_holder *holder)
{
	show_watch(m, &holder->watch);
	seq_printf(m, " owner=%s", holder->kind);
	if (holder->name[0])
		show_string(m, "name", holder->name);
	if (holder->asker.pid) {
		seq_printf(m, " pid=%d", holder->asker.pid);
		show_string(m, "comm", holder->asker.comm);
	}
	if (holder->task.pid) {
		seq_printf(m, " task=%d", holder->task.pid);
		show_string(m, "task_comm", holder->task.comm);
	}
}

static void show_place(struct seq_file *m, int cpu)
{
	if (cpu == HW_BREAKPOINT_EVERY_CPU)
		seq_puts(m, " wide=1");
	else if (cpu != HW_BREAKPOINT_ANY_CPU)
		seq_printf(m, " cpu=%d", cpu);
}

/* === slots ================================================================ */

static void describe(const struct arch_hw_breakpoint *hw, struct hw_breakpoint_holder *holder)
{
	if (hw->debugger)
		arch_kgdb_hw_breakpoint_describe(hw, holder);
	else
		hw_breakpoint_describe(container_of(hw, struct perf_event, hw.info), holder);
}

static void describe_guest(const struct perf_event *bp, int reg, void *data)
{
	struct cpu_look *look = data;
	struct cpu_register *to;

	if (look->nr_guests++ >= MAX_GUESTS)
		return;
	to = &look->guest[look->nr_guests - 1];
	to->reg = reg;
	hw_breakpoint_describe(bp, &to->holder);
}

/* On the CPU, with interrupts off: what has a register stays as long. */
static void look_at_cpu(void *data)
{
	struct cpu_look *look = data;
	const struct arch_hw_breakpoint *hw;
	int i;

	for (i = 0; i < HBP_NUM; i++) {
		look->reg[i].reg = i;
		look->reg[i].armed = arch_hw_breakpoint_is_armed(i);
		hw = arch_hw_breakpoint_holder(i);
		if (hw)
			describe(hw, &look->reg[i].holder);
	}
	hw_breakpoint_share_each(describe_guest, look);
}

static void show_use(struct seq_file *m, const struct hw_breakpoint_holder *holder)
{
	if (holder->kind[0]) {
		seq_printf(m, " hits=%llu", holder->hits);
		show_holder(m, holder);
	}
	seq_putc(m, '\n');
}

static void show_register(struct seq_file *m, int cpu, const struct cpu_register *reg)
{
	seq_printf(m, "register cpu=%d reg=%d state=%s", cpu, reg->reg,
		   !reg->holder.kind[0] ? "free" : reg->armed ? "armed" : "waiting");
	show_use(m, &reg->holder);
}

static void show_guest(struct seq_file *m, int cpu, const struct cpu_register *reg)
{
	seq_printf(m, "shared cpu=%d reg=%d", cpu, reg->reg);
	show_use(m, &reg->holder);
}

static void show_cpu(struct seq_file *m, int cpu, struct cpu_look *look)
{
	unsigned int i;

	memset(look, 0, sizeof(*look));
	if (smp_call_function_single(cpu, look_at_cpu, look, true))
		return;
	for (i = 0; i < HBP_NUM; i++)
		show_register(m, cpu, &look->reg[i]);
	for (i = 0; i < min(look->nr_guests, MAX_GUESTS); i++)
		show_guest(m, cpu, &look->guest[i]);
	if (look->nr_guests > MAX_GUESTS)
		seq_printf(m, "more cpu=%d nr=%u\n", cpu, look->nr_guests - MAX_GUESTS);
}

static void show_sums(struct seq_file *m)
{
	const unsigned int everywhere = hw_breakpoint_busiest_everywhere();
	unsigned int left, task;
	int cpu;

	for_each_possible_cpu(cpu) {
		left = hw_breakpoint_left_on(cpu);
		task = max(everywhere, hw_breakpoint_busiest_on(cpu));
		seq_printf(m, "cpu cpu=%d online=%d own=%u busiest_task=%u room=%u\n", cpu,
			   cpu_online(cpu), HBP_NUM - left, task, left - min(left, task));
	}
}

static void show_promise(struct seq_file *m, const struct hw_breakpoint_holder *holder)
{
	seq_puts(m, "promise");
	show_place(m, holder->cpu);
	seq_printf(m, " slots=%u", holder->weight);
	show_holder(m, holder);
	seq_putc(m, '\n');
}

static int slots_show(struct seq_file *m, void *unused)
{
	struct cpu_look *look = kmalloc(sizeof(*look), GFP_KERNEL);
	int cpu;

	if (!look)
		return -ENOMEM;
	cpus_read_lock();
	for_each_online_cpu(cpu)
		show_cpu(m, cpu, look);
	cpus_read_unlock();
	kfree(look);
	show_sums(m);
	hw_breakpoint_list_holders(show_promise, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(slots);

/* === refused ============================================================== */

static void show_refusal(struct seq_file *m, const struct hw_breakpoint_refusal *r)
{
	const char *error = errname(-r->err);
	u64 s = r->time;
	const u32 us = do_div(s, NSEC_PER_SEC) / NSEC_PER_USEC;

	seq_printf(m, "refused time=%llu.%06u", s, us);
	show_place(m, r->request.cpu);
	show_holder(m, &r->request);
	seq_printf(m, " errno=%d", -r->err);
	if (error)
		seq_printf(m, " error=%s", error);
	seq_printf(m, " times=%u", r->times);
	show_string(m, "reason", r->why);
	seq_putc(m, '\n');
}

static int refused_show(struct seq_file *m, void *unused)
{
	struct hw_breakpoint_refusal *r;
	unsigned int i;

	r = kvcalloc(HW_BREAKPOINT_NR_REFUSALS, sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	hw_breakpoint_copy_refusals(r);
	for (i = 0; i < HW_BREAKPOINT_NR_REFUSALS; i++)
		if (r[i].times)
			show_refusal(m, &r[i]);
	kvfree(r);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(refused);

static int __init hw_breakpoint_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("hw_breakpoint", NULL);

	debugfs_create_file("slots", 0400, dir, NULL, &slots_fops);
	debugfs_create_file("refused", 0400, dir, NULL, &refused_fops);
	return 0;
}
fs_initcall(hw_breakpoint_debugfs_init);
