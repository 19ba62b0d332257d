#!/usr/bin/env -S python3 -B
"""R6: sources are listed by name: no glob, and no file forgotten."""
import os
import re

import tree


def check(root):
    lists = ["CMakeLists.txt"] + tree.files(root, ("CMakeLists.txt", ".cmake"))
    words = {}
    for p in lists:
        text = re.sub(r"#[^\n]*", "", tree.read(root, p))
        for m in re.finditer(r"\bGLOB(_RECURSE)?\b|aux_source_directory",
                             text):
            line = text.count("\n", 0, m.start()) + 1
            yield f"{p}:{line}: R6: {m.group(0)}: list sources by name"
        at = os.path.dirname(p)
        words[at] = words.get(at, "") + text
    sources = tree.files(root, (".c",))
    for p in sources:
        if not listed(p, words):
            yield f"{p}: R6: in no CMakeLists.txt"
    return f"{len(sources)} sources" if sources else None


def listed(path, words):
    """Named in the list of its folder or one above: nat.c, or test_nat.c by
    a function called with the room's name."""
    base = os.path.basename(path)
    room = re.sub(r"^(test|bench|fuzz|scenario)_", "", base[:-2])
    at = os.path.dirname(path)
    while True:
        text = words.get(at, "")
        if re.search(r"(?<![\w.-])" + re.escape(base) + r"(?![\w.-])", text):
            return True
        if room != base[:-2] and re.search(
                r"weir_\w+\([^)]*(?<![\w.-])" + re.escape(room)
                + r"(?![\w.-])", text):
            return True
        if re.search(r"foreach\([^)]*(?<![\w.-])" + re.escape(room)
                     + r"(?![\w.-])", text):
            return True
        if not at:
            return False
        at = os.path.dirname(at)


tree.run(check)
