#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel tree's KUnit suite hw_breakpoint, which runs at boot: 9 of 9.
# Copyright (C) 2026 The hw_breakpoint authors
# flavours: ours debug vanilla
set -euo pipefail
. "$(dirname "$0")/../tap.sh"

results=/sys/kernel/debug/kunit/hw_breakpoint/results
if [ -f $results ]; then
	sed 's/^/# /' $results
	check "the suite ran nine tests and all passed" \
		grep -q '^# hw_breakpoint: pass:9 fail:0 skip:0 total:9' $results
else
	check "the suite ran at boot (kunit.enable=1)" false
fi
tap_end
