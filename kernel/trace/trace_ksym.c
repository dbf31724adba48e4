// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ksym tracer: who touches a kernel variable, and what it held before and after.
 *
 * A watch is a wide hardware breakpoint, set when its line is written to ksym_trace_filter
 * and counted from then on in ksym_profile. While ksym_tracer is an instance's tracer its
 * hits are recorded there, as an event ksym:ksym_hit of the common kind: so filters,
 * triggers, histograms, stacktrace and the rest work on it.
 *
 * Documentation/trace/ksym.rst
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#define pr_fmt(fmt) "ksym: " fmt

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/list_sort.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rculist.h>
#include <linux/perf_event.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/trace_events.h>
#include <linux/tracefs.h>

#include "trace.h"
#include "trace_ksym.h"
#include "trace_output.h"
#include "trace_watch.h"

#define KSYM_SYSTEM	"ksym"
#define KSYM_EVENT	"ksym_hit"

/* The longest "module:symbol+0xoffset" with its NUL. */
#define KSYM_MAX_PLACE	(MODULE_NAME_LEN + KSYM_NAME_LEN + 32)

/* === Data ================================================================= */

/**
 * struct ksym_instance - a trace instance that has or had watches
 * @node: in ksym_instances
 * @tr: the instance; NULL: it is gone, and this is to be. Protected by ksym_mutex
 * @file: its ksym_hit event
 * @event_on: we have switched that on
 * @watches: in the order in which they were set
 * @tracing: ksym_tracer is its tracer; read at hits without a lock
 * @burial: removes what is left of it
 */
struct ksym_instance {
	struct list_head	node;
	struct trace_array	*tr;
	struct trace_event_file	*file;
	bool			event_on;
	struct list_head	watches;
	bool			tracing;
	struct watch_later	burial;
};

/**
 * struct ksym_watch - a watched symbol
 * @node: in the instance's list
 * @instance: where it was set
 * @events: the breakpoint
 * @addr: of the first byte
 * @type: HW_BREAKPOINT_W, _RW or _X
 * @len: bytes
 * @hits: since it was set, on any CPU
 * @by_hits: in the order of ksym_profile, while that is read
 * @counted: @hits at that time
 * @fresh: set by the write that is going on
 * @last: what was there at the last hit; changed by hits, without a lock
 * @name: "symbol+0x8" or "module:symbol", as in ksym_trace_filter
 */
struct ksym_watch {
	struct list_head		node;
	struct ksym_instance		*instance;
	struct perf_event *__percpu	*events;
	unsigned long			addr;
	unsigned int			type;
	unsigned int			len;
	atomic_long_t			hits;
	struct list_head		by_hits;
	long				counted;
	bool				fresh;
	struct watch_value		last;
	char				name[];
};

/**
 * struct ksym_request - a line of ksym_trace_filter
 * @place: symbol and offset, as it was written
 * @addr: of the first byte
 * @offset: from the symbol
 * @type: HW_BREAKPOINT_W, _RW or _X; 0: remove it
 * @len: bytes; 0: as much as a register can serve
 */
struct ksym_request {
	const char	*place;
	unsigned long	addr;
	unsigned long	offset;
	unsigned int	type;
	unsigned int	len;
};

/*
 * Locking:
 *
 * 1. Who sets or removes a breakpoint takes locks of perf's contexts, and perf takes event_mutex
 *    inside of those, and trace_types_lock inside of that. So nobody does who holds one of the two.
 * 2. ksym_write_mutex is held by who changes watches, over all that. It is taken first.
 * 3. ksym_mutex protects the lists of instances and watches, and is taken last: also under
 *    event_mutex and trace_types_lock, when a tracer is set or an instance goes.
 * 4. Under either of the two mutexes the lists can be read; under both they are changed, but for a
 *    new instance, which comes under ksym_mutex alone: who has the other one walks that list as
 *    RCU's are. (What is there stays: so no grace period is needed.)
 */
static DEFINE_MUTEX(ksym_write_mutex);
static DEFINE_MUTEX(ksym_mutex);
static LIST_HEAD(ksym_instances);

/* What may be wrong with a line; the order of ksym_errors[]. */
enum ksym_error {
	KSYM_NO_ACCESS,
	KSYM_BAD_ACCESS,
	KSYM_READ_ALONE,
	KSYM_BAD_LEN,
	KSYM_LEN_OF_CODE,
	KSYM_BAD_OFFSET,
	KSYM_NO_SYMBOL,
	KSYM_AMBIGUOUS,
	KSYM_PER_CPU,
	KSYM_NOT_SET,
	KSYM_UNALIGNED,
	KSYM_NO_REGISTER,
	KSYM_REFUSED,
	KSYM_NR_ERRORS,
};

static const char *ksym_errors[] = {
	[KSYM_NO_ACCESS]	= "Access is missing: symbol:-w-, :rw-, :--x, or :--- to remove it",
	[KSYM_BAD_ACCESS]	= "Access must be -w-, rw-, --x, or --- to remove it",
	[KSYM_READ_ALONE]	= "Reads alone can't be watched: use rw-",
	[KSYM_BAD_LEN]		= "Length must be 1, 2, 4 or 8",
	[KSYM_LEN_OF_CODE]	= "Execution has no length",
	[KSYM_BAD_OFFSET]	= "Invalid offset",
	[KSYM_NO_SYMBOL]	= "Symbol is not found; is its module loaded?",
	[KSYM_AMBIGUOUS]	= "Several symbols have this name: use module:symbol",
	[KSYM_PER_CPU]		= "A per-CPU variable has no address of its own",
	[KSYM_NOT_SET]		= "Symbol is not watched",
	[KSYM_UNALIGNED]	= "Address must be a multiple of the length",
	[KSYM_NO_REGISTER]	= "No register is free; debugfs' hw_breakpoint/refused says why",
	[KSYM_REFUSED]		= "This can't be watched; debugfs' hw_breakpoint/refused says why",
};

static_assert(ARRAY_SIZE(ksym_errors) == KSYM_NR_ERRORS);

static struct ksym_instance *find_instance(const struct trace_array *tr)
{
	struct ksym_instance *instance;

	lockdep_assert_held(&ksym_mutex);
	list_for_each_entry(instance, &ksym_instances, node) {
		if (instance->tr == tr)
			return instance;
	}
	return NULL;
}

/* === The event ============================================================ */

/**
 * struct ksym_entry - a hit as it is recorded
 * @ent: common
 * @ip: behind the instruction that did it; for execution, of the instruction
 * @addr: of the memory
 * @old: what was there before
 * @value: what is there now
 * @type: HW_BREAKPOINT_W, _RW or _X
 * @len: bytes
 */
struct ksym_entry {
	struct trace_entry	ent;
	unsigned long		ip;
	unsigned long		addr;
	u64			old;
	u64			value;
	u32			type;
	u32			len;
};

static struct trace_event_fields ksym_fields[] = {
#define KSYM_FIELD(_type, _name) {					\
		.type		= #_type,				\
		.name		= #_name,				\
		.size		= sizeof_field(struct ksym_entry, _name), \
		.align		= __alignof__(((struct ksym_entry *)0)->_name), \
		.filter_type	= FILTER_OTHER,				\
	}
	KSYM_FIELD(unsigned long, ip),
	KSYM_FIELD(unsigned long, addr),
	KSYM_FIELD(u64, old),
	KSYM_FIELD(u64, value),
	KSYM_FIELD(u32, type),
	KSYM_FIELD(u32, len),
#undef KSYM_FIELD
	{ }
};

static const char *access_name(unsigned int type)
{
	switch (type) {
	case HW_BREAKPOINT_W:
		return "-w-";
	case HW_BREAKPOINT_RW:
		return "rw-";
	case HW_BREAKPOINT_X:
		return "--x";
	default:
		return "---";
	}
}

static void print_values(struct trace_seq *s, const struct ksym_entry *entry)
{
	int digits = entry->len * 2;

	if (entry->type == HW_BREAKPOINT_X)
		return;
	if (entry->type == HW_BREAKPOINT_RW && entry->old == entry->value)
		trace_seq_printf(s, " 0x%0*llx", digits, entry->value);
	else
		trace_seq_printf(s, " 0x%0*llx -> 0x%0*llx", digits, entry->old, digits,
				 entry->value);
}

/* "ksym_hit: variable+0x0/0x8 -w- 0x01 -> 0x02 by function+0x15/0x30" */
static enum print_line_t print_hit(struct trace_iterator *iter, int flags,
				   struct trace_event *event)
{
	const struct ksym_entry *entry = (struct ksym_entry *)iter->ent;
	struct trace_seq *s = &iter->seq;

	trace_seq_puts(s, KSYM_EVENT ": ");
	seq_print_ip_sym(s, entry->addr, flags | TRACE_ITER_SYM_OFFSET);
	trace_seq_printf(s, " %s", access_name(entry->type));
	print_values(s, entry);
	trace_seq_puts(s, " by ");
	seq_print_ip_sym(s, entry->ip, flags | TRACE_ITER_SYM_OFFSET);
	trace_seq_putc(s, '\n');
	return trace_handle_return(s);
}

/* Watches are set by ksym_trace_filter; perf has breakpoints of its own. */
static int ksym_event_reg(struct trace_event_call *call, enum trace_reg type, void *data)
{
	return type == TRACE_REG_REGISTER || type == TRACE_REG_UNREGISTER ? 0 : -EOPNOTSUPP;
}

static struct trace_event_functions ksym_event_funcs = {
	.trace	= print_hit,
};

static struct trace_event_class ksym_event_class = {
	.system		= KSYM_SYSTEM,
	.fields_array	= ksym_fields,
	.fields		= LIST_HEAD_INIT(ksym_event_class.fields),
	.reg		= ksym_event_reg,
};

/* For programs that read records as they are. */
#define KSYM_PRINT_FMT								\
	"\"%pS type=%u len=%u 0x%llx -> 0x%llx by %pS\", (void *)REC->addr, "	\
	"REC->type, REC->len, REC->old, REC->value, (void *)REC->ip"

static struct trace_event_call ksym_event_call = {
	.class		= &ksym_event_class,
	.name		= KSYM_EVENT,
	.event.funcs	= &ksym_event_funcs,
	.print_fmt	= KSYM_PRINT_FMT,
	.flags		= TRACE_EVENT_FL_DYNAMIC,
};

/* === Hits ================================================================= */

static nokprobe_inline void record(struct trace_event_file *file, struct perf_event *bp,
				   const struct watch_hit *hit, struct pt_regs *regs)
{
	struct trace_event_buffer fbuffer;
	struct ksym_entry *entry;

	if (!(file->flags & EVENT_FILE_FL_ENABLED) || trace_trigger_soft_disabled(file))
		return;
	entry = trace_event_buffer_reserve(&fbuffer, file, sizeof(*entry));
	if (!entry)
		return;
	fbuffer.regs = regs;
	entry->ip = instruction_pointer(regs);
	entry->addr = hit->addr;
	entry->old = hit->old;
	entry->value = hit->value;
	entry->type = hw_breakpoint_type(bp);
	entry->len = hw_breakpoint_len(bp);
	trace_event_buffer_commit(&fbuffer);
}

/* The breakpoint's handler: in an exception that may have come anywhere, in an NMI too. */
static void __kprobes ksym_hit(struct perf_event *bp, struct perf_sample_data *data,
			       struct pt_regs *regs)
{
	struct ksym_watch *watch = bp->overflow_handler_context;
	struct watch_hit hit;

	if (!watch_look(&watch->last, bp, &hit))
		return;
	atomic_long_inc(&watch->hits);
	if (READ_ONCE(watch->instance->tracing))
		record(watch->instance->file, bp, &hit, regs);
}

/* === Watches ============================================================== */

static struct ksym_watch *find_watch(const struct ksym_instance *instance, unsigned long addr)
{
	struct ksym_watch *watch;

	lockdep_assert_held(&ksym_write_mutex);
	list_for_each_entry(watch, &instance->watches, node) {
		if (watch->addr == addr)
			return watch;
	}
	return NULL;
}

static void watch_remove(struct ksym_watch *watch)
{
	lockdep_assert_held(&ksym_write_mutex);
	mutex_lock(&ksym_mutex);
	list_del(&watch->node);
	mutex_unlock(&ksym_mutex);
	unregister_wide_hw_breakpoint(watch->events);
	kfree(watch);
}

static void watch_remove_all(struct ksym_instance *instance)
{
	struct ksym_watch *watch, *next;

	list_for_each_entry_safe(watch, next, &instance->watches, node)
		watch_remove(watch);
}

static int watch_add(struct ksym_instance *instance, const struct ksym_request *request)
{
	size_t size = strlen(request->place) + 1;
	struct ksym_watch *watch = kzalloc(struct_size(watch, name, size), GFP_KERNEL);
	struct perf_event_attr attr;
	int err;

	if (!watch)
		return -ENOMEM;
	watch->instance = instance;
	watch->addr = request->addr;
	watch->type = request->type;
	watch->len = request->len;
	strscpy(watch->name, request->place, size);
	if (watch->type != HW_BREAKPOINT_X)
		watch_begin(&watch->last, watch->addr, watch->len);

	watch_attr(&attr, watch->addr, watch->type, watch->len);
	watch->events = register_wide_hw_breakpoint_as("ksym", watch->name, &attr, ksym_hit, watch);
	if (IS_ERR_PCPU(watch->events)) {
		err = PTR_ERR_PCPU(watch->events);
		kfree(watch);
		return err;
	}
	watch->fresh = true;
	mutex_lock(&ksym_mutex);
	list_add_tail(&watch->node, &instance->watches);
	mutex_unlock(&ksym_mutex);
	return 0;
}

/*
 * It keeps its register, so that nobody takes that meanwhile, and its count. A hit before we have
 * read the memory has no old value.
 */
static int watch_change(struct ksym_watch *watch, const struct ksym_request *request)
{
	struct perf_event_attr attr;
	int err;

	if (watch->type == request->type && watch->len == request->len)
		return 0;
	WRITE_ONCE(watch->last.addr, 0);
	watch_attr(&attr, watch->addr, request->type, request->len);
	err = modify_wide_hw_breakpoint(watch->events, &attr);
	if (err)
		return err;
	mutex_lock(&ksym_mutex);
	watch->type = request->type;
	watch->len = request->len;
	mutex_unlock(&ksym_mutex);
	if (watch->type != HW_BREAKPOINT_X)
		watch_begin(&watch->last, watch->addr, watch->len);
	return 0;
}

/* === A line of the filter ================================================= */

/* For error_log, with a caret under the byte of @line that is at @at. */
static int complain(struct trace_array *tr, const char *line, size_t at, enum ksym_error what)
{
	tracing_log_err(tr, KSYM_SYSTEM, line, ksym_errors, what, at);
	return -EINVAL;
}

static int parse_access(const char *text, unsigned int *type)
{
	static const struct {
		const char	*text;
		unsigned int	type;
	} known[] = {
		{ "-w-", HW_BREAKPOINT_W },
		{ "rw-", HW_BREAKPOINT_RW },
		{ "--x", HW_BREAKPOINT_X },
		{ "r--", HW_BREAKPOINT_R },
		{ "---", HW_BREAKPOINT_EMPTY },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strcmp(text, known[i].text)) {
			*type = known[i].type;
			return 0;
		}
	}
	return -EINVAL;
}

static int find_error(int err)
{
	switch (err) {
	case -EADDRNOTAVAIL:
		return KSYM_AMBIGUOUS;
	case -ERANGE:
		return KSYM_PER_CPU;
	default:
		return KSYM_NO_SYMBOL;
	}
}

/* Takes @place, "symbol+offset", apart in a copy. */
static int find_place(struct trace_array *tr, const char *line, struct ksym_request *request)
{
	char symbol[KSYM_MAX_PLACE];
	char *plus;
	int err;

	if (strscpy(symbol, request->place) < 0)
		return complain(tr, line, 0, KSYM_NO_SYMBOL);
	plus = strchr(symbol, '+');
	if (plus) {
		*plus = '\0';
		if (kstrtoul(plus + 1, 0, &request->offset))
			return complain(tr, line, plus + 1 - symbol, KSYM_BAD_OFFSET);
	}
	err = watch_find_symbol(symbol, &request->addr);
	if (err) {
		complain(tr, line, 0, find_error(err));
		return err == -ENOENT ? -ENOENT : -EINVAL;
	}
	request->addr += request->offset;
	if (request->addr < TASK_SIZE_MAX)
		return complain(tr, line, plus + 1 - symbol, KSYM_BAD_OFFSET);
	return 0;
}

static int check_len(struct trace_array *tr, const char *line, size_t at,
		     struct ksym_request *request)
{
	if (request->type == HW_BREAKPOINT_X) {
		if (request->len)
			return complain(tr, line, at, KSYM_LEN_OF_CODE);
		request->len = sizeof(long);
		return 0;
	}
	if (!request->len)
		request->len = watch_default_len(request->addr);
	if (!IS_ALIGNED(request->addr, request->len))
		return complain(tr, line, at, KSYM_UNALIGNED);
	return 0;
}

/* Takes @text, a copy of @line, apart: "symbol[+offset][/length]:access". */
static int parse_line(struct trace_array *tr, const char *line, char *text,
		      struct ksym_request *request)
{
	char *access = strrchr(text, ':'), *slash;
	size_t at = 0;
	int err;

	if (!access)
		return complain(tr, line, strlen(line), KSYM_NO_ACCESS);
	*access++ = '\0';
	if (parse_access(access, &request->type))
		return complain(tr, line, access - text, KSYM_BAD_ACCESS);
	if (request->type == HW_BREAKPOINT_R)
		return complain(tr, line, access - text, KSYM_READ_ALONE);

	slash = strchr(text, '/');
	if (slash) {
		*slash++ = '\0';
		at = slash - text;
		if (kstrtouint(slash, 0, &request->len) || !watch_is_len(request->len))
			return complain(tr, line, at, KSYM_BAD_LEN);
	}
	request->place = text;
	err = find_place(tr, line, request);
	return err ?: check_len(tr, line, at, request);
}

static int set_watch(struct ksym_instance *instance, const struct ksym_request *request)
{
	struct ksym_watch *watch = find_watch(instance, request->addr);

	if (watch)
		return watch_change(watch, request);
	return watch_add(instance, request);
}

static int apply(struct ksym_instance *instance, const char *line,
		 const struct ksym_request *request)
{
	struct trace_array *tr = instance->tr;
	struct ksym_watch *watch;
	int err;

	if (request->type == HW_BREAKPOINT_EMPTY) {
		watch = find_watch(instance, request->addr);
		if (!watch) {
			complain(tr, line, 0, KSYM_NOT_SET);
			return -ENOENT;
		}
		watch_remove(watch);
		return 0;
	}
	err = set_watch(instance, request);
	if (err && err != -ENOMEM)
		complain(tr, line, 0, err == -ENOSPC ? KSYM_NO_REGISTER : KSYM_REFUSED);
	return err;
}

static bool is_clear(const char *text)
{
	return !*text || !strcmp(text, "0") || !strcmp(text, "*:---");
}

/* A line without blanks at its ends. */
static int run_line(struct ksym_instance *instance, const char *line)
{
	struct ksym_request request = { };
	char *text;
	int err;

	if (is_clear(line)) {
		watch_remove_all(instance);
		return 0;
	}
	text = kstrdup(line, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	err = parse_line(instance->tr, line, text, &request);
	if (!err)
		err = apply(instance, line, &request);
	kfree(text);
	return err;
}

/* The watches that this write has set are there or, on an error, not. */
static void settle(struct ksym_instance *instance, int err)
{
	struct ksym_watch *watch, *next;

	list_for_each_entry_safe(watch, next, &instance->watches, node) {
		if (err && watch->fresh)
			watch_remove(watch);
		else
			watch->fresh = false;
	}
}

/* Empty lines among others mean nothing; a text of nothing else clears all. */
static int run_lines(struct ksym_instance *instance, char *text)
{
	char *line;
	int err = 0;

	text = strim(text);
	if (!*text)
		return run_line(instance, text);
	while (!err && (line = strsep(&text, "\n"))) {
		line = strim(line);
		if (*line)
			err = run_line(instance, line);
	}
	settle(instance, err);
	return err;
}

/* === Instances ============================================================ */

/* Found, or made. */
static struct ksym_instance *get_instance(struct trace_array *tr)
{
	struct ksym_instance *instance = find_instance(tr);

	if (instance)
		return instance;
	instance = kzalloc(sizeof(*instance), GFP_KERNEL);
	if (!instance)
		return NULL;
	instance->tr = tr;
	INIT_LIST_HEAD(&instance->watches);
	list_add_tail_rcu(&instance->node, &ksym_instances);
	return instance;
}

/*
 * The event is switched on with the first watch and off when a write leaves none, and otherwise
 * is as its users want it. (On only for a trigger's sake it would be kept out of the trace.)
 */
static void switch_event(struct ksym_instance *instance)
{
	bool on = !list_empty(&instance->watches);

	lockdep_assert_held(&ksym_write_mutex);
	if (on == instance->event_on)
		return;
	instance->event_on = on;
	mutex_lock(&event_mutex);
	trace_event_enable_disable(instance->file, on, 0);
	mutex_unlock(&event_mutex);
}

/* Has its event; or NULL. The caller sees to it that the instance stays. */
static struct ksym_instance *prepare_instance(struct trace_array *tr)
{
	struct ksym_instance *instance;

	lockdep_assert_held(&ksym_write_mutex);
	mutex_lock(&ksym_mutex);
	instance = get_instance(tr);
	mutex_unlock(&ksym_mutex);
	if (!instance || instance->file)
		return instance;

	mutex_lock(&event_mutex);
	instance->file = find_event_file(tr, KSYM_SYSTEM, KSYM_EVENT);
	mutex_unlock(&event_mutex);
	return instance->file ? instance : NULL;
}

/* As if @text, which is changed, were written to the filter. */
static int write_filter(struct trace_array *tr, char *text)
{
	struct ksym_instance *instance;
	int err = -ENOMEM;

	mutex_lock(&ksym_write_mutex);
	instance = prepare_instance(tr);
	if (instance) {
		err = run_lines(instance, text);
		switch_event(instance);
	}
	mutex_unlock(&ksym_write_mutex);
	return err;
}

/* === Files ================================================================ */

static void *ksym_start(struct seq_file *m, loff_t *pos)
{
	struct ksym_instance *instance;

	mutex_lock(&ksym_mutex);
	instance = find_instance(m->private);
	return instance ? seq_list_start(&instance->watches, *pos) : NULL;
}

static void *ksym_next(struct seq_file *m, void *v, loff_t *pos)
{
	return seq_list_next(v, &find_instance(m->private)->watches, pos);
}

static void ksym_stop(struct seq_file *m, void *v)
{
	mutex_unlock(&ksym_mutex);
}

static int filter_show(struct seq_file *m, void *v)
{
	const struct ksym_watch *watch = list_entry(v, struct ksym_watch, node);

	seq_puts(m, watch->name);
	if (watch->type != HW_BREAKPOINT_X)
		seq_printf(m, "/%u", watch->len);
	seq_printf(m, ":%s\n", access_name(watch->type));
	return 0;
}

static const struct seq_operations filter_seq_ops = {
	.start	= ksym_start,
	.next	= ksym_next,
	.stop	= ksym_stop,
	.show	= filter_show,
};

static int filter_open(struct inode *inode, struct file *file)
{
	struct trace_array *tr = inode->i_private;
	int err = tracing_check_open_get_tr(tr);

	if (err)
		return err;
	err = seq_open(file, &filter_seq_ops);
	if (err)
		trace_array_put(tr);
	else
		((struct seq_file *)file->private_data)->private = tr;
	return err;
}

static int filter_release(struct inode *inode, struct file *file)
{
	trace_array_put(inode->i_private);
	return seq_release(inode, file);
}

static ssize_t filter_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	struct trace_array *tr = file_inode(file)->i_private;
	char *text;
	int err;

	if (size > PAGE_SIZE)
		return -E2BIG;
	text = memdup_user_nul(buf, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = write_filter(tr, text);
	kfree(text);
	return err ?: size;
}

static const struct file_operations filter_fops = {
	.owner		= THIS_MODULE,
	.open		= filter_open,
	.read		= seq_read,
	.write		= filter_write,
	.llseek		= seq_lseek,
	.release	= filter_release,
};

static int more_hits(void *unused, const struct list_head *a, const struct list_head *b)
{
	return list_entry(a, struct ksym_watch, by_hits)->counted <
	       list_entry(b, struct ksym_watch, by_hits)->counted;
}

/* Counted once each, so that the order is that of the numbers shown. */
static void sort_watches(struct ksym_instance *instance, struct list_head *sorted)
{
	struct ksym_watch *watch;

	list_for_each_entry(watch, &instance->watches, node) {
		watch->counted = atomic_long_read(&watch->hits);
		list_add_tail(&watch->by_hits, sorted);
	}
	list_sort(NULL, sorted, more_hits);
}

static int profile_show(struct seq_file *m, void *unused)
{
	struct ksym_instance *instance;
	struct ksym_watch *watch;
	LIST_HEAD(sorted);

	seq_puts(m, "      HITS ACCESS LEN SYMBOL\n");
	mutex_lock(&ksym_mutex);
	instance = find_instance(m->private);
	if (instance)
		sort_watches(instance, &sorted);
	list_for_each_entry(watch, &sorted, by_hits)
		seq_printf(m, "%10ld %-6s %3u %s\n", watch->counted, access_name(watch->type),
			   watch->len, watch->name);
	mutex_unlock(&ksym_mutex);
	return 0;
}

static int profile_open(struct inode *inode, struct file *file)
{
	struct trace_array *tr = inode->i_private;
	int err = tracing_check_open_get_tr(tr);

	if (err)
		return err;
	err = single_open(file, profile_show, tr);
	if (err)
		trace_array_put(tr);
	return err;
}

static int profile_release(struct inode *inode, struct file *file)
{
	trace_array_put(inode->i_private);
	return single_release(inode, file);
}

static const struct file_operations profile_fops = {
	.owner		= THIS_MODULE,
	.open		= profile_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= profile_release,
};

/**
 * trace_ksym_create_files() - give a trace instance its ksym files
 * @tr: the instance
 * @dir: its directory
 *
 * Context: may sleep.
 */
void trace_ksym_create_files(struct trace_array *tr, struct dentry *dir)
{
	trace_create_file("ksym_trace_filter", TRACE_MODE_WRITE, dir, tr, &filter_fops);
	trace_create_file("ksym_profile", TRACE_MODE_READ, dir, tr, &profile_fops);
}

static void bury(struct watch_later *later)
{
	struct ksym_instance *instance = container_of(later, struct ksym_instance, burial);

	mutex_lock(&ksym_write_mutex);
	watch_remove_all(instance);
	mutex_lock(&ksym_mutex);
	list_del(&instance->node);
	mutex_unlock(&ksym_mutex);
	mutex_unlock(&ksym_write_mutex);
	kfree(instance);
}

/**
 * trace_ksym_remove() - remove a trace instance's watches
 * @tr: the instance, which is about to go; its tracer is no longer ksym_tracer
 *
 * Their registers are free when the task that removes the instance is back in user space.
 *
 * Context: under event_mutex and trace_types_lock. Before hits that go on may no longer use the
 * instance the caller waits for an RCU grace period.
 */
void trace_ksym_remove(struct trace_array *tr)
{
	struct ksym_instance *instance;

	mutex_lock(&ksym_mutex);
	instance = find_instance(tr);
	if (instance)
		instance->tr = NULL;
	mutex_unlock(&ksym_mutex);
	if (instance)
		watch_do_later(&instance->burial, bury);
}

/* === Modules ============================================================== */

#ifdef CONFIG_MODULES

static void remove_in_module(struct ksym_instance *instance, const struct module *mod)
{
	struct ksym_watch *watch, *next;

	list_for_each_entry_safe(watch, next, &instance->watches, node) {
		if (!within_module(watch->addr, mod))
			continue;
		pr_info("%s is no longer watched: module %s is unloaded\n", watch->name, mod->name);
		watch_remove(watch);
	}
}

/* After the module's own exit function, before its memory goes. */
static int module_changes(struct notifier_block *nb, unsigned long state, void *module)
{
	struct ksym_instance *instance;

	if (state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	mutex_lock(&ksym_write_mutex);
	list_for_each_entry_rcu(instance, &ksym_instances, node,
				lockdep_is_held(&ksym_write_mutex))
		remove_in_module(instance, module);
	mutex_unlock(&ksym_write_mutex);
	return NOTIFY_OK;
}

static struct notifier_block ksym_module_nb = {
	.notifier_call	= module_changes,
};

static int __init watch_modules(void)
{
	return register_module_notifier(&ksym_module_nb);
}

#else /* !CONFIG_MODULES */

static int __init watch_modules(void)
{
	return 0;
}

#endif /* !CONFIG_MODULES */

/* === The tracer =========================================================== */

static int ksym_tracer_init(struct trace_array *tr)
{
	struct ksym_instance *instance;

	tracing_reset_online_cpus(&tr->array_buffer);
	mutex_lock(&ksym_mutex);
	instance = get_instance(tr);
	if (instance)
		WRITE_ONCE(instance->tracing, true);
	mutex_unlock(&ksym_mutex);
	return instance ? 0 : -ENOMEM;
}

static void ksym_tracer_reset(struct trace_array *tr)
{
	struct ksym_instance *instance;

	mutex_lock(&ksym_mutex);
	instance = find_instance(tr);
	if (instance)
		WRITE_ONCE(instance->tracing, false);
	mutex_unlock(&ksym_mutex);
}

#ifdef CONFIG_FTRACE_STARTUP_TEST

#define SELFTEST_WRITES	10

/* What the self test watches. */
static unsigned long ksym_selftest_target;

static void selftest_access(void)
{
	int i;

	for (i = 0; i < SELFTEST_WRITES; i++)
		WRITE_ONCE(ksym_selftest_target, i);
	(void)READ_ONCE(ksym_selftest_target);
}

/* Each write is one record, and reads are none. The watch was set before: locking rule 1. */
static int ksym_tracer_selftest(struct tracer *tracer, struct trace_array *tr)
{
	unsigned long seen;
	int err = tracer_init(tracer, tr);

	if (err)
		return err;
	selftest_access();
	tracing_stop();
	seen = trace_total_entries(tr);
	tracer->reset(tr);
	tracing_start();
	if (seen == SELFTEST_WRITES)
		return 0;
	pr_cont("%lu of %d writes were seen ", seen, SELFTEST_WRITES);
	return -EIO;
}

/* Without it the self test will fail and say so. */
static void __init selftest_watch(const char *line)
{
	char text[64];
	int err;

	strscpy(text, line);
	err = write_filter(top_trace_array(), text);
	if (err)
		pr_err("self test: %s is refused: error %d\n", line, err);
}

#else /* !CONFIG_FTRACE_STARTUP_TEST */

static void __init selftest_watch(const char *line)
{
}

#endif /* !CONFIG_FTRACE_STARTUP_TEST */

static struct tracer ksym_tracer __read_mostly = {
	.name			= "ksym_tracer",
	.init			= ksym_tracer_init,
	.reset			= ksym_tracer_reset,
#ifdef CONFIG_FTRACE_STARTUP_TEST
	.selftest		= ksym_tracer_selftest,
#endif
	.allow_instances	= true,
	.noboot			= true,
};

static int __init register_event(void)
{
	int err = -ENODEV;

	mutex_lock(&event_mutex);
	if (register_trace_event(&ksym_event_call.event)) {
		err = trace_add_event_call(&ksym_event_call);
		if (err)
			unregister_trace_event(&ksym_event_call.event);
	}
	mutex_unlock(&event_mutex);
	return err;
}

static int __init ksym_init(void)
{
	int err = register_event() ?: watch_modules();

	if (err)
		return err;
	selftest_watch("ksym_selftest_target:-w-");
	err = register_tracer(&ksym_tracer);
	selftest_watch("ksym_selftest_target:---");
	return err;
}
device_initcall(ksym_init);
