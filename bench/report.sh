#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# report.sh FOLDER: the table, the targets and the plots of the results in that folder.
# Copyright (C) 2026 The hw_breakpoint authors
#
# From results.tsv it makes table.txt, which it also prints, by-tasks.tsv, by-cpus.tsv, and
# hw_breakpoint-scale.svg, where there is something to plot.
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"

table() { awk -F'\t' -v targets="$ROOT/bench/targets" -f "$ROOT/bench/middle.awk" -f "$ROOT/bench/table.awk" results.tsv; }
# Guests come in any order, curves from left to right.
curves() {
	awk -F'\t' -v by="$1" -f "$ROOT/bench/middle.awk" -f "$ROOT/bench/curves.awk" results.tsv | {
		IFS= read -r header
		echo "$header"
		sort -n
	}
}

cd "${1:?report.sh FOLDER}"
[ -s results.tsv ] || die "no results in $PWD"
table >table.txt
cat about.txt table.txt
curves tasks >by-tasks.tsv
curves 'possible CPUs' >by-cpus.tsv
if [ "$(wc -l <by-tasks.tsv)" -gt 1 ] && [ "$(wc -l <by-cpus.tsv)" -gt 1 ]; then
	gnuplot "$ROOT/bench/plot.gp"
	sed -i '1a <!-- SPDX-License-Identifier: GPL-2.0-only -->' hw_breakpoint-scale.svg
	say "plots in $PWD/hw_breakpoint-scale.svg"
fi
say "results in $PWD"
