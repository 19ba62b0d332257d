#!/usr/bin/env -S python3 -B
"""A source begins with its name and what it is for."""
import os

import tree


def check(root):
    paths = tree.files(root, (".c", ".h", ".def", ".S"))
    for p in paths:
        name = os.path.basename(p)
        if not tree.read(root, p).startswith(f"/* {name} - "):
            yield f"{p}:1: does not begin with: /* {name} - what it is for"
    return f"{len(paths)} files" if paths else None


tree.run(check)
