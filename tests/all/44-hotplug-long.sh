#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# CPUs that come and go, more often.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
exec env HWBP_STEPS=200 HWBP_SEED=2 "$(dirname "$0")/../44-hotplug.sh"
