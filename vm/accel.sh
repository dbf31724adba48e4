#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# accel.sh BZIMAGE INITRAMFS: prints kvm or tcg; kvm only where a guest really boots.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"

case ${ACCEL:-} in
kvm | tcg) echo "$ACCEL"; exit ;;
'') ;;
*) die "unknown ACCEL '$ACCEL': use kvm or tcg" ;;
esac
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
	echo tcg
	exit
fi
# /dev/kvm may open and yet no guest run: ask once per boot of the host.
answer=$CACHE/accel-$(cat /proc/sys/kernel/random/boot_id)
if [ ! -s "$answer" ]; then
	say "probing whether KVM boots a guest here (10 s at most)"
	console=$(mktemp)
	timeout -k 1 10 qemu-system-x86_64 -accel kvm -cpu host -m 512M -nodefaults -no-user-config \
		-display none -no-reboot -serial "file:$console" -kernel "$1" -initrd "$2" \
		-append 'console=ttyS0 panic=-1 hwbp.mode=probe' </dev/null >/dev/null 2>&1 || true
	if grep -q 'hwbp: probe booted' "$console"; then verdict=kvm; else verdict=tcg; fi
	rm -f "$console" "$CACHE"/accel-*
	echo "$verdict" >"$answer.$$"
	mv "$answer.$$" "$answer"
	say "KVM: $([ "$verdict" = kvm ] && echo 'yes' || echo 'no guest boots, using TCG')"
fi
cat "$answer"
