// SPDX-License-Identifier: GPL-2.0-only
/*
 * What brackets a #DB, NMI or MCE, built as the code under test is: an NMI comes at each step of
 * it.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <asm/debugreg.h>

#include "registers_test.h"

void take_trap(void (*handler)(int arg), int arg)
{
	const unsigned long dr7 = local_db_save();

	handler(arg);
	local_db_restore(dr7);
}
