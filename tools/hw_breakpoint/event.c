// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watch event of hwbp watch, and the tracing instance that it is seen in: made, and taken
 * away again.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NO_EVENTS "this kernel has no watch events (CONFIG_WPROBE_EVENTS)"

/* What tells ours from another hwbp's: its PID. Tests choose it, and make the instance. */
static char id[32];
static bool chosen;

/* What there is to take away. */
static bool have_event, have_instance;

/* === Files of tracefs === */

static void tracefs_path(char path[4096], const char *format, ...) printf_like(2, 3);

static void tracefs_path(char path[4096], const char *format, ...)
{
	const char *root = getenv("HWBP_TRACEFS");
	va_list args;
	int n;

	n = snprintf(path, 2048, "%s/", root ? root : "/sys/kernel/tracing");
	if (n > 2047)
		n = 2047;
	va_start(args, format);
	vsnprintf(path + n, 4096 - n, format, args);
	va_end(args);
}

/* At once, as the kernel takes what it gets with one write(). Returns a negative errno, or 0. */
static int write_text(const char *path, const char *text)
{
	const ssize_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != len)
		err = -errno;
	close(fd);
	return err;
}

static int write_dynamic_events(const char *text)
{
	char path[4096];

	tracefs_path(path, "dynamic_events");
	return write_text(path, text);
}

static int write_instance(const char *of, const char *file, const char *text)
{
	char path[4096];

	tracefs_path(path, "instances/hwbp-%s/%s", of, file);
	return write_text(path, text);
}

/* === Taking away === */

static void switch_off(const char *of)
{
	char file[128];

	snprintf(file, sizeof(file), "events/hwbp/w%s/enable", of);
	write_instance(of, file, "0");
}

static int remove_instance(const char *of)
{
	char path[4096];

	tracefs_path(path, "instances/hwbp-%s", of);
	return rmdir(path) ? -errno : 0;
}

static int remove_event(const char *of)
{
	char command[64];

	snprintf(command, sizeof(command), "-:hwbp/w%s\n", of);
	return write_dynamic_events(command);
}

/* Hits come no more; those that came can still be read. */
void event_stop(void)
{
	if (have_instance)
		switch_off(id);
}

/* All that was made; it is as if it hadn't been. */
int event_remove(int pipe)
{
	int err = 0;

	event_stop();
	if (pipe >= 0)
		close(pipe);
	if (have_instance)
		err = remove_instance(id);
	if (err)
		complain("can't remove the tracing instance hwbp-%s (%s): rmdir it", id,
			 strerror(-err));
	if (have_event && remove_event(id))
		err = complain("can't remove hwbp/w%s: write -:hwbp/w%s to dynamic_events", id, id);
	have_event = false;
	have_instance = false;
	return err ? COULDNT : GOOD;
}

/* === Leftovers === */

/* A number may have gone to another program. */
static bool is_hwbp(long pid)
{
	char path[64], comm[32] = "";
	FILE *f;

	if (pid == getpid())
		return false;
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return errno != ENOENT;
	if (!fgets(comm, sizeof(comm), f))
		*comm = '\0';
	fclose(f);
	return !strcmp(comm, "hwbp\n");
}

/* @of: what follows the prefix of an event or instance of ours. */
static void remove_leftover(const char *of)
{
	char pid[16];
	long n;

	snprintf(pid, sizeof(pid), "%.*s", (int)strspn(of, "0123456789"), of);
	if (!parse_number(pid, 1, 1L << 30, &n) || is_hwbp(n))
		return;
	switch_off(pid);
	remove_instance(pid);
	remove_event(pid);
}

/* Lines like "w:hwbp/w123 w@jiffies:8 ...". Read as a whole first: it is going to change. */
static void remove_leftover_events(void)
{
	char path[4096], text[65536], *line, *rest, *at;
	ssize_t len;
	int fd;

	tracefs_path(path, "dynamic_events");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		at = strstr(line, ":hwbp/w");
		if (at && *line == 'w')
			remove_leftover(at + 7);
	}
}

/* Those of a hwbp that was killed by a signal that can't be caught. */
static void remove_leftovers(void)
{
	struct dirent *entry;
	char path[4096];
	DIR *dir;

	tracefs_path(path, "instances");
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "hwbp-", 5))
			remove_leftover(entry->d_name + 5);
	}
	if (dir)
		closedir(dir);
	remove_leftover_events();
}

/* === Making === */

static int choose_id(void)
{
	const char *wanted = getenv("HWBP_ID");

	chosen = wanted;
	if (!wanted) {
		snprintf(id, sizeof(id), "%d", getpid());
		return GOOD;
	}
	if (!*wanted || strlen(wanted) >= sizeof(id) ||
	    wanted[strspn(wanted, "abcdefghijklmnopqrstuvwxyz0123456789_")])
		return misused("HWBP_ID=%s: use lower case letters and digits", wanted);
	snprintf(id, sizeof(id), "%s", wanted);
	return GOOD;
}

/* @by_name: the kernel finds the symbol, else its address is told. */
static void describe(const struct target *t, bool by_name, char command[], size_t size)
{
	char place[384], values[64] = "", len[16] = "";

	if (by_name)
		snprintf(place, sizeof(place), "%s%s%s", t->module, *t->module ? ":" : "",
			 t->symbol);
	else
		snprintf(place, sizeof(place), "0x%llx", (unsigned long long)t->address);
	if (by_name && t->offset)
		snprintf(place + strlen(place), sizeof(place) - strlen(place), "+%llu",
			 (unsigned long long)t->offset);
	if (t->access != EXECUTE) {
		snprintf(len, sizeof(len), ":%u", t->len);
		snprintf(values, sizeof(values), " old=$old:x%u value=$value:x%u", t->len * 8,
			 t->len * 8);
	}
	snprintf(command, size, "w:hwbp/w%s %s@%s%s%s comm=$comm\n", id, target_access(t), place,
		 len, values);
}

/*
 * The last entry of error_log, if it is about our event:
 *	[  123.456789] wprobe: error: Symbol not found
 *	  Command: w:hwbp/w123 w@nonesuch:8
 *	                         ^
 */
static bool read_error(char message[], size_t size)
{
	char path[4096], line[1024], about[64];
	bool ours = false;
	char *at;
	FILE *f;

	snprintf(about, sizeof(about), "  Command: w:hwbp/w%s ", id);
	tracefs_path(path, "error_log");
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		at = strstr(line, ": error: ");
		if (*line == '[' && at) {
			ours = false;
			snprintf(message, size, "%.*s", (int)strcspn(at + 9, "\n"), at + 9);
		}
		ours |= !strncmp(line, about, strlen(about));
	}
	if (f)
		fclose(f);
	return ours;
}

static int complain_event(const char *told, int err)
{
	char message[512], path[4096];

	tracefs_path(path, "dynamic_events");
	if (err == -EACCES || err == -EPERM) {
		errno = -err;
		return complain_open(path, NO_EVENTS);
	}
	if (err == -ENOSPC) {
		why_last(message, sizeof(message));
		return complain("no register is free for %s: %s", told, message);
	}
	if (err == -ENOENT && access(path, F_OK))
		return complain(NO_EVENTS ": boot ours, and mount tracefs");
	if (read_error(message, sizeof(message)))
		return complain("can't watch %s: %s: see /proc/kallsyms for names", told, message);
	if (err == -EINVAL)
		return complain(NO_EVENTS ": boot ours");
	return complain("can't watch %s: %s", told, strerror(-err));
}

/* A module's symbol by its address, if the kernel doesn't take the module's name. */
static int create_event(struct target *t, const char *told)
{
	char command[1024];
	int err;

	describe(t, *t->symbol, command, sizeof(command));
	err = write_dynamic_events(command);
	if ((err == -EINVAL || err == -ENOENT) && *t->module && target_find(t)) {
		describe(t, false, command, sizeof(command));
		err = write_dynamic_events(command);
	}
	if (err)
		return complain_event(told, err);
	have_event = true;
	return GOOD;
}

/* An instance has the options of the whole, which may be any: ours are those that hit.c reads. */
static void set_options(void)
{
	static const char * const option[] = {
		"context-info", "irq-info", "norecord-tgid", "nolatency-format", "noraw", "nohex",
		"nobin", "nofields", "nosym-addr", "nostacktrace",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(option); i++)
		write_instance(id, "trace_options", option[i]);
	write_instance(id, "trace_clock", "mono");
}

static int create_instance(void)
{
	char path[4096];

	tracefs_path(path, "instances/hwbp-%s", id);
	if (mkdir(path, 0700) && !(chosen && errno == EEXIST))
		return complain("can't make the tracing instance %s: %s", path, strerror(errno));
	have_instance = true;
	set_options();
	return GOOD;
}

static int open_pipe(int *pipe)
{
	char path[4096];

	tracefs_path(path, "instances/hwbp-%s/trace_pipe", id);
	*pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return *pipe >= 0 ? GOOD : complain("can't open %s: %s", path, strerror(errno));
}

static int switch_on(const char *told)
{
	char file[128];
	int err;

	snprintf(file, sizeof(file), "events/hwbp/w%s/enable", id);
	err = write_instance(id, file, "1");
	if (err)
		return complain("can't enable the event for %s: %s", told, strerror(-err));
	return GOOD;
}

/*
 * Leaves in @pipe what hits can be read from, or -1. event_remove() is for the caller, whatever
 * this returns.
 */
int event_start(struct target *t, const char *told, int *pipe)
{
	int err = choose_id();

	*pipe = -1;
	if (err)
		return err;
	remove_leftovers();
	err = create_event(t, told);
	if (!err)
		err = create_instance();
	if (!err)
		err = open_pipe(pipe);
	if (!err)
		err = switch_on(told);
	return err;
}
