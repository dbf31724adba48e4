#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Hands a command to the machine that $MACHINE names.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"

"$ROOT/overlay/packages.sh"
case ${MACHINE:-qemu} in
qemu) exec "$ROOT/vm/run.sh" "$@" ;;
bochs) exec "$ROOT/vm/bochs.sh" "$@" ;;
*) die "unknown MACHINE '$MACHINE': use qemu or bochs" ;;
esac
