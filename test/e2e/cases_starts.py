"""cases_starts.py - starts that must fail, each with one sentence"""
import os
import re
import shutil
import socket
import subprocess

import lab
from lab import Lab, need, same, say

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def refuse(w, status, words, wrap=(), config=None, command=("run", "-c"),
           program=None):
    """Start weir; it must end by itself with status and one line that has
    all of words."""
    path = os.path.join(w.folder, "refused.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(config if isinstance(config, str)
                else lab.json.dumps(config or w.config, indent=1))
    os.chmod(path, 0o644)
    done = subprocess.run([*wrap, program or lab.weir_bin(), *command, path],
                          text=True, capture_output=True, timeout=20,
                          preexec_fn=lab.die_with_parent)
    said = (done.stdout + done.stderr).strip()
    say(f"exit {done.returncode}: {said}")
    same(done.returncode, status, "exit status")
    lines = said.split("\n")
    same(len(lines), 1, "lines said")
    for word in words:
        need(word.lower() in said.lower(), f"no word of {word!r}")
    return said


def other(w, n):
    """A configuration that shares nothing with the lab's."""
    config = lab.json.loads(lab.json.dumps(w.config))
    for side in lab.SIDES:
        config["interfaces"][side]["tun"] = f"wx{w.pid % 1000000}{side}{n}"
    config["api"] = {"listen": f"127.0.0.1:{lab.free_port()}",
                     "socket": os.path.join(w.folder, f"other{n}.sock")}
    return config


def nothing_left(w, n):
    need(f"wx{w.pid % 1000000}" not in lab.sh("ip -o link"), "a device")
    need(not os.path.exists(os.path.join(w.folder, f"other{n}.sock")),
         "a socket file is left")


@case
def no_permission(workers):
    with Lab(workers, start=False) as w:
        os.chmod(w.folder, 0o777)       # the build may be out of its reach
        program = shutil.copy(lab.weir_bin(), w.folder)
        unprivileged = ["setpriv", "--reuid=65534", "--regid=65534",
                  "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        refuse(w, 1, ["permi"], unprivileged, other(w, 1), program=program)
        nothing_left(w, 1)


@case
def no_tun_device(workers):
    with Lab(workers, start=False) as w:
        hide = ["unshare", "-m", "sh", "-c",
                'mount -t tmpfs none /dev/net && exec "$@"', "sh"]
        refuse(w, 1, ["/dev/net/tun"], hide, other(w, 1))
        nothing_left(w, 1)


@case
def device_in_use(workers):
    """By something that is no TUN, and by another weir, which goes on."""
    with Lab(workers, start=False) as w:
        config = other(w, 1)
        name = config["interfaces"]["wan"]["tun"]
        lab.sh(["ip", "tuntap", "add", name, "mode", "tap"])
        try:
            refuse(w, 1, [name], (), config)
            lan = config["interfaces"]["lan"]["tun"]
            need(lan not in lab.sh("ip -o link"), "the other device is left")
        finally:
            lab.sh(["ip", "link", "del", name])
    with Lab(workers, start=False) as w:
        w.weir = lab.Weir(w.config, w.folder)
        lab.wait_for("weir is ready", w.weir.ready)
        config = other(w, 2)
        config["interfaces"]["wan"]["tun"] = w.tun("wan")
        refuse(w, 1, [w.tun("wan")], (), config)
        need(w.weir.ready(), "the first weir was harmed")
        for side in lab.SIDES:
            w.adopt(side)
        out = w.run("lan", f"ping -n -c 5 -i 0.05 -W 2 {lab.WAN}")
        need(" 0% packet loss" in out, out)
        w.leave()


@case
def port_in_use(workers):
    with Lab(workers, start=False) as w, socket.socket() as s:
        config = other(w, 1)
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        port = s.getsockname()[1]
        config["api"]["listen"] = f"127.0.0.1:{port}"
        refuse(w, 1, [str(port), "in use"], (), config)
        nothing_left(w, 1)


@case
def socket_in_use(workers):
    """A second weir at the same Unix socket; the first goes on."""
    with Lab(workers) as w:
        config = other(w, 1)
        config["api"]["socket"] = w.weir.socket
        refuse(w, 1, [w.weir.socket], (), config)
        need(w.weir.ready(), "the first weir was harmed")
    with Lab(workers, queues={"list": [{"number": 0}]}) as w:
        config = other(w, 1)    # its queues' socket, of another type
        del config["queues"]
        config["api"]["socket"] = os.path.join(os.path.dirname(w.weir.socket),
                                               "queue.sock")
        refuse(w, 1, [config["api"]["socket"]], (), config)
        need(os.path.exists(config["api"]["socket"]), "its socket is gone")


@case
def bad_config(workers):
    with Lab(workers, start=False) as w:
        place = re.escape(os.path.join(w.folder, "refused.json"))
        for command in (("run", "-c"), ("check", "-c")):
            said = refuse(w, 2, [], (), '{\n  "workers": 1,\n  nonsense\n}\n',
                          command)
            need(re.match(place + r":3:\d+: ", said), f"no place: {said}")
            wrong = other(w, 1)
            wrong["workers"] = "many"
            said = refuse(w, 2, ["/workers"], (), wrong, command)
            need(re.match(place + r":\d+:\d+: /workers: ", said),
                 f"no place: {said}")
            nothing_left(w, 1)
        two_errors(w)
        refuse(w, 2, ["token"], (), exposed(w))


def two_errors(w):
    wrong = other(w, 1)
    wrong["workers"] = "many"
    wrong["interfaces"]["lan"]["mtu"] = 3
    path = os.path.join(w.folder, "two.json")
    with open(path, "w", encoding="utf-8") as f:
        lab.json.dump(wrong, f, indent=1)
    done = subprocess.run([lab.weir_bin(), "check", "-c", path], text=True,
                          capture_output=True, timeout=20)
    said = (done.stdout + done.stderr).strip().split("\n")
    same((done.returncode, len(said)), (2, 2), f"status and lines of {said}")
    need(any("/interfaces/lan/mtu" in s for s in said), f"{said}")


def exposed(w):
    """Any address but loopback asks for a token."""
    config = other(w, 1)
    config["api"]["listen"] = "0.0.0.0:18099"
    return config


@case
def no_config(workers):
    with Lab(workers, start=False) as w:
        for command in (("run", "-c"), ("check", "-c")):
            done = subprocess.run(
                [lab.weir_bin(), *command, "/nowhere/weir.json"], text=True,
                capture_output=True, timeout=20)
            said = (done.stdout + done.stderr).strip().split("\n")
            say(f"exit {done.returncode}: {said}")
            need(done.returncode in (1, 2), "exit status")
            same(len(said), 1, "lines said")
            need("/nowhere/weir.json" in said[0], "the file is not named")
