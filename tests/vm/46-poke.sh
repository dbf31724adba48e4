#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel changes its own code while breakpoints are set.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours vanilla
#
# Not debug: its CPUs are threads, between which QEMU's TCG loses changes of code; see vm/run.sh.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$HWBP_TESTBIN/hwbp

if [ "${1:-}" = prepare ]; then
	exec "$root/tests/vm/20-hwbp.sh" prepare
fi
exec "$root/tools/testing/selftests/breakpoints/hw_breakpoint/run.sh" "$bin" \
	"$bin/$FLAVOUR/module/hw_breakpoint_target.ko" hwbp_poke
