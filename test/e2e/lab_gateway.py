"""lab_gateway.py - a gateway between real devices, and what it must give back

    lan (LAN)  ---\\
    lan2 (LAN2) ---+- switch --- eth0 [gw: weir] eth1 --- eth0 wan (WAN)

Five namespaces and Ethernet pairs between them, as a machine or a container
with two networks has it.  weir runs inside gw in gateway mode, so its kernel
has sockets, neighbours and rules of its own; the addresses are lab's, WAN_GW
and WAN6_GW are the address W that clients hide behind.

Before the start all that a gateway may touch is noted: rules, routes,
neighbours, devices, sysctls.  leave() wants the very same after the end.
"""
import json
import os
import socket
import struct

import lab
from lab import (LAN, LAN2, LAN6, LAN6_GW, LAN_GW, WAN, WAN6, WAN6_GW, WAN_GW,
                 Lab, Weir, same, sh, wait_for)

LAN26 = "fd00:1::3"
HOSTS = {"lan": (LAN, LAN6), "lan2": (LAN2, LAN26), "wan": (WAN, WAN6)}
# What the kernel counts or finds out by itself under these names.
RESTLESS = ("ipv6.route.flush", "ipv4.route.flush", "nf_conntrack", "random")


class GatewayLab(Lab):
    namespaces = ("lan", "lan2", "wan", "gw", "switch")
    sysctl = ()         # of the gateway, as a machine may have them
    settled = True      # False: the case has changed what the end is held to

    def default(self, rules):
        config = super().default(rules)
        del config["interfaces"], config["routes"]
        config["rules"]["postrouting"] = rules.get("postrouting", [])
        return {"gateway": {"lan": "eth0", "wan": "eth1"}, **config}

    def tun(self, side):
        return f"weir-{side}"

    # ---- wires ----

    def wire(self):
        for name in self.namespaces:
            # Addresses are there at once, and errors are never held back.
            self.run(name, "sysctl -qw net.ipv6.conf.default.accept_dad=0 "
                           "net.ipv6.conf.all.accept_dad=0 "
                           "net.ipv6.conf.default.router_solicitations=0 "
                           "net.ipv4.icmp_ratelimit=0 "
                           "net.ipv6.icmp.ratelimit=0")
        mtu = {d: f"mtu {self.mtu[d]}" for d in lab.SIDES}
        self.batch("switch", "link add br0 type bridge",
                   f"link set br0 {mtu['lan']} up",
                   *(line for n, name in enumerate(("lan", "lan2", "gw"))
                     for line in (self.pair(f"p{n}", name, mtu["lan"]),
                                  f"link set p{n} up master br0")))
        self.batch("gw", self.pair("eth1", "wan", mtu["wan"]),
                   *self.host("eth0", LAN_GW, LAN6_GW),
                   *self.host("eth1", WAN_GW, WAN6_GW))
        for name, (four, six) in HOSTS.items():
            self.batch(name, *self.host("eth0", four, six))
        for name in ("lan", "lan2"):
            self.batch(name, f"route add default via {LAN_GW}",
                       f"route add default via {LAN6_GW}")
        self.batch("gw", f"route add default via {WAN}",
                   f"route add default via {WAN6}")
        self.batch("wan", f"route add fd00:1::/64 via {WAN6_GW}")
        for setting in self.sysctl:
            self.run("gw", ["sysctl", "-qw", setting])
        self.before = self.state()

    def batch(self, name, *lines, option=()):
        """option: the family of lines that do not show it."""
        sh(["ip", *option, "-n", self.ns(name), "-batch", "-"],
           input="\n".join(lines) + "\n")

    def pair(self, device, name, mtu):
        return (f"link add {device} {mtu} type veth peer name eth0 {mtu} "
                f"netns {self.ns(name)}")

    def host(self, device, four, six):
        return (f"addr add {four}/24 dev {device}",
                f"addr add {six}/64 dev {device} nodad",
                f"link set {device} up")

    # ---- weir ----

    user = ()           # weir's options to run as another user

    def start(self, wrap=()):
        """Also once more, after an end."""
        if self.weir:
            self.weir.log.close()
        self.weir = Weir(self.config, self.folder, self.inside("gw", wrap),
                         self.user)
        wait_for("weir is ready", self.weir.ready)

    def device(self, side):
        out = self.run("gw", ["ip", "-s", "-j", "link", "show",
                              self.tun(side)])
        stats = json.loads(out)[0]["stats64"]
        return stats["tx"]["packets"], stats["rx"]["packets"]

    def count(self):
        """The kernel joins groups by itself on devices of its own: such a
        packet may fall between two questions."""
        cut = self.pieces
        for left in (2, 1, 0):
            try:
                return super().count()
            except lab.Failure:
                if not left:
                    raise
                self.pieces = cut

    def devices(self, s):
        # What is for the host is written too, to a device, and goes no
        # further: no packet out.
        self.pieces += s["counters"]["local"]
        super().devices(s)

    def leave(self):
        super().leave()
        self.given_back()

    def given_back(self):
        if self.settled:
            same(differences(self.before, self.state()), [],
                 "what the gateway has not given back")

    def works(self, seconds=2.0, side="lan", host=WAN, seen=WAN_GW, port=8080):
        """A new connection is served within so long, and seen as that."""
        wait_for(f"{side} reaches {host}, seen as {seen}", lambda: self.run(
            side, ["curl", "-sS", "--max-time", "0.5",
                   f"http://{host}:{port}/peer"],
            check=False).split()[:1] == [seen], seconds)

    # ---- what the kernel holds ----

    def ip(self, words):
        return json.loads(self.run("gw", f"ip -j {words}") or "[]")

    def rules(self):
        return {f"{family} {n}": rule for family in ("-4", "-6")
                for n, rule in enumerate(self.ip(f"{family} rule"))}

    def state(self):
        """All that a gateway may touch, as one flat dictionary."""
        out = self.rules()
        for family in ("-4", "-6"):
            for r in self.ip(f"{family} -d route show table all"):
                r.pop("expires", None)
                out[f"{family} route {json.dumps(r, sort_keys=True)}"] = True
            for r in self.ip(f"{family} neigh show proxy"):
                out[f"{family} proxy {json.dumps(r, sort_keys=True)}"] = True
        for link in self.ip("-d link"):
            name = link["ifname"]
            for key in ("group", "mtu", "flags", "master", "address"):
                out[f"link {name} {key}"] = link.get(key)
        for line in self.run("gw", ["sysctl", "-a", "-r", r"^net\."],
                             check=False).splitlines():
            key, found, value = line.partition(" = ")
            if found and not any(word in key for word in RESTLESS):
                out[key] = value
        return out


def differences(before, after):
    return [f"{key}: was {before.get(key)!r}, is {after.get(key)!r}"
            for key in sorted({*before, *after})
            if before.get(key) != after.get(key)]


class Sniffer:
    """Every IP packet that comes to a host by its eth0, without tcpdump."""

    def __init__(self, w, side):
        self.socket = w.open(side, socket.AF_PACKET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("eth0", 3))           # ETH_P_ALL
        self.socket.setblocking(False)

    def packets(self):
        """(source, whole packet) of each since the last time."""
        out = []
        while True:
            try:
                data, who = self.socket.recvfrom(65600)
            except BlockingIOError:
                return out
            if who[2] == 4:                     # PACKET_OUTGOING
                continue
            if who[1] == 0x0800:
                out.append((socket.inet_ntop(socket.AF_INET, data[12:16]),
                            data))
            elif who[1] == 0x86dd:
                out.append((socket.inet_ntop(socket.AF_INET6, data[8:24]),
                            data))

    def sources(self):
        """Who sent something since the last time. Link-local and unspecified
        ones aside: bridges and hosts speak of groups that way by themselves
        (a bridge's own IGMP and MLD queries come from 0.0.0.0 and ::)."""
        return {src for src, _ in self.packets()
                if not src.startswith(("fe80:", "::")) and src != "0.0.0.0"}

    def close(self):
        self.socket.close()


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff - total


def udp_packet(src, dst, sport, dport, word):
    """A whole UDP packet with any source."""
    six = ":" in src
    pack = (lambda a: socket.inet_pton(
        socket.AF_INET6 if six else socket.AF_INET, a))
    word += b"\0" * (len(word) % 2)
    size = 8 + len(word)
    pseudo = pack(src) + pack(dst) + struct.pack("!HH", size, 17)
    head = struct.pack("!HHH", sport, dport, size)
    total = checksum(pseudo + head + b"\0\0" + word) or 0xffff
    body = head + struct.pack("!H", total) + word
    if six:
        return struct.pack("!IHBB", 6 << 28, size, 17, 64) + \
            pack(src) + pack(dst) + body
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, 1, 0, 64, 17, 0) + \
        pack(src) + pack(dst)
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + body


def forge(w, side, src, dst, word, dport=7999, sport=7998):
    """Send from a host's wire what it has no right to say."""
    s = w.open(side, socket.AF_PACKET, socket.SOCK_DGRAM)
    s.sendto(udp_packet(src, dst, sport, dport, word),
             ("eth0", 0x86dd if ":" in src else 0x0800, 0, 0,
              gate_mac(w, side)))
    s.close()


def gate_mac(w, side="lan"):
    device = "eth1" if side == "wan" else "eth0"
    link = w.ip(f"link show {device}")[0]
    return bytes.fromhex(link["address"].replace(":", ""))


def curl_peer(w, side, host, port, *more):
    """What the server says of this client: "ADDRESS PORT", or "" """
    name = f"[{host}]" if ":" in host else host
    return w.run(side, ["curl", "-sS", "--max-time", "5", *more,
                        f"http://{name}:{port}/peer"], check=False)


def conntrack(w, *args):
    """The command line client, run beside the router."""
    env = {**os.environ, "WEIR_SOCKET": w.weir.socket}
    return w.run("gw", [lab.weir_bin(), "conntrack", *args], env=env)
