"""cases_sandbox.py - hostile system calls of each thread of a weir that runs

The program here is one without sanitizers ($WEIR_PLAIN): those that have them
run without the limits.  The first call that is refused ends weir, so that each
has a weir of its own."""
import errno
import os
import re
import subprocess
import sys

import lab
from lab import Lab, need, same, say
from lab_gateway import GatewayLab

CASES = {}
INSIDE = (f"-{errno.EACCES}",)      # Landlock's answer; weir goes on
ENDS = ("killed",)


def case(function):
    CASES[function.__name__] = function
    return function


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(word) for word in f.read().split()]


def tasks(w):
    """Each thread of weir and of the process that it orders."""
    found = []
    for pid in (w.weir.process.pid, *children(w.weir.process.pid)):
        found += sorted(int(tid) for tid in os.listdir(f"/proc/{pid}/task"))
    return found


def limited(w):
    """Every thread has a filter, whichever thread started it."""
    for tid in tasks(w):
        with open(f"/proc/{tid}/status", encoding="ascii") as f:
            status = f.read()
        same(re.search(r"^Seccomp:\s+(\d)", status, re.M).group(1), "2",
             f"seccomp of {status.split()[1]}")
    return len(tasks(w))


def inject(tid, call):
    return lab.sh([os.environ["WEIR_INJECT"], str(tid), call]).strip()


def attack(w, start, some=()):
    """some: which threads; without it all."""
    if os.uname().machine != "x86_64":
        say("SKIPPED: inject knows the registers of x86-64 alone")
        sys.exit(77)
    plain = os.environ["WEIR_PLAIN"]
    calls = lab.sh([os.environ["WEIR_INJECT"], "--list"]).split()
    start(plain)
    n = limited(w)
    w.weir.kill()
    for call in calls:
        for i in some or range(-n, 0):
            start(plain)
            tid = tasks(w)[i]
            said = inject(tid, call)
            orders = i == -1
            want = INSIDE if call == "read-passwd" and not orders else ENDS
            need(said in want, f"{call} of thread {i} of {n}: {said}")
            w.weir.kill()
    say(f"{len(calls)} calls, each refused to {len(some) or n} threads")
    need(not os.path.exists("/tmp/weir-e2e-injected"), "a file was made")


@case
def sandbox_interfaces(workers):
    with Lab(workers, start=False) as w:
        def start(program):
            if w.weir:
                w.weir.log.close()
            w.weir = lab.Weir(w.config, w.folder, program=program)
            lab.wait_for("weir is ready", lambda: "running: " in
                         w.weir.output())
        attack(w, start)


@case
def sandbox_gateway(workers):
    with GatewayLab(workers, start=False) as w:
        def start(program):
            if w.weir:
                w.weir.log.close()
            w.weir = lab.Weir(w.config, w.folder, w.inside("gw", ()),
                              program=program)
            lab.wait_for("weir is ready", w.weir.ready)
        attack(w, start, (0, -1))   # control, and the process with the right
        w.settled = False


@case
def sandbox_words(workers):
    """What it may be told; what a reload may not read."""
    plain = os.environ["WEIR_PLAIN"]
    done = subprocess.run([plain, "run", "--sandbox", "maybe"], text=True,
                          capture_output=True, timeout=20)
    same(done.returncode, 2, "exit status")
    need("valid: kill, log, off" in done.stderr, done.stderr)
    with Lab(workers, start=False) as w:
        w.started = True
        w.start(program=plain)
        away = os.path.join(w.folder, "away")
        os.mkdir(away)
        os.chmod(away, 0o755)
        os.rename(w.weir.file, os.path.join(away, "weir.json"))
        os.symlink("away/weir.json", w.weir.file)   # below: it may be
        reload(w, "reloaded ")
        os.unlink(w.weir.file)
        os.symlink("/etc/hostname", w.weir.file)
        reload(w, "Permission denied")
        w.weir.says("folders that its files were in")


def reload(w, word):
    before = w.weir.output().count(word)
    w.weir.signal(lab.signal.SIGHUP)
    lab.wait_for(word, lambda: w.weir.output().count(word) > before)
