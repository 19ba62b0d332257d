"""cases_gateway_host.py - gateway mode: a model of the host around it

Situations of rules, routes, devices and services of a machine, each seen three
times: while the kernel alone translates, while weir runs, and while a weir that
was killed is not there.  A row names what it does first, what it asks, and what
is different with weir; else the answer must be the kernel's.  All of it once by
IPv4, masqueraded, and once by IPv6, which is routed.

    lan ---- eth0 [gw] eth1 ---- wan
                  eth2 ---- switch (a third network: a tunnel, say)
"""
import selectors
import socket
import threading
from multiprocessing.pool import ThreadPool
from types import SimpleNamespace

import lab
from lab import (LAN, LAN6, LAN6_GW, LAN_GW, WAN, WAN6, WAN6_GW, WAN_GW, need,
                 same, wait_for)
from lab_gateway import GatewayLab, Sniffer

CASES = {}
MARK = 51820
NO_ANSWER = None
FOUR = SimpleNamespace(
    option="-4", family=socket.AF_INET, ANY="0.0.0.0", LAN=LAN, LAN_GW=LAN_GW,
    WAN=WAN, WAN_GW=WAN_GW, THIRD="10.3.0.2", THIRD_GW="10.3.0.1", third=24,
    FAR="192.0.2.9", AWAY="192.0.2.77", LOOP="192.0.2.50", one=32,
    LAN_ALL="10.0.1.255", WAN_ALL="198.51.100.255", GROUP="224.0.0.1",
    # IP_PKTINFO to ask for it, as it comes; where ipi_spec_dst is, what stands
    # around it when it is said
    level=socket.IPPROTO_IP, asks=8, info=8, addr=slice(4, 8), around=(4, 4))
SIX = SimpleNamespace(
    option="-6", family=socket.AF_INET6, ANY="::", LAN=LAN6, LAN_GW=LAN6_GW,
    WAN=WAN6, WAN_GW=WAN6_GW, THIRD="fd00:3::2", THIRD_GW="fd00:3::1", third=64,
    FAR="2001:db8:9::9", AWAY="2001:db8:9::77", LOOP="2001:db8:9::50",
    one=128,
    GROUP="ff02::1",
    # IPV6_RECVPKTINFO, IPV6_PKTINFO
    level=socket.IPPROTO_IPV6, asks=49, info=50, addr=slice(0, 16),
    around=(0, 4))
BOTH = (FOUR, SIX)
BOOTPS, BOOTPC, ALL, GROUPS = 67, 68, "255.255.255.255", 0xff


def of(host_):
    return SIX if ":" in host_ else FOUR


# As wg-quick has it: all but marked packets, and but for what main has a route
# of its own for, takes the tunnel.
TUNNEL = (f"rule add not fwmark {MARK} table {MARK}",
          "rule add table main suppress_prefixlength 0")
NO_TUNNEL = (f"rule del not fwmark {MARK} table {MARK}",
             "rule del table main suppress_prefixlength 0")
KERNELS = """
table ip kernel {
  chain nat { type nat hook postrouting priority 100;
    oifname "eth1" masquerade
    oifname "eth0" udp dport 7000 ct status dnat snat to 10.0.1.1; }
  chain turn { type nat hook prerouting priority -100;
    iifname "eth1" udp dport 7040 dnat to 10.0.1.2:7000
    iifname "eth0" ip daddr 10.0.1.1 udp dport 7030 redirect to :7031; }
  chain in { type filter hook input priority 0; policy drop;
    ct state established,related accept
    ip protocol icmp accept
    udp dport { 7000, 7010, 7011, 7020, 7021, 7031 } accept
  }
}
table ip6 kernel {
  chain nat { type nat hook postrouting priority 100;
    oifname "eth0" udp dport 7000 ct status dnat snat to fd00:1::1; }
  chain turn { type nat hook prerouting priority -100;
    iifname "eth1" udp dport 7040 dnat to [fd00:1::2]:7000
    iifname "eth0" ip6 daddr fd00:1::1 udp dport 7030 redirect to :7031; }
  chain in { type filter hook input priority 0; policy drop;
    ct state established,related accept
    meta l4proto ipv6-icmp accept
    udp dport { 7000, 7010, 7011, 7020, 7021, 7031 } accept
  }
}
"""
HOSTS = """
table inet host {
  chain in {
    type filter hook input priority 10
    iifname "eth1" udp dport 7020 drop
    iifname "eth0" udp dport 7021 drop
  }
}
"""
ACCEPT = [{"ct_state": ["established", "related"], "verdict": "accept"},
          {"proto": "icmp", "verdict": "accept"},
          {"proto": "icmpv6", "verdict": "accept"},
          {"proto": "udp", "verdict": "accept",
           "dport": [7000, 7010, 7011, 7020, 7021, 7031]}]
FORWARD = [{"in": "wan", "proto": "udp", "dst": n.WAN_GW, "dport": 7040,
            "dnat": f"[{n.LAN}]:7000" if n is SIX else f"{n.LAN}:7000"}
           for n in BOTH]
HIDE = [{"out": "lan", "proto": "udp", "dst": n.LAN, "dport": 7000,
         "snat": n.LAN_GW} for n in BOTH]
REDIRECT = [{"in": "lan", "proto": "udp", "dst": n.LAN_GW, "dport": 7030,
             "redirect": 7031} for n in BOTH]


def case(function):
    CASES[function.__name__] = function
    return function


class Echo(threading.Thread):
    """Answers every datagram of its sockets with who is seen, from the address
    that was asked if it is one of the host's own."""

    def __init__(self):
        super().__init__(daemon=True)
        self.wait, self.over = selectors.DefaultSelector(), False

    def add(self, s, n):
        s.setsockopt(n.level, n.asks, 1)
        s.setblocking(False)
        self.wait.register(s, selectors.EVENT_READ, n)

    def run(self):
        while not self.over:
            for key, _ in self.wait.select(0.05):
                n = key.data
                try:
                    _, info, _, who = key.fileobj.recvmsg(2048, 64)
                    before, behind = n.around
                    addr = info[0][2][n.addr]
                    if addr[0] == GROUPS:
                        addr = bytes(len(addr))
                    asked = bytes(before) + addr + bytes(behind)
                    key.fileobj.sendmsg([who[0].encode()],
                                        [(n.level, n.info, asked)], 0, who)
                except OSError:
                    pass

    def end(self):
        self.over = True
        self.join()
        for key in list(self.wait.get_map().values()):
            key.fileobj.close()


class HostLab(GatewayLab):
    """With a third network, and servers in all."""

    def wire(self):
        super().wire()
        self.batch("gw", f"link add eth2 type veth peer name eth0 netns "
                         f"{self.ns('switch')}", "link set eth2 up")
        self.batch("switch", "link set eth0 up")
        for n in BOTH:
            self.third(n)
        self.run("gw", "sysctl -qw net.ipv4.ip_early_demux=0")
        self.nft(HOSTS)
        self.before = self.state()
        self.echo = Echo()
        for side in ("lan", "wan", "switch", "gw"):
            self.answer(side, 7000)
        for port in (7020, 7021, 7022, 7031):
            self.answer("gw", port)
        self.answer("gw", BOOTPC)
        self.answer("gw", 7010, b"eth1")
        self.answer("gw", 7011, b"eth0")
        self.echo.start()

    def third(self, n):
        def to(side, *lines):
            self.batch(side, *lines, option=(n.option,))
        nodad = "nodad" if n is SIX else ""
        to("gw", f"addr add {n.THIRD_GW}/{n.third} dev eth2 {nodad}",
           f"addr add {n.LOOP}/{n.one} dev lo",
           f"route add default via {n.THIRD} table {MARK}",
           f"route add default via {n.WAN} table 100")
        to("switch", f"addr add {n.THIRD}/{n.third} dev eth0 {nodad}",
           f"addr add {n.AWAY}/{n.one} dev lo",
           f"route add default via {n.THIRD_GW}")
        to("wan", f"addr add {n.FAR}/{n.one} dev lo",
           f"route add {n.LOOP}/{n.one} via {n.WAN_GW}",
           f"route add {n.THIRD_GW}/{n.one} via {n.WAN_GW}",
           f"route add {n.THIRD}/{n.one} via {n.WAN_GW}")

    def nft(self, text):
        lab.sh(self.inside("gw", ["nft", "-f", "-"]), input=text)

    def answer(self, side, port, device=b""):
        for n in BOTH:
            s = self.open(side, n.family, socket.SOCK_DGRAM)
            if n is SIX:
                s.setsockopt(n.level, socket.IPV6_V6ONLY, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
            s.bind((n.ANY, port))
            self.echo.add(s, n)

    def asks(self, side, host_, port=7000, device=b"", mark=0, source=None,
             sport=0):
        """Who the server says this is; None: no answer from there."""
        n = of(host_)
        shared = host_ in (n.GROUP, ALL, FOUR.LAN_ALL, FOUR.WAN_ALL)
        with self.open(side, n.family, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            s.bind((source or n.ANY, sport))
            s.settimeout(self.patience)
            try:
                s.sendto(b"?", (host_, port))
                said, who = s.recvfrom(100)
                if shared or who[0] == host_:
                    return said.decode()
            except OSError:
                pass
            return NO_ANSWER

    def asks_link_local(self, side, port):
        """The same of the gateway's link-local address on that side."""
        device = "eth0" if side == "lan" else "eth1"
        said = self.run("gw", f"ip -6 -o addr show dev {device} scope link")
        return self.asks(side, said.split()[3].split("/")[0], port, b"eth0")

    def pings(self, side, *more):
        out = self.run(side, ["ping", "-n", "-c", "1", "-W",
                              str(self.patience), *more], check=False)
        return " 0% packet loss" in out


def client(host, port=7000, **more):
    return lambda w: w.asks("lan", host, port, **more)


def host(to, port=7000, **more):
    return lambda w: w.asks("gw", to, port, **more)


def outside(host_, port=7000, side="wan", **more):
    return lambda w: w.asks(side, host_, port, **more)


def link_local(side, port):
    return lambda w: w.asks_link_local(side, port)


def ping(side, *more):
    return lambda w: w.pings(side, *more)


SAME = object()


# What comes to the host's addresses past weir.
def rows_unled(n):
    rows = {
        "a service at an address of lo": ((), (), outside(n.LOOP), SAME, SAME),
        "it, from lan": ((), (), client(n.LOOP), SAME, SAME),
        "the wan pings at it": ((), (), ping("wan", n.LOOP), SAME, SAME),
        "a service at the third device's address":
            ((), (), outside(n.THIRD_GW), SAME, SAME),
        "let in by no rule, at an address of lo":
            ((), (), outside(n.LOOP, 7022), SAME, SAME),
        "let in by no rule, at an address of lo, from lan":
            ((), (), client(n.LOOP, 7022), SAME, SAME),
        "a group": ((), (), client(n.GROUP, device=b"eth0"), SAME, SAME),
        "let in by no rule, a group":
            ((), (), client(n.GROUP, 7022, device=b"eth0"), SAME, SAME),
        "let in by no rule, a group from wan":
            ((), (), outside(n.GROUP, 7022, device=b"eth0"), SAME, SAME),
    }
    if n is SIX:
        return {**rows,
            "a link-local address": ((), (), link_local("lan", 7000), SAME,
                                     SAME),
            "let in by no rule, a link-local address":
                ((), (), link_local("lan", 7022), SAME, SAME),
            "let in by no rule, a link-local address from wan":
                ((), (), link_local("wan", 7022), SAME, SAME),
        }
    return {**rows,
        "a broadcast": ((), (), client(n.LAN_ALL), SAME, SAME),
        "let in by no rule, a broadcast":
            ((), (), client(n.LAN_ALL, 7022), SAME, SAME),
        "let in by no rule, a broadcast from wan":
            ((), (), outside(n.WAN_ALL, 7022), SAME, SAME),
        "let in by no rule, a broadcast to all":
            ((), (), client(ALL, 7022, device=b"eth0"), SAME, SAME),
        "an answer of DHCP's":
            ((), (), outside(ALL, BOOTPC, device=b"eth0", sport=BOOTPS), n.WAN,
             n.WAN),
        "an answer of DHCP's from lan":
            ((), (), client(ALL, BOOTPC, device=b"eth0", sport=BOOTPS), SAME,
             SAME),
    }


# What is done before and undone behind; what is asked; the answer with weir and
# while it is dead, where it is not the kernel's.
def rows_of(n, workers):
    rows = {
        # clients
        "a client": ((), (), client(n.WAN), SAME, NO_ANSWER),
        "a client far away": ((), (), client(n.FAR), SAME, NO_ANSWER),
        "a client of a third network":
            ((), (), client(n.THIRD), NO_ANSWER, NO_ANSWER),
        "a third network's host to a client":
            ((), (), outside(n.LAN, side="switch"), NO_ANSWER, NO_ANSWER),
        "a third network's host to the wan":
            ((), (), outside(n.WAN, side="switch"), NO_ANSWER, NO_ANSWER),
        "the wan to a third network":
            ((), (), outside(n.THIRD), NO_ANSWER, NO_ANSWER),
        "a client beside the host's tunnel":
            (TUNNEL, NO_TUNNEL, client(n.AWAY), NO_ANSWER, NO_ANSWER),
        "a client with a rule of its own":
            ((f"rule add from {n.LAN} table {MARK}",),
             (f"rule del from {n.LAN} table {MARK}",), client(n.AWAY),
             NO_ANSWER, NO_ANSWER),
        "a client by a route of policy":
            ((f"rule add to {n.FAR} table 100",),
             (f"rule del to {n.FAR} table 100",), client(n.FAR), SAME,
             NO_ANSWER),
        # the host's own connections
        "the host": ((), (), host(n.WAN), SAME, SAME),
        "the host in its lan": ((), (), host(n.LAN), SAME, SAME),
        "the host in its lan, by its address":
            ((), (), host(n.LAN, source=n.LAN_GW), SAME, SAME),
        "the host in a third network": ((), (), host(n.THIRD), SAME, SAME),
        "the host in its tunnel": (TUNNEL, NO_TUNNEL, host(n.AWAY), SAME, SAME),
        # While weir is dead, the tunnel's rules are not moved to their places.
        "the host in its lan, with a tunnel":
            (TUNNEL, NO_TUNNEL, host(n.LAN), SAME, NO_ANSWER),
        "the tunnel itself":
            (TUNNEL, NO_TUNNEL, host(n.WAN, mark=MARK), SAME, SAME),
        "the host with a mark": ((), (), host(n.WAN, mark=7), SAME, SAME),
        "the host by a route of policy":
            ((f"rule add to {n.FAR} table 100",),
             (f"rule del to {n.FAR} table 100",), host(n.FAR), SAME, SAME),
        "the host by wan's device":
            ((), (), host(n.WAN, device=b"eth1"), SAME, SAME),
        "the host by lan's device":
            ((), (), host(n.LAN, device=b"eth0"), SAME, SAME),
        "the host by a third device":
            ((), (), host(n.AWAY, device=b"eth2"), SAME, SAME),
        "the host from its address":
            ((), (), host(n.WAN, source=n.WAN_GW), SAME, SAME),
        "the host to itself": ((), (), host(n.WAN_GW), SAME, SAME),
        "the host pings": ((), (), ping("gw", n.WAN), SAME, SAME),
        "the host pings by wan's device":
            ((), (), ping("gw", "-I", "eth1", n.WAN), SAME, SAME),
        "the host pings by lan's device":
            ((), (), ping("gw", "-I", "eth0", n.LAN), SAME, SAME),
        # its services
        "a service at wan": ((), (), outside(n.WAN_GW), SAME, SAME),
        "a service at lan": ((), (), client(n.LAN_GW), SAME, SAME),
        "a service bound to wan's device":
            ((), (), outside(n.WAN_GW, 7010), SAME, SAME),
        "a service bound to lan's device":
            ((), (), client(n.LAN_GW, 7011), SAME, SAME),
        "it, by the other address":
            ((), (), client(n.WAN_GW, 7011), SAME, SAME),
        "closed at wan's device, from wan":
            ((), (), outside(n.WAN_GW, 7020), SAME, SAME),
        "closed at wan's device, from lan":
            ((), (), client(n.LAN_GW, 7020), SAME, SAME),
        "closed at lan's device, from lan":
            ((), (), client(n.LAN_GW, 7021), SAME, SAME),
        "closed at lan's device, to wan's address":
            ((), (), client(n.WAN_GW, 7021), SAME, SAME),
        "closed at lan's device, from wan":
            ((), (), outside(n.WAN_GW, 7021), SAME, SAME),
        "let in by no rule, at lan":
            ((), (), client(n.LAN_GW, 7022), SAME, n.LAN),
        "let in by no rule, at wan's address":
            ((), (), client(n.WAN_GW, 7022), SAME, n.LAN),
        "let in by no rule, from wan":
            ((), (), outside(n.WAN_GW, 7022), SAME, n.WAN),
        "a forward, hidden in the lan":
            ((), (), outside(n.WAN_GW, 7040), SAME, NO_ANSWER),
        "the wan pings": ((), (), ping("wan", n.WAN_GW), SAME, SAME),
        "the lan pings at lan": ((), (), ping("lan", n.LAN_GW), SAME, SAME),
        "the lan pings at wan": ((), (), ping("lan", n.WAN_GW), SAME, SAME),
        **rows_unled(n),
    }
    if workers == 1:
        rows["redirected at lan"] = ((), (), client(n.LAN_GW, 7030), SAME,
                                     NO_ANSWER)
    return {f"{name} ({n.option})": (n, *row) for name, row in rows.items()}


def moved(w):
    """Are rules that were added without a preference where they belong?"""
    return all(rule["priority"] > 0 or rule.get("protocol") == "119"
               for rule in w.rules().values())


def patience(name, want):
    """Seconds; where there is to be no answer, it is not waited for as long as
    for one."""
    if want is None:
        return 1
    return 5 if want[name] else 0.2


def see(w, rows, want=None, runs=False):
    """The answer of each.  runs: weir does.  Those that do nothing first are
    asked side by side."""
    out, alike = {}, {}
    for name, (n, does, undoes, asks, *_) in rows.items():
        w.patience = patience(name, want)
        if not does:
            alike.setdefault(w.patience, []).append(name)
            continue
        w.batch("gw", *does, option=(n.option,))
        if runs:
            wait_for("the rules are in their places", lambda: moved(w))
        out[name] = asks(w)
        w.batch("gw", *undoes, option=(n.option,))
    for w.patience, names in alike.items():
        with ThreadPool(8) as pool:
            out.update(zip(names, pool.map(lambda name: rows[name][3](w),
                                           names)))
    return out


def unlike(want, got):
    return {name: f"got {got[name]}, want {want[name]}" for name in want
            if want[name] != got[name]}


def forward(w, value):
    w.run("gw", f"sysctl -qw net.ipv4.ip_forward={value} "
                f"net.ipv6.conf.all.forwarding={value}")


@case
def gateway_host(workers):
    """What works on a host with the kernel's NAT works with weir, too."""
    rules = {"input": ACCEPT, "postrouting": HIDE,
             "prerouting": FORWARD + (REDIRECT if workers == 1 else [])}
    rows = {**rows_of(FOUR, workers), **rows_of(SIX, workers)}
    with HostLab(workers, rules=rules, policy={"input": "drop"},
                 start=False) as w:
        w.nft(KERNELS)
        forward(w, 1)
        kernel = see(w, rows)
        lab.say(f"with the kernel's NAT: {kernel}")
        w.nft("delete table ip kernel; delete table ip6 kernel")
        forward(w, 0)
        w.start()
        third = Sniffer(w, "switch")
        want = {name: kernel[name] if row[4] is SAME else row[4]
                for name, row in rows.items()}
        same(unlike(want, see(w, rows, want, True)), {},
             "with weir, against the kernel")
        w.weir.kill()
        want = {name: kernel[name] if row[5] is SAME else row[5]
                for name, row in rows.items()}
        same(unlike(want, see(w, rows, want)), {}, "with a killed weir")
        need(not {LAN, WAN_GW, LAN6, WAN6_GW} & third.sources(),
             "an inside source, or the gateway's, was seen in a third network")
        third.close()
        w.start()
        repaired(w)
        w.echo.end()
        w.leave()


def repaired(w):
    """What others take away of weir's is put back."""
    for takes, what in (
            ("nft flush ruleset", "nft -s -t list table inet weir"),
            ("tc qdisc del dev weir-wan clsact",
             "tc filter show dev weir-wan egress"),
            (f"ip neigh del proxy {WAN_GW} dev eth1",
             "ip neigh show proxy dev eth1"),
            ("ip rule del pref 0 iif eth0 unreachable",
             "ip rule show pref 0")):
        before = w.run("gw", what)
        w.run("gw", takes)
        wait_for(f"{takes}: is put back",
                 lambda: len(w.run("gw", what, check=False)) == len(before))
    w.patience = 5
    same((w.asks("lan", WAN), w.asks("lan", WAN6)), (WAN_GW, LAN6),
         "a client, behind all that")
