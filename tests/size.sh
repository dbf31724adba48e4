#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# How large the layer is, and whether that is within its limits: a table, and a status of 1 if
# anything is above its limit. The sizes of structs come from kernels that are built already.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"

over=0
cd "$ROOT"

# row WHAT VALUE LIMIT
row() {
	local mark=
	if [ "$2" -gt "$3" ]; then
		mark='  above the limit'
		over=1
	fi
	printf '%-58s %6d  at most %5d%s\n' "$1" "$2" "$3" "$mark"
}

lines() { cat "$@" | wc -l; }

core=(kernel/hw_breakpoint*.[ch])
headers=(include/linux/hw_breakpoint*.h)
mapfile -t arch < <(git ls-files 'arch/x86/*.[ch]')

# Functions of more than 40 lines, unless the comment above says "long:" and why.
long_functions() {
	local name file start end
	ctags -x --c-kinds=f --_xformat='%N %F %n %{end}' "${core[@]}" "${headers[@]}" "${arch[@]}" |
		while read -r name file start end; do
			if [ "$((end - start))" -gt 40 ] && ! sed -n "$((start > 8 ? start - 8 : 1)),${start}p" "$file" |
				grep -q 'long:'; then
				echo "$name"
			fi
		done
}

# "A B" for each file A that calls a function which B defines. Comments don't count.
calls() {
	local bare name file user
	bare=$(mktemp -d)
	for file in "$@"; do
		mkdir -p "$bare/$(dirname "$file")"
		gcc -fpreprocessed -dD -E -P "$file" 2>/dev/null | grep -v '^#include' >"$bare/$file"
	done
	ctags -x --c-kinds=f --_xformat='%N %F %{file}' "$@" | awk '$3 == "-" || NF == 2' |
		while read -r name file _; do
			(cd "$bare" && grep -lw -- "$name" "$@") | grep '\.c$' | grep -vx -- "$file" |
				sed "s|\$| $file|" || true
		done | sort -u
	rm -r "$bare"
}

# Files that call each other in a circle, as tsort tells it.
circles() { calls "$@" | tsort 2>&1 >/dev/null | grep -c 'input contains a loop' || true; }

# Lines that the patches to others' files add or remove, without their messages.
patched() { sed '1,/^---$/d' "$1" | grep -vE '^(---|\+\+\+) ' | grep -cE '^[-+]' || true; }
changed=0
for patch in overlay/patches/*.patch; do
	changed=$((changed + $(patched "$patch")))
done

# size FLAVOUR STRUCT: nothing if the flavour isn't built.
struct_size() {
	local build
	build=$(FLAVOUR=$1 KERNEL=${KERNEL:-} "$ROOT/overlay/kernel.sh" built 2>/dev/null) || return 0
	pahole -s -C "$2" "$build/vmlinux" 2>/dev/null | awk '{ print $2 }'
}

row 'kernel/hw_breakpoint*.[ch], lines' "$(lines "${core[@]}")" 3000
row 'include/linux/hw_breakpoint*.h, lines' "$(lines "${headers[@]}")" 450
row 'include/linux/hw_breakpoint*.h, files' "${#headers[@]}" 3
row 'arch/x86, lines' "$(lines "${arch[@]}")" 2200
row 'arch/x86/kernel/hw_breakpoint_registers.c, lines' "$(lines arch/x86/kernel/hw_breakpoint_registers.c)" 500
row 'functions above 40 lines without a reason' "$(long_functions | wc -l)" 0
row 'circles of calls in the core' "$(circles "${core[@]}")" 0
# hw_breakpoint_off.c takes the place of all others.
mapfile -t built < <(printf '%s\n' "${arch[@]}" | grep -v _off.c)
row 'circles of calls in arch/x86' "$(circles "${built[@]}")" 0
row 'patches to others'\'' files, changed lines' "$changed" 621
exit "$over"
