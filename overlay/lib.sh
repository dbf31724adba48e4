# SPDX-License-Identifier: GPL-2.0-only
# Where things are, and how the scripts speak; sourced by all of them.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=bash
# The variables are results, for those who source it.
# shellcheck disable=SC2034

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${HWBP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hw_breakpoint}
FLAVOUR=${FLAVOUR:-ours}
KERNEL=${KERNEL:-6.12}

say() { printf 'hw_breakpoint: %s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -n "$@"
	else
		return 1
	fi
}

# Leaves the flavours' names in the order in which they read best.
flavours() {
	local f
	for f in "$ROOT"/overlay/configs/*.config; do
		f=$(basename "$f" .config)
		[ "$f" = common ] || echo "$f"
	done
}

# ours_mt is the flavour ours in its variant mt: what overlay/configs/variants/mt.config says
# comes after what ours.config does.
base_flavour() { echo "${FLAVOUR%%_*}"; }
variant() { [[ $FLAVOUR != *_* ]] || echo "${FLAVOUR#*_}"; }

check_flavour() {
	{ [[ $FLAVOUR =~ ^[a-z0-9]+(_[a-z0-9]+)?$ ]] && [ "$(base_flavour)" != common ] &&
		[ -f "$ROOT/overlay/configs/$(base_flavour).config" ] &&
		{ [ -z "$(variant)" ] || [ -f "$ROOT/overlay/configs/variants/$(variant).config" ]; }; } ||
		die "unknown FLAVOUR '$FLAVOUR': use one of $(flavours | xargs)"
}

# Sets PACKAGE, VERSION, SHA (empty when it is not the pinned one) and BASE, the
# folder of everything that is made from that version.
resolve_kernel() {
	local line instead
	line=$(awk -v k="$KERNEL" '$1 == k' "$ROOT/kernel.pin")
	[ -n "$line" ] || die "unknown KERNEL '$KERNEL': kernel.pin has" \
		"$(awk '!/^#/ && NF { print $1 }' "$ROOT/kernel.pin" | xargs)"
	read -r _ PACKAGE VERSION SHA <<<"$line"
	instead=$CACHE/dl/${PACKAGE}_$VERSION.instead
	if [ ! -f "$(deb_path)" ] && [ -s "$instead" ]; then
		VERSION=$(<"$instead")
		SHA=
	fi
	set_base
}

set_base() { BASE=$CACHE/${VERSION//[^A-Za-z0-9.+]/-}; }

deb_path() { echo "$CACHE/dl/${PACKAGE}_${VERSION}_all.deb"; }

# need_space MEBIBYTES WHAT: an early refusal instead of a half-done tree.
need_space() {
	local have
	mkdir -p "$CACHE" || die "cannot write to $CACHE: set HWBP_CACHE to a folder that can be"
	have=$(df --output=avail -m "$CACHE" | tail -n 1)
	[ "$have" -ge "$1" ] ||
		die "$2 needs $1 MiB in $CACHE, only $have are free: make room or set HWBP_CACHE"
}

# lock FD FILE [-s]: waits, and says so when there is something to wait for.
lock() {
	local fd=$1 file=$2 mode=${3:--x}
	flock "$mode" -n "$fd" && return
	say "waiting for another run that holds $file"
	flock "$mode" "$fd"
}

hash_files() { sha256sum "$@" | sha256sum | cut -c1-16; }
