#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What the Bochs guest promises to a test: its filesystems, static programs.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
set -eu

if [ "${1:-}" = prepare ]; then
	[ -x "$HWBP_TESTBIN/static" ] ||
		echo 'int main(int c, char **v) { return c * 10 + (v[1][0] == 32); }' |
			gcc -static -x c -o "$HWBP_TESTBIN/static" -
	echo "$HWBP_TESTBIN/static" "$(dirname "$0")/../tap.sh"
	exit
fi
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

mounted() { grep -q " $1 $2 " /proc/mounts; }

returns() {
	status=0
	"$HWBP_TESTBIN/static" ' x' y || status=$?
	[ $status = 31 ]
}

check "/proc is there" test -r /proc/self/status
check "/sys is there" mounted /sys sysfs
check "debugfs is there" mounted /sys/kernel/debug debugfs
check "tracefs is there" mounted /sys/kernel/tracing tracefs
check "a static program runs, with its arguments" returns
tap_end
