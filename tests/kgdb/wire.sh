#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# wire.sh PIPE: gdb's end of the guest's serial port.
# Copyright (C) 2026 The hw_breakpoint authors
#
# Two pipes and no socket: gdb acknowledges the last packet of a session and closes, and what
# is in a socket is lost when QEMU sees that it was closed. The kernel then waits for ever.
cat "$1.out" &
reader=$!
cat >"$1.in"
kill $reader
