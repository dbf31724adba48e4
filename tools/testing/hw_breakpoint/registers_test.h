/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runtime of the thread sanitizer, as gcc calls it; and registers_trap.c.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#ifndef _REGISTERS_TEST_H
#define _REGISTERS_TEST_H

void __tsan_read1(void *p);
void __tsan_read2(void *p);
void __tsan_read4(void *p);
void __tsan_read8(void *p);
void __tsan_read16(void *p);
void __tsan_write1(void *p);
void __tsan_write2(void *p);
void __tsan_write4(void *p);
void __tsan_write8(void *p);
void __tsan_write16(void *p);
void __tsan_func_entry(void *p);
void __tsan_func_exit(void *p);
void __tsan_init(void);

void take_trap(void (*handler)(int arg), int arg);

#endif /* _REGISTERS_TEST_H */
