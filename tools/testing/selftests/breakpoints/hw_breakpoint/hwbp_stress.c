// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many at once: slots are fought for while tasks come and go, breakpoints are taken away
 * while they are hit. Afterwards all is as it was.
 *
 * HWBP_LOOPS makes it longer.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <pthread.h>
#include <sys/mman.h>

static volatile uint64_t vars[8] __attribute__((aligned(64)));

static unsigned int loops(unsigned int few)
{
	return few * env_number("HWBP_LOOPS", 1);
}

static unsigned int next_random(unsigned int *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16;
}

static __attribute__((noinline)) void func(void)
{
	asm volatile("" ::: "memory");
}

#define CODE ((const volatile void *)(uintptr_t)func)

/* === The fight === */

#define PROCESSES 2
#define THREADS 3
#define TASKS (PROCESSES * (THREADS + 1))

/* Shared by the processes: whom to watch (0: nobody yet), and what went wrong. */
static struct arena {
	volatile pid_t tid[TASKS];
	volatile int odd_errno;
} *arena;

static int process;

/* A request of any kind; -ENOSPC and -ESRCH are what may come of it. */
static int random_open(unsigned int *seed)
{
	struct perf_event_attr attr = bp_attr(next_random(seed) & 1 ? BP_W : BP_RW,
					      addr_of(vars + next_random(seed) % 8), 8);
	int cpu = (int)(next_random(seed) % (online_cpus() + 1)) - 1, fd;
	pid_t pid = arena->tid[next_random(seed) % TASKS];

	if (next_random(seed) % 4 == 0)
		attr = bp_attr(BP_X, addr_of(CODE), 8);
	attr.inherit = next_random(seed) & 1;
	attr.disabled = next_random(seed) % 8 == 0;
	if (next_random(seed) % 4 == 0)
		pid = 0;
	if (next_random(seed) % 4 == 0) {
		pid = -1;
		cpu = cpu < 0 ? 0 : cpu;
		attr.inherit = 0;
	}
	fd = pe_open(&attr, pid, cpu);
	if (fd < 0 && fd != -ENOSPC && fd != -ESRCH)
		arena->odd_errno = -fd;
	return fd;
}

#define HOLD 4

static void *fighter(void *arg)
{
	unsigned int seed = 1000 * process + (long)arg, i, n = loops(400), r;
	int fd[HOLD];

	arena->tid[process * (THREADS + 1) + (long)arg] = syscall(SYS_gettid);
	for (i = 0; i < HOLD; i++)
		fd[i] = -1;
	for (i = 0; i < n; i++) {
		r = next_random(&seed) % HOLD;
		if (fd[r] < 0) {
			fd[r] = random_open(&seed);
		} else if (next_random(&seed) % 4 == 0) {
			ioctl(fd[r], next_random(&seed) & 1 ? PERF_EVENT_IOC_ENABLE :
			      PERF_EVENT_IOC_DISABLE, 0);
		} else {
			close(fd[r]);
			fd[r] = -1;
		}
		stores(vars + r, 4, 3);
		func();
		if (next_random(&seed) % 8 == 0)
			pin_to(next_random(&seed) % online_cpus());
	}
	for (i = 0; i < HOLD; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return NULL;
}

/* Tasks that exit, exec, or are killed, with breakpoints on them. */
static void *breeder(void *arg)
{
	unsigned int seed = 77 + process, i, n = loops(40), kind;
	volatile pid_t *slot = &arena->tid[process * (THREADS + 1) + THREADS];
	pid_t pid;
	int fd;

	for (i = 0; i < n; i++) {
		kind = next_random(&seed) % 3;
		fd = random_open(&seed);
		pid = fork_kid();
		if (!pid) {
			stores(vars, 4, 3);
			if (kind == 1)
				execl("/proc/self/exe", "hwbp_stress", "--victim", NULL);
			while (kind == 2)
				pause();
			_exit(0);
		}
		*slot = pid;
		if (kind == 2) {
			sched_yield();
			kill(pid, SIGKILL);
		}
		waitpid(pid, NULL, 0);
		if (fd >= 0)
			close(fd);
	}
	return arg;
}

static int fight(void)
{
	pthread_t t[THREADS + 1];
	long i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, fighter, (void *)i);
	pthread_create(&t[THREADS], NULL, breeder, NULL);
	for (i = 0; i <= THREADS; i++)
		pthread_join(t[i], NULL);
	return 0;
}

FIXTURE(stress) {
};

FIXTURE_SETUP(stress)
{
	all_free(_metadata);
}

FIXTURE_TEARDOWN(stress)
{
	all_free(_metadata);
}

TEST_F_TIMEOUT(stress, fight_for_slots, 600)
{
	pid_t pid[PROCESSES];
	int status;

	arena = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)arena);
	for (process = 0; process < PROCESSES; process++) {
		pid[process] = fork_kid();
		if (!pid[process])
			_exit(fight());
	}
	for (process = 0; process < PROCESSES; process++) {
		ASSERT_EQ(pid[process], waitpid(pid[process], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(0, arena->odd_errno);
}

/* The same, and at its height all are killed. */
TEST_F_TIMEOUT(stress, fight_and_be_killed, 600)
{
	unsigned int i, n = loops(5);
	pid_t pid[PROCESSES];

	arena = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)arena);
	/* so that what a killed breeder had just made is ours to bury */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (i = 0; i < n; i++) {
		for (process = 0; process < PROCESSES; process++) {
			arena->tid[process * (THREADS + 1)] = 0;
			pid[process] = fork_kid();
			if (!pid[process]) {
				setenv("HWBP_LOOPS", "1000000", 1);
				_exit(fight());
			}
		}
		/* till all are at it */
		for (process = 0; process < PROCESSES; process++)
			while (!arena->tid[process * (THREADS + 1) + THREADS])
				sched_yield();
		for (process = 0; process < PROCESSES; process++)
			kill(pid[process], SIGKILL);
		while (waitpid(-1, NULL, 0) > 0)
			;
		for (process = 0; process < TASKS; process++)
			arena->tid[process] = 0;
	}
	EXPECT_EQ(0, arena->odd_errno);
}

/* === Taken away while it is hit (weak spot 6) === */

static volatile bool stop;
static volatile unsigned long rounds;
static volatile pid_t runner_tid;

static void *caller(void *arg)
{
	pin_to(online_cpus() - 1);
	runner_tid = syscall(SYS_gettid);
	while (!stop) {
		func();
		rounds++;
	}
	return arg;
}

static void *kernel_caller(void *arg)
{
	pin_to(online_cpus() - 1);
	runner_tid = syscall(SYS_gettid);
	while (!stop) {
		target("x 10");
		rounds++;
	}
	return arg;
}

/* Till the runner has made another round: never, if its CPU hangs in endless traps. */
static void see_progress(void)
{
	unsigned long then = rounds;

	while (rounds - then < 2)
		sched_yield();
}

static void take_away(struct __test_metadata *_metadata, void *(*run)(void *), uint64_t addr,
		      bool kernel, bool cpu_bound)
{
	struct perf_event_attr attr = bp_attr(BP_X, addr, 8), next;
	unsigned int i, n = loops(150);
	pthread_t t;
	pid_t pid;
	int cpu, fd;

	stop = false;
	runner_tid = 0;
	pin_to(0);
	ASSERT_EQ(0, pthread_create(&t, NULL, run, NULL));
	while (!runner_tid)
		sched_yield();
	pid = cpu_bound ? -1 : runner_tid;
	cpu = cpu_bound ? online_cpus() - 1 : -1;
	attr.exclude_kernel = !kernel;
	next = attr;
	for (i = 0; i < n; i++) {
		fd = pe_open(&attr, pid, cpu);
		ASSERT_GE(fd, 0);
		see_progress();
		ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
		see_progress();
		ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
		next.bp_addr = addr + (i & 1);
		ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &next));
		see_progress();
		EXPECT_GT(bp_count(fd), 0);
		close(fd);
		see_progress();
	}
	stop = true;
	pthread_join(t, NULL);
}

TEST_F_TIMEOUT(stress, execute_user_task, 120)
{
	take_away(_metadata, caller, addr_of(CODE), false, false);
}

TEST_F_TIMEOUT(stress, execute_user_cpu, 120)
{
	take_away(_metadata, caller, addr_of(CODE), false, true);
}

TEST_F_TIMEOUT(stress, execute_kernel_task, 120)
{
	NEED_TARGET();
	take_away(_metadata, kernel_caller, target_value("func"), true, false);
}

TEST_F_TIMEOUT(stress, execute_kernel_cpu, 120)
{
	NEED_TARGET();
	take_away(_metadata, kernel_caller, target_value("func"), true, true);
}

/* === One's own hits stay exact whatever others do with the other registers === */

static void *churn(void *arg)
{
	int cpu = (long)arg % online_cpus(), fd, more;

	pin_to(cpu);
	while (!stop) {
		fd = bp_open(BP_W, addr_of(&idle_var), 8, -1, (cpu + 1) % online_cpus());
		more = bp_open(BP_W, addr_of(&idle_var), 4, runner_tid, -1);
		if (fd >= 0)
			close(fd);
		if (more >= 0)
			close(more);
		rounds++;
	}
	return NULL;
}

TEST_F_TIMEOUT(stress, exact_beside_churn, 120)
{
	unsigned int i, n = loops(20000);
	pthread_t t[2];
	long c;
	int fd;

	stop = false;
	runner_tid = syscall(SYS_gettid);
	fd = bp_open(BP_W, addr_of(vars), 4, 0, -1);
	ASSERT_GE(fd, 0);
	for (c = 0; c < 2; c++)
		ASSERT_EQ(0, pthread_create(&t[c], NULL, churn, (void *)c));
	see_progress();
	for (i = 0; i < n; i++) {
		store(vars, 4);
		if (i % 1000 == 0)
			pin_to(i / 1000 % online_cpus());
	}
	see_progress();
	stop = true;
	for (c = 0; c < 2; c++)
		pthread_join(t[c], NULL);
	EXPECT_EQ(n, bp_count(fd));
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--victim"))
		return 0;
	return test_harness_run(argc, argv);
}
