#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every function that the header for kernel code declares is in the kernel.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/tap.sh"

image=$(FLAVOUR=ours "$root/overlay/kernel.sh" | tail -n 1)
map=$(dirname "$image")/System.map

there() { grep -qE " [Tt] $1\$" "$map"; }

functions=$(ctags --kinds-C=p -x --_xformat='%N' "$root/include/linux/hw_breakpoint.h" | sort -u)
check "the header declares functions" [ -n "$functions" ]
for function in $functions; do
	check "$function() is declared and is there" there "$function"
done
tap_end
