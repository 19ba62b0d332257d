#!/usr/bin/env -S python3 -B
"""The README's table of differences from the kernel is the judge's."""
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
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def check(root):
    ours = stated(tree.read(root, TABLE))
    told = shown(tree.read(root, "README.md"))
    for name in sorted(ours.keys() | told.keys()):
        if name not in told:
            yield f"README.md: no row for {name}"
        elif name not in ours:
            yield f"README.md: {name} is not in {TABLE}"
        elif ours[name] != told[name]:
            yield f"README.md: {name} reads otherwise than in {TABLE}"
    return f"{len(ours)} differences" if ours else None


tree.run(check)
