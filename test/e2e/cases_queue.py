"""cases_queue.py - packets that a user program decides about"""
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import lab
from lab import Lab, need, same, say, wait_for

CLIENT = os.path.join(lab.ROOT, "docker", "examples", "queue")
sys.path.insert(0, CLIENT)
import queue_client  # noqa: E402

CASES = {}
RULE = {"proto": "udp", "dport": 7000, "verdict": "queue 0"}


def case(function):
    CASES[function.__name__] = function
    return function


def queue_lab(workers, rules=None, **options):
    """A lab with queue 0; rules: of forward."""
    return Lab(workers, rules={"forward": rules or [RULE]},
               queues={"list": [{"number": 0, **options}]})


def path_of(w):
    return os.path.join(w.folder, "queue.sock")


def row(w):
    return w.weir.json("/api/v1/queues")["queues"][0]


def drops(w):
    return {k: v for k, v in w.weir.json("/api/v1/stats")["drops"].items() if v}


class Program(threading.Thread):
    """A program in this process; decide(packet) answers each."""

    def __init__(self, w, decide, number=0, copy=65575):
        super().__init__(daemon=True)
        self.decide, self.seen, self.refused = decide, [], []
        self.client = queue_client.Client(path_of(w), timeout=60)
        self.options = self.client.subscribe(number, copy)
        self.start()

    def run(self):
        while True:
            try:
                packet = self.client.read()
            except queue_client.Refused as why:
                self.refused.append(why)
                continue
            except OSError:
                return
            if packet is None:
                return
            self.seen.append(packet)
            self.decide(packet)

    def close(self):
        self.client.socket.shutdown(socket.SHUT_RDWR)
        self.join(10)
        self.client.close()


class Talk:
    """A client inside and a server outside that echoes what it hears."""

    def __init__(self, w):
        self.w = w
        self.server = w.listen("wan", (lab.WAN, 7000), socket.SOCK_DGRAM)
        self.server.settimeout(1.5)
        self.client = w.open("lan", kind=socket.SOCK_DGRAM)

    def new(self):
        self.client = self.w.open("lan", kind=socket.SOCK_DGRAM)

    def send(self, word):
        self.client.sendto(word, (lab.WAN, 7000))

    def hear(self):
        try:
            return self.server.recv(65536)
        except TimeoutError:
            return None

    def say(self, word):
        self.send(word)
        return self.hear()


def all_back(w):
    wait_for("no packet waits", lambda: row(w)["held"] == 0, 20)


@case
def queue_verdicts(workers):
    """Accept, drop, repeat, other bytes, a mark: each does what it says."""
    def decide(p):
        word = p.bytes[28:]
        if word.startswith(b"drop"):
            p.drop()
        elif word.startswith(b"longer"):
            head = bytearray(p.bytes[:28])
            head[2:4] = (28 + 600).to_bytes(2, "big")
            head[24:26] = (8 + 600).to_bytes(2, "big")
            p.accept(data=bytes(head) + b"L" * 600)
        elif word.startswith(b"elsewhere"):
            p.accept(data=p.bytes[:16] + b"\x08\x08\x08\x08" + p.bytes[20:])
        elif word.startswith(b"mark"):
            p.accept(mark=77)
        elif word.startswith(b"repeat"):
            p.repeat(mark=9)
        else:
            p.accept()

    rules = [{"mark": 9, "verdict": "accept", "id": "marked"}, RULE]
    with queue_lab(workers, rules) as w:
        t, program = Talk(w), Program(w, decide)
        same(program.options["max"], 1024, "max of the queue")
        same(t.say(b"plain"), b"plain", "what was accepted")
        same(t.say(b"drop me"), None, "what was dropped")
        same(t.say(b"longer"), b"L" * 600, "what was changed")
        same(t.say(b"elsewhere"), None, "what was sent elsewhere")
        same(t.say(b"mark me"), b"mark me", "what was marked")
        same([f["mark"] for f in w.weir.flows()], [77], "the flow's mark")
        t.new()
        same(t.say(b"repeat"), b"repeat", "what was asked again")
        all_back(w)
        first, last = program.seen[0], program.seen[-1]
        same((first.hook, first.state, first.iface_in, first.iface_out),
             ("forward", "new", "lan", "wan"), "what the program was told")
        need(first.flags & queue_client.FIRST, "it opens its flow")
        same(first.addresses(), (lab.LAN, lab.WAN), "its addresses")
        need(last.flow in {f["id"] for f in w.weir.flows()},
             f"{last.flow} is a flow's id")
        same([r.code for r in program.refused], [10], "what was refused")
        rules = {r["id"]: r["packets"]
                 for r in w.weir.json("/api/v1/rules")["rules"]}
        same(rules["marked"], 1, "packets of the rule that was asked again")
        q = row(w)
        same((q["queued"], q["verdicts"], q["bad_verdict"]), (6, 5, 1), "queue")
        same((q["consumer"]["pid"], q["consumer"]["uid"]), (os.getpid(), 0),
             "who listens")
        same((drops(w)["queue_verdict"], drops(w)["bad_verdict"]), (1, 1),
             "drops")
        program.close()
        wait_for("no program", lambda: row(w)["consumer"] is None, 5)
        same(t.say(b"marked"), b"marked", "a flow keeps its mark")
        t.new()
        same(t.say(b"alone"), None, "an answer without a program")
        same(drops(w)["no_queue"], 1, "drops")


@case
def queue_bulk(workers):
    """Super-packets through a program and back, TCP by its hash; and whole
    datagrams of fragments, cut again as they were."""
    rules = [{"proto": "tcp", "verdict": "queue 0"},
             {"proto": "udp", "verdict": "queue 0"}]
    with queue_lab(workers, rules) as w:
        program = Program(w, lambda p: p.accept())
        listener = w.listen("wan", (lab.WAN, 7001))
        data, got = random.randbytes(8 << 20), []

        def serve():
            s, _ = listener.accept()
            while chunk := s.recv(1 << 16):
                got.append(chunk)
            s.close()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        c = w.open("lan")
        c.settimeout(60)
        c.connect((lab.WAN, 7001))
        c.sendall(data)
        c.close()
        thread.join(60)
        same(hashlib.sha256(b"".join(got)).hexdigest(),
             hashlib.sha256(data).hexdigest(), "what came through")
        super_packets = [p for p in program.seen
                         if p.flags & queue_client.GSO]
        need(super_packets, "no super-packet met the program")
        need(all(p.flags & queue_client.PARTIAL and p.gso_size
                 and p.length == len(p.bytes) for p in super_packets),
             "what a super-packet says of itself")
        t, word = Talk(w), os.urandom(9000)
        same(t.say(word), word, "a datagram of fragments")
        need(program.seen[-1].frag_max, "the program is told of fragments")
        all_back(w)
        c = w.stats()["counters"]
        same(c["refragmented"], c["reassembled"], "datagrams cut again")
        w.pieces += c["frags_merged"]
        say(f"{len(program.seen)} packets, {len(super_packets)} of them super")
        program.close()


@case
def queue_silent(workers):
    """A program that never answers, and is killed: drop, or fail open."""
    for fail_open, bypass in ((False, False), (True, True)):
        with queue_lab(workers, fail_open=fail_open, bypass=bypass,
                       timeout_ms=300) as w:
            t = Talk(w)
            child = subprocess.Popen(
                [sys.executable, "-B", "-c",
                 "import sys, time; sys.path.insert(0, sys.argv[1])\n"
                 "import queue_client\n"
                 "c = queue_client.Client(sys.argv[2])\n"
                 "print(c.subscribe(0), flush=True); time.sleep(1000)",
                 CLIENT, path_of(w)], stdout=subprocess.PIPE, text=True,
                preexec_fn=lab.die_with_parent)
            w.children.append(child)
            child.stdout.readline()
            begin = time.monotonic()
            same(t.say(b"one"), b"one" if fail_open else None, "past its time")
            took = time.monotonic() - begin
            need(took >= 0.28, f"it waited {took:.3f} s")
            same(row(w)["timeout"], 1, "time-outs")
            t.send(b"two")
            wait_for("one waits", lambda: row(w)["held"] == 1, 5)
            child.send_signal(signal.SIGKILL)
            same(t.hear(), b"two" if bypass else None, "its program was killed")
            wait_for("no program", lambda: row(w)["consumer"] is None, 5)
            same(t.say(b"three"), b"three" if bypass else None, "no program")
            q = row(w)
            same((q["bypassed"], q["fail_opened"]),
                 (2, 1) if bypass else (0, 0), "bypassed, failed open")
            if not bypass:
                same((drops(w)["queue_timeout"], drops(w)["no_queue"]),
                     (1, 2), "drops")


@case
def queue_late(workers):
    """A verdict that comes too late is counted, and ends no program."""
    with queue_lab(workers, timeout_ms=300) as w:
        t = Talk(w)
        child = subprocess.Popen(
            [sys.executable, "-B", os.path.join(CLIENT, "queue_client.py"),
             path_of(w), "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=lab.die_with_parent)
        w.children.append(child)
        child.stdout.readline()
        child.send_signal(signal.SIGSTOP)
        t.send(b"one")
        wait_for("it waited too long", lambda: row(w)["timeout"] == 1, 10)
        child.send_signal(signal.SIGCONT)
        need("no packet of that id" in child.stderr.readline(), "what it says")
        same(row(w)["late"], 1, "late verdicts")
        t.new()
        wait_for("it decides on", lambda: t.say(b"two") == b"two", 20)
        same(child.poll(), None, "the program has ended")


@case
def queue_full(workers):
    """More than may wait: the rest is dropped or passes, and all is counted."""
    for fail_open in (False, True):
        kept = []
        with queue_lab(workers, fail_open=fail_open, max=4 * workers,
                       timeout_ms=20000) as w:
            t, program = Talk(w), Program(w, kept.append)
            for n in range(20):
                t.send(b"%d" % n)
            wait_for("all have come", lambda: row(w)["full"] == 16, 10)
            same(row(w)["held"], 4, "packets that wait")
            passed = [t.hear() for _ in range(16)] if fail_open else []
            same(passed, [b"%d" % n for n in range(4, 20)] if fail_open else [],
                 "what passed meanwhile")
            wait_for("the program has them", lambda: len(kept) == 4, 5)
            for packet in reversed(kept):
                packet.accept()
            same([t.hear() for _ in range(4)], [b"3", b"2", b"1", b"0"],
                 "in the order of the verdicts")
            same(t.say(b"again") is None, True, "that one gets no answer")
            kept[-1].accept()
            same(t.hear(), b"again", "the last one")
            all_back(w)
            q = row(w)
            same((q["queued"], q["full"], q["fail_opened"]),
                 (5, 16, 16 * fail_open), "queue")
            c = w.weir.json("/api/v1/stats")["counters"]
            # all had begun a flow of their own: they joined the one that won
            same(c["clash_resolve"], 4 if fail_open else 3, "joined")
            same(len(w.weir.flows()), 1, "flows")
            program.close()


@case
def queue_hostile(workers):
    """Whatever is said to the socket, packets and other programs go on."""
    with queue_lab(workers) as w:
        t = Talk(w)
        program = Program(w, lambda p: p.accept())
        same(os.stat(path_of(w)).st_mode & 0o777, 0o600, "mode of the socket")
        other = queue_client.Client(path_of(w), timeout=10)
        for number, code in ((0, 8), (5, 7)):
            try:
                other.subscribe(number)
                raise lab.Failure(f"queue {number} was given away")
            except queue_client.Refused as why:
                same(why.code, code, "the refusal's code")
        chance = random.Random(workers)
        for n in range(300):
            c = queue_client.Client(path_of(w), timeout=10)
            for _ in range(chance.randrange(1, 4)):
                junk = bytearray(chance.randbytes(chance.choice(
                    (1, 7, 8, 16, 23, 24, 60, 200, 70000))))
                if chance.random() < 0.7 and len(junk) >= 8:
                    junk[0], junk[1] = 1, chance.choice((1, 4, 4, 4, 9))
                    junk[4:8] = len(junk).to_bytes(4, "big")
                try:
                    c.socket.send(junk)
                except OSError:
                    break
            c.close()
            if n % 50 == 0:
                word = b"%d" % n
                same(t.say(word), word, "a packet meanwhile")
        crowd = [queue_client.Client(path_of(w), timeout=10)
                 for _ in range(40)]
        try:
            crowd[-1].read()
            raise lab.Failure("a crowd was let in")
        except queue_client.Refused as why:
            same(why.code, 6, "the refusal's code")
        same(t.say(b"last"), b"last", "a packet behind all that")
        for c in crowd:
            c.close()
        program.close()


LINES = {b"<hello>": b"<good morning>", b"<a long farewell>": b"<bye>"}


def translate(text):
    for line, other in LINES.items():
        text = text.replace(line, other)
    return text


def hear(sender, receiver, text, end):
    """What arrives of text, up to its end."""
    got = bytearray()
    thread = threading.Thread(target=sender.sendall, args=(text,))
    thread.start()
    receiver.settimeout(20)
    while not got.endswith(end):
        got += receiver.recv(65536)
    thread.join(10)
    return bytes(got)


def streams(w):
    """A connection over IPv4 and one over IPv6: both ends."""
    for address in (lab.WAN, lab.WAN6):
        with w.listen("wan", (address, 9000)) as listener:
            client = w.open("lan", listener.family)
            client.connect((address, 9000))
            server = listener.accept()[0]
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client, server


@case
def queue_resize(workers):
    """A program changes how long lines of a TCP stream are, both ways, one by
    one and amid bulk, where a line that two packets share stays as it is: both
    ends agree on every byte.  IPv4 and IPv6."""
    def decide(p):
        at = 20 if p.family == 4 else 40
        at += (p.bytes[at + 12] >> 4) * 4
        text = translate(p.bytes[at:])
        p.accept(data=None if text == p.bytes[at:]
                 else queue_client.fit(p.bytes[:at] + text))

    rule = {"proto": "tcp", "ct_state": "established", "verdict": "queue 0"}
    filler = bytes(random.Random(7).randrange(97, 123) for _ in range(60000))
    hello, farewell = LINES
    with Lab(workers, rules={"forward": [rule], "postrouting": [
                 {"out": "wan", "masquerade": True}]}, conntrack={"extensions": 64},
             queues={"list": [{"number": 0, "resize": True}]}) as w:
        program = Program(w, decide)
        same(program.options["resize"], True, "the queue's option")
        for client, server in streams(w):
            for n in range(20):
                for line in LINES:
                    line = b"%d %s%d|" % (n, line, n)
                    for ends in ((client, server), (server, client)):
                        same(hear(*ends, line, b"|"), translate(line), "line")
            for ends in ((client, server), (server, client)):
                got = hear(*ends, filler + hello + filler + farewell + filler
                           + b"|", b"|")
                need(got in (filler + a + filler + b + filler + b"|"
                             for a in (hello, LINES[hello])
                             for b in (farewell, LINES[farewell])),
                     f"{len(got)} bytes came, and not those that were sent")
            client.shutdown(socket.SHUT_WR)
            same(server.recv(10), b"", "the end")
            server.close()
            same(client.recv(10), b"", "the other end")
        same([str(r) for r in program.refused], [], "what was refused")
        say(f"drops {drops(w)}")
        same(set(drops(w)) - {"seqadj_busy"}, set(), "dropped for")
        all_back(w)


@case
def queue_ends(workers):
    """What waits while rules change, flows are deleted, weir ends."""
    kept = []
    with queue_lab(workers, timeout_ms=20000) as w:
        t, program = Talk(w), Program(w, kept.append)
        t.send(b"first")
        wait_for("it waits", lambda: len(kept) == 1, 5)
        w.config["rules"]["forward"] = []
        w.weir.write(w.config)
        w.weir.signal(signal.SIGHUP)
        wait_for("no such rule any more", lambda: not any(
            r["hook"] == "forward"
            for r in w.weir.json("/api/v1/rules")["rules"]), 5)
        kept[0].accept()
        same(t.hear(), b"first", "what waited for another rule")
        w.config["rules"]["forward"] = [RULE]
        w.weir.write(w.config)
        w.weir.signal(signal.SIGHUP)
        wait_for("the rule is back", lambda: any(
            r["hook"] == "forward"
            for r in w.weir.json("/api/v1/rules")["rules"]), 5)
        time.sleep(0.2)     # workers take it within a turn
        t.send(b"second")
        wait_for("it waits", lambda: len(kept) == 2, 5)
        same(w.weir.get("/api/v1/flows?all=true", "DELETE")[0], 200, "delete")
        wait_for("no flow is left", lambda: not w.weir.flows(), 5)
        kept[1].accept()
        same(t.hear(), None, "what waited for a flow that ended")
        same(drops(w)["flow_ended"], 1, "drops")
        kept[1].accept()
        wait_for("too late", lambda: row(w)["late"] == 1, 5)
        t.send(b"third")
        wait_for("it waits", lambda: len(kept) == 3, 5)
        w.count()           # one is held, and the count holds
        same(row(w)["held"], 1, "packets that wait at the end")
        program.close()
