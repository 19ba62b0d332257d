#!/usr/bin/env -S python3 -B
"""The README's tables that say what .def lists say are made from them.

tables.py ROOT --write writes them; without it the check says which would change.
The two lines above a table's rows, and the last column of the tunables (where
the README says more than the list), stay as they are in the README.
"""
import re
import sys

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
    rows = re.findall(r"\bP\((\w+)," + r"\s*(\d+)," * 5 + STRING + ","
                      + STRING + r"\)", tree.listed(text, name))
    durations = int(re.search(r"#define CT_N_TIMEOUTS (\d+)", text)[1])
    for name, linux, weir, rfc, _, _, _, text in rows[durations:]:
        if not linux == weir == rfc:
            yield name, linux, weir, rfc, old.get(name, text)


# Heading in the README, list, its macro, what makes rows of it.
TABLES = (
    ("## Where weir is not the kernel", DIFFERENCES, "JUDGE_DIFFERENCES",
     differences),
    ("## Workers", DIFFERENCES, "JUDGE_WORKERS", differences),
    ("## What the profiles differ in", PARAMS, "CT_PARAMS", tunables),
)


def fill(readme, heading, text, name, rows):
    """The README with this table's rows made again; how many, or None."""
    before, found, rest = readme.partition(heading + "\n")
    part, end, after = rest.partition("\n## ")
    m = re.search(r"^((?:\|.*\n){2})((?:\|.*\n)*)", part + "\n", re.M)
    if not found or not m:
        return readme, None
    old = {cells[1].strip(" `"): cells[-2].strip()
           for cells in (line.split("|") for line in m[2].splitlines())}
    made = [f"| `{row[0]}` | " + " | ".join(row[1:]) + " |\n"
            for row in rows(text, old, name)]
    part = (part + "\n")[:m.start(2)] + "".join(made) \
        + (part + "\n")[m.end(2):]
    return before + found + part[:-1] + end + after, len(made)


def check(root):
    was = readme = tree.read(root, "README.md")
    n = 0
    for heading, path, name, rows in TABLES:
        if path not in tree.files(root, (".def",)):
            continue
        text = tree.blank(tree.read(root, path), strings=False)
        before = readme
        readme, made = fill(readme, heading, text, name, rows)
        n += made or 0
        if not made:
            yield f"README.md: no table below {heading}, or {name} has no row"
        elif readme != before and "--write" not in sys.argv:
            yield (f"README.md: the table below {heading} is not what {path} "
                   f"says: {WRITE}")
    if "--write" in sys.argv and readme != was:
        with open(f"{root}/README.md", "w", encoding="utf-8") as f:
            f.write(readme)
    return f"{n} rows" if n else None


tree.run(check)
