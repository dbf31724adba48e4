// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs come and go: wide breakpoints are hit on all that are there, whenever they came, and
 * what was bound to one that went is not worse off than perf's other events.
 *
 * HWBP_STEPS (30) is how often a CPU comes or goes in a test that is about many, HWBP_SEED
 * which. Ends with all CPUs online. The boot CPU stays.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp_own.h"

#include <sys/mman.h>

/* Accesses on a CPU: each kind its own number. */
#define STORES 300
#define CALLS 200
#define KERNEL_STORES 100
#define KERNEL_CALLS 70

#define LONG 300

/* === CPUs === */

static bool is_online(int cpu)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	return read_int(path, 1) == 1;
}

static int set_online(int cpu, bool online)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	return write_file(path, online ? "1" : "0");
}

/* CPU 0 to CPU n - 1 are there, whether they are online or not. */
static int present_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_CONF);
}

static unsigned int next_random(unsigned int *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16;
}

/* Any CPU but the first goes if it was there, and comes if it wasn't. */
static int random_step(unsigned int *seed)
{
	int cpu = 1 + next_random(seed) % (present_cpus() - 1);

	return set_online(cpu, !is_online(cpu));
}

static unsigned int steps(void)
{
	return env_number("HWBP_STEPS", 30);
}

static int all_online(void)
{
	int cpu, err = 0;

	for (cpu = 1; cpu < present_cpus(); cpu++)
		if (!is_online(cpu))
			err = err ?: set_online(cpu, true);
	return err;
}

/* === Wide ones === */

/* By kernel code, on the address that the module's status has as @key. */
static int make_wide(int type, const char *key)
{
	return target("wide %d %llx 8", type, (unsigned long long)target_value(key));
}

static int make_wide_data(void)
{
	return make_wide(BP_W, "var");
}

static int make_wide_execution(void)
{
	return make_wide(BP_X, "func");
}

/* Where we are, @n accesses by @command, which is w or x, are @n hits. */
static void wide_hits(struct __test_metadata *_metadata, char command, int n, int cpu)
{
	uint64_t before = target_value("hits");

	ASSERT_EQ(0, target(command == 'w' ? "w %d 8" : "x %d", n));
	EXPECT_EQ(n, target_value("hits") - before)
		TH_LOG("on CPU %d", cpu);
}

static void wide_hits_everywhere(struct __test_metadata *_metadata, char command)
{
	int cpu;

	for (cpu = 0; cpu < present_cpus(); cpu++) {
		if (!is_online(cpu))
			continue;
		ASSERT_EQ(0, pin_to(cpu));
		wide_hits(_metadata, command, command == 'w' ? KERNEL_STORES : KERNEL_CALLS, cpu);
	}
	ASSERT_EQ(0, pin_to(0));
}

FIXTURE(hotplug) {
	int cpus;
};

FIXTURE_SETUP(hotplug)
{
	self->cpus = present_cpus();
	NEED_TARGET();
	NEED(self->cpus > 1 && !access(CPU1, W_OK), "no CPU can be taken offline");
	ASSERT_LE(self->cpus, MAX_CPUS);
	ASSERT_EQ(0, pin_to(0));
}

FIXTURE_TEARDOWN(hotplug)
{
	target("drop");
	EXPECT_EQ(0, all_online());
	EXPECT_EQ(self->cpus, online_cpus());
	all_free(_metadata);
}

/* CPUs that have never been online: booted with maxcpus=. First, as the others bring them up. */
TEST_F_TIMEOUT(hotplug, a_came_first_time, LONG)
{
	int cpu, late = self->cpus - online_cpus();

	NEED(late, "all CPUs are online since the boot");
	ASSERT_EQ(0, make_wide_execution());
	wide_hits_everywhere(_metadata, 'x');
	for (cpu = 1; cpu < self->cpus; cpu++) {
		if (is_online(cpu))
			continue;
		ASSERT_EQ(0, set_online(cpu, true));
		wide_hits_everywhere(_metadata, 'x');
		EXPECT_EQ(HWBP_NUM - 1, free_slots(-1, cpu));
	}
}

static void registered_while_offline(struct __test_metadata *_metadata, int cpus,
				     int (*make)(void), char command)
{
	int last = cpus - 1, cpu;

	ASSERT_EQ(0, all_online());
	ASSERT_EQ(0, set_online(last, false));
	ASSERT_EQ(0, make());
	wide_hits_everywhere(_metadata, command);
	EXPECT_EQ(-ENODEV, bp_try(BP_W, addr_of(&idle_var), 8, -1, last));
	ASSERT_EQ(0, set_online(last, true));
	wide_hits_everywhere(_metadata, command);
	for (cpu = 0; cpu < cpus; cpu++) {
		EXPECT_EQ(HWBP_NUM - 1, free_slots(-1, cpu))
			TH_LOG("on CPU %d", cpu);
	}
}

TEST_F_TIMEOUT(hotplug, wide_data_registered_while_offline, LONG)
{
	registered_while_offline(_metadata, self->cpus, make_wide_data, 'w');
}

TEST_F_TIMEOUT(hotplug, wide_execution_registered_while_offline, LONG)
{
	registered_while_offline(_metadata, self->cpus, make_wide_execution, 'x');
}

/* One that goes while a CPU is offline takes its promise there with it. */
TEST_F_TIMEOUT(hotplug, wide_unregistered_while_offline, LONG)
{
	int last = self->cpus - 1;

	ASSERT_EQ(0, all_online());
	ASSERT_EQ(0, make_wide_data());
	ASSERT_EQ(0, set_online(last, false));
	ASSERT_EQ(0, target("drop"));
	ASSERT_EQ(0, set_online(last, true));
	EXPECT_EQ(HWBP_NUM, free_slots(-1, last));
	ASSERT_EQ(0, pin_to(last));
	ASSERT_EQ(0, target("w 10 8"));
	EXPECT_EQ(0, target_value("hits"));
}

/* The promise is one for every CPU, also for those that are not there now. */
TEST_F_TIMEOUT(hotplug, wide_needs_offline_cpus_too, LONG)
{
	int last = self->cpus - 1, fd[HWBP_NUM], i;

	ASSERT_EQ(0, all_online());
	for (i = 0; i < HWBP_NUM; i++) {
		fd[i] = bp_open(BP_W, addr_of(&idle_var), 8, -1, last);
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(-ENOSPC, make_wide_data());
	ASSERT_EQ(0, set_online(last, false));
	EXPECT_EQ(-ENOSPC, make_wide_data());
	close(fd[0]);
	EXPECT_EQ(0, make_wide_data());
	wide_hits_everywhere(_metadata, 'w');
	for (i = 1; i < HWBP_NUM; i++)
		close(fd[i]);
	ASSERT_EQ(0, set_online(last, true));
	wide_hits_everywhere(_metadata, 'w');
}

/* === Many steps === */

/*
 * Beside the wide one: a task's own on every CPU, which follows it, and one bound to the CPU
 * that stays.
 */
static void random_steps(struct __test_metadata *_metadata, int (*make)(void), char command)
{
	unsigned int seed = env_number("HWBP_SEED", 1), i;
	int task, bound, cpu;
	long long on_all = 0, on_first = 0;

	ASSERT_EQ(0, make());
	task = bp_open(BP_X, CODE, 8, 0, -1);
	ASSERT_GE(task, 0);
	bound = bp_open(BP_X, CODE, 8, -1, 0);
	ASSERT_GE(bound, 0);
	for (i = 0; i < steps(); i++) {
		ASSERT_EQ(0, random_step(&seed));
		wide_hits_everywhere(_metadata, command);
		for (cpu = 0; cpu < present_cpus(); cpu++) {
			if (!is_online(cpu))
				continue;
			ASSERT_EQ(0, pin_to(cpu));
			calls(CALLS);
			on_all += CALLS;
			on_first += cpu ? 0 : CALLS;
		}
		EXPECT_EQ(on_all, bp_count(task));
		EXPECT_EQ(on_first, bp_count(bound));
		/* One message a test is enough. */
		if (!_metadata->exit_code)
			continue;
		TH_LOG("at step %u", i);
		break;
	}
	EXPECT_EQ(0, all_online());
	for (cpu = 0; cpu < present_cpus(); cpu++) {
		/* the wide one; the task's; and where it is bound, that one */
		EXPECT_EQ(HWBP_NUM - (cpu ? 2 : 3), free_slots(-1, cpu))
			TH_LOG("on CPU %d", cpu);
	}
	close(task);
	close(bound);
}

TEST_F_TIMEOUT(hotplug, wide_data_random_steps, LONG)
{
	random_steps(_metadata, make_wide_data, 'w');
}

TEST_F_TIMEOUT(hotplug, wide_execution_random_steps, LONG)
{
	random_steps(_metadata, make_wide_execution, 'x');
}

/* === Registered and taken away while CPUs come and go === */

/* Shared with the children. */
static struct arena {
	volatile bool stop;
	volatile int odd_errno;
	volatile unsigned long opened;
} *arena;

/* Takes steps till they are done: its exit status. */
static pid_t stepper(unsigned int seed, unsigned int n)
{
	pid_t pid = fork_kid();

	if (pid)
		return pid;
	while (n--)
		if (random_step(&seed))
			_exit(1);
	_exit(all_online() ? 2 : 0);
}

/* Opens and closes on any CPU; that one is full, or offline, is no wonder. */
static pid_t opener(unsigned int seed)
{
	pid_t pid = fork_kid();
	int err;

	if (pid)
		return pid;
	while (!arena->stop) {
		err = bp_try(BP_W, addr_of(&idle_var), 8, -1, next_random(&seed) % present_cpus());
		if (!err)
			arena->opened++;
		else if (err != -ENODEV && err != -ENOSPC)
			arena->odd_errno = -err;
	}
	_exit(0);
}

static void in_a_loop(struct __test_metadata *_metadata, int (*make)(void), char command)
{
	pid_t step, open[2];
	unsigned long rounds = 0;
	int status, i;

	arena = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)arena);
	for (i = 0; i < 2; i++) {
		open[i] = opener(i + 1);
		ASSERT_GT(open[i], 0);
	}
	step = stepper(env_number("HWBP_SEED", 1), steps());
	ASSERT_GT(step, 0);
	/* Each opener has one at most, so there is a register left for us. */
	while (!waitpid(step, &status, WNOHANG)) {
		ASSERT_EQ(0, make());
		/*
		 * Wherever we are every access counts: a CPU that isn't there doesn't take
		 * us, and one that goes gives us to another one first.
		 */
		for (i = 0; i < 3 * present_cpus() && !_metadata->exit_code; i++) {
			pin_to(i % present_cpus());
			wide_hits(_metadata, command, 20, i % present_cpus());
		}
		ASSERT_EQ(0, pin_to(0));
		ASSERT_EQ(0, target("drop"));
		rounds++;
	}
	EXPECT_EQ(0, status);
	arena->stop = true;
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(open[i], waitpid(open[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_GT(rounds, 0);
	EXPECT_GT(arena->opened, 0);
	EXPECT_EQ(0, arena->odd_errno);
	munmap(arena, 4096);
}

TEST_F_TIMEOUT(hotplug, wide_data_in_a_loop, LONG)
{
	in_a_loop(_metadata, make_wide_data, 'w');
}

TEST_F_TIMEOUT(hotplug, wide_execution_in_a_loop, LONG)
{
	in_a_loop(_metadata, make_wide_execution, 'x');
}

/* === Bound to a CPU that goes === */

enum { BY_DATA, BY_CALL, BY_KERNEL_CALL, BY_NOTHING, KINDS };

static void open_bound(struct __test_metadata *_metadata, int *fd, int cpu)
{
	struct perf_event_attr attr[KINDS] = {
		[BY_DATA] = bp_attr(BP_W, addr_of(&var), 8),
		[BY_CALL] = bp_attr(BP_X, CODE, 8),
		[BY_KERNEL_CALL] = bp_attr(BP_X, target_value("func"), 8),
		[BY_NOTHING] = dummy_attr(),
	};
	int i;

	attr[BY_KERNEL_CALL].exclude_kernel = 0;
	for (i = 0; i < KINDS; i++) {
		fd[i] = open_timed(attr[i], -1, cpu);
		ASSERT_GE(fd[i], 0);
	}
}

static const uint64_t bound_hits[KINDS] = { STORES, CALLS, KERNEL_CALLS, 0 };

static void bound_accesses(struct __test_metadata *_metadata, int cpu)
{
	ASSERT_EQ(0, pin_to(cpu));
	stores(&var, 8, STORES);
	calls(CALLS);
	ASSERT_EQ(0, target("x %d", KERNEL_CALLS));
	ASSERT_EQ(0, pin_to(0));
}

/* Counts go on, or are frozen, as the software event's times do. */
static void as_software(struct __test_metadata *_metadata, int *fd, struct reading *last,
			const char *when)
{
	struct reading r[KINDS];
	bool lives;
	int i;

	/* Read last, so that the others can only have less time. */
	for (i = 0; i < KINDS; i++)
		r[i] = look(fd[i]);
	lives = r[BY_NOTHING].enabled != last[BY_NOTHING].enabled;
	for (i = 0; i < KINDS; i++) {
		EXPECT_EQ(last[i].count + (lives ? bound_hits[i] : 0), r[i].count)
			TH_LOG("kind %d, %s, software events %s", i, when,
			       lives ? "live" : "are frozen");
		EXPECT_EQ(lives, r[i].enabled != last[i].enabled)
			TH_LOG("kind %d, %s", i, when);
		EXPECT_EQ(lives, r[i].running != last[i].running)
			TH_LOG("kind %d, %s", i, when);
		last[i] = r[i];
	}
}

TEST_F_TIMEOUT(hotplug, bound_to_one_that_goes, LONG)
{
	int last = self->cpus - 1, fd[KINDS], i;
	struct reading r[KINDS];

	ASSERT_EQ(0, all_online());
	open_bound(_metadata, fd, last);
	bound_accesses(_metadata, last);
	for (i = 0; i < KINDS; i++) {
		EXPECT_EQ(bound_hits[i], look(fd[i]).count);
		EXPECT_GT(look(fd[i]).enabled, 0);
	}
	ASSERT_EQ(0, set_online(last, false));
	for (i = 0; i < KINDS; i++) {
		r[i] = look(fd[i]);
		EXPECT_EQ(bound_hits[i], r[i].count)
			TH_LOG("kind %d, offline", i);
		EXPECT_EQ(r[i].enabled, r[i].running);
	}
	/* Nothing of it is hit elsewhere. */
	stores(&var, 8, STORES);
	calls(CALLS);
	ASSERT_EQ(0, target("x %d", KERNEL_CALLS));
	for (i = 0; i < KINDS; i++)
		EXPECT_EQ(bound_hits[i], look(fd[i]).count);
	ASSERT_EQ(0, set_online(last, true));
	bound_accesses(_metadata, last);
	as_software(_metadata, fd, r, "online again");
	for (i = 0; i < KINDS; i++)
		EXPECT_EQ(0, ioctl(fd[i], PERF_EVENT_IOC_ENABLE, 0));
	bound_accesses(_metadata, last);
	as_software(_metadata, fd, r, "enabled");
	/* Its promises last as long as its descriptors do. */
	EXPECT_EQ(HWBP_NUM - 3, free_slots(-1, last));
	for (i = 0; i < KINDS; i++)
		close(fd[i]);
	EXPECT_EQ(HWBP_NUM, free_slots(-1, last));
	/* And who asks now is served. */
	open_bound(_metadata, fd, last);
	bound_accesses(_metadata, last);
	for (i = 0; i < KINDS; i++) {
		EXPECT_EQ(bound_hits[i], look(fd[i]).count);
		close(fd[i]);
	}
}

/* Closed while its CPU is away, it gives its promise back. */
TEST_F_TIMEOUT(hotplug, bound_and_closed_while_offline, LONG)
{
	int last = self->cpus - 1, fd[KINDS], i;

	ASSERT_EQ(0, all_online());
	open_bound(_metadata, fd, last);
	ASSERT_EQ(0, set_online(last, false));
	for (i = 0; i < KINDS; i++)
		close(fd[i]);
	ASSERT_EQ(0, set_online(last, true));
	EXPECT_EQ(HWBP_NUM, free_slots(-1, last));
}

/* A task's own, on one CPU: as the task's, it is there again when the CPU is. */
TEST_F_TIMEOUT(hotplug, task_on_one_that_goes, LONG)
{
	int last = self->cpus - 1, fd, round;

	ASSERT_EQ(0, all_online());
	fd = bp_open(BP_W, addr_of(&var), 8, 0, last);
	ASSERT_GE(fd, 0);
	for (round = 1; round <= 2; round++) {
		ASSERT_EQ(0, pin_to(last));
		stores(&var, 8, STORES);
		EXPECT_EQ(round * STORES, bp_count(fd));
		/* It moves us. */
		if (round == 1)
			ASSERT_EQ(0, set_online(last, false));
		stores(&var, 8, round == 1 ? STORES : 0);
		ASSERT_EQ(0, set_online(last, true));
	}
	close(fd);
}

TEST_HARNESS_MAIN
