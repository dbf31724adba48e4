#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# initramfs.sh OUT [FOLDER]: packs busybox ($BUSYBOX, or ours), vm/init and what FOLDER holds.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/bin" "$tmp/dev" "$tmp/root"
cp "${BUSYBOX:-/bin/busybox}" "$tmp/bin/busybox"
ln -s busybox "$tmp/bin/sh"
install -m 755 "$here/init" "$tmp/init"
if [ -n "${2:-}" ]; then
	cp -a "$2/." "$tmp/"
fi
(cd "$tmp" && find . -print0 | sort -z | cpio --null -o -H newc -R 0:0 --quiet | gzip -1) >"$1.new.$$"
mv "$1.new.$$" "$1"
