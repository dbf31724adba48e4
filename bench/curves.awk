# SPDX-License-Identifier: GPL-2.0-only
# The medians of what is measured by something (the variable says by what), as a table for
# plot.gp: x, then the curves in the order of below, with "?" where nothing was measured.
# Copyright (C) 2026 The hw_breakpoint authors

BEGIN {
	nr_flavours = split("vanilla ours", flavour, " ")
	nr_kinds = split("for a task|for a task on a CPU|for a CPU", kind, "|")
}

FNR == 1 || !index($3 "\n", ", by " by "\n") { next }
{
	if (!($4 in seen))
		xs[++nr_xs] = $4
	seen[$4] = 1
	value[$1, $3, $4, ++n[$1, $3, $4]] = $5 + 0
}

function curve(flavour, what, x,    count, i, v) {
	count = n[flavour, what, x]
	for (i = 1; i <= count; i++)
		v[i] = value[flavour, what, x, i]
	return count ? middle(v, count) : "?"
}

END {
	printf "x"
	for (f = 1; f <= nr_flavours; f++)
		for (k = 1; k <= nr_kinds; k++)
			printf "\t%s, %s", flavour[f], substr(kind[k], 5)
	print ""
	for (i = 1; i <= nr_xs; i++) {
		printf "%d", xs[i]
		for (f = 1; f <= nr_flavours; f++)
			for (k = 1; k <= nr_kinds; k++)
				printf "\t%s", curve(flavour[f], "reserve+release " kind[k] ", by " by, xs[i])
		print ""
	}
}
