// SPDX-License-Identifier: GPL-2.0-only
/*
 * hwbp list: who holds the registers of each CPU, and who was promised one.
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
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SLOTS "slots"

/* A promise in words, to be told once if every CPU has it. */
struct promise {
	char task[128];
	char what[768];
	long cpu;	/* -1: wherever the task is */
	bool wide;	/* on every CPU */
	bool told;
};

/* === Registers === */

static bool is_free(const struct record *r)
{
	return !strcmp(kv_text(r, "state"), "free");
}

static const char *state(const struct record *r)
{
	return kv_is(r, "shared") ? "shared" : kv_text(r, "state");
}

static enum colour state_colour(const struct record *r)
{
	if (is_free(r))
		return DIM;
	return strcmp(state(r), "armed") && strcmp(state(r), "shared") ? YELLOW : GREEN;
}

static void add_head(struct table *t)
{
	static const char * const name[] = { "CPU", "REG", "STATE", "ADDRESS", "LEN", "TYPE",
					     "HITS", "OWNER", "SYMBOL" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(name); i++)
		table_add(t, BOLD, "%s", name[i]);
	t->columns = ARRAY_SIZE(name);
	t->right = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 6;
}

static void add_cell(struct table *t, const struct record *r, const char *key)
{
	const char *value = kv_get(r, key);

	table_add(t, PLAIN, "%s", value ? value : "");
}

static void add_owner(struct table *t, const struct record *r)
{
	char owner[256], task[128];

	*owner = '\0';
	if (kv_get(r, "owner"))
		kv_owner(r, owner, sizeof(owner));
	kv_task(r, true, task, sizeof(task));
	table_add(t, BOLD, "%s%s%s", owner, *task ? " for " : "", task);
}

static void add_register(struct table *t, const struct record *r)
{
	add_cell(t, r, "cpu");
	add_cell(t, r, "reg");
	table_add(t, state_colour(r), "%s", state(r));
	add_cell(t, r, "addr");
	add_cell(t, r, "len");
	add_cell(t, r, "type");
	add_cell(t, r, "hits");
	add_owner(t, r);
	add_cell(t, r, "symbol");
}

static void print_registers(const struct records *all, bool with_free, FILE *out)
{
	struct table t = { };
	size_t i, rows;

	add_head(&t);
	for (i = 0; i < all->n; i++) {
		if (kv_is(&all->at[i], "shared") ||
		    (kv_is(&all->at[i], "register") && (with_free || !is_free(&all->at[i]))))
			add_register(&t, &all->at[i]);
	}
	rows = t.n / t.columns - 1;
	if (!rows)
		fputs("no register is in use\n", out);
	table_print(&t, rows ? out : NULL);
}

/* === CPUs === */

static unsigned int count_free(const struct records *all, long cpu)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < all->n; i++)
		n += kv_is(&all->at[i], "register") && is_free(&all->at[i]) &&
		     kv_number(&all->at[i], "cpu", -1) == cpu;
	return n;
}

/* All but which one it is. */
static void say_cpu(const struct records *all, const struct record *r, char text[], size_t size)
{
	char now[32] = " (offline)";

	if (kv_number(r, "online", 1))
		snprintf(now, sizeof(now), ": %u free", count_free(all, kv_number(r, "cpu", -1)));
	snprintf(text, size, "%s%s %s promised to itself, %s to the busiest task, room for %s",
		 now, kv_number(r, "online", 1) ? "," : ":", kv_text(r, "own"),
		 kv_text(r, "busiest_task"), kv_text(r, "room"));
}

static void print_range(long first, long last, const char *text, FILE *out)
{
	if (first == last)
		fprintf(out, "CPU %ld%s\n", first, text);
	else
		fprintf(out, "CPU %ld-%ld%s\n", first, last, text);
}

/* Neighbours that don't differ share a line. */
static void print_cpus(const struct records *all, FILE *out)
{
	char text[256], before[256];
	long first = -1, last = -1, cpu;
	size_t i;

	for (i = 0; i < all->n; i++) {
		if (!kv_is(&all->at[i], "cpu"))
			continue;
		cpu = kv_number(&all->at[i], "cpu", -1);
		say_cpu(all, &all->at[i], text, sizeof(text));
		if (first >= 0 && (cpu != last + 1 || strcmp(text, before))) {
			print_range(first, last, before, out);
			first = -1;
		}
		if (first < 0)
			first = cpu;
		last = cpu;
		memcpy(before, text, sizeof(before));
	}
	if (first >= 0)
		print_range(first, last, before, out);
}

/* === Promises === */

static void say_promise(const struct record *r, struct promise *p)
{
	char owner[256], place[256], watch[384];

	*watch = '\0';
	p->told = false;
	p->cpu = kv_number(r, "cpu", -1);
	p->wide = kv_number(r, "wide", 0);
	kv_task(r, true, p->task, sizeof(p->task));
	kv_owner(r, owner, sizeof(owner));
	kv_place(r, place, sizeof(place));
	if (kv_get(r, "addr"))
		snprintf(watch, sizeof(watch), ": %s of %s at %s", kv_text(r, "type"),
			 kv_text(r, "len"), place);
	snprintf(p->what, sizeof(p->what), "%s to %s%s", kv_text(r, "slots"), owner, watch);
}

static bool equal(const struct promise *a, const struct promise *b)
{
	return !strcmp(a->task, b->task) && !strcmp(a->what, b->what);
}

/* One untold promise equal to @like on @cpu. */
static struct promise *find(struct promise *all, size_t n, const struct promise *like, long cpu)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!all[i].told && all[i].cpu == cpu && equal(&all[i], like))
			return &all[i];
	}
	return NULL;
}

/* One on each CPU; if @tell, they have been told. */
static bool on_every_cpu(const struct records *all, struct promise *promise, size_t n,
			 const struct promise *like, bool tell)
{
	const struct promise copy = *like;
	struct promise *p;
	size_t i, cpus = 0;

	for (i = 0; i < all->n; i++) {
		if (!kv_is(&all->at[i], "cpu"))
			continue;
		p = find(promise, n, &copy, kv_number(&all->at[i], "cpu", -2));
		if (!p)
			return false;
		p->told |= tell;
		cpus++;
	}
	return cpus > 1;
}

static void print_promise(const struct promise *p, bool every, FILE *out)
{
	fputs(colour_on(BOLD), out);
	if (*p->task)
		fprintf(out, "%s%s", p->task, every || p->cpu >= 0 ? " on " : "");
	if (every || p->wide)
		fputs("every CPU", out);
	else if (p->cpu >= 0)
		fprintf(out, "CPU %ld", p->cpu);
	fprintf(out, "%s: %s\n", colour_off(BOLD), p->what);
}

static size_t collect(const struct records *all, struct promise *promise)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++) {
		if (kv_is(&all->at[i], "promise"))
			say_promise(&all->at[i], &promise[n++]);
	}
	return n;
}

static void print_promises(const struct records *all, FILE *out)
{
	struct promise *promise = need(calloc(all->n + 1, sizeof(*promise)));
	size_t i, n = collect(all, promise);
	bool every;

	if (n)
		fprintf(out, "%sPROMISES%s\n", colour_on(BOLD), colour_off(BOLD));
	for (i = 0; i < n; i++) {
		if (promise[i].told)
			continue;
		every = promise[i].cpu >= 0 && on_every_cpu(all, promise, n, &promise[i], false);
		if (every)
			on_every_cpu(all, promise, n, &promise[i], true);
		print_promise(&promise[i], every, out);
		promise[i].told = true;
	}
	free(promise);
}

static int print_list(bool with_free, FILE *out)
{
	struct records all;
	int err = kv_load(SLOTS, &all);

	if (!err) {
		print_registers(&all, with_free, out);
		print_cpus(&all, out);
		print_promises(&all, out);
		err = kv_complain_bad(SLOTS, &all);
	}
	kv_free(&all);
	return err;
}

/* === Again and again === */

static volatile sig_atomic_t stopped;

/* As the terminal was. */
static struct termios before;
static bool keys;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* Keys come at once and unseen; Ctrl-Z wouldn't put the terminal back. */
static void screen_start(void)
{
	struct termios raw;

	keys = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &before);
	if (keys) {
		raw = before;
		raw.c_lflag &= ~(ICANON | ECHO);
		raw.c_cc[VSUSP] = _POSIX_VDISABLE;
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	/* Another screen, no cursor, long lines are cut. */
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
}

static void screen_end(void)
{
	fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* As many lines as there is room for. */
static void screen_show(const char *text)
{
	struct winsize size = { };
	unsigned int row = 1;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row)
		size.ws_row = 24;
	fputs("\033[H\033[J", stdout);
	for (; *text && (*text != '\n' || ++row <= size.ws_row); text++)
		putchar(*text);
	fflush(stdout);
}

/* Until it is time, or a signal comes, or q is typed, or nobody reads any more. */
static void wait_for(double seconds, const sigset_t *unblocked)
{
	struct pollfd fd[] = {
		{ .fd = keys ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};
	struct timespec t = { .tv_sec = seconds };
	char key = 0;

	t.tv_nsec = (seconds - t.tv_sec) * 1e9;
	if (stopped || ppoll(fd, ARRAY_SIZE(fd), &t, unblocked) <= 0)
		return;
	if (fd[0].revents && (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q'))
		stopped = 1;
	if (fd[1].revents)
		stopped = 1;
}

/* Signals come only while it waits. */
static void catch_signals(sigset_t *unblocked)
{
	static const int sig[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t blocked;
	size_t i;

	sigemptyset(&blocked);
	for (i = 0; i < ARRAY_SIZE(sig); i++) {
		sigaddset(&blocked, sig[i]);
		catch_signal(sig[i], stop);
	}
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
	signal(SIGPIPE, SIG_IGN);
}

static int show_once(bool with_free, bool screen)
{
	size_t size;
	char *text;
	FILE *out = need(open_memstream(&text, &size));
	int err = print_list(with_free, out);

	fclose(out);
	if (err)
		stopped = 1;
	else if (screen)
		screen_show(text);
	else
		fputs(text, stdout);
	if (!out_flush())
		stopped = 1;
	free(text);
	return err;
}

static int list_again(bool with_free, double seconds)
{
	const bool screen = isatty(STDOUT_FILENO);
	sigset_t unblocked;
	int err;

	catch_signals(&unblocked);
	if (screen)
		screen_start();
	for (;;) {
		err = show_once(with_free, screen);
		wait_for(seconds, &unblocked);
		if (stopped)
			break;
		if (!screen)
			putchar('\n');
	}
	if (screen)
		screen_end();
	return err;
}

/* === The command === */

static bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return end != text && !*end && *seconds >= 0.01 && *seconds <= 86400;
}

int cmd_list(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ }
	};
	bool with_free = false;
	double seconds = 0;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:w:", options, NULL)) >= 0) {
		if (c == 'a')
			with_free = true;
		else if (c != 'w')
			return misused("list: a bad option: use list [--all] [-w SECONDS]");
		else if (!parse_seconds(optarg, &seconds))
			return misused("list -w %s: say seconds, 0.01 to 86400", optarg);
	}
	if (optind < argc)
		return misused("list %s: it takes no argument: use list [--all] [-w SECONDS]",
			       argv[optind]);
	return seconds ? list_again(with_free, seconds) : print_list(with_free, stdout);
}
