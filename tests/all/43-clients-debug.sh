#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The machine sleeps, CPUs come and go, and gdb debugs the kernel, with everything watching
# the layer that can. Of gdb's session only what needs no software breakpoint: see 41-kgdbts.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"

out=$(mktemp)
trap 'rm -f "$out"' EXIT
export SCENARIOS='calls data four'
for test in 40-kgdb 42-suspend 44-hotplug; do
	rc=0
	FLAVOUR=debug "$root/tests/$test.sh" >"$out" || rc=$?
	tap_of "debug $test" <"$out"
	check "debug $test ends well" [ "$rc" = 0 ]
done
tap_end
