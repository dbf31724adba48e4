# SPDX-License-Identifier: GPL-2.0-only
# Drops functions from a C file: first ctags' output with --fields=+ne, then the file.
# -v names="a b c". A function goes with its return type on a line of its own, the
# comment that touches it, and the EXPORT_SYMBOL or NOKPROBE_SYMBOL after it.
# Copyright (C) 2026 The hw_breakpoint authors

BEGIN {
	count = split(names, list, " ")
	for (i = 1; i <= count; i++)
		wanted[list[i]]
}

# ctags: name, file, pattern;", kind, line:N, ..., end:N
FNR == NR {
	split($0, field, "\t")
	if (!(field[1] in wanted))
		next
	start = end = 0
	if (match($0, /\tline:[0-9]+/))
		start = substr($0, RSTART + 6, RLENGTH - 6) + 0
	if (match($0, /\tend:[0-9]+/))
		end = substr($0, RSTART + 5, RLENGTH - 5) + 0
	if (!start || !end)
		next
	found[field[1]] = 1
	first[++cuts] = start
	last[cuts] = end
	next
}

{ text[FNR] = $0; lines = FNR }

# The line at which the declaration, and then its comment, begins.
function beginning(n) {
	while (n > 1 && text[n - 1] != "" && text[n - 1] !~ /[;}]$|^#|\*\/$/)
		n--
	if (text[n - 1] ~ /\*\/$/) {
		n--
		while (n > 1 && text[n] !~ /\/\*/)
			n--
	}
	return n
}

function ending(n) {
	while (text[n + 1] ~ /^(EXPORT|NOKPROBE)_SYMBOL[A-Z_]*\(/)
		n++
	return text[n + 1] == "" ? n + 1 : n
}

END {
	for (name in wanted)
		if (!(name in found)) {
			print name > "/dev/stderr"
			missing = 1
		}
	if (missing)
		exit 1
	for (i = 1; i <= cuts; i++)
		for (n = beginning(first[i]); n <= ending(last[i]); n++)
			gone[n]
	for (n = 1; n <= lines; n++)
		if (!(n in gone))
			print text[n]
}
