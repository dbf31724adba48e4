#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots the kernel of $FLAVOUR on Bochs and runs $RUN there; exits with its status.
# Copyright (C) 2026 The hw_breakpoint authors
#
# Bochs has one CPU whose debug registers behave as real ones do, and no host files: what
# $RUN and $BOCHS_FILES name goes into an initramfs, as files.sh says.
# Environment: RUN, BOCHS_FILES, FLAVOUR, KERNEL, APPEND, TIMEOUT (default 600), MEM in MiB, WARN,
# VM_OUT: what is in that folder of the guest when $RUN ends comes out, through the second serial
# port.
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"
. "$(dirname "$0")/files.sh"
. "$(dirname "$0")/verdict.sh"
# Bochs' CPUID says something odd about its cores, long before anything of ours runs.
# shellcheck disable=SC2034
EXCUSED='WARNING: .* at arch/x86/kernel/cpu/topology_common.c:[0-9]+ parse_legacy'

# noxsave: Bochs' XSAVE area has a size that makes Linux warn.
make_iso() {
	local append="console=ttyS0 loglevel=7 panic=-1 oops=panic nokaslr noxsave ftrace=nop hwbp.mode=bochs"
	[ "$WARN" = go-on ] || append+=" panic_on_warn=1"
	append+=" ${APPEND:-}"
	mkdir -p "$dir/iso/boot/grub"
	cp "$image" "$dir/iso/boot/bzImage"
	"$ROOT/vm/initramfs.sh" "$dir/iso/boot/initrd" "$dir/files"
	printf 'set timeout=0\nlinux /boot/bzImage %s\ninitrd /boot/initrd\nboot\n' \
		"${append//;/\\;}" >"$dir/iso/boot/grub/grub.cfg"
	grub-mkrescue -d /usr/lib/grub/i386-pc --install-modules='linux normal iso9660 biosdisk' \
		--fonts= --locales= --themes= -o "$dir/iso.img" "$dir/iso" >"$dir/grub.log" 2>&1 ||
		die "grub-mkrescue failed: $(tail -n 1 "$dir/grub.log")"
}

write_config() {
	cat >"$dir/bochsrc" <<-END
	megs: ${MEM:-512}
	romimage: file=/usr/share/bochs/BIOS-bochs-latest
	vgaromimage: file=/usr/share/vgabios/vgabios.bin
	cpu: model=corei7_skylake_x, count=1, ips=50000000, reset_on_triple_fault=0
	clock: sync=none, time0=local
	ata0-master: type=cdrom, path=$dir/iso.img, status=inserted
	boot: cdrom
	display_library: rfb, options="timeout=0"
	com1: enabled=1, mode=file, dev=$console
	com2: enabled=1, mode=file, dev=$dir/out
	log: $dir/log
	sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
	panic: action=fatal
	error: action=ignore
	info: action=ignore
	debug: action=ignore
	END
	echo c >"$dir/rc"
}

# Bochs does not exit when its guest powers off in every case: the verdict's line, or the
# end of the guest's console in a panic, is what we wait for.
await() {
	local pid=$1 until=$((SECONDS + TIMEOUT)) said=$SECONDS
	while kill -0 "$pid" 2>/dev/null; do
		if grep -q "^$mark " "$dir/out" 2>/dev/null; then
			break
		elif grep -qE 'reboot: (Restarting|Power down|machine restart)|Rebooting in|---\[ end Kernel panic' "$console" 2>/dev/null; then
			sleep 1
			break
		elif [ "$SECONDS" -ge "$until" ]; then
			rc=124
			break
		elif [ $((SECONDS - said)) -ge 30 ]; then
			said=$SECONDS
			say "Bochs has run for $((SECONDS - until + TIMEOUT)) s: $(tail -n 2 "$console" | head -n 1 | tr -d '\r')"
		fi
		sleep 0.3
		stream
	done
	stream
	kill -9 "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

# Shows what came since the last time: whole lines, up to the empty one that ends the output and
# the first that is ours.
stream() {
	local total ours
	[ -f "$dir/out" ] || return 0
	total=$(wc -l <"$dir/out")
	ours=$(grep -anm 1 "^$mark" "$dir/out" | cut -d: -f1 || true)
	if [ -n "$ours" ]; then
		total=$((ours - 1))
		[ -n "$(sed -n "${total}p" "$dir/out")" ] || total=$((total - 1))
	fi
	if [ "$total" -gt "$shown" ]; then
		sed -n "$((shown + 1)),${total}p" "$dir/out"
		shown=$total
	fi
}

TIMEOUT=${TIMEOUT:-600}
check_options
[ -n "${RUN:-}" ] || die "nothing to run: make vm MACHINE=bochs RUN='binary arguments'"
[ "${1:-}" != shell ] || die "Bochs has no shell here: use make shell without MACHINE"
check_flavour
resolve_kernel
image=$("$ROOT/overlay/kernel.sh" | tail -n 1)
dir=$(mktemp -d "${TMPDIR:-/tmp}/hwbp-bochs.XXXXXX")
trap 'kill -9 "${bochs:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
mkdir -p "$CACHE/consoles"
console=$(mktemp "$CACHE/consoles/$FLAVOUR-bochs.XXXXXX")
mark=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
# shellcheck disable=SC2086
collect BOCHS_FILES ${BOCHS_FILES:-}
echo "$mark" >"$dir/files/hwbp.word"
[ -z "$VM_OUT" ] || ln -s "$VM_OUT" "$dir/files/hwbp.out"
make_iso
write_config
say "booting $FLAVOUR on Bochs (about a minute)"
rc=0 shown=0
(cd "$dir" && exec bochs -q -f bochsrc -rc rc </dev/null >bochs.out 2>&1) &
bochs=$!
await "$bochs"
status=$(sed -n "s/^$mark //p" "$dir/out" 2>/dev/null | tr -d "\r" || true)
[ -z "$VM_OUT" ] || [ -z "$status" ] || sed -n "s/^$mark-file //p" "$dir/out" | base64 -di | tar -xz -C "$VM_OUT"
if [ ! -s "$console" ] && [ "$rc" != 124 ]; then
	die "Bochs did not start: $(grep -hE 'PANIC|panic' "$dir/log" "$dir/bochs.out" | head -n 1)"
fi
rc2=0
verdict "$console" "$status" "$rc" "$TIMEOUT" || rc2=$?
[ "$rc2" != 0 ] || rm -f "$console"
exit "$rc2"
