#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Linux's own test of the kernel debugger, kgdbts: hardware breakpoints, and that the rest works beside them.
# Copyright (C) 2026 The hw_breakpoint authors
# flavours: ours
#
# Not debug: lockdep finds fault with software breakpoints, which kgdb writes with text_poke()
# and its page table lock from what counts as an NMI; with any layer.
set -euo pipefail
. "$(dirname "$0")/../tap.sh"
parameter=/sys/module/kgdbts/parameters/kgdbts

# A failure of kgdbts is a WARN each, which is not to end this boot.
quietly() {
	local was
	was=$(</proc/sys/kernel/panic_on_warn)
	echo 0 >/proc/sys/kernel/panic_on_warn
	"$@"
	echo "$was" >/proc/sys/kernel/panic_on_warn
}

# It runs within the write; 10 single steps instead of 1000. perf has an event open meanwhile:
# a second after the last one is closed perf core switches its static keys off, and kgdb has no
# software breakpoints while somebody who changes code holds text_mutex.
run() { perf stat -e dummy -o /dev/null -- sh -c "echo V1I10 >$parameter"; }

# passes NAME ANNOUNCED: it ran, and nothing is said of it as an error.
passes() { grep -q "kgdbts:RUN $2\$" <<<"$log" && ! grep -qE "kgdbts: ERROR.*\<$1\>" <<<"$log"; }

# The access test's loads are what it is about; it is announced by a wrong name.
echo "hwbp: kgdbts starts" >/dev/kmsg
quietly run
log=$(dmesg | awk '{ sub(/^\[[^]]*\] /, "") } /^hwbp: kgdbts starts/ { said = "" } { said = said $0 "\n" } END { printf "%s", said }')
grep kgdbts <<<"$log" | sed 's/^/# /'
check "kgdbts: execution breakpoint" passes hw_breakpoint_test "hw breakpoint test"
check "kgdbts: write breakpoint" passes hw_write_break_test "hw write breakpoint test"
check "kgdbts: access breakpoint" passes hw_access_break_test "access write breakpoint test"
check "kgdbts: detach" passes plant_and_detach_test "plant and detach test"
check "kgdbts: software breakpoint" passes sw_breakpoint_test "sw breakpoint test"
check "kgdbts: bad memory" passes bad_read_test "bad memory access test"
check "kgdbts: single steps" passes singlestep_breakpoint_test "singlestep test 10 iterations"
tap_end
