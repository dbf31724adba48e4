#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Downloads the pinned kernel source package into the cache; prints its path.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# $1 is a version; the file gets its name only when it is whole.
download() {
	local tmp=$CACHE/dl/tmp.$$
	mkdir "$tmp"
	chmod 755 "$tmp"
	if (cd "$tmp" && apt-get download "$PACKAGE=$1") >"$log" 2>&1; then
		mv "$tmp"/*.deb "$CACHE/dl/${PACKAGE}_${1}_all.deb"
	fi
	rm -rf "$tmp"
	[ -f "$CACHE/dl/${PACKAGE}_${1}_all.deb" ]
}

verify() { [ -z "$SHA" ] || echo "$SHA  $(deb_path)" | sha256sum --status -c -; }

newest() {
	apt-cache madison "$PACKAGE" | awk '{ print $3 }' | sort -V | tail -n 1
}

mkdir -p "$CACHE/dl"
resolve_kernel
exec 9>"$CACHE/dl/lock"
lock 9 "$CACHE/dl/lock"
resolve_kernel
log=$CACHE/dl/log
rm -rf "$CACHE"/dl/tmp.*

if [ -f "$(deb_path)" ] && ! verify; then
	say "the cached $(basename "$(deb_path)") is damaged, fetching it again"
	rm -f "$(deb_path)"
fi
if [ ! -f "$(deb_path)" ]; then
	need_space 500 "the download"
	say "downloading $PACKAGE $VERSION (about 150 MB)"
	if ! download "$VERSION"; then
		as_root apt-get update </dev/null >/dev/null 2>&1 || true
		download "$VERSION" || {
			pinned=$VERSION
			VERSION=$(newest)
			SHA=
			{ [ -n "$VERSION" ] && download "$VERSION"; } ||
				die "cannot download $PACKAGE ($(tail -n 1 "$log")): check the network and apt's sources"
			say "Debian no longer offers $PACKAGE $pinned; using $VERSION"
			echo "$VERSION" >"$CACHE/dl/${PACKAGE}_$pinned.instead"
		}
	fi
	verify || {
		rm -f "$(deb_path)"
		die "$PACKAGE $VERSION does not have the SHA-256 that kernel.pin names: do not use it"
	}
fi
deb_path
