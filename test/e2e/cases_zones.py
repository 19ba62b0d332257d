"""cases_zones.py - two tenants whose networks are the same, number by number

    lan  (LAN, LAN2, LAN6)  ===\\
                                weir === wan (WAN)
    blue (LAN, LAN2, LAN6)  ===/
"""
import re
import socket

import lab
from cases_nat import reset
from cases_traffic import read_all
from lab import Lab, need, same, say, wait_for

CASES = {}
TENANTS = {"lan": 1, "blue": 2}     # and their zones
GATEWAYS = {"lan": lab.LAN_GW, "blue": "10.0.1.254"}
SHARED = [{"in": side, "set_zone_orig": zone}
          for side, zone in TENANTS.items()]
OTHER = "198.51.100.3"              # another server outside
LONELY = "10.0.1.77"                # a host of the first tenant's alone


def case(function):
    CASES[function.__name__] = function
    return function


class Tenants(Lab):
    namespaces = sides = ("lan", "blue", "wan")

    def __init__(self, workers, prerouting):
        super().__init__(workers, mtu={"blue": 1500}, rules={
            "prerouting": prerouting,
            "postrouting": [{"out": "wan", "masquerade": True}]})

    def default(self, rules):
        config = super().default(rules)
        there = config["interfaces"]
        there["blue"] = {**there["lan"], "tun": self.tun("blue"),
                         "address": [GATEWAYS["blue"] + "/24",
                                     "fd00:1::254/64"]}
        return config

    def start(self):
        super().start()
        tun = self.tun("wan")
        self.run("wan", f"ip addr add {OTHER}/24 dev {tun}")
        self.run("wan", f"ip route add 10.0.1.0/24 dev {tun}")
        self.run("lan", f"ip addr add {LONELY}/32 dev lo")


def datagrams(w, side, host, port):
    s = w.open(side, socket.AF_INET6 if ":" in host else socket.AF_INET,
               socket.SOCK_DGRAM)
    s.bind((host, port))
    return s


def links(w):
    """[(client, served, word)]: every host of every tenant from one port."""
    server = w.listen("wan", (lab.WAN, 9000))
    pairs, seen = [], set()
    for side in TENANTS:
        for host in (lab.LAN, lab.LAN2):
            client = w.open(side)
            client.bind((host, 4001))
            client.connect((lab.WAN, 9000))
            served, who = server.accept()
            served.settimeout(10)
            seen.add(who)
            pairs.append((client, served, f"{side} {host}".encode()))
    same(len(seen), len(pairs), "different outside endpoints")
    same({host for host, _ in seen}, {lab.WAN_GW}, "outside addresses")
    say(f"all from 4001, seen as {sorted(p for _, p in seen)}")
    return pairs


def each_its_own(pairs):
    for client, _, word in pairs:
        client.sendall(word)
    for _, served, word in pairs:
        same(read_all(served, len(word)), word, "what the server got")
        served.sendall(b"to " + word)
    for client, _, word in pairs:
        same(read_all(client, len(word) + 3), b"to " + word, "the answer")


def echoes(w):
    """The same of UDP, both families, all under way at once."""
    for there, hosts in ((lab.WAN, (lab.LAN, lab.LAN2)),
                         (lab.WAN6, (lab.LAN6,))):
        w.serve("wan", "udp", there, "7000")
        asked = [(datagrams(w, side, host, 4001), f"{side}-{host}")
                 for side in TENANTS for host in hosts]
        for s, word in asked:
            s.sendto(word.encode(), (there, 7000))
        ports = set()
        for s, word in asked:
            seen, port, got = s.recv(100).decode().split(" ")
            same((seen, got), (lab.WAN6_GW if ":" in there else lab.WAN_GW,
                               word), "the echo")
            ports.add(port)
        same(len(ports), len(asked), "different outside ports")


def listed(w, *args):
    """Of each line of conntrack -L that has a zone: (original source, zone),
    sorted; and how many lines there are."""
    lines = w.weir.conntrack("-L", *args).splitlines()
    rows = [re.search(r"\bsrc=(\S+) .*?(\bzone(?:-orig|-reply)?=\d+)", line)
            for line in lines if " src=" in line]
    return sorted(m.groups() for m in rows if m), len(rows)


@case
def zones_tenants(workers):
    """Both use one port towards one server, and hear what is theirs."""
    with Tenants(workers, SHARED) as w:
        pairs = links(w)
        each_its_own(pairs)
        echoes(w)
        for side in TENANTS:
            out = w.run(side, f"ping -n -c 3 -i 0.05 -W 2 {lab.WAN}")
            need(" 0% packet loss" in out, out)
            out = w.run(side, f"traceroute -n -q 1 -w 2 -m 4 {lab.WAN}")
            same(re.findall(r"^ *(\d+) +(\S+)", out, re.M),
                 [("1", GATEWAYS[side]), ("2", lab.WAN)], f"hops of {side}")
        tcp = ("-p", "tcp", "--dport", "9000")
        both = [(host, f"zone-orig={zone}") for host in (lab.LAN, lab.LAN2)
                for zone in TENANTS.values()]
        same(listed(w, *tcp), (both, 4), "conntrack -L")
        same(listed(w, *tcp, "--orig-zone", "2"),
             ([row for row in both if row[1] == "zone-orig=2"], 2),
             "conntrack -L of a zone")
        if workers > 1:
            need(w.stats()["counters"]["handed_over"] > 0,
                 "no packet met the wrong worker: the case is void")


def silent(s, what):
    """Nothing comes to a socket that something was meant to reach."""
    s.settimeout(0.5)
    try:
        raise lab.Failure(f"{what} was reached: {s.recvfrom(100)}")
    except TimeoutError:
        s.settimeout(10)


def no_way_in(w):
    """A tenant's host that the other has not, and its open outside port."""
    alone = datagrams(w, "lan", LONELY, 7000)
    before = w.stats()["drops"]["no_route"]
    for side, source in (("blue", lab.LAN), ("wan", lab.WAN)):
        datagrams(w, side, source, 7002).sendto(b"x", (LONELY, 7000))
    silent(alone, "a host of the other tenant's")
    same(w.stats()["drops"]["no_route"] - before, 1, "packets without a way")
    same([(f["in"], f["out"]) for f in w.weir.flows("&dst=" + LONELY)],
         [("blue", "blue")], "the way to a tenant's own network")
    server = datagrams(w, "wan", lab.WAN, 7003)
    alone.sendto(b"here", (lab.WAN, 7003))
    got, outside = server.recvfrom(100)
    same(got, b"here", "the tenant's own datagram")
    datagrams(w, "blue", lab.LAN, 7002).sendto(b"x", outside)
    silent(alone, "a flow of the other tenant's")
    server.sendto(b"yours", outside)
    same(alone.recv(100), b"yours", "the answer, still")


@case
def zones_ends(workers):
    """What ends one tenant's flows leaves the other's alone."""
    with Tenants(workers, SHARED) as w:
        no_way_in(w)
        pairs = links(w)
        # The same addresses and ports to the bit, and a RST.
        reset([pairs[2][:2]])
        closed = "&proto=tcp&dport=9000&state=CLOSE"
        wait_for("the RST is seen", lambda: w.weir.flows(closed))
        same([(f["original"]["src"], f["zone_orig"])
              for f in w.weir.flows(closed)], [(lab.LAN, 2)], "flows closed")
        each_its_own(pairs[:2] + pairs[3:])
        w.weir.conntrack("-D", "-p", "tcp", "--orig-zone", "2")
        wait_for("they are gone", lambda: listed(w, "-p", "tcp") == (
            [(lab.LAN, "zone-orig=1"), (lab.LAN2, "zone-orig=1")], 2))
        one = ["-G", "-p", "tcp", "-s", lab.LAN, "-d", lab.WAN]
        need(f"src={lab.LAN} " in w.weir.conntrack(*one, "--orig-zone", "1"),
             "-G shows the one that is there")
        need("such conntrack doesn't exist" in w.weir.conntrack(
            *one, "--orig-zone", "2", check=False), "-G says that one is gone")
        each_its_own(pairs[:2])


@case
def zones_both(workers):
    """A zone for both directions: answers need it, by a rule of their own."""
    back = {lab.WAN: 1, OTHER: 2}
    rules = SHARED + [{"in": side, "set_zone": zone}
                      for side, zone in TENANTS.items()]
    rules += [{"in": "wan", "src": host, "set_zone": zone}
              for host, zone in back.items()]
    with Tenants(workers, rules) as w:
        for host in back:
            w.serve("wan", "udp", host, "7000")
        ways = [(side, host) for side in TENANTS for host in back]
        asked = {way: datagrams(w, way[0], lab.LAN, 5000 + n)
                 for n, way in enumerate(ways)}
        for (_, host), s in asked.items():
            s.sendto(b"word", (host, 7000))
        for (side, host), s in asked.items():
            if TENANTS[side] == back[host]:
                same(s.recv(100).split(b" ")[2], b"word", "the echo")
            else:
                silent(s, "a flow of another zone")
        udp = ("-p", "udp", "--dport", "7000")
        same(listed(w, *udp), ([(lab.LAN, "zone=1")] * 2
                               + [(lab.LAN, "zone=2")] * 2, 4), "conntrack -L")
        same(listed(w, *udp, "-w", "2"), ([(lab.LAN, "zone=2")] * 2, 2),
             "conntrack -L of a zone")


@case
def zones_reply(workers):
    """A zone for answers alone: packets of other zones join no flow."""
    rules = [{"in": "lan", "set_zone_reply": 7},
             {"in": "wan", "src": lab.WAN, "set_zone": 7}]
    with Lab(workers, rules={"prerouting": rules}) as w:
        w.run("wan", f"ip addr add {OTHER}/24 dev {w.tun('wan')}")
        for n, host in enumerate((lab.WAN, OTHER)):
            w.serve("wan", "udp", host, "7000")
            s = datagrams(w, "lan", lab.LAN, 5000 + n)
            s.sendto(b"word", (host, 7000))
            if host == lab.WAN:
                same(s.recv(100).split(b" ")[2], b"word", "the echo")
            else:
                silent(s, "a flow whose answers need another zone")
        same(listed(w, "--dport", "7000"),
             ([(lab.LAN, "zone-reply=7")] * 2, 2), "conntrack -L")
