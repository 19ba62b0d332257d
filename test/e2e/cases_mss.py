"""cases_mss.py - segments that fit although no host says they are too big

    lan (1500) === weir === (1280) wan

The servers claim (advmss) that they take full segments, and the client's host
refuses ICMP: its segments vanish on the way unless a rule has lowered what the
server seemed to say.
"""
import hashlib
import os
import socket
import time

import lab
from capture import Sniffer, sum_in_software
from cases_nat import reset
from cases_traffic import read_all
from lab import Lab, need, same, say

CASES = {}
HOSTS = {lab.WAN: 1460, lab.WAN6: 1440}     # and what they announce
MASQUERADE = {"out": "wan", "dst": "0.0.0.0/0", "masquerade": True}


def case(function):
    CASES[function.__name__] = function
    return function


class Narrow(Lab):
    """The wan host's link is narrow, ICMP does not reach the client."""

    def __init__(self, workers, hook, *rules):
        given = {hook: list(rules)}
        given["postrouting"] = [MASQUERADE, *given.get("postrouting", [])]
        super().__init__(workers, mtu={"wan": 1280}, rules=given)

    def start(self):
        super().start()
        tun = self.tun("wan")
        self.run("wan", f"ip route replace 198.51.100.0/24 dev {tun} "
                        f"src {lab.WAN} advmss {HOSTS[lab.WAN]}")
        self.run("wan", f"ip -6 route add fd00:1::/64 dev {tun} "
                        f"advmss {HOSTS[lab.WAN6]}")
        self.run("lan", "sysctl -qw net.ipv4.tcp_mtu_probing=0")
        self.run("lan", ["nft", "add table inet deaf; add chain inet deaf c "
                         "{ type filter hook input priority 0; }; add rule "
                         "inet deaf c icmp type destination-unreachable drop; "
                         "add rule inet deaf c icmpv6 type packet-too-big "
                         "drop"])


def link(w, host, smaller=None):
    """(client, served): a connection; smaller: the MSS each announces."""
    server = w.listen("wan", (host, 9000))
    client = w.open("lan", socket.AF_INET6 if ":" in host else socket.AF_INET)
    if smaller:
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, smaller)
    client.connect((host, 9000))
    served = server.accept()[0]
    served.settimeout(10)
    server.close()
    return client, served


def announced(w, host, smaller=None):
    """What the MSS options said on the far sides: (the server's host heard,
    the client's host heard), their sums right, and whether those were whole."""
    far, near = Sniffer(w, "wan"), Sniffer(w, "lan")
    reset([link(w, host, smaller)])
    (syn,), (answer,) = list(far.syns()), list(near.syns())
    same((syn.answers, answer.answers), (False, True), "who answers")
    for one in (syn, answer):
        one.check_sum()
    return (syn.mss(), answer.mss()), (not syn.partial, not answer.partial)


def carries(w, host):
    """200 KB arrive, and come back, by their hash."""
    client, served = link(w, host)
    word = os.urandom(200_000)
    want, begin = hashlib.sha256(word).digest(), time.monotonic()
    client.sendall(word)
    same(hashlib.sha256(read_all(served, len(word))).digest(), want,
         "what the server got")
    served.sendall(word)
    same(hashlib.sha256(read_all(client, len(word))).digest(), want,
         "what came back")
    say(f"{host}: 200 KB each way in {time.monotonic() - begin:.2f} s")
    reset([(client, served)])


def hangs(w, host):
    """The handshake passes, and no segment after it."""
    client, served = link(w, host)
    before = w.weir.json("/api/v1/stats")["drops"]["too_big"]
    client.setblocking(False)
    client.send(os.urandom(200_000))
    served.settimeout(2)
    try:
        raise lab.Failure(f"{len(served.recv(65536))} bytes passed: what is to "
                          "need the clamp needs none, the case is void")
    except TimeoutError:
        pass
    drops = w.weir.json("/api/v1/stats")["drops"]["too_big"] - before
    need(drops > 1, f"{drops} packets were too big: not those that are missing")
    reset([(client, served)])


def clamped(w, limit):
    """limit: by host.  Twice: with sums left to the devices, and made."""
    for software in (False, True):
        if software:
            for side in lab.SIDES:
                sum_in_software(w, side)
        for host in HOSTS:
            want = limit[host]
            got, whole = announced(w, host)
            same(got, (want, want), f"MSS towards {host} on the far sides")
            if software:
                same(whole, (True, True), "sums that are there")
            same(announced(w, host, 536)[0], (536, 536),
                 "a smaller MSS is left alone")
    for host in HOSTS:
        carries(w, host)


@case
def mss_missing(workers):
    """Without the rule each side hears what the other said, and it hangs."""
    with Narrow(workers, "forward") as w:
        for host, full in HOSTS.items():
            same(announced(w, host)[0], (full, full), f"MSS towards {host}")
            hangs(w, host)


@case
def mss_number(workers):
    """A number, of SYNs as they come in."""
    with Narrow(workers, "prerouting", {"proto": "tcp", "mss": 1200}) as w:
        clamped(w, dict.fromkeys(HOSTS, 1200))


@case
def mss_pmtu(workers):
    """What both links take, of SYNs as they leave."""
    with Narrow(workers, "postrouting", {"mss": "pmtu"}) as w:
        clamped(w, {lab.WAN: 1280 - 40, lab.WAN6: 1280 - 60})
