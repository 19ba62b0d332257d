"""cases_traffic.py - what crosses the gateway container, and under which name"""
import os
import time

from stack import (CLIENT, DOCKER, GATEWAY_LAN, GATEWAY_WAN, LAN, PREFIX,
                   SERVER, WAN, Failure, Stack, compose, need, same, say,
                   wait_for)

FILES, ECHO = 8001, 8002


def serving(container):
    """inside.py's servers in there, started once in a container's life."""
    for what, port in (("serve", FILES), ("echo", ECHO)):
        if not listens(container, port):
            container.serve(what, str(port))
    wait_for("the servers listen",
             lambda: all(listens(container, p) for p in (FILES, ECHO)))
    return container


def listens(container, port):
    return f":{port} " in container.run("ss -Hltn")


def transfer():
    """Files whole, both ways; the server sees the gateway's WAN address."""
    with Stack() as s:
        serving(s.server)
        url = f"http://{SERVER}:{FILES}"
        there = s.server.python("get", f"http://127.0.0.1:{FILES}/20000000")
        same(s.client.python("get", f"{url}/20000000"), there,
             "length and SHA-256 of the file at the client")
        answer, sent = s.client.python("put", f"{url}/", "20000000")
        same(answer, sent, "SHA-256 at the server of what the client sent")
        who = s.client.run(f"curl -s {url}/peer").split()[0]
        same(who, GATEWAY_WAN, "whom the server sees")
        # Docker's own NAT would have shown the network's .1.
        need(s.server.log().count(f"asked for by {GATEWAY_WAN} "),
             "the demo server never saw the gateway's WAN address")
        for line in s.server.log().splitlines():
            need("asked for by" not in line or GATEWAY_WAN in line,
                 f"the demo server saw another one: {line}")
        need(f"you come from {GATEWAY_WAN} " in s.client.log(),
             "the demo client was never told so")


def ping():
    with Stack() as s:
        out = s.client.run(f"ping -c 5 -i 0.2 -W 2 {SERVER}")
        need(" 0% packet loss" in out, out)
        flows = s.flows(f"proto=icmp&src={CLIENT}")
        need(flows, "no ICMP flow in the table")
        same(flows[0]["reply"]["dst"], GATEWAY_WAN, "whom the reply goes to")


def traceroute():
    """Two hops: the kernel routes a packet into weir, and out again.  Both speak
    by the inside's address (RFC 1812 section 4.3.2.4)."""
    with Stack() as s:
        out = s.client.run(f"traceroute -n -q 1 -w 2 {SERVER}")
        hops = [line.split()[1] for line in out.splitlines()[1:]]
        same(hops, [GATEWAY_LAN, GATEWAY_LAN, SERVER], "hops")


def one_source_port():
    """Two clients, one source port, one server: both go, by two ports."""
    with Stack() as s:
        serving(s.server)
        other = s.lan_host("other", 21)
        with s.client.busy("hold", SERVER, str(ECHO), "1", "40000") as one, \
                other.busy("hold", SERVER, str(ECHO), "1", "40000") as two:
            peers = one.hear() + two.hear()
            same([p[0] for p in peers], [GATEWAY_WAN] * 2, "whom it sees")
            need(peers[0][1] != peers[1][1],
                 f"both are {peers[0]} to the server")
            same([one.step(), two.step()], [1, 1], "echoes")


def connections_500():
    """At once, and the API counts them."""
    with Stack() as s:
        serving(s.server)
        with s.client.busy("hold", SERVER, str(ECHO), "500") as many:
            peers = many.hear()
            same(len({tuple(p) for p in peers}), 500, "different peers")
            same({p[0] for p in peers}, {GATEWAY_WAN}, "addresses of peers")
            same(many.step(), 500, "connections that echo")
            query = f"proto=tcp&src={CLIENT}&dport={ECHO}&state=ESTABLISHED"
            flows = s.flows(query)
            same(len(flows), 500, "flows by the API")
            same({(f["reply"]["dst"], str(f["reply"]["dport"]))
                  for f in flows}, {tuple(p) for p in peers},
                 "the API's outside ends against what the server saw")
            need(s.api("/api/v1/stats")["entries"] >= 500, "entries of stats")


def own_connections():
    """The gateway's own connections, while 500 flows pass: all are told
    apart, as each has a port of its own."""
    with Stack() as s:
        serving(s.server)
        beside = s.beside()
        with s.client.busy("hold", SERVER, str(ECHO), "500") as many:
            peers = {tuple(p) for p in many.hear()}
            with beside.busy("hold", SERVER, str(ECHO), "100") as own:
                mine = {tuple(p) for p in own.hear()}
                same(len(mine), 100, "different own peers")
                same({p[0] for p in mine}, {GATEWAY_WAN}, "own address")
                same(peers & mine, set(), "ports used twice")
                same((own.step(), many.step()), (100, 500), "echoes")
            # Each wants a port that a client's flow has already.
            taken = sorted(int(p[1]) for p in peers)[:3]
            for port in taken:
                who = beside.python("peer", SERVER, str(ECHO), str(port))
                same(who[0], GATEWAY_WAN, "own address")
                need(who[1] not in taken, f"port {port} is used twice")
            same(many.step(), 500, "echoes after that")
        out = beside.run(f"ping -c 2 -i 0.2 -W 2 {CLIENT}")
        need(" 0% packet loss" in out, "the gateway pings the client: " + out)


def table_full():
    """max lowered: new flows are refused and counted, old ones go on."""
    over = {"services": {"gateway": {"environment": {
        "WEIR_CONNTRACK_MAX": "128", "WEIR_CONNTRACK_BUCKETS": "128"}}}}
    with Stack(over) as s:
        serving(s.server)
        with s.client.busy("hold", SERVER, str(ECHO), "60") as old:
            old.hear()
            same(old.step(), 60, "echoes before")
            before = s.api("/api/v1/stats")
            same(before["max"], 128, "max")
            s.client.python("udp", SERVER, "9", "2000")
            after = s.api("/api/v1/stats")
            need(after["entries"] <= 128, f"{after['entries']} of 128 entries")
            grown = {k: after["overflow"][k] - before["overflow"][k]
                     for k in ("early_drop", "table_full", "source_share")}
            say(f"overflow: {grown}")
            need(sum(grown.values()) >= 1000, f"counted only {grown}")
            same(old.step(), 60, "echoes of established flows after")


def restart():
    """docker restart: traffic again."""
    with Stack() as s:
        serving(s.server)
        gateway = s.gateway
        begin = time.monotonic()
        gateway.docker("restart")
        wait_for("traffic after the restart", lambda: fetches(s), 60)
        took = time.monotonic() - begin
        say(f"traffic again after {took:.1f} s")
        same(gateway.inspect("{{.State.Running}}"), "true", "running")
        s.healthy()


def fetches(s):
    try:
        out = s.client.run(["curl", "-s", "-m", "1",
                            f"http://{SERVER}:{FILES}/peer"])
    except Failure:
        return False
    return out.split()[0] == GATEWAY_WAN


def forward():
    """docker/examples/forwards: from wan into lan, with the true address."""
    with Stack(file="examples/forwards/compose.yml",
               services=("gateway", "web", "visitor")) as s:
        web, visitor = s.service("web"), s.service("visitor")
        wait_for("a visitor is served", lambda: "you come from " in
                 visitor.log(), 15)
        seen = [line for line in web.log().splitlines()
                if "asked for by" in line]
        need(seen, "the service in lan saw no visitor")
        for line in seen:
            need(f"asked for by {WAN}.20 " in line,
                 f"not the visitor's own address: {line}")
        flows = s.flows(f"proto=tcp&src={WAN}.20&dst={GATEWAY_WAN}&dport=8000")
        need(flows, "no flow of the visitor")
        same((flows[0]["reply"]["src"], flows[0]["reply"]["sport"]),
             (f"{LAN}.10", 80), "where it was sent")
        hairpin(s)


def hairpin(s):
    """From lan by the gateway's WAN address back into lan."""
    other = s.lan_host("inside", 21)
    out = other.run(f"curl -s -m 5 http://{GATEWAY_WAN}:8000/hairpin")
    need(out.startswith("you come from "), f"hairpin answered {out!r}")
    say(f"hairpin: the service was told {out.split()[3]}")
    need(out.split()[3] != f"{LAN}.21",
         "hairpin without a masqueraded source answers past the gateway")
    own = s.service("web").run(f"curl -s -m 5 http://{GATEWAY_WAN}:8000/self")
    need(own.startswith("you come from "), f"to itself: {own!r}")


def egress():
    """docker/examples/egress: another project leaves by the gateway, its
    service without any right of its own."""
    with Stack(file="examples/egress/compose.yml",
               services=("gateway",)) as s:
        far = s.host("far", "--network", PREFIX + "-1-out", "--ip",
                     f"{WAN}.40", command=("python3", "-u", "/demo.py",
                                           "server"))
        app = os.path.join(DOCKER, "examples/egress/app.yml")
        try:
            compose("up", "-d", "--no-build", files=[app],
                    project=PREFIX + "-app", URL=f"http://{WAN}.40/")
            wait_for("the app is served as the gateway",
                     lambda: f"asked for by {GATEWAY_WAN} " in far.log(), 20)
            need(f"asked for by {LAN}." not in far.log(), far.log())
        finally:
            compose("down", "-t", "1", files=[app], check=False,
                    project=PREFIX + "-app")


CASES = {f.__name__: f for f in (
    transfer, ping, traceroute, one_source_port, connections_500,
    own_connections, table_full, restart, forward, egress)}
