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
kunit_module move from_{task,kprobe,timer,nmi,hit} everywhere_from_{task,nmi} waiting storm execution errors \
	while_disabled
tap_end
