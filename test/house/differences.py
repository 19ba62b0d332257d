#!/usr/bin/env -S python3 -B
"""The README's table of differences from the kernel is the judge's, and each
row is shown by a scripted case, or says why it can't be."""
import re

import tree

TABLE = "test/differential/differences.def"
HEAD = "## Where weir is not the kernel"


def stated(text):
    """{id: [kernel, weir, why]}"""
    rows = re.findall(r'\bD\((\w+),\s*"([^"]*)",\s*"([^"]*)",\s*"([^"]*)"\)',
                      text.replace("\\\n", "\n"))
    return {row[0]: list(row[1:]) for row in rows}


def shown(text):
    part = text.partition(HEAD)[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in part.splitlines() if line.startswith("|")]
    return rows[0] if rows else [], {row[0].strip("`"): row[1:]
                                     for row in rows[2:]}


def scripts(root):
    """What the scripted cases say they show."""
    text = "".join(tree.blank(tree.read(root, p), strings=False)
                   for p in tree.files(root, (".c",), ("test/differential",)))
    return set(re.findall(r'\.differs = "(\w+)"', text))


def check(root):
    text = tree.blank(tree.read(root, TABLE), strings=False)
    ours = stated(text)
    head, told = shown(tree.read(root, "README.md"))
    unshown = set(re.findall(r'\bU\((\w+),\s*"[^"]+"\)', text))
    cases = scripts(root)
    if head[:1] != ["`id`"]:
        yield "README.md: the table of differences does not begin with `id`"
    for name in sorted(ours):
        if (name in cases) == (name in unshown):
            yield (f"{TABLE}: {name} has "
                   + ("a case, and is said to have none" if name in cases else
                      "no scripted case, nor a row that says why"))
    for name in sorted((cases | unshown) - ours.keys()):
        yield f"{TABLE}: no row {name}, which a script or U() names"
    for name in sorted(ours.keys() | told.keys()):
        if name not in told:
            yield f"README.md: no row for {name}"
        elif name not in ours:
            yield f"README.md: {name} is not in {TABLE}"
        elif ours[name] != told[name]:
            yield f"README.md: {name} reads otherwise than in {TABLE}"
    return f"{len(ours)} differences" if ours else None


tree.run(check)
