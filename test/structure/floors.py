#!/usr/bin/env -S python3 -B
"""R3: no circles; in ctcore a room uses rooms of lower floors only.

A room is a .c file and its .h, and what floors.txt puts together: a circle
through two rooms is one even when the compiler would not mind.  Files must not
form a circle either.
"""
import os

import tree


def floors():
    """{room: floor}, {part: room}"""
    seen, parts = {}, {}
    for first, *names in tree.table("floors.txt"):
        if first == "together:":
            parts.update({part: names[0] for part in names[1:]})
        else:
            seen.update({name: int(first.rstrip(":")) for name in names})
    return seen, parts


FLOOR, PART = floors()


def room(path):
    base = os.path.splitext(path)[0]
    return PART.get(base, base)


def edges(root, paths, node):
    """{node: {node used: 'file:line'}}"""
    nodes = {node(p) for p in paths}
    out = {n: {} for n in nodes}
    for p in paths:
        for line, kind, name in tree.includes(tree.read(root, p)):
            base = os.path.dirname(p) if kind == '"' else "include"
            to = node(os.path.normpath(os.path.join(base, name)))
            if to in nodes and to != node(p):
                out[node(p)].setdefault(to, f"{p}:{line}")
    return out


def circle(graph):
    """One circle as a list of rooms, or None."""
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
    paths = tree.files(root, (".c", ".h", ".def"),
                       ("ctcore", "router", "web", "include"))
    graph = edges(root, paths, room)
    for g in (graph, edges(root, paths, lambda path: path)):
        found = circle(g)
        if not found:
            continue
        where = ", ".join(g[a][b] for a, b in zip(found, found[1:]))
        yield f"{where}: R3: circle {' -> '.join(found)}"
    core = sorted(r for r in graph if r.startswith("ctcore/"))
    for r in core:
        me = os.path.basename(r)
        if me not in FLOOR:
            yield f"{r}: R3: on no floor: add it to test/structure/floors.txt"
            continue
        for to, where in sorted(graph[r].items()):
            other = os.path.basename(to)
            if to.startswith("ctcore/") and \
                    FLOOR.get(other, 0) >= FLOOR[me]:
                yield (f"{where}: R3: {me} (floor {FLOOR[me]}) uses {other} "
                       f"(floor {FLOOR[other]})")
    return f"{len(graph)} rooms" if core else None


tree.run(check)
