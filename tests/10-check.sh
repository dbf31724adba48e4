#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The user-space tests of the pure parts, which print TAP themselves.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
cd "$(dirname "$0")/.."

MAKEFLAGS='' exec make -s check
