// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel changes its own code, for which it borrows the debug registers, while
 * breakpoints are set: each access is a hit, and nothing else is.
 *
 * HWBP_LOOPS makes it longer. At most one data watchpoint is hit on a CPU at a time: with
 * several, QEMU TCG's DR6 is not faithful. The others execute, or must not be hit.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp_own.h"

#include <sys/mman.h>

#define TRACEFS "/sys/kernel/tracing/"

/* Accesses between two changes: each kind its own number. */
#define STORES 40
#define CALLS 30
#define KERNEL_STORES 20
#define KERNEL_CALLS 10

#define LONG 300

/* === What changes code === */

/* The first event of its kind switches a static key on, the last one switches it off. */
static int key_event = -1;

static int static_key_on(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_PAGE_FAULTS,
	};

	key_event = pe_open(&attr, 0, -1);
	return key_event < 0 ? key_event : 0;
}

static int static_key_off(void)
{
	return close(key_event);
}

static int tracepoint_on(void)
{
	return write_file(TRACEFS "events/sched/sched_switch/enable", "1");
}

static int tracepoint_off(void)
{
	return write_file(TRACEFS "events/sched/sched_switch/enable", "0");
}

/* On the function that the breakpoints are on. */
static int kprobe_on(void)
{
	return target("probe %llx", (unsigned long long)target_value("func"));
}

static int kprobe_off(void)
{
	return target("probe 0");
}

static int kprobe_event_on(void)
{
	return write_file(TRACEFS "kprobe_events", "p:hwbp_poke vfs_read") ?:
	       write_file(TRACEFS "events/kprobes/hwbp_poke/enable", "1");
}

static int kprobe_event_off(void)
{
	return write_file(TRACEFS "events/kprobes/hwbp_poke/enable", "0") ?:
	       write_file(TRACEFS "kprobe_events", "-:hwbp_poke");
}

static int tracer_on(void)
{
	return write_file(TRACEFS "set_ftrace_filter", "vfs_*") ?:
	       write_file(TRACEFS "current_tracer", "function");
}

static int tracer_off(void)
{
	return write_file(TRACEFS "current_tracer", "nop");
}

/* === Whether it does, and what it must not hit === */

FIXTURE(poke) {
	int cpus;
	int pokes;
	int silent[MAX_CPUS];
};

FIXTURE_VARIANT(poke) {
	int (*on)(void);
	int (*off)(void);
	unsigned int rounds;
};

FIXTURE_VARIANT_ADD(poke, static_key) {
	.on = static_key_on,
	.off = static_key_off,
	.rounds = 50,
};

FIXTURE_VARIANT_ADD(poke, tracepoint) {
	.on = tracepoint_on,
	.off = tracepoint_off,
	.rounds = 20,
};

FIXTURE_VARIANT_ADD(poke, kprobe) {
	.on = kprobe_on,
	.off = kprobe_off,
	.rounds = 50,
};

FIXTURE_VARIANT_ADD(poke, kprobe_event) {
	.on = kprobe_event_on,
	.off = kprobe_event_off,
	.rounds = 20,
};

FIXTURE_VARIANT_ADD(poke, function_tracer) {
	.on = tracer_on,
	.off = tracer_off,
	.rounds = 10,
};

static unsigned int rounds(unsigned int few)
{
	return few * env_number("HWBP_LOOPS", 1);
}

static uint64_t kernel_value(const char *name)
{
	return target("long %s", name) ? 0 : target_value("result");
}

/*
 * A user address that only the kernel has anything at, and only while it changes code: there
 * it then writes what shall be in a page of the code. The byte is that of the function's
 * first instruction, which the kprobe changes.
 */
static uint64_t poking_byte(void)
{
	uint64_t page = kernel_value("poking_addr");

	return page ? page + target_value("func") % 4096 : 0;
}

FIXTURE_SETUP(poke)
{
	uint64_t write_code = kernel_symbol("__text_poke", -1);
	int cpu, err;

	NEED_TARGET();
	NEED(write_code, "the kernel has no __text_poke() of its own");
	err = variant->on();
	NEED(err != -ENOENT, "the kernel can't do this");
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, variant->off());
	self->cpus = online_cpus();
	ASSERT_LE(self->cpus, MAX_CPUS);
	ASSERT_EQ(0, pin_to(0));
	all_free(_metadata);
	self->pokes = bp_open_kernel(BP_X, write_code, 8, 0, -1);
	ASSERT_GE(self->pokes, 0);
	ASSERT_NE(0, poking_byte());
	for (cpu = 0; cpu < self->cpus; cpu++) {
		self->silent[cpu] = bp_open_kernel(BP_RW, poking_byte(), 1, -1, cpu);
		ASSERT_GE(self->silent[cpu], 0);
	}
}

FIXTURE_TEARDOWN(poke)
{
	int cpu;

	for (cpu = 0; cpu < self->cpus; cpu++) {
		EXPECT_EQ(0, bp_count(self->silent[cpu]))
			TH_LOG("on CPU %d", cpu);
		close(self->silent[cpu]);
	}
	close(self->pokes);
	target("drop");
	all_free(_metadata);
}

/* Changes code, and makes sure that it did. */
#define CHANGE(fn) do {						\
	long long written = bp_count(self->pokes);		\
								\
	ASSERT_EQ(0, (fn)());					\
	ASSERT_GT(bp_count(self->pokes), written);		\
} while (0)

/* === In turns === */

TEST_F_TIMEOUT(poke, user, LONG)
{
	unsigned int n = rounds(variant->rounds), i;
	int data, call;

	data = bp_open(BP_W, addr_of(&var), 8, 0, -1);
	ASSERT_GE(data, 0);
	call = bp_open(BP_X, CODE, 8, 0, -1);
	ASSERT_GE(call, 0);
	for (i = 0; i < n; i++) {
		CHANGE(variant->on);
		stores(&var, 8, STORES);
		calls(CALLS);
		CHANGE(variant->off);
		stores(&var, 8, STORES);
		calls(CALLS);
		pin_to(i % self->cpus);
	}
	EXPECT_EQ(2LL * n * STORES, bp_count(data));
	EXPECT_EQ(2LL * n * CALLS, bp_count(call));
	close(data);
	close(call);
}

TEST_F_TIMEOUT(poke, kernel_cpu_bound, LONG)
{
	unsigned int n = rounds(variant->rounds), i;
	int data, call, cpu = self->cpus - 1;

	data = bp_open_kernel(BP_W, target_value("var"), 8, -1, cpu);
	ASSERT_GE(data, 0);
	call = bp_open_kernel(BP_X, target_value("func"), 8, -1, cpu);
	ASSERT_GE(call, 0);
	for (i = 0; i < n; i++) {
		/* once from that CPU, once from another one */
		CHANGE(variant->on);
		ASSERT_EQ(0, pin_to(cpu));
		ASSERT_EQ(0, target("w %d 8", KERNEL_STORES));
		ASSERT_EQ(0, target("x %d", KERNEL_CALLS));
		CHANGE(variant->off);
		ASSERT_EQ(0, target("w %d 8", KERNEL_STORES));
		ASSERT_EQ(0, target("x %d", KERNEL_CALLS));
		ASSERT_EQ(0, pin_to(0));
	}
	EXPECT_EQ(2LL * n * KERNEL_STORES, bp_count(data));
	EXPECT_EQ(2LL * n * KERNEL_CALLS, bp_count(call));
	close(data);
	close(call);
}

static int make_wide(int type, const char *key)
{
	return target("wide %d %llx 8", type, (unsigned long long)target_value(key));
}

#define EVERYWHERE(...) do {					\
	int cpu;						\
								\
	for (cpu = 0; cpu < self->cpus; cpu++) {		\
		ASSERT_EQ(0, pin_to(cpu));			\
		ASSERT_EQ(0, target(__VA_ARGS__));		\
	}							\
} while (0)

TEST_F_TIMEOUT(poke, kernel_wide_data, LONG)
{
	unsigned int n = rounds(variant->rounds), i;

	ASSERT_EQ(0, make_wide(BP_W, "var"));
	for (i = 0; i < n; i++) {
		CHANGE(variant->on);
		EVERYWHERE("w %d 8", KERNEL_STORES);
		CHANGE(variant->off);
		EVERYWHERE("w %d 8", KERNEL_STORES);
	}
	EXPECT_EQ(2ULL * n * self->cpus * KERNEL_STORES, target_value("hits"));
}

TEST_F_TIMEOUT(poke, kernel_wide_execution, LONG)
{
	unsigned int n = rounds(variant->rounds), i;

	ASSERT_EQ(0, make_wide(BP_X, "func"));
	for (i = 0; i < n; i++) {
		CHANGE(variant->on);
		EVERYWHERE("x %d", KERNEL_CALLS);
		CHANGE(variant->off);
		EVERYWHERE("x %d", KERNEL_CALLS);
	}
	EXPECT_EQ(2ULL * n * self->cpus * KERNEL_CALLS, target_value("hits"));
}

/* === At the same time === */

/* Shared with the child that changes code. */
static struct arena {
	volatile unsigned int changes;
	volatile int err;
} *arena;

/* Till it has changed code @n times, we make accesses, on the same CPU and on others. */
TEST_F_TIMEOUT(poke, beside, LONG)
{
	unsigned int n = 2 * rounds(variant->rounds), turns = 0;
	int data, call, status;
	pid_t pid;

	arena = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)arena);
	data = bp_open(BP_W, addr_of(&var), 8, 0, -1);
	ASSERT_GE(data, 0);
	call = bp_open(BP_X, CODE, 8, 0, -1);
	ASSERT_GE(call, 0);
	/* The fourth register. */
	close(self->pokes);
	ASSERT_EQ(0, make_wide(BP_X, "func"));
	pid = fork_kid();
	if (!pid) {
		while (arena->changes < n && !arena->err) {
			arena->err = (arena->changes & 1 ? variant->off : variant->on)();
			arena->changes++;
		}
		_exit(0);
	}
	while (arena->changes < n && !arena->err) {
		stores(&var, 8, STORES);
		calls(CALLS);
		ASSERT_EQ(0, target("x %d", KERNEL_CALLS));
		turns++;
		ASSERT_EQ(0, pin_to(turns / 8 % self->cpus));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, arena->err);
	EXPECT_GT(turns, 0);
	EXPECT_EQ(1LL * turns * STORES, bp_count(data));
	EXPECT_EQ(1LL * turns * CALLS, bp_count(call));
	EXPECT_EQ(1ULL * turns * KERNEL_CALLS, target_value("hits"));
	close(data);
	close(call);
	munmap(arena, 4096);
}

TEST_HARNESS_MAIN
