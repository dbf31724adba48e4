/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The little of TAP that the user-space tests need.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _HW_BREAKPOINT_TAP_H
#define _HW_BREAKPOINT_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_done, tap_failed;

/* One result; @what is in one line and says which behaviour was looked at. */
static inline bool tap_ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_done, what);
	fflush(stdout);
	tap_failed += !good;
	return good;
}

/* The plan comes last, so a test that dies on its way has none. Return: the exit status. */
static inline int tap_end(void)
{
	printf("1..%d\n", tap_done);
	return tap_failed ? 1 : 0;
}

#endif /* _HW_BREAKPOINT_TAP_H */
