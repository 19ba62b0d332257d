"""cases_gateway.py - gateway mode: traffic, and the gateway's own"""
import copy
import os
import re
import signal
import socket
import time

import lab
from cases_life import Talk
from cases_nat import reset
from cases_starts import refuse
from cases_traffic import (IP_MTU_DISCOVER, PMTUDISC_INTERFACE, down, peer,
                           random_file, read_all, up)
from lab import (LAN, LAN2, LAN6, LAN6_GW, LAN_GW, WAN, WAN6, WAN6_GW, WAN_GW,
                 need, same, say)
from lab_gateway import LAN26, GatewayLab, conntrack

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def ping(w, side, host, *more):
    out = w.run(side, ["ping", "-n", "-c", "3", "-i", "0.05", "-W", "2", *more,
                       host])
    need(" 0% packet loss" in out, out)


class StrictLab(GatewayLab):
    """Where every source must come from where it would be sent to."""
    sysctl = ("net.ipv4.conf.all.rp_filter=1",
              "net.ipv4.conf.eth0.rp_filter=1",
              "net.ipv4.conf.eth1.rp_filter=1")


@case
def gateway_traffic(workers):
    """TCP, UDP and ping cross; IPv4 is hidden behind W, IPv6 is not."""
    with StrictLab(workers, mtu={"lan": 9000}) as w:
        path, want = random_file(w.folder, 20)
        for host in (WAN, WAN6):
            w.serve("wan", "http", host, "8080", w.folder)
            w.serve("wan", "udp", host, "7000")
        for host, seen in ((WAN, (WAN_GW, WAN_GW)), (WAN6, (LAN6, LAN26))):
            down(w, host, want)
            up(w, host, path, want)
            for side, address in zip(("lan", "lan2"), seen):
                same(peer(w, host, side=side), address, "who is seen")
                echo(w, side, host, address)
                ping(w, side, host)
        known(w)
        big(w, path, want)


def echo(w, side, host, seen):
    s = w.open(side, socket.AF_INET6 if ":" in host else socket.AF_INET,
               socket.SOCK_DGRAM)
    for size in (0, 1, 63, 1400):
        word = os.urandom(size)
        s.sendto(word, (host, 7000))
        got = s.recv(65536).split(b" ", 2)
        same((got[0].decode(), got[2]), (seen, word), "the echo")
    s.close()


def known(w):
    """The kernel still answers for W: ARP, neighbour discovery, ping."""
    for host in (WAN_GW, WAN6_GW):
        w.run("wan", "ip neigh flush dev eth0")
        ping(w, "wan", host)
        out = w.run("wan", f"ip neigh show {host}")
        need("lladdr" in out, f"{host} is unknown to its neighbour: {out}")
    for host in (LAN_GW, LAN6_GW, WAN_GW, WAN6_GW):
        ping(w, "lan", host)


def big(w, path, want):
    """The lan takes 9000, the wan 1500: told, cut, never lost.  The server
    claims that it takes 9000, so that only ICMP errors tell the client."""
    out = w.run("lan", f"ping -n -c 1 -W 2 -M do -s 8000 {WAN}", check=False)
    need("mtu = 1500" in out, out)
    w.run("lan", "ip route flush cache")
    server = w.listen("wan", (WAN, 7001), socket.SOCK_DGRAM)
    s = w.open("lan", kind=socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_INTERFACE)
    word = os.urandom(8000)
    s.sendto(word, (WAN, 7001))
    same(server.recvfrom(65536)[0], word, "the datagram in pieces")
    w.pieces += 5
    w.run("wan", f"ip route replace 198.51.100.0/24 dev eth0 src {WAN} "
                 "advmss 8960")
    w.run("wan", f"ip -6 route replace fd00:1::/64 via {WAN6_GW} advmss 8940")
    for host in (WAN, WAN6):
        before = w.stats()["drops"]["too_big"]
        up(w, host, path, want)
        many = w.stats()["drops"]["too_big"] - before
        need(1 <= many < 200, f"{many} packets too big for the wan")
        route = w.run("lan", f"ip route get {host}")
        need("mtu 1500" in route, f"the client's path MTU: {route}")


@case
def gateway_narrow_lan(workers):
    """The lan takes less than the wan: the gateway's own sockets, whose kernel
    sees weir-wan alone, hear of it.  The client claims that it takes 1500."""
    with StrictLab(workers, mtu={"lan": 1400}) as w:
        _, want = random_file(w.folder, 2)
        for words in (f"-4 route replace default via {LAN_GW}",
                      f"-4 route replace 10.0.1.0/24 dev eth0 src {LAN}",
                      f"-6 route replace default via {LAN6_GW}",
                      "-6 route replace fd00:1::/64 dev eth0 metric 256"):
            w.run("lan", f"ip {words} advmss 1440")
        for own, host in ((WAN_GW, LAN), (LAN_GW, LAN), (WAN6_GW, LAN6),
                          (LAN6_GW, LAN6)):
            w.serve("gw", "http", own, "8080", w.folder)
            before = w.stats()["drops"]["too_big"]
            down(w, own, want)
            many = w.stats()["drops"]["too_big"] - before
            need(1 <= many < 200, f"{many} packets too big for the lan")
            route = w.run("gw", f"ip route get {host} from {own}")
            need("mtu 1400" in route, f"the gateway's path MTU: {route}")


@case
def gateway_traceroute(workers):
    """Three hops: the lan address twice, the server; and a host that is not.
    Inside, the gateway's own errors never come from its outside address."""
    with StrictLab(workers) as w:
        for how in ("", "-I", "-T -p 81"):
            for family, hops in (("-4", [{LAN_GW}, {LAN_GW}, {WAN}]),
                                 ("-6", [{LAN6_GW}, {LAN6_GW}, {WAN6}])):
                out = w.run("lan", f"traceroute {family} -n -q 1 -w 2 -m 5 "
                                   f"{how} {next(iter(hops[-1]))}")
                got = re.findall(r"^ *\d+ +(\S+)", out, re.M)
                need(len(got) == 3 and all(
                    g in h for g, h in zip(got, hops)), f"{how}: {out}")
        for family in (4, 6):
            w.run("gw", ["sysctl", "-qw",
                         f"net.ipv{family}.neigh.eth1.retrans_time_ms=100"])
        w.settled = False
        for host, gates in (("198.51.100.77", (LAN_GW,)),
                            ("2001:db8:1::77", (LAN6_GW,))):
            out = w.run("lan", f"ping -n -c 1 -W 5 {host}", check=False)
            need("nreachable" in out and any(
                f"From {gate} " in out for gate in gates), out)


@case
def gateway_own(workers):
    """The gateway's sockets are flows like all others, and never collide."""
    no = [{"proto": "tcp", "dport": 9, "verdict": "reject",
           "reject_with": "tcp-reset"},
          {"proto": "udp", "dport": 9, "verdict": "reject"}]
    with GatewayLab(workers, gateway={"reserved_ports": [5000, "5100-5200"]},
                    rules={"output": no}, start=False) as w:
        listener = w.listen("gw", ("0.0.0.0", 5001))
        w.start()
        for host, seen in ((WAN, WAN_GW), (WAN6, WAN6_GW)):
            w.serve("wan", "http", host, "8080", w.folder)
            w.serve("wan", "udp", host, "7000")
            same(peer(w, host, side="gw"), seen, "who the server sees")
            echo(w, "gw", host, seen)       # not connected, not bound
            ping(w, "gw", host)
            out = conntrack(w, "-L", "-p", "udp", "-d", host)
            need(f"src={seen} dst={host}" in out, f"no flow: {out}")
        same_ports(w)
        listeners(w)
        reserved(w)
        listener.close()
        refused(w)
        while_many(w)
        shouts(w)
        w.leave()


def refused(w):
    """What a rule of output rejects its program hears of at once."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for host in (WAN, WAN6):
            s = w.open("gw", socket.AF_INET6 if ":" in host
                       else socket.AF_INET, kind)
            try:
                s.connect((host, 9))
                s.send(b"anybody?")
                s.recv(10)
                need(False, f"{host} is open")
            except ConnectionRefusedError:
                pass


def same_ports(w):
    server = w.listen("wan", (WAN, 9000))
    for n, order in enumerate((("lan", "gw"), ("gw", "lan"))):
        pairs, seen = [], set()
        for side in order:
            client = w.open(side)
            client.bind(("0.0.0.0", 4001 + n))
            client.connect((WAN, 9000))
            served, who = server.accept()
            served.settimeout(10)
            seen.add(who)
            pairs.append((client, served))
        same({host for host, _ in seen}, {WAN_GW}, "who the server sees")
        same(len(seen), 2, f"{order}: different outside ports")
        for number, (client, served) in enumerate(pairs):
            client.sendall(b"word %d" % number)
        for number, (client, served) in enumerate(pairs):
            same(read_all(served, 6), b"word %d" % number, "what came")
            served.sendall(b"back %d" % number)
            same(read_all(client, 6), b"back %d" % number, "the answer")
        reset(pairs)
    server.close()


def listeners(w):
    """Servers of the gateway, met from both sides by all its addresses."""
    for family, seen, ways in (
            (4, {"wan": WAN, "lan": LAN, "lan2": LAN2, "gw": None},
             (("wan", WAN_GW), ("lan", WAN_GW), ("lan2", LAN_GW),
              ("lan", LAN_GW), ("gw", WAN_GW))),
            (6, {"wan": WAN6, "lan": LAN6, "lan2": LAN26, "gw": None},
             (("wan", WAN6_GW), ("lan", WAN6_GW), ("lan2", LAN6_GW),
              ("gw", WAN6_GW)))):
        w.serve("gw", "http", "0.0.0.0" if family == 4 else "::",
                str(8000 + family), w.folder)
        for side, host in ways:
            got = peer(w, host, 8000 + family, side)
            same(got, seen[side] or host, f"{side} at {host}: who is seen")
    out = conntrack(w, "-L", "-p", "tcp", "--dport", "8004")
    need(f"src={LAN} dst={WAN_GW}" in out and "UNREPLIED" not in out,
         f"lan to W, both ways: {out}")
    need(f"dst={LAN_GW}" in out, f"lan to the lan address: {out}")
    w.serve("lan", "http", LAN, "8080", w.folder)
    same(peer(w, LAN, side="gw"), LAN_GW, "the gateway in its lan")


def outside_port(w, server, port, side="lan"):
    client = w.open(side)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind(("0.0.0.0", port))
    client.connect(server.getsockname())
    served, who = server.accept()
    reset([(client, served)])
    same(who[0], WAN_GW, "who the server sees")
    return who[1]


def reserved(w):
    """No mapping has a reserved port, or one where the gateway listens."""
    server = w.listen("wan", (WAN, 9001))
    stay = [port for port in range(5300, 5316)
            if outside_port(w, server, port) == port]
    # A worker of several has outside ports of its own: about half stay.
    need(len(stay) == 16 or w.workers > 1 and stay, f"of 16, {stay} stayed")
    for port in (5000, 5001, 5100, *range(5120, 5132), 5200):
        got = outside_port(w, server, port)
        need(got not in (5000, 5001) and not 5100 <= got <= 5200,
             f"{port} became {got}")
    server.close()


def while_many(w):
    """500 flows of clients, and the gateway's own among them."""
    server = w.listen("wan", (WAN, 9002))
    pairs, ports = [], set()
    for n in range(550):
        client = w.open("gw" if n % 11 == 10 else ("lan", "lan2")[n % 2])
        client.connect((WAN, 9002))
        served, who = server.accept()
        served.settimeout(10)
        ports.add(who[1])
        pairs.append((client, served))
    same(len(ports), 550, "outside ports")
    same(w.weir.json("/api/v1/flows?limit=1&proto=tcp&dport=9002"
                     "&state=ESTABLISHED")["total"] >= 550, True, "flows")
    for n, (client, served) in enumerate(pairs):
        client.sendall(b"%04d" % n)
    for n, (client, served) in enumerate(pairs):
        same(read_all(served, 4), b"%04d" % n, "what came")
        served.sendall(b"%04d" % n)
        same(read_all(client, 4), b"%04d" % n, "what came back")
    same(peer(w, WAN, side="gw"), WAN_GW, "one more of the gateway's")
    reset(pairs)
    server.close()


def shouts(w):
    """What goes to all, without a word by which device, leaves by the wan."""
    for to in ("255.255.255.255", "239.77.0.1"):
        ear = w.open("wan", kind=socket.SOCK_DGRAM)
        ear.bind(("0.0.0.0", 7100))
        if to.startswith("239"):
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                           socket.inet_aton(to) + socket.inet_aton(WAN))
        ear.settimeout(2)
        mouth = w.open("gw", kind=socket.SOCK_DGRAM)
        mouth.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        mouth.sendto(to.encode(), (to, 7100))
        got, who = ear.recvfrom(100)
        same((got.decode(), who[0]), (to, WAN_GW), "what all hear")
        ear.close()
        mouth.close()


FORWARD = {"proto": "tcp", "dport": 8080, "dnat": f"{LAN2}:80"}


@case
def gateway_forward(workers):
    """A service in the lan, reached by W from outside and from the lan."""
    rules = {"prerouting": [FORWARD]}
    with StrictLab(workers, rules=rules, nat={"hairpin": True}) as w:
        path, want = random_file(w.folder, 20)
        w.serve("lan2", "http", LAN2, "80", w.folder)
        same(peer(w, WAN_GW, side="wan"), WAN, "who the service sees")
        down(w, WAN_GW, want, side="wan")
        up(w, WAN_GW, path, want, side="wan")
        for side in ("lan", "lan2"):
            seen = peer(w, WAN_GW, side=side)
            need(seen in (LAN_GW, WAN_GW),
                 f"{side} by W: the service must see the gateway, sees {seen}")
        down(w, WAN_GW, want)
        up(w, WAN_GW, path, want)
        # Traffic that only passes is not taken for the service's.
        w.serve("wan", "http", WAN, "8080", w.folder)
        same(peer(w, WAN), WAN_GW, "another server with that port")
        ping(w, "lan", WAN_GW)
    no_hairpin(workers)


def no_hairpin(workers):
    """As Linux has it: the service is asked, but answers past the gateway;
    with "in": "wan" the gateway itself is meant, who refuses.  curl says (28)
    when no answer comes, (7) when the connection is refused."""
    rules = {"prerouting": [FORWARD, {**FORWARD, "in": "wan", "dport": 8090}]}
    with GatewayLab(workers, rules=rules, nat={"hairpin": False},
                    conntrack={"profile": "linux"}) as w:
        w.serve("lan2", "http", LAN2, "80", w.folder)
        for port, word in ((8080, "(28)"), (8090, "(7)")):
            same(peer(w, WAN_GW, port, "wan"), WAN, "who the service sees")
            out = w.run("lan", ["curl", "-sS", "--max-time", "1",
                                f"http://{WAN_GW}:{port}/peer"], check=False)
            need(word in out, out)


@case
def gateway_redirect(workers):
    """Others' packets into a socket of the gateway, from both sides.  Several
    workers can't, and say so."""
    rules = [{"in": side, "proto": "tcp", "dport": 8081, "redirect": 3128}
             for side in lab.SIDES]
    with StrictLab(workers, rules={"prerouting": rules}, start=False) as w:
        if workers > 1:
            w.config["rules"]["prerouting"] = rules[:1]
            refuse(w, 2, ("redirect", '"workers": 1'), w.inside("gw", []))
            w.given_back()
            return
        w.start()
        w.serve("gw", "http", "0.0.0.0", "3128", w.folder)
        same(peer(w, WAN_GW, 8081, "wan"), WAN, "from the wan, to W")
        same(peer(w, WAN, 8081), LAN, "from the lan, to anywhere")
        w.leave()


@case
def gateway_reload(workers):
    """SIGHUP adds a forward; flows stay; a bad file changes nothing."""
    with GatewayLab(workers) as w:
        talk, rules = Talk(w), w.rules()
        talk.say()
        w.serve("lan2", "http", LAN2, "80", w.folder)
        w.serve("wan", "http", WAN, "8080", w.folder)
        need("(7)" in w.run("wan", f"curl -sS http://{WAN_GW}:8080/peer",
                            check=False), "the port is forwarded already")
        config = copy.deepcopy(w.config)
        config["rules"]["prerouting"] = [FORWARD]
        w.weir.write(config)
        w.weir.signal(signal.SIGHUP)
        w.works(3, "wan", WAN_GW, WAN)
        talk.say()
        w.weir.write({"gateway": {"lan": "eth0"}})
        w.weir.signal(signal.SIGHUP)
        lab.wait_for("the bad file is told of", lambda: "/gateway" in
                     w.weir.output(), 3)
        same(peer(w, WAN_GW, side="wan"), WAN, "after a bad file")
        talk.say()
        same(peer(w, WAN), WAN_GW, "a new flow")
        same(w.rules(), rules, "the kernel's rules")
        need(w.weir.ready(), "weir is not ready")
        time.sleep(0.1)
        say("reloaded twice")
