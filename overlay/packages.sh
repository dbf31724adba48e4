#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs the Debian packages that are missing; costs nothing when none is.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
. "$(dirname "$0")/lib.sh"

missing() {
	local wanted
	wanted=$(grep -v '^#' "$ROOT/overlay/packages")
	# shellcheck disable=SC2086
	{ dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null || true; } |
		awk -v wanted="$wanted" '
			$2 == "installed" { have[$1] }
			END { n = split(wanted, w); for (i = 1; i <= n; i++) if (!(w[i] in have)) print w[i] }'
}

command -v dpkg-query >/dev/null || die "this needs Debian 12 (no dpkg-query here)"
want=$(missing | xargs)
[ -n "$want" ] || exit 0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
say "installing $(wc -w <<<"$want") packages: $want"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
{ as_root apt-get update && as_root apt-get install -y --no-install-recommends $want; } \
	</dev/null >"$log" 2>&1 ||
	die "cannot install packages ($(grep -m 1 '^E:' "$log" || tail -n 1 "$log")):" \
		"run, as root, apt-get install $want"
left=$(missing | xargs)
[ -z "$left" ] || die "packages still missing: run, as root, apt-get install $left"
