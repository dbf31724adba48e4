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

# session STATUS BITS SCENARIO...: TAP to stdout; leaves what gdb and the program said in $log.
# gdb is to end with that status.
# The pipe to cat ends only when the last program that gdb has let go of has ended.
session() {
	local status=$1 bits=$2 rc=0
	shift 2
	log=$work/log-$bits-$1
	{
		BITS=$bits GRABBER=$HWBP_TESTBIN/gdb-grabber SCENARIOS=$* timeout 350 gdb -nx -batch \
			-x "$here/gdb/session.py" "$HWBP_TESTBIN/gdb-target$bits" \
			2>&1 3>"$log.tap" </dev/null || echo $? >"$log.rc"
	} | cat >"$log"
	cat "$log.tap"
	[ ! -e "$log.rc" ] || rc=$(<"$log.rc")
	if [ "$rc" != "$status" ]; then
		echo "not ok - gdb $bits-bit: session $1 ends with status $status"
		echo "# status $rc; the last words:"
		tail -n 20 "$log" | sed 's/^/# /'
	fi
}

# told BITS WHO WHAT [TODO]: what a program that gdb has let go of told of itself.
told() {
	local name="gdb $1-bit: $2: $3"
	if grep -qx "$2: $3" "$log"; then
		echo "ok - $name"
	else
		echo "not ok - $name${4:+ # TODO $4}"
		echo "# it told: $(grep "^$2:" "$log" | xargs)"
	fi
}

all_of() {
	local bits=$1 keeps='' leaves=''
	if [ "${FLAVOUR:-}" = vanilla ]; then
		# Linux's own layer keeps a register that a debugger has used (weak spot 10).
		keeps="vanilla keeps the slot until exec or exit"
		leaves="vanilla leaves breakpoints live"
	fi
	session 0 "$bits" one_of_each values four refused_by_kernel stepping onto move threads crowd attach \
		execve fork_parent fork_child fork_both detach
	told "$bits" "let go, parent followed" "4 slots free"
	told "$bits" "let go, parent followed" "ended well"
	told "$bits" "let go, child followed" "4 slots free" "$keeps"
	told "$bits" "let go, child followed" "ended well"
	told "$bits" "let go, both followed" "4 slots free"
	told "$bits" "detached" "4 slots free" "$keeps"
	told "$bits" "detached" "ended well"
	session 137 "$bits" killed
	told "$bits" "orphan" "4 slots free" "$leaves"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# One gdb on each CPU.
all_of 32 >"$work/32" &
all_of 64
wait $!
cat "$work/32"
