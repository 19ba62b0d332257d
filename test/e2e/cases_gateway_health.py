"""cases_gateway_health.py - gateway mode: what stops packets is told, and what
others have set is set back"""
import json
import os
import signal
import socket

import lab
from cases_gateway_life import READ_ONLY
from cases_starts import refuse
from lab import LAN_GW, WAN, WAN6, WAN6_GW, WAN_GW, Weir, need, same, say, sh, wait_for
from lab_gateway import GatewayLab, gate_mac

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def readyz(w):
    status, body = w.weir.get("/readyz")
    answer = json.loads(body)
    same(status == 200, answer["ready"], "status and \"ready\"")
    return answer


def answers(w):
    """Ready or not; the socket's file is there before it listens."""
    try:
        w.weir.get("/livez")
    except OSError:
        return False
    return True


def failing(w):
    """The checks that fail, by name."""
    return {c["name"]: c["detail"] for c in readyz(w)["checks"]
            if c["level"] == "fail" and c["name"] != "router"}


def tells(w, name, *words):
    """It becomes not ready: this check fails, with these words, which the log
    and the command have too."""
    wait_for(f"{name} fails", lambda: name in failing(w))
    detail = failing(w)[name]
    for word in words:
        need(word in detail, f"{word!r} is missing: {detail}")
    wait_for(f"{detail!r} is in the log", lambda: f"{name}: not ready: "
             f"{detail}" in w.weir.output())
    out = sh([lab.weir_bin(), "health", "--socket", w.weir.socket],
             check=False)
    need(out.startswith("not ready: "), out)


def is_well(w):
    wait_for("it is ready", w.weir.ready)
    wait_for("no check complains", lambda: [
        c for c in readyz(w)["checks"] if c["level"] != "ok"] == [])


def default_route(w):
    w.batch("gw", f"route replace default via {WAN} dev eth1",
            f"route replace default via {WAN6} dev eth1")


@case
def gateway_health(workers):
    """Devices, addresses and routes that packets need: ready is not said
    without them."""
    with GatewayLab(workers) as w:
        w.settled = False
        w.serve("wan", "http", WAN, "8080", w.folder)
        w.run("gw", "sysctl -qw net.ipv6.conf.eth1.keep_addr_on_down=1")
        names = [c["name"] for c in readyz(w)["checks"]]
        for name in ("router", "table", "interface.lan", "interface.wan",
                     "address.lan", "address.wan", "route.default",
                     "route.back", "forward", "ports", "gateway"):
            need(name in names, f"{name} is not among {names}")
        for does, name, words, undoes in (
                ("link set eth1 down", "interface.wan",
                 ("eth1", "is down"), ("link set eth1 up",)),
                ("link set eth0 down", "interface.lan",
                 ("eth0", "is down"), ("link set eth0 up",)),
                ("link set weir-lan down", "interface.lan",
                 ("weir-lan", "is down"), ("link set weir-lan up",)),
                (f"addr del {WAN_GW}/24 dev eth1", "address.wan",
                 ("eth1", "IPv4 address"), (f"addr add {WAN_GW}/24 dev eth1",)),
                ("route del default", "route.default",
                 ("no IPv4 default route", "eth1"), ()),
                ("route replace default dev weir-wan",
                 "route.default", ("leads back", "weir-wan", "dev eth1"),
                 ())):
            w.batch("gw", does)
            tells(w, name, *words)
            w.batch("gw", *undoes)
            default_route(w)
            is_well(w)
        w.batch("gw", "route add 10.9.0.0/24 dev weir-wan")
        w.weir.says("route.back: the route to 10.9.0.0/24 leads back into "
                    "weir's own device weir-wan")
        need(readyz(w)["ready"], "a warning is no fault")
        w.batch("gw", "route del 10.9.0.0/24 dev weir-wan")
        is_well(w)
        w.works()
        w.batch("wan", "link set eth0 down")
        tells(w, "interface.wan", "eth1", "no carrier")
        w.batch("wan", "link set eth0 up")
        is_well(w)
        renamed(w)
        w.batch("gw", "link del eth1")
        tells(w, "interface.wan", "no network device is called eth1")


def renamed(w):
    w.batch("gw", "link set eth0 down", "link set eth0 name inside",
            "link set inside up")
    tells(w, "interface.lan", "eth0", "is called inside now")
    w.batch("gw", "link set inside down", "link set inside name eth0",
            "link set eth0 up")
    is_well(w)
    w.works()


@case
def gateway_settings(workers):
    """What others set while it runs is set back, and said."""
    with GatewayLab(workers) as w:
        w.settled = False
        w.serve("wan", "http", WAN, "8080", w.folder)
        for setting in ("net.ipv4.ip_forward=1", "net.ipv4.ip_forward=0",
                        "net.ipv4.conf.eth0.forwarding=0",
                        "net.ipv4.conf.weir-wan.forwarding=0",
                        "net.ipv6.conf.all.forwarding=0"):
            w.run("gw", ["sysctl", "-qw", setting])
            wait_for("forwarding is set back", lambda: all(
                w.run("gw", ["sysctl", "-n", f"net.ipv{v}.conf.{d}.forwarding"])
                == "1\n" for v, d in ((4, "eth0"), (4, "eth1"),
                                      (4, "weir-lan"), (4, "weir-wan"),
                                      (6, "all"))))
            w.works()
        w.weir.says("forwarding4 of eth0 was set to 0")


@case
def gateway_settings_read_only(workers):
    """What others set and can't be set back: not ready, and the log says it."""
    with GatewayLab(workers, start=False) as w:
        w.settled = False
        w.run("gw", "sysctl -qw net.ipv4.ip_early_demux=0 "
                    "net.ipv6.conf.all.forwarding=1 "
                    "net.ipv6.conf.all.proxy_ndp=1")
        w.start(READ_ONLY)
        w.run("gw", "sysctl -qw net.ipv4.ip_early_demux=1 "
                    "net.ipv6.conf.all.forwarding=0")
        tells(w, "gateway", "must be", "can't be set here")
        w.run("gw", "sysctl -qw net.ipv4.ip_early_demux=0 "
                    "net.ipv6.conf.all.forwarding=1")
        is_well(w)


@case
def gateway_waits(workers):
    """The wan device is not there at the start: it waits, if told so."""
    with GatewayLab(workers, start=False) as w:
        w.settled = False
        w.run("gw", "sysctl -qw net.ipv4.ip_forward=0 "
                    "net.ipv6.conf.all.forwarding=0")
        for wan in ("eth1", "198.51.100.0/24"):
            w.batch("gw", "link del eth1")
            w.config["gateway"] = {"lan": "eth0", "wan": wan}
            refuse(w, 1, ("gateway.wan", wan), w.inside("gw", []), w.config)
            w.config["gateway"]["wait"] = True
            w.weir = Weir(w.config, w.folder, w.inside("gw", []))
            wait_for("it answers", lambda: answers(w))
            tells(w, "interface.wan", "no network device", wan)
            same(w.run("gw", "sysctl -n net.ipv4.conf.eth0.forwarding"), "0\n",
                 "the kernel forwards")
            w.batch("gw", w.pair("eth1", "wan", "mtu 1500"),
                    *w.host("eth1", WAN_GW, WAN6_GW))
            w.batch("wan", *w.host("eth0", WAN, WAN6))
            default_route(w)
            is_well(w)
            server = w.serve("wan", "http", WAN, "8080", w.folder)
            w.works()
            server.kill()
            same(w.weir.stop()[0], 0, "exit status")


FORWARD = ("add table {0} {1}; add chain {0} {1} FORWARD "
           "{{ type filter hook forward priority 0; policy drop; }}; ")
DOCKER = ("add chain ip filter DOCKER-USER; "
          "add rule ip filter FORWARD jump DOCKER-USER; "
          "add rule ip filter FORWARD oifname docker0 accept; "
          "add rule ip filter FORWARD iifname docker0 accept")
UFW = ("add chain ip filter before; "
       "add rule ip filter FORWARD counter jump before; "
       "add rule ip filter before ct state established,related accept; "
       "add rule ip filter before ip protocol icmp accept; "
       "add rule ip filter before iifname != eth0 log prefix \"x\"")
USER = "insert rule ip filter DOCKER-USER {} weir-* accept"
PAIRS = "; ".join(f"add rule inet own FORWARD {rule} accept" for rule in (
    "iifname eth0 oifname weir-lan ct state new,established",
    "iif weir-wan oif eth1", "ct state established"))


def remedy(detail):
    """What the check says should be done, as nft's words."""
    said = detail.split("say: ")[1]
    if said.startswith("nft "):
        return said[len("nft '"):-1]
    need("iptables -I DOCKER-USER -i weir-+ -j ACCEPT" in said, said)
    return "; ".join(USER.format(name) for name in ("iifname", "oifname"))


@case
def gateway_dropped(workers):
    """A chain of the host's own that drops what weir forwards is named, and
    what helps; a rule that lets it through is seen."""
    with GatewayLab(workers, start=False) as w:
        w.settled = False

        def nft(words):
            w.run("gw", ["nft", words])
        w.serve("wan", "http", WAN, "8080", w.folder)
        nft(FORWARD.format("ip", "filter"))
        w.weir = Weir(w.config, w.folder, w.inside("gw", []))
        wait_for("it answers", lambda: answers(w))
        tells(w, "forward", "chain FORWARD of table ip filter drops",
              "eth0 to weir-lan")
        for family, table, more in (("ip", "filter", ""),
                                    ("ip", "filter", DOCKER),
                                    ("ip", "filter", UFW),
                                    ("ip6", "filter", ""),
                                    ("inet", "own", "")):
            nft(FORWARD.format(family, table) + more)
            tells(w, "forward", f"chain FORWARD of table {family} {table}")
            nft(remedy(failing(w)["forward"]))
            is_well(w)
            w.works()
            nft(f"flush ruleset {family}" if family != "inet" else
                f"delete table {family} {table}")
            is_well(w)
        nft(FORWARD.format("inet", "own"))
        tells(w, "forward", "table inet own")
        nft("add chain inet own FORWARD { policy accept; }")
        is_well(w)
        nft("add rule inet own FORWARD iifname eth0 oifname != eth1 reject")
        tells(w, "forward", "drops", "eth0 to weir-lan")
        nft("flush chain inet own FORWARD; "
            "add chain inet own FORWARD { policy drop; }; " + PAIRS)
        is_well(w)
        w.works()
        nft("flush chain inet own FORWARD; "
            "add rule inet own FORWARD tcp dport 8080 accept; "
            "add rule inet own FORWARD ct state established accept")
        wait_for("it warns", lambda: "own may drop a part" in
                 w.weir.output())
        need(readyz(w)["ready"], "a warning is no fault")
        w.works()


@case
def gateway_dropped_legacy(workers):
    """The same of rules that stand beside nf_tables, in iptables-legacy."""
    if not os.path.exists("/proc/net/ip_tables_names"):
        say("this kernel has no iptables-legacy: nothing of it was run")
        return
    with GatewayLab(workers, start=False) as w:
        w.settled = False

        def legacy(*lines, program="iptables-legacy"):
            for line in lines:
                w.run("gw", f"{program} -w {line}")
            w.run("gw", ["nft", "add table ip poke; delete table ip poke"])

        def helps():
            said = failing(w)["forward"].split("say: ")[1]
            for command in said.split("; "):
                w.run("gw", command)
            legacy()
            is_well(w)
            w.works()
        w.serve("wan", "http", WAN, "8080", w.folder)
        w.start()
        is_well(w)
        same(w.run("gw", "cat /proc/net/ip_tables_names"), "",
             "tables that weir's question has made")
        legacy("-P FORWARD DROP")
        tells(w, "forward", "chain FORWARD of table ip filter "
              "(iptables-legacy) drops", "eth0 to weir-lan")
        helps()
        legacy("-F", "-N DOCKER-USER", "-A FORWARD -j DOCKER-USER",
               "-A FORWARD -o docker0 -j ACCEPT",
               "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT")
        tells(w, "forward", "(iptables-legacy) drops")
        legacy("-A DOCKER-USER -i weir-+ -j ACCEPT",
               "-A DOCKER-USER -i eth+ -j ACCEPT")
        is_well(w)
        w.works()
        legacy("-F", "-A FORWARD -p tcp -j ACCEPT")
        wait_for("it warns", lambda: "(iptables-legacy) may drop a part" in
                 w.weir.output())
        need(readyz(w)["ready"], "a warning is no fault")
        w.works()
        legacy("-F", "-P FORWARD ACCEPT", "-A FORWARD -i eth0 -j REJECT")
        tells(w, "forward", "(iptables-legacy) drops")
        legacy("-F")
        is_well(w)
        legacy("-P FORWARD DROP", program="ip6tables-legacy")
        tells(w, "forward", "of table ip6 filter (iptables-legacy) drops")
        helps()


@case
def gateway_bursts(workers):
    """What comes while a worker is late waits in the device; what does not fit
    is counted and said."""
    def burst(w):
        s = w.open("lan", kind=socket.SOCK_DGRAM)
        w.weir.signal(signal.SIGSTOP)
        before = came(w)
        for _ in range(3000):
            s.sendto(b"x", (WAN, 7000))
        wait_for("they have come", lambda: came(w) - before >= 3000)
        w.weir.signal(signal.SIGCONT)
        s.close()

    def came(w):
        out = w.run("gw", "ip -s -j link show eth0")
        return json.loads(out)[0]["stats64"]["rx"]["packets"]

    def dropped(w):
        out = w.run("gw", "ip -s -j link show weir-lan")
        return json.loads(out)[0]["stats64"]["tx"]["dropped"]

    for queue in (None, 500):
        class Queue(GatewayLab):
            def default(self, rules):
                config = super().default(rules)
                if queue:
                    config["gateway"]["txqueuelen"] = queue
                return config
        with Queue(1) as w:
            w.settled = False
            w.batch("lan", f"neigh replace {LAN_GW} lladdr "
                           f"{gate_mac(w).hex(':')} dev eth0")
            burst(w)
            lost = dropped(w)
            if not queue:
                same(lost, 0, "packets that a queue of 5000 lost")
                continue
            need(lost >= 2000, f"a queue of 500 lost {lost} of 3000")
            stats = w.weir.json("/api/v1/stats")["interfaces"]["lan"]
            need(stats["dev_dropped"] >= lost, "dev_dropped is less")
            wait_for("it is said", lambda: "device weir-lan dropped" in
                     w.weir.output())
