#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Writes into $OUT a series for git am, against the distribution's pristine source.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lay.sh"

OUT=${OUT:-patches}

changed() {
	{ list cuts | awk '{ print $2 }'; cat "$tree.files"; } | sort -u
}

# The pristine text of what changes, straight from the package.
pristine() {
	local deb
	deb=$("$ROOT/overlay/fetch.sh")
	dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$PACKAGE.tar.xz" | xz -dc |
		tar -x -C "$1" --strip-components=1 \
			-T <(changed | sed "s,^,$PACKAGE/,") 2>/dev/null || true
}

# Faults of the kernel that are there with its own layer, too: each is a patch of its own.
fixes() { patches | grep '/0000-[^/]*$' || true; }

# The head of one of ours as the message of a commit.
message() { sed '/^---$/,$d; /^Kernels:/,/^$/d' "$1"; }

commit() {
	git -C "$work" add -A .
	git -C "$work" -c user.name='The hw_breakpoint authors' -c user.email='hw_breakpoint@localhost' \
		-c commit.gpgsign=false commit -q --date='2026-01-01T00:00:00Z' -m "$1"
}

# Brings the work folder to what the cut tree's functions look like.
remove_old() {
	local f
	while read -r f; do rm -f "$work/$f"; done < <(cut_files)
	cut_functions "$work"
}

add_ours() {
	local f
	while read -r f; do
		mkdir -p "$(dirname "$work/$f")"
		cp "$tree/$f" "$work/$f"
	done <"$tree.files"
}

check_manifest
resolve_kernel
tree=$("$ROOT/overlay/tree.sh" laid)
resolve_kernel
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "reading the pristine files from $PACKAGE $VERSION"
git -C "$work" init -q -b base
pristine "$work"
commit "$PACKAGE $VERSION"
git -C "$work" tag pristine
while read -r fix; do
	apply_patch "$work" "$fix"
	commit "$(message "$fix")"
done < <(fixes)
remove_old
commit "x86, perf: remove the hardware breakpoint layer

Its replacement follows in the next patch; between the two nothing links.

Generated from overlay/cuts for $VERSION."
add_ours
commit "x86, perf: add a hardware breakpoint layer

Breakpoints of the CPU's debug registers as perf events: registration and the
PMU, a constraint table that promises registers, the x86 registers, and a
thread's virtual debug registers for ptrace.

Generated from overlay/manifest and overlay/patches for $VERSION."
mkdir -p "$OUT" || die "cannot write to $OUT: give another OUT"
rm -f "$OUT"/000[1-9]-*.patch
git -C "$work" format-patch --no-signature --zero-commit -o "$(realpath "$OUT")" pristine
