#!/usr/bin/env -S python3 -B
"""Each row of a .def list is used outside of its list: no dead reasons.  One that
is not says why beside it: /* unused: WHY */.  A list that is made into no enum
is expanded by its users: its rows are names that they paste.  An option is used
where its field is read."""
import re

import tree

# #define R(name, ...) CT_REASON_##name,   and then the list: CT_REASONS(R)
ENUM = re.compile(r"#define (\w)\((\w+)[^)\n]*\)\s*(?:\\\n\s*)?(\w+_)##\2[^,\n]*,\s*\n"
                  r"\s*(\w+)\(\1\)")
LIST = re.compile(r"#define (\w+)\((\w)\)((?:[^\n]*\\\n)*[^\n]*)")

# O(NUMBER, "/workers", workers, ...
OPTION = re.compile(r'\bO\(\w+,\s*"([^"]+)",\s*(\w+)')


def options(root, texts):
    """How many rows of options there are; faults."""
    read = set(re.findall(r"(?:->|\.)(\w+)\b(?!\()", "\n".join(texts)))
    n = 0
    faults = []
    for p in tree.files(root, (".def",), ("router", "web", "include")):
        raw = tree.blank(tree.read(root, p), strings=False)
        for m in OPTION.finditer(raw):
            n += 1
            if m.group(2) not in read:
                line = raw.count("\n", 0, m.start()) + 1
                faults.append(f"{p}:{line}: {m.group(1)} is an option whose "
                              f"field {m.group(2)} is read nowhere")
    return n, faults


def check(root):
    paths = (tree.files(root, (".c", ".h"),
                        ("ctcore", "router", "web", "include"))
             + tree.files(root, (".def",), ("ctcore", "router", "web")))
    texts = [tree.blank(tree.read(root, p)) for p in paths]
    prefix = {}                  # of the names a list's enum has
    for text in texts:
        for m in ENUM.finditer(text):
            prefix.setdefault(m.group(4), m.group(3))
    used = set(re.findall(r"\bCT_\w+\b", "\n".join(texts)))
    # A column of a list may name another list's row for a macro to paste.
    for p in tree.files(root, (".def",), ("ctcore", "include")):
        text = re.sub(r"\b[A-Z]\(\s*\w+", "", tree.blank(tree.read(root, p)))
        for m in re.finditer(r"\w+", text):
            used.update(x + m.group(0) for x in set(prefix.values()))
    rows, faults = options(root, texts)
    yield from faults
    for p in tree.files(root, (".def",), ("include",)):
        raw = tree.read(root, p)
        text = tree.blank(raw)
        for m in LIST.finditer(text):
            name, letter, body = m.groups()
            if name not in prefix:
                if not any(re.search(rf"\b{name}\(", t) for t in texts):
                    yield f"{p}: {name} is made into no enum, nor expanded"
                continue
            for row in re.finditer(rf"\b{letter}\(\s*(\w+)\s*,", body):
                rows += 1
                word = prefix[name] + row.group(1)
                at = m.start(3) + row.start()
                says_why = "/* unused: " in raw[at:raw.find("\n", at)]
                if (word in used) == says_why:
                    line = text.count("\n", 0, at) + 1
                    yield (f"{p}:{line}: {word} is "
                           + ("used: it says it is not" if says_why
                              else "used nowhere: a dead row"))
    return f"{rows} rows" if rows else None


tree.run(check)
