#!/usr/bin/env -S python3 -B
"""R3: no circles; in ctcore a file uses files of lower floors only.

A node is a .c file and its .h, and what floors.txt puts together: a circle
through two nodes is one even when the compiler would not mind.  Files must not
form a circle either.  A file in a module's folder is judged by the module's
level: README.md.
"""
import os

import tree

TOPS = tree.PRIVATE + ("include",)


def floors():
    """{node: floor}, {part: node}"""
    seen, parts = {}, {}
    for first, *names in tree.table("floors.txt"):
        if first == "together:":
            parts.update({part: names[0] for part in names[1:]})
        else:
            seen.update({name: int(first.rstrip(":")) for name in names})
    return seen, parts


FLOOR, PART = floors()
LEVEL = tree.levels()


def node(path):
    base, ending = os.path.splitext(path)
    if tree.module(path):
        return path if ending == ".def" else base
    return PART.get(base, base)


def edges(root, paths, node):
    """{node: {node used: 'file:line'}}"""
    nodes = {node(p) for p in paths}
    out = {n: {} for n in nodes}
    for p in paths:
        for line, kind, name in tree.includes(tree.read(root, p)):
            base = tree.quoted_from(p)[0] if kind == '"' else "include"
            to = node(os.path.normpath(os.path.join(base, name)))
            if to in nodes and to != node(p):
                out[node(p)].setdefault(to, f"{p}:{line}")
    return out


def circle(graph):
    """One circle as a list of nodes, or None."""
    state, path = {}, []

    def walk(at):
        state[at] = 1
        path.append(at)
        for to in sorted(graph[at]):
            if state.get(to) == 1:
                return path[path.index(to):] + [to]
            if to not in state:
                found = walk(to)
                if found:
                    return found
        path.pop()
        state[at] = 2
        return None

    for r in sorted(graph):
        if r not in state:
            found = walk(r)
            if found:
                return found
    return None


def check(root):
    paths = tree.files(root, (".c", ".h", ".def"), TOPS)
    graph = edges(root, paths, node)
    between = {a: {b: where for b, where in uses.items()
                   if not tree.module(a) or tree.module(a) != tree.module(b)}
               for a, uses in graph.items()}
    for g in (between, edges(root, paths, lambda path: path)):
        found = circle(g)
        if not found:
            continue
        where = ", ".join(g[a][b] for a, b in zip(found, found[1:]))
        yield f"{where}: R3: circle {' -> '.join(found)}"
    for r in sorted(r for r in graph if r.startswith("ctcore/")):
        judge = upward if tree.module(r) else flat
        yield from judge(r, graph[r])
    return f"{len(graph)} nodes" if graph else None


def flat(name, uses):
    """A file of ctcore that lies in no module's folder."""
    me = os.path.basename(name)
    if me not in FLOOR:
        yield f"{name}: R3: on no floor: add it to test/structure/floors.txt"
        return
    for to, where in sorted(uses.items()):
        other = os.path.basename(to)
        if to.startswith("ctcore/") and not tree.module(to) and \
                FLOOR.get(other, 0) >= FLOOR[me]:
            yield (f"{where}: R3: {me} (floor {FLOOR[me]}) uses {other} "
                   f"(floor {FLOOR[other]})")


def upward(name, uses):
    mine = tree.module(name)
    if mine not in LEVEL:
        yield f"{name}: R3: {mine} is not in test/structure/README.md"
        return
    for to, where in sorted(uses.items()):
        other = tree.module(to)
        if other and other != mine and to.split("/")[0] == name.split("/")[0] \
                and LEVEL.get(other, 0) >= LEVEL[mine]:
            yield (f"{where}: R3: {mine} (level {LEVEL[mine]}) uses {other} "
                   f"(level {LEVEL.get(other, 0)})")


tree.run(check)
