#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tracers' own tests at boot, the ksym tracer's among them.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/tap.sh"

# vm/run.sh asks for the tracer nop, at which the kernel leaves the tests out; the last counts.
export FLAVOUR=ours APPEND="ftrace=none ${APPEND:-}" RUN='dmesg | grep "Testing tracer"'
rc=0
said=$("$root/vm/run.sh" 2>&1) || rc=$?
grep "Testing tracer" <<<"$said" | sed 's/^/# /' || true

passed() { grep -qE "Testing tracer $1: PASSED" <<<"$said"; }
check "the boot went well" [ "$rc" = 0 ]
check "ksym_tracer: PASSED" passed ksym_tracer
check "nop: PASSED" passed nop
check "none failed" [ "$(grep -c FAILED <<<"$said")" = 0 ]
tap_end
