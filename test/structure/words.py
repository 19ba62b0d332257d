#!/usr/bin/env -S python3 -B
"""No promises left in the text: what is not done is an issue, not a remark.  And
no page cited that is not here: a behaviour's source is an RFC's section, or the
function or file of the kernel.  And sentences that say who acts."""
import os
import re

import tree

WORDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK|TB" r"D)\b")
PAGES = re.compile(r"\b(?:net" r"filter|hos" r"tile) \d")
VAGUE = re.compile(r"\b(no" r"body|some" r"body|who" r"ever|an" r"ew)\b", re.I)
# The user of that name, whose number is 65534.
USER = "test/unit/router/system/sandbox.c"
ENDINGS = (".c", ".h", ".def", ".py", ".sh", ".txt", ".md", ".json", ".cmake",
           ".yml", ".yaml", ".ts", ".js", ".css", ".html", "run", "Dockerfile")


def check(root):
    paths = tree.files(root, ENDINGS, tree.FOLDERS + ("docker",))
    paths += [p for p in ("CMakeLists.txt", "README.md")
              if os.path.exists(os.path.join(root, p))]
    for p in paths:
        for n, line in enumerate(tree.read(root, p).split("\n"), 1):
            m = WORDS.search(line)
            if m:
                yield f"{p}:{n}: says {m.group(0)}"
            m = PAGES.search(line)
            if m:
                yield f"{p}:{n}: cites a page that is not here: {m.group(0)}"
            m = VAGUE.search(line)
            if m and not (p == USER and f'"{m.group(0)}"' in line):
                yield f"{p}:{n}: says {m.group(0)}: say who, or again"
    return f"{len(paths)} files" if paths else None


tree.run(check)
