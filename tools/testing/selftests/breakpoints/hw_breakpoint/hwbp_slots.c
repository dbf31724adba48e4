// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets a register and who is refused: for each CPU, its own breakpoints and those
 * of the task that has most there are at most four.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

static uint64_t var __attribute__((aligned(64)));

/* Each test starts and ends with nothing used. */
FIXTURE(slots) {
	int cpus;
	pid_t a, b;
};

FIXTURE_SETUP(slots)
{
	self->cpus = online_cpus();
	self->a = idle_task();
	self->b = idle_task();
	ASSERT_GT(self->a, 0);
	ASSERT_GT(self->b, 0);
	all_free(_metadata);
}

FIXTURE_TEARDOWN(slots)
{
	end_task(self->a);
	end_task(self->b);
	all_free(_metadata);
}

static int take(pid_t pid, int cpu)
{
	return bp_open(BP_W, addr_of(&var), 8, pid, cpu);
}

TEST_F(slots, task)
{
	int fd[HWBP_NUM], i;

	for (i = 0; i < HWBP_NUM; i++) {
		EXPECT_EQ(HWBP_NUM - i, free_slots(self->a, -1));
		EXPECT_EQ(HWBP_NUM - i, free_slots(-1, 0));
		fd[i] = take(self->a, -1);
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(-ENOSPC, take(self->a, -1));
	EXPECT_EQ(-ENOSPC, take(self->a, 0));
	EXPECT_EQ(-ENOSPC, take(-1, 0));
	/* another task has its own */
	EXPECT_EQ(HWBP_NUM, free_slots(self->b, -1));
	for (i = 0; i < HWBP_NUM; i++) {
		close(fd[i]);
		EXPECT_EQ(i + 1, free_slots(self->a, -1));
	}
}

TEST_F(slots, cpu)
{
	int cpu, fd[HWBP_NUM], i;

	for (cpu = 0; cpu < self->cpus; cpu++) {
		for (i = 0; i < HWBP_NUM; i++) {
			fd[i] = take(-1, cpu);
			ASSERT_GE(fd[i], 0);
			EXPECT_EQ(HWBP_NUM - 1 - i, free_slots(self->a, -1));
			EXPECT_EQ(HWBP_NUM - 1 - i, free_slots(self->a, cpu));
		}
		EXPECT_EQ(-ENOSPC, take(-1, cpu));
		EXPECT_EQ(-ENOSPC, take(0, -1));
		if (self->cpus > 1) {
			EXPECT_EQ(HWBP_NUM, free_slots(-1, (cpu + 1) % self->cpus));
			EXPECT_EQ(HWBP_NUM, free_slots(self->a, (cpu + 1) % self->cpus));
		}
		for (i = 0; i < HWBP_NUM; i++)
			close(fd[i]);
	}
}

TEST_F(slots, task_on_cpu)
{
	int fd[2][HWBP_NUM], i;

	NEED(self->cpus > 1, "needs 2 CPUs");
	for (i = 0; i < HWBP_NUM; i++) {
		fd[0][i] = take(self->a, 0);
		ASSERT_GE(fd[0][i], 0);
		EXPECT_EQ(HWBP_NUM - 1 - i, free_slots(self->a, -1));
	}
	EXPECT_EQ(-ENOSPC, take(self->a, 0));
	for (i = 0; i < HWBP_NUM; i++) {
		fd[1][i] = take(self->a, 1);
		ASSERT_GE(fd[1][i], 0);
	}
	EXPECT_EQ(-ENOSPC, take(self->a, 1));
	EXPECT_EQ(-ENOSPC, take(self->a, -1));
	EXPECT_EQ(-ENOSPC, take(-1, 0));
	EXPECT_EQ(HWBP_NUM, free_slots(self->b, -1));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[0][i]);
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
	EXPECT_EQ(0, free_slots(-1, 1));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[1][i]);
}

TEST_F(slots, mixed)
{
	int cpu0, ta[HWBP_NUM], tb[HWBP_NUM], i;

	cpu0 = take(-1, 0);
	ASSERT_GE(cpu0, 0);
	for (i = 0; i < 3; i++) {
		ta[i] = take(self->a, -1);
		tb[i] = take(self->b, 0);
		ASSERT_GE(ta[i], 0);
		ASSERT_GE(tb[i], 0);
	}
	EXPECT_EQ(-ENOSPC, take(self->a, -1));
	EXPECT_EQ(-ENOSPC, take(self->b, 0));
	EXPECT_EQ(-ENOSPC, take(-1, 0));
	if (self->cpus > 1) {
		EXPECT_EQ(1, free_slots(self->a, 1));
		EXPECT_EQ(HWBP_NUM, free_slots(self->b, 1));
		EXPECT_EQ(1, free_slots(-1, 1));
	}
	close(cpu0);
	EXPECT_EQ(1, free_slots(self->a, -1));
	EXPECT_EQ(1, free_slots(-1, 0));
	for (i = 0; i < 3; i++) {
		close(ta[i]);
		/* b's three still stand there */
		EXPECT_EQ(1, free_slots(-1, 0));
	}
	for (i = 0; i < 3; i++)
		close(tb[i]);
}

/* Data and execution share the registers. */
TEST_F(slots, all_types_share)
{
	int fd[HWBP_NUM], i;

	fd[0] = bp_open(BP_X, addr_of(&var), 8, self->a, -1);
	fd[1] = bp_open(BP_RW, addr_of(&var), 4, self->a, -1);
	fd[2] = bp_open(BP_W, addr_of(&var), 1, self->a, -1);
	fd[3] = bp_open(BP_X, addr_of(&var), 8, self->a, -1);
	for (i = 0; i < HWBP_NUM; i++)
		ASSERT_GE(fd[i], 0);
	EXPECT_EQ(-ENOSPC, bp_try(BP_X, addr_of(&var), 8, self->a, -1));
	EXPECT_EQ(-ENOSPC, bp_try(BP_W, addr_of(&var), 8, self->a, -1));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
}

/* === The law, from scratch, against a random sequence === */

#define TASKS 3
#define MOST 64

struct held {
	int task;	/* -1: a CPU's */
	int cpu;	/* -1: every CPU */
	int fd;
};

static int counts(const struct held *h, int task, int cpu)
{
	return h->task == task && (h->cpu == cpu || h->cpu == -1);
}

static bool law_holds(const struct held *held, int n, int cpus)
{
	int c, t, i, own, most, mine;

	for (c = 0; c < cpus; c++) {
		for (own = 0, i = 0; i < n; i++)
			own += counts(&held[i], -1, c);
		for (most = 0, t = 0; t < TASKS; t++) {
			for (mine = 0, i = 0; i < n; i++)
				mine += counts(&held[i], t, c);
			most = mine > most ? mine : most;
		}
		if (own + most > HWBP_NUM)
			return false;
	}
	return true;
}

static unsigned int next_random(unsigned int *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16;
}

TEST_F(slots, random_against_the_law)
{
	pid_t task[TASKS] = { self->a, self->b, getpid() };
	unsigned int seed = env_number("HWBP_SEED", 1), r, i;
	unsigned int rounds = env_number("HWBP_RANDOM", 5000), yes = 0, no = 0;
	struct held held[MOST + 1];
	int n = 0, want;

	for (i = 0; i < rounds; i++) {
		if (n && next_random(&seed) % 5 < 2) {
			r = next_random(&seed) % n;
			ASSERT_EQ(0, close(held[r].fd));
			held[r] = held[--n];
			continue;
		}
		ASSERT_LT(n, MOST);
		held[n].task = (int)(next_random(&seed) % (TASKS + 1)) - 1;
		held[n].cpu = (int)(next_random(&seed) % (self->cpus + 1)) - 1;
		if (held[n].task == -1 && held[n].cpu == -1)
			held[n].cpu = 0;
		want = law_holds(held, n + 1, self->cpus) ? 0 : -ENOSPC;
		held[n].fd = take(held[n].task < 0 ? -1 : task[held[n].task], held[n].cpu);
		ASSERT_EQ(want, held[n].fd < 0 ? held[n].fd : 0)
			TH_LOG("step %u: task %d cpu %d with %d held", i, held[n].task,
			       held[n].cpu, n);
		if (!want) {
			n++;
			yes++;
		} else {
			no++;
		}
	}
	EXPECT_GT(yes, rounds / 10);
	EXPECT_GT(no, rounds / 10);
	while (n--)
		close(held[n].fd);
}

/* === The order of errors === */

static int forbidden(void *unused)
{
	int fd;

	if (set_caps(0))
		return 201;
	fd = bp_open_kernel(BP_W, 0xffffffff81000000ULL, 8, -1, 0);
	return fd < 0 ? -fd : 0;
}

/* Weak spot 13: what can't be served at all is told so, also when all is taken. */
TEST_F(slots, malformed_before_full)
{
	int fd[HWBP_NUM], i;

	for (i = 0; i < HWBP_NUM; i++) {
		fd[i] = take(-1, 0);
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(-ENOSPC, take(0, -1));
	EXPECT_EQ(-EINVAL, bp_try(BP_W, addr_of(&var), 33, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(BP_W, addr_of(&var), 0, -1, 0));
	EXPECT_EQ(-EINVAL, bp_try(BP_W, addr_of(&var), 1ULL << 40, -1, 0));
	EXPECT_EQ(-EINVAL, bp_try(BP_W, addr_of(&var) + 1, 31, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(BP_X, addr_of(&var), 3, 0, 0));
	EXPECT_EQ(-EINVAL, bp_try(HW_BREAKPOINT_R, addr_of(&var), 8, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(HW_BREAKPOINT_EMPTY, addr_of(&var), 8, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(16, addr_of(&var), 8, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(BP_W, 0xffffffff81000000ULL, 8, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try_kernel(BP_W, 0xfffffe0000000000ULL, 8, -1, 0));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
}

/* The same order for one that lacks the capability. */
TEST_F(slots, forbidden_before_full)
{
	int fd[HWBP_NUM], i, paranoid = read_int(PARANOID, 2);

	ASSERT_EQ(0, set_paranoid(-1));
	for (i = 0; i < HWBP_NUM; i++) {
		fd[i] = take(-1, 0);
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(EPERM, in_child(forbidden, NULL));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
	set_paranoid(paranoid);
}

/* === Lifetimes === */

/* It can't run any more, so an open descriptor holds nothing for it. */
TEST_F(slots, dead_task_holds_nothing)
{
	pid_t pid = idle_task();
	int fd[2];

	fd[0] = take(pid, -1);
	fd[1] = take(pid, 0);
	ASSERT_GE(fd[0], 0);
	ASSERT_GE(fd[1], 0);
	EXPECT_EQ(HWBP_NUM - 2, free_slots(-1, 0));
	end_task(pid);
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
	close(fd[0]);
	close(fd[1]);
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
}

static int take_all_and_exit(void *unused)
{
	int i;

	for (i = 0; i < HWBP_NUM; i++)
		if (take(0, -1) < 0)
			return 1;
	return take(0, -1) == -ENOSPC ? 0 : 2;
}

TEST_F(slots, exit_gives_back)
{
	int i;

	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, in_child(take_all_and_exit, NULL));
		ASSERT_EQ(HWBP_NUM, free_slots(-1, 0));
	}
}

/* Disabled ones keep their promise: enabling can't fail later. */
TEST_F(slots, disabled_still_counts)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(&var), 8);
	int fd;

	attr.disabled = 1;
	fd = pe_open(&attr, self->a, -1);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(HWBP_NUM - 1, free_slots(self->a, -1));
	EXPECT_EQ(0, ioctl(fd, PERF_EVENT_IOC_ENABLE, 0));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(self->a, -1));
	EXPECT_EQ(0, ioctl(fd, PERF_EVENT_IOC_DISABLE, 0));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(self->a, -1));
	close(fd);
}

TEST_F(slots, in_groups)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(&var), 8);
	int fd[HWBP_NUM], i;

	fd[0] = pe_open(&attr, 0, -1);
	ASSERT_GE(fd[0], 0);
	for (i = 1; i < HWBP_NUM; i++) {
		fd[i] = pe_open_in(&attr, 0, -1, fd[0]);
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(-ENOSPC, pe_open_in(&attr, 0, -1, fd[0]));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
}

TEST_F(slots, is_used)
{
	int fd;

	NEED_TARGET();
	EXPECT_EQ(0, target_value("used"));
	fd = take(self->a, -1);
	EXPECT_EQ(1, target_value("used"));
	close(fd);
	EXPECT_EQ(0, target_value("used"));
	fd = take(-1, self->cpus - 1);
	EXPECT_EQ(1, target_value("used"));
	close(fd);
	EXPECT_EQ(0, target_value("used"));
}

/* The kernel's own users take from the same four. */
TEST_F(slots, in_kernel_users)
{
	unsigned long long at = addr_of(&var);
	int fd[HWBP_NUM], i;

	NEED_TARGET();
	ASSERT_EQ(0, target("user %d %d %llx 8", self->a, BP_W, at));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(self->a, -1));
	EXPECT_EQ(HWBP_NUM, free_slots(self->b, -1));
	ASSERT_EQ(0, target("drop"));
	ASSERT_EQ(0, target("wide %d %llx 8", BP_W, (unsigned long long)target_value("var")));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(self->a, -1));
	for (i = 0; i < self->cpus; i++)
		EXPECT_EQ(HWBP_NUM - 1, free_slots(-1, i));
	ASSERT_EQ(0, target("drop"));
	for (i = 0; i < HWBP_NUM; i++)
		fd[i] = take(-1, self->cpus - 1);
	EXPECT_EQ(-ENOSPC, target("wide %d %llx 8", BP_W, (unsigned long long)target_value("var")));
	EXPECT_EQ(-ENOSPC, target("user %d %d %llx 8", self->a, BP_W, at));
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
	EXPECT_EQ(-EINVAL, target("user %d %d %llx 33", self->a, BP_W, at));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
}

static int become_nobody(void)
{
	return setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534);
}

static int try_once(void *pid)
{
	return become_nobody() ? 1 : -bp_try(BP_W, addr_of(&var), 8, *(pid_t *)pid, -1);
}

/* Who may not observe a task isn't told how many registers it holds. */
TEST_F(slots, a_stranger_learns_nothing)
{
	int fd[HWBP_NUM], i;

	for (i = 0; i < HWBP_NUM; i++) {
		EXPECT_EQ(EACCES, in_child(try_once, &self->a));
		fd[i] = take(self->a, -1);
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(EACCES, in_child(try_once, &self->a));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
}

/* Asks for what it may not have, again and again; what it takes is the most that can be asked. */
static pid_t start_stranger(pid_t pid)
{
	const bool ranges = bp_try(BP_W, addr_of(&var) + 1, 15, 0, -1) >= 0;
	pid_t stranger = fork_kid();
	int err;

	if (stranger)
		return stranger;
	if (become_nobody())
		_exit(1);
	do
		err = bp_try(BP_W, addr_of(&var) + 1, ranges ? 15 : 1, pid, -1);
	while (err == -EACCES || err == -ENOSPC);
	_exit(2);
}

/* And takes nothing, not even for an instant. */
TEST_F_TIMEOUT(slots, a_stranger_takes_nothing, 300)
{
	unsigned int i, tries = env_number("HWBP_TRIES", 1250), task = 0, cpu = 0;
	pid_t stranger = start_stranger(self->a);

	ASSERT_GT(stranger, 0);
	for (i = 0; i < tries; i++) {
		task += free_slots(self->a, -1) != HWBP_NUM;
		cpu += free_slots(-1, 0) != HWBP_NUM;
	}
	EXPECT_EQ(0, task)
		TH_LOG("%u of %u times there weren't four for the task", task, tries);
	EXPECT_EQ(0, cpu)
		TH_LOG("%u of %u times there weren't four for the CPU", cpu, tries);
	EXPECT_EQ(0, waitpid(stranger, NULL, WNOHANG));
	end_task(stranger);
}

/*
 * Weak spot 14: a user-address request looks at all possible CPUs. From outside only its
 * time would show that, which proves nothing here.
 */
TEST(no_scan_of_all_cpus)
{
	SKIP(return, "cannot be seen from outside");
}

TEST_HARNESS_MAIN
