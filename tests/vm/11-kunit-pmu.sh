#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The PMU as perf core and kernel code see it: a KUnit module.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug
set -euo pipefail
. "$(dirname "$0")/../tap.sh"

if [ "${1:-}" = prepare ]; then
	exec "$(dirname "$0")/20-hwbp.sh" prepare
fi
kunit_module pmu counts periods stop_and_start range modify exclusive
tap_end
