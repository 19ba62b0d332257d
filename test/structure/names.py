#!/usr/bin/env -S python3 -B
"""R4: a shared function begins with its file's noun; public ones with ct_.

In a folder the module's noun may stand before it, or must where the file's name
lost it: config_match_dport() in router/config/rule/match.c.
"""
import os

import tree


def nouns_of(path):
    """What shared functions of ctcore/A/B/file.c may begin with: file, A_file,
    A_B_file and B_file."""
    noun = os.path.splitext(os.path.basename(path))[0]
    folders = os.path.dirname(path).split("/")[1:]
    if path.startswith("include/"):
        folders = []
    out = [noun]
    for first in range(len(folders)):
        out.append("_".join(folders[first:] + [noun]))
    if folders:
        out.append(f"{folders[0]}_{noun}")
    return out


def spared(path):
    """The file of names.txt: its top folder and its name."""
    return path.split("/")[0], os.path.basename(path)


def check(root):
    more = {}
    for words in tree.table("names.txt"):
        more.setdefault(spared(words[0]), []).extend(words[1:])
    shared = 0
    for p in tree.files(root, (".c", ".h"), tree.PRIVATE + ("include",)):
        noun = os.path.splitext(os.path.basename(p))[0]
        nouns = nouns_of(p) + more.get(spared(p), [])
        for f in tree.functions(tree.read(root, p)):
            if f.static or f.name == noun == "main":
                continue
            shared += 1
            if p.startswith("ctcore/") and f.name.startswith("ct_"):
                continue
            if not any(f.name == n or f.name.startswith(n + "_")
                       for n in nouns):
                yield (f"{p}:{f.line}: R4: {f.name} is shared and does not "
                       f"begin with {noun}_")
    return f"{shared} shared functions" if shared else None


tree.run(check)
