// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hits are counted and reported exactly: N accesses are N hits, by whatever means of perf
 * they are asked for.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <linux/bpf.h>
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#define N 1000
/* Each instruction of such a call is a signal. */
#define STEPPED 20
/* The widest store that is one instruction. */
#define WIDEST sizeof(long)

static volatile uint64_t vars[8] __attribute__((aligned(64)));

static __attribute__((noinline)) void func(void)
{
	asm volatile("" ::: "memory");
}

static __attribute__((noinline)) void other_func(void)
{
	asm volatile("" ::: "memory");
}

#define CODE ((const volatile void *)(uintptr_t)func)

static void calls(unsigned int n)
{
	while (n--)
		func();
}

/* N hits by @act are N counted by one breakpoint. */
static long long counted(uint32_t type, const volatile void *at, uint64_t len, void (*act)(void))
{
	int fd = bp_open(type, addr_of(at), len, 0, -1);
	long long n;

	if (fd < 0)
		return fd;
	act();
	n = bp_count(fd);
	close(fd);
	return n;
}

/* === Counting, user mode === */

TEST(write_each_width)
{
	unsigned int len, width;
	int fd;

	for (len = 1; len <= 8; len *= 2) {
		for (width = 1; width <= WIDEST; width *= 2) {
			fd = bp_open(BP_W, addr_of(vars), len, 0, -1);
			ASSERT_GE(fd, 0);
			stores(vars, width, N);
			EXPECT_EQ(N, bp_count(fd))
				TH_LOG("watch of %u, stores of %u", len, width);
			/* reads do not count */
			loads(vars, width, N);
			EXPECT_EQ(N, bp_count(fd));
			close(fd);
		}
	}
}

TEST(readwrite_each_width)
{
	unsigned int len, width;
	int fd;

	for (len = 1; len <= 8; len *= 2) {
		for (width = 1; width <= WIDEST; width *= 2) {
			fd = bp_open(BP_RW, addr_of(vars), len, 0, -1);
			ASSERT_GE(fd, 0);
			stores(vars, width, N);
			EXPECT_EQ(N, bp_count(fd));
			loads(vars, width, N / 2);
			EXPECT_EQ(N + N / 2, bp_count(fd));
			close(fd);
		}
	}
}

/* Exactly the bytes that were asked for, and no neighbour. */
TEST(each_byte)
{
	volatile char *at = (volatile char *)vars + 16;
	unsigned int len, offset, i;
	int fd;

	for (len = 1; len <= 8; len *= 2) {
		for (offset = 0; offset < 8; offset += len) {
			fd = bp_open(BP_W, addr_of(at + offset), len, 0, -1);
			ASSERT_GE(fd, 0);
			for (i = 0; i < 24; i++)
				store(at - 8 + i, 1);
			EXPECT_EQ(len, bp_count(fd))
				TH_LOG("length %u offset %u", len, offset);
			close(fd);
		}
	}
}

/* A store that only overlaps is one hit. */
TEST(overlap)
{
	volatile char *at = (volatile char *)vars + 16;
	int fd = bp_open(BP_W, addr_of(at), 4, 0, -1);

	ASSERT_GE(fd, 0);
	store(at - 1, 2);
	EXPECT_EQ(1, bp_count(fd));
	store(at + 3, 4);
	EXPECT_EQ(2, bp_count(fd));
	store(at - 2, 2);
	store(at + 4, 4);
	EXPECT_EQ(2, bp_count(fd));
	close(fd);
}

TEST(execute)
{
	int fd = bp_open(BP_X, addr_of(CODE), 8, 0, -1);

	ASSERT_GE(fd, 0);
	calls(N);
	EXPECT_EQ(N, bp_count(fd));
	other_func();
	/* data accesses to the code do not count */
	load(CODE, 1);
	EXPECT_EQ(N, bp_count(fd));
	close(fd);
}

static void store_n(void)
{
	stores(vars, 4, N);
}

/* Opened and closed many times: none is lost, none is left over. */
TEST(again_and_again)
{
	int i;

	for (i = 0; i < 50; i++) {
		ASSERT_EQ(N, counted(BP_W, vars, 4, store_n));
		store_n();
	}
}

TEST(on_each_cpu)
{
	int cpu, fd;

	for (cpu = 0; cpu < online_cpus(); cpu++) {
		ASSERT_EQ(0, pin_to(cpu));
		fd = bp_open(BP_W, addr_of(vars), 4, -1, cpu);
		ASSERT_GE(fd, 0);
		stores(vars, 4, N);
		EXPECT_EQ(N, bp_count(fd));
		close(fd);
		fd = bp_open(BP_W, addr_of(vars), 4, 0, cpu);
		ASSERT_GE(fd, 0);
		stores(vars, 4, N);
		EXPECT_EQ(N, bp_count(fd));
		close(fd);
	}
}

/*
 * A reset empties the registers: what they held before must not be taken for there. The
 * second is the one to look at: it finds its old register free and the first's armed.
 */
TEST(second_after_reset)
{
	int round, fd[2], i;

	NEED(!access(CPU1, W_OK), "CPU 1 can't be taken offline");
	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, pin_to(1));
		for (i = 0; i < 2; i++) {
			fd[i] = bp_open(BP_W, addr_of(vars + i), 4, -1, 1);
			ASSERT_GE(fd[i], 0);
		}
		stores(vars + 1, 4, N);
		EXPECT_EQ(0, bp_count(fd[0]));
		EXPECT_EQ(N, bp_count(fd[1]));
		close(fd[0]);
		close(fd[1]);
		if (round)
			break;
		ASSERT_EQ(0, pin_to(0));
		ASSERT_EQ(0, write_file(CPU1, "0"));
		ASSERT_EQ(0, write_file(CPU1, "1"));
	}
}

/* Bound to a CPU: what happens on another does not count; to a task: it goes along. */
TEST(migration)
{
	int fd, there, task, i;

	NEED(online_cpus() > 1, "needs 2 CPUs");
	ASSERT_EQ(0, pin_to(0));
	fd = bp_open(BP_W, addr_of(vars), 4, 0, 0);
	ASSERT_GE(fd, 0);
	stores(vars, 4, N);
	ASSERT_EQ(0, pin_to(1));
	stores(vars, 4, 10);
	ASSERT_EQ(0, pin_to(0));
	stores(vars, 4, N);
	EXPECT_EQ(2 * N, bp_count(fd));
	close(fd);
	there = bp_open(BP_W, addr_of(vars), 4, -1, 1);
	ASSERT_GE(there, 0);
	stores(vars, 4, N);
	EXPECT_EQ(0, bp_count(there));
	close(there);
	task = bp_open(BP_W, addr_of(vars), 4, 0, -1);
	ASSERT_GE(task, 0);
	for (i = 0; i < 100; i++) {
		pin_to(i & 1);
		stores(vars, 4, 10);
	}
	EXPECT_EQ(1000, bp_count(task));
	close(task);
}

TEST(enabled_is_running)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	uint64_t v[3];
	int fd;

	attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	stores(vars, 4, N);
	ASSERT_EQ(sizeof(v), read(fd, v, sizeof(v)));
	EXPECT_EQ(N, v[0]);
	EXPECT_GT(v[1], 0);
	EXPECT_EQ(v[1], v[2]);
	close(fd);
}

/* Others' accesses to their own copy of the page are not ours. */
TEST(another_task)
{
	int fd = bp_open(BP_W, addr_of(vars), 4, 0, -1), i;
	pid_t pid;

	ASSERT_GE(fd, 0);
	for (i = 0; i < 10; i++) {
		pid = fork_kid();
		if (!pid) {
			stores(vars, 4, N);
			_exit(0);
		}
		stores(vars, 4, N);
		waitpid(pid, NULL, 0);
	}
	EXPECT_EQ(10 * N, bp_count(fd));
	close(fd);
}

TEST(another_process_is_watched)
{
	int to[2], from[2], fd;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, pipe(from));
	pid = fork_kid();
	if (!pid) {
		close(to[1]);
		while (read(to[0], &c, 1) == 1) {
			stores(vars, 4, N);
			if (write(from[1], &c, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	fd = bp_open(BP_W, addr_of(vars), 4, pid, -1);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(1, write(to[1], "x", 1));
	ASSERT_EQ(1, read(from[0], &c, 1));
	EXPECT_EQ(N, bp_count(fd));
	ASSERT_EQ(1, write(to[1], "x", 1));
	ASSERT_EQ(1, read(from[0], &c, 1));
	EXPECT_EQ(2 * N, bp_count(fd));
	close(fd);
	ASSERT_EQ(1, write(to[1], "x", 1));
	ASSERT_EQ(1, read(from[0], &c, 1));
	end_task(pid);
}

/* === Several at once === */

TEST(four_at_once)
{
	int fd[HWBP_NUM], i, j;

	NEED_DR6();
	for (i = 0; i < HWBP_NUM; i++) {
		fd[i] = bp_open(BP_W, addr_of(vars + i), 8, 0, -1);
		ASSERT_GE(fd[i], 0);
	}
	for (j = 0; j < N; j++)
		for (i = 0; i < HWBP_NUM; i++)
			store(vars + i, 4);
	for (i = 0; i < HWBP_NUM; i++)
		EXPECT_EQ(N, bp_count(fd[i]))
			TH_LOG("watchpoint %d", i);
	/* one after the other, too */
	for (i = 0; i < HWBP_NUM; i++)
		stores(vars + i, 4, N * (i + 1));
	for (i = 0; i < HWBP_NUM; i++) {
		EXPECT_EQ(N * (i + 2), bp_count(fd[i]));
		close(fd[i]);
	}
}

TEST(four_on_one_address)
{
	int fd[HWBP_NUM], i;

	NEED_DR6();
	for (i = 0; i < HWBP_NUM; i++) {
		fd[i] = bp_open(i & 1 ? BP_RW : BP_W, addr_of(vars), 1 << i, 0, -1);
		ASSERT_GE(fd[i], 0);
	}
	stores(vars, 1, N);
	for (i = 0; i < HWBP_NUM; i++)
		EXPECT_EQ(N, bp_count(fd[i]));
	loads(vars, 1, N);
	for (i = 0; i < HWBP_NUM; i++) {
		EXPECT_EQ(i & 1 ? 2 * N : N, bp_count(fd[i]));
		close(fd[i]);
	}
}

/* Four of which one is closed and another opened in its place. */
TEST(four_in_turns)
{
	int fd[HWBP_NUM], i, turn;

	NEED_DR6();
	for (i = 0; i < HWBP_NUM; i++) {
		fd[i] = bp_open(BP_W, addr_of(vars + i), 8, 0, -1);
		ASSERT_GE(fd[i], 0);
	}
	for (turn = 0; turn < 16; turn++) {
		close(fd[turn % HWBP_NUM]);
		fd[turn % HWBP_NUM] = bp_open(BP_W, addr_of(vars + turn % HWBP_NUM), 8, 0, -1);
		ASSERT_GE(fd[turn % HWBP_NUM], 0);
		for (i = 0; i < HWBP_NUM; i++) {
			ASSERT_EQ(0, ioctl(fd[i], PERF_EVENT_IOC_RESET, 0));
			stores(vars + i, 4, 100);
		}
		for (i = 0; i < HWBP_NUM; i++)
			ASSERT_EQ(100, bp_count(fd[i]));
	}
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
}

/* Execution and data at once: the one is a fault, the other a trap. */
TEST(execute_and_data_at_once)
{
	int x, w;

	NEED_DR6();
	x = bp_open(BP_X, addr_of(CODE), 8, 0, -1);
	w = bp_open(BP_W, addr_of(vars), 8, 0, -1);
	ASSERT_GE(x, 0);
	ASSERT_GE(w, 0);
	calls(N);
	stores(vars, 4, N);
	EXPECT_EQ(N, bp_count(x));
	EXPECT_EQ(N, bp_count(w));
	close(x);
	close(w);
}

/* === Control === */

TEST(disable_enable_reset)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	int fd, i;

	attr.disabled = 1;
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	stores(vars, 4, N);
	EXPECT_EQ(0, bp_count(fd));
	for (i = 1; i <= 20; i++) {
		ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_ENABLE, 0));
		stores(vars, 4, N);
		ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_DISABLE, 0));
		stores(vars, 4, N);
		EXPECT_EQ(i * N, bp_count(fd));
	}
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_RESET, 0));
	EXPECT_EQ(0, bp_count(fd));
	close(fd);
}

static struct perf_event_attr moved(struct perf_event_attr attr, uint32_t type,
				    const volatile void *at, uint64_t len)
{
	attr.bp_type = type;
	attr.bp_addr = addr_of(at);
	attr.bp_len = len;
	return attr;
}

TEST(modify)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4), next;
	int fd = pe_open(&attr, 0, -1);

	ASSERT_GE(fd, 0);
	stores(vars, 4, N);
	next = moved(attr, BP_W, vars + 1, 8);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &next));
	stores(vars, 4, N);
	EXPECT_EQ(N, bp_count(fd));
	stores(vars + 1, 4, N);
	EXPECT_EQ(2 * N, bp_count(fd));
	next = moved(attr, BP_RW, vars + 1, 8);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &next));
	loads(vars + 1, 4, N);
	EXPECT_EQ(3 * N, bp_count(fd));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(0, -1));
	next = moved(attr, BP_X, CODE, 8);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &next));
	calls(N);
	stores(vars + 1, 4, N);
	EXPECT_EQ(4 * N, bp_count(fd));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(0, -1));
	close(fd);
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

/* What is refused leaves the old breakpoint as it was, and working. */
TEST(modify_refused)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4), bad[8];
	int fd = pe_open(&attr, 0, -1), i, n = 0, more[HWBP_NUM - 1];

	ASSERT_GE(fd, 0);
	bad[n++] = moved(attr, BP_W, (volatile char *)vars + 1, 31);
	bad[n++] = moved(attr, BP_W, vars + 1, 33);
	bad[n++] = moved(attr, HW_BREAKPOINT_R, vars + 1, 4);
	bad[n++] = moved(attr, 64, vars + 1, 4);
	bad[n++] = moved(attr, BP_X, vars + 1, 2);
	bad[n] = attr;
	bad[n++].bp_addr = 0xffffffff81000000ULL;
	bad[n] = moved(attr, BP_W, vars + 1, 4);
	bad[n++].sample_period = 7;
	bad[n] = moved(attr, BP_W, vars + 1, 4);
	bad[n++].exclude_user = 1;
	for (i = 0; i < n; i++) {
		EXPECT_EQ(-1, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &bad[i]));
		EXPECT_EQ(EINVAL, errno);
		stores(vars, 4, N);
		stores(vars + 1, 4, N);
		EXPECT_EQ((i + 1) * N, bp_count(fd))
			TH_LOG("after bad request %d", i);
	}
	/* also when there is no other register left */
	for (i = 0; i < HWBP_NUM - 1; i++) {
		more[i] = bp_open(BP_W, addr_of(&idle_var), 8, 0, -1);
		ASSERT_GE(more[i], 0);
	}
	bad[0] = moved(attr, BP_W, vars + 2, 8);
	EXPECT_EQ(0, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &bad[0]));
	for (i = 0; i < HWBP_NUM - 1; i++)
		close(more[i]);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_RESET, 0));
	stores(vars + 2, 4, N);
	EXPECT_EQ(N, bp_count(fd));
	close(fd);
}

TEST(modify_disabled)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4), next;
	int fd;

	attr.disabled = 1;
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	next = moved(attr, BP_W, vars + 1, 4);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &next));
	stores(vars + 1, 4, N);
	EXPECT_EQ(0, bp_count(fd));
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_ENABLE, 0));
	stores(vars + 1, 4, N);
	stores(vars, 4, N);
	EXPECT_EQ(N, bp_count(fd));
	close(fd);
}

/* === Sampling === */

struct ring {
	struct perf_event_mmap_page *page;
	char *data;
	size_t size;
};

static bool ring_open(struct ring *r, int fd)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, 17 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	r->page = p;
	r->data = (char *)p + page;
	r->size = 16 * page;
	return p != MAP_FAILED;
}

/* How many samples there are, and that each carries @addr (PERF_SAMPLE_ADDR only). */
static int ring_samples(struct ring *r, uint64_t addr)
{
	uint64_t head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE), at, seen;
	struct perf_event_header h;
	int n = 0;

	for (at = r->page->data_tail; at < head; at += h.size) {
		memcpy(&h, r->data + at % r->size, sizeof(h));
		if (h.type != PERF_RECORD_SAMPLE)
			continue;
		memcpy(&seen, r->data + (at + sizeof(h)) % r->size, sizeof(seen));
		if (seen != addr)
			return -1;
		n++;
	}
	r->page->data_tail = head;
	return n;
}

/* Returns a descriptor, or the negated errno; the samples come into @ring. */
static int open_sampled(struct perf_event_attr attr, struct ring *ring)
{
	int fd;

	attr.sample_type = PERF_SAMPLE_ADDR;
	fd = pe_open(&attr, 0, -1);
	if (fd >= 0 && !ring_open(ring, fd)) {
		close(fd);
		return -ENOMEM;
	}
	return fd;
}

TEST(sample_period)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	static const unsigned int period[] = { 1, 2, 7, 10, 1000, 1001 };
	struct ring ring;
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(period); i++) {
		attr.sample_period = period[i];
		fd = open_sampled(attr, &ring);
		ASSERT_GE(fd, 0);
		stores(vars, 4, N);
		EXPECT_EQ(N, bp_count(fd));
		EXPECT_EQ(N / period[i], ring_samples(&ring, addr_of(vars)))
			TH_LOG("period %u", period[i]);
		munmap(ring.page, 17 * sysconf(_SC_PAGESIZE));
		close(fd);
	}
}

TEST(change_period)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	uint64_t period = 50;
	struct ring ring;
	int fd;

	attr.sample_period = 10;
	fd = open_sampled(attr, &ring);
	ASSERT_GE(fd, 0);
	stores(vars, 4, N);
	EXPECT_EQ(N / 10, ring_samples(&ring, addr_of(vars)));
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_PERIOD, &period));
	stores(vars, 4, N);
	EXPECT_EQ(N / 50, ring_samples(&ring, addr_of(vars)));
	/* in the middle of a period: what was hit of that doesn't count for the new one */
	stores(vars, 4, 49);
	period = 7;
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_PERIOD, &period));
	stores(vars, 4, 6);
	EXPECT_EQ(0, ring_samples(&ring, addr_of(vars)));
	stores(vars, 4, 1);
	EXPECT_EQ(1, ring_samples(&ring, addr_of(vars)));
	EXPECT_EQ(2 * N + 49 + 7, bp_count(fd));
	close(fd);
}

TEST(frequency)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	struct ring ring;
	int fd, samples;

	attr.freq = 1;
	attr.sample_freq = 1000;
	fd = open_sampled(attr, &ring);
	ASSERT_GE(fd, 0);
	stores(vars, 4, N);
	EXPECT_EQ(N, bp_count(fd));
	samples = ring_samples(&ring, addr_of(vars));
	EXPECT_GT(samples, 0);
	EXPECT_LE(samples, N);
	close(fd);
}

/*
 * How often it samples is perf core's to find; each hit is counted all the same, as long as they
 * are not so many that perf core throttles.
 */
TEST(change_frequency)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	static const uint64_t frequency[] = { 5000, 1, 1000 };
	struct ring ring;
	unsigned int i;
	int fd, n;

	attr.freq = 1;
	attr.sample_freq = 100;
	fd = open_sampled(attr, &ring);
	ASSERT_GE(fd, 0);
	for (i = 0; i < ARRAY_SIZE(frequency); i++) {
		ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_PERIOD, &frequency[i]));
		for (n = 0; n < N; n += 50) {
			stores(vars, 4, 50);
			usleep(1000);
		}
		EXPECT_EQ((i + 1) * N, bp_count(fd));
	}
	EXPECT_GT(ring_samples(&ring, addr_of(vars)), 0);
	close(fd);
}

/* === Signals === */

static volatile int signals, hups;
static volatile siginfo_t last_info;

static void on_signal(int sig, siginfo_t *info, void *uc)
{
	signals++;
	if (info->si_code == POLL_HUP)
		hups++;
	last_info = *info;
}

static void handle(int sig)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sigaction(sig, &sa, NULL);
	signals = 0;
	hups = 0;
}

/* One access, one signal; the next access waits until that was seen. */
TEST(overflow_signal)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	int fd, i;

	handle(SIGRTMIN);
	attr.sample_period = 1;
	fd = signal_fd(attr, syscall(SYS_gettid), SIGRTMIN);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_ENABLE, 0));
	for (i = 1; i <= N; i++) {
		store(vars, 4);
		while (signals < i)
			;
		ASSERT_EQ(i, signals);
	}
	EXPECT_EQ(fd, last_info.si_fd);
	EXPECT_EQ(N, bp_count(fd));
	EXPECT_EQ(0, hups);
	close(fd);
	stores(vars, 4, 10);
	EXPECT_EQ(N, signals);
}

/* IOC_REFRESH lets so many overflows through, then the event is off and says POLL_HUP. */
TEST(refresh)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	int fd, round;

	handle(SIGRTMIN);
	attr.sample_period = 1;
	fd = signal_fd(attr, syscall(SYS_gettid), SIGRTMIN);
	ASSERT_GE(fd, 0);
	for (round = 1; round <= 20; round++) {
		signals = 0;
		ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_REFRESH, 1));
		store(vars, 4);
		while (!signals)
			;
		stores(vars, 4, 10);
		EXPECT_EQ(1, signals);
		EXPECT_EQ(round, hups);
		EXPECT_EQ(round, bp_count(fd));
	}
	close(fd);
}

/* si_addr is followed by the perf data, in the machine's own long. */
static unsigned long perf_data(const volatile siginfo_t *info)
{
	return ((unsigned long *)&info->si_addr)[1];
}

TEST(sigtrap)
{
	struct perf_event_attr attr = trap_attr(BP_W, addr_of(vars), 4);
	int fd, i;

	handle(SIGTRAP);
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	for (i = 1; i <= N; i++) {
		store(vars, 4);
		/* it is synchronous: no wait */
		ASSERT_EQ(i, signals);
	}
	EXPECT_EQ(TRAP_PERF, last_info.si_code);
	EXPECT_EQ((uintptr_t)vars, (uintptr_t)last_info.si_addr);
	EXPECT_EQ(0x12345678, perf_data(&last_info));
	EXPECT_EQ(N, bp_count(fd));
	close(fd);
}

/* The handler's return must not hit the same instruction again. */
TEST(sigtrap_execute)
{
	struct perf_event_attr attr = trap_attr(BP_X, addr_of(CODE), 8);
	int fd, i;

	handle(SIGTRAP);
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	for (i = 1; i <= N; i++) {
		func();
		ASSERT_EQ(i, signals);
	}
	EXPECT_EQ(N, bp_count(fd));
	close(fd);
}

/* === Signals while a program steps itself, by TF === */

#ifdef __x86_64__
#define SP "%%rsp"
#define PC REG_RIP
#else
#define SP "%%esp"
#define PC REG_EIP
#endif

/* By the handler: how many traps were hits, and how many were steps onto the breakpoint. */
static volatile int hit_traps, steps_onto;

static void on_trap(int sig, siginfo_t *info, void *uc)
{
	bool on_code = ((ucontext_t *)uc)->uc_mcontext.gregs[PC] == (greg_t)(uintptr_t)CODE;

	if (info->si_code != TRAP_TRACE)
		hit_traps++;
	else if (on_code)
		steps_onto++;
}

/* Calls with a trap after each instruction. */
static void stepped_calls(unsigned int n)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &sa, NULL);
	hit_traps = 0;
	steps_onto = 0;
	asm volatile("pushf; orl $0x100, (" SP "); popf" ::: "memory", "cc");
	calls(n);
	asm volatile("pushf; andl $~0x100, (" SP "); popf" ::: "memory", "cc");
}

/* The step and the hit are two signals, as they are two exceptions. */
TEST(sigtrap_execute_while_stepping)
{
	struct perf_event_attr attr = trap_attr(BP_X, addr_of(CODE), 8);
	int fd = pe_open(&attr, 0, -1);

	ASSERT_GE(fd, 0);
	stepped_calls(STEPPED);
	EXPECT_EQ(STEPPED, steps_onto);
	EXPECT_EQ(STEPPED, hit_traps);
	EXPECT_EQ(STEPPED, bp_count(fd));
	close(fd);
}

TEST(overflow_signal_while_stepping)
{
	struct perf_event_attr attr = bp_attr(BP_X, addr_of(CODE), 8);
	int fd;

	attr.sample_period = 1;
	fd = signal_fd(attr, syscall(SYS_gettid), SIGTRAP);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_ENABLE, 0));
	stepped_calls(STEPPED);
	EXPECT_EQ(STEPPED, steps_onto);
	EXPECT_EQ(STEPPED, hit_traps);
	EXPECT_EQ(STEPPED, bp_count(fd));
	close(fd);
}

TEST(count_while_stepping)
{
	int fd = bp_open(BP_X, addr_of(CODE), 8, 0, -1);

	ASSERT_GE(fd, 0);
	stepped_calls(STEPPED);
	EXPECT_EQ(STEPPED, bp_count(fd));
	EXPECT_EQ(0, hit_traps);
	close(fd);
}

/* === BPF === */

#define INSN(c, d, s, o, i) { .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) }

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* Adds one to the map's only element each time it runs. */
static int load_counter(int map)
{
	struct bpf_insn code[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_PERF_EVENT,
		.insns = (uintptr_t)code,
		.insn_cnt = ARRAY_SIZE(code),
		.license = (uintptr_t)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

TEST(bpf_on_overflow)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	union bpf_attr m = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1,
	};
	union bpf_attr l = { };
	int map = bpf(BPF_MAP_CREATE, &m), prog, fd;
	uint64_t seen = 0;
	uint32_t key = 0;

	NEED(map >= 0 || errno != ENOSYS, "no BPF");
	ASSERT_GE(map, 0);
	prog = load_counter(map);
	ASSERT_GE(prog, 0);
	attr.sample_period = 2;
	attr.disabled = 1;
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog));
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_ENABLE, 0));
	stores(vars, 4, N);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_DISABLE, 0));
	EXPECT_EQ(N, bp_count(fd));
	l.map_fd = map;
	l.key = (uintptr_t)&key;
	l.value = (uintptr_t)&seen;
	ASSERT_EQ(0, bpf(BPF_MAP_LOOKUP_ELEM, &l));
	EXPECT_EQ(N / 2, seen);
	close(fd);
	close(prog);
	close(map);
}

/* === Inheritance === */

TEST(inherit_over_fork)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	pid_t pid[3];
	int fd, i, status;

	attr.inherit = 1;
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	for (i = 0; i < 3; i++) {
		pid[i] = fork_kid();
		if (!pid[i]) {
			stores(vars, 4, N);
			/* the next generation */
			pid[i] = fork_kid();
			if (!pid[i]) {
				stores(vars, 4, N);
				_exit(0);
			}
			waitpid(pid[i], NULL, 0);
			_exit(0);
		}
	}
	stores(vars, 4, N);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		ASSERT_EQ(0, status);
	}
	EXPECT_EQ(7 * N, bp_count(fd));
	close(fd);
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

static void *thread_stores(void *arg)
{
	stores(vars, 4, N);
	return arg;
}

static long long count_threads(int inherit, int inherit_thread)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	pthread_t t[8];
	long long n;
	int fd, i;

	attr.inherit = inherit;
	attr.inherit_thread = inherit_thread;
	fd = pe_open(&attr, 0, -1);
	if (fd < 0)
		return fd;
	for (i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, thread_stores, NULL);
	stores(vars, 4, N);
	for (i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	n = bp_count(fd);
	close(fd);
	return n;
}

TEST(inherit_over_threads)
{
	EXPECT_EQ(9 * N, count_threads(1, 0));
	EXPECT_EQ(9 * N, count_threads(1, 1));
	EXPECT_EQ(N, count_threads(0, 0));
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

/* A change reaches the inherited copies too. */
TEST(inherit_and_modify)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4), next;
	int to[2], from[2], fd, i;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, pipe(from));
	attr.inherit = 1;
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	pid = fork_kid();
	if (!pid) {
		close(to[1]);
		while (read(to[0], &c, 1) == 1) {
			stores(vars, 4, N);
			stores(vars + 1, 4, 10);
			if (write(from[1], &c, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(1, write(to[1], "x", 1));
		ASSERT_EQ(1, read(from[0], &c, 1));
		EXPECT_EQ(i ? N + 10 : N, bp_count(fd));
		next = moved(attr, BP_W, vars + 1, 4);
		ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &next));
	}
	/* refused for all or done for all */
	next = moved(attr, BP_W, (volatile char *)vars + 1, 31);
	EXPECT_EQ(-1, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &next));
	ASSERT_EQ(1, write(to[1], "x", 1));
	ASSERT_EQ(1, read(from[0], &c, 1));
	stores(vars + 1, 4, 5);
	EXPECT_EQ(N + 25, bp_count(fd));
	end_task(pid);
	close(fd);
}

/*
 * The period is changed for the original only, so a copy's differs from what the caller
 * gives; the address is changed for both all the same.
 */
TEST(modify_after_period)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4), next;
	uint64_t period = 2000000;
	int to[2], from[2], fd;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, pipe(from));
	attr.inherit = 1;
	attr.sample_period = 1000000;
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	pid = fork_kid();
	if (!pid) {
		if (read(to[0], &c, 1) != 1)
			_exit(1);
		stores(vars + 1, 4, N);
		if (write(from[1], &c, 1) != 1)
			_exit(1);
		_exit(0);
	}
	next = moved(attr, BP_W, vars + 1, 4);
	next.sample_period = period;
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_PERIOD, &period));
	EXPECT_EQ(0, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &next));
	stores(vars + 1, 4, 10);
	ASSERT_EQ(1, write(to[1], "x", 1));
	ASSERT_EQ(1, read(from[0], &c, 1));
	EXPECT_EQ(N + 10, bp_count(fd));
	end_task(pid);
	close(fd);
}

/* === Exec: the program starts itself, so that the addresses are known === */

static pid_t start_held(int *go, const char *what)
{
	int p[2];
	pid_t pid;
	char c;

	if (pipe(p))
		return -1;
	pid = fork_kid();
	if (!pid) {
		close(p[1]);
		if (read(p[0], &c, 1) == 1)
			execl("/proc/self/exe", "hwbp_hits", what, NULL);
		_exit(1);
	}
	close(p[0]);
	*go = p[1];
	return pid;
}

/* What the started program does: N stores before it says so, N after it was told. */
static int started(void)
{
	stores(vars, 4, N);
	raise(SIGSTOP);
	stores(vars, 4, N);
	return 0;
}

TEST(enable_on_exec)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	int go, fd, status;
	pid_t pid = start_held(&go, "--started");

	ASSERT_GT(pid, 0);
	attr.disabled = 1;
	attr.enable_on_exec = 1;
	fd = pe_open(&attr, pid, -1);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, bp_count(fd));
	ASSERT_EQ(1, write(go, "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(N, bp_count(fd));
	kill(pid, SIGCONT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(2 * N, bp_count(fd));
	close(fd);
	close(go);
}

/* Without it an event goes on over exec; with remove_on_exec it is gone, its slot too. */
TEST(remove_on_exec)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	int go, keep, gone, status;
	pid_t pid = start_held(&go, "--started");

	ASSERT_GT(pid, 0);
	keep = pe_open(&attr, pid, -1);
	ASSERT_GE(keep, 0);
	attr.remove_on_exec = 1;
	attr.bp_addr = addr_of(vars + 4);
	gone = pe_open(&attr, pid, -1);
	ASSERT_GE(gone, 0);
	EXPECT_EQ(HWBP_NUM - 2, free_slots(pid, -1));
	ASSERT_EQ(1, write(go, "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	EXPECT_EQ(N, bp_count(keep));
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	EXPECT_EQ(2 * N, bp_count(keep));
	EXPECT_EQ(0, bp_count(gone));
	close(keep);
	close(gone);
	close(go);
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
}

TEST(remove_on_exec_of_hits)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	int go, fd, status;
	pid_t pid = start_held(&go, "--started");

	ASSERT_GT(pid, 0);
	attr.remove_on_exec = 1;
	fd = pe_open(&attr, pid, -1);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(1, write(go, "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, bp_count(fd));
	close(fd);
	close(go);
}

/* === The kernel === */

/* Kernel accesses to user memory count unless they are excluded. */
TEST(kernel_stores_to_user_memory)
{
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(vars), 4);
	int fd[2], i, j;

	for (i = 0; i < 2; i++) {
		attr.exclude_kernel = i;
		fd[i] = pe_open(&attr, 0, -1);
		ASSERT_GE(fd[i], 0);
		for (j = 0; j < N; j++)
			ASSERT_EQ(0, syscall(SYS_getcpu, vars, NULL, NULL));
		EXPECT_EQ(i ? 0 : N, bp_count(fd[i]));
		stores(vars, 4, N);
		EXPECT_EQ(i ? N : 2 * N, bp_count(fd[i]));
		close(fd[i]);
	}
	attr.exclude_kernel = 0;
	attr.exclude_user = 1;
	fd[0] = pe_open(&attr, 0, -1);
	ASSERT_GE(fd[0], 0);
	stores(vars, 4, N);
	EXPECT_EQ(0, bp_count(fd[0]));
	for (j = 0; j < N; j++)
		ASSERT_EQ(0, syscall(SYS_getcpu, vars, NULL, NULL));
	EXPECT_EQ(N, bp_count(fd[0]));
	close(fd[0]);
}

TEST(kernel_mode)
{
	unsigned int width, cpu;
	uint64_t at;
	int fd;

	NEED_TARGET();
	at = target_value("var");
	for (width = 1; width <= 8; width *= 2) {
		fd = bp_open_kernel(BP_W, at, width, 0, -1);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, target("w %d %u", N, width));
		EXPECT_EQ(N, bp_count(fd));
		ASSERT_EQ(0, target("r %d %u", N, width));
		EXPECT_EQ(N, bp_count(fd));
		close(fd);
		fd = bp_open_kernel(BP_RW, at, 8, 0, -1);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, target("w %d %u", N, width));
		ASSERT_EQ(0, target("r %d %u", N, width));
		EXPECT_EQ(2 * N, bp_count(fd));
		close(fd);
	}
	for (cpu = 0; cpu < (unsigned int)online_cpus(); cpu++) {
		ASSERT_EQ(0, pin_to(cpu));
		fd = bp_open_kernel(BP_W, at, 8, -1, cpu);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, target("w %d 8", N));
		EXPECT_EQ(N, bp_count(fd));
		close(fd);
	}
}

TEST(kernel_mode_execute)
{
	uint64_t at;
	int fd, cpu;

	NEED_TARGET();
	at = target_value("func");
	fd = bp_open_kernel(BP_X, at, 8, 0, -1);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, target("x %d", N));
	EXPECT_EQ(N, bp_count(fd));
	close(fd);
	for (cpu = 0; cpu < online_cpus(); cpu++) {
		ASSERT_EQ(0, pin_to(cpu));
		fd = bp_open_kernel(BP_X, at, 8, -1, cpu);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, target("x %d", N));
		EXPECT_EQ(N, bp_count(fd));
		close(fd);
	}
}

TEST(kernel_mode_sampled)
{
	struct perf_event_attr attr;
	struct ring ring;
	int fd;

	NEED_TARGET();
	attr = bp_attr(BP_W, target_value("var"), 8);
	attr.exclude_kernel = 0;
	attr.sample_period = 5;
	fd = open_sampled(attr, &ring);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, target("w %d 8", N));
	EXPECT_EQ(N, bp_count(fd));
	EXPECT_EQ(N / 5, ring_samples(&ring, attr.bp_addr));
	close(fd);
}

TEST(in_kernel_wide)
{
	unsigned long long at;
	int cpu;

	NEED_TARGET();
	at = target_value("var");
	ASSERT_EQ(0, target("wide %d %llx 8", BP_W, at));
	for (cpu = 0; cpu < online_cpus(); cpu++) {
		ASSERT_EQ(0, pin_to(cpu));
		ASSERT_EQ(0, target("w %d 8", N));
		EXPECT_EQ((cpu + 1) * N, target_value("hits"));
	}
	ASSERT_EQ(0, target("drop"));
	ASSERT_EQ(0, target("w %d 8", N));
	EXPECT_EQ(0, target_value("hits"));
}

TEST(in_kernel_user)
{
	unsigned long long at = addr_of(vars);

	NEED_TARGET();
	ASSERT_EQ(0, target("user %d %d %llx 4", getpid(), BP_W, at));
	stores(vars, 4, N);
	EXPECT_EQ(N, target_value("hits"));
	ASSERT_EQ(0, target("modify %d %llx 4", BP_W, at + 8));
	stores(vars, 4, N);
	EXPECT_EQ(N, target_value("hits"));
	stores(vars + 1, 4, N);
	EXPECT_EQ(2 * N, target_value("hits"));
	EXPECT_EQ(-EINVAL, target("modify %d %llx 31", BP_W, at + 9));
	stores(vars + 1, 4, N);
	EXPECT_EQ(3 * N, target_value("hits"));
	ASSERT_EQ(0, target("drop"));
	stores(vars + 1, 4, N);
	EXPECT_EQ(0, target_value("hits"));
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--started"))
		return started();
	return test_harness_run(argc, argv);
}
