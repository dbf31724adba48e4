#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What it costs to open a breakpoint with perf_event_open(2), and to close it, beside a
# software dummy event: on a CPU, for the first time for a while (the open alone) and in a
# burst of pairs, and on a task.
# Copyright (C) 2026 The hw_breakpoint authors
# guests: 1-icount 1of4-icount
set -euo pipefail

"$HWBP_TESTBIN/bench/open" measure 9
