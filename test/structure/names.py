#!/usr/bin/env -S python3 -B
"""R4: a shared function begins with its file's noun; public ones with ct_."""
import os

import tree


def check(root):
    more = {}
    for words in tree.table("names.txt"):
        more.setdefault(words[0], []).extend(words[1:])
    shared = 0
    for p in tree.files(root, (".c", ".h"), tree.PRIVATE + ("include",)):
        noun = os.path.splitext(os.path.basename(p))[0]
        nouns = [noun] + more.get(p, [])
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
