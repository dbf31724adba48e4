// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BPF program on a breakpoint's overflow runs once for each hit, and decides.
 * Copyright (C) 2026 The hw_breakpoint authors
 *
 * The program adds one to hits, keeps ctx->addr, and returns what the test wants: 0 is no
 * sample, 1 is a sample.
 */
#define _GNU_SOURCE
#include "bpf.h"

#include <linux/bpf_perf_event.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING_PAGES 16

static volatile uint64_t watched;

static int open_breakpoint(uint64_t period)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)&watched,
		.bp_len = HW_BREAKPOINT_LEN_8,
		.sample_period = period,
		.sample_type = PERF_SAMPLE_IP,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return must(syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC),
		    "open a breakpoint");
}

/* How many bytes of samples the ring got. A sample is a header and an ip. */
static uint64_t samples(struct perf_event_mmap_page *ring)
{
	return ring->data_head / (sizeof(struct perf_event_header) + sizeof(uint64_t));
}

static void test(uint64_t period, int verdict, const char *what)
{
	size_t size = (RING_PAGES + 1) * sysconf(_SC_PAGESIZE);
	int map = make_map();
	int program = load_program(BPF_PROG_TYPE_PERF_EVENT, map,
				   offsetof(struct bpf_perf_event_data, addr), verdict);
	int event = open_breakpoint(period);
	void *ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0);
	uint64_t counted = 0;
	struct seen seen;
	char name[128];

	must(ring == MAP_FAILED ? -1 : 0, "map the ring");
	must(ioctl(event, PERF_EVENT_IOC_SET_BPF, program), "attach the program");
	must(ioctl(event, PERF_EVENT_IOC_ENABLE, 0), "enable the breakpoint");
	for (int i = 0; i < WRITES; i++)
		watched = i;
	must(ioctl(event, PERF_EVENT_IOC_DISABLE, 0), "disable the breakpoint");
	watched = 0;
	must(read(event, &counted, sizeof(counted)), "read the count");
	seen = read_map(map);

	snprintf(name, sizeof(name), "%s: the event counts each write", what);
	check(name, counted, WRITES);
	snprintf(name, sizeof(name), "%s: the program ran once each period", what);
	check(name, seen.hits, WRITES / period);
	snprintf(name, sizeof(name), "%s: the program is told the address", what);
	check(name, seen.addr, (uintptr_t)&watched);
	snprintf(name, sizeof(name), "%s: samples as the program says", what);
	check(name, samples(ring), verdict ? WRITES / period : 0);
	munmap(ring, size);
	close(event);
	close(program);
	close(map);
}

int main(void)
{
	test(1, 0, "BPF on each write, no samples");
	test(1, 1, "BPF on each write, samples");
	test(10, 1, "BPF on each tenth write, samples");
	printf("1..%d\n", tests);
	return failures != 0;
}
