// SPDX-License-Identifier: GPL-2.0-only
/*
 * The triggers set_wprobe and clear_wprobe: an event tells a watch event what to watch.
 *
 *	set_wprobe:EVENT:FIELD[+|-OFFSET][:COUNT] [if FILTER]
 *	clear_wprobe:EVENT[:COUNT] [if FILTER]
 *
 * So the object that a function was handed can be watched while the function works on it.
 *
 * Documentation/trace/watch-events.rst
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/trace_events.h>

#include "trace.h"
#include "trace_wprobe.h"

/* === Data ================================================================= */

/**
 * struct wprobe_trigger - what a trigger does
 * @tw: to this watch event
 * @field: which of the event's fields has the address; NULL: clear it
 * @adjust: is added to that
 */
struct wprobe_trigger {
	struct trace_wprobe		*tw;
	struct ftrace_event_field	*field;
	long				adjust;
};

/* What may be wrong with a trigger; the order of trigger_errors[]. */
enum trigger_error {
	TRIGGER_NO_WPROBE,
	TRIGGER_NO_FIELD,
	TRIGGER_BAD_FIELD,
	TRIGGER_BAD_OFFSET,
	TRIGGER_BAD_COUNT,
	TRIGGER_NR_ERRORS,
};

static const char *trigger_errors[] = {
	[TRIGGER_NO_WPROBE]	= "Watch event is not found",
	[TRIGGER_NO_FIELD]	= "This event has no such field",
	[TRIGGER_BAD_FIELD]	= "This field is no address",
	[TRIGGER_BAD_OFFSET]	= "Invalid offset",
	[TRIGGER_BAD_COUNT]	= "Invalid count",
};

static_assert(ARRAY_SIZE(trigger_errors) == TRIGGER_NR_ERRORS);

/**
 * struct trigger_text - a trigger that is being parsed
 * @tr: the instance that it is for
 * @line: as it was written
 * @param: what follows the command in a copy, taken apart
 * @start: where @param is in @line
 */
struct trigger_text {
	struct trace_array	*tr;
	char			*line;
	char			*param;
	size_t			start;
};

/* === When the event happens =============================================== */

/* With the record, see EVENT_CMD_FL_NEEDS_REC; from any context. */
static void wprobe_trigger(struct event_trigger_data *data, struct trace_buffer *buffer,
			   void *rec, struct ring_buffer_event *event)
{
	const struct wprobe_trigger *trigger = data->private_data;
	unsigned long addr;

	if (!trigger->field) {
		trace_wprobe_repoint(trigger->tw, 0);
		return;
	}
	if (!rec)
		return;
	addr = *(unsigned long *)(rec + trigger->field->offset);
	if (addr)
		trace_wprobe_repoint(trigger->tw, addr + trigger->adjust);
}

/* === Its life ============================================================= */

static void free_trigger(struct wprobe_trigger *trigger)
{
	trace_wprobe_put(trigger->tw);
	kfree(trigger);
}

static void wprobe_trigger_free(struct event_trigger_data *data)
{
	struct wprobe_trigger *trigger = data->private_data;

	/* Waits until nobody uses it. */
	trigger_data_free(data);
	free_trigger(trigger);
}

static bool is_same(const struct event_trigger_data *a, const struct event_trigger_data *b)
{
	const struct wprobe_trigger *first = a->private_data, *second = b->private_data;

	return a->cmd_ops == b->cmd_ops && first->tw == second->tw;
}

/* An event has one trigger of a kind for a watch event. */
static struct event_trigger_data *find_same(const struct event_trigger_data *data,
					    const struct trace_event_file *file)
{
	struct event_trigger_data *other;

	lockdep_assert_held(&event_mutex);
	list_for_each_entry(other, &file->triggers, list) {
		if (is_same(other, data))
			return other;
	}
	return NULL;
}

static int wprobe_trigger_reg(char *glob, struct event_trigger_data *data,
			      struct trace_event_file *file)
{
	int err;

	if (find_same(data, file))
		return -EEXIST;
	list_add_rcu(&data->list, &file->triggers);
	update_cond_flag(file);
	err = trace_event_trigger_enable_disable(file, 1);
	if (err < 0) {
		list_del_rcu(&data->list);
		update_cond_flag(file);
	}
	return err;
}

static void drop_trigger(struct event_trigger_data *data, struct trace_event_file *file)
{
	list_del_rcu(&data->list);
	trace_event_trigger_enable_disable(file, 0);
	update_cond_flag(file);
	wprobe_trigger_free(data);
}

static void wprobe_trigger_unreg(char *glob, struct event_trigger_data *test,
				 struct trace_event_file *file)
{
	struct event_trigger_data *data = find_same(test, file);

	if (data)
		drop_trigger(data, file);
}

static int wprobe_trigger_print(struct seq_file *m, struct event_trigger_data *data)
{
	const struct wprobe_trigger *trigger = data->private_data;

	seq_printf(m, "%s:%s", data->cmd_ops->name, trace_wprobe_label(trigger->tw));
	if (trigger->field)
		seq_printf(m, ":%s", trigger->field->name);
	if (trigger->adjust)
		seq_printf(m, "%+ld", trigger->adjust);
	if (data->count == -1)
		seq_puts(m, ":unlimited");
	else
		seq_printf(m, ":count=%ld", data->count);
	if (data->filter_str)
		seq_printf(m, " if %s", data->filter_str);
	seq_putc(m, '\n');
	return 0;
}

/* === Parsing ============================================================== */

static int complain(const struct trigger_text *text, const char *word, enum trigger_error what)
{
	tracing_log_err(text->tr, "wprobe trigger", text->line, trigger_errors, what,
			text->start + (word - text->param));
	return what == TRIGGER_NO_WPROBE ? -ENOENT : -EINVAL;
}

/* @word: "FIELD[+|-OFFSET]" */
static int parse_field(const struct trigger_text *text, struct trace_event_call *call,
		       char *word, struct wprobe_trigger *trigger)
{
	char *sign = strpbrk(word, "+-");

	/* kstrtol() takes the sign along. */
	if (sign && kstrtol(sign, 0, &trigger->adjust))
		return complain(text, sign, TRIGGER_BAD_OFFSET);
	if (sign)
		*sign = '\0';
	trigger->field = trace_find_event_field(call, word);
	if (!trigger->field)
		return complain(text, word, TRIGGER_NO_FIELD);
	if (trigger->field->size != sizeof(unsigned long) || is_string_field(trigger->field))
		return complain(text, word, TRIGGER_BAD_FIELD);
	return 0;
}

/* Leaves the count, or NULL, in *@rest. */
static int parse_target(const struct trigger_text *text, struct trace_event_call *call,
			bool set, char **rest, struct wprobe_trigger *trigger)
{
	char *name, *field;
	int err = 0;

	*rest = text->param;
	name = strsep(rest, ":");
	trigger->tw = trace_wprobe_get(name);
	if (!trigger->tw)
		return complain(text, name, TRIGGER_NO_WPROBE);
	if (set) {
		field = strsep(rest, ":");
		err = field ? parse_field(text, call, field, trigger) :
			      complain(text, name, TRIGGER_NO_FIELD);
	}
	if (err)
		trace_wprobe_put(trigger->tw);
	return err;
}

static struct event_trigger_data *new_data(struct event_command *ops, char *cmd, char *count,
					   const struct wprobe_trigger *parsed)
{
	struct wprobe_trigger *trigger = kmemdup(parsed, sizeof(*parsed), GFP_KERNEL);
	struct event_trigger_data *data;

	if (!trigger)
		return NULL;
	data = trigger_data_alloc(ops, cmd, count, trigger);
	if (!data)
		kfree(trigger);
	return data;
}

static int add_or_remove(const struct trigger_text *text, struct event_command *ops,
			 struct trace_event_file *file, char *glob, char *count, char *filter,
			 struct event_trigger_data *data)
{
	int err;

	if (event_trigger_check_remove(glob)) {
		event_trigger_unregister(ops, file, glob + 1, data);
		wprobe_trigger_free(data);
		return 0;
	}
	err = event_trigger_parse_num(count, data);
	if (err)
		complain(text, count, TRIGGER_BAD_COUNT);
	if (!err)
		err = event_trigger_set_filter(ops, file, filter, data);
	if (!err)
		err = event_trigger_register(ops, file, glob, data);
	if (err < 0) {
		event_trigger_reset_filter(ops, data);
		wprobe_trigger_free(data);
	}
	return err;
}

static int parse_text(const struct trigger_text *text, struct event_command *ops,
		      struct trace_event_file *file, char *glob, char *cmd, char *filter)
{
	struct wprobe_trigger parsed = { };
	struct event_trigger_data *data;
	char *count;
	int err;

	err = parse_target(text, file->event_call, ops->flags & EVENT_CMD_FL_NEEDS_REC, &count,
			   &parsed);
	if (err)
		return err;
	data = new_data(ops, cmd, count, &parsed);
	if (!data) {
		trace_wprobe_put(parsed.tw);
		return -ENOMEM;
	}
	return add_or_remove(text, ops, file, glob, count, filter, data);
}

static int wprobe_trigger_parse(struct event_command *ops, struct trace_event_file *file,
				char *glob, char *cmd, char *param_and_filter)
{
	struct trigger_text text = { .tr = file->tr };
	char *filter;
	int err;

	if (event_trigger_empty_param(param_and_filter))
		return -EINVAL;
	text.line = kasprintf(GFP_KERNEL, "%s:%s", glob, param_and_filter);
	if (!text.line)
		return -ENOMEM;
	text.start = strlen(glob) + 1;
	err = event_trigger_separate_filter(param_and_filter, &text.param, &filter, true);
	if (!err)
		err = parse_text(&text, ops, file, glob, cmd, filter);
	kfree(text.line);
	return err;
}

/* === Modules ============================================================== */

#ifdef CONFIG_MODULES

static void drop_triggers(struct trace_event_file *file)
{
	struct event_trigger_data *data, *next;

	list_for_each_entry_safe(data, next, &file->triggers, list) {
		if (data->cmd_ops->trigger_type == ETT_EVENT_WPROBE)
			drop_trigger(data, file);
	}
}

static void drop_triggers_of(const struct module *mod)
{
	struct trace_event_file *file;
	struct trace_array *tr;

	list_for_each_entry(tr, &ftrace_trace_arrays, list) {
		list_for_each_entry(file, &tr->events, list) {
			/* Dynamic events have no module there. */
			if (!(file->event_call->flags & TRACE_EVENT_FL_DYNAMIC) &&
			    file->event_call->module == mod)
				drop_triggers(file);
		}
	}
}

/*
 * The tracing core frees the events of a module without their triggers: the watch events that
 * those are for could never be removed, and would hold their registers for good.
 */
static int module_goes(struct notifier_block *nb, unsigned long state, void *module)
{
	if (state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	mutex_lock(&event_mutex);
	mutex_lock(&trace_types_lock);
	drop_triggers_of(module);
	mutex_unlock(&trace_types_lock);
	mutex_unlock(&event_mutex);
	return NOTIFY_OK;
}

/* Before that of the tracing core, which has 1. */
static struct notifier_block trigger_module_nb = {
	.notifier_call	= module_goes,
	.priority	= 2,
};

static int __init watch_modules(void)
{
	return register_module_notifier(&trigger_module_nb);
}

#else /* !CONFIG_MODULES */

static int __init watch_modules(void)
{
	return 0;
}

#endif /* !CONFIG_MODULES */

#define WPROBE_COMMAND(_name, _flags) {				\
		.name		= _name,			\
		.trigger_type	= ETT_EVENT_WPROBE,		\
		.flags		= _flags,			\
		.parse		= wprobe_trigger_parse,		\
		.reg		= wprobe_trigger_reg,		\
		.unreg		= wprobe_trigger_unreg,		\
		.set_filter	= set_trigger_filter,		\
		.trigger	= wprobe_trigger,		\
		.count_func	= event_trigger_count,		\
		.print		= wprobe_trigger_print,		\
		.init		= event_trigger_init,		\
		.free		= wprobe_trigger_free,		\
	}

static struct event_command set_command = WPROBE_COMMAND("set_wprobe", EVENT_CMD_FL_NEEDS_REC);
static struct event_command clear_command = WPROBE_COMMAND("clear_wprobe", 0);

static int __init wprobe_trigger_init(void)
{
	return register_event_command(&set_command) ?: register_event_command(&clear_command) ?:
	       watch_modules();
}
fs_initcall(wprobe_trigger_init);
