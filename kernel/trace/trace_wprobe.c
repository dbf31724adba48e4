// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watch events, or wprobes: dynamic events at accesses to memory.
 *
 * Each has a wide hardware breakpoint from its definition until it is removed, so enabling it
 * can't fail for want of a register. While it is not enabled, or there is nothing to watch as
 * yet, the breakpoint is parked: it watches a place that nobody accesses. Enabling, disabling
 * and the triggers set_wprobe and clear_wprobe, which come from any context, move it.
 *
 * That is also since perf takes event_mutex, under which events are enabled, inside of its
 * contexts' locks, which are needed to make and remove a breakpoint, but not to move one.
 *
 * Documentation/trace/watch-events.rst
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#define pr_fmt(fmt) "wprobe: " fmt

#include <linux/bpf.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/init.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/rculist.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "trace_dynevent.h"
#include "trace_probe.h"
#include "trace_probe_kernel.h"
#include "trace_probe_tmpl.h"
#include "trace_watch.h"
#include "trace_wprobe.h"

#define WPROBE_SYSTEM	"wprobes"

/* The longest "rw@module:symbol+offset:length" with its NUL. */
#define WPROBE_MAX_WATCH	(MODULE_NAME_LEN + KSYM_NAME_LEN + 48)

/* === Data ================================================================= */

/**
 * struct wprobe_place - what is watched, as it was written
 * @symbol: "symbol" or "module:symbol"; NULL: @offset is the address
 * @offset: from the symbol
 */
struct wprobe_place {
	char		*symbol;
	unsigned long	offset;
};

/**
 * struct trace_wprobe - a watch event
 * @devent: in the list of dynamic events
 * @events: the breakpoint
 * @place: what is watched when it is enabled
 * @home: the address of that; 0: there is none as yet. Set under event_mutex once the event
 *	is in the list, read by triggers
 * @type: HW_BREAKPOINT_W, _RW or _X
 * @len: bytes
 * @target: where it was moved last; 0: it is parked. Written from any context
 * @enabled: it may leave its parking place; set under event_mutex, read by triggers
 * @parked: data are watched here while there is nothing else to watch
 * @last: what was there at the last hit; changed by hits, without a lock
 * @burial: removes what is left of it
 * @label: "group/event", for who looks who holds the registers
 * @tp: the event
 */
struct trace_wprobe {
	struct dyn_event		devent;
	struct perf_event *__percpu	*events;
	struct wprobe_place		place;
	unsigned long			home;
	unsigned long			target;
	unsigned int			type;
	unsigned int			len;
	bool				enabled;
	u64				parked;
	struct watch_value		last;
	struct watch_later		burial;
	char				*label;
	struct trace_probe		tp;
};

static struct dyn_event_operations wprobe_ops;

static struct trace_wprobe *to_wprobe(struct dyn_event *ev)
{
	return container_of(ev, struct trace_wprobe, devent);
}

static struct trace_wprobe *wprobe_of_call(struct trace_event_call *call)
{
	struct trace_probe *tp = trace_probe_primary_from_call(call);

	return tp ? container_of(tp, struct trace_wprobe, tp) : NULL;
}

/* Execution is watched here while there is nothing else to watch. */
static noinline void never_called(void)
{
	barrier();
}

static unsigned long parking_place(const struct trace_wprobe *tw)
{
	return tw->type == HW_BREAKPOINT_X ? (unsigned long)never_called :
					     (unsigned long)&tw->parked;
}

/* === Hits ================================================================= */

/* Called by the templates. @rec is the registers, @edata what was hit. */
static int __kprobes process_fetch_insn(struct fetch_insn *code, void *rec, void *edata,
					void *dest, void *base)
{
	unsigned long val;
	int ret;

	while (code->op == FETCH_NOP_SYMBOL)
		code++;

	switch (code->op) {
	case FETCH_OP_EDATA:
		val = *(unsigned long *)(edata + code->offset);
		break;
	case FETCH_OP_REG:
		val = regs_get_register(rec, code->param);
		break;
	case FETCH_OP_STACK:
		val = regs_get_kernel_stack_nth(rec, code->param);
		break;
	case FETCH_OP_STACKP:
		val = kernel_stack_pointer(rec);
		break;
	default:
		ret = process_common_fetch_insn(code, &val);
		if (ret < 0)
			return ret;
	}
	return process_fetch_insn_bottom(code + 1, val, dest, base);
}

static nokprobe_inline void wprobe_trace_file(struct trace_wprobe *tw, struct watch_hit *hit,
					      struct pt_regs *regs, struct trace_event_file *file)
{
	struct kprobe_trace_entry_head *entry;
	struct trace_event_buffer fbuffer;
	int dynamic;

	if (trace_trigger_soft_disabled(file))
		return;
	dynamic = __get_data_size(&tw->tp, regs, hit);
	entry = trace_event_buffer_reserve(&fbuffer, file, sizeof(*entry) + tw->tp.size + dynamic);
	if (!entry)
		return;
	fbuffer.regs = regs;
	entry->ip = instruction_pointer(regs);
	store_trace_args(&entry[1], &tw->tp, regs, hit, sizeof(*entry), dynamic);
	trace_event_buffer_commit(&fbuffer);
}

static nokprobe_inline void wprobe_trace(struct trace_wprobe *tw, struct watch_hit *hit,
					 struct pt_regs *regs)
{
	struct event_file_link *link;

	trace_probe_for_each_link_rcu(link, &tw->tp)
		wprobe_trace_file(tw, hit, regs, link->file);
}

#ifdef CONFIG_PERF_EVENTS

static nokprobe_inline void wprobe_perf(struct trace_wprobe *tw, struct watch_hit *hit,
					struct pt_regs *regs)
{
	struct trace_event_call *call = trace_probe_event_call(&tw->tp);
	struct hlist_head *head = this_cpu_ptr(call->perf_events);
	struct kprobe_trace_entry_head *entry;
	int size, dynamic, rctx;

	if (bpf_prog_array_valid(call) && !trace_call_bpf(call, regs))
		return;
	if (hlist_empty(head))
		return;

	/* perf puts a u32 in front, and the whole is to be a multiple of 8. */
	dynamic = __get_data_size(&tw->tp, regs, hit);
	size = sizeof(*entry) + tw->tp.size + dynamic;
	size = ALIGN(size + sizeof(u32), sizeof(u64)) - sizeof(u32);
	entry = perf_trace_buf_alloc(size, NULL, &rctx);
	if (!entry)
		return;
	entry->ip = instruction_pointer(regs);
	memset(&entry[1], 0, size - sizeof(*entry));
	store_trace_args(&entry[1], &tw->tp, regs, hit, sizeof(*entry), dynamic);
	perf_trace_buf_submit(entry, size, rctx, call->event.type, 1, regs, head, NULL);
}

#else /* !CONFIG_PERF_EVENTS */

static nokprobe_inline void wprobe_perf(struct trace_wprobe *tw, struct watch_hit *hit,
					struct pt_regs *regs)
{
}

#endif /* !CONFIG_PERF_EVENTS */

/* The breakpoint's handler: in an exception that may have come anywhere, in an NMI too. */
static void __kprobes wprobe_hit(struct perf_event *bp, struct perf_sample_data *data,
				 struct pt_regs *regs)
{
	struct trace_wprobe *tw = bp->overflow_handler_context;
	unsigned int flags = trace_probe_load_flag(&tw->tp);
	struct watch_hit hit;

	if (!flags || !watch_look(&tw->last, bp, &hit) || hit.addr == parking_place(tw))
		return;
	if (flags & TP_FLAG_TRACE)
		wprobe_trace(tw, &hit, regs);
	if (flags & TP_FLAG_PROFILE)
		wprobe_perf(tw, &hit, regs);
}

/* === Moving =============================================================== */

static void park(struct trace_wprobe *tw)
{
	WRITE_ONCE(tw->target, 0);
	hw_breakpoint_move_wide(tw->events, parking_place(tw), NULL);
}

/* Not to read where reads are watched for. */
static int point_at(struct trace_wprobe *tw, unsigned long addr)
{
	if (tw->type != HW_BREAKPOINT_X && READ_ONCE(tw->target) != addr)
		watch_begin(&tw->last, addr, tw->len);
	WRITE_ONCE(tw->target, addr);
	return hw_breakpoint_move_wide(tw->events, addr, NULL);
}

static int go_home(struct trace_wprobe *tw)
{
	unsigned long home = READ_ONCE(tw->home);

	if (home)
		return point_at(tw, home);
	park(tw);
	return 0;
}

/* No trigger moves it any more that saw what was before, and no hit is being handled. */
static void settle_parked(struct trace_wprobe *tw)
{
	/* Who has triggers for it has a reference; they run with preemption off. */
	if (trace_event_dyn_busy(trace_probe_event_call(&tw->tp)))
		tracepoint_synchronize_unregister();
	park(tw);
	hw_breakpoint_wait_moved(tw->events);
}

/* In force on every CPU when it returns. */
static int arm(struct trace_wprobe *tw)
{
	int err;

	lockdep_assert_held(&event_mutex);
	WRITE_ONCE(tw->enabled, true);
	err = go_home(tw);
	if (!err) {
		hw_breakpoint_wait_moved(tw->events);
		return 0;
	}
	WRITE_ONCE(tw->enabled, false);
	settle_parked(tw);
	return err;
}

static void disarm(struct trace_wprobe *tw)
{
	lockdep_assert_held(&event_mutex);
	WRITE_ONCE(tw->enabled, false);
	settle_parked(tw);
}

/**
 * trace_wprobe_repoint() - watch something else
 * @tw: from trace_wprobe_get()
 * @addr: the first byte; 0: what it was defined to watch
 *
 * Nothing happens while the event isn't enabled. If there can be no breakpoint at @addr
 * nothing is watched.
 *
 * Context: any, NMI included, with preemption off. In force here at once, elsewhere as
 * hw_breakpoint_move_wide() says.
 */
void __kprobes trace_wprobe_repoint(struct trace_wprobe *tw, unsigned long addr)
{
	int err;

	if (!READ_ONCE(tw->enabled))
		return;
	err = addr ? point_at(tw, addr) : go_home(tw);
	/* Rather nothing than what was wanted no longer. */
	if (err)
		park(tw);
}

/* === The event ============================================================ */

static int wprobe_enable(struct trace_event_call *call, struct trace_event_file *file)
{
	struct trace_wprobe *tw = wprobe_of_call(call);
	bool enabled;
	int err = 0;

	if (WARN_ON_ONCE(!tw))
		return -ENODEV;
	enabled = trace_probe_is_enabled(&tw->tp);
	/* Before perf's is set, since perf frees what its hits need if this fails. */
	if (!enabled)
		err = arm(tw);
	if (err)
		return err;
	if (!file) {
		trace_probe_set_flag(&tw->tp, TP_FLAG_PROFILE);
		return 0;
	}
	err = trace_probe_add_file(&tw->tp, file);
	if (err && !enabled)
		disarm(tw);
	return err;
}

static int wprobe_disable(struct trace_event_call *call, struct trace_event_file *file)
{
	struct trace_wprobe *tw = wprobe_of_call(call);
	int err = 0;

	if (WARN_ON_ONCE(!tw))
		return -ENODEV;
	if (file)
		err = trace_probe_remove_file(&tw->tp, file);
	else
		trace_probe_clear_flag(&tw->tp, TP_FLAG_PROFILE);
	if (!err && !trace_probe_is_enabled(&tw->tp))
		disarm(tw);
	return err;
}

static int wprobe_reg(struct trace_event_call *call, enum trace_reg type, void *data)
{
	switch (type) {
	case TRACE_REG_REGISTER:
		return wprobe_enable(call, data);
	case TRACE_REG_UNREGISTER:
		return wprobe_disable(call, data);
#ifdef CONFIG_PERF_EVENTS
	case TRACE_REG_PERF_REGISTER:
		return wprobe_enable(call, NULL);
	case TRACE_REG_PERF_UNREGISTER:
		return wprobe_disable(call, NULL);
#endif
	default:
		return 0;
	}
}

/* "event: (function+0x15/0x30) argument=1 ..." */
static enum print_line_t wprobe_print(struct trace_iterator *iter, int flags,
				      struct trace_event *event)
{
	struct trace_event_call *call = container_of(event, struct trace_event_call, event);
	struct kprobe_trace_entry_head *entry = (struct kprobe_trace_entry_head *)iter->ent;
	struct trace_probe *tp = trace_probe_primary_from_call(call);
	struct trace_seq *s = &iter->seq;

	if (WARN_ON_ONCE(!tp))
		return TRACE_TYPE_UNHANDLED;
	trace_seq_printf(s, "%s: (", trace_probe_name(tp));
	seq_print_ip_sym(s, entry->ip, flags | TRACE_ITER_SYM_OFFSET);
	trace_seq_putc(s, ')');
	trace_probe_print_args(s, tp->args, tp->nr_args, (u8 *)&entry[1], entry);
	trace_seq_putc(s, '\n');
	return trace_handle_return(s);
}

static int wprobe_define_fields(struct trace_event_call *event_call)
{
	struct trace_probe *tp = trace_probe_primary_from_call(event_call);
	struct kprobe_trace_entry_head field;
	int ret;

	if (WARN_ON_ONCE(!tp))
		return -ENOENT;
	DEFINE_FIELD(unsigned long, ip, FIELD_STRING_IP, 0);

	return traceprobe_define_arg_fields(event_call, sizeof(field), tp);
}

static struct trace_event_functions wprobe_event_funcs = {
	.trace		= wprobe_print,
};

static struct trace_event_fields wprobe_fields[] = {
	{ .type = TRACE_FUNCTION_TYPE, .define_fields = wprobe_define_fields },
	{ }
};

static void init_call(struct trace_wprobe *tw)
{
	struct trace_event_call *call = trace_probe_event_call(&tw->tp);

	call->flags = TRACE_EVENT_FL_WPROBE;
	call->event.funcs = &wprobe_event_funcs;
	call->class->fields_array = wprobe_fields;
	call->class->reg = wprobe_reg;
}

/* === Definitions ========================================================== */

static const char *type_name(unsigned int type)
{
	switch (type) {
	case HW_BREAKPOINT_W:
		return "w";
	case HW_BREAKPOINT_RW:
		return "rw";
	default:
		return "x";
	}
}

/* Takes what stands before the @, @len bytes of it. */
static int parse_type(const char *text, size_t len, unsigned int *type)
{
	static const struct {
		const char	*text;
		unsigned int	type;
	} known[] = {
		{ "w", HW_BREAKPOINT_W },
		{ "rw", HW_BREAKPOINT_RW },
		{ "x", HW_BREAKPOINT_X },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (strlen(known[i].text) == len && !strncmp(text, known[i].text, len)) {
			*type = known[i].type;
			return 0;
		}
	}
	return -EINVAL;
}

/* Cuts ":LENGTH" off @place, if it is there, which is @at into the word. */
static int parse_len(struct trace_wprobe *tw, char *place, size_t at)
{
	char *colon = strrchr(place, ':');

	if (!colon || !isdigit(colon[1]))
		return 0;
	*colon++ = '\0';
	at += colon - place;
	if (tw->type == HW_BREAKPOINT_X || kstrtouint(colon, 0, &tw->len) ||
	    !watch_is_len(tw->len)) {
		trace_probe_log_err(at, BAD_ACCESS_LEN);
		return -EINVAL;
	}
	return 0;
}

#ifdef CONFIG_MODULES

/* "module:symbol" of a module that isn't there, but may come. */
static bool may_come(const char *symbol)
{
	const char *colon = strchr(symbol, ':');
	char name[MODULE_NAME_LEN];
	bool here;

	if (!colon || colon - symbol >= sizeof(name))
		return false;
	strscpy(name, symbol, colon - symbol + 1);
	rcu_read_lock_sched();
	here = find_module(name);
	rcu_read_unlock_sched();
	return !here;
}

#else /* !CONFIG_MODULES */

static bool may_come(const char *symbol)
{
	return false;
}

#endif /* !CONFIG_MODULES */

/*
 * Sets tw->home from tw->place, if that is there. Where this is done under event_mutex, and the
 * event is in the list before that is left, we are told when the module goes.
 */
static int find_home(struct trace_wprobe *tw)
{
	unsigned long addr = 0;
	int err = 0;

	WRITE_ONCE(tw->home, 0);
	if (tw->place.symbol)
		err = watch_find_symbol(tw->place.symbol, &addr);
	if (err)
		return err;
	addr += tw->place.offset;
	if (addr && addr < TASK_SIZE_MAX)
		return -EINVAL;
	if (tw->len && tw->type != HW_BREAKPOINT_X && !IS_ALIGNED(addr, tw->len))
		return -EDOM;
	WRITE_ONCE(tw->home, addr);
	return 0;
}

static int parse_place(struct trace_wprobe *tw, char *place, size_t at)
{
	long offset = 0;
	int err;

	if (isdigit(*place)) {
		err = kstrtoul(place, 0, &tw->place.offset);
	} else {
		err = traceprobe_split_symbol_offset(place, &offset);
		tw->place.offset = offset;
		tw->place.symbol = kstrdup(place, GFP_KERNEL);
		if (!tw->place.symbol)
			return -ENOMEM;
	}
	if (!err)
		err = find_home(tw);
	if (err == -EADDRNOTAVAIL)
		trace_probe_log_err(at, NON_UNIQ_SYMBOL);
	else if (err == -EDOM)
		trace_probe_log_err(at, BAD_ACCESS_ALIGN);
	else if (err && (err != -ENOENT || !may_come(tw->place.symbol)))
		trace_probe_log_err(at, BAD_PROBE_ADDR);
	else
		return 0;
	return err == -EDOM ? -EINVAL : err;
}

static void default_len(struct trace_wprobe *tw)
{
	if (tw->type == HW_BREAKPOINT_X)
		tw->len = sizeof(long);
	else if (!tw->len && tw->home)
		tw->len = watch_default_len(tw->home);
	else if (!tw->len)
		tw->len = sizeof(long);
}

/* "[r|w|rw|x]@<SYMBOL[+OFFSET]|ADDRESS>[:LENGTH]" */
static int parse_watch(struct trace_wprobe *tw, const char *word)
{
	const char *at = strchr(word, '@');
	char *place;
	int err;

	if (!at) {
		trace_probe_log_err(0, BAD_ACCESS_FMT);
		return -EINVAL;
	}
	if (parse_type(word, at - word, &tw->type)) {
		trace_probe_log_err(0, BAD_ACCESS_TYPE);
		return -EINVAL;
	}
	place = kstrdup(++at, GFP_KERNEL);
	if (!place)
		return -ENOMEM;
	err = parse_len(tw, place, at - word) ?: parse_place(tw, place, at - word);
	kfree(place);
	if (err)
		return err;

	if (tw->place.symbol && !tw->home && !tw->len && tw->type != HW_BREAKPOINT_X) {
		trace_probe_log_err(at - word, NO_ACCESS_LEN);
		return -EINVAL;
	}
	default_len(tw);
	return 0;
}

static bool fetches_value(const struct probe_arg *arg)
{
	const struct fetch_insn *code = arg->code;

	return code->op == FETCH_OP_EDATA && code->offset != offsetof(struct watch_hit, addr);
}

static int parse_arg(struct trace_wprobe *tw, int i, const char *text)
{
	struct traceprobe_parse_context ctx = {
		.flags = TPARG_FL_KERNEL | TPARG_FL_WPROBE,
		.tp = &tw->tp,
	};
	int err = traceprobe_parse_probe_arg(&tw->tp, i, text, &ctx);

	traceprobe_finish_parse(&ctx);
	if (err)
		return err;
	if (tw->type == HW_BREAKPOINT_X && fetches_value(&tw->tp.args[i])) {
		trace_probe_log_err(0, NO_ACCESS_VALUE);
		return -EINVAL;
	}
	return traceprobe_update_arg(&tw->tp.args[i]);
}

static void free_wprobe(struct trace_wprobe *tw)
{
	trace_probe_cleanup(&tw->tp);
	kfree(tw->place.symbol);
	kfree(tw->label);
	kfree(tw);
}

static void default_name(const struct trace_wprobe *tw, char name[MAX_EVENT_NAME_LEN])
{
	if (tw->place.symbol)
		snprintf(name, MAX_EVENT_NAME_LEN, "w_%s_%ld", tw->place.symbol,
			 (long)tw->place.offset);
	else
		snprintf(name, MAX_EVENT_NAME_LEN, "w_0x%lx", tw->place.offset);
	sanitize_event_name(name);
}

/* In force where it is to be, which shows if it may be there at all; then parked. */
static int take_register(struct trace_wprobe *tw)
{
	struct perf_event_attr attr;

	watch_attr(&attr, tw->home ?: parking_place(tw), tw->type, tw->len);
	tw->events = register_wide_hw_breakpoint_as("wprobe", tw->label, &attr, wprobe_hit, tw);
	if (IS_ERR_PCPU(tw->events))
		return PTR_ERR_PCPU(tw->events);
	park(tw);
	hw_breakpoint_wait_moved(tw->events);
	return 0;
}

static int add_event(struct trace_wprobe *tw)
{
	int err;

	mutex_lock(&event_mutex);
	err = trace_probe_register_event_call(&tw->tp);
	if (!err) {
		dyn_event_add(&tw->devent, trace_probe_event_call(&tw->tp));
		/* The module may have come or gone meanwhile. */
		find_home(tw);
	}
	mutex_unlock(&event_mutex);
	if (err == -EEXIST) {
		trace_probe_log_set_index(0);
		trace_probe_log_err(0, EVENT_EXIST);
	}
	return err;
}

/* Not under event_mutex: see the head of this file. */
static int publish(struct trace_wprobe *tw)
{
	int err = take_register(tw);

	if (err) {
		trace_probe_log_set_index(1);
		if (err == -ENOSPC)
			trace_probe_log_err(0, NO_WATCH_REGISTER);
		else
			trace_probe_log_err(0, BAD_ACCESS_ADDR);
		return err;
	}
	err = add_event(tw);
	if (err)
		unregister_wide_hw_breakpoint(tw->events);
	return err;
}

static int name_event(struct trace_wprobe *tw, const char *event, const char *group, int nargs)
{
	int err = trace_probe_init(&tw->tp, event, group, false, nargs);

	if (err)
		return err;
	tw->label = kasprintf(GFP_KERNEL, "%s/%s", group, event);
	return tw->label ? 0 : -ENOMEM;
}

static int parse_head(struct trace_wprobe *tw, int argc, const char *argv[])
{
	const char *event = NULL, *group = WPROBE_SYSTEM;
	char group_buf[MAX_EVENT_NAME_LEN], name[MAX_EVENT_NAME_LEN];
	int err;

	trace_probe_log_set_index(1);
	if (argc < 2) {
		trace_probe_log_err(0, BAD_ACCESS_FMT);
		return -EINVAL;
	}
	err = parse_watch(tw, argv[1]);
	if (err)
		return err;
	trace_probe_log_set_index(0);
	if (argv[0][1]) {
		event = argv[0] + 2;
		err = traceprobe_parse_event_name(&event, &group, group_buf, 2);
		if (err)
			return err;
	}
	if (!event) {
		default_name(tw, name);
		event = name;
	}
	return name_event(tw, event, group, argc - 2);
}

static int parse_all(struct trace_wprobe *tw, int argc, const char *argv[])
{
	int i, err = parse_head(tw, argc, argv);

	for (i = 2; !err && i < argc; i++) {
		trace_probe_log_set_index(i);
		err = parse_arg(tw, i - 2, argv[i]);
	}
	return err ?: traceprobe_set_print_fmt(&tw->tp, PROBE_PRINT_NORMAL);
}

/* "w[:[GRP/][EVENT]] WATCH [FETCHARGS]"; dyn_event_ops_mutex protects the log of errors. */
static int create_wprobe(int argc, const char *argv[])
{
	struct trace_wprobe *tw;
	int err;

	if (argv[0][0] != 'w' || (argv[0][1] && argv[0][1] != ':'))
		return -ECANCELED;
	err = security_locked_down(LOCKDOWN_KPROBES);
	if (err)
		return err;
	if (argc - 2 > MAX_TRACE_ARGS)
		return -E2BIG;
	tw = kzalloc(struct_size(tw, tp.args, max(argc - 2, 0)), GFP_KERNEL);
	if (!tw)
		return -ENOMEM;

	trace_probe_log_init("wprobe", argc, argv);
	dyn_event_init(&tw->devent, &wprobe_ops);
	err = parse_all(tw, argc, argv);
	if (!err) {
		init_call(tw);
		err = publish(tw);
	}
	trace_probe_log_clear();
	if (err)
		free_wprobe(tw);
	return err;
}

static int wprobe_create(const char *raw_command)
{
	return trace_probe_create(raw_command, create_wprobe);
}

/* The word for what is watched, as it could be written again; @size bytes with the NUL. */
static void describe_watch(const struct trace_wprobe *tw, char *word, size_t size)
{
	char offset[24] = "", len[16] = "";

	if (tw->place.offset)
		snprintf(offset, sizeof(offset), "%+ld", (long)tw->place.offset);
	if (tw->type != HW_BREAKPOINT_X)
		snprintf(len, sizeof(len), ":%u", tw->len);
	if (tw->place.symbol)
		snprintf(word, size, "%s@%s%s%s", type_name(tw->type), tw->place.symbol, offset,
			 len);
	else
		snprintf(word, size, "%s@0x%lx%s", type_name(tw->type), tw->place.offset, len);
}

static int wprobe_show(struct seq_file *m, struct dyn_event *ev)
{
	struct trace_wprobe *tw = to_wprobe(ev);
	char word[WPROBE_MAX_WATCH];
	int i;

	describe_watch(tw, word, sizeof(word));
	seq_printf(m, "w:%s %s", tw->label, word);
	for (i = 0; i < tw->tp.nr_args; i++)
		seq_printf(m, " %s=%s", tw->tp.args[i].name, tw->tp.args[i].comm);
	seq_putc(m, '\n');
	return 0;
}

static bool wprobe_is_busy(struct dyn_event *ev)
{
	return trace_probe_is_enabled(&to_wprobe(ev)->tp);
}

static void bury(struct watch_later *later)
{
	struct trace_wprobe *tw = container_of(later, struct trace_wprobe, burial);

	unregister_wide_hw_breakpoint(tw->events);
	free_wprobe(tw);
}

/*
 * Under event_mutex. It was never hit since it was disabled; its register is free when the
 * task that removes it is back in user space.
 */
static int wprobe_release(struct dyn_event *ev)
{
	struct trace_wprobe *tw = to_wprobe(ev);

	if (wprobe_is_busy(ev) || trace_event_dyn_busy(trace_probe_event_call(&tw->tp)))
		return -EBUSY;
	if (trace_probe_unregister_event_call(&tw->tp))
		return -EBUSY;
	dyn_event_remove(ev);
	/* Somebody who reads all memory may hit it where it is parked: tp is needed until then. */
	watch_do_later(&tw->burial, bury);
	return 0;
}

static bool wprobe_match(const char *system, const char *event, int argc, const char **argv,
			 struct dyn_event *ev)
{
	struct trace_wprobe *tw = to_wprobe(ev);
	char word[WPROBE_MAX_WATCH];

	if (*event && strcmp(event, trace_probe_name(&tw->tp)))
		return false;
	if (system && strcmp(system, trace_probe_group_name(&tw->tp)))
		return false;
	if (!argc)
		return true;
	describe_watch(tw, word, sizeof(word));
	return !strcmp(argv[0], word) &&
	       trace_probe_match_command_args(&tw->tp, argc - 1, argv + 1);
}

static struct dyn_event_operations wprobe_ops = {
	.create		= wprobe_create,
	.show		= wprobe_show,
	.is_busy	= wprobe_is_busy,
	.free		= wprobe_release,
	.match		= wprobe_match,
};

/* === For triggers ========================================================= */

/* @name: "[group/]event" */
static struct trace_wprobe *find_wprobe(const char *name)
{
	struct dyn_event *ev;

	lockdep_assert_held(&event_mutex);
	for_each_dyn_event(ev) {
		if (ev->ops != &wprobe_ops)
			continue;
		if (!strcmp(name, strchr(name, '/') ? to_wprobe(ev)->label :
						      trace_probe_name(&to_wprobe(ev)->tp)))
			return to_wprobe(ev);
	}
	return NULL;
}

/**
 * trace_wprobe_get() - find a watch event, which can't be removed until it is put back
 * @name: "event" or "group/event"
 *
 * Context: under event_mutex.
 * Return: NULL if there is none.
 */
struct trace_wprobe *trace_wprobe_get(const char *name)
{
	struct trace_wprobe *tw = find_wprobe(name);

	if (!tw || !trace_event_try_get_ref(trace_probe_event_call(&tw->tp)))
		return NULL;
	return tw;
}

/**
 * trace_wprobe_put() - put a watch event back
 * @tw: from trace_wprobe_get()
 *
 * Context: any.
 */
void trace_wprobe_put(struct trace_wprobe *tw)
{
	trace_event_put_ref(trace_probe_event_call(&tw->tp));
}

/**
 * trace_wprobe_label() - name a watch event
 * @tw: from trace_wprobe_get()
 *
 * Context: any.
 * Return: "group/event".
 */
const char *trace_wprobe_label(const struct trace_wprobe *tw)
{
	return tw->label;
}

/* === Modules ============================================================== */

#ifdef CONFIG_MODULES

/* Whatever it watches by now, such as one of the module's objects. */
static void module_goes(struct trace_wprobe *tw, const struct module *mod)
{
	bool home = within_module(tw->home, mod);

	if (!home && !within_module(READ_ONCE(tw->target), mod))
		return;
	if (home && tw->place.symbol)
		WRITE_ONCE(tw->home, 0);
	settle_parked(tw);
}

static void module_comes(struct trace_wprobe *tw)
{
	int err;

	if (tw->home || !tw->place.symbol)
		return;
	err = find_home(tw);
	if (err == -ENOENT)
		return;
	if (!err && trace_probe_is_enabled(&tw->tp))
		err = arm(tw);
	if (err)
		pr_warn("%s can't watch %s: error %d\n", tw->label, tw->place.symbol, err);
}

static int module_changes(struct notifier_block *nb, unsigned long state, void *module)
{
	struct dyn_event *ev;

	if (state != MODULE_STATE_COMING && state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	mutex_lock(&event_mutex);
	for_each_dyn_event(ev) {
		if (ev->ops != &wprobe_ops)
			continue;
		if (state == MODULE_STATE_COMING)
			module_comes(to_wprobe(ev));
		else
			module_goes(to_wprobe(ev), module);
	}
	mutex_unlock(&event_mutex);
	return NOTIFY_OK;
}

static struct notifier_block wprobe_module_nb = {
	.notifier_call	= module_changes,
	.priority	= 1,
};

static int __init watch_modules(void)
{
	return register_module_notifier(&wprobe_module_nb);
}

#else /* !CONFIG_MODULES */

static int __init watch_modules(void)
{
	return 0;
}

#endif /* !CONFIG_MODULES */

static int __init wprobe_init(void)
{
	return dyn_event_register(&wprobe_ops) ?: watch_modules();
}
core_initcall(wprobe_init);
