# SPDX-License-Identifier: GPL-2.0-only
# The front door: each command is a script of overlay/, vm/ or tests/.
# Copyright (C) 2026 The hw_breakpoint authors

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

FLAVOUR ?= ours
KERNEL ?= 6.12
OUT ?= patches

# What the caller gives is passed on as it is, dollars and quotes included.
define pass
ifdef $(1)
export override $(1) := $$(value $(1))
endif
endef
$(foreach v,FLAVOUR KERNEL RUN CPUS MEM QEMU_ARGS APPEND TIMEOUT ICOUNT THREADS ACCEL \
	VM_ROOT VM_FILES VM_OUT WARN MACHINE BOCHS_FILES OUT TESTS FLAVOURS BENCH BENCH_OUT BENCH_ROUNDS,$(eval $(call pass,$(v))))

.PHONY: help run test test-all check bench kernel kdir vm shell lint patch

help:
	@echo 'make run      build, boot a VM, and show what hardware breakpoints do'
	@echo 'make test     all tests; the last line is the summary (make test-all: the long ones too)'
	@echo "              TESTS='30-*.sh' FLAVOURS=ours selects among them (tests/run.sh)"
	@echo 'make check    user-space tests of the pure parts (no kernel; seconds, but for new models)'
	@echo "make bench    what things cost, beside Linux's own layer (BENCH='10-*.sh' selects; BENCH_OUT=folder)"
	@echo 'make kernel   build FLAVOUR=ours|vanilla|debug|kcsan|rt|off|i386 KERNEL=6.12; last line: the bzImage'
	@echo "make vm       RUN='command' in a VM: FLAVOUR CPUS=2 MEM=2G QEMU_ARGS APPEND TIMEOUT=300 ICOUNT=1 THREADS=single ACCEL=tcg|kvm"
	@echo "              VM_OUT=folder: what the guest writes there stays; WARN=go-on: a WARN doesn't end the guest"
	@echo "              VM_ROOT=ram RUN='static-binary arguments' VM_FILES='more files' for a guest that sleeps"
	@echo "              MACHINE=bochs RUN='static-binary arguments' BOCHS_FILES='more files' on Bochs"
	@echo 'make shell    the same VM, interactive'
	@echo 'make kdir     the build folder of FLAVOUR, for modules: make -C $$(make -s kdir) M=...'
	@echo 'make lint     checkpatch, sparse, W=1, kernel-doc, shellcheck on our files'
	@echo 'make patch    write a series for git am to OUT=patches'
	@echo 'Builds live in $${HWBP_CACHE:-~/.cache/hw_breakpoint}.'

run:
	@SECONDS=0; overlay/packages.sh && tour/run.sh && echo "make run took $$SECONDS s"

test:
	@tests/run.sh

test-all:
	@ALL=1 tests/run.sh

check:
	@$(MAKE) -s -C tools/testing/hw_breakpoint check

bench:
	@bench/run.sh

kernel:
	@overlay/kernel.sh

kdir:
	@overlay/kernel.sh kdir

vm:
	@vm/machine.sh

shell:
	@vm/machine.sh shell

lint:
	@tests/lint.sh

patch:
	@overlay/patch.sh
