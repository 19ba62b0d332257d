"""bench.py - a copy of the sources, changed and tried

Kept in build/mutate, one folder a bench, so that a second run builds only what
is new: `tree`, the copy, and a build of it with assertions and checks, and one
without.
"""
import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import covered
import tree

PARTS = ("CMakeLists.txt", "ctcore", "include", "router", "web", "test",
         "docker")
# Without: a broken promise goes on, and core_check() finds nothing.
BUILDS = {
    "without": ("-DCMAKE_C_FLAGS=-O1 '-D__builtin_trap()=((void)0)'",
                "-DWEIR_UNCHECKED=ON"),
    "with": ("-DCMAKE_C_FLAGS=-O1", "-DWEIR_ASSERT=ON"),
    "covered": ("-DCMAKE_C_FLAGS=-O0 --coverage", "-DWEIR_UNCHECKED=ON"),
}


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Known:
    """What all benches share: each test's file and seconds, what it runs, and
    what found most."""
    def __init__(self):
        self.files, self.seconds = {}, {}
        self.runs = covered.Covered()
        self.killers = Counter()


class Bench:
    def __init__(self, root, name, builds, known=None):
        self.root = root
        self.home = os.path.join(root, "build", "mutate", name)
        self.tree = os.path.join(self.home, "tree")
        self.copy()
        self.known = known or Known()
        self.objects = {}
        for build in builds:
            self.build(build)
        said = self.run(builds[0], ()).stdout.splitlines()
        self.known.files = dict(line.split() for line in said)

    def copy(self):
        """Only what differs, so that what was built stays built."""
        paths = set()
        for part in PARTS:
            for p in self.below(self.root, part):
                paths.add(p)
                source = os.path.join(self.root, p)
                target = os.path.join(self.tree, p)
                if not os.path.exists(target) or read(source) != read(target):
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    shutil.copyfile(source, target)
                    shutil.copymode(source, target)
        for part in PARTS:
            for p in self.below(self.tree, part):
                if p not in paths:
                    os.unlink(os.path.join(self.tree, p))

    @staticmethod
    def below(root, part):
        if os.path.isfile(os.path.join(root, part)):
            yield part
        for at, dirs, names in os.walk(os.path.join(root, part)):
            dirs[:] = [d for d in dirs if d not in tree.NO_SOURCES]
            for name in names:
                yield os.path.relpath(os.path.join(at, name), root)

    def build(self, build):
        print(f"mutate: building {build} in "
              f"{os.path.relpath(self.home, self.root)}", flush=True)
        folder = os.path.join(self.home, build)
        done = subprocess.run(
            ["cmake", "-S", self.tree, "-B", folder, "-G", "Ninja",
             "-DCMAKE_BUILD_TYPE=", "-DWEIR_TESTS=ON", *BUILDS[build]],
            text=True, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"mutate: {done.stderr[-4000:]}")
        said = self.make(build)
        if said:
            sys.exit(f"mutate: {said[-4000:]}")

    def make(self, build):
        """Nothing, or what the compiler said."""
        done = subprocess.run(
            ["ninja", "-C", os.path.join(self.home, build), "mutants"],
            text=True, capture_output=True, check=False)
        return done.stdout if done.returncode else ""

    def other(self, build, test):
        """A unit test that this program has not, by its own, or a case of
        namespaces: did it pass?"""
        kind, name = test.split(".", 1)
        target = "all" if kind == "e2e" else f"test_{name}"
        folder = os.path.join(self.home, build)
        made = subprocess.run(["ninja", "-C", folder, target], text=True,
                              capture_output=True, check=False)
        if made.returncode:
            return "unbuilt"
        try:
            done = subprocess.run(
                ["ctest", "--test-dir", folder, "-R", f"^{re.escape(test)}$"]
                if kind == "e2e" else
                [os.path.join(folder, "test", "unit", target)], text=True,
                capture_output=True, check=False, timeout=300)
        except subprocess.TimeoutExpired:
            return "hung"
        return "failed" if done.returncode else "passed"

    def run(self, build, tests, **env):
        return subprocess.run(
            [os.path.join(self.home, build, "test", "mutants", "mutants"),
             *tests], text=True, capture_output=True, check=False,
            cwd=self.tree, env={**os.environ, **env})

    def measure(self, build, names):
        """Each test passes as things are; how long it takes.  Tests of the
        checks can't do without them."""
        names = [n for n in names if build == "with" or not self.checks(n)]
        done = self.run(build, [f"{n}:600" for n in names])
        rows = [line.split() for line in done.stdout.splitlines()]
        if done.returncode:
            sys.exit(f"mutate: without a change: {done.stdout[-200:]}"
                     f"{done.stderr}")
        seconds = {n: float(s) for n, _, s in rows}
        self.known.seconds[build] = seconds
        print(f"mutate: {len(rows)} tests {build} assertions, "
              f"{sum(seconds.values()):.0f} s", flush=True)

    def checks(self, name):
        return self.known.files.get(name, "").endswith("/check.c")

    def cover(self):
        """Which lines each test runs."""
        print("mutate: what each test runs", flush=True)
        for name in self.all():
            if self.checks(name):
                continue
            into = os.path.join(self.home, "counts", name)
            shutil.rmtree(into, ignore_errors=True)
            done = self.run("covered", [f"{name}:600"], GCOV_PREFIX=into)
            if done.returncode:
                sys.exit(f"mutate: without a change: {done.stdout}"
                         f"{done.stderr}")
            self.known.runs.add(name, into, self.home)
            shutil.rmtree(into)

    def all(self):
        """Each test, and the scenarios that are held with two shards, too."""
        text = tree.read(self.tree, "test/scenario/CMakeLists.txt")
        listed = text.split("set(twins_2", 1)[1].split(")", 1)[0].split()
        return [*self.known.files, *(f"scenario.{name}.s2" for name in listed)]

    def order(self, build, site):
        """Of the tests that run the place: those of the file, then of its
        module, then what found most in that module, then the cheapest."""
        path, module = site.file, os.path.dirname(site.file)
        seconds = self.known.seconds[build]

        def key(name):
            plain = name[:-3] if name.endswith(".s2") else name
            test = self.known.files[plain]
            return (not test.endswith("/unit/" + path),
                    not os.path.dirname(test).endswith("/unit/" + module),
                    -self.known.killers[module, name], seconds[name])
        return sorted((n for n in seconds
                       if self.checks(n) or self.known.runs.may(n, site)),
                      key=key)

    def limit(self, build, name):
        seconds = self.known.seconds.get(build, {})
        return int(5 * seconds.get(name, 2)) + 3

    def put(self, path, text):
        with open(os.path.join(self.tree, path), "w", encoding="utf-8") as f:
            f.write(text)

    def restore(self, path):
        self.put(path, tree.read(self.root, path))

    def object(self, build, path):
        return read(os.path.join(self.home, build, "ctcore", "CMakeFiles",
                                 "ctcore.dir", path[len("ctcore/"):] + ".o"))

    def learn(self, build, paths):
        """What the compiler makes of these files as they are."""
        self.objects[build] = {p: self.object(build, p) for p in paths}

    def trial(self, build, path, tests):
        """(state, test): state is unbuilt, same, survived or how it died."""
        if self.make(build):
            return "unbuilt", None
        if path in self.objects.get(build, ()) and \
                self.object(build, path) == self.objects[build][path]:
            return "same", None
        said = self.run(build, [f"{n}:{self.limit(build, n)}" for n in tests])
        last = (said.stdout.splitlines() or ["none broken"])[-1].split()
        if not said.returncode:
            return "survived", None
        self.known.killers[os.path.dirname(path), last[0]] += 1
        return last[1], last[0]
