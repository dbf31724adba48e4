// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables whose columns are as wide as they need to be, and colours where they are wanted.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Whether output has colours: for all of the program. */
bool coloured;

static const char * const sequence[] = {
	[PLAIN]		= "",
	[BOLD]		= "\033[1m",
	[DIM]		= "\033[2m",
	[RED]		= "\033[31m",
	[GREEN]		= "\033[32m",
	[YELLOW]	= "\033[33m",
};

const char *colour_on(enum colour c)
{
	return coloured ? sequence[c] : "";
}

const char *colour_off(enum colour c)
{
	return coloured && c != PLAIN ? "\033[0m" : "";
}

/* Nothing here is so large that going on without it would be worth the code. */
void *need(void *memory)
{
	if (memory)
		return memory;
	complain("no memory");
	exit(COULDNT);
}

void table_add(struct table *t, enum colour c, const char *format, ...)
{
	struct cell *cell;
	va_list args;

	t->cell = need(realloc(t->cell, (t->n + 1) * sizeof(*t->cell)));
	cell = &t->cell[t->n++];
	cell->c = c;
	va_start(args, format);
	if (vasprintf(&cell->text, format, args) < 0)
		need(NULL);
	va_end(args);
}

static int width_of(const struct table *t, unsigned int column)
{
	size_t i, len, width = 0;

	for (i = column; i < t->n; i += t->columns) {
		len = strlen(t->cell[i].text);
		if (len > width)
			width = len;
	}
	return width;
}

/* Lines don't end in blanks: padding waits until something follows. */
static void print_row(const struct table *t, const struct cell *row, const int *width, FILE *out)
{
	unsigned int i;
	int gap, pad = 0;

	for (i = 0; i < t->columns; i++) {
		gap = width[i] - strlen(row[i].text);
		if (t->right >> i & 1) {
			pad += gap;
			gap = 0;
		}
		if (*row[i].text) {
			fprintf(out, "%*s%s%s%s", pad, "", colour_on(row[i].c), row[i].text,
				colour_off(row[i].c));
			pad = 0;
		}
		pad += gap + 2;
	}
	fputc('\n', out);
}

/* Prints it, or doesn't if @out is NULL, and frees its cells. */
void table_print(struct table *t, FILE *out)
{
	int *width = need(calloc(t->columns, sizeof(*width)));
	size_t i;

	for (i = 0; i < t->columns; i++)
		width[i] = width_of(t, i);
	for (i = 0; out && i + t->columns <= t->n; i += t->columns)
		print_row(t, &t->cell[i], width, out);
	for (i = 0; i < t->n; i++)
		free(t->cell[i].text);
	free(t->cell);
	free(width);
	t->cell = NULL;
	t->n = 0;
}
