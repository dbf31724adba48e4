#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Has SPIN look at every interleaving of table.pml, and at its mutants, in each of which something
# is left out: spin must find the error meant, or the model shows nothing.
#
# Argument: where to build, never here; JOBS is how many run at once, all CPUs unless set.
# Prints TAP. To see how an error comes about:
#	cd .../spin/N && spin -k *.trail -p -g $(cat flags)
#
# Copyright (C) 2026 The hw_breakpoint authors

set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
cache=${HWBP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hw_breakpoint}
work=${1:-$cache}/spin
jobs=${JOBS:-$(nproc)}

for tool in spin gcc; do
	command -v $tool >/dev/null && continue
	echo "# no $tool here: run, as root, apt-get install $tool" >&2
	exit 1
done

# search DIR WANT: all of it, or up to the first error. What is soon found is not worth
# optimising for.
search() (
	local optimise=-O0

	cd "$1"
	[ "$2" != none ] || optimise=-O1
	# Unquoted: several words. An error of spin's leaves no pan.c.
	# shellcheck disable=SC2046
	spin -a $(cat flags) &&
		gcc -w $optimise -DSAFETY -DCOLLAPSE -DMEMLIM=1024 -o pan pan.c &&
		timeout 300 ./pan -m20000
)

# verdict WANT: of pan's words on stdin; WANT is an error's name, or none.
verdict() {
	awk -v want="$1" '
		/^pan:1: / { found = $0; sub(/^pan:1: (assertion violated )?/, "", found); sub(/ \(at .*/, "", found) }
		/errors: [0-9]+$/ { errors = $NF; ended = 1 }
		/states, stored$/ { states = $1 }
		/^Full statespace search/ { full = 1 }
		/Search not completed|out of memory|reached -DMEMLIM|max search depth/ { cut = $0 }
		/^\t\([1-9][0-9]* of [0-9]+ states\)/ { dead = 1 }
		/^\t.*, state [0-9]+, / { dead = 1 }
		END {
			if (!ended || !full) why = "pan came to no end"
			else if (want == "none" && errors) why = "found " found
			else if (want == "none" && cut) why = cut
			else if (want == "none" && dead) why = "some of the model is never reached"
			else if (want != "none" && (!errors || found != want))
				why = "found " (errors ? found : "nothing") ", not " want
			print states + 0 " states" (why ? ": " why : "")
			exit why != ""
		}'
}

# run N WANT WHAT [FLAG]...: one result, in N/tap.
run() {
	local dir=$work/$1 want=$2 what=$3 ok='not ok' told

	shift 3
	mkdir -p "$dir"
	rm -f "$dir/pan.c" "$dir/pan" "$dir/out" "$dir/tap" "$dir/table.pml.trail"
	echo "$* $here/table.pml" >"$dir/flags"
	search "$dir" "$want" >"$dir/out" 2>&1 || true
	told=$(verdict "$want" <"$dir/out") && ok=ok
	{
		echo "$ok ${dir##*/} - $what: $told"
		[ "$ok" = ok ] || echo "# see $dir/out"
	} >"$dir/tap"
}

# What is to be found | in words | what it is built with. The longest first.
runs=$(sed 's/[[:space:]]*|[[:space:]]*/|/g' <<'END'
none | contexts against a CPU |
none | a context against CPUs | -DTASK_SIDE=1 -DCPU_SIDE=2
none | contexts against each other, twice | -DCPU_SIDE=0 -DROUNDS=2
none | the kernel debugger | -DKGDB -DCPU_SIDE=0
none | the kernel debugger, and a CPU | -DKGDB -DTASK_SIDE=1
none | a charge is closed | -DCLOSE
law_kept | no barrier after in_flight is set | -DNO_MARK_BARRIER -DLAW_ONLY
law_kept | no barrier after limit is lowered | -DNO_LIMIT_BARRIER -DLAW_ONLY
law_kept | nobody waits for those in flight | -DNO_WAIT -DLAW_ONLY
law_kept | the shards are read before in_flight | -DNO_ACQUIRE -DLAW_ONLY
law_kept | no write barrier between a context's counts | -DNO_WMB -DLAW_ONLY
law_kept | no read barrier between the sums | -DNO_RMB -DLAW_ONLY
law_kept | a copy is counted above limit | -DCOVERED_FAST -DLAW_ONLY
law_kept | limit stays low after a refusal | -DNO_RESTORE -DLAW_ONLY -DTASK_SIDE=1 -DROUNDS=2
law_kept | limit is not raised in the slow path | -DNO_RAISE -DLAW_ONLY
law_kept | capacity is not lowered | -DNO_CAPACITY -DLAW_ONLY
refusal_right | capacity is lowered before it is known | -DEARLY_CAPACITY
refusal_right | what is above limit is refused | -DHASTY
law_kept | no lock on accounts | -DNO_ACCOUNT_LOCK -DLAW_ONLY
law_kept | the debugger goes on with the mutex held | -DNO_MUTEX_CHECK -DLAW_ONLY -DKGDB -DTASK_SIDE=1
law_kept | the debugger goes on with a CPU in flight | -DNO_FLIGHT_CHECK -DLAW_ONLY -DKGDB -DCPU_SIDE=0
charge_closed | what closes a charge isn't ordered | -DCLOSE -DNO_CLOSE_RELEASE
charge_closed | nor what looks at it | -DCLOSE -DNO_CLOSE_ACQUIRE
END
)

n=0
while IFS='|' read -r want what flags; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n
	done
	n=$((n + 1))
	# shellcheck disable=SC2086
	run $n "$want" "$what" $flags &
done <<<"$runs"
wait

failed=0
for ((i = 1; i <= n; i++)); do
	cat "$work/$i/tap"
	grep -q '^ok' "$work/$i/tap" || failed=1
done
echo "1..$n"
exit $failed
