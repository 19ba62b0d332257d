#!/usr/bin/env -S python3 -B
"""R1: no folder includes another folder's private header."""
import os

import tree

MAY = {  # folder: public headers it may use besides its own
    "ctcore": ("ctcore/",),
    "web": ("web/", "ctcore/"),
    "router": ("web/", "ctcore/"),
    "include/ctcore": ("ctcore/",),
    "include/web": ("web/", "ctcore/"),
}
C_LIBRARY = {h + ".h" for h in (
    "assert", "errno", "inttypes", "limits", "stdalign", "stdatomic",
    "stdbool", "stddef", "stdint", "string")}
PURE = ("ctcore", "include/ctcore")     # C library only
ENDINGS = (".h", ".def")                # what may be included
OURS = ("ctcore/", "web/", "router/", "test/", "docker/")


def owner(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "include" else parts[0]


def check(root):
    paths = tree.files(root, (".c", ".h", ".def"))
    here = [p for p in paths if owner(p) in MAY or owner(p) == "test"]
    private = {}
    for p in here:
        if owner(p) in tree.PRIVATE:
            name = os.path.relpath(p, owner(p))
            private.setdefault(name, set()).add(owner(p))
    for p in here:
        folder = owner(p)
        for line, kind, name in tree.includes(tree.read(root, p)):
            why = judge(root, p, folder, kind, name, private)
            if why:
                yield f'{p}:{line}: R1: includes {name}: {why}'
    return f"{len(here)} files" if here else None


def judge(root, path, folder, kind, name, private):
    if not kind:
        return "a macro hides which header: name it"
    if not name.endswith(ENDINGS):
        return "its name ends otherwise than " + ", ".join(ENDINGS)
    if ".." in name.split("/"):
        return "a path that climbs out of its folder"
    if kind == '"':
        for at in tree.quoted_from(path):
            if os.path.exists(os.path.join(root, at, name)):
                return None
        if folder in tree.PRIVATE:
            return f"no header with this path from {folder}/"
        return "no header with this path"
    if folder == "test":
        return None
    if name.startswith(MAY[folder]):
        there = os.path.join(root, "include", name)
        return None if os.path.exists(there) else "no such public header"
    if name.startswith(OURS):
        return f"{folder} may not use that folder"
    if private.get(name, set()) - {folder}:
        return f"private header of {sorted(private[name])[0]}"
    if folder in PURE and name not in C_LIBRARY:
        return f"{folder} may use the C library's headers only"
    return None


tree.run(check)
