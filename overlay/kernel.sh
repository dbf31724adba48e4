#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the kernel of $FLAVOUR; prints its bzImage's path as the last line. With the argument
# objects it only compiles what is ours, and prints the build folder.
# Copyright (C) 2026 The hw_breakpoint authors
#
# A finished image is kept under a name made from everything that went into it, so an
# unchanged checkout costs nothing, and two checkouts that share the cache do not
# pull images from under each other. The build folder stays usable as KDIR for modules, and
# its vmlinux is that of the image: when that is asked for (kernel.sh kdir) and another tree was
# built there since, it is built again.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lay.sh"

fragments() {
	local configs=$ROOT/overlay/configs
	echo "$configs/common.config" "$configs/$(base_flavour).config" \
		"$(variant | sed "s,.*,$configs/variants/&.config,")"
}

tree_kind() { [ "$(base_flavour)" = vanilla ] && echo vanilla || echo laid; }

# shellcheck disable=SC2046
image_key() {
	{
		"$(tree_kind)_key"
		hash_files $(fragments)
		gcc --version | head -n 1
	} | sha256sum | cut -c1-16
}

our_objects() { manifest | awk '$2 ~ /\.c$/ { sub(/\.c$/, ".o", $2); print $2 }'; }

# CCACHE_DEPEND: no preprocessor run of its own, which would cost a cold build an eighth.
# KCSAN_SANITIZE_*: ours are instrumented also where a folder's others are not (arch/x86/kernel, kernel/trace).
# kgdbts.o: gcc finds that the function which the debugger's own tests set breakpoints on does
# nothing when they are not verbose, and drops the calls: no breakpoint could be hit.
kmake() {
	local kcsan
	mapfile -t kcsan < <(our_objects | sed 's,.*/,KCSAN_SANITIZE_,; s/$/=y/')
	KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 2026' KBUILD_BUILD_USER=hw_breakpoint \
	KBUILD_BUILD_HOST=hw_breakpoint KBUILD_BUILD_VERSION=1 CCACHE_DIR=$CACHE/ccache CCACHE_DEPEND=1 \
	MAKEFLAGS='' MAKEOVERRIDES='' \
		make -C "$tree" O="$build" CC="ccache gcc" HOSTCC="ccache gcc" \
			CFLAGS_kgdbts.o=-fno-ipa-pure-const "${kcsan[@]}" "$@"
}

# The requested symbols that are not what $1 has. The last word on one counts.
unmet() {
	# shellcheck disable=SC2046,SC2002
	cat $(fragments) | awk -v config="$1" '
		BEGIN {
			while ((getline line < config) > 0)
				if (split(line, part, "=") > 1)
					has[part[1]] = line
		}
		/^CONFIG_/ { split($0, part, "="); wanted[part[1]] = $0 }
		/^# CONFIG_.* is not set$/ { wanted[$2] = $0 }
		END {
			for (symbol in wanted)
				if (wanted[symbol] ~ /^#/ ? symbol in has : has[symbol] != wanted[symbol])
					print wanted[symbol]
		}'
}

configure() {
	local key bad
	# shellcheck disable=SC2046
	key=$({ hash_files $(fragments); "$(tree_kind)_key"; } | sha256sum)
	if [ -f "$build/.config" ] && [ "$(cat "$build.configured" 2>/dev/null)" = "$key" ]; then
		return 0
	fi
	rm -f "$build.configured"
	mkdir -p "$build"
	# shellcheck disable=SC2046
	{
		kmake KCONFIG_CONFIG="$build.config" tinyconfig &&
		cat $(fragments) >"$build.fragment" &&
		(cd "$tree" && KCONFIG_CONFIG="$build.config" scripts/kconfig/merge_config.sh -m -O "$build" \
			"$build.config" "$build.fragment") &&
		kmake KCONFIG_CONFIG="$build.config" olddefconfig
	} >"$log" 2>&1 </dev/null || die "cannot configure $FLAVOUR, see $log: $(tail -n 1 "$log")"
	bad=$(unmet "$build.config" | xargs -d '\n')
	[ -z "$bad" ] || die "the kernel's Kconfig does not allow what $FLAVOUR asks for: $bad"
	cmp -s "$build.config" "$build/.config" || cp "$build.config" "$build/.config"
	echo "$key" >"$build.configured"
}

# One line every 15 s while process $1 runs.
progress() {
	local pid=$1 start=$SECONDS done_ total
	total=$(cat "$build.objects" 2>/dev/null || echo 1000)
	while for _ in {1..150}; do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done; do
		done_=$(grep -cE '^  (CC|AS|HOSTCC) ' "$log" || true)
		say "building $FLAVOUR: $done_ objects of at most $total, $((SECONDS - start)) s"
	done
}

compile() {
	local pid rc=0 count targets=(bzImage modules)
	[ "$what" != objects ] || mapfile -t targets < <(our_objects | grep -v _off.o)
	rm -f "$build.built" "$build.compiled"
	[ -f "$build/vmlinux" ] || need_space 1500 "building $FLAVOUR"
	say "building $FLAVOUR on $(nproc) CPUs, log in $log"
	kmake -j"$(nproc)" "${targets[@]}" >"$log" 2>&1 </dev/null &
	pid=$!
	trap 'kill "$pid" 2>/dev/null' EXIT
	progress "$pid"
	wait "$pid" || rc=$?
	trap - EXIT
	[ "$(laid_when)" = "$when" ] || return 1
	if [ "$rc" != 0 ]; then
		grep -E -A 4 '(error:|undefined reference|multiple definition|No rule|\*\*\*)' "$log" | head -n 40 >&2 || true
		die "$FLAVOUR does not build, the whole log is $log"
	fi
	# Ours; the distribution's warnings stay in the log.
	grep -E -A 4 'hw_breakpoint.*warning:' "$log" >&2 || true
	count=$(grep -cE '^  (CC|AS|HOSTCC) ' "$log" || true)
	[ "$count" -lt "$(cat "$build.objects" 2>/dev/null || echo 0)" ] || echo "$count" >"$build.objects"
}

# The names of our functions, as stacks have them: by these KCSAN's reports are judged.
our_functions() {
	local object
	our_objects | while read -r object; do
		[ ! -f "$build/$object" ] || nm "$build/$object"
	done | awk '$2 ~ /^[tT]$/ { print $3 }' | sort -u
}

keep_image() {
	local new=$image.new.$$ old
	mkdir -p "$new"
	cp "$build/arch/x86/boot/bzImage" "$build/.config" "$build/System.map" "$new/"
	[ "$FLAVOUR" != kcsan ] || our_functions >"$new/functions"
	rm -rf "$image"
	mv "$new" "$image"
	basename "$image" >"$build.built"
	find "$BASE/images" -maxdepth 1 -name '*.new.*' -mmin +60 -exec rm -rf {} +
	# The newest eight of a flavour are enough to go back and forth between.
	find "$BASE/images" -maxdepth 1 -name "$FLAVOUR-*" -printf '%T@ %p\n' | sort -rn |
		tail -n +9 | while read -r _ old; do rm -rf "$old"; done
}

# Is there what is asked for: the image, with kdir what it was made from as well, or the objects?
is_built() {
	case $what in
	image) [ -f "$image/bzImage" ] ;;
	kdir) [ -f "$image/bzImage" ] && [ "$(cat "$build.built" 2>/dev/null)" = "$(basename "$image")" ] ;;
	objects) [ -f "$image/bzImage" ] || [ "$(cat "$build.compiled" 2>/dev/null)" = "$(basename "$image")" ] ;;
	*) die "kernel.sh: unknown '$what'" ;;
	esac
}

# Changes whenever somebody has laid or begins to lay the tree.
laid_when() { stat -c '%i %y' "$tree.made" 2>/dev/null || echo no; }

# Builds what this checkout says now. Another run may lay the tree anew meanwhile: waiting
# for builds to end would make everybody wait for the longest, so look afterwards instead.
build_image() {
	local when
	for _ in 1 2 3 4 5; do
		"$ROOT/overlay/tree.sh" "$(tree_kind)" >/dev/null
		resolve_kernel
		build=$BASE/build-$FLAVOUR
		tree=$BASE/$(tree_kind)
		image=$BASE/images/$FLAVOUR-$(image_key)
		log=$build.log
		exec 7>"$build.lock"
		lock 7 "$build.lock"
		when=$(laid_when)
		if [ "$(cat "$tree.made" 2>/dev/null)" = "$("$(tree_kind)_key")" ] && configure && compile; then
			case $what in
			objects) basename "$image" >"$build.compiled" ;;
			*) keep_image ;;
			esac
			exec 7>&-
			return
		fi
		exec 7>&-
		say "the source changed while $FLAVOUR was being built, going on with the new one"
	done
	die "$tree keeps changing: another checkout uses it; set HWBP_CACHE to have your own"
}

main() {
	check_flavour
	resolve_kernel
	build=$BASE/build-$FLAVOUR
	[ "$(tree_kind)" = vanilla ] || check_manifest
	image=$BASE/images/$FLAVOUR-$(image_key)
	what=${1:-image}
	if ! is_built || [ "${HWBP_BUILD:-}" = 1 ]; then
		"$ROOT/overlay/packages.sh"
		build_image
	fi
	case $what in
	image) echo "$image/bzImage" ;;
	*) echo "$build" ;;
	esac
}

main "$@"
exit
