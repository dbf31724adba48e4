# SPDX-License-Identifier: GPL-2.0-only
# Says TAP past gdb, and listens to what gdb says.
# Copyright (C) 2026 The hw_breakpoint authors
"""What sessions with gdb have in common."""

import os
import tempfile

import gdb


def say(line):
    """Past gdb's own output, which goes to a log."""
    os.write(3, (line + "\n").encode())


def verdict(name, got, expected, todo=""):
    if got == expected:
        say(f"ok - {name}")
    else:
        say(f"not ok - {name}{' # TODO ' if todo else ''}{todo}\n# expected {expected!r}, got {got!r}")


def run(command):
    """All that gdb says to a command; a refusal's reason goes to stderr, past to_string."""
    error = ""
    gdb.flush()
    with tempfile.TemporaryFile("w+") as told:
        kept = [os.dup(1), os.dup(2)]
        os.dup2(told.fileno(), 1)
        os.dup2(told.fileno(), 2)
        try:
            gdb.execute(command)
        except gdb.error as refusal:
            error = f"error: {refusal}\n"
        gdb.flush()
        gdb.flush(gdb.STDERR)
        for fd, copy in enumerate(kept, 1):
            os.dup2(copy, fd)
            os.close(copy)
        told.seek(0)
        out = told.read()
    gdb.write(out + error)
    return error + out
