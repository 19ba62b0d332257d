"""cases_tunnel.py - tunnels of inside hosts: a packet in a packet"""
import os
import socket

from cases_traffic import down, random_file, up
from lab import (LAN, LAN6, WAN, WAN6, WAN6_GW, WAN_GW, Lab, need,
                 same, say)

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


# Addresses inside of the tunnel: of the client, of the server.
INNER = (("192.168.7.1", "192.168.7.2"), ("fd00:7::1", "fd00:7::2"))


def vxlan(w, six, *options):
    """A VXLAN device in each namespace, with all offloads: the kernel leaves
    the inner checksums to the device below."""
    ends = {"lan": (LAN6 if six else LAN, WAN6 if six else WAN),
            "wan": (WAN6 if six else WAN, WAN6_GW if six else WAN_GW)}
    for side, (local, remote) in ends.items():
        w.run(side, ["ip", "link", "add", "vx", "type", "vxlan", "id", "7",
                     "dstport", "4789", "local", local, "remote", remote,
                     *options])
        for pair, length in zip(INNER, ("24", "64")):
            w.run(side, f"ip addr add {pair[side == 'wan']}/{length} dev vx"
                        + (" nodad" if ":" in pair[0] else ""))
        w.run(side, "ip link set vx mtu 1400 up")


@case
def vxlan_inside(workers):
    """TCP and UDP through VXLAN of an inside host, over IPv4 and IPv6, with the
    outer checksum and without; super-packets, too."""
    rules = {"prerouting": [
                 {"in": "wan", "proto": "udp", "dst": WAN_GW, "dport": 4789,
                  "dnat": f"{LAN}:4789"},
                 {"in": "wan", "proto": "udp", "dst": WAN6_GW, "dport": 4789,
                  "dnat": f"[{LAN6}]:4789"}],
             "postrouting": [{"out": "wan", "masquerade": True}]}
    with Lab(workers, rules=rules) as w:
        path, want = random_file(w.folder, 4)
        for six, options in ((False, ["noudpcsum"]), (False, ["udpcsum"]),
                             (True, ["udp6zerocsumtx", "udp6zerocsumrx"]),
                             (True, [])):
            say(f"VXLAN over IPv{6 if six else 4} {' '.join(options)}")
            vxlan(w, six, *options)
            for _, host in INNER:
                server = w.serve("wan", "http", host, "8080", w.folder)
                down(w, host, want)
                up(w, host, path, want)
                server.kill()
                server = w.serve("wan", "udp", host, "7000")
                echo(w, host)
                server.kill()
            for side in ("lan", "wan"):
                w.run(side, "ip link del vx")
        s = w.stats()
        same(s["drops"].get("bad_gso", 0), 0, "refused as bad_gso")
        need(w.weir.flows("&proto=udp&dport=4789"), "no packet took the tunnel")


def echo(w, host):
    s = w.open("lan", socket.AF_INET6 if ":" in host else socket.AF_INET,
               socket.SOCK_DGRAM)
    for size in (1, 63, 1300):
        word = os.urandom(size)
        s.sendto(word, (host, 7000))
        same(s.recv(65536).split(b" ", 2)[2], word, "the echo")
    s.close()
