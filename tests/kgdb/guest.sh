#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest's side of kgdb's tests: executes what the session on the host sends, line by line.
# Copyright (C) 2026 The hw_breakpoint authors
#
# guest.sh SLOTS MODULE. Commands come from the virtio port "session"; what a command prints
# goes back there, then a line "= STATUS". Only "enter" is not answered: its answer is that the
# debugger stops.
# shellcheck disable=SC2317
set -euo pipefail
slots=$1
target=/sys/kernel/debug/hw_breakpoint_target
perf_pid=

# on CPU COMMAND...: a command of the test module, executed on that CPU.
on() {
	local cpu=$1
	shift
	# shellcheck disable=SC2016
	taskset -c "$cpu" bash -c 'echo "$1" >"$2"' - "$*" "$target/ctl"
}

# enter CPU: goes into the kernel debugger on that CPU.
enter() { taskset -c "$1" bash -c 'echo g >/proc/sysrq-trigger'; }

flexible() { echo "$1" >/sys/bus/event_source/devices/breakpoint/flexible; }

# perf_start hold N | count TYPE ADDR | flexible, and perf_end: events beside the debugger's.
perf_start() {
	coproc PERF { exec "$slots" "$@"; }
	# bash closes its own two when the program ends.
	exec {perf_out}<&"${PERF[0]}" {perf_in}>&"${PERF[1]}"
	eval "exec ${PERF[0]}<&- ${PERF[1]}>&-"
	# shellcheck disable=SC2153
	perf_pid=$PERF_PID
	read -r -u "$perf_out" line
	echo "$line"
}

perf_end() {
	exec {perf_in}>&-
	cat <&"$perf_out"
	exec {perf_out}<&-
	wait "$perf_pid"
	perf_pid=
}

cpu1() { echo "$1" >/sys/devices/system/cpu/cpu1/online; }

# After a scenario that has failed.
tidy() {
	[ -z "$perf_pid" ] || perf_end
	flexible 0
	grep -q 1 /sys/devices/system/cpu/cpu1/online || cpu1 1
}

kgdboc() { echo "$1" >/sys/module/kgdboc/parameters/kgdboc; }

symbol() {
	echo "sym $1" >"$target/ctl"
	sed -n 's/^result //p' "$target/status"
}

port() {
	local p
	for p in /sys/class/virtio-ports/*; do
		if [ "$(<"$p/name")" = session ]; then
			echo "/dev/${p##*/}"
		fi
	done
}

insmod "$2"
exec 3<>"$(port)"
echo "= 0" >&3
while read -r line <&3; do
	case $line in
	bye) exit 0 ;;
	enter\ *) $line ;;
	*)
		rc=0
		eval "$line" >&3 || rc=$?
		echo "= $rc" >&3
		;;
	esac
done
exit 1
