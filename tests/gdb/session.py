# SPDX-License-Identifier: GPL-2.0-only
# Drives gdb through scenarios and prints a TAP line for each check.
# Copyright (C) 2026 The hw_breakpoint authors
#
# SCENARIOS='values four' BITS=64 GRABBER=path gdb -nx -batch -x session.py target 3>tap
#
# Expected numbers are target.c's loop counts; that a trap comes after a write and
# before an instruction is the architecture's. Each scenario is a function of this file.
"""One gdb session, as a user would have it, with counted stops."""

import os
import signal
import subprocess
import sys
import traceback

import gdb

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from report import run, say, verdict  # noqa: E402

BITS = os.environ["BITS"]
# A step that hits a watchpoint brings two #DB on TCG, the second one inside the kernel's
# entry code, where Linux warns. Real hardware brings one.
STEP_ONTO_HIT = os.environ.get("HWBP_ACCEL") != "tcg"
# Linux's own layer keeps a register that a debugger has used.
VANILLA = os.environ.get("FLAVOUR") == "vanilla"
KEEPS = "vanilla keeps the slot until exec or exit" if VANILLA else ""
SKIPS = "vanilla leaves RF set when the ip is another" if VANILLA else ""


# === Reporting ===

def check(what, got, expected, todo=""):
    verdict(f"gdb {BITS}-bit: {what}", got, expected, todo)


def skip(what, why):
    say(f"ok - gdb {BITS}-bit: {what} # SKIP {why}")


# === Stops ===

class Stops:
    """Counts stops by what caused them, and keeps the order."""

    def __init__(self):
        self.events = []
        gdb.events.stop.connect(self.note)

    def note(self, event):
        if isinstance(event, gdb.BreakpointEvent):
            for breakpoint in event.breakpoints:
                thread = gdb.selected_thread()
                self.events.append((breakpoint.number, thread.num if thread else 0))
        elif isinstance(event, gdb.SignalEvent):
            self.events.append((event.stop_signal, 0))

    def take(self):
        """The stops since the last call, as a list of (number, thread)."""
        taken, self.events = self.events, []
        return taken


stops = Stops()
exits = []
gdb.events.exited.connect(lambda event: exits.append(getattr(event, "exit_code", "signal")))


def alive():
    """Whether a process is left; selects one if the selected one has gone."""
    if gdb.selected_inferior().pid:
        return True
    for inferior in gdb.inferiors():
        if inferior.pid:
            gdb.execute(f"inferior {inferior.num}", to_string=True)
            return True
    return False


def function_name():
    return gdb.selected_frame().name()


def resume_until(location, limit=1000):
    """Continues until the program stands at the function, or is gone; returns stops."""
    seen = []
    for _ in range(limit):
        out = run("continue")
        now = stops.take()
        if not alive():
            return seen + now
        if out.startswith("error:"):
            return seen + [(out.strip(), 0)]
        if function_name() == location:
            return seen
        seen += now
    return seen + [("no end", 0)]


def count(seen, breakpoint):
    return sum(1 for number, _ in seen if number == breakpoint.number)


def others(seen, *breakpoints):
    """Stops that nobody asked for: a SIGTRAP, a refusal, another breakpoint."""
    known = [breakpoint.number for breakpoint in breakpoints]
    return [number for number, _ in seen if number not in known]


def start(arguments):
    """Runs the program to ready(), where everything is set up and nothing counted."""
    gdb.execute("tbreak ready", to_string=True)
    gdb.execute(f"run {arguments}", to_string=True)
    stops.take()


def finish():
    """Whether the program, let go of everything, ends well."""
    gdb.execute("delete", to_string=True)
    exits.clear()
    run("continue")
    return exits == [0]


def end_at(function):
    return gdb.Breakpoint(function, internal=False)


def watch(expression, kind=gdb.WP_WRITE):
    return gdb.Breakpoint(expression, gdb.BP_WATCHPOINT, kind)


def hbreak(function):
    return gdb.Breakpoint(function, gdb.BP_HARDWARE_BREAKPOINT)


def is_hardware(breakpoint):
    """gdb falls back to single stepping where it gets no register: that's no pass."""
    return breakpoint.type in (gdb.BP_HARDWARE_WATCHPOINT, gdb.BP_READ_WATCHPOINT,
                               gdb.BP_ACCESS_WATCHPOINT, gdb.BP_HARDWARE_BREAKPOINT)


# === Scenarios ===

def one_of_each():
    """watch, rwatch, awatch, hbreak: each alone, each counted."""
    # 20 changing stores and 30 loads. gdb leaves out an rwatch's stop when the value
    # changed, since x86 can only watch both.
    for name, make, expected in (
            ("watch: 20 writes, 30 reads", lambda: watch("watched"), 20),
            ("rwatch: 20 writes, 30 reads", lambda: watch("watched", gdb.WP_READ), 30),
            ("awatch: 20 writes, 30 reads", lambda: watch("watched", gdb.WP_ACCESS), 50),
            ("hbreak: 7 calls", lambda: hbreak("f3"), 7)):
        start("count")
        breakpoint = make()
        end = end_at("finished")
        seen = resume_until("finished")
        check(name, (count(seen, breakpoint), others(seen, breakpoint, end),
                     is_hardware(breakpoint)), (expected, [], True))
        check(f"{name}: ends well afterwards", finish(), True)


def values():
    """What the program has done at each stop."""
    start("count")
    breakpoint = watch("watched")
    seen = []
    for _ in range(20):
        run("continue")
        frame = gdb.selected_frame()
        seen.append((int(gdb.parse_and_eval("watched")), int(frame.read_var("i")), frame.name()))
    # The trap comes after the store and before i is counted up.
    check("watch stops right after each store, 20 times", seen,
          [(i, i, "store_watched") for i in range(1, 21)])
    check("watch is a hardware watchpoint", is_hardware(breakpoint), True)
    finish()


def four():
    """All registers in use, and one request more."""
    start("count")
    end = end_at("finished")
    breakpoints = [hbreak(f"f{i}") for i in range(1, 5)]
    seen = resume_until("finished")
    check("hbreak x4: 5, 6, 7, 8 calls", [count(seen, b) for b in breakpoints], [5, 6, 7, 8])
    check("hbreak x4: no other stop", others(seen, end, *breakpoints), [])
    finish()

    # One is touched: QEMU's TCG misreports DR6 when several data watchpoints hit in turn.
    start("count")
    end = end_at("finished")
    breakpoints = [watch(e) for e in ("idle[0]", "idle[1]", "watched", "idle[3]")]
    seen = resume_until("finished")
    check("watch x4, one touched: 20 writes", [count(seen, b) for b in breakpoints],
          [0, 0, 20, 0])
    check("watch x4: no other stop, all in hardware",
          (others(seen, end, *breakpoints), all(map(is_hardware, breakpoints))), ([], True))
    finish()

    start("count")
    end = end_at("finished")
    breakpoints = [watch(e) for e in ("idle[0]", "idle[1]", "watched")]
    breakpoints.append(hbreak("f2"))
    fifth = hbreak("f5")
    refusal = run("continue")
    say(f"# gdb: {' '.join(refusal[refusal.find('Warning:'):].split())}")
    check("a fifth is refused, and gdb says why",
          "too many hardware breakpoints/watchpoints" in refusal, True)
    fifth.delete()
    stops.take()
    seen = resume_until("finished")
    check("without the fifth, the four count on", [count(seen, b) for b in breakpoints],
          [0, 0, 20, 6])
    check("without the fifth, ends well", finish(), True)


def refused_by_kernel():
    """A slot that somebody else holds: the kernel refuses, gdb passes it on."""
    start("count")
    pid = gdb.selected_inferior().pid
    with subprocess.Popen([os.environ["GRABBER"], "hold", str(pid), "1"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as holder:
        held = holder.stdout.readline().strip()
        breakpoints = [watch(e) for e in ("idle[0]", "idle[1]", "watched", "idle[3]")]
        refusal = run("continue")
        check("one slot held by another process: the fourth watch is refused with ENOSPC",
              (held, "No space left on device" in refusal), ("held 1", True))
        holder.communicate("")
    stops.take()
    end = end_at("finished")
    seen = resume_until("finished")
    check("the slot is free again: four watches go in", [count(seen, b) for b in breakpoints],
          [0, 0, 20, 0])
    check("the slot is free again: no other stop", others(seen, end, *breakpoints), [])
    finish()


def step_on():
    """One step; returns the command. Only where allowed does it step onto the store."""
    function = function_name()
    if function == "write_once" and not STEP_ONTO_HIT:
        return "finish"
    if function == "compute":
        return "stepi"
    odd = int(gdb.parse_and_eval("watched")) % 2
    return "step" if odd else "next"


def stepping():
    """Steps with four watches in, while another process grabs slots in a loop."""
    writes = 12
    start(f"step {writes}")
    end = end_at("finished")
    breakpoints = [watch(e) for e in ("idle[0]", "watched", "idle[2]", "idle[3]")]
    run("continue")  # the registers are the debugger's from here on
    pid = gdb.selected_inferior().pid
    used, failed = {}, []
    with subprocess.Popen([os.environ["GRABBER"], "grab", str(pid)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as grabber:
        grabber.stdout.readline()  # its first round is through
        seen = stops.take()
        while function_name() != "finished" and not failed:
            command = step_on()
            used[command] = used.get(command, 0) + 1
            out = run(command)
            if out.startswith("error:"):
                failed.append((command, out.strip()))
            seen += stops.take()
        told = grabber.communicate("")[0].split()
    check(f"stepi, step, next with four watches: {writes} of {writes} writes",
          [count(seen, b) for b in breakpoints], [0, writes, 0, 0])
    check("stepping: no refusal, no other stop", (failed, others(seen, end, *breakpoints)),
          ([], []))
    check("stepping: by each command", [used.get(c, 0) >= writes for c in ("stepi", "step", "next")],
          [True, True, True])
    # told: rounds tried, slots got. What the debugger holds can't be had.
    check("stepping: the other process tried and got none",
          (told[0] == "rounds" and int(told[1]) > 0, told[2:]), (True, ["got", "0"]))
    check("stepping: ends well", finish(), True)
    if not STEP_ONTO_HIT:
        skip("stepping onto the store itself", "TCG raises a second #DB in the kernel's entry")


def onto():
    """A step ends at an hbreak; then a function is called that has one at its entry."""
    start("count")
    gdb.execute("finish", to_string=True)
    stops.take()
    frame = gdb.selected_frame()
    after = frame.architecture().disassemble(frame.pc(), count=2)[1]["addr"]
    breakpoint = hbreak(f"*{after:#x}")
    called = hbreak("*f2")
    run("stepi")
    check("stepi onto an hbreak: at its address", (gdb.selected_frame().pc(), count(stops.take(), breakpoint)),
          (after, 1))
    run("call (void)f2()")
    check("a call, after a step onto an hbreak, stops at an hbreak in the function",
          (function_name(), count(stops.take(), called)), ("f2", 1))
    run("finish")
    check("step onto an hbreak: ends well", finish(), True)


def move():
    """The ip is moved from one hbreak to another, by each command that does."""
    start("count")
    breakpoints = [hbreak(f"*f{i}") for i in range(1, 5)]
    run("continue")
    seen = stops.take()
    run("call (void)f2()")
    called = function_name()
    run("finish")
    seen += stops.take()
    run("jump *f3")
    jumped = function_name()
    seen += stops.take()
    run("set var $pc = &f4")
    run("continue")
    seen += stops.take()
    check("from hbreak to hbreak by call, jump, a new $pc", (called, jumped, function_name()),
          ("f2", "f3", "f4"), SKIPS)
    check("from hbreak to hbreak: each stops once", [count(seen, b) for b in breakpoints],
          [1, 1, 1, 1], SKIPS)
    check("from hbreak to hbreak: ends well", finish(), True)


def reads_stdin(pid):
    with open(f"/proc/{pid}/syscall", encoding="ascii") as syscall:
        return syscall.read().split()[:2] in (["0", "0x0"], ["3", "0x0"])


def killed():
    """gdb dies as the program runs that it watches: without gdb's input that goes on."""
    program = gdb.current_progspace().filename
    # Not as context manager, which would wait for the end.
    process = subprocess.Popen([program, "orphan"], stdin=subprocess.PIPE)
    # A thread that is only just being made could keep the SIGSTOP with which gdb attached to it.
    while not reads_stdin(process.pid):
        pass
    run(f"attach {process.pid}")
    for expression in ("idle[0]", "watched", "idle[2]", "idle[3]"):
        watch(expression)
    run("continue &")
    os.kill(os.getpid(), signal.SIGKILL)


def threads():
    """One watch, threads made before and after it, one after the other."""
    start("threads")
    end = end_at("finished")
    breakpoint = watch("watched")
    seen = resume_until("finished")
    by_thread = [sum(1 for number, thread in seen
                     if number == breakpoint.number and thread == t) for t in range(1, 6)]
    check("threads before and after the watch: hits in main and in each of 4",
          by_thread, [10, 11, 12, 13, 14])
    check("threads: no other stop", others(seen, breakpoint, end), [])
    check("threads: ends well", finish(), True)


def crowd():
    """Four threads that store at once: each store is one stop."""
    start("crowd")
    end = end_at("finished")
    breakpoint = watch("watched", gdb.WP_ACCESS)
    seen = resume_until("finished")
    check("awatch, 4 threads at once, 10 stores each", count(seen, breakpoint), 40)
    check("4 threads at once: no other stop", others(seen, breakpoint, end), [])
    check("4 threads at once: ends well", finish(), True)


def attach():
    """Attach to a running program with threads, watch, detach: it runs on."""
    program = gdb.current_progspace().filename
    with subprocess.Popen([program, "threads", "wait"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        run(f"attach {process.pid}")
        stops.take()
        breakpoint = watch("watched")
        end = end_at("finished")
        process.stdin.write("\n")
        process.stdin.flush()
        seen = resume_until("finished")
        by_thread = {}
        for number, thread in seen:
            if number == breakpoint.number:
                by_thread[thread] = by_thread.get(thread, 0) + 1
        check("attach: hits in main, and in threads that were there and that came",
              (by_thread.get(1), sorted(by_thread.values())), (10, [10, 11, 12, 13, 14]))
        check("attach: no other stop", others(seen, breakpoint, end), [])
        gdb.execute("delete", to_string=True)
        run("detach")
        told = process.communicate("")[0]
    check("attach, detach: the program ends well", process.returncode, 0)
    check("attach, detach: nothing is charged", told, "attached: 4 slots free\n", KEEPS)


def follow(mode, detach_on_fork, schedule_multiple):
    gdb.execute(f"set follow-fork-mode {mode}")
    gdb.execute(f"set detach-on-fork {detach_on_fork}")
    gdb.execute(f"set schedule-multiple {schedule_multiple}")


def fork_parent():
    """Stay with the parent: the child runs on, unwatched."""
    follow("parent", "on", "off")
    start("fork parent")
    end = end_at("finished")
    breakpoint = watch("watched")
    seen = resume_until("finished")
    check("fork, follow parent: the parent's 5 writes", (count(seen, breakpoint),
          others(seen, breakpoint, end)), (5, []))
    check("fork, follow parent: ends well", finish(), True)


def fork_child():
    """Go with the child: the parent runs on, unwatched."""
    follow("child", "on", "off")
    start("fork child")
    breakpoint = watch("watched")
    seen = resume_until("never")
    check("fork, follow child: the child's 7 writes", (count(seen, breakpoint),
          others(seen, breakpoint)), (7, []))


def fork_both():
    """Hold both: the child starts without registers, the parent keeps its own."""
    follow("parent", "off", "on")
    start("fork both")
    end = end_at("finished")
    breakpoint = watch("watched")
    seen = resume_until("finished")
    check("fork, holding both: the parent's 5 writes", count(seen, breakpoint), 5)
    check("fork, holding both: no signal", [n for n in others(seen, breakpoint, end)
                                            if isinstance(n, str)], [])


def execve():
    """The old image's registers end with it, the new one's are free."""
    start("exec")
    breakpoint = watch("watched")
    calls = hbreak("f1")
    gdb.execute("tbreak ready", to_string=True)
    seen = resume_until("ready")
    check("exec: 3 writes before it, the new image's 6 don't hit the old watch",
          (count(seen, breakpoint), others(seen, breakpoint, calls)), (3, []))
    # gdb 13 takes an hbreak to be still in its register after exec, so no more of f1's.
    calls.delete()
    # watched again would hit gdb's idea of an old register too.
    again = watch("idle[1]")
    end = end_at("finished")
    seen = resume_until("finished")
    check("exec: a new watch, 4 writes", (count(seen, again), others(seen, again, end)), (4, []))
    check("exec: ends well", finish(), True)


def detach():
    """Nothing stays armed, nothing stays charged."""
    start("detach")
    breakpoints = [watch(e) for e in ("idle[0]", "watched", "idle[2]", "idle[3]")]
    seen = []
    for _ in range(2):
        run("continue")
        seen += stops.take()
    check("before detach: 2 writes", [count(seen, b) for b in breakpoints], [0, 2, 0, 0])
    check("detach", run("detach").startswith("error:"), False)


def clean_up():
    for inferior in gdb.inferiors():
        if inferior.pid:
            gdb.execute(f"kill inferiors {inferior.num}", to_string=True)
    gdb.execute("delete", to_string=True)
    follow("parent", "on", "off")
    stops.take()


gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set debuginfod enabled off")
gdb.execute("set startup-with-shell off")
for scenario in os.environ["SCENARIOS"].split():
    try:
        globals()[scenario]()
    except (gdb.error, RuntimeError):
        check(f"{scenario} runs to its end", traceback.format_exc().replace("\n", "\n# "), "")
    clean_up()
