"""cases_gateway_host.py - gateway mode: a model of the host around it

Situations of rules, routes, devices and services of a machine, each seen three
times: while the kernel alone translates, while weir runs, and while a weir that
was killed is not there.  A row names what it does first, what it asks, and what
is different with weir; else the answer must be the kernel's.

    lan ---- eth0 [gw] eth1 ---- wan
                  eth2 ---- switch (a third network: a tunnel, say)
"""
import selectors
import socket
import threading

import lab
from lab import LAN, LAN_GW, WAN, WAN_GW, need, same, wait_for
from lab_gateway import GatewayLab, Sniffer

CASES = {}
THIRD, THIRD_GW, FAR, AWAY = "10.3.0.2", "10.3.0.1", "192.0.2.9", "192.0.2.77"
MARK = 51820
IP_PKTINFO = 8
ANY = "0.0.0.0"
NOBODY = None
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
"""
HOSTS = """
table ip host {
  chain in {
    type filter hook input priority 10
    iifname "eth1" udp dport 7020 drop
    iifname "eth0" udp dport 7021 drop
  }
}
"""
ACCEPT = [{"ct_state": ["established", "related"], "verdict": "accept"},
          {"proto": "icmp", "verdict": "accept"},
          {"proto": "udp", "verdict": "accept",
           "dport": [7000, 7010, 7011, 7020, 7021, 7031]}]
FORWARD = [{"in": "wan", "proto": "udp", "dst": WAN_GW, "dport": 7040,
            "dnat": f"{LAN}:7000"}]
HIDE = [{"out": "lan", "proto": "udp", "dst": LAN, "dport": 7000,
         "snat": LAN_GW}]
REDIRECT = [{"in": "lan", "proto": "udp", "dst": LAN_GW, "dport": 7030,
             "redirect": 7031}]


def case(function):
    CASES[function.__name__] = function
    return function


class Echo(threading.Thread):
    """Answers every datagram of its sockets with who is seen, from the address
    that was asked."""

    def __init__(self):
        super().__init__(daemon=True)
        self.wait, self.over = selectors.DefaultSelector(), False

    def add(self, s):
        s.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        s.setblocking(False)
        self.wait.register(s, selectors.EVENT_READ)

    def run(self):
        while not self.over:
            for key, _ in self.wait.select(0.05):
                try:
                    _, info, _, who = key.fileobj.recvmsg(2048, 64)
                    asked = info[0][2][8:12]    # its ipi_addr
                    key.fileobj.sendmsg(
                        [who[0].encode()], [(socket.IPPROTO_IP, IP_PKTINFO,
                                             bytes(4) + asked + bytes(4))],
                        0, who)
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
                         f"{self.ns('switch')}",
                   f"addr add {THIRD_GW}/24 dev eth2", "link set eth2 up",
                   f"route add default via {THIRD} table {MARK}",
                   f"route add default via {WAN} table 100")
        self.batch("switch", f"addr add {THIRD}/24 dev eth0",
                   "link set eth0 up", f"addr add {AWAY}/32 dev lo",
                   f"route add default via {THIRD_GW}")
        self.batch("wan", f"addr add {FAR}/32 dev lo",
                   f"route add 10.3.0.0/24 via {WAN_GW}")
        self.run("gw", "sysctl -qw net.ipv4.ip_early_demux=0")
        self.nft(HOSTS)
        self.before = self.state()
        self.echo = Echo()
        for side in ("lan", "wan", "switch", "gw"):
            self.answer(side, 7000)
        for port in (7020, 7021, 7022, 7031):
            self.answer("gw", port)
        self.answer("gw", 7010, b"eth1")
        self.answer("gw", 7011, b"eth0")
        self.echo.start()

    def nft(self, text):
        lab.sh(self.inside("gw", ["nft", "-f", "-"]), input=text)

    def answer(self, side, port, device=b""):
        s = self.open(side, kind=socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
        s.bind((ANY, port))
        self.echo.add(s)

    def asks(self, side, host, port=7000, device=b"", mark=0, source=ANY):
        """Who the server says this is; None: no answer."""
        with self.open(side, kind=socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
            s.bind((source, 0))
            s.settimeout(self.patience)
            try:
                s.sendto(b"?", (host, port))
                return s.recv(100).decode()
            except OSError:
                return NOBODY

    def pings(self, side, *more):
        out = self.run(side, ["ping", "-n", "-c", "1", "-W",
                              str(self.patience), *more], check=False)
        return " 0% packet loss" in out


def client(host, port=7000, **more):
    return lambda w: w.asks("lan", host, port, **more)


def host(to, port=7000, **more):
    return lambda w: w.asks("gw", to, port, **more)


def outside(host_, port=7000, side="wan"):
    return lambda w: w.asks(side, host_, port)


def ping(side, *more):
    return lambda w: w.pings(side, *more)


SAME = object()
# What is done before and undone behind; what is asked; the answer with weir and
# while it is dead, where it is not the kernel's.
ROWS = {
    # clients
    "a client": ((), (), client(WAN), SAME, NOBODY),
    "a client far away": ((), (), client(FAR), SAME, NOBODY),
    "a client of a third network": ((), (), client(THIRD), NOBODY, NOBODY),
    "a third network's host to a client":
        ((), (), outside(LAN, side="switch"), NOBODY, NOBODY),
    "a third network's host to the wan":
        ((), (), outside(WAN, side="switch"), NOBODY, NOBODY),
    "the wan to a third network":
        ((), (), outside(THIRD), NOBODY, NOBODY),
    "a client beside the host's tunnel":
        (TUNNEL, NO_TUNNEL, client(AWAY), NOBODY, NOBODY),
    "a client with a rule of its own":
        ((f"rule add from {LAN} table {MARK}",),
         (f"rule del from {LAN} table {MARK}",), client(AWAY), NOBODY, NOBODY),
    "a client by a route of policy":
        ((f"rule add to {FAR} table 100",), (f"rule del to {FAR} table 100",),
         client(FAR), SAME, NOBODY),
    # the host's own connections
    "the host": ((), (), host(WAN), SAME, SAME),
    "the host in its lan": ((), (), host(LAN), SAME, SAME),
    "the host in its lan, by its address":
        ((), (), host(LAN, source=LAN_GW), SAME, SAME),
    "the host in a third network": ((), (), host(THIRD), SAME, SAME),
    "the host in its tunnel": (TUNNEL, NO_TUNNEL, host(AWAY), SAME, SAME),
    # Nobody moves the tunnel's rules to their places while weir is dead.
    "the host in its lan, with a tunnel":
        (TUNNEL, NO_TUNNEL, host(LAN), SAME, NOBODY),
    "the tunnel itself": (TUNNEL, NO_TUNNEL, host(WAN, mark=MARK), SAME, SAME),
    "the host with a mark": ((), (), host(WAN, mark=7), SAME, SAME),
    "the host by a route of policy":
        ((f"rule add to {FAR} table 100",), (f"rule del to {FAR} table 100",),
         host(FAR), SAME, SAME),
    "the host by wan's device": ((), (), host(WAN, device=b"eth1"), SAME, SAME),
    "the host by lan's device": ((), (), host(LAN, device=b"eth0"), SAME, SAME),
    "the host by a third device":
        ((), (), host(AWAY, device=b"eth2"), SAME, SAME),
    "the host from its address": ((), (), host(WAN, source=WAN_GW), SAME, SAME),
    "the host to itself": ((), (), host(WAN_GW), SAME, SAME),
    "the host pings": ((), (), ping("gw", WAN), SAME, SAME),
    "the host pings by wan's device":
        ((), (), ping("gw", "-I", "eth1", WAN), SAME, SAME),
    "the host pings by lan's device":
        ((), (), ping("gw", "-I", "eth0", LAN), SAME, SAME),
    # its services
    "a service at wan": ((), (), outside(WAN_GW), SAME, SAME),
    "a service at lan": ((), (), client(LAN_GW), SAME, SAME),
    "a service bound to wan's device":
        ((), (), outside(WAN_GW, 7010), SAME, SAME),
    "a service bound to lan's device":
        ((), (), client(LAN_GW, 7011), SAME, SAME),
    "it, by the other address": ((), (), client(WAN_GW, 7011), SAME, SAME),
    "closed at wan's device, from wan":
        ((), (), outside(WAN_GW, 7020), SAME, SAME),
    "closed at wan's device, from lan":
        ((), (), client(LAN_GW, 7020), SAME, SAME),
    "closed at lan's device, from lan":
        ((), (), client(LAN_GW, 7021), SAME, SAME),
    "closed at lan's device, to wan's address":
        ((), (), client(WAN_GW, 7021), SAME, SAME),
    "closed at lan's device, from wan":
        ((), (), outside(WAN_GW, 7021), SAME, SAME),
    "let in by no rule, at lan": ((), (), client(LAN_GW, 7022), SAME, LAN),
    "let in by no rule, at wan's address":
        ((), (), client(WAN_GW, 7022), SAME, LAN),
    "let in by no rule, from wan":
        ((), (), outside(WAN_GW, 7022), SAME, WAN),
    "a forward, hidden in the lan":
        ((), (), outside(WAN_GW, 7040), SAME, NOBODY),
    "the wan pings": ((), (), ping("wan", WAN_GW), SAME, SAME),
    "the lan pings at lan": ((), (), ping("lan", LAN_GW), SAME, SAME),
    "the lan pings at wan": ((), (), ping("lan", WAN_GW), SAME, SAME),
}
ONE = {"redirected at lan": ((), (), client(LAN_GW, 7030), SAME, NOBODY)}


def moved(w):
    """Are rules that were added without a preference where they belong?"""
    return all(rule["priority"] > 0 or rule.get("protocol") == "119"
               for rule in w.rules().values())


def see(w, rows, want=None, runs=False):
    """The answer of each.  runs: weir does.  Where there is to be none, it is
    not waited for as long as for one."""
    out = {}
    for name, (does, undoes, asks, *_) in rows.items():
        w.patience = 1 if want is None else 5 if want[name] else 0.2
        if does:
            w.batch("gw", *does)
        if does and runs:
            wait_for("the rules are in their places", lambda: moved(w))
        out[name] = asks(w)
        if undoes:
            w.batch("gw", *undoes)
    return out


def unlike(want, got):
    return {name: f"got {got[name]}, want {want[name]}" for name in want
            if want[name] != got[name]}


@case
def gateway_host(workers):
    """What works on a host with the kernel's NAT works with weir, too."""
    rules = {"input": ACCEPT, "postrouting": HIDE,
             "prerouting": FORWARD + (REDIRECT if workers == 1 else [])}
    rows = {**ROWS, **(ONE if workers == 1 else {})}
    with HostLab(workers, rules=rules, policy={"input": "drop"},
                 start=False) as w:
        w.nft(KERNELS)
        w.run("gw", "sysctl -qw net.ipv4.ip_forward=1")
        kernel = see(w, rows)
        lab.say(f"with the kernel's NAT: {kernel}")
        w.nft("delete table ip kernel")
        w.run("gw", "sysctl -qw net.ipv4.ip_forward=0")
        w.start()
        third = Sniffer(w, "switch")
        want = {name: kernel[name] if row[3] is SAME else row[3]
                for name, row in rows.items()}
        same(unlike(want, see(w, rows, want, True)), {},
             "with weir, against the kernel")
        w.weir.kill()
        want = {name: kernel[name] if row[4] is SAME else row[4]
                for name, row in rows.items()}
        same(unlike(want, see(w, rows, want)), {}, "with a killed weir")
        need(not {LAN, WAN_GW} & third.sources(),
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
    same(w.asks("lan", WAN), WAN_GW, "a client, behind all that")
