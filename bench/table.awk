# SPDX-License-Identifier: GPL-2.0-only
# Prints the table of bench/report.sh from a run's results: flavour, shape, what, x, value,
# unit, compared with; then which of the targets (the variable names the file) are met.
# Copyright (C) 2026 The hw_breakpoint authors

FNR == 1 { next }
{
	row = $2 FS $3 FS $4
	if (!(row in unit))
		order[++rows] = row
	unit[row] = $6
	base[row] = $7
	value[$1, row, ++n[$1, row]] = $5 + 0
	if (!(($3, $4) in seen)) {
		seen[$3, $4] = 1
		point[$3, ++points[$3]] = row
	}
	if (!($1 in known) && $1 !~ /^(vanilla|ours)$/)
		others = others " " $1
	known[$1] = 1
}

# Of what a flavour had for it; "" if it has nothing.
function median(flavour, row,    count, i, v) {
	count = n[flavour, row]
	for (i = 1; i <= count; i++)
		v[i] = value[flavour, row, i]
	return count ? middle(v, count) : ""
}

function number(x) {
	return x == "" ? "-" : sprintf("%.1f", x)
}

function divide(a, b) {
	return a == "" || b == "" || b == 0 ? "" : a / b
}

function ratio(x) {
	return x == "" ? "-" : sprintf(x < 0.1 ? "%.4f" : "%.2f", x)
}

# The flavour that a figure is of, when it is ours that is asked for.
function our(row) {
	return ("ours", row, 1) in value ? "ours" : "debug"
}

function base_row(row,    part) {
	split(row, part, FS)
	return part[1] FS base[row] FS part[3]
}

function print_row(row,    f, part) {
	split(row, part, FS)
	printf "%-14s %-58s %6s %-5s", part[1], part[2], part[3], unit[row]
	for (f = 1; f <= nr; f++)
		printf " %10s", number(median(flavour[f], row))
	printf " %8s", ratio(divide(median("ours", row), median("vanilla", row)))
	if (base[row] != "")
		printf "   %s of: %s", ratio(divide(median(our(row), row), median(our(row), base_row(row)))), base[row]
	print ""
}

# Of all rounds: what must never be must not be once.
function highest(flavour, row,    i, high) {
	high = n[flavour, row] ? value[flavour, row, 1] : ""
	for (i = 2; i <= n[flavour, row]; i++)
		if (value[flavour, row, i] > high)
			high = value[flavour, row, i]
	return high
}

# The highest of ours over the lowest, if there are at least two; in how[] what they are.
function flatness(what,    i, m, count, low, high) {
	for (i = 1; i <= points[what]; i++) {
		m = median("ours", point[what, i])
		if (m == "")
			continue
		if (!count++ || m < low)
			low = m
		if (count == 1 || m > high)
			high = m
	}
	how = number(low) " to " number(high)
	return count > 1 ? divide(high, low) : ""
}

function figure(kind, row, what,    x) {
	if (kind == "flat")
		return flatness(what)
	how = ""
	if (kind == "peer")
		return divide(median("ours", row), median("vanilla", row))
	if (kind == "base") {
		x = divide(median("vanilla", row), median("vanilla", base_row(row)))
		how = x == "" ? "" : sprintf("vanilla %.3f", x)
		return divide(median(our(row), row), median(our(row), base_row(row)))
	}
	return highest(our(row), row)
}

function print_target(kind, limit, shape, what,    x, meaning) {
	x = figure(kind, shape FS what FS, what)
	meaning = kind == "peer" ? "of vanilla's" : kind == "flat" ? "highest / lowest" : \
		kind == "base" ? "of the base event's" : ""
	if (x == "")
		printf "not measured %8s <= %-5s", "-", limit
	else
		printf "%-12s %8.3f <= %-5s", x <= limit + 0 ? "met" : "NOT MET", x, limit
	printf " %-20s %-8s %s%s\n", meaning, shape, what, how != "" && x != "" ? " (" how ")" : ""
}

END {
	nr = split("vanilla ours" others, flavour, " ")
	printf "%-14s %-58s %6s %-5s", "guest", "", "x", ""
	for (f = 1; f <= nr; f++)
		printf " %10s", flavour[f]
	printf " %8s\n", "ratio"
	for (r = 1; r <= rows; r++)
		print_row(order[r])
	print "\nTargets, by the medians:"
	while ((getline line < targets) > 0) {
		if (line ~ /^#/ || split(line, part, " +") < 4)
			continue
		what = line
		sub(/^[^ ]+ +[^ ]+ +[^ ]+ +/, "", what)
		print_target(part[1], part[2], part[3], what)
	}
}
