// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often the debug registers are written: counted by the kernel itself, see
 * CONFIG_HW_BREAKPOINT_STATS.
 *
 * Two tasks hand a byte to and fro on one CPU, on which nothing else has breakpoints. What is
 * expected is by the manual: an address that isn't there yet is a write, and so is each change
 * of DR7.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#define ROUNDS 1000

static volatile uint64_t vars[2 * HWBP_NUM] __attribute__((aligned(64)));

struct players {
	int there[2], back[2];
	pid_t pid;
};

static long address_writes(void)
{
	return cpu_stat(0, "address_writes");
}

static long dr7_writes(void)
{
	return cpu_stat(0, "dr7_writes");
}

static void play(struct players *p, int rounds)
{
	char c = 0;

	while (rounds--)
		if (write(p->there[1], &c, 1) != 1 || read(p->back[0], &c, 1) != 1)
			abort();
}

/* @first: of the variables that it watches; @nr: so many of them */
static void play_back(struct players *p, int first, int nr)
{
	char c = 0;
	int i;

	close(p->there[1]);
	for (i = 0; i < nr; i++)
		if (bp_open(BP_W, addr_of(&vars[first + i]), 8, 0, -1) < 0)
			abort();
	while (read(p->there[0], &c, 1) == 1 && write(p->back[1], &c, 1) == 1)
		;
	_exit(0);
}

static void begin(struct __test_metadata *_metadata, struct players *p, int first, int nr)
{
	ASSERT_EQ(0, pipe(p->there));
	ASSERT_EQ(0, pipe(p->back));
	p->pid = fork_kid();
	if (!p->pid)
		play_back(p, first, nr);
	play(p, 10);
}

static void end(struct players *p)
{
	int i;

	close(p->there[1]);
	waitpid(p->pid, NULL, 0);
	close(p->there[0]);
	for (i = 0; i < 2; i++)
		close(p->back[i]);
}

/* How often one of the two has left the CPU. */
static long all_switches(const struct players *p)
{
	static const char *const format[] = {
		"voluntary_ctxt_switches: %ld", "nonvoluntary_ctxt_switches: %ld",
	};
	const pid_t pids[] = { getpid(), p->pid };
	char path[64], line[128];
	long n, sum = 0;
	FILE *f;
	int i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/status", pids[i]);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, format[0], &n) == 1 || sscanf(line, format[1], &n) == 1)
				sum += n;
		if (f)
			fclose(f);
	}
	return sum;
}

/*
 * Writes for each round, of two switches. Where somebody else has the CPU in between, what was
 * on is switched off and on once more; a few come from the reading.
 */
static void expect_writes(struct __test_metadata *_metadata, struct players *p, long address,
			  long dr7)
{
	long s = all_switches(p), a = address_writes(), d = dr7_writes(), others;

	play(p, ROUNDS);
	a = address_writes() - a;
	d = dr7_writes() - d;
	s = all_switches(p) - s;
	others = s > 2 * ROUNDS ? s - 2 * ROUNDS : 0;
	TH_LOG("%ld switches, a round: %.2f writes to addresses, %.2f to DR7", s,
	       (double)a / ROUNDS, (double)d / ROUNDS);
	EXPECT_GE(s, 2 * ROUNDS - 2);
	EXPECT_LE(a, address * ROUNDS + HWBP_NUM * others + 8);
	EXPECT_LE(d, dr7 * ROUNDS + 2 * others + 8);
}

FIXTURE(traffic) {
	struct players players;
	int fd[HWBP_NUM];
};

FIXTURE_SETUP(traffic)
{
	NEED(dr7_writes() >= 0, "nothing is counted here");
	ASSERT_EQ(0, pin_to(0));
}

FIXTURE_TEARDOWN(traffic)
{
	all_free(_metadata);
}

static void watch(int *fd, int nr, int inherit)
{
	struct perf_event_attr attr;
	int i;

	for (i = 0; i < nr; i++) {
		attr = bp_attr(BP_W, addr_of(&vars[i]), 8);
		attr.inherit = inherit;
		fd[i] = pe_open(&attr, 0, -1);
		if (fd[i] < 0)
			abort();
	}
}

static void unwatch(int *fd, int nr)
{
	while (nr--)
		close(fd[nr]);
}

/* At most 6 a switch: off, four addresses, on. */
TEST_F(traffic, four_different_each)
{
	begin(_metadata, &self->players, HWBP_NUM, HWBP_NUM);
	watch(self->fd, HWBP_NUM, 0);
	expect_writes(_metadata, &self->players, 8, 4);
	unwatch(self->fd, HWBP_NUM);
	end(&self->players);
}

/* There and back: off, and on again. */
TEST_F(traffic, four_and_none)
{
	begin(_metadata, &self->players, 0, 0);
	watch(self->fd, HWBP_NUM, 0);
	expect_writes(_metadata, &self->players, 0, 2);
	unwatch(self->fd, HWBP_NUM);
	end(&self->players);
}

/* At most 2 a switch. */
TEST_F(traffic, the_same_four)
{
	begin(_metadata, &self->players, 0, HWBP_NUM);
	watch(self->fd, HWBP_NUM, 0);
	expect_writes(_metadata, &self->players, 0, 4);
	unwatch(self->fd, HWBP_NUM);
	end(&self->players);
}

/* perf core exchanges their contexts. */
TEST_F(traffic, inherited)
{
	watch(self->fd, HWBP_NUM, 1);
	begin(_metadata, &self->players, 0, 0);
	expect_writes(_metadata, &self->players, 0, 0);
	unwatch(self->fd, HWBP_NUM);
	end(&self->players);
}

/* Two different ones each: there is a register for all of them, so addresses stay. */
TEST_F(traffic, two_different_each)
{
	begin(_metadata, &self->players, HWBP_NUM, 2);
	watch(self->fd, 2, 0);
	expect_writes(_metadata, &self->players, 0, 4);
	unwatch(self->fd, 2);
	end(&self->players);
}

/* A breakpoint of the CPU's own stays where it is. */
TEST_F(traffic, beside_a_cpu_event)
{
	int own = bp_open(BP_W, addr_of(&idle_var), 8, -1, 0);

	ASSERT_GE(own, 0);
	begin(_metadata, &self->players, 0, 0);
	watch(self->fd, 2, 0);
	expect_writes(_metadata, &self->players, 0, 2);
	unwatch(self->fd, 2);
	end(&self->players);
	close(own);
}

TEST_HARNESS_MAIN
