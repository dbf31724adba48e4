// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks that sleep with one breakpoint of their own each: as many as each number that
 * stdin gives says, which is printed when they are there, until stdin ends.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What nobody writes to. */
static long watched;

/* Up when a task has its breakpoint. */
static sem_t ready;

static void open_breakpoint(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (unsigned long)&watched,
		.bp_len = HW_BREAKPOINT_LEN_8,
	};

	if (syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) < 0)
		error(1, errno, "perf_event_open");
}

static void *sleeper(void *unused)
{
	open_breakpoint();
	sem_post(&ready);
	for (;;)
		pause();
	return NULL;
}

static void add_task(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	err = pthread_create(&thread, &attr, sleeper, NULL);
	if (err)
		error(1, err, "pthread_create");
	pthread_attr_destroy(&attr);
	while (sem_wait(&ready))
		;
}

/* A descriptor for each breakpoint. */
static void allow_files(unsigned int n)
{
	struct rlimit limit = { .rlim_cur = n, .rlim_max = n };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		error(1, errno, "cannot have %u files", n);
}

int main(void)
{
	int tasks = 0, wanted;

	allow_files(20000);
	sem_init(&ready, 0, 0);
	while (scanf("%d", &wanted) == 1) {
		for (; tasks < wanted; tasks++)
			add_task();
		printf("%d\n", tasks);
		fflush(stdout);
	}
	_exit(0);
}
