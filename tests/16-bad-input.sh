#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What we are given and cannot use: one clear line, a nonzero status, nothing left behind.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# refuses TEXT COMMAND...: fails, and says TEXT in the only line of its own.
refuses() {
	local text=$1
	shift
	if TMPDIR=$tmp/tmp "$@" </dev/null >"$tmp/out" 2>"$tmp/err"; then
		echo "# it succeeded"
		return 1
	fi
	grep -v '^make' "$tmp/err" >"$tmp/lines" || true
	sed 's/^/# /' "$tmp/lines"
	[ "$(grep -c '^hw_breakpoint: error:' "$tmp/lines")" = 1 ] && grep -q "$text" "$tmp/lines"
}

nothing_left() { [ -z "$(find "$tmp/tmp" -mindepth 1)" ]; }

no_space() {
	mkdir -p "$tmp/small"
	# df of a folder that is nearly full, without filling one.
	mkdir -p "$tmp/bin"
	printf '#!/bin/sh\necho Avail; echo 100\n' >"$tmp/bin/df"
	chmod +x "$tmp/bin/df"
	refuses 'make room' env PATH="$tmp/bin:$PATH" HWBP_CACHE="$tmp/small" make kernel
}

mkdir -p "$tmp/nopkg"
printf '#!/bin/sh\nexit 0\n' >"$tmp/nopkg/dpkg-query"
printf '#!/bin/sh\necho "E: no network"\nexit 100\n' >"$tmp/nopkg/apt-get"
chmod +x "$tmp"/nopkg/*

no_package() {
	refuses 'apt-get install' env PATH="$tmp/nopkg:$PATH" overlay/packages.sh
}

no_busybox() { refuses 'check the network' env PATH="$tmp/nopkg:$PATH" HWBP_CACHE="$tmp/small" vm/busybox.sh; }

mkdir -p "$tmp/tmp"
check "unknown FLAVOUR" refuses 'use one of' make kernel FLAVOUR=nonesuch
check "FLAVOUR with a path in it" refuses 'use one of' make kernel FLAVOUR=../x
check "unknown KERNEL" refuses 'kernel.pin has' make kernel KERNEL=1.0
check "unknown MACHINE" refuses 'use qemu or bochs' make vm MACHINE=pdp11 RUN=true
check "unknown ACCEL" refuses 'use kvm or tcg' make vm ACCEL=warp RUN=true
check "no RUN" refuses 'nothing to run' make vm
check "CPUS is no number" refuses 'CPUS' make vm CPUS=many RUN=true
check "TIMEOUT is no number" refuses 'number of seconds' make vm TIMEOUT=1m RUN=true
check "unknown WARN" refuses 'use stop or go-on' make vm WARN=no RUN=true
check "unknown WARN, on Bochs" refuses 'use stop or go-on' make vm MACHINE=bochs WARN=no RUN=true
check "VM_OUT that can't be made" refuses 'cannot write to VM_OUT' make vm VM_OUT=/proc/nonesuch RUN=true
check "VM_OUT that is a file" refuses 'cannot write to VM_OUT' make vm VM_OUT=README.md RUN=true
check "32 bits on the host's root" refuses 'use VM_ROOT=ram' make vm FLAVOUR=i386 RUN=true
check "no busybox of 32 bits to be had" no_busybox
check "a QEMU that does not start" refuses 'QEMU did not start' make vm RUN=true QEMU_ARGS=-nonesuch
check "no disk space" no_space
check "a package that cannot be had" no_package
check "nothing is left in TMPDIR" nothing_left
tap_end
