"""lab.py - two namespaces with weir between them, and the count at the end

    with Lab(workers=2) as lab:         weir-e2e-PID-lan, weir-e2e-PID-wan
        lab.run("lan", "ping ...")      a real program inside

A lab takes everything away again however it ends; what a killed predecessor
left is removed before the next one starts.  leave() asks weir's own counters
for the count, exact to the packet: in = forwarded + local + dropped + held,
out = forwarded + originated, and both against the counters of the devices.
"""
import ctypes
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "test", "lib"))
from trial import Failure, need, same, wait_for  # noqa: E402

NAME = re.compile(r"^weir-e2e-(\d+)-")
SIDES = ("lan", "wan")
LAN, LAN2, LAN_GW = "10.0.1.2", "10.0.1.3", "10.0.1.1"
WAN, WAN_GW = "198.51.100.2", "198.51.100.1"
LAN6, LAN6_GW = "fd00:1::2", "fd00:1::1"
WAN6, WAN6_GW = "2001:db8:1::2", "2001:db8:1::1"
ORIGINATED = ("orig_echo", "orig_rst", "orig_error")
libc = ctypes.CDLL(None, use_errno=True)


USER = 65532        # whom root's weir becomes


def say(text):
    print(text, flush=True)


def die_with_parent():
    libc.prctl(1, signal.SIGKILL)       # PR_SET_PDEATHSIG


def sh(command, check=True, timeout=60, **more):
    """A program to its end: its output as text."""
    if isinstance(command, str):
        command = shlex.split(command)
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout,
                          preexec_fn=die_with_parent, **more)
    if check and done.returncode:
        raise Failure(f"{shlex.join(command)}: exit {done.returncode}: "
                      f"{done.stdout.strip()}")
    return done.stdout


def with_node(mode, *command):
    """What starts a program that sees a /dev/net/tun of this mode."""
    return ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /dev/net && "
            f"mknod -m {mode} /dev/net/tun c 10 200 && exec \"$@\"", "sh",
            *command]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def sweep():
    """Remove what labs left that were killed."""
    for line in sh("ip netns list").splitlines():
        m = NAME.match(line)
        if m and not alive(int(m.group(1))):
            name = line.split()[0]
            for pid in sh(["ip", "netns", "pids", name], check=False).split():
                os.kill(int(pid), signal.SIGKILL)
            sh(["ip", "netns", "del", name], check=False)
    for name in os.listdir(tempfile.gettempdir()):
        m = NAME.match(name)
        if m and not alive(int(m.group(1))):
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name))


def drop_kinds():
    """Reasons that are drops (kind D), from the list itself."""
    path = os.path.join(ROOT, "include", "ctcore", "reasons.def")
    with open(path, encoding="utf-8") as f:
        rows = re.findall(r"\bR\((\w+),\s*([DI]),", f.read())
    need(rows, "reasons.def has no rows")
    return {name.lower() for name, kind in rows if kind == "D"} - {"none"}


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path, timeout=10):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Weir:
    """A running weir, or one that refused to start."""

    def __init__(self, config, folder, wrap=(), more=(), program=None,
                 into=None):
        """into: where it writes, else a file."""
        self.folder = folder
        self.file = os.path.join(folder, "weir.json")
        self.socket = config["api"]["socket"]
        self.write(config)
        self.log = open(os.path.join(folder, "weir.log"), "w+b")
        self.process = subprocess.Popen(
            [*wrap, program or weir_bin(), "run", "-c", self.file, *more],
            stdout=into or self.log, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent)

    def write(self, config):
        with open(self.file, "w", encoding="utf-8") as f:
            json.dump(config, f, indent=1)

    def output(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def says(self, text):
        """Wait for it: a thread writes the log, and weir may be ready first."""
        wait_for(f'the log says "{text}"', lambda: text in self.output())

    def get(self, path, method="GET"):
        """(status, body as text) over the Unix socket."""
        c = UnixHTTP(self.socket)
        try:
            c.request(method, path)
            r = c.getresponse()
            return r.status, r.read().decode()
        finally:
            c.close()

    def json(self, path):
        status, body = self.get(path)
        same(status, 200, f"status of {path} ({body[:200]})")
        return json.loads(body)

    def ready(self):
        need(self.process.poll() is None,
             f"weir ended with {self.process.returncode}")
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def conntrack(self, *args, check=True):
        """What weir conntrack prints."""
        return sh([weir_bin(), "conntrack", "--socket", self.socket, *args],
                  check=check)

    def flows(self, query=""):
        return self.json("/api/v1/flows?limit=1000" + query)["flows"]

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=60.0):
        """SIGTERM: (exit status, seconds it took)."""
        begin = time.monotonic()
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"weir did not end within {seconds:g} s of SIGTERM")
        return self.process.returncode, time.monotonic() - begin

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def weir_bin():
    path = os.environ.get("WEIR_BIN")
    need(path and os.access(path, os.X_OK), "WEIR_BIN names no program")
    return path


class Lab:
    namespaces = sides = SIDES      # sides: each has a device of weir's

    def __init__(self, workers=1, mtu=None, rules=None, start=True, **more):
        """rules: of each hook.  more: keys of the configuration; a dict is
        merged into its default."""
        self.workers = workers
        self.pid = os.getpid()
        self.folder = tempfile.mkdtemp(prefix=f"weir-e2e-{self.pid}-")
        os.chmod(self.folder, 0o755)    # root's weir becomes this user
        os.chown(self.folder, USER, USER)
        self.mtu = {"lan": 1500, "wan": 1500, **(mtu or {})}
        self.config = self.default(rules or {})
        for key, value in more.items():
            if isinstance(value, dict):
                self.config.setdefault(key, {}).update(value)
            else:
                self.config[key] = value
        self.children, self.weir, self.started = [], None, start
        self.pieces = 0     # written beyond one for a packet that was cut

    # ---- names ----

    def ns(self, side):
        return f"weir-e2e-{self.pid}-{side}"

    def tun(self, side):
        return f"we{self.pid % 10000000}{side}"

    def default(self, rules):
        post = [{"out": "wan", "dst": "0.0.0.0/0", "masquerade": True}]
        return {
            "interfaces": {
                "lan": {"tun": self.tun("lan"), "side": "inside",
                        "address": [LAN_GW + "/24", LAN6_GW + "/64"],
                        "mtu": self.mtu["lan"]},
                "wan": {"tun": self.tun("wan"), "side": "outside",
                        "address": [WAN_GW + "/24", WAN6_GW + "/64"],
                        "mtu": self.mtu["wan"]}},
            "routes": [{"to": "default", "interface": "wan"}],
            "rules": {"prerouting": [], "forward": [], "postrouting": post,
                      **rules},
            "conntrack": {"max": 4096, "buckets": 4096},
            "workers": self.workers,
            "api": {"listen": f"127.0.0.1:{free_port()}",
                    "socket": os.path.join(self.folder, "weir.sock")},
            "log": {"level": "info"}}

    # ---- life ----

    def __enter__(self):
        try:
            sweep()
            for side in self.namespaces:
                sh(["ip", "netns", "add", self.ns(side)])
                self.run(side, "ip link set lo up")
            self.wire()
            if self.started:
                self.start()
        except BaseException:
            self.clean(True)
            raise
        return self

    def wire(self):
        """What lies between the namespaces before weir is there."""

    def start(self, **more):
        self.weir = Weir(self.config, self.folder, **more)
        wait_for("weir is ready", self.weir.ready)
        for side in self.sides:
            self.adopt(side)

    def adopt(self, side):
        """Move a TUN device into its namespace and give it its host."""
        ns, tun = self.ns(side), self.tun(side)
        sh(["ip", "link", "set", tun, "netns", ns])
        self.set_up(side)

    def set_up(self, side, ns=None):
        tun = self.tun(side)
        hosts = (LAN + "/24", LAN2 + "/24", LAN6 + "/64")
        if side == "wan":
            hosts = (WAN + "/24", WAN6 + "/64")
        self.run(side, f"sysctl -qw net.ipv6.conf.{tun}.addr_gen_mode=1")
        self.run(side, f"ip link set {tun} mtu {self.mtu[side]} up")
        for host in hosts:
            self.run(side, f"ip addr replace {host} dev {tun}"
                           + (" nodad" if ":" in host else ""))
        if side != "wan":
            self.run(side, f"ip route replace default dev {tun}")
            self.run(side, f"ip -6 route replace default dev {tun}")

    def __exit__(self, kind, value, trace):
        try:
            if kind is None and self.started:
                self.leave()
        except BaseException:
            kind = True
            raise
        finally:
            self.clean(kind is not None)

    def leave(self):
        """The count, then SIGTERM."""
        if self.weir.process.poll() is not None:
            raise Failure(f"weir ended with {self.weir.process.returncode}")
        self.stop_children()
        self.count()
        status, took = self.weir.stop()
        same(status, 0, "exit status of weir after SIGTERM")
        say(f"weir ended with 0 after {took:.2f} s")

    def stop_children(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        self.children = []

    def clean(self, failed):
        self.stop_children()
        if self.weir:
            self.weir.kill()
            if failed:
                say("---- weir said ----\n" + self.weir.output()[-8000:])
            self.weir.log.close()
        for side in self.namespaces:
            name = self.ns(side)
            for pid in sh(["ip", "netns", "pids", name], check=False).split():
                if pid.isdigit():
                    os.kill(int(pid), signal.SIGKILL)
            sh(["ip", "netns", "del", name], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- programs and sockets inside ----

    def inside(self, side, command):
        if isinstance(command, str):
            command = shlex.split(command)
        return ["ip", "netns", "exec", self.ns(side), *command]

    def run(self, side, command, **more):
        return sh(self.inside(side, command), **more)

    def spawn(self, side, command, **more):
        child = subprocess.Popen(self.inside(side, command), text=True,
                                 preexec_fn=die_with_parent, **more)
        self.children.append(child)
        return child

    def serve(self, side, *args):
        """serve.py inside, waited for until it listens."""
        child = self.spawn(side, [sys.executable, "-B",
                                  os.path.join(HERE, "serve.py"), *args],
                           stdout=subprocess.PIPE)
        same(child.stdout.readline().strip(), "ready", "the server's word")
        return child

    def open(self, side, family=socket.AF_INET, kind=socket.SOCK_STREAM,
             proto=0):
        """A socket of that namespace, in this process."""
        with open("/proc/self/ns/net") as home, \
                open(f"/run/netns/{self.ns(side)}") as there:
            need(libc.setns(there.fileno(), 0) == 0, "setns")
            try:
                s = socket.socket(family, kind, proto)
            finally:
                need(libc.setns(home.fileno(), 0) == 0, "setns home")
        s.settimeout(10)
        return s

    def listen(self, side, address, kind=socket.SOCK_STREAM, backlog=512):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        s = self.open(side, family, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(address)
        if kind == socket.SOCK_STREAM:
            s.listen(backlog)
        return s

    # ---- the count ----

    def device(self, side):
        """(packets the kernel gave weir, packets weir gave the kernel)."""
        out = self.run(side, ["ip", "-s", "-j", "link", "show",
                              self.tun(side)])
        stats = json.loads(out)[0]["stats64"]
        return stats["tx"]["packets"], stats["rx"]["packets"]

    def stats(self):
        """Counters when nothing moves any more."""
        def still():
            one = self.weir.json("/api/v1/stats")
            time.sleep(0.15)
            two = self.weir.json("/api/v1/stats")
            moves = ("pkts_in", "pkts_out", "forwarded", "local", *ORIGINATED)
            return two if all(one["counters"][k] == two["counters"][k]
                              for k in moves) else None
        return wait_for("traffic ends", still, 20)

    def count(self):
        s = self.stats()
        c, drops = s["counters"], s["drops"]
        kinds = drop_kinds()
        need(set(drops) >= kinds, "drops lacks "
             f"{sorted(kinds - set(drops))} of reasons.def")
        dropped = {k: v for k, v in drops.items() if v and k in kinds}
        held = s["held"] if "held" in s else c["held"]
        say(f"count: in {c['pkts_in']} = forwarded {c['forwarded']} + local "
            f"{c['local']} + dropped {sum(dropped.values())} {dropped} + held "
            f"{held}; out {c['pkts_out']} = forwarded + originated "
            f"{sum(c[k] for k in ORIGINATED)}")
        same(c["forwarded"] + c["local"] + sum(dropped.values()) + held
             + c["frags_merged"], c["pkts_in"],
             "forwarded + local + dropped + held + merged against in")
        same(c["forwarded"] + sum(c[k] for k in ORIGINATED), c["pkts_out"],
             "forwarded + originated against out")
        self.devices(s)
        return s

    def devices(self, s):
        total = [0, 0]
        for side in self.sides:
            sent, got = self.device(side)
            i = s["interfaces"][side]
            same((i["rx_packets"], i["tx_packets"]), (sent, got),
                 f"{side}: packets in and out, weir's against the device's")
            total[0] += sent
            total[1] += got
        same(s["counters"]["pkts_in"], total[0], "pkts_in against the devices")
        same(s["counters"]["pkts_out"] + self.pieces, total[1],
             "pkts_out against the devices")

    def overflow(self, key):
        return self.weir.json("/api/v1/stats")["overflow"][key]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
