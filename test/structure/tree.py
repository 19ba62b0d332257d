"""tree.py - the repository as the structure checks see it

Files by folder, C text without its comments, functions with their lengths.
Every check is a script: CHECK.py ROOT; a line a fault; exit 1 if there is one.
"""
import os
import re
import sys

FOLDERS = ("ctcore", "router", "web", "include", "test")
PRIVATE = ("ctcore", "router", "web")
NO_SOURCES = ("__pycache__", "node_modules", "build")


def files(root, endings, folders=FOLDERS):
    """Paths relative to root, sorted, of files with one of these endings."""
    found = []
    for folder in folders:
        for at, dirs, names in os.walk(os.path.join(root, folder)):
            dirs[:] = sorted(d for d in dirs if d not in NO_SOURCES)
            for name in names:
                if name.endswith(endings):
                    path = os.path.join(at, name)
                    found.append(os.path.relpath(path, root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text, strings=True):
    """Comments (and strings) as spaces: every line keeps its number."""
    def hide(m):
        s = m.group(0)
        if s[0] in "\"'" and not strings:
            return s
        return re.sub(r"[^\n]", " ", s)
    return TOKEN.sub(hide, text)


def code(text):
    """Only code: no comments, strings or preprocessor lines."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
                  lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  blank(text), flags=re.M)


def listed(text, name):
    """What stands behind each #define NAME(...), to the end of its lines."""
    found = re.findall(r"#define %s\(\w\)((?:.*\\\n)*.*)" % name, text)
    return "\n".join(found).replace("\\\n", "\n")


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include\b[ \t]*(?:([<"])([^>"\n]+)[>"]|'
                     r'([^\n]*))', re.M)


def includes(text):
    """(line, '<' or '"', name) of each #include; (line, "", what stands there)
    of one that names no header."""
    bare = blank(text, strings=False)
    for m in INCLUDE.finditer(bare):
        yield (bare.count("\n", 0, m.start()) + 1, m.group(1) or "",
               m.group(2) or m.group(3))


def quoted_from(path):
    """Folders from which a quoted include of this file is found.  What lies in
    a private top folder is named from there, "table/expiry.h"; a test may name
    headers of each of them, of test/lib, and of its own folders."""
    parts = os.path.dirname(path).split("/")
    if parts[0] in PRIVATE:
        return [parts[0]]
    own = ["/".join(parts[:n]) for n in range(len(parts), 1, -1)]
    if parts[0] != "test":
        return own[:1]
    return own + ["test/lib", *PRIVATE]


class Function:
    def __init__(self, name, line, length):
        self.name, self.line, self.length = name, line, length


TABLE = re.compile(r"(?:\bconst\b[^;{}()]*|\}\s*)\b\w+\[[^;{}()]*\]\s*=\s*$")


def functions(text):
    """Functions defined in a file; lines of constant tables don't count."""
    bare = code(text)
    start = depth = 0       # of the current top level item
    head, opened, tables, table = "", 0, 0, None
    for m in re.finditer(r"[{};]", bare):
        c, at = m.group(0), m.start()
        if c == "{":
            if depth == 0:
                head, opened, tables = bare[start:at], at, 0
            elif table is None and TABLE.search(bare[opened:at][-400:]):
                table = (depth, at)
            depth += 1
        elif c == "}":
            depth -= 1
            if table and depth == table[0]:
                tables += bare.count("\n", table[1], at) + 1
                table = None
            if depth == 0:
                f = function(bare, head, start, at, tables)
                if f:
                    yield f
                    start = at + 1
        elif depth == 0:
            start = at + 1


def function(bare, head, start, end, tables):
    """What stands before a brace on the top level, if it is a function: its
    last parentheses hold the arguments (a list's macro may stand before)."""
    plain = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", head, flags=re.S)
    plain = plain.rstrip()
    if not plain.endswith(")") or "=" in plain:
        return None
    at, depth = len(plain), 0
    while at and (at == len(plain) or depth):
        at -= 1
        depth += {")": 1, "(": -1}.get(plain[at], 0)
    m = re.search(r"([A-Za-z_]\w*)\s*$", plain[:at])
    if not m:
        return None
    first = start + len(head) - len(head.lstrip())
    length = bare.count("\n", first, end) + 1 - tables
    return Function(m.group(1), bare.count("\n", 0, first) + 1, length)


def module(path):
    """The folder below the top one, "ctcore/nat"; None of a file at the top."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in PRIVATE and len(parts) > 2 \
        else None


def levels():
    """{module: level}, by the table in README.md."""
    here = os.path.dirname(os.path.abspath(__file__))
    rows = re.findall(r"^\| (\d+) \| `([\w/]+)` \|", read(here, "README.md"),
                      re.M)
    return {name: int(level) for level, name in rows}


def run(check):
    """main of a check: check(root) yields faults, and returns what it saw."""
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".")
    faults = 0
    walk = check(root)
    while True:
        try:
            print(next(walk))
            faults += 1
        except StopIteration as end:
            seen = end.value
            break
    if not seen:
        print("looked at nothing: the check itself is broken")
        sys.exit(1)
    print(f"{seen}: {'no fault' if not faults else f'{faults} fault(s)'}")
    sys.exit(1 if faults else 0)
