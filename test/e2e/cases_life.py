"""cases_life.py - reload, the end, and devices that fail"""
import copy
import os
import signal
import socket
import subprocess
import threading
import time

import lab
from cases_traffic import peer, random_file, read_all, sha256, url
from lab import Lab, need, same, say

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


class Talk:
    """One TCP connection that says something, again and again."""

    def __init__(self, w, port=9000):
        server = w.listen("wan", (lab.WAN, port))
        self.client = w.open("lan")
        self.client.connect((lab.WAN, port))
        self.served = server.accept()[0]
        self.served.settimeout(10)
        server.close()

    def say(self, seconds=10.0):
        self.served.settimeout(seconds)
        word = os.urandom(100)
        self.client.sendall(word)
        same(read_all(self.served, 100), word, "what was said")
        self.served.sendall(word)
        same(read_all(self.client, 100), word, "what was answered")


@case
def sighup(workers):
    """Ten reloads under load: no connection is lost, new rules count."""
    with Lab(workers) as w:
        path, want = random_file(w.folder, 100)
        w.serve("wan", "http", lab.WAN, "8080", w.folder)
        closed = w.listen("wan", (lab.WAN, 9999))
        talk, got = Talk(w), os.path.join(w.folder, "got")
        load = w.spawn("lan", ["curl", "-sSf", "--limit-rate", "12M",
                               "--max-time", "60", "-o", got,
                               url(lab.WAN, 8080, "/data")])
        refuse = {"out": "wan", "proto": "tcp", "dport": 9999,
                  "ct_state": ["new"], "verdict": "drop"}
        for n in range(10):
            config = copy.deepcopy(w.config)
            config["rules"]["forward"] = [refuse] if n % 2 == 0 else []
            w.weir.write(config)
            w.weir.signal(signal.SIGHUP)
            lab.wait_for(f"reload {n} counts",
                         lambda: opens(w, 9999) == (n % 2 == 1), 5)
            talk.say()
        need(load.poll() is None, "the load ended before the reloads did")
        w.weir.write({"interfaces": 7})
        w.weir.signal(signal.SIGHUP)
        time.sleep(0.3)
        talk.say()
        same(opens(w, 9999), True, "after a bad file: the old rules")
        same(load.wait(60), 0, "exit of the transfer under reloads")
        same(sha256(got), want, "SHA-256 of what came meanwhile")
        talk.say()
        closed.close()


@case
def reload_large(workers):
    """While 40,000 rules are read at a reload the API answers: again and
    again, each time by another turn of the loop that serves it."""
    with Lab(workers) as w:
        talk, config = Talk(w), copy.deepcopy(w.config)
        config["rules"]["forward"] = [
            {"proto": "tcp", "dport": 9999, "verdict": "drop",
             "src": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"}
            for n in range(40000)]
        w.weir.write(config)
        w.weir.signal(signal.SIGHUP)
        meanwhile = 0
        while "reloaded " not in w.weir.output():
            same(w.weir.get("/livez")[0], 200, "livez while rules are read")
            meanwhile += 1
        lab.say(f"{meanwhile} answers meanwhile")
        need(meanwhile > 10, f"only {meanwhile} answers while rules were read")
        talk.say()
        done = w.weir.output().count("reloaded ")
        w.weir.signal(signal.SIGHUP)    # and one that comes while it reads
        w.weir.json("/api/v1/stats")
        os.replace(small(w), w.weir.file)
        w.weir.signal(signal.SIGHUP)
        lab.wait_for("the last one is in force",
                     lambda: rules_of(w, "forward") == [], 60)
        lab.wait_for("it says so", lambda:
                     w.weir.output().count("reloaded ") > done)
        talk.say()
        w.count()
        w.weir.write(config)            # the end comes while it reads
        w.weir.signal(signal.SIGHUP)
        w.weir.json("/api/v1/stats")
        same(w.weir.stop()[0], 0, "exit status while rules are read")
        w.started = False


def small(w):
    """The first configuration, in a file beside."""
    path = w.weir.file + ".small"
    with open(path, "w", encoding="utf-8") as f:
        lab.json.dump(w.config, f)
    return path


@case
def restart(workers):
    """Connections outlive a clean restart, with as many workers: each is
    picked up in the middle, by the worker and at the port that it had."""
    with Lab(workers) as w:
        talks = [Talk(w, 9000 + n) for n in range(16)]
        for talk in talks:
            talk.say()
        w.count()
        same(w.weir.stop()[0], 0, "exit status of the first weir")
        w.weir.log.close()
        key = os.path.join(w.folder, "steering.key")
        same(os.path.exists(key), workers > 1, "a key is kept")
        w.start()
        for talk in talks:
            talk.say(20)


def forward_to(host, port):
    return {"in": "wan", "proto": "udp", "dst": lab.WAN_GW, "dport": port,
            "dnat": f"{host}:{port}"}


def pour(s, stop):
    """A datagram to either forward every 10 ms, by one socket."""
    while not stop.wait(0.01):
        for port in (514, 515):
            s.sendto(b"log", (lab.WAN_GW, port))


def rules_of(w, hook):
    """As the API shows them: as they were configured."""
    return [r["rule"] for r in w.weir.json("/api/v1/rules")["rules"]
            if r["hook"] == hook]


@case
def revalidate(workers):
    """A reload changes one of two forwards: its traffic moves within a
    second, though packets never cease; all other flows stay."""
    rules = {"prerouting": [forward_to(lab.LAN, 514), forward_to(lab.LAN, 515)]}
    with Lab(workers, rules=rules, on_reload="revalidate") as w:
        before = w.listen("lan", (lab.LAN, 514), socket.SOCK_DGRAM)
        other = w.listen("lan", (lab.LAN, 515), socket.SOCK_DGRAM)
        after = w.listen("lan", (lab.LAN2, 514), socket.SOCK_DGRAM)
        talk, stop = Talk(w), threading.Event()
        source = w.listen("wan", (lab.WAN, 4000), socket.SOCK_DGRAM)
        load = threading.Thread(target=pour, args=(source, stop))
        load.start()
        try:
            before.recv(10), other.recv(10)
            kept = {f["id"] for f in w.weir.flows("&dport=515&dport=9000")}
            same(rules_of(w, "prerouting"), w.config["rules"]["prerouting"],
                 "the rules before")
            w.config["rules"]["prerouting"][0] = forward_to(lab.LAN2, 514)
            w.weir.write(w.config)
            w.weir.signal(signal.SIGHUP)
            after.settimeout(1)
            after.recv(10)
            lab.wait_for("what became of it", lambda: "revalidated: 1 flows "
                         "ended" in w.weir.output(), 5)
            talk.say()
            same({f["id"] for f in w.weir.flows("&dport=515&dport=9000")}, kept,
                 "the other flows")
        finally:
            stop.set()
            load.join()
        same(w.weir.json("/api/v1/stats")["counters"]["revoked"], 1, "revoked")
        same(rules_of(w, "prerouting"), w.config["rules"]["prerouting"],
             "the rules of now")


def opens(w, port):
    s = w.open("lan")
    s.settimeout(0.3)
    try:
        s.connect((lab.WAN, port))
        return True
    except OSError:
        return False
    finally:
        s.close()


def links(w):
    """TUN devices of this lab, wherever they are."""
    everywhere = lab.sh("ip -o link")
    for side in lab.SIDES:
        everywhere += w.run(side, "ip -o link")
    return [w.tun(s) for s in lab.SIDES if w.tun(s) in everywhere]


@case
def sigterm(workers):
    """SIGTERM in full traffic: exit 0, nothing is left."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with Lab(workers) as w:
            random_file(w.folder, 50)
            w.serve("wan", "http", lab.WAN, "8080", w.folder)
            w.spawn("lan", ["curl", "-sS", "-o", "/dev/null", "--limit-rate",
                            "20M", url(lab.WAN, 8080, "/data")],
                    stderr=subprocess.DEVNULL)
            lab.wait_for("traffic", lambda: w.weir.json(
                "/api/v1/stats")["counters"]["forwarded"] > 100)
            same(len(links(w)), 2, "devices while it runs")
            begin = time.monotonic()
            w.weir.signal(number)
            same(w.weir.process.wait(60), 0, "exit status")
            took = time.monotonic() - begin
            say(f"ended {took:.2f} s after signal {int(number)}")
            same(links(w), [], "devices left behind")
            need(not os.path.exists(w.weir.socket), "a socket file is left")
            with socket.socket() as s:
                s.bind(listen_address(w))
            w.started = False           # no second count: it has ended


def listen_address(w):
    host, port = w.config["api"]["listen"].rsplit(":", 1)
    return host, int(port)


@case
def link_down_up(workers):
    """A device of weir's own namespace goes down and up: flows resume."""
    with HomeLab(workers) as w:
        talk = Talk(w)
        talk.say()
        for _ in range(3):
            w.run("wan", f"ip link set {w.tun('wan')} down")
            before = w.weir.json("/api/v1/stats")["drops"]["tx_link_down"]
            talk.client.sendall(b"x" * 100)
            lab.wait_for("tx_link_down is counted", lambda: w.weir.json(
                "/api/v1/stats")["drops"]["tx_link_down"] > before)
            need(w.weir.process.poll() is None, "weir ended")
            lab.wait_for("it says so", lambda: "is down" in w.weir.get(
                "/readyz")[1])
            same(w.weir.ready(), False, "ready while the device is down")
            w.set_up("wan")
            lab.wait_for("it is ready again", w.weir.ready)
            same(read_all(talk.served, 100), b"x" * 100, "what was held back")
            talk.say()
        down = w.weir.output().count("down")
        need(down < 40, f"a flood of log lines: {down} name 'down'")


@case
def link_deleted(workers):
    """A device is deleted: weir says so, makes it again, flows resume."""
    with HomeLab(workers) as w:
        talk = Talk(w)
        w.serve("wan", "http", "0.0.0.0", "8080", w.folder)
        talk.say()
        w.count()
        for _ in range(2):
            old = index(w)
            w.run("wan", f"ip link del {w.tun('wan')}")
            lab.wait_for("the device is made again",
                         lambda: index(w) not in (0, old), 5)
            w.set_up("wan")
            talk.say(20)
            same(peer(w, lab.WAN), lab.WAN_GW, "a new flow")
        lab.wait_for("weir is ready again", w.weir.ready)
        w.fresh = False                 # the device counts from 0 again


def index(w):
    out = w.run("wan", "ip -o link")
    for line in out.splitlines():
        number, name = line.split(": ")[:2]
        if name == w.tun("wan"):
            return int(number)
    return 0


class HomeLab(Lab):
    """weir lives in the wan namespace itself: its wan device stays at home."""
    fresh = True

    def start(self):
        self.weir = lab.Weir(self.config, self.folder, self.inside("wan", []))
        lab.wait_for("weir is ready", self.weir.ready)
        self.run("wan", ["ip", "link", "set", self.tun("lan"), "netns",
                         self.ns("lan")])
        for side in lab.SIDES:
            self.set_up(side)

    def devices(self, s):
        if self.fresh:
            super().devices(s)


@case
def stranger(workers):
    """Signals and clients that mean nothing do not hurt."""
    with Lab(workers) as w:
        talk = Talk(w)
        threads = [threading.Thread(target=idle, args=(w,)) for _ in range(8)]
        for t in threads:
            t.start()
        w.weir.signal(signal.SIGPIPE)
        talk.say()
        for t in threads:
            t.join()
        status, _ = w.weir.get("/api/v1/nothing-of-that-name")
        same(status, 404, "an unknown path")
        talk.say()


def idle(w):
    s = socket.socket(socket.AF_UNIX)
    s.connect(w.weir.socket)
    s.send(b"GET /api/v1/fl")
    time.sleep(0.5)
    s.close()
