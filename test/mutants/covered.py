"""covered.py - which lines of the core each test runs

A change of a line that no test runs is found by none, and a test that does not
run it need not be asked.
"""
import gzip
import json
import os
import subprocess
import sys
from collections import defaultdict

FOLDER = "covered"
BUILD = os.path.join(FOLDER, "ctcore", "CMakeFiles", "ctcore.dir")


class Covered:
    def __init__(self):
        self.lines = defaultdict(set)   # of a file: those with code
        self.tests = defaultdict(set)   # of a file and line

    def add(self, name, counts, home):
        """The counts that a test left there, by the build in HOME."""
        build = os.path.join(home, BUILD)
        here = counts + build
        found = []
        for at, _, names in os.walk(here):
            for n in names:
                if n.endswith(".gcda"):
                    found.append(os.path.join(at, n))
                    notes = os.path.join(at, n[:-len("da")] + "no")
                    os.symlink(os.path.join(build, os.path.relpath(notes, here)),
                               notes)
        done = subprocess.run(
            ["gcov", "--json-format", "--preserve-paths", *found], cwd=counts,
            text=True, capture_output=True, check=False)
        if done.returncode or not found:
            sys.exit(f"mutate: gcov: {done.stderr[-400:]}")
        for n in os.listdir(counts):
            if n.endswith(".gcov.json.gz"):
                with gzip.open(os.path.join(counts, n)) as f:
                    self.read(name, json.load(f), home)

    def read(self, name, said, home):
        for file in said["files"]:
            path = file["file"]
            if path.startswith(("/", "..")):  # else as seen from the sources
                path = os.path.relpath(os.path.join(home, FOLDER, path),
                                       os.path.join(home, "tree"))
            for line in file["lines"]:
                self.lines[path].add(line["line_number"])
                if line["count"]:
                    self.tests[path, line["line_number"]].add(name)

    def unknown(self, paths):
        """Those of which nothing is known: then no test would be asked."""
        return sorted(p for p in paths if not self.lines[p])

    def may(self, name, site):
        """Whether a test runs the site's lines; where these have no code,
        those before them."""
        last = site.line + site.old.count("\n")
        code = [n for n in range(site.line, last + 1)
                if n in self.lines[site.file]]
        if not code:
            code = [max((n for n in self.lines[site.file] if n < site.line),
                        default=site.line)]
        return any(name in self.tests[site.file, n] for n in code)
