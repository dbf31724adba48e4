#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tree.sh vanilla|laid: makes or refreshes a source tree in the cache, prints its path.
# Copyright (C) 2026 The hw_breakpoint authors
#
# vanilla  the distribution's source as it is.
# laid     the same without what overlay/cuts names, with overlay/patches applied and
#          the files of overlay/manifest copied in; flavours share it.
#
# A tree says in stamps, written last, what it was made from. When that changes, only
# files whose text changes are touched, so that a build redoes little.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lay.sh"

# Takes the source apart as a stream: what is excluded never reaches the disk, and
# the list of names lets a cut that names nothing be an error.
unpack() {
	local to=$1 deb list=$1.names top
	shift
	top=$PACKAGE
	deb=$("$ROOT/overlay/fetch.sh")
	need_space 4000 "unpacking the kernel source"
	say "unpacking $PACKAGE $VERSION (about 20 s)"
	rm -rf "$to"
	mkdir -p "$to"
	# 450 MB of graphics register tables, which no configuration here reads.
	dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$PACKAGE.tar.xz" | xz -dc |
		tee >(tar -t >"$list") |
		tar -x -C "$to" --strip-components=1 \
			--exclude="$top/drivers/gpu/drm/amd/include/asic_reg" \
			"${@/#/--exclude=$top/}" ||
		die "cannot unpack $deb: make room in $CACHE, or remove that file"
	wait
	local path
	for path in "$@"; do
		grep -qxF "$top/$path" "$list" || die "overlay/cuts: no file $path in $PACKAGE $VERSION"
	done
	rm -f "$list"
}

# Replaces tree $2 by $1 without touching the files that stay the same.
settle() {
	if [ -d "$2" ]; then
		rsync -rlp --checksum --delete "$1/" "$2/"
		rm -rf "$1"
	else
		mv "$1" "$2"
	fi
}

make_vanilla() {
	local tree=$BASE/vanilla key
	key=$(vanilla_key)
	if [ "$(cat "$tree.made" 2>/dev/null)" != "$key" ]; then
		rm -f "$tree.made"
		unpack "$tree.new"
		settle "$tree.new" "$tree"
		echo "$key" >"$tree.made"
	fi
}

make_laid() {
	local tree=$BASE/laid key
	key=$(cut_key)
	if [ "$(cat "$tree.cut" 2>/dev/null)" != "$key" ]; then
		rm -f "$tree.cut" "$tree.made"
		local files
		mapfile -t files < <(cut_files)
		unpack "$tree.new" "${files[@]}"
		cut_functions "$tree.new"
		settle "$tree.new" "$tree"
		rm -rf "$tree.base" "$tree.files"
		echo "$key" >"$tree.cut"
	fi
	if [ "$(cat "$tree.made" 2>/dev/null)" != "$(laid_key)" ]; then
		rm -f "$tree.made"
		lay "$tree"
		laid_key >"$tree.made"
	fi
}

kind=${1:?vanilla or laid}
resolve_kernel
[ "$kind" != laid ] || check_manifest
mkdir -p "$BASE"
exec 8>"$BASE/$kind.lock"
# Readers, which builds are, do not keep out others who find all well.
lock 8 "$BASE/$kind.lock" -s
if [ "$(cat "$BASE/$kind.made" 2>/dev/null)" != "$("${kind}_key")" ]; then
	flock -u 8
	lock 8 "$BASE/$kind.lock"
	"make_$kind"
fi
echo "$BASE/$kind"
