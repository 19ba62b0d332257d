#!/usr/bin/env -S python3 -B
"""The manual: each page is well made, says all that it should, and its examples
work.

manual.py WEIR PAGES SOURCES: the program, the folder of the pages that were
made, the top of the sources.
"""
import os
import re
import subprocess
import sys
import tempfile

WEIR, PAGES, SOURCES = sys.argv[1:]
NAMES = ("weir.8", "weir-conntrack.8", "weir.json.5", "weir-queue.7",
         "weir-api.7")
# mandoc(1) asks the manual of the machine it runs on.
ELSEWHERE = ("referenced manual not found", "outdated mandoc.db")
# Read by weir's own tests and by those who build it.
NOT_FOR_USERS = {"WEIR_BIN", "WEIR_TESTS"}
FAULTS = []


def need(ok, text):
    if not ok:
        FAULTS.append(text)


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def weir(*args, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WEIR_")}
    return subprocess.run([WEIR, *args], env={**kept, **environment}, text=True,
                          capture_output=True, check=False, timeout=60)


def lint(name):
    said = subprocess.run(["mandoc", "-T", "lint", os.path.join(PAGES, name)],
                          text=True, capture_output=True, check=False).stdout
    for line in said.splitlines():
        need(any(e in line for e in ELSEWHERE), line)


def sources():
    for folder in ("router", "web"):
        for at, _, names in os.walk(os.path.join(SOURCES, folder)):
            for n in names:
                if n.endswith((".c", ".h", ".def")):
                    yield read(at, n)


def entries(text):
    return set(re.findall(r"^\.It Cm (\S+)$", text, re.M))


def printed():
    """Every option that the program itself prints."""
    done = weir("run", "--print-config", WEIR_GATEWAY_LAN="lo",
                WEIR_GATEWAY_WAN="lo0")
    need(done.returncode == 0, f"--print-config: {done.stderr}")
    return re.findall(r'^\s*(?:"|)([a-z_]+(?:\.[a-z_0-9]+)+)', done.stdout, re.M)


def named(pages):
    """Options, tunables and variables: each has its entry."""
    has = entries(pages["weir.json.5"])
    found = printed()
    need(len(found) > 60, f"--print-config shows {len(found)} options")
    for option in found:
        part, _, last = option.rpartition(".")
        short = part.split(".")[0] in ("conntrack", "interfaces", "rules")
        need(option in has or (short and last in has) or part == "rules",
             f"weir.json.5 has no entry {option}")
    text = "".join(pages.values())
    for name in sorted(set(re.findall(r'"(WEIR_[A-Z_]+)"', "".join(sources())))
                       - NOT_FOR_USERS):
        option = name[len("WEIR_"):].lower().replace("_", ".", 1)
        need(name in text or option in has, f"no page has {name}")


def restarts(text):
    """A tunable that no reload changes freely says so."""
    for name, when in re.findall(r"^ +P\((\w+),.*\b(START|LESS|ON), \"", read(
            SOURCES, "include", "ctcore", "params.def"), re.M):
        entry = re.search(rf"^\.It Cm {name}\n((?s:.)*?)^\.(?:It|El)", text,
                          re.M)
        need(entry and re.search("Only a start|A reload may", entry.group(1)),
             f"weir.json.5 does not say what a reload does with {name}: {when}")


def sockets(pages):
    """Each command that asks a router says every way to name its socket."""
    for name in ("weir.8", "weir-conntrack.8"):
        entry = re.search(r"^\.It Fl.*-socket Ar((?s:.)*?)^\.El", pages[name],
                          re.M)
        need(entry and "WEIR_API_SOCKET" in entry.group(1),
             f"{name}: --socket's variables")
    for command in ("health", "conntrack"):
        need("WEIR_API_SOCKET" in weir(command, "--help").stdout,
             f"weir {command} --help: --socket's variables")


def examples(text):
    return [block.strip("\n") for block in
            re.findall(r"^\.Bd -literal.*\n((?s:.)*?)^\.Ed$", text, re.M)]


def configuration(text):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        f.write(text)
        f.flush()
        done = weir("check", "-c", f.name)
    need(done.returncode == 0, f"weir check: {done.stdout}{done.stderr}")


def command(line):
    """By a dry run: its arguments are right, and no router answers."""
    words = line.split()
    settings = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        settings[name] = value
    if words[:2] == ["weir", "conntrack"]:
        done = weir(*words[1:], "--socket", "/nowhere/weir.sock")
        need(done.returncode == 1 and "no router" in done.stderr,
             f"{line}: {done.returncode} {done.stderr}")
    elif settings:
        done = weir(*words[1:], "--print-config", **settings)
        need(done.returncode == 0, f"{line}: {done.stderr}")


def main():
    pages = {name: read(PAGES, name) for name in NAMES}
    n = 0
    for name in NAMES:
        lint(name)
        need(".\\\" @" not in pages[name], f"{name}: a list is not filled in")
        for example in examples(pages[name]):
            n += 1
            if example.startswith("{"):
                configuration(example)
            else:
                for line in example.splitlines():
                    command(line)
    need(n >= 6, f"{n} examples")
    shown = re.findall(r"^```json\n(.*?)^```$", read(SOURCES, "README.md"),
                       re.M | re.S)
    need(len(shown) == 1, f"README.md shows {len(shown)} configurations")
    for text in shown:
        configuration(text)
    named(pages)
    restarts(pages["weir.json.5"])
    sockets(pages)
    for text in FAULTS:
        print(text)
    print(f"{len(NAMES)} pages, {n} examples: {len(FAULTS) or 'no'} fault(s)")
    return bool(FAULTS)


sys.exit(main())
