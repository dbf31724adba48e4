// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel.hw_breakpoint_task_limit: what a task may be promised if who asks lacks CAP_PERFMON,
 * so that there is a register left on each CPU for who has it (weak spot 8).
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#define LIMIT "/proc/sys/kernel/hw_breakpoint_task_limit"
#define REFUSED "/sys/kernel/debug/hw_breakpoint/refused"

static uint64_t var __attribute__((aligned(64)));

static const uint64_t no_caps, perfmon = 1ULL << CAP_PERFMON;

FIXTURE(limit) {
	int paranoid;
};

FIXTURE_SETUP(limit)
{
	self->paranoid = read_int(PARANOID, 2);
	/* What an unprivileged user may have of his own processes is then the limit's business. */
	ASSERT_EQ(0, set_paranoid(2));
	all_free(_metadata);
}

FIXTURE_TEARDOWN(limit)
{
	EXPECT_EQ(0, write_file(LIMIT, "4"));
	set_paranoid(self->paranoid);
	all_free(_metadata);
}

static int take(pid_t pid, int cpu)
{
	return bp_open(BP_W, addr_of(&var), 8, pid, cpu);
}

/* With the capabilities of *@caps: how many breakpoints of its own may a task have? */
static int count_own(void *caps)
{
	return set_caps(*(const uint64_t *)caps) ? 100 : free_slots(0, -1);
}

static int own(const uint64_t *caps)
{
	return in_child(count_own, (void *)caps);
}

TEST_F(limit, default_is_all)
{
	EXPECT_EQ(HWBP_NUM, read_int(LIMIT, -1));
	EXPECT_EQ(HWBP_NUM, own(&no_caps));
}

TEST_F(limit, range)
{
	EXPECT_EQ(-EINVAL, write_file(LIMIT, "5"));
	EXPECT_EQ(-EINVAL, write_file(LIMIT, "-1"));
	EXPECT_EQ(-EINVAL, write_file(LIMIT, "many"));
	EXPECT_EQ(HWBP_NUM, read_int(LIMIT, -1));
}

TEST_F(limit, without_the_capability)
{
	char text[8];
	int n;

	for (n = 0; n <= HWBP_NUM; n++) {
		snprintf(text, sizeof(text), "%d", n);
		ASSERT_EQ(0, write_file(LIMIT, text));
		EXPECT_EQ(n, own(&no_caps));
		EXPECT_EQ(HWBP_NUM, own(&perfmon));
	}
}

/* A CPU's promise of a task counts with those for every CPU. */
static int mixed(void *unused)
{
	if (set_caps(no_caps))
		return 100;
	if (take(0, 0) < 0 || take(0, 0) < 0)
		return 1;
	if (take(0, 0) != -ENOSPC || take(0, -1) != -ENOSPC)
		return 2;
	if (online_cpus() > 1 && (take(0, 1) < 0 || take(0, 1) < 0 || take(0, 1) != -ENOSPC))
		return 3;
	return 0;
}

TEST_F(limit, on_each_cpu)
{
	ASSERT_EQ(0, write_file(LIMIT, "2"));
	EXPECT_EQ(0, in_child(mixed, NULL));
}

/* A task that has taken what it could get. */
static pid_t greedy_task(void)
{
	int i, ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		return -1;
	pid = fork_kid();
	if (!pid) {
		if (set_caps(no_caps))
			_exit(1);
		for (i = 0; i < HWBP_NUM; i++)
			take(0, -1);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1))
		return -1;
	close(ready[0]);
	return pid;
}

/* Weak spot 8: with four for each task there is none for the administrator. */
TEST_F(limit, leaves_room_for_cpus)
{
	pid_t greedy = greedy_task();
	int cpu;

	ASSERT_GT(greedy, 0);
	EXPECT_EQ(-ENOSPC, take(-1, 0));
	end_task(greedy);
	ASSERT_EQ(0, write_file(LIMIT, "3"));
	greedy = greedy_task();
	ASSERT_GT(greedy, 0);
	for (cpu = 0; cpu < online_cpus(); cpu++)
		EXPECT_EQ(1, free_slots(-1, cpu));
	end_task(greedy);
}

/* What was promised before stays; more isn't to be had until it is below the limit. */
static int lowered_and_hit(void *unused)
{
	static uint64_t vars[3];
	int fd[3], i;

	for (i = 0; i < 3; i++)
		fd[i] = bp_open(BP_W, addr_of(&vars[i]), 8, 0, -1);
	if (fd[2] < 0 || write_file(LIMIT, "1") || set_caps(no_caps))
		return 100;
	for (i = 0; i < 3; i++) {
		if (bp_count(fd[i]) != 0)
			return 1;
		if (take(0, -1) != -ENOSPC)
			return 2;
		stores(&vars[i], 8, 1);
		if (bp_count(fd[i]) != 1)
			return 3;
	}
	return 0;
}

static int lowered_and_closed(void *unused)
{
	int a = take(0, -1), b = take(0, -1);

	if (a < 0 || b < 0 || write_file(LIMIT, "1") || set_caps(no_caps))
		return 100;
	close(a);
	if (take(0, -1) != -ENOSPC)
		return 1;
	close(b);
	return take(0, -1) < 0 || take(0, -1) != -ENOSPC;
}

TEST_F(limit, lowering_takes_nothing_away)
{
	EXPECT_EQ(0, in_child(lowered_and_closed, NULL));
	ASSERT_EQ(0, write_file(LIMIT, "4"));
	EXPECT_EQ(0, in_child(lowered_and_hit, NULL));
}

/* What the parent holds covers what its children inherit. */
static int fork_above_the_limit(void *unused)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(&var), 8);
	int i, status;
	pid_t pid;

	attr.inherit = 1;
	for (i = 0; i < 3; i++)
		if (pe_open(&attr, 0, -1) < 0)
			return 100;
	if (write_file(LIMIT, "0") || set_caps(no_caps))
		return 101;
	pid = fork();
	if (!pid)
		_exit(take(0, -1) != -ENOSPC);
	if (pid < 0)
		return 1;
	if (waitpid(pid, &status, 0) != pid || status)
		return 2;
	return 0;
}

TEST_F(limit, a_fork_does_not_fail)
{
	EXPECT_EQ(0, in_child(fork_above_the_limit, NULL));
}

/* A debugger of the user's own process, too: DR7's L0 and L1 are two registers. */
static int debug(void *unused)
{
	pid_t pid;
	int ret = 0;

	if (set_caps(no_caps))
		return 100;
	pid = idle_task();
	if (ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, NULL, 0) != pid)
		return 101;
	if (poke(pid, 0, addr_of(&var)) || poke(pid, 1, addr_of(&var)) ||
	    poke(pid, 2, addr_of(&var)))
		ret = 1;
	else if (poke(pid, 7, 0x01) || poke(pid, 7, 0x05))
		ret = 2;
	else if (poke(pid, 7, 0x15) != -ENOSPC)
		ret = 3;
	else if (poke(pid, 7, 0x11))
		ret = 4;
	/* Until it is gone it holds what it was promised. */
	end_task(pid);
	return ret;
}

TEST_F(limit, a_debugger_is_held_to_it)
{
	ASSERT_EQ(0, write_file(LIMIT, "2"));
	EXPECT_EQ(0, in_child(debug, NULL));
}

TEST_F(limit, the_refusal_says_so)
{
	static const char why[] =
		"kernel.hw_breakpoint_task_limit is 0 without CAP_PERFMON: 1 more wanted";
	char line[512] = "";
	bool told = false;
	FILE *f;

	ASSERT_EQ(0, write_file(LIMIT, "0"));
	EXPECT_EQ(0, own(&no_caps));
	f = fopen(REFUSED, "re");
	ASSERT_TRUE(!!f);
	while (fgets(line, sizeof(line), f))
		told |= !!strstr(line, why);
	fclose(f);
	EXPECT_TRUE(told);
}

/* Refusals change nothing: what is free afterwards can be had. */
TEST_F(limit, asking_in_vain)
{
	const int cpus = online_cpus();
	pid_t pid = idle_task();
	int i, fd[HWBP_NUM];

	for (i = 0; i < HWBP_NUM; i++) {
		fd[i] = take(pid, -1);
		ASSERT_GE(fd[i], 0);
	}
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(-ENOSPC, take(-1, i % cpus));
		EXPECT_EQ(-ENOSPC, take(pid, i % cpus));
		EXPECT_EQ(-ENOSPC, take(pid, -1));
	}
	/* With one less the same task stands in nobody's way. */
	close(fd[0]);
	fd[0] = take(-1, 0);
	EXPECT_GE(fd[0], 0);
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
	end_task(pid);
}

TEST_HARNESS_MAIN
