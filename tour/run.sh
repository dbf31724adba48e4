#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tour: builds the kernel and what is shown on it, boots, and shows it.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"

check_flavour
say "the tour's kernel: linux $KERNEL, flavour $FLAVOUR (the first build takes about 10 minutes)"
"$ROOT/overlay/kernel.sh" >/dev/null

bin=$CACHE/tour-$(hash_files "$ROOT"/tour/*.c "$ROOT/tour/run.sh" "$ROOT"/tools/hw_breakpoint/*.[ch] \
	"$ROOT/tools/hw_breakpoint/Makefile")
if [ ! -x "$bin/hwbp" ]; then
	new=$(mktemp -d "$CACHE/tour.XXXXXX")
	chmod 755 "$new"
	cp "$ROOT/tour/corrupt.c" "$new/"
	# Fixed addresses and no optimisation: each line is what one reads there.
	(cd "$new" && gcc -g -O0 -Wall -Wextra -no-pie -fno-pie -static "-fdebug-prefix-map=$new=$bin" \
		-o corrupt corrupt.c)
	gcc -g -O0 -Wall -Wextra -no-pie -fno-pie -static -o "$new/busy" "$ROOT/tour/busy.c"
	MAKEFLAGS='' make -s -C "$ROOT/tools/hw_breakpoint" OUT="$new/build" LDFLAGS=-static
	mv "$new/build/hwbp" "$new/"
	rm -r "$new/build"
	mv -T "$new" "$bin" 2>/dev/null || rm -rf "$new"
fi

say "booting it"
export FLAVOUR KERNEL
rc=0
RUN="$(printf '%q ' "$ROOT/tour/show.sh" "$bin")" TIMEOUT=${TIMEOUT:-120} \
	"$ROOT/vm/run.sh" || rc=$?
[ "$rc" = 0 ] || say "the tour failed, status $rc"
exit "$rc"
