// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults of perf core that the fuzzing of breakpoints met, with software events.
 *
 * On Linux 6.12 the first test panics and the second hangs, so each needs a boot of its own there.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#define LONG 300

/* === Events of a task that executes a program === */

#define ROUNDS 100
#define OTHERS 100

static struct perf_event_attr removed_on_exec(void)
{
	struct perf_event_attr attr = dummy_attr();

	attr.remove_on_exec = 1;
	return attr;
}

/*
 * A task that executes a program some time after it is told to by @go, another time in each round.
 * It has the same CPU and a higher priority, so it interrupts our system call at some step. If
 * it then waits for a lock of ours, it preempts us as soon as we unlock that.
 */
static pid_t executing_task(unsigned int round, int *go)
{
	const struct timespec delay = { .tv_nsec = 1000000 + round * 37 % ROUNDS * 5000 };
	const struct sched_param priority = { .sched_priority = 1 };
	int p[2];
	pid_t pid;
	char c;

	if (pipe2(p, O_CLOEXEC))
		return -1;
	*go = p[1];
	pid = fork_kid();
	if (pid) {
		close(p[0]);
		return pid;
	}
	if (sched_setscheduler(0, SCHED_FIFO, &priority) || read(p[0], &c, 1) != 1)
		_exit(2);
	clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL);
	execl("/proc/self/exe", "hwbp_perf_core", "--nothing", NULL);
	_exit(1);
}

FIXTURE(exec) {
};

FIXTURE_SETUP(exec)
{
	ASSERT_EQ(0, pin_to(0));
}

FIXTURE_TEARDOWN(exec)
{
}

/* The exec comes between the installation of the event and its entry into our list of events. */
TEST_F_TIMEOUT(exec, while_opening, LONG)
{
	const struct perf_event_attr attr = removed_on_exec();
	unsigned int opened = 0, i;
	int fd, status, go;
	pid_t pid;

	for (i = 0; i < ROUNDS; i++) {
		pid = executing_task(i, &go);
		ASSERT_GT(pid, 0);
		ASSERT_EQ(1, write(go, "", 1));
		while (!waitpid(pid, &status, WNOHANG)) {
			fd = pe_open(&attr, pid, -1);
			if (fd < 0) {
				ASSERT_EQ(-ESRCH, fd);
				continue;
			}
			opened++;
			ASSERT_EQ(0, bp_count(fd));
			close(fd);
		}
		ASSERT_EQ(0, status);
		close(go);
	}
	EXPECT_GT(opened, 0);
}

/* The exec comes while we walk our list of events. */
TEST_F_TIMEOUT(exec, while_enabling, LONG)
{
	const struct perf_event_attr attr = removed_on_exec();
	int other[OTHERS], fd, status, go;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < OTHERS; i++) {
		other[i] = pe_open(&attr, 0, -1);
		ASSERT_GE(other[i], 0);
	}
	for (i = 0; i < ROUNDS / 4; i++) {
		pid = executing_task(i, &go);
		ASSERT_GT(pid, 0);
		fd = pe_open(&attr, pid, -1);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(1, write(go, "", 1));
		while (!waitpid(pid, &status, WNOHANG)) {
			ASSERT_EQ(0, prctl(PR_TASK_PERF_EVENTS_DISABLE));
			ASSERT_EQ(0, prctl(PR_TASK_PERF_EVENTS_ENABLE));
		}
		ASSERT_EQ(0, status);
		ASSERT_EQ(0, bp_count(fd));
		close(fd);
		close(go);
	}
	for (i = 0; i < OTHERS; i++)
		close(other[i]);
}

/* === Events of a CPU that was offline === */

#define NEED_CPU1() NEED(!access(CPU1, W_OK), "needs a CPU 1 that can go offline")

static int restart_cpu1(void)
{
	return write_file(CPU1, "0") ?: write_file(CPU1, "1");
}

/* Perf has given up on the leader. On Linux 6.12 closing it first frees what @sibling points to. */
TEST(leader_was_offline)
{
	const struct perf_event_attr attr = dummy_attr();
	int leader, sibling;

	NEED_CPU1();
	leader = pe_open(&attr, -1, 1);
	ASSERT_GE(leader, 0);
	ASSERT_EQ(0, restart_cpu1());
	sibling = pe_open_in(&attr, -1, 1, leader);
	EXPECT_EQ(-ENODEV, sibling);
	close(sibling);
	close(leader);
	/* A leader that is opened after that has siblings. */
	leader = pe_open(&attr, -1, 1);
	ASSERT_GE(leader, 0);
	sibling = pe_open_in(&attr, -1, 1, leader);
	EXPECT_GE(sibling, 0);
	close(leader);
	close(sibling);
}

/* A task's events stay attached while their CPU is away. */
TEST(leader_of_task_was_offline)
{
	const struct perf_event_attr attr = dummy_attr();
	int leader, sibling;

	NEED_CPU1();
	leader = pe_open(&attr, 0, 1);
	ASSERT_GE(leader, 0);
	ASSERT_EQ(0, restart_cpu1());
	sibling = pe_open_in(&attr, 0, 1, leader);
	EXPECT_GE(sibling, 0);
	close(leader);
	close(sibling);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--nothing"))
		return 0;
	return test_harness_run(argc, argv);
}
