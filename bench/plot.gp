# SPDX-License-Identifier: GPL-2.0-only
# Draws hw_breakpoint-scale.svg from by-tasks.tsv and by-cpus.tsv (curves.awk); run in their
# folder.
# Copyright (C) 2026 The hw_breakpoint authors

set terminal svg size 1080,420 background '#ffffff' font 'sans-serif,13'
set output 'hw_breakpoint-scale.svg'
set datafile separator '\t'
set datafile missing '?'
set multiplot layout 1,2 margins 0.075,0.765,0.15,0.88 spacing 0.03,0 \
	title "To be promised a register and to give it back, alone (1 instruction = 1 ns)"
set logscale xy
set grid ytics lt 1 lc '#dddddd'
set key vertical left center at screen 0.775, 0.52 maxcols 1 reverse Left samplen 3 spacing 1.3 font ',12'
set tics nomirror
set border 3
set format y '%.0s %cs'

# One hue a flavour, one dash and mark a kind.
colour(i) = i < 5 ? 0xc0392b : 0x1f5fa8
dash(i) = (i - 2) % 3 + 1
mark(i) = int(word('7 5 9', (i - 2) % 3 + 1))

# Both panels alike.
low = 1e9
high = 0
do for [i = 2:7] {
	do for [file in 'by-tasks.tsv by-cpus.tsv'] {
		undefine S_*
		stats file using i nooutput name 'S'
		if (exists('S_min') && S_min < low) { low = S_min }
		if (exists('S_max') && S_max > high) { high = S_max }
	}
}
set yrange [low * 0.5e-9:high * 2e-9]

set xlabel 'tasks with a breakpoint'
set format x '%g'
plot for [i = 2:7] 'by-tasks.tsv' using 1:(column(i) * 1e-9) with linespoints \
	lc rgb colour(i) dt dash(i) pt mark(i) ps 0.6 lw 1.6 notitle

# One key for both, of the panel that is drawn last.
set xlabel 'possible CPUs'
set xtics (2, 4, 8, 16, 32, 64)
set format y ''
plot for [i = 2:7] 'by-cpus.tsv' using 1:(column(i) * 1e-9) with linespoints \
	lc rgb colour(i) dt dash(i) pt mark(i) ps 0.6 lw 1.6 title columnheader(i)
unset multiplot
