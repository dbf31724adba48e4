/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parser of fetch arguments and the triggers know of watch events.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _TRACE_WPROBE_H
#define _TRACE_WPROBE_H

#include <linux/errno.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "trace_watch.h"

/**
 * trace_wprobe_variable() - a watch event's own $-variable
 * @name: without the $
 *
 * Context: any.
 * Return: its offset in struct watch_hit, which is fetched as entry data, or -ENOENT.
 */
static inline int trace_wprobe_variable(const char *name)
{
	if (!strcmp(name, "addr"))
		return offsetof(struct watch_hit, addr);
	if (!strcmp(name, "value"))
		return offsetof(struct watch_hit, value);
	if (!strcmp(name, "old"))
		return offsetof(struct watch_hit, old);
	return -ENOENT;
}

struct trace_wprobe;

struct trace_wprobe *trace_wprobe_get(const char *name);
void trace_wprobe_put(struct trace_wprobe *tw);
const char *trace_wprobe_label(const struct trace_wprobe *tw);
void trace_wprobe_repoint(struct trace_wprobe *tw, unsigned long addr);

#endif /* _TRACE_WPROBE_H */
