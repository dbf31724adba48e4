// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another kernel is started by this one while every register is armed, on what that kernel
 * uses early: it must find them off.
 *
 * hwbp_kexec --jump SYMBOL... arms them, on the kernel functions named and by a task's own,
 * and starts the kernel that kexec(8) has loaded. Without arguments these are tests, for the
 * new kernel.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <linux/reboot.h>

#define STORES 1000
#define CALLS 700

static volatile uint64_t var __attribute__((aligned(64)));

static __attribute__((noinline)) void func(void)
{
	asm volatile("" ::: "memory");
}

#define CODE ((uintptr_t)func)

/* === The old kernel === */

static int fail(const char *what, long long value)
{
	printf("# hwbp_kexec: %s: %lld\n", what, value);
	return 1;
}

/*
 * Of each CPU's four registers one has the task's data, one what kernel code asked for on
 * every CPU, and two have functions that the next kernel calls.
 */
static int jump(const char *wide, const char *first, const char *second)
{
	const char * const name[] = { first, second };
	int cpu, i, fd, task;
	uint64_t addr;

	addr = kernel_symbol(wide, -1);
	if (!addr || target("wide %d %llx 8", BP_X, (unsigned long long)addr))
		return fail("no wide breakpoint at", addr);
	for (cpu = 0; cpu < online_cpus(); cpu++) {
		for (i = 0; i < 2; i++) {
			addr = kernel_symbol(name[i], -1);
			fd = addr ? bp_open_kernel(BP_X, addr, 8, -1, cpu) : -ENOENT;
			if (fd < 0)
				return fail(name[i], fd);
		}
	}
	task = bp_open(BP_W, addr_of(&var), 8, 0, -1);
	if (task < 0)
		return fail("the task's own", task);
	stores(&var, 8, STORES);
	if (bp_count(task) != STORES)
		return fail("stores counted", bp_count(task));
	for (cpu = 0; cpu < online_cpus(); cpu++)
		if (free_slots(-1, cpu))
			return fail("free registers", free_slots(-1, cpu));
	fflush(stdout);
	/* What kexec -e does. */
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	return fail("no kexec", errno);
}

/* === The new one === */

TEST(all_are_free)
{
	all_free(_metadata);
}

TEST(each_counts)
{
	int fd[HWBP_NUM], cpu, i;

	for (cpu = 0; cpu < online_cpus(); cpu++) {
		ASSERT_EQ(0, pin_to(cpu));
		fd[0] = bp_open(BP_W, addr_of(&var), 8, -1, cpu);
		for (i = 1; i < HWBP_NUM; i++)
			fd[i] = bp_open(BP_X, CODE, 8, -1, cpu);
		for (i = 0; i < HWBP_NUM; i++)
			ASSERT_GE(fd[i], 0);
		stores(&var, 8, STORES);
		for (i = 0; i < CALLS; i++)
			func();
		for (i = 0; i < HWBP_NUM; i++) {
			EXPECT_EQ(i ? CALLS : STORES, bp_count(fd[i]))
				TH_LOG("the %dth on CPU %d", i, cpu);
			close(fd[i]);
		}
	}
	all_free(_metadata);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "--jump"))
		return jump(argv[2], argv[3], argv[4]);
	return test_harness_run(argc, argv);
}
