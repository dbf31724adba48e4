#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Prints the path of a static busybox for guests of 32 bits.
# Copyright (C) 2026 The hw_breakpoint authors
#
# It is Debian's. apt has lists and a cache of its own for it, so the host's stay as they are.
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"

busybox=$CACHE/dl/busybox-i386
if [ ! -x "$busybox" ]; then
	mkdir -p "$CACHE/dl"
	tmp=$(mktemp -d "$CACHE/dl/busybox.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	chmod 755 "$tmp"
	mkdir -p "$tmp/lists/partial" "$tmp/cache"
	printf '%s\n' '#clear APT::Architectures;' 'APT::Architecture "i386";' "Dir::State::Lists \"$tmp/lists\";" \
		"Dir::Cache \"$tmp/cache\";" >"$tmp/apt.conf"
	say "downloading busybox-static for i386 (about 10 MB of lists, 1 MB)"
	# Sources that have nothing for i386 make the update fail.
	(
		cd "$tmp"
		apt-get -c "$tmp/apt.conf" update || true
		apt-get -c "$tmp/apt.conf" download busybox-static &&
			dpkg-deb --fsys-tarfile busybox-static_*.deb | tar -xO ./bin/busybox >busybox &&
			chmod 755 busybox
	) </dev/null >"$tmp/log" 2>&1 ||
		die "cannot download busybox-static for i386 ($(grep -m 1 '^E:' "$tmp/log" || tail -n 1 "$tmp/log")): check the network and apt's sources"
	mv "$tmp/busybox" "$busybox"
fi
echo "$busybox"
