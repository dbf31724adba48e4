// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watched memory: finding it by name, and what it held before an access.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "trace_watch.h"

/**
 * struct symbol_search - a symbol that is looked for
 * @name: without its module
 * @addr: of the last one found
 * @found: how many there are
 */
struct symbol_search {
	const char	*name;
	unsigned long	addr;
	unsigned int	found;
};

/* This CPU reads watched memory itself, interrupts off. */
static DEFINE_PER_CPU(bool, watch_reading);

/* === Later ================================================================ */

static void do_task(struct callback_head *task)
{
	struct watch_later *later = container_of(task, struct watch_later, task);

	later->fn(later);
}

static void do_work(struct work_struct *work)
{
	struct watch_later *later = container_of(work, struct watch_later, work);

	later->fn(later);
}

/**
 * watch_do_later() - do what must not be done under the locks that the caller has
 * @later: not used for anything else meanwhile
 * @fn: called with no lock held, in process context
 *
 * A program that asked for it finds it done when its system call returns.
 *
 * Context: process context.
 */
void watch_do_later(struct watch_later *later, void (*fn)(struct watch_later *later))
{
	later->fn = fn;
	init_task_work(&later->task, do_task);
	if (!(current->flags & PF_KTHREAD) && !task_work_add(current, &later->task, TWA_RESUME))
		return;
	INIT_WORK(&later->work, do_work);
	schedule_work(&later->work);
}

/* === What to watch ======================================================== */

/**
 * watch_is_len() - can values of that size be recorded?
 * @len: bytes
 *
 * Context: any.
 * Return: true for 1, 2, 4 and 8.
 */
bool watch_is_len(unsigned long len)
{
	return is_power_of_2(len) && len <= WATCH_MAX_LEN;
}

/**
 * watch_default_len() - how much of a variable is watched if nobody says
 * @addr: the first byte
 *
 * Context: any.
 * Return: what is left of the variable if a register can serve that, or as much of it as one
 * can; bytes.
 */
unsigned int watch_default_len(unsigned long addr)
{
	unsigned long size, at, len = WATCH_MAX_LEN;

	if (kallsyms_lookup_size_offset(addr, &size, &at) && size > at)
		len = min(rounddown_pow_of_two(size - at), len);
	while (!IS_ALIGNED(addr, len))
		len /= 2;
	return len;
}

/**
 * watch_attr() - describe the breakpoint
 * @attr: overwritten whole
 * @addr: the first byte
 * @type: HW_BREAKPOINT_W, _RW or _X
 * @len: bytes; for execution it doesn't matter
 *
 * Context: any.
 */
void watch_attr(struct perf_event_attr *attr, unsigned long addr, unsigned int type,
		unsigned int len)
{
	hw_breakpoint_init(attr);
	attr->bp_addr = addr;
	attr->bp_type = type;
	attr->bp_len = type == HW_BREAKPOINT_X ? sizeof(long) : len;
}

/* === Finding it =========================================================== */

static int note_symbol(void *data, unsigned long addr)
{
	struct symbol_search *search = data;

	search->addr = addr;
	search->found++;
	return 0;
}

static int note_module_symbol(void *data, const char *name, unsigned long addr)
{
	struct symbol_search *search = data;

	return strcmp(name, search->name) ? 0 : note_symbol(data, addr);
}

/*
 * A module that goes is found until its memory is freed, but has been told of already. What it
 * only has while it is initialised goes without being told of.
 */
static bool stays(unsigned long addr)
{
	struct module *mod;
	bool yes;

	preempt_disable();
	mod = __module_address(addr);
	yes = !mod || (mod->state != MODULE_STATE_GOING && !within_module_init(addr, mod));
	preempt_enable();
	return yes;
}

/**
 * watch_find_symbol() - look a variable or function up
 * @name: "symbol" or "module:symbol"
 * @addr: set to where it is
 *
 * Who is told when modules go, and keeps that from happening meanwhile, can rely on being told
 * of what was found here.
 *
 * Context: may sleep.
 * Return: 0, or -ENOENT, or -EADDRNOTAVAIL if there are several of that name, or -ERANGE for a
 * per-CPU variable, which has no address of its own, or -ENAMETOOLONG.
 */
int watch_find_symbol(const char *name, unsigned long *addr)
{
	const char *colon = strchr(name, ':');
	struct symbol_search search = { .name = colon ? colon + 1 : name };
	char module[MODULE_NAME_LEN];

	if (colon && colon - name >= sizeof(module))
		return -ENAMETOOLONG;
	if (colon)
		strscpy(module, name, colon - name + 1);
	else
		kallsyms_on_each_match_symbol(note_symbol, name, &search);
	module_kallsyms_on_each_symbol(colon ? module : NULL, note_module_symbol, &search);

	if (!search.found)
		return -ENOENT;
	if (search.found > 1)
		return -EADDRNOTAVAIL;
	if (search.addr < TASK_SIZE_MAX)
		return -ERANGE;
	if (!stays(search.addr))
		return -ENOENT;
	*addr = search.addr;
	return 0;
}

/* === Values =============================================================== */

/* What was just accessed can be read; what a pointer was said to be may not. */
static nokprobe_inline u64 read_value(unsigned long addr, unsigned int len)
{
	union {
		u8	u8;
		u16	u16;
		u32	u32;
		u64	u64;
	} raw = { };

	if (copy_from_kernel_nofault(&raw, (void *)addr, len))
		return 0;
	switch (len) {
	case 1:
		return raw.u8;
	case 2:
		return raw.u16;
	case 4:
		return raw.u32;
	default:
		return raw.u64;
	}
}

/**
 * watch_begin() - note what is there before anybody accesses it
 * @last: where to note it
 * @addr: of the memory
 * @len: bytes, as watch_is_len() takes it
 *
 * Context: any, NMI included.
 */
void __kprobes watch_begin(struct watch_value *last, unsigned long addr, unsigned int len)
{
	unsigned long flags;
	bool was;

	/* Of what could come in between nothing can be hit: in an NMI breakpoints are off. */
	local_irq_save(flags);
	was = __this_cpu_read(watch_reading);
	__this_cpu_write(watch_reading, true);
	WRITE_ONCE(last->addr, 0);
	atomic64_set(&last->value, read_value(addr, len));
	WRITE_ONCE(last->addr, addr);
	__this_cpu_write(watch_reading, was);
	local_irq_restore(flags);
}

/**
 * watch_look() - see what an access has changed
 * @last: what was noted there before
 * @bp: the event that was hit
 * @hit: overwritten whole
 *
 * When several CPUs write at once the values are of some order of the writes, and an old value
 * is always one that an earlier hit has told as its value.
 *
 * Context: the handler of @bp.
 * Return: false if it was watch_begin() that read there, which is no hit.
 */
bool __kprobes watch_look(struct watch_value *last, struct perf_event *bp, struct watch_hit *hit)
{
	if (this_cpu_read(watch_reading))
		return false;
	hit->addr = hw_breakpoint_addr(bp);
	if (hw_breakpoint_type(bp) == HW_BREAKPOINT_X) {
		hit->value = 0;
		hit->old = 0;
		return true;
	}
	hit->value = read_value(hit->addr, hw_breakpoint_len(bp));
	hit->old = atomic64_xchg(&last->value, hit->value);
	if (unlikely(READ_ONCE(last->addr) != hit->addr)) {
		hit->old = hit->value;
		WRITE_ONCE(last->addr, hit->addr);
	}
	return true;
}
