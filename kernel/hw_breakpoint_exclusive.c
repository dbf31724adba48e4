// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exclusive groups: those whose leader's attribute says "exclusive" are alone on the debug
 * registers of the CPU that they are on.
 *
 * Among them its breakpoints are promised all registers of a CPU, so that nobody else can be:
 * each what it takes, and one of them, the carrier, the surplus too. Who joins the group gets
 * his part from the carrier's promise, and leaves it there when he goes. So at every instant
 * the group holds all, or what its siblings need once the leader has gone.
 *
 *   leader, carrier     sibling joins       leader is closed
 *   [4]                 [3] [1]                 [1]
 *
 * The leader, if it is a breakpoint, is the first of them, and carries. If it isn't, it goes
 * without telling us; then the surplus is taken back when somebody finds no room.
 *
 * Inherited copies are a group of their own, as their originals are; but no fork() fails for want
 * of registers.
 *
 * perf core swaps the contexts of related tasks. What is promised for one group stays on one task's
 * account all the same: who exits with another task's copies takes no part in that.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/hw_breakpoint.h>
#include <linux/hw_breakpoint_holder.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/perf_event.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "hw_breakpoint_internal.h"

/**
 * struct hw_breakpoint_group - an exclusive group
 * @node: in groups, if the leader is no breakpoint; that has it at hand otherwise
 * @leader: compared and never followed, since it may be gone
 * @member: its breakpoints; each takes a register, so there is place for all
 * @carrier: the one of them that has the surplus; NULL: there is none any more
 */
struct hw_breakpoint_group {
	struct list_head		node;
	const struct perf_event		*leader;
	struct perf_event		*member[HBP_NUM];
	struct perf_event		*carrier;
};

/* Protects all groups, and the surplus of their members. */
static DEFINE_SPINLOCK(groups_lock);
/* Outside of it: of those who come to one group at once one is the first. */
static DEFINE_MUTEX(joining);
static LIST_HEAD(groups);

static bool is_breakpoint(const struct perf_event *event)
{
	return event->attr.type == PERF_TYPE_BREAKPOINT;
}

/* The place of @bp, or with NULL a free one. */
static int place_of(const struct hw_breakpoint_group *group, const struct perf_event *bp)
{
	int i;

	for (i = 0; i < HBP_NUM && group->member[i] != bp; i++)
		;
	return i;
}

/* One that the leader still leads; NULL: it has left its siblings, who lead themselves now. */
static struct perf_event *led_member(const struct hw_breakpoint_group *group)
{
	struct perf_event *bp;
	int i;

	for (i = 0; i < HBP_NUM; i++) {
		bp = group->member[i];
		if (bp && READ_ONCE(bp->group_leader) == group->leader)
			return bp;
	}
	return NULL;
}

/* The group that @bp belongs to, if it fits there: perf core looks at that only later. */
static struct hw_breakpoint_group *find_group(const struct perf_event *bp)
{
	const struct perf_event *leader = bp->group_leader, *member;
	struct hw_breakpoint_group *group;

	if (is_breakpoint(leader))
		return leader == bp ? NULL : leader->hw.info.group;
	list_for_each_entry(group, &groups, node) {
		member = group->leader == leader ? led_member(group) : NULL;
		if (member && member->hw.target == bp->hw.target && member->cpu == bp->cpu)
			return group;
	}
	return NULL;
}

static void add_member(struct hw_breakpoint_group *group, struct perf_event *bp)
{
	const int i = place_of(group, NULL);

	if (WARN_ON_ONCE(i == HBP_NUM))
		return;
	group->member[i] = bp;
	counter_arch_bp(bp)->group = group;
}

static int no_room_in_group(const struct hw_breakpoint_group *group, unsigned int more,
			    char *why)
{
	const unsigned int left = group->carrier ? counter_arch_bp(group->carrier)->surplus : 0;

	if (why)
		snprintf(why, HW_BREAKPOINT_WHY_LEN,
			 "its exclusive group has %u of %u registers left, %u more wanted",
			 left, HBP_NUM, more);
	return -ENOSPC;
}

/* From the carrier's promise to that of @bp. Return: false if that has none to move. */
static bool take_from_carrier(struct hw_breakpoint_group *group, struct perf_event *bp,
			      unsigned int weight)
{
	struct arch_hw_breakpoint *hw = group->carrier ? counter_arch_bp(group->carrier) : NULL;

	if (!hw || hw->surplus < weight ||
	    !hw_breakpoint_promise_move(&hw->promise, &counter_arch_bp(bp)->promise, weight,
					hw_breakpoint_event_family(bp), NULL))
		return false;
	hw->surplus -= weight;
	return true;
}

/* And back. @task: who has to have been promised it, or NULL; otherwise nothing is given. */
static void give_to(struct perf_event *carrier, struct perf_event *bp, unsigned int weight,
		    const struct task_struct *task)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(carrier);

	if (hw_breakpoint_promise_move(&counter_arch_bp(bp)->promise, &hw->promise, weight,
				       hw_breakpoint_event_family(carrier), task))
		hw->surplus += weight;
}

/* Return: -ENOENT if there is no group to join. */
static int join(struct perf_event *bp, unsigned int weight, char *why)
{
	struct hw_breakpoint_group *group;
	int err = 0;

	spin_lock(&groups_lock);
	group = find_group(bp);
	if (!group)
		err = -ENOENT;
	else if (take_from_carrier(group, bp, weight))
		add_member(group, bp);
	else
		err = no_room_in_group(group, weight, why);
	spin_unlock(&groups_lock);
	return err;
}

/* @group: empty; @bp is promised all. */
static void found(struct hw_breakpoint_group *group, struct perf_event *bp, unsigned int weight)
{
	spin_lock(&groups_lock);
	counter_arch_bp(bp)->surplus = HBP_NUM - weight;
	group->leader = bp->group_leader;
	group->carrier = bp;
	INIT_LIST_HEAD(&group->node);
	if (!is_breakpoint(group->leader))
		list_add(&group->node, &groups);
	add_member(group, bp);
	spin_unlock(&groups_lock);
}

static int join_or_found(struct perf_event *bp, unsigned int weight, char *why)
{
	struct hw_breakpoint_group *group;
	int err = join(bp, weight, why);

	if (err != -ENOENT)
		return err;
	group = kzalloc(sizeof(*group), GFP_KERNEL);
	if (!group)
		return -ENOMEM;
	err = hw_breakpoint_promise_to_event(bp, HBP_NUM, why);
	if (err)
		kfree(group);
	else
		found(group, bp, weight);
	return err;
}

/**
 * hw_breakpoint_exclusive_join() - promise registers to a breakpoint of an exclusive group
 * @bp: the event, which is being created; its promise's holder is set
 * @weight: how many registers it takes
 * @why: of HW_BREAKPOINT_WHY_LEN; where there is no room, set to the reason; or NULL
 *
 * Context: may sleep.
 * Return: 0; -ENOSPC if the group's registers are all in use, or for its first breakpoint
 * if anybody else is promised one; neither for an inherited copy; -ENOMEM.
 */
int hw_breakpoint_exclusive_join(struct perf_event *bp, unsigned int weight, char *why)
{
	int err;

	mutex_lock(&joining);
	err = join_or_found(bp, weight, why);
	mutex_unlock(&joining);
	/* Its original is just growing into the room that the copied group hasn't yet. */
	if (err == -ENOSPC && bp->parent)
		err = hw_breakpoint_promise_to_event(bp, weight, why);
	return err;
}

static void pass_surplus(struct hw_breakpoint_group *group, struct perf_event *bp,
			 const struct task_struct *holder)
{
	struct perf_event *heir = led_member(group);

	group->carrier = heir;
	if (heir)
		give_to(heir, bp, counter_arch_bp(bp)->promise.weight, holder);
}

/**
 * hw_breakpoint_exclusive_leave() - a breakpoint leaves its exclusive group
 * @bp: the event, which goes; it leaves what it was promised to the group, if that lives on
 * @holder: as for hw_breakpoint_promise_release(); what another task was promised isn't touched
 *
 * Context: process context.
 */
void hw_breakpoint_exclusive_leave(struct perf_event *bp, const struct task_struct *holder)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	struct hw_breakpoint_group *group = hw->group;
	int i, left = 0;

	spin_lock(&groups_lock);
	hw->group = NULL;
	group->member[place_of(group, bp)] = NULL;
	if (group->carrier == bp)
		pass_surplus(group, bp, holder);
	else if (group->carrier && led_member(group))
		give_to(group->carrier, bp, hw->promise.weight, holder);
	for (i = 0; i < HBP_NUM; i++)
		left += !!group->member[i];
	if (!left)
		list_del(&group->node);
	spin_unlock(&groups_lock);
	if (!left)
		kfree(group);
}

/* Of a group that has lost its leader. Return: true if it had one. */
static bool take_back_surplus(struct hw_breakpoint_group *group)
{
	struct arch_hw_breakpoint *hw;

	if (!group->carrier || led_member(group))
		return false;
	hw = counter_arch_bp(group->carrier);
	hw_breakpoint_promise_shrink(&hw->promise, hw->surplus);
	hw->surplus = 0;
	group->carrier = NULL;
	return true;
}

/**
 * hw_breakpoint_exclusive_resize() - change how many registers a breakpoint takes of its group's
 * @bp: the event; it is in a group
 * @weight: how many it is to be from now on
 * @why: as for hw_breakpoint_exclusive_join()
 *
 * Context: process context.
 * Return: 0; -ENOSPC, and nothing has changed; -ENOENT if the group is none any more. To shrink
 * never fails.
 */
int hw_breakpoint_exclusive_resize(struct perf_event *bp, unsigned int weight, char *why)
{
	struct arch_hw_breakpoint *hw = counter_arch_bp(bp);
	struct hw_breakpoint_group *group = hw->group;
	unsigned int had;
	int err = 0;

	spin_lock(&groups_lock);
	take_back_surplus(group);
	had = hw->promise.weight - hw->surplus;
	if (!group->carrier || !hw->promise.weight)
		err = -ENOENT;
	else if (group->carrier == bp && weight <= had + hw->surplus)
		hw->surplus += had - weight;
	else if (group->carrier != bp && weight <= had)
		give_to(group->carrier, bp, had - weight, NULL);
	else if (group->carrier == bp || !take_from_carrier(group, bp, weight - had))
		err = no_room_in_group(group, weight - had, why);
	spin_unlock(&groups_lock);
	return err;
}

/**
 * hw_breakpoint_exclusive_reclaim() - take back what groups have that lost their leader
 *
 * Context: any but NMI; none of the table's locks held.
 * Return: true if there was such a group: who found no room should ask again.
 */
bool hw_breakpoint_exclusive_reclaim(void)
{
	struct hw_breakpoint_group *group;
	bool found = false;

	if (list_empty_careful(&groups))
		return false;
	spin_lock(&groups_lock);
	list_for_each_entry(group, &groups, node)
		found |= take_back_surplus(group);
	spin_unlock(&groups_lock);
	return found;
}
