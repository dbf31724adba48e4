#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The loops of our kselftests, twenty times as long.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$HWBP_TESTBIN/hwbp

FLAVOUR=ours "$root/tests/vm/20-hwbp.sh" prepare >&2
exec env FLAVOUR=ours TIMEOUT=1800 \
	RUN="export HWBP_LOOPS=20 HWBP_TRIES=800 HWBP_RANDOM=100000
		$root/tools/testing/selftests/breakpoints/hw_breakpoint/run.sh $bin \
		$bin/ours/module/hw_breakpoint_target.ko hwbp_slots hwbp_inherit hwbp_stress" \
	"$root/vm/run.sh"
