// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that is always on its CPU, for the tour: so what watches it is in a register.
 * Copyright (C) 2026 The hw_breakpoint authors
 */

/* Nobody writes to it. */
volatile long quiet;

int main(void)
{
	for (;;)
		;
}
