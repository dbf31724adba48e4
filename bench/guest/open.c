// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opens and closes perf events: breakpoints, and software dummy events to compare with.
 *
 *   open measure REPEATS	prints the lines of bench/run.sh
 *   open loop			opens and closes breakpoints on one CPU after the other until
 *				SIGTERM; then prints how many were granted, how many were
 *				refused for want of room, and the seconds that it took
 *
 *   open refused REPEATS	prints what a refused open costs a user without privileges
 *
 * The breakpoints are armed, and nobody hits them.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What the breakpoints watch. */
static long watched;

/* How many pairs one figure of a burst is the mean of. */
#define BURST 200

/* For how long nothing is opened before a cold one: longer than grace periods take. */
#define QUIET_NS 120000000

static volatile sig_atomic_t stop;

static struct perf_event_attr attribute(__u32 type)
{
	struct perf_event_attr attr = {
		.type = type,
		.size = sizeof(attr),
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	if (type == PERF_TYPE_BREAKPOINT) {
		attr.bp_type = HW_BREAKPOINT_W;
		attr.bp_addr = (unsigned long)&watched;
		attr.bp_len = HW_BREAKPOINT_LEN_8;
	} else {
		attr.config = PERF_COUNT_SW_DUMMY;
	}
	return attr;
}

/* An event of @cpu, or of ourselves if that is -1. */
static int try_open(struct perf_event_attr *attr, int cpu)
{
	return syscall(SYS_perf_event_open, attr, cpu < 0 ? 0 : -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static int must_open(struct perf_event_attr *attr, int cpu)
{
	int fd = try_open(attr, cpu);

	if (fd < 0)
		error(1, errno, "perf_event_open of type %u, CPU %d", attr->type, cpu);
	return fd;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void be_quiet(void)
{
	struct timespec t = { .tv_nsec = QUIET_NS };

	nanosleep(&t, NULL);
}

/* The ns of one open(), the first one for a while. */
static double cold(__u32 type, int cpu)
{
	struct perf_event_attr attr = attribute(type);
	double start, end;
	int fd;

	be_quiet();
	start = now();
	fd = must_open(&attr, cpu);
	end = now();
	close(fd);
	return end - start;
}

/* The ns of an open() with its close(), one after the other. */
static double burst(__u32 type, int cpu)
{
	struct perf_event_attr attr = attribute(type);
	double start = now();
	int i;

	for (i = 0; i < BURST; i++)
		close(must_open(&attr, cpu));
	return (now() - start) / BURST;
}

static void say(const char *what, double ns, const char *base)
{
	printf("bench: %s\t%.1f\tns\t%s\n", what, ns, base);
}

static void measure_once(void)
{
	say("dummy event on a CPU: open, cold", cold(PERF_TYPE_SOFTWARE, 0), "");
	say("breakpoint on a CPU: open, cold", cold(PERF_TYPE_BREAKPOINT, 0),
	    "dummy event on a CPU: open, cold");
	say("dummy event on a CPU: open+close", burst(PERF_TYPE_SOFTWARE, 0), "");
	say("breakpoint on a CPU: open+close", burst(PERF_TYPE_BREAKPOINT, 0),
	    "dummy event on a CPU: open+close");
	/* What those on a CPU leave behind is not a task's cost. */
	be_quiet();
	say("dummy event on a task: open+close", burst(PERF_TYPE_SOFTWARE, -1), "");
	say("breakpoint on a task: open+close", burst(PERF_TYPE_BREAKPOINT, -1),
	    "dummy event on a task: open+close");
}

/* Each once before it is measured: what is made at first use is made. */
static void measure(int repeats)
{
	int cpu;

	for (cpu = -1; cpu <= 0; cpu++) {
		burst(PERF_TYPE_SOFTWARE, cpu);
		burst(PERF_TYPE_BREAKPOINT, cpu);
	}
	while (repeats--)
		measure_once();
}

/* The task that asks has all registers, and @others have as many. */
static void refused_once(int others)
{
	struct perf_event_attr attr = attribute(PERF_TYPE_BREAKPOINT);
	char what[64];
	double start;
	int i;

	start = now();
	for (i = 0; i < BURST; i++)
		if (try_open(&attr, -1) >= 0 || errno != ENOSPC)
			error(1, errno, "an open that should be refused");
	snprintf(what, sizeof(what), "breakpoint on a task: refused open, %d others", others);
	say(what, (now() - start) / BURST, "");
}

static void hold_all(void)
{
	struct perf_event_attr attr = attribute(PERF_TYPE_BREAKPOINT);
	int i;

	for (i = 0; i < 4; i++)
		must_open(&attr, -1);
}

static void refused(int repeats)
{
	int others, i, ready[2];
	char c;

	if (pipe(ready) || setgid(65534) || setuid(65534))
		error(1, errno, "becoming nobody");
	hold_all();
	for (others = 0; others <= 64; others += 64) {
		for (i = 0; i < others; i++) {
			if (fork())
				continue;
			signal(SIGTERM, SIG_DFL);
			hold_all();
			if (write(ready[1], "", 1) == 1)
				pause();
			_exit(1);
		}
		for (i = 0; i < others; i++)
			if (read(ready[0], &c, 1) != 1)
				error(1, errno, "pipe");
		refused_once(others);
		for (i = 0; i < repeats; i++)
			refused_once(others);
	}
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
}

static void on_term(int sig)
{
	stop = 1;
}

static void loop(void)
{
	struct perf_event_attr attr = attribute(PERF_TYPE_BREAKPOINT);
	long granted = 0, refused = 0, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	double start = now();
	int fd;

	while (!stop) {
		fd = try_open(&attr, (granted + refused) % cpus);
		if (fd >= 0) {
			granted++;
			close(fd);
		} else if (errno == ENOSPC) {
			refused++;
		} else if (errno != EINTR) {
			error(1, errno, "perf_event_open");
		}
	}
	printf("%ld %ld %.3f\n", granted, refused, (now() - start) / 1e9);
}

int main(int argc, char **argv)
{
	struct sigaction term = { .sa_handler = on_term };

	sigaction(SIGTERM, &term, NULL);
	if (argc == 3 && !strcmp(argv[1], "measure"))
		measure(atoi(argv[2]));
	else if (argc == 3 && !strcmp(argv[1], "refused"))
		refused(atoi(argv[2]));
	else if (argc == 2 && !strcmp(argv[1], "loop"))
		loop();
	else
		error(2, 0, "usage: open measure REPEATS | open refused REPEATS | open loop");
	return 0;
}
