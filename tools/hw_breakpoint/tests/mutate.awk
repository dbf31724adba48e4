# SPDX-License-Identifier: GPL-2.0-only
# Breaks lines: awk -v seed=N -v times=N -f mutate.awk FILE prints each line so often, in most of
# them a few bytes deleted, repeated, or others.
# Copyright (C) 2026 The hw_breakpoint authors

function any(n) { return int(rand() * n) }

# What means something to a parser is more likely than what doesn't.
function byte(    special) {
	special = " =\"\\-[]():/+.0123456789"
	return rand() < 0.6 ? substr(special, 1 + any(length(special)), 1) : sprintf("%c", any(256))
}

function mutate(s,    at, how) {
	at = 1 + any(length(s))
	how = any(5)
	if (how == 0)
		return substr(s, 1, at - 1) substr(s, at + 1 + any(8))
	if (how == 1)
		return substr(s, 1, at) substr(s, 1 + any(length(s)))
	if (how == 2)
		return substr(s, 1, at - 1)
	return substr(s, 1, at - 1) byte() substr(s, at + (how == 3))
}

BEGIN { srand(seed) }

{
	for (i = 0; i < times; i++) {
		s = $0
		for (n = any(4); n > 0; n--)
			s = mutate(s)
		print s
	}
}
