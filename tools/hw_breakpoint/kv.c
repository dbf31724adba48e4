// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the .kv files of /sys/kernel/debug/hw_breakpoint/: a record a line, which is a word and
 * then key=value, strings in double quotes with octal escapes.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_LAYER "this kernel doesn't tell who holds registers: boot ours, and mount debugfs"

/* === A line === */

static bool is_printable(unsigned char c)
{
	return c >= ' ' && c < 0x7f;
}

static bool all_printable(const char *s)
{
	while (is_printable(*s))
		s++;
	return !*s;
}

/* The character of "\NNN", or 0 if it isn't one that a terminal can be trusted with. */
static char unescape(const char *s)
{
	unsigned int c = 0, i;

	if (*s++ != '\\')
		return 0;
	for (i = 0; i < 3; i++, s++) {
		if (*s < '0' || *s > '7')
			return 0;
		c = c * 8 + (*s - '0');
	}
	return c < 0x7f && is_printable(c) ? c : 0;
}

/* From behind the opening quote; returns what is behind the closing one, or NULL. */
static char *parse_string(char *s)
{
	char *to = s, c;

	while (*s && *s != '"') {
		c = unescape(s);
		*to++ = c ? c : *s;
		s += c ? 4 : 1;
	}
	if (!*s)
		return NULL;
	*to = '\0';
	return s + 1;
}

static char *parse_value(char *s, const char **value)
{
	if (*s != '"') {
		*value = s;
		return s + strcspn(s, " \"");
	}
	*value = s + 1;
	return parse_string(s + 1);
}

/* Returns what is behind the field, or NULL. The last key wins when there are too many. */
static char *parse_field(char *s, struct record *r)
{
	const int i = r->n < MAX_FIELDS ? r->n++ : MAX_FIELDS - 1;
	char *end = s + strcspn(s, "= \"");

	if (end == s || *end != '=')
		return NULL;
	*end = '\0';
	r->field[i].key = s;
	return parse_value(end + 1, &r->field[i].value);
}

/* Takes @line apart; returns false if it isn't a record. */
bool kv_parse(char *line, struct record *r)
{
	char *s = line + strcspn(line, " =\"");

	r->line = line;
	r->word = line;
	r->n = 0;
	if (s == line || !all_printable(line))
		return false;
	while (s && *s == ' ') {
		*s++ = '\0';
		s = parse_field(s, r);
	}
	return s && !*s;
}

/* NULL: it hasn't this key. */
const char *kv_get(const struct record *r, const char *key)
{
	int i;

	for (i = 0; i < r->n; i++) {
		if (!strcmp(r->field[i].key, key))
			return r->field[i].value;
	}
	return NULL;
}

const char *kv_text(const struct record *r, const char *key)
{
	const char *value = kv_get(r, key);

	return value ? value : "?";
}

long kv_number(const struct record *r, const char *key, long missing)
{
	const char *value = kv_get(r, key);
	long n;

	return value && parse_number(value, -2, 1L << 30, &n) ? n : missing;
}

bool kv_is(const struct record *r, const char *word)
{
	return !strcmp(r->word, word);
}

/* === A file === */

static void add(struct records *all, const char *line, size_t len)
{
	struct record *r;
	char *copy;

	if (len && line[len - 1] == '\n')
		len--;
	all->at = need(realloc(all->at, (all->n + 1) * sizeof(*all->at)));
	r = &all->at[all->n];
	copy = need(strndup(line, len));
	if (strlen(copy) == len && kv_parse(copy, r)) {
		all->n++;
		return;
	}
	free(copy);
	all->bad++;
}

/* @file: of debugfs's folder. kv_free() is for the caller, whatever this returns. */
int kv_load(const char *file, struct records *all)
{
	char path[4096], *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *f;

	memset(all, 0, sizeof(*all));
	debugfs_path(path, sizeof(path), file);
	f = fopen(path, "re");
	if (!f)
		return complain_open(path, NO_LAYER);
	errno = 0;
	while ((len = getline(&line, &size, f)) >= 0)
		add(all, line, len);
	free(line);
	len = ferror(f);
	fclose(f);
	return len ? complain("can't read %s: %s", path, strerror(errno)) : GOOD;
}

/* What could be read has been shown. */
int kv_complain_bad(const char *file, const struct records *all)
{
	if (!all->bad)
		return GOOD;
	return complain("%zu lines of %s aren't records: use the hwbp of this kernel", all->bad,
			file);
}

void kv_free(struct records *all)
{
	while (all->n)
		free(all->at[--all->n].line);
	free(all->at);
}

/* === Parts === */

/* "comm/pid" of who asked, or of the task that it is for; empty if there is none. */
void kv_task(const struct record *r, bool target, char text[], size_t size)
{
	*text = '\0';
	if (kv_get(r, target ? "task" : "pid"))
		snprintf(text, size, "%s/%s", kv_text(r, target ? "task_comm" : "comm"),
			 kv_text(r, target ? "task" : "pid"));
}

/* "perf perf/83", "ksym jiffies". */
void kv_owner(const struct record *r, char text[], size_t size)
{
	const char *name = kv_get(r, "name");
	char asker[128];

	kv_task(r, false, asker, sizeof(asker));
	snprintf(text, size, "%s%s%s%s%s", kv_text(r, "owner"), name ? " " : "", name ? name : "",
		 *asker ? " " : "", asker);
}

/* By its name if it has one. */
void kv_place(const struct record *r, char text[], size_t size)
{
	const char *symbol = kv_get(r, "symbol");

	snprintf(text, size, "%s", symbol ? symbol : kv_text(r, "addr"));
}
