#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a refused open costs a user without privileges, with 2 and with 64 possible CPUs, alone and
# beside 64 tasks that have breakpoints.
# Copyright (C) 2026 The hw_breakpoint authors
# guests: 1of2-icount 1of64-icount
set -euo pipefail

setsid -w "$HWBP_TESTBIN/bench/open" refused 9
