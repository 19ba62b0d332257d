#!/usr/bin/env -S python3 -B
"""compose.py WHAT - containers: the real engine, the real compose files

    compose.py setup        an engine, and the images (the fixture of ctest)
    compose.py CASE...      cases, on what setup made
    compose.py all          setup, every case, teardown
    compose.py teardown     all of it away, images stay
    compose.py may          may containers run here?  Says so if not
    compose.py --list       the cases' names

Exit 0 fine, 1 failed, 77 this machine does not let us run containers.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback

import cases_life
import cases_traffic
import engine
import images
import stack
from engine import Broken, Forbidden, say

CASES = {**cases_life.CASES, **cases_traffic.CASES}
SKIP = 77


def setup(owner):
    """The engine is there until teardown, or the end of the owner."""
    teardown()
    state = {"skip": None, "host": None, "guard": None, "port": 8080}
    try:
        bring(state, owner)
    except Forbidden as why:
        state["skip"] = str(why)
    engine.state_write(state)
    return skipped(state)


def bring(state, owner):
    need_programs()
    if engine.answers():
        say("an engine answers: " + os.environ.get("DOCKER_HOST",
                                                   "the default one"))
        state["port"] = stack.free_port()
        images.base()
        images.build(own=False)
        state["guard"] = engine.guard_start("there", owner)
        return
    engine.may_run()
    say("no engine answers: starting one, for these tests alone")
    os.environ["DOCKER_HOST"] = state["host"] = engine.SOCKET
    engine.empty_when_full()
    pid = engine.guard_start("build", os.getpid())
    try:
        images.base()
        images.build(own=True)
    finally:
        engine.guard_stop(pid)
    state["guard"] = engine.guard_start("net", owner)


def need_programs():
    """docker and a compose; an engine only where none answers."""
    if not shutil.which("docker"):
        engine.install("docker.io", "docker-compose", "iptables")
    if not engine.answers() and not shutil.which("dockerd"):
        engine.install("docker.io", "iptables")
    if not engine.compose_command():
        engine.install("docker-compose")


def teardown():
    state = engine.state_read()
    if state and state.get("guard"):
        engine.guard_stop(state["guard"])
    for name in ("state.json", "up.json"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(engine.state_folder(), name))


def may():
    try:
        if not engine.answers():
            engine.may_run()
    except Forbidden as why:
        return skipped({"skip": why})
    return 0


def skipped(state):
    if state.get("skip"):
        say(f"SKIPPED: THIS MACHINE DOES NOT LET US RUN CONTAINERS: "
            f"{state['skip']}. Nothing of the image or of the compose files "
            "was run.")
        return SKIP
    return 0


def case(name):
    state = engine.state_read()
    if not state:
        say("no engine: compose.py setup comes first")
        return 1
    if skipped(state):
        return SKIP
    if state.get("host"):
        os.environ["DOCKER_HOST"] = state["host"]
    begin = time.monotonic()
    try:
        CASES[name]()
    except (stack.Failure, Broken, OSError,
            subprocess.SubprocessError) as wrong:
        traceback.print_exc()
        say(f"FAILED: {wrong}")
        return 1
    say(f"{name}: passed in {time.monotonic() - begin:.1f} s")
    return 0


def every():
    try:
        status = setup(os.getpid())
        if status:
            return status
        results = {name: case(name) for name in CASES}
    finally:
        teardown()
    bad = [name for name, status in results.items() if status]
    say(f"{len(results) - len(bad)} passed, {len(bad)} failed"
        + (": " + " ".join(bad) if bad else ""))
    return 1 if bad else 0


def main():
    what = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if what[:1] == ["--list"]:              # with words: are these all?
        print("\n".join(CASES))
        return what[1:] not in ([], [" ".join(CASES)])
    try:
        if what == ["setup"]:
            return setup(os.getppid())
        if what == ["may"]:
            return may()
        if what == ["all"]:
            return every()
        if what == ["teardown"]:
            teardown()
            return 0
    except Broken as wrong:
        say(f"FAILED: {wrong}")
        return 1
    if not what or set(what) - set(CASES):
        sys.exit(__doc__)
    return max(case(name) for name in what)


sys.exit(main())
