#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots the kernel of $FLAVOUR in QEMU and runs $RUN in it as root; exits with its status.
# Copyright (C) 2026 The hw_breakpoint authors
#
# run.sh [shell]. Environment: RUN, FLAVOUR, KERNEL, CPUS, MEM, QEMU_ARGS, APPEND, TIMEOUT,
# ICOUNT, THREADS, ACCEL, VM_OUT, WARN. The guest sees the host's files through an overlay: what
# it writes is gone afterwards, but for the folder $VM_OUT, which is the host's. $RUN runs in the
# folder we were called from. 124 is a hang, 99 a complaint of the kernel (a WARN, an oops, a
# report), 98 a machine that ended without a verdict. With WARN=go-on a WARN doesn't end the guest.
#
# VM_ROOT=ram: the host's files would not survive that the guest sleeps, so what $RUN and
# $VM_FILES name goes into an initramfs instead (files.sh). A guest that has suspended itself
# to RAM is then woken at once; one that has hibernated has ended without a verdict, and goes
# on when the same is run again with resume= in $APPEND.
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"
. "$(dirname "$0")/files.sh"
. "$(dirname "$0")/verdict.sh"

initramfs() {
	local cpio
	if [ "$mode" = ram ]; then
		"$ROOT/vm/initramfs.sh" "$dir/initrd" "$dir/files"
		echo "$dir/initrd"
		return
	fi
	cpio=$CACHE/initramfs-$(hash_files "$ROOT/vm/init" "$ROOT/vm/initramfs.sh" /bin/busybox).gz
	[ -s "$cpio" ] || "$ROOT/vm/initramfs.sh" "$cpio"
	echo "$cpio"
}

write_command() {
	{
		prologue
		printf 'export HWBP_KDIR=%q\n' "$BASE/build-$FLAVOUR"
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

# Talks to QEMU over its monitor. A guest that sleeps is woken at once: an alarm of the guest's
# own could ring before it sleeps. When the time is up the guest gets an NMI, on which it panics
# and so shows where it hangs, and what its log had not yet shown.
monitor() {
	local until=$((SECONDS + TIMEOUT)) line
	exec 3<>"$dir/qmp.in" 4<>"$dir/qmp.out"
	echo '{ "execute": "qmp_capabilities" }' >&3
	while [ "$SECONDS" -lt "$until" ]; do
		read -rt $((until - SECONDS)) line <&4 || continue
		case $line in
		*'"event": "SUSPEND"'*) echo '{ "execute": "system_wakeup" }' >&3 ;;
		esac
	done
	touch "$dir/late"
	echo '{ "execute": "inject-nmi" }' >&3
}

# A thread for each CPU, unless the kernel patches its own code all the time (jump labels):
# before version 8.1 a thread of QEMU can translate code that another one changes, and then
# runs the old code for ever: an int3 long after it was taken away. THREADS=single is for who
# changes code on a kernel that doesn't.
tcg_threads() {
	if [ "$THREADS" != auto ]; then
		echo "$THREADS"
	elif grep -q '^CONFIG_JUMP_LABEL=y' "$(dirname "$image")/.config"; then
		echo single
	else
		echo multi
	fi
}

mode=${1:-command}
case ${VM_ROOT:-host} in
host) ;;
ram) [ "$mode" != shell ] || die "no shell with VM_ROOT=ram"; mode=ram ;;
*) die "unknown VM_ROOT '$VM_ROOT': use host or ram" ;;
esac
CPUS=${CPUS:-2} MEM=${MEM:-2G} TIMEOUT=${TIMEOUT:-300} THREADS=${THREADS:-auto}
[[ $CPUS =~ ^[1-9][0-9]*$ ]] || die "CPUS '$CPUS' is not a number: use 1 to 64"
[[ $THREADS =~ ^(auto|single|multi)$ ]] || die "unknown THREADS '$THREADS': use auto, single or multi"
check_options
[ "$mode" = shell ] || [ -n "${RUN:-}" ] || die "nothing to run: make vm RUN='command'"
check_flavour
[ "$(base_flavour)" != i386 ] || [ "$mode" = ram ] ||
	die "$FLAVOUR can't run the host's programs, which have 64 bits: use VM_ROOT=ram"
resolve_kernel
image=$("$ROOT/overlay/kernel.sh" | tail -n 1)
dir=$(mktemp -d "${TMPDIR:-/tmp}/hwbp-vm.XXXXXX")
trap 'kill "${monitor:-}" "${running:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
root=()
if [ -n "$VM_OUT" ]; then
	# shellcheck disable=SC2016,SC2034
	MOUNT_OUT='mount -t 9p out "$VM_OUT" -o trans=virtio,version=9p2000.L,msize=512000,cache=mmap || exit'
	root+=(-virtfs "local,path=${VM_OUT//,/,,},mount_tag=out,security_model=none")
fi
if [ "$mode" = ram ]; then
	# shellcheck disable=SC2086
	collect VM_FILES ${VM_FILES:-}
else
	write_command
	root+=(-virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap")
fi
initrd=$(initramfs)
accel=tcg,thread=$(tcg_threads)
extra=()
if [ "${ICOUNT:-}" = 1 ]; then
	accel=tcg,thread=single
	extra+=(-icount shift=0)
else
	found=$("$ROOT/vm/accel.sh" "$image" "$initrd")
	[ "$found" = tcg ] || accel=$found
fi

keep_console
append="console=ttyS0 loglevel=7 panic=-1 oops=panic unknown_nmi_panic nokaslr no_timer_check ftrace=nop"
# To KCSAN each report is a warning, others' too: there the verdict alone ends it.
[ "$FLAVOUR" = kcsan ] || [ "$WARN" = go-on ] || append+=" panic_on_warn=1"
# The BIOS's interrupt routing methods, interpreted under KASAN or KCSAN and TCG, take a minute
# and more; all devices here have message interrupts.
case $FLAVOUR in debug | kcsan) append+=" acpi=noirq" ;; esac
append+=" hwbp.dir=$dir hwbp.mode=$mode hwbp.accel=${accel%%,*} hwbp.threads=${accel##*=} hwbp.term=${TERM:-dumb} ${APPEND:-}"

# Without five-level paging: identify_cpu() clears the flag for an instant, and an interrupt
# then makes KASAN take every address for a wild one.
qemu=(qemu-system-x86_64 -machine pc -accel "$accel" -cpu "max,la57=off" -smp "$CPUS" -m "$MEM"
	-nodefaults -no-user-config -display none -no-reboot -rtc base=utc
	-kernel "$image" -initrd "$initrd" -append "$append"
	-serial "file:$console"
	-device virtio-rng-pci "${root[@]}" "${extra[@]}")
# Words of QEMU_ARGS are split as a shell would.
eval "qemu+=(${QEMU_ARGS:-})"

if [ "$mode" = shell ]; then
	"${qemu[@]}" -chardev stdio,id=tty,signal=off -serial chardev:tty || die "QEMU did not start"
	exit 0
fi
rc=0
mkfifo "$dir/qmp.in" "$dir/qmp.out"
# The output goes to a file, because QEMU drops what a guest writes to a console if nobody empties the
# pipe behind it. tail shows the file until the process $running ends.
: >"$dir/out"
sleep infinity &
running=$!
tail -c +1 -s 0.1 --pid="$running" -f "$dir/out" &
tail=$!
monitor &
monitor=$!
timeout --foreground -k 5 $((TIMEOUT + 10)) "${qemu[@]}" -device virtio-serial-pci \
	-chardev "pipe,id=qmp,path=$dir/qmp" -mon chardev=qmp,mode=control \
	-chardev "file,id=out,path=$dir/out" -device virtconsole,chardev=out,name=out \
	-chardev "file,id=status,path=$dir/status" -device virtserialport,chardev=status,name=status \
	</dev/null 2>"$dir/errors" || rc=$?
kill "$running"
wait "$tail"
# The panic is then what monitor() asked for.
[ ! -e "$dir/late" ] || rc=124 EXCUSED='Kernel panic - not syncing: NMI'
if [ ! -s "$console" ] && [ "$rc" != 124 ] && [ "$rc" != 137 ]; then
	die "QEMU did not start: $(head -n 1 "$dir/errors"); check QEMU_ARGS, CPUS and MEM"
fi
rc2=0
FUNCTIONS=$(dirname "$image")/functions
ACCELERATOR=${accel%%,*}
verdict "$console" "$(cat "$dir/status" 2>/dev/null)" "$rc" "$TIMEOUT" || rc2=$?
[ "$rc2" != 0 ] || rm -f "$console"
exit "$rc2"
