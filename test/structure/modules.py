#!/usr/bin/env -S python3 -B
"""R3, R4, R6: modules on levels, no circle among files, folders of one view.

README.md beside this file says the rules and why, and has the table of levels.
A file is a source and the header of its name.  It uses another file when it
includes it, and when its machine code asks for a symbol of the other's.
"""
import collections
import os
import re

import release
import tree

TOPS = tree.PRIVATE + ("include",)
ENTRIES = 40        # of a folder
ACROSS = {"router": ("web", "ctcore"), "web": ("ctcore",), "ctcore": ()}
WORST = 10 ** 6     # the level of a folder without one


WORD = re.compile(r"\b[A-Za-z_]\w*\b")
TAG = re.compile(r"\b(?:struct|union|enum)\s+\w+")


def words(text):
    """Identifiers that may be symbols."""
    return set(WORD.findall(TAG.sub("", text)))


def parts(text):
    """A header's words: of its declarations, and of its braces and macros."""
    bare, inner, braces = tree.code(text), set(), re.compile(r"\{[^{}]*\}")
    macros = words(tree.blank(text)) - words(bare)
    while braces.search(bare):
        inner |= words(" ".join(braces.findall(bare)))
        bare = braces.sub(";", bare)
    return words(bare), inner | macros


def node(path):
    base, ending = os.path.splitext(path)
    return path if ending == ".def" else base


def top(name):
    return name.split("/")[0]


class Graph:
    """uses[a][b]: how file a uses file b, in words."""

    def __init__(self, root):
        self.root = root
        self.paths = tree.files(root, (".c", ".h", ".def", ".S"), TOPS)
        self.uses = {node(p): {} for p in self.paths}
        self.objects = release.objects(root)
        self.home = {}      # symbol: node that defines it
        self.functions = set()
        for path, (offers, _) in self.objects.items():
            self.home.update((name, node(path)) for name in offers)
            self.functions.update(name for name, kind in offers.items()
                                  if kind in "TWi")
        for path in self.paths:
            self.by_include(path)
            self.by_header(path)
        for path, (_, asks) in self.objects.items():
            for name in sorted(asks & self.home.keys()):
                self.add(path, self.home[name], f"{path} asks for {name}")

    def add(self, path, to, why):
        if to in self.uses and to != node(path):
            self.uses[node(path)].setdefault(to, why)

    def by_include(self, path):
        for line, kind, name in tree.includes(tree.read(self.root, path)):
            base = tree.quoted_from(path)[0] if kind == '"' else "include"
            self.add(path, node(os.path.normpath(os.path.join(base, name))),
                     f"{path}:{line} includes {name}")

    def by_header(self, path):
        """What a header's macros and inline functions ask for is asked by it,
        wherever the compiler puts it."""
        if not path.endswith((".h", ".def")) or top(path) == "include":
            return
        text = tree.read(self.root, path)
        for name in sorted(parts(text)[1] & self.functions):
            self.add(path, self.home[name], f"{path} names {name}")

    def knots(self):
        """Sets of files each of which uses, over others, each (Tarjan)."""
        at, low, stack, out = {}, {}, [], []

        def visit(name):
            at[name] = low[name] = len(at)
            stack.append(name)
            for to in self.uses[name]:
                if to not in at:
                    visit(to)
                if to in stack:
                    low[name] = min(low[name], low[to])
            if low[name] == at[name]:
                knot = set(stack[stack.index(name):])
                del stack[stack.index(name):]
                if len(knot) > 1:
                    out.append(knot)
        for name in sorted(self.uses):
            if name not in at:
                visit(name)
        return sorted(out, key=min)

    def circle(self, knot):
        """A shortest circle in a knot, as (from, to) pairs."""
        best = None
        for start in sorted(knot):
            came, queue = {}, [start]
            for name in queue:
                for to in sorted(self.uses[name].keys() & knot):
                    if to not in came:
                        came[to] = name
                        queue.append(to)
            way = [start]
            while len(way) == 1 or way[-1] != start:
                way.append(came[way[-1]])
            if best is None or len(way) < len(best):
                best = way
        best.reverse()
        return list(zip(best, best[1:]))


def level(levels, name):
    """(module, level) of a file; what lies in include/ is below all."""
    if top(name) == "include":
        return "include", 0
    mine = tree.module(name) or top(name)
    return mine, levels.get(mine, WORST)


def circles(graph):
    for knot in graph.knots():
        pairs = graph.circle(knot)
        yield (f"R3: circle {' -> '.join(a for a, _ in pairs)} -> "
               f"{pairs[0][0]} (in a knot of {len(knot)} files): "
               + "; ".join(graph.uses[a][b] for a, b in pairs))


def arrows(graph, levels):
    """{(module, module): [how]} inside of the top folders."""
    seen = collections.defaultdict(list)
    for name, uses in sorted(graph.uses.items()):
        for to, why in sorted(uses.items()):
            a, b = level(levels, name)[0], level(levels, to)[0]
            if a != b and top(name) == top(to):
                seen[a, b].append(why)
    return seen


def upward(graph, levels):
    for name in sorted({level(levels, n)[0] for n in graph.uses}
                       - {"include", *levels}):
        yield f"{name}: R3: no level in test/structure/README.md"
    for (a, b), whys in arrows(graph, levels).items():
        if levels.get(b, WORST) >= levels.get(a, WORST):
            yield (f"R3: {a} (level {levels.get(a, '?')}) uses {b} "
                   f"(level {levels.get(b, '?')}): {'; '.join(whys)}")


def told(graph, owner):
    """What include/owner says."""
    return "".join(tree.blank(tree.read(graph.root, p)) for p in graph.paths
                   if p.startswith(f"include/{owner}/"))


def across(graph):
    """Symbols that one top folder asks another for are public ones."""
    public = {owner: words(told(graph, owner))
              for owner in tree.PRIVATE}
    for path, (_, asks) in sorted(graph.objects.items()):
        for name in sorted(asks & graph.home.keys()):
            owner = top(graph.home[name])
            if owner == top(path):
                continue
            if owner not in ACROSS.get(top(path), ()):
                yield f"{path}: R1: asks for {name} of {graph.home[name]}"
            elif name not in public[owner]:
                yield (f"{path}: R1: asks for {name}, which no header of "
                       f"include/{owner} declares")


def headers(graph):
    """A private header declares the functions of one source file: of its
    name's, if there is one; by a macro, too.  What is in braces declares
    none."""
    for path in graph.paths:
        if not path.endswith(".h") or top(path) not in tree.PRIVATE:
            continue
        text = tree.read(graph.root, path)
        homes = {graph.home[name] for name in parts(text)[0] & graph.functions
                 if top(graph.home[name]) == top(path)}
        if node(path) + ".c" in graph.objects:
            other = homes - {node(path)}
        else:
            other = homes if len(homes) > 1 else ()
        if other:
            yield (f"{path}: R3: declares functions of "
                   + ", ".join(sorted(other)))


def nouns(path, common):
    """What shared functions of ctcore/A/B/file.c may begin with: A_file,
    A_B_file, B_file; and file, unless files of two folders have that name and
    the module is not called so itself."""
    noun = os.path.splitext(os.path.basename(path))[0]
    folders = os.path.dirname(path).split("/")[1:]
    out = ["_".join(folders[first:] + [noun])
           for first in range(len(folders))]
    if folders:
        out.append(f"{folders[0]}_{noun}")
    if not folders or noun == folders[0] or noun not in common:
        out.insert(0, noun)
    return out


def names(graph):
    homes = collections.defaultdict(set)
    for path in graph.objects:
        noun = os.path.splitext(os.path.basename(path))[0]
        homes[noun].add(os.path.dirname(path))
    common = {noun for noun, at in homes.items() if len(at) > 1}
    public = words(told(graph, "ctcore"))
    for path, (offers, _) in sorted(graph.objects.items()):
        for name in sorted(offers):
            if name not in graph.functions or name == "main" or \
                    (top(path) == "ctcore" and name.startswith("ct_") and
                     name in public):
                continue
            good = nouns(path, common)
            if not any(name == n or name.startswith(n + "_") for n in good):
                yield (f"{path}: R4: {name} is shared and does not begin with "
                       + " or ".join(dict.fromkeys(good)))


def sizes(root):
    for folder in tree.PRIVATE + ("include", "test", "docker"):
        for at, dirs, files in os.walk(os.path.join(root, folder)):
            dirs[:] = sorted(d for d in dirs if d not in tree.NO_SOURCES)
            if len(dirs) + len(files) > ENTRIES:
                yield (f"{os.path.relpath(at, root)}: R6: "
                       f"{len(dirs) + len(files)} entries, "
                       f"more than {ENTRIES}")


def show(graph, levels):
    """The modules, and which they use, by how many pairs of files."""
    count = collections.Counter(level(levels, n)[0] for n in graph.uses)
    seen = arrows(graph, levels)
    for owner in tree.PRIVATE:
        mine = sorted((m for m in count if top(m) == owner),
                      key=lambda m: (levels.get(m, WORST), m))
        print(f"{owner + ':':10} level  files  uses (pairs of files)")
        for m in mine:
            uses = ", ".join(f"{b.removeprefix(owner + '/')} {len(w)}"
                             for (a, b), w in sorted(seen.items()) if a == m)
            print(f"  {m.removeprefix(owner + '/'):10}{levels.get(m, '?'):>3}"
                  f"{count[m]:7}   {uses or '-'}")


def check(root):
    levels = tree.levels()
    try:
        graph = Graph(root)
    except release.Trouble as why:
        yield f"the release build fails: {why}"
        return "no build"
    show(graph, levels)
    for found in (circles(graph), upward(graph, levels), across(graph),
                  headers(graph), names(graph), sizes(root)):
        yield from found
    return f"{len(graph.objects)} objects, {len(graph.uses)} files"


tree.run(check)
