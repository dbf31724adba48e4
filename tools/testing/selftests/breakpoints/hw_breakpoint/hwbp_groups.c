// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breakpoints in groups with other PMUs' events, software and hardware, behind and before them.
 *
 * The hardware is test_modules/hw_breakpoint_hw_pmu.c, one counter a CPU, which counts nothing
 * but can be had by only one group at a time.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#define N 100
#define HW_TYPE "/sys/bus/event_source/devices/hw_breakpoint_hw/type"
#define NEED_HARDWARE() NEED(!access(HW_TYPE, R_OK), "hw_breakpoint_hw_pmu.ko is not loaded")

static volatile uint64_t vars[8] __attribute__((aligned(64)));

static struct perf_event_attr watch(int i)
{
	return bp_attr(BP_W, addr_of(&vars[i]), 8);
}

static struct perf_event_attr hardware(void)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .type = read_int(HW_TYPE, -1) };

	return attr;
}

static int open_in(struct perf_event_attr attr, int leader)
{
	return open_timed_in(attr, 0, -1, leader);
}

static void spin(double seconds)
{
	const double end = now() + seconds;

	while (now() < end)
		;
}

/* The leader, and what is behind it: the breakpoint's count and its time are right. */
static void group_of_two(struct __test_metadata *_metadata, struct perf_event_attr first,
			 struct perf_event_attr second, int which)
{
	struct reading r;
	int fd[2];

	fd[0] = open_in(first, -1);
	ASSERT_GE(fd[0], 0);
	fd[1] = open_in(second, fd[0]);
	ASSERT_GE(fd[1], 0);
	/* perf core has siblings of another PMU on from the next switch on */
	switch_away();
	ASSERT_EQ(0, ioctl(fd[0], PERF_EVENT_IOC_RESET, PERF_IOC_FLAG_GROUP));
	stores(&vars[0], 8, N);
	r = look(fd[which]);
	EXPECT_EQ(N, r.count);
	EXPECT_GT(r.running, 0);
	/* the group is switched by its leader */
	ASSERT_EQ(0, ioctl(fd[0], PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP));
	stores(&vars[0], 8, N);
	EXPECT_EQ(N, look(fd[which]).count);
	ASSERT_EQ(0, ioctl(fd[0], PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP));
	switch_away();
	stores(&vars[0], 8, N);
	EXPECT_EQ(2 * N, look(fd[which]).count);
	/* and goes on without it */
	close(fd[0]);
	if (which) {
		stores(&vars[0], 8, N);
		EXPECT_EQ(3 * N, look(fd[1]).count);
	}
	close(fd[1]);
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

TEST(behind_software)
{
	group_of_two(_metadata, dummy_attr(), watch(0), 1);
}

TEST(before_software)
{
	group_of_two(_metadata, watch(0), dummy_attr(), 0);
}

TEST(behind_hardware)
{
	NEED_HARDWARE();
	group_of_two(_metadata, hardware(), watch(0), 1);
}

/* perf core moves such a group to the hardware's context. */
TEST(before_hardware)
{
	NEED_HARDWARE();
	group_of_two(_metadata, watch(0), hardware(), 0);
}

/* The counter is for one of them: the breakpoint waits and runs with its group. */
TEST(rotates_with_hardware)
{
	int leader[2], fd[2], i;

	NEED_HARDWARE();
	for (i = 0; i < 2; i++) {
		leader[i] = open_in(hardware(), -1);
		ASSERT_GE(leader[i], 0);
		fd[i] = open_in(watch(i), leader[i]);
		ASSERT_GE(fd[i], 0);
	}
	spin(1);
	for (i = 0; i < 2; i++) {
		EXPECT_GT(share(look(fd[i])), 0.3);
		EXPECT_LT(share(look(fd[i])), 0.7);
		EXPECT_LT(share(look(fd[i])) - share(look(leader[i])), 0.05);
		EXPECT_GT(share(look(fd[i])) - share(look(leader[i])), -0.05);
		close(fd[i]);
		close(leader[i]);
	}
}

/*
 * Flexible ones behind hardware, and others beside them, as many as there are registers. (If
 * there are more, perf core has no turns between groups of different PMUs.)
 */
TEST(flexible_behind_hardware)
{
	int leader, fd[2], more[2], i;

	NEED_HARDWARE();
	NEED_FLEXIBLE();
	ASSERT_EQ(0, write_file(FLEXIBLE, "1"));
	leader = open_in(hardware(), -1);
	ASSERT_GE(leader, 0);
	for (i = 0; i < 2; i++) {
		fd[i] = open_in(watch(i), leader);
		ASSERT_GE(fd[i], 0);
	}
	for (i = 0; i < 2; i++) {
		more[i] = open_in(watch(4 + i), -1);
		ASSERT_GE(more[i], 0);
	}
	spin(1);
	for (i = 0; i < 2; i++) {
		EXPECT_GT(share(look(fd[i])), 0.9);
		close(fd[i]);
	}
	for (i = 0; i < 2; i++) {
		EXPECT_GT(share(look(more[i])), 0.9);
		close(more[i]);
	}
	close(leader);
	EXPECT_EQ(0, write_file(FLEXIBLE, "0"));
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

/* One that is pinned gets its register from them, though they are another PMU's to rotate. */
TEST(pinned_beside_flexible_behind_hardware)
{
	int leader, fd[HWBP_NUM], own, i;
	struct reading r;

	NEED_HARDWARE();
	NEED_FLEXIBLE();
	ASSERT_EQ(0, write_file(FLEXIBLE, "1"));
	leader = open_in(hardware(), -1);
	ASSERT_GE(leader, 0);
	for (i = 0; i < HWBP_NUM; i++) {
		fd[i] = open_in(watch(i), leader);
		ASSERT_GE(fd[i], 0);
	}
	own = open_in(pinned(watch(6)), -1);
	ASSERT_GE(own, 0);
	stores(&vars[6], 8, N);
	r = look(own);
	EXPECT_EQ(N, r.count);
	EXPECT_EQ(r.enabled, r.running);
	close(own);
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
	close(leader);
	EXPECT_EQ(0, write_file(FLEXIBLE, "0"));
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

TEST_HARNESS_MAIN
