#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Weak spot 4 of the distribution's own layer: kgdb's hardware breakpoints are accepted and never hit.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"

session=$(FLAVOUR=vanilla SCENARIOS='software accepted' "$root/tests/40-kgdb.sh") || true
# Each failure of kgdbts is a WARN: neither a panic nor the verdict is wanted.
kgdbts=$(FLAVOUR=vanilla WARN=go-on RUN=$root/tests/vm/41-kgdbts.sh "$root/vm/run.sh" 2>/dev/null) || true

says() { grep -qE "^$2( [0-9]+)? - $3\$" <<<"$1"; }

check "the session works on vanilla" says "$session" ok "gdb's session and the VM end well"
for what in 3:0 5:1; do
	check "vanilla: break is hit ${what%:*} times on CPU ${what#*:}" \
		says "$session" ok "break: ${what%:*} calls on CPU ${what#*:}"
done
check "weak spot 4 shows on vanilla: hbreak" says "$session" ok "hbreak is accepted, and 6 calls don't hit it"
check "weak spot 4 shows on vanilla: watch" says "$session" ok "watch is accepted, and 6 writes don't hit it"
for what in execution write access; do
	check "weak spot 4 shows on vanilla: kgdbts, $what" says "$kgdbts" "not ok" "kgdbts: $what breakpoint"
done
check "vanilla: kgdbts passes without them" says "$kgdbts" ok "kgdbts: software breakpoint"
tap_end
