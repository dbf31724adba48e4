#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# run.sh FOLDER [MODULE...] PROGRAM[:TEST,...]...: runs the programs of that folder, or some of
# their tests, as one TAP.
# Copyright (C) 2026 The hw_breakpoint authors
#
# A MODULE (a .ko file) is loaded first and removed afterwards. Needs root; busybox is enough.
set -eu

folder=$1
shift
out=$(mktemp)
trap 'rm -f "$out"' EXIT
count=0
modules=

# Each program numbers from 1, and its plan is checked here.
renumber() {
	awk -v n="$count" -v program="$1" '
		/^TAP version/ { next }
		/^1\.\.[0-9]+$/ { plan = substr($0, 4); next }
		/^ok [0-9]+ / || /^not ok [0-9]+ / {
			seen++
			head = $1 == "ok" ? "ok" : "not ok"
			sub(/^(not )?ok [0-9]+ /, "")
			sub(/^global\./, "")
			print head, ++n, "- " program "." $0
			next
		}
		/^# +(RUN|OK|FAIL|SKIP) / { next }
		{ print }
		END {
			if (plan == "" || seen != plan)
				print "not ok", ++n, "- " program ": all of its tests ran"
		}' "$out"
}

while [ "${1%.ko}" != "${1:-}" ]; do
	insmod "$1"
	modules="$(basename "$1" .ko) $modules"
	shift
done
for program in "$@"; do
	name=${program%%:*}
	tests=${program#"$name"}
	# shellcheck disable=SC2046
	"$folder/$name" $(echo "${tests#:}" | tr ',' '\n' | sed -n 's/^./-t &/p') >"$out" 2>&1 || true
	renumber "$name" | tee "$out.tap"
	count=$((count + $(grep -cE '^(not )?ok ' "$out.tap")))
	rm -f "$out.tap"
done
for module in $modules; do
	rmmod "$module"
done
echo "1..$count"
