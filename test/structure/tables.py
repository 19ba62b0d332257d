#!/usr/bin/env -S python3 -B
"""Tables of README files that say what lists say are made from them.

tables.py ROOT --write writes them; without it the check says which would change.
The two lines above a table's rows, and the last column of the tunables (where
the README says more than the list), stay as they are in the manual.
"""
import os
import re
import sys

import requirements
import tree

WRITE = "python3 test/structure/tables.py . --write"
DIFFERENCES = "test/differential/differences.def"
PARAMS = "include/ctcore/params.def"
STRING = r'\s*"((?:[^"\\]|\\.)*)"'


def differences(text, old, name):
    for row in re.findall(r"\b\w\((\w+)," + ",".join([STRING] * 3) + r"\)",
                          tree.listed(text, name)):
        yield row


def tunables(text, old, name):
    """Those that are no durations and that the profiles differ in."""
    rows = re.findall(r"\bP\((\w+)," + r"\s*(\d+)," * 5 + STRING
                      + r",\s*\w+," + STRING + r"\)", tree.listed(text, name))
    durations = int(re.search(r"#define CT_N_TIMEOUTS (\d+)", text)[1])
    for name, linux, weir, rfc, _, _, _, text in rows[durations:]:
        if not linux == weir == rfc:
            yield name, linux, weir, rfc, old.get(name, text)


KERNEL, CORE = "test/differential/README.md", "ctcore/README.md"
RFCS = "test/rfc/README.md"
REQUIREMENTS = (requirements.LIST,)

# Page, heading in it, lists, a macro of theirs, what makes rows of it.
TABLES = (
    (KERNEL, "## Where weir is not the kernel", DIFFERENCES,
     "JUDGE_DIFFERENCES", differences),
    (KERNEL, "## Workers", DIFFERENCES, "JUDGE_WORKERS", differences),
    (CORE, "## What the profiles differ in", PARAMS, "CT_PARAMS", tunables),
    (RFCS, "## The RFCs", REQUIREMENTS, None, requirements.subjects),
    (RFCS, "## The requirements", REQUIREMENTS, None, requirements.demands),
)


def fill(page, heading, rows):
    """The page with this table's rows made again, by rows(its old last cells);
    how many, or None."""
    before, found, rest = page.partition(heading + "\n")
    part, end, after = rest.partition("\n## ")
    m = re.search(r"^((?:\|.*\n){2})((?:\|.*\n)*)", part + "\n", re.M)
    if not found or not m:
        return page, None
    old = {cells[1].strip(" `"): cells[-2].strip()
           for cells in (line.split("|") for line in m[2].splitlines())}
    made = [f"| `{row[0]}` | " + " | ".join(row[1:]) + " |\n"
            for row in rows(old)]
    part = (part + "\n")[:m.start(2)] + "".join(made) \
        + (part + "\n")[m.end(2):]
    return before + found + part[:-1] + end + after, len(made)


def check(root):
    was = {page: tree.read(root, page)
           if os.path.exists(f"{root}/{page}") else ""
           for page in (KERNEL, CORE, RFCS)}
    pages, n = dict(was), 0
    for page, heading, paths, name, rows in TABLES:
        paths = [paths] if isinstance(paths, str) else paths
        if not set(paths) <= set(tree.files(root, (".def", ".txt"))):
            continue
        text = "\n\n".join(tree.blank(tree.read(root, path), strings=False)
                           for path in paths)
        before = pages[page]
        pages[page], made = fill(
            before, heading,
            lambda old: rows(text, old, name) if name else rows(root))
        n += made or 0
        if not made:
            yield (f"{page}: no table below {heading}, or "
                   f"{name or paths[0]} has no row")
        elif pages[page] != before and "--write" not in sys.argv:
            yield (f"{page}: the table below {heading} is not what {paths[0]} "
                   f"says: {WRITE}")
    if "--write" in sys.argv:
        for page in (page for page in pages if pages[page] != was[page]):
            with open(f"{root}/{page}", "w", encoding="utf-8") as f:
                f.write(pages[page])
    return f"{n} rows" if n else None


tree.run(check)
