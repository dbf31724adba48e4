#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make lint says nothing.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/tap.sh"

check "make lint is silent" make lint
tap_end
