#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# With the layer configured out the kernel works, and breakpoints fail cleanly.
# Copyright (C) 2026 The hw_breakpoint authors
# flavours: off
# prepare
set -euo pipefail
. "$(dirname "$0")/../tap.sh"

if [ "${1:-}" = prepare ]; then
	gcc -O1 -Wall -Werror -o "$HWBP_TESTBIN/off" "$(dirname "$0")/off.c"
	exit
fi
"$HWBP_TESTBIN/off"
