"""cases_nat.py - translations that people configure"""
import socket

import lab
from capture import Sniffer
from cases_traffic import down, peer, random_file, read_all, up
from lab import Lab, need, same, say

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def forward(**more):
    return {"proto": "tcp", "dst": lab.WAN_GW, "dport": 8080,
            "dnat": f"{lab.LAN}:80", **more}


@case
def port_forward(workers):
    """A server inside, reached from outside; it sees the true client."""
    rules = {"prerouting": [
        forward(**{"in": "wan"}),
        {"in": "wan", "proto": "udp", "dst": lab.WAN_GW, "dport": 7001,
         "dnat": f"{lab.LAN2}:7000"}]}
    with Lab(workers, rules=rules) as w:
        path, want = random_file(w.folder, 20)
        w.serve("lan", "http", lab.LAN, "80", w.folder)
        w.serve("lan", "udp", lab.LAN2, "7000")
        same(peer(w, lab.WAN_GW, side="wan"), lab.WAN, "who the server sees")
        down(w, lab.WAN_GW, want, side="wan")
        up(w, lab.WAN_GW, path, want, side="wan")
        s = w.open("wan", kind=socket.SOCK_DGRAM)
        s.sendto(b"word", (lab.WAN_GW, 7001))
        got, who = s.recvfrom(100)
        same(who, (lab.WAN_GW, 7001), "who answered")
        same(got.split(b" ")[::2], [lab.WAN.encode(), b"word"], "the echo")
        flows = w.weir.flows("&proto=tcp&dport=8080")
        need(flows and all(
            "DST_NAT" in f["status"] and f["reply"]["src"] == lab.LAN
            and f["reply"]["sport"] == 80 for f in flows), f"flows: {flows}")
        try:
            w.open("wan").connect((lab.WAN_GW, 8090))
            raise lab.Failure("a port that no rule forwards is answered")
        except ConnectionRefusedError:
            pass


@case
def hairpin(workers):
    """An inside client meets an inside server by the outside address."""
    rules = {"prerouting": [forward(**{"in": "wan"})]}
    with Lab(workers, rules=rules, nat={"hairpin": True}) as w:
        path, want = random_file(w.folder, 20)
        w.serve("lan", "http", lab.LAN, "80", w.folder)
        for client in (lab.LAN2, lab.LAN):
            seen = peer(w, lab.WAN_GW, 8080, "lan", "--interface", client)
            need(seen in (lab.LAN_GW, lab.WAN_GW),
                 f"the server must see the router, sees {seen}")
        down(w, lab.WAN_GW, want)
        up(w, lab.WAN_GW, path, want)
        same(peer(w, lab.WAN_GW, side="wan"), lab.WAN,
             "who the server sees from outside")


@case
def one_source_port(workers):
    """Two inside clients, one source port, one server."""
    with Lab(workers) as w:
        server = w.listen("wan", (lab.WAN, 9000))
        pairs, seen = [], set()
        for n, host in enumerate((lab.LAN, lab.LAN2)):
            client = w.open("lan")
            client.bind((host, 4001))
            client.connect((lab.WAN, 9000))
            served, who = server.accept()
            served.settimeout(10)
            seen.add(who)
            pairs.append((client, served, b"client %d" % n))
        same(len(seen), 2, "different outside endpoints")
        same({host for host, _ in seen}, {lab.WAN_GW}, "outside addresses")
        say(f"both from 4001, seen as {sorted(p for _, p in seen)}")
        for client, served, word in pairs:
            client.sendall(word)
        for client, served, word in pairs:
            same(read_all(served, len(word)), word, "what the server got")
            served.sendall(b"to " + word)
        for client, served, word in pairs:
            same(read_all(client, len(word) + 3), b"to " + word, "answer")
        one_source_port_udp(w)


def one_source_port_udp(w):
    w.serve("wan", "udp", lab.WAN, "7000")
    sockets = []
    for host in (lab.LAN, lab.LAN2):
        s = w.open("lan", kind=socket.SOCK_DGRAM)
        s.bind((host, 4001))
        s.sendto(host.encode(), (lab.WAN, 7000))
        sockets.append((s, host))
    ports = set()
    for s, host in sockets:
        seen, port, word = s.recv(100).split(b" ")
        same((seen.decode(), word.decode()), (lab.WAN_GW, host), "the echo")
        ports.add(port)
    same(len(ports), 2, "different outside ports")


@case
def table_full(workers):
    """More flows than entries: counted, nothing leaks, old flows go on."""
    table = {"max": 64 * workers, "buckets": 64 * workers,
             "timeouts": {"tcp_close": 1, "udp": 2}}
    with Lab(workers, conntrack=table) as w:
        sniffer = Sniffer(w)
        server = w.listen("wan", (lab.WAN, 9000))
        pairs, refused = [], 0
        for n in range(80):
            client = w.open("lan")
            client.settimeout(0.3 if refused < 10 else 0.02)
            try:
                client.connect((lab.WAN, 9000))
            except TimeoutError:
                refused += 1
                client.close()
                continue
            served = server.accept()[0]
            served.settimeout(10)
            client.settimeout(10)
            pairs.append((client, served))
        say(f"{len(pairs)} connections fit, {refused} did not")
        need(32 <= len(pairs) <= 64, "entries of one shard: 64")
        need(w.overflow("table_full") >= refused, "table_full is not counted")
        lab.wait_for("the log says so", lambda:
                     "conntrack: table full, dropping packet: "
                     in w.weir.output(), 3)
        for client, served in pairs:
            client.sendall(b"still here")
            same(read_all(served, 10), b"still here", "an old flow")
        extra_udp(w)
        for client, served in pairs:
            served.sendall(b"and here")
            same(read_all(client, 8), b"and here", "an old flow, back")
        reset(pairs)
        lab.wait_for("entries run out", lambda: w.weir.json(
            "/api/v1/stats")["entries"] < 10, 15)
        late = w.open("lan")
        late.connect((lab.WAN, 9000))
        server.accept()[0].close()
        same(sniffer.sources() - {lab.WAN_GW}, set(),
             "sources that reached the outside untranslated")


def extra_udp(w):
    before = w.overflow("table_full")
    s = [w.open("lan", kind=socket.SOCK_DGRAM) for _ in range(20)]
    for one in s:
        one.sendto(b"x", (lab.WAN, 7000))
    lab.wait_for("table_full counts UDP too",
                 lambda: w.overflow("table_full") > before)


def reset(pairs):
    for client, served in pairs:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          b"\1\0\0\0\0\0\0\0")
        client.close()
        served.close()


@case
def early_drop(workers):
    """Unassured flows give way; an assured one stays."""
    table = {"max": 64 * workers, "buckets": 64 * workers}
    with Lab(workers, conntrack=table) as w:
        server = w.listen("wan", (lab.WAN, 9000))
        client = w.open("lan")
        client.connect((lab.WAN, 9000))
        served = server.accept()[0]
        served.settimeout(10)
        sink = w.open("wan", kind=socket.SOCK_DGRAM)
        sink.bind((lab.WAN, 7000))
        for n in range(300):
            s = w.open("lan", kind=socket.SOCK_DGRAM)
            s.bind((lab.LAN, 20000 + n))
            s.sendto(b"%d" % n, (lab.WAN, 7000))
            s.close()
        w.stats()
        need(w.overflow("early_drop") >= 100, "early_drop is not counted: "
             f"{w.weir.json('/api/v1/stats')['overflow']}")
        client.sendall(b"assured")
        same(read_all(served, 7), b"assured", "the assured flow")
