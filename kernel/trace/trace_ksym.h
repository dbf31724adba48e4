/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tracing core tells the ksym tracer: which instances there are.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _TRACE_KSYM_H
#define _TRACE_KSYM_H

struct dentry;
struct trace_array;

#ifdef CONFIG_KSYM_TRACER
void trace_ksym_create_files(struct trace_array *tr, struct dentry *dir);
void trace_ksym_remove(struct trace_array *tr);
#else
static inline void trace_ksym_create_files(struct trace_array *tr, struct dentry *dir) { }
static inline void trace_ksym_remove(struct trace_array *tr) { }
#endif

#endif /* _TRACE_KSYM_H */
