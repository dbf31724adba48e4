// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flexible breakpoints: more of them than there are registers, which take turns, beside those
 * that were promised one; identical ones, which share; and exclusive ones.
 *
 * HWBP_SECONDS: how long each is looked at (1); what is scaled, ten times as long.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#define N 100
#define MANY 12

static volatile uint64_t vars[MANY + HWBP_NUM] __attribute__((aligned(64)));

static struct perf_event_attr watch(int i)
{
	return bp_attr(BP_W, addr_of(&vars[i]), 8);
}

static int open_own(struct perf_event_attr attr)
{
	return open_timed(attr, 0, -1);
}

#define MUX_INTERVAL "/sys/bus/event_source/devices/breakpoint/perf_event_mux_interval_ms"

/* One store each to @nr variables from @first on, again and again: how many rounds. */
static unsigned long write_for(double seconds, int first, int nr)
{
	const double end = now() + seconds;
	unsigned long rounds;
	int i;

	for (rounds = 0; rounds % 64 || now() < end; rounds++)
		for (i = first; i < first + nr; i++)
			store(&vars[i], 8);
	return rounds;
}

FIXTURE(flexible) {
	int fd[2 * MANY];
	int nr;
	double seconds;
	char interval[16];
};

FIXTURE_SETUP(flexible)
{
	self->nr = 0;
	self->seconds = env_number("HWBP_SECONDS", 1);
	snprintf(self->interval, sizeof(self->interval), "%d", read_int(MUX_INTERVAL, 0));
	NEED_FLEXIBLE();
	ASSERT_EQ(0, pin_to(0));
	ASSERT_EQ(0, read_int(FLEXIBLE, -1));
	ASSERT_EQ(0, write_file(FLEXIBLE, "1"));
}

FIXTURE_TEARDOWN(flexible)
{
	while (self->nr--)
		close(self->fd[self->nr]);
	EXPECT_EQ(0, write_file(MUX_INTERVAL, self->interval));
	EXPECT_EQ(0, write_file(FLEXIBLE, "0"));
	EXPECT_EQ(0, read_int(FLEXIBLE, -1));
	all_free(_metadata);
}

/* @fd: where all are kept; @nr: how many there are */
static int keep(int *fd, int *nr, int opened)
{
	if (opened >= 0)
		fd[(*nr)++] = opened;
	return opened;
}

#define OPEN(...) ASSERT_GE(keep(self->fd, &self->nr, __VA_ARGS__), 0)

TEST(off_is_the_default)
{
	int fd[HWBP_NUM], i;

	NEED_FLEXIBLE();
	EXPECT_EQ(0, read_int(FLEXIBLE, -1));
	EXPECT_EQ(-EINVAL, write_file(FLEXIBLE, "perhaps"));
	EXPECT_EQ(0, read_int(FLEXIBLE, -1));
	for (i = 0; i < HWBP_NUM; i++) {
		fd[i] = open_own(watch(i));
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(-ENOSPC, open_own(watch(i)));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
}

TEST_F(flexible, never_refused)
{
	int i;

	for (i = 0; i < HWBP_NUM; i++)
		OPEN(open_own(pinned(watch(i))));
	EXPECT_EQ(-ENOSPC, open_own(pinned(watch(i))));
	for (i = 0; i < MANY; i++)
		OPEN(open_own(watch(i)));
	OPEN(open_timed(watch(0), -1, 0));
	EXPECT_EQ(-EINVAL, open_own(bp_attr(BP_W, addr_of(vars) + 1, 31)));
}

/* Each is on for its share of the time, and its count says what happened meanwhile. */
TEST_F(flexible, take_turns)
{
	struct reading r;
	int i;

	for (i = 0; i < MANY; i++)
		OPEN(open_own(watch(i)));
	write_for(self->seconds, 0, MANY);
	for (i = 0; i < MANY; i++) {
		r = look(self->fd[i]);
		EXPECT_GT(r.running, 0);
		EXPECT_LE(r.running, r.enabled);
		EXPECT_GT(share(r), 0.5 * HWBP_NUM / MANY)
			TH_LOG("event %d: %f", i, share(r));
		EXPECT_LT(share(r), 1.5 * HWBP_NUM / MANY)
			TH_LOG("event %d: %f", i, share(r));
	}
}

/*
 * If a count is scaled by the event's times, it is the true one within 5 %. Turns of 1 ms give as
 * many turns in 2.5 s as the default of 4 ms does in 10 s, for which Bochs takes twenty minutes.
 */
TEST_F(flexible, scaled)
{
	unsigned long rounds;
	struct reading r;
	double scaled;
	int i;

	NEED(dr6_faithful(), "DR6 is not faithful here");
	ASSERT_EQ(0, write_file(MUX_INTERVAL, "1"));
	for (i = 0; i < MANY; i++)
		OPEN(open_own(watch(i)));
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(0, ioctl(self->fd[i], PERF_EVENT_IOC_RESET, 0));
	rounds = write_for(2.5 * self->seconds, 0, MANY);
	for (i = 0; i < MANY; i++) {
		r = look(self->fd[i]);
		scaled = r.count / share(r);
		EXPECT_GT(scaled, 0.95 * rounds)
			TH_LOG("event %d: %f of %lu", i, scaled, rounds);
		EXPECT_LT(scaled, 1.05 * rounds)
			TH_LOG("event %d: %f of %lu", i, scaled, rounds);
	}
}

/* Pinned ones miss nothing, and leave nothing to others where they are four. */
TEST_F(flexible, pinned_keep_their_promise)
{
	unsigned long rounds;
	struct reading r;
	int i;

	for (i = 0; i < MANY / 2; i++)
		OPEN(open_own(watch(HWBP_NUM + i)));
	for (i = 0; i < HWBP_NUM; i++)
		OPEN(open_own(pinned(watch(i))));
	for (i = 0; i < MANY / 2; i++)
		ASSERT_EQ(0, ioctl(self->fd[i], PERF_EVENT_IOC_RESET, 0));
	rounds = write_for(self->seconds / 4, 0, 1);
	for (i = 0; i < HWBP_NUM; i++) {
		r = look(self->fd[MANY / 2 + i]);
		EXPECT_EQ(r.enabled, r.running);
		EXPECT_EQ(i ? 0 : rounds, r.count);
	}
	for (i = 0; i < MANY / 2; i++) {
		r = look(self->fd[i]);
		EXPECT_LT(share(r), 0.1);
	}
}

/* What was promised before the switch is set stays so, though perf core doesn't know it. */
TEST_F(flexible, promised_before)
{
	unsigned long rounds;
	struct reading r;
	int i;

	ASSERT_EQ(0, write_file(FLEXIBLE, "0"));
	OPEN(open_own(watch(0)));
	ASSERT_EQ(0, write_file(FLEXIBLE, "1"));
	for (i = 0; i < MANY; i++)
		OPEN(open_own(watch(1 + i)));
	/* on the CPU, which comes before tasks */
	for (i = 0; i < HWBP_NUM; i++)
		OPEN(open_timed(watch(MANY + i), -1, 0));
	rounds = write_for(self->seconds, 0, 1);
	r = look(self->fd[0]);
	EXPECT_EQ(rounds, r.count);
	/* perf core takes it off and on again when it rotates */
	EXPECT_GT(share(r), 0.99);
}

/* Who loses his registers to a promise doesn't count that time as running. */
TEST_F(flexible, evicted)
{
	double lost = 0;
	struct reading r;
	int i;

	ASSERT_EQ(0, write_file(FLEXIBLE, "0"));
	OPEN(open_own(watch(0)));
	ASSERT_EQ(0, write_file(FLEXIBLE, "1"));
	for (i = 0; i < HWBP_NUM; i++)
		OPEN(open_timed(watch(1 + i), -1, 0));
	write_for(self->seconds / 2, 0, 1);
	for (i = 0; i < HWBP_NUM; i++) {
		r = look(self->fd[1 + i]);
		EXPECT_LE(r.running, r.enabled);
		EXPECT_GT((r.enabled - r.running) / 1e9, self->seconds / 4 / HWBP_NUM / 2)
			TH_LOG("event %d: %f", i, share(r));
		lost += (r.enabled - r.running) / 1e9;
	}
	/* one of the four has been without, in turn, for nearly as long as we were on */
	EXPECT_GT(lost, self->seconds / 4);
	EXPECT_LT(lost, self->seconds);
}

/* Those that are on and in the way of a promise are so in turn. */
TEST_F(flexible, evicted_in_turn)
{
	struct reading r;
	int i;

	ASSERT_EQ(0, write_file(FLEXIBLE, "0"));
	for (i = 0; i < HWBP_NUM - 1; i++)
		OPEN(open_own(watch(i)));
	ASSERT_EQ(0, write_file(FLEXIBLE, "1"));
	for (i = HWBP_NUM - 1; i < HWBP_NUM + 1; i++)
		OPEN(open_own(watch(i)));
	write_for(self->seconds, MANY, 1);
	for (i = 0; i < HWBP_NUM + 1; i++) {
		r = look(self->fd[i]);
		EXPECT_GT(share(r), i < HWBP_NUM - 1 ? 0.99 : 0.25)
			TH_LOG("event %d: %f", i, share(r));
	}
}

/* In a group all are promised something, or none: as its leader is, whatever the switch says. */
TEST_F(flexible, groups_dont_mix)
{
	int i, leader;

	OPEN(open_own(exclusive(watch(0))));
	leader = self->fd[0];
	ASSERT_EQ(0, write_file(FLEXIBLE, "0"));
	for (i = 1; i < 3; i++)
		OPEN(open_timed_in(watch(i), 0, -1, leader));
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	while (self->nr)
		close(self->fd[--self->nr]);

	for (i = 0; i < HWBP_NUM; i++)
		OPEN(open_own(watch(i)));
	leader = self->fd[0];
	ASSERT_EQ(0, write_file(FLEXIBLE, "1"));
	EXPECT_EQ(-ENOSPC, open_timed_in(watch(i), 0, -1, leader));
	close(self->fd[--self->nr]);
	OPEN(open_timed_in(watch(i), 0, -1, leader));
}

/* New ones are promised again, old ones still take turns. */
TEST_F(flexible, off_again)
{
	struct reading r;
	int i;

	for (i = 0; i < MANY; i++)
		OPEN(open_own(watch(i)));
	ASSERT_EQ(0, write_file(FLEXIBLE, "0"));
	for (i = 0; i < HWBP_NUM - 1; i++)
		OPEN(open_own(watch(MANY + i)));
	write_for(self->seconds, MANY, 1);
	EXPECT_EQ(1, free_slots(0, -1));
	r = look(self->fd[MANY]);
	EXPECT_GT(share(r), 0.99);
	for (i = 0; i < MANY; i++) {
		r = look(self->fd[i]);
		EXPECT_GT(r.running, 0);
		EXPECT_LT(share(r), 0.5);
	}
}

/* === Identical ones === */

TEST_F(flexible, identical_share)
{
	struct reading r;
	int i;

	for (i = 0; i < MANY; i++)
		OPEN(open_own(bp_attr(BP_W, addr_of(&vars[0]), 8)));
	stores(&vars[0], 8, N);
	for (i = 0; i < MANY; i++) {
		r = look(self->fd[i]);
		EXPECT_EQ(N, r.count);
		EXPECT_EQ(r.enabled, r.running);
	}
	/* whoever goes, the others stay */
	for (i = 0; i < MANY - 1; i += 2)
		close(self->fd[i]);
	stores(&vars[0], 8, N);
	for (i = 1; i < MANY; i += 2)
		EXPECT_EQ(2 * N, look(self->fd[i]).count);
	for (i = 0; i < MANY - 1; i += 2)
		self->fd[i] = open_own(watch(0));
	stores(&vars[0], 8, N);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(i % 2 ? 3 * N : N, look(self->fd[i]).count);
}

/* As documented: how many identical events share one register. */
#define SHARE_MAX 16

/* Up to the limit all of them have each hit; beyond it they take turns as any others. */
TEST_F(flexible, identical_up_to_the_limit)
{
	int fd[SHARE_MAX], i;

	for (i = 0; i < SHARE_MAX; i++) {
		fd[i] = open_own(watch(0));
		ASSERT_GE(fd[i], 0);
	}
	stores(&vars[0], 8, N);
	for (i = 0; i < SHARE_MAX; i++) {
		EXPECT_EQ(N, look(fd[i]).count);
		close(fd[i]);
	}
}

static bool all_ran(const int *fd, int nr)
{
	while (nr--)
		if (!look(fd[nr]).running)
			return false;
	return true;
}

/* What an unprivileged task can make a hit cost is limited, by whatever number of events. */
TEST_F(flexible, identical_beyond_the_limit)
{
	const int max = HWBP_NUM * SHARE_MAX, nr = 2 * max;
	int fd[2 * HWBP_NUM * SHARE_MAX], i, told = 0;
	struct reading before[2 * HWBP_NUM * SHARE_MAX];

	for (i = 0; i < nr; i++) {
		fd[i] = open_own(watch(0));
		ASSERT_GE(fd[i], 0);
	}
	/* No turn begins between a reading and the next one of what isn't on. */
	ASSERT_EQ(0, prctl(PR_TASK_PERF_EVENTS_DISABLE));
	for (i = 0; i < nr; i++)
		before[i] = look(fd[i]);
	ASSERT_EQ(0, prctl(PR_TASK_PERF_EVENTS_ENABLE));
	store(&vars[0], 8);
	ASSERT_EQ(0, prctl(PR_TASK_PERF_EVENTS_DISABLE));
	for (i = 0; i < nr; i++)
		told += look(fd[i]).count - before[i].count;
	ASSERT_EQ(0, prctl(PR_TASK_PERF_EVENTS_ENABLE));
	EXPECT_GE(told, SHARE_MAX);
	EXPECT_LE(told, max);
	while (!all_ran(fd, nr))
		stores(&vars[0], 8, N);
	for (i = 0; i < nr; i++)
		close(fd[i]);
}

/* The same address with another length or type is not the same. */
TEST_F(flexible, alike_is_not_identical)
{
	static const struct { uint32_t type; unsigned int len; } made[] = {
		{ BP_W, 8 }, { BP_W, 4 }, { BP_RW, 8 }, { BP_RW, 4 }, { BP_W, 2 }, { BP_W, 1 },
	};
	unsigned int i, whole = 0;
	struct reading r;

	for (i = 0; i < ARRAY_SIZE(made); i++)
		OPEN(open_own(bp_attr(made[i].type, addr_of(&vars[0]), made[i].len)));
	write_for(self->seconds / 2, 1, 1);
	for (i = 0; i < ARRAY_SIZE(made); i++) {
		r = look(self->fd[i]);
		whole += r.running == r.enabled;
	}
	EXPECT_LT(whole, ARRAY_SIZE(made));
}

/* A CPU's and a task's, a pinned one and ranges of several registers. */
TEST_F(flexible, identical_of_all_kinds)
{
	struct reading r;
	int i;

	for (i = 0; i < 3; i++) {
		OPEN(open_own(bp_attr(BP_W, addr_of(vars) + 3, 13)));
		OPEN(open_timed(bp_attr(BP_W, addr_of(vars) + 3, 13), -1, 0));
	}
	OPEN(open_own(pinned(bp_attr(BP_W, addr_of(vars) + 3, 13))));
	stores((volatile char *)vars + 6, 4, N);
	for (i = 0; i < self->nr; i++) {
		r = look(self->fd[i]);
		EXPECT_EQ(N, r.count)
			TH_LOG("event %d", i);
	}
}

TEST_F(flexible, identical_inherited)
{
	struct perf_event_attr attr = watch(0);
	pid_t pid;
	int i;

	attr.inherit = 1;
	for (i = 0; i < MANY; i++)
		OPEN(open_own(attr));
	pid = fork_kid();
	if (!pid) {
		stores(&vars[0], 8, N);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	stores(&vars[0], 8, N);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(2 * N, look(self->fd[i]).count);
}

/* === Groups and exclusive ones === */

TEST_F(flexible, groups_take_turns_as_one)
{
	struct reading r[2];
	int i, leader;

	for (i = 0; i < 3; i++) {
		leader = open_own(watch(2 * i));
		OPEN(leader);
		OPEN(open_timed_in(watch(2 * i + 1), 0, -1, leader));
	}
	write_for(self->seconds, MANY, 1);
	for (i = 0; i < 3; i++) {
		r[0] = look(self->fd[2 * i]);
		r[1] = look(self->fd[2 * i + 1]);
		EXPECT_GT(share(r[0]), 0.33);
		EXPECT_LT(share(r[0]), 0.95);
		EXPECT_GT(share(r[1]), 0.33);
		EXPECT_LT(share(r[1]), 0.95);
	}
}

/* Never refused; alone while it is on. */
TEST_F(flexible, exclusive_is_alone)
{
	struct reading a, b, c;

	OPEN(open_own(watch(0)));
	OPEN(open_own(exclusive(watch(1))));
	OPEN(open_own(watch(2)));
	write_for(self->seconds, MANY, 1);
	a = look(self->fd[0]);
	b = look(self->fd[1]);
	c = look(self->fd[2]);
	EXPECT_GT(share(a), 0.2);
	EXPECT_GT(share(b), 0.1);
	EXPECT_GT(share(c), 0.2);
	EXPECT_LT(share(a) + share(b), 1.05);
	EXPECT_LT(share(c) + share(b), 1.05);
}

TEST_F(flexible, exclusive_gives_way_to_pinned)
{
	unsigned long rounds;
	struct reading r;

	OPEN(open_own(exclusive(watch(1))));
	OPEN(open_own(pinned(watch(0))));
	rounds = write_for(self->seconds / 4, 0, 1);
	r = look(self->fd[1]);
	EXPECT_EQ(rounds, r.count);
	EXPECT_EQ(r.enabled, r.running);
	r = look(self->fd[0]);
	EXPECT_LT(share(r), 0.1);
	close(self->fd[1]);
	self->nr--;
	/* perf core has it on when it rotates, or at the next switch */
	switch_away();
	ASSERT_EQ(0, ioctl(self->fd[0], PERF_EVENT_IOC_RESET, 0));
	stores(&vars[1], 8, N);
	EXPECT_EQ(N, look(self->fd[0]).count);
}

/* A range that needs them all waits until it is first, and then has them. */
TEST_F(flexible, wide_ranges_are_not_starved)
{
	struct reading r;
	int i;

	OPEN(open_own(bp_attr(BP_W, addr_of(&vars[8]) + 1, 15)));
	for (i = 0; i < 6; i++)
		OPEN(open_own(watch(i)));
	write_for(self->seconds, MANY, 1);
	for (i = 0; i < 7; i++) {
		r = look(self->fd[i]);
		EXPECT_GT(share(r), 0.05)
			TH_LOG("event %d: %f", i, share(r));
	}
}

/* === Modify === */

TEST_F(flexible, modify_needs_no_room)
{
	struct perf_event_attr attr = watch(0);
	struct reading r;
	int i;

	for (i = 0; i < HWBP_NUM; i++)
		OPEN(open_own(pinned(watch(i + 1))));
	OPEN(open_own(attr));
	attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	attr.bp_addr = addr_of(vars) + 1;
	attr.bp_len = 15;
	EXPECT_EQ(0, ioctl(self->fd[HWBP_NUM], PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &attr));
	for (i = 0; i < HWBP_NUM; i++)
		ASSERT_EQ(0, ioctl(self->fd[i], PERF_EVENT_IOC_DISABLE, 0));
	ASSERT_EQ(0, ioctl(self->fd[HWBP_NUM], PERF_EVENT_IOC_DISABLE, 0));
	ASSERT_EQ(0, ioctl(self->fd[HWBP_NUM], PERF_EVENT_IOC_ENABLE, 0));
	stores((volatile char *)vars + 15, 1, N);
	r = look(self->fd[HWBP_NUM]);
	EXPECT_EQ(N, r.count);
}

TEST_HARNESS_MAIN
