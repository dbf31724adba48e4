/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the BPF programs' tests have in common: a map, loading, and results as TAP.
 * Copyright (C) 2026 The hw_breakpoint authors
 *
 * The programs are assembled by hand: no library is needed.
 */
#ifndef HWBP_TESTS_BPF_H
#define HWBP_TESTS_BPF_H

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WRITES 1000

#define INSN(c, d, s, o, i) \
	{ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) }

struct seen {
	uint64_t hits;
	uint64_t addr;
};

static int tests, failures;

static inline void check(const char *what, uint64_t got, uint64_t expected)
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

/* Adds one to hits, keeps what the context has at @offset, and returns @verdict. */
static int load_program(int type, int map, int offset, int verdict)
{
	const struct bpf_insn program[] = {
		/* r6 = ctx; r0 = bpf_map_lookup_elem(map, &(u32)0), of which there is one */
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		/* if (!r0) goto out */
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4, 0),
		/* r0->hits += 1, atomically; r0->addr = *(u64 *)(ctx + offset) */
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, offsetof(struct seen, hits), BPF_ADD),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 6, offset, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 0, 1, offsetof(struct seen, addr), 0),
		/* out: return verdict */
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.license = (uintptr_t)"GPL",
	};

	return must(bpf(BPF_PROG_LOAD, &attr), "load a program");
}

#endif /* HWBP_TESTS_BPF_H */
