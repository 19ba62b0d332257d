"""cases_log.py - rules that log, and what a flood of lines does

The count is exact: of a rule's packets each has a line, or is one of those
that a later line says were suppressed.
"""
import json
import os
import random
import re
import signal
import socket
import struct
import threading
import time

import lab
from cases_traffic import read_all
from lab import Lab, need, same, say, wait_for

CASES = {}
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
TEXT = re.compile(STAMP + r" (error|warn |info |debug) (\w+): (.*)")
LINE = re.compile(
    r"(?:(?P<prefix>.+): )?rule=(?P<rule>\S+) hook=(?P<hook>[a-z]+)"
    r"(?: in=(?:lan|wan))?(?: out=(?:lan|wan))? src=(?P<src>[0-9a-f.:]+) "
    r"dst=[0-9a-f.:]+ proto=\d+(?: sport=\d+ dport=\d+)?"
    r"(?: flags=0x[0-9a-f]{2})?(?: type=\d+ code=\d+)? len=\d+ ttl=\d+ "
    r"state=(?:invalid|new|established|related|untracked)(?: mark=\d+)?"
    r"(?: suppressed=(?P<suppressed>\d+))?")
MASQUERADE = {"out": "wan", "dst": "0.0.0.0/0", "masquerade": True}
TRICKY = 'a "b" \\u000a \\ \u00fc :'        # a prefix, as its rule has it


def case(function):
    CASES[function.__name__] = function
    return function


def words(text, form):
    """[(module, words)] of a whole log: nothing else may stand in it."""
    out = []
    for line in text.splitlines():
        if form == "json":
            one = json.loads(line)
            same(sorted(one), ["level", "module", "msg", "ts"], "keys")
            need(re.fullmatch(STAMP, one["ts"]), line)
            out.append((one["module"], one["msg"]))
        else:
            m = TEXT.fullmatch(line)
            need(m, f"no line of a log: {line!r}")
            out.append(m.groups()[1:])
    return out


def lines(w):
    """What rules said, each line of the known shape."""
    text = w.weir.output()
    text = text[:text.rfind("\n") + 1]
    said = [one for module, one in words(text, w.config["log"]["format"])
            if module == "rule"]
    for one in said:
        need(LINE.fullmatch(one), f"no rule's line: {one!r}")
    return said


def wait_lines(w, n):
    return wait_for(f"{n} lines", lambda: len(got := lines(w)) >= n and got)


def told(said, rule=None):
    """How many packets lines account for."""
    rows = [LINE.fullmatch(one) for one in said]
    return sum(1 + int(m["suppressed"] or 0) for m in rows
               if rule in (None, m["rule"]))


def log_lab(workers, form, rate=10, **rules):
    rules.setdefault("postrouting", [MASQUERADE])
    return Lab(workers, rules=rules, log={"level": "info", "format": form},
               conntrack={"log_rate": rate})


@case
def log_lines(workers):
    """Each rule's line has all its facts, in both formats."""
    rules = {
        "prerouting": [{"id": "in", "in": "lan", "proto": "tcp", "ct_state":
                        "new", "log": TRICKY, "set_mark": 7}],
        "input": [{"id": "me", "proto": "icmp", "log": True}],
        "forward": [{"id": "no", "proto": "udp", "dport": 7009, "log":
                     "discard", "verdict": "drop"}],
        "postrouting": [{"id": "nat", **MASQUERADE, "log": "flow"}]}
    for form in ("text", "json"):
        with log_lab(workers, form, **rules) as w:
            server = w.listen("wan", (lab.WAN, 9000))
            client = w.open("lan")
            client.connect((lab.WAN, 9000))
            served = server.accept()[0]
            served.settimeout(10)
            client.sendall(b"word")
            same(read_all(served, 4), b"word", "what was said")
            s = w.open("lan", socket.AF_INET6, socket.SOCK_DGRAM)
            s.sendto(b"x", (lab.WAN6, 7009))
            w.run("lan", f"ping -n -c 1 -W 2 -t 9 {lab.LAN_GW}")
            got = wait_lines(w, 4)
            port = client.getsockname()[1]
            tcp = f"dst={lab.WAN} proto=6 sport=%d dport=9000 flags=0x02 " \
                "len=60 ttl=%d state=new mark=7"
            # As a rule finds it, before its action: the mark is of later.
            first = tcp.removesuffix(" mark=7")
            # Lines of one worker are in order, those of several are not.
            same(sorted(got), sorted([
                f"{TRICKY}: rule=in hook=prerouting in=lan src={lab.LAN} "
                + first % (port, 64),
                f"flow: rule=nat hook=postrouting in=lan out=wan "
                f"src={lab.LAN} " + tcp % (port, 63),
                f"discard: rule=no hook=forward in=lan out=wan "
                f"src={lab.LAN6} dst={lab.WAN6} proto=17 "
                f"sport={s.getsockname()[1]} dport=7009 len=49 ttl=64 "
                "state=new",
                f"rule=me hook=input in=lan src={lab.LAN} dst={lab.LAN_GW} "
                "proto=1 type=8 code=0 len=84 ttl=9 state=new"]), "lines")


@case
def log_limit(workers):
    """Ten at once and ten a second; no packet is told of twice or never."""
    rule = {"id": "r", "proto": "udp", "dport": 7009, "log": "x",
            "verdict": "drop"}
    with log_lab(workers, "text", forward=[rule]) as w:
        s, begin = w.open("lan", kind=socket.SOCK_DGRAM), time.monotonic()
        for n in range(500):
            s.sendto(b"x", (lab.WAN, 7009))
            if n % 50 == 49:            # more at once find no room elsewhere
                time.sleep(0.005)
        same(w.stats()["drops"]["rule"], 500, "packets that met the rule")
        took = time.monotonic() - begin
        got = lines(w)
        need(10 <= len(got) <= 10 + 10 * took,
             f"{len(got)} lines in {took:.2f} s")
        time.sleep(0.15)
        s.sendto(b"x", (lab.WAN, 7009))
        got = wait_lines(w, len(got) + 1)
        same(told(got), 501, "packets that lines account for")
        c = w.stats()["counters"]
        same((c["logged"], c["log_suppressed"]), (len(got), 501 - len(got)),
             "the counters")
        say(f"{len(got)} lines, {got[-1][-14:]}")


def nonsense(chance):
    """A packet from LAN to WAN whose every field and byte is chance's."""
    payload = b"\n2026-01-01T00:00:00.000Z error rule: forged\x1b[2J\x9b\"}\n"
    kind = chance.choice((1, 6, 17, 17, 33, 47, 132, 136, 253))
    body = chance.randbytes(chance.randrange(64)) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, chance.randrange(256), 0, 0, 0,
                       chance.randrange(2, 256), kind, 0,
                       socket.inet_aton(lab.LAN),
                       socket.inet_aton(lab.WAN)) + body


@case
def log_hostile(workers):
    """Whatever a packet says, a line has its shape, and is one line."""
    rule = {"id": "all", "in": "lan", "log": "x y=z: "}
    seed = random.SystemRandom().randrange(1 << 32)
    say(f"seed {seed}")
    for form in ("text", "json"):
        chance = random.Random(seed)
        with log_lab(workers, form, 1000, prerouting=[rule],
                     forward=[{"in": "lan", "verdict": "drop"}]) as w:
            raw = w.open("lan", socket.AF_INET, socket.SOCK_RAW,
                         socket.IPPROTO_RAW)
            for n in range(501):
                raw.sendto(nonsense(chance), (lab.WAN, 0))
                if n % 100 == 99:       # what found no room is the last's
                    w.stats()
            c = w.stats()["counters"]
            got = wait_lines(w, c["logged"])
            same((told(got), c["pkts_in"]), (501, 501), "packets told of")
            need(len(got) > 200, "too few lines to say anything")
            say(f"{form}: {len(got)} lines about 501 packets")


class Reader(threading.Thread):
    """Takes a log's bytes from a pipe when go is set, 4 KB a pause."""

    def __init__(self, end):
        super().__init__(daemon=True)
        self.end, self.go, self.bytes = end, threading.Event(), b""
        self.pause = 0
        self.start()

    def run(self):
        while True:
            self.go.wait()
            time.sleep(self.pause)
            piece = os.read(self.end, 4096)
            if not piece:
                return
            self.bytes += piece


class Piped(Lab):
    """weir's log is a pipe, read only when the reader may."""

    def start(self):
        reading, writing = os.pipe()
        self.reader = Reader(reading)
        self.reader.go.set()
        super().start(into=writing)
        self.weir.output = lambda: self.reader.bytes.decode()
        os.close(writing)


def rounds(client, server, n):
    """Seconds of each of n rounds: 64 datagrams there, 64 back."""
    took = []
    for i in range(n):
        begin, word = time.monotonic(), b"%d" % i
        for _ in range(64):
            client.sendto(word, (lab.WAN, 7000))
        for _ in range(64):
            got, who = server.recvfrom(100)
            same(got, word, "what the server got")
            server.sendto(got, who)
        for _ in range(64):
            same(client.recv(100), word, "the answer")
        took.append(time.monotonic() - begin)
    return sorted(took)


def slow(w, client, server):
    """Longest answer of the API in a second in which the log's reader is
    slower than the lines come: they never end, others have their turn."""
    longest, end = 0, time.monotonic() + 1
    w.reader.pause, over = 0.004, threading.Event()

    def pour():
        while not over.is_set():
            rounds(client, server, 1)

    flood = threading.Thread(target=pour)
    flood.start()
    try:
        while time.monotonic() < end:
            begin = time.monotonic()
            w.weir.json("/api/v1/stats")
            longest = max(longest, time.monotonic() - begin)
    finally:
        over.set()
        flood.join()
        w.reader.pause = 0
    return longest


@case
def log_flood(workers):
    """No program reads the log, and every packet writes twenty lines: packets
    are not delayed, and every lost line is counted in the log later."""
    many = [{"id": f"r{n}", "in": "lan", "proto": "udp", "dport": 7000,
             "log": f"flood {n}"} for n in range(20)]
    with Piped(workers, rules={"forward": many}, log={"format": "text"},
               conntrack={"log_rate": 1000}) as w:
        server = w.listen("wan", (lab.WAN, 7000), socket.SOCK_DGRAM)
        server.settimeout(5)
        client = w.open("lan", kind=socket.SOCK_DGRAM)
        w.reader.go.clear()
        rounds(client, server, 20)      # the pipe and the ring fill up
        blocked = rounds(client, server, 200)
        need(w.weir.ready(), "the API answers while the log's reader stalls")
        w.weir.signal(signal.SIGHUP)
        w.reader.go.set()
        wait_for("the reload is in the log",
                 lambda: "reloaded" in w.weir.output())
        time.sleep(0.1)                 # what was lost is the next one's to say
        client.sendto(b"last", (lab.WAN, 7000))
        same(server.recv(100), b"last", "the last one")
        c = w.stats()["counters"]
        met = (220 * 64 + 1) * len(many)
        same(c["logged"] + c["log_suppressed"], met, "logged or suppressed")
        got = wait_lines(w, c["logged"])
        same((len(got), told(got)), (c["logged"], met), "lines, and all told")
        for n in range(len(many)):
            same(told(got, f"r{n}"), met // len(many), f"packets of rule {n}")
        flowing = rounds(client, server, 200)
        say(f"{len(got)} lines, {met - len(got)} suppressed; a round of 64 "
            f"{1000 * blocked[100]:.2f} ms while the log is not read, "
            f"{1000 * flowing[100]:.2f} ms while it is; the longest "
            f"{1000 * blocked[-1]:.1f} and {1000 * flowing[-1]:.1f} ms")
        longest = slow(w, client, server)
        say(f"the API's longest answer beside a slow reader: {longest:.2f} s")


@case
def log_stalled(workers):
    """SIGTERM ends weir although the reader of its log has stalled."""
    with Piped(workers, rules={"forward": [
            {"in": "lan", "proto": "udp", "dport": 7000, "log": True}]},
            conntrack={"log_rate": 1000}) as w:
        server = w.listen("wan", (lab.WAN, 7000), socket.SOCK_DGRAM)
        server.settimeout(10)
        client = w.open("lan", kind=socket.SOCK_DGRAM)
        w.reader.go.clear()
        rounds(client, server, 50)
        need(w.weir.ready(), "the API answers")
