"""release.py - the machine code of the release build, file by file

Built in build/structure, so that the checks that read it share one build.  Of
fat objects nm would read what is meant for the linker, so that part is taken
out of a copy first: what is left is what a user of the archive links.
"""
import json
import os
import re
import subprocess
import tempfile


class Trouble(Exception):
    """The build fails; the text is what it said."""


def run(*command):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode:
        start = max(0, done.stdout.find("FAILED:"))
        raise Trouble(done.stdout[start:].strip())
    return done.stdout


def build(root, *targets, **options):
    """Build targets (with none: the objects of all); the folder of the build.
    options are CMake's."""
    at = os.path.join(root, "build", "structure")
    run("cmake", "-S", root, "-B", at, "-G", "Ninja",
        "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
        "-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF", "-DWEIR_TESTS=OFF",
        *(f"-D{name}={value}" for name, value in options.items()))
    run("ninja", "-C", at, "-j", str(os.cpu_count()),
        *(targets or sorted(outputs(at).values())))
    if os.geteuid() == 0:       # who is not root may build here later
        run("chown", "-R", f"--reference={root}", os.path.dirname(at))
    return at


def outputs(at):
    """{source: object}, as CMake compiles them."""
    with open(os.path.join(at, "compile_commands.json"),
              encoding="utf-8") as f:
        return {row["file"]: re.search(r" -o (\S+) ", row["command"])[1]
                for row in json.load(f)}


def symbols(path, *flags):
    """(object, symbol, kind) of an object or of each member of an archive."""
    with tempfile.NamedTemporaryFile(prefix="weir-structure-") as bare:
        run("objcopy", "--wildcard", "-R", ".gnu.lto_*", path, bare.name)
        for line in run("nm", "-A", "--format=posix", *flags,
                        bare.name).splitlines():
            where, rest = line.split(": ", 1)
            name, kind = rest.split()[:2]
            yield where.rsplit("[", 1)[-1].rstrip("]"), name, kind


def objects(root):
    """{source's path: (symbols it offers, symbols it asks for)}: functions and
    data that other objects can see; of the tree's own sources."""
    at = build(root)
    seen = {}
    for source, output in outputs(at).items():
        path = os.path.relpath(source, root)
        offers, asks = {}, set()
        for _, name, kind in symbols(os.path.join(at, output), "-g"):
            if kind in "Uwv":
                asks.add(name)
            else:
                offers[name] = kind
        seen[path] = (offers, asks)
    return seen
