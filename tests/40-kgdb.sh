#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel debugger's hardware breakpoints: Debian's gdb on the host, over a serial port.
# Copyright (C) 2026 The hw_breakpoint authors
#
# Environment: FLAVOUR (default ours), SCENARIOS (of kgdb/session.py), APPEND.
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"
here=$ROOT/tests/kgdb
bin=${HWBP_TESTBIN:-$CACHE/tests-$(echo "$ROOT" | sha256sum | cut -c1-8)}
export FLAVOUR HWBP_TESTBIN=$bin
scenarios=${SCENARIOS:-software free_without calls steps data lengths ranges reads four promises beside_perf takes_over hotplug
	packets detach set_up_again}

# The end of the VM must be the end of the pipe also if QEMU never opened it.
vm() {
	local rc=0
	RUN="$here/guest.sh $bin/kgdb-slots $bin/hwbp/$FLAVOUR/module/hw_breakpoint_target.ko" \
		APPEND="kgdboc=ttyS1 ${APPEND:-}" TIMEOUT=${TIMEOUT:-600} CPUS=2 \
		QEMU_ARGS="-serial pipe:$dir/kgdb -device virtio-serial-pci,id=session
			-chardev pipe,id=session,path=$dir/session
			-device virtserialport,bus=session.0,chardev=session,name=session" \
		"$ROOT/vm/run.sh" >"$dir/vm" 2>&1 || rc=$?
	: 1<>"$dir/session.out" 0<>"$dir/session.in"
	return "$rc"
}

resolve_kernel
kdir=$("$ROOT/overlay/kernel.sh" kdir | tail -n 1)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$bin"
"$ROOT/tests/vm/20-hwbp.sh" prepare >&2
gcc -O2 -Wall -Wextra -Werror -static -o "$bin/kgdb-slots" "$here/slots.c"
mkfifo "$dir"/{session,kgdb}.{in,out}
# By symbols alone a breakpoint has one place: with debug information also each that is inlined.
strip -g -o "$dir/vmlinux" "$kdir/vmlinux"
vm &
vm=$!
gdb=0
DIR=$dir SCENARIOS=$scenarios gdb -nx -batch -x "$here/session.py" "$dir/vmlinux" \
	3>&1 >"$dir/log" 2>&1 </dev/null || gdb=$?
rc=0
wait "$vm" || rc=$?
if [ "$gdb$rc" = 00 ]; then
	echo "ok - gdb's session and the VM end well"
else
	echo "not ok - gdb's session and the VM end well"
	echo "# gdb $gdb, VM $rc; the last words of both:"
	tail -n 20 "$dir/log" | sed 's/^/# /'
	tail -n 40 "$dir/vm" | sed 's/^/# /'
fi
