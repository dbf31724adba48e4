#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The constraint table at scale: hundreds of threads on 8 CPUs, and the kernel's beside them.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug kcsan rt
# cpus: 8
# alone: debug kcsan
# limit: 400
#
# HWBP_SECONDS is when it begins no more rounds; HWBP_SEED repeats what another run asked for.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
selftests=$root/tools/testing/selftests/breakpoints/hw_breakpoint
bin=$HWBP_TESTBIN/hwbp

if [ "${1:-}" = prepare ]; then
	exec "$root/tests/vm/20-hwbp.sh" prepare
fi
case $FLAVOUR in
ours) seconds=15 ;;
*) seconds=50 ;;
esac
export HWBP_SECONDS=${HWBP_SECONDS:-$seconds} HWBP_STEPS=${HWBP_STEPS:-10}
insmod "$bin/$FLAVOUR/module/hw_breakpoint_storm.ko"
"$selftests/run.sh" "$bin" "$bin/$FLAVOUR/module/hw_breakpoint_target.ko" hwbp_scale
rmmod hw_breakpoint_storm
