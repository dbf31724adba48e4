#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel of 32 bits: the ABI, hits and the debug registers of ptrace, by our kselftests.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$HWBP_TESTBIN/hwbp

export FLAVOUR=i386
"$root/tests/vm/20-hwbp.sh" prepare >&2
programs=(hwbp_validate_32 hwbp_hits_32 hwbp_ptrace_32)
exec env VM_ROOT=ram VM_FILES="${programs[*]/#/$bin/}" TIMEOUT=900 \
	RUN="sh $root/tools/testing/selftests/breakpoints/hw_breakpoint/run.sh $bin \
		$bin/i386/module/hw_breakpoint_target.ko ${programs[*]}" \
	"$root/vm/run.sh"
