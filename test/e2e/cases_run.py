"""cases_run.py - which configuration `weir run` takes: flag, variable, place"""
import http.client
import os
import re
import select
import signal
import socket
import subprocess
import time

import lab
from lab import Lab, need, same, say

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def show(status, args=(), env=(), wrap=()):
    """`weir run --print-config`: what it said."""
    done = subprocess.run(
        ["env", *env, *wrap, lab.weir_bin(), "run", "--print-config", *args],
        text=True, capture_output=True, timeout=20,
        preexec_fn=lab.die_with_parent)
    said = done.stdout + done.stderr
    say(f"{' '.join(env)} weir run {' '.join(args)}: exit {done.returncode}, "
        f"{said.strip().splitlines()[:1]}")
    same(done.returncode, status, "exit status")
    return said


@case
def run_config(workers):
    with Lab(workers, start=False) as w:
        file = {}
        for name in ("flag", "variable", "place"):
            config = lab.json.loads(lab.json.dumps(w.config))
            config["api"]["socket"] = f"/run/{name}.sock"
            file[name] = os.path.join(w.folder, name + ".json")
            with open(file[name], "w", encoding="utf-8") as f:
                lab.json.dump(config, f)
        # An /etc of its own, with the file at the ordinary place.
        etc = ["unshare", "-m", "sh", "-c",
               "mount -t tmpfs none /etc && mkdir /etc/weir && "
               f"cp {file['place']} /etc/weir/weir.json && exec \"$@\"", "sh"]
        bare = ["unshare", "-m", "sh", "-c",
                'mount -t tmpfs none /etc && exec "$@"', "sh"]
        flag, env = ("-c", file["flag"]), "WEIR_CONFIG=" + file["variable"]
        for name, said in (
                ("flag", show(0, flag, [env], etc)),
                ("variable", show(0, (), [env], etc)),
                ("place", show(0, (), ["WEIR_CONFIG="], etc))):
            need(f"/run/{name}.sock" in said, f"not {name}: {said}")
        need("/nowhere/weir.json" in show(
            1, (), ["WEIR_CONFIG=/nowhere/weir.json"], etc), "the file's name")
        show(2, (), (), bare)           # nothing says what to do
        said = show(0, (), ["WEIR_GATEWAY_LAN=eth0", "WEIR_GATEWAY_WAN=eth1",
                            "WEIR_SOCKET=/run/bare.sock"], bare)
        need("/run/bare.sock" in said and "eth1" in said, said)
        w.config["api"]["url"] = "http://router.example:8081"
        w.weir = lab.Weir(w.config, w.folder)
        lab.wait_for("weir is ready", w.weir.ready)
        w.weir.says("open http://router.example:8081/")


class Follower:
    """`weir conntrack ARGS`; its output is read when asked for."""

    def __init__(self, w, *args):
        reading, self.writing = os.pipe()
        self.out = os.fdopen(reading, "rb")
        self.process = subprocess.Popen(
            [lab.weir_bin(), "conntrack", "--socket", w.weir.socket, *args],
            stdout=self.writing, stderr=subprocess.PIPE,
            preexec_fn=lab.die_with_parent)
        os.close(self.writing)

    def waits(self):
        """Is it in write(), for a pipe that is full?"""
        with open(f"/proc/{self.process.pid}/syscall", encoding="ascii") as f:
            return f.read().split()[0] == "1"


def fill(w, n, first=10000):
    """n flows of UDP, no more at once than a device's queue holds."""
    with w.open("lan", kind=socket.SOCK_DGRAM) as client:
        for done in range(0, n, 100):
            for port in range(first + done, first + min(done + 100, n)):
                client.sendto(b"x", (lab.WAN, port))
            lab.wait_for("they have come", lambda: w.stats()["entries"]
                         >= min(done + 100, n))


@case
def cli_pager(workers):
    """A list whose reader pauses for longer than the API keeps a connection
    is whole, and none of the API's memory waits for that reader."""
    with Lab(workers, conntrack={"max": 8192, "timeouts": {"udp": 120}}) as w:
        fill(w, 3000)
        list_ = Follower(w, "-L")
        lab.wait_for("the pipe is full", list_.waits)
        time.sleep(17)
        got = list_.out.read().decode().splitlines()
        said = list_.process.communicate()[1].decode()
        same(list_.process.returncode, 0, f"exit status ({said})")
        need(len(got) >= 3000 and f"{len(got)} flow entries" in said,
             f"{len(got)} lines, and it says {said}")


@case
def cli_stopped(workers):
    """Ctrl-Z and fg: an event list goes on."""
    with Lab(workers) as w:
        watch = Follower(w, "-E", "-p", "udp", "-e", "NEW")
        with w.open("lan", kind=socket.SOCK_DGRAM) as client:
            lab.wait_for("it shows events", lambda: (
                client.sendto(b"x", (lab.WAN, 9000)),
                w.weir.conntrack("-D", "-p", "udp", check=False),
                select.select([watch.out], [], [], 0)[0])[2])
        watch.process.send_signal(signal.SIGSTOP)
        lab.wait_for("it has stopped", lambda: os.waitpid(
            watch.process.pid, os.WUNTRACED | os.WNOHANG)[0])
        watch.process.send_signal(signal.SIGCONT)
        fill(w, 1)
        lines = iter(watch.out.readline, b"")
        need(any(b"[NEW] udp" in line and b"dport=10000" in line
                 for line in lines), "the flow of after the pause is missing")
        watch.process.send_signal(signal.SIGINT)
        same(watch.process.wait(10), 0, "exit status")
        watch.process.stderr.close()


@case
def cli_id(workers):
    """-o id is a number, as scripts expect it."""
    with Lab(workers) as w:
        fill(w, 1)
        need(re.search(r" id=\d+ *$", w.weir.conntrack("-L", "-o", "id"),
                       re.M), "no id of digits")
        flow = w.weir.flows()[0]["id"].split("-")
        number = int(flow[0]) << 32 | int(flow[1])
        need(f"id={number}" in w.weir.conntrack("-L", "-o", "id"), "other id")


@case
def cli_wrong(workers):
    """A refusal names the option and its value."""
    with Lab(workers) as w:
        for args, want in ((("-s", "10.0.1.999"), "--src 10.0.1.999: "),
                           (("--sport", "70000"), "--sport 70000: "),
                           (("-n", "1.2.3.4:99999"), "--src-nat ")):
            done = subprocess.run(
                [lab.weir_bin(), "conntrack", "--socket", w.weir.socket, "-L",
                 *args], text=True, capture_output=True, timeout=60,
                preexec_fn=lab.die_with_parent)
            same(done.returncode, 2, f"exit status ({done.stderr})")
            need(want in done.stderr, f"no {want!r} in {done.stderr!r}")


def ask(w, token, path="/api/v1/stats", method="GET"):
    """Status over TCP, with another name than the router's own."""
    port = int(w.config["api"]["listen"].rsplit(":", 1)[1])
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        c.request(method, path, headers={
            "Host": "router.example", **(
                {"Authorization": "Bearer " + token} if token else {})})
        return c.getresponse().status
    finally:
        c.close()


def shown(w):
    return re.findall(r"#token=(weir_\S+)", w.weir.output())


@case
def api_token(workers):
    """Shown when it is made and never again; another one without a restart."""
    with Lab(workers, start=False) as w:
        file = os.path.join(w.folder, "token")
        w.config["api"]["token_file"] = file
        w.start()
        with open(file, encoding="ascii") as f:
            first = f.read().strip()
        same(shown(w), [first], "what the log shows at the first start")
        same(ask(w, None), 401, "without a token")
        same(ask(w, first), 200, "with it, by any name")
        same(ask(w, first, "/api/v1/flows?all=true", "DELETE"), 200, "a write")

        second = "another-token-of-at-least-32-letters"
        with open(file, "w", encoding="ascii") as f:
            f.write(second + "\n")
        w.weir.signal(signal.SIGHUP)
        lab.wait_for("the new token counts", lambda: ask(w, second) == 200)
        same(ask(w, first), 401, "with the old one")
        lab.wait_for("a line of the log", lambda: "wrong API token from "
                     "127.0.0.1" in w.weir.output())

        os.rename(file, file + ".away")     # it is the user's whom weir became
        w.weir.signal(signal.SIGHUP)
        lab.wait_for("a line of the log",
                     lambda: "the old token stays" in w.weir.output())
        same(ask(w, second), 200, "with the one that stays")

        os.rename(file + ".away", file)
        w.weir.stop()
        w.start()
        same(shown(w), [], "what the log shows at the second start")
        w.weir.says(file)


@case
def api_open(workers):
    """Without a token: who reaches the port may look and change nothing."""
    with Lab(workers, start=False) as w:
        w.start()
        port = int(w.config["api"]["listen"].rsplit(":", 1)[1])
        for method, path, status in (
                ("GET", "/api/v1/flows", 200),
                ("DELETE", "/api/v1/flows?all=true", 403),
                ("DELETE", "/api/v1/flows/0-1", 403)):
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            c.request(method, path)
            same(c.getresponse().status, status, f"{method} {path}")
            c.close()
        same(ask(w, None), 421, "by another name")
        same(w.weir.get("/api/v1/flows?all=true", "DELETE")[0], 200,
             "the Unix socket")
