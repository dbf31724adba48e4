/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of table_race.pml: its size, the memory, the promises as they really are, and the checks.
 *
 * What is checked:
 *   law_kept		no grant goes above NR on a CPU (inherited copies may)
 *   refusal_just	who is refused had no room at some instant of its call
 *   rooms_sound	the rooms' invariants, whenever no lock is held
 *   counts_exact	counts and histograms equal a recount, whenever no lock is held
 * So that a mutant has to show what harm it does, -DCALLS_ONLY leaves out the last two, and
 * -DLAW_ONLY all but the first.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef NR
#define NR		2	/* debug registers of a CPU */
#endif
#ifndef MOST
#define MOST		NR	/* of them that one request may be for */
#endif
#ifndef ROUNDS
#define ROUNDS		1	/* requests of each process, one after another */
#endif
#ifndef TASK_SIDE
#define TASK_SIDE	2	/* processes that ask for tasks; all but the first for any task */
#endif
#ifndef CPU_SIDE
#define CPU_SIDE	1	/* processes that ask for a CPU's own events */
#endif
#ifndef KGDB
#define KGDB		0	/* 1: the debugger too */
#endif

#define CPUS		2
#define TASKS		2
#define TOP		(NR + 1)	/* levels above it are counted at it */
#define PROCS		(TASK_SIDE + CPU_SIDE + KGDB)

#define NOBODY		TASKS		/* as a task: none, a CPU's own event */
#define ALL		CPUS		/* as a CPU: every one of them */
#define on(c, k)	((c) == ALL || (c) == (k))

#define min(a, b)	((a) < (b) -> (a) : (b))
#define max(a, b)	((a) > (b) -> (a) : (b))

/* === Memory === */

#define OWN(c)		(c)
#define TASK_ROOM(c)	(CPUS + (c))
#define CPU_ROOM(c)	(2 * CPUS + (c))
#define FLOOR(c)	(3 * CPUS + (c))
#define EVERYWHERE(t)	(4 * CPUS + (t))
#define JUST(t, c)	(4 * CPUS + TASKS + CPUS * (t) + (c))
#define LEVEL(c, l)	(4 * CPUS + TASKS + CPUS * TASKS + TOP * (c) + (l) - 1)
#define ROW(c, l)	(LEVEL(CPUS, 1) + TOP * (c) + (l) - 1)
#define CELLS		ROW(CPUS, 1)

#define UNSET		99

/*
 * A plain store waits in the store buffer of its process, and is seen by others only when
 * that is drained: by the release of a lock. Atomic counters and locks go past it.
 */
short mem[CELLS];
short buf[PROCS * CELLS] = UNSET;
byte lock[CPUS], alock[TASKS], slow;

#define STORE(a, v)	buf[me * CELLS + (a)] = v
#define LOAD(a)		(buf[me * CELLS + (a)] != UNSET -> buf[me * CELLS + (a)] : mem[a])

/*
 * Scratch of single d_steps: not part of the state. A name is of one inline, or of nested
 * ones that agree on it, since inlines share their caller's names.
 */
hidden short a_, c_, k_, l_, t_, q_, new_, lev_, room_, sum_, tasks_max[CPUS];
hidden byte fit_, law_kept, refusal_just, rooms_sound, counts_exact;

inline drain()
{
	for (a_ : 0 .. CELLS - 1) {
		if
		:: buf[me * CELLS + a_] != UNSET ->
			mem[a_] = buf[me * CELLS + a_];
			buf[me * CELLS + a_] = UNSET
		:: else
		fi
	}
	skip	/* a d_step may not end with a loop, nor begin where one ends */
}

/* === What is promised, and who was without room === */

byte g_own[CPUS], g_every[TASKS], g_just[TASKS * CPUS];

/* Of each process, its request: how many (0: none), for whom, and was there no room once? */
byte asks[PROCS], for_task[PROCS], for_cpu[PROCS];
bool without[PROCS];

#define g_level(t, c)	(g_every[t] + g_just[CPUS * (t) + (c)])
#define g_most(c)	max(g_level(0, c), g_level(1, c))

inline law_allows(t, c, w)
{
	fit_ = true;
	for (c_ : 0 .. CPUS - 1) {
		lev_ = (t == NOBODY -> g_most(c_) : g_level((t) % TASKS, c_));
		fit_ = fit_ && (!on(c, c_) || g_own[c_] + lev_ + w <= NR)
	}
}

/* In one step with every change of what is promised. */
inline look_who_is_without()
{
	for (q_ : 0 .. PROCS - 1) {
		law_allows(for_task[q_], for_cpu[q_], asks[q_]);
		without[q_] = without[q_] || (asks[q_] && !fit_)
	}
	skip
}

inline call_begins(t, c, w)
{
	for_task[me] = t; for_cpu[me] = c; asks[me] = w;
	look_who_is_without()
}

inline call_ends()
{
	for_task[me] = 0; for_cpu[me] = 0; asks[me] = 0; without[me] = false
}

inline promised(t, c, by)
{
	if
	:: t != NOBODY && c == ALL -> g_every[t] = g_every[t] + by
	:: t != NOBODY && c != ALL -> g_just[CPUS * t + c] = g_just[CPUS * t + c] + by
	:: t == NOBODY && c != ALL -> g_own[c] = g_own[c] + by
	:: t == NOBODY && c == ALL -> g_own[0] = g_own[0] + by; g_own[1] = g_own[1] + by
	fi;
	look_who_is_without()
}

/* === Checks === */

/*
 * A task's grant is looked at without the other tasks, which may stand above the law by
 * what they inherited; where nobody inherits, this is the law at every state.
 */
inline grant(t, c, w, inherited)
{
	law_allows(t, c, w);
	law_kept = fit_ || inherited;
	assert(law_kept);
	call_ends();
	promised(t, c, w)
}

inline refuse()
{
	refusal_just = without[me];
#ifndef LAW_ONLY
	assert(refusal_just);
#endif
	call_ends()
}

inline check_rooms(c)
{
	rooms_sound = mem[TASK_ROOM(c)] >= 0 && mem[CPU_ROOM(c)] >= 0 &&
		mem[TASK_ROOM(c)] <= NR - max(g_own[c], mem[CPU_ROOM(c)]) &&
		mem[CPU_ROOM(c)] <= max(0, NR - max(g_most(c), mem[TASK_ROOM(c)])) &&
		mem[FLOOR(c)] == min(mem[TASK_ROOM(0)], mem[TASK_ROOM(1)]);
	assert(rooms_sound)
}

inline check_counts(c)
{
	counts_exact = mem[OWN(c)] == g_own[c];
	for (l_ : 1 .. TOP) {
		sum_ = mem[LEVEL(0, l_)] + mem[LEVEL(1, l_)];
		lev_ = mem[ROW(c, l_)];
		for (t_ : 0 .. TASKS - 1) {
			sum_ = sum_ - (min(g_every[t_], TOP) == l_);
			lev_ = lev_ - (g_just[CPUS * t_ + c] && min(g_level(t_, c), TOP) == l_);
			counts_exact = counts_exact && mem[EVERYWHERE(t_)] == g_every[t_] &&
				mem[JUST(t_, c)] == g_just[CPUS * t_ + c]
		}
		counts_exact = counts_exact && sum_ == 0 && lev_ == 0
	}
	assert(counts_exact)
}

/* Nothing changes without a lock, so their releases see every state in which none is held. */
inline check_if_quiet()
{
#if !defined(LAW_ONLY) && !defined(CALLS_ONLY)
	if
	:: slow || lock[0] || lock[1]
	:: else -> check_rooms(0); check_rooms(1); check_counts(0); check_counts(1)
	fi
#else
	skip
#endif
}
