// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes, for perf to count: 100 to each byte of the 13 from buf + 3 on, and 100 elsewhere; then
 * 50 of four bytes, which touch two of the registers that such a range takes.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

/* Not zero: what is would be cleared by the kernel, which is a write. */
volatile char buf[64] __attribute__((aligned(64))) = { 1 };

int main(void)
{
	int i, n;

	for (n = 0; n < 100; n++) {
		for (i = 3; i < 3 + 13; i++)
			buf[i] = n;
		buf[40] = n;
	}
	for (n = 0; n < 50; n++)
		*(volatile int *)(buf + 6) = n;
	return 0;
}
