"""cases_gateway_vanish.py - gateway mode: lan's and wan's devices are deleted
and made again, in random order, under traffic

A device that is made again has another index, and another device may have got
the old one. Throughout: each host hears its own words alone; nothing inside
leaves untranslated, by wan or by a third device with another default route; a
connection goes on unless wan has lost its address; and at the end the counts
add up, no descriptor more is open, and the kernel is as it was."""
import json
import os
import random
import socket
import threading
import time

from cases_gateway_life import OWN, ordered
from cases_life import Talk
from lab import (LAN, LAN_GW, LAN6_GW, LAN6, WAN, WAN6, WAN6_GW, WAN_GW,
                 need, same, say, wait_for)
from lab_gateway import HOSTS, LAN26, GatewayLab, Sniffer

CASES = {}
ETH_P_ALL = 3
ROUNDS = 6
THIRD, THIRD_HOST = "192.0.2.1", "192.0.2.2"
THIRD6, THIRD6_HOST = "2001:db8:2::1", "2001:db8:2::2"


def case(function):
    CASES[function.__name__] = function
    return function


class ThirdLab(GatewayLab):
    """A third device, which weir does not know, has the next default route."""
    namespaces = (*GatewayLab.namespaces, "third")

    def wire(self):
        super().wire()
        self.batch("gw", self.pair("eth2", "third", "mtu 1500"),
                   *self.host("eth2", THIRD, THIRD6),
                   f"route add default via {THIRD_HOST} metric 4000",
                   f"route add default via {THIRD6_HOST} metric 4000")
        self.batch("third", *self.host("eth0", THIRD_HOST, THIRD6_HOST))
        self.before = self.state()


class Ears(Sniffer):
    """All that comes to a namespace, also by devices that it has not yet."""

    def __init__(self, w, side):
        self.socket = w.open(side, socket.AF_PACKET, socket.SOCK_DGRAM,
                             socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.setblocking(False)


# ---- traffic ----

class Traffic:
    """Hosts that ask the server, by both families, and hear answers; strangers
    that speak to W."""

    def __init__(self, w):
        self.stop, self.wrong, self.asked = threading.Event(), [], 0
        self.threads = []
        for host in (WAN, WAN6):
            server = w.listen("wan", (host, 7000), socket.SOCK_DGRAM)
            self.begin(self.answer, server)
            for name in ("lan", "lan2"):
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                s = w.open(name, family, socket.SOCK_DGRAM)
                self.begin(self.ask, s, name.encode() + b" ", (host, 7000))
        self.begin(self.ask, w.listen("wan", (WAN, 7001), socket.SOCK_DGRAM),
                   b"none", (WAN_GW, 40000))

    def begin(self, what, s, *args):
        s.settimeout(0.002)
        thread = threading.Thread(target=self.run, args=(what, s, *args))
        thread.start()
        self.threads.append(thread)

    def run(self, what, s, *args):
        with s:
            while not self.stop.is_set():
                try:
                    what(s, *args)
                except OSError:
                    time.sleep(0.001)   # no way there, an error that came back

    def answer(self, s):
        word, who = s.recvfrom(64)
        s.sendto(word, who)

    def ask(self, s, name, to):
        self.asked += 1
        s.sendto(name + b"asks", to)
        word = s.recv(64)
        if not word.startswith(name):
            self.wrong.append((name, word))

    def goes_on(self):
        until = self.asked + 100
        wait_for("hosts ask", lambda: self.asked > until)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


# ---- devices ----

class Device:
    """One of the gateway's two, and its other end."""

    def __init__(self, w, label):
        self.w, self.label, self.taken = w, label, None
        self.name = {"lan": "eth0", "wan": "eth1"}[label]
        self.at, self.far = {"lan": ("switch", "p2"),
                             "wan": ("wan", "eth0")}[label]
        self.mac, self.index = self.look("gw", self.name)
        self.far_mac = self.look(self.at, self.far)[0]

    def look(self, name, device):
        link = json.loads(self.w.run(name, ["ip", "-j", "link", "show",
                                            device]))[0]
        return link["address"], link["ifindex"]

    def vanish(self):
        self.w.batch("gw", f"link del {self.name}")

    def come(self, taken):
        """taken: another device has got the index."""
        w = self.w
        if taken:
            w.batch("gw", f"link add taken{self.index} index {self.index} "
                          "type bridge", f"link set taken{self.index} up")
        w.batch("gw", f"link add {self.name} address {self.mac} mtu 1500 type "
                      f"veth peer name {self.far} address {self.far_mac} mtu "
                      f"1500 netns {w.ns(self.at)}")
        if self.label == "lan":
            w.batch("switch", "link set p2 up master br0")
            w.batch("gw", *w.host("eth0", LAN_GW, LAN6_GW))
        else:
            w.batch("wan", *w.host("eth0", *HOSTS["wan"]),
                    f"route add fd00:1::/64 via {WAN6_GW}")
            w.batch("gw", *w.host("eth1", WAN_GW, WAN6_GW),
                    f"route add default via {WAN}",
                    f"route add default via {WAN6}")
        self.taken = f"taken{self.index}" if taken else None
        old, self.index = self.index, self.look("gw", self.name)[1]
        need(old != self.index, f"{self.name} has its old index")

    def leave(self):
        if self.taken:
            self.w.batch("gw", f"link del {self.taken}")
        self.taken = None


# ---- what must hold ----

def descriptors(w):
    pid = w.weir.process.pid
    return [len(os.listdir(f"/proc/{p}/fd")) for p in (pid, ordered(w))]


def hold(w, ears, traffic):
    # wan's host hears its own errors, too, while it has no device.
    same(ears["wan"].sources() - OWN - {LAN6, LAN26, *HOSTS["wan"]}, set(),
         "who was seen by wan")
    inside = {a for name in ("lan", "lan2") for a in HOSTS[name]}
    same(ears["third"].sources() & inside, set(), "who was seen by a third "
         "device")
    same(traffic.wrong, [], "words that another host heard")
    need(w.weir.process.poll() is None, "weir ended")


def one_round(w, rng, devices, traffic):
    """=> is wan's address still what it was?"""
    gone = rng.choice((["lan"], ["wan"], ["lan", "wan"], ["wan", "lan"]))
    at_once = rng.random() < 0.4
    for label in gone:
        devices[label].vanish()
    if not at_once:
        wait_for("it is not ready", lambda: not w.weir.ready())
        traffic.goes_on()
    for label in rng.sample(gone, len(gone)):
        devices[label].come(rng.random() < 0.5)
    wait_for("it is ready", w.weir.ready)
    return "wan" not in gone


@case
def gateway_vanishes(workers):
    """Devices that are deleted and made again, in random order."""
    seed = int(os.environ.get("WEIR_SEED", "0")) or \
        random.SystemRandom().randrange(1, 1 << 32)
    rng = random.Random(seed)
    say(f"again: WEIR_SEED={seed}")
    with ThirdLab(workers) as w:
        w.serve("wan", "http", WAN, "8080", w.folder)
        devices = {label: Device(w, label) for label in ("lan", "wan")}
        ears = {side: Ears(w, side) for side in ("wan", "third")}
        traffic, talk, held = Traffic(w), Talk(w), descriptors(w)
        try:
            for n in range(ROUNDS):
                stays = one_round(w, rng, devices, traffic)
                for side in ("lan", "lan2", "gw"):
                    w.works(30, side)
                if stays:
                    talk.say()
                else:
                    talk = Talk(w, 9001 + n)
                talk.say()
                hold(w, ears, traffic)
                for device in devices.values():
                    device.leave()
        finally:
            traffic.end()
        wait_for("no descriptor is left", lambda: all(
            now <= then for now, then in zip(descriptors(w), held)))
