#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots the kernel of $FLAVOUR in QEMU and runs $RUN in it as root; exits with its status.
# Copyright (C) 2026 The hw_breakpoint authors
#
# run.sh [shell]. Environment: RUN, FLAVOUR, KERNEL, CPUS, MEM, QEMU_ARGS, APPEND, TIMEOUT,
# ICOUNT, ACCEL. The guest sees the host's files through an overlay: what it writes is gone
# afterwards. $RUN runs in the folder we were called from. 124 is a hang, 99 a complaint of
# the kernel (a WARN, an oops, a report), 98 a machine that ended without a verdict.
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"
. "$(dirname "$0")/verdict.sh"

initramfs() {
	local cpio
	cpio=$CACHE/initramfs-$(hash_files "$ROOT/vm/init" "$ROOT/vm/initramfs.sh" /bin/busybox).gz
	[ -s "$cpio" ] || "$ROOT/vm/initramfs.sh" "$cpio"
	echo "$cpio"
}

write_command() {
	{
		printf 'cd %q\n' "$PWD"
		printf 'export FLAVOUR=%q KERNEL=%q HWBP_KDIR=%q HWBP_IN_VM=1\n' "$FLAVOUR" "$KERNEL" "$BASE/build-$FLAVOUR"
		if [ "$mode" = shell ]; then
			printf 'exec /bin/bash -i\n'
		else
			printf '%s\n' "$RUN"
		fi
	} >"$dir/$mode"
}

# A console per checkout and flavour is kept for those who want to read on.
keep_console() {
	mkdir -p "$CACHE/consoles"
	console=$(mktemp "$CACHE/consoles/$FLAVOUR.XXXXXX")
	find "$CACHE/consoles" -type f -mmin +1440 -delete
}

mode=${1:-command}
CPUS=${CPUS:-2} MEM=${MEM:-2G} TIMEOUT=${TIMEOUT:-300}
[[ $CPUS =~ ^[1-9][0-9]*$ ]] || die "CPUS '$CPUS' is not a number: use 1 to 16"
[[ $TIMEOUT =~ ^[1-9][0-9]*$ ]] || die "TIMEOUT '$TIMEOUT' is not a number of seconds"
[ "$mode" = shell ] || [ -n "${RUN:-}" ] || die "nothing to run: make vm RUN='command'"
check_flavour
resolve_kernel
image=$("$ROOT/overlay/kernel.sh" | tail -n 1)
initrd=$(initramfs)
accel=tcg,thread=multi
extra=()
if [ "${ICOUNT:-}" = 1 ]; then
	accel=tcg,thread=single
	extra+=(-icount shift=0)
else
	found=$("$ROOT/vm/accel.sh" "$image" "$initrd")
	[ "$found" = tcg ] || accel=$found
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/hwbp-vm.XXXXXX")
trap 'rm -rf "$dir"' EXIT
keep_console
write_command
append="console=ttyS0 loglevel=7 panic=-1 panic_on_warn=1 oops=panic nokaslr no_timer_check"
# The BIOS's interrupt routing methods, interpreted under KASAN and TCG, take a minute and
# more; all devices here have message interrupts.
[ "$FLAVOUR" != debug ] || append+=" acpi=noirq"
append+=" hwbp.dir=$dir hwbp.mode=$mode hwbp.accel=${accel%%,*} hwbp.term=${TERM:-dumb} ${APPEND:-}"

# Without five-level paging: identify_cpu() clears the flag for an instant, and an interrupt
# then makes KASAN take every address for a wild one.
qemu=(qemu-system-x86_64 -machine pc -accel "$accel" -cpu "max,la57=off" -smp "$CPUS" -m "$MEM"
	-nodefaults -no-user-config -display none -no-reboot -rtc base=utc
	-kernel "$image" -initrd "$initrd" -append "$append"
	-serial "file:$console"
	-virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
	-device virtio-rng-pci "${extra[@]}")
# Words of QEMU_ARGS are split as a shell would.
eval "qemu+=(${QEMU_ARGS:-})"

if [ "$mode" = shell ]; then
	"${qemu[@]}" -chardev stdio,id=tty,signal=off -serial chardev:tty || die "QEMU did not start"
	exit 0
fi
rc=0
mkfifo "$dir/out"
cat "$dir/out" &
cat=$!
timeout --foreground -k 5 "$TIMEOUT" "${qemu[@]}" -device virtio-serial-pci \
	-chardev "file,id=out,path=$dir/out" -device virtserialport,chardev=out,name=out \
	-chardev "file,id=status,path=$dir/status" -device virtserialport,chardev=status,name=status \
	</dev/null 2>"$dir/errors" || rc=$?
# Unblocks the reader if QEMU never came to open its end.
: 1<>"$dir/out"
wait "$cat"
if [ ! -s "$console" ] && [ "$rc" != 124 ] && [ "$rc" != 137 ]; then
	die "QEMU did not start: $(head -n 1 "$dir/errors"); check QEMU_ARGS, CPUS and MEM"
fi
rc2=0
verdict "$console" "$(cat "$dir/status" 2>/dev/null)" "$rc" "$TIMEOUT" || rc2=$?
[ "$rc2" != 0 ] || rm -f "$console"
exit "$rc2"
