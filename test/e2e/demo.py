#!/usr/bin/env -S python3 -B
"""demo.py - router/run itself: it works, and leaves nothing behind

Once to its end; then killed with -9 in the middle, and its children killed
with -9 one after the other.
"""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import lab
from lab import need, same, say

RUN = os.path.join(lab.ROOT, "router", "run")


def processes(word):
    """Ids of demo processes with this word on their command line."""
    out = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                line = f.read().decode(errors="replace")
        except OSError:
            continue
        if "/tmp/weir-demo." in line and word in line:
            out.append(int(path.split("/")[2]))
    return out


def left():
    """What a demo may have left in the kernel, in /tmp or running."""
    return (re.findall(r"weir-demo-\w+", lab.sh("ip netns list"))
            + re.findall(r"weirdemo-\w+", lab.sh("ip -o link"))
            + glob.glob("/tmp/weir-demo.*") + processes(""))


def start(*args):
    return subprocess.Popen([RUN, *args], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True,
                            preexec_fn=lab.die_with_parent)


def read_until(demo, word):
    said = ""
    for line in demo.stdout:
        said += line
        if word in line:
            return said
    raise lab.Failure(f"ended before it said {word!r}:\n{said}")


def nothing_left(when):
    lab.wait_for(f"nothing is left {when}", lambda: not left(), 10)


def once():
    begin = time.monotonic()
    demo = start("--once")
    said = demo.communicate(timeout=400)[0]
    say(said)
    same(demo.returncode, 0, "exit status of router/run --once")
    for word in ("SHA-256 equal", "Gbit/s", "(weir)", "ESTABLISHED|TIME_WAIT",
                 "http://127.0.0.1:"):
        need(re.search(word.replace("(", r"\(").replace(")", r"\)"), said),
             f"does not say {word}")
    nothing_left("at the end")
    return time.monotonic() - begin


def interrupted():
    demo = start()
    said = read_until(demo, "until Ctrl-C")
    api = re.search(r"http://127\.0\.0\.1:\d+/", said).group(0)
    lab.sh(["curl", "-sSf", "-o", "/dev/null", api])
    os.killpg(demo.pid, signal.SIGINT)
    same(demo.wait(20), 0, "exit status after Ctrl-C")
    nothing_left("after Ctrl-C")


def killed():
    demo = start()
    read_until(demo, "weir ")
    read_until(demo, "servers")
    demo.kill()
    demo.wait()
    nothing_left("after kill -9 of the script")
    demo = start()
    read_until(demo, "servers")
    for pid in processes("--watch-over"):
        os.kill(pid, signal.SIGKILL)
    demo.kill()
    demo.wait()
    need(left(), "void: something must be left when both are killed")
    once()
    for victim in ("weir.json", "server.py", "--watch-over"):
        demo = start("--once")
        read_until(demo, "100 MB down")
        for pid in processes(victim):
            os.kill(pid, signal.SIGKILL)
        demo.communicate(timeout=300)
        nothing_left(f"after kill -9 of {victim}")
        say(f"nothing left after kill -9 of {victim}")


def no_root():
    with tempfile.TemporaryDirectory(prefix="weir-e2e-") as folder:
        os.chmod(folder, 0o755)
        os.mkdir(os.path.join(folder, "router"))
        copy = shutil.copy(RUN, os.path.join(folder, "router", "run"))
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             "bash", copy], text=True, capture_output=True)
    same((done.returncode, done.stdout), (1, ""), "without root")
    same(done.stderr.count("\n"), 1, "lines said without root")
    need("root" in done.stderr, done.stderr)


def main():
    if os.geteuid():
        print("SKIPPED: NOT ROOT. router/run makes network namespaces: "
              "nothing of it was run.")
        return 77
    try:
        os.environ["WEIR_SOCKET"] = "/nowhere/weir.sock"    # not the demo's
        os.environ["WEIR_CONNTRACK_MAX"] = "nonsense"
        no_root()
        once()
        took = once()
        lab.say(f"took {took:.0f} s when all was built")
        interrupted()
        killed()
    except (lab.Failure, OSError, subprocess.SubprocessError) as wrong:
        print(f"FAILED: {wrong}\nleft: {left()}")
        return 1
    return 0


sys.exit(main())
