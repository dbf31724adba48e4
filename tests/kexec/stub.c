// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kexec can start in place of a kernel: tells the debug registers on the first serial
 * port, exactly as it found them, and switches the machine off.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#define COM1 0x3f8
#define LINE_STATUS 5
#define CAN_SEND 0x20

/* PM1a_CNT of QEMU's PC: SLP_EN. */
#define POWER 0x604
#define POWER_OFF 0x2000

static void out8(unsigned short port, unsigned char value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static unsigned char in8(unsigned short port)
{
	unsigned char value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void put(char c)
{
	while (!(in8(COM1 + LINE_STATUS) & CAN_SEND))
		;
	out8(COM1, c);
}

static void put_register(const char *name, unsigned long value)
{
	int shift;

	put(' ');
	while (*name)
		put(*name++);
	put('=');
	for (shift = 60; shift >= 0; shift -= 4)
		put("0123456789abcdef"[value >> shift & 15]);
}

#define READ(n) ({						\
	unsigned long value;					\
								\
	asm volatile("mov %%db" #n ", %0" : "=r"(value));	\
	value;							\
})

static const char hello[] = "\nhwbp_stub:";

static void __attribute__((used)) tell(void)
{
	unsigned long dr7 = READ(7), dr6 = READ(6);
	const char *c;

	for (c = hello; *c; c++)
		put(*c);
	put_register("DR0", READ(0));
	put_register("DR1", READ(1));
	put_register("DR2", READ(2));
	put_register("DR3", READ(3));
	put_register("DR6", dr6);
	put_register("DR7", dr7);
	put('\n');
	for (;;)
		asm volatile("outw %0, %1" : : "a"((unsigned short)POWER_OFF),
			     "Nd"((unsigned short)POWER));
}

static char stack[4096] __attribute__((used, aligned(16)));

/* In 64-bit mode, with all of the memory mapped where it is. */
void __attribute__((naked)) _start(void)
{
	asm volatile("cli\n\t"
		     "lea stack + 4096(%rip), %rsp\n\t"
		     "call tell");
}
