#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Traps, NMIs and moves at each instruction that programs the debug registers: a KUnit module.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours
set -euo pipefail
. "$(dirname "$0")/../tap.sh"

if [ "${1:-}" = prepare ]; then
	exec "$(dirname "$0")/20-hwbp.sh" prepare
fi
kunit_module steps on_a_cpu
tap_end
