// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread's debug registers as its debugger sees them: what is read and refused, what
 * they hit, how long they last, and whose registers they take.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <stddef.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <ucontext.h>

/* Stops are slow in an emulator: the full number is for the tests of counting. */
#define N 100
#define MANY 1000

/* And on a kernel that watches itself they are slower: seconds for such a test. */
#define LONG 120

#define DR6_NONE 0xffff0ff0UL
#define DR6_BS 0x4000UL

#ifndef TRAP_HWBKPT
#define TRAP_HWBKPT 4
#endif

/* DR7 for register @i: local enable, R/W and LEN fields */
#define ENABLE(i) (1UL << ((i) * 2))
#define FIELDS(i, rw, len) ((unsigned long)((rw) | (len) << 2) << (16 + (i) * 4))
#define RW_X 0
#define RW_W 1
#define RW_IO 2
#define RW_RW 3
#define LEN1 0
#define LEN2 1
#define LEN4 3
#define LEN8 2

/* Register @i watches the stores to four bytes. */
static inline unsigned long watch4(int i)
{
	return ENABLE(i) | FIELDS(i, RW_W, LEN4);
}

static volatile uint64_t vars[8] __attribute__((aligned(64)));

static __attribute__((noinline)) void func(void)
{
	asm volatile("" ::: "memory");
}

#define CODE ((uintptr_t)func)

/* === Registers === */

static unsigned long peek(pid_t pid, int n)
{
	errno = 0;
	return ptrace(PTRACE_PEEKUSER, pid, dr_offset(n), 0);
}

static unsigned long at(int i)
{
	return (uintptr_t)(vars + i);
}

/* === Tracees: they stop, and at each order go on a step === */

enum { ACT_NONE, ACT_STORE, ACT_CALL, ACT_STORE_NULL, ACT_EXEC, ACT_STORES_BETWEEN_CALLS };

/* In shared memory: what to do when it goes on, and how far it is. */
static struct orders {
	volatile int act;
	volatile unsigned int n;
	volatile int which;
	volatile unsigned int done;
} *orders;

static void obey(void)
{
	unsigned int i;

	if (orders->act == ACT_STORES_BETWEEN_CALLS) {
		func();
		stores(vars + orders->which, 4, orders->n);
		func();
		return;
	}
	for (i = 0; i < orders->n; i++) {
		switch (orders->act) {
		case ACT_STORE:
			store(vars + orders->which, 4);
			break;
		case ACT_CALL:
			func();
			break;
		case ACT_STORE_NULL:
			store(NULL, 4);
			break;
		case ACT_EXEC:
			execl("/proc/self/exe", "hwbp_ptrace", "--stop", NULL);
			_exit(1);
		}
	}
	orders->done++;
}

/* A tracee's life: it stops, does what it was told, and stops again. */
static void be_traced(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	for (;;) {
		raise(SIGSTOP);
		obey();
	}
}

/* A tracee that is stopped, and after each continuation obeys and stops again. */
static pid_t start_tracee(void)
{
	int status;
	pid_t pid;

	orders = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork_kid();
	if (!pid)
		be_traced();
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	return pid;
}

/* Goes on, without a signal; the signal it stops with, or minus the status. */
static int resume(pid_t pid, int request)
{
	int status;

	if (ptrace(request, pid, 0, 0) || waitpid(pid, &status, __WALL) != pid)
		return -10000;
	return WIFSTOPPED(status) ? WSTOPSIG(status) : -status;
}

static int trap_code(pid_t pid)
{
	siginfo_t info;

	return ptrace(PTRACE_GETSIGINFO, pid, 0, &info) ? -1 : info.si_code;
}

static void order(int act, unsigned int n, int which)
{
	orders->act = act;
	orders->n = n;
	orders->which = which;
}

/* How many SIGTRAPs one order gives, each by register @reg alone; negative: another event. */
static int hits(pid_t pid, int act, unsigned int n, int which, int reg)
{
	int sig, seen = 0;

	order(act, n, which);
	while ((sig = resume(pid, PTRACE_CONT)) == SIGTRAP) {
		if (trap_code(pid) != TRAP_HWBKPT)
			return -2;
		if (peek(pid, 6) != (DR6_NONE | 1UL << reg))
			return -3;
		if (poke(pid, 6, DR6_NONE))
			return -4;
		seen++;
	}
	return sig == SIGSTOP ? seen : -1;
}

/* Debugger and tracee on different CPUs, where there are two. */
static void spread(pid_t pid)
{
	cpu_set_t set;
	int cpu;

	for (cpu = 0; cpu < 2; cpu++) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		sched_setaffinity(cpu ? pid : 0, sizeof(set), &set);
	}
}

FIXTURE(ptrace) {
	pid_t pid;
};

/* On one CPU, as a wake-up of another is slow in an emulator. */
FIXTURE_SETUP(ptrace)
{
	ASSERT_EQ(0, pin_to(0));
	self->pid = start_tracee();
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(ptrace)
{
	end_task(self->pid);
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	if (target_there())
		EXPECT_EQ(0, target_value("used"));
}

/* === Reading back === */

TEST_F(ptrace, fresh)
{
	int i;

	for (i = 0; i < HWBP_NUM; i++)
		EXPECT_EQ(0, peek(self->pid, i));
	EXPECT_EQ(DR6_NONE, peek(self->pid, 6));
	EXPECT_EQ(0, peek(self->pid, 7));
	EXPECT_EQ(0, errno);
}

TEST_F(ptrace, addresses_read_back)
{
	unsigned long v[HWBP_NUM] = { 0, 1, at(1) + 3, 0x7ffffff0UL };
	int i, j;

	for (j = 0; j < HWBP_NUM; j++) {
		for (i = 0; i < HWBP_NUM; i++)
			ASSERT_EQ(0, poke(self->pid, i, v[(i + j) % HWBP_NUM]));
		for (i = 0; i < HWBP_NUM; i++)
			EXPECT_EQ(v[(i + j) % HWBP_NUM], peek(self->pid, i));
	}
	EXPECT_EQ(0, peek(self->pid, 7));
	/* nothing is enabled, so all is well also when it runs */
	EXPECT_EQ(0, hits(self->pid, ACT_STORE, 10, 1, 0));
	for (i = 0; i < HWBP_NUM; i++)
		EXPECT_EQ(v[(i + 3) % HWBP_NUM], peek(self->pid, i));
}

TEST_F(ptrace, dr6_reads_back)
{
	static const unsigned long v[] = { DR6_NONE, 0, DR6_NONE | 1, 0xffff4ff8UL, 0xffff0fffUL };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		ASSERT_EQ(0, poke(self->pid, 6, v[i]));
		EXPECT_EQ(v[i], peek(self->pid, 6));
	}
}

/* What is reserved in DR7, LE, GE and the fields of what is off: ignored and read back. */
TEST_F(ptrace, dr7_reads_back)
{
	const unsigned long v[] = {
		0, 0x400, 0x300, 0xd000, 0xdc00 | watch4(0), 0x300 | watch4(0),
		0xdc00, FIELDS(1, RW_IO, LEN8), FIELDS(3, RW_RW, LEN2) | watch4(0),
#ifdef __x86_64__
		1UL << 40 | watch4(0), 0xffffffff00000000UL,
#endif
		watch4(0) << 1 & 0xff, 0,
	};
	unsigned int i;

	ASSERT_EQ(0, poke(self->pid, 0, at(0)));
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		EXPECT_EQ(0, poke(self->pid, 7, v[i]))
			TH_LOG("DR7 0x%lx", v[i]);
		EXPECT_EQ(v[i], peek(self->pid, 7));
	}
}

TEST_F(ptrace, reserved_bits_change_nothing)
{
	ASSERT_EQ(0, poke(self->pid, 0, at(0)));
	ASSERT_EQ(0, poke(self->pid, 7, watch4(0) | 0xdf00));
	EXPECT_EQ(N, hits(self->pid, ACT_STORE, N, 0, 0));
	EXPECT_EQ(watch4(0) | 0xdf00, peek(self->pid, 7));
}

/* === Refusals: each changes nothing === */

TEST_F(ptrace, bad_address)
{
	static const unsigned long bad[] = {
#ifdef __x86_64__
		0xffffffff81000000UL, 0xffff888000000000UL, ~0UL, 1UL << 63, 0xfffffe0000000000UL,
#endif
		0
	};
	unsigned int i, n;

	for (n = 0; n < HWBP_NUM; n++)
		ASSERT_EQ(0, poke(self->pid, n, at(n)));
	for (i = 0; bad[i]; i++) {
		for (n = 0; n < HWBP_NUM; n++) {
			EXPECT_EQ(-EINVAL, poke(self->pid, n, bad[i]));
			EXPECT_EQ(at(n), peek(self->pid, n));
		}
	}
	ASSERT_EQ(0, poke(self->pid, 7, watch4(0)));
	for (i = 0; bad[i]; i++)
		EXPECT_EQ(-EINVAL, poke(self->pid, 0, bad[i]));
	/* live with a length of 4, so it has to be aligned */
	EXPECT_EQ(-EINVAL, poke(self->pid, 0, at(1) + 1));
	EXPECT_EQ(at(0), peek(self->pid, 0));
	EXPECT_EQ(N, hits(self->pid, ACT_STORE, N, 0, 0));
	EXPECT_EQ(0, hits(self->pid, ACT_STORE, N, 1, 0));
}

TEST_F(ptrace, bad_dr7)
{
	unsigned long good = watch4(0);
	unsigned long bad[] = {
		ENABLE(0) | FIELDS(0, RW_IO, LEN4),
		good | ENABLE(1) | FIELDS(1, RW_IO, LEN1),
		/* the third is misaligned: the first two are not to be taken either */
		good | watch4(1) | ENABLE(2) | FIELDS(2, RW_W, LEN2),
		ENABLE(2) | FIELDS(2, RW_RW, LEN4),
		ENABLE(2) | FIELDS(2, RW_W, LEN8),
		/* goods go off and a bad one on */
		ENABLE(3) | FIELDS(3, RW_IO, LEN1),
	};
	unsigned int i;

	ASSERT_EQ(0, poke(self->pid, 0, at(0)));
	ASSERT_EQ(0, poke(self->pid, 1, at(1)));
	ASSERT_EQ(0, poke(self->pid, 2, at(2) + 1));
	ASSERT_EQ(0, poke(self->pid, 7, good));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, poke(self->pid, 7, bad[i]))
			TH_LOG("DR7 0x%lx", bad[i]);
		EXPECT_EQ(good, peek(self->pid, 7));
		EXPECT_EQ(at(0), peek(self->pid, 0));
		EXPECT_EQ(10, hits(self->pid, ACT_STORE, 10, 0, 0));
		EXPECT_EQ(0, hits(self->pid, ACT_STORE, 10, 1, 1));
	}
	/* nothing of the refused ones holds a slot */
	EXPECT_EQ(HWBP_NUM - 1, free_slots(self->pid, -1));
}

/* A refusal for want of registers changes nothing either. */
TEST_F(ptrace, full)
{
	unsigned long good = watch4(0);
	int fd[HWBP_NUM - 1], i;

	for (i = 0; i < HWBP_NUM - 1; i++) {
		fd[i] = bp_open(BP_W, addr_of(&idle_var), 8, self->pid, -1);
		ASSERT_GE(fd[i], 0);
	}
	ASSERT_EQ(0, poke(self->pid, 0, at(0)));
	ASSERT_EQ(0, poke(self->pid, 1, at(1)));
	ASSERT_EQ(0, poke(self->pid, 7, good));
	EXPECT_EQ(-ENOSPC, poke(self->pid, 7, good | watch4(1)));
	EXPECT_EQ(good, peek(self->pid, 7));
	/* one off and another on is the same number */
	EXPECT_EQ(0, poke(self->pid, 7, watch4(1)));
	EXPECT_EQ(watch4(1), peek(self->pid, 7));
	EXPECT_EQ(0, poke(self->pid, 7, good));
	close(fd[0]);
	EXPECT_EQ(0, poke(self->pid, 7, good | watch4(1)));
	for (i = 1; i < HWBP_NUM - 1; i++)
		close(fd[i]);
	if (dr6_faithful())
		EXPECT_EQ(N, hits(self->pid, ACT_STORE, N, 0, 0));
}

/* === Hits === */

TEST_F_TIMEOUT(ptrace, each_register, LONG)
{
	/* counting is for where four can be watched at once, too */
	int n = dr6_faithful() ? MANY : N, i;

	for (i = 0; i < HWBP_NUM; i++) {
		ASSERT_EQ(0, poke(self->pid, 7, 0));
		ASSERT_EQ(0, poke(self->pid, i, at(i)));
		ASSERT_EQ(0, poke(self->pid, 7, watch4(i)));
		EXPECT_EQ(n, hits(self->pid, ACT_STORE, n, i, i))
			TH_LOG("register %d", i);
		EXPECT_EQ(0, hits(self->pid, ACT_STORE, n, (i + 1) % HWBP_NUM, i));
	}
}

TEST_F_TIMEOUT(ptrace, execute, LONG)
{
	ASSERT_EQ(0, poke(self->pid, 2, CODE));
	ASSERT_EQ(0, poke(self->pid, 7, ENABLE(2) | FIELDS(2, RW_X, LEN1)));
	EXPECT_EQ(MANY, hits(self->pid, ACT_CALL, MANY, 0, 2));
	EXPECT_EQ(MANY, hits(self->pid, ACT_CALL, MANY, 0, 2));
}

/* All four live, hit in turns and one by one. */
TEST_F_TIMEOUT(ptrace, four_at_once, LONG)
{
	int i;

	NEED_DR6();
	for (i = 0; i < HWBP_NUM; i++)
		ASSERT_EQ(0, poke(self->pid, i, at(i)));
	ASSERT_EQ(0, poke(self->pid, 7, watch4(0) | watch4(1) | watch4(2) | watch4(3)));
	for (i = 0; i < HWBP_NUM; i++)
		EXPECT_EQ(MANY, hits(self->pid, ACT_STORE, MANY, i, i));
	for (i = 0; i < 40; i++)
		EXPECT_EQ(1, hits(self->pid, ACT_STORE, 1, i % HWBP_NUM, i % HWBP_NUM));
}

/* Two that match one access are both told. */
TEST_F(ptrace, two_on_one_address)
{
	NEED_DR6();
	ASSERT_EQ(0, poke(self->pid, 1, at(0)));
	ASSERT_EQ(0, poke(self->pid, 3, at(0)));
	ASSERT_EQ(0, poke(self->pid, 7, watch4(1) | watch4(3)));
	order(ACT_STORE, 1, 0);
	ASSERT_EQ(SIGTRAP, resume(self->pid, PTRACE_CONT));
	EXPECT_EQ(DR6_NONE | 0xa, peek(self->pid, 6));
	ASSERT_EQ(SIGSTOP, resume(self->pid, PTRACE_CONT));
}

TEST_F(ptrace, address_changes_while_live)
{
	int i;

	spread(self->pid);
	ASSERT_EQ(0, poke(self->pid, 0, at(0)));
	ASSERT_EQ(0, poke(self->pid, 7, watch4(0)));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, poke(self->pid, 0, at(i)));
		EXPECT_EQ(100, hits(self->pid, ACT_STORE, 100, i, 0));
		EXPECT_EQ(0, hits(self->pid, ACT_STORE, 100, (i + 1) % 8, 0));
	}
}

#ifdef __x86_64__
#define PC_OFFSET offsetof(struct user, regs.rip)
#else
#define PC_OFFSET offsetof(struct user, regs.eip)
#endif

/*
 * Stepping: the step's bit, and on the store also the register's. From one call to the
 * next, as system calls are not for stepping: emulators trap in the kernel's entry.
 */
TEST_F(ptrace, single_step_over_hits)
{
	unsigned long dr6;
	int seen = 0, steps = 0;

	NEED(dr6_faithful(), "QEMU TCG steps into the #DB entry when a step hits a watchpoint");
	ASSERT_EQ(0, poke(self->pid, 0, CODE));
	ASSERT_EQ(0, poke(self->pid, 1, at(0)));
	ASSERT_EQ(0, poke(self->pid, 7, watch4(1) | ENABLE(0)));
	order(ACT_STORES_BETWEEN_CALLS, 20, 0);
	ASSERT_EQ(SIGTRAP, resume(self->pid, PTRACE_CONT));
	ASSERT_EQ(DR6_NONE | 1, peek(self->pid, 6));
	/* whether a step onto an execution breakpoint tells both is the processor's choice */
	ASSERT_EQ(0, poke(self->pid, 7, watch4(1)));
	do {
		ASSERT_EQ(0, poke(self->pid, 6, DR6_NONE));
		ASSERT_EQ(SIGTRAP, resume(self->pid, PTRACE_SINGLESTEP));
		dr6 = peek(self->pid, 6);
		ASSERT_EQ(DR6_NONE | DR6_BS, dr6 & ~2UL)
			TH_LOG("after %d steps", steps);
		seen += !!(dr6 & 2);
		steps++;
	} while (ptrace(PTRACE_PEEKUSER, self->pid, PC_OFFSET, 0) != (long)CODE);
	EXPECT_EQ(20, seen);
	EXPECT_GT(steps, 100);
	ASSERT_EQ(0, poke(self->pid, 6, DR6_NONE));
	ASSERT_EQ(SIGSTOP, resume(self->pid, PTRACE_CONT));
	/* and then again without steps */
	EXPECT_EQ(N, hits(self->pid, ACT_STORE, N, 0, 1));
}

/* === Order === */

TEST_F(ptrace, dr7_before_address)
{
	ASSERT_EQ(0, poke(self->pid, 7, watch4(0)));
	EXPECT_EQ(watch4(0), peek(self->pid, 7));
	EXPECT_EQ(0, peek(self->pid, 0));
	ASSERT_EQ(0, poke(self->pid, 0, at(3)));
	EXPECT_EQ(at(3), peek(self->pid, 0));
	EXPECT_EQ(N, hits(self->pid, ACT_STORE, N, 3, 0));
}

/* Weak spot 11: DR7 alone must not watch address 0. */
TEST_F(ptrace, nothing_live_without_address)
{
	pid_t pid;
	int status;
	void *p;

	/* the tracee needs page 0, so one of its own */
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	NEED(!p, "page 0 can't be mapped");
	pid = fork_kid();
	if (!pid)
		be_traced();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, poke(pid, 7, watch4(0)));
	EXPECT_EQ(0, hits(pid, ACT_STORE_NULL, N, 0, 0));
	ASSERT_EQ(0, poke(pid, 0, at(0)));
	EXPECT_EQ(0, hits(pid, ACT_STORE_NULL, N, 0, 0));
	EXPECT_EQ(N, hits(pid, ACT_STORE, N, 0, 0));
	end_task(pid);
}

/* What waits for its address has to fit it. */
TEST_F(ptrace, address_must_fit_dr7)
{
	ASSERT_EQ(0, poke(self->pid, 7, watch4(0)));
	EXPECT_EQ(-EINVAL, poke(self->pid, 0, at(0) + 1));
	EXPECT_EQ(0, peek(self->pid, 0));
	ASSERT_EQ(0, poke(self->pid, 0, at(0)));
	EXPECT_EQ(N, hits(self->pid, ACT_STORE, N, 0, 0));
}

/* Off and on again, each setting in between. */
TEST_F(ptrace, off_and_on)
{
	int i;

	spread(self->pid);
	ASSERT_EQ(0, poke(self->pid, 0, at(0)));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, poke(self->pid, 7, watch4(0)));
		EXPECT_EQ(10, hits(self->pid, ACT_STORE, 10, 0, 0));
		ASSERT_EQ(0, poke(self->pid, 7, 0));
		EXPECT_EQ(0, hits(self->pid, ACT_STORE, 10, 0, 0));
		EXPECT_EQ(at(0), peek(self->pid, 0));
	}
}

/* === Whose slots === */

static int all_four(pid_t pid)
{
	int i, err;

	for (i = 0; i < HWBP_NUM; i++) {
		err = poke(pid, i, at(i));
		if (err)
			return err;
	}
	return poke(pid, 7, watch4(0) | watch4(1) | watch4(2) | watch4(3));
}

TEST_F(ptrace, live_ones_hold_slots)
{
	ASSERT_EQ(0, all_four(self->pid));
	EXPECT_EQ(0, free_slots(self->pid, -1));
	EXPECT_EQ(0, free_slots(-1, 0));
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
}

/* What was switched off in this stop stays the debugger's till the thread runs. */
TEST_F(ptrace, off_in_this_stop_is_kept)
{
	int i;

	ASSERT_EQ(0, all_four(self->pid));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, poke(self->pid, 7, 0));
		EXPECT_EQ(0, free_slots(self->pid, -1));
		EXPECT_EQ(0, free_slots(-1, 0));
		EXPECT_EQ(0, free_slots(-1, online_cpus() - 1));
		ASSERT_EQ(0, poke(self->pid, 0, at(4 + i % 4)));
		ASSERT_EQ(0, poke(self->pid, 7, watch4(0)));
		EXPECT_EQ(0, free_slots(self->pid, -1));
		ASSERT_EQ(0, all_four(self->pid));
	}
}

/* Weak spot 10: once it runs, what is off holds none. */
TEST_F(ptrace, off_gives_back_when_it_runs)
{
	int i;

	spread(self->pid);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, all_four(self->pid));
		ASSERT_EQ(0, poke(self->pid, 7, 0));
		order(ACT_NONE, 0, 0);
		ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
		/* at once: it runs, or it has stopped again, with all of them idle */
		EXPECT_EQ(HWBP_NUM, free_slots(self->pid, -1));
		EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
		ASSERT_EQ(self->pid, waitpid(self->pid, NULL, 0));
		EXPECT_EQ(HWBP_NUM, free_slots(self->pid, -1));
	}
}

TEST_F(ptrace, some_off_when_it_runs)
{
	ASSERT_EQ(0, all_four(self->pid));
	ASSERT_EQ(0, poke(self->pid, 7, watch4(1)));
	order(ACT_NONE, 0, 0);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(self->pid, -1));
	ASSERT_EQ(self->pid, waitpid(self->pid, NULL, 0));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(self->pid, -1));
	EXPECT_EQ(N, hits(self->pid, ACT_STORE, N, 1, 1));
	EXPECT_EQ(at(3), peek(self->pid, 3));
}

TEST_F(ptrace, stepping_gives_back_too)
{
	ASSERT_EQ(0, all_four(self->pid));
	ASSERT_EQ(0, poke(self->pid, 7, 0));
	ASSERT_EQ(SIGTRAP, resume(self->pid, PTRACE_SINGLESTEP));
	EXPECT_EQ(HWBP_NUM, free_slots(self->pid, -1));
}

TEST_F(ptrace, detach_gives_back)
{
	ASSERT_EQ(0, all_four(self->pid));
	ASSERT_EQ(0, poke(self->pid, 7, 0));
	order(ACT_NONE, 0, 0);
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, SIGSTOP));
	EXPECT_EQ(HWBP_NUM, free_slots(self->pid, -1));
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
}

/* An address alone never held one. */
TEST_F(ptrace, addresses_hold_none_when_it_ran)
{
	int i;

	for (i = 0; i < HWBP_NUM; i++)
		ASSERT_EQ(0, poke(self->pid, i, at(i)));
	EXPECT_EQ(0, hits(self->pid, ACT_STORE, 10, 0, 0));
	EXPECT_EQ(HWBP_NUM, free_slots(self->pid, -1));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, SIGSTOP));
	EXPECT_EQ(HWBP_NUM, free_slots(self->pid, -1));
}

TEST_F(ptrace, exit_gives_back)
{
	ASSERT_EQ(0, all_four(self->pid));
	EXPECT_EQ(0, free_slots(-1, 0));
	kill(self->pid, SIGKILL);
	ASSERT_EQ(self->pid, waitpid(self->pid, NULL, 0));
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
}

TEST_F(ptrace, exec_ends_them)
{
	int i, status;

	ASSERT_EQ(0, all_four(self->pid));
	order(ACT_EXEC, 1, 0);
	ASSERT_EQ(SIGTRAP, resume(self->pid, PTRACE_CONT));
	EXPECT_EQ(HWBP_NUM, free_slots(self->pid, -1));
	for (i = 0; i < HWBP_NUM; i++)
		EXPECT_EQ(0, peek(self->pid, i));
	EXPECT_EQ(0, peek(self->pid, 7));
	/* the new program has the same addresses, writes to them, and stops */
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(SIGSTOP, WSTOPSIG(status));
	/* and can be watched anew */
	ASSERT_EQ(0, all_four(self->pid));
	EXPECT_EQ(0, free_slots(self->pid, -1));
}

/* === Children and threads === */

static void *idle_thread(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int fresh_registers(pid_t pid)
{
	int i;

	for (i = 0; i < HWBP_NUM; i++)
		if (peek(pid, i))
			return i;
	if (peek(pid, 7))
		return 7;
	return peek(pid, 6) == DR6_NONE ? -1 : 6;
}

/* Weak spot 12: neither a child nor a thread starts with the registers of its maker. */
static void check_child(struct __test_metadata *_metadata, bool thread)
{
	unsigned long child = 0;
	int status;
	pid_t pid = fork_kid();

	if (!pid) {
		pthread_t t;

		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		if (thread)
			pthread_create(&t, NULL, idle_thread, NULL);
		else if (!fork())
			pause();
		for (;;)
			pause();
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, ptrace(PTRACE_SETOPTIONS, pid, 0,
			    PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORK |
			    PTRACE_O_EXITKILL));
	ASSERT_EQ(0, poke(pid, 6, DR6_NONE | 5));
	ASSERT_EQ(0, all_four(pid));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(SIGTRAP | (thread ? PTRACE_EVENT_CLONE : PTRACE_EVENT_FORK) << 8, status >> 8);
	ASSERT_EQ(0, ptrace(PTRACE_GETEVENTMSG, pid, 0, &child));
	ASSERT_EQ(child, waitpid(child, &status, __WALL));
	EXPECT_EQ(-1, fresh_registers(child))
		TH_LOG("register %d is not as of a new task", fresh_registers(child));
	EXPECT_EQ(HWBP_NUM, free_slots(child, -1));
	/* and its maker still has them */
	EXPECT_EQ(0, free_slots(pid, -1));
	EXPECT_EQ(at(2), peek(pid, 2));
	/* the child's own do not touch the maker's */
	EXPECT_EQ(0, poke(child, 0, at(5)));
	EXPECT_EQ(0, poke(child, 7, watch4(0)));
	EXPECT_EQ(at(0), peek(pid, 0));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(child, -1));
	/* a thread that is traced has to be buried before its leader */
	kill(thread ? pid : child, SIGKILL);
	waitpid(child, NULL, __WALL);
	end_task(pid);
}

TEST_F(ptrace, fork_child_starts_with_none)
{
	check_child(_metadata, false);
}

TEST_F(ptrace, thread_starts_with_none)
{
	check_child(_metadata, true);
}

static volatile int go[2];

static void *storing_thread(void *arg)
{
	int me = (long)arg;

	/* at the same time, where there are two CPUs */
	pin_to(me);
	while (!go[me])
		sched_yield();
	stores(vars + 0, 4, 10);
	stores(vars + 1, 4, 10);
	return arg;
}

static void two_storing_threads(void)
{
	pthread_t t[2];
	long i;

	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, storing_thread, (void *)i);
	raise(SIGSTOP);
	go[0] = 1;
	go[1] = 1;
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

/* Two threads, each with a register of its own on another variable: 10 hits each. */
TEST_F(ptrace, threads_have_their_own)
{
	pid_t pid = fork_kid(), thread[2] = { 0, 0 }, who;
	int status, n = 0, seen[2] = { 0, 0 }, i;

	if (!pid)
		two_storing_threads();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	/* until both threads have stopped at birth and the main one after that */
	for (;;) {
		who = waitpid(-1, &status, __WALL);
		ASSERT_GT(who, 0);
		if (who == self->pid)
			continue;
		ASSERT_TRUE(WIFSTOPPED(status));
		if (who != pid) {
			ASSERT_LT(n, 2);
			thread[n++] = who;
			continue;
		}
		if (status >> 8 == SIGSTOP)
			break;
		ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	}
	while (n < 2) {
		who = waitpid(-1, &status, __WALL);
		ASSERT_TRUE(WIFSTOPPED(status));
		thread[n++] = who;
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, poke(thread[i], 0, at(i)));
		ASSERT_EQ(0, poke(thread[i], 7, watch4(0)));
	}
	EXPECT_EQ(0, peek(pid, 7));
	EXPECT_EQ(HWBP_NUM, free_slots(pid, -1));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, ptrace(PTRACE_CONT, thread[i], 0, 0));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	while ((who = waitpid(-1, &status, __WALL)) > 0 && (who != pid || WIFSTOPPED(status))) {
		if (!WIFSTOPPED(status))
			continue;
		for (i = 0; i < 2; i++) {
			if (who == thread[i] && WSTOPSIG(status) == SIGTRAP) {
				EXPECT_EQ(DR6_NONE | 1, peek(who, 6));
				poke(who, 6, DR6_NONE);
				seen[i]++;
			}
		}
		ptrace(PTRACE_CONT, who, 0, 0);
	}
	EXPECT_EQ(10, seen[0]);
	EXPECT_EQ(10, seen[1]);
	EXPECT_EQ(0, status);
}

/* === A program that watches itself by way of its child === */

static volatile int traps, last_code;

static void on_trap(int sig, siginfo_t *info, void *uc)
{
	traps++;
	last_code = info->si_code;
}

/* Attaches to its parent, arms, detaches. */
static int arm_parent(void *arg)
{
	pid_t pid = getppid();
	unsigned long dr7 = *(unsigned long *)arg;
	int status;

	if (ptrace(PTRACE_ATTACH, pid, 0, 0))
		return 1;
	if (waitpid(pid, &status, 0) != pid)
		return 2;
	if (poke(pid, 0, at(0)))
		return 3;
	if (poke(pid, 7, dr7))
		return 4;
	return ptrace(PTRACE_DETACH, pid, 0, 0) ? 5 : 0;
}

TEST_F_TIMEOUT(ptrace, self_watch_survives_detach, LONG)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	unsigned long on = watch4(0), off = 0;
	int i;

	sigaction(SIGTRAP, &sa, NULL);
	ASSERT_EQ(0, in_child(arm_parent, &on));
	EXPECT_EQ(HWBP_NUM - 1, free_slots(0, -1));
	for (i = 1; i <= MANY; i++) {
		store(vars, 4);
		ASSERT_EQ(i, traps);
	}
	EXPECT_EQ(TRAP_HWBKPT, last_code);
	stores(vars + 1, 4, MANY);
	EXPECT_EQ(MANY, traps);
	/* a child does not have it */
	ASSERT_EQ(0, in_child(arm_parent, &off));
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	stores(vars, 4, MANY);
	EXPECT_EQ(MANY, traps);
}

/* === With perf's at the same time === */

TEST_F(ptrace, beside_perf)
{
	int fd;

	NEED_DR6();
	fd = bp_open(BP_W, at(1), 4, self->pid, -1);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, poke(self->pid, 0, at(0)));
	ASSERT_EQ(0, poke(self->pid, 7, watch4(0)));
	EXPECT_EQ(N, hits(self->pid, ACT_STORE, N, 0, 0));
	/* perf's hits are none of the debugger's business */
	EXPECT_EQ(0, hits(self->pid, ACT_STORE, N, 1, 0));
	EXPECT_EQ(N, bp_count(fd));
	EXPECT_EQ(DR6_NONE, peek(self->pid, 6));
	close(fd);
}

/* A perf hit alone: the tracee's DR6 stays empty. */
TEST_F(ptrace, perf_hits_do_not_show)
{
	int fd = bp_open(BP_W, at(1), 4, self->pid, -1);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, hits(self->pid, ACT_STORE, N, 1, 0));
	EXPECT_EQ(N, bp_count(fd));
	EXPECT_EQ(DR6_NONE, peek(self->pid, 6));
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--stop")) {
		stores(vars, 4, 10);
		stores(vars + 3, 4, 10);
		for (;;)
			raise(SIGSTOP);
	}
	return test_harness_run(argc, argv);
}
