"""sites.py - where the core's code can be changed, and into what

A site is a place in a .c file of ctcore, inside of a function.  Left out are
comments, strings, preprocessor lines, what is asserted, and check.c.
"""
import hashlib
import os
import re
from collections import Counter, namedtuple

import tree

Site = namedtuple("Site", "file line function at old new kind")

SWAPS = (
    ("relation", r"(?<=\s)(<=|>=|==|!=|<|>)(?=\s)",
     {"<": ("<=",), "<=": ("<",), ">": (">=",), ">=": (">",),
      "==": ("!=",), "!=": ("==",)}),
    ("logic", r"(?<=\s)(&&|\|\|)(?=\s)", {"&&": ("||",), "||": ("&&",)}),
    ("arithmetic", r"(?<=\s)(\+|-|<<|>>|&|\||\*|/|%)(?=\s)",
     {"+": ("-",), "-": ("+",), "<<": (">>",), ">>": ("<<",), "&": ("|",),
      "|": ("&",), "*": ("/",), "/": ("*",), "%": ("/",)}),
    ("assignment", r"(?<=\s)(\+=|-=|\|=|&=)(?=\s)",
     {"+=": ("-=",), "-=": ("+=",), "|=": ("&=",), "&=": ("|=",)}),
    ("step", r"(\+\+|--)", {"++": ("--",), "--": ("++",)}),
    ("truth", r"\b(true|false)\b", {"true": ("false",), "false": ("true",)}),
)
NUMBER = re.compile(r"(?<![\w.])(\d+)([uUlL]*)(?![\w.])")
CONDITION = re.compile(r"\b(if|while) (\()")
RETURN = re.compile(r"\breturn\b([^;{}]*);")
JUMP = re.compile(r"\b(?:break|continue|return|goto \w+);")
# Begins behind an end; a declaration has two words before its sign.
STATEMENT = re.compile(
    r"(?:(?<=[;{}])|(?<=\)\n)|(?<=else\n))\s*"
    r"((?:\(void\))?\**[A-Za-z_][\w.>\[\]-]*(?:\([^;{}]*\)|"
    r"\s*(?:[-+*/|&^]|<<|>>)?=(?!=)[^;{}]*|\+\+|--);)")
ASSERTED = re.compile(r"\b(ct_assert(?:_slow)?|ct_before|_Static_assert|assert)"
                      r"\s*\(")


def closing(text, at):
    """Behind the parenthesis that closes the one at AT."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    return len(text)


def bare(text):
    """Its code alone, and of that what is not asserted."""
    code = tree.code(text)
    for m in list(ASSERTED.finditer(code)):
        end = closing(code, m.end() - 1)
        code = code[:m.start()] + re.sub(r"[^\n]", " ", code[m.start():end]) \
            + code[end:]
    return code


def swaps(code):
    for kind, sign, into in SWAPS:
        for m in re.finditer(sign, code):
            for new in into[m.group(1)]:
                yield m.start(), m.group(1), new, kind


def numbers(code):
    for m in NUMBER.finditer(code):
        n, suffix = int(m.group(1)), m.group(2)
        yield m.start(), m.group(0), f"{n + 1}{suffix}", "number"
        if n:
            yield m.start(), m.group(0), f"{n - 1}{suffix}", "number"


def conditions(code):
    for m in CONDITION.finditer(code):
        end = closing(code, m.start(2))
        old = code[m.start(2):end]
        yield m.start(2), old, f"(!{old})", "negated"
        yield m.start(2), old, f"({old} && 0)", "never"
        if m.group(1) == "if":
            yield m.start(2), old, f"({old} || 1)", "always"


def statements(code):
    for m in STATEMENT.finditer(code):
        yield m.start(1), m.group(1), ";", "removed"
    for m in JUMP.finditer(code):
        yield m.start(), m.group(0), ";", "removed"
    for m in RETURN.finditer(code):
        said = m.group(1).strip()
        if said in ("0", "false", "NULL", "true", ""):
            continue
        yield m.start(), m.group(0), "return 0;", "returned"
        yield m.start(), m.group(0), f"return !({said});", "returned"


def of_file(root, path):
    text = tree.read(root, path)
    code = bare(text)
    spans = [(f.line, f.line + f.length, f.name) for f in tree.functions(text)]
    for make in (swaps, numbers, conditions, statements):
        for at, old, new, kind in make(code):
            line = code.count("\n", 0, at) + 1
            name = [n for first, end, n in spans if first <= line <= end]
            old = text[at:at + len(old)]
            if name and code[:at].rfind("{") > code[:at].rfind("\n}"):
                # A statement keeps its lines: later ones stay where they are.
                yield Site(path, line, name[0], at, old,
                           new + "\n" * (old.count("\n") - new.count("\n")),
                           kind)


def of_core(root):
    """All sites, in the order of files and places."""
    found = []
    for path in tree.files(root, (".c",), ("ctcore",)):
        if os.path.basename(path) != "check.c":
            found += sorted(of_file(root, path))
    return found


def drawn(found, seed):
    """In an order by chance, in which each place keeps its turn whatever else
    changes: so a sample stays the same while its places do."""
    seen = Counter()

    def turn(site):
        key = (site.file, site.function, site.old, site.new)
        seen[key] += 1
        return hashlib.sha256(repr((seed, key, seen[key])).encode()).digest()
    return [s for _, s in sorted((turn(s), s) for s in found)]


def changed(root, site):
    """The file's text with the change."""
    text = tree.read(root, site.file)
    return text[:site.at] + site.new + text[site.at + len(site.old):]
