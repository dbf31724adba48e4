/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Hardware breakpoints: what perf_event_attr's bp_type and bp_len take.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _UAPI_LINUX_HW_BREAKPOINT_H
#define _UAPI_LINUX_HW_BREAKPOINT_H

/* bp_len counts bytes; the names are those that programs already use. */
enum {
	HW_BREAKPOINT_LEN_1 = 1, HW_BREAKPOINT_LEN_2 = 2,
	HW_BREAKPOINT_LEN_3 = 3, HW_BREAKPOINT_LEN_4 = 4,
	HW_BREAKPOINT_LEN_5 = 5, HW_BREAKPOINT_LEN_6 = 6,
	HW_BREAKPOINT_LEN_7 = 7, HW_BREAKPOINT_LEN_8 = 8,
};

/* bp_type is a mask of the accesses to report. */
enum {
	HW_BREAKPOINT_EMPTY	= 0,
	HW_BREAKPOINT_R		= 1 << 0,
	HW_BREAKPOINT_W		= 1 << 1,
	HW_BREAKPOINT_RW	= HW_BREAKPOINT_R | HW_BREAKPOINT_W,
	HW_BREAKPOINT_X		= 1 << 2,
	HW_BREAKPOINT_INVALID	= HW_BREAKPOINT_RW | HW_BREAKPOINT_X,
};

#endif /* _UAPI_LINUX_HW_BREAKPOINT_H */
