"""cases_gateway_past.py - gateway mode: what the host sends past weir, by a
socket that is bound to wan's device, and its answers"""
import errno
import json
import socket
import struct
import subprocess

from lab import (LAN_GW, WAN, WAN6, WAN6_GW, WAN_GW, need, same,
                 wait_for)
from lab_gateway import GatewayLab, Sniffer, checksum

CASES = {}
STREAM, DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
BINDTODEVICE = 25
DROP = {"input": "drop"}


def case(function):
    CASES[function.__name__] = function
    return function


def past(w, host, port, kind=STREAM, own=0):
    """A socket of the host's own past weir, connected."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = w.open("gw", family, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, BINDTODEVICE, b"eth1\0")
    s.bind(("::" if ":" in host else "0.0.0.0", own))
    s.connect((host, port))
    return s


def talk(w, host, port):
    """Of a TCP connection past weir: the host's end, the server's."""
    server = w.listen("wan", (host, port))
    client = past(w, host, port)
    peer = server.accept()[0]
    server.close()
    return client, peer


def hears(pair, word):
    client, peer = pair
    peer.send(word)
    same(client.recv(64), word, "what the host hears past weir")


def forward_marked(w):
    """Is the guard's table made again yet?"""
    return "note4" in w.run("gw", "nft list table inet weir", check=False)


@case
def gateway_past_stays(workers):
    """A quiet connection past weir outlives all that has the guard's table
    made again: an address that comes, a changed queue, a kill."""
    with GatewayLab(workers, policy=DROP) as w:
        pairs = [talk(w, WAN, 7000), talk(w, WAN6, 7001)]
        w.batch("gw", "addr add 10.99.0.1/32 dev eth0")
        wait_for("the address is followed",
                 lambda: "10.99.0.1" in w.run("gw", "ip rule"), 5)
        for pair in pairs:
            hears(pair, b"after an address")
        w.run("gw", "tc qdisc del dev weir-wan clsact")
        wait_for("the queue is as it must be", lambda: "clsact" in w.run(
            "gw", "tc qdisc show dev weir-wan"), 5)
        for pair in pairs:
            hears(pair, b"after a queue")
        w.weir.kill()
        w.start()
        for pair in pairs:
            hears(pair, b"after a kill")
            pair[0].close()
            pair[1].close()
        w.batch("gw", "addr del 10.99.0.1/32 dev eth0")


@case
def gateway_past_fragments(workers):
    """Answers in fragments come whole."""
    with GatewayLab(workers, policy=DROP) as w:
        for host in (WAN, WAN6):
            server = w.listen("wan", (host, 7000), DGRAM)
            with past(w, host, 7000, DGRAM) as client:
                for size in (500, 4000, 20000):
                    client.send(b"a question")
                    server.sendto(b"x" * size, server.recvfrom(64)[1])
                    same(len(client.recv(65536)), size, f"octets from {host}")
            server.close()


@case
def gateway_past_clash(workers):
    """No client's flow has the addresses and ports of a connection past weir:
    it gets another port, and the connection goes on; when it has ended,
    too."""
    with GatewayLab(workers) as w:
        server = w.listen("wan", (WAN, 7000))
        udp = w.listen("wan", (WAN, 7001), DGRAM)
        host = past(w, WAN, 7000, own=40000)
        peer = server.accept()[0]
        asks = past(w, WAN, 7001, DGRAM, own=40000)
        asks.send(b"host")
        same(udp.recvfrom(64)[1], (WAN_GW, 40000), "who asks past weir")
        for live in (True, False):
            with w.open("lan") as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  struct.pack("ii", 1, 0))  # leaves nothing
                client.bind(("0.0.0.0", 40000))
                client.connect((WAN, 7000))
                got, who = server.accept()
                need(who[0] == WAN_GW and who[1] != 40000,
                     f"a client is seen as {who}")
                got.send(b"client")
                same(client.recv(64), b"client", "what the client hears")
                got.close()
            if live:
                peer.send(b"host")
                same(host.recv(64), b"host", "what the host hears")
                host.close()
                peer.close()
        with w.open("lan", kind=DGRAM) as client:
            client.bind(("0.0.0.0", 40000))
            client.connect((WAN, 7001))
            client.settimeout(0.3)
            wait_for("the client's question is answered",
                     lambda: answered(client, udp), 10)
        udp.sendto(b"host", (WAN_GW, 40000))
        same(asks.recv(64), b"host", "what the host hears by UDP")
        for s in (asks, udp, server):
            s.close()


def answered(client, server):
    client.send(b"client")
    server.settimeout(0.3)
    try:
        word, who = server.recvfrom(64)
        server.sendto(b"to " + word, who)
        return client.recv(64) == b"to client"
    except TimeoutError:
        return False


@case
def gateway_past_refused(workers):
    """While another program has the guard's table, weir is not ready; and it
    puts the table as soon as it may."""
    with GatewayLab(workers) as w:
        holder = subprocess.Popen(
            ["ip", "netns", "exec", w.ns("gw"), "nft", "-i"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdin.write("delete table inet weir; add table inet weir "
                           "{ flags owner; }\n")
        holder.stdin.flush()
        wait_for("it is not ready", lambda: not w.weir.ready(), 5)
        need("can't put rules into nf_tables" in
             w.weir.get("/readyz")[1], w.weir.get("/readyz")[1])
        holder.communicate()
        wait_for("it is ready again", w.weir.ready, 5)
        need(forward_marked(w), "no table of weir's")


# ---- ICMP errors ----

IP_MTU_DISCOVER, IP_MTU, PMTUDISC_DO = 10, 14, 2
IPV6_MTU_DISCOVER, IPV6_MTU = 23, 24


def too_big(w, quoted, mtu):
    """A router between says so of this packet of the host's."""
    six = quoted[0] >> 4 == 6
    kind, proto = ((2, 0), socket.IPPROTO_ICMPV6) if six \
        else ((3, 4), socket.IPPROTO_ICMP)
    body = struct.pack("!BBHHH", *kind, 0, 0, mtu) + quoted[:64]
    body += b"\0" * (len(body) % 2)
    if not six:
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    with w.open("wan", socket.AF_INET6 if six else socket.AF_INET,
                socket.SOCK_RAW, proto) as s:
        s.sendto(body, (WAN6_GW if six else WAN_GW, 0))


def path_mtu(s):
    if s.family == socket.AF_INET6:
        return s.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU)
    return s.getsockopt(socket.IPPROTO_IP, IP_MTU)


def last_sent(ears, proto):
    """The host's last packet of this protocol that came to wan."""
    return [data for _, data in ears.packets()
            if data[6 if data[0] >> 4 == 6 else 9] == proto][-1]


@case
def gateway_past_errors(workers):
    """ICMP errors about what the host sends past weir reach its sockets: path
    MTUs of TCP and UDP, a closed port, a router where a hop limit ends."""
    with GatewayLab(workers, policy=DROP) as w:
        echo_ends(w)    # first: the kernel counts it among its other errors
        for n, host in enumerate((WAN, WAN6)):
            ears = Sniffer(w, "wan")
            client, peer = talk(w, host, 7010)
            too_big(w, last_sent(ears, socket.IPPROTO_TCP), 1400 - n)
            wait_for("TCP knows the path's MTU",
                     lambda: path_mtu(client) == 1400 - n, 5)
            peer.send(b"and goes on")
            same(client.recv(64), b"and goes on", "what TCP hears")
            client.close()
            peer.close()
            server = w.listen("wan", (host, 7011), DGRAM)
            with past(w, host, 7011, DGRAM) as u:
                if n:
                    u.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                                 PMTUDISC_DO)
                else:
                    u.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER,
                                 PMTUDISC_DO)
                u.send(b"x")
                server.recv(64)
                too_big(w, last_sent(ears, socket.IPPROTO_UDP), 1300)
                wait_for("UDP hears of the path's MTU", lambda: u.getsockopt(
                    socket.SOL_SOCKET, socket.SO_ERROR) == errno.EMSGSIZE)
            server.close()
            with past(w, host, 7012, DGRAM) as u:
                u.send(b"to a closed port")
                try:
                    u.recv(64)
                except ConnectionRefusedError:
                    pass
                else:
                    need(False, "a closed port has answered")
            ears.close()


def echo_ends(w):
    """Of the host's own echo, too: wan says it leads to nowhere."""
    w.batch("wan", "route add unreachable 203.0.113.0/24")
    w.run("wan", "sysctl -qw net.ipv4.ip_forward=1")
    out = w.run("gw", "ping -n -I eth1 -c 1 -W 5 203.0.113.9", check=False)
    need(f"From {WAN}" in out and "Unreachable" in out, out)


# ---- what nft(8) prints of the sets ----

TYPES = {"ipv4_addr", "ipv6_addr", "inet_proto", "inet_service", "icmp_type",
         "icmpv6_type"}
SETS = {"weir": {f"{name}{n}" for n in "46" for name in
                 ("note", "closing", "back", "clash", "host")} |
                {"part4", "piece6"},
        "weir_reply": {f"{name}{n}" for n in "46" for name in
                       ("asked", "held", "ended", "served")},
        "weir_input": {"served4", "served6"},
        "weir_local": {"own4", "own6"}}
THIRD = "10.99.0.1"             # an address of the host that weir does not serve


def sets(w, table):
    family = "netdev" if table == "weir_local" else "inet"
    listed = json.loads(w.run("gw", ["nft", "-j", "list", "table", family,
                                     table]))["nftables"]
    return {s["set"]["name"]: s["set"] for s in listed if "set" in s}


def elements(s):
    """Each as a tuple or a word, with its time in seconds."""
    out = {}
    for element in s.get("elem", []):
        timeout = None
        if isinstance(element, dict) and "elem" in element:
            timeout = element["elem"].get("timeout")
            element = element["elem"]["val"]
        if isinstance(element, dict):
            element = tuple(next(iter(element.values())))
        out[element] = timeout
    return out


def ask_third(w):
    """By UDP, TCP and echo, at an address that is lo's."""
    w.batch("gw", f"addr add {THIRD}/32 dev lo")
    w.batch("wan", f"route add {THIRD} via {WAN_GW}")
    udp = w.listen("gw", (THIRD, 7003), DGRAM)
    tcp = w.listen("gw", (THIRD, 7003))
    with w.open("wan", kind=DGRAM) as u, w.open("wan") as t:
        for s in (u, t):
            s.bind((WAN, 40003))
            s.connect((THIRD, 7003))
        u.send(b"x")
        udp.recv(64)
    w.run("wan", f"ping -n -c 1 -W 1 {THIRD}", check=False)
    udp.close()
    tcp.close()
    w.batch("wan", f"route del {THIRD} via {WAN_GW}")


@case
def gateway_listed(workers):
    """nft(8) prints each set's type, and what is in it for how long."""
    rules = {"input": [
        {"proto": "udp", "dport": [7003, "8000-8010"], "verdict": "accept"},
        {"proto": "tcp", "src": [WAN, "192.0.2.0/24", WAN6],
         "verdict": "accept"},
        {"proto": "icmp", "icmp_type": [8, 13], "verdict": "accept"}]}
    with GatewayLab(workers, rules=rules, policy=DROP) as w:
        for host in (WAN, WAN6):
            server = w.listen("wan", (host, 7000), DGRAM)
            with past(w, host, 7000, DGRAM, own=40001) as client:
                client.send(b"a question")
                server.sendto(b"x" * 4000, server.recvfrom(64)[1])
                same(len(client.recv(65536)), 4000, f"octets from {host}")
            server.close()
        ask_third(w)
        found = {table: sets(w, table) for table in SETS}
        for table, names in SETS.items():
            need(names <= set(found[table]), f"{table}: {set(found[table])}")
            for s in found[table].values():
                kinds = s["type"] if isinstance(s["type"], list) \
                    else [s["type"]]
                need(set(kinds) <= TYPES, f"{table}: {s['name']} is {kinds}")
        own = {WAN_GW, LAN_GW}
        for table, name in (("weir", "host4"), ("weir_reply", "served4"),
                            ("weir_local", "own4")):
            same(set(elements(found[table][name])), own, f"{table}: {name}")
        notes = {n: elements(found["weir"][f"note{n}"]) for n in "46"}
        same(notes["4"][(WAN, WAN_GW, "udp", 7000, 40001)], 180, "IPv4's note")
        same(notes["6"][(WAN6, WAN6_GW, "udp", 7000, 40001)], 180,
             "IPv6's note")
        asked = elements(found["weir_reply"]["asked4"])
        same(asked[(WAN, THIRD, "udp", 40003, 7003)], 180, "asked by UDP")
        same(asked[(WAN, THIRD, "tcp", 40003, 7003)], 240, "asked by TCP")
        same([t for key, t in asked.items() if key[2] == "icmp"], [30],
             "asked by echo")
        same({name: s.get("elem") for name, s in found["weir_input"].items()
              if not name.startswith("served")},
             {"a0dport": [7003, {"range": [8000, 8010]}],
              "b0dport": [7003, {"range": [8000, 8010]}],
              "a1src": [{"prefix": {"addr": "192.0.2.0", "len": 24}}, WAN],
              "a2type": ["echo-request", "timestamp-request"]}, "input rules")
        w.batch("gw", f"addr del {THIRD}/32 dev lo")
