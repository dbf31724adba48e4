#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The storm of tests/vm/60-locks.sh on eight CPUs.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

exec env FLAVOUR=debug CPUS=8 TIMEOUT=1800 RUN="$root/tests/vm/60-locks.sh" "$root/vm/run.sh"
