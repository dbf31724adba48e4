#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make patch: the series applies to the pristine source and gives the laid tree.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/../overlay/lib.sh"
. "$(dirname "$0")/../overlay/lay.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

write_series() { make patch OUT="$tmp/out" >"$tmp/list"; }

# What the series touches, with the package's text.
unpack() {
	local files
	mapfile -t files < <(sed -n 's,^diff --git a/\([^ ]*\) .*,\1,p' "$tmp"/out/*.patch | sort -u)
	mkdir "$tmp/tree"
	dpkg-deb --fsys-tarfile "$("$ROOT/overlay/fetch.sh")" | tar -xO "./usr/src/$PACKAGE.tar.xz" | xz -dc |
		tar -x -C "$tmp/tree" --strip-components=1 "${files[@]/#/$PACKAGE/}" 2>/dev/null || true
	cd "$tmp/tree"
	git init -q
	git add -A
	git -c user.name=t -c user.email=t@t commit -q -m pristine
}

apply() { git -c user.name=t -c user.email=t@t am -q "$tmp"/out/*.patch; }

# The two trees agree on every file that either of them has changed.
same() {
	local f bad=0
	while read -r f; do
		cmp "$BASE/laid/$f" "$tmp/tree/$f" || bad=1
	done <"$BASE/laid.files"
	while read -r f; do
		if [ -e "$tmp/tree/$f" ] && [ ! -e "$BASE/laid/$f" ]; then
			echo "$f should be gone"
			bad=1
		fi
	done < <(cut_files)
	return "$bad"
}

resolve_kernel
check "make patch writes a series" write_series
fixes=$(find "$ROOT/overlay/patches" -name '0000-*.patch' | wc -l)
check "two patches, behind one for each of perf core's $fixes faults" [ "$(wc -l <"$tmp/list")" = "$((fixes + 2))" ]
unpack
check "git am applies it to the pristine source" apply
check "the result is the laid tree" same
tap_end
