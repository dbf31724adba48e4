# SPDX-License-Identifier: GPL-2.0-only
# Makes what guests' tests need once for each content; sourced.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=bash

# content PATH...: of files, and of all files in folders.
content() { find -L "$@" -type f -print0 | sort -z | xargs -0 sha256sum; }

# once NAME PATH... -- COMMAND...: runs it, unless it has ended well for the same content of those
# paths, command and compiler. Two that want the same wait for one another.
once() {
	local name=$HWBP_TESTBIN/$1 paths=() key
	shift
	while [ "$1" != -- ]; do
		paths+=("$1")
		shift
	done
	shift
	mkdir -p "$HWBP_TESTBIN"
	key=$({ content "${paths[@]}" && echo "$*" && gcc --version; } | sha256sum)
	(
		flock 5
		if [ "$(cat "$name.made" 2>/dev/null)" != "$key" ]; then
			rm -f "$name.made"
			"$@"
			echo "$key" >"$name.made"
		fi
	) 5>"$name.lock"
}
