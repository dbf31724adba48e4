// SPDX-License-Identifier: GPL-2.0-only
/*
 * The constraint table at scale: hundreds of threads on all CPUs, and the kernel beside them,
 * ask for breakpoints of every kind at once. Only the law may refuse one, and whenever all
 * stand still what is granted is exactly what is left.
 *
 * HWBP_THREADS threads make HWBP_ROUNDS rounds, and more of them until HWBP_SECONDS have gone;
 * a round is PHASES phases of HWBP_STEPS steps. HWBP_KTHREADS are at it in the kernel.
 * HWBP_SEED repeats what was asked for, though not when: the scheduler has its say.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp_own.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/user.h>
#include <time.h>

#define DEBUGFS "/sys/kernel/debug/hw_breakpoint/"
#define STORM "/sys/kernel/debug/hw_breakpoint_storm/"

#define PROCESSES 8
#define MAX_THREADS 1024
#define PHASES 3

/* The most that a thread has open at a time, whoever's they are. */
#define HOLD 6

/* Rooms of threads that are measured at each standstill. */
#define PROBES 24

/* Bytes; hundreds of threads in a process, each of which may fork(). */
#define STACK (128 << 10)

/* What isn't a thread's number. */
#define A_CPU -1
#define A_KID -2

/* === Data === */

enum request { TASK, TASK_ON_CPU, CPU, PTRACE, NR_KINDS };

static const char * const kind_name[NR_KINDS] = {
	[TASK] = "task", [TASK_ON_CPU] = "task on a CPU", [CPU] = "CPU", [PTRACE] = "ptrace",
};

/* An open breakpoint, by which the rooms are predicted. */
struct hold {
	int fd;			/* -1: none */
	int target;		/* a thread's number, A_CPU, A_KID */
	int cpu;		/* -1: every one */
	struct perf_event_attr attr;
};

/* What the others, and who checks, see of a thread. */
struct thread {
	volatile pid_t tid;
	volatile pid_t kid;	/* the last one that it made, maybe dead */
	struct hold held[HOLD];
	unsigned long granted[NR_KINDS], refused[NR_KINDS], gone;
};

/* What a phase is like: of few tasks and many CPUs' breakpoints, or the other way round. */
struct mix {
	unsigned int targets;	/* threads that get breakpoints: the first so many */
	unsigned int cpu_share;	/* percent of requests that are a CPU's */
	unsigned int hold;	/* the most that a thread has */
};

/* Shared by all processes. */
static struct arena {
	pthread_barrier_t barrier;
	struct mix mix;
	bool over;
	bool is_odd;
	char odd[256];		/* the first thing that may not be */
	struct thread thread[MAX_THREADS];
} *arena;

/* A thread's own. */
struct fighter {
	struct thread *t;
	int number;
	uint64_t random;
};

static pid_t process[PROCESSES];
static unsigned int threads, steps;
static int cpus;
static uint64_t seed;

static volatile uint64_t vars[8] __attribute__((aligned(64)));

/* === Chance === */

/* Splitmix64. */
static unsigned int next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z >> 32;
}

static unsigned int below(struct fighter *me, unsigned int n)
{
	return next_random(&me->random) % n;
}

static bool one_in(struct fighter *me, unsigned int n)
{
	return !below(me, n);
}

/* === Results === */

static void odd(const char *what, const char *result)
{
	if (!__atomic_exchange_n(&arena->is_odd, true, __ATOMIC_SEQ_CST))
		snprintf(arena->odd, sizeof(arena->odd), "%s: %s", what, result);
}

static void must(const char *what, int err)
{
	if (err)
		odd(what, strerror(-err));
}

/* Counts what came of a request; only of one for a kid, ESRCH may. */
static int outcome(struct fighter *me, enum request kind, bool for_kid, int ret)
{
	if (ret >= 0)
		me->t->granted[kind]++;
	else if (ret == -ENOSPC)
		me->t->refused[kind]++;
	else if (ret == -ESRCH && for_kid)
		me->t->gone++;
	else
		odd(kind_name[kind], strerror(-ret));
	return ret;
}

/* === Requests === */

static struct perf_event_attr random_attr(struct fighter *me)
{
	struct perf_event_attr attr = bp_attr(one_in(me, 2) ? BP_W : BP_RW,
					      addr_of(vars + below(me, 8)), 8);

	if (one_in(me, 4))
		attr = bp_attr(BP_X, CODE, 8);
	attr.disabled = one_in(me, 4);
	return attr;
}

static int random_target(struct fighter *me)
{
	const struct mix *mix = &arena->mix;

	if (below(me, 100) < mix->cpu_share)
		return A_CPU;
	if (one_in(me, 8))
		return A_KID;
	if (me->number < mix->targets && one_in(me, 2))
		return me->number;
	return below(me, mix->targets);
}

static pid_t target_pid(struct fighter *me, int target)
{
	switch (target) {
	case A_CPU:
		return -1;
	case A_KID:
		return arena->thread[below(me, threads)].kid;
	default:
		return arena->thread[target].tid;
	}
}

static void open_hold(struct fighter *me, struct hold *h)
{
	enum request kind = TASK;
	pid_t pid;

	h->target = random_target(me);
	h->cpu = h->target == A_CPU || one_in(me, 4) ? below(me, cpus) : -1;
	h->attr = random_attr(me);
	if (h->target == A_CPU)
		kind = CPU;
	else if (h->cpu >= 0)
		kind = TASK_ON_CPU;
	h->attr.inherit = kind != CPU && one_in(me, 2);
	pid = target_pid(me, h->target);
	/* 0: no kid yet */
	if (!pid)
		return;
	h->fd = outcome(me, kind, h->target == A_KID, pe_open(&h->attr, pid, h->cpu));
	if (h->fd < 0)
		h->fd = -1;
}

static void close_hold(struct hold *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
}

static void open_or_close(struct fighter *me)
{
	unsigned int i = below(me, HOLD);
	struct hold *h = &me->t->held[i];

	if (h->fd >= 0)
		close_hold(h);
	else if (i < arena->mix.hold)
		open_hold(me, h);
}

/* Leaves, unless @all, what is some thread's or a CPU's: those are predictable. */
static void drop(struct fighter *me, bool all)
{
	unsigned int first = below(me, HOLD), i;

	for (i = 0; i < HOLD; i++) {
		struct hold *h = &me->t->held[(first + i) % HOLD];

		if (all || h->target == A_KID)
			close_hold(h);
	}
}

/* What is there may always become another: it has its register already. */
static void modify(struct fighter *me)
{
	struct hold *h = &me->t->held[below(me, HOLD)];
	struct perf_event_attr next = random_attr(me);

	if (h->fd < 0)
		return;
	next.inherit = h->attr.inherit;
	next.disabled = h->attr.disabled;
	must("modify", ioctl(h->fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &next) ? -errno : 0);
	h->attr = next;
}

static void switch_on_or_off(struct fighter *me)
{
	struct hold *h = &me->t->held[below(me, HOLD)];

	if (h->fd < 0)
		return;
	must("switch", ioctl(h->fd, one_in(me, 2) ? PERF_EVENT_IOC_ENABLE :
			     PERF_EVENT_IOC_DISABLE, 0) ? -errno : 0);
}

/* === What else a thread does === */

static void hit(struct fighter *me)
{
	stores(vars + below(me, 8), 8, 3);
	calls(3);
}

static void wander(struct fighter *me)
{
	if (one_in(me, 2))
		pin_to(below(me, cpus));
	sched_yield();
}

static void small_stacks(pthread_attr_t *attr)
{
	pthread_attr_init(attr);
	pthread_attr_setstacksize(attr, STACK);
}

static void *short_life(void *arg)
{
	struct fighter *me = arg;

	me->t->kid = syscall(SYS_gettid);
	stores(vars, 8, 3);
	sched_yield();
	return NULL;
}

/* A thread that has been joined isn't gone yet: it gives back what it inherited later. */
static void make_thread(struct fighter *me)
{
	pthread_attr_t attr;
	pthread_t t;
	int err;

	small_stacks(&attr);
	err = pthread_create(&t, &attr, short_life, me);
	pthread_attr_destroy(&attr);
	must("pthread_create", -err);
	if (err)
		return;
	pthread_join(t, NULL);
	while (!syscall(SYS_tgkill, getpid(), me->t->kid, 0))
		sched_yield();
}

/* What the parent holds covers what its child inherits: no fork() fails. */
static pid_t make_kid(void)
{
	pid_t pid = fork_kid();

	if (pid < 0)
		odd("fork", strerror(errno));
	return pid;
}

static void bury(pid_t pid)
{
	if (pid > 0)
		waitpid(pid, NULL, __WALL);
}

static void make_process(struct fighter *me)
{
	pid_t pid = make_kid();

	if (!pid) {
		hit(me);
		sched_yield();
		_exit(0);
	}
	me->t->kid = pid;
	if (one_in(me, 4))
		kill(pid, SIGKILL);
	bury(pid);
}

static void make_program(struct fighter *me)
{
	pid_t pid = make_kid();

	if (!pid) {
		execl("/proc/self/exe", "hwbp_scale", "--nothing", NULL);
		odd("exec", strerror(errno));
		_exit(0);
	}
	me->t->kid = pid;
	bury(pid);
}

/* === Relatives whose contexts perf core swaps === */

static void kin(unsigned int yields)
{
	while (yields--) {
		store(vars, 8);
		sched_yield();
	}
}

static void open_inherited(struct fighter *me, int *fd, unsigned int n)
{
	struct perf_event_attr attr;

	while (n--) {
		attr = random_attr(me);
		attr.inherit = 1;
		fd[n] = outcome(me, TASK, false, pe_open(&attr, 0, -1));
	}
}

static void close_inherited(int *fd, unsigned int n)
{
	while (n--) {
		if (fd[n] >= 0)
			close(fd[n]);
		fd[n] = -1;
	}
}

#define KIDS 3

/*
 * Equal relatives on one CPU, of real-time priority, so that nobody comes in between: each
 * yield is a switch from one of them to another.
 */
static void head_of_family(struct fighter *me)
{
	struct sched_param param = { .sched_priority = 1 };
	unsigned int n = 1 + below(me, HWBP_NUM), early = below(me, n + 1), i, yields;
	int fd[HWBP_NUM];
	pid_t pid[KIDS];

	pin_to(below(me, cpus));
	sched_setscheduler(0, SCHED_FIFO, &param);
	open_inherited(me, fd, n);
	for (i = 0; i < KIDS; i++) {
		yields = below(me, 8);
		pid[i] = make_kid();
		if (!pid[i]) {
			/* its copies of the descriptors would keep the events */
			close_inherited(fd, n);
			kin(yields);
			_exit(0);
		}
	}
	kin(below(me, 8));
	close_inherited(fd, early);
	for (i = 0; i < KIDS; i++)
		bury(pid[i]);
	close_inherited(fd + early, n - early);
}

static void make_family(struct fighter *me)
{
	pid_t pid = make_kid();

	if (!pid) {
		head_of_family(me);
		_exit(0);
	}
	me->t->kid = pid;
	bury(pid);
	/* the head went on with a copy of our chances */
	next_random(&me->random);
}

/* === Debuggers === */

/* The first @n registers watch 8 bytes each for writes. */
static unsigned long dr7_of(unsigned int n)
{
	unsigned long dr7 = 0;

	while (n--)
		dr7 |= 1UL << 2 * n | 9UL << (16 + 4 * n);
	return dr7;
}

static void debug_it(struct fighter *me, pid_t pid)
{
	unsigned int i, n = 1 + below(me, HWBP_NUM);

	for (i = 0; i < n; i++)
		must("poke of an address", poke(pid, i, addr_of(&idle_var)));
	outcome(me, PTRACE, false, poke(pid, 7, dr7_of(n)));
	if (one_in(me, 2)) {
		must("poke of no DR7", poke(pid, 7, 0));
		outcome(me, PTRACE, false, poke(pid, 7, dr7_of(1 + below(me, n))));
	}
	switch (below(me, 3)) {
	case 0:
		kill(pid, SIGKILL);
		break;
	case 1:
		ptrace(PTRACE_DETACH, pid, 0, 0);
		break;
	default:
		ptrace(PTRACE_CONT, pid, 0, 0);
	}
}

static void be_debugger(struct fighter *me)
{
	pid_t pid = make_kid();
	int status;

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	if (pid < 0)
		return;
	me->t->kid = pid;
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
		odd("debuggee", "doesn't stop");
		return;
	}
	debug_it(me, pid);
	bury(pid);
}

/* === The kernel's own view === */

static void read_slots(struct fighter *me)
{
	int fd = open(DEBUGFS "slots", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n;

	do {
		n = read(fd, text, sizeof(text));
	} while (n > 0);
	must("slots", n ? -errno : 0);
	close(fd);
}

/*
 * Counts all again, under all locks: "ok", or the first difference; and unless all stands
 * @still "unsettled", for tasks that are in the middle of a fork().
 */
static void recount(bool still)
{
	int fd = open(DEBUGFS "recount", O_RDONLY | O_CLOEXEC);
	char text[200];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, "ok") && (still || strncmp(text, "unsettled:", 10)))
		odd("recount", n < 0 ? strerror(errno) : text);
	close(fd);
}

static void read_recount(struct fighter *me)
{
	recount(false);
}

/* === A thread === */

static const struct {
	unsigned int weight;
	void (*act)(struct fighter *me);
} deeds[] = {
	{ 600, open_or_close },
	{ 80, modify },
	{ 60, switch_on_or_off },
	{ 80, wander },
	{ 80, hit },
	{ 16, make_thread },
	{ 10, make_process },
	{ 3, make_program },
	{ 6, make_family },
	{ 6, be_debugger },
	{ 2, read_slots },
	{ 4, read_recount },
};

#define NR_DEEDS (sizeof(deeds) / sizeof(deeds[0]))

static void do_something(struct fighter *me)
{
	unsigned int total = 0, i, r;

	for (i = 0; i < NR_DEEDS; i++)
		total += deeds[i].weight;
	r = below(me, total);
	for (i = 0; r >= deeds[i].weight; i++)
		r -= deeds[i].weight;
	deeds[i].act(me);
}

/* Everybody, and who checks, comes here; then all go on. */
static void meet(void)
{
	pthread_barrier_wait(&arena->barrier);
}

static void one_phase(struct fighter *me, bool last)
{
	unsigned int i;

	for (i = 0; i < steps; i++)
		do_something(me);
	drop(me, last);
	/* now all stand still, and are checked */
	meet();
	meet();
}

static void *fight(void *arg)
{
	struct fighter me = { .number = (long)arg };
	int i;

	me.t = &arena->thread[me.number];
	me.t->tid = syscall(SYS_gettid);
	me.random = seed + me.number;
	me.random = (uint64_t)next_random(&me.random) << 32 | me.number;
	for (i = 0; i < HOLD; i++)
		me.t->held[i].fd = -1;
	meet();
	do {
		for (i = 1; i <= PHASES; i++)
			one_phase(&me, i == PHASES);
	} while (!arena->over);
	return NULL;
}

/* Who is missing would be waited for forever. */
static void run_process(int number)
{
	unsigned int each = threads / PROCESSES, i;
	pthread_t t[MAX_THREADS / PROCESSES];
	pthread_attr_t attr;

	/* a signal would end requests early */
	signal(SIGCHLD, SIG_DFL);
	small_stacks(&attr);
	for (i = 0; i < each; i++)
		if (pthread_create(&t[i], &attr, fight, (void *)(long)(number * each + i)))
			_exit(1);
	for (i = 0; i < each; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

static void process_died(int sig)
{
	static const char text[] = "# a process of threads died\n";
	siginfo_t info;
	int i;

	for (i = 0; i < PROCESSES && !arena->over; i++) {
		info.si_pid = 0;
		if (!process[i] || waitid(P_PID, process[i], &info, WEXITED | WNOHANG | WNOWAIT))
			continue;
		if (!info.si_pid)
			continue;
		if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
			_exit(KSFT_FAIL);
		_exit(KSFT_FAIL);
	}
}

/* === The kernel's threads === */

static bool storm_there(void)
{
	return !access(STORM "ctl", W_OK);
}

/* They choose among the threads, and what is made next. */
static int start_storm(uint64_t number)
{
	pid_t low = arena->thread[0].tid, high = low;
	char text[128];
	unsigned int i;

	for (i = 1; i < threads; i++) {
		if (arena->thread[i].tid < low)
			low = arena->thread[i].tid;
		if (arena->thread[i].tid > high)
			high = arena->thread[i].tid;
	}
	snprintf(text, sizeof(text), "start %u %u %d %d %llx", env_number("HWBP_KTHREADS", 4),
		 next_random(&number), low, high + threads / 4,
		 (unsigned long long)addr_of(&idle_var));
	return write_file(STORM "ctl", text);
}

static int stop_storm(void)
{
	return write_file(STORM "ctl", "stop");
}

/* === The prediction === */

static int own[MAX_CPUS], everywhere[MAX_THREADS], just[MAX_THREADS][MAX_CPUS];

static void add_up(void)
{
	const struct hold *h;
	unsigned int i;

	memset(own, 0, sizeof(own));
	memset(everywhere, 0, sizeof(everywhere));
	memset(just, 0, sizeof(just));
	for (i = 0; i < threads * HOLD; i++) {
		h = &arena->thread[i / HOLD].held[i % HOLD];
		if (h->fd < 0)
			continue;
		if (h->target == A_CPU)
			own[h->cpu]++;
		else if (h->cpu < 0)
			everywhere[h->target]++;
		else
			just[h->target][h->cpu]++;
	}
}

static int task_room_on(unsigned int task, int cpu)
{
	return HWBP_NUM - own[cpu] - everywhere[task] - just[task][cpu];
}

static int task_room(unsigned int task, int cpu)
{
	int room = HWBP_NUM, c;

	if (cpu >= 0)
		return task_room_on(task, cpu);
	for (c = 0; c < cpus; c++)
		if (task_room_on(task, c) < room)
			room = task_room_on(task, c);
	return room;
}

static int cpu_room(int cpu)
{
	int room = HWBP_NUM - own[cpu];
	unsigned int i;

	for (i = 0; i < threads; i++)
		if (task_room_on(i, cpu) < room)
			room = task_room_on(i, cpu);
	return room;
}

/* === The checks === */

static void check_rooms(struct __test_metadata *_metadata, uint64_t *random)
{
	unsigned int i, task;
	int cpu;

	add_up();
	for (cpu = 0; cpu < cpus; cpu++) {
		EXPECT_EQ(cpu_room(cpu), free_slots(-1, cpu))
			TH_LOG("CPU %d, which has %d of its own", cpu, own[cpu]);
	}
	for (i = 0; i < PROBES; i++) {
		/* every other one is of those that have breakpoints */
		task = next_random(random) % (i & 1 ? arena->mix.targets : threads);
		cpu = (int)(next_random(random) % (cpus + 1)) - 1;
		EXPECT_EQ(task_room(task, cpu), free_slots(arena->thread[task].tid, cpu))
			TH_LOG("thread %u on CPU %d, which has %d everywhere", task, cpu,
			       everywhere[task]);
	}
}

/* All is as it was in the beginning, and for one that never had anything. */
static void check_empty(struct __test_metadata *_metadata)
{
	pid_t pid = idle_task();
	int cpu;

	all_free(_metadata);
	for (cpu = -1; cpu < cpus; cpu++) {
		EXPECT_EQ(HWBP_NUM, free_slots(pid, cpu))
			TH_LOG("a fresh task on CPU %d", cpu);
	}
	end_task(pid);
}

static void check_standstill(struct __test_metadata *_metadata, bool last, uint64_t *random)
{
	recount(true);
	check_rooms(_metadata, random);
	if (last)
		check_empty(_metadata);
	recount(true);
	EXPECT_FALSE(arena->is_odd)
		TH_LOG("%s", arena->odd);
	EXPECT_EQ(0, file_value(STORM "status", "odd"));
}

static void choose_mix(uint64_t *random)
{
	static const unsigned int share[] = { 2, 20, 50, 80, 95 };
	static const unsigned int targets[] = { 1, 3, 16, 64, MAX_THREADS };
	struct mix *mix = &arena->mix;

	mix->cpu_share = share[next_random(random) % 5];
	mix->targets = targets[next_random(random) % 5];
	if (mix->targets > threads)
		mix->targets = threads;
	mix->hold = 1 + next_random(random) % HOLD;
}

static void one_round(struct __test_metadata *_metadata, uint64_t *random, bool more)
{
	int i;

	for (i = 1; i <= PHASES; i++) {
		ASSERT_EQ(0, start_storm(*random));
		/* all stand still */
		meet();
		ASSERT_EQ(0, stop_storm());
		check_standstill(_metadata, i == PHASES, random);
		choose_mix(random);
		arena->over = i == PHASES && (!more || !__test_passed(_metadata));
		meet();
	}
}

static void show_counts(struct __test_metadata *_metadata)
{
	unsigned long granted[NR_KINDS + 1] = { 0 }, refused[NR_KINDS + 1] = { 0 }, gone = 0;
	unsigned int i, k;

	for (i = 0; i < threads * NR_KINDS; i++) {
		k = i % NR_KINDS;
		granted[k] += arena->thread[i / NR_KINDS].granted[k];
		refused[k] += arena->thread[i / NR_KINDS].refused[k];
	}
	for (k = 0; k < NR_KINDS; k++) {
		printf("# %s: %lu granted, %lu refused\n", kind_name[k], granted[k], refused[k]);
		granted[NR_KINDS] += granted[k];
		refused[NR_KINDS] += refused[k];
	}
	EXPECT_GT(granted[NR_KINDS], 0);
	EXPECT_GT(refused[NR_KINDS], 0);
	for (i = 0; i < threads; i++)
		gone += arena->thread[i].gone;
	printf("# %lu were for tasks that had gone\n", gone);
	printf("# in the kernel: %llu granted, %llu refused, %llu gone\n",
	       (unsigned long long)file_value(STORM "status", "granted"),
	       (unsigned long long)file_value(STORM "status", "refused"),
	       (unsigned long long)file_value(STORM "status", "gone"));
}

FIXTURE(scale) {
};

FIXTURE_SETUP(scale)
{
	pthread_barrierattr_t shared;

	cpus = online_cpus();
	ASSERT_LE(cpus, MAX_CPUS);
	threads = env_number("HWBP_THREADS", 256) / PROCESSES * PROCESSES;
	ASSERT_LE(threads, MAX_THREADS);
	ASSERT_GE(threads, PROCESSES);
	steps = env_number("HWBP_STEPS", 40);
	if (getrandom(&seed, sizeof(uint32_t), 0) != sizeof(uint32_t))
		seed = time(NULL);
	seed = env_number("HWBP_SEED", seed);

	arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_NE(MAP_FAILED, (void *)arena);
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	ASSERT_EQ(0, pthread_barrier_init(&arena->barrier, &shared, threads + 1));
	all_free(_metadata);
}

FIXTURE_TEARDOWN(scale)
{
	all_free(_metadata);
}

TEST_F_TIMEOUT(scale, storm, 3600)
{
	unsigned int rounds = env_number("HWBP_ROUNDS", 1), seconds = env_number("HWBP_SECONDS", 0);
	time_t start = time(NULL);
	uint64_t random = seed;
	unsigned int n = 0;
	bool more;
	int i;

	NEED(!access(DEBUGFS "recount", R_OK), "no " DEBUGFS "recount");
	NEED(storm_there(), "hw_breakpoint_storm.ko is not loaded");
	printf("# HWBP_SEED=%u: %u threads, %d CPUs\n", (unsigned int)seed, threads, cpus);
	fflush(stdout);
	choose_mix(&random);
	signal(SIGCHLD, process_died);
	for (i = 0; i < PROCESSES; i++) {
		process[i] = fork_kid();
		if (!process[i])
			run_process(i);
	}
	meet();
	do {
		more = ++n < rounds || time(NULL) - start < seconds;
		one_round(_metadata, &random, more);
	} while (!arena->over);
	for (i = 0; i < PROCESSES; i++)
		ASSERT_EQ(process[i], waitpid(process[i], NULL, 0));
	printf("# %u rounds\n", n);
	show_counts(_metadata);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--nothing"))
		return 0;
	return test_harness_run(argc, argv);
}
