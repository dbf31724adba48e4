// SPDX-License-Identifier: GPL-2.0-only
/*
 * hwbp: who holds the debug registers, who was refused, and who writes there.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: hwbp [--color=auto|always|never] COMMAND\n"
	"\n"
	"  list [--all] [-w SECONDS]   who holds the debug registers, and who was promised one;\n"
	"                              with -w again and again, until q\n"
	"  why [-n N]                  who was refused one, and why: the last N (10)\n"
	"  stat [-- COMMAND...]        what the breakpoint layer counts; while COMMAND runs\n"
	"  watch [-n N] TARGET         a line for each access in the kernel; until N, or Ctrl-C\n"
	"\n"
	"TARGET is [MODULE:]SYMBOL[+OFFSET][/LEN][:ACCESS] or 0xADDRESS[/LEN][:ACCESS], where LEN\n"
	"is 1, 2, 4 or 8 and ACCESS is w (the default), rw or x. Example: hwbp watch jiffies\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} command[] = {
	{ "list", cmd_list },
	{ "why", cmd_why },
	{ "stat", cmd_stat },
	{ "watch", cmd_watch },
};

/* === Complaints === */

static void say(const char *format, va_list args)
{
	fflush(stdout);
	fputs("hwbp: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

/* What is wrong, and what to do. */
int complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return COULDNT;
}

int misused(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return USAGE;
}

/* After a failed open(); @missing: what it means that it isn't there. */
int complain_open(const char *path, const char *missing)
{
	if (errno == EACCES || errno == EPERM)
		return complain("%s is for root alone: use sudo", path);
	if (errno == ENOENT || errno == ENOTDIR)
		return complain("%s", missing);
	return complain("can't open %s: %s", path, strerror(errno));
}

/* === Arguments and files === */

bool parse_number(const char *text, long min, long max, long *n)
{
	char *end;

	errno = 0;
	*n = strtol(text, &end, 10);
	return !errno && end != text && !*end && *n >= min && *n <= max;
}

/* Tests put it elsewhere. */
void debugfs_path(char path[], size_t size, const char *file)
{
	const char *root = getenv("HWBP_DEBUGFS");

	snprintf(path, size, "%s/hw_breakpoint/%s", root ? root : "/sys/kernel/debug", file);
}

/* === Signals === */

/* Calls don't go on by themselves after it. What nohup(1) asked for stays so. */
void catch_signal(int sig, void (*handler)(int sig))
{
	const struct sigaction act = { .sa_handler = handler };
	struct sigaction old;

	if (sig != SIGHUP || sigaction(sig, NULL, &old) || old.sa_handler != SIG_IGN)
		sigaction(sig, &act, NULL);
}

/* === Output === */

/*
 * Returns false if there is no more use in printing: nobody reads, or a signal came while nobody
 * read. What wasn't printed is forgotten, lest exit() waits for a reader.
 */
bool out_flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	if (errno == EPIPE || errno == EINTR) {
		__fpurge(stdout);
		clearerr(stdout);
	}
	return false;
}

/* A full disk is told; a reader that went away knows it. */
static int close_out(int status)
{
	errno = 0;
	if ((!fflush(stdout) && !ferror(stdout)) || errno == EPIPE || status)
		return status;
	return complain("can't write: %s", errno ? strerror(errno) : "output error");
}

/* === Main === */

/* --color= */
static const char *colour_when = "auto";

/* What is printed from now on goes to @fd. */
void colour_for(int fd)
{
	const char *term = getenv("TERM");

	coloured = !strcmp(colour_when, "always");
	if (!strcmp(colour_when, "auto"))
		coloured = isatty(fd) && !getenv("NO_COLOR") && !(term && !strcmp(term, "dumb"));
}

static int set_colour(const char *when)
{
	if (strcmp(when, "auto") && strcmp(when, "always") && strcmp(when, "never"))
		return misused("--color=%s: say auto, always or never", when);
	colour_when = when;
	return GOOD;
}

static int run(int argc, char **argv)
{
	size_t i;

	if (!argc)
		return misused("no command: say list, why, stat or watch; see hwbp --help");
	for (i = 0; i < ARRAY_SIZE(command); i++) {
		if (!strcmp(argv[0], command[i].name))
			return command[i].run(argc, argv);
	}
	return misused("unknown command %s: say list, why, stat or watch; see hwbp --help",
		       argv[0]);
}

int main(int argc, char **argv)
{
	int err, i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(help, stdout);
			return close_out(GOOD);
		}
		if (strncmp(argv[i], "--color=", 8))
			return misused("unknown option %s: see hwbp --help", argv[i]);
		err = set_colour(argv[i] + 8);
		if (err)
			return err;
	}
	colour_for(STDOUT_FILENO);
	return close_out(run(argc - i, argv + i));
}
