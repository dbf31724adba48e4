// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program with a bug, for the tour: a balance changes that nobody touched.
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#include <stdio.h>
#include <string.h>

struct account {
	char owner[8];
	long balance;
};

static struct account account;

static void set_owner(const char *name)
{
	char *to = account.owner;

	while ((*to++ = *name++))
		;
}

static long deposit(long amount)
{
	return account.balance += amount;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "where")) {
		printf("balance=%p set_owner=%p\n", (void *)&account.balance, (void *)set_owner);
		return 0;
	}
	set_owner("Meg");
	for (int i = 0; i < 4; i++)
		deposit(250);
	set_owner("Maggie");
	set_owner("Margaret");
	printf("%.8s paid in 4 x 250 and has %ld\n", account.owner, account.balance);
	return account.balance != 4 * 250;
}
