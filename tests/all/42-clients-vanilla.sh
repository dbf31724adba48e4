#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Weak spots of the distribution's own layer when the machine sleeps and when CPUs come and
# go: the tests that ours passes fail there.
# Copyright (C) 2026 The hw_breakpoint authors
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/tap.sh"
. "$root/tests/all/weak.sh"

# It fails, so its status is not wanted; a WARN should not end it.
on_vanilla() { FLAVOUR=vanilla WARN=go-on "$root/tests/$1" 2>/dev/null || true; }

out=$(on_vanilla 42-suspend.sh; on_vanilla 44-hotplug.sh)

weak 1 {memory,disk}": hwbp_suspend.sleep."{way_back,masks}
weak 2 {memory,disk}": hwbp_suspend.sleep."{wide_data,wide_execution,masks_of_wide} \
	hwbp_hotplug.hotplug.a_came_first_time \
	hwbp_hotplug.hotplug.wide_{data,execution}_{registered_while_offline,random_steps} \
	hwbp_hotplug.hotplug.wide_needs_offline_cpus_too
tap_end
