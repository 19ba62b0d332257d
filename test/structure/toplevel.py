#!/usr/bin/env -S python3 -B
"""The top level is given; nothing else stands there."""
import os

import tree

ALLOWED = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md",
           "router", "ctcore", "web", "include", "test", "docker"}


def check(root):
    ignored = set()
    if os.path.exists(os.path.join(root, ".gitignore")):
        ignored = {line.strip().strip("/")
                   for line in tree.read(root, ".gitignore").splitlines()}
    names = sorted(os.listdir(root))
    for name in names:
        if name not in ALLOWED | ignored and not name.startswith("."):
            yield f"{name}: not allowed on the top level"
    return f"{len(names)} names" if names else None


tree.run(check)
