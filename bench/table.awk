# SPDX-License-Identifier: GPL-2.0-only
# Prints the table of bench/run.sh from its lines: flavour, what, value, unit, compared with.
# Copyright (C) 2026 The hw_breakpoint authors

{
	if (!($2 in unit))
		order[++rows] = $2
	unit[$2] = $4
	base[$2] = $5
	value[$1, $2, ++n[$1, $2]] = $3 + 0
}

# Of what a flavour had for it; "" if it has nothing.
function median(flavour, what,    count, i, j, t, v) {
	count = n[flavour, what]
	if (!count)
		return ""
	for (i = 1; i <= count; i++)
		v[i] = value[flavour, what, i]
	for (i = 2; i <= count; i++)
		for (j = i; j > 1 && v[j] < v[j - 1]; j--) {
			t = v[j]
			v[j] = v[j - 1]
			v[j - 1] = t
		}
	return count % 2 ? v[(count + 1) / 2] : (v[count / 2] + v[count / 2 + 1]) / 2
}

function number(x) {
	return x == "" ? "-" : sprintf("%.1f", x)
}

function ratio(a, b) {
	return a == "" || b == "" || b == 0 ? "-" : sprintf("%.2f", a / b)
}

END {
	nr = split(flavours, flavour, " ")
	printf "%-46s %-5s", "", ""
	for (f = 1; f <= nr; f++)
		printf " %10s", flavour[f]
	if (nr == 2)
		printf " %8s", "ratio"
	print ""
	for (r = 1; r <= rows; r++) {
		what = order[r]
		printf "%-46s %-5s", what, unit[what]
		for (f = 1; f <= nr; f++)
			printf " %10s", number(median(flavour[f], what))
		if (nr == 2)
			printf " %8s", ratio(median(flavour[2], what), median(flavour[1], what))
		if (base[what] != "")
			printf "   %s of: %s", ratio(median(flavour[nr], what), median(flavour[nr], base[what])), base[what]
		print ""
	}
}
