/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of table_race.pml: the locks, and the table's code that runs under them. me is the process.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "table_law.pml"

/* === Locks === */

inline acquire(l)
{
	atomic { l == 0 -> l = 1 }
}

inline release(l)
{
#ifdef NO_RELEASE	/* mutant: the stores before it may come after it */
	l = 0;
	d_step { drain() }
#else
	d_step { drain(); l = 0; check_if_quiet() }
#endif
}

inline acquire_all()
{
	acquire(slow);
	acquire(lock[0]);
#ifndef SKIP_LOCK	/* mutant: one CPU goes on meanwhile */
	acquire(lock[1])
#endif
}

inline release_all()
{
#ifndef SKIP_LOCK
	release(lock[1]);
#endif
	release(lock[0]);
	release(slow)
}

/* === Entering. From here on, all is inside of d_steps, under the locks that it needs === */

inline count(a, by)
{
	STORE(a, LOAD(a) + by)
}

inline count_atomic(a, by)
{
#ifdef PLAIN_ROW	/* mutant: rows as plain variables */
	count(a, by)
#else
	mem[a] = mem[a] + by
#endif
}

/* Task t stands in the row of CPU k only while it has something just for k. */
inline row_count(t, k, by)
{
	lev_ = min(LOAD(EVERYWHERE(t)) + LOAD(JUST(t, k)), TOP);
	if :: LOAD(JUST(t, k)) > 0 -> count_atomic(ROW(k, lev_), by) :: else fi
}

inline shard_count(s, t, by)
{
	lev_ = min(LOAD(EVERYWHERE(t)), TOP);
	if :: lev_ -> count(LEVEL(s, lev_), by) :: else fi
}

/* by more for task t, or for CPUs' own events if NOBODY, on c; on the shard of CPU s. */
inline enter(s, t, c, by)
{
	for (k_ : 0 .. CPUS - 1) {
		if
		:: on(c, k_) && t == NOBODY -> count(OWN(k_), by)
		:: on(c, k_) && t != NOBODY -> row_count(t, k_, -1)
		:: else
		fi
	}
	if
	:: t == NOBODY
	:: t != NOBODY && c != ALL ->
		count(JUST(t, c), by);
		row_count(t, c, 1)
	:: t != NOBODY && c == ALL ->
		shard_count(s, t, -1);
		count(EVERYWHERE(t), by);
		shard_count(s, t, 1);
		row_count(t, 0, 1);
		row_count(t, 1, 1)
	fi
}

/* === Is there room? === */

#ifdef FORGET_JUST	/* mutant: the floor is not all that counts */
#define just_fits(t, k, w)	true
#else
#define just_fits(t, k, w)	(LOAD(JUST(t, k)) == 0 || \
				 LOAD(EVERYWHERE(t)) + LOAD(JUST(t, k)) + w <= LOAD(TASK_ROOM(k)))
#endif

/* The fast paths' question. s: the CPU whose lock is held, and whose copy of the floor is read. */
inline fits_in_room(s, t, c, w)
{
	if
	:: t == NOBODY ->
		fits = LOAD(OWN(c)) + w <= LOAD(CPU_ROOM(c))
	:: t != NOBODY && c != ALL ->
		fits = LOAD(EVERYWHERE(t)) + LOAD(JUST(t, c)) + w <= LOAD(TASK_ROOM(c))
	:: t != NOBODY && c == ALL ->
		fits = LOAD(EVERYWHERE(t)) + w <= LOAD(FLOOR(s)) &&
		       just_fits(t, 0, w) && just_fits(t, 1, w)
	fi
}

#ifdef ONE_SHARD	/* mutant: a single shard means nothing */
#define all_shards(l)	LOAD(LEVEL(0, l))
#else
#define all_shards(l)	(LOAD(LEVEL(0, l)) + LOAD(LEVEL(1, l)))
#endif

inline find_tasks_max()
{
	for (k_ : 0 .. CPUS - 1) {
		tasks_max[k_] = 0;
		for (l_ : 1 .. TOP) {
			sum_ = all_shards(l_);
			if
			:: sum_ > 0 || LOAD(ROW(k_, l_)) > 0 -> tasks_max[k_] = l_
			:: else
			fi
		}
	}
}

/* The slow path's question: the law. All locks are held. */
inline fits_by_law(t, c, w)
{
	find_tasks_max();
	fits = true;
	for (k_ : 0 .. CPUS - 1) {
		lev_ = tasks_max[k_];
		if
		:: t != NOBODY -> lev_ = LOAD(EVERYWHERE(t)) + LOAD(JUST(t, k_))
		:: else
		fi;
		fits = fits && (!on(c, k_) || LOAD(OWN(k_)) + lev_ + w <= NR)
	}
}

/* === Moving the rooms: all locks are held === */

/*
 * For where task t stands now. Only an inherited copy can stand above the law: it gets what
 * is there, and leaves CPUs' own events what it does not use.
 */
inline give_to_task(t, k)
{
	lev_ = LOAD(EVERYWHERE(t)) + LOAD(JUST(t, k));
#ifdef NO_CAP		/* mutant: it makes room that others will use too */
	room_ = max(LOAD(TASK_ROOM(k)), lev_);
#else
	room_ = max(LOAD(TASK_ROOM(k)), min(lev_, NR - LOAD(OWN(k))));
#endif
	STORE(TASK_ROOM(k), room_);
#ifdef HALF_CAP		/* mutant: what goes above the law is there for CPUs' own events */
	lev_ = 0;
#endif
#ifndef STALE_ROOM	/* mutant: the same room is there for both */
	STORE(CPU_ROOM(k), max(0, min(LOAD(CPU_ROOM(k)), NR - max(room_, lev_))))
#endif
}

/* What one CPU's own events need, others' will soon, so each gets it that has it free. */
inline give_to_cpu(k, need)
{
	if
	:: tasks_max[k] <= NR - need ->
		STORE(CPU_ROOM(k), max(LOAD(CPU_ROOM(k)), need));
		STORE(TASK_ROOM(k), min(LOAD(TASK_ROOM(k)), NR - LOAD(CPU_ROOM(k))))
	:: else
	fi
}

/* After enter(). What is asked for on all CPUs (kgdb) is given to each by its own need. */
inline move_rooms(t, c)
{
	find_tasks_max();
	for (k_ : 0 .. CPUS - 1) {
		if
		:: t == NOBODY ->
			new_ = (c == ALL -> LOAD(OWN(k_)) : LOAD(OWN(c)));
#ifdef ONE_NEED		/* mutant: each by the highest of all needs, or not at all */
			new_ = max(LOAD(OWN(0)), LOAD(OWN(1)));
#endif
			give_to_cpu(k_, new_)
		:: t != NOBODY && on(c, k_) -> give_to_task(t, k_)
		:: else
		fi
	}
	room_ = min(LOAD(TASK_ROOM(0)), LOAD(TASK_ROOM(1)));
#ifdef NO_FLOOR		/* mutant: the copies stay above what was lowered */
	room_ = max(room_, LOAD(FLOOR(0)));
#endif
	STORE(FLOOR(0), room_);
	STORE(FLOOR(1), room_)
}
