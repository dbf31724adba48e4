/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the command hwbp share; what it does for people is in hwbp.8.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef HWBP_H
#define HWBP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* Exit statuses. */
enum { GOOD, COULDNT, USAGE };

/* === hwbp.c: complaints, arguments, files, output === */

int complain(const char *format, ...) printf_like(1, 2);
int misused(const char *format, ...) printf_like(1, 2);
int complain_open(const char *path, const char *missing);
bool parse_number(const char *text, long min, long max, long *n);
void colour_for(int fd);
void catch_signal(int sig, void (*handler)(int sig));
bool out_flush(void);
void debugfs_path(char path[], size_t size, const char *file);

/* === kv.c: records === */

#define MAX_FIELDS 32

/*
 * A line of a .kv file, "word key=value ...". Printable ASCII alone: it may go to a terminal.
 * Pointers are into @line.
 */
struct record {
	char *line;
	const char *word;
	int n;
	struct {
		const char *key;
		const char *value;
	} field[MAX_FIELDS];
};

/* Those of a file; @bad lines were none. */
struct records {
	struct record *at;
	size_t n;
	size_t bad;
};

bool kv_parse(char *line, struct record *r);
const char *kv_get(const struct record *r, const char *key);
const char *kv_text(const struct record *r, const char *key);
long kv_number(const struct record *r, const char *key, long missing);
bool kv_is(const struct record *r, const char *word);
int kv_load(const char *file, struct records *all);
int kv_complain_bad(const char *file, const struct records *all);
void kv_free(struct records *all);

/* What records of several kinds have: "perf perf/83", "a.out/101", "jiffies". */
void kv_task(const struct record *r, bool target, char text[], size_t size);
void kv_owner(const struct record *r, char text[], size_t size);
void kv_place(const struct record *r, char text[], size_t size);

/* === table.c: columns and colours === */

enum colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW };

struct cell {
	enum colour c;
	char *text;
};

/* Rows of @columns cells each, added one after the other; bit n of @right: aligned so. */
struct table {
	unsigned int columns;
	unsigned long right;
	size_t n;
	struct cell *cell;
};

extern bool coloured;

const char *colour_on(enum colour c);
const char *colour_off(enum colour c);
void table_add(struct table *t, enum colour c, const char *format, ...) printf_like(3, 4);
void table_print(struct table *t, FILE *out);
void *need(void *memory);

/* === target.c: what to watch === */

enum access { WRITE, READ_WRITE, EXECUTE };

struct target {
	char module[64];	/* or empty */
	char symbol[256];	/* or empty: @address */
	uint64_t offset;
	uint64_t address;	/* of the first byte watched, if it is known */
	bool known;
	unsigned int len;	/* EXECUTE: 0 */
	enum access access;
};

int target_parse(const char *text, struct target *t);
bool target_find(struct target *t);
const char *target_access(const struct target *t);

/* === event.c: the event and the instance === */

int event_start(struct target *t, const char *told, int *pipe);
void event_stop(void);
int event_remove(int pipe);

/* === hit.c: lines of trace_pipe === */

struct hit {
	const char *comm;
	const char *pid;
	const char *cpu;
	const char *time;
	const char *module;	/* or empty */
	const char *function;
	const char *offset;	/* or empty */
	const char *old;	/* or NULL */
	const char *value;	/* or NULL */
};

bool hit_parse(char *line, struct hit *h);

/* === why.c === */

void why_last(char text[], size_t size);

/* === Commands === */

int cmd_list(int argc, char **argv);
int cmd_why(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_watch(int argc, char **argv);

#endif /* HWBP_H */
