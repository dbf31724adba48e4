#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Everything that can find fault with our files without running them; silent when nothing does.
# Copyright (C) 2026 The hw_breakpoint authors
# The run_ functions are called by a name that is put together.
# shellcheck disable=SC2317
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"
. "$(dirname "$0")/../overlay/lay.sh"

faults=0
complain() {
	sed "s/^/$1: /"
	faults=1
}

# Files of this repository that are tracked or about to be.
ours() { git -C "$ROOT" ls-files --cached --others --exclude-standard -- "$@" | sort -u; }

# The scripts, by what they begin with; ftrace's tests are in its own dialect.
scripts() {
	ours | while read -r f; do
		case $f in
		*.tc) ;;
		*.sh | vm/init) echo "$f" ;;
		*) if head -c 64 "$f" 2>/dev/null | grep -qaE '^#!.*/(ba)?sh'; then echo "$f"; fi ;;
		esac
	done
}

# <linux/processor.h> and <asm/processor.h>, for one, are different headers.
strict_except=ARCH_INCLUDE_LINUX
# The macros of tracepoints are laid out by a custom of their own, which it doesn't know.
tracepoints='^include/trace/events/'
tracepoints_except=$strict_except,PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE
# The tracing core takes texts of errors without a second const, and continues a line itself; a
# table of fields is made by a macro.
tracing='^kernel/trace/'
tracing_except=$strict_except,STATIC_CONST_CHAR_ARRAY,LOGGING_CONTINUATION,MACRO_ARG_REUSE
# Programs have no kernel headers, and watch variables that must be volatile; one macro asks twice
# on purpose.
user_space='^(tools|tests|tour|bench)/'
user_except=$strict_except,VOLATILE,PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO
user_except+=,MACRO_ARG_REUSE,ARRAY_SIZE,ENOSYS,MACRO_WITH_FLOW_CONTROL,NEW_TYPEDEFS
# What stands in for the kernel's macros is nothing, or is what can't be put in parentheses.
user_except+=,MACRO_ARG_UNUSED,COMPLEX_MACRO,EXPORT_SYMBOL

# checkpatch IGNORED FILE...; its stderr is only about a Python module for SPDX checks.
checkpatch() {
	local ignored=$1
	shift
	[ $# -gt 0 ] || return 0
	"$tree/scripts/checkpatch.pl" --root="$tree" --strict --terse --no-summary --show-types \
		--ignore "$ignored" -f "$@" 2>/dev/null || true
}

run_checkpatch() {
	local files
	mapfile -t files < <(ours '*.c' '*.h' | grep -vE "$user_space|$tracepoints|$tracing")
	checkpatch "$strict_except" "${files[@]}"
	mapfile -t files < <(ours '*.h' | grep -E "$tracepoints")
	checkpatch "$tracepoints_except" "${files[@]}"
	mapfile -t files < <(ours '*.c' '*.h' | grep -E "$tracing")
	checkpatch "$tracing_except" "${files[@]}"
	mapfile -t files < <(ours '*.c' '*.h' | grep -E "$user_space")
	checkpatch "$user_except" "${files[@]}"
}

run_kernel_doc() {
	local files
	mapfile -t files < <(manifest | awk '$1 ~ /\.[ch]$/ { print $1 }')
	"$tree/scripts/kernel-doc" -none -Wall "${files[@]}" 2>&1 || true
}

run_shellcheck() {
	local files
	mapfile -t files < <(scripts)
	shellcheck -x -P SCRIPTDIR "${files[@]}" 2>&1 || true
}

run_spdx() {
	ours | grep -vE '\.md$|^COPYING$|\.patch$' | while read -r f; do
		head -n 3 "$f" | grep -q SPDX-License-Identifier || echo "$f: no SPDX line"
	done
}

# Our objects once more with W=1 and sparse, in a copy of the build folder's generated
# part, so that the build itself is not disturbed. Other files' warnings are not ours. While
# nothing is found, only what has changed is compiled again.
run_compiler() {
	local objects names out lint=$BASE/build-lint
	mapfile -t objects < <(manifest | awk '$2 ~ /\.c$/ { sub(/\.c$/, ".o", $2); print $2 }' | grep -v _off.o)
	exec 7>"$lint.lock"
	lock 7 "$lint.lock"
	mkdir -p "$lint"
	(
		cd "$build"
		rsync -a --delete --relative .config include arch/x86/include scripts tools/objtool \
			tools/bpf/resolve_btfids kernel/bounds.s arch/x86/kernel/asm-offsets.s "$lint/" 2>/dev/null || true
	)
	names=$(manifest | awk '{ print $2 }' | paste -sd'|')
	[ -e "$lint.silent" ] || (cd "$lint" && rm -f "${objects[@]}")
	rm -f "$lint.silent"
	out=$({
		make -C "$tree" O="$lint" W=1 C=1 -k "${objects[@]}" >"$lint.log" 2>&1 </dev/null ||
			grep -E 'error:|\*\*\*' "$lint.log"
		grep -E "($names).*(warning|error):" "$lint.log"
	} || true)
	if [ -n "$out" ]; then echo "$out"; else touch "$lint.silent"; fi
}

check_with() {
	local out
	out=$("run_$1")
	[ -z "$out" ] || complain "$1" <<<"$out"
}

cd "$ROOT"
export FLAVOUR=ours
check_flavour
build=$("$ROOT/overlay/kernel.sh" kdir 2>/dev/null || true)
[ -n "$build" ] || die "ours does not build: see make kernel"
resolve_kernel
tree=$BASE/laid
for what in checkpatch kernel_doc shellcheck spdx compiler; do
	check_with "$what"
done
exit "$faults"
