"""cases_gateway_life.py - gateway mode: kills, moves, refusals, forgeries"""
import json
import os
import signal
import socket
import subprocess
import threading
import time

import lab
from cases_life import Talk
from cases_starts import refuse
from cases_traffic import peer
from lab import (LAN, LAN2, LAN6, LAN6_GW, LAN_GW, WAN, WAN6, WAN6_GW, WAN_GW,
                 need, same, wait_for)
from lab_gateway import (GatewayLab, Sniffer, conntrack, differences, forge,
                         gate_mac)

CASES = {}
OWN = {WAN_GW, WAN6_GW}         # who may be seen outside, but for IPv6 hosts
MOVED, MOVED_HOST = "203.0.113.1", "203.0.113.2"


def case(function):
    CASES[function.__name__] = function
    return function


@case
def gateway_killed(workers):
    """kill -9: nothing leaves untranslated; the next one takes over."""
    with GatewayLab(workers) as w:
        w.serve("wan", "http", WAN, "8080", w.folder)
        w.serve("gw", "http", "0.0.0.0", "8081", w.folder)
        running, talk = w.state(), Talk(w)
        talk.say()
        same(peer(w, WAN), WAN_GW, "who the server sees")
        w.weir.kill()
        sniffer = Sniffer(w, "wan")
        fails_closed(w, talk)
        w.start()
        same(sniffer.sources() - OWN, set(), "who was seen while it was dead")
        w.works()
        same(differences(running, w.state()), [], "against the first start")
        same(sniffer.sources() - OWN, set(), "who was seen after the start")
        w.weir.kill()
        w.start()
        w.works()
        same(differences(running, w.state()), [], "after a second kill")


def fails_closed(w, talk):
    """While weir is dead: clients are refused, the gateway is not."""
    for side in ("lan", "lan2"):
        for host in (WAN, WAN6):
            out = w.run(side, f"ping -n -c 2 -i 0.05 -W 1 {host}", check=False)
            need("100% packet loss" in out, out)
    talk.client.sendall(b"x" * 100)
    u = w.open("lan", kind=socket.SOCK_DGRAM)
    u.sendto(b"x" * 100, (WAN, 7000))
    for host in (WAN_GW, WAN6_GW):
        out = w.run("wan", f"ping -n -c 2 -i 0.05 -W 1 {host}")
        need(" 0% packet loss" in out, out)
    same(peer(w, WAN_GW, 8081, "wan"), WAN, "the gateway's server sees")
    same(peer(w, WAN, 8080, "gw"), WAN_GW, "who the gateway is")
    time.sleep(0.3)
    u.close()


@case
def gateway_edges(workers):
    """Starts and ends under fire: no packet slips by untranslated before
    the rules are there or after they are gone."""
    with GatewayLab(workers, start=False) as w:
        for family in ("ipv4.ip_forward", "ipv6.conf.all.forwarding"):
            w.run("gw", ["sysctl", "-qw", f"net.{family}=0"])
        w.batch("lan", *(f"neigh replace {host} lladdr {gate_mac(w).hex(':')} "
                         "dev eth0" for host in (LAN_GW, LAN6_GW)))
        w.before = w.state()
        sniffer, stop = Sniffer(w, "wan"), threading.Event()
        guns = [threading.Thread(target=fire, args=(w, host, stop))
                for host in (WAN, WAN6)]
        for gun in guns:
            gun.start()
        try:
            seen = set()
            for _ in range(3):
                w.start()
                wait_for("something leaves", lambda: see(sniffer, seen), 3)
                same(w.weir.stop()[0], 0, "exit status")
                time.sleep(0.1)
                see(sniffer, seen)
        finally:
            stop.set()
            for gun in guns:
                gun.join()
        w.given_back()
        # IPv6 is not translated: its hosts are seen, while weir runs.
        same(seen - OWN, {LAN6}, "who was seen outside")


def see(sniffer, seen):
    new = sniffer.sources()
    seen |= new
    return WAN_GW in new


def fire(w, host, stop):
    s = w.open("lan", socket.AF_INET6 if ":" in host else socket.AF_INET,
               socket.SOCK_DGRAM)
    while not stop.is_set():
        try:
            s.sendto(b"x", (host, 7000))
        except OSError:
            pass                        # an error that came back
        time.sleep(0.0002)
    s.close()


@case
def gateway_moves(workers):
    """Addresses, routes and devices change while it runs."""
    with GatewayLab(workers) as w:
        w.settled = False
        w.batch("wan", f"addr add {MOVED_HOST}/24 dev eth0")
        w.serve("wan", "http", "0.0.0.0", "8080", w.folder)
        new_address(w)
        goes_and_comes(w)
        lan_route(w)
        wan_down(w)
        wan_mtu(w)


def new_address(w):
    """W changes: what was hidden behind the old one is over."""
    talk, sniffer = Talk(w), Sniffer(w, "wan")
    talk.say()
    events = w.spawn("gw", [lab.weir_bin(), "conntrack", "-E", "-e", "DESTROY",
                            "-p", "tcp", "--socket", w.weir.socket],
                     stdout=subprocess.PIPE)
    time.sleep(0.3)
    w.batch("gw", f"addr add {MOVED}/24 dev eth1",
            f"route replace default via {MOVED_HOST}",
            f"addr del {WAN_GW}/24 dev eth1")
    w.works(2, host=MOVED_HOST, seen=MOVED)
    w.works(2, "gw", MOVED_HOST, MOVED)
    same([f for f in w.weir.flows() if f["reply"]["dst"] == WAN_GW], [],
         "flows behind the old address")
    line = events.stdout.readline()
    need("DESTROY" in line and f"dst={WAN_GW}" in line, f"event: {line!r}")
    events.kill()
    sniffer.packets()
    talk.client.sendall(b"x" * 100)
    time.sleep(0.3)
    need(WAN_GW not in sniffer.sources(), "the old source was seen outside")
    w.run("wan", "ip neigh flush dev eth0")
    out = w.run("wan", f"ping -n -c 2 -i 0.05 -W 1 {MOVED}")
    need(" 0% packet loss" in out, out)
    sniffer.close()
    talk.client.close()


def goes_and_comes(w):
    """No address at all for a while."""
    sniffer = Sniffer(w, "wan")
    w.batch("gw", f"addr del {MOVED}/24 dev eth1")
    time.sleep(0.3)
    u = w.open("lan", kind=socket.SOCK_DGRAM)
    u.sendto(b"x", (MOVED_HOST, 7000))
    w.run("lan", f"ping -n -c 1 -W 1 {MOVED_HOST}", check=False)
    need(LAN not in sniffer.sources(), "an inside source was seen outside")
    need(w.weir.process.poll() is None, "weir ended")
    w.batch("gw", f"addr add {MOVED}/24 dev eth1",
            f"route replace default via {MOVED_HOST}")
    w.works(2, host=MOVED_HOST, seen=MOVED)
    sniffer.close()


def lan_route(w):
    """A network behind a router of the lan."""
    w.batch("lan2", "addr add 10.9.0.1/32 dev lo")
    w.batch("gw", f"route add 10.9.0.0/24 via {LAN2} dev eth0")
    wait_for("the network behind lan2 is served", lambda: w.run(
        "lan2", ["curl", "-sS", "--max-time", "0.5", "--interface", "10.9.0.1",
                 f"http://{MOVED_HOST}:8080/peer"],
        check=False).split()[:1] == [MOVED], 2)


def wan_down(w):
    w.batch("gw", "link set eth1 down")
    time.sleep(0.2)
    need(w.weir.process.poll() is None, "weir ended")
    w.batch("gw", "link set eth1 up",
            f"route replace default via {MOVED_HOST}")
    w.works(3, host=MOVED_HOST, seen=MOVED)


def wan_mtu(w):
    w.batch("gw", "link set eth1 mtu 1400")
    wait_for("weir-wan follows", lambda: "mtu 1400" in w.run(
        "gw", "ip link show weir-wan"), 2)
    out = w.run("lan", f"ping -n -c 1 -W 2 -M do -s 1400 {MOVED_HOST}",
                check=False)
    need("mtu = 1400" in out, out)
    w.batch("gw", "link set eth1 mtu 1500")
    wait_for("weir-wan follows back", lambda: "mtu 1500" in w.run(
        "gw", "ip link show weir-wan"), 2)
    w.works(2, host=MOVED_HOST, seen=MOVED)


@case
def gateway_user(workers):
    """All of it as an ordinary user who kept CAP_NET_ADMIN alone."""
    with GatewayLab(workers, start=False) as w:
        os.chown(w.folder, 65532, 65532)
        w.user = ("--user", "65532:65532")
        roots = lab.with_node(      # as a container's root has it
            "0600", "setpriv", "--inh-caps=-all",
            "--bounding-set=-all,+net_admin,+setuid,+setgid")
        w.start(roots)
        w.serve("wan", "http", WAN, "8080", w.folder)
        w.works()
        with open(f"/proc/{w.weir.process.pid}/status", encoding="ascii") as f:
            status = f.read()
        need("Uid:\t65532\t65532\t65532\t65532" in status, status)
        running = w.state()
        w.weir.kill()
        w.start(roots)
        w.works()
        same(differences(running, w.state()), [], "against the first start")
        w.batch("gw", "addr add 198.51.100.9/32 dev eth1")
        wait_for("a second address is followed", lambda: any(
            rule.get("dst") == "198.51.100.9" for rule in w.rules().values()))
        w.batch("gw", "addr del 198.51.100.9/32 dev eth1")
        wait_for("and goes again",
                 lambda: differences(running, w.state()) == [])
        w.leave()


def may(pid):
    """The effective capabilities of a process's threads."""
    found = []
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii") as f:
            found.append(int(f.read().split("CapPrm:\t")[1].split()[0], 16))
    return found


def ordered(w):
    """The process that changes the kernel for weir."""
    pid = w.weir.process.pid
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return int(f.read())


@case
def gateway_orders(workers):
    """The process that reads packets and HTTP has no capability; one of a
    single thread has CAP_NET_ADMIN and nothing of weir's but a socket."""
    with GatewayLab(workers, start=False) as w:
        w.start()
        w.serve("wan", "http", WAN, "8080", w.folder)
        w.works()
        running = w.state()
        same(set(may(w.weir.process.pid)), {0}, "capabilities of weir")
        child = ordered(w)
        same(may(child), [1 << 12], "capabilities of the other process")
        held = [os.readlink(f"/proc/{child}/fd/{fd}")
                for fd in os.listdir(f"/proc/{child}/fd")]
        tables = sum(name.endswith("_tables_names") for name in held)
        held = sorted(name for name in held if name != "/proc/sys/net" and
                      not name.endswith("_tables_names"))
        same(held[:3], ["/dev/null"] * 3, "its descriptors")
        same([name.split(":")[0] for name in held[3:]],
             ["socket"] * (3 + tables), "its descriptors")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(child, number)
        w.batch("gw", "rule del pref 0 iif eth0 unreachable",
                "addr add 198.51.100.9/32 dev eth1",
                "addr del 198.51.100.9/32 dev eth1")
        wait_for("its rules are right again",
                 lambda: differences(running, w.state()) == [])
        w.weir.kill()       # the other one ends by itself, and changes nothing
        wait_for("no process is left",
                 lambda: not os.path.exists(f"/proc/{child}"))
        need(w.rules(), "the rules went with a weir that was killed")
        w.start()
        w.works()
        os.kill(ordered(w), signal.SIGKILL)
        same(w.weir.process.wait(10), 1, "exit status without the process")
        w.started = False


# As a container has it.
READ_ONLY = ("unshare", "-m", "sh", "-c",
             "mount --bind /proc/sys /proc/sys && "
             'mount -o remount,ro,bind /proc/sys && exec "$@"', "sh")


@case
def gateway_refuses(workers):
    """Starts that must fail, in one sentence each, and harm nothing."""
    with GatewayLab(workers, start=False) as w:
        inside = w.inside("gw", [])
        for lan, wan, words in (
                ("eth7", "eth1", ("eth7", "eth0", "eth1")),
                ("eth0", "10.77.0.0/16", ("10.77.0.0/16",)),
                ("eth0", "2001:db8:77::/64", ("2001:db8:77::/64",)),
                ("eth0", "203.0.113.9", ("203.0.113.9",)),
                ("eth1", WAN_GW, ("eth1",)),
                ("198.51.100.0/24", "eth1", ("eth1",))):
            refuse(w, 1, words, inside, with_devices(w, lan, wan))
        refuse(w, 2, ("/gateway",), inside, with_devices(w, "eth0", "eth0"))
        w.run("gw", "sysctl -qw net.ipv4.ip_early_demux=1")
        said = refuse(w, 1, ("net.ipv4.ip_early_demux",),
                      w.inside("gw", READ_ONLY), w.config)
        need("sysctls" in said, "compose's key is not named")
        w.given_back()
        read_only(w)
        second(w)


def with_devices(w, lan, wan):
    config = json.loads(json.dumps(w.config))
    config["gateway"] = {"lan": lan, "wan": wan}
    return config


def read_only(w):
    """What must be is given beforehand: /proc/sys need not be writable."""
    w.run("gw", "sysctl -qw net.ipv4.ip_early_demux=0 net.ipv4.ip_forward=1 "
                "net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.proxy_ndp=1")
    w.before = w.state()
    w.config["gateway"] = {"lan": "10.0.1.0/24", "wan": WAN6_GW}
    w.start(READ_ONLY)
    server = w.serve("wan", "http", WAN, "8080", w.folder)
    w.serve("wan", "http", WAN6, "8080", w.folder)
    w.works()
    same(peer(w, WAN6), LAN6, "who the server sees")
    server.kill()
    w.leave()


def second(w):
    """Beside a gateway that runs: refused, the first goes on, and what it
    noted for its successor is still true."""
    w.run("gw", "sysctl -qw net.ipv4.ip_early_demux=1 net.ipv4.ip_forward=0 "
                "net.ipv6.conf.all.forwarding=0 net.ipv6.conf.all.proxy_ndp=0")
    w.config["gateway"] = {"lan": "eth0", "wan": "eth1"}
    w.before = w.state()
    w.start()
    w.serve("wan", "http", WAN, "8080", w.folder)
    w.works()
    now = w.state()
    config = json.loads(json.dumps(w.config))
    refuse(w, 1, ("weir-",), w.inside("gw", []), config)
    config["api"] = {"listen": None,
                     "socket": os.path.join(w.folder, "second.sock")}
    refuse(w, 1, ("weir-",), w.inside("gw", []), config)
    same(differences(now, w.state()), [], "what the second one changed")
    w.works()
    w.weir.kill()
    w.start()
    w.works()
    w.leave()


@case
def gateway_forged(workers):
    """Packets from one of the gateway's own addresses reach no host."""
    with GatewayLab(workers) as w:
        w.batch("wan", f"route add 10.0.1.0/24 via {WAN_GW}")
        for frm, to, far, far6, ears in (
                ("lan", "wan", WAN, WAN6, Sniffer(w, "wan")),
                ("wan", "lan", LAN, LAN6, Sniffer(w, "lan"))):
            honest = {"lan": (LAN, LAN6), "wan": (WAN, WAN6)}[frm]
            ways = [(s, far) for s in (WAN_GW, LAN_GW, "127.0.0.1", far)] + \
                [(s, far6) for s in (WAN6_GW, LAN6_GW, "::1", far6)]
            own = [(WAN_GW, WAN_GW), (LAN_GW, WAN_GW), (WAN6_GW, WAN6_GW),
                   (LAN6_GW, WAN6_GW)]
            for src, dst in ways + own:
                forge(w, frm, src, dst, b"forged" + src.encode())
            for src, dst in zip(honest, (far, far6)):
                forge(w, frm, src, dst, b"honest" + src.encode(), sport=7997)
            heard = []

            def listen():
                heard.extend(data for _, data in ears.packets())
                return all(any(b"honest" + h.encode() in p for p in heard)
                           for h in honest)
            wait_for("the honest ones arrive", listen, 3)
            time.sleep(0.2)
            listen()
            same([p for p in heard if b"forged" in p], [],
                 f"forged packets from {frm} that came to {to}")
        out = conntrack(w, "-L")
        need("sport=7997" in out and "sport=7998" not in out,
             f"flows of the honest alone: {out}")
