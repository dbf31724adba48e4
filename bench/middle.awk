# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The hw_breakpoint authors

# The median of v[1] to v[count], which are sorted by it.
function middle(v, count,    i, j, t) {
	for (i = 2; i <= count; i++)
		for (j = i; j > 1 && v[j] < v[j - 1]; j--) {
			t = v[j]
			v[j] = v[j - 1]
			v[j - 1] = t
		}
	return count % 2 ? v[(count + 1) / 2] : (v[count / 2] + v[count / 2 + 1]) / 2
}
