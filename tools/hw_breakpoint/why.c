// SPDX-License-Identifier: GPL-2.0-only
/*
 * hwbp why: the last requests for a register that were refused, and the reasons.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <getopt.h>
#include <string.h>

#define REFUSED "refused"

/* For whom or where it was to be; empty if that isn't told. */
static void say_target(const struct record *r, char text[], size_t size)
{
	char task[128], cpu[32] = "";

	kv_task(r, true, task, sizeof(task));
	if (kv_get(r, "wide"))
		snprintf(cpu, sizeof(cpu), "every CPU");
	else if (kv_get(r, "cpu"))
		snprintf(cpu, sizeof(cpu), "CPU %ld", kv_number(r, "cpu", -1));
	snprintf(text, size, "%s%s%s%s%s", *task || *cpu ? " for " : "", *task ? "task " : "",
		 task, *task && *cpu ? " on " : "", cpu);
}

/* What was to be watched: "w, 8 bytes at jiffies". An instruction has no length. */
static void say_watch(const struct record *r, char text[], size_t size)
{
	char place[256], len[64] = "";

	if (!kv_get(r, "addr")) {
		snprintf(text, size, "a register");
		return;
	}
	kv_place(r, place, sizeof(place));
	if (strcmp(kv_text(r, "type"), "x"))
		snprintf(len, sizeof(len), ", %.32s bytes", kv_text(r, "len"));
	snprintf(text, size, "%s%s at %s", kv_text(r, "type"), len, place);
}

static void print_error(const struct record *r)
{
	const long err = kv_number(r, "errno", 0), times = kv_number(r, "times", 1);

	printf("%s%s (%s)%s", colour_on(RED), err > 0 ? strerror(err) : "refused",
	       kv_text(r, "error"), colour_off(RED));
	if (times > 1)
		printf(", %ld times", times);
}

/* The reason, which is long, has a line of its own. */
static void print_refusal(const struct record *r)
{
	char asker[128], owner[256], watch[384], target[256];

	kv_task(r, false, asker, sizeof(asker));
	say_watch(r, watch, sizeof(watch));
	say_target(r, target, sizeof(target));
	snprintf(owner, sizeof(owner), "%s%s%s%s", kv_get(r, "owner") ? " as " : "",
		 kv_get(r, "owner") ? kv_text(r, "owner") : "", kv_get(r, "name") ? " " : "",
		 kv_get(r, "name") ? kv_text(r, "name") : "");
	printf("%12s  %s%s%s asked%s for %s%s: ", kv_text(r, "time"), colour_on(BOLD),
	       *asker ? asker : "?", colour_off(BOLD), owner, watch, target);
	print_error(r);
	printf("\n%12s  %s\n", "", kv_text(r, "reason"));
}

/* The number of the first of the last @n refusals. */
static size_t first_of(const struct records *all, long n)
{
	size_t i = all->n;

	while (i && n > 0)
		n -= kv_is(&all->at[--i], "refused");
	return i;
}

static int print_last(long n)
{
	struct records all;
	int err = kv_load(REFUSED, &all);
	bool any = false;
	size_t i;

	for (i = err ? all.n : first_of(&all, n); i < all.n; i++) {
		if (!kv_is(&all.at[i], "refused"))
			continue;
		print_refusal(&all.at[i]);
		any = true;
	}
	if (!err && !any)
		puts("nothing was refused");
	if (!err)
		err = kv_complain_bad(REFUSED, &all);
	kv_free(&all);
	return err;
}

/* The newest reason, for who was refused just now. */
void why_last(char text[], size_t size)
{
	struct records all;
	size_t i;

	snprintf(text, size, "see hwbp list");
	if (!kv_load(REFUSED, &all)) {
		i = first_of(&all, 1);
		if (i < all.n)
			snprintf(text, size, "%s", kv_text(&all.at[i], "reason"));
	}
	kv_free(&all);
}

int cmd_why(int argc, char **argv)
{
	long n = 10;
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "+:n:")) >= 0) {
		if (c != 'n')
			return misused("why: a bad option: use why [-n N]");
		if (!parse_number(optarg, 1, 1 << 20, &n))
			return misused("why -n %s: say how many, 1 or more", optarg);
	}
	if (optind < argc)
		return misused("why %s: it takes no argument: use why [-n N]", argv[optind]);
	return print_last(n);
}
