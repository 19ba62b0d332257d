"""images.py - the images of the tests, made where they are not there

debian:bookworm-slim is what the Dockerfile builds on.  Where it can't be
pulled (a machine that reaches Debian's packages and nothing else), it is made
with debootstrap and imported under that name; the archive stays in the build
folder for the next time.
"""
import os
import shutil
import subprocess
import tempfile
import time

import engine
from engine import PREFIX, Broken, quiet, say

ROOT = os.path.dirname(os.path.dirname(engine.HERE))
BASE = "debian:bookworm-slim"
# Settings of this machine's apt without which its mirror can't be used.
APT = ("Acquire::http::Proxy", "Acquire::https::Proxy",
       "Acquire::Check-Valid-Until", "Acquire::Check-Date")


def there(name):
    return quiet("docker", "image", "inspect", name)[0] == 0


def size(name):
    status, out = quiet("docker", "image", "inspect", "--format", "{{.Size}}",
                        name)
    if status:
        raise Broken(f"{name}: {out}")
    return int(out)


def base():
    if there(BASE):
        return
    say(f"pulling {BASE}")
    status, out = quiet("docker", "pull", "-q", BASE, timeout=180)
    if status == 0:
        return
    say(f"it can't be pulled ({out.splitlines()[-1][:200] if out else ''})")
    archive = os.path.join(engine.state_folder(), "bookworm.tar")
    if not os.path.exists(archive):
        bootstrap(archive)
    say(f"importing it from {archive}")
    status, out = quiet("docker", "import", "--change", 'CMD ["bash"]',
                        archive, BASE, timeout=300)
    if status:
        raise Broken(f"docker import: {out}")


def bootstrap(archive):
    if not shutil.which("debootstrap"):
        engine.install("debootstrap")
    say("making it with debootstrap: a minute")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}-base-") as folder:
        tree = os.path.join(folder, "tree")
        status, out = quiet("debootstrap", "--variant=minbase", "bookworm",
                            tree, timeout=900)
        if status:
            raise Broken(f"debootstrap: {out[-2000:]}")
        settings(tree)
        status, out = quiet(
            "tar", "-C", tree, "--numeric-owner", "-cf", archive + ".part",
            "--exclude=./var/cache/apt/archives/*.deb",
            "--exclude=./var/lib/apt/lists/*", "--exclude=./usr/share/doc/*",
            "--exclude=./usr/share/man/*", "--exclude=./dev/*", ".",
            timeout=300)
        if status:
            raise Broken(f"tar: {out}")
    os.replace(archive + ".part", archive)
    say(f"made in {time.monotonic() - begin:.0f} s")


def settings(tree):
    """What this machine's apt needs to be told, for the image's."""
    status, out = quiet("apt-config", "dump", *APT)
    lines = [line for line in out.splitlines()
             if status == 0 and line.startswith("Acquire::")
             and not line.endswith(' "";')]
    if lines:
        path = os.path.join(tree, "etc/apt/apt.conf.d/90machine")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")


def build(own):
    """weirt and weirt-demo, from the Dockerfile; what it says goes to a file
    and, if it fails, here.  own: the engine is ours, and has no bridge."""
    log = os.path.join(engine.state_folder(), "build.log")
    for target, name in (("run", PREFIX), ("demo", PREFIX + "-demo")):
        begin = time.monotonic()
        command = ["docker", "build", "--target", target, "-t", name, "-f",
                   os.path.join(ROOT, "docker", "Dockerfile")]
        if own:
            command += ["--network", "host"]
        for key in ("http_proxy", "https_proxy", "no_proxy"):
            if key in os.environ:
                command += ["--build-arg", key]
        with open(log, "w+", encoding="utf-8", errors="replace") as f:
            done = subprocess.run([*command, ROOT], stdout=f, stderr=f,
                                  stdin=subprocess.DEVNULL, timeout=900)
            if done.returncode:
                f.seek(0)
                raise Broken(f"docker build of {target}:\n"
                             + f.read()[-6000:])
        say(f"image {name}: {size(name) >> 20} MB, "
            f"{time.monotonic() - begin:.1f} s")
