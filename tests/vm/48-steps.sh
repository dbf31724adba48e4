#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Accesses and NMIs at each step of programming the debug registers: a KUnit module.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: debug
set -euo pipefail
. "$(dirname "$0")/../tap.sh"

if [ "${1:-}" = prepare ]; then
	exec "$(dirname "$0")/20-hwbp.sh" prepare
fi

results=/sys/kernel/debug/kunit/hw_breakpoint_steps/results
insmod "$HWBP_TESTBIN/hwbp/$FLAVOUR/module/hw_breakpoint_steps_test.ko"
sed 's/^/# /' $results
for test in on_a_cpu switches; do
	check "steps: $test" grep -qE "^ *ok [0-9]+ test_$test\$" $results
done
check "steps: all of its 2 tests ran and passed" grep -q '^# hw_breakpoint_steps: pass:2 fail:0 skip:0 total:2' $results
rmmod hw_breakpoint_steps_test
tap_end
