#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The user-space tests of the pure parts.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/tap.sh"

check "make check" make check
tap_end
