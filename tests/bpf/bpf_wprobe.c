// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BPF program of the type for kprobes on a watch event: it runs once for each hit, sees the
 * registers, and decides.
 * Copyright (C) 2026 The hw_breakpoint authors
 *
 * bpf_wprobe ID CTL: the file with the event's ID, and the one that makes a module write.
 */
#define _GNU_SOURCE
#include "bpf.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

static uint64_t read_number(const char *path)
{
	unsigned long long number = 0;
	FILE *f = fopen(path, "re");

	if (!f || fscanf(f, "%llu", &number) != 1)
		must(-1, path);
	fclose(f);
	return number;
}

static void write_text(const char *path, const char *text)
{
	int fd = must(open(path, O_WRONLY | O_CLOEXEC), path);

	must(write(fd, text, strlen(text)), path);
	close(fd);
}

/* Of this task, on any CPU. */
static int open_event(uint64_t id)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = id,
		.sample_period = 1,
		.disabled = 1,
	};

	return must(syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC),
		    "open the watch event");
}

static void test(const char *id, const char *ctl, int verdict)
{
	int map = make_map();
	int program = load_program(BPF_PROG_TYPE_KPROBE, map,
				   offsetof(struct user_regs_struct, rip), verdict);
	int event = open_event(read_number(id));
	uint64_t counted = 0;
	struct seen seen;

	must(ioctl(event, PERF_EVENT_IOC_SET_BPF, program), "attach the program");
	must(ioctl(event, PERF_EVENT_IOC_ENABLE, 0), "enable the event");
	write_text(ctl, "w 1000 8");
	must(ioctl(event, PERF_EVENT_IOC_DISABLE, 0), "disable the event");
	must(read(event, &counted, sizeof(counted)), "read the count");
	seen = read_map(map);

	check("the program ran once for each write", seen.hits, WRITES);
	check("it sees the registers: where the kernel is", seen.addr >> 32, 0xffffffff);
	check("what it refuses isn't counted, the rest is", counted, verdict ? WRITES : 0);
	close(event);
	close(program);
	close(map);
}

/* Programs of another type are refused, as for kprobe events. */
static void wrong_type(const char *id)
{
	int map = make_map();
	int program = load_program(BPF_PROG_TYPE_TRACEPOINT, map, 8, 1);
	int event = open_event(read_number(id));

	check("a program for tracepoints is refused",
	      ioctl(event, PERF_EVENT_IOC_SET_BPF, program) ? errno : 0, EINVAL);
	close(event);
	close(program);
	close(map);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: bpf_wprobe ID CTL\n");
		return 2;
	}
	test(argv[1], argv[2], 1);
	test(argv[1], argv[2], 0);
	wrong_type(argv[1]);
	printf("1..%d\n", tests);
	return failures != 0;
}
