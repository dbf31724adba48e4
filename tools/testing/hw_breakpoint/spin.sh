#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Has SPIN look at every interleaving of the models here, and at their mutants, in each of
# which something is left out: spin must find the error meant, or the model shows nothing.
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

# run N WANT MODEL WHAT [FLAG]...: one result, in N/tap.
run() {
	local dir=$work/$1 want=$2 model=$3 what=$4 ok='not ok' told

	shift 4
	mkdir -p "$dir"
	rm -f "$dir/pan.c" "$dir/pan" "$dir/out" "$dir/tap" "$dir/$model.trail"
	echo "$* $here/$model" >"$dir/flags"
	search "$dir" "$want" >"$dir/out" 2>&1 || true
	told=$(verdict "$want" <"$dir/out") && ok=ok
	{
		echo "$ok ${dir##*/} - $what: $told"
		[ "$ok" = ok ] || echo "# see $dir/out"
	} >"$dir/tap"
}

# What is to be found | the model | in words | what it is built with.
runs=$(sed 's/[[:space:]]*|[[:space:]]*/|/g' <<'END'
none | table_race.pml | tasks against a CPU |
none | table_race.pml | a task against CPUs | -DTASK_SIDE=1 -DCPU_SIDE=2
none | table_race.pml | a task against a CPU, again, with 3 slots | -DTASK_SIDE=1 -DROUNDS=2 -DNR=3
none | table_race.pml | tasks against each other, twice | -DCPU_SIDE=0 -DROUNDS=2
none | table_race.pml | tasks on single CPUs against each other | -DCPU_SIDE=0 -DJUST_CPU
none | table_race.pml | tasks on single CPUs against a CPU | -DJUST_CPU -DMOST=1
none | table_race.pml | tasks that inherit | -DFORK
none | table_race.pml | tasks that inherit on single CPUs | -DFORK -DJUST_CPU -DMOST=1
none | table_race.pml | kgdb | -DKGDB=1 -DTASK_SIDE=1
none | table_race.pml | kgdb and tasks on single CPUs | -DKGDB=1 -DCPU_SIDE=0 -DJUST_CPU
none | table_swap.pml | swaps, exits, and a close |
counts_exact | table_race.pml | a release that orders nothing spoils the counts | -DNO_RELEASE
refusal_just | table_race.pml | a release that orders nothing refuses falsely | -DNO_RELEASE -DCALLS_ONLY
law_kept | table_race.pml | a release that orders nothing grants too much | -DNO_RELEASE -DLAW_ONLY
law_kept | table_race.pml | a room that is read before the lock | -DNO_ACQUIRE -DLAW_ONLY
law_kept | table_race.pml | the slow path leaves out a lock | -DSKIP_LOCK -DLAW_ONLY
law_kept | table_race.pml | a floor is not lowered | -DNO_FLOOR -DLAW_ONLY
law_kept | table_race.pml | a CPU keeps the room that a task got | -DSTALE_ROOM -DLAW_ONLY
rooms_sound | table_race.pml | the same, seen by the invariants | -DSTALE_ROOM
law_kept | table_race.pml | the slow path looks at one shard | -DONE_SHARD -DLAW_ONLY
counts_exact | table_race.pml | no lock on accounts spoils the counts | -DNO_ALOCK
refusal_just | table_race.pml | the fast path refuses | -DHASTY -DCALLS_ONLY
refusal_just | table_race.pml | tentative counts make others refuse | -DTENTATIVE -DCALLS_ONLY
law_kept | table_race.pml | no lock on accounts grants too much | -DNO_ALOCK -DLAW_ONLY
law_kept | table_race.pml | only the floor is looked at | -DFORGET_JUST -DLAW_ONLY -DCPU_SIDE=0 -DJUST_CPU
counts_exact | table_race.pml | rows that are not atomic | -DPLAIN_ROW -DJUST_CPU -DMOST=1
law_kept | table_race.pml | inherited excess makes room for tasks | -DNO_CAP -DLAW_ONLY -DFORK
law_kept | table_race.pml | inherited excess leaves room for CPUs | -DHALF_CAP -DLAW_ONLY -DFORK -DTASK_SIDE=1 -DROUNDS=2
counts_exact | table_race.pml | kgdb goes on without the locks | -DKGDB_IGNORES_LOCKS -DKGDB=1 -DTASK_SIDE=1
law_kept | table_race.pml | kgdb goes on without the locks, and grants too much | -DKGDB_IGNORES_LOCKS -DLAW_ONLY -DKGDB=1 -DTASK_SIDE=1
rooms_sound | table_race.pml | kgdb gives all CPUs the same room | -DONE_NEED -DKGDB=1 -DTASK_SIDE=1 -DJUST_CPU
invalid end state | table_race.pml | kgdb leaves locks behind | -DKGDB_KEEPS_LOCKS -DKGDB=1 -DTASK_SIDE=1
in_use | table_swap.pml | a release that looks at the account once | -DNO_RECHECK
covered | table_swap.pml | an exit that releases its own event's record | -DNO_SETTLE
invalid end state | table_swap.pml | two accounts' locks in any order | -DNO_ORDER
in_use | table_swap.pml | a record that is not looked for again | -DSTALE_RECORD
in_use | table_swap.pml | an exit that takes a record for granted | -DASSUME_HELD
in_use | table_swap.pml | a record that moves by way of nowhere | -DTHROUGH_NONE
in_use | table_swap.pml | a record that says too early that it is off | -DEARLY_NONE
none_left | table_swap.pml | an account that is empty for an instant | -DEMPTY_FOR_AN_INSTANT
in_use | table_swap.pml | no RCU around the account's address | -DNO_RCU
covered | table_swap.pml | a close that releases before all have left | -DONE_BY_ONE
END
)

n=0
while IFS='|' read -r want model what flags; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n
	done
	n=$((n + 1))
	# shellcheck disable=SC2086
	run $n "$want" "$model" "$what" $flags &
done <<<"$runs"
wait

failed=0
for ((i = 1; i <= n; i++)); do
	cat "$work/$i/tap"
	grep -q '^ok' "$work/$i/tap" || failed=1
done
echo "1..$n"
exit $failed
