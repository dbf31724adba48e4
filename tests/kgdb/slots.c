// SPDX-License-Identifier: GPL-2.0-only
/*
 * perf's side of kgdb's tests: who has how many slots, and counts beside the debugger's.
 * Copyright (C) 2026 The hw_breakpoint authors
 *
 * slots free              for each online CPU, how many events it can be given
 * slots hold N            takes N slots on each online CPU, says "held", keeps them until
 *                         its input ends
 * slots count w|rw|x ADDR the same with one event at a kernel address; at the end, what
 *                         each CPU counted
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_CPUS 16
#define MAX_SLOTS 8

static long somewhere;
static int fds[MAX_CPUS][MAX_SLOTS];

static int open_slot(int cpu, unsigned int type, uint64_t addr)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = type,
		.bp_addr = addr ?: (uintptr_t)&somewhere,
		.bp_len = type == HW_BREAKPOINT_X ? sizeof(long) : HW_BREAKPOINT_LEN_8,
		.exclude_kernel = !addr,
		.exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Opens up to want events on a CPU; how many, or -1 for a CPU that is offline. */
static int fill(int cpu, int want, unsigned int type, uint64_t addr)
{
	int n;

	for (n = 0; n < want; n++) {
		fds[cpu][n] = open_slot(cpu, type, addr);
		if (fds[cpu][n] >= 0)
			continue;
		if (errno == ENODEV)
			return -1;
		if (errno == ENOSPC)
			break;
		perror("slots: perf_event_open");
		exit(1);
	}
	return n;
}

static void wait_for_end(void)
{
	char c;

	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
}

static int parse_type(const char *text)
{
	if (!strcmp(text, "x"))
		return HW_BREAKPOINT_X;
	return !strcmp(text, "rw") ? HW_BREAKPOINT_RW : HW_BREAKPOINT_W;
}

int main(int argc, char **argv)
{
	const int cpus = sysconf(_SC_NPROCESSORS_CONF);
	const int counts = argc == 4 && !strcmp(argv[1], "count");
	const int holds = argc == 3 && !strcmp(argv[1], "hold");
	const int want = counts ? 1 : holds ? atoi(argv[2]) : MAX_SLOTS;
	int cpu, got[MAX_CPUS];
	uint64_t value;

	if (!(counts || holds || (argc == 2 && !strcmp(argv[1], "free"))) || cpus > MAX_CPUS ||
	    want > MAX_SLOTS) {
		fprintf(stderr, "slots: free | hold N | count w|rw|x ADDR\n");
		return 2;
	}
	for (cpu = 0; cpu < cpus; cpu++)
		got[cpu] = fill(cpu, want, counts ? parse_type(argv[2]) : HW_BREAKPOINT_W,
				counts ? strtoull(argv[3], NULL, 0) : 0);
	printf("%s", holds || counts ? "held" : "free");
	for (cpu = 0; cpu < cpus; cpu++) {
		if (got[cpu] >= 0)
			printf(" %d", got[cpu]);
	}
	printf("\n");
	if (holds || counts)
		wait_for_end();
	for (cpu = 0; counts && cpu < cpus; cpu++) {
		if (got[cpu] > 0 && read(fds[cpu][0], &value, sizeof(value)) == sizeof(value))
			printf("%llu ", (unsigned long long)value);
	}
	if (counts)
		printf("\n");
	return 0;
}
