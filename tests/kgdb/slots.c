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
 * slots flexible          the same with four flexible events on each CPU; at the end, for how
 *                         many of them, rounded up, the time is that they were enabled, and
 *                         didn't run
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

static long somewhere[MAX_SLOTS];
static int fds[MAX_CPUS][MAX_SLOTS];

static int open_slot(int cpu, int n, unsigned int type, uint64_t addr)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = type,
		.bp_addr = addr ?: (uintptr_t)&somewhere[n],
		.bp_len = type == HW_BREAKPOINT_X ? sizeof(long) : HW_BREAKPOINT_LEN_8,
		.exclude_kernel = !addr,
		.exclude_hv = 1,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Opens up to want events on a CPU; how many, or -1 for a CPU that is offline. */
static int fill(int cpu, int want, unsigned int type, uint64_t addr)
{
	int n;

	for (n = 0; n < want; n++) {
		fds[cpu][n] = open_slot(cpu, n, type, addr);
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

struct reading {
	uint64_t value, enabled, running;
};

static struct reading look(int fd)
{
	struct reading r;

	if (read(fd, &r, sizeof(r)) != sizeof(r)) {
		perror("slots: read");
		exit(1);
	}
	return r;
}

static void tell_counts(int cpus, const int *got)
{
	int cpu;

	for (cpu = 0; cpu < cpus; cpu++)
		if (got[cpu] > 0)
			printf("%llu ", (unsigned long long)look(fds[cpu][0]).value);
	printf("\n");
}

/* One is off for a moment, too, when perf core adds the next one. */
static void tell_lost(int cpus, const int *got)
{
	const uint64_t moments = 4000000;
	uint64_t lost, enabled;
	struct reading r;
	int cpu, n;

	for (cpu = 0; cpu < cpus; cpu++) {
		lost = 0;
		enabled = 0;
		for (n = 0; n < got[cpu]; n++) {
			r = look(fds[cpu][n]);
			lost += r.enabled - r.running;
			if (enabled < r.enabled)
				enabled = r.enabled;
		}
		if (got[cpu] > 0)
			printf("%llu ", (unsigned long long)
			       (lost > moments ? (lost + enabled - 1) / enabled : 0));
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	const int cpus = sysconf(_SC_NPROCESSORS_CONF);
	const int counts = argc == 4 && !strcmp(argv[1], "count");
	const int holds = argc == 3 && !strcmp(argv[1], "hold");
	const int flexible = argc == 2 && !strcmp(argv[1], "flexible");
	const int want = counts ? 1 : holds ? atoi(argv[2]) : flexible ? 4 : MAX_SLOTS;
	int cpu, got[MAX_CPUS];

	if (!(counts || holds || flexible || (argc == 2 && !strcmp(argv[1], "free"))) ||
	    cpus > MAX_CPUS || want > MAX_SLOTS) {
		fprintf(stderr, "slots: free | hold N | count w|rw|x ADDR | flexible\n");
		return 2;
	}
	for (cpu = 0; cpu < cpus; cpu++)
		got[cpu] = fill(cpu, want, counts ? parse_type(argv[2]) : HW_BREAKPOINT_W,
				counts ? strtoull(argv[3], NULL, 0) : 0);
	printf("%s", holds || counts || flexible ? "held" : "free");
	for (cpu = 0; cpu < cpus; cpu++) {
		if (got[cpu] >= 0)
			printf(" %d", got[cpu]);
	}
	printf("\n");
	if (holds || counts || flexible)
		wait_for_end();
	if (counts)
		tell_counts(cpus, got);
	if (flexible)
		tell_lost(cpus, got);
	return 0;
}
