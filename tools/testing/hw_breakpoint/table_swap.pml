/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose account a promise stands on: context swaps, exits, and a release at once.
 *
 * One family: event 0 and its inherited copies, one in the context of each task. Perf core
 * swaps contexts and tells nobody, so an event's record need not be on the account of the
 * task that runs it. What spin.sh makes of this file: see table_race.pml, which has the
 * table's arithmetic; here a record weighs 1.
 *
 * What is checked:
 *   covered		no task has two records; one that has an event in its context has one;
 *			but for who holds the account's lock
 *   in_use		nobody touches a task or an event that was freed, or a record not there
 *   none_left		no record stands on the account of a task that has dropped all
 * and pan adds that nobody waits for ever.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#define TASKS		3
#define NONE		TASKS		/* no task, no event */
#define CLOSER		TASKS		/* as a process: who closes event 0 */

#define bit(n)		(1 << (n))
#define lowest(set)	((set) & 1 -> 0 : ((set) & 2 -> 1 : ((set) & 4 -> 2 : NONE)))

byte context[TASKS];	/* the event in each task's context, or NONE; perf core's */
byte account[TASKS];	/* of each event: the task whose account has its record, or NONE */
byte records[TASKS];	/* of each account: the set of events; changed under its alock, each
			   step one store, and who exits looks without it whether it is 0 */
bool alock[TASKS];
bool event_gone[TASKS], task_dropped[TASKS], task_gone[TASKS];
byte done;

hidden byte covered, in_use, none_left, swap_;

#define one(set)	((set) == bit(0) || (set) == bit(1) || (set) == bit(2))
#define well(t)		(alock[t] || one(records[t]) || \
			 (context[t] == NONE && records[t] == 0))

/* Wherever a lock is released; changes of contexts keep it or end it. */
inline check_covered()
{
	covered = well(0) && well(1) && well(2);
	assert(covered)
}

inline check_in_use(what)
{
	in_use = what;
	assert(in_use)
}

inline check_none_left(t)
{
	none_left = !task_dropped[t] || records[t] == 0;
	assert(none_left)
}

/* === RCU: a task_struct stays until all who may have read its address are done === */

byte readers;			/* who is inside of a read section */
byte grace[TASKS];		/* which of those each dead task still waits for */

inline rcu_read_lock()
{
#ifndef NO_RCU		/* mutant */
	readers = readers | bit(me)
#else
	skip
#endif
}

inline rcu_read_unlock()
{
	d_step {
		readers = readers & ~bit(me);
		grace[0] = grace[0] & ~bit(me);
		grace[1] = grace[1] & ~bit(me);
		grace[2] = grace[2] & ~bit(me)
	}
}

/* === Accounts === */

inline acquire(t)
{
	atomic {
		!alock[t] ->
		check_in_use(!task_gone[t]);
		alock[t] = true
	}
}

inline release(t)
{
	d_step { check_in_use(!task_gone[t]); alock[t] = false; check_covered() }
}

inline unlist(e, t)
{
	d_step {
		check_in_use((records[t] & bit(e)) && !event_gone[e] && !task_gone[t]);
		records[t] = records[t] & ~bit(e)
	}
}

/* The account is told first: who sees it waits for the lock. */
inline put_on(e, t)
{
	d_step { check_in_use(!event_gone[e]); account[e] = t }
	d_step {
		check_in_use(!task_gone[t] && !event_gone[e]);
		records[t] = records[t] | bit(e);
		check_none_left(t)
	}
}

/*
 * Afterwards who sees that e stands on no account may free it without any lock, so this is
 * the last that is done to it.
 */
inline forget(e)
{
	d_step { check_in_use(!event_gone[e]); account[e] = NONE }
}

inline take_off(e, t)
{
#ifdef EARLY_NONE	/* mutant: it says that it is off before it is */
	forget(e);
	unlist(e, t)
#else
	unlist(e, t);
	forget(e)
#endif
}

/* Nobody knows who runs e, if anybody. */
inline release_anywhere(e)
{
	do
	:: true ->
		rcu_read_lock();
		b = account[e];
		if
		:: b == NONE -> break
		:: else
		fi;
		acquire(b);
#ifdef NO_RECHECK	/* mutant: it may have gone elsewhere before the lock was taken */
		if :: true ->
#else
		if :: account[e] == b ->
#endif
			take_off(e, b);
			release(b);
			break
		:: else
		fi;
		release(b);
		rcu_read_unlock()
	od;
	rcu_read_unlock();
	b = NONE
}

/*
 * r, on me, takes the place of p on b: all of it under both alocks. r comes before p goes, for
 * b may exit, and looks without a lock whether it has none.
 */
inline exchange()
{
#ifdef EMPTY_FOR_AN_INSTANT	/* mutant: p goes first */
	take_off(p, b);
#endif
	unlist(r, me);
#ifdef THROUGH_NONE	/* mutant: for a moment it looks as if r held nothing */
	forget(r);
#endif
	put_on(r, b);
#ifndef EMPTY_FOR_AN_INSTANT
	take_off(p, b)
#endif
}

inline look_for_record()
{
	r = (records[me] & bit(p) -> p : lowest(records[me]))
}

/* me exits, and had p in its context. */
inline release_from_context()
{
#ifdef NO_SETTLE	/* mutant: p's record is the one to go */
	release_anywhere(p);
#else
	do
	:: true ->
		rcu_read_lock();
		acquire(me);
		look_for_record();
		b = account[p];
		if
		:: r == p -> take_off(p, me); release(me); break
#ifndef ASSUME_HELD	/* mutant: p's record may have been dropped with its account */
		:: r != p && b == NONE -> release(me); break
#endif
		:: r == NONE && b != NONE -> release(me); release_anywhere(p); break
		:: else
		fi;
		check_in_use(b != NONE);
#ifdef NO_ORDER		/* mutant */
		acquire(b);
#else
		if
		:: b > me -> acquire(b)
		:: else -> release(me); acquire(b); acquire(me)
		fi;
#endif
#ifndef STALE_RECORD	/* mutant: between the two locks, r may have gone too */
		look_for_record();
#endif
		if
		:: account[p] == b && r != NONE ->
			exchange();
			release(b); release(me);
			break
		:: else
		fi;
		release(b); release(me);
		rcu_read_unlock()
	od;
	rcu_read_unlock();
	r = NONE; b = NONE;
#endif
}

/* Of me, that is dead. */
inline drop_all()
{
	acquire(me);
	do
	:: records[me] -> r = lowest(records[me]); take_off(r, me)
	:: else -> break
	od;
	release(me)
}

/* === Processes === */

proctype exit_of(byte me)
{
	byte p, r = NONE, b = NONE;

	/* From here on perf core does not swap it any more. */
	d_step { p = context[me]; context[me] = NONE }
	if
	:: p != NONE && p != 0 ->
		release_from_context();
		event_gone[p] = true
	:: else			/* none, or the one that lasts until it is closed */
	fi;

	/* The end of do_exit(): it never runs again, whoever's records these are. */
	if
	:: records[me] -> drop_all()
	:: else			/* as seen without the lock, which another may hold */
	fi;
	d_step { task_dropped[me] = true; check_none_left(me); grace[me] = readers }
	grace[me] == 0 ->
	task_gone[me] = true;
	done++
}

inline release_mine()
{
	do
	:: mine & ~bit(0) ->
		e = lowest(mine & ~bit(0));
		mine = mine & ~bit(e);
		release_anywhere(e);
		event_gone[e] = true
	:: else -> break
	od;
	e = 0
}

/* Closes event 0: all of its family leave the contexts, and only then are released. */
proctype close_family(byte me)
{
	byte e, mine, b = NONE, t;

	for (t : 0 .. TASKS - 1) {
		d_step {
			e = context[t];
			context[t] = NONE;
			if :: e != NONE -> mine = mine | bit(e) :: else fi;
			e = 0
		}
#ifdef ONE_BY_ONE	/* mutant: others still run what its record stands for */
		release_mine();
#endif
	}
	release_mine();
	event_gone[1] && event_gone[2] ->	/* they hold references to it */
	release_anywhere(e);
	event_gone[0] = true;
	done++
}

#define swap(i, j)						\
	:: d_step {						\
		context[i] != NONE && context[j] != NONE ->	\
		swap_ = context[i];				\
		context[i] = context[j];			\
		context[j] = swap_				\
	   }

/* Any two, as often as it likes: their events are equal. */
proctype perf_core()
{
	do
	swap(0, 1)
	swap(0, 2)
	swap(1, 2)
	:: done == TASKS + 1 -> break
	od;
	done++
}

init {
	atomic {
		byte k;
		for (k : 0 .. TASKS - 1) {
			context[k] = k;
			account[k] = k;
			records[k] = bit(k);
			run exit_of(k)
		}
		k = 0;
		run close_family(CLOSER);
		run perf_core()
	}
	done == TASKS + 2 ->
	assert(!(records[0] || records[1] || records[2]));
	assert(account[0] == NONE && account[1] == NONE && account[2] == NONE)
}
