// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread's debug registers as its debugger sees them: what is read and refused, what
 * they hit, how long they last, and whose registers they take.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <elf.h>
#include <stddef.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <ucontext.h>

/* Stops are slow in an emulator: the full number is for the tests of counting. */
#define N 100
#define MANY 1000

/* And on a kernel that watches itself they are slower: seconds for such a test. */
#define LONG 120

#define DR6_NONE 0xffff0ff0UL
#define DR6_BS 0x4000UL

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

/* What is stepped through: at p0, p1 and p2 instructions of one byte, then a store of three. */
#ifdef __x86_64__
static __attribute__((naked, noinline)) void walk(volatile void *to)
{
	asm("nop; nop; nop; movb $1, (%rdi); ret");
}
#else
static __attribute__((naked, noinline, regparm(1))) void walk(volatile void *to)
{
	asm("nop; nop; nop; movb $1, (%eax); ret");
}
#endif

#define p0 ((uintptr_t)walk)
#define p1 (p0 + 1)
#define p2 (p0 + 2)
#define before_store (p0 + 3)
#define after_store (p0 + 6)

/* === Registers === */

#ifdef __x86_64__
#define PC rip
#else
#define PC eip
#endif
#define PC_OFFSET offsetof(struct user, regs.PC)
#define FLAGS_OFFSET offsetof(struct user, regs.eflags)
#define RF 0x10000UL

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

enum {
	ACT_NONE, ACT_STORE, ACT_CALL, ACT_STORE_NULL, ACT_EXEC, ACT_WALK,
	ACT_STORES_BETWEEN_CALLS, ACT_CALLS_BETWEEN_WALKS,
};

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
	if (orders->act == ACT_CALLS_BETWEEN_WALKS) {
		walk(vars);
		for (i = 0; i < orders->n; i++)
			func();
		walk(vars);
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
		case ACT_WALK:
			walk(vars);
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

/* === Single steps === */

static unsigned long pc_of(pid_t pid)
{
	return ptrace(PTRACE_PEEKUSER, pid, PC_OFFSET, 0);
}

/* The next stop is by SIGTRAP, at @at, for the reasons @why of DR6, which is emptied. */
#define EXPECT_STOP(request, at, why) do {						\
	ASSERT_EQ(SIGTRAP, resume(self->pid, request));					\
	EXPECT_EQ(at, pc_of(self->pid));						\
	EXPECT_EQ(DR6_NONE | (why), peek(self->pid, 6));				\
	EXPECT_EQ((why) & DR6_BS ? TRAP_TRACE : TRAP_HWBKPT, trap_code(self->pid));	\
	ASSERT_EQ(0, poke(self->pid, 6, DR6_NONE));					\
} while (0)

/* The program comes to its end, without another stop by SIGTRAP. */
#define EXPECT_END() ASSERT_EQ(SIGSTOP, resume(self->pid, PTRACE_CONT))

/* Register @n is on the instruction at @at, beside those that are on already. */
static int break_at(pid_t pid, int n, uintptr_t at)
{
	int err = poke(pid, n, at);

	return err ?: poke(pid, 7, peek(pid, 7) | ENABLE(n));
}

/* A step onto a breakpoint is a step; the breakpoint's own stop follows, at the same place. */
TEST_F(ptrace, step_onto_breakpoint)
{
	ASSERT_EQ(0, break_at(self->pid, 0, p0));
	order(ACT_WALK, 1, 0);
	EXPECT_STOP(PTRACE_CONT, p0, 1);
	ASSERT_EQ(0, break_at(self->pid, 0, p1));
	EXPECT_STOP(PTRACE_SINGLESTEP, p1, DR6_BS);
	EXPECT_STOP(PTRACE_SINGLESTEP, p1, 1);
	EXPECT_STOP(PTRACE_SINGLESTEP, p2, DR6_BS);
	EXPECT_END();
}

TEST_F(ptrace, step_onto_breakpoint_and_continue)
{
	ASSERT_EQ(0, break_at(self->pid, 0, p0));
	ASSERT_EQ(0, break_at(self->pid, 1, p1));
	order(ACT_WALK, 1, 0);
	EXPECT_STOP(PTRACE_CONT, p0, 1);
	EXPECT_STOP(PTRACE_SINGLESTEP, p1, DR6_BS);
	EXPECT_STOP(PTRACE_CONT, p1, 2);
	EXPECT_END();
}

TEST_F(ptrace, step_onto_four_breakpoints)
{
	int i;

	ASSERT_EQ(0, break_at(self->pid, 0, p0));
	order(ACT_WALK, 1, 0);
	EXPECT_STOP(PTRACE_CONT, p0, 1);
	for (i = 0; i < HWBP_NUM; i++)
		ASSERT_EQ(0, break_at(self->pid, i, p1));
	EXPECT_STOP(PTRACE_SINGLESTEP, p1, DR6_BS);
	EXPECT_STOP(PTRACE_SINGLESTEP, p1, 0xf);
	EXPECT_STOP(PTRACE_SINGLESTEP, p2, DR6_BS);
	EXPECT_END();
}

/* A step that hits data and ends on a breakpoint. */
TEST_F(ptrace, step_over_hit_onto_breakpoint)
{
	NEED(dr6_faithful(), "QEMU TCG steps into the #DB entry when a step hits a watchpoint");
	ASSERT_EQ(0, break_at(self->pid, 0, before_store));
	ASSERT_EQ(0, break_at(self->pid, 2, after_store));
	ASSERT_EQ(0, poke(self->pid, 1, at(0)));
	ASSERT_EQ(0, poke(self->pid, 7, peek(self->pid, 7) | watch4(1)));
	order(ACT_WALK, 1, 0);
	EXPECT_STOP(PTRACE_CONT, before_store, 1);
	EXPECT_STOP(PTRACE_SINGLESTEP, after_store, DR6_BS | 2);
	EXPECT_STOP(PTRACE_SINGLESTEP, after_store, 4);
	EXPECT_END();
}

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
	do {
		ASSERT_EQ(0, poke(self->pid, 6, DR6_NONE));
		ASSERT_EQ(SIGTRAP, resume(self->pid, PTRACE_SINGLESTEP));
		dr6 = peek(self->pid, 6);
		ASSERT_EQ(DR6_NONE | DR6_BS, dr6 & ~2UL)
			TH_LOG("after %d steps", steps);
		seen += !!(dr6 & 2);
		steps++;
	} while (pc_of(self->pid) != CODE);
	EXPECT_EQ(20, seen);
	EXPECT_GT(steps, 100);
	ASSERT_EQ(0, poke(self->pid, 6, DR6_NONE));
	/* the last step was onto the breakpoint, whose own stop follows */
	EXPECT_STOP(PTRACE_SINGLESTEP, CODE, 1);
	EXPECT_END();
	ASSERT_EQ(0, poke(self->pid, 7, watch4(1)));
	/* and then again without steps */
	EXPECT_EQ(N, hits(self->pid, ACT_STORE, N, 0, 1));
}

/*
 * Steps through calls of func(), each of which a step has to end at; how many stops other than
 * steps there are on the way.
 */
static int stops_among_steps(pid_t pid, int calls)
{
	int others = 0, steps_onto = 0;

	if (break_at(pid, 0, p0))
		return -1;
	order(ACT_CALLS_BETWEEN_WALKS, calls, 0);
	if (resume(pid, PTRACE_CONT) != SIGTRAP || pc_of(pid) != p0)
		return -2;
	if (poke(pid, 7, 0))
		return -3;
	do {
		if (resume(pid, PTRACE_SINGLESTEP) != SIGTRAP)
			return -4;
		if (trap_code(pid) != TRAP_TRACE)
			others++;
		else if (pc_of(pid) == CODE)
			steps_onto++;
	} while (pc_of(pid) != p0);
	if (steps_onto != calls)
		return -5;
	return resume(pid, PTRACE_CONT) == SIGSTOP ? others : -6;
}

/* perf's breakpoints in a program that is stepped: each hit counts, and signals, once. */
TEST_F(ptrace, steps_over_counted)
{
	int fd = bp_open(BP_X, CODE, sizeof(long), self->pid, -1);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, stops_among_steps(self->pid, 20));
	EXPECT_EQ(20, bp_count(fd));
	close(fd);
}

TEST_F(ptrace, steps_over_sigtrap)
{
	struct perf_event_attr attr = trap_attr(BP_X, CODE, sizeof(long));
	int fd = pe_open(&attr, self->pid, -1);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(20, stops_among_steps(self->pid, 20));
	EXPECT_EQ(20, bp_count(fd));
	close(fd);
}

TEST_F(ptrace, steps_over_overflow_signal)
{
	struct perf_event_attr attr = bp_attr(BP_X, CODE, sizeof(long));
	int fd;

	attr.sample_period = 1;
	fd = signal_fd(attr, self->pid, SIGTRAP);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_ENABLE, 0));
	EXPECT_EQ(20, stops_among_steps(self->pid, 20));
	EXPECT_EQ(20, bp_count(fd));
	close(fd);
}

/* === The debugger moves the instruction pointer === */

/* Each way to do so. In the last four the debugger writes the flags as it has read them. */
enum { MOVE_POKE, MOVE_POKE_BOTH, MOVE_SETREGS, MOVE_SETREGS_TWICE, MOVE_SETREGSET, NR_MOVES };

static int move_pc(pid_t pid, int way, uintptr_t to)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
		return -errno;
	regs.PC = to;
	switch (way) {
	case MOVE_POKE:
		return poke_at(pid, PC_OFFSET, to);
	case MOVE_POKE_BOTH:
		return poke_at(pid, PC_OFFSET, to) ?: poke_at(pid, FLAGS_OFFSET, regs.eflags);
	case MOVE_SETREGS:
		return ptrace(PTRACE_SETREGS, pid, 0, &regs) ? -errno : 0;
	case MOVE_SETREGS_TWICE:
		return ptrace(PTRACE_SETREGS, pid, 0, &regs) ||
		       ptrace(PTRACE_SETREGS, pid, 0, &regs) ? -errno : 0;
	default:
		return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov) ? -errno : 0;
	}
}

static unsigned long flags_of(pid_t pid)
{
	return ptrace(PTRACE_PEEKUSER, pid, FLAGS_OFFSET, 0);
}

static int set_rf(pid_t pid, bool on)
{
	return poke_at(pid, FLAGS_OFFSET, on ? flags_of(pid) | RF : flags_of(pid) & ~RF);
}

/* Stopped at p0 by its breakpoint; there is another at p2. */
FIXTURE(at_breakpoint) {
	pid_t pid;
};

FIXTURE_SETUP(at_breakpoint)
{
	ASSERT_EQ(0, pin_to(0));
	self->pid = start_tracee();
	ASSERT_GT(self->pid, 0);
	ASSERT_EQ(0, break_at(self->pid, 0, p0));
	ASSERT_EQ(0, break_at(self->pid, 1, p2));
	order(ACT_WALK, 1, 0);
	EXPECT_STOP(PTRACE_CONT, p0, 1);
}

FIXTURE_TEARDOWN(at_breakpoint)
{
	end_task(self->pid);
}

FIXTURE_VARIANT(at_breakpoint) {
	int way;
};

FIXTURE_VARIANT_ADD(at_breakpoint, poke) { .way = MOVE_POKE };
FIXTURE_VARIANT_ADD(at_breakpoint, poke_both) { .way = MOVE_POKE_BOTH };
FIXTURE_VARIANT_ADD(at_breakpoint, setregs) { .way = MOVE_SETREGS };
FIXTURE_VARIANT_ADD(at_breakpoint, setregs_twice) { .way = MOVE_SETREGS_TWICE };
FIXTURE_VARIANT_ADD(at_breakpoint, setregset) { .way = MOVE_SETREGSET };

TEST_F(at_breakpoint, move_onto_another)
{
	ASSERT_EQ(0, move_pc(self->pid, variant->way, p2));
	EXPECT_STOP(PTRACE_CONT, p2, 2);
	ASSERT_EQ(0, move_pc(self->pid, variant->way, p0));
	EXPECT_STOP(PTRACE_CONT, p0, 1);
	EXPECT_STOP(PTRACE_CONT, p2, 2);
	EXPECT_END();
}

/* After a step onto the one, too. */
TEST_F(at_breakpoint, step_and_move)
{
	EXPECT_STOP(PTRACE_SINGLESTEP, p1, DR6_BS);
	EXPECT_STOP(PTRACE_SINGLESTEP, p2, DR6_BS);
	ASSERT_EQ(0, move_pc(self->pid, variant->way, p0));
	EXPECT_STOP(PTRACE_CONT, p0, 1);
	EXPECT_STOP(PTRACE_CONT, p2, 2);
	EXPECT_END();
}

/* What is written isn't another: the thread goes on from where it is. */
TEST_F(at_breakpoint, write_the_same)
{
	ASSERT_EQ(0, move_pc(self->pid, variant->way, p0));
	EXPECT_STOP(PTRACE_CONT, p2, 2);
	EXPECT_END();
}

TEST_F(at_breakpoint, debugger_sets_rf)
{
	/* RF was set by the hit; the debugger clears it, and sets it for itself */
	ASSERT_EQ(0, set_rf(self->pid, false));
	EXPECT_STOP(PTRACE_CONT, p0, 1);
	ASSERT_EQ(0, set_rf(self->pid, false));
	ASSERT_EQ(0, set_rf(self->pid, true));
	ASSERT_EQ(0, move_pc(self->pid, variant->way, p2));
	EXPECT_END();
}

TEST_F(at_breakpoint, debugger_sets_rf_where_it_was_clear)
{
	EXPECT_STOP(PTRACE_SINGLESTEP, p1, DR6_BS);
	ASSERT_EQ(0, flags_of(self->pid) & RF);
	ASSERT_EQ(0, set_rf(self->pid, true));
	ASSERT_EQ(0, move_pc(self->pid, variant->way, p2));
	EXPECT_END();
}

/* Once it has moved it, and sees that RF is clear. */
TEST_F(at_breakpoint, debugger_sets_rf_after_moving)
{
	ASSERT_EQ(RF, flags_of(self->pid) & RF);
	ASSERT_EQ(0, move_pc(self->pid, variant->way, p2));
	EXPECT_EQ(0, flags_of(self->pid) & RF);
	ASSERT_EQ(0, set_rf(self->pid, true));
	EXPECT_END();
}

/*
 * A debugger that has the thread execute something and then restores all registers, as gdb's call
 * does, restores the RF that was there before: at the old place it is meant, elsewhere not.
 */
static int detour(pid_t pid, int way)
{
	struct user_regs_struct saved;

	if (ptrace(PTRACE_GETREGS, pid, 0, &saved) || move_pc(pid, way, p1) ||
	    resume(pid, PTRACE_SINGLESTEP) != SIGTRAP || pc_of(pid) != p2 ||
	    poke(pid, 6, DR6_NONE))
		return -1;
	return ptrace(PTRACE_SETREGS, pid, 0, &saved) ? -errno : 0;
}

TEST_F(at_breakpoint, go_on_after_restoring)
{
	ASSERT_EQ(0, detour(self->pid, variant->way));
	EXPECT_STOP(PTRACE_CONT, p2, 2);
	EXPECT_END();
}

TEST_F(at_breakpoint, move_after_restoring)
{
	ASSERT_EQ(0, detour(self->pid, variant->way));
	ASSERT_EQ(0, move_pc(self->pid, variant->way, p2));
	EXPECT_STOP(PTRACE_CONT, p2, 2);
	EXPECT_END();
}

/* What the debugger did to RF in a stop is no matter in the next one. */
TEST_F(at_breakpoint, next_stop_begins_anew)
{
	ASSERT_EQ(0, set_rf(self->pid, false));
	ASSERT_EQ(0, set_rf(self->pid, true));
	EXPECT_STOP(PTRACE_CONT, p2, 2);
	ASSERT_EQ(0, move_pc(self->pid, variant->way, p0));
	EXPECT_STOP(PTRACE_CONT, p0, 1);
	ASSERT_EQ(0, move_pc(self->pid, variant->way, p1));
	EXPECT_STOP(PTRACE_SINGLESTEP, p2, DR6_BS);
	ASSERT_EQ(0, set_rf(self->pid, true));
	EXPECT_END();
}

/* perf's breakpoints, of a program whose debugger has none. */
TEST_F(ptrace, move_among_perf_breakpoints)
{
	struct perf_event_attr attr = trap_attr(BP_X, p0, sizeof(long));
	int way, fd[2];

	fd[0] = pe_open(&attr, self->pid, -1);
	ASSERT_GE(fd[0], 0);
	attr.bp_addr = p2;
	fd[1] = pe_open(&attr, self->pid, -1);
	ASSERT_GE(fd[1], 0);
	for (way = 0; way < NR_MOVES; way++) {
		order(ACT_WALK, 1, 0);
		ASSERT_EQ(SIGTRAP, resume(self->pid, PTRACE_CONT));
		EXPECT_EQ(p0, pc_of(self->pid));
		ASSERT_EQ(0, move_pc(self->pid, way, p2));
		ASSERT_EQ(SIGTRAP, resume(self->pid, PTRACE_CONT))
			TH_LOG("way %d", way);
		EXPECT_EQ(p2, pc_of(self->pid));
		EXPECT_EQ(TRAP_PERF, trap_code(self->pid));
		EXPECT_END();
		EXPECT_EQ(way + 1, bp_count(fd[0]));
		EXPECT_EQ(way + 1, bp_count(fd[1]));
	}
	close(fd[0]);
	close(fd[1]);
}

/* The processor sets RF itself when an instruction faults. The thread must not get further. */
TEST_F(ptrace, move_from_fault)
{
	ASSERT_EQ(0, break_at(self->pid, 1, p2));
	ASSERT_EQ(0, break_at(self->pid, 2, before_store));
	order(ACT_STORE_NULL, 1, 0);
	ASSERT_EQ(SIGSEGV, resume(self->pid, PTRACE_CONT));
	NEED(flags_of(self->pid) & RF, "QEMU TCG leaves RF clear at a fault");
	ASSERT_EQ(0, move_pc(self->pid, MOVE_SETREGS, p2));
	EXPECT_STOP(PTRACE_CONT, p2, 2);
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

TEST_F(ptrace, exec_ends_them)
{
	int status;

	ASSERT_EQ(0, all_four(self->pid));
	ASSERT_EQ(0, poke(self->pid, 6, DR6_NONE | DR6_BS | 5));
	order(ACT_EXEC, 1, 0);
	ASSERT_EQ(SIGTRAP, resume(self->pid, PTRACE_CONT));
	EXPECT_EQ(HWBP_NUM, free_slots(self->pid, -1));
	EXPECT_EQ(-1, fresh_registers(self->pid));
	/* the new program has the same addresses, writes to them, and stops */
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(SIGSTOP, WSTOPSIG(status));
	/* and can be watched anew */
	ASSERT_EQ(0, all_four(self->pid));
	EXPECT_EQ(0, free_slots(self->pid, -1));
}

/* DR6 is there also where no other register was written. */
TEST_F(ptrace, exec_clears_dr6)
{
	ASSERT_EQ(0, poke(self->pid, 6, DR6_NONE | DR6_BS | 5));
	order(ACT_EXEC, 1, 0);
	ASSERT_EQ(SIGTRAP, resume(self->pid, PTRACE_CONT));
	EXPECT_EQ(DR6_NONE, peek(self->pid, 6));
}

/* === Children and threads === */

static void *idle_thread(void *arg)
{
	for (;;)
		pause();
	return arg;
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

/* === A debugger that dies === */

#define DEBUGGEES 3

/* A process of so many threads, each of which waits, stores to all variables, and ends. */
static struct debuggee {
	pid_t pid, tid[DEBUGGEES];
	/* What comes out of the pipes: the threads and the debugger are ready; they may go. */
	int ready[2], go[2];
	/* What the debugger does, and the signal that it dies of; 0: it exits. */
	bool seize, switch_off, detach, run;
	int death;
} *debuggee;

static void tell(const int *pipe)
{
	if (write(pipe[1], "", 1) != 1)
		_exit(9);
}

static void wait_for(const int *pipe, int n)
{
	char c;

	while (n--)
		if (read(pipe[0], &c, 1) != 1)
			_exit(9);
}

static void *wait_and_store(void *number)
{
	int i;

	debuggee->tid[(long)number] = syscall(SYS_gettid);
	tell(debuggee->ready);
	wait_for(debuggee->go, 1);
	for (i = 0; i < HWBP_NUM; i++)
		store(vars + i, 4);
	return NULL;
}

/* Returns true if there is one, whose threads wait. */
static bool start_debuggee(void)
{
	pthread_t t[DEBUGGEES];
	pid_t pid;
	long i;

	debuggee = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (debuggee == MAP_FAILED || pipe(debuggee->ready) || pipe(debuggee->go))
		return false;
	pid = fork_kid();
	if (!pid) {
		for (i = 1; i < DEBUGGEES; i++)
			pthread_create(&t[i], NULL, wait_and_store, (void *)i);
		wait_and_store(NULL);
		for (i = 1; i < DEBUGGEES; i++)
			pthread_join(t[i], NULL);
		_exit(7);
	}
	debuggee->pid = pid;
	wait_for(debuggee->ready, DEBUGGEES);
	return pid > 0;
}

static bool stop_thread(pid_t tid, bool seize)
{
	if (ptrace(seize ? PTRACE_SEIZE : PTRACE_ATTACH, tid, 0, 0))
		return false;
	if (seize && ptrace(PTRACE_INTERRUPT, tid, 0, 0))
		return false;
	return waitpid(tid, NULL, __WALL) == tid;
}

/* The debugger's life. */
static int debug_and_die(void *unused)
{
	pid_t tid;
	int i;

	for (i = 0; i < DEBUGGEES; i++) {
		tid = debuggee->tid[i];
		if (!stop_thread(tid, debuggee->seize) || all_four(tid))
			return 1;
		if (debuggee->switch_off && poke(tid, 7, 0))
			return 2;
		if (debuggee->detach && ptrace(PTRACE_DETACH, tid, 0, 0))
			return 3;
		if (debuggee->run && ptrace(PTRACE_CONT, tid, 0, 0))
			return 4;
	}
	kill(getpid(), debuggee->death);
	return 0;
}

/* Lets the threads go; how their process ended, likewise. */
static int end_of_debuggee(void)
{
	int i, status;

	for (i = 0; i < DEBUGGEES; i++)
		tell(debuggee->go);
	if (waitpid(debuggee->pid, &status, __WALL) != debuggee->pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void expect_all_off(struct __test_metadata *_metadata)
{
	int i;

	for (i = 0; i < DEBUGGEES; i++)
		EXPECT_EQ(HWBP_NUM, free_slots(debuggee->tid[i], -1))
			TH_LOG("thread %d", i);
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
}

FIXTURE(death) {
};

FIXTURE_SETUP(death)
{
	ASSERT_TRUE(start_debuggee());
}

FIXTURE_TEARDOWN(death)
{
	kill(debuggee->pid, SIGKILL);
	waitpid(debuggee->pid, NULL, __WALL);
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
}

FIXTURE_VARIANT(death) {
	int signal;
	bool seize, run;
};

FIXTURE_VARIANT_ADD(death, exit_while_stopped) { 0, false, false };
FIXTURE_VARIANT_ADD(death, exit_while_running) { 0, false, true };
FIXTURE_VARIANT_ADD(death, crash_while_stopped) { SIGSEGV, true, false };
FIXTURE_VARIANT_ADD(death, crash_while_running) { SIGSEGV, false, true };
FIXTURE_VARIANT_ADD(death, kill_while_stopped) { SIGKILL, false, false };
FIXTURE_VARIANT_ADD(death, kill_while_running) { SIGKILL, true, true };

static void let_debugger_die(struct __test_metadata *_metadata,
			     const FIXTURE_VARIANT(death) * variant)
{
	int expected = variant->signal ? 256 + variant->signal : 0;

	debuggee->death = variant->signal;
	debuggee->seize = variant->seize;
	debuggee->run = variant->run;
	ASSERT_EQ(expected, in_child(debug_and_die, NULL));
}

/* Whoever has seen the debugger's end finds its breakpoints gone. */
TEST_F(death, switches_off)
{
	let_debugger_die(_metadata, variant);
	expect_all_off(_metadata);
	EXPECT_EQ(7, end_of_debuggee());
}

/* Also what it had switched off in this stop, and kept. */
TEST_F(death, gives_back_what_was_off)
{
	debuggee->switch_off = true;
	let_debugger_die(_metadata, variant);
	expect_all_off(_metadata);
	EXPECT_EQ(7, end_of_debuggee());
}

/* The next debugger finds threads as new ones are, and its own breakpoints hit. */
TEST_F(death, next_debugger)
{
	pid_t pid = debuggee->pid;
	int i, status;

	let_debugger_die(_metadata, variant);
	for (i = 0; i < DEBUGGEES; i++) {
		ASSERT_TRUE(stop_thread(debuggee->tid[i], variant->seize));
		EXPECT_EQ(-1, fresh_registers(debuggee->tid[i]));
	}
	ASSERT_EQ(0, poke(pid, 0, at(2)));
	ASSERT_EQ(0, poke(pid, 7, watch4(0)));
	for (i = 0; i < DEBUGGEES; i++) {
		tell(debuggee->go);
		ASSERT_EQ(0, ptrace(PTRACE_CONT, debuggee->tid[i], 0, 0));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(SIGTRAP, WSTOPSIG(status));
	EXPECT_EQ(TRAP_HWBKPT, trap_code(pid));
	EXPECT_EQ(DR6_NONE | 1, peek(pid, 6));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	/* a thread that is traced has to be buried before its leader */
	for (i = DEBUGGEES - 1; i >= 0; i--)
		ASSERT_EQ(debuggee->tid[i], waitpid(debuggee->tid[i], &status, __WALL));
	EXPECT_EQ(7 << 8, status);
}

/* Stopped by job control: it is off at once, and not only when the threads go on. */
TEST_F(death, job_is_stopped)
{
	int status;

	ASSERT_EQ(0, kill(debuggee->pid, SIGSTOP));
	ASSERT_EQ(debuggee->pid, waitpid(debuggee->pid, &status, WUNTRACED));
	let_debugger_die(_metadata, variant);
	expect_all_off(_metadata);
	ASSERT_EQ(0, kill(debuggee->pid, SIGCONT));
	EXPECT_EQ(7, end_of_debuggee());
}

/* Those who end with their debugger end as ever. */
TEST_F(death, exitkill)
{
	pid_t pid = fork_kid();

	if (!pid) {
		if (!stop_thread(debuggee->pid, variant->seize) || all_four(debuggee->pid) ||
		    ptrace(PTRACE_SETOPTIONS, debuggee->pid, 0, PTRACE_O_EXITKILL))
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(256 + SIGKILL, end_of_debuggee());
}

/* What is live at PTRACE_DETACH stays, whatever becomes of the debugger. */
TEST_F(death, detached_before)
{
	int i;

	debuggee->detach = true;
	debuggee->seize = variant->seize;
	ASSERT_EQ(0, in_child(debug_and_die, NULL));
	for (i = 0; i < DEBUGGEES; i++)
		EXPECT_EQ(0, free_slots(debuggee->tid[i], -1));
	EXPECT_EQ(256 + SIGTRAP, end_of_debuggee());
}

/* The threads end while the debugger does. */
TEST(debugger_dies_beside_its_threads)
{
	int round, i;

	for (round = 0; round < 20; round++) {
		pid_t pid;

		ASSERT_TRUE(start_debuggee());
		debuggee->seize = round & 1;
		pid = fork_kid();
		if (!pid) {
			/* nothing that the threads store to */
			for (i = 0; i < DEBUGGEES; i++) {
				if (!stop_thread(debuggee->tid[i], debuggee->seize) ||
				    poke(debuggee->tid[i], 3, at(7)) ||
				    poke(debuggee->tid[i], 7, watch4(3)) ||
				    ptrace(PTRACE_CONT, debuggee->tid[i], 0, 0))
					_exit(1);
			}
			tell(debuggee->ready);
			for (;;)
				pause();
		}
		wait_for(debuggee->ready, 1);
		for (i = 0; i < DEBUGGEES; i++) {
			if (i == round % DEBUGGEES)
				kill(pid, SIGKILL);
			tell(debuggee->go);
		}
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
		ASSERT_EQ(debuggee->pid, waitpid(debuggee->pid, &i, __WALL));
		ASSERT_EQ(7 << 8, i);
		ASSERT_EQ(HWBP_NUM, free_slots(-1, 0));
		close(debuggee->ready[0]);
		close(debuggee->ready[1]);
		close(debuggee->go[0]);
		close(debuggee->go[1]);
		munmap(debuggee, 4096);
	}
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
