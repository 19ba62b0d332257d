"""requirements.py - what RFCs ask for, its tests, and who cites it

A list's row at the margin is either an RFC, "RFC 4787: its subject", or a
requirement of the RFC above it, "REQ-9a MUST", "4.3.2.8 SHOULD", "- MAY" in a
short RFC.  What only explains (a format, a method) and asks for nothing that a test of its own could
show is "informs": a section, "3.4 informs", or a whole RFC, "RFC 1071 informs:
its subject".
"""
import re

import tied
import tree

LIST = "test/rfc/requirements.txt"
RFC = re.compile(r"RFC (\d+)( informs)?: (.+)")
NUMBER = re.compile(r"(-|REQ-\d+[a-z]?|[\dA-Z][\d.]*[a-z]?) "
                    r"(MUST|MUST NOT|SHOULD|SHOULD NOT|MAY|informs)")
# "RFC 1122 s3.2.2, s4.1.3.4", "RFC 5508 REQ-4 a", "RFC 4340 4.3 and 8"
ONE = r"(?:s|sections? |appendix )?(?:REQ-\d+[a-z]?|\d+(?:\.\d+)*|[A-Z]\b)"
CITED = re.compile(rf"RFC (\d+)((?:(?:,| and)? {ONE}(?![\w-]))*)")
PART = re.compile(r"REQ-\d+[a-z]?|\d+(?:\.\d+)*|[A-Z]\b")
CITING = ("ctcore", "router", "web", "include")


class Requirement:
    def __init__(self, rfc, number, level, row):
        self.rfc, self.number, self.level = rfc, number, level
        self.row, self.tests = row, list(row.by)

    def name(self):
        return f"RFC {self.rfc} {self.number}".removesuffix(" -")


def read(root):
    """({RFC: (subject, informs)}, requirements in order, faults)"""
    subjects, found, faults = {}, [], []
    rfc = None
    for row in tied.rows(tree.read(root, LIST), faults):
        head, number = RFC.fullmatch(row.name), NUMBER.fullmatch(row.name)
        if head:
            rfc = head[1]
            subjects[rfc] = (head[3], bool(head[2]))
        elif number and rfc and not subjects[rfc][1]:
            found.append(Requirement(rfc, number[1], number[2], row))
        else:
            faults.append(f"{row.line}: {row.name} is no row")
    return subjects, found, faults


def tie(subjects, found, tests):
    """Give requirements the tests that bear them; names of other bearers."""
    by = {(one.rfc, one.number): one for one in found}
    named = {(one.rfc, test) for one in found for test in one.tests}
    for test, case in tests.items():
        key = tied.requirement(case)
        if key in by:
            by[key].tests += [test] if test not in by[key].tests else []
        elif key and (key[0], test) not in named and \
                not subjects.get(key[0], ("", False))[1]:
            yield test, f"RFC {key[0]} {key[1]}".strip()


def uncited(cited, part, found):
    """Is there no row for what is cited?  A row may be about a part of it, and
    may hold several lettered parts in one."""
    letters = "abcdefgh"
    numbers = [one.number for one in found if one.rfc == cited]
    return not any(number in (part, part.rstrip(letters))
                   or number.startswith(part + ".")
                   or number.rstrip(letters) == part for number in numbers)


def citations(root, subjects, found):
    """Faults of sources that cite what has no row; RFCs cited nowhere."""
    seen = {one.rfc for one in found}
    paths = tree.files(root, (".c", ".h", ".def", ".js"), CITING)
    pages = tree.files(root, ("README.md",), tree.FOLDERS + ("docker",))
    for path in paths + [p for p in pages if p != "test/rfc/README.md"] + ["README.md"]:
        text = re.sub(r"\s+(?:\* )?", " ", tree.read(root, path))
        for rfc, rest in CITED.findall(text):
            seen.add(rfc)
            if rfc not in subjects:
                yield f"{path}: cites RFC {rfc}, which has no row"
            elif not subjects[rfc][1]:
                for part in PART.findall(rest):
                    if uncited(rfc, part, found):
                        yield (f"{path}: cites RFC {rfc} {part}, which has no "
                               "row")
    for rfc in sorted(set(subjects) - seen, key=int):
        yield f"{LIST}: no source cites RFC {rfc}, and it has no row"


def faults(root, tests):
    """Faults of the list and of those who cite, and how many rows it has."""
    subjects, found, wrong = read(root)
    wrong += [f"{test} bears {name}, which has no row"
              for test, name in tie(subjects, found, tests)]
    for one in found:
        wrong += [f"{one.name()} is by {test}, which is no test"
                  for test in one.row.by if test not in tests]
        if not one.row.says:
            wrong.append(f"{one.name()} says nothing")
        if bool(one.tests) + bool(one.row.why) + (one.level == "informs") != 1:
            wrong.append(f"{one.name()} has a test, or says why none, or informs"
                         ": one of them")
    names = [one.name() for one in found]
    wrong += [f"{name} has two rows" for name in sorted(set(names))
              if names.count(name) > 1]
    return ([f"{LIST}: {fault}" for fault in wrong]
            + sorted(set(citations(root, subjects, found)))), len(found)


def demands(root):
    """Rows of a table of them, with their tests or why there are none."""
    rfcs, found, _ = read(root)
    list(tie(rfcs, found, tied.tests(root)))
    for one in found:
        tests = ", ".join(f"`{test}`" for test in sorted(one.tests))
        yield (one.name(), one.level, one.row.text(),
               " ".join(["none:", *one.row.why]) if one.row.why else tests)


def subjects(root):
    """Rows of a table of RFCs: how many requirements have tests, how many none.
    """
    all_of, found, _ = read(root)
    for rfc, (subject, _) in all_of.items():
        ours = [one for one in found
                if one.rfc == rfc and one.level != "informs"]
        without = sum(bool(one.row.why) for one in ours)
        yield (f"RFC {rfc}", subject, str(len(ours) - without) if ours else "",
               str(without) if without else "")
