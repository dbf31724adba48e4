#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# CPUs that come and go, with breakpoints on them: four, of which two come late, and two
# more that are possible and never come.
# Copyright (C) 2026 The hw_breakpoint authors
#
# FLAVOUR=vanilla to compare.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bin=$HWBP_TESTBIN/hwbp
export FLAVOUR=${FLAVOUR:-ours}

"$root/tests/vm/20-hwbp.sh" prepare >&2
exec env CPUS=4 APPEND="${APPEND:-} maxcpus=2 possible_cpus=6" TIMEOUT=1200 \
	RUN="export HWBP_STEPS=${HWBP_STEPS:-30} HWBP_SEED=${HWBP_SEED:-1}
		$root/tools/testing/selftests/breakpoints/hw_breakpoint/run.sh $bin \
		$bin/$FLAVOUR/module/hw_breakpoint_target.ko hwbp_hotplug" \
	"$root/vm/run.sh"
