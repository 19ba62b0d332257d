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
    sources = tree.files(root, (".c", ".S"))
    for p in sources:
        if not listed(p, words):
            yield f"{p}: R6: in no CMakeLists.txt"
    return f"{len(sources)} sources" if sources else None


def listed(path, words):
    """Named in the list of its folder or of one above, by the path from there:
    nat.c or nat/nat.c; or a test, by a function that is called with its
    name: weir_unit(nat), weir_unit(ctcore/nat/nat)."""
    at = os.path.dirname(path)
    while True:
        names = {os.path.relpath(path, at or ".")}
        names |= {re.sub(r"(^|/)(test|bench|fuzz|scenario)_", r"\1", n)
                  for n in names}
        text = words.get(at, "")
        if any(in_list(n, text) for n in names):
            return True
        if path.startswith("test/") and any(in_call(n[:-2], text)
                                            for n in names):
            return True
        if not at:
            return False
        at = os.path.dirname(at)


def in_list(name, text):
    return re.search(r"(?:(?<![\w./-])|(?<=}/))" + re.escape(name)
                     + r"(?![\w./-])", text) is not None


def in_call(name, text):
    """Whether a loop or one of our functions is called with name, or with its
    folder and its own name: weir_unit(ctcore/nat nat)."""
    folder, _, base = name.rpartition("/")
    for m in re.finditer(r"\b(?:weir_\w+|foreach)\(([^)]*)\)", text):
        given = m.group(1).split()
        if name in given or (folder and folder in given and base in given):
            return True
    return False


tree.run(check)
