"""catalogue.py - every known failure has a test that bears its id

catalogue.txt names them.  A test's name begins with the id of its row, or with
those of its rows: p3_p8_tiny_first_fragments.
"""
import os
import re

import tree

ID = re.compile(r"[PSTUIRGK]\d+b?")
CASE = re.compile(r"^static void (\w+)\(void \*\*", re.M)
ROW = re.compile(r"([PSTUIRGK]\d+b?)\b.*?(?:  by (\S+))?$")
OTHER = re.compile(r"^def (\w+)\(|\bNAME ([\w.]+)", re.M)


def ids(name):
    """Those at the beginning of a test's name."""
    words = name.upper().replace("B_", "b_").split("_")
    for word in words:
        if not ID.fullmatch(word):
            return
        yield word


def tests(root):
    """Names of C tests, and of what else there is."""
    cases, others = {}, set()
    for path in tree.files(root, (".c", ".py", "CMakeLists.txt"), ("test",)):
        text = tree.read(root, path)
        if path.endswith(".c"):
            cases.update((name, path) for name in CASE.findall(text))
        else:
            others.update(a or b for a, b in OTHER.findall(text))
    return cases, others


def check(root):
    cases, others = tests(root)
    rows = {}
    path = os.path.join("test", "structure", "catalogue.txt")
    for line in tree.read(root, path).splitlines():
        m = ROW.match(line)
        if m:
            rows[m.group(1)] = m.group(2)
    borne = {one: (name, at) for name, at in cases.items()
             for one in ids(name)}
    for row, by in rows.items():
        if by is None and row not in borne:
            yield f"{path}: no test bears {row}"
        elif by is not None and by not in others:
            yield f"{path}: {row} is by {by}, which is no test"
    for row, (name, at) in sorted(borne.items()):
        if row not in rows:
            yield f"{at}: {name} bears {row}, which is not in {path}"
    return f"{len(rows)} rows" if rows else None


tree.run(check)
