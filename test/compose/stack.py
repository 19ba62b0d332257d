"""stack.py - docker/compose.yml as it stands, and what cases ask of it

    with Stack() as s:                      the three services, healthy
    with Stack({"services": {...}}) as s:   with this laid over the file
        s.run("client", "ping -c 1 ...")    a real program inside
        s.api("/api/v1/stats")              by the published port

Services stay up from case to case as long as what is laid over is the same:
compose itself finds out what changed.  Further hosts are containers of the
same image, gone with the stack's `with`.
"""
import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

import engine
import images
from engine import PREFIX, say

sys.path.insert(0, os.path.join(engine.HERE, "..", "lib"))
from trial import Failure, need, same, wait_for  # noqa: E402,F401

DOCKER = os.path.join(images.ROOT, "docker")
INSIDE = os.path.join(engine.HERE, "inside.py")
LAN, WAN = "10.213.77", "198.51.100"
GATEWAY_LAN, GATEWAY_WAN = LAN + ".2", WAN + ".2"
CLIENT, SERVER = LAN + ".3", WAN + ".10"
IMAGE, DEMO = PREFIX, PREFIX + "-demo"
NETWORKS = {"wan": PREFIX + "-1-wan", "lan": PREFIX + "-2-lan"}


def sh(command, check=True, timeout=60, **more):
    """A program to its end: its output as text."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout,
                          stdin=more.pop("stdin", subprocess.DEVNULL), **more)
    if check and done.returncode:
        raise Failure(f"{shlex.join(command)[:300]}: exit {done.returncode}: "
                      f"{done.stdout.strip()[-1500:]}")
    return done.stdout


def docker(*words, **more):
    return sh(["docker", *words], **more)


class Container:
    """One that is there, by id or name."""

    def __init__(self, name):
        self.name = name

    def run(self, command, **more):
        if isinstance(command, str):
            command = shlex.split(command)
        return docker("exec", self.name, *command, **more)

    def python(self, *words, **more):
        """inside.py in there, to its end; its last line as JSON."""
        out = docker("exec", self.name, "python3", "-c", inside(), *words,
                     **more)
        try:
            return json.loads(out.strip().splitlines()[-1])
        except (ValueError, IndexError):
            raise Failure(f"inside.py {' '.join(words)}: {out[-2000:]}") \
                from None

    @contextlib.contextmanager
    def busy(self, *words):
        """inside.py in there, in step: says a line of JSON when it is ready,
        goes on with each line it is given, ends with its input."""
        child = Busy(["docker", "exec", "-i", self.name, "python3", "-u", "-c",
                      inside(), *words])
        try:
            yield child
        finally:
            child.end()

    def serve(self, *words):
        """inside.py in there, until the container ends."""
        docker("exec", "-d", self.name, "python3", "-u", "-c", inside(),
               *words)

    def docker(self, verb, *words):
        """docker VERB of this container."""
        return docker(verb, *words, self.name)

    def inspect(self, form):
        return docker("inspect", "--format", form, self.name).strip()

    def log(self):
        return docker("logs", self.name)


class Busy:
    def __init__(self, command):
        self.process = subprocess.Popen(command, text=True, bufsize=1,
                                        stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def hear(self):
        line = self.process.stdout.readline()
        need(line, "the program inside ended early")
        return json.loads(line)

    def step(self):
        self.process.stdin.write("go\n")
        return self.hear()

    def end(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def inside():
    with open(INSIDE, encoding="utf-8") as f:
        return f.read()


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def compose(*words, files=(), project=PREFIX, check=True, timeout=120, **env):
    command = engine.compose_command.cached or engine.compose_command()
    engine.compose_command.cached = command
    named = [w for f in files for w in ("-f", f)]
    return sh([*command, "-p", project, *named, *words], check=check,
              timeout=timeout, env={**os.environ, "NAME": PREFIX, "LAN": LAN,
                                    "WAN": WAN, **env})


engine.compose_command.cached = None


class Stack:
    def __init__(self, over=None, file="compose.yml",
                 services=("gateway", "client", "server")):
        """over: laid over the file; services: those that are started."""
        self.file = os.path.join(DOCKER, file)
        self.over = json.dumps(over, sort_keys=True) if over else ""
        self.services, self.hosts, self.token = services, [], None
        state = engine.state_read() or {}
        self.port = str(state.get("port", 8080))

    def compose(self, *words, **more):
        files = [self.file]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            if self.over:
                f.write(self.over)
                f.flush()
                files.append(f.name)
            return compose(*words, files=files, PORT=self.port, **more)

    def __enter__(self):
        """Compose takes seconds to find out that nothing changed: what is up
        is noted, until a case fails."""
        note = os.path.join(engine.state_folder(), "up.json")
        want = [self.file, self.over, *self.services]
        up = []
        with contextlib.suppress(FileNotFoundError):
            with open(note, encoding="utf-8") as f:
                up = json.load(f)
            os.unlink(note)
        try:
            if up and up[0] != self.file:   # its networks may differ
                compose("down", "-t", "1", files=[up[0]], PORT=self.port)
            if up != want:
                self.compose("up", "-d", "--no-build", "--remove-orphans",
                             *self.services)
            self.healthy()
        except BaseException:
            self.__exit__(Failure, None, None)
            raise
        with open(note, "w", encoding="utf-8") as f:
            json.dump(want, f)
        self.note = note
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            for service in self.services:
                if found := self.find(service):
                    say(f"---- {service} said ----\n" + docker(
                        "logs", "--tail", "40", found, check=False)[-6000:])
            with contextlib.suppress(AttributeError, FileNotFoundError):
                os.unlink(self.note)
        if self.hosts:
            docker("rm", "-fv", *(h.name for h in self.hosts), check=False)

    def healthy(self, seconds=30):
        for service in self.services:
            wait_for(f"{service} runs", lambda s=service: self.find(s), 10)
        wait_for("the gateway is healthy", lambda: "healthy" == self.gateway
                 .inspect("{{.State.Health.Status}}"), seconds)

    # ---- who is there ----

    def find(self, service):
        return docker("ps", "-q", "--filter",
                      f"label=com.docker.compose.project={PREFIX}", "--filter",
                      f"label=com.docker.compose.service={service}").strip()

    def service(self, name):
        found = self.find(name)
        need(found and "\n" not in found, f"service {name}: {found!r}")
        return Container(found)

    @property
    def gateway(self):
        return self.service("gateway")

    @property
    def client(self):
        return self.service("client")

    @property
    def server(self):
        return self.service("server")

    def host(self, name, *options, command=("sleep", "600")):
        """A further container of the demo image, gone with the stack."""
        name = f"{PREFIX}-host-{name}"
        docker("rm", "-f", name, check=False)
        docker("run", "-d", "--name", name, *options, DEMO, *command)
        self.hosts.append(Container(name))
        return self.hosts[-1]

    def lan_host(self, name, last):
        host = self.host(name, "--network", NETWORKS["lan"], "--ip",
                         f"{LAN}.{last}", "--cap-add", "NET_ADMIN")
        host.run(f"ip route replace default via {GATEWAY_LAN}")
        return host

    def wan_host(self, name, last):
        return self.host(name, "--network", NETWORKS["wan"], "--ip",
                         f"{WAN}.{last}")

    def beside(self, service="gateway", *options):
        """One that shares the network of a service."""
        return self.host(f"beside-{service}", "--network",
                         f"container:{self.service(service).name}", *options)

    # ---- the API, by the port that is published on 127.0.0.1 ----

    def address(self):
        """The token: in the address to open, which the log shows when weir
        made it; a later container only names the file."""
        log = self.gateway.log()
        found = re.findall(rf"http://127\.0\.0\.1:{self.port}/#token=(\S+)",
                           log)
        if found:
            return found[-1]
        file = "/var/lib/weir/token"
        need(file in log, "the log names neither the token nor its file")
        return docker("exec", "-u", "65532", self.gateway.name, "cat",
                      file).strip()

    def ask(self, path, token=None, method="GET"):
        """(status, body) of a curl on the machine of the engine."""
        web = self.host_side()
        command = ["curl", "-s", "-m", "10", "-X", method, "-w",
                   "\n%{http_code}", f"http://127.0.0.1:{self.port}{path}"]
        if token:
            command += ["-H", f"Authorization: Bearer {token}"]
        body, _, status = web.run(command).rpartition("\n")
        return int(status), body

    def host_side(self):
        """A container in the engine's own network: 127.0.0.1 is there."""
        name = f"{PREFIX}-host-web"
        for host in self.hosts:
            if host.name == name:
                return host
        return self.host("web", "--network", "host")

    def api(self, path, method="GET"):
        self.token = self.token or self.address()
        status, body = self.ask(path, self.token, method)
        if status == 401:               # a new gateway has a new token
            self.token = self.address()
            status, body = self.ask(path, self.token, method)
        same(status, 200, f"status of {path} ({body[:300]})")
        return json.loads(body)

    def flows(self, query):
        return self.api(f"/api/v1/flows?limit=1000&{query}")["flows"]
