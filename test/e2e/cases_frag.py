"""cases_frag.py - datagrams that real senders cut"""
import hashlib
import os
import socket

import lab
from lab import Lab, need, same, say

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def as_many_out(w, forwarded):
    """Each fragment that came in has left: the count of them is exact."""
    c = w.stats()["counters"]
    same(c["frags_waiting"], 0, "fragments that wait")
    same(c["frag_memory"], 0, "bytes that fragments use")
    same(c["refragmented"], c["reassembled"], "datagrams cut again")
    need(c["reassembled"] >= forwarded, f"{c['reassembled']} put together")
    w.pieces += c["frags_merged"]
    say(f"{c['frags']} fragments, {c['reassembled']} datagrams, "
        f"{c['handed_over']} handed over")


@case
def fragments_ping(workers):
    """Long pings through weir and of weir itself, both families."""
    with Lab(workers) as w:
        w.run("wan", f"ip -6 route add fd00:1::/64 dev {w.tun('wan')}")
        for host in (lab.WAN, lab.LAN_GW, lab.WAN6, lab.LAN6_GW):
            for size in (4000, 20000):
                out = w.run("lan", f"ping -n -c 5 -i 0.05 -W 2 -s {size} {host}")
                need(" 0% packet loss" in out, out)
        as_many_out(w, 8 * 5)


def talk(w, family, host, gateway):
    """60,000 bytes there and back, 40 times from 8 sockets, by their hash."""
    server = w.listen("wan", (host, 7000), socket.SOCK_DGRAM)
    server.settimeout(5)
    clients = [w.open("lan", family, socket.SOCK_DGRAM) for _ in range(8)]
    for n in range(40):
        c, word = clients[n % 8], os.urandom(60000)
        c.settimeout(5)
        c.sendto(word, (host, 7000))
        got, who = server.recvfrom(65536)
        same(hashlib.sha256(got).digest(), hashlib.sha256(word).digest(),
             "what the server got")
        if gateway:
            same(who[0], gateway, "who the server sees")
        server.sendto(word[::-1], who[:2])
        got = c.recv(65536)
        same(hashlib.sha256(got).digest(),
             hashlib.sha256(word[::-1]).digest(), "what came back")


@case
def fragments_udp(workers):
    """60,000 bytes both ways, both families: every bit, through NAT."""
    with Lab(workers) as w:
        w.run("wan", f"ip -6 route add fd00:1::/64 dev {w.tun('wan')}")
        talk(w, socket.AF_INET, lab.WAN, lab.WAN_GW)
        talk(w, socket.AF_INET6, lab.WAN6, None)
        as_many_out(w, 160)
