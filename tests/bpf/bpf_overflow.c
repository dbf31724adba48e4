// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BPF program on a breakpoint's overflow runs once for each hit, and decides.
 * Copyright (C) 2026 The hw_breakpoint authors
 *
 * The program is assembled here by hand: no library is needed. It adds one to hits,
 * keeps ctx->addr, and returns what the test wants: 0 is no sample, 1 is a sample.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WRITES 1000
#define RING_PAGES 16

#define INSN(c, d, s, o, i) \
	{ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) }

struct seen {
	uint64_t hits;
	uint64_t addr;
};

static volatile uint64_t watched;
static int tests, failures;

static void check(const char *what, uint64_t got, uint64_t expected)
{
	tests++;
	if (got == expected) {
		printf("ok %d - %s\n", tests, what);
	} else {
		printf("not ok %d - %s\n# expected %llu, got %llu\n", tests, what,
		       (unsigned long long)expected, (unsigned long long)got);
		failures++;
	}
}

static int must(int result, const char *what)
{
	if (result < 0) {
		printf("not ok %d - %s: %s\n", ++tests, what, strerror(errno));
		exit(1);
	}
	return result;
}

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = sizeof(struct seen),
		.max_entries = 1,
	};

	return must(bpf(BPF_MAP_CREATE, &attr), "create a map");
}

static struct seen read_map(int map)
{
	uint32_t key = 0;
	struct seen seen = { 0 };
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&seen,
	};

	must(bpf(BPF_MAP_LOOKUP_ELEM, &attr), "read the map");
	return seen;
}

static int load_program(int map, int verdict)
{
	const struct bpf_insn program[] = {
		/* r6 = ctx; r0 = bpf_map_lookup_elem(map, &(u32)0) */
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		/* if (!r0) goto out */
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4, 0),
		/* r0->hits += 1, atomically; r0->addr = ctx->addr */
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, offsetof(struct seen, hits), BPF_ADD),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 6,
		     offsetof(struct bpf_perf_event_data, addr), 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 0, 1, offsetof(struct seen, addr), 0),
		/* out: return verdict */
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_PERF_EVENT,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.license = (uintptr_t)"GPL",
	};

	return must(bpf(BPF_PROG_LOAD, &attr), "load a program");
}

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
	int program = load_program(map, verdict);
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
