# SPDX-License-Identifier: GPL-2.0-only
# Puts what a guest without the host's files needs into its initramfs; sourced.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# $dir/files becomes the root: the static binaries and the scripts that $RUN names, and
# those that collect is given, at the same paths, and $RUN itself as /hwbp.sh, which runs
# in the folder we were called from, by busybox sh.

# Puts file $1 into the initramfs, at its absolute path.
take() {
	local path
	path=$(realpath -s "$1")
	if readelf -l "$path" 2>/dev/null | grep -q INTERP; then
		die "$1 is not static, and the guest has no libraries: link it with -static"
	fi
	mkdir -p "$dir/files$(dirname "$path")"
	cp -L "$path" "$dir/files$path"
}

# collect NAME FILE...: NAME is the variable that the files come from. Words of $RUN that
# are files here are taken, too; programs that busybox has are in it already.
collect() {
	local name=$1 word
	shift
	mkdir -p "$dir/files$PWD"
	for word; do
		[ -f "$word" ] || die "$name names $word, which is not there"
		take "$word"
	done
	while read -r word; do
		case $word in
		/dev/* | /proc/* | /sys/*) ;;
		*/*) if [ -f "$word" ]; then take "$word"; fi ;;
		esac
	done < <(tr -s '[:space:];&|<>()"'"'" '\n' <<<"$RUN")
	printf 'cd %q\nexport FLAVOUR=%q KERNEL=%q HWBP_IN_VM=1\n%s\n' "$PWD" "$FLAVOUR" "$KERNEL" "$RUN" >"$dir/files/hwbp.sh"
}
