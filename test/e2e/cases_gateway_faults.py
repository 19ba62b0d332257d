"""cases_gateway_faults.py - gateway mode: ended early, told too much, lied to,
and asked for what can't be"""
import signal
import socket
import time

import lab
from cases_gateway import echo, ping
from cases_gateway_life import READ_ONLY
from lab import (LAN, LAN6, LAN6_GW, LAN_GW, WAN, WAN6_GW, WAN_GW, Weir, need,
                 same, wait_for)
from lab_gateway import GatewayLab, Sniffer, forge

CASES = {}
RTMGRP_IPV4_RULE = 0x80


def case(function):
    CASES[function.__name__] = function
    return function


@case
def gateway_ended_early(workers):
    """SIGTERM while the kernel is just being told: all is given back."""
    with GatewayLab(workers, start=False) as w:
        for _ in range(3):
            s = w.open("gw", socket.AF_NETLINK, socket.SOCK_RAW)
            s.bind((0, RTMGRP_IPV4_RULE))
            weir = Weir(w.config, w.folder, w.inside("gw", ()))
            s.recv(65536)               # the first of its rules
            s.close()
            same(weir.stop()[0], 0, "exit status")
            weir.log.close()
            w.given_back()


@case
def gateway_flooded(workers):
    """More changes than the socket holds: addresses are followed after it."""
    with GatewayLab(workers) as w:
        w.serve("wan", "http", WAN, "8080", w.folder)
        w.works()
        w.weir.signal(signal.SIGSTOP)
        routes = [f"172.16.{i >> 8}.{i & 255} via {LAN}" for i in range(4096)]
        for verb in ("add", "del", "add", "del"):
            w.batch("gw", *(f"route {verb} {r}" for r in routes))
        w.weir.signal(signal.SIGCONT)
        time.sleep(0.3)
        w.batch("gw", "addr add 198.51.100.9/24 dev eth1")
        wait_for("the new address is followed",
                 lambda: "198.51.100.9" in w.run("gw", "ip rule"), 3)
        w.batch("gw", "addr del 198.51.100.9/24 dev eth1")
        w.works()


@case
def gateway_guarded(workers):
    """However loose the kernel's own check is: no host outside is taken for a
    client, and the input rules guard the gateway's inside addresses, too."""
    for strict in (1, 0):
        Strict.sysctl = [f"net.ipv4.conf.{d}.rp_filter={strict}"
                         for d in ("all", "eth1")]
        with Strict(workers, policy={"input": "drop"}) as w:
            w.batch("wan", f"route add 10.0.1.0/24 via {WAN_GW}")
            sniffer = Sniffer(w, "lan2")
            forge(w, "wan", LAN, lab.LAN2, b"not from inside")
            forge(w, "wan", LAN6, "fd00:1::3", b"not from inside")
            for host in (WAN_GW, WAN6_GW, LAN_GW, LAN6_GW):
                out = w.run("wan", f"ping -n -c 2 -i 0.05 -W 1 {host}",
                            check=False)
                need("100% packet loss" in out, out)
            same(sniffer.sources(), set(), "who was seen inside")
            same(w.stats()["drops"]["policy"], 8, "what policy dropped")
            w.weir.says("policy.input is drop")
            sniffer.close()


class Strict(GatewayLab):
    """Its kernel checks sources, or not."""


class Bridged(GatewayLab):
    """lan is a bridge with two ports; what passes it is shown to the host's
    packet filter, as container engines have it."""
    namespaces = (*GatewayLab.namespaces, "far")
    sysctl = ("net.bridge.bridge-nf-call-iptables=1",
              "net.bridge.bridge-nf-call-ip6tables=1")

    def wire(self):
        super().wire()
        mtu = f"mtu {self.mtu['lan']}"
        self.batch("gw", "addr flush dev eth0", "link set eth0 down",
                   "link set eth0 name port0", "link add eth0 type bridge",
                   self.pair("port1", "far", mtu), "link set port1 up",
                   "link set port0 up", "link set port0 master eth0",
                   "link set port1 master eth0",
                   *self.host("eth0", LAN_GW, LAN6_GW))
        self.batch("far", *self.host("eth0", "10.0.1.9", "fd00:1::9"))
        self.before = self.state()


@case
def gateway_bridged(workers):
    """Hosts on either port of a bridge reach each other past the gateway, also
    when weir is dead; it is no packet that goes round weir."""
    with Bridged(workers) as w:
        ping(w, "lan", WAN)
        for dead in (False, True):
            if dead:
                w.weir.kill()
            for host in ("10.0.1.9", "fd00:1::9"):
                ping(w, "lan", host)
        need("led past weir" not in w.weir.output(),
             "the log speaks of packets past weir")
        w.start()
        ping(w, "lan", WAN)


@case
def gateway_quiet_host(workers):
    """The gateway's kernel says nothing about weir's flows, whatever it thinks
    of forwarding and of sources."""
    for forward in (0, 1):
        for strict in (0, 1, 2):
            Strict.sysctl = [f"net.ipv4.ip_forward={forward}"] + [
                f"net.ipv4.conf.{d}.rp_filter={strict}"
                for d in ("all", "eth0", "eth1")]
            with Strict(workers) as w:
                w.serve("wan", "http", WAN, "8080", w.folder)
                w.serve("wan", "udp", WAN, "7000")
                w.works()
                echo(w, "lan", WAN, WAN_GW)
                ping(w, "lan", WAN)
                said = counted(w, "Tcp:", "OutRsts") + counted(
                    w, "Icmp:", "OutMsgs")
                same(said, 0, f"forwarding {forward}, rp_filter {strict}: "
                              "RSTs and ICMP of the host")


def counted(w, part, name):
    """Of /proc/net/snmp in the gateway's namespace."""
    lines = [line.split() for line in w.run(
        "gw", "cat /proc/net/snmp").splitlines() if line.startswith(part)]
    return int(lines[1][lines[0].index(name)])


@case
def gateway_complains_once(workers):
    """What can't be set is told once, not each second; and mended."""
    with GatewayLab(workers, start=False) as w:
        for device in ("eth0", "eth1"):
            w.run("gw", f"ip -6 addr flush dev {device} scope global")
        w.run("gw", "sysctl -qw net.ipv4.ip_early_demux=0")
        w.before = w.state()
        w.start(wrap=READ_ONLY)
        w.batch("gw", f"addr add {WAN6_GW}/64 dev eth1 nodad")
        word = "net.ipv6.conf.all.forwarding must be 1"
        wait_for("it is told", lambda: word in w.weir.output(), 3)
        time.sleep(2.5)
        same(w.weir.output().count(word), 1, "how often it is told")
        w.batch("gw", f"addr del {WAN6_GW}/64 dev eth1")
        wait_for("all is well again", lambda: "as it must be again" in
                 w.weir.output(), 3)
        same(w.weir.stop()[0], 0, "exit status")
        w.given_back()


class Twice(GatewayLab):
    """A rule of the gateway's own has the kernel track everything, too."""
    notrack = True

    def default(self, rules):
        config = super().default(rules)
        config["gateway"]["notrack"] = self.notrack
        return config

    def wire(self):
        super().wire()
        self.run("gw", ["nft", "add table ip host; add chain ip host c "
                        "{ type filter hook forward priority 0; }; "
                        "add rule ip host c ct state new counter"])

    def traffic(self):
        """How many flows the kernel tracks behind it."""
        self.serve("wan", "http", WAN, "8080", self.folder)
        self.serve("gw", "http", WAN_GW, "8081", self.folder)
        self.works()
        self.works(side="gw")
        self.works(side="wan", host=WAN_GW, seen=WAN, port=8081)
        return int(self.run("gw", "sysctl -n net.netfilter.nf_conntrack_count"))

    def tables(self):
        """But those that weir always has."""
        return [t for t in self.run("gw", "nft list tables").splitlines()
                if t.split()[-1] not in ("weir", "weir_local", "weir_reply")]


@case
def gateway_notrack(workers):
    """The kernel's own conntrack leaves alone what passes, if told so."""
    class Tracked(Twice):
        notrack = False
    with Tracked(workers) as w:
        need(w.traffic() >= 4, "the kernel tracks nothing: what is tested?")
        same(w.tables(), ["table ip host"], "tables without notrack")
    with Twice(workers) as w:
        same(w.traffic(), 0, "flows that the kernel tracks")
        need("table inet weir_notrack" in w.tables(), "no table of weir's")
        w.weir.kill()
        w.config["gateway"]["notrack"] = False
        w.start()
        same(w.tables(), ["table ip host"], "a killed predecessor's table")
        w.weir.stop()
        w.config["gateway"]["notrack"] = True
        w.start()
        w.works()
        same(w.weir.stop()[0], 0, "exit status")
        same(w.tables(), ["table ip host"], "tables at the end")
        w.start()
