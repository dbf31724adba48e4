// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flexible breakpoints: those that are promised nothing and take turns.
 *
 * With /sys/bus/event_source/devices/breakpoint/flexible at 1, an event that isn't pinned is
 * never refused for want of registers. perf core adds what it may, in its order: pinned before
 * others, a CPU's before a task's. What finds no register waits, and perf core rotates.
 *
 * From then on there is more to an add than a free register:
 *
 * - Events that watch the same share one set of registers, in a ring. One of them, the host, has
 *   the registers; the others are its guests. When the host goes, the next one becomes the host.
 * - What is promised takes registers from what isn't: perf core orders by "pinned", which need
 *   not be the same, and the kernel debugger comes when it wants. Who loses them is evicted. It
 *   is still on to perf core, and gets them back as soon as they are free; until then its time
 *   is lost, and doesn't count as running.
 * - A group whose leader is exclusive is alone, or isn't on. Where all are promised that is so
 *   anyway: see hw_breakpoint_exclusive.c.
 *
 * All of this belongs to one CPU, and changes there with interrupts off. The debugger's NMI may
 * come at any instruction. While something is being changed or iterated over, the debugger changes
 * nothing, and comes back in an interrupt.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/irq_work.h>
#include <linux/jump_label.h>
#include <linux/kprobes.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "hw_breakpoint_internal.h"

/* === Data ================================================================= */

/*
 * Has there ever been an event without a promise? Until then none of this costs anything. The
 * key is patched in at one place after the other, and @sharing_begun is set when it is at all.
 */
DEFINE_STATIC_KEY_FALSE(hw_breakpoint_may_share);
static bool sharing_begun;

/* May new events be without one? */
static bool flexible;

static void start_rotating(struct irq_work *work);

/**
 * struct hw_breakpoint_sched - what an event needs in addition that no registers are reserved for
 * @evicted: in the CPU's list of events that were evicted
 * @hw: the event's breakpoint
 * @evicted_at: when the event lost its registers to another one, in ns of local_clock(). perf core
 *	believes that it is on. 0: it has them
 * @lost: for how many ns it was without registers before, which are still counted as running
 *
 * All of it changes on the CPU that the event is on, with interrupts off.
 */
struct hw_breakpoint_sched {
	struct list_head		evicted;
	struct arch_hw_breakpoint	*hw;
	u64				evicted_at;
	u64				lost;
};

/**
 * struct sharing - a CPU's own
 * @evicted: those that lost their registers, the first one first; empty: not yet made
 * @busy: how many sections of begin() and end() are in progress: a #DB may come in between
 * @next: the register whose owner is evicted next, or else one behind it: they take turns
 * @rotation: has perf core rotate
 * @pmu: whose events
 */
struct sharing {
	struct list_head	evicted;
	unsigned int		busy;
	unsigned int		next;
	struct irq_work		rotation;
	struct pmu		*pmu;
};

static DEFINE_PER_CPU(struct sharing, sharing) = {
	.rotation = IRQ_WORK_INIT_HARD(start_rotating),
};

static struct perf_event *event_of(const struct arch_hw_breakpoint *hw)
{
	return container_of((struct arch_hw_breakpoint *)hw, struct perf_event, hw.info);
}

static struct sharing *begin(void)
{
	this_cpu_inc(sharing.busy);
	barrier();
	return this_cpu_ptr(&sharing);
}

static void end(void)
{
	barrier();
	this_cpu_dec(sharing.busy);
}

/* === Conflicts ============================================================ */

/* NULL: not in an exclusive group. */
static const struct perf_event *exclusive_leader(const struct arch_hw_breakpoint *hw)
{
	const struct perf_event *leader;

	if (hw->debugger)
		return NULL;
	leader = event_of(hw)->group_leader;
	return leader->attr.exclusive ? leader : NULL;
}

/* May they not be on at once? */
static bool conflict(const struct arch_hw_breakpoint *a, const struct arch_hw_breakpoint *b)
{
	return exclusive_leader(a) != exclusive_leader(b);
}

/* === Rings ================================================================ */

static struct arch_hw_breakpoint *next_in_ring(const struct arch_hw_breakpoint *hw)
{
	return READ_ONCE(hw->ring) ?: (struct arch_hw_breakpoint *)hw;
}

static void join_ring(struct arch_hw_breakpoint *hw, struct arch_hw_breakpoint *host)
{
	hw->ring = next_in_ring(host);
	/* A #DB that comes in between goes on from @hw to the others. */
	WRITE_ONCE(host->ring, hw);
}

static void leave_ring(struct arch_hw_breakpoint *hw)
{
	struct arch_hw_breakpoint *next = hw->ring, *last = next;

	while (last->ring != hw)
		last = last->ring;
	WRITE_ONCE(last->ring, last == next ? NULL : next);
	WRITE_ONCE(hw->ring, NULL);
}

/*
 * How many events may share one set of registers. Each of them is told of each hit, in the #DB
 * handler: without a limit an unprivileged user could make that take milliseconds.
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

/* An event that has the registers which @hw needs, and may share them. */
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

/* @hw leaves its registers to those that share them. Return: true if none does. */
static bool leave(struct arch_hw_breakpoint *hw)
{
	struct arch_hw_breakpoint *next = hw->ring;

	if (!next) {
		arch_hw_breakpoint_del(hw);
		return true;
	}
	if (!hw->guest) {
		next->guest = false;
		arch_hw_breakpoint_pass(hw, next);
	}
	hw->guest = false;
	leave_ring(hw);
	return false;
}

/* === Evictions ============================================================ */

/* As perf core does where an add fails: its timer, which ends where there is nothing to rotate. */
static void start_rotating(struct irq_work *work)
{
	struct pmu *pmu = container_of(work, struct sharing, rotation)->pmu;
	struct perf_cpu_pmu_context *cpc = this_cpu_ptr(pmu->cpu_pmu_context);

	raw_spin_lock(&cpc->hrtimer_lock);
	if (!cpc->hrtimer_active) {
		cpc->hrtimer_active = 1;
		hrtimer_forward_now(&cpc->hrtimer, cpc->hrtimer_interval);
		hrtimer_start_expires(&cpc->hrtimer, HRTIMER_MODE_ABS_PINNED_HARD);
	}
	raw_spin_unlock(&cpc->hrtimer_lock);
}

/*
 * All of @bp's context are on to perf core, which therefore doesn't rotate: then the same one
 * would be evicted each time. Groups rotate among those of their leader's PMU. Where two PMUs'
 * come at once one is left for the next eviction. Not from here, as this may be an NMI.
 */
static void rotate(struct sharing *this, const struct perf_event *bp)
{
	struct perf_event_pmu_context *rotated = bp->group_leader->pmu_ctx;

	rotated->rotate_necessary = 1;
	this->pmu = rotated->pmu;
	irq_work_queue(&this->rotation);
}

static void wait_for_registers(struct sharing *this, struct arch_hw_breakpoint *hw)
{
	rotate(this, event_of(hw));
	hw->sched->evicted_at = local_clock() ?: 1;
	if (!this->evicted.next)
		INIT_LIST_HEAD(&this->evicted);
	list_add_tail(&hw->sched->evicted, &this->evicted);
}

/* @host and all its guests. */
static void evict(struct sharing *this, struct arch_hw_breakpoint *host)
{
	struct arch_hw_breakpoint *next;
	bool last;

	do {
		next = host->ring;
		last = leave(host);
		wait_for_registers(this, host);
		host = next;
	} while (!last);
}

/* May @host and its guests lose their registers to who was promised some? */
static bool may_evict(const struct arch_hw_breakpoint *host, bool of_cpu)
{
	const struct arch_hw_breakpoint *hw = host;

	do {
		if (hw->promised || (!event_of(hw)->hw.target && !of_cpu))
			return false;
		hw = next_in_ring(hw);
	} while (hw != host);
	return true;
}

static bool evict_from_one(struct sharing *this, bool of_cpu)
{
	struct arch_hw_breakpoint *host;
	unsigned int i;

	for (i = this->next; i < this->next + HBP_NUM; i++) {
		host = arch_hw_breakpoint_holder(i % HBP_NUM);
		if (host && may_evict(host, of_cpu)) {
			this->next = (i + 1) % HBP_NUM;
			evict(this, host);
			return true;
		}
	}
	return false;
}

/*
 * Take registers from somebody who wasn't promised any: from a task before a CPU, as perf core
 * orders them. Return: false if there is nobody.
 */
static bool evict_some(struct sharing *this)
{
	return evict_from_one(this, false) || evict_from_one(this, true);
}

/* Some host that must not be on with @hw; NULL: none. What is on has no conflict in itself. */
static struct arch_hw_breakpoint *find_conflict(const struct arch_hw_breakpoint *hw)
{
	struct arch_hw_breakpoint *host;
	unsigned int i;

	for (i = 0; i < HBP_NUM; i++) {
		host = arch_hw_breakpoint_holder(i);
		if (host && conflict(host, hw))
			return host;
	}
	return NULL;
}

/* @force: others may be evicted for @hw. Return: false if it can't be on. */
static bool make_way(struct sharing *this, const struct arch_hw_breakpoint *hw, bool force)
{
	struct arch_hw_breakpoint *host;

	while ((host = find_conflict(hw))) {
		if (!force || !may_evict(host, true))
			return false;
		evict(this, host);
	}
	return true;
}

/* Return: 0 or -EBUSY. */
static int take(struct sharing *this, struct arch_hw_breakpoint *hw, bool force)
{
	struct arch_hw_breakpoint *host;
	int err;

	if (!make_way(this, hw, force))
		return -EBUSY;
	host = find_host(hw);
	if (host) {
		hw->guest = true;
		join_ring(hw, host);
		return 0;
	}
	do
		err = arch_hw_breakpoint_add(hw);
	while (err && force && evict_some(this));
	return err;
}

/* Each evicted event that can have registers gets them. */
static void restore(struct sharing *this)
{
	struct hw_breakpoint_sched *sched, *next;

	if (!this->evicted.next)
		return;
	list_for_each_entry_safe(sched, next, &this->evicted, evicted) {
		if (take(this, sched->hw, false))
			continue;
		list_del(&sched->evicted);
		sched->lost += local_clock() - sched->evicted_at;
		sched->evicted_at = 0;
	}
}

/* take(), and what it has evicted in vain, or more than it needed, is on again. */
static int take_and_restore(struct sharing *this, struct arch_hw_breakpoint *hw)
{
	const bool force = hw->promised;
	int err = take(this, hw, force);

	if (force)
		restore(this);
	return err;
}

/* === Lost time ============================================================ */

/* As perf core's, up to which it has accounted for the event. */
static u64 context_time(const struct perf_event *bp)
{
#ifdef CONFIG_CGROUP_PERF
	if (bp->cgrp)
		return per_cpu_ptr(bp->cgrp->info, bp->cpu)->time;
#endif
	return bp->ctx->time;
}

/*
 * What was lost was no time of running. perf core adds all time since tstamp only later: add it
 * now, or there might be less than is to be taken off.
 */
static void settle(struct perf_event *bp)
{
	struct hw_breakpoint_sched *sched = counter_arch_bp(bp)->sched;
	u64 now, paid;
	s64 since;

	if (!sched)
		return;
	if (sched->evicted_at) {
		now = local_clock();
		sched->lost += now - sched->evicted_at;
		sched->evicted_at = now;
	}
	if (!sched->lost)
		return;
	since = context_time(bp) - bp->tstamp;
	if (since > 0) {
		bp->tstamp += since;
		bp->total_time_enabled += since;
		bp->total_time_running += since;
	}
	paid = min(sched->lost, bp->total_time_running);
	bp->total_time_running -= paid;
	sched->lost -= paid;
}

/* === For the PMU ========================================================== */

/**
 * hw_breakpoint_share_add() - arch_hw_breakpoint_add() where some are promised nothing
 * @bp: the event
 *
 * Context: interrupts off, in a pmu_disable bracket.
 * Return: 0, or -EBUSY if it has to wait for its turn.
 */
int hw_breakpoint_share_add(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	struct sharing *this;
	int err;

	if (!READ_ONCE(sharing_begun))
		return arch_hw_breakpoint_add(hw);
	this = begin();
	err = take_and_restore(this, hw);
	end();
	return err;
}

/**
 * hw_breakpoint_share_del() - arch_hw_breakpoint_del() where some are promised nothing
 * @bp: the event; perf core believes it to be on
 *
 * Context: interrupts off, in a pmu_disable bracket.
 */
void hw_breakpoint_share_del(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	struct sharing *this = begin();

	settle(bp);
	if (hw->sched && hw->sched->evicted_at) {
		list_del(&hw->sched->evicted);
		hw->sched->evicted_at = 0;
	} else if (leave(hw)) {
		restore(this);
	}
	end();
}

/**
 * hw_breakpoint_share_wait() - an event that is on has become one without registers
 * @bp: the event; it gets some when there are
 *
 * Context: interrupts off, on its CPU.
 */
void hw_breakpoint_share_wait(struct perf_event *bp)
{
	/* An event that registers are reserved for always finds some. */
	if (WARN_ON_ONCE(!counter_arch_bp(bp)->sched))
		return;
	wait_for_registers(begin(), counter_arch_bp(bp));
	end();
}

/**
 * hw_breakpoint_share_read() - take off an event's time what it was evicted for
 * @bp: the event; it is on
 *
 * In an NMI or #DB perf core may just be adding to the time: it stays what it was then.
 *
 * Context: any, on its CPU.
 */
void hw_breakpoint_share_read(struct perf_event *bp)
{
	const struct hw_breakpoint_sched *sched = counter_arch_bp(bp)->sched;
	unsigned long flags;

	if (!sched || (!sched->evicted_at && !sched->lost) || in_nmi())
		return;
	local_irq_save(flags);
	begin();
	settle(bp);
	end();
	local_irq_restore(flags);
}

/* === Who shares, and who waits ============================================ */

static bool is_first_register(unsigned int i, const struct arch_hw_breakpoint *host)
{
	while (i--)
		if (arch_hw_breakpoint_holder(i) == host)
			return false;
	return true;
}

/**
 * hw_breakpoint_share_each() - tell of all that are on and have no registers of their own
 * @fn: told the event, and the first of the registers that it shares; -1: it was evicted
 * @data: for @fn
 *
 * Context: interrupts off, on the CPU.
 */
void hw_breakpoint_share_each(void (*fn)(const struct perf_event *bp, int reg, void *data),
			      void *data)
{
	const struct arch_hw_breakpoint *host, *hw;
	const struct hw_breakpoint_sched *sched;
	struct sharing *this = begin();
	unsigned int i;

	for (i = 0; i < HBP_NUM; i++) {
		host = arch_hw_breakpoint_holder(i);
		if (!host || !is_first_register(i, host))
			continue;
		for (hw = next_in_ring(host); hw != host; hw = next_in_ring(hw))
			fn(event_of(hw), i, data);
	}
	if (this->evicted.next)
		list_for_each_entry(sched, &this->evicted, evicted)
			fn(event_of(sched->hw), -1, data);
	end();
}

/* === Hits ================================================================= */

/**
 * hw_breakpoint_share_begin_hits() - keep who shares with whom as it is
 *
 * Context: #DB.
 */
void __kprobes hw_breakpoint_share_begin_hits(void)
{
	begin();
}

/**
 * hw_breakpoint_share_end_hits() - undo hw_breakpoint_share_begin_hits()
 *
 * Context: #DB.
 */
void __kprobes hw_breakpoint_share_end_hits(void)
{
	end();
}

/**
 * hw_breakpoint_share_next() - the next event that a hit is for
 * @hw: one that it was for
 * @host: the first one
 *
 * Context: between hw_breakpoint_share_begin_hits() and hw_breakpoint_share_end_hits().
 * Return: the breakpoint, or NULL.
 */
struct arch_hw_breakpoint *
hw_breakpoint_share_next(const struct arch_hw_breakpoint *hw, const struct arch_hw_breakpoint *host)
{
	struct arch_hw_breakpoint *next = next_in_ring(hw);

	return next == host ? NULL : next;
}

NOKPROBE_SYMBOL(hw_breakpoint_share_next);

/* === For the kernel debugger ============================================== */

/**
 * hw_breakpoint_debugger_begin() - the debugger is about to change what this CPU watches for it
 *
 * Context: interrupts off; NMI too.
 * Return: false if this is an NMI that has interrupted a change: then the debugger may change
 * nothing, and comes back in an interrupt.
 */
bool __kprobes hw_breakpoint_debugger_begin(void)
{
	if (this_cpu_read(sharing.busy) || arch_hw_breakpoint_is_busy())
		return false;
	begin();
	return true;
}

/**
 * hw_breakpoint_debugger_add() - arch_hw_breakpoint_add() for the kernel debugger's
 * @hw: the breakpoint
 *
 * An event that no registers are reserved for loses its own to it.
 *
 * Context: between hw_breakpoint_debugger_begin() and hw_breakpoint_debugger_end().
 */
void __kprobes hw_breakpoint_debugger_add(struct arch_hw_breakpoint *hw)
{
	if (READ_ONCE(sharing_begun))
		take(this_cpu_ptr(&sharing), hw, true);
	else
		arch_hw_breakpoint_add(hw);
}

/**
 * hw_breakpoint_debugger_end() - the debugger has added and deleted what it wants
 *
 * Context: as hw_breakpoint_debugger_begin().
 */
void __kprobes hw_breakpoint_debugger_end(void)
{
	restore(this_cpu_ptr(&sharing));
	end();
}

/* === The switch =========================================================== */

/**
 * hw_breakpoint_is_flexible() - is an event promised nothing?
 * @bp: the event, which is being created
 *
 * Context: any.
 * Return: true if it takes turns with others. An inherited copy is as its original is, and a
 * sibling as its leader, whatever the switch says by now; and what there was before the switch
 * was set keeps its promise.
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

/**
 * hw_breakpoint_make_flexible() - have an event take turns with others
 * @bp: the event, which is being created
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int hw_breakpoint_make_flexible(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);

	hw->sched = kzalloc(sizeof(*hw->sched), GFP_KERNEL);
	if (!hw->sched)
		return -ENOMEM;
	hw->sched->hw = hw;
	return 0;
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
	/* Before the first event without a promise; there may be some from then on. */
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
