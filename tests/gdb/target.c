// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program that gdb debugs: counted reads, writes, and calls, and nothing else.
 * Copyright (C) 2026 The hw_breakpoint authors
 *
 * target MODE [ARGUMENT]. Built without optimisation, so that each assignment is one
 * store and each read of a volatile one load. A process that is no longer traced tells
 * on stdout how many of the four slots it could take.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 4

volatile long watched;
volatile long idle[SLOTS];	/* watched too, and touched only after exec */
volatile long sink;

/* === What is counted === */

void write_watched(long n)
{
	for (long i = 0; i < n; i++)
		watched = watched + 1;
}

/* A store and no load: a + 1 above reads as well. */
void store_watched(long first, long n)
{
	for (long i = first; i < first + n; i++)
		watched = i;
}

void read_watched(long n)
{
	for (long i = 0; i < n; i++)
		sink = watched;
}

void write_once(void) { watched = watched + 1; }

void compute(long i)
{
	sink = i * i;
	sink = sink + i;
}

void f1(void) { sink = 1; }
void f2(void) { sink = 2; }
void f3(void) { sink = 3; }
void f4(void) { sink = 4; }
void f5(void) { sink = 5; }

/* gdb stops at these. */
void ready(void) { sink = 0; }
void finished(void) { sink = 0; }

/* === Slots === */

static int open_slot(volatile void *address)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)address,
		.bp_len = HW_BREAKPOINT_LEN_4,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static void tell(const char *who, const char *what)
{
	printf("%s: %s\n", who, what);
	fflush(stdout);
}

static void tell_free_slots(const char *who)
{
	char what[32];
	int fds[SLOTS + 1];
	int n = 0;

	while (n <= SLOTS) {
		fds[n] = open_slot(&idle[n % SLOTS]);
		if (fds[n] < 0)
			break;
		n++;
	}
	snprintf(what, sizeof(what), "%d slots free", n);
	tell(who, what);
	while (n--)
		close(fds[n]);
}

/* === Modes === */

static int mode_count(void)
{
	ready();
	store_watched(1, 20);
	read_watched(30);
	for (int i = 0; i < 5; i++)
		f1();
	for (int i = 0; i < 6; i++)
		f2();
	for (int i = 0; i < 7; i++)
		f3();
	for (int i = 0; i < 8; i++)
		f4();
	f5();
	finished();
	return 0;
}

static int mode_step(long n)
{
	ready();
	for (long i = 0; i < n; i++) {
		compute(i);
		write_once();
	}
	finished();
	return 0;
}

static sem_t turn[5], ended;

static void *writer(void *number)
{
	sem_wait(&turn[(long)number]);
	write_watched(10 + (long)number);
	sem_post(&ended);
	return NULL;
}

/*
 * Threads 1 and 2 are there before gdb watches, 3 and 4 come after. With "wait" gdb
 * attaches while we wait for input, and detaches at finished().
 */
static int mode_threads(int wait)
{
	pthread_t thread[5];
	long i;

	sem_init(&ended, 0, 0);
	for (i = 1; i <= 4; i++)
		sem_init(&turn[i], 0, 0);
	for (i = 1; i <= 2; i++)
		pthread_create(&thread[i], NULL, writer, (void *)i);
	if (wait)
		getchar();
	ready();
	write_watched(10);
	for (i = 3; i <= 4; i++)
		pthread_create(&thread[i], NULL, writer, (void *)i);
	for (i = 1; i <= 4; i++) {
		sem_post(&turn[i]);
		sem_wait(&ended);
	}
	for (i = 1; i <= 4; i++)
		pthread_join(thread[i], NULL);
	finished();
	if (wait) {
		write_watched(10);
		tell_free_slots("attached");
	}
	return 0;
}

/*
 * With threads that are there before gdb attaches, while we wait for input. gdb dies, and with it
 * the input ends: nothing stops us any more. We make no thread then: until its debugger is gone
 * altogether a new thread would still be attached to it, by a SIGSTOP that stays.
 */
static int mode_orphan(void)
{
	pthread_t thread[3];
	long i;

	sem_init(&ended, 0, 0);
	for (i = 1; i <= 2; i++) {
		sem_init(&turn[i], 0, 0);
		pthread_create(&thread[i], NULL, writer, (void *)i);
	}
	getchar();
	write_watched(10);
	for (i = 1; i <= 2; i++) {
		sem_post(&turn[i]);
		sem_wait(&ended);
		pthread_join(thread[i], NULL);
	}
	tell_free_slots("orphan");
	return 0;
}

static pthread_barrier_t start;

static void *storer(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&start);
	store_watched(0, 10);
	return NULL;
}

static int mode_crowd(void)
{
	pthread_t thread[4];

	pthread_barrier_init(&start, NULL, 4);
	ready();
	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, storer, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	finished();
	return 0;
}

/* The child writes 7 times and exits, then the parent writes 5 times. */
static int mode_fork(const char *followed)
{
	int child_followed = !strcmp(followed, "child");
	char let_go[32];
	int status;
	pid_t child;

	snprintf(let_go, sizeof(let_go), "let go, %s followed", followed);
	ready();
	child = fork();
	if (!child) {
		write_watched(7);
		if (!child_followed)
			tell_free_slots(let_go);
		_exit(3);
	}
	if (waitpid(child, &status, 0) != child)
		return 1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 3)
		return 1;
	write_watched(5);
	if (child_followed)
		tell_free_slots(let_go);
	tell(let_go, "ended well");
	finished();
	return 0;
}

static int mode_exec(const char *self)
{
	ready();
	write_watched(3);
	f1();
	execl("/proc/self/exe", self, "execd", NULL);
	return 1;
}

/* What the old image's watchpoint would hit, then what gdb watches anew. */
static int mode_execd(void)
{
	write_watched(6);
	f1();
	f1();
	ready();
	for (int i = 0; i < 4; i++)
		idle[1] = i + 1;
	finished();
	return 0;
}

static int mode_detach(void)
{
	ready();
	write_watched(5);
	tell_free_slots("detached");
	tell("detached", "ended well");
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	const char *argument = argc > 2 ? argv[2] : "";

	if (!strcmp(mode, "count"))
		return mode_count();
	if (!strcmp(mode, "orphan"))
		return mode_orphan();
	if (!strcmp(mode, "step"))
		return mode_step(atol(argument));
	if (!strcmp(mode, "threads"))
		return mode_threads(!strcmp(argument, "wait"));
	if (!strcmp(mode, "crowd"))
		return mode_crowd();
	if (!strcmp(mode, "fork"))
		return mode_fork(argument);
	if (!strcmp(mode, "exec"))
		return mode_exec(argv[0]);
	if (!strcmp(mode, "execd"))
		return mode_execd();
	if (!strcmp(mode, "detach"))
		return mode_detach();
	fprintf(stderr, "target: unknown mode '%s'\n", mode);
	return 2;
}
