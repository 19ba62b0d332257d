"""engine.py - a container engine to test with, and its end

If an engine answers (DOCKER_HOST, or the default socket), that one is used.
Else one is started here: packages from Debian where they are missing, data in
/var/cache/weir-compose (images stay there for the next time), all the rest in
/run/weir-compose, nothing on the machine's default socket.

An engine of our own lives in PID, mount and network namespaces of its own, so
it changes no firewall, route or sysctl of the machine, and can't outlive its
guard: the kernel ends whatever is in a PID namespace with its first process,
which dies with `unshare`, which dies with the guard.  Only while images are
built it uses the machine's network, with neither bridge nor firewall rules.

The guard holds the lock (one run on a machine), waits for the end of its
owner or a SIGTERM, and takes away what bears our prefix from an engine that
isn't ours.  A run that was killed with -9 is ended by it all the same.
"""
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PREFIX = "weirt"
CACHE, RUN = "/var/cache/weir-compose", "/run/weir-compose"
SOCKET = f"unix://{RUN}/docker.sock"
ROOM = 8 << 30      # of the data folder, before it is emptied
libc = ctypes.CDLL(None, use_errno=True)


class Forbidden(Exception):
    """This machine does not let us run containers: skip, loudly."""


class Broken(Exception):
    """It should have worked."""


def say(text):
    print(text, flush=True)


def die_with_parent():
    libc.prctl(1, signal.SIGKILL)       # PR_SET_PDEATHSIG


def quiet(*command, timeout=60, **more):
    """Exit status and output of a program; a missing one is status 127."""
    try:
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout,
                              stdin=subprocess.DEVNULL, **more)
    except FileNotFoundError:
        return 127, f"{command[0]}: not found"
    except subprocess.TimeoutExpired:
        return 124, f"{command[0]}: nothing within {timeout} s"
    return done.returncode, done.stdout.strip()


def answers(host=None):
    env = {**os.environ, "DOCKER_HOST": host} if host else None
    status, out = quiet("docker", "version", "--format",
                        "{{.Server.Version}}", timeout=20, env=env)
    return status == 0 and out.splitlines()[-1] != ""


def compose_command():
    """Compose v2 if it is there, else docker-compose 1.x, else None."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if quiet(*command, "version", timeout=30)[0] == 0:
            return command
    return None


def install(*packages):
    if os.geteuid():
        raise Forbidden("not root, and not there: " + " ".join(packages))
    say(f"installing {' '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"],
                    ["install", "-y", "--no-install-recommends", *packages]):
        status, out = quiet("apt-get", "-qq", *command, timeout=900, env=env)
        if status:
            raise Broken(f"apt-get {command[0]}: {out[-2000:]}")


# ---- an engine of our own ----

def may_run():
    """Forbidden if no engine can run on this machine."""
    if os.geteuid():
        raise Forbidden("no container engine answers, and without root none "
                        "can be started")
    if not os.path.exists("/dev/net/tun"):
        raise Forbidden("/dev/net/tun is missing")
    if not os.path.ismount("/sys/fs/cgroup"):
        raise Forbidden("no control groups at /sys/fs/cgroup")
    status, out = quiet("unshare", "--net", "--mount", "--pid", "--fork",
                        "--kill-child", "--mount-proc", "true")
    if status:
        raise Forbidden(f"no new namespaces: {out}")


def engine_command(build):
    names = [] if build else ["--net"]
    command = ["dockerd", "--data-root", f"{CACHE}/data", "--exec-root",
               f"{RUN}/exec", "--pidfile", f"{RUN}/docker.pid", "-H", SOCKET]
    if build:
        command += ["--bridge=none", "--iptables=false", "--ip6tables=false",
                    "--ip-forward=false", "--ip-masq=false"]
    else:
        command = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh",
                   *command]
    return ["unshare", *names, "--mount", "--pid", "--fork", "--kill-child",
            "--mount-proc", *command]


def engine_start(build):
    shutil.rmtree(RUN, ignore_errors=True)
    os.makedirs(RUN, mode=0o700)
    os.makedirs(CACHE, mode=0o700, exist_ok=True)
    # Networks that a killed run left would come back as bridges, and in the
    # machine's own network while images are built.
    shutil.rmtree(f"{CACHE}/data/network", ignore_errors=True)
    with open(f"{CACHE}/engine.log", "ab") as log:
        child = subprocess.Popen(engine_command(build), stdout=log, stderr=log,
                                 stdin=subprocess.DEVNULL,
                                 preexec_fn=die_with_parent)
    end = time.monotonic() + 60
    while not answers(SOCKET):
        if child.poll() is not None or time.monotonic() > end:
            engine_stop(child)
            raise Broken("the engine did not start: " + log_tail())
        time.sleep(0.2)
    return child


def log_tail():
    with open(f"{CACHE}/engine.log", encoding="utf-8", errors="replace") as f:
        return f.read()[-3000:]


def engine_stop(child):
    """SIGTERM for the engine, then an end to all that is left in there."""
    for pid in quiet("ps", "-o", "pid=", "--ppid", str(child.pid))[1].split():
        os.kill(int(pid), signal.SIGTERM)
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    shutil.rmtree(RUN, ignore_errors=True)


def empty_when_full():
    """Old layers of old builds stay in the data folder: not for ever."""
    used = quiet("du", "-sxB1", f"{CACHE}/data", timeout=300)[1].split()
    if used and used[0].isdigit() and int(used[0]) > ROOM:
        say(f"{CACHE}/data holds {int(used[0]) >> 20} MB: emptied")
        shutil.rmtree(f"{CACHE}/data", ignore_errors=True)


# ---- the guard ----

def take_away():
    """All that bears our prefix, from an engine that stays."""
    for ls, form, rm in (
            (["ps", "-a"], "{{.Names}}", ["rm", "-fv"]),
            (["network", "ls"], "{{.Name}}", ["network", "rm"]),
            (["volume", "ls"], "{{.Name}}", ["volume", "rm", "-f"])):
        status, out = quiet("docker", *ls, "--format", form)
        ours = [name for name in out.split()
                if name.startswith((PREFIX + "-", PREFIX + "_"))]
        if status == 0 and ours:
            status, out = quiet("docker", *rm, *ours)
        if status:
            say(f"docker {' '.join(rm)}: {out}")


def guard(mode, owner, ready):
    """mode: build, net (an engine of our own) or there; owner: a pid.  Says
    through the descriptor `ready` how it went, then stays."""
    if mode != "there":
        os.environ["DOCKER_HOST"] = SOCKET
    stop_r, stop_w = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.write(stop_w, b"x"))
    watch = os.pidfd_open(owner)
    where = f"/tmp/weir-compose-{os.getuid()}" if os.getuid() else RUN
    lock = os.open(where + ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    if not locked(lock):
        os.write(ready, b"wait\n")
        poll = select.poll()            # not without an owner, though
        for fd in (watch, stop_r):
            poll.register(fd, select.POLLIN)
        while not locked(lock):
            if poll.poll(500):
                return 1
    child = None
    try:
        if mode != "there":
            child = engine_start(mode == "build")
        take_away()                     # what a killed run left
        os.write(ready, b"ok")
    except Broken as wrong:
        os.write(ready, str(wrong).encode()[-4000:])
        return 1
    finally:
        os.close(ready)
    wait_for_end(watch, stop_r, child)
    take_away()
    if child:
        engine_stop(child)
    return 0


def locked(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def wait_for_end(watch, stop, child):
    poll = select.poll()
    for fd in (watch, stop):
        poll.register(fd, select.POLLIN)
    if child:
        poll.register(os.pidfd_open(child.pid), select.POLLIN)
    while not poll.poll():
        pass


def guard_start(mode, owner):
    """The guard's pid, once its engine answers."""
    ready_r, ready_w = os.pipe()
    with open(os.path.join(state_folder(), "guard.log"), "ab") as log:
        child = subprocess.Popen(       # ctest waits while its output is held
            [sys.executable, "-B", os.path.abspath(__file__), "guard", mode,
             str(owner), str(ready_w)], pass_fds=[ready_w], stdout=log,
            stderr=log, start_new_session=True, stdin=subprocess.DEVNULL)
    os.close(ready_w)
    with os.fdopen(ready_r) as f:
        word = f.readline()
        if word == "wait\n":
            say("another run has the engine: waiting for its end")
            word = ""
        word += f.read()
    if word != "ok":
        child.wait()
        raise Broken(word or "the engine's guard died")
    return child.pid


def guard_stop(pid):
    """And wait until all is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as f:
            if "engine.py\0guard" not in f.read():
                return
        watch = os.pidfd_open(pid)
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    if not poll.poll(40000):
        raise Broken(f"the engine's guard {pid} does not end")


# ---- the state between the runs of one ctest ----

def state_path():
    return os.path.join(state_folder(), "state.json")


def state_folder():
    root = os.path.dirname(os.path.dirname(HERE))
    folder = os.environ.get("WEIR_COMPOSE_STATE",
                            os.path.join(root, "build", "compose"))
    os.makedirs(folder, exist_ok=True)
    return folder


def state_read():
    try:
        with open(state_path(), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return None


def state_write(state):
    with open(state_path(), "w", encoding="utf-8") as f:
        json.dump(state, f)


if __name__ == "__main__" and sys.argv[1:2] == ["guard"]:
    sys.exit(guard(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
