#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the sessions that the documentation shows, and compares what they print.
# Copyright (C) 2026 The hw_breakpoint authors
# prepare
# flavours: ours
#
# A session is a literal block with lines "# command", each with what it prints below it. All
# sessions of a page are one shell. Numbers may differ, and so may the amount of space; a line
# "..." stands for any lines. Blocks without a command are no sessions.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"

pages=(ksym watch-events)

if [ "${1:-}" = prepare ]; then
	"$root/tests/vm/20-hwbp.sh" prepare
	exit 0
fi

# sessions PAGE: "C command" and "O output", a line each.
sessions() {
	awk '
		function flush(    i) {
			if (commands)
				for (i = 1; i <= n; i++)
					print line[i]
			n = commands = 0
		}
		!block && /::$/ { block = 1; next }
		block && /^$/ { next }
		block && /^ / {
			if (!indent) {
				match($0, /^ +/)
				indent = RLENGTH
			}
			text = substr($0, indent + 1)
			if (text ~ /^# /) {
				commands++
				line[++n] = "C " substr(text, 3)
			} else
				line[++n] = "O " text
			next
		}
		block { flush(); block = /::$/; indent = 0 }
		END { flush() }
	' "$root/Documentation/trace/$1.rst"
}

# What differs from one run to the next is made the same.
alike() { sed -E 's/^.*: line [0-9]+: /bash: /; s/\] [a-zA-Z.][a-zA-Z.0-9]{4} /] FLAGS /; s/0x[0-9a-f]+/N/g; s/\b[0-9a-f]{16}\b/N/g; s/-?[0-9]+([.][0-9]+)*/N/g; s/[[:space:]]+/ /g; s/^ //; s/ $//'; }

# printed EXPECTED ACTUAL: are the lines of the one file in the other, in that order?
printed() {
	local line from=1 any=false found
	while IFS= read -r line; do
		if [ "$line" = ... ]; then
			any=true
			continue
		fi
		found=$(alike <"$2" | awk -v from="$from" -v want="$line" 'NR >= from && $0 == want { print NR; exit }')
		if [ -z "$found" ] || { ! $any && [ "$found" != "$from" ]; }; then
			echo "# not printed here: $line"
			sed 's/^/# /' "$2"
			return 1
		fi
		from=$((found + 1)) any=false
	done < <(alike <"$1")
	$any || [ "$(wc -l <"$2")" -lt "$from" ]
}

verdict() {
	[ -n "$command" ] || return 0
	commands=$((commands + 1))
	check "$page.rst: $command" printed "$work/expected" "$work/actual"
}

work=$(mktemp -d)
target=$HWBP_TESTBIN/hwbp/$FLAVOUR/module
export PATH=$PATH:$HWBP_TESTBIN/tools
for page in "${pages[@]}"; do
	cd "$target"
	command='' commands=0
	while IFS= read -r step <&3; do
		if [ "${step:0:1}" = C ]; then
			verdict
			command=${step:2}
			: >"$work/expected"
			eval "$command" >"$work/actual" 2>&1 </dev/null || true
		else
			echo "${step:2}" >>"$work/expected"
		fi
	done 3< <(sessions "$page")
	verdict
	check "$page.rst has sessions" [ "$commands" -gt 3 ]
done
tap_end
