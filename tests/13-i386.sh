#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Our objects compile for i386, the other architecture of arch/x86.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/tap.sh"

check "our objects compile for i386" env FLAVOUR=i386 "$root/overlay/kernel.sh" objects
tap_end
