/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens to hardware breakpoints, to be traced.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hw_breakpoint

#if !defined(_TRACE_HW_BREAKPOINT_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_HW_BREAKPOINT_H

#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(HW_BREAKPOINT_R);
TRACE_DEFINE_ENUM(HW_BREAKPOINT_W);
TRACE_DEFINE_ENUM(HW_BREAKPOINT_RW);
TRACE_DEFINE_ENUM(HW_BREAKPOINT_X);

#define show_hw_breakpoint_type(type)			\
	__print_symbolic(type,				\
			 { HW_BREAKPOINT_R, "r" },	\
			 { HW_BREAKPOINT_W, "w" },	\
			 { HW_BREAKPOINT_RW, "rw" },	\
			 { HW_BREAKPOINT_X, "x" })

/* @target: the task that it is for, 0: none. @target_cpu: the CPU that it is for, -1: none. */
DECLARE_EVENT_CLASS(hw_breakpoint_event,
	TP_PROTO(const struct perf_event *bp),
	TP_ARGS(bp),
	TP_STRUCT__entry(
		__field(unsigned long, addr)
		__field(u64, len)
		__field(u32, type)
		__field(pid_t, target)
		__field(int, target_cpu)
	),
	TP_fast_assign(
		__entry->addr = bp->attr.bp_addr;
		__entry->len = bp->attr.bp_len;
		__entry->type = bp->attr.bp_type;
		__entry->target = bp->hw.target ? task_pid_nr(bp->hw.target) : 0;
		__entry->target_cpu = bp->cpu;
	),
	TP_printk("addr=0x%lx len=%llu type=%s target=%d target_cpu=%d", __entry->addr,
		  __entry->len, show_hw_breakpoint_type(__entry->type), __entry->target,
		  __entry->target_cpu)
);

/* An event was granted its register. */
DEFINE_EVENT(hw_breakpoint_event, hw_breakpoint_register,
	TP_PROTO(const struct perf_event *bp), TP_ARGS(bp));

/* It is gone. */
DEFINE_EVENT(hw_breakpoint_event, hw_breakpoint_unregister,
	TP_PROTO(const struct perf_event *bp), TP_ARGS(bp));

/* It watches something else from now on. */
DEFINE_EVENT(hw_breakpoint_event, hw_breakpoint_modify,
	TP_PROTO(const struct perf_event *bp), TP_ARGS(bp));

/* It goes into a register of this CPU. */
DEFINE_EVENT(hw_breakpoint_event, hw_breakpoint_install,
	TP_PROTO(const struct perf_event *bp), TP_ARGS(bp));

/* It leaves it. */
DEFINE_EVENT(hw_breakpoint_event, hw_breakpoint_uninstall,
	TP_PROTO(const struct perf_event *bp), TP_ARGS(bp));

/* It was hit by the instruction before @ip; for execution, by the one at @ip. */
TRACE_EVENT(hw_breakpoint_hit,
	TP_PROTO(const struct perf_event *bp, const struct pt_regs *regs),
	TP_ARGS(bp, regs),
	TP_STRUCT__entry(
		__field(unsigned long, addr)
		__field(unsigned long, ip)
		__field(u64, len)
		__field(u32, type)
		__field(pid_t, target)
		__field(int, target_cpu)
	),
	TP_fast_assign(
		__entry->addr = bp->attr.bp_addr;
		__entry->ip = instruction_pointer((struct pt_regs *)regs);
		__entry->len = bp->attr.bp_len;
		__entry->type = bp->attr.bp_type;
		__entry->target = bp->hw.target ? task_pid_nr(bp->hw.target) : 0;
		__entry->target_cpu = bp->cpu;
	),
	TP_printk("addr=0x%lx len=%llu type=%s ip=%pS target=%d target_cpu=%d", __entry->addr,
		  __entry->len, show_hw_breakpoint_type(__entry->type), (void *)__entry->ip,
		  __entry->target, __entry->target_cpu)
);

/* Somebody asked in vain. @err is an errno, such as 28. @target_cpu -2: on every CPU. */
TRACE_EVENT(hw_breakpoint_refuse,
	TP_PROTO(const struct hw_breakpoint_holder *request, int err, const char *why),
	TP_ARGS(request, err, why),
	TP_STRUCT__entry(
		__field(unsigned long, addr)
		__field(u64, len)
		__field(u32, type)
		__field(pid_t, target)
		__field(int, target_cpu)
		__field(int, err)
		__string(why, why)
	),
	TP_fast_assign(
		__entry->addr = request->watch.address;
		__entry->len = request->watch.len;
		__entry->type = request->watch.type;
		__entry->target = request->task.pid;
		__entry->target_cpu = request->cpu;
		__entry->err = -err;
		__assign_str(why);
	),
	TP_printk("addr=0x%lx len=%llu type=%s target=%d target_cpu=%d err=%d why=%s",
		  __entry->addr, __entry->len, show_hw_breakpoint_type(__entry->type),
		  __entry->target, __entry->target_cpu, __entry->err, __get_str(why))
);

#endif /* _TRACE_HW_BREAKPOINT_H */

#include <trace/define_trace.h>
