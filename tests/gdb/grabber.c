// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes breakpoint slots of another task away, if it can.
 * Copyright (C) 2026 The hw_breakpoint authors
 *
 * grabber hold PID N   takes N slots of the task, says "held N", keeps them until its
 *                      input ends.
 * grabber grab PID     asks for slots of the task and of each CPU in a loop until its
 *                      input ends; a line after the first round, then "rounds R got G".
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long somewhere;

static int open_slot(pid_t pid, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)&somewhere,
		.bp_len = HW_BREAKPOINT_LEN_4,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0 && errno != ENOSPC) {
		perror("grabber: perf_event_open");
		exit(1);
	}
	return fd;
}

static int input_ended(int timeout)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };

	return poll(&in, 1, timeout) > 0;
}

static int hold(pid_t pid, int want)
{
	int n = 0;

	while (n < want && open_slot(pid, -1) >= 0)
		n++;
	printf("held %d\n", n);
	fflush(stdout);
	input_ended(-1);
	return 0;
}

static int grab(pid_t pid)
{
	long rounds = 0, got = 0;

	do {
		/* The task anywhere, the task on CPU 0, CPU 0. */
		int fds[] = { open_slot(pid, -1), open_slot(pid, 0), open_slot(-1, 0) };

		for (int i = 0; i < 3; i++) {
			if (fds[i] >= 0) {
				got++;
				close(fds[i]);
			}
		}
		if (!rounds++) {
			printf("\n");
			fflush(stdout);
		}
	} while (!input_ended(0));
	printf("rounds %ld got %ld\n", rounds, got);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "hold"))
		return hold(atoi(argv[2]), atoi(argv[3]));
	if (argc == 3 && !strcmp(argv[1], "grab"))
		return grab(atoi(argv[2]));
	fprintf(stderr, "grabber: hold PID N | grab PID\n");
	return 2;
}
