"""cases_caps.py - weir as another user, with few capabilities or with none"""
import os
import re
import shutil
import signal
import subprocess
import time

import lab
from cases_life import HomeLab, Talk
from cases_starts import refuse
from lab import need, same, say

CASES = {}
NET_ADMIN = 1 << 12
USER, OTHER = 65532, 1001       # no entry in /etc/passwd names the first
NOTHING = ["--bounding-set=-all", "--inh-caps=-all"]


def case(function):
    CASES[function.__name__] = function
    return function


def become(uid, *caps):
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
            *(caps or NOTHING)]


def threads(pid):
    """{thread: its fields of /proc/PID/task/TID/status}"""
    out = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/status", encoding="utf-8") as f:
            out[int(tid)] = dict(re.findall(r"^(\w+):[ \t]*(.*)$", f.read(),
                                            re.M))
    return out


def promised(w, uid, main):
    """Every thread is that user's and has no capability; the first has main,
    and all of root's bounding set is of no use to any."""
    seen = threads(w.weir.process.pid)
    need(len(seen) > w.workers, f"{len(seen)} threads, {w.workers} workers")
    for tid, s in seen.items():
        may = main if tid == w.weir.process.pid else 0
        for key, want in (("Uid", [uid] * 4), ("Gid", [uid] * 4),
                          ("Groups", []), ("NoNewPrivs", [1])):
            same([int(n) for n in s[key].split()], want, f"{key} of {tid}")
        for key, want in (("CapPrm", may), ("CapEff", may), ("CapInh", 0),
                          ("CapAmb", 0)):
            same(int(s[key], 16), want, f"{key} of {tid}")
    say(f"{len(seen)} threads are as promised")


class UserLab(HomeLab):
    """The folder is weir's user's, and its program in that user's reach.
    wrap: what starts it; more: further arguments of `weir run`."""

    def __init__(self, workers, uid, wrap=(), more=(), **keys):
        super().__init__(workers, **keys)
        self.wrap, self.more, self.uid = wrap, more, uid
        self.bin = shutil.copy(lab.weir_bin(), self.folder)
        os.chown(self.folder, uid, uid)

    def start(self):
        os.chown(self.folder, self.uid, self.uid)
        self.weir = lab.Weir(self.config, self.folder,
                             self.inside("wan", self.wrap), self.more,
                             self.bin)
        lab.wait_for("weir is ready", self.weir.ready)
        self.run("wan", ["ip", "link", "set", self.tun("lan"), "netns",
                         self.ns("lan")])
        for side in lab.SIDES:
            self.set_up(side)

    def ask(self, wrap, *args):
        """`weir health`: (exit status, what it said)."""
        done = subprocess.run([*wrap, self.bin, "health", *args], text=True,
                              capture_output=True, timeout=20)
        said = (done.stdout + done.stderr).strip()
        say(f"health: exit {done.returncode}: {said}")
        same(len(said.split("\n")), 1, "lines said")
        return done.returncode, said


def reload(w):
    """A new rule counts; then it goes again."""
    closed = w.listen("wan", (lab.WAN, 9998))
    refuse_new = {"out": "wan", "proto": "tcp", "dport": 9998,
                  "ct_state": ["new"], "verdict": "drop"}
    for forward in ([refuse_new], []):
        config = lab.json.loads(lab.json.dumps(w.config))
        config["rules"]["forward"] = forward
        before = w.weir.output().count("reloaded ")
        w.weir.write(config)
        w.weir.signal(signal.SIGHUP)
        lab.wait_for("the reload counts", lambda: w.weir.output().count(
            "reloaded ") > before)
        client = w.open("lan")
        client.settimeout(0.5 if forward else 10)
        try:
            client.connect((lab.WAN, 9998))
            need(not forward, "the new rule does not count")
        except TimeoutError:
            need(forward, "the rule is gone, yet it counts")
        client.close()
    closed.close()


@case
def caps(workers):
    """Root becomes another user: no thread keeps more than is promised, and
    no descriptor that was opened in case."""
    with UserLab(workers, USER, lab.with_node("0600"),
                 ("--user", str(USER))) as w:
        nodes = [fd for fd in os.listdir(f"/proc/{w.weir.process.pid}/fd")
                 if os.readlink(f"/proc/{w.weir.process.pid}/fd/{fd}")
                 == "/dev/net/tun"]
        same(len(nodes), 2 * workers, "descriptors of /dev/net/tun")
        promised(w, USER, 0)
        same(os.stat(w.weir.socket).st_uid, USER, "the socket's owner")
        talk = Talk(w)
        talk.say()
        reload(w)
        talk.say()
        w.count()
        w.run("wan", f"ip link set {w.tun('wan')} down")
        time.sleep(0.3)
        w.set_up("wan")
        talk.say(20)
        lab.wait_for("weir has seen that the device is up", w.weir.ready)
        health(w)
        promised(w, USER, 0)


def health(w):
    """Users who may ask get an answer at once, by the socket alone."""
    root = "--bounding-set=-all,+net_admin,+setuid,+setgid"
    at = ("--socket", w.weir.socket)
    ask = w.ask
    same(ask((), *at), (0, "ready"), "root")
    for mode in (0o700, 0o755):
        os.chmod(w.folder, mode)
        same(ask(["setpriv", root, "--inh-caps=-all"], *at), (0, "ready"),
             "root of a container")
    same(ask(become(USER), *at), (0, "ready"), "the same user")
    same(ask(["setpriv", *NOTHING], *at)[0], 1, "root without any right")
    same(ask(become(OTHER), *at)[0], 1, "another user")
    for name in ("WEIR_SOCKET", "WEIR_API_SOCKET"):
        same(ask(["env", f"{name}={w.weir.socket}"]), (0, "ready"), name)
    same(ask((), "--socket", "/nowhere/weir.sock")[0], 1, "no router")
    w.weir.signal(signal.SIGSTOP)
    status, said = ask((), *at)     # ask() itself waits for 20 s at most
    w.weir.signal(signal.SIGCONT)
    same(status, 1, "a router that hangs")
    need("no answer within 3 seconds" in said, said)


@case
def default_user(workers):
    """Root that is told nothing becomes a user without rights, in a folder
    that is root's: sockets are bound before, and one that it could not take
    away is none in the way of the next start."""
    with lab.Lab(workers, start=False) as w:
        os.chown(w.folder, 0, 0)
        w.config["api"]["socket"] = os.path.join(w.folder, "api.sock")
        w.start()
        promised(w, USER, 0)
        same(os.stat(w.weir.socket).st_uid, USER, "the socket's owner")
        reload(w)
        same(w.weir.stop()[0], 0, "exit status")
        need(os.path.exists(w.weir.socket), "this folder can't be root's")
        w.start()
        same(w.weir.stop()[0], 0, "exit status")
        path = os.path.join(w.folder, "closed.json")
        with open(path, "w", encoding="utf-8") as f:
            lab.json.dump(w.config, f)
        os.chmod(path, 0o600)
        done = subprocess.run([lab.weir_bin(), "run", "-c", path], text=True,
                              capture_output=True, timeout=20)
        same(done.returncode, 1, "exit status")
        for word in (path, "Permission denied", str(USER), "--user"):
            need(word in done.stderr, f"no {word!r}: {done.stderr}")
        w.start(more=("--user", "root"))
        promised(w, 0, 0)
        same(w.weir.stop()[0], 0, "exit status")
        made = os.path.join(w.folder, "run")
        w.config["api"]["socket"] = os.path.join(made, "api.sock")
        w.start()
        same(os.stat(made).st_uid, USER, "the owner of a folder it made")
        same(w.weir.stop()[0], 0, "exit status")
        need(not os.path.exists(w.weir.socket), "the socket is left there")


@case
def caps_refused(workers):
    """There is no such user; no right to become another user."""
    with UserLab(workers, USER, start=False) as w:
        path = ("run", "--user", "no-such-user", "-c")
        refuse(w, 2, ["no-such-user", "/etc/passwd"], (), None, path, w.bin)
        path = ("run", "--user", str(OTHER), "-c")
        refuse(w, 1, [str(OTHER), "CAP_SETUID"], become(USER), None, path,
               w.bin)
        env = ["env", "WEIR_USER=no-such-user"]
        refuse(w, 2, ["no-such-user"], env, None, ("run", "-c"), w.bin)
        env = ["env", "WEIR_USER=no-such-user"]     # the flag wins
        path = ("run", "--user", str(OTHER), "-c")
        refuse(w, 1, [str(OTHER)], env + become(USER), None, path, w.bin)


@case
def descriptors(workers):
    """What it was started with: 0 to 2 are there though they were closed, and
    nothing else is."""
    begin = ["sh", "-c", 'exec "$@" 0<&- 2>&- 9</etc/passwd', "sh"]
    with lab.Lab(workers, start=False) as w:
        w.started = True
        w.start(wrap=begin)
        folder = f"/proc/{w.weir.process.pid}/fd"
        there = {int(fd): os.readlink(f"{folder}/{fd}")
                 for fd in os.listdir(folder)}
        same((there[0], there[2]), ("/dev/null",) * 2, "descriptors 0 and 2")
        need("/etc/passwd" not in there.values(), f"inherited: {there}")
        with open(f"/proc/{w.weir.process.pid}/status", encoding="utf-8") as f:
            same(re.search(r"NoNewPrivs:\s*(\d)", f.read()).group(1), "1",
                 "no_new_privs")


# ---- no capability at all ----

class BareLab(UserLab):
    """TUN devices made beforehand; weir is an ordinary user."""

    def __init__(self, workers, **keys):
        super().__init__(workers, USER,
                         lab.with_node("0666", *become(USER)), **keys)

    def make(self, side, kind="multi_queue", mtu=1500, owner=USER, up="up"):
        """kind: a word of `ip tuntap`, "" for one queue, or tap or veth."""
        name = self.tun(side)
        self.run("wan", ["ip", "link", "del", name], check=False)
        if kind == "veth":
            self.run("wan", ["ip", "link", "add", name, "type", "veth"])
        elif kind:
            mode = "tap" if kind == "tap" else "tun"
            self.run("wan", ["ip", "tuntap", "add", "dev", name, "mode", mode,
                             "user", str(owner), "multi_queue"])
        else:
            self.run("wan", ["ip", "tuntap", "add", "dev", name, "mode",
                             "tun", "user", str(owner)])
        self.run("wan", f"sysctl -qw net.ipv6.conf.{name}.addr_gen_mode=1")
        self.run("wan", f"ip link set {name} mtu {mtu} {up}")

    def refused(self, words, wrap=None, config=None):
        refuse(self, 1, [self.tun("lan"), *words], self.inside(
            "wan", wrap or self.wrap), config, program=self.bin)


@case
def zerocap(workers):
    """No capability at all: traffic passes, and the devices outlive weir."""
    with BareLab(workers, start=False) as w:
        w.config["interfaces"]["lan"]["kernel_address"] = lab.LAN + "/24"
        for kind in ("multi_queue", "")[:3 - workers]:  # "": one queue only
            for side in lab.SIDES:
                w.make(side, kind)
            w.fresh = True
            w.run("wan", f"ip addr add {lab.LAN}/24 dev {w.tun('lan')}")
            w.start()
            promised(w, USER, 0)
            talk = Talk(w)
            talk.say()
            reload(w)
            w.run("lan", f"ip link set {w.tun('lan')} down")
            time.sleep(0.3)
            w.set_up("lan")
            talk.say(20)
            w.make("wan", kind)         # as another program may do
            w.set_up("wan")
            w.fresh = False             # its counters begin at 0 again
            talk.say(20)
            lab.wait_for("weir is ready again", w.weir.ready)
            talk.client.close()
            talk.served.close()
            w.leave()
            for side in lab.SIDES:
                need(w.tun(side) in w.run(side, "ip -o link"),
                     f"{side}: the device is gone")
            w.run("lan", ["ip", "link", "set", w.tun("lan"), "netns",
                          w.ns("wan")])
        w.run("wan", ["ip", "link", "del", w.tun("lan")])


@case
def zerocap_refused(workers):
    """Each device that is not as wanted is told in its own sentence, with the
    command that mends it."""
    with BareLab(workers, start=False) as w:
        w.make("wan")
        name = w.tun("lan")
        add = f"ip tuntap add dev {name} mode tun user {USER} multi_queue"
        w.refused(["no permission to make", "CAP_NET_ADMIN", add])
        w.make("lan", owner=OTHER)
        w.refused([f"belongs to user {OTHER}", f"as user {USER}", add])
        w.make("lan", up="down")
        w.refused(["is down with mtu 1500", f"ip link set {name} up"])
        w.make("lan", mtu=1400)
        w.refused(["mtu 1400, not up with mtu 1500",
                   f"ip link set {name} mtu 1500 up"])
        w.make("lan", "tap")
        w.refused(["a TAP device"])
        w.make("lan", "veth")
        w.refused(["no TUN device"])
        if workers > 1:
            w.make("lan", "")
            w.refused(["one queue", f"{workers} workers", add])
        w.make("lan")
        address = lab.json.loads(lab.json.dumps(w.config))
        address["interfaces"]["lan"]["kernel_address"] = lab.LAN + "/24"
        w.refused([f"has no address {lab.LAN}/24",
                   f"ip addr add {lab.LAN}/24 dev {name}"], None, address)
        node(w)
        w.run("wan", ["ip", "link", "del", name])


def node(w):
    """/dev/net/tun that is not there, or not for everybody."""
    hide = ["unshare", "-m", "sh", "-c",
            'mount -t tmpfs none /dev/net && exec "$@"', "sh"]
    user = become(USER)
    for before, words in (
            (hide + user, ["there is no /dev/net/tun"]),
            (lab.with_node("0600", *user), ["mode 0600", "chmod 0666"])):
        refuse(w, 1, words, w.inside("wan", before), program=w.bin)
