#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Measures, side by side with the distribution's own layer, and prints one table.
# Copyright (C) 2026 The hw_breakpoint authors
#
# A measurement is an executable bench/guest/NN-name.sh that runs in VMs, as root, in the
# checkout. Its head says in which:
#
#	# guests: SHAPE...		CPUS[ofPOSSIBLE][-icount|-mt], such as 8-mt, 1-icount, 1of64-icount
#	# flavours: FLAVOUR...		vanilla and ours, if it doesn't
#
# CPUS of POSSIBLE CPUs are online, the others never come. With -icount time is counted in
# instructions, one a nanosecond, and the CPUs run in turn, so that figures repeat; without,
# it is the host's, so such guests run BENCH_ROUNDS times (2). With -mt the flavour's variant
# mt is used, whose CPUs run at the same time, as far as the host has CPUs. Flavours take turns in being
# the first one. FLAVOUR and BENCH_SHAPE tell a measurement where it is. It prints lines
#
#	bench: what it is	VALUE	UNIT	[what to compare it with, in the same flavour]	[X]
#
# with tabs, repeated as often as it likes: the median counts. With an X, "what it is" ends
# in ", by ..." that says what X is.
#
# BENCH_OUT (a folder of its own in the cache) gets results.tsv, which has all of them,
# about.txt, and what report.sh makes of them. Environment: BENCH='glob' of NN-name.sh
# selects, FLAVOURS='ours vanilla'. Nonzero if something could not be measured; a target that
# is not met is only said.
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"

export HWBP_TESTBIN=${HWBP_TESTBIN:-$CACHE/tests-$(echo "$ROOT" | sha256sum | cut -c1-8)}

selected() {
	local f
	for f in "$ROOT"/bench/guest/[0-9][0-9]-*.sh; do
		# shellcheck disable=SC2053
		if [[ $(basename "$f") == ${BENCH:-*} ]]; then
			echo "$f"
		fi
	done
}

# header FILE KEY DEFAULT
header() {
	local value
	value=$(sed -n "s/^# $2: *//p" "$1")
	echo "${value:-$3}"
}

# The flavours of measurement $1 that are asked for.
flavours_of() {
	local f has
	has=" $(header "$1" flavours 'vanilla ours') "
	for f in ${FLAVOURS:-$has}; do
		if [[ $has == *" $f "* ]]; then
			echo "$f"
		fi
	done
}

all_shapes() {
	selected | while read -r f; do
		header "$f" guests 1-icount | tr ' ' '\n'
	done | awk '!seen[$0]++'
}

all_flavours() { selected | while read -r f; do flavours_of "$f"; done | awk '!seen[$0]++'; }

# The measurements for a guest of shape $1 and flavour $2.
for_guest() {
	selected | while read -r f; do
		if [[ " $(header "$f" guests 1-icount) " == *" $1 "* ]] && [[ $'\n'$(flavours_of "$f")$'\n' == *$'\n'"$2"$'\n'* ]]; then
			echo "$f"
		fi
	done
}

config() { echo "$(dirname "$(FLAVOUR=$1 "$ROOT/overlay/kernel.sh" | tail -n 1)")/.config"; }

# What flavour $1 is configured with and $2 isn't.
only() { comm -23 <(grep '^CONFIG' "$(config "$1")" | sort) <(grep '^CONFIG' "$(config "$2")" | sort) | xargs; }

about() {
	local f kdir
	echo "commit: $(git -C "$ROOT" describe --always --dirty), $(date -u +'%F %R')"
	for f in "$@"; do
		kdir=$(FLAVOUR=$f "$ROOT/overlay/kernel.sh" kdir | tail -n 1)
		echo "$f: Linux $(<"$kdir/include/config/kernel.release"), $(sed -n 's/^CONFIG_CC_VERSION_TEXT="\(.*\)"/\1/p' "$(config "$f")")"
	done
	if [[ " $* " == *' vanilla '* && " $* " == *' ours '* ]]; then
		echo "configuration: only vanilla: $(only vanilla ours); only ours: $(only ours vanilla); all else alike"
	fi
	echo "host: $(qemu-system-x86_64 --version | sed -n '1s/ (.*//p'), $(perf --version), $(gcc --version | sed -n 1p)," \
		"$(nproc) CPUs:$(sed -n '/^model name/{s/.*://p;q}' /proc/cpuinfo)"
}

# What a guest of shape $1 and flavour $2 prints for the measurements $3, as results. That of
# one that fails doesn't keep the others.
measure() {
	local f script kind=${1%-*} icount='' flavour=$2
	[[ $1 != *-icount ]] || icount=1
	[[ $1 != *-mt ]] || flavour=$2_mt
	# shellcheck disable=SC2016
	script="export HWBP_TESTBIN=$HWBP_TESTBIN BENCH_SHAPE=$1; rc=0
		echo \"# $2 $1: \$(uname -r), \$(nproc) CPUs, \$(grep -o 'hwbp.accel=[a-z]* hwbp.threads=[a-z]*' /proc/cmdline)\"
		$(for f in $3; do echo "$f || { echo '# $f failed' >&2; rc=1; }"; done)
		exit \$rc"
	FLAVOUR=$flavour RUN=$script CPUS=${kind#*of} ICOUNT=$icount TIMEOUT=${TIMEOUT:-1800} \
		APPEND="${APPEND:-} maxcpus=${kind%of*}" "$ROOT/vm/run.sh" |
		awk -F'\t' -v OFS='\t' -v flavour="$2" -v shape="$1" '
			{ print >"/dev/stderr" }
			sub(/^bench: /, "") { print flavour, shape, $1, $5, $2, $3, $4; fflush() }'
}

# A guest of each flavour, the first one last the next time.
turn=0
guests() {
	local shape=$1 f todo order
	mapfile -t order < <(all_flavours)
	[ $((turn++ % 2)) = 0 ] || mapfile -t order < <(all_flavours | tac)
	for f in "${order[@]}"; do
		todo=$(for_guest "$shape" "$f")
		[ -n "$todo" ] || continue
		say "measuring $f, $shape"
		measure "$shape" "$f" "$(xargs <<<"$todo")" >>"$out/results.tsv" || failed+=("$f $shape")
	done
}

"$ROOT/overlay/packages.sh"
[ -n "$(selected)" ] || die "no measurement is called '${BENCH:-}': see bench/guest/"
[ -n "$(all_flavours)" ] || die "none of them is for the flavours '${FLAVOURS:-}'"
out=${BENCH_OUT:-$CACHE/bench/$(date -u +%Y%m%d-%H%M%S)-$(git -C "$ROOT" describe --always --dirty)}
mkdir -p "$out"
out=$(cd "$out" && pwd)
failed=()
cd "$ROOT"
for flavour in $(all_flavours); do
	FLAVOUR=$flavour "$ROOT/bench/prepare.sh" >&2
done
# shellcheck disable=SC2046
about $(all_flavours) | tee "$out/about.txt"
printf 'flavour\tshape\twhat\tx\tvalue\tunit\tbase\n' >"$out/results.tsv"
for shape in $(all_shapes); do
	rounds=1
	[[ $shape == *-icount ]] || rounds=${BENCH_ROUNDS:-2}
	for ((round = 0; round < rounds; round++)); do
		guests "$shape"
	done
done
"$ROOT/bench/report.sh" "$out"
[ "${#failed[@]}" = 0 ] || die "not everything was measured: $(printf '%s\n' "${failed[@]}" | sort -u | paste -sd,)"
