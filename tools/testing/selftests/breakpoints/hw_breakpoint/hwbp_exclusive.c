// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exclusive groups: all registers of a CPU for one group, or none.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#define N 100

static volatile uint64_t vars[8] __attribute__((aligned(64)));

static int open_in(struct perf_event_attr attr, pid_t pid, int cpu, int leader)
{
	return pe_open_in(&attr, pid, cpu, leader);
}

static struct perf_event_attr watch(int i)
{
	return bp_attr(BP_W, addr_of(&vars[i]), 8);
}

FIXTURE(exclusive) {
};

FIXTURE_SETUP(exclusive)
{
	ASSERT_EQ(0, pin_to(0));
}

FIXTURE_TEARDOWN(exclusive)
{
	all_free(_metadata);
}

TEST_F(exclusive, takes_all)
{
	int fd = open_in(exclusive(watch(0)), 0, -1, -1);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, free_slots(0, -1));
	EXPECT_EQ(0, free_slots(-1, 0));
	stores(&vars[0], 8, N);
	EXPECT_EQ(N, bp_count(fd));
	close(fd);
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	fd = open_in(exclusive(watch(0)), -1, 0, -1);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, free_slots(0, -1));
	EXPECT_EQ(0, free_slots(-1, 0));
	if (online_cpus() > 1)
		EXPECT_EQ(HWBP_NUM, free_slots(-1, 1));
	close(fd);
}

TEST_F(exclusive, is_refused_where_somebody_is)
{
	int fd = bp_open(BP_W, addr_of(&idle_var), 8, 0, -1);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-ENOSPC, open_in(exclusive(watch(0)), 0, -1, -1));
	EXPECT_EQ(-ENOSPC, open_in(exclusive(watch(0)), -1, 0, -1));
	close(fd);
	fd = bp_open(BP_W, addr_of(&idle_var), 8, -1, 0);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(-ENOSPC, open_in(exclusive(watch(0)), 0, -1, -1));
	EXPECT_EQ(-ENOSPC, open_in(exclusive(watch(0)), -1, 0, -1));
	EXPECT_EQ(-EINVAL, open_in(exclusive(bp_attr(BP_W, addr_of(vars) + 1, 31)), 0, -1, -1));
	close(fd);
}

/* Another task isn't on at the same time. */
TEST_F(exclusive, another_task_has_its_own)
{
	int fd = open_in(exclusive(watch(0)), 0, -1, -1);
	pid_t pid = idle_task();

	ASSERT_GE(fd, 0);
	EXPECT_EQ(HWBP_NUM, free_slots(pid, -1));
	end_task(pid);
	close(fd);
}

TEST_F(exclusive, siblings_live_inside)
{
	int fd[HWBP_NUM], i;

	fd[0] = open_in(exclusive(watch(0)), 0, -1, -1);
	ASSERT_GE(fd[0], 0);
	for (i = 1; i < HWBP_NUM; i++) {
		fd[i] = open_in(watch(i), 0, -1, fd[0]);
		ASSERT_GE(fd[i], 0)
			TH_LOG("sibling %d", i);
	}
	EXPECT_EQ(-ENOSPC, open_in(watch(i), 0, -1, fd[0]));
	EXPECT_EQ(-ENOSPC, open_in(watch(i), 0, -1, -1));
	if (dr6_faithful()) {
		for (i = 0; i < HWBP_NUM; i++)
			stores(&vars[i], 8, N);
		for (i = 0; i < HWBP_NUM; i++)
			EXPECT_EQ(N, bp_count(fd[i]));
	}
	close(fd[2]);
	fd[2] = open_in(bp_attr(BP_W, addr_of(vars) + 3, 5), 0, -1, fd[0]);
	EXPECT_EQ(-ENOSPC, fd[2]);
	fd[2] = open_in(watch(4), 0, -1, fd[0]);
	EXPECT_GE(fd[2], 0);
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
}

/* When its leader goes, a group needs what its siblings do. */
TEST_F(exclusive, leader_goes)
{
	int leader = open_in(exclusive(watch(0)), 0, -1, -1), fd[2], i;

	ASSERT_GE(leader, 0);
	for (i = 0; i < 2; i++) {
		fd[i] = open_in(watch(i + 1), 0, -1, leader);
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(0, free_slots(0, -1));
	close(leader);
	EXPECT_EQ(HWBP_NUM - 2, free_slots(0, -1));
	stores(&vars[1], 8, N);
	EXPECT_EQ(N, bp_count(fd[0]));
	close(fd[0]);
	EXPECT_EQ(HWBP_NUM - 1, free_slots(0, -1));
	close(fd[1]);
}

/* The same where the leader is another PMU's, and goes without a word to us. */
TEST_F(exclusive, software_leader)
{
	int leader = open_in(exclusive(dummy_attr()), 0, -1, -1), fd[3], i;

	ASSERT_GE(leader, 0);
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	for (i = 0; i < 3; i++) {
		fd[i] = open_in(watch(i), 0, -1, leader);
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(0, free_slots(0, -1));
	EXPECT_EQ(0, free_slots(-1, 0));
	/* perf core has another PMU's siblings on from the next switch on */
	switch_away();
	stores(&vars[1], 8, N);
	EXPECT_EQ(N, bp_count(fd[1]));
	close(leader);
	EXPECT_EQ(1, free_slots(0, -1));
	close(fd[0]);
	EXPECT_EQ(2, free_slots(0, -1));
	close(fd[1]);
	close(fd[2]);
}

TEST_F(exclusive, refused_siblings_leave_nothing)
{
	int leader = open_in(exclusive(watch(0)), 0, -1, -1), i;
	pid_t pid = idle_task();

	ASSERT_GE(leader, 0);
	/* of another task, of a CPU, with what only a leader may say */
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(-EINVAL, open_in(watch(1), pid, -1, leader));
		EXPECT_EQ(-EINVAL, open_in(watch(1), -1, 0, leader));
		EXPECT_EQ(-EINVAL, open_in(exclusive(watch(1)), 0, -1, leader));
	}
	for (i = 1; i < HWBP_NUM; i++)
		EXPECT_GE(open_in(watch(i), 0, -1, leader), 0);
	EXPECT_EQ(-ENOSPC, open_in(watch(1), 0, -1, leader));
	end_task(pid);
	/* the siblings' descriptors, too */
	for (i = leader; i < leader + 16; i++)
		close(i);
}

static struct perf_event_attr inherited(struct perf_event_attr attr)
{
	attr.inherit = 1;
	return attr;
}

static int modify(int fd, struct perf_event_attr attr)
{
	return ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &attr) ? -errno : 0;
}

/* A leader and its sibling, which children inherit, into @fd. Return: true, or neither is open. */
static bool open_group(int fd[2], struct perf_event_attr leader, struct perf_event_attr sibling)
{
	fd[0] = open_in(inherited(exclusive(leader)), 0, -1, -1);
	if (fd[0] < 0)
		return false;
	fd[1] = open_in(inherited(sibling), 0, -1, fd[0]);
	if (fd[1] < 0)
		close(fd[0]);
	return fd[1] >= 0;
}

/* A child that tells how many registers are free for it, whenever it is asked. */
struct kid {
	pid_t pid;
	int ask;
	int answer;
};

/* It, or with @generations at 2 its own child, has the first @nr of @fd inherited. */
static struct kid new_kid(int generations, const int *fd, int nr)
{
	int ask[2], answer[2];
	struct kid kid;
	char c;

	if (pipe(ask) || pipe(answer))
		return (struct kid){ .pid = -1 };
	kid = (struct kid){ .pid = fork_kid(), .ask = ask[1], .answer = answer[0] };
	if (kid.pid)
		return kid;
	while (nr--)
		close(fd[nr]);
	while (read(ask[0], &c, 1) == 1) {
		if (generations == 2) {
			generations = 1;
			kid.pid = fork_kid();
			if (kid.pid) {
				waitpid(kid.pid, NULL, 0);
				_exit(0);
			}
		}
		c = free_slots(0, -1);
		if (write(answer[1], &c, 1) != 1)
			break;
	}
	_exit(0);
}

static int free_for(const struct kid *kid)
{
	char c = 0;

	if (write(kid->ask, &c, 1) != 1 || read(kid->answer, &c, 1) != 1)
		return -1;
	return c;
}

static void end_kid(struct kid *kid)
{
	close(kid->ask);
	close(kid->answer);
	kill(kid->pid, SIGKILL);
	waitpid(kid->pid, NULL, 0);
}

TEST_F(exclusive, inherited)
{
	struct kid kid;
	int fd[2];

	ASSERT_TRUE(open_group(fd, watch(0), watch(1)));
	kid = new_kid(1, fd, 2);
	EXPECT_EQ(0, free_for(&kid));
	/* the whole family's leaders go, and the siblings stay */
	close(fd[0]);
	EXPECT_EQ(HWBP_NUM - 1, free_slots(0, -1));
	EXPECT_EQ(HWBP_NUM - 1, free_for(&kid));
	close(fd[1]);
	EXPECT_EQ(HWBP_NUM, free_for(&kid));
	end_kid(&kid);
}

TEST_F(exclusive, inherited_counts)
{
	int fd[2], status;
	pid_t pid;

	ASSERT_TRUE(open_group(fd, watch(0), watch(1)));
	pid = fork_kid();
	if (!pid) {
		stores(&vars[0], 8, N);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(N, bp_count(fd[0]));
	EXPECT_EQ(0, bp_count(fd[1]));
	close(fd[0]);
	close(fd[1]);
}

/* A copy of the group that loses a sibling is still alone. */
TEST_F(exclusive, inherited_sibling_goes)
{
	struct kid kid;
	int fd[2];

	ASSERT_TRUE(open_group(fd, watch(0), watch(1)));
	kid = new_kid(1, fd, 2);
	EXPECT_EQ(0, free_for(&kid));
	close(fd[1]);
	EXPECT_EQ(0, free_slots(0, -1));
	EXPECT_EQ(0, free_for(&kid));
	close(fd[0]);
	EXPECT_EQ(HWBP_NUM, free_for(&kid));
	end_kid(&kid);
}

/* As is one that was made before a sibling came, and a copy of that one. */
TEST_F(exclusive, inherited_before_a_sibling)
{
	/* or perf core would swap contexts, and ours be the kid's, where no sibling can join */
	int other = open_in(dummy_attr(), 0, -1, -1);
	struct kid kid;
	int fd[2];

	ASSERT_GE(other, 0);
	fd[0] = open_in(inherited(exclusive(watch(0))), 0, -1, -1);
	ASSERT_GE(fd[0], 0);
	kid = new_kid(2, fd, 1);
	fd[1] = open_in(inherited(watch(1)), 0, -1, fd[0]);
	ASSERT_GE(fd[1], 0);
	EXPECT_EQ(0, free_for(&kid));
	close(fd[1]);
	close(fd[0]);
	EXPECT_EQ(HWBP_NUM, free_for(&kid));
	end_kid(&kid);
	close(other);
}

/* With another PMU's leader, who goes without a word to us. */
TEST_F(exclusive, inherited_software_leader)
{
	struct kid kid;
	int fd[2];

	ASSERT_TRUE(open_group(fd, dummy_attr(), watch(1)));
	kid = new_kid(1, fd, 2);
	EXPECT_EQ(0, free_for(&kid));
	close(fd[0]);
	EXPECT_EQ(HWBP_NUM - 1, free_slots(0, -1));
	EXPECT_EQ(HWBP_NUM - 1, free_for(&kid));
	close(fd[1]);
	end_kid(&kid);
}

/* Copies grow and shrink within their group as the originals do in theirs. */
TEST_F(exclusive, modify_inherited)
{
	struct perf_event_attr attr = inherited(exclusive(watch(0))), next = attr;
	struct kid kid;
	int fd[1];

	next.bp_addr += 4;
	next.bp_len = 12;
	fd[0] = open_in(attr, 0, -1, -1);
	ASSERT_GE(fd[0], 0);
	kid = new_kid(1, fd, 1);
	EXPECT_EQ(0, modify(fd[0], next));
	EXPECT_EQ(0, free_for(&kid));
	EXPECT_EQ(0, modify(fd[0], attr));
	EXPECT_EQ(0, free_slots(0, -1));
	EXPECT_EQ(0, free_for(&kid));
	close(fd[0]);
	EXPECT_EQ(HWBP_NUM, free_for(&kid));
	end_kid(&kid);
}

TEST_F(exclusive, modify_inherited_sibling)
{
	struct perf_event_attr attr = inherited(watch(4)), next = attr;
	struct kid kid;
	int fd[2];

	ASSERT_TRUE(open_group(fd, watch(0), attr));
	kid = new_kid(1, fd, 2);
	next.bp_addr += 4;
	next.bp_len = 12;
	EXPECT_EQ(0, modify(fd[1], next));
	EXPECT_EQ(0, free_for(&kid));
	/* five registers */
	next = inherited(exclusive(bp_attr(BP_W, addr_of(vars) + 3, 13)));
	EXPECT_EQ(-ENOSPC, modify(fd[0], next));
	EXPECT_EQ(0, modify(fd[1], attr));
	EXPECT_EQ(0, free_for(&kid));
	close(fd[1]);
	close(fd[0]);
	EXPECT_EQ(HWBP_NUM, free_for(&kid));
	end_kid(&kid);
}

/*
 * A family of three: the first has the events, the others copies. Each does what it is told by
 * who has no events, and then waits, so that who runs next is known: when one wakes another,
 * perf core has the two swap their contexts.
 */
struct family {
	pid_t first;
	int tell[3][2];
	int answer[2];
};

static void obey(struct family *f, int me)
{
	char c;

	/* who dies with its parent would do so with the first */
	alarm(20);
	while (read(f->tell[me][0], &c, 1) == 1 && c != 'x') {
		if (c >= '0' && c <= '2') {
			/* who is told so next answers for both */
			if (write(f->tell[c - '0'][1], "!", 1) != 1)
				break;
			continue;
		}
		if (c == '?')
			c = free_slots(0, -1);
		else if (c == 'w')
			wait(NULL);
		if (write(f->answer[1], &c, 1) != 1)
			break;
	}
	_exit(0);
}

static void be_first(struct family *f)
{
	int fd[2], i;

	if (!open_group(fd, watch(0), bp_attr(BP_W, addr_of(&vars[2]) + 4, 12)))
		_exit(1);
	for (i = 1; i < 3; i++)
		if (!fork())
			obey(f, i);
	obey(f, 0);
}

static int tell(struct family *f, int member, char what)
{
	return write(f->tell[member][1], &what, 1);
}

static int answer_of(struct family *f, int member, char what)
{
	char c;

	if (tell(f, member, what) != 1 || read(f->answer[0], &c, 1) != 1)
		return -1;
	return c;
}

/* @from wakes @to, and @leaver exits: are the others still promised all? */
static void swap_and_exit(struct __test_metadata *_metadata, int from, int to, int leaver)
{
	struct family f;
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pipe(f.tell[i]));
	ASSERT_EQ(0, pipe(f.answer));
	f.first = fork_kid();
	if (!f.first)
		be_first(&f);
	for (i = 0; i < 3; i++)
		ASSERT_EQ('!', answer_of(&f, i, '!'));
	ASSERT_EQ('!', answer_of(&f, from, '0' + to));
	ASSERT_EQ(1, tell(&f, leaver, 'x'));
	ASSERT_EQ(leaver ? 'w' : f.first,
		  leaver ? answer_of(&f, 0, 'w') : waitpid(f.first, NULL, 0));
	for (i = 0; i < 3; i++) {
		if (i == leaver)
			continue;
		EXPECT_EQ(0, answer_of(&f, i, '?'))
			TH_LOG("%d wakes %d, %d exits: %d", from, to, leaver, i);
	}
	for (i = 0; i < 3; i++) {
		tell(&f, i, 'x');
		close(f.tell[i][0]);
		close(f.tell[i][1]);
	}
	while (wait(NULL) > 0)
		;
	close(f.answer[0]);
	close(f.answer[1]);
}

TEST_F(exclusive, exits_with_the_copies_of_another)
{
	int from, to;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (from = 0; from < 3; from++) {
		for (to = 0; to < 3; to++) {
			if (from == to)
				continue;
			swap_and_exit(_metadata, from, to, to);
			swap_and_exit(_metadata, from, to, from);
		}
	}
}

/* What its leader left is not in the way of who grows. */
TEST_F(exclusive, modify_after_software_leader)
{
	struct perf_event_attr next = watch(1);
	int leader = open_in(exclusive(dummy_attr()), 0, -1, -1), fd;

	ASSERT_GE(leader, 0);
	fd = open_in(next, 0, -1, leader);
	ASSERT_GE(fd, 0);
	close(leader);
	next.bp_addr += 4;
	next.bp_len = 12;
	EXPECT_EQ(0, modify(fd, next));
	EXPECT_EQ(HWBP_NUM - 2, free_slots(0, -1));
	close(fd);
}

/* Within its group a breakpoint may grow, as long as there is room. */
TEST_F(exclusive, modify)
{
	struct perf_event_attr attr = exclusive(watch(0)), next;
	int leader = open_in(attr, 0, -1, -1), fd;

	ASSERT_GE(leader, 0);
	fd = open_in(watch(4), 0, -1, leader);
	ASSERT_GE(fd, 0);
	next = attr;
	next.bp_addr += 3;
	next.bp_len = 13;
	EXPECT_EQ(0, modify(leader, next));
	EXPECT_EQ(-ENOSPC, open_in(watch(5), 0, -1, leader));
	next.bp_addr = addr_of(vars) + 1;
	next.bp_len = 15;
	EXPECT_EQ(-ENOSPC, modify(leader, next));
	stores((volatile char *)vars + 3, 1, N);
	EXPECT_EQ(N, bp_count(leader));
	EXPECT_EQ(0, modify(leader, attr));
	close(open_in(watch(5), 0, -1, leader));
	close(fd);
	close(leader);
}

TEST_HARNESS_MAIN
