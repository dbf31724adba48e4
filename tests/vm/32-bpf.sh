#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A BPF program on a breakpoint's overflow, counted.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug vanilla
# threads: single
set -euo pipefail
source=$(cd "$(dirname "$0")/../bpf" && pwd)/bpf_overflow.c

if [ "${1:-}" = prepare ]; then
	exec gcc -O2 -Wall -Wextra -Werror -static -o "$HWBP_TESTBIN/bpf_overflow" "$source"
fi
"$HWBP_TESTBIN/bpf_overflow"
