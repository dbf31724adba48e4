// SPDX-License-Identifier: GPL-2.0-only
/*
 * Understands what hwbp watch is to watch: [MODULE:]SYMBOL[+OFFSET][/LEN][:ACCESS].
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The longest that is watched; all that x86 has in common. */
#define MAX_LEN 8

/* === Parsing === */

/* Ours, and ksym's spelling. */
static const struct {
	const char *name;
	enum access access;
} spelling[] = {
	{ "w", WRITE }, { "-w-", WRITE },
	{ "rw", READ_WRITE }, { "rw-", READ_WRITE },
	{ "x", EXECUTE }, { "--x", EXECUTE },
};

static bool parse_access(const char *text, enum access *access)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(spelling); i++) {
		if (!strcmp(text, spelling[i].name)) {
			*access = spelling[i].access;
			return true;
		}
	}
	return false;
}

static bool only_reads(const char *text)
{
	return !strcmp(text, "r") || !strcmp(text, "r--");
}

static int bad_access(const char *access)
{
	if (only_reads(access))
		return misused("watch: x86 can't watch reads alone: use :rw");
	return misused("watch: unknown access %s: use w, rw or x", access);
}

/* Cuts ":ACCESS" off. Without a "/LEN" before it, what isn't one may be MODULE:SYMBOL's. */
static int cut_access(char *text, struct target *t)
{
	char *at = strrchr(text, ':');

	t->access = WRITE;
	if (!at)
		return GOOD;
	if (parse_access(at + 1, &t->access)) {
		*at = '\0';
		return GOOD;
	}
	return memchr(text, '/', at - text) || only_reads(at + 1) ? bad_access(at + 1) : GOOD;
}

/* Cuts "/LEN" off; without it the length stays 0. */
static int cut_len(char *text, struct target *t)
{
	char *at = strrchr(text, '/');
	long len;

	t->len = 0;
	if (!at)
		return GOOD;
	*at++ = '\0';
	if (t->access == EXECUTE)
		return misused("watch: x has no length: leave out /%s", at);
	if (!parse_number(at, 1, MAX_LEN, &len) || len & (len - 1))
		return misused("watch: length %s: use 1, 2, 4 or 8", at);
	t->len = len;
	return GOOD;
}

static bool parse_u64(const char *text, uint64_t *n)
{
	char *end;

	errno = 0;
	if (*text < '0' || *text > '9')
		return false;
	*n = strtoull(text, &end, 0);
	return !errno && !*end;
}

static int cut_offset(char *text, struct target *t)
{
	char *at = strrchr(text, '+');

	t->offset = 0;
	if (!at)
		return GOOD;
	*at++ = '\0';
	if (!parse_u64(at, &t->offset))
		return misused("watch: offset %s: use a number, as 8 or 0x8", at);
	return GOOD;
}

/* The command goes to the kernel as words of one line. */
static bool is_name(const char *s)
{
	if (!*s)
		return false;
	while (isalnum((unsigned char)*s) || (*s && strchr("_.$-", *s)))
		s++;
	return !*s;
}

static int parse_symbol(char *text, struct target *t)
{
	char *symbol = strchr(text, ':');
	const char *module = "";

	if (symbol) {
		*symbol++ = '\0';
		module = text;
	} else {
		symbol = text;
	}
	if (!is_name(symbol) || (symbol != text && !is_name(module)) ||
	    strlen(module) >= sizeof(t->module) || strlen(symbol) >= sizeof(t->symbol))
		return misused("watch: a bad name: use [MODULE:]SYMBOL[+OFFSET][/LEN][:ACCESS]");
	memcpy(t->module, module, strlen(module) + 1);
	memcpy(t->symbol, symbol, strlen(symbol) + 1);
	return GOOD;
}

static int parse_place(char *text, struct target *t)
{
	if (strncmp(text, "0x", 2))
		return parse_symbol(text, t);
	if (!parse_u64(text, &t->address))
		return misused("watch: address %s: use 0x and up to 16 hexadecimal digits", text);
	t->address += t->offset;
	t->known = true;
	return GOOD;
}

/* === Where it is and how long === */

static FILE *open_kallsyms(void)
{
	const char *path = getenv("HWBP_KALLSYMS");

	return fopen(path ? path : "/proc/kallsyms", "re");
}

/* "ffffffff81c079c0 D jiffies", and "[module]" behind a tab. Returns false at the end. */
static bool next_symbol(FILE *f, uint64_t *address, char name[256], char module[64])
{
	char line[512];
	unsigned long long a;
	int words;

	while (fgets(line, sizeof(line), f)) {
		*module = '\0';
		words = sscanf(line, "%llx %*c %255s [%63[^]]", &a, name, module);
		if (words < 2)
			continue;
		*address = a;
		return true;
	}
	return false;
}

/* The kernel takes the first too. Addresses are 0 for who may not know. */
static void scan_for_address(FILE *f, struct target *t)
{
	char name[256], module[64];
	uint64_t address;

	while (next_symbol(f, &address, name, module)) {
		if (strcmp(name, t->symbol) || (*t->module && strcmp(module, t->module)))
			continue;
		t->address = address + t->offset;
		t->known = address;
		return;
	}
}

static uint64_t distance_to_next(FILE *f, uint64_t from)
{
	char name[256], module[64];
	uint64_t address, nearest = UINT64_MAX;

	rewind(f);
	while (next_symbol(f, &address, name, module)) {
		if (address > from && address - from < nearest)
			nearest = address - from;
	}
	return nearest;
}

/* As long as the variable, as far as can be seen, and as its alignment allows. */
static void guess_len(FILE *f, struct target *t)
{
	uint64_t size = t->known ? distance_to_next(f, t->address) : MAX_LEN;

	for (t->len = MAX_LEN; t->len > size || t->address % t->len; t->len /= 2)
		;
}

static void find_len(struct target *t)
{
	FILE *f = open_kallsyms();

	t->len = MAX_LEN;
	if (!f)
		return;
	if (!t->known)
		scan_for_address(f, t);
	guess_len(f, t);
	fclose(f);
}

/* Only when it is asked for: the file is long, and the kernel makes it anew for each reader. */
bool target_find(struct target *t)
{
	FILE *f = t->known ? NULL : open_kallsyms();

	if (f) {
		scan_for_address(f, t);
		fclose(f);
	}
	return t->known;
}

/* Returns GOOD, or USAGE when it has complained. */
int target_parse(const char *text, struct target *t)
{
	char copy[512];
	int err;

	memset(t, 0, sizeof(*t));
	if (strlen(text) >= sizeof(copy))
		return misused("watch: that is too long for a symbol");
	snprintf(copy, sizeof(copy), "%s", text);
	err = cut_access(copy, t);
	if (!err)
		err = cut_len(copy, t);
	if (!err)
		err = cut_offset(copy, t);
	if (!err)
		err = parse_place(copy, t);
	if (!err && !t->len && t->access != EXECUTE)
		find_len(t);
	return err;
}

/* As a watch event has it. */
const char *target_access(const struct target *t)
{
	static const char * const name[] = {
		[WRITE]		= "w",
		[READ_WRITE]	= "rw",
		[EXECUTE]	= "x",
	};

	return name[t->access];
}
