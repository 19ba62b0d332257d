"""tied.py - lists whose rows are tied to tests

A row begins at the margin.  Lines set in belong to it: what it says, then

    by TEST     a test that holds it, besides those that bear its id
    not WHY     why none does

TEST is called as ctest calls it, and in C with its function behind:
"scenario.nat linux_dnat", "e2e.ping".  A test bears the ids that its name
begins with: t1_..., p3_p8_..., rfc4787_req9_....
"""
import os
import re

import tree

CASE = re.compile(r"^static void (\w+)\(void \*\*", re.M)
UNIT = re.compile(r"weir_unit\((\w+)\s+([\w/]+)")
NAME = re.compile(r"add_test\(NAME ([\w.]+)")
CASES = re.compile(r"^set\(cases\s+([^)]*)\)", re.M)
FAILURE = re.compile(r"(?:[pstuirgk]\d+b?_)*")
REQUIREMENT = re.compile(r"rfc(\d+)_(?:req(\d+[a-z]?)|s((?:\d+_)*\d+))?")


class Row:
    def __init__(self, name, line):
        self.name, self.line = name, line
        self.says, self.by, self.why = [], [], []

    def text(self):
        return " ".join(self.says)


def rows(text, faults):
    """Those of a list; a line that is of none is a fault."""
    found, last = [], None
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        if not line.startswith(" "):
            found.append(Row(line.strip(), at))
            last = found[-1].says
        elif not found:
            faults.append(f"{at}: belongs to no row")
        elif words[0] == "by":
            found[-1].by.append(" ".join(words[1:]))
            last = None
        elif words[0] == "not":
            found[-1].why.append(" ".join(words[1:]))
            last = found[-1].why
        elif last is None:
            faults.append(f"{at}: stands behind the tests of its row")
        else:
            last.append(" ".join(words))
    return found


def tests(root):
    """{test: its function, or ""}"""
    found, units = {}, {}
    for path in tree.files(root, ("CMakeLists.txt",), ("test",)):
        text = tree.read(root, path)
        names = NAME.findall(text)
        folder = os.path.dirname(path)[len("test/"):]
        for words in CASES.findall(text):
            names += [f"{folder}.{word}" for word
                      in re.sub(r"#.*", "", words).split()]
        found.update((name, "") for name in names)
        units.update((f"test/unit/{at}.c", f"unit.{name}")
                     for name, at in UNIT.findall(text))
    for path in tree.files(root, (".c",), ("test",)):
        folder, name = os.path.split(path[:-2])
        name = units.get(path, f"{os.path.basename(folder)}.{name}")
        for case in CASE.findall(tree.read(root, path)):
            found[f"{name} {case}"] = case
    return found


def failures(case):
    """The catalogue's ids that a test's name begins with."""
    return FAILURE.match(case)[0].upper().replace("B_", "b_").split("_")[:-1]


def requirement(case):
    """(RFC, number of its requirement or section, or "") that the name of a
    test begins with, behind the catalogue's ids."""
    m = REQUIREMENT.match(case, FAILURE.match(case).end())
    return m and (m[1], "REQ-" + m[2] if m[2]
                  else (m[3] or "").replace("_", "."))
