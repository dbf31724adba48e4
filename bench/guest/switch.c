// SPDX-License-Identifier: GPL-2.0-only
/*
 * Switches between two tasks that have breakpoints, by a byte that goes to and fro through
 * pipes on one CPU: what one costs, and how often the debug registers are written for it.
 *
 * switch KIND BREAKPOINTS ROUNDS: KIND is "different" (each task has so many, all of them at
 * other addresses), "of one task" (the other has none), "same" (both have them, opened
 * separately), "inherited" (the second task is a child that inherited them), "dummy" (software
 * dummy events instead, so that what is left is perf core's own). Prints a line for the harness
 * with the time, and one with the writes where the kernel counts them.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#define _GNU_SOURCE
#include <err.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX 4
#define STATS "/sys/kernel/debug/hw_breakpoint/stats"

/* Nobody accesses them. */
static uint64_t vars[2 * MAX] __attribute__((aligned(64)));

static void open_event(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->exclude_kernel = 1;
	if (syscall(SYS_perf_event_open, attr, 0, -1, -1, 0) < 0)
		err(1, "perf_event_open");
}

static void watch(int i, int inherit)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .inherit = inherit,
		.bp_type = HW_BREAKPOINT_W, .bp_addr = (uintptr_t)&vars[i], .bp_len = 8,
	};

	open_event(&attr);
}

static void open_dummy(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY,
	};

	open_event(&attr);
}

/* What the first task has, and the second one @second. */
static void open_events(const char *kind, int nr, int second)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(kind, "dummy"))
			open_dummy();
		else if (!second)
			watch(i, !strcmp(kind, "inherited"));
		else if (!strcmp(kind, "different"))
			watch(MAX + i, 0);
		else if (!strcmp(kind, "same"))
			watch(i, 0);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Writes to DR0-DR3 and DR7 of CPU 0 up to now; negative: they aren't counted. */
static long writes(void)
{
	FILE *f = fopen(STATS, "re");
	long address = -1, dr6, dr7 = 0;

	if (!f)
		return -1;
	if (fscanf(f, "cpu0 address_writes %ld dr6_writes %ld dr7_writes %ld", &address, &dr6,
		   &dr7) != 3)
		address = -1;
	fclose(f);
	return address + dr7;
}

static void send(int fd)
{
	if (write(fd, "", 1) != 1)
		err(1, "write");
}

static void receive(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		exit(0);
}

static void child(int from, int to, int other, const char *kind, int nr)
{
	close(other);
	open_events(kind, nr, 1);
	for (;;) {
		receive(from);
		send(to);
	}
}

static void rounds(int to, int from, long nr)
{
	while (nr--) {
		send(to);
		receive(from);
	}
}

int main(int argc, char **argv)
{
	int nr, there[2], back[2];
	char what[80];
	cpu_set_t set;
	long n, before;
	double t;

	if (argc != 4)
		errx(2, "usage: switch KIND BREAKPOINTS ROUNDS");
	nr = atoi(argv[2]);
	n = atol(argv[3]);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (nr > MAX || n <= 0 || sched_setaffinity(0, sizeof(set), &set) || pipe(there) ||
	    pipe(back))
		err(1, "can't begin");
	open_events(argv[1], nr, 0);
	if (!fork())
		child(there[0], back[1], there[1], argv[1], nr);
	rounds(there[1], back[0], 100);

	before = writes();
	t = now();
	rounds(there[1], back[0], n);
	t = now() - t;
	if (nr)
		snprintf(what, sizeof(what), "switch with %d %s", nr, argv[1]);
	else
		snprintf(what, sizeof(what), "switch without breakpoints");
	printf("bench: %s\t%.1f\tns\n", what, t / n / 2);
	if (before >= 0)
		printf("bench: %s: register writes there and back\t%.2f\ttimes\n", what,
		       (double)(writes() - before) / n);
	close(there[1]);
	wait(NULL);
	return 0;
}
