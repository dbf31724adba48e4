#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Those of our kselftests that measure time: how breakpoints take turns.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug
# alone: ours debug
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$HWBP_TESTBIN/hwbp

if [ "${1:-}" = prepare ]; then
	exec "$root/tests/vm/20-hwbp.sh" prepare
fi
exec "$root/tools/testing/selftests/breakpoints/hw_breakpoint/run.sh" "$bin" \
	"$bin/$FLAVOUR/module/hw_breakpoint_target.ko" "$bin/$FLAVOUR/module/hw_breakpoint_hw_pmu.ko" \
	hwbp_flexible hwbp_groups
