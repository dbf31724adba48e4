// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flexible breakpoints: events that no registers are reserved for.
 *
 * With /sys/bus/event_source/devices/breakpoint/flexible at 1, a new event that isn't pinned is
 * never refused for want of registers. If perf core finds no free register for it, the event waits,
 * and perf core's rotation has the events take turns.
 *
 * Adding an event then means more than looking for a free register:
 *
 * - Events that watch the same share one set of registers. They form a ring: the host has the
 *   registers, the others are its guests. When the host is deleted, the next one becomes the host.
 * - A promised event, which registers are reserved for, always gets them. perf core doesn't know
 *   about promises, so a flexible event may have been added before. Then the flexible event is
 *   evicted, and perf core schedules all events of the CPU anew in an interrupt. For that time
 *   the evicted event is refused, and the others leave free what the CPU and the current task have
 *   reserved, so nothing is evicted again.
 * - An exclusive group is the only one on its CPU. Where all events are promised, the constraint
 *   table ensures that: see hw_breakpoint_exclusive.c.
 *
 * All data belongs to one CPU and changes on that CPU with interrupts off. The kernel debugger's
 * NMI may come at any instruction. If it interrupts a section between begin() and end(), it changes
 * nothing, and the debugger tries again in an interrupt.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/device.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/irq_work.h>
#include <linux/jump_label.h>
#include <linux/kprobes.h>
#include <linux/kstrtox.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>
#include <linux/rcupdate.h>
#include <linux/sysfs.h>

#include "hw_breakpoint_internal.h"
#include "hw_breakpoint_slots.h"

/* === Data ================================================================= */

/*
 * Enabled once flexible events may exist, so that nothing here costs anything before. The key is
 * patched in at one place after the other; sharing_begun is set when all of them are patched.
 */
DEFINE_STATIC_KEY_FALSE(hw_breakpoint_may_share);
static bool sharing_begun;

/* The switch in sysfs: are new events flexible? */
static bool flexible;

static void reschedule(struct irq_work *work);

/**
 * struct sharing - a CPU's own
 * @busy: how many sections between begin() and end() are in progress
 * @next_victim: the register whose host is evicted next, so that flexible events take turns
 * @rescheduling: flexible events leave free what is reserved
 * @reschedule: has perf core schedule this CPU's events anew
 * @pmu: whose events those are; NULL: all
 */
struct sharing {
	unsigned int		busy;
	unsigned int		next_victim;
	bool			rescheduling;
	struct irq_work		reschedule;
	struct pmu		*pmu;
};

static DEFINE_PER_CPU(struct sharing, sharing) = {
	.reschedule = IRQ_WORK_INIT_HARD(reschedule),
};

static struct perf_event *event_of(const struct arch_hw_breakpoint *hw)
{
	return container_of((struct arch_hw_breakpoint *)hw, struct perf_event, hw.info);
}

static void begin(void)
{
	this_cpu_inc(sharing.busy);
	barrier();
}

static void end(void)
{
	barrier();
	this_cpu_dec(sharing.busy);
}

/* === Rings ================================================================ */

static struct arch_hw_breakpoint *next_in_ring(const struct arch_hw_breakpoint *hw)
{
	return READ_ONCE(hw->ring) ?: (struct arch_hw_breakpoint *)hw;
}

static void join_ring(struct arch_hw_breakpoint *hw, struct arch_hw_breakpoint *host)
{
	hw->guest = true;
	hw->ring = next_in_ring(host);
	/* A #DB that comes in between finds the others behind @hw. */
	WRITE_ONCE(host->ring, hw);
}

static void leave_ring(struct arch_hw_breakpoint *hw)
{
	struct arch_hw_breakpoint *next = hw->ring, *last = next;

	while (last->ring != hw)
		last = last->ring;
	WRITE_ONCE(last->ring, last == next ? NULL : next);
	WRITE_ONCE(hw->ring, NULL);
	hw->guest = false;
}

/*
 * How many events may share one set of registers. The #DB handler calls each of them at each hit.
 * Without a limit, an unprivileged user could make that take milliseconds.
 */
#define RING_MAX	16

static bool ring_is_full(const struct arch_hw_breakpoint *host)
{
	const struct arch_hw_breakpoint *hw = host;
	unsigned int nr = 0;

	do {
		nr++;
		hw = next_in_ring(hw);
	} while (hw != host);
	return nr >= RING_MAX;
}

static bool ring_is_promised(const struct arch_hw_breakpoint *host)
{
	const struct arch_hw_breakpoint *hw = host;

	do {
		if (hw->promised)
			return true;
		hw = next_in_ring(hw);
	} while (hw != host);
	return false;
}

/* An event that has the registers which @hw needs, and that may share them. */
static struct arch_hw_breakpoint *find_host(const struct arch_hw_breakpoint *hw)
{
	struct arch_hw_breakpoint *other;
	unsigned int i;

	if (hw->movable)
		return NULL;
	for (i = 0; i < HBP_NUM; i++) {
		other = arch_hw_breakpoint_holder(i);
		if (other && !other->movable && arch_hw_breakpoint_same(other, hw) &&
		    !ring_is_full(other))
			return other;
	}
	return NULL;
}

/* @hw leaves its registers, if it has any, to its guests. Return: the next host, or NULL. */
static struct arch_hw_breakpoint *leave(struct arch_hw_breakpoint *hw)
{
	struct arch_hw_breakpoint *next = hw->ring;

	if (!next) {
		arch_hw_breakpoint_del(hw);
		return NULL;
	}
	if (!hw->guest) {
		next->guest = false;
		arch_hw_breakpoint_pass(hw, next);
	}
	leave_ring(hw);
	return next;
}

/* === Exclusive groups ===================================================== */

/* The leader of the exclusive group that @hw belongs to, or NULL. */
static const struct perf_event *exclusive_leader(const struct arch_hw_breakpoint *hw)
{
	const struct perf_event *leader;

	if (hw->debugger)
		return NULL;
	leader = event_of(hw)->group_leader;
	return leader->attr.exclusive ? leader : NULL;
}

/*
 * A host that may not be on the CPU together with @hw, or NULL. Promised events are never in each
 * other's way: the constraint table sees to that.
 */
static struct arch_hw_breakpoint *find_conflict(const struct arch_hw_breakpoint *hw)
{
	struct arch_hw_breakpoint *host;
	unsigned int i;

	for (i = 0; i < HBP_NUM; i++) {
		host = arch_hw_breakpoint_holder(i);
		if (host && exclusive_leader(host) != exclusive_leader(hw) &&
		    !(hw->promised && ring_is_promised(host)))
			return host;
	}
	return NULL;
}

/* === Adding =============================================================== */

/* Groups are scheduled with their leader's PMU. If several are concerned, all PMUs are. */
static void schedule_anew(const struct perf_event *bp)
{
	struct sharing *this = this_cpu_ptr(&sharing);
	struct pmu *pmu = bp->group_leader->pmu_ctx->pmu;

	if (irq_work_is_pending(&this->reschedule) && this->pmu != pmu)
		pmu = NULL;
	this->pmu = pmu;
	irq_work_queue(&this->reschedule);
}

/* @host and its guests lose their registers. perf core, which believes them to be on, is told. */
static void evict(struct arch_hw_breakpoint *host)
{
	struct arch_hw_breakpoint *next;

	schedule_anew(event_of(host));
	for (; host; host = next) {
		next = leave(host);
		host->evicted = true;
	}
}

static void reschedule(struct irq_work *work)
{
	this_cpu_write(sharing.rescheduling, true);
	perf_pmu_resched(this_cpu_read(sharing.pmu));
	this_cpu_write(sharing.rescheduling, false);
}

/* Return: false if there is nothing that could be evicted. */
static bool evict_one(void)
{
	struct sharing *this = this_cpu_ptr(&sharing);
	struct arch_hw_breakpoint *host;
	unsigned int i, nr;

	for (nr = 0; nr < HBP_NUM; nr++) {
		i = (this->next_victim + nr) % HBP_NUM;
		host = arch_hw_breakpoint_holder(i);
		if (host && !ring_is_promised(host)) {
			this->next_victim = i + 1;
			evict(host);
			return true;
		}
	}
	return false;
}

/* The registers that the CPU and the current task have not reserved. */
static unsigned int nr_unreserved(void)
{
	const int cpu = smp_processor_id();
	unsigned int left = hw_breakpoint_left_on(cpu), task = 0;
	struct perf_event_context *ctx;

	rcu_read_lock();
	ctx = rcu_dereference(current->perf_event_ctxp);
	if (ctx)
		task = hw_breakpoint_account_most(&ctx->hw_breakpoint_account, cpu);
	rcu_read_unlock();
	return left - min(left, task);
}

/* May the flexible @hw take registers of its own? */
static bool leaves_reserved(const struct arch_hw_breakpoint *hw)
{
	const struct arch_hw_breakpoint *host;
	unsigned int i, used = 0;

	if (exclusive_leader(hw))
		return nr_unreserved() == HBP_NUM;
	for (i = 0; i < HBP_NUM; i++) {
		host = arch_hw_breakpoint_holder(i);
		used += host && !ring_is_promised(host);
	}
	return used + arch_hw_breakpoint_weight(hw) <= nr_unreserved();
}

/* While perf core schedules anew, promised events find free registers, except for the debugger's. */
static bool may_evict(const struct arch_hw_breakpoint *hw)
{
	return hw->promised && (hw->debugger || !this_cpu_read(sharing.rescheduling));
}

/* Return: 0 or -EBUSY. A promised event is never refused, since it evicts what is in its way. */
static int take_registers(struct arch_hw_breakpoint *hw)
{
	const bool was_evicted = hw->evicted;
	struct arch_hw_breakpoint *host;

	hw->evicted = false;
	while ((host = find_conflict(hw))) {
		if (!hw->promised)
			return -EBUSY;
		evict(host);
	}
	host = find_host(hw);
	if (host) {
		join_ring(hw, host);
		return 0;
	}
	if (!hw->promised && this_cpu_read(sharing.rescheduling) &&
	    (was_evicted || !leaves_reserved(hw)))
		return -EBUSY;
	while (arch_hw_breakpoint_add(hw))
		if (!may_evict(hw) || !evict_one())
			return -EBUSY;
	return 0;
}

/* === For the PMU ========================================================== */

/*
 * arch_hw_breakpoint_add() where flexible events may exist. Return: 0, or -EBUSY if the event has to
 * wait for its turn.
 */
int hw_breakpoint_share_add(struct perf_event *bp)
{
	int err;

	if (!READ_ONCE(sharing_begun))
		return arch_hw_breakpoint_add(counter_arch_bp(bp));
	begin();
	err = take_registers(counter_arch_bp(bp));
	end();
	return err;
}

/* arch_hw_breakpoint_del() where flexible events may exist. @bp may have been evicted. */
void hw_breakpoint_share_del(struct perf_event *bp)
{
	begin();
	leave(counter_arch_bp(bp));
	end();
}

/* A flexible event that is on was modified, and finds no registers any more. */
void hw_breakpoint_share_wait(struct perf_event *bp)
{
	WARN_ON_ONCE(counter_arch_bp(bp)->promised);
	schedule_anew(bp);
}

static bool is_first_register(unsigned int i, const struct arch_hw_breakpoint *host)
{
	while (i--)
		if (arch_hw_breakpoint_holder(i) == host)
			return false;
	return true;
}

/*
 * Call @fn with each event that shares another one's registers, and with the first of these
 * registers. Interrupts are off.
 */
void hw_breakpoint_share_each(void (*fn)(const struct perf_event *bp, int reg, void *data),
			      void *data)
{
	const struct arch_hw_breakpoint *host, *hw;
	unsigned int i;

	begin();
	for (i = 0; i < HBP_NUM; i++) {
		host = arch_hw_breakpoint_holder(i);
		if (!host || !is_first_register(i, host))
			continue;
		for (hw = next_in_ring(host); hw != host; hw = next_in_ring(hw))
			fn(event_of(hw), i, data);
	}
	end();
}

/* === For the #DB handler ================================================== */

/* For the #DB handler: the rings stay as they are until hw_breakpoint_share_end_hits(). */
void __kprobes hw_breakpoint_share_begin_hits(void)
{
	begin();
}

void __kprobes hw_breakpoint_share_end_hits(void)
{
	end();
}

/* The event behind @hw that a hit of @host is for, too, or NULL. */
struct arch_hw_breakpoint *
hw_breakpoint_share_next(const struct arch_hw_breakpoint *hw, const struct arch_hw_breakpoint *host)
{
	struct arch_hw_breakpoint *next = next_in_ring(hw);

	return next == host ? NULL : next;
}
NOKPROBE_SYMBOL(hw_breakpoint_share_next);

/* === For the kernel debugger ============================================== */

/*
 * The debugger is about to add and delete its breakpoints on this CPU. Interrupts are off. Return:
 * false if this is an NMI that has interrupted a change. Then the debugger must not change anything,
 * and tries again in an interrupt.
 */
bool __kprobes hw_breakpoint_debugger_begin(void)
{
	if (this_cpu_read(sharing.busy) || arch_hw_breakpoint_is_busy())
		return false;
	begin();
	return true;
}

/* arch_hw_breakpoint_add() for a breakpoint of the debugger, which registers are reserved for. */
void __kprobes hw_breakpoint_debugger_add(struct arch_hw_breakpoint *hw)
{
	if (READ_ONCE(sharing_begun))
		take_registers(hw);
	else
		arch_hw_breakpoint_add(hw);
}

void __kprobes hw_breakpoint_debugger_end(void)
{
	end();
}

/* === The switch =========================================================== */

/*
 * Is @bp, which is being created, to be an event that no registers are reserved for? An inherited
 * copy is as its original, and a sibling as its leader, whatever the switch says by now. Events that
 * exist when the switch is set stay promised.
 */
bool hw_breakpoint_is_flexible(const struct perf_event *bp)
{
	const struct perf_event *leader = bp->group_leader;

	if (bp->parent)
		return !bp->parent->hw.info.promised;
	if (leader != bp && leader->attr.type == PERF_TYPE_BREAKPOINT)
		return !leader->hw.info.promised;
	return READ_ONCE(flexible) && !leader->attr.pinned;
}

static ssize_t flexible_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(flexible));
}

static ssize_t flexible_store(struct device *dev, struct device_attribute *attr,
			      const char *buf, size_t count)
{
	bool on;
	int err = kstrtobool(buf, &on);

	if (err)
		return err;
	/* This stays on, since flexible events may outlive the switch. */
	if (on) {
		static_branch_enable(&hw_breakpoint_may_share);
		WRITE_ONCE(sharing_begun, true);
	}
	WRITE_ONCE(flexible, on);
	return count;
}
static DEVICE_ATTR_RW(flexible);

static struct attribute *flexible_attrs[] = {
	&dev_attr_flexible.attr,
	NULL,
};

static const struct attribute_group flexible_group = {
	.attrs	= flexible_attrs,
};

const struct attribute_group *hw_breakpoint_attr_groups[] = {
	&flexible_group,
	NULL,
};
