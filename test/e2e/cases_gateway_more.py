"""cases_gateway_more.py - gateway mode with further devices

    dmz  (DMZ)  --- eth2 [gw: weir] eth0 --- lan, lan2
    wan2 (WAN2) --- eth3            eth1 --- wan
    other ------- eth4

eth2 is one more inside, eth3 one more outside; nothing names eth4.
"""
import itertools
import socket
import subprocess

from lab import (LAN, LAN6, WAN, WAN6, WAN6_GW, WAN_GW, need, same, wait_for)
from cases_gateway_kill import Flow, flap
from lab_gateway import GatewayLab, Sniffer, conntrack, curl_peer

CASES = {}
DMZ, DMZ_GW = "10.0.2.2", "10.0.2.1"
DMZ6, DMZ6_GW = "fd00:2::2", "fd00:2::1"
WAN2, WAN2_GW = "203.0.113.2", "203.0.113.1"
WAN26, WAN26_GW = "2001:db8:2::2", "2001:db8:2::1"
OTHER, OTHER_GW = "192.0.2.2", "192.0.2.1"
OTHER6, OTHER6_GW = "2001:db8:4::2", "2001:db8:4::1"
FAR, FAR6 = "198.18.0.9", "2001:db8:9::9"       # behind both uplinks
FURTHER = (("eth2", "dmz", DMZ, DMZ6, DMZ_GW, DMZ6_GW),
           ("eth3", "wan2", WAN2, WAN26, WAN2_GW, WAN26_GW),
           ("eth4", "other", OTHER, OTHER6, OTHER_GW, OTHER6_GW))
CLOSED = [{"ct_state": ["established", "related"], "verdict": "accept"},
          {"ct_status": "dnat", "verdict": "accept"},
          {"in": ["lan", "dmz"], "verdict": "accept"}]


def case(function):
    CASES[function.__name__] = function
    return function


class MoreLab(GatewayLab):
    namespaces = (*GatewayLab.namespaces, "dmz", "wan2", "other")
    sides = ("lan", "wan", "dmz", "wan2")

    def default(self, rules):
        config = super().default(rules)
        config["gateway"]["more"] = {
            "wan2": {"device": "eth3", "side": "outside"},
            "dmz": {"device": "10.0.2.0/24", "side": "inside"}}
        config["policy"] = {"forward": "drop"}
        config["rules"]["forward"] = CLOSED
        config["rules"]["prerouting"] = [
            {"in": "wan2", "proto": "tcp", "dst": "wan2", "dport": 8081,
             "dnat": f"{LAN}:8080"},
            {"in": "wan2", "proto": "tcp", "dst": "wan2", "dport": 8081,
             "dnat": f"[{LAN6}]:8080"}]
        return config

    def wire(self):
        super().wire()
        for device, side, four, six, gate, gate6 in FURTHER:
            self.batch("gw", self.pair(device, side, "mtu 1500"),
                       *self.host(device, gate, gate6))
            self.batch(side, *self.host("eth0", four, six),
                       f"route add default via {gate}",
                       f"route add default via {gate6}")
        self.before = self.state()

    def serve_all(self):
        for side, hosts in (("lan", (LAN, LAN6)), ("wan", (WAN, WAN6)),
                            ("dmz", (DMZ, DMZ6)), ("wan2", (WAN2, WAN26)),
                            ("other", (OTHER, OTHER6))):
            for host in hosts:
                self.serve(side, "http", host, "8080", self.folder)

    def sees(self, side, host, seen, port=8080):
        wait_for(f"{side} reaches {host}, seen as {seen}", lambda: curl_peer(
            self, side, host, port, "--max-time", "1").split()[:1] == [seen],
            5)

    def refuses(self, pairs):
        """None of them reaches the other; all are tried at once."""
        tries = [(side, host, self.spawn(side, [
            "curl", "-s", "--max-time", "0.7", "http://" + (
                f"[{host}]" if ":" in host else host) + ":8080/peer"],
            stdout=subprocess.PIPE)) for side, host in pairs]
        for side, host, child in tries:
            same(child.communicate()[0], "", f"what {side} hears of {host}")


@case
def gateway_further(workers):
    """Between two inside networks both sides begin flows, untranslated and
    tracked; each way out hides IPv4 behind its own address; what is outside
    comes in by rules alone."""
    with MoreLab(workers) as w:
        w.serve_all()
        for side, host, seen in (
                ("lan", DMZ, LAN), ("lan", DMZ6, LAN6),
                ("dmz", LAN, DMZ), ("dmz", LAN6, DMZ6),
                ("lan", WAN2, WAN2_GW), ("lan", WAN26, LAN6),
                ("dmz", WAN2, WAN2_GW), ("dmz", WAN26, DMZ6),
                ("dmz", WAN, WAN_GW), ("lan", WAN, WAN_GW),
                ("gw", DMZ, DMZ_GW), ("gw", WAN2, WAN2_GW),
                ("gw", WAN26, WAN26_GW), ("gw", WAN6, WAN6_GW)):
            w.sees(side, host, seen)
        flows = conntrack(w, "-L", "-p", "tcp")
        need(f"src={LAN} dst={DMZ}" in flows and
             f"src={DMZ} dst={LAN}" in flows, f"no flow between: {flows}")
        inside = Sniffer(w, "lan")
        w.refuses(("wan2", host) for host in (LAN, LAN6, DMZ, DMZ6))
        same(inside.sources() & {WAN2, WAN26}, set(), "who came in")
        inside.close()
        for host, seen in ((WAN2_GW, WAN2), (WAN26_GW, WAN26)):
            w.sees("wan2", host, seen, 8081)
        checks = {c["name"] for c in w.weir.json("/readyz")["checks"]}
        need(checks >= {"interface.dmz", "interface.wan2", "address.dmz",
                        "address.wan2"}, f"checks: {checks}")
        same(w.stats()["drops"].get("policy", 0) > 0, True, "policy's drops")


@case
def gateway_further_unnamed(workers):
    """A device that nothing names is cut off from all that are named, both
    ways and counted; the host itself reaches it."""
    with MoreLab(workers) as w:
        w.serve_all()
        w.sees("gw", OTHER, OTHER_GW)
        w.sees("gw", OTHER6, OTHER6_GW)
        sniffers = {side: Sniffer(w, side) for side in ("other", "lan", "dmz",
                                                        "wan2")}
        w.refuses(itertools.product(("lan", "dmz", "wan2"), (OTHER, OTHER6)))
        w.refuses(("other", host)
                  for host in (LAN, LAN6, DMZ, DMZ6, WAN2, WAN26))
        near = {OTHER_GW, OTHER6_GW}
        same(sniffers["other"].sources() - near, set(), "who was seen there")
        for side in ("lan", "dmz", "wan2"):
            same(sniffers[side].sources() & {OTHER, OTHER6}, set(),
                 f"who was seen in {side}")
        for sniffer in sniffers.values():
            sniffer.close()
        wait_for("it is logged", lambda: "gateway.more does not name" in
                 w.weir.output(), 3)


@case
def gateway_further_killed(workers):
    """While weir is dead nothing passes by any of them, and behind the next
    start all does."""
    with MoreLab(workers) as w:
        w.serve_all()
        w.sees("lan", WAN2, WAN2_GW)
        w.sees("dmz", LAN, DMZ)
        sniffers = [Sniffer(w, side) for side in ("lan", "dmz", "wan", "wan2",
                                                  "other")]
        w.weir.kill()
        for sniffer in sniffers:
            sniffer.sources()
        w.refuses(itertools.product(("lan", "dmz"), (WAN, WAN6, WAN2, WAN26,
                                                     OTHER, OTHER6)))
        w.refuses((("lan", DMZ), ("lan", DMZ6), ("dmz", LAN), ("dmz", LAN6),
                   ("wan2", LAN), ("wan2", DMZ6)))
        # Their own gateway they hear.
        passed = {src for s in sniffers for src in s.sources()
                  if src in (LAN, LAN6, DMZ, DMZ6, WAN2, WAN26)}
        same(passed, set(), "whose packets passed")
        w.start()
        w.sees("lan", WAN2, WAN2_GW)
        w.sees("dmz", LAN, DMZ)
        w.sees("dmz", WAN2, WAN2_GW)
        for sniffer in sniffers:
            sniffer.close()


def answered(s, host):
    """As whom the server sees this socket; None: no answer."""
    s.settimeout(0.3)
    s.sendto(b"x", (host, 7000))
    try:
        return s.recv(65536).split(b" ", 1)[0].decode()
    except (TimeoutError, OSError):
        return None


def ignore_linkdown(w, value):
    for name in ("ipv4.conf.all", "ipv4.conf.eth1", "ipv6.conf.all"):
        w.run("gw", f"sysctl -qw net.{name}.ignore_routes_with_linkdown="
                    f"{value}")


def without_carrier(w, s):
    """A host that is told to ignores routes whose link is down, and so does
    weir: a second default route takes over, and gives back."""
    second = (f"route add default via {WAN2} dev eth3 metric 200",
              f"route add default via {WAN26} dev eth3 metric 2000")
    ignore_linkdown(w, 1)
    w.batch("gw", *second)
    w.batch("wan", "link set eth0 down")
    wait_for("the second takes over", lambda: answered(s, FAR) == WAN2_GW, 20)
    w.sees("gw", FAR, WAN2_GW)
    w.sees("gw", FAR6, WAN26_GW)
    w.batch("wan", "link set eth0 up")
    wait_for("the first is back", lambda: answered(s, FAR) == WAN_GW, 20)
    w.batch("gw", *(r.replace("add", "del") for r in second))
    ignore_linkdown(w, 0)


@case
def gateway_further_returns(workers):
    """A further outside device's addresses go and come back: what comes by
    them goes on."""
    with MoreLab(workers) as w:
        flows = [Flow(w, socket.SOCK_STREAM, "wan2", host, 8081, "lan",
                      at=(inside, 8080))
                 for host, inside in ((WAN2_GW, LAN), (WAN26_GW, LAN6))
                 for _ in range(4)]
        flap(w, "wan2", flows,
             (f"{WAN2_GW}/24 dev eth3", f"{WAN26_GW}/64 dev eth3"))
        w.settled = False


@case
def gateway_uplinks(workers):
    """Where the main table says which uplink leads somewhere, that one's
    address hides; a flow whose route moves never goes on with the other's."""
    with MoreLab(workers) as w:
        for side in ("wan", "wan2"):
            w.batch(side, f"addr add {FAR}/32 dev lo",
                    f"addr add {FAR6}/128 dev lo nodad")
            w.serve(side, "udp", FAR, "7000")
            w.serve(side, "http", FAR, "8080", w.folder)
            w.serve(side, "http", FAR6, "8080", w.folder)
        sniffer = Sniffer(w, "wan2")
        s = w.open("lan", socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((LAN, 5555))
        wait_for("wan leads there", lambda: answered(s, FAR) == WAN_GW, 5)
        moved = (f"route add {FAR} via {WAN2} dev eth3",
                 f"route add {FAR6} via {WAN26} dev eth3")
        w.batch("gw", *moved)
        wait_for("wan2 does", lambda: answered(s, FAR) == WAN2_GW, 5)
        w.sees("gw", FAR, WAN2_GW)
        w.sees("gw", FAR6, WAN26_GW)
        w.sees("lan", FAR, WAN2_GW)
        w.batch("gw", *(r.replace("add", "del") for r in moved))
        wait_for("wan again", lambda: answered(s, FAR) == WAN_GW, 5)
        w.sees("gw", FAR6, WAN6_GW)

        # The default route too, by the lower metric.
        default = (f"route add default via {WAN2} dev eth3",
                   f"route add default via {WAN26} dev eth3 metric 1",
                   f"route add default via {WAN} dev eth1 metric 50")
        w.batch("gw", f"route del default via {WAN}", *default)
        wait_for("wan2 leads anywhere", lambda: answered(s, FAR) == WAN2_GW, 5)
        w.sees("gw", FAR, WAN2_GW)
        w.sees("gw", FAR6, WAN26_GW)
        route = [c for c in w.weir.json("/readyz")["checks"]
                 if c["name"] == "route.default"]
        same([c["level"] for c in route], ["ok"], f"the route's check: {route}")
        seen = sniffer.sources()
        same(seen & {LAN, LAN6, WAN_GW, WAN6_GW}, set(), "who was seen by wan2")
        w.batch("gw", *(r.replace("add", "del") for r in default),
                f"route add default via {WAN} dev eth1")
        wait_for("all as before", lambda: answered(s, FAR) == WAN_GW, 5)
        without_carrier(w, s)
        sniffer.close()
        s.close()
