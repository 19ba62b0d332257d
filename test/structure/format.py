#!/usr/bin/env -S python3 -B
"""Every C file looks as .clang-format says."""
import re
import shutil
import subprocess
import sys

import tree


def check(root):
    paths = tree.files(root, (".c", ".h"))
    for i in range(0, len(paths), 50):
        done = subprocess.run(
            ["clang-format", "--dry-run", "-Werror", *paths[i:i + 50]],
            cwd=root, text=True, capture_output=True)
        lines = re.findall(r"^(\S+?):(\d+):\d+: error: .*$", done.stderr, re.M)
        for path in dict.fromkeys(p for p, _ in lines):
            at = ", ".join(n for p, n in lines if p == path)
            yield f"{path}: not formatted: run clang-format -i (lines {at})"
        if done.returncode and not lines:
            yield f"clang-format: {done.stderr.strip()}"
    return f"{len(paths)} files" if paths else None


if not shutil.which("clang-format"):
    print("SKIPPED: clang-format is not installed")
    sys.exit(77)
tree.run(check)
