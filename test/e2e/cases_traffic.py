"""cases_traffic.py - real programs across weir"""
import hashlib
import os
import re
import socket

import lab
from lab import Lab, need, same, say

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def random_file(folder, megabytes, name="data"):
    """(path, sha256)"""
    path, digest = os.path.join(folder, name), hashlib.sha256()
    with open(path, "wb") as f:
        for _ in range(megabytes):
            piece = os.urandom(1 << 20)
            digest.update(piece)
            f.write(piece)
    return path, digest.hexdigest()


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for piece in iter(lambda: f.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def url(host, port, path):
    return f"http://[{host}]:{port}{path}" if ":" in host \
        else f"http://{host}:{port}{path}"


def down(w, host, want, port=8080, side="lan"):
    got = os.path.join(w.folder, "got")
    speed = w.run(side, ["curl", "-sSf", "--max-time", "100", "-o", got, "-w",
                         "%{speed_download}", url(host, port, "/data")],
                  timeout=110)
    same(sha256(got), want, "SHA-256 of what came down")
    say(f"down: {float(speed) / 1e6:.0f} MB/s, checksum equal")


def up(w, host, path, want, port=8080, side="lan"):
    got = w.run(side, ["curl", "-sSf", "--max-time", "100", "-H", "Expect:",
                       "-T", path, url(host, port, "/up")], timeout=110)
    same(got, want, "SHA-256 of what went up")
    say("up: checksum equal")


@case
def transfer(workers):
    """100 MB down and up with checksums."""
    with Lab(workers) as w:
        path, want = random_file(w.folder, 100)
        w.serve("wan", "http", lab.WAN, "8080", w.folder)
        down(w, lab.WAN, want)
        up(w, lab.WAN, path, want)
        flows = w.weir.flows("&proto=tcp&dport=8080")
        need(len(flows) >= 2, f"2 TCP flows wanted, the table has {flows}")
        for f in flows:
            same(f["reply"]["dst"], lab.WAN_GW, "the masqueraded address")
            need("SRC_NAT" in f["status"] and "ASSURED" in f["status"],
                 f"status {f['status']}")


class PlainLab(Lab):
    """lan without offloads: what wan hands over whole is cut and summed."""

    def default(self, rules):
        config = super().default(rules)
        config["interfaces"]["lan"]["offloads"] = False
        return config


@case
def offloads_off(workers):
    """20 MB down and up where one device is given no super-packet."""
    with PlainLab(workers) as w:
        path, want = random_file(w.folder, 20)
        w.serve("wan", "http", lab.WAN, "8080", w.folder)
        down(w, lab.WAN, want)
        up(w, lab.WAN, path, want)
        w.weir.says("offloads 0x0")
        s = w.stats()
        i = s["interfaces"]["lan"]
        for way in ("rx", "tx"):
            mean = i[way + "_bytes"] / i[way + "_packets"]
            need(mean <= 1500, f"lan {way}: packets of {mean:.0f} bytes")
        w.pieces += i["tx_packets"] - s["interfaces"]["wan"]["rx_packets"]


@case
def parallel(workers):
    """200 TCP connections at once, each with its own words."""
    with Lab(workers) as w:
        server = w.listen("wan", (lab.WAN, 9000))
        pairs = []
        for n in range(200):
            client = w.open("lan")
            client.bind(((lab.LAN, lab.LAN2)[n % 2], 0))
            client.connect((lab.WAN, 9000))
            served, peer = server.accept()
            served.settimeout(10)
            same(peer[0], lab.WAN_GW, "who the server sees")
            pairs.append((client, served))
        same(len(w.weir.flows("&proto=tcp&state=ESTABLISHED")), 200,
             "established flows")
        words = [os.urandom(32768) for _ in pairs]
        for (client, _), word in zip(pairs, words):
            client.sendall(word)
        for (client, served), word in zip(pairs, words):
            served.sendall(read_all(served, len(word)))
            same(read_all(client, len(word)), word, "what came back")
        for client, served in pairs:
            client.close()
            served.close()
        if workers > 1:
            need(w.stats()["counters"]["handed_over"] > 0,
                 "no packet met the wrong worker: the case is void")


def read_all(s, n):
    out = b""
    while len(out) < n:
        piece = s.recv(n - len(out))
        need(piece, "the connection ended early")
        out += piece
    return out


@case
def fetches(workers):
    """200 parallel fetches by curl."""
    with Lab(workers) as w:
        path, want = random_file(w.folder, 1)
        w.serve("wan", "http", lab.WAN, "8080", w.folder)
        w.run("lan", ["curl", "-sSf", "-Z", "--parallel-max", "200",
                      "--parallel-immediate", "--max-time", "60", "-o",
                      os.path.join(w.folder, "got_#1"),
                      url(lab.WAN, 8080, "/data?[1-200]")], timeout=90)
        for n in range(1, 201):
            same(sha256(os.path.join(w.folder, f"got_{n}")), want,
                 f"SHA-256 of fetch {n}")


@case
def udp(workers):
    """UDP there and back, from 40 sockets, of many sizes."""
    with Lab(workers) as w:
        w.serve("wan", "udp", lab.WAN, "7000")
        for n in range(40):
            s = w.open("lan", kind=socket.SOCK_DGRAM)
            s.bind(((lab.LAN, lab.LAN2)[n % 2], 0))
            for size in (0, 1, 2, 63, 512, 1400 + n):
                word = os.urandom(size)
                s.sendto(word, (lab.WAN, 7000))
                got, peer = s.recvfrom(65536)
                same(peer, (lab.WAN, 7000), "who answered")
                seen, port, rest = got.split(b" ", 2)
                same((seen.decode(), rest), (lab.WAN_GW, word), "the echo")
            s.close()
        same(len(w.weir.flows("&proto=udp&dport=7000")), 40, "UDP flows")


@case
def ping(workers):
    """Ping through weir and ping of weir itself, both families."""
    with Lab(workers) as w:
        w.run("wan", f"ip -6 route add fd00:1::/64 dev {w.tun('wan')}")
        for host in (lab.WAN, lab.LAN_GW, lab.WAN_GW, lab.WAN6, lab.LAN6_GW):
            out = w.run("lan", f"ping -n -c 5 -i 0.05 -W 2 {host}")
            need(" 0% packet loss" in out, out)
        out = w.run("lan", f"ping -n -c 2 -i 0.05 -s 1400 {lab.WAN}")
        need(" 0% packet loss" in out, out)
        s = w.stats()["counters"]
        same(s["orig_echo"], 15, "echo replies of weir's own")


@case
def traceroute(workers):
    """traceroute names weir's hop; UDP, ICMP and TCP probes, both families."""
    with Lab(workers) as w:
        w.run("wan", f"ip -6 route add fd00:1::/64 dev {w.tun('wan')}")
        for how in ("", "-I", "-T -p 81"):
            for family, hop, end in (("-4", lab.LAN_GW, lab.WAN),
                                     ("-6", lab.LAN6_GW, lab.WAN6)):
                out = w.run("lan", f"traceroute {family} -n -q 1 -w 2 -m 4 "
                                   f"{how} {end}")
                hops = re.findall(r"^ *(\d+) +(\S+)", out, re.M)
                same(hops, [("1", hop), ("2", end)],
                     f"hops of traceroute {family} {how}")


@case
def ipv6(workers):
    """IPv6 routed and tracked, not translated."""
    with Lab(workers) as w:
        w.run("wan", f"ip -6 route add fd00:1::/64 dev {w.tun('wan')}")
        path, want = random_file(w.folder, 20)
        w.serve("wan", "http", lab.WAN6, "8080", w.folder)
        w.serve("wan", "udp", lab.WAN6, "7000")
        down(w, lab.WAN6, want)
        up(w, lab.WAN6, path, want)
        same(peer(w, lab.WAN6), lab.LAN6, "who the server sees")
        s = w.open("lan", socket.AF_INET6, socket.SOCK_DGRAM)
        s.sendto(b"word", (lab.WAN6, 7000))
        same(s.recv(100).split(b" ")[::2], [lab.LAN6.encode(), b"word"],
             "the echo")
        for f in w.weir.flows():
            if f["family"] == "ipv6":
                need("SRC_NAT" not in f["status"], f"translated: {f}")


def peer(w, host, port=8080, side="lan", *more):
    """The client's address as the server sees it."""
    return w.run(side, ["curl", "-sSf", "--max-time", "10", *more,
                        url(host, port, "/peer")]).split()[0]


@case
def masquerade66(workers):
    """IPv6 behind the router's own address, when a rule asks."""
    rules = {"postrouting": [{"out": "wan", "masquerade": True}]}
    with Lab(workers, rules=rules) as w:
        path, want = random_file(w.folder, 20)
        w.serve("wan", "http", lab.WAN6, "8080", w.folder)
        down(w, lab.WAN6, want)
        up(w, lab.WAN6, path, want)
        same(peer(w, lab.WAN6), lab.WAN6_GW, "who the server sees")
        out = w.run("lan", f"ping -n -c 3 -i 0.05 -W 2 {lab.WAN6}")
        need(" 0% packet loss" in out, out)
        out = w.run("lan", f"traceroute -6 -n -q 1 -w 2 -m 4 {lab.WAN6}")
        hops = re.findall(r"^ *(\d+) +(\S+)", out, re.M)
        same(hops, [("1", lab.LAN6_GW), ("2", lab.WAN6)], "hops")


@case
def mtu(workers):
    """A 1280 hop: no black hole; super-packets are judged by gso_size.

    The server claims (advmss) that it takes full segments, so that only
    weir's ICMP errors can tell the client."""
    with Lab(workers, mtu={"wan": 1280}) as w:
        tun = w.tun("wan")
        w.run("wan", f"ip route replace 198.51.100.0/24 dev {tun} "
                     f"src {lab.WAN} advmss 1460")
        w.run("wan", f"ip -6 route add fd00:1::/64 dev {tun} advmss 1440")
        out = w.run("lan", f"ping -n -c 1 -W 1 -M do -s 1400 {lab.WAN}",
                    check=False)
        need(f"From {lab.LAN_GW}" in out and "mtu = 1280" in out, out)
        w.run("lan", "ip route flush cache")    # forget it again
        path, want = random_file(w.folder, 20)
        for host in (lab.WAN, lab.WAN6):
            before = w.stats()
            server = w.serve("wan", "http", host, "8080", w.folder)
            up(w, host, path, want)
            down(w, host, want)
            server.kill()
            after = w.stats()
            big = after["drops"]["too_big"] - before["drops"]["too_big"]
            need(big >= 1, "no packet was too big: the case is void")
            need(big < 200, f"{big} packets too big: the client never learns")
            route = w.run("lan", f"ip route get {host}")
            need("mtu 1280" in route, f"the client's path MTU: {route}")
            a, b = before["interfaces"]["wan"], after["interfaces"]["wan"]
            mean = (b["tx_bytes"] - a["tx_bytes"]) / \
                (b["tx_packets"] - a["tx_packets"])
            say(f"{big} too big; mean packet to wan {mean:.0f} bytes")
            need(mean > 1280, "no super-packet passed whole")
        cut(w)


IP_MTU_DISCOVER, PMTUDISC_INTERFACE = 10, 4     # no DF, never cut here


def cut(w):
    """Without DF weir cuts: the datagrams arrive whole."""
    server = w.listen("wan", (lab.WAN, 7000), socket.SOCK_DGRAM)
    s = w.open("lan", kind=socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_INTERFACE)
    for size in (1253, 1400, 1472):
        word = os.urandom(size)
        s.sendto(word, (lab.WAN, 7000))
        got, who = server.recvfrom(65536)
        same((got, who[0]), (word, lab.WAN_GW), "the datagram in pieces")
        server.sendto(b"small", who)
        same(s.recv(100), b"small", "the answer")
        w.pieces += 1
    cut_segments(w, server)


SOL_UDP, UDP_SEGMENT = 17, 103


def cut_segments(w, server):
    """The same of a super-packet of datagrams, each too large."""
    s = w.open("lan", kind=socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_INTERFACE)
    s.setsockopt(SOL_UDP, UDP_SEGMENT, 1450)
    before = w.stats()["counters"]["forwarded"]
    word = os.urandom(4 * 1450)
    s.sendto(word, (lab.WAN, 7000))
    got = b"".join(server.recvfrom(65536)[0] for _ in range(4))
    same(got, word, "the datagrams of a super-packet")
    w.pieces += 8 - (w.stats()["counters"]["forwarded"] - before)
