// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the PMU as perf core and kernel code see it: counts, periods, stopping and starting,
 * ranges, exclusive events, and what is modified.
 *
 * One data watchpoint on a CPU at a time, as QEMU TCG needs it; a range is one access.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <kunit/test.h>

#include <linux/hw_breakpoint.h>
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/smp.h>

#define ACCESSES 100
#define MAX_EVENTS 4

static char bytes[64] __aligned(64);

/* Of the test that runs. */
static struct perf_event *event[MAX_EVENTS];
static int nr_events;
static int overflows;

/* === Tools === */

static void count_overflow(struct perf_event *bp, struct perf_sample_data *data,
			   struct pt_regs *regs)
{
	WRITE_ONCE(overflows, overflows + 1);
}

/* It changes between any two instructions. */
static int overflows_seen(void)
{
	return READ_ONCE(overflows);
}

static void store(unsigned int i, unsigned int n)
{
	while (n--)
		WRITE_ONCE(bytes[i], n);
}

static struct perf_event_attr write_attr(unsigned int i, unsigned int len)
{
	struct perf_event_attr attr;

	hw_breakpoint_init(&attr);
	attr.bp_type = HW_BREAKPOINT_W;
	attr.bp_addr = (unsigned long)&bytes[i];
	attr.bp_len = len;
	return attr;
}

/* On this CPU. Return: the event, or an error pointer. */
static struct perf_event *open_event(struct perf_event_attr attr)
{
	struct perf_event *bp;

	bp = perf_event_create_kernel_counter(&attr, raw_smp_processor_id(), NULL, count_overflow,
					      NULL);

	if (!IS_ERR(bp))
		event[nr_events++] = bp;
	return bp;
}

static struct perf_event *need_event(struct kunit *test, struct perf_event_attr attr)
{
	struct perf_event *bp = open_event(attr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bp);
	return bp;
}

static void close_last(void)
{
	perf_event_release_kernel(event[--nr_events]);
}

static u64 count_of(struct perf_event *bp)
{
	u64 enabled, running;

	return perf_event_read_value(bp, &enabled, &running);
}

/* === Counts and periods === */

static void test_counts(struct kunit *test)
{
	struct perf_event *bp = need_event(test, write_attr(8, 8));

	store(8, ACCESSES);
	KUNIT_EXPECT_EQ(test, ACCESSES, count_of(bp));
	KUNIT_EXPECT_EQ(test, ACCESSES, overflows_seen());
	perf_event_disable(bp);
	store(8, ACCESSES);
	perf_event_enable(bp);
	KUNIT_EXPECT_EQ(test, ACCESSES, count_of(bp));
}

/* A period that is changed while it counts: each overflow after exactly so many hits. */
static void test_periods(struct kunit *test)
{
	static const u64 period[] = { 7, 1, 10, 3 };
	struct perf_event *bp = need_event(test, write_attr(8, 8));
	int i;

	for (i = 0; i < ARRAY_SIZE(period); i++) {
		KUNIT_ASSERT_EQ(test, 0, perf_event_period(bp, period[i]));
		WRITE_ONCE(overflows, 0);
		store(8, period[i] - 1);
		KUNIT_EXPECT_EQ(test, 0, overflows_seen());
		store(8, 1);
		KUNIT_EXPECT_EQ(test, 1, overflows_seen());
		store(8, 5 * period[i]);
		KUNIT_EXPECT_EQ(test, 6, overflows_seen());
	}
}

/* perf core stops an event that it throttles, and starts it again: it keeps its register. */
static void test_stop_and_start(struct kunit *test)
{
	struct perf_event *bp = need_event(test, write_attr(8, 8));
	unsigned long flags;

	local_irq_save(flags);
	bp->pmu->stop(bp, PERF_EF_UPDATE);
	store(8, ACCESSES);
	bp->pmu->start(bp, 0);
	store(8, 3);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, 3, count_of(bp));
}

/* === Ranges === */

static void test_range(struct kunit *test)
{
	struct perf_event *bp = need_event(test, write_attr(3, 13));
	int i;

	for (i = 3; i < 3 + 13; i++)
		store(i, 1);
	store(40, ACCESSES);
	KUNIT_EXPECT_EQ(test, 13, count_of(bp));
	KUNIT_EXPECT_EQ(test, -ENOSPC, PTR_ERR_OR_ZERO(open_event(write_attr(16, 16))));
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(open_event(write_attr(1, 31))));
	KUNIT_EXPECT_EQ(test, 1, nr_events);
}

/* Of the kernel's own a modification changes length, type and weight in one step, or nothing. */
static void test_modify(struct kunit *test)
{
	struct perf_event_attr attr = write_attr(3, 13), other = write_attr(48, 8);
	struct perf_event *bp = need_event(test, write_attr(8, 8));

	KUNIT_ASSERT_EQ(test, 0, modify_user_hw_breakpoint(bp, &attr));
	store(3, ACCESSES);
	KUNIT_EXPECT_EQ(test, ACCESSES, count_of(bp));
	need_event(test, other);
	attr = write_attr(1, 15);
	KUNIT_EXPECT_EQ(test, -ENOSPC, modify_user_hw_breakpoint(bp, &attr));
	attr = write_attr(1, 31);
	KUNIT_EXPECT_EQ(test, -EINVAL, modify_user_hw_breakpoint(bp, &attr));
	close_last();
	KUNIT_EXPECT_EQ(test, (unsigned long)&bytes[3], bp->attr.bp_addr);
	store(3, ACCESSES);
	store(1, ACCESSES);
	KUNIT_EXPECT_EQ(test, 2 * ACCESSES, count_of(bp));
}

/* === Exclusive === */

static void test_exclusive(struct kunit *test)
{
	struct perf_event_attr attr = write_attr(8, 8);
	struct perf_event *bp;

	attr.exclusive = 1;
	bp = need_event(test, attr);
	KUNIT_EXPECT_EQ(test, -ENOSPC, PTR_ERR_OR_ZERO(open_event(write_attr(16, 8))));
	store(8, ACCESSES);
	KUNIT_EXPECT_EQ(test, ACCESSES, count_of(bp));
	close_last();
	need_event(test, write_attr(16, 8));
	KUNIT_EXPECT_EQ(test, -ENOSPC, PTR_ERR_OR_ZERO(open_event(attr)));
	close_last();
	need_event(test, attr);
}

/* === The suite === */

static int init(struct kunit *test)
{
	WRITE_ONCE(overflows, 0);
	return set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
}

static void cleanup(struct kunit *test)
{
	while (nr_events)
		close_last();
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_counts),
	KUNIT_CASE(test_periods),
	KUNIT_CASE(test_stop_and_start),
	KUNIT_CASE(test_range),
	KUNIT_CASE(test_modify),
	KUNIT_CASE(test_exclusive),
	{ },
};

static struct kunit_suite pmu_suite = {
	.name = "hw_breakpoint_pmu",
	.test_cases = cases,
	.init = init,
	.exit = cleanup,
};

kunit_test_suite(pmu_suite);

MODULE_DESCRIPTION("KUnit test of the breakpoints' PMU");
MODULE_LICENSE("GPL");
