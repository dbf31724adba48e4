// SPDX-License-Identifier: GPL-2.0-only
/*
 * hwbp watch: a line for each access to a variable of the kernel, while it runs.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A function that hit. */
struct function {
	char *name;
	unsigned long hits;
};

/* What has been seen, and what is yet to be. */
static struct watch {
	const struct target *target;
	const char *told;
	long left;		/* hits to go, or negative: no end */
	unsigned long hits;
	unsigned long lost;
	unsigned long odd;	/* lines that aren't understood */
	struct function *function;
	size_t functions;
	bool reader_gone;
	char text[65536];	/* read, and not yet a line */
	size_t len;
} w;

/* === Ends === */

static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* None of them kills: all that is made must be taken away. None restarts a write() either. */
static void catch_signals(void (*handler)(int sig))
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		catch_signal(ends[i], handler);
	signal(SIGPIPE, SIG_IGN);
}

static bool is_over(void)
{
	return stopped || w.reader_gone || !w.left;
}

/* === Showing === */

static void count(const char *name)
{
	size_t i;

	for (i = 0; i < w.functions && strcmp(w.function[i].name, name); i++)
		;
	if (i == w.functions) {
		w.function = need(realloc(w.function, ++w.functions * sizeof(*w.function)));
		w.function[i].name = need(strdup(name));
		w.function[i].hits = 0;
	}
	w.function[i].hits++;
	w.hits++;
}

static void print_values(const struct hit *h)
{
	if (!h->old)
		return;
	if (w.target->access == READ_WRITE && !strcmp(h->old, h->value))
		printf("  = %s", h->value);
	else
		printf("  %s -> %s%s%s", h->old, colour_on(BOLD), h->value, colour_off(BOLD));
}

static void print_hit(const struct hit *h)
{
	char task[128], name[320], place[384];

	snprintf(task, sizeof(task), "%s/%s", h->comm, h->pid);
	snprintf(name, sizeof(name), "%s%s%s", h->module, *h->module ? ":" : "", h->function);
	snprintf(place, sizeof(place), "%s%s%s", name, *h->offset ? "+" : "", h->offset);
	printf("%s%14s%s  %3s  %-20s  %s%-*s%s", colour_on(DIM), h->time, colour_off(DIM), h->cpu,
	       task, colour_on(GREEN), h->old ? 32 : 0, place, colour_off(GREEN));
	print_values(h);
	putchar('\n');
	count(name);
}

static void print_head(void)
{
	printf("%s%14s  %3s  %-20s  %-32s  %s%s\n", colour_on(BOLD), "TIME", "CPU", "COMM/PID",
	       "FUNCTION", w.target->access == EXECUTE ? "" : "OLD -> NEW", colour_off(BOLD));
}

/* "CPU:1 [LOST 23 EVENTS]", or without the number. */
static bool print_lost(const char *line)
{
	unsigned long n = 0;
	int cpu;

	if (sscanf(line, "CPU:%d [LOST", &cpu) != 1 || !strstr(line, "EVENTS]"))
		return false;
	if (sscanf(line, "CPU:%*d [LOST %lu", &n) == 1)
		printf("# CPU %d lost %lu hits\n", cpu, n);
	else
		printf("# CPU %d lost hits\n", cpu);
	w.lost += n;
	return true;
}

static int by_hits(const void *a, const void *b)
{
	const struct function *fa = a, *fb = b;

	if (fa->hits != fb->hits)
		return fa->hits < fb->hits ? 1 : -1;
	return strcmp(fa->name, fb->name);
}

static void print_summary(void)
{
	size_t i;

	if (w.functions)
		qsort(w.function, w.functions, sizeof(*w.function), by_hits);
	printf("# %lu hit%s of %s\n", w.hits, w.hits == 1 ? "" : "s", w.told);
	for (i = 0; i < w.functions; i++)
		printf("# %10lu  %s\n", w.function[i].hits, w.function[i].name);
	if (w.lost)
		printf("# %lu more were lost\n", w.lost);
	if (w.odd)
		printf("# lines of trace_pipe that weren't understood: %lu\n", w.odd);
}

/* === Reading === */

static void take_line(char *line)
{
	struct hit h;

	if (!*line || print_lost(line))
		return;
	if (!hit_parse(line, &h)) {
		w.odd++;
		return;
	}
	print_hit(&h);
	if (w.left > 0)
		w.left--;
}

/* The lines that have come; a part of one waits for the rest. */
static void take_lines(void)
{
	char *line = w.text, *end;

	while (w.left && (end = memchr(line, '\n', w.text + w.len - line))) {
		*end = '\0';
		take_line(line);
		line = end + 1;
	}
	w.len -= line - w.text;
	memmove(w.text, line, w.len);
	if (w.len == sizeof(w.text))
		w.len = 0;
	if (!out_flush())
		w.reader_gone = true;
}

/* Returns what read() does. */
static ssize_t read_some(int pipe)
{
	const ssize_t n = read(pipe, w.text + w.len, sizeof(w.text) - w.len);

	if (n > 0) {
		w.len += n;
		take_lines();
	}
	return n;
}

/*
 * A signal between is_over() and poll() is noticed when the time is over. Nothing to read isn't
 * the end but when poll() says so: trace_pipe has none, but a test's has.
 */
static int read_hits(int pipe)
{
	struct pollfd fd[] = { { .fd = pipe, .events = POLLIN }, { .fd = STDOUT_FILENO } };
	ssize_t n;

	while (!is_over()) {
		if (poll(fd, ARRAY_SIZE(fd), 500) < 0 && errno == EINTR)
			continue;
		w.reader_gone = fd[1].revents;
		n = read_some(pipe);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return complain("can't read trace_pipe: %s", strerror(errno));
		if (!n && fd[0].revents & POLLHUP)
			break;
	}
	return GOOD;
}

/* What came before the end; no more comes. */
static void read_rest(int pipe)
{
	while (!w.reader_gone && w.left && read_some(pipe) > 0)
		;
}

/* === The command === */

static int watch(struct target *t)
{
	bool started = false;
	int pipe, err;

	catch_signals(stop);
	/* Others tell by it whether we live; see event.c. */
	prctl(PR_SET_NAME, "hwbp");
	err = event_start(t, w.told, &pipe);
	if (!err) {
		if (isatty(STDOUT_FILENO))
			print_head();
		out_flush();
		err = read_hits(pipe);
		event_stop();
		read_rest(pipe);
		started = true;
	}
	catch_signals(SIG_IGN);
	if (event_remove(pipe))
		err = COULDNT;
	catch_signals(SIG_DFL);
	if (started && !w.reader_gone)
		print_summary();
	return err;
}

static int parse_options(int argc, char **argv)
{
	int c;

	opterr = 0;
	w.left = -1;
	while ((c = getopt(argc, argv, "+:n:")) >= 0) {
		if (c != 'n')
			return misused("watch: a bad option: use watch [-n N] TARGET");
		if (!parse_number(optarg, 1, 1L << 40, &w.left))
			return misused("watch -n %s: say after how many hits to end, 1 or more",
				       optarg);
	}
	if (optind + 1 != argc)
		return misused("watch: say one TARGET, as jiffies or jiffies/8:rw");
	return GOOD;
}

int cmd_watch(int argc, char **argv)
{
	struct target t;
	int err = parse_options(argc, argv);

	if (err)
		return err;
	w.told = argv[optind];
	w.target = &t;
	err = target_parse(w.told, &t);
	if (err)
		return err;
	err = watch(&t);
	while (w.functions)
		free(w.function[--w.functions].name);
	free(w.function);
	return err;
}
