// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which requests are well-formed and allowed, with the errno of each that is not; a
 * refused request charges nothing and logs nothing.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <linux/capability.h>

#define ENTRY_AREA 0xfffffe0000000000ULL
#define KERNEL_ADDR 0xffffffff81000000ULL

static char buf[128] __attribute__((aligned(64)));

static const uint64_t lengths[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 32, 4096,
	1ULL << 31, 1ULL << 32, (1ULL << 32) + 8, 1ULL << 40, 1ULL << 63, ~0ULL,
};

/* Each test: nothing in the log, no slot gone. */
FIXTURE(validate) {
	int kmsg;
	int paranoid;
};

FIXTURE_SETUP(validate)
{
	self->paranoid = read_int(PARANOID, 2);
	self->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	ASSERT_GE(self->kmsg, 0);
	ASSERT_EQ(0, lseek(self->kmsg, 0, SEEK_END));
}

FIXTURE_TEARDOWN(validate)
{
	char line[1024];
	ssize_t n = read(self->kmsg, line, sizeof(line) - 1);

	EXPECT_EQ(-1, n) {
		line[n] = '\0';
		TH_LOG("new in the log: %s", line);
	}
	set_paranoid(self->paranoid);
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
	if (target_there())
		EXPECT_EQ(0, target_value("used"));
}

static int data_expected(uint64_t len, unsigned int offset)
{
	if (!len || len > RANGE_MAX)
		return -EINVAL;
	return registers_for(offset, len) <= HWBP_NUM ? 0 : -EINVAL;
}

static void check_data(struct __test_metadata *_metadata, uint32_t type)
{
	unsigned int i, offset;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (offset = 0; offset < 8; offset++) {
			EXPECT_EQ(data_expected(lengths[i], offset),
				  bp_try(type, addr_of(buf + offset), lengths[i], 0, -1)) {
				TH_LOG("length %llu offset %u", (unsigned long long)lengths[i],
				       offset);
			}
		}
	}
}

TEST_F(validate, write_lengths_and_alignments)
{
	check_data(_metadata, BP_W);
}

TEST_F(validate, readwrite_lengths_and_alignments)
{
	check_data(_metadata, BP_RW);
}

/* sizeof(long) is the kernel's; programs of 32 bits also say 4. */
static int exec_expected(uint64_t len)
{
	if (len == 1 || len == 8)
		return 0;
	return len == 4 && sizeof(long) == 4 ? 0 : -EINVAL;
}

TEST_F(validate, execute_lengths_and_alignments)
{
	unsigned int i, offset;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (offset = 0; offset < 8; offset++) {
			EXPECT_EQ(exec_expected(lengths[i]),
				  bp_try(BP_X, addr_of(buf + offset), lengths[i], 0, -1)) {
				TH_LOG("length %llu offset %u", (unsigned long long)lengths[i],
				       offset);
			}
		}
	}
}

TEST_F(validate, types)
{
	static const uint32_t bad[] = {
		HW_BREAKPOINT_EMPTY, HW_BREAKPOINT_R, BP_X | HW_BREAKPOINT_R, BP_X | BP_W,
		HW_BREAKPOINT_INVALID, 8, 9, 10, 11, 12, 16, 0x100 | BP_W, 0x80000000u,
		0x80000000u | BP_W, ~0u,
	};
	unsigned int i, len;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (len = 1; len <= 8; len *= 2) {
			EXPECT_EQ(-EINVAL, bp_try(bad[i], addr_of(buf), len, 0, -1))
				TH_LOG("type 0x%x length %u", bad[i], len);
			EXPECT_EQ(-EINVAL, bp_try(bad[i], addr_of(buf), len, -1, 0))
				TH_LOG("type 0x%x length %u on a CPU", bad[i], len);
		}
	}
}

/* The first byte behind user space: it has 47 bits, 56 with five-level page tables. */
static uint64_t task_top(void)
{
	return cpuinfo_has(" la57") ? 0xfffffffffff000ULL : 0x7ffffffff000ULL;
}

/* The last bytes of user space are the user's, those behind are not. */
TEST_F(validate, end_of_user_space)
{
	uint64_t top = task_top();
	unsigned int len;

	for (len = 1; len <= 8; len *= 2) {
		EXPECT_EQ(0, bp_try(BP_W, top - len, len, 0, -1));
		EXPECT_EQ(-EINVAL, bp_try(BP_W, top, len, 0, -1));
		EXPECT_EQ(-EINVAL, bp_try(BP_W, 0ULL - len, len, 0, -1));
	}
	EXPECT_EQ(0, bp_try(BP_X, top - 1, 8, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(BP_X, top, 8, 0, -1));
}

TEST_F(validate, exclude_kernel_with_kernel_address)
{
	EXPECT_EQ(-EINVAL, bp_try(BP_W, KERNEL_ADDR, 8, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(BP_RW, KERNEL_ADDR, 1, -1, 0));
	EXPECT_EQ(-EINVAL, bp_try(BP_X, KERNEL_ADDR, 8, 0, 0));
}

TEST_F(validate, core_refuses)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(buf), 8);

	EXPECT_EQ(-EINVAL, pe_open(&attr, -1, -1));
	EXPECT_EQ(-EINVAL, pe_open(&attr, -1, 100000));
	EXPECT_EQ(-EINVAL, pe_open(&attr, 0, 100000));
	EXPECT_EQ(-1, syscall(SYS_perf_event_open, &attr, 0, -1, -1, 1UL << 20));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, syscall(SYS_perf_event_open, &attr, 0, -1, 9999, 0));
	EXPECT_EQ(EBADF, errno);
	attr.read_format = 1ULL << 40;
	EXPECT_EQ(-EINVAL, pe_open(&attr, 0, -1));
	attr = bp_attr(BP_W, addr_of(buf), 8);
	attr.size = 8;
	EXPECT_EQ(-E2BIG, pe_open(&attr, 0, -1));
	attr = bp_attr(BP_W, addr_of(buf), 8);
	attr.sample_period = 1ULL << 63;
	EXPECT_EQ(-EINVAL, pe_open(&attr, 0, -1));
}

TEST_F(validate, dead_pid)
{
	pid_t pid = idle_task();

	ASSERT_GT(pid, 0);
	end_task(pid);
	EXPECT_EQ(-ESRCH, bp_try(BP_W, addr_of(buf), 8, pid, -1));
	EXPECT_EQ(-ESRCH, bp_try(BP_W, addr_of(buf), 8, pid, 0));
	EXPECT_EQ(-ESRCH, bp_try(BP_W, addr_of(buf), 8, 0x7fffffff, -1));
}

/* Groups that perf core refuses after the breakpoint was made. */
TEST_F(validate, refused_group)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(buf), 8);
	pid_t pid = idle_task();
	int other, i;

	other = bp_open(BP_W, addr_of(buf), 8, pid, -1);
	ASSERT_GE(other, 0);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(-1, syscall(SYS_perf_event_open, &attr, 0, -1, other, 0));
		ASSERT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(pid, -1));
	close(other);
	EXPECT_EQ(HWBP_NUM, free_slots(pid, -1));
	end_task(pid);
}

/* === Kernel addresses === */

TEST_F(validate, kernel_address_with_privilege)
{
	uint64_t var, func;

	NEED_TARGET();
	var = target_value("var");
	func = target_value("func");
	EXPECT_EQ(0, bp_try_kernel(BP_W, var, 8, 0, -1));
	EXPECT_EQ(0, bp_try_kernel(BP_RW, var + 4, 4, -1, 0));
	EXPECT_EQ(0, bp_try_kernel(BP_X, func, 8, -1, 0));
	EXPECT_EQ(-EINVAL, bp_try_kernel(BP_W, var + 1, 31, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try_kernel(HW_BREAKPOINT_R, var, 8, 0, -1));
}

static void refused_everywhere(struct __test_metadata *_metadata, const char *what, uint64_t addr)
{
	EXPECT_EQ(-EINVAL, bp_try_kernel(BP_W, addr, 1, 0, -1))
		TH_LOG("%s: write, 0x%llx", what, (unsigned long long)addr);
	EXPECT_EQ(-EINVAL, bp_try_kernel(BP_RW, addr & ~7ULL, 8, -1, 0))
		TH_LOG("%s: access, 0x%llx", what, (unsigned long long)addr);
}

TEST_F(validate, entry_area)
{
	uint64_t addr;

	for (addr = ENTRY_AREA; addr < ENTRY_AREA + 0x20000; addr += 0x400) {
		refused_everywhere(_metadata, "entry area", addr);
		EXPECT_EQ(-EINVAL, bp_try_kernel(BP_X, addr, 8, -1, 0));
	}
}

TEST_F(validate, data_of_the_trap_itself)
{
	static const char *const per_cpu[] = {
		"gdt_page", "cpu_tss_rw", "cpu_tlbstate", "cpu_dr7",
	};
	unsigned int i, cpu, seen = 0;
	uint64_t addr;

	NEED_TARGET();
	for (i = 0; i < ARRAY_SIZE(per_cpu); i++) {
		for (cpu = 0; cpu < (unsigned int)online_cpus(); cpu++) {
			addr = kernel_symbol(per_cpu[i], cpu);
			if (!addr)
				continue;
			refused_everywhere(_metadata, per_cpu[i], addr);
			seen++;
		}
	}
	addr = kernel_symbol("__per_cpu_offset", -1);
	if (addr) {
		refused_everywhere(_metadata, "__per_cpu_offset", addr);
		refused_everywhere(_metadata, "__per_cpu_offset", addr + 15);
		seen++;
	}
	EXPECT_GE(seen, 5) {
		TH_LOG("only %u symbols found", seen);
	}
}

/* What kprobes may not probe, breakpoints may not execute-watch. */
TEST_F(validate, probe_blacklist)
{
	FILE *f = fopen("/sys/kernel/debug/kprobes/blacklist", "r");
	unsigned long long start, end;
	unsigned int n = 0;
	char name[256];

	NEED(f, "no kprobes/blacklist");
	while (fscanf(f, "%llx-%llx %255s", &start, &end, name) == 3) {
		if (end <= start)
			continue;
		n++;
		EXPECT_EQ(-EINVAL, bp_try_kernel(BP_X, start, 8, -1, 0))
			TH_LOG("start of %s", name);
		EXPECT_EQ(-EINVAL, bp_try_kernel(BP_X, end - 1, 8, 0, -1))
			TH_LOG("end of %s", name);
	}
	fclose(f);
	NEED(n > 0, "kprobes/blacklist is empty");
}

/* === Privileges === */

struct request {
	uint64_t caps;
	int paranoid;
	uint32_t type;
	uint64_t addr;
	uint64_t len;
	int exclude_kernel;
};

static int open_with_caps(void *arg)
{
	struct request *rq = arg;
	struct perf_event_attr attr = bp_attr(rq->type, rq->addr, rq->len);
	int fd;

	attr.exclude_kernel = rq->exclude_kernel;
	if (set_paranoid(rq->paranoid))
		return 201;
	if (set_caps(rq->caps))
		return 202;
	fd = pe_open(&attr, 0, -1);
	return fd < 0 ? -fd : 0;
}

#define CAP(n) (1ULL << (n))

TEST_F(validate, privileges)
{
	uint64_t var = target_there() ? target_value("var") : KERNEL_ADDR;
	struct request user = { 0, 2, BP_W, addr_of(buf), 8, 1 };
	struct request kernel = { 0, 2, BP_W, var, 8, 0 };

	ASSERT_EQ(0, geteuid());
	EXPECT_EQ(0, in_child(open_with_caps, &user));
	/* perf core's own refusal, by perf_event_paranoid */
	EXPECT_EQ(EACCES, in_child(open_with_caps, &kernel));
	/* and the layer's, when perf core has none */
	kernel.paranoid = -1;
	EXPECT_EQ(EPERM, in_child(open_with_caps, &kernel));
	kernel.type = BP_X;
	EXPECT_EQ(EPERM, in_child(open_with_caps, &kernel));
	kernel.type = BP_W;
	kernel.caps = CAP(CAP_SYS_ADMIN);
	EXPECT_EQ(0, in_child(open_with_caps, &kernel));
}

TEST_F(validate, malformed_comes_before_forbidden)
{
	struct request rq = { 0, -1, BP_W, KERNEL_ADDR + 1, 31, 0 };

	EXPECT_EQ(EINVAL, in_child(open_with_caps, &rq));
	rq.addr = KERNEL_ADDR;
	rq.len = 33;
	EXPECT_EQ(EINVAL, in_child(open_with_caps, &rq));
	rq.len = 8;
	rq.type = HW_BREAKPOINT_R;
	EXPECT_EQ(EINVAL, in_child(open_with_caps, &rq));
	rq.type = BP_W;
	rq.exclude_kernel = 1;
	EXPECT_EQ(EINVAL, in_child(open_with_caps, &rq));
}

/* Weak spot 21: CAP_PERFMON is enough, as for the rest of perf. */
TEST_F(validate, perfmon_watches_the_kernel)
{
	struct request rq = { CAP(CAP_PERFMON), 2, BP_W, 0, 8, 0 };

	NEED_TARGET();
	rq.addr = target_value("var");
	EXPECT_EQ(0, in_child(open_with_caps, &rq));
	rq.type = BP_X;
	rq.addr = target_value("func");
	EXPECT_EQ(0, in_child(open_with_caps, &rq));
}

static int open_on_init(void *arg)
{
	int fd;

	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return 203;
	fd = bp_open(BP_W, addr_of(buf), 8, *(pid_t *)arg, -1);
	return fd < 0 ? -fd : 0;
}

/* perf core refuses another's task, and what was taken till then is given back. */
TEST_F(validate, anothers_task)
{
	pid_t pid = idle_task();
	int i;

	for (i = 0; i < 5; i++)
		EXPECT_EQ(EACCES, in_child(open_on_init, &pid));
	EXPECT_EQ(HWBP_NUM, free_slots(pid, -1));
	end_task(pid);
}

/* === An offline CPU: the CPU's own lines go to the log, so no fixture === */

TEST(offline_cpu)
{
	int fd[HWBP_NUM], i;

	NEED(!access(CPU1, W_OK), "CPU 1 can't be taken offline");
	for (i = 0; i < HWBP_NUM; i++) {
		fd[i] = bp_open(BP_W, addr_of(buf), 8, 0, -1);
		ASSERT_GE(fd[i], 0);
	}
	ASSERT_EQ(0, write_file(CPU1, "0"));
	/* the task's four count there too: all the same it is the CPU that is missed */
	EXPECT_EQ(-ENODEV, bp_try(BP_W, addr_of(buf), 8, -1, 1));
	EXPECT_EQ(-EINVAL, bp_try(BP_W, addr_of(buf), 33, -1, 1));
	EXPECT_EQ(-EINVAL, bp_try(HW_BREAKPOINT_R, addr_of(buf), 8, -1, 1));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
	EXPECT_EQ(-ENODEV, bp_try(BP_W, addr_of(buf), 8, -1, 1));
	ASSERT_EQ(0, write_file(CPU1, "1"));
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 1));
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	if (target_there())
		EXPECT_EQ(0, target_value("used"));
}

static int open_on_offline_cpu(void *arg)
{
	int fd;

	/* Registers are promised there as on any other CPU: four, and no fifth. */
	if (free_slots(0, 1) != HWBP_NUM)
		return 1;
	fd = bp_open(BP_W, addr_of(buf), 4, 0, 1);
	if (fd < 0)
		return 2;
	stores(buf, 4, 3);
	if (bp_count(fd) != 0)
		return 3;
	if (write_file(CPU1, "1") || pin_to(1))
		return 4;
	stores(buf, 4, 5);
	if (bp_count(fd) != 5)
		return 5;
	if (pin_to(0))
		return 6;
	stores(buf, 4, 7);
	return bp_count(fd) == 5 ? 0 : 7;
}

/* A task's event for a CPU that is offline counts as soon as the CPU is back. */
TEST(task_on_offline_cpu)
{
	NEED(!access(CPU1, W_OK), "CPU 1 can't be taken offline");
	ASSERT_EQ(0, write_file(CPU1, "0"));
	EXPECT_EQ(0, in_child(open_on_offline_cpu, NULL));
	ASSERT_EQ(0, write_file(CPU1, "1"));
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 1));
	EXPECT_EQ(HWBP_NUM, free_slots(0, 1));
}

TEST_HARNESS_MAIN
