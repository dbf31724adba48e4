// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes lines of trace_pipe apart: who hit what, where and when.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <string.h>

#define DIGITS "0123456789"

/* How a hit tells the comm, and how long one may be. */
#define COMM " comm=\""
#define MAX_COMM 15

static size_t digits(const char *s)
{
	return strspn(s, DIGITS);
}

/* "[001] d..1.   717.026259: " at @s; sets what it is the start of. */
static bool parse_middle(char *s, const char **cpu, const char **time, char **rest)
{
	char *at = s + 1 + digits(s + 1), *end;

	if (*s != '[' || at == s + 1 || strncmp(at, "] ", 2))
		return false;
	*cpu = s + 1;
	at += 2;
	at += strcspn(at, " ");		/* flags */
	at += strspn(at, " ");
	end = at + digits(at);
	if (end == at || *end != '.')
		return false;
	end += 1 + digits(end + 1);
	if (strncmp(end, ": ", 2))
		return false;
	*time = at;
	*rest = end;
	return true;
}

/* The last one that looks like it: a comm can have what looks like it too. */
static char *find_middle(char *line, const char **cpu, const char **time, char **rest)
{
	char *s;

	for (s = line + strlen(line); s > line; s--) {
		if (s[-1] == ' ' && parse_middle(s, cpu, time, rest))
			return s;
	}
	return NULL;
}

/*
 * Cuts ' comm="bash"' off the end, the first that isn't longer than one can be: a comm can have
 * what looks like it too. trace_pipe itself knows a task's comm only if it was switched to since.
 */
static void cut_comm(char *line, struct hit *h)
{
	const size_t len = strlen(line), most = strlen(COMM) + MAX_COMM + 1;
	char *s = line + (len > most ? len - most : 0);

	s = strstr(s, COMM);
	if (!s || line[len - 1] != '"' || s + strlen(COMM) > line + len - 1)
		return;
	line[len - 1] = '\0';
	*s = '\0';
	h->comm = s + strlen(COMM);
}

/* "     a b-c-1234    ": the PID is behind the last dash. */
static bool parse_task(char *s, char *end, struct hit *h)
{
	char *dash;

	while (end > s && end[-1] == ' ')
		end--;
	*end = '\0';
	dash = strrchr(s, '-');
	if (!dash || !digits(dash + 1) || dash[1 + digits(dash + 1)])
		return false;
	*dash = '\0';
	h->pid = dash + 1;
	if (!h->comm)
		h->comm = s + strspn(s, " ");
	return true;
}

/* "(store_8+0xe/0x20 [module])", or "(0xffffffff81000000)". Returns what is behind it, or NULL. */
static char *parse_place(char *s, struct hit *h)
{
	char *end, *at;

	end = *s == '(' ? strchr(s, ')') : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	h->function = s + 1;
	at = strchr(s, '[');
	if (at) {
		h->module = at + 1;
		at[1 + strcspn(at + 1, " ]")] = '\0';
	}
	s[strcspn(s, " /")] = '\0';
	at = strchr(s, '+');
	if (at) {
		*at = '\0';
		h->offset = at + 1;
	}
	return end + 1;
}

static void parse_values(char *s, struct hit *h)
{
	char *old = strstr(s, " old="), *value = strstr(s, " value=");

	if (!old || !value)
		return;
	h->old = old + 5;
	h->value = value + 7;
	old[5 + strcspn(old + 5, " ")] = '\0';
	value[7 + strcspn(value + 7, " ")] = '\0';
}

/* Anybody may choose a comm, and it may go to a terminal. */
static void make_printable(char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s >= 0x7f)
			*s = '?';
	}
}

/* Takes @line apart; returns false if it isn't a hit. Of zero-filled CPUs the number is left. */
bool hit_parse(char *line, struct hit *h)
{
	char *middle, *rest;

	memset(h, 0, sizeof(*h));
	h->module = "";
	h->offset = "";
	make_printable(line);
	cut_comm(line, h);
	middle = find_middle(line, &h->cpu, &h->time, &rest);
	if (!middle || !parse_task(line, middle, h))
		return false;
	middle[1 + digits(middle + 1)] = '\0';
	while (h->cpu[0] == '0' && h->cpu[1])
		h->cpu++;
	*rest = '\0';
	rest = strstr(rest + 2, ": ");
	if (rest)
		rest = parse_place(rest + 2, h);
	if (rest)
		parse_values(rest, h);
	return rest;
}
