// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exclusive groups: a group whose leader's attribute says "exclusive" has all debug registers of
 * the CPU that it is on.
 *
 * The group is charged with all registers, and its members share that charge. When the leader is
 * destroyed, the remaining members are no group any more, and the charge shrinks to what they take.
 * A copy of the group in a child's context is a group with a charge of its own.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_core.h>
#include <linux/mutex.h>
#include <linux/perf_event.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#include "hw_breakpoint_internal.h"
#include "hw_breakpoint_slots.h"

/**
 * struct hw_breakpoint_group - the breakpoints of an exclusive group
 * @lock: protects all below; the table's mutex nests inside
 * @charge: all registers while the group has its leader; then @used
 * @used: the registers that the members take
 * @led: the group has its leader
 * @members: how many there are. Dropped without @lock, since the last one frees the group
 */
struct hw_breakpoint_group {
	struct mutex			lock;
	struct hw_breakpoint_charge	charge;
	unsigned int			used;
	bool				led;
	refcount_t			members;
};

static bool is_breakpoint(const struct perf_event *event)
{
	return event->attr.type == PERF_TYPE_BREAKPOINT;
}

/*
 * The group that @bp is about to join. NULL: @bp is the first breakpoint of the group that registers
 * are reserved for. The mutex of the context or, for an inherited copy, of the context that is copied
 * keeps the leader and its siblings from going.
 */
static struct hw_breakpoint_group *find_group(const struct perf_event *bp)
{
	struct perf_event *leader = bp->group_leader, *sibling;

	if (leader == bp)
		return NULL;
	if (is_breakpoint(leader))
		return leader->hw.info.group;
	list_for_each_entry(sibling, &leader->sibling_list, sibling_list)
		if (is_breakpoint(sibling) && sibling->hw.info.group)
			return sibling->hw.info.group;
	return NULL;
}

/* A member's own charge is closed. Its weight says how much of the group's the member takes. */
static void add_member(struct hw_breakpoint_group *group, struct perf_event *bp,
		       unsigned int weight)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);

	hw->charge = (struct hw_breakpoint_charge) {
		.cpu = HW_BREAKPOINT_ANY_CPU, .weight = weight,
	};
	hw->group = group;
}

static int create_group(struct perf_event *bp, struct perf_event_context *ctx,
			unsigned int weight, unsigned int limit)
{
	struct hw_breakpoint_group *group = kzalloc(sizeof(*group), GFP_KERNEL);
	int err;

	if (!group)
		return -ENOMEM;
	mutex_init(&group->lock);
	group->charge = hw_breakpoint_no_charge(bp, ctx);
	group->used = weight;
	group->led = true;
	refcount_set(&group->members, 1);
	err = hw_breakpoint_charge(&group->charge, hw_breakpoint_nr_slots(), limit);
	if (err)
		kfree(group);
	else
		add_member(group, bp, weight);
	return err;
}

/* Have the members take @used registers. To shrink never fails. */
static int use_registers(struct hw_breakpoint_group *group, unsigned int used, unsigned int limit)
{
	int err = 0;

	lockdep_assert_held(&group->lock);
	if (!group->led)
		err = hw_breakpoint_charge(&group->charge, used, limit);
	/* A copy isn't refused while its original grows into what another sibling left. */
	else if (used > group->used && used > group->charge.weight &&
		 limit != HW_BREAKPOINT_COVERED)
		err = -ENOSPC;
	if (!err)
		group->used = used;
	return err;
}

/* Reserve @weight registers for @bp, which is being installed in @ctx. May sleep. */
int hw_breakpoint_exclusive_join(struct perf_event *bp, struct perf_event_context *ctx,
				 unsigned int weight, unsigned int limit)
{
	struct hw_breakpoint_group *group = find_group(bp);
	int err;

	if (!group)
		return create_group(bp, ctx, weight, limit);
	mutex_lock(&group->lock);
	err = use_registers(group, group->used + weight, limit);
	if (!err) {
		add_member(group, bp, weight);
		refcount_inc(&group->members);
	}
	mutex_unlock(&group->lock);
	return err;
}

/* Take @bp out of its group. May sleep. */
void hw_breakpoint_exclusive_leave(struct perf_event *bp)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	struct hw_breakpoint_group *group = hw->group;

	mutex_lock(&group->lock);
	/* The last member releases what the leader holds beyond it. */
	if (group->used == hw->charge.weight)
		group->led = false;
	use_registers(group, group->used - hw->charge.weight, HW_BREAKPOINT_NO_LIMIT);
	hw->charge.weight = 0;
	hw->group = NULL;
	mutex_unlock(&group->lock);
	if (refcount_dec_and_test(&group->members))
		kfree(group);
}

/* Have @bp take @weight registers from now on. May sleep. On an error nothing has changed. */
int hw_breakpoint_exclusive_resize(struct perf_event *bp, unsigned int weight, unsigned int limit)
{
	struct hw_breakpoint_charge *part = &counter_arch_bp(bp)->charge;
	struct hw_breakpoint_group *group = counter_arch_bp(bp)->group;
	int err;

	mutex_lock(&group->lock);
	err = use_registers(group, group->used - part->weight + weight, limit);
	if (!err)
		part->weight = weight;
	mutex_unlock(&group->lock);
	return err;
}

/* The group of @bp loses its leader. May sleep. */
void hw_breakpoint_exclusive_orphan(struct perf_event *bp)
{
	struct hw_breakpoint_group *group = counter_arch_bp(bp)->group;

	mutex_lock(&group->lock);
	group->led = false;
	use_registers(group, group->used, HW_BREAKPOINT_NO_LIMIT);
	mutex_unlock(&group->lock);
}

/* What is reserved for the group of @bp. */
const struct hw_breakpoint_charge *hw_breakpoint_exclusive_charge(const struct perf_event *bp)
{
	return &bp->hw.info.group->charge;
}

/*
 * Set @why, of HW_BREAKPOINT_WHY_LEN, to the reason for which the group of @bp has no @more
 * registers. Return: false if the group wasn't the reason; then @more is what the group itself
 * was refused.
 */
bool hw_breakpoint_exclusive_explain(char *why, struct perf_event *bp, unsigned int *more)
{
	struct hw_breakpoint_group *group = counter_arch_bp(bp)->group ?: find_group(bp);

	if (!group)
		*more = hw_breakpoint_nr_slots();
	if (!group || !group->led)
		return false;
	snprintf(why, HW_BREAKPOINT_WHY_LEN,
		 "its exclusive group has %u of %u registers left, %u more wanted",
		 group->charge.weight - group->used, hw_breakpoint_nr_slots(), *more);
	return true;
}
