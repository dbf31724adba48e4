#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make headers_install exports the uapi header, and a program that includes it compiles.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/../overlay/lib.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

install_headers() {
	local tree
	tree=$("$ROOT/overlay/tree.sh" laid)
	MAKEFLAGS='' make -s -C "$tree" O="$tmp/out" INSTALL_HDR_PATH="$tmp" headers_install >"$tmp/log" 2>&1 || {
		tail -n 5 "$tmp/log" | sed 's/^/# /'
		return 1
	}
}

compiles() {
	gcc -Wall -Werror -isystem "$tmp/include" -x c -o "$tmp/program" - <<-END
	#include <linux/hw_breakpoint.h>
	#include <linux/perf_event.h>
	int main(void)
	{
		struct perf_event_attr attr = {
			.type = PERF_TYPE_BREAKPOINT,
			.bp_type = HW_BREAKPOINT_RW | HW_BREAKPOINT_X,
			.bp_len = HW_BREAKPOINT_LEN_8,
		};
		return attr.bp_type != (HW_BREAKPOINT_R | HW_BREAKPOINT_W | HW_BREAKPOINT_X) ||
			HW_BREAKPOINT_LEN_1 != 1 || HW_BREAKPOINT_EMPTY;
	}
	END
}

check "headers_install works" install_headers
check "it exports linux/hw_breakpoint.h" test -f "$tmp/include/linux/hw_breakpoint.h"
check "a program that includes it compiles" compiles
check "its constants are the ABI's" "$tmp/program"
tap_end
