"""cases_gateway_kill.py - gateway mode: what lives on when weir is killed"""
import re
import signal
import socket

from lab import (LAN, LAN6, WAN, WAN6, WAN6_GW, WAN_GW, need, same,
                 wait_for)
from lab_gateway import GatewayLab, Sniffer

CASES = {}
EACH = 20
STREAM, DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM


def case(function):
    CASES[function.__name__] = function
    return function


class Flow:
    """Between two sockets that know each other; a word of either side is a
    byte."""

    def __init__(self, w, kind, side, host, port, served="wan", by=None,
                 at=None):
        """at: where the server is, if a forward leads there."""
        self.name = (f"{'TCP' if kind == STREAM else 'UDP'} {side} to "
                     f"{host}:{port}")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = w.listen(served, at or (host, port), kind)
        self.client = w.open(side, family, kind)
        if by:                          # the same port as that client's
            self.client.bind(("", by.client.getsockname()[1]))
        self.client.connect((host, port))
        self.client.send(b"c")
        if kind == STREAM:
            self.server = server.accept()[0]
            server.close()
            same(self.server.recv(1), b"c", self.name)
        else:
            self.server = server
            word, who = server.recvfrom(1)
            server.connect(who)
        self.server.send(b"s")
        same(self.client.recv(1), b"s", self.name)
        for s in (self.client, self.server):
            s.setblocking(False)


def ended(flows):
    """All clients speak, then all servers: of which flows a side doesn't hear
    the other."""
    lost = set()
    for frm, to in (("client", "server"), ("server", "client")):
        for flow in flows:
            try:
                getattr(flow, frm).send(b"x")
            except OSError:
                lost.add(flow.name)
        for flow in flows:
            try:
                wait_for(f"a word of the {frm}'s by {flow.name}",
                         lambda: heard(getattr(flow, to)), 20)
            except OSError:
                lost.add(flow.name)
    return sorted(lost)


def heard(s):
    try:
        return b"x" in s.recv(4096)
    except BlockingIOError:
        return False


def say(flows):
    """The servers speak, the clients are silent; UDP twice, since the first
    error is told at the second call."""
    for flow in flows:
        for _ in range(2):
            try:
                flow.server.send(b"s")
            except OSError:
                pass


def strange(w):
    """Packets of a tunnel that the host has no end of."""
    for family, host in ((socket.AF_INET, WAN_GW), (socket.AF_INET6, WAN6_GW)):
        with w.open("wan", family, socket.SOCK_RAW, socket.IPPROTO_GRE) as s:
            s.sendto(b"\0\0\x08\0", (host, 0))


def errors(sniffer):
    """Types of ICMP's that came."""
    return [(source, packet[20] if packet[0] >> 4 == 4 else packet[40])
            for source, packet in sniffer.packets()
            if (packet[0] >> 4 == 4 and packet[9] == 1 and packet[20] == 3) or
            (packet[0] >> 4 == 6 and packet[6] == 58 and packet[40] < 128)]


def barrier(w):
    """What was sent before has been answered, if it ever is."""
    for host in (WAN_GW, WAN6_GW):
        w.run("wan", f"ping -n -c 2 -i 0.1 -W 2 {host}")


def lost_flows(w):
    return w.weir.json("/api/v1/stats")["drops"].get("lost_flow", 0)


@case
def gateway_killed_talks(workers):
    """kill -9 ends no flow, whichever side sends first, before the next start
    or after it: the host answers no packet of a flow that it does not know.
    The host's own flows that have ports of clients' flows go on, too."""
    rules = {"postrouting": [
        {"out": "wan", "masquerade": True}]}
    with GatewayLab(workers, rules=rules) as w:
        def flows(kind, base, n=EACH):
            return [Flow(w, kind, "lan", WAN6 if i % 4 == 3 else WAN, base + i)
                    for i in range(n)]
        dead, new, client = (flows(STREAM, 20000 + 100 * n) for n in range(3))
        udead, unew, uclient = (flows(DGRAM, 21000 + 100 * n)
                                for n in range(3))
        own = [Flow(w, STREAM, "wan", WAN_GW, 2222, "gw"),
               Flow(w, STREAM, "gw", WAN, 2223), Flow(w, DGRAM, "gw", WAN, 2224),
               Flow(w, DGRAM, "wan", WAN6_GW, 2225, "gw"),
               *(Flow(w, kind, "gw", WAN, 2240 + i, by=by)
                 for kind, group in ((STREAM, new), (DGRAM, unew))
                 for i, by in enumerate(group[:4])),
               Flow(w, STREAM, "gw", WAN, 2226)]
        w.weir.kill()
        sniffer = Sniffer(w, "wan")
        say(dead + udead)
        strange(w)
        barrier(w)
        same(errors(sniffer), [], "ICMP errors of the host while weir was dead")
        same(ended(own[:-1]), [],
             "which of the host's own ended, while weir was dead")
        host_is_there(w)
        w.start()
        begins_behind(w, 2232)
        say(new + unew + own[-1:])
        barrier(w)
        need(lost_flows(w) > 0, "no packet of an unknown flow was dropped")
        same(ended(client + uclient + dead + udead + new + unew + own), [],
             "which flows ended")
        w.settled = False


def begins_behind(w, port):
    """A service that begins only now is heard, once it is noticed."""
    server = w.listen("gw", (WAN_GW, port), DGRAM)
    client = w.open("wan", socket.AF_INET, DGRAM)
    client.connect((WAN_GW, port))
    server.setblocking(False)

    def is_heard():
        client.send(b"x")
        return heard(server)
    wait_for(f"a word to UDP port {port} of the host", is_heard, 20)


def host_is_there(w):
    """New connections to the host, and what it refuses to take."""
    Flow(w, STREAM, "wan", WAN_GW, 2230, "gw")
    Flow(w, STREAM, "wan", WAN6_GW, 2231, "gw")
    for family, host in ((socket.AF_INET, WAN_GW), (socket.AF_INET6, WAN6_GW)):
        s = w.open("wan", family)
        try:
            s.connect((host, 9))
        except ConnectionRefusedError:
            continue
        need(False, f"{host} did not refuse")


THIRD, THIRD6 = "10.3.0.2", "fd00:3::2"


class Third(GatewayLab):
    """With a third network, which gateway mode does not name."""

    def wire(self):
        super().wire()
        self.batch("gw", f"link add eth2 type veth peer name eth0 netns "
                         f"{self.ns('switch')}",
                   *self.host("eth2", "10.3.0.1", "fd00:3::1"))
        self.batch("switch", *self.host("eth0", THIRD, THIRD6),
                   "route add default via 10.3.0.1",
                   "route add default via fd00:3::1")
        self.before = self.state()


def guarded(w, counter):
    """How many packets weir's table has dropped and counted so."""
    text = w.run("gw", "nft list counter inet weir " + counter)
    return int(re.search(r"packets (\d+)", text)[1])


@case
def gateway_led_past(workers):
    """weir was killed, its routing rules are gone, and the kernel forwards: the
    packet filter alone holds what would go untranslated."""
    with Third(workers) as w:
        w.settled = False
        w.weir.kill()
        for family in ("-4", "-6"):
            w.run("gw", ["sh", "-c", f"ip {family} rule add pref 1 lookup "
                         f"local; while ip {family} rule del protocol 119 "
                         "2>/dev/null; do :; done"])
        w.run("gw", "sysctl -qw net.ipv4.ip_forward=1 "
                    "net.ipv6.conf.all.forwarding=1")
        third, lan = Sniffer(w, "switch"), Sniffer(w, "lan")
        for side, hosts, counter in (("lan", (THIRD, THIRD6), "past"),
                                     ("switch", (LAN, LAN6), "third")):
            for host in hosts:
                before = guarded(w, counter)
                out = w.run(side, f"ping -n -c 2 -i 0.05 -W 0.3 {host}",
                            check=False)
                need("100% packet loss" in out, out)
                same(guarded(w, counter) - before, 2,
                     f"packets from {side} to {host} counted as {counter}")
        need(not {LAN, LAN6} & third.sources(), "lan's was seen at the third")
        need(not {THIRD, THIRD6} & lan.sources(), "the third's was seen in lan")
        third.close()
        lan.close()
        w.start()


def flap(w, side, flows, addrs, *routes):
    """The addresses go, and come back while weir does not look.  The other ends
    of these flows are at this side, and speak then: what the host answers comes
    there at once (the barrier sees it pass), or waits for weir."""
    w.batch("gw", *(f"addr del {addr}" for addr in addrs))
    wait_for("weir knows that it has no address", lambda: not w.weir.ready())
    w.weir.signal(signal.SIGSTOP)
    w.batch("gw", *(f"addr add {addr} {'nodad' if '::' in addr else ''}"
                    for addr in addrs), *routes)
    sniffer = Sniffer(w, side)
    for flow in flows:
        flow.client.send(b"c")
    if side == "wan":
        barrier(w)
    w.weir.signal(signal.SIGCONT)
    wait_for("weir is ready", w.weir.ready)
    same(errors(sniffer), [], "ICMP errors of the host")
    same(ended(flows), [], "which flows ended")
    sniffer.close()


@case
def gateway_address_returns(workers):
    """wan's addresses go and come back, and the kernel has them before weir
    knows: the host's own stack does not end what weir forwards."""
    to = {WAN_GW: LAN, WAN6_GW: LAN6}
    rules = {"postrouting": [{"out": "wan", "masquerade": True}],
             "prerouting": [{"in": "wan", "family": family,
                             "proto": ["tcp", "udp"], "dport": "8100-8120",
                             "dnat": inside}
                            for family, inside in (("ipv4", LAN),
                                                   ("ipv6", LAN6))]}
    with GatewayLab(workers, rules=rules) as w:
        flows = [Flow(w, kind, "wan", host, 8100 + i, "lan",
                      at=(inside, 8100 + i))
                 for host, inside in to.items() for kind in (STREAM, DGRAM)
                 for i in range(4)]
        flap(w, "wan", flows,
             (f"{WAN_GW}/24 dev eth1", f"{WAN6_GW}/64 dev eth1"),
             f"route replace default via {WAN}",
             f"route replace default via {WAN6}")
        w.settled = False
