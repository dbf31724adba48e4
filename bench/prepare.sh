#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds what the measurements need for $FLAVOUR, into $HWBP_TESTBIN: programs, and modules.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"
bin=$HWBP_TESTBIN/bench

program() {
	gcc -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -static -pthread "$1" -o "$bin/$(basename "$1" .c)"
}

# From a copy, as kbuild writes beside the sources.
module() {
	local kdir
	kdir=$("$ROOT/overlay/kernel.sh" kdir | tail -n 1)
	mkdir -p "$bin/$FLAVOUR"
	cp -u "$ROOT"/bench/module/{Kbuild,*.c} \
		"$ROOT/tools/testing/selftests/breakpoints/hw_breakpoint/test_modules/hw_breakpoint_ctl.h" "$bin/$FLAVOUR"
	MAKEFLAGS='' make -s -C "$kdir" M="$bin/$FLAVOUR" modules
}

mkdir -p "$bin"
for source in "$ROOT"/bench/guest/*.c; do
	program "$source"
done
module
FLAVOUR=$FLAVOUR "$ROOT/tests/vm/20-hwbp.sh" prepare
