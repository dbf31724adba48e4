#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's gdb on 64-bit and 32-bit programs: hits counted, slots given back.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours debug vanilla
# limit: 400
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)

if [ "${1:-}" = prepare ]; then
	for bits in 64 32; do
		gcc -m$bits -g -O0 -Wall -Wextra -Werror -static -pthread \
			-o "$HWBP_TESTBIN/gdb-target$bits" "$here/gdb/target.c"
	done
	gcc -O2 -Wall -Wextra -Werror -static -o "$HWBP_TESTBIN/gdb-grabber" "$here/gdb/grabber.c"
	exit 0
fi

# session BITS SCENARIO...: TAP to stdout; leaves what gdb and the program said in $log.
# The pipe to cat ends only when the last program that gdb has let go of has ended.
session() {
	local bits=$1 rc=0
	shift
	log=$work/log-$bits-$1
	{
		BITS=$bits GRABBER=$HWBP_TESTBIN/gdb-grabber SCENARIOS=$* timeout 150 gdb -nx -batch \
			-x "$here/gdb/session.py" "$HWBP_TESTBIN/gdb-target$bits" \
			2>&1 3>"$log.tap" </dev/null || echo $? >"$log.rc"
	} | cat >"$log"
	cat "$log.tap"
	[ ! -e "$log.rc" ] || rc=$(<"$log.rc")
	if [ "$rc" != 0 ]; then
		echo "not ok - gdb $bits-bit: session '$*' ends well"
		echo "# status $rc; the last words:"
		tail -n 20 "$log" | sed 's/^/# /'
	fi
}

# told BITS WHAT LINE: what the program told when gdb had let go of it.
told() {
	if grep -qx "$3" "$log"; then
		echo "ok - gdb $1-bit: $2"
	else
		echo "not ok - gdb $1-bit: $2"
		echo "# expected '$3', got '$(grep "^${3%%:*}:" "$log" | xargs)'"
	fi
}

all_of() {
	local bits=$1
	session "$bits" one_of_each values four refused_by_kernel stepping threads crowd execve
	session "$bits" fork_parent
	told "$bits" "fork, follow parent: the child holds no slot" "child: 4 slots free"
	told "$bits" "fork, follow parent: the child ends well" "child: ended well"
	session "$bits" fork_child
	told "$bits" "fork, follow child: the parent, let go, holds no slot" "parent: 4 slots free"
	told "$bits" "fork, follow child: the parent ends well" "parent: ended well"
	session "$bits" fork_both
	told "$bits" "fork, holding both: the child holds no slot" "child: 4 slots free"
	session "$bits" detach
	told "$bits" "after detach no slot is charged" "detached: 4 slots free"
	told "$bits" "after detach the program ends well, nothing is armed" "detached: ended well"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# One gdb on each CPU.
all_of 32 >"$work/32" &
all_of 64
wait $!
cat "$work/32"
