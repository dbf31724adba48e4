#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the tests and adds up; the last line is "N passed, N failed[, N skipped]".
# Copyright (C) 2026 The hw_breakpoint authors
#
# A test is an executable that prints TAP ("ok 1 - what", "not ok", "# SKIP why", "1..N");
# a nonzero status or a wrong plan counts as one more failure. It stands, by where it runs, in
#
#   tests/NN-name.sh        the host, any time
#   tests/all/NN-name.sh    the host, only with make test-all
#   tests/vm/NN-name.sh     the QEMU guest, as root, in the checkout; all of them share one boot
#                           for each flavour that a line "# flavours: ours debug" (the default)
#                           names. FLAVOUR tells which one it is; 300 s are its limit, or
#                           what "# limit: SECONDS" says (twice that on debug and kcsan). Those
#                           with a line "# cpus: N" have a boot of their own, with N CPUs. Those
#                           that change the kernel's code (probes, tracers) say "# threads: single",
#                           which debug and kcsan need for it: see vm/run.sh.
#   tests/bochs/NN-name.sh  Bochs, by busybox sh (no bashisms); the same, in one boot of ours
#
# A test on the host is a job, and so is a boot; as many run at once as there are CPUs, and each
# line says whose it is. Those that a busy machine would disturb, since they measure time or have
# more threads than it has CPUs, say "# alone: FLAVOUR..." (on the host "# alone: yes"). They come
# last and one by one, in boots of their own. Kernels and guests' programs are built before.
#
# A test of the last two that has a line "# prepare" is first run on the host with the one
# argument "prepare", to build what it needs (into $HWBP_TESTBIN, which the guest has too).
# What prepare prints are, for Bochs, the files to take along.
#
# Environment: ALL=1 for everything; to select, TESTS='glob' of NN-name.sh, and for guests
# FLAVOURS='ours'.
set -euo pipefail
. "$(dirname "$0")/../overlay/lib.sh"

passed=0 failed=0 skipped=0 started=0 ended=0 failures=()
export HWBP_TESTBIN=${HWBP_TESTBIN:-$CACHE/tests-$(echo "$ROOT" | sha256sum | cut -c1-8)}
ALL=${ALL:-}
# Each boot runs the KUnit suite, for tests to look at; a module's when it is loaded.
kunit="kunit.enable=1 kunit.filter_glob=hw_breakpoint* ${APPEND:-}"

selected() {
	local f
	for f in "$ROOT/$1"/[0-9][0-9]-*.sh; do
		# shellcheck disable=SC2053
		if [ -x "$f" ] && [[ $(basename "$f") == ${TESTS:-*} ]]; then
			echo "$f"
		fi
	done
}

# header FILE KEY DEFAULT
header() {
	local value
	value=$(sed -n "s/^# $2: *//p" "$1" | head -n 1)
	echo "${value:-$3}"
}

# mawk, which is Debian's awk, reads whole blocks of input unless it has this option.
interactive=''
if awk -W interactive 1 </dev/null >/dev/null 2>&1; then interactive=yes; fi

# Shows TAP as it comes, under the name $1, and leaves the counts in $counts.
tap() {
	awk ${interactive:+-W interactive} -v group="$1" -v counts="$counts" '
		function close_test() {
			if (plan != "" && plan != seen)
				fail(name ": planned " plan " tests, saw " seen)
			plan = ""; seen = 0
		}
		function fail(what) { failed++; print "FAIL " what >>counts; print "not ok - " what; fflush() }
		BEGIN { name = group }
		{ sub(/\r$/, "") }
		/^$/ { next }
		function now(t) { "date +%s" | getline t; close("date +%s"); return t }
		/^# hwbp-test / { close_test(); name = group " " $3; began = now(); next }
		/^# hwbp-status / {
			close_test()
			if ($3 != 0 && !bad[name])
				fail(name ": exit status " $3)
			if (began)
				print "    " name ": took " now() - began " s"
			fflush()
			next
		}
		/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0; if (plan == 0) { skipped++; print "ok - " name " " $0 }; next }
		/^ok/ && /# *(SKIP|skip)/ { skipped++; seen++; print "skip - " name ": " $0; fflush(); next }
		/^ok/ { passed++; seen++; sub(/^ok *[0-9]* *-? */, ""); print "ok - " name ": " $0; fflush(); next }
		/^not ok/ && /# *(TODO|todo)/ { skipped++; seen++; print; next }
		/^not ok/ { seen++; bad[name] = 1; sub(/^not ok *[0-9]* *-? */, ""); fail(name ": " $0); next }
		{ print "    " name ": " $0; fflush() }
		END { close_test(); print "COUNT", passed + 0, failed + 0, skipped + 0 >>counts }'
}

add_up() {
	local word a b c
	while read -r word a b c; do
		case $word in
		COUNT) passed=$((passed + a)) failed=$((failed + b)) skipped=$((skipped + c)) ended=$((ended + 1)) ;;
		FAIL) failures+=("$a $b $c") ;;
		UNPREPARED) failures+=("$a $b $c") failed=$((failed + 1)) ;;
		esac
	done <"$counts"
	[ "$ended" = "$started" ] || failures+=("$((started - ended)) jobs ended without a result") failed=$((failed + 1))
}

# with_status COMMAND...: its output, then its status where tap finds it.
with_status() {
	local rc=0
	"$@" </dev/null || rc=$?
	echo "# hwbp-status $rc"
}

# job NAME WHAT COMMAND...: runs it, and shows its TAP under that name.
job() {
	local name=$1 what=$2 began=$SECONDS
	shift 2
	say "test $what"
	with_status "$@" 2>&1 | tap "$name"
	say "test $what: $((SECONDS - began)) s"
}

host() {
	local name
	name=$(basename "$1" .sh)
	job "$name" "$name" "$1"
}

# prepare FLAVOUR FILE: builds a guest test's programs; prints the files it wants taken along.
# What an earlier run left there is not to pass for them where that fails.
prepare() {
	grep -q '^# prepare' "$2" || return 0
	mkdir -p "$HWBP_TESTBIN"
	FLAVOUR=$1 "$2" prepare </dev/null || echo "UNPREPARED $1 $(basename "$2" .sh): cannot be prepared" >>"$counts"
}

# guest_script SHELL FLAVOUR FILE...: what a guest runs: the tests one after the other, each with its limit.
guest_script() {
	local shell=$1 flavour=$2 f limit
	shift 2
	echo "export HWBP_TESTBIN=$HWBP_TESTBIN"
	for f in "$@"; do
		# A neighbour may take half of the machine.
		limit=$((2 * $(header "$f" limit 300)))
		case $flavour in debug | kcsan) limit=$((limit * 2)) ;; esac
		printf 'echo "# hwbp-test %s"\n' "$(basename "$f" .sh)"
		printf 'timeout %s %s %s 2>&1\n' "$limit" "$shell" "$f"
		# A line of its own also when a test's last line has no end.
		# shellcheck disable=SC2016
		printf 'rc=$?; echo; echo "# hwbp-status $rc"\n'
	done
}

# boot FLAVOUR CPUS THREADS FILE...: those tests in one boot.
boot() {
	local flavour=$1 cpus=$2 threads=$3
	shift 3
	FLAVOUR=$flavour CPUS=$cpus THREADS=$threads RUN=$(guest_script bash "$flavour" "$@") TIMEOUT=${VM_TIMEOUT:-3600} APPEND=$kunit \
		job "$flavour" "vm: $# tests in one boot of $flavour with $cpus CPUs" "$ROOT/vm/run.sh"
}

bochs() {
	FLAVOUR=ours BOCHS_FILES=$bochs_files APPEND=$kunit RUN=$(guest_script sh ours "$@") TIMEOUT=${BOCHS_TIMEOUT:-2400} \
		job bochs "bochs: $# tests in one boot" "$ROOT/vm/bochs.sh"
}

guest_tests() {
	local f
	for f in $(selected tests/vm); do
		if [[ " $(header "$f" flavours "ours debug") " == *" $1 "* ]]; then
			echo "$f"
		fi
	done
}

# Builds what guests need; leaves in $built the flavours that can be booted.
build() {
	local flavour f
	built='' bochs_files=''
	for flavour in $FLAVOURS; do
		[ -n "$(guest_tests "$flavour")" ] || continue
		# Kernel modules of tests are built against its folder.
		FLAVOUR=$flavour "$ROOT/overlay/kernel.sh" >/dev/null || {
			echo "UNPREPARED $flavour: its kernel cannot be built" >>"$counts"
			continue
		}
		built+=" $flavour"
		for f in $(guest_tests "$flavour"); do
			prepare "$flavour" "$f" >&2
		done
	done
	for f in $(selected tests/bochs); do
		bochs_files+=" $f $(prepare ours "$f" | xargs)"
	done
}

# when FILE KIND: "alone" or "beside" others.
when() { [[ " $(header "$1" alone "") " == *" $2 "* ]] && echo alone || echo beside; }

# The jobs, those that take longest first: when, and the function that does it.
plan() {
	local flavour f threads
	local -A boots=()
	for flavour in $built; do
		for f in $(guest_tests "$flavour"); do
			threads=auto
			case $flavour in debug | kcsan) threads=$(header "$f" threads auto) ;; esac
			boots["$(when "$f" "$flavour") boot $flavour $(header "$f" cpus "${CPUS:-2}") $threads"]+=" $f"
		done
	done
	for f in "${!boots[@]}"; do
		echo "$f${boots[$f]}"
	done | sort
	f=$(selected tests/bochs | xargs)
	[ -z "$f" ] || echo "beside bochs $f"
	for f in $(selected tests) ${ALL:+$(selected tests/all)}; do
		echo "$(when "$f" yes) host $f"
	done
}

# run_jobs WHEN MOST: so many at once.
run_jobs() {
	local when job
	while read -r when job; do
		[ "$when" = "$1" ] || continue
		while [ "$(jobs -rp | wc -l)" -ge "$2" ]; do wait -n || true; done
		started=$((started + 1))
		$job &
	done <<<"$plan"
	wait
}

summary() {
	local f
	for f in "${failures[@]:+${failures[@]}}"; do
		echo "failed: $f"
	done
	printf '%d passed, %d failed' "$passed" "$failed"
	[ "$skipped" = 0 ] || printf ', %d skipped' "$skipped"
	echo
}

"$ROOT/overlay/packages.sh"
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
cd "$ROOT"
FLAVOURS=${FLAVOURS:-ours debug kcsan${ALL:+ vanilla off}}
build
plan=$(plan)
run_jobs beside "$(nproc)"
run_jobs alone 1
add_up
summary
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
