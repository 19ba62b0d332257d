#!/usr/bin/env -S python3 -B
"""Each difference, from the kernel and between one worker and several, is shown
by a scripted case, or says why it can't be."""
import re

import tree

TABLE = "test/differential/differences.def"
# What a script calls it; the macros' lists.
TABLES = (("differs", "JUDGE_DIFFERENCES", "JUDGE_UNSHOWN"),
          ("workers", "JUDGE_WORKERS", "JUDGE_WORKERS_UNSHOWN"))


def scripts(root, field):
    """What the scripted cases say they show."""
    text = "".join(tree.blank(tree.read(root, p), strings=False)
                   for p in tree.files(root, (".c",), ("test/differential",)))
    return set(re.findall(r'\.%s = "(\w+)"' % field, text))


def check(root):
    text = tree.blank(tree.read(root, TABLE), strings=False)
    n = 0
    for field, name, unshown_name in TABLES:
        rows = set(re.findall(r'\b[DW]\((\w+),', tree.listed(text, name)))
        unshown = set(re.findall(r'\bU\((\w+),\s*"[^"]+"\)',
                                 tree.listed(text, unshown_name)))
        cases = scripts(root, field)
        for row in sorted(rows):
            if (row in cases) == (row in unshown):
                yield (f"{TABLE}: {row} has "
                       + ("a case, and is said to have none" if row in cases
                          else "no scripted case, nor a row that says why"))
        for row in sorted((cases | unshown) - rows):
            yield f"{TABLE}: no row {row}, which a script or U() names"
        n += len(rows)
    return f"{n} differences" if n else None


tree.run(check)
