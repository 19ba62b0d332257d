"""lists.py - what faults.txt and survivors.txt say

A row is a paragraph: `file: PATH`, lines of text with `-` before the old and `+`
before the new ones, for a fault `name:` and `test: NAME`, for a survivor
`function: NAME` and `reason:`.
"""
import sys
from collections import namedtuple

import tree

Fault = namedtuple("Fault", "name file old new test")
Survivor = namedtuple("Survivor", "file function old new reason")


def rows(root, name):
    for part in tree.read(root, f"test/mutants/{name}").split("\n\n"):
        lines = [s for s in part.split("\n") if s and s[0] != "#"]
        if not lines:
            continue
        row = {"-": [], "+": []}
        for line in lines:
            if line[0] in row:
                row[line[0]].append(line[1:])
            else:
                key, _, value = line.partition(": ")
                row[key] = value
        yield row


def joined(lines):
    return "".join(line + "\n" for line in lines)


def sought(n, old, where):
    if n != 1:
        sys.exit(f"mutate: {where} has {int(n)} times, not once:\n{old}")


def faults(root):
    found = [Fault(r["name"], r["file"], joined(r["-"]), joined(r["+"]),
                   r["test"]) for r in rows(root, "faults.txt")]
    for row in found:
        sought(tree.read(root, row.file).count("\n" + row.old), row.old,
               f"faults.txt: {row.name}: {row.file}")
    return found


def put_back(root, row):
    return tree.read(root, row.file).replace("\n" + row.old, "\n" + row.new)


def function(root, path, name):
    """The lines of a function, or of those of that name."""
    text = tree.read(root, path)
    lines = text.splitlines(keepends=True)
    return "".join("\n" + "".join(lines[f.line - 1:f.line + f.length])
                   for f in tree.functions(text) if f.name == name)


def survivors(root):
    """Whole lines, as they are and as the change leaves them."""
    found = [Survivor(r["file"], r["function"], joined(r["-"]), joined(r["+"]),
                      r["reason"]) for r in rows(root, "survivors.txt")]
    for row in found:
        # The same line twice has one reason.
        sought(("\n" + row.old) in function(root, row.file, row.function),
               row.old, f"survivors.txt: {row.file}: {row.function}()")
    return {row[:4]: row.reason for row in found}


def reason(known, site, text):
    """Of a site, by the lines that it changes in its file's text."""
    first = text.rfind("\n", 0, site.at) + 1
    end = text.find("\n", site.at + len(site.old)) + 1
    old = text[first:end]
    new = text[first:site.at] + site.new + text[site.at + len(site.old):end]
    return known.get((site.file, site.function, old, new))
