#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The constraint table at scale, for 15 minutes on debug and 15 under KCSAN.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"

storm() {
	FLAVOUR=$1 "$root/tests/vm/25-scale.sh" prepare >&2
	FLAVOUR=$1 CPUS=8 TIMEOUT=1800 "$root/vm/run.sh"
}

export RUN="export HWBP_TESTBIN=$HWBP_TESTBIN HWBP_SECONDS=${HWBP_SECONDS:-900} HWBP_STEPS=40
	$root/tests/vm/25-scale.sh"
for flavour in debug kcsan; do
	rc=0
	storm "$flavour" >"$HWBP_TESTBIN/scale-long" || rc=$?
	tap_of "$flavour" <"$HWBP_TESTBIN/scale-long"
	check "$flavour: its machine ended well" [ "$rc" = 0 ]
done
tap_end
