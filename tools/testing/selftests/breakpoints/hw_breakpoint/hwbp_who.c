// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who holds the registers, who was refused and why, and the tracepoints: what debugfs and
 * tracefs tell, against what was done.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define WHO "/sys/kernel/debug/hw_breakpoint/"
#define NR_REFUSALS 64
#define DR(n) offsetof(struct user, u_debugreg[n])

/*
 * Alone on a page, since QEMU's TCG now and then takes an unaligned store of a vector elsewhere
 * on the page for a hit: a string that is copied.
 */
static uint64_t page[4096 / sizeof(uint64_t)] __attribute__((aligned(4096)));

#define var page[0]
#define other page[8]

/* === Records of key=value === */

static char line[1024];

/* The word after " key=" in the line of a record; a quoted one without its quotes. */
static const char *value(const char *record, const char *key)
{
	static char text[4][256];
	static int turn;
	char *out = text[turn++ % 4], pattern[32];
	const char *at;
	size_t len;

	*out = '\0';
	snprintf(pattern, sizeof(pattern), " %s=", key);
	at = strstr(record, pattern);
	if (!at)
		return out;
	at += strlen(pattern);
	len = *at == '"' ? strcspn(++at, "\"") : strcspn(at, "\n ");
	snprintf(out, sizeof(text[0]), "%.*s", (int)len, at);
	return out;
}

static long long number(const char *record, const char *key)
{
	const char *text = value(record, key);

	return *text ? strtoll(text, NULL, 0) : -1;
}

/* Leaves in @line the last record that has all of @words; returns how many have. */
static int __attribute__((sentinel)) find(const char *file, ...)
{
	char this[sizeof(line)], path[64];
	const char *word;
	int found = 0;
	va_list args;
	bool all;
	FILE *f;

	*line = '\0';
	snprintf(path, sizeof(path), WHO "%s", file);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(this, sizeof(this), f)) {
		all = true;
		va_start(args, file);
		while ((word = va_arg(args, const char *)))
			all &= !!strstr(this, word);
		va_end(args);
		if (all) {
			found++;
			memcpy(line, this, sizeof(line));
		}
	}
	fclose(f);
	return found;
}

static const char *text(const char *format, long long n)
{
	static char out[4][64];
	static int turn;
	char *this = out[turn++ % 4];

	snprintf(this, sizeof(out[0]), format, n);
	return this;
}

static const char *at(const volatile void *p)
{
	return text(" addr=0x%llx ", addr_of(p));
}

#define NEED_WHO() NEED(!access(WHO "slots", R_OK), "no " WHO "slots")

FIXTURE(who) {
	pid_t idle;
};

FIXTURE_SETUP(who)
{
	NEED_WHO();
	self->idle = idle_task();
	all_free(_metadata);
	EXPECT_EQ(0, find("slots", "promise", NULL))
		TH_LOG("%s", line);
}

FIXTURE_TEARDOWN(who)
{
	if (self->idle > 0)
		end_task(self->idle);
	if (!access(FLEXIBLE, W_OK))
		write_file(FLEXIBLE, "0");
	all_free(_metadata);
	EXPECT_EQ(0, find("slots", "promise", NULL))
		TH_LOG("%s", line);
	EXPECT_EQ(0, find("slots", "state=armed", NULL))
		TH_LOG("%s", line);
}

/* === slots === */

TEST_F(who, every_register_is_there)
{
	int cpu;

	for (cpu = 0; cpu < online_cpus(); cpu++)
		EXPECT_EQ(HWBP_NUM, find("slots", "register", text(" cpu=%lld ", cpu),
					 "state=free", NULL));
	EXPECT_EQ(online_cpus(), find("slots", "cpu cpu=",
				      "online=1 own=0 busiest_task=0 room=4", NULL));
}

/* What perf holds for a task that doesn't run: a promise and no register. */
TEST_F(who, promise_of_a_task)
{
	int fd = bp_open(BP_RW, addr_of(&var), 4, self->idle, -1);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(1, find("slots", "promise", NULL));
	EXPECT_STREQ("perf", value(line, "owner"));
	EXPECT_EQ(self->idle, number(line, "task"));
	EXPECT_STREQ("hwbp_who", value(line, "task_comm"));
	EXPECT_EQ(getpid(), number(line, "pid"));
	EXPECT_STREQ("hwbp_who", value(line, "comm"));
	EXPECT_EQ(1, number(line, "slots"));
	EXPECT_EQ(addr_of(&var), number(line, "addr"));
	EXPECT_EQ(4, number(line, "len"));
	EXPECT_STREQ("rw", value(line, "type"));
	EXPECT_EQ(-1, number(line, "cpu"));
	EXPECT_EQ(0, find("slots", "state=armed", NULL));
	EXPECT_EQ(online_cpus(), find("slots", "cpu cpu=",
				      "online=1 own=0 busiest_task=1 room=3", NULL));
	close(fd);
}

TEST_F(who, promise_of_a_task_on_a_cpu)
{
	int fd = bp_open(BP_W, addr_of(&var), 8, self->idle, 0);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(1, find("slots", "promise", NULL));
	EXPECT_EQ(0, number(line, "cpu"));
	EXPECT_EQ(self->idle, number(line, "task"));
	close(fd);
}

/* The reader is the task that is watched, so the event is on the CPU that it looks from. */
TEST_F(who, register_of_a_task)
{
	int fd, n;

	ASSERT_EQ(0, pin_to(0));
	fd = bp_open(BP_W, addr_of(&var), 8, 0, -1);
	ASSERT_GE(fd, 0);
	for (n = 0; n <= 3; n++) {
		ASSERT_EQ(1, find("slots", "register", "state=armed", NULL));
		EXPECT_EQ(0, number(line, "cpu"));
		EXPECT_EQ(addr_of(&var), number(line, "addr"));
		EXPECT_EQ(n, number(line, "hits"));
		EXPECT_STREQ("w", value(line, "type"));
		EXPECT_STREQ("perf", value(line, "owner"));
		EXPECT_EQ(getpid(), number(line, "pid"));
		EXPECT_EQ(getpid(), number(line, "task"));
		store(&var, 8);
	}
	close(fd);
}

/* Three watch the same, and two a range of two registers: so three have none of their own. */
TEST_F(who, shared)
{
	int fd[5], own[2], i;

	NEED_FLEXIBLE();
	ASSERT_EQ(0, pin_to(0));
	ASSERT_EQ(0, write_file(FLEXIBLE, "1"));
	for (i = 0; i < 5; i++) {
		fd[i] = i < 3 ? bp_open(BP_W, addr_of(&var), 8, -1, 0) :
				bp_open(BP_RW, addr_of(&other) + 4, 8, -1, 0);
		ASSERT_GE(fd[i], 0);
	}
	EXPECT_EQ(2, find("slots", "shared", at(&var), "type=w", NULL));
	EXPECT_EQ(1, find("slots", "shared", "type=rw", NULL));
	/* the first promised event finds a free register, the second one takes another's */
	ASSERT_EQ(0, write_file(FLEXIBLE, "0"));
	for (i = 0; i < 2; i++) {
		own[i] = bp_open(BP_X, i ? addr_of(find) : addr_of(value), sizeof(long), 0, -1);
		ASSERT_GE(own[i], 0);
	}
	EXPECT_EQ(2, find("slots", "register cpu=0", "state=armed", "type=x", NULL));
	EXPECT_LT(find("slots", "shared", NULL), 3);
	close(own[1]);
	close(own[0]);
	for (i = 0; i < 5; i++)
		close(fd[i]);
}

TEST_F(who, registers_of_cpus)
{
	int fd[16], cpu, cpus = online_cpus();

	for (cpu = 0; cpu < cpus; cpu++) {
		fd[cpu] = bp_open(BP_X, addr_of(find), sizeof(long), -1, cpu);
		ASSERT_GE(fd[cpu], 0);
	}
	for (cpu = 0; cpu < cpus; cpu++) {
		EXPECT_EQ(1, find("slots", "register", text(" cpu=%lld ", cpu), "state=armed",
				  "type=x", "owner=perf", NULL));
		EXPECT_EQ(1, find("slots", "promise", text(" cpu=%lld ", cpu), NULL));
		EXPECT_EQ(-1, number(line, "task"));
		close(fd[cpu]);
	}
}

/* Who gave the descriptor away and died isn't known any more, but what he asked for is. */
static int open_and_leave(void *arg)
{
	int fd = bp_open(BP_W, addr_of(&var), 8, *(pid_t *)arg, -1);

	/* The heir of the descriptor lives as long as the task that is watched. */
	if (fork() == 0) {
		setpgid(0, *(pid_t *)arg);
		for (;;)
			pause();
	}
	return fd < 0;
}

TEST_F(who, asker_who_has_gone)
{
	ASSERT_EQ(0, setpgid(self->idle, self->idle));
	ASSERT_EQ(0, in_child(open_and_leave, &self->idle));
	EXPECT_EQ(1, find("slots", "promise", NULL));
	EXPECT_STREQ("perf", value(line, "owner"));
	EXPECT_EQ(-1, number(line, "pid"));
	EXPECT_EQ(self->idle, number(line, "task"));
	kill(-self->idle, SIGKILL);
	/* Nobody waits for the heir: look until its descriptor is closed. */
	while (find("slots", "promise", NULL) > 0)
		usleep(1000);
}

TEST_F(who, name_that_needs_quotes)
{
	int fd;

	prctl(PR_SET_NAME, "a \"b\\c\nd\177");
	fd = bp_open(BP_W, addr_of(&var), 8, self->idle, -1);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(1, find("slots", "promise", " comm=\"a \\042b\\134c\\012d\\177\"", NULL));
	prctl(PR_SET_NAME, "hwbp_who");
	close(fd);
}

static pid_t traced(void)
{
	pid_t pid = fork_kid();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	waitpid(pid, NULL, 0);
	return pid;
}

TEST_F(who, debugger)
{
	pid_t pid = traced();

	ASSERT_EQ(0, ptrace(PTRACE_POKEUSER, pid, DR(0), addr_of(&var)));
	ASSERT_EQ(0, ptrace(PTRACE_POKEUSER, pid, DR(1), addr_of(&other)));
	/* two writes of 8 bytes, G0 and G1 */
	ASSERT_EQ(0, ptrace(PTRACE_POKEUSER, pid, DR(7), 0x99000aul));
	ASSERT_EQ(2, find("slots", "promise", NULL));
	EXPECT_STREQ("ptrace", value(line, "owner"));
	EXPECT_EQ(1, number(line, "slots"));
	EXPECT_EQ(pid, number(line, "task"));
	EXPECT_EQ(getpid(), number(line, "pid"));
	end_task(pid);
}

TEST_F(who, kernel_code_for_a_task)
{
	NEED_TARGET();
	ASSERT_EQ(0, target("user %d %d %llx 8", self->idle, BP_W,
			    (unsigned long long)addr_of(&var)));
	ASSERT_EQ(1, find("slots", "promise", NULL));
	EXPECT_STREQ("kernel", value(line, "owner"));
	EXPECT_TRUE(!!strstr(value(line, "name"), "[hw_breakpoint_target]"))
		TH_LOG("%s", line);
	EXPECT_EQ(-1, number(line, "pid"));
	EXPECT_EQ(0, target("drop"));
}

TEST_F(who, kernel_code_on_all_cpus)
{
	int cpus = online_cpus();

	NEED_TARGET();
	ASSERT_EQ(0, target("wide %d %llx 8", BP_W, (unsigned long long)target_value("var")));
	ASSERT_EQ(0, pin_to(cpus - 1));
	ASSERT_EQ(0, target("w 17 8"));
	EXPECT_EQ(1, find("slots", "promise", " wide=1 ", "owner=kernel", "hw_breakpoint_target",
			  NULL));
	EXPECT_EQ(cpus, find("slots", "register", "state=armed", "owner=kernel",
			     "symbol=\"target_var [hw_breakpoint_target]\"", "len=8 type=w", NULL));
	EXPECT_EQ(1, find("slots", "register", text(" cpu=%lld ", cpus - 1), " hits=17 ", NULL));
	EXPECT_TRUE(!!strstr(value(line, "name"), "[hw_breakpoint_target]"))
		TH_LOG("%s", line);
	EXPECT_EQ(0, target("drop"));
}

/* The listing is of more promises than it takes in one look at the table. */
TEST_F(who, many_promises)
{
	int fd[300], i, cpu, fds = 0;
	pid_t pid[70];

	for (i = 0; i < 70; i++) {
		pid[i] = idle_task();
		for (cpu = 0; cpu < 4; cpu++)
			fd[fds++] = bp_open(BP_W, addr_of(&var), 8, pid[i], cpu % 2 ? -1 : 0);
		ASSERT_GE(fd[fds - 1], 0);
	}
	EXPECT_EQ(280, find("slots", "promise", "owner=perf", NULL));
	for (i = 0; i < 70; i++)
		EXPECT_EQ(4, find("slots", "promise", text(" task=%lld ", pid[i]), NULL));
	while (fds--)
		close(fd[fds]);
	for (i = 0; i < 70; i++)
		end_task(pid[i]);
}

static int look_unprivileged(void *arg)
{
	return setgid(65534) || setuid(65534) || open(arg, O_RDONLY | O_CLOEXEC) >= 0;
}

TEST_F(who, only_root_may_look)
{
	static const char * const file[] = { "slots", "refused" };
	char path[64];
	unsigned int i;

	for (i = 0; i < sizeof(file) / sizeof(*file); i++) {
		snprintf(path, sizeof(path), WHO "%s", file[i]);
		EXPECT_EQ(0, access(path, R_OK));
		EXPECT_EQ(0, in_child(look_unprivileged, path));
	}
}

/* === refused === */

/* The newest refusal is one of ours, and this. */
static void newest(struct __test_metadata *_metadata, const char *error, const char *reason)
{
	ASSERT_GT(find("refused", "refused ", NULL), 0);
	EXPECT_STREQ(error, value(line, "error"));
	EXPECT_STREQ(reason, value(line, "reason"));
	EXPECT_EQ(getpid(), number(line, "pid"));
}

TEST_F(who, refused_for_what_it_is)
{
	ASSERT_EQ(-EINVAL, bp_try(BP_W, addr_of(&var) + 1, 31, 0, -1));
	newest(_metadata, "EINVAL", "it takes more than four registers where it is");
	EXPECT_EQ(addr_of(&var) + 1, number(line, "addr"));
	EXPECT_EQ(31, number(line, "len"));
	EXPECT_STREQ("w", value(line, "type"));
	EXPECT_EQ(getpid(), number(line, "task"));
	EXPECT_EQ(EINVAL, number(line, "errno"));
	EXPECT_EQ(1, number(line, "times"));
	ASSERT_EQ(-EINVAL, bp_try(BP_W, addr_of(&var), 33, 0, -1));
	newest(_metadata, "EINVAL", "data has to be 1 to 32 bytes long");
	ASSERT_EQ(-EINVAL, bp_try(HW_BREAKPOINT_R, addr_of(&var), 4, 0, -1));
	newest(_metadata, "EINVAL", "x86 can't watch reads alone");
	ASSERT_EQ(-EINVAL, bp_try(BP_X, addr_of(find), 2, 0, -1));
	newest(_metadata, "EINVAL", "the length for execution is sizeof(long), or 1");
	ASSERT_EQ(-EINVAL, bp_try(BP_W, -8ull, 8, 0, -1));
	newest(_metadata, "EINVAL", "a kernel address is never hit with exclude_kernel");
}

TEST_F(who, refused_where_it_would_recurse)
{
	uint64_t addr;

	NEED_TARGET();
	addr = kernel_symbol("cpu_dr7", 0);
	NEED(addr, "no cpu_dr7");
	ASSERT_EQ(-EINVAL, bp_try_kernel(BP_W, addr, 8, 0, -1));
	newest(_metadata, "EINVAL", "the handling of debug exceptions itself uses it");
}

TEST_F(who, refused_on_an_offline_cpu)
{
	NEED(online_cpus() > 1, "needs 2 CPUs");
	NEED(!write_file(CPU1, "0"), "CPU 1 can't go offline");
	EXPECT_EQ(-ENODEV, bp_try(BP_W, addr_of(&var), 8, -1, 1));
	EXPECT_EQ(0, write_file(CPU1, "1"));
	newest(_metadata, "ENODEV", "the CPU is offline");
	EXPECT_EQ(1, number(line, "cpu"));
}

static int ask_unprivileged(void *arg)
{
	if (setgid(65534) || setuid(65534))
		return 1;
	return bp_try_kernel(BP_W, *(uint64_t *)arg, 8, 0, -1) != -EPERM;
}

TEST_F(who, refused_for_want_of_a_capability)
{
	int old = read_int(PARANOID, 2);
	uint64_t addr;

	NEED_TARGET();
	addr = target_value("var");
	/* perf core itself would refuse before it asks us */
	ASSERT_EQ(0, set_paranoid(1));
	EXPECT_EQ(0, in_child(ask_unprivileged, &addr));
	set_paranoid(old);
	ASSERT_GT(find("refused", "refused ", NULL), 0);
	EXPECT_STREQ("EPERM", value(line, "error"));
	EXPECT_STREQ("a kernel address needs CAP_PERFMON", value(line, "reason"));
}

TEST_F(who, refused_for_want_of_room)
{
	int fd[HWBP_NUM], i;
	char want[256];

	for (i = 0; i < HWBP_NUM; i++)
		fd[i] = bp_open(BP_W, addr_of(&var), 8, i < 3 ? -1 : self->idle, i < 3 ? 0 : -1);
	for (i = 0; i < HWBP_NUM; i++)
		ASSERT_GE(fd[i], 0);
	/* the CPU asks, a task is in its way */
	ASSERT_EQ(-ENOSPC, bp_try(BP_W, addr_of(&var), 8, -1, 0));
	snprintf(want, sizeof(want),
		 "CPU 0: 3 its own (perf hwbp_who/%d, perf hwbp_who/%d, perf hwbp_who/%d), task hwbp_who/%d holds 1 (perf hwbp_who/%d), 1 more wanted of 4",
		 getpid(), getpid(), getpid(), self->idle, getpid());
	newest(_metadata, "ENOSPC", want);
	EXPECT_EQ(0, number(line, "cpu"));
	EXPECT_EQ(ENOSPC, number(line, "errno"));
	/* the task asks, the CPU is in its way */
	ASSERT_EQ(-ENOSPC, bp_try(BP_W, addr_of(&var), 8, self->idle, -1));
	newest(_metadata, "ENOSPC", want);
	EXPECT_EQ(self->idle, number(line, "task"));
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
}

TEST_F(who, debugger_refused)
{
	pid_t pid = traced();
	int fd[HWBP_NUM], i;

	for (i = 0; i < HWBP_NUM; i++)
		fd[i] = bp_open(BP_W, addr_of(&other), 8, pid, -1);
	ASSERT_EQ(0, ptrace(PTRACE_POKEUSER, pid, DR(0), addr_of(&var)));
	errno = 0;
	ASSERT_EQ(-1, ptrace(PTRACE_POKEUSER, pid, DR(7), 0x90002ul));
	EXPECT_EQ(ENOSPC, errno);
	ASSERT_GT(find("refused", "refused ", NULL), 0);
	EXPECT_STREQ("ptrace", value(line, "owner"));
	EXPECT_STREQ("ENOSPC", value(line, "error"));
	EXPECT_EQ(addr_of(&var), number(line, "addr"));
	EXPECT_EQ(8, number(line, "len"));
	EXPECT_EQ(pid, number(line, "task"));
	EXPECT_EQ(-1, ptrace(PTRACE_POKEUSER, pid, DR(2), -8ul));
	newest(_metadata, "EINVAL", "a debugger can't watch kernel addresses");
	for (i = 0; i < HWBP_NUM; i++)
		close(fd[i]);
	end_task(pid);
}

TEST_F(who, wide_refused)
{
	int fd;

	NEED_TARGET();
	fd = bp_open(BP_W, addr_of(&var), 8, self->idle, -1);
	for (int i = 1; i < HWBP_NUM; i++)
		bp_open(BP_W, addr_of(&var), 8, self->idle, -1);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(-ENOSPC, target("wide %d %llx 8", BP_W, (unsigned long long)target_value("var")));
	ASSERT_GT(find("refused", "refused ", NULL), 0);
	EXPECT_EQ(1, number(line, "wide"));
	EXPECT_STREQ("kernel", value(line, "owner"));
	EXPECT_TRUE(!!strstr(value(line, "name"), "[hw_breakpoint_target]"));
	for (int i = 0; i < HWBP_NUM; i++)
		close(fd + i);
}

/* A program that asks again and again leaves one record, others stay. */
TEST_F(who, refused_again)
{
	int i;

	ASSERT_EQ(-EINVAL, bp_try(BP_W, addr_of(&var), 35, 0, -1));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(-EINVAL, bp_try(BP_W, addr_of(&var), 36, 0, -1));
	newest(_metadata, "EINVAL", "data has to be 1 to 32 bytes long");
	EXPECT_EQ(100, number(line, "times"));
	EXPECT_EQ(1, find("refused", text(" pid=%lld ", getpid()), " len=35 ", NULL));
}

TEST_F(who, last_refusals)
{
	int i;

	for (i = 0; i < NR_REFUSALS + 10; i++)
		ASSERT_EQ(-EINVAL, bp_try(BP_W, addr_of(&var), 33 + i, 0, -1));
	EXPECT_EQ(NR_REFUSALS, find("refused", "refused ", NULL));
	EXPECT_EQ(NR_REFUSALS, find("refused", text(" pid=%lld ", getpid()), at(&var), NULL));
	EXPECT_EQ(33 + NR_REFUSALS + 9, number(line, "len"));
	EXPECT_EQ(1, find("refused", text(" len=%lld ", 33 + 10), NULL));
	EXPECT_EQ(0, find("refused", text(" len=%lld ", 33 + 9), NULL));
	EXPECT_EQ(NR_REFUSALS, find("refused", "error=EINVAL", NULL));
}

/* === Tracepoints === */

#define EVENTS "/sys/kernel/tracing/events/hw_breakpoint/"

/* Counts a tracepoint's events in this task, those that pass @filter. */
static int trace_open(const char *event, const char *filter)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr), .sample_period = 1,
	};
	char path[96];
	int fd;

	snprintf(path, sizeof(path), EVENTS "hw_breakpoint_%s/id", event);
	attr.config = read_int(path, -1);
	fd = pe_open(&attr, 0, -1);
	if (fd >= 0 && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter))
		return -errno;
	return fd;
}

#define NEED_TRACE() NEED(!access(EVENTS, X_OK), "no " EVENTS)

TEST_F(who, tracepoints)
{
	static const char * const event[] = {
		"register", "unregister", "install", "uninstall", "hit", "refuse", "modify",
	};
	enum { REGISTER, UNREGISTER, INSTALL, UNINSTALL, HIT, REFUSE, MODIFY, NR };
	const char *filter = text("addr == 0x%llx", addr_of(&var));
	struct perf_event_attr attr = bp_attr(BP_W, addr_of(&other), 8);
	int trace[NR], fd, i;
	long long in, out;
	long away;

	NEED_TRACE();
	away = switches();
	for (i = 0; i < NR; i++) {
		trace[i] = trace_open(event[i], filter);
		ASSERT_GE(trace[i], 0)
			TH_LOG("%s: %d", event[i], trace[i]);
	}
	ASSERT_EQ(-EINVAL, bp_try(BP_W, addr_of(&var), 33, 0, -1));
	fd = pe_open(&attr, 0, -1);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, bp_count(trace[REGISTER]));
	attr.bp_addr = addr_of(&var);
	ASSERT_EQ(0, ioctl(fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &attr));
	stores(&var, 8, 23);
	ASSERT_EQ(23, bp_count(fd));
	ioctl(fd, PERF_EVENT_IOC_DISABLE);
	stores(&var, 8, 5);
	close(fd);
	fd = bp_open(BP_RW, addr_of(&var), 8, 0, -1);
	ASSERT_GE(fd, 0);
	loads(&var, 8, 2);
	close(fd);
	EXPECT_EQ(1, bp_count(trace[REFUSE]));
	EXPECT_EQ(1, bp_count(trace[MODIFY]));
	EXPECT_EQ(1, bp_count(trace[REGISTER]));
	EXPECT_EQ(2, bp_count(trace[UNREGISTER]));
	EXPECT_EQ(25, bp_count(trace[HIT]));
	/*
	 * With each switch of the task once more, of which the tracepoint's event sees only the
	 * one or only the other: perf core has its PMU off and on in the same order.
	 */
	in = bp_count(trace[INSTALL]);
	out = bp_count(trace[UNINSTALL]);
	away = switches() - away;
	EXPECT_EQ(2, in < out ? in : out)
		TH_LOG("%lld times installed, %lld uninstalled", in, out);
	EXPECT_LE(in + out, 4 + away)
		TH_LOG("%lld times installed, %lld uninstalled, %ld switches", in, out, away);
	for (i = 0; i < NR; i++)
		close(trace[i]);
	all_free(_metadata);
}

TEST_F(who, tracepoint_filters)
{
	static const char * const filter[] = {
		"type == 3", "len == 8", "target_cpu == -1", "type == 1", "target == 0",
	};
	static const int hits[] = { 9, 9, 9, 0, 0 };
	int fd, i, trace[5];

	NEED_TRACE();
	for (i = 0; i < 5; i++) {
		trace[i] = trace_open("hit", filter[i]);
		ASSERT_GE(trace[i], 0);
	}
	fd = bp_open(BP_RW, addr_of(&var), 8, 0, -1);
	ASSERT_GE(fd, 0);
	loads(&var, 8, 9);
	close(fd);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(hits[i], bp_count(trace[i]))
			TH_LOG("%s", filter[i]);
		close(trace[i]);
	}
}

TEST_HARNESS_MAIN
