#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Breakpoints that are moved from tasks, kprobes, timers, NMIs and hits: a KUnit module.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug
# threads: single
set -euo pipefail
. "$(dirname "$0")/../tap.sh"

if [ "${1:-}" = prepare ]; then
	exec "$(dirname "$0")/20-hwbp.sh" prepare
fi

results=/sys/kernel/debug/kunit/hw_breakpoint_move/results
insmod "$HWBP_TESTBIN/hwbp/$FLAVOUR/module/hw_breakpoint_move_test.ko"
sed 's/^/# /' $results
for test in from_{task,kprobe,timer,nmi,hit} everywhere_from_{task,nmi} waiting storm execution errors while_disabled; do
	check "move: $test" grep -qE "^ *ok [0-9]+ test_$test\$" $results
done
check "move: all of its 12 tests ran and passed" grep -q '^# hw_breakpoint_move: pass:12 fail:0 skip:0 total:12' $results
rmmod hw_breakpoint_move_test
tap_end
