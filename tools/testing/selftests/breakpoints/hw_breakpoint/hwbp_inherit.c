// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inherited breakpoints: whose account they are on when perf core swaps the contexts of
 * relatives, and what fork() needs for them.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

static volatile uint64_t vars[8] __attribute__((aligned(64)));

/* Opens @n inherited watchpoints of ours, on vars[0..]. */
static bool open_inherited(int *fd, int n)
{
	struct perf_event_attr attr = bp_attr(BP_W, 0, 4);
	int i;

	attr.inherit = 1;
	for (i = 0; i < n; i++) {
		attr.bp_addr = addr_of(vars + i);
		fd[i] = pe_open(&attr, 0, -1);
		if (fd[i] < 0)
			return false;
	}
	return true;
}

static void close_all(int *fd, int n)
{
	while (n--)
		close(fd[n]);
}

struct channel {
	int in, out;
};

/* Two ends that talk to each other. */
static bool channels(struct channel *a, struct channel *b)
{
	int p[2], q[2];

	if (pipe2(p, O_CLOEXEC) || pipe2(q, O_CLOEXEC))
		return false;
	a->in = p[0];
	b->out = p[1];
	b->in = q[0];
	a->out = q[1];
	return true;
}

static void close_channels(struct channel *a, struct channel *b)
{
	close(a->in);
	close(a->out);
	close(b->in);
	close(b->out);
}

static bool say(struct channel *c)
{
	return write(c->out, "x", 1) == 1;
}

static bool hear(struct channel *c)
{
	char x;

	return read(c->in, &x, 1) == 1;
}

/* === Weak spot 23 === */

/* Each message is a switch on this CPU, between tasks of equal inherited events. */
static void ping(struct channel *c, int rounds)
{
	while (rounds--)
		if (!say(c) || !hear(c))
			_exit(1);
}

static void pong(struct channel *c, int rounds)
{
	while (rounds--)
		if (!hear(c) || !say(c))
			_exit(1);
}

#define HITS 100

/* The one that lives on: at each order stores. */
static void serve(struct channel *boss)
{
	while (hear(boss)) {
		stores(vars, 4, HITS);
		say(boss);
	}
	_exit(0);
}

struct outcome {
	int free;	/* of the one that lives on */
	int cpu_free;
	int refused;	/* whether it had no more than four */
	int lost;	/* hits of its inherited watchpoint */
};

/* Two children switch to and fro, one exits, the other is asked what it has. */
static bool swap_and_exit(int own, int rounds, struct outcome *o)
{
	struct channel ab, ba, boss, kid;
	int fd[HWBP_NUM], more[HWBP_NUM + 1], n;
	long long before;
	pid_t a, b;

	if (!open_inherited(fd, own) || !channels(&ab, &ba) || !channels(&boss, &kid))
		return false;
	b = fork_kid();
	if (!b) {
		close(boss.in);
		close(boss.out);
		pong(&ba, rounds);
		serve(&kid);
	}
	a = fork_kid();
	if (!a) {
		ping(&ab, rounds);
		_exit(0);
	}
	waitpid(a, NULL, 0);
	o->free = free_slots(b, -1);
	o->cpu_free = free_slots(-1, 0);
	for (n = 0; n <= HWBP_NUM; n++) {
		more[n] = bp_open(BP_W, addr_of(&idle_var), 8, b, -1);
		if (more[n] < 0)
			break;
	}
	o->refused = n == HWBP_NUM - own;
	before = bp_count(fd[0]);
	say(&boss);
	hear(&boss);
	o->lost = HITS - (bp_count(fd[0]) - before);
	close_all(more, n);
	end_task(b);
	close_all(fd, own);
	close_channels(&ab, &ba);
	close_channels(&boss, &kid);
	return true;
}

static void check_swaps(struct __test_metadata *_metadata, int own)
{
	unsigned int tries = env_number("HWBP_TRIES", 40), i, bad = 0, over = 0, lost = 0;
	struct outcome o;

	ASSERT_EQ(0, pin_to(0));
	for (i = 0; i < tries; i++) {
		ASSERT_TRUE(swap_and_exit(own, 1 + i % 8, &o));
		bad += o.free != HWBP_NUM - own || o.cpu_free != HWBP_NUM - own;
		over += !o.refused;
		lost += o.lost != 0;
	}
	EXPECT_EQ(0, bad)
		TH_LOG("%u of %u times the account of the survivor was wrong", bad, tries);
	EXPECT_EQ(0, over)
		TH_LOG("%u of %u times a fifth breakpoint was accepted", over, tries);
	EXPECT_EQ(0, lost)
		TH_LOG("%u of %u times hits were lost", lost, tries);
	all_free(_metadata);
}

TEST(swap_of_one_and_exit)
{
	check_swaps(_metadata, 1);
}

TEST(swap_of_two_and_exit)
{
	check_swaps(_metadata, 2);
}

TEST(swap_of_four_and_exit)
{
	check_swaps(_metadata, 4);
}

/* The same between parent and child. */
TEST(swap_with_the_parent_and_exit)
{
	unsigned int tries = env_number("HWBP_TRIES", 40), i, bad = 0, lost = 0;
	struct channel mine, its;
	long long before;
	int fd[2];
	pid_t pid;

	ASSERT_EQ(0, pin_to(0));
	for (i = 0; i < tries; i++) {
		ASSERT_TRUE(open_inherited(fd, 2));
		ASSERT_TRUE(channels(&mine, &its));
		pid = fork_kid();
		if (!pid) {
			pong(&its, 1 + i % 8);
			_exit(0);
		}
		ping(&mine, 1 + i % 8);
		waitpid(pid, NULL, 0);
		bad += free_slots(0, -1) != HWBP_NUM - 2 || free_slots(-1, 0) != HWBP_NUM - 2;
		before = bp_count(fd[0]);
		stores(vars, 4, HITS);
		lost += bp_count(fd[0]) - before != HITS;
		close_all(fd, 2);
		close_channels(&mine, &its);
		bad += free_slots(0, -1) != HWBP_NUM || free_slots(-1, 0) != HWBP_NUM;
	}
	EXPECT_EQ(0, bad)
		TH_LOG("%u of %u times an account was wrong", bad, tries);
	EXPECT_EQ(0, lost)
		TH_LOG("%u of %u times hits were lost", lost, tries);
	all_free(_metadata);
}

/* Swapped to and fro, each still counts all of its own. */
TEST(swaps_lose_no_hits)
{
	struct channel mine, its;
	int fd, i;
	pid_t pid;

	ASSERT_EQ(0, pin_to(0));
	ASSERT_TRUE(open_inherited(&fd, 1));
	ASSERT_TRUE(channels(&mine, &its));
	pid = fork_kid();
	if (!pid) {
		for (i = 0; i < 500; i++) {
			hear(&its);
			store(vars, 4);
			say(&its);
		}
		_exit(0);
	}
	for (i = 0; i < 500; i++) {
		store(vars, 4);
		say(&mine);
		hear(&mine);
	}
	waitpid(pid, NULL, 0);
	EXPECT_EQ(1000, bp_count(fd));
	close(fd);
	close_channels(&mine, &its);
	all_free(_metadata);
}

/* The descriptor goes while the contexts are swapped: all copies go with it. */
TEST(swapped_and_closed)
{
	struct channel mine, its;
	int fd[HWBP_NUM], i;
	pid_t pid;

	ASSERT_EQ(0, pin_to(0));
	for (i = 1; i <= 16; i++) {
		ASSERT_TRUE(open_inherited(fd, HWBP_NUM));
		ASSERT_TRUE(channels(&mine, &its));
		pid = fork_kid();
		if (!pid) {
			/* its copies of the descriptors would keep the events */
			close_all(fd, HWBP_NUM);
			pong(&its, i);
			for (;;)
				pause();
		}
		ping(&mine, i);
		EXPECT_EQ(0, free_slots(pid, -1));
		EXPECT_EQ(0, free_slots(0, -1));
		close_all(fd, HWBP_NUM);
		EXPECT_EQ(HWBP_NUM, free_slots(pid, -1));
		EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
		EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
		end_task(pid);
		close_channels(&mine, &its);
	}
	all_free(_metadata);
}

/* === fork() === */

static int nothing(void *unused)
{
	return 0;
}

static int no_more_free(void *unused)
{
	return free_slots(0, -1);
}

TEST(fork_with_all_four)
{
	int fd[HWBP_NUM], i;

	ASSERT_TRUE(open_inherited(fd, HWBP_NUM));
	for (i = 0; i < 50; i++)
		ASSERT_EQ(0, in_child(no_more_free, NULL));
	EXPECT_EQ(0, free_slots(0, -1));
	close_all(fd, HWBP_NUM);
	all_free(_metadata);
}

/* A CPU's own and the task's fill it: the child's copies are covered all the same. */
TEST(fork_on_a_full_cpu)
{
	int fd[2], cpu[2], i;

	ASSERT_TRUE(open_inherited(fd, 2));
	for (i = 0; i < 2; i++) {
		cpu[i] = bp_open(BP_W, addr_of(&idle_var), 8, -1, 0);
		ASSERT_GE(cpu[i], 0);
	}
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, in_child(no_more_free, NULL));
	close_all(cpu, 2);
	close_all(fd, 2);
	all_free(_metadata);
}

static int without_privileges(void *unused)
{
	struct perf_event_attr attr = bp_attr(BP_W, 0xffffffff81000000ULL, 8);
	int fd, i, err;

	attr.exclude_kernel = 0;
	attr.inherit = 1;
	fd = pe_open(&attr, 0, -1);
	if (fd < 0)
		return 200;
	if (set_caps(0))
		return 201;
	for (i = 0; i < 10; i++) {
		errno = 0;
		err = in_child(nothing, NULL);
		if (err)
			return errno ?: 203;
	}
	return bp_open_kernel(BP_W, attr.bp_addr, 8, 0, -1) < 0 ? 0 : 204;
}

/* Weak spot 24: what was opened with privileges must not make a later fork() fail. */
TEST(fork_after_dropping_privileges)
{
	int paranoid = read_int(PARANOID, 2);

	ASSERT_EQ(0, geteuid());
	ASSERT_EQ(0, set_paranoid(2));
	EXPECT_EQ(0, in_child(without_privileges, NULL));
	EXPECT_EQ(0, set_paranoid(-1));
	EXPECT_EQ(0, in_child(without_privileges, NULL));
	set_paranoid(paranoid);
	all_free(_metadata);
}

static void *end_at_once(void *unused)
{
	return NULL;
}

static volatile bool enough;

/* Heirs that come and go, until it is enough. */
static void *beget(void *unused)
{
	pthread_t heir;

	while (!enough && !pthread_create(&heir, NULL, end_at_once, NULL))
		pthread_join(heir, NULL);
	return NULL;
}

#define BEGETTERS 4

/* A copy whose task is just exiting is no reason to refuse the modification of all. */
TEST(modify_while_heirs_exit)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	const time_t start = time(NULL);
	pthread_t thread[BEGETTERS];
	int fd, i, failed = 0;

	attr.inherit = 1;
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	enough = false;
	for (i = 0; i < BEGETTERS; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, beget, NULL));
	/* on a slow machine fewer: the harness ends a test after 30 s */
	for (i = 0; i < 3000 && !failed && time(NULL) - start < 10; i++) {
		attr.bp_addr = addr_of(vars + i % 8);
		failed = ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &attr) ? errno : 0;
	}
	enough = true;
	for (i = 0; i < BEGETTERS; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, failed);
	close(fd);
	all_free(_metadata);
}

/* === Copies that are made while their original is modified === */

#define COPIES 16

struct nursery {
	volatile unsigned int born;
	int go[2];
};

/* Each waits until the original has been modified, then stores once to the old and the new. */
static void bear(struct nursery *n)
{
	char c;

	close(n->go[1]);
	for (n->born = 0; n->born < COPIES; n->born++) {
		if (fork())
			continue;
		if (read(n->go[0], &c, 1))
			_exit(1);
		store(&vars[0], 8);
		store(&vars[1], 8);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	_exit(0);
}

/* Returns how many of the copies' stores were counted; each has one to the new address. */
static long long modify_when_born(struct nursery *n, unsigned int when)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(&vars[0]), 8);
	long long count;
	pid_t pid;
	int fd;

	attr.inherit = 1;
	fd = pe_open(&attr, 0, -1);
	if (fd < 0 || pipe(n->go))
		return -1;
	n->born = 0;
	pid = fork_kid();
	if (!pid)
		bear(n);
	while (n->born < when)
		sched_yield();
	attr.bp_addr = addr_of(&vars[1]);
	if (ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &attr))
		return -2;
	close(n->go[1]);
	waitpid(pid, NULL, 0);
	close(n->go[0]);
	count = bp_count(fd);
	close(fd);
	return count;
}

TEST(modify_while_copies_are_made)
{
	unsigned int i, tries = env_number("HWBP_TRIES", 40), bad = 0;
	struct nursery *n = mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, n);
	for (i = 0; i < tries; i++)
		bad += modify_when_born(n, 1 + i % (COPIES - 4)) != COPIES;
	EXPECT_EQ(0, bad)
		TH_LOG("%u of %u times a copy was off, or watched the old address", bad, tries);
	munmap(n, sizeof(*n));
	all_free(_metadata);
}

TEST_HARNESS_MAIN
