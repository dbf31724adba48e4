/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the hw_breakpoint selftests share: opening breakpoints, counting slots, accesses of
 * one instruction each, and the kernel module that makes the kernel's own accesses.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef HWBP_H
#define HWBP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

/* Against hangs only. The harness' 30 s are too short for emulated CPUs with a neighbour. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300

#define CPU1 "/sys/devices/system/cpu/cpu1/online"

/* x86 has so many address registers. */
#define HWBP_NUM 4

#define BP_W HW_BREAKPOINT_W
#define BP_RW HW_BREAKPOINT_RW
#define BP_X HW_BREAKPOINT_X

#define TARGET "/sys/kernel/debug/hw_breakpoint_target/"

#ifndef TRAP_PERF
#define TRAP_PERF 6
#endif

#define NEED(cond, ...) do { if (!(cond)) SKIP(return, __VA_ARGS__); } while (0)

/* === Events === */

static inline struct perf_event_attr bp_attr(uint32_t type, uint64_t addr, uint64_t len)
{
	struct perf_event_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.size = sizeof(attr);
	attr.type = PERF_TYPE_BREAKPOINT;
	attr.bp_type = type;
	attr.bp_addr = addr;
	attr.bp_len = len;
	attr.exclude_kernel = 1;
	attr.exclude_hv = 1;
	return attr;
}

static inline struct perf_event_attr dummy_attr(void)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };

	attr.type = PERF_TYPE_SOFTWARE;
	attr.config = PERF_COUNT_SW_DUMMY;
	return attr;
}

static inline struct perf_event_attr in_kernel(struct perf_event_attr attr)
{
	attr.exclude_kernel = 0;
	return attr;
}

static inline struct perf_event_attr pinned(struct perf_event_attr attr)
{
	attr.pinned = 1;
	return attr;
}

static inline struct perf_event_attr exclusive(struct perf_event_attr attr)
{
	attr.exclusive = 1;
	return attr;
}

/* In the group of @leader; -1: of its own. Returns a descriptor, or the negated errno. */
static inline int pe_open_in(const struct perf_event_attr *attr, pid_t pid, int cpu, int leader)
{
	int fd = syscall(SYS_perf_event_open, attr, pid, cpu, leader, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static inline int pe_open(const struct perf_event_attr *attr, pid_t pid, int cpu)
{
	return pe_open_in(attr, pid, cpu, -1);
}

static inline int bp_open(uint32_t type, uint64_t addr, uint64_t len, pid_t pid, int cpu)
{
	struct perf_event_attr attr = bp_attr(type, addr, len);

	return pe_open(&attr, pid, cpu);
}

/* The same, but for a kernel address: needs privilege. */
static inline int bp_open_kernel(uint32_t type, uint64_t addr, uint64_t len, pid_t pid, int cpu)
{
	struct perf_event_attr attr = in_kernel(bp_attr(type, addr, len));

	return pe_open(&attr, pid, cpu);
}

/* Each hit is a synchronous SIGTRAP with TRAP_PERF. */
static inline struct perf_event_attr trap_attr(uint32_t type, uint64_t addr, uint64_t len)
{
	struct perf_event_attr attr = bp_attr(type, addr, len);

	attr.sample_period = 1;
	attr.sigtrap = 1;
	attr.remove_on_exec = 1;
	attr.sig_data = 0x12345678;
	return attr;
}

/* An event of @tid that is disabled; once it is enabled each overflow is a signal @sig to it. */
static inline int signal_fd(struct perf_event_attr attr, pid_t tid, int sig)
{
	struct f_owner_ex owner = { F_OWNER_TID, tid };
	int fd;

	attr.disabled = 1;
	fd = pe_open(&attr, tid, -1);
	if (fd < 0)
		return fd;
	fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC);
	fcntl(fd, F_SETSIG, sig);
	fcntl(fd, F_SETOWN_EX, &owner);
	return fd;
}

/* Opens and closes: 0 or the negated errno. */
static inline int bp_try(uint32_t type, uint64_t addr, uint64_t len, pid_t pid, int cpu)
{
	int fd = bp_open(type, addr, len, pid, cpu);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static inline int bp_try_kernel(uint32_t type, uint64_t addr, uint64_t len, pid_t pid, int cpu)
{
	int fd = bp_open_kernel(type, addr, len, pid, cpu);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static inline long long bp_count(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return -1;
	return count;
}

static inline uint64_t addr_of(const volatile void *p)
{
	return (uintptr_t)p;
}

/* What slots are counted with: nobody accesses it. */
static uint64_t idle_var __attribute__((aligned(64), unused));

/*
 * How many more breakpoints @pid (-1: everybody) may have on @cpu (-1: all): takes them
 * all, then gives them back. At most one more than there are registers. The negated
 * errno when the refusal is another than ENOSPC.
 */
static inline int free_slots(pid_t pid, int cpu)
{
	int fd[HWBP_NUM + 1], n, ret;

	for (n = 0; n <= HWBP_NUM; n++) {
		fd[n] = bp_open(BP_W, addr_of(&idle_var), 8, pid, cpu);
		if (fd[n] < 0)
			break;
	}
	ret = n > HWBP_NUM || fd[n] == -ENOSPC ? n : fd[n];
	while (n--)
		close(fd[n]);
	return ret;
}

/* === Times === */

struct reading {
	uint64_t count, enabled, running;
};

static inline int open_timed_in(struct perf_event_attr attr, pid_t pid, int cpu, int leader)
{
	attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	return pe_open_in(&attr, pid, cpu, leader);
}

static inline int open_timed(struct perf_event_attr attr, pid_t pid, int cpu)
{
	return open_timed_in(attr, pid, cpu, -1);
}

static inline struct reading look(int fd)
{
	struct reading r;

	if (read(fd, &r, sizeof(r)) != sizeof(r))
		memset(&r, 0xff, sizeof(r));
	return r;
}

/* For how much of its time an event was on. */
static inline double share(struct reading r)
{
	return r.enabled ? (double)r.running / r.enabled : 0;
}

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* === Ranges === */

/* The longest that can be asked for. */
#define RANGE_MAX 32

/*
 * The fewest registers that are a range, each a power of two up to 8 of bytes at a multiple of
 * its size: tries them all.
 */
static inline unsigned int fewest_registers(unsigned int start, unsigned int len)
{
	unsigned int size, least = ~0U, n;

	if (!len)
		return 0;
	for (size = 1; size <= 8 && size <= len; size *= 2) {
		if (start % size)
			continue;
		n = 1 + fewest_registers(start + size, len - size);
		if (n < least)
			least = n;
	}
	return least;
}

/* The search is exponential in the length, so what it found is kept. */
static inline unsigned int registers_for(unsigned int start, unsigned int len)
{
	static unsigned int known[8][RANGE_MAX + 1];
	unsigned int *n = &known[start % 8][len];

	if (!*n)
		*n = fewest_registers(start % 8, len);
	return *n;
}

/* === Accesses, one instruction each === */

static inline void store(volatile void *p, unsigned int width)
{
	switch (width) {
	case 1:
		asm volatile("movb $1, (%0)" : : "r"(p) : "memory");
		break;
	case 2:
		asm volatile("movw $1, (%0)" : : "r"(p) : "memory");
		break;
	case 4:
		asm volatile("movl $1, (%0)" : : "r"(p) : "memory");
		break;
#ifdef __x86_64__
	case 8:
		asm volatile("movq $1, (%0)" : : "r"(p) : "memory");
		break;
#endif
	default:
		abort();
	}
}

static inline void load(const volatile void *p, unsigned int width)
{
	unsigned long v;

	switch (width) {
	case 1:
		asm volatile("movzbl (%1), %k0" : "=r"(v) : "r"(p) : "memory");
		break;
	case 2:
		asm volatile("movzwl (%1), %k0" : "=r"(v) : "r"(p) : "memory");
		break;
	case 4:
		asm volatile("movl (%1), %k0" : "=r"(v) : "r"(p) : "memory");
		break;
#ifdef __x86_64__
	case 8:
		asm volatile("movq (%1), %0" : "=r"(v) : "r"(p) : "memory");
		break;
#endif
	default:
		abort();
	}
}

static inline void stores(volatile void *p, unsigned int width, unsigned int n)
{
	while (n--)
		store(p, width);
}

static inline void loads(const volatile void *p, unsigned int width, unsigned int n)
{
	while (n--)
		load(p, width);
}

/* === Tasks === */

static inline long switches(void)
{
	struct rusage r;

	getrusage(RUSAGE_THREAD, &r);
	return r.ru_nvcsw + r.ru_nivcsw;
}

/*
 * Off the CPU and on again. To sleep isn't enough: where all is slow the time may be over
 * before.
 */
static inline void switch_away(void)
{
	long before = switches();

	while (switches() == before)
		usleep(1000);
}

/* A fork() whose child goes when we go. */
static inline pid_t fork_kid(void)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

/* A task that does nothing. */
static inline pid_t idle_task(void)
{
	pid_t pid = fork_kid();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

/* Kills and buries. */
static inline void end_task(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The exit status of a child that runs @fn; 256 and up: it died of a signal. */
static inline int in_child(int (*fn)(void *), void *arg)
{
	int status;
	pid_t pid = fork_kid();

	if (pid < 0)
		return 512;
	if (!pid)
		_exit(fn(arg));
	if (waitpid(pid, &status, 0) != pid)
		return 513;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* Keeps only the capabilities of @keep. */
static inline int set_caps(uint64_t keep)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ keep, keep, 0 }, { keep >> 32, keep >> 32, 0 },
	};

	return syscall(SYS_capset, &head, data);
}

/* Where DR@n of a thread is for PTRACE_PEEKUSER and PTRACE_POKEUSER. */
static inline unsigned long dr_offset(int n)
{
	return offsetof(struct user, u_debugreg) + n * sizeof(long);
}

/* 0 or the negated errno. */
static inline int poke_at(pid_t pid, unsigned long offset, unsigned long value)
{
	return ptrace(PTRACE_POKEUSER, pid, offset, value) ? -errno : 0;
}

static inline int poke(pid_t pid, int n, unsigned long value)
{
	return poke_at(pid, dr_offset(n), value);
}

static inline int pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static inline int online_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* === Files === */

static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* An integer of a file such as a sysctl's. */
static inline int read_int(const char *path, int fallback)
{
	FILE *f = fopen(path, "re");
	int v = fallback;

	if (f) {
		if (fscanf(f, "%d", &v) != 1)
			v = fallback;
		fclose(f);
	}
	return v;
}

#define PARANOID "/proc/sys/kernel/perf_event_paranoid"

static inline int set_paranoid(int level)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", level);
	return write_file(PARANOID, text);
}

static inline unsigned int env_number(const char *name, unsigned int fallback)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : fallback;
}

/* === The module === */

static inline bool target_there(void)
{
	return !access(TARGET "ctl", W_OK);
}

#define NEED_TARGET() NEED(target_there(), "hw_breakpoint_target.ko is not loaded")

/* One command: 0 or the negated errno. */
static inline int __attribute__((format(printf, 1, 2))) target(const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return write_file(TARGET "ctl", text);
}

/* A value of a file of names and values; all ones when there is none of that name. */
static inline uint64_t file_value(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char name[32], value[32];
	uint64_t v = UINT64_MAX;

	if (!f)
		return v;
	while (fscanf(f, "%31s %31s", name, value) == 2)
		if (!strcmp(name, key))
			v = strtoull(value, NULL, 0);
	fclose(f);
	return v;
}

/* Where the kernel has it: may events be promised nothing, and take turns? */
#define FLEXIBLE "/sys/bus/event_source/devices/breakpoint/flexible"
#define NEED_FLEXIBLE() NEED(!access(FLEXIBLE, W_OK), "no flexible events here")

#define STATS "/sys/kernel/debug/hw_breakpoint/stats"

/* One of the counters of a CPU, or -1. */
static inline long cpu_stat(int cpu, const char *name)
{
	FILE *f = fopen(STATS, "re");
	char line[512], want[16], key[32];
	long value, found = -1;
	char *at;
	int n;

	if (!f)
		return -1;
	snprintf(want, sizeof(want), "cpu%d ", cpu);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, want, strlen(want)))
			continue;
		at = line + strlen(want);
		for (; sscanf(at, "%31s %ld%n", key, &value, &n) == 2; at += n)
			if (!strcmp(key, name))
				found = value;
	}
	fclose(f);
	return found;
}

/* A value of the module's status. */
static inline uint64_t target_value(const char *key)
{
	return file_value(TARGET "status", key);
}

/* Nobody holds anything: not on any CPU, not for us, not by the kernel's own account. */
static inline void all_free(struct __test_metadata *_metadata)
{
	int cpu;

	for (cpu = 0; cpu < online_cpus(); cpu++) {
		EXPECT_EQ(HWBP_NUM, free_slots(-1, cpu))
			TH_LOG("on CPU %d", cpu);
	}
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	if (target_there())
		EXPECT_EQ(0, target_value("used"));
}

/* A kernel symbol's address, with @cpu >= 0 that CPU's copy; 0 if there is none. */
static inline uint64_t kernel_symbol(const char *name, int cpu)
{
	int err = cpu < 0 ? target("sym %s", name) : target("percpu %s %d", name, cpu);

	return err ? 0 : target_value("result");
}

/* === The machine === */

static inline bool cpuinfo_has(const char *word)
{
	char line[4096];
	bool found = false;
	FILE *f = fopen("/proc/cpuinfo", "re");

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, word);
	fclose(f);
	return found;
}

/*
 * Whether DR6 tells all registers that match an access and no other. QEMU's TCG does
 * not, so several watchpoints at once can't be counted there.
 */
static inline bool dr6_faithful(void)
{
	const char *env = getenv("HWBP_DR6_FAITHFUL");

	return env ? *env == '1' : !cpuinfo_has("QEMU TCG");
}

#define NEED_DR6() \
	NEED(dr6_faithful(), "QEMU TCG's DR6 is not faithful with several watchpoints")

#endif /* HWBP_H */
