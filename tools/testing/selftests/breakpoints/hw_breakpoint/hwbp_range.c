// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data of any length from 1 to 32 at any alignment: what it weighs, that exactly its bytes are
 * watched, that an access is one hit whatever it touches, and what modifying it may change.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <sys/mman.h>

#define N 100

static volatile char buf[4 * RANGE_MAX] __attribute__((aligned(64)));

/* === What it weighs === */

static int open_range(unsigned int start, unsigned int len)
{
	return bp_open(BP_W, addr_of(buf + start), len, 0, -1);
}

TEST(weight)
{
	unsigned int start, len, weight;
	int fd;

	for (start = 0; start < 8; start++) {
		for (len = 1; len <= RANGE_MAX; len++) {
			weight = registers_for(start, len);
			fd = open_range(start, len);
			if (weight > HWBP_NUM) {
				EXPECT_EQ(-EINVAL, fd)
					TH_LOG("%u bytes at %u", len, start);
				continue;
			}
			ASSERT_GE(fd, 0)
				TH_LOG("%u bytes at %u", len, start);
			EXPECT_EQ(HWBP_NUM - weight, free_slots(0, -1))
				TH_LOG("%u bytes at %u", len, start);
			close(fd);
		}
	}
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

TEST(on_a_cpu)
{
	int fd = bp_open(BP_W, addr_of(buf + 3), 13, -1, 0);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(HWBP_NUM - 3, free_slots(-1, 0));
	EXPECT_EQ(HWBP_NUM - 3, free_slots(0, -1));
	EXPECT_EQ(-ENOSPC, bp_try(BP_W, addr_of(buf + 8), 12, -1, 0));
	close(fd);
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
}

/* Too many registers taken is not the same as too many needed. */
TEST(full_or_impossible)
{
	int fd[2], i;

	for (i = 0; i < 2; i++) {
		fd[i] = bp_open(BP_W, addr_of(&idle_var), 8, 0, -1);
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(-ENOSPC, bp_try(BP_W, addr_of(buf + 3), 13, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(BP_W, addr_of(buf + 1), 31, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(BP_W, addr_of(buf), RANGE_MAX + 1, 0, -1));
	EXPECT_EQ(0, bp_try(BP_W, addr_of(buf + 8), 12, 0, -1));
	for (i = 0; i < 2; i++)
		close(fd[i]);
}

/* === What is watched === */

/* One byte after the other, from well before the range to well behind it. */
TEST(each_byte)
{
	unsigned int start, len, i;
	int fd;

	for (start = 16; start < 24; start++) {
		for (len = 1; len <= RANGE_MAX; len++) {
			if (registers_for(start, len) > HWBP_NUM)
				continue;
			fd = open_range(start, len);
			ASSERT_GE(fd, 0);
			for (i = 0; i < start; i++)
				store(buf + i, 1);
			EXPECT_EQ(0, bp_count(fd))
				TH_LOG("before %u bytes at %u", len, start);
			for (i = start; i < start + len; i++)
				store(buf + i, 1);
			EXPECT_EQ(len, bp_count(fd))
				TH_LOG("in %u bytes at %u", len, start);
			for (i = start + len; i < sizeof(buf); i++)
				store(buf + i, 1);
			EXPECT_EQ(len, bp_count(fd))
				TH_LOG("behind %u bytes at %u", len, start);
			close(fd);
		}
	}
}

/*
 * Accesses of each width at each place: those that touch it are a hit each. After a hit QEMU TCG
 * reports one for unaligned accesses beside it, too, on any layer.
 */
TEST(wider_accesses)
{
	const bool unaligned = dr6_faithful();
	unsigned int width, at, want = 0;
	int fd = open_range(19, 13);

	ASSERT_GE(fd, 0);
	for (width = 1; width <= sizeof(long); width *= 2) {
		for (at = 0; at + width <= 64; at++) {
			if (at % width && !unaligned)
				continue;
			store(buf + at, width);
			want += at < 19 + 13 && at + width > 19;
			EXPECT_EQ(want, bp_count(fd))
				TH_LOG("a store of %u bytes at %u", width, at);
			want = bp_count(fd);
		}
	}
	close(fd);
}

/* 1 byte, 4 and 8: two of them touched at once. */
TEST(one_hit_each)
{
	int fd = open_range(3, 13);

	ASSERT_GE(fd, 0);
	stores(buf, 8 < sizeof(long) ? 8 : sizeof(long), N);
	stores(buf + 6, 4, N);
	EXPECT_EQ(2 * N, bp_count(fd));
	close(fd);
}

TEST(reads_and_writes)
{
	struct perf_event_attr attr = bp_attr(BP_RW, addr_of(buf + 5), 6);
	int fd = pe_open(&attr, 0, -1);

	ASSERT_GE(fd, 0);
	loads(buf + 5, 1, N);
	loads(buf + 8, 2, N);
	stores(buf + 10, 1, N);
	loads(buf + 11, 1, N);
	loads(buf + 4, 1, N);
	EXPECT_EQ(3 * N, bp_count(fd));
	close(fd);
}

TEST(inherited)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(buf + 3), 13);
	pid_t pid;
	int fd;

	attr.inherit = 1;
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	pid = fork_kid();
	if (!pid) {
		stores(buf + 3, 1, N);
		stores(buf + 15, 1, N);
		stores(buf + 16, 1, N);
		_exit(free_slots(0, -1));
	}
	ASSERT_EQ(HWBP_NUM - 3, WEXITSTATUS(({ int s; waitpid(pid, &s, 0); s; })));
	EXPECT_EQ(2 * N, bp_count(fd));
	close(fd);
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

/* From the last bytes of user space into what isn't: not a byte of it. */
TEST(step_over_the_end)
{
	uint64_t top = cpuinfo_has(" la57") ? 0xfffffffffff000ULL : 0x7ffffffff000ULL;

	EXPECT_EQ(0, bp_try(BP_W, top - 6, 6, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(BP_W, top - 6, 7, 0, -1));
	EXPECT_EQ(-EINVAL, bp_try(BP_W, 0ULL - 3, 6, 0, -1));
}

/* The kernel's own data, in several pieces, one of which is what must not be watched. */
TEST(kernel)
{
	uint64_t at;
	int fd;

	NEED_TARGET();
	fd = bp_open_kernel(BP_W, target_value("var") + 3, 5, -1, 0);
	ASSERT_GE(fd, 0);
	close(fd);
	at = kernel_symbol("cpu_dr7", 0);
	NEED(at, "no symbol cpu_dr7");
	EXPECT_EQ(-EINVAL, bp_try_kernel(BP_W, at - 9, 10, -1, 0));
	EXPECT_EQ(-EINVAL, bp_try_kernel(BP_W, at - 16, 24, -1, 0));
}

/* === Several at once: not where DR6 isn't what the manual says === */

TEST(two_ranges)
{
	int a, b;

	NEED(dr6_faithful(), "DR6 is not faithful here");
	a = open_range(3, 5);
	b = open_range(8, 6);
	ASSERT_GE(a, 0);
	ASSERT_GE(b, 0);
	stores(buf + 7, 2, N);
	stores(buf + 3, 4, N);
	stores(buf + 12, 2, N);
	stores(buf + 14, 2, N);
	EXPECT_EQ(2 * N, bp_count(a));
	EXPECT_EQ(2 * N, bp_count(b));
	close(a);
	close(b);
}

/* === Modify === */

static int modify(int fd, struct perf_event_attr attr, unsigned int start, unsigned int len)
{
	attr.bp_addr = addr_of(buf + start);
	attr.bp_len = len;
	return ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &attr) ? -errno : 0;
}

TEST(modify_grows_and_shrinks)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(buf), 8);
	int fd = pe_open(&attr, 0, -1);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, modify(fd, attr, 3, 13));
	EXPECT_EQ(HWBP_NUM - 3, free_slots(0, -1));
	stores(buf + 3, 1, N);
	stores(buf + 12, 4, N);
	stores(buf, 2, N);
	EXPECT_EQ(2 * N, bp_count(fd));
	ASSERT_EQ(0, modify(fd, attr, 64, 1));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(0, -1));
	stores(buf + 64, 1, N);
	stores(buf + 12, 4, N);
	EXPECT_EQ(3 * N, bp_count(fd));
	close(fd);
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

/* Where there is no room nothing has changed: neither what it watches nor what it weighs. */
TEST(modify_without_room)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(buf + 3), 5);
	int fd = pe_open(&attr, 0, -1), other;

	ASSERT_GE(fd, 0);
	other = bp_open(BP_W, addr_of(&idle_var), 8, 0, -1);
	ASSERT_GE(other, 0);
	EXPECT_EQ(-ENOSPC, modify(fd, attr, 1, 15));
	EXPECT_EQ(-EINVAL, modify(fd, attr, 1, 31));
	EXPECT_EQ(1, free_slots(0, -1));
	stores(buf + 3, 1, N);
	stores(buf + 8, 1, N);
	EXPECT_EQ(N, bp_count(fd));
	close(other);
	EXPECT_EQ(0, modify(fd, attr, 1, 15));
	EXPECT_EQ(0, free_slots(0, -1));
	stores(buf + 8, 1, N);
	EXPECT_EQ(2 * N, bp_count(fd));
	close(fd);
}

struct shared {
	int ready, full, go;
};

static void wait_for(volatile int *flag)
{
	while (!*flag)
		sched_yield();
}

/* A child that has a breakpoint of its own leaves no room for the copy that it inherited. */
static void child_modified(struct shared *s, unsigned int own)
{
	int fd[HWBP_NUM];
	unsigned int i;

	for (i = 0; i < own; i++)
		fd[i] = bp_open(BP_W, addr_of(&idle_var), 8, 0, -1);
	s->ready = 1;
	wait_for(&s->go);
	stores(buf + 3, 1, N);
	stores(buf + 40, 1, N);
	for (i = 0; i < own; i++)
		close(fd[i]);
	_exit(free_slots(0, -1));
}

/*
 * Weak spot 16: a modification that one of the copies has no room for changes none of them.
 * The copy and its original count together. @own: what the child has besides.
 */
static void modify_a_family(struct __test_metadata *_metadata, unsigned int own, int want)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(buf + 3), 1);
	struct shared *s;
	int fd, status;
	pid_t pid;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, s);
	attr.inherit = 1;
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	pid = fork_kid();
	if (!pid)
		child_modified(s, own);
	wait_for(&s->ready);
	EXPECT_EQ(want, modify(fd, attr, 35, 13));
	EXPECT_EQ(want ? HWBP_NUM - 1 : HWBP_NUM - 3, free_slots(0, -1));
	s->go = 1;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(want ? HWBP_NUM - 1 : HWBP_NUM - 3, WEXITSTATUS(status));
	/* in the child: only at the old place, or only at the new one */
	EXPECT_EQ(N, bp_count(fd));
	stores(buf + 3, 1, N);
	EXPECT_EQ(want ? 2 * N : N, bp_count(fd));
	close(fd);
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	munmap(s, sizeof(*s));
}

TEST(modify_a_family_with_room)
{
	modify_a_family(_metadata, 1, 0);
}

TEST(modify_a_family_without)
{
	modify_a_family(_metadata, 2, -ENOSPC);
}

/* perf core copies sig_data before it asks; what is refused has the old one. */
static volatile unsigned long last_sig_data;

static void note_sig_data(int sig, siginfo_t *info, void *context)
{
	/* si_perf_data, which not every C library has a name for. */
	last_sig_data = *(unsigned long *)((char *)&info->si_addr + sizeof(void *));
}

TEST(modify_refused_keeps_sig_data)
{
	struct sigaction act = { .sa_sigaction = note_sig_data, .sa_flags = SA_SIGINFO };
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(buf), 1), next;
	int fd;

	attr.sigtrap = 1;
	attr.remove_on_exec = 1;
	attr.sample_period = 1;
	attr.sig_data = 11;
	sigaction(SIGTRAP, &act, NULL);
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	store(buf, 1);
	EXPECT_EQ(11, last_sig_data);
	next = attr;
	next.sig_data = 12;
	EXPECT_EQ(-EINVAL, modify(fd, next, 1, 31));
	store(buf, 1);
	EXPECT_EQ(11, last_sig_data);
	EXPECT_EQ(0, modify(fd, next, 1, 1));
	store(buf + 1, 1);
	EXPECT_EQ(12, last_sig_data);
	close(fd);
}

TEST_HARNESS_MAIN
