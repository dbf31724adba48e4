/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The constraint table's fast path against all that lowers limit, on CPUs that reorder stores.
 *
 * There are two contexts: P, and C, which is made from P by fork. Some CPUs take requests for
 * them, others for CPU 0's own registers. spin.sh runs this; each -DNAME with "mutant" beside it
 * leaves something out, and must make pan find an error. What is checked:
 *
 *	law_kept	no grant breaks the law
 *	refusal_right	at some instant of each refused request the law forbade it
 *	limit_sound	while nobody has the mutex no context is above limit, nor limit above capacity
 *	counts_exact	the shards' sums at the end are what the contexts have
 *	charge_closed	with -DCLOSE, a small model of its own: see below
 *
 * and, by pan itself, that nobody waits for ever. A mutant that has to show that it breaks the law
 * gets -DLAW_ONLY, which leaves out the other checks.
 *
 * A store waits in its CPU's buffer, and those of a CPU become visible in any order. A barrier, a
 * release, and what takes or drops a lock wait until all that came before them are visible. Loads
 * happen in the order of the source, unless a mutant takes away what orders them.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#define NR		2	/* registers of a CPU */
#ifndef TASK_SIDE
#define TASK_SIDE	2	/* CPUs that take requests for contexts */
#endif
#ifndef CPU_SIDE
#define CPU_SIDE	1	/* CPUs that take requests for CPU 0's own registers */
#endif
#ifndef ROUNDS
#define ROUNDS		1	/* requests that each CPU takes */
#endif

#define CPUS		(TASK_SIDE + CPU_SIDE)
#define P		0
#define C		1
#define NOBODY		2	/* as a context: none, CPU 0's own */

#ifdef LAW_ONLY
#define check(what)	skip
#else
#define check(what)	assert(what)
#endif

#define max(a, b)	((a) > (b) -> (a) : (b))

#ifndef CLOSE

/* === Memory === */

/* What is shared, and what of it waits in each CPU's buffer. Only a CPU itself writes its shard. */
#define NOTHING		99
#define at(c, n)	((c) * (NR + 1) + (n))

short limit, capacity, in_flight[CPUS], nr[at(CPUS, 0)];
short b_limit[CPUS] = NOTHING, b_capacity[CPUS] = NOTHING, b_in_flight[CPUS] = NOTHING;
short b_nr[at(CPUS, 0)] = NOTHING;

#define is_pending(b)	(b != NOTHING)
#define barrier(c)	(b_limit[c] == NOTHING && b_capacity[c] == NOTHING && \
			 b_in_flight[c] == NOTHING && b_nr[at(c, 1)] == NOTHING && \
			 b_nr[at(c, 2)] == NOTHING)

short nr_done;	/* CPUs */

/* Stores become visible. */
proctype memory(byte c)
{
	do
	:: d_step { is_pending(b_limit[c]) -> limit = b_limit[c]; b_limit[c] = NOTHING }
	:: d_step { is_pending(b_capacity[c]) -> capacity = b_capacity[c]; b_capacity[c] = NOTHING }
	:: d_step { is_pending(b_in_flight[c]) -> in_flight[c] = b_in_flight[c]; b_in_flight[c] = NOTHING }
	:: d_step { is_pending(b_nr[at(c, 1)]) -> nr[at(c, 1)] = b_nr[at(c, 1)]; b_nr[at(c, 1)] = NOTHING }
	:: d_step { is_pending(b_nr[at(c, 2)]) -> nr[at(c, 2)] = b_nr[at(c, 2)]; b_nr[at(c, 2)] = NOTHING }
	:: nr_done == CPUS -> break
	od
}

/* An addition to this CPU's own shard; a store to the same cell that still waits is replaced. */
inline count(n, by)
{
	if
	:: n -> b_nr[at(me, n)] = by + (is_pending(b_nr[at(me, n)]) -> b_nr[at(me, n)] : nr[at(me, n)])
	:: else
	fi
}

/* === Locks, and what they protect === */

bool table_mutex, account_lock[2], child_mutex;
byte own, everywhere[2];

#define acquire(lock)	atomic { !lock -> lock = true }
#define release(lock)	atomic { barrier(me) -> lock = false }

/* === What is known from outside === */

/*
 * Registers that somebody uses: from the grant until the call that gives them back begins. The
 * law is about these. And those that nobody else can count on yet: until that call has ended.
 */
byte used[3], busy[3];

/* Of each CPU's request: how many registers, for whom, and has the law forbidden it yet? */
byte asks[CPUS + 1], whom[CPUS + 1];
bool forbidden[CPUS + 1];

/* Scratch of single steps, and the names of what is checked. */
hidden byte q_;
hidden byte law_kept, refusal_right, limit_sound, counts_exact;

inline look_who_is_forbidden()
{
	for (q_ : 0 .. CPUS) {
		forbidden[q_] = asks[q_] && (forbidden[q_] || asks[q_] + busy[NOBODY] +
			(whom[q_] == NOBODY -> max(busy[P], busy[C]) : busy[whom[q_] % 2]) > NR)
	}
	q_ = 0
}

inline begin_request(who, w)
{
	asks[me] = w; whom[me] = who;
	look_who_is_forbidden()
}

inline end_request()
{
	asks[me] = 0; whom[me] = 0; forbidden[me] = false
}

inline grant(who, w)
{
	end_request();
	used[who] = used[who] + w; busy[who] = busy[who] + w;
	law_kept = used[NOBODY] + max(used[P], used[C]) <= NR;
	assert(law_kept);
	look_who_is_forbidden()
}

inline refuse()
{
	refusal_right = forbidden[me];
	check(refusal_right);
	end_request()
}

inline given_back(who, w)
{
	busy[who] = busy[who] - w
}

inline unlock_table()
{
	atomic {
		barrier(me);
		limit_sound = everywhere[P] <= limit && everywhere[C] <= limit && limit <= capacity;
		check(limit_sound);
		table_mutex = false
	}
}

/* === Requests for contexts === */

/*
 * These work with task_side's variables: context a is to have by more, or less. What is atomic is
 * one access to what is shared at most, with what others can't see.
 */
inline move_account()
{
	from = everywhere[a];
	everywhere[a] = to;
	count(to, 1);
	if :: by > 0 -> d_step { grant(a, by) } :: else fi
}

inline leave_old_number()
{
	atomic {
#ifndef NO_WMB			/* mutant */
		barrier(me);
#endif
		count(from, -1);
		from = 0
	}
}

#define MOVED		1
#define SLOW		2
#define REFUSED		3

#ifdef HASTY			/* mutant: refuses what is above limit */
#define ROOM		limit
#else
#define ROOM		capacity
#endif

/* With try_move(). */
inline charge_fast()
{
	atomic {
#ifndef NO_ACCOUNT_LOCK		/* mutant */
		acquire(account_lock[a]);
#endif
		to = everywhere[a] + by;
		if
		:: by > 0 && !covered && to > ROOM -> d_step { refuse(); res = REFUSED }
		:: else -> b_in_flight[me] = 1
		fi
	}
	if
	:: res == REFUSED
	:: else ->
		atomic {
#ifndef NO_MARK_BARRIER		/* mutant */
			barrier(me);
#endif
			if
#ifdef COVERED_FAST		/* mutant: a copy needs no look at limit */
			:: by < 0 || covered || to <= limit ->
#else
			:: by < 0 || to <= limit ->
#endif
				move_account();
				res = MOVED
			:: else -> res = SLOW
			fi
		}
		if :: res == MOVED -> leave_old_number() :: else fi;
		atomic {
			barrier(me);
			b_in_flight[me] = 0
		}
	fi;
	release(account_lock[a])
}

inline charge_slowly()
{
	atomic {
		acquire(table_mutex);
		acquire(account_lock[a])
	}
	atomic {
		to = everywhere[a] + by;
		if
		:: !covered && to > capacity -> d_step { refuse(); res = REFUSED }
		:: else ->
#ifndef NO_RAISE		/* mutant */
			if :: to > limit -> b_limit[me] = to :: else fi;
#endif
			move_account()
		fi
	}
	if :: res != REFUSED -> leave_old_number() :: else fi;
	release(account_lock[a]);
	unlock_table()
}

proctype task_side(byte me)
{
	byte a, round;
	short by, from, to;
	byte res;
	bool covered, child;

	do
	:: round < ROUNDS ->
		/*
		 * While C is made P doesn't shrink, and nobody else lets C grow. perf core's
		 * child_mutex sees to the former, and the child doesn't run yet.
		 */
		atomic {
			round++;
			if
			:: a = C; by = 2
			:: a = C; by = 1
			:: a = C; by = -1
			:: a = C; by = -2
			:: a = P; by = 2
			:: a = P; by = 1
			:: a = P; by = -1
			:: a = P; by = -2
			fi;
			if
			:: (a == C) == (by > 0) -> acquire(child_mutex); child = true
			:: else
			fi;
			if
			:: by < 0 && used[a] + by >= 0 -> d_step { used[a] = used[a] + by }
			:: by > 0 -> d_step { begin_request(a, by) }
			:: a == C && by > 0 && busy[C] + by <= used[P] -> covered = true
			:: by < 0 && used[a] + by < 0 -> by = 0
			fi
		}
		if
		:: by ->
			charge_fast();
			if
			:: res == SLOW -> charge_slowly()
			:: else
			fi;
		:: else
		fi;
		atomic {
			if :: by < 0 -> given_back(a, -by) :: else fi;
			if :: child -> child_mutex = false :: else fi;
			a = 0; by = 0; to = 0; res = 0; covered = false; child = false
		}
	:: else -> break
	od;
	nr_done++
}

/* === Requests for a CPU === */

/* Each shard's count of @n is a load of its own. */
inline sum_shards(n)
{
	sum = 0;
	c = 0;
	do
	:: c < TASK_SIDE -> sum = sum + nr[at(c, n)]; c++
	:: else -> break
	od;
	found = found || sum > 0
}

/* The least a sum has to find is above @to: found is set if some context is. */
inline look_at_contexts(to)
{
	found = false;
#ifdef NO_RMB			/* mutant: the lower number is read first */
	if :: to < 1 -> sum_shards(1) :: else fi;
	sum_shards(2)
#else
	sum_shards(2);
	if :: to < 1 && !found -> sum_shards(1) :: else fi
#endif
}

inline lower_limit(to)
{
	if
	:: old <= to -> found = false
	:: else ->
#ifndef NO_LIMIT_BARRIER	/* mutant */
		barrier(me);
#endif
#ifdef NO_ACQUIRE		/* mutant: the shards are read before in_flight */
		look_at_contexts(to);
#endif
#ifndef NO_WAIT			/* mutant */
		c = 0;
		do
		:: c < TASK_SIDE -> !in_flight[c]; c++
		:: else -> break
		od;
#endif
#ifndef NO_ACQUIRE
		look_at_contexts(to);
#endif
#ifndef NO_RESTORE		/* mutant */
		if :: found -> b_limit[me] = old :: else fi
#endif
	fi
}

#if CPU_SIDE
proctype cpu_side(byte me)
{
	byte w, c, old, round;
	short sum;
	bool found;

	do
	:: round < ROUNDS ->
		atomic {
			round++;
			if
			:: w = 1
			:: w = 2
			fi;
			d_step { begin_request(NOBODY, w) }
		}
		atomic {
			acquire(table_mutex);
			old = limit;
			found = own + w > NR;
			if
			:: !found && old > NR - own - w -> b_limit[me] = NR - own - w
			:: else
			fi;
#ifdef EARLY_CAPACITY		/* mutant: before it is known that it's granted */
			b_capacity[me] = NR - own - w
#endif
		}
		if
		:: found
		:: else -> lower_limit(NR - own - w)
		fi;
		if
		:: found -> d_step { refuse() }
		:: else ->
			d_step {
				own = own + w;
				grant(NOBODY, w);
#ifndef NO_CAPACITY		/* mutant */
				b_capacity[me] = NR - own
#endif
			}
		fi;
#ifdef EARLY_CAPACITY
		b_capacity[me] = NR - own;
#endif
		unlock_table();
#if CPU_SIDE > 1
		if
		:: !found ->
			d_step { used[NOBODY] = used[NOBODY] - w };
			acquire(table_mutex);
			d_step { own = own - w; b_capacity[me] = NR - own };
			unlock_table();
			d_step { given_back(NOBODY, w) }
		:: else
		fi;
#endif
		d_step { w = 0; c = 0; old = 0; sum = 0; found = false }
	:: else -> break
	od;
	nr_done++
}

#endif

#ifdef KGDB
/*
 * hw_breakpoint_charge_stopped(), once, at any instant: all other CPUs stand still. What they stored
 * would be visible then, but needn't be.
 */
proctype kgdb(byte me)
{
	byte w, most;

	if
	:: w = 1
	:: w = 2
	fi;
	d_step {
		if
#ifndef NO_MUTEX_CHECK		/* mutant */
		:: table_mutex -> skip
#endif
#ifndef NO_FLIGHT_CHECK		/* mutant */
		:: in_flight[0] || in_flight[1] -> skip
#endif
		:: else ->
			begin_request(NOBODY, w);
			most = (nr[at(0, 2)] + nr[at(1, 2)] > 0 -> 2 : (nr[at(0, 1)] + nr[at(1, 1)] > 0 -> 1 : 0));
			if
			:: own + w + most <= NR ->
				own = own + w;
				limit = (limit < NR - own -> limit : NR - own);
				capacity = NR - own;
				grant(NOBODY, w)
			:: else -> refuse()
			fi
		fi;
		w = 0; most = 0
	}
	nr_done++
}
#endif

/* The contexts have any number, and limit is at any. */
init {
	byte c;

	atomic {
		select(c : 0 .. NR);
		everywhere[P] = c;
		select(c : 0 .. NR);
		everywhere[C] = c;
		select(c : max(everywhere[P], everywhere[C]) .. NR);
		limit = c;
		capacity = NR;
		c = 0;
		if
		:: everywhere[P] -> nr[at(0, everywhere[P])]++
		:: else
		fi;
		if
		:: everywhere[C] -> nr[at(TASK_SIDE - 1, everywhere[C])]++
		:: else
		fi;
		d_step {
			used[P] = everywhere[P]; used[C] = everywhere[C];
			busy[P] = everywhere[P]; busy[C] = everywhere[C]
		}
		for (c : 0 .. TASK_SIDE - 1) { run memory(c); run task_side(c) }
#if CPU_SIDE
		for (c : TASK_SIDE .. CPUS - 1) { run memory(c); run cpu_side(c) }
#endif
#ifdef KGDB
		run kgdb(CPUS);
		nr_done--
#endif
		c = 0
	}
	nr_done == CPUS;
	d_step {
		counts_exact = true;
		for (c : 1 .. NR) {
			counts_exact = counts_exact && nr[at(0, c)] + nr[at(1, c)] ==
				(everywhere[P] == c) + (everywhere[C] == c)
		}
		check(counts_exact);
		c = 0
	}
}

#else /* CLOSE */

/*
 * close_charge() of a charge for CPU 0, while hw_breakpoint_charge() is called for the same charge:
 * without an account, a charge that names a CPU is that CPU's own.
 */
#define ANY_CPU		9

byte charge_account = 1, charge_cpu;
bool account_waits, cpu_waits;
hidden byte charge_closed;

proctype store()
{
	do
	:: d_step { cpu_waits -> charge_cpu = ANY_CPU; cpu_waits = false }
	:: d_step { account_waits -> charge_account = 0; account_waits = false }
	:: charge_cpu == ANY_CPU && !charge_account -> break
	od
}

proctype close_charge()
{
	cpu_waits = true;
#ifndef NO_CLOSE_RELEASE	/* mutant */
	!cpu_waits;
#endif
	account_waits = true
}

init {
	byte a, cpu;

	run store();
	run close_charge();
#ifdef NO_CLOSE_ACQUIRE		/* mutant */
	cpu = charge_cpu;
	a = charge_account;
#else
	a = charge_account;
	cpu = charge_cpu;
#endif
	charge_closed = a || cpu == ANY_CPU;
	assert(charge_closed)
}

#endif
