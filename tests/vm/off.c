// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks a kernel without hardware breakpoints for some: perf and ptrace must refuse.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static long watched;
static int tests;

static void ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
}

static void perf_refuses(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (unsigned long)&watched,
		.bp_len = HW_BREAKPOINT_LEN_8,
		.exclude_kernel = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);

	printf("# perf_event_open: %s\n", fd < 0 ? strerror(errno) : "opened");
	ok(fd < 0, "perf_event_open of a breakpoint fails");
}

static void ptrace_refuses(void)
{
	pid_t child = fork();
	size_t dr0 = offsetof(struct user, u_debugreg[0]);
	size_t dr7 = offsetof(struct user, u_debugreg[7]);
	long rc;
	int status;

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		watched = 1;
		_exit(0);
	}
	waitpid(child, &status, 0);
	errno = 0;
	rc = ptrace(PTRACE_POKEUSER, child, dr0, &watched);
	printf("# DR0: %s\n", rc ? strerror(errno) : "written");
	ok(rc == -1 && errno, "writing DR0 answers an error");
	errno = 0;
	rc = ptrace(PTRACE_POKEUSER, child, dr7, 0x10101);
	printf("# DR7: %s\n", rc ? strerror(errno) : "written");
	ok(rc == -1 && errno, "writing DR7 answers an error");
	ptrace(PTRACE_CONT, child, 0, 0);
	waitpid(child, &status, 0);
	ok(WIFEXITED(status) && !WEXITSTATUS(status), "the tracee runs to its end unharmed");
}

int main(void)
{
	perf_refuses();
	ptrace_refuses();
	printf("1..%d\n", tests);
	return 0;
}
