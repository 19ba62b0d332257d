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
METRICS = ("include/ctcore/stats.def", "web/api/iface.def",
           "web/api/metrics.def")
OPTIONS = ("router/config/options.def", "include/web/options.def")
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


def metrics(text, old, name):
    """Every family of /metrics: with its label where samples are told apart."""
    type_of = {"COUNTER": "counter", "GAUGE": "gauge", "MAX": "gauge"}
    stats = re.findall(r"\bS\(\w+,\s*(\w+),\s*(\w+)(?:\(([^)]*)\))?,"
                       + STRING + r"\)", tree.listed(text, name))
    for group, family, label, each, means in re.findall(
            r"\bM\((\w+)," + STRING + "," + STRING + r",\s*(\w+)," + STRING,
            tree.listed(text, "CT_METRICS")):
        values = re.findall(rf'AMONG\({group}, "(\w+)"\)',
                            tree.listed(text, name))
        by = f"{means}, by {'worker and ' * (each == 'WORKER')}{label}"
        yield family, "counter", by + (": " + ", ".join(values)
                                       if values else "")
    for kind, form, family, means in stats:
        if form == "NAMED":
            yield family.strip('"'), type_of[kind], means
    for family, means in re.findall(r"\bC\(\w+," + STRING + "," + STRING,
                                    tree.listed(text, "IFACE_COUNTS")):
        yield family, "counter", means + ", by interface"
    yield from re.findall(r"\bM\(" + STRING + r",\s*(\w+),\s*\w+," + STRING,
                          tree.listed(text, "METRICS"))


WHEN = {"RELOAD": "at a reload", "START": "at the start",
        "LESS": "at a reload, up to its value at the start",
        "ON": "at a reload, if on at the start"}
OWN = {"TEXT": "text", "TEXT_OR_NULL": "text or null", "LIST": "list",
       "NUMBER_OR_NULL": "number or null"}


def values(kind, cells):
    """What an option may be, and its default, of what stands behind its field."""
    if kind == "NUMBER":
        default, least, most, unit = cells[:4]
        default = default if int(default) >= int(least) else ""
        return f"{least} to {most} {unit}".strip(), default
    if kind == "SWITCH":
        return "true, false", cells[0]
    if kind == "CHOICE":
        return cells[1].replace("|", ", "), cells[0]
    if kind == "TEXT":
        return f"{cells[2]}, {cells[1]} bytes at most", cells[0]
    return OWN[cells[0]], cells[1]


def options(text, old, name):
    """Fixed keys; <ctcore/option.h> says what their rows are."""
    for row in re.findall(r'\bO\((\w+,(?:"(?:[^"\\]|\\.)*"|[^"])*?)\)(?=\s|$)',
                          tree.listed(text, name)):
        cells = [(a or b).strip() for a, b in
                 re.findall(r'"((?:[^"\\]|\\.)*)"|([^,"\s][^,"]*)|(?<=,) *(?=,)',
                            row)]
        kind, path, _, *rest, when, text = cells
        may, default = values(kind, rest)
        yield (path[1:].replace("/", "."), may, default, WHEN[when], text)


# Heading in the README, lists, a macro of theirs, what makes rows of it.
TABLES = (
    ("## What /metrics says", METRICS, "CT_STATS", metrics),
    ("## Where weir is not the kernel", DIFFERENCES, "JUDGE_DIFFERENCES",
     differences),
    ("## Workers", DIFFERENCES, "JUDGE_WORKERS", differences),
    ("## What the profiles differ in", PARAMS, "CT_PARAMS", tunables),
    ("## Options", OPTIONS, r"\w+_OPTIONS", options),
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
    for heading, paths, name, rows in TABLES:
        paths = [paths] if isinstance(paths, str) else paths
        if not set(paths) <= set(tree.files(root, (".def",))):
            continue
        text = "\n\n".join(tree.blank(tree.read(root, path), strings=False)
                           for path in paths)
        before = readme
        readme, made = fill(readme, heading, text, name, rows)
        n += made or 0
        if not made:
            yield f"README.md: no table below {heading}, or {name} has no row"
        elif readme != before and "--write" not in sys.argv:
            yield (f"README.md: the table below {heading} is not what {paths[0]} "
                   f"says: {WRITE}")
    if "--write" in sys.argv and readme != was:
        with open(f"{root}/README.md", "w", encoding="utf-8") as f:
            f.write(readme)
    return f"{n} rows" if n else None


tree.run(check)
