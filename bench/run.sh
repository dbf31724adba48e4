#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Measures, side by side with the distribution's own layer, and prints one table.
# Copyright (C) 2026 The hw_breakpoint authors
#
# A measurement is an executable bench/guest/NN-name.sh that runs in the VM, as root, in the
# checkout; FLAVOUR tells which kernel it is on. Time there is counted in instructions, one a
# nanosecond, on one CPU, so that figures repeat. It prints lines
#
#	bench: what it is	VALUE	UNIT	[what to compare it with, in the same flavour]
#
# with tabs, repeated as often as it likes: the median counts. Environment: BENCH='glob' of
# NN-name.sh selects, FLAVOURS='ours vanilla'.
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"

export HWBP_TESTBIN=${HWBP_TESTBIN:-$CACHE/tests-$(echo "$ROOT" | sha256sum | cut -c1-8)}
FLAVOURS=${FLAVOURS:-vanilla ours}

selected() {
	local f
	for f in "$ROOT"/bench/guest/[0-9][0-9]-*.sh; do
		# shellcheck disable=SC2053
		if [[ $(basename "$f") == ${BENCH:-*} ]]; then
			echo "$f"
		fi
	done
}

# What a guest of $1 prints, its flavour in front.
measure() {
	local script
	script="export HWBP_TESTBIN=$HWBP_TESTBIN; set -e; $(selected | tr '\n' ';')"
	FLAVOUR=$1 RUN=$script CPUS=1 ICOUNT=1 TIMEOUT=${TIMEOUT:-1200} "$ROOT/vm/run.sh" |
		tee /dev/stderr | sed -n "s/^bench: /$1\t/p"
}

"$ROOT/overlay/packages.sh"
[ -n "$(selected)" ] || die "no measurement is called '${BENCH:-}': see bench/guest/"
results=$(mktemp)
trap 'rm -f "$results"' EXIT
cd "$ROOT"
for flavour in $FLAVOURS; do
	FLAVOUR=$flavour tests/vm/20-hwbp.sh prepare
	say "measuring $flavour"
	measure "$flavour" >>"$results"
done
awk -F'\t' -v flavours="$FLAVOURS" -f "$ROOT/bench/table.awk" "$results"
