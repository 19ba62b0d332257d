#!/usr/bin/env -S python3 -B
"""R6: no file over 600 lines, no function over 80 (tables exempt)."""
import tree

FILE, FUNCTION = 600, 80


def check(root):
    seen = 0
    for p in tree.files(root, (".c", ".h", ".py", ".def", ".S", ".js", ".css", ".html",
                                ".cmake", "CMakeLists.txt")):
        text = tree.read(root, p)
        lines = text.count("\n")
        seen += 1
        if lines > FILE:
            yield f"{p}:1: R6: {lines} lines, more than {FILE}"
        if not p.endswith((".c", ".h")):
            continue
        for f in tree.functions(text):
            if f.length > FUNCTION:
                yield (f"{p}:{f.line}: R6: {f.name} has {f.length} lines, "
                       f"more than {FUNCTION}")
    return f"{seen} files" if seen else None


tree.run(check)
