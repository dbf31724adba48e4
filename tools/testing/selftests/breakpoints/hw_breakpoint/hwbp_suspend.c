// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine sleeps while breakpoints are set, and empties the registers of every CPU:
 * afterwards each breakpoint is hit as before, wherever it was promised.
 *
 * HWBP_SLEEP is how it sleeps: mem (the default) or disk, what /sys/power/state takes. The
 * machine's clock wakes it after HWBP_ALARM seconds (20); with 0 that is another's job, and
 * so it is after disk.
 *
 * At most one data watchpoint can be hit on a CPU: with several, QEMU TCG's DR6 is not
 * faithful. The others execute.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp_own.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define POWER_STATE "/sys/power/state"
#define SUSPENDED "/sys/power/suspend_stats/success"
#define WAKEALARM "/sys/class/rtc/rtc0/wakealarm"

/* Accesses before each sleep, and after it: each kind its own number, to tell them apart. */
#define STORES 1000
#define CALLS 300
#define KERNEL_STORES 500
#define KERNEL_CALLS 200
/* Of a tracee, which stops at each. */
#define TRACED_STORES 30
#define TRACED_CALLS 20

/* Seconds for a test; nothing of a sleep but the way there and back counts. */
#define LONG 120

/* === Sleep === */

static const char *sleep_kind(void)
{
	return getenv("HWBP_SLEEP") ?: "mem";
}

static bool to_disk(void)
{
	return !strcmp(sleep_kind(), "disk");
}

static void go_to_sleep(struct __test_metadata *_metadata)
{
	unsigned int alarm = to_disk() ? 0 : env_number("HWBP_ALARM", 20);
	int before = read_int(SUSPENDED, 0);
	char text[16];

	if (alarm) {
		snprintf(text, sizeof(text), "+%u", alarm);
		ASSERT_EQ(0, write_file(WAKEALARM, "0"));
		ASSERT_EQ(0, write_file(WAKEALARM, text));
	}
	ASSERT_EQ(0, write_file(POWER_STATE, sleep_kind()));
	if (!to_disk())
		ASSERT_EQ(before + 1, read_int(SUSPENDED, 0));
}

FIXTURE(sleep) {
	int cpus;
};

FIXTURE_SETUP(sleep)
{
	char states[64] = "";
	FILE *f = fopen(POWER_STATE, "re");

	if (f) {
		if (!fgets(states, sizeof(states), f))
			states[0] = '\0';
		fclose(f);
	}
	NEED(strstr(states, sleep_kind()), "the machine can't sleep so");
	self->cpus = online_cpus();
	ASSERT_LE(self->cpus, MAX_CPUS);
	all_free(_metadata);
}

FIXTURE_TEARDOWN(sleep)
{
	target("drop");
	EXPECT_EQ(self->cpus, online_cpus());
	all_free(_metadata);
}

/* === Events, with their times === */

/* It counted @count, and says that it was on all the time. */
static struct reading was_on(struct __test_metadata *_metadata, const char *what, int cpu, int fd,
			     uint64_t count)
{
	struct reading r = look(fd);

	EXPECT_EQ(count, r.count)
		TH_LOG("%s on CPU %d", what, cpu);
	EXPECT_GT(r.enabled, 0);
	EXPECT_EQ(r.enabled, r.running)
		TH_LOG("%s on CPU %d", what, cpu);
	return r;
}

/* === Bound to a CPU === */

enum { BY_DATA, BY_CALL, BY_KERNEL_CALL, BY_NOTHING, KINDS };

struct bound {
	int fd[KINDS];
	uint64_t per_sleep[KINDS];
};

static const char * const kind_name[KINDS] = {
	"data", "execution", "kernel execution", "software event",
};

static void bind_to(struct __test_metadata *_metadata, struct bound *b, int cpu, bool kernel_data)
{
	struct perf_event_attr attr[KINDS] = {
		[BY_DATA] = kernel_data ? in_kernel(bp_attr(BP_W, target_value("var"), 8)) :
					  bp_attr(BP_W, addr_of(&var), 8),
		[BY_CALL] = bp_attr(BP_X, CODE, 8),
		[BY_KERNEL_CALL] = in_kernel(bp_attr(BP_X, target_value("func"), 8)),
		[BY_NOTHING] = dummy_attr(),
	};
	int i;

	b->per_sleep[BY_DATA] = kernel_data ? KERNEL_STORES : STORES;
	b->per_sleep[BY_CALL] = CALLS;
	b->per_sleep[BY_KERNEL_CALL] = KERNEL_CALLS;
	b->per_sleep[BY_NOTHING] = 0;
	for (i = 0; i < KINDS; i++) {
		b->fd[i] = open_timed(attr[i], -1, cpu);
		ASSERT_GE(b->fd[i], 0)
			TH_LOG("%s on CPU %d", kind_name[i], cpu);
	}
}

static void accesses_on(struct __test_metadata *_metadata, int cpu, bool kernel_data)
{
	ASSERT_EQ(0, pin_to(cpu));
	if (!kernel_data)
		stores(&var, 8, STORES);
	else
		ASSERT_EQ(0, target("w %d 8", KERNEL_STORES));
	calls(CALLS);
	ASSERT_EQ(0, target("x %d", KERNEL_CALLS));
}

/*
 * perf ends events whose CPU goes away, and all but the boot CPU go away when the machine
 * sleeps. So there a breakpoint is to do what a software event does, and not to claim that
 * it was on.
 */
static void compare_with_software(struct __test_metadata *_metadata, struct bound *b, int cpu,
				  const struct reading *woken)
{
	bool lives = look(b->fd[BY_NOTHING]).enabled > woken[BY_NOTHING].enabled;
	struct reading r;
	int i;

	for (i = 0; i < KINDS; i++) {
		if (lives) {
			was_on(_metadata, kind_name[i], cpu, b->fd[i], 2 * b->per_sleep[i]);
			continue;
		}
		r = look(b->fd[i]);
		EXPECT_EQ(b->per_sleep[i], r.count)
			TH_LOG("%s on CPU %d, which was away", kind_name[i], cpu);
		EXPECT_EQ(woken[i].enabled, r.enabled);
		EXPECT_EQ(woken[i].running, r.running);
	}
}

static void bound_to_cpus(struct __test_metadata *_metadata, int cpus, bool kernel_data)
{
	struct reading woken[KINDS];
	struct bound b[MAX_CPUS];
	int cpu, i;

	for (cpu = 0; cpu < cpus; cpu++) {
		bind_to(_metadata, &b[cpu], cpu, kernel_data);
		accesses_on(_metadata, cpu, kernel_data);
	}
	for (cpu = 0; cpu < cpus; cpu++)
		for (i = 0; i < KINDS; i++)
			was_on(_metadata, kind_name[i], cpu, b[cpu].fd[i], b[cpu].per_sleep[i]);
	go_to_sleep(_metadata);
	for (cpu = 0; cpu < cpus; cpu++) {
		for (i = 0; i < KINDS; i++)
			woken[i] = look(b[cpu].fd[i]);
		accesses_on(_metadata, cpu, kernel_data);
		if (cpu) {
			compare_with_software(_metadata, &b[cpu], cpu, woken);
			continue;
		}
		for (i = 0; i < KINDS; i++)
			was_on(_metadata, kind_name[i], 0, b[0].fd[i], 2 * b[0].per_sleep[i]);
	}
	for (cpu = 0; cpu < cpus; cpu++)
		for (i = 0; i < KINDS; i++)
			close(b[cpu].fd[i]);
}

TEST_F_TIMEOUT(sleep, cpu_bound_user_data, LONG)
{
	NEED_TARGET();
	bound_to_cpus(_metadata, self->cpus, false);
}

TEST_F_TIMEOUT(sleep, cpu_bound_kernel_data, LONG)
{
	NEED_TARGET();
	bound_to_cpus(_metadata, self->cpus, true);
}

/* === Bound to a task === */

/* A child that makes the stores, once for each byte that it is sent. */
struct servant {
	pid_t pid;
	int to, from;
};

static struct servant hire(void)
{
	int to[2], from[2];
	struct servant s;
	char c;

	if (pipe(to) || pipe(from))
		return (struct servant){ .pid = -1 };
	s = (struct servant){ .pid = fork_kid(), .to = to[1], .from = from[0] };
	if (!s.pid) {
		close(to[1]);
		while (read(to[0], &c, 1) == 1) {
			stores(&var, 8, STORES);
			if (write(from[1], &c, 1) != 1)
				break;
		}
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	return s;
}

static void serve(struct __test_metadata *_metadata, const struct servant *s)
{
	char c = 'x';

	ASSERT_EQ(1, write(s->to, &c, 1));
	ASSERT_EQ(1, read(s->from, &c, 1));
}

/* Ourselves, who go to sleep last, on every CPU; and a child that sleeps already. */
TEST_F_TIMEOUT(sleep, task_bound, LONG)
{
	int data, kernel_call, call[MAX_CPUS], there, cpu, round;
	struct servant s = hire();

	NEED_TARGET();
	ASSERT_GT(s.pid, 0);
	data = open_timed(bp_attr(BP_W, addr_of(&var), 8), 0, -1);
	ASSERT_GE(data, 0);
	kernel_call = open_timed(in_kernel(bp_attr(BP_X, target_value("func"), 8)), 0, -1);
	ASSERT_GE(kernel_call, 0);
	for (cpu = 0; cpu < self->cpus; cpu++) {
		call[cpu] = open_timed(bp_attr(BP_X, CODE, 8), 0, cpu);
		ASSERT_GE(call[cpu], 0);
	}
	there = open_timed(bp_attr(BP_W, addr_of(&var), 8), s.pid, -1);
	ASSERT_GE(there, 0);

	for (round = 1; round <= 2; round++) {
		for (cpu = 0; cpu < self->cpus; cpu++) {
			accesses_on(_metadata, cpu, false);
			/* which is off while we are elsewhere */
			EXPECT_EQ(round * CALLS, look(call[cpu]).count)
				TH_LOG("on CPU %d", cpu);
		}
		serve(_metadata, &s);
		was_on(_metadata, "data", -1, data, round * self->cpus * STORES);
		was_on(_metadata, "kernel execution", -1, kernel_call,
		       round * self->cpus * KERNEL_CALLS);
		was_on(_metadata, "a child's data", -1, there, round * STORES);
		if (round == 1)
			go_to_sleep(_metadata);
	}
	close(data);
	close(kernel_call);
	for (cpu = 0; cpu < self->cpus; cpu++)
		close(call[cpu]);
	close(there);
	end_task(s.pid);
}

/* A child's breakpoint that kernel code has made. */
TEST_F_TIMEOUT(sleep, task_bound_by_kernel, LONG)
{
	struct servant s = hire();
	int round;

	NEED_TARGET();
	ASSERT_GT(s.pid, 0);
	ASSERT_EQ(0, target("user %d %d %lx 8", s.pid, BP_W, (unsigned long)&var));
	for (round = 1; round <= 2; round++) {
		serve(_metadata, &s);
		EXPECT_EQ(round * STORES, target_value("hits"));
		if (round == 1)
			go_to_sleep(_metadata);
	}
	EXPECT_EQ(0, target("drop"));
	end_task(s.pid);
}

/* === Wide === */

/* By kernel code, on the address that the module's status has as @key. */
static int make_wide(int type, const char *key)
{
	return target("wide %d %llx 8", type, (unsigned long long)target_value(key));
}

/* On each CPU @n accesses by @command, which is w or x, are @n hits. */
static void wide_hits(struct __test_metadata *_metadata, int cpus, const char *command, int n)
{
	uint64_t before;
	int cpu;

	for (cpu = 0; cpu < cpus; cpu++) {
		ASSERT_EQ(0, pin_to(cpu));
		before = target_value("hits");
		ASSERT_EQ(0, target(*command == 'w' ? "w %d 8" : "x %d", n));
		EXPECT_EQ(n, target_value("hits") - before)
			TH_LOG("on CPU %d", cpu);
	}
}

TEST_F_TIMEOUT(sleep, wide_data, LONG)
{
	NEED_TARGET();
	ASSERT_EQ(0, make_wide(BP_W, "var"));
	wide_hits(_metadata, self->cpus, "w", KERNEL_STORES);
	go_to_sleep(_metadata);
	wide_hits(_metadata, self->cpus, "w", KERNEL_STORES);
}

TEST_F_TIMEOUT(sleep, wide_execution, LONG)
{
	NEED_TARGET();
	ASSERT_EQ(0, make_wide(BP_X, "func"));
	wide_hits(_metadata, self->cpus, "x", KERNEL_CALLS);
	go_to_sleep(_metadata);
	wide_hits(_metadata, self->cpus, "x", KERNEL_CALLS);
}

/* === The boot CPU's way back === */

/* An execution breakpoint of ours on a kernel function. */
static int open_symbol(const char *name, pid_t pid, int cpu)
{
	uint64_t addr = kernel_symbol(name, -1);

	return addr ? open_timed(in_kernel(bp_attr(BP_X, addr, 8)), pid, cpu) : -ENOENT;
}

/*
 * Of the kernel's own functions that bring the machine back, each runs once, and none of
 * them may be missed: later, programming anything else could have armed it again by chance.
 */
TEST_F_TIMEOUT(sleep, way_back, LONG)
{
	int cpu_bound, task_bound;

	NEED_TARGET();
	cpu_bound = open_symbol("syscore_resume", -1, 0);
	ASSERT_GE(cpu_bound, 0);
	/* The task that goes to sleep is the one that comes back. */
	task_bound = open_symbol("timekeeping_resume", 0, -1);
	ASSERT_GE(task_bound, 0);
	ASSERT_NE(0, kernel_symbol("thaw_secondary_cpus", -1));
	ASSERT_EQ(0, make_wide(BP_X, "result"));
	was_on(_metadata, "syscore_resume()", 0, cpu_bound, 0);
	was_on(_metadata, "timekeeping_resume()", -1, task_bound, 0);
	EXPECT_EQ(0, target_value("hits"));
	go_to_sleep(_metadata);
	was_on(_metadata, "syscore_resume()", 0, cpu_bound, 1);
	was_on(_metadata, "timekeeping_resume()", -1, task_bound, 1);
	EXPECT_EQ(1, target_value("hits"))
		TH_LOG("wide on thaw_secondary_cpus()");
	close(cpu_bound);
	close(task_bound);
}

/* === AMD's address masks === */

#define PAGE 4096
#define TWO_PAGES 8192

static char pages[TWO_PAGES] __attribute__((aligned(TWO_PAGES)));

/* For an address of that length. */
#define MASK_OF(len) ((len) - 1)

/* A breakpoint so long that only a mask makes it, though this machine may have none. */
static int open_long(uint64_t len, pid_t pid, int cpu)
{
	int fd;

	if (target("bpext 1"))
		return -ENODEV;
	fd = bp_open(BP_RW, addr_of(pages), len, pid, cpu);
	target("bpext 0");
	return fd;
}

/* How many of @cpu's registers were last given the mask of @len; with @fresh, after a zero. */
static int masked(int cpu, uint64_t len, bool fresh)
{
	int reg, n = 0;

	for (reg = 0; reg < HWBP_NUM; reg++) {
		if (target("mask %d %d", cpu, reg))
			return -1;
		n += (uint32_t)target_value("result") == MASK_OF(len) &&
		     (!fresh || !(target_value("result") >> 32));
	}
	return n;
}

/*
 * A CPU that was off has lost the masks, and amd_set_dr_addr_mask() keeps what it believes to
 * be there: only a zero first makes it write. Here its calls are noted, of which those before
 * the sleep are forgotten; the registers may not be there.
 */
TEST_F_TIMEOUT(sleep, masks, LONG)
{
	int fd[2];

	NEED_TARGET();
	ASSERT_EQ(0, pin_to(0));
	NEED(!target("masks 1"), "the kernel has nothing for AMD");
	fd[0] = open_long(PAGE, -1, 0);
	NEED(fd[0] != -EINVAL && fd[0] != -EOPNOTSUPP, "no length that needs a mask is accepted");
	ASSERT_GE(fd[0], 0);
	fd[1] = open_long(TWO_PAGES, 0, -1);
	ASSERT_GE(fd[1], 0);
	EXPECT_EQ(1, masked(0, PAGE, false));
	EXPECT_EQ(1, masked(0, TWO_PAGES, false));
	go_to_sleep(_metadata);
	EXPECT_EQ(1, masked(0, PAGE, true))
		TH_LOG("of the breakpoint on CPU 0");
	EXPECT_EQ(1, masked(0, TWO_PAGES, true))
		TH_LOG("of our own breakpoint");
	close(fd[0]);
	close(fd[1]);
}

TEST_F_TIMEOUT(sleep, masks_of_wide, LONG)
{
	int cpu, err;

	NEED_TARGET();
	NEED(!target("masks 1"), "the kernel has nothing for AMD");
	target("bpext 1");
	err = target("wide %d %lx %d", BP_RW, (unsigned long)pages, PAGE);
	NEED(err != -EINVAL && err != -EOPNOTSUPP, "no length that needs a mask is accepted");
	ASSERT_EQ(0, err);
	for (cpu = 0; cpu < self->cpus; cpu++)
		EXPECT_EQ(1, masked(cpu, PAGE, false));
	go_to_sleep(_metadata);
	for (cpu = 0; cpu < self->cpus; cpu++) {
		EXPECT_EQ(1, masked(cpu, PAGE, true))
			TH_LOG("on CPU %d", cpu);
	}
}

/* === A debugger's === */

/* DR7: registers 0 (stores to 8 bytes) and 1 (execution) locally enabled. */
#define TRACED_DR7 (0x1UL | 0x4UL | 0x9UL << 16)
#define DR6_NONE 0xffff0ff0UL

static unsigned long peek(pid_t pid, int n)
{
	return ptrace(PTRACE_PEEKUSER, pid, dr_offset(n), 0);
}

/* A tracee on @cpu that is stopped and has its registers set; it goes on a round at a time. */
static pid_t start_tracee(int cpu)
{
	pid_t pid = fork_kid();
	int status;

	if (!pid) {
		pin_to(cpu);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		for (;;) {
			raise(SIGSTOP);
			stores(&var, 8, TRACED_STORES);
			calls(TRACED_CALLS);
		}
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    poke(pid, 0, addr_of(&var)) || poke(pid, 1, CODE) || poke(pid, 7, TRACED_DR7))
		return -1;
	return pid;
}

/* How often a round stops it by each register; another stop makes both negative. */
static void one_round(pid_t pid, int *hits)
{
	int status;

	hits[0] = 0;
	hits[1] = 0;
	while (!ptrace(PTRACE_CONT, pid, 0, 0) && waitpid(pid, &status, __WALL) == pid &&
	       WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == SIGSTOP)
			return;
		if (WSTOPSIG(status) != SIGTRAP)
			break;
		if (peek(pid, 6) == (DR6_NONE | 1))
			hits[0]++;
		else if (peek(pid, 6) == (DR6_NONE | 2))
			hits[1]++;
		else
			break;
		poke(pid, 6, DR6_NONE);
	}
	hits[0] = -1;
	hits[1] = -1;
}

TEST_F_TIMEOUT(sleep, debuggers, LONG)
{
	int cpu, round, hits[2];
	pid_t pid[MAX_CPUS];

	for (cpu = 0; cpu < self->cpus; cpu++) {
		pid[cpu] = start_tracee(cpu);
		ASSERT_GT(pid[cpu], 0);
	}
	for (round = 1; round <= 2; round++) {
		for (cpu = 0; cpu < self->cpus; cpu++) {
			one_round(pid[cpu], hits);
			EXPECT_EQ(TRACED_STORES, hits[0])
				TH_LOG("on CPU %d", cpu);
			EXPECT_EQ(TRACED_CALLS, hits[1])
				TH_LOG("on CPU %d", cpu);
		}
		if (round == 1)
			go_to_sleep(_metadata);
	}
	for (cpu = 0; cpu < self->cpus; cpu++) {
		EXPECT_EQ(addr_of(&var), peek(pid[cpu], 0));
		EXPECT_EQ(CODE, peek(pid[cpu], 1));
		EXPECT_EQ(TRACED_DR7, peek(pid[cpu], 7));
		end_task(pid[cpu]);
	}
}

TEST_HARNESS_MAIN
