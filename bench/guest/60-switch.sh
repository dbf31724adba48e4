#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a switch between two tasks costs that have breakpoints, and how often the debug
# registers are written for it: with different ones, equal ones, inherited ones, and where
# only one of the two has some. With dummy events it is perf core's and the scheduler's alone.
# Copyright (C) 2026 The hw_breakpoint authors
# guests: 1-icount
set -euo pipefail

for _ in 1 2 3; do
	"$HWBP_TESTBIN/bench/switch" different 0 20000
	for nr in 1 2 4; do
		for kind in dummy different 'of one task' same inherited; do
			"$HWBP_TESTBIN/bench/switch" "$kind" $nr 20000
		done
	done
done
