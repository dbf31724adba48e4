# SPDX-License-Identifier: GPL-2.0-only
# What goes into a guest and what comes out of it; sourced.
# Copyright (C) 2026 The hw_breakpoint authors
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# For a guest without the host's files $dir/files becomes the root: the static binaries and the
# scripts that $RUN names, and those that collect is given, at the same paths, and $RUN itself as
# /hwbp.sh, which runs in the folder we were called from, by busybox sh.

# Checks the options that all machines have, and makes VM_OUT an absolute path.
check_options() {
	WARN=${WARN:-stop} VM_OUT=${VM_OUT:-}
	[[ $TIMEOUT =~ ^[1-9][0-9]*$ ]] || die "TIMEOUT '$TIMEOUT' is not a number of seconds"
	[[ $WARN =~ ^(stop|go-on)$ ]] || die "unknown WARN '$WARN': use stop or go-on"
	[ -n "$VM_OUT" ] || return 0
	{ mkdir -p "$VM_OUT" && [ -w "$VM_OUT" ]; } 2>/dev/null ||
		die "cannot write to VM_OUT '$VM_OUT': name a folder that you can write to"
	VM_OUT=$(realpath "$VM_OUT")
}

# What a guest runs before $RUN. $VM_OUT has the same path there as here; $MOUNT_OUT makes it the
# host's folder, where a machine can do that.
prologue() {
	printf 'export FLAVOUR=%q KERNEL=%q HWBP_IN_VM=1\n' "$FLAVOUR" "$KERNEL"
	# shellcheck disable=SC2016
	[ -z "$VM_OUT" ] || printf 'export VM_OUT=%q\nmkdir -p "$VM_OUT"\n%s\n' "$VM_OUT" "${MOUNT_OUT:-}"
	printf 'cd %q\n' "$PWD"
}

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
	if [ "$(base_flavour)" = i386 ]; then
		BUSYBOX=$("$ROOT/vm/busybox.sh")
		export BUSYBOX
	fi
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
	{
		prologue
		printf '%s\n' "$RUN"
	} >"$dir/files/hwbp.sh"
}
