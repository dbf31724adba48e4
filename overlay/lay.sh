# SPDX-License-Identifier: GPL-2.0-only
# How this repository is laid over a kernel tree; sourced by tree.sh, kernel.sh, patch.sh.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=bash

# Lists without comments and empty lines.
list() { sed 's/#.*//; /^[[:space:]]*$/d' "$ROOT/overlay/$1"; }

# "source destination" for each file that is copied in.
manifest() { list manifest | awk '{ print $1, (NF > 1 ? $2 : $1) }'; }

patches() {
	local p
	for p in "$ROOT"/overlay/patches/*.patch; do
		if [ -e "$p" ]; then
			echo "$p"
		fi
	done
}

cut_files() { list cuts | awk '$1 == "file" { print $2 }'; }

check_manifest() {
	local from to
	while read -r from to; do
		[ -f "$ROOT/$from" ] || die "overlay/manifest names $from, which is not there"
	done < <(manifest)
}

# What each stage was made from.
vanilla_key() { echo "$VERSION $PACKAGE"; }
cut_key() { { echo "$VERSION"; list cuts; cat "$ROOT/overlay/cut.awk"; } | sha256sum | cut -c1-16; }
laid_key() {
	{
		cut_key
		manifest
		manifest | while read -r from to; do sha256sum <"$ROOT/$from"; done
		patches | while read -r p; do basename "$p"; cat "$p"; done
	} | sha256sum | cut -c1-16
}

cut_functions() {
	local tree=$1 path names
	while read -r path names; do
		[ -f "$tree/$path" ] || die "overlay/cuts: no file $path in $PACKAGE $VERSION"
		ctags --fields=+ne --kinds-C=fsv -o - "$tree/$path" |
			awk -v names="$names" -f "$ROOT/overlay/cut.awk" - "$tree/$path" >"$tree/$path.cut" \
				2>"$tree.missing" ||
			die "overlay/cuts: not in $path of $PACKAGE $VERSION: $(xargs <"$tree.missing")"
		cat "$tree/$path.cut" >"$tree/$path"
		rm -f "$tree/$path.cut" "$tree.missing"
	done < <(list cuts | awk '$1 == "func" { sub(/^func[ \t]+/, ""); print }')
}

# The files that a patch changes or makes.
patched_files() { sed -n 's,^+++ b/\([^ \t]*\).*,\1,p' "$1"; }

apply_patch() {
	local stage=$1 patch=$2 out
	grep -q "^Kernels:.*\b${KERNEL//./\\.}\b" "$patch" ||
		die "$(basename "$patch") does not say that it is for $KERNEL (a line 'Kernels: ...')"
	out=$(patch -p1 --fuzz=0 --no-backup-if-mismatch -s -f -r - -d "$stage" -i "$patch" 2>&1) ||
		die "overlay/patches/$(basename "$patch") does not apply to $VERSION: $(head -n 1 <<<"$out")"
}

# Fills $2 with what differs from the cut tree $1: patched and copied files. The cut
# tree's text of each patched file is kept in $1.base.
stage() {
	local tree=$1 stage=$2 patch path from to
	rm -rf "$stage"
	mkdir -p "$stage" "$tree.base"
	touch "$tree.files"
	while read -r path; do
		if [ ! -e "$tree.base/$path" ] && [ -e "$tree/$path" ] && ! grep -qxF "$path" "$tree.files"; then
			mkdir -p "$(dirname "$tree.base/$path")"
			cp "$tree/$path" "$tree.base/$path.tmp"
			mv "$tree.base/$path.tmp" "$tree.base/$path"
		fi
		if [ -e "$tree.base/$path" ]; then
			mkdir -p "$(dirname "$stage/$path")"
			cp -p "$tree.base/$path" "$stage/$path"
		fi
	done < <(patches | while read -r patch; do patched_files "$patch"; done | sort -u)
	while read -r patch; do
		apply_patch "$stage" "$patch"
	done < <(patches)
	while read -r from to; do
		if [ -e "$tree/$to" ] && ! grep -qxF "$to" "$tree.files"; then
			die "overlay/manifest: the kernel has a $to of its own; cut or patch it"
		fi
		mkdir -p "$(dirname "$stage/$to")"
		cp "$ROOT/$from" "$stage/$to"
	done < <(manifest)
}

# Brings the cut tree $1 to what manifest and patches say, whatever they said before.
lay() {
	local tree=$1 path
	say "laying our files over $PACKAGE $VERSION"
	stage "$tree" "$tree.stage"
	(cd "$tree.stage" && find . -type f -printf '%P\n' | sort) >"$tree.next"
	sort -u "$tree.files" "$tree.next" >"$tree.both"
	comm -23 "$tree.files" "$tree.next" >"$tree.stale"
	mv "$tree.both" "$tree.files"
	rsync -rl --checksum "$tree.stage/" "$tree/"
	while read -r path; do
		if [ -e "$tree.base/$path" ]; then
			cat "$tree.base/$path" >"$tree/$path"
		else
			rm -f "$tree/$path"
		fi
	done <"$tree.stale"
	mv "$tree.next" "$tree.files"
	rm -rf "$tree.stage" "$tree.stale"
}
