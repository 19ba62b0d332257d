"""cases_life.py - the container itself: start, health, rights, size, end"""
import json
import os
import stat
import time

import engine
import images
from stack import (DEMO, DOCKER, IMAGE, LAN, NETWORKS, WAN, Container,
                   Stack, compose, docker, need, same, say, wait_for)

CAPS = ["--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--cap-add", "SETUID",
        "--cap-add", "SETGID", "--device", "/dev/net/tun", "--security-opt",
        "no-new-privileges", "--read-only"]
NET_ADMIN = 1 << 12
BOUND = NET_ADMIN | 1 << 6 | 1 << 7     # SETGID, SETUID


def files():
    """Every compose file is one to the Compose that is here."""
    say(f"Compose: {' '.join(engine.compose_command())}")
    found = [os.path.join(at, name) for at, _, names in os.walk(DOCKER)
             for name in names if name.endswith(".yml")]
    need(len(found) >= 4, f"only {found}")
    for path in sorted(found):
        compose("config", "-q", files=[path])
        say(f"valid: {os.path.relpath(path, DOCKER)}")


def size():
    """Of the image, beyond its base."""
    grown = images.size(IMAGE) - images.size(images.BASE)
    say(f"{IMAGE} is {grown / 1e6:.1f} MB above {images.BASE}")
    need(0 < grown < 60e6, f"{grown} bytes above its base")
    out = docker("run", "--rm", "--network", "none", "--entrypoint", "sh",
                 IMAGE, "-c", "ls /usr/bin/gcc /usr/bin/cmake /src "
                 "/var/lib/apt/lists/* 2>/dev/null; true")
    same(out.strip(), "", "what an image to run does not need")


def health():
    """healthy, as Docker sees it and as `weir health` says it."""
    with Stack() as s:
        same(s.gateway.inspect("{{.State.Health.Status}}"), "healthy", "health")
        say(s.gateway.run("/usr/bin/weir health").strip())
        same(s.gateway.inspect("{{.State.Health.FailingStreak}}"), "0",
             "failing checks")


def token():
    """It is made at the first start and printed in an address; the API refuses
    requests without it."""
    with Stack() as s:
        first = s.address()
        need(len(first) >= 40, f"a short token: {len(first)} letters")
        same(s.ask("/api/v1/stats")[0], 401, "status without a token")
        same(s.ask("/api/v1/stats", first + "x")[0], 401,
             "status with a wrong one")
        status, body = s.ask("/api/v1/stats", first)
        same(status, 200, f"status with it ({body[:200]})")
        need("entries" in json.loads(body), "no stats")
        same(s.ask("/")[0], 200, "status of the page")
        # Root without its capabilities may not look into a user's folder.
        out = docker("exec", "-u", "65532", s.gateway.name, "stat", "-c",
                     "%a:%u", "/var/lib/weir/token")
        same(out.strip(), "600:65532", "mode and owner of the token's file")
        env = s.gateway.inspect("{{.Config.Env}}")
        need(first not in env, "the token stands in the environment")
        s.gateway.docker("restart")
        s.healthy()
        same(s.address(), first, "the token after a restart")
        same(s.gateway.log().count(first), 1, "times the log shows it")
        same(s.ask("/api/v1/stats", first)[0], 200, "status with it then")


def capabilities():
    """What /proc says of each thread is what the documentation says: those of
    weir hold nothing, the process that it orders holds NET_ADMIN alone."""
    with Stack() as s:
        # In the PID namespace of the gateway its first process is weir.
        other = s.host("proc", "--pid", f"container:{s.gateway.name}")
        text = other.run(["sh", "-c", "cat /proc/[0-9]*/task/*/status"])
        threads = [dict(line.split(":\t", 1) for line in one.splitlines()
                        if ":\t" in line)
                   for one in text.split("Name:\t")[1:]]
        threads = [t for t in threads if t["Uid"].split()[0] == "65532"]
        need(len(threads) >= 2, f"only {len(threads)} threads")
        strong = 0
        for t in threads:
            caps = {k: int(t["Cap" + k], 16)
                    for k in ("Inh", "Prm", "Eff", "Bnd", "Amb")}
            say(f"{t['Pid']}: uid {t['Uid'].split()[0]} {caps}")
            same(t["Uid"].split(), ["65532"] * 4, "user ids")
            same(t["Gid"].split(), ["65532"] * 4, "group ids")
            same(t["Groups"].split(), t["Groups"].split() and ["65532"],
                 "further groups")
            same(t["NoNewPrivs"].strip(), "1", "NoNewPrivs")
            need(caps["Prm"] in (0, NET_ADMIN), f"permitted: {caps}")
            same(caps["Eff"], caps["Prm"], "effective against permitted")
            same((caps["Inh"], caps["Amb"]), (0, 0), "inheritable, ambient")
            need(caps["Bnd"] & ~BOUND == 0, f"bounding: {caps['Bnd']:x}")
            strong += caps["Prm"] != 0
            if t["Tgid"].strip() == "1":
                same(caps["Prm"], 0, "of a thread of weir's")
        same(strong, 1, "threads that hold a capability")


def bad_config():
    """Exit 2, and the log says what and where."""
    name = "weirt-bad"
    docker("rm", "-f", name, check=False)
    try:
        docker("run", "-d", "--name", name, *CAPS, "-e",
               "WEIR_LOG_LEVEL=loud", "-e", "WEIR_GATEWAY_LAN=eth0", "-e",
               "WEIR_GATEWAY_WAN=eth1", "--tmpfs", "/run/weir", IMAGE)
        same(docker("wait", name, timeout=20).strip(), "2", "exit status")
        log = docker("logs", name)
        need("WEIR_LOG_LEVEL" in log and "loud" in log, f"log: {log}")
        say(log.strip())
    finally:
        docker("rm", "-f", name, check=False)


def stop():
    """docker stop: with 0, before the engine would kill it."""
    with Stack() as s:
        gateway = s.gateway
        begin = time.monotonic()
        gateway.docker("stop", "-t", "60")
        took = time.monotonic() - begin
        state = gateway.inspect("{{.State.ExitCode}} {{.State.OOMKilled}}")
        gateway.docker("start")
        s.healthy()
        say(f"stopped within {took:.2f} s")
        same(state, "0 false", "exit status, out of memory")


def zero_capability():
    """An ordinary user without any capability, on TUN devices made before.

    The gateway's network belongs to a container that sleeps; one with
    NET_ADMIN makes the devices for user 65532, and ends; weir then has none.
    weir's own outside address is 10.9.9.1, to which the server has a route."""
    with Stack(services=("gateway", "server")) as s:
        holder = s.host("holder", "--network", NETWORKS["wan"], "--ip",
                        f"{WAN}.30", "--sysctl", "net.ipv4.ip_forward=1")
        docker("network", "connect", "--ip", f"{LAN}.30", NETWORKS["lan"],
               holder.name)
        docker("run", "--rm", "--network", f"container:{holder.name}",
               "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--device",
               "/dev/net/tun", DEMO, "sh", "-ec", ZERO_SETUP)
        config = {"interfaces": {
            "lan": {"tun": "weir-lan", "side": "inside",
                    "address": ["10.9.8.1/24"]},
            "wan": {"tun": "weir-wan", "side": "outside",
                    "address": ["10.9.9.1/24"]}},
            "routes": [{"to": "default", "interface": "wan"},
                       {"to": f"{LAN}.0/24", "interface": "lan"}],
            "rules": {"postrouting": [{"out": "wan", "masquerade": True}]},
            "workers": 2,
            "api": {"socket": "/run/weir/weir.sock"}}
        router = zero_router(s, holder, config)
        server = s.host("far", "--network", NETWORKS["wan"], "--ip",
                        f"{WAN}.31", "--cap-add", "NET_ADMIN")
        server.run(f"ip route add 10.9.9.0/24 via {WAN}.30")
        client = s.host("near", "--network", NETWORKS["lan"], "--ip",
                        f"{LAN}.31", "--cap-add", "NET_ADMIN")
        client.run(f"ip route replace default via {LAN}.30")
        server.serve("serve", "8001")
        wait_for("the server listens",
                 lambda: ":8001 " in server.run("ss -Hltn"))
        there = server.python("get", "http://127.0.0.1:8001/5000000")
        same(client.python("get", f"http://{WAN}.31:8001/5000000"), there,
             "length and SHA-256 at the client")
        out = client.run(f"curl -s http://{WAN}.31:8001/peer")
        same(out.split()[0], "10.9.9.1", "whom the server sees")
        status = s.host("zproc", "--pid", f"container:{router.name}").run(
            ["sh", "-c", "cat /proc/1/task/*/status"])
        for line in status.splitlines():
            if line.startswith("Cap"):
                same(int(line.split()[1], 16), 0, line.split(":")[0])
            if line.startswith("Uid"):
                same(line.split()[1:], ["65532"] * 4, "user ids")


ZERO_SETUP = """
for side in lan wan; do
    ip tuntap add dev weir-$side mode tun user 65532 multi_queue
    ip link set weir-$side mtu 1500 up
done
lan=$(ip -br addr | awk '/ %s\\./ {sub("@.*", "", $1); print $1}')
ip rule add iif $lan lookup 100
ip route add default dev weir-lan table 100
ip route add 10.9.9.0/24 dev weir-wan
""" % LAN.replace(".", "\\.")


def open_node():
    """A /dev/net/tun for everybody, as udev makes it; an engine gives a
    container whatever the machine has."""
    path = os.path.join(engine.state_folder(), "tun")
    if not os.path.exists(path):
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(10, 200))
        os.chmod(path, 0o666)
    return path


def zero_router(s, holder, config):
    name = "weirt-host-zero"
    docker("rm", "-f", name, check=False)
    docker("create", "--name", name, "--user", "65532:65532", "--cap-drop",
           "ALL", "--security-opt", "no-new-privileges", "--read-only",
           "--device", open_node() + ":/dev/net/tun", "--tmpfs",
           "/run/weir:uid=65532,gid=65532", "--network",
           f"container:{holder.name}", "-e", "WEIR_USER=", "--entrypoint",
           "sh", IMAGE, "-c",
           f"echo '{json.dumps(config)}' >/run/weir/weir.json && "
           "exec weir run -c /run/weir/weir.json")
    docker("start", name)
    router = Container(name)
    s.hosts.insert(0, router)

    def well():
        need(router.inspect("{{.State.Running}}") == "true",
             "weir ended: " + router.log())
        return "exit 0" in router.run(
            ["sh", "-c", "weir health >/dev/null 2>&1; echo exit $?"])
    wait_for("weir is ready", well)
    return router


CASES = {f.__name__: f for f in (
    files, size, health, token, capabilities, bad_config, stop,
    zero_capability)}
