#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The ksym tracer's and the watch events' tests, run by the kernel tree's own ftracetest.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug
# threads: single
# limit: 600
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"
tests=$HWBP_TESTBIN/ftrace

# As the tree has them, ours among them.
if [ "${1:-}" = prepare ]; then
	mkdir -p "$tests"
	rsync -a --delete "$("$root/overlay/tree.sh" laid)/tools/testing/selftests/ftrace/" "$tests/" >&2
	exit 0
fi

logs=$(mktemp -d)
for part in ksym wprobe; do
	out=$("$tests/ftracetest" --ktap --keep -l "$logs" "$tests/test.d/$part" </dev/null) || true
	tap_of "ftracetest $part" <<<"$out"
	check "ftracetest $part: all tests ran" grep -qE "^# Totals: pass:$(find "$tests/test.d/$part" -name '*.tc' | wc -l) " <<<"$out"
	if grep -q '^not ok' <<<"$out"; then
		find "$logs" -name '*.log' -exec sed 's/^/# /' {} +
	fi
done
tap_end
