// SPDX-License-Identifier: GPL-2.0-only
/*
 * hwbp stat: what the breakpoint layer counts on each CPU; how much of it while a command runs.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_COUNTERS 32

#define NO_STATS "this kernel doesn't count: set CONFIG_HW_BREAKPOINT_STATS, and mount debugfs"

/* The line of a CPU: "cpu0 address_writes 12 dr6_writes 0 ..." */
struct line {
	char cpu[16];
	int n;
	char name[MAX_COUNTERS][32];
	unsigned long long count[MAX_COUNTERS];
};

struct stats {
	struct line *line;
	size_t n;
};

/* === Reading === */

/* A word of lower case letters, digits and underscores; NULL at the end. */
static const char *next_word(char **rest)
{
	const char *word = strtok_r(NULL, " ", rest);

	if (word && word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_")])
		return "";
	return word;
}

static bool parse_count(const char *text, unsigned long long *count)
{
	char *end;

	errno = 0;
	if (!text || *text < '0' || *text > '9')
		return false;
	*count = strtoull(text, &end, 10);
	return !errno && !*end;
}

static bool parse_cpu(const char *word, struct line *l)
{
	long n;

	if (!word || strncmp(word, "cpu", 3) || !parse_number(word + 3, 0, 1 << 20, &n))
		return false;
	snprintf(l->cpu, sizeof(l->cpu), "%ld", n);
	return true;
}

static bool parse_line(char *text, struct line *l)
{
	const char *word;
	char *rest;

	memset(l, 0, sizeof(*l));
	if (!parse_cpu(strtok_r(text, " ", &rest), l))
		return false;
	while ((word = next_word(&rest))) {
		if (!*word || l->n == MAX_COUNTERS ||
		    !parse_count(next_word(&rest), &l->count[l->n]))
			return false;
		snprintf(l->name[l->n++], sizeof(l->name[0]), "%s", word);
	}
	return l->n > 0;
}

/* All CPUs count the same. */
static bool same_names(const struct line *a, const struct line *b)
{
	return a->n == b->n && !memcmp(a->name, b->name, sizeof(a->name));
}

static bool read_lines(FILE *f, struct stats *s)
{
	char text[4096];
	struct line *l;

	while (fgets(text, sizeof(text), f)) {
		s->line = need(realloc(s->line, (s->n + 1) * sizeof(*s->line)));
		l = &s->line[s->n];
		text[strcspn(text, "\n")] = '\0';
		if (!parse_line(text, l) || !same_names(l, &s->line[0]))
			return false;
		s->n++;
	}
	return s->n && !ferror(f);
}

static int load(struct stats *s)
{
	char path[4096];
	bool good;
	FILE *f;

	memset(s, 0, sizeof(*s));
	debugfs_path(path, sizeof(path), "stats");
	f = fopen(path, "re");
	if (!f)
		return complain_open(path, NO_STATS);
	good = read_lines(f, s);
	fclose(f);
	return good ? GOOD : complain("can't understand %s: use the hwbp of this kernel", path);
}

/* === Showing === */

/* "guest_exit_writes" is "guest_exit" above "writes". */
static void add_head(struct table *t, const struct line *l)
{
	const char *cut;
	int i, row;

	for (row = 0; row < 2; row++) {
		table_add(t, BOLD, "%s", row ? "CPU" : "");
		for (i = 0; i < l->n; i++) {
			cut = strrchr(l->name[i], '_');
			if (row)
				table_add(t, BOLD, "%s", cut ? cut + 1 : l->name[i]);
			else
				table_add(t, BOLD, "%.*s", cut ? (int)(cut - l->name[i]) : 0,
					  l->name[i]);
		}
	}
}

static void add_line(struct table *t, const struct line *l, enum colour colour)
{
	int i;

	table_add(t, colour, "%s", l->cpu);
	for (i = 0; i < l->n; i++)
		table_add(t, l->count[i] ? colour : DIM, "%llu", l->count[i]);
}

static void print(const struct stats *s, FILE *out)
{
	struct line total = s->line[0];
	struct table t = { .columns = total.n + 1, .right = -1UL };
	size_t i;
	int k;

	snprintf(total.cpu, sizeof(total.cpu), "total");
	memset(total.count, 0, sizeof(total.count));
	add_head(&t, &total);
	for (i = 0; i < s->n; i++) {
		add_line(&t, &s->line[i], PLAIN);
		for (k = 0; k < total.n; k++)
			total.count[k] += s->line[i].count[k];
	}
	add_line(&t, &total, BOLD);
	table_print(&t, out);
}

/* === While a command runs === */

static bool subtract(struct stats *after, const struct stats *before)
{
	size_t i;
	int k;

	if (after->n != before->n || !same_names(&after->line[0], &before->line[0]))
		return false;
	for (i = 0; i < after->n; i++) {
		for (k = 0; k < after->line[i].n; k++)
			after->line[i].count[k] -= before->line[i].count[k];
	}
	return true;
}

static void __attribute__((noreturn)) exec_command(char **argv)
{
	int err;

	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	execvp(argv[0], argv);
	err = errno;
	complain("can't run %s: %s", argv[0], strerror(err));
	_exit(err == ENOENT ? 127 : 126);
}

/* Returns the exit status as a shell has it. Ctrl-C is the command's. */
static int run_command(char **argv)
{
	int status;
	pid_t pid;

	fflush(stdout);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	pid = fork();
	if (!pid)
		exec_command(argv);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return complain("can't run %s: %s", argv[0], strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* On stderr, as stdout is the command's. */
static int stat_command(struct stats *before, char **argv)
{
	const int status = run_command(argv);
	struct stats after;
	int err = load(&after);

	colour_for(STDERR_FILENO);
	if (!err && subtract(&after, before))
		print(&after, stderr);
	else if (!err)
		err = complain("other CPUs than before: try again");
	free(after.line);
	return status ? status : err;
}

int cmd_stat(int argc, char **argv)
{
	struct stats s;
	int err;

	if (argc > 1 && strcmp(argv[1], "--"))
		return misused("stat %s: use stat, or stat -- COMMAND...", argv[1]);
	if (argc == 2)
		return misused("stat --: say the command to run");
	err = load(&s);
	if (!err && argc > 2)
		err = stat_command(&s, argv + 2);
	else if (!err)
		print(&s, stdout);
	free(s.line);
	return err;
}
