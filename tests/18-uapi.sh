#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The header for programs is exported, and they can use it.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/../overlay/lib.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tree=$("$ROOT/overlay/tree.sh" laid | tail -n 1)

install_headers() {
	make -s -C "$tree" O="${HWBP_TESTBIN:-$tmp}/uapi" ARCH=x86 INSTALL_HDR_PATH="$tmp/usr" headers_install \
		>"$tmp/log" 2>&1 || { cat "$tmp/log"; return 1; }
}

# What programs in the world rely on: the names, and their numbers.
compile() {
	cat >"$tmp/user.c" <<-'END'
	#include <linux/hw_breakpoint.h>
	_Static_assert(HW_BREAKPOINT_LEN_1 == 1 && HW_BREAKPOINT_LEN_2 == 2 &&
		       HW_BREAKPOINT_LEN_3 == 3 && HW_BREAKPOINT_LEN_4 == 4 &&
		       HW_BREAKPOINT_LEN_5 == 5 && HW_BREAKPOINT_LEN_6 == 6 &&
		       HW_BREAKPOINT_LEN_7 == 7 && HW_BREAKPOINT_LEN_8 == 8, "bp_len");
	_Static_assert(HW_BREAKPOINT_EMPTY == 0 && HW_BREAKPOINT_R == 1 &&
		       HW_BREAKPOINT_W == 2 && HW_BREAKPOINT_RW == 3 &&
		       HW_BREAKPOINT_X == 4 && HW_BREAKPOINT_INVALID == 7, "bp_type");
	int main(void) { return 0; }
	END
	gcc -Wall -Wextra -Werror -pedantic -std=c11 "$1" -isystem "$tmp/usr/include" -o "$tmp/user" "$tmp/user.c"
}

check "make headers_install works" install_headers
check "it exports linux/hw_breakpoint.h" [ -s "$tmp/usr/include/linux/hw_breakpoint.h" ]
check "a 64-bit program that includes it compiles" compile -m64
check "a 32-bit program that includes it compiles" compile -m32
tap_end
