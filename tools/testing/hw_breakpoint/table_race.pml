/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The constraint table's locks and rooms: tasks, CPUs, the slow path, fork and kgdb at once.
 *
 * Two models look at the table; this one asks whether the promises add up, table_swap.pml
 * whose account they stand on. spin.sh runs both. Each -DNAME with "mutant" beside it, here
 * or in what is included, is something left out, and must make pan find an error.
 *
 * table_law.pml says what is checked, and how memory behaves; pan adds that nobody waits for
 * ever, and kgdb not at all.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "table_rooms.pml"

/* === Calls === */

/*
 * Fast, then slow if need be. s: the CPU whose lock the fast path takes: that of a CPU's own
 * event, or the one that runs; of a task t, the alock is held. What is looked at and what is
 * done then are two steps, for others to come between.
 */
inline ask(s, t, c, w, inherited)
{
#ifdef NO_ACQUIRE	/* mutant: the loads may come before the lock */
	d_step { fits_in_room(s, t, c, w) }
	acquire(lock[s]);
#else
	acquire(lock[s]);
	d_step { fits_in_room(s, t, c, w) }
#endif
#ifdef TENTATIVE	/* mutant: entered first, taken out later if there is no room */
	if :: fits :: else -> d_step { enter(s, t, c, w) } fi;
#endif
	if
	:: fits -> d_step { enter(s, t, c, w); grant(t, c, w, inherited) }
#ifdef HASTY		/* mutant: what is above the room is refused */
	:: else -> d_step { refuse() }
#else
	:: else
#endif
	fi;
	release(lock[s]);
	if
	:: fits
	:: else ->
		acquire_all();
#ifdef TENTATIVE
		d_step { enter(s, t, c, -w) }
#endif
		d_step { fits_by_law(t, c, w); fits = fits || inherited }
		if
		:: fits -> d_step { enter(s, t, c, w); move_rooms(t, c); grant(t, c, w, inherited) }
		:: else -> d_step { refuse() }
		fi;
		release_all()
	fi
}

inline give_back(s, t, c, w)
{
	acquire(lock[s]);
	d_step { enter(s, t, c, -w); promised(t, c, -w) }
	release(lock[s])
}

inline acquire_account(t)
{
#ifndef NO_ALOCK	/* mutant: two at once for one task */
	acquire(alock[t])
#else
	skip
#endif
}

inline release_account(t)
{
#ifndef NO_ALOCK
	release(alock[t])
#else
	skip
#endif
}

/* === Processes === */

byte done;

#define any_cpu(s)	if :: s = 0 :: s = 1 fi

proctype task_side(byte me)
{
	byte t, c, w, s, round;
	bool fits, inherited;

	do
	:: round < ROUNDS ->
		atomic {
			round++;
			if :: t = 0 :: me == 1 -> t = 1 fi;
			if
			:: c = ALL
#ifdef JUST_CPU
			:: c = 0 :: me > 0 -> c = 1
#endif
			fi;
#ifdef FORK
			if :: inherited = false :: me == 0 -> inherited = true fi;
#endif
			select(w : 1 .. MOST);
			d_step { call_begins(t, c, w) }
		}
		acquire_account(t);
		any_cpu(s);
		ask(s, t, c, w, inherited);
		release_account(t);
		if
		:: fits ->
			acquire_account(t);
			any_cpu(s);
			give_back(s, t, c, w);
			release_account(t)
		:: else
		fi;
		d_step { t = 0; c = 0; w = 0; s = 0; fits = false; inherited = false }
	:: else -> break
	od;
	done++
}

#if CPU_SIDE
proctype cpu_side(byte me)
{
	byte cpu, w, round;
	bool fits;

	do
	:: round < ROUNDS ->
		atomic {
			round++;
			any_cpu(cpu);
			select(w : 1 .. MOST);
			d_step { call_begins(NOBODY, cpu, w) }
		}
		ask(cpu, NOBODY, cpu, w, false);
		if
		:: fits -> give_back(cpu, NOBODY, cpu, w)
		:: else
		fi;
		d_step { cpu = 0; w = 0; fits = false }
	:: else -> break
	od;
	done++
}
#endif

#if KGDB
inline try_acquire(l)
{
	if
	:: fits && l == 0 -> l = 1; taken++
	:: else -> fits = false
	fi
}

inline try_acquire_all()
{
	taken = 0;
	fits = true;
	try_acquire(slow);
	try_acquire(lock[0]);
	try_acquire(lock[1]);
#ifdef KGDB_IGNORES_LOCKS	/* mutant: whatever was stopped in the middle of it */
	fits = true
#endif
}

/* Those that were taken, in their order; without all of them, nothing was stored. */
inline release_taken()
{
	drain();
#ifdef KGDB_KEEPS_LOCKS	/* mutant: only if it got all */
	if :: taken == 3 -> slow = 0; lock[0] = 0 :: else fi;
#else
	if :: taken > 0 -> slow = 0 :: else fi;
	if :: taken > 1 -> lock[0] = 0 :: else fi;
#endif
	if :: taken > 2 -> lock[1] = 0; check_if_quiet() :: else fi;
	taken = 0
}

/*
 * The debugger stops all other CPUs, and perhaps one that holds locks, so each of its tries
 * is one d_step, which may not wait: pan would tell.
 */
proctype kgdb(byte me)
{
	byte w, taken;
	bool fits;

	select(w : 1 .. MOST);
	d_step {
		try_acquire_all();
		if
		:: fits ->
			call_begins(NOBODY, ALL, w);
			fits_by_law(NOBODY, ALL, w);
			if
			:: fits ->
				enter(0, NOBODY, ALL, w);
				move_rooms(NOBODY, ALL);
				grant(NOBODY, ALL, w, false)
			:: else ->
				refuse()
			fi
		:: else			/* -EBUSY */
		fi;
		release_taken()
	}
	do
	:: fits ->
		d_step {
			try_acquire_all();
			if
			:: fits ->
				enter(0, NOBODY, ALL, -w);
				promised(NOBODY, ALL, -w)
			:: else
			fi;
			release_taken();
			fits = !fits
		}
	:: else -> break
	od;
	done++
}
#endif

/* Whatever split of the slots was left by what went before, another on each CPU. */
init {
	byte k, room;

	atomic {
		for (k : 0 .. CPUS - 1) {
			select(room : 0 .. NR);
			mem[TASK_ROOM(k)] = room;
			mem[CPU_ROOM(k)] = NR - room
		}
		for (k : 0 .. CPUS - 1) {
			mem[FLOOR(k)] = min(mem[TASK_ROOM(0)], mem[TASK_ROOM(1)])
		}
		room = 0;	/* a d_step may not begin where a loop ends */
		d_step { check_if_quiet() }
		for (k : 0 .. TASK_SIDE - 1) { run task_side(k) };
#if CPU_SIDE
		for (k : 0 .. CPU_SIDE - 1) { run cpu_side(TASK_SIDE + k) };
#endif
#if KGDB
		run kgdb(TASK_SIDE + CPU_SIDE);
#endif
		k = 0;
		room = 0
	}
	d_step {
		done == PROCS ->
		check_if_quiet();
		counts_exact = g_own[0] + g_own[1] + g_every[0] + g_every[1] == 0 &&
			g_just[0] + g_just[1] + g_just[2] + g_just[3] == 0 &&
			!(slow || lock[0] || lock[1] || alock[0] || alock[1]);
		assert(counts_exact)
	}
}
