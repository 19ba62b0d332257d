"""cases_gateway_nat.py - gateway mode: what is hidden, and when there is nothing
to hide it behind"""
import errno
import socket

from lab import LAN, LAN_GW, LAN2, WAN, WAN_GW, need, same, wait_for
from lab_gateway import GatewayLab, Sniffer

CASES = {}
NEXT = "198.51.100.77"      # another lease


def case(function):
    CASES[function.__name__] = function
    return function


def no_address(w):
    return w.stats()["drops"].get("no_address", 0)


def sent_from_inside(w, s, n=1):
    """n more datagrams were refused for want of an address."""
    before = no_address(w)
    for _ in range(n):
        s.sendto(b"x", (WAN, 7000))
    wait_for("they are refused", lambda: no_address(w) >= before + n, 3)


@case
def gateway_without_address(workers):
    """wan loses its address for a while, and there is a route all the same:
    nothing from inside is seen outside, and the very flow that was refused is
    hidden behind the next address."""
    with GatewayLab(workers) as w:
        w.settled = False
        w.serve("wan", "udp", WAN, "7000")
        sniffer = Sniffer(w, "wan")
        s = w.open("lan", socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((LAN, 5555))
        w.batch("gw", f"addr del {WAN_GW}/24 dev eth1",
                "route add 198.51.100.0/24 dev eth1")
        wait_for("the address is forgotten",
                 lambda: WAN_GW not in w.run("gw", "ip rule"), 3)
        sniffer.sources()
        sent_from_inside(w, s, 5)
        same(sniffer.sources() & {LAN}, set(), "who was seen outside")
        w.batch("gw", "route del 198.51.100.0/24 dev eth1",
                f"addr add {NEXT}/24 dev eth1")
        wait_for("the new address is followed",
                 lambda: NEXT in w.run("gw", "ip rule"), 3)
        s.settimeout(0.3)
        wait_for("it is served", lambda: answered(s) == NEXT, 3)
        need(LAN not in sniffer.sources(), "an inside address was seen")
        sniffer.close()


def answered(s):
    s.sendto(b"x", (WAN, 7000))
    try:
        return s.recv(65536).split(b" ", 1)[0].decode()
    except TimeoutError:
        return None


def refused(w):
    """Errors of a UDP socket that asks for what is not there."""
    with w.open("wan", kind=socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_IP, 11, 1)      # IP_RECVERR
        s.connect((WAN_GW, 99))
        try:
            s.send(b"x")
            s.recv(1)
        except OSError as wrong:
            return {wrong.errno}
    return set()


class StrictLab(GatewayLab):
    """Its kernel takes nothing by another device than the one that leads to
    its source."""
    sysctl = tuple(f"net.ipv4.conf.{name}.rp_filter=1"
                   for name in ("all", "default", "eth0", "eth1"))


@case
def gateway_hides_towards_inside(workers):
    """Also towards the lan a flow may be hidden: a service that has no way to
    its clients, or is not to see them, sees the gateway's lan address alone; and a dnat of
    the gateway's own packets leads there, and its answer back."""
    rules = {"prerouting": [{"in": "wan", "proto": "tcp", "dst": WAN_GW,
                             "dport": 8080, "dnat": f"{LAN2}:80"},
                            {"in": "wan", "proto": "udp", "dst": WAN_GW,
                             "dport": 99, "dnat": "10.0.1.99:99"}],
             "output": [{"proto": "tcp", "dst": "192.0.2.9", "dport": 80,
                         "dnat": f"{LAN2}:80"}],
             "postrouting": [{"masquerade": True}]}
    with StrictLab(workers, rules=rules) as w:
        w.serve("lan2", "http", LAN2, "80", w.folder)
        w.serve("wan", "http", WAN, "8080", w.folder)
        w.works(side="wan", host=WAN_GW, seen=LAN_GW)
        w.run("gw", "ip route add unreachable 10.0.1.99")
        same(refused(w), {errno.EHOSTUNREACH}, "what a client hears of a "
             "server that the gateway does not find")
        w.run("gw", "ip route del unreachable 10.0.1.99")
        for host in (WAN_GW, LAN_GW):
            w.run("gw", f"ping -n -c 1 -W 2 {host}")
        w.works(side="gw", host="192.0.2.9", seen=LAN_GW, port=80)
        w.works()
