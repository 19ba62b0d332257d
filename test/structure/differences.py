#!/usr/bin/env -S python3 -B
"""The README's tables of differences, from the kernel and between one worker
and several, are the judge's, and each row is shown by a scripted case, or says
why it can't be."""
import re

import tree

TABLE = "test/differential/differences.def"
# Heading in the README; what a script calls it; the macros' list.
TABLES = (("## Where weir is not the kernel", "differs", "JUDGE_DIFFERENCES",
           "JUDGE_UNSHOWN"),
          ("## Workers", "workers", "JUDGE_WORKERS", "JUDGE_WORKERS_UNSHOWN"))


def listed(text, name):
    """What stands behind #define NAME(...), to the end of its lines."""
    found = re.findall(r"#define %s\(\w\)((?:.*\\\n)*.*)" % name, text)
    return "\n".join(found).replace("\\\n", "\n")


def stated(text):
    """{id: [one, the other, why]}"""
    rows = re.findall(r'\b[DW]\((\w+),\s*"([^"]*)",\s*"([^"]*)",\s*"([^"]*)"\)',
                      text)
    return {row[0]: list(row[1:]) for row in rows}


def shown(text, head):
    part = text.partition(head)[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in part.splitlines() if line.startswith("|")]
    return rows[0] if rows else [], {row[0].strip("`"): row[1:]
                                     for row in rows[2:]}


def scripts(root, field):
    """What the scripted cases say they show."""
    text = "".join(tree.blank(tree.read(root, p), strings=False)
                   for p in tree.files(root, (".c",), ("test/differential",)))
    return set(re.findall(r'\.%s = "(\w+)"' % field, text))


def check_table(root, text, table):
    heading, field, name, unshown_name = table
    ours = stated(listed(text, name))
    head, told = shown(tree.read(root, "README.md"), heading)
    unshown = set(re.findall(r'\bU\((\w+),\s*"[^"]+"\)',
                             listed(text, unshown_name)))
    cases = scripts(root, field)
    if ours and head[:1] != ["`id`"]:
        yield f"README.md: the table of {heading[3:]} does not begin with `id`"
    for row in sorted(ours):
        if (row in cases) == (row in unshown):
            yield (f"{TABLE}: {row} has "
                   + ("a case, and is said to have none" if row in cases else
                      "no scripted case, nor a row that says why"))
    for row in sorted((cases | unshown) - ours.keys()):
        yield f"{TABLE}: no row {row}, which a script or U() names"
    for row in sorted(ours.keys() | told.keys()):
        if row not in told:
            yield f"README.md: no row for {row}"
        elif row not in ours:
            yield f"README.md: {row} is not in {TABLE}"
        elif ours[row] != told[row]:
            yield f"README.md: {row} reads otherwise than in {TABLE}"
    return len(ours)


def check(root):
    text = tree.blank(tree.read(root, TABLE), strings=False)
    n = 0
    for table in TABLES:
        n += yield from check_table(root, text, table)
    return f"{n} differences" if n else None


tree.run(check)
