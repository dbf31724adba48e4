# SPDX-License-Identifier: GPL-2.0-only
# Drives gdb against the kernel debugger of a VM and prints a TAP line for each check.
# Copyright (C) 2026 The hw_breakpoint authors
#
# SCENARIOS='one_of_each four' DIR=folder gdb -nx -batch -x session.py vmlinux 3>tap
#
# In DIR are pipes: kgdb.in, kgdb.out (the serial port), session.in, session.out (guest.sh).
# Expected numbers are the counts in the commands that the guest is sent; that a trap comes
# after a store and before an instruction is the architecture's. Between scenarios the kernel
# stands in the debugger with nothing set; each scenario is a function of this file.
"""One gdb session with a kernel, with counted stops."""

import os
import sys
import traceback

import gdb

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../gdb"))
from report import run, say, verdict  # noqa: E402

DIR = os.environ["DIR"]
WIRE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wire.sh")
FLAVOUR = os.environ["FLAVOUR"]


# === The guest ===

class Guest:
    """guest.sh, at the other end of two pipes; it is gone when the VM is."""

    def __init__(self):
        self.answers = open(f"{DIR}/session.out", encoding="ascii")
        self.commands = open(f"{DIR}/session.in", "w", encoding="ascii")
        self.result()

    def send(self, line):
        self.commands.write(line + "\n")
        self.commands.flush()

    def result(self):
        """What the command that was sent printed."""
        lines = []
        for line in self.answers:
            line = line.strip()
            if line.startswith("= "):
                if line != "= 0":
                    raise RuntimeError(f"the guest's command failed: {line} {lines}")
                return "\n".join(lines)
            lines.append(line)
        raise EOFError("the guest is gone")

    def ask(self, line):
        """Only while the kernel runs."""
        self.send(line)
        return self.result()


guest = Guest()


def status(name):
    for line in guest.ask("cat $target/status").splitlines():
        word, value = line.split()
        if word == name:
            return int(value, 0)
    raise RuntimeError(f"no {name} in the status")


# === Stops ===

class Stops:
    """Keeps what gdb says of each stop: a breakpoint's number, or else "trap"."""

    def __init__(self):
        self.events = []
        gdb.events.stop.connect(self.note)

    def note(self, event):
        if isinstance(event, gdb.BreakpointEvent):
            self.events += [breakpoint.number for breakpoint in event.breakpoints]
        else:
            self.events.append("trap")

    def take(self):
        taken, self.events = self.events, []
        return taken


stops = Stops()


def pc():
    return gdb.selected_frame().pc() & (1 << 64) - 1


def value():
    return int(gdb.parse_and_eval(f"*(unsigned long *){VAR}"))


def connect(cpu=0):
    """The kernel, which runs, goes into the debugger, and gdb connects to it."""
    guest.send(f"enter {cpu}")
    out = run(f"target remote | {WIRE} {DIR}/kgdb")
    stops.take()
    return out


def in_debugger_by_itself():
    return gdb.selected_frame().name() == "kgdb_breakpoint"


def resume(command, enter=0, limit=200):
    """
    The kernel runs, the guest executes the command and enters the debugger again on a
    CPU. Returns the stops in between, each as (who, pc, the variable's value), and what
    the command printed.
    """
    seen = []
    guest.send(command)
    guest.send(f"enter {enter}")
    for _ in range(limit):
        out = run("continue")
        now = stops.take()
        if "error:" in out:
            break
        if in_debugger_by_itself():
            return seen, guest.result()
        seen += [(who, pc(), value()) for who in now]
    # Ends the command with nothing set, for the scenarios to come.
    gdb.execute("delete")
    while not run("continue").startswith("error:"):
        if in_debugger_by_itself():
            guest.result()
            raise RuntimeError(f"{command}: gdb did not continue: {out}; {seen[-3:]}")
    raise EOFError(f"{command}: the kernel is lost: {out}")


def pass_by(enter=0):
    """The kernel runs, and enters the debugger again."""
    return resume("true", enter)


def hits(seen, breakpoint):
    return sum(1 for who, _, _ in seen if who == breakpoint.number)


def others(seen, *breakpoints):
    """Stops that none of these explains: for data the kernel must have said which one it is."""
    return len(seen) - sum(hits(seen, b) for b in breakpoints)


def watch(address, kind=gdb.WP_WRITE, size="long"):
    return gdb.Breakpoint(f"*(unsigned {size} *){address:#x}", gdb.BP_WATCHPOINT, kind)


def hbreak(place):
    where = place if isinstance(place, str) else f"*{place:#x}"
    return gdb.Breakpoint(where, gdb.BP_HARDWARE_BREAKPOINT)


def packet(text):
    """The stub's own answer, without gdb's idea of it."""
    out = run(f"maint packet {text}")
    return out.split("received: ")[1].strip().strip('"')


def refused(out):
    return "error:" in out and "Could not insert hardware" in out


def in_hardware(breakpoint):
    """gdb falls back to single stepping where it gets no register: that's no pass."""
    return breakpoint.type in (gdb.BP_HARDWARE_WATCHPOINT, gdb.BP_READ_WATCHPOINT,
                               gdb.BP_ACCESS_WATCHPOINT, gdb.BP_HARDWARE_BREAKPOINT)


# === Scenarios ===

def software():
    """What needs no register: that the test itself works, on any layer."""
    breakpoint = gdb.Breakpoint(f"*{FUNC:#x}")
    for cpu, calls in ((0, 3), (1, 5)):
        seen, _ = resume(f"on {cpu} x {calls}", enter=1 - cpu)
        verdict(f"break: {calls} calls on CPU {cpu}",
              [(who, at) for who, at, _ in seen], [(breakpoint.number, FUNC)] * calls)


def free_without():
    """A debugger that is there but has set nothing holds nothing."""
    verdict("kgdb without breakpoints: all slots are free", resume("$slots free")[1], "free 4 4")


def accepted():
    """What the layer that never hits says and does."""
    breakpoint = hbreak(FUNC)
    verdict("hbreak is accepted, and 6 calls don't hit it", resume("on 0 x 3; on 1 x 3")[0], [])
    breakpoint.delete()
    watch(VAR)
    verdict("watch is accepted, and 6 writes don't hit it", resume("on 0 w 3 8; on 1 w 3 8")[0], [])


def calls():
    """hbreak: set from one CPU, hit on each."""
    for setter in (0, 1):
        pass_by(enter=setter)
        breakpoint = hbreak(FUNC)
        for cpu, number in ((0, 5), (1, 7)):
            seen, _ = resume(f"on {cpu} x {number}", enter=setter)
            verdict(f"hbreak from CPU {setter}: {number} calls on CPU {cpu}, each one stop, before it",
                  [(who, at) for who, at, _ in seen], [(breakpoint.number, FUNC)] * number)
        breakpoint.delete()
        verdict("hbreak deleted: no stop", resume("on 0 x 5; on 1 x 7", enter=setter)[0], [])


def steps():
    """A step onto an instruction that has breakpoints of kgdb's and of perf's: each counts once."""
    after = gdb.selected_frame().architecture().disassemble(FUNC, count=2)[1]["addr"]
    verdict("perf counts the function's second instruction", resume(f"perf_start count x {after:#x}"),
            ([], "held 1 1"))
    hbreak(FUNC)
    hbreak(after)
    guest.send("on 0 x 3")
    guest.send("enter 0")
    seen = []
    for _ in range(3):
        for command in ("continue", "stepi"):
            run(command)
            seen.append((pc(), len(stops.take())))
    verdict("stepi from hbreak to hbreak, in 3 calls: each stops once", seen, [(FUNC, 1), (after, 1)] * 3)
    gdb.execute("delete")
    run("continue")
    verdict("stepi onto an hbreak: the kernel goes on", (in_debugger_by_itself(), guest.result()),
            (True, ""))
    verdict("stepi onto an hbreak: perf counted each call once", resume("perf_end"), ([], "3 0"))


def data():
    """watch, awatch: set from one CPU, hit on each, after each access."""
    for setter in (0, 1):
        pass_by(enter=setter)
        breakpoint = watch(VAR)
        for cpu, number in ((0, 5), (1, 7)):
            seen, _ = resume(f"on {cpu} w {number} 8; on {cpu} r 3 8", enter=setter)
            verdict(f"watch from CPU {setter}: {number} stores on CPU {cpu}, 3 loads",
                  (hits(seen, breakpoint), others(seen, breakpoint), in_hardware(breakpoint)),
                  (number, 0, True))
            verdict("watch: each stop is right after its store", [v for _, _, v in seen],
                  list(range(number)))
        breakpoint.delete()
        verdict("watch deleted: no stop", resume("on 0 w 5 8; on 1 w 7 8", enter=setter)[0], [])
        breakpoint = watch(VAR, gdb.WP_ACCESS)
        for cpu, number in ((0, 4), (1, 6)):
            seen, _ = resume(f"on {cpu} w {number} 8; on {cpu} r 3 8", enter=setter)
            verdict(f"awatch from CPU {setter}: {number} stores and 3 loads on CPU {cpu}",
                  (hits(seen, breakpoint), others(seen, breakpoint), in_hardware(breakpoint)),
                  (number + 3, 0, True))
        breakpoint.delete()


def lengths():
    """1, 2 and 4 bytes: the bytes beside them aren't watched."""
    for size, width in (("char", 1), ("short", 2), ("int", 4)):
        breakpoint = watch(VAR, size=size)
        seen, _ = resume(f"on 1 w 3 {width}")
        verdict(f"watch of {width} bytes: 3 stores", (hits(seen, breakpoint),
              others(seen, breakpoint)), (3, 0))
        breakpoint.delete()
        breakpoint = watch(VAR + width, size=size)
        verdict(f"watch of {width} bytes: stores just below it", resume(f"on 1 w 3 {width}")[0], [])
        breakpoint.delete()


def ranges():
    """12 bytes, which take two registers, and give both back."""
    breakpoint = gdb.Breakpoint(f"*(char (*)[12]) {VAR:#x}", gdb.BP_WATCHPOINT, gdb.WP_WRITE)
    seen, _ = resume("on 0 w 3 8; $slots free; on 1 w 2 8")
    verdict("watch of 12 bytes: 5 stores, in hardware", (hits(seen, breakpoint),
          others(seen, breakpoint), in_hardware(breakpoint)), (5, 0, True))
    verdict("it has two of four registers", resume("$slots free"), ([], "free 2 2"))
    breakpoint.delete()
    breakpoint = gdb.Breakpoint(f"*(char (*)[12]) {VAR + 8:#x}", gdb.BP_WATCHPOINT, gdb.WP_WRITE)
    verdict("12 bytes behind it aren't written to", resume("on 1 w 3 8")[0], [])
    breakpoint.delete()
    verdict("deleted: all are free", resume("$slots free"), ([], "free 4 4"))


def takes_over():
    """Flexible events, which are promised nothing, have all registers: kgdb gets one of them."""
    resume("flexible 1")
    verdict("flexible events are on", resume("perf_start flexible"), ([], "held 4 4"))
    breakpoint = hbreak(FUNC)
    seen, _ = resume("on 0 x 5; on 1 x 6")
    verdict("kgdb stops at each call all the same", (hits(seen, breakpoint), len(seen)), (11, 11))
    breakpoint.delete()
    verdict("deleted: no stop", resume("on 0 x 3; on 1 x 3")[0], [])
    verdict("on each CPU they lost one register, in turn, and don't count that as running",
          resume("perf_end"), ([], "1 1"))
    resume("flexible 0")


def reads():
    """x86 can only watch loads and stores: gdb leaves out what changed the value."""
    breakpoint = watch(VAR, gdb.WP_READ)
    for cpu in (0, 1):
        seen, _ = resume(f"on {cpu} r 4 8; on {cpu} w 3 8; on {cpu} r 2 8")
        verdict(f"rwatch: 6 loads, and 3 stores that change the value, on CPU {cpu}",
              (hits(seen, breakpoint), others(seen, breakpoint), in_hardware(breakpoint)),
              (6, 0, True))


def four():
    """All registers in use, and one request more."""
    ctl_write = int(resume("symbol ctl_write")[1], 0)
    breakpoints = [hbreak(p) for p in (FUNC, ctl_write, "__x64_sys_sethostname", "sysrq_handle_dbg")]
    for cpu in (0, 1):
        seen, _ = resume(f"on {cpu} x 6; on {cpu} w 2 8; taskset -c {cpu} hostname hwbp", enter=cpu)
        verdict(f"hbreak x4, on CPU {cpu}: only who was hit is reported",
              [who for who, _, _ in seen],
              [breakpoints[1].number] + [breakpoints[0].number] * 6
              + [breakpoints[i].number for i in (1, 2, 3)])
    fifth = hbreak("vprintk")
    out = run("continue")
    say(f"# gdb: {' '.join(out.split())}")
    verdict("a fifth is refused, and gdb says so", refused(out), True)
    stops.take()
    fifth.delete()
    seen, _ = resume("on 1 x 3", enter=1)
    verdict("without the fifth, the four count on", [hits(seen, b) for b in breakpoints], [3, 1, 0, 1])
    gdb.execute("delete")
    verdict("four deleted: no stop, all slots free", resume("on 0 x 3; on 1 w 3 8; $slots free"),
          ([], "free 4 4"))

    # One of the data watchpoints is touched: QEMU's TCG misreports DR6 when several are in turn.
    breakpoints = [watch(VAR + 8), watch(VAR + 16, gdb.WP_ACCESS), hbreak(FUNC), watch(VAR)]
    for cpu in (0, 1):
        seen, _ = resume(f"on {cpu} x 3; on {cpu} w 6 8", enter=1 - cpu)
        verdict(f"watch, awatch, hbreak, and a watch that is hit, on CPU {cpu}",
              (hits(seen, breakpoints[2]), hits(seen, breakpoints[3]), len(seen)), (3, 6, 9))
    fifth = watch(VAR + 24)
    verdict("a fifth watch is refused", refused(run("continue")), True)
    stops.take()
    fifth.delete()
    breakpoints[2].delete()
    fifth = watch(VAR + 24)
    seen, _ = resume("on 0 x 3; on 0 w 2 8; $slots free")
    verdict("one goes, another comes in", (hits(seen, breakpoints[3]), len(seen)), (2, 2))


def promises():
    """What kgdb has set nobody else is promised, and the other way round."""
    breakpoints = [hbreak(FUNC), watch(VAR)]
    verdict("two set: two are left for perf", resume("$slots free"), ([], "free 2 2"))
    breakpoints[0].delete()
    verdict("one set: three are left for perf", resume("$slots free"), ([], "free 3 3"))
    verdict("perf takes three", resume("perf_start hold 3"), ([], "held 3 3"))
    breakpoints.append(hbreak(FUNC))
    out = run("continue")
    say(f"# gdb: {' '.join(out.split())}")
    verdict("with perf's three, a second is refused", refused(out), True)
    stops.take()
    breakpoints[2].delete()
    seen, _ = resume("on 1 w 3 8")
    verdict("beside perf's three, one is hit", (hits(seen, breakpoints[1]), len(seen)), (3, 3))
    breakpoints[1].delete()
    verdict("perf lets go", resume("perf_end"), ([], ""))
    verdict("perf takes all four", resume("perf_start hold 4"), ([], "held 4 4"))
    breakpoint = hbreak(FUNC)
    verdict("with perf's four, hbreak is refused", refused(run("continue")), True)
    stops.take()
    breakpoint.delete()
    breakpoint = watch(VAR)
    verdict("with perf's four, watch is refused", refused(run("continue")), True)
    stops.take()
    breakpoint.delete()
    verdict("a refusal leaves nothing: the kernel runs, no stop",
          resume("on 0 x 3; on 1 w 3 8; perf_end; $slots free"), ([], "free 4 4"))
    breakpoint = hbreak(FUNC)
    verdict("what was refused is accepted later", hits(resume("on 1 x 3")[0], breakpoint), 3)


def beside_perf():
    """perf's hits are perf's, kgdb's are kgdb's."""
    verdict("perf watches the variable", resume(f"perf_start count w {VAR:#x}"), ([], "held 1 1"))
    breakpoint = hbreak(FUNC)
    seen, _ = resume("on 0 w 6 8; on 1 w 9 8")
    verdict("perf's hits don't stop the kernel", seen, [])
    seen, _ = resume("on 0 x 2; on 0 w 3 8; on 1 w 2 8; on 1 x 3")
    verdict("kgdb's hits between perf's", (hits(seen, breakpoint), len(seen)), (5, 5))
    verdict("perf has counted each store, on its CPU", resume("perf_end"), ([], "9 11"))
    breakpoint.delete()

    # The same instruction for both, in different registers.
    verdict("perf counts the calls", resume(f"perf_start count x {FUNC:#x}"), ([], "held 1 1"))
    breakpoint = hbreak(FUNC)
    seen, _ = resume("on 0 x 4; on 1 x 6")
    verdict("both at the same function: kgdb stops at each call",
          (hits(seen, breakpoint), len(seen)), (10, 10))
    breakpoint.delete()
    seen, _ = resume("on 0 x 10")
    verdict("both at the same function, kgdb's deleted: no stop", seen, [])
    verdict("both at the same function: perf counted each call once", resume("perf_end"),
          ([], "14 6"))

    verdict("perf counts the calls", resume(f"perf_start count x {FUNC:#x}"), ([], "held 1 1"))
    breakpoint = watch(VAR)
    seen, _ = resume("on 0 x 4; on 0 w 3 8; on 1 w 2 8; on 1 x 6")
    verdict("kgdb's watch beside perf's execution", (hits(seen, breakpoint), len(seen)), (5, 5))
    verdict("perf's execution beside kgdb's watch", resume("perf_end"), ([], "4 6"))


def hotplug():
    """CPUs come and go."""
    resume("cpu1 0")
    breakpoints = [hbreak(FUNC), watch(VAR)]
    seen, _ = resume("on 0 x 2; on 0 w 3 8")
    verdict("CPU 1 offline: hits on CPU 0", [hits(seen, b) for b in breakpoints], [2, 3])
    verdict("CPU 1 comes, with two set", resume("cpu1 1")[0], [])
    seen, _ = resume("on 1 x 4; on 1 w 5 8")
    verdict("set while CPU 1 was offline: hits on it", [hits(seen, b) for b in breakpoints], [4, 5])
    verdict("CPU 1 goes and comes, with two set", resume("cpu1 0; cpu1 1")[0], [])
    seen, _ = resume("on 1 x 3; on 0 w 2 8")
    verdict("CPU 1 was away: hits on both", [hits(seen, b) for b in breakpoints], [3, 2])
    verdict("both have two left for perf", resume("$slots free")[1], "free 2 2")
    resume("cpu1 0")
    gdb.execute("delete")
    verdict("deleted while CPU 1 was offline: no stop, all free",
          resume("cpu1 1; on 1 x 4; on 1 w 5 8; $slots free"), ([], "free 4 4"))


def packets():
    """The stub's answers, also to what gdb doesn't send."""
    verdict("Z1..Z4 at a fifth address is an error",
          ([packet(f"Z1,{FUNC + i:x},1") for i in range(4)],
           [packet(f"Z{t},{VAR:x},8")[:1] for t in (2, 4)], packet(f"Z1,{VAR:x},1")[:1]),
          (["OK"] * 4, ["E", "E"], "E"))
    verdict("z1", [packet(f"z1,{FUNC + i:x},1") for i in range(4)], ["OK"] * 4)
    verdict("z1 of what isn't set is an error", packet(f"z1,{FUNC:x},1")[:1], "E")
    for what, text in (("length 0", f"Z2,{VAR:x},0"), ("length 33", f"Z2,{VAR:x},21"),
                       ("five registers", f"Z2,{VAR + 1:x},1f"),
                       ("five registers", f"Z4,{VAR + 3:x},1d")):
        answer = packet(text)
        verdict(f"{text[:2]}, {what}: an error", answer[:1], "E")
        if answer == "OK":
            packet(f"z{text[1:]}")
    verdict("after the errors: no stop, all free", resume("on 0 x 3; on 0 w 3 8; $slots free"),
          ([], "free 4 4"))


def detach():
    """Nothing stays armed, nothing stays charged."""
    breakpoints = [hbreak(FUNC), watch(VAR), watch(VAR + 8), watch(VAR + 16)]
    seen, _ = resume("on 1 x 2; on 1 w 3 8")
    verdict("before detach: hits", [hits(seen, b) for b in breakpoints[:2]], [2, 3])
    verdict("detach", run("detach").startswith("error:"), False)
    verdict("detached: the kernel runs, no slot is held",
          guest.ask("on 0 x 5; on 1 w 5 8; on 0 w 5 8; on 1 x 5; $slots free"), "free 4 4")
    verdict("detached: perf has all four", guest.ask("perf_start hold 4; perf_end"), "held 4 4")
    gdb.execute("delete")
    connect(cpu=1)
    verdict("connected again: nothing set", resume("on 0 x 5; on 1 w 5 8"), ([], ""))

    # What is left set by a debugger that tells D, or that comes back without a word.
    verdict("set by packets", [packet(f"Z1,{FUNC:x},1"), packet(f"Z2,{VAR:x},8")], ["OK", "OK"])
    run("disconnect")
    run(f"target remote | {WIRE} {DIR}/kgdb")
    stops.take()
    verdict("a debugger that connects again: nothing set",
          resume("on 0 x 5; on 1 w 5 8; $slots free"), ([], "free 4 4"))
    verdict("set by packets", [packet(f"Z1,{FUNC:x},1"), packet(f"Z2,{VAR:x},8")], ["OK", "OK"])
    run("detach")
    verdict("D takes away what was set",
          guest.ask("on 0 x 5; on 1 w 5 8; on 0 w 5 8; on 1 x 5; $slots free"), "free 4 4")
    connect()


def set_up_again():
    """kgdb's set-up doesn't ask who holds what."""
    for held, can in ((2, 2), (4, 0)):
        run("detach")
        guest.ask("kgdboc ''")
        verdict("no kgdb: all slots are free", guest.ask("$slots free"), "free 4 4")
        verdict(f"perf holds {held}", guest.ask(f"perf_start hold {held}"), f"held {held} {held}")
        guest.ask("kgdboc ttyS1")
        connect()
        breakpoints = [hbreak(FUNC + i) for i in range(can)]
        if can:
            seen, _ = resume("on 1 x 3; on 0 x 2")
            verdict(f"{held} were held at set-up: {can} are hit",
                  hits(seen, breakpoints[0]), 5)
        one_more = hbreak(FUNC + can)
        verdict(f"{held} were held at set-up: not more than {can}", refused(run("continue")), True)
        stops.take()
        one_more.delete()
        resume("perf_end")
        gdb.execute("delete")
        breakpoints = [hbreak(FUNC), watch(VAR), watch(VAR + 8), watch(VAR + 16)]
        seen, _ = resume("on 1 x 3; on 0 w 2 8")
        verdict("they are free again: four are set", ([hits(seen, b) for b in breakpoints[:2]],
              len(seen)), ([3, 2], 5))
        gdb.execute("delete")
        verdict("and deleted", resume("on 1 x 3; $slots free"), ([], "free 4 4"))


def clean_up():
    gdb.execute("delete", to_string=True)
    stops.take()


gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set debuginfod enabled off")
# The end of the VM ends what doesn't answer.
gdb.execute("set remotetimeout 3000")
VAR = status("var")
FUNC = status("func")
if FLAVOUR != "vanilla":
    verdict("before the first entry: all slots are free", guest.ask("$slots free"), "free 4 4")
# gdb leaves out a watch's stop where the value stays. From here on it isn't 0, which is what
# each run of stores, none of them less than 2, begins with.
guest.ask("on 0 w 3 8")
connect()
try:
    for scenario in os.environ["SCENARIOS"].split():
        say(f"# {scenario}")
        try:
            globals()[scenario]()
        except (gdb.error, RuntimeError):
            verdict(f"{scenario} runs to its end", traceback.format_exc().replace("\n", "\n# "), "")
            clean_up()
            resume("tidy")
        clean_up()
    run("detach")
    guest.send("bye")
except Exception:  # pylint: disable=broad-except
    verdict(f"{scenario} runs to its end", traceback.format_exc().replace("\n", "\n# "), "")
    # Where the debugger still listens this ends the VM, else its limit does.
    run("maint packet R0")
