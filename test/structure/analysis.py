#!/usr/bin/env -S python3 -B
"""cppcheck finds no error and no warning in the sources.

What it takes for one and is none stands in KNOWN, with the reason.
"""
import os
import re
import shutil
import subprocess
import sys

import tree

# (identity, file): why it is no fault
KNOWN = {
    ("uninitvar", "ctcore/connlimit.c"):
        "without memory only sizes are counted; scratch's are, not its values",
    ("uninitvar", "ctcore/table.c"): "filled word by word, by atomic loads",
    ("comparePointers", "web/assets.c"):
        "both symbols are of one file, taken in by .incbin",
}
LINE = re.compile(r"^(\S+?):(\d+): (\w+): (\w+): (.*)$", re.M)


def short(path):
    """The file as KNOWN names it: its top folder and its name."""
    return f"{path.split('/')[0]}/{os.path.basename(path)}"


def check(root):
    paths = tree.files(root, (".c",), tree.PRIVATE)
    whole = {path for _, path in KNOWN} <= {short(p) for p in paths}
    done = subprocess.run(
        ["cppcheck", "-q", f"-j{os.cpu_count()}", "--std=c11",
         "--enable=warning,performance,portability", "-D_GNU_SOURCE",
         *(f"-I{folder}" for folder in ("include", *tree.PRIVATE)),
         "--template={file}:{line}: {severity}: {id}: {message}", *paths],
        cwd=root, text=True, capture_output=True)
    said = set(LINE.findall(done.stderr))
    for path, line, kind, name, text in sorted(said):
        if (name, short(path)) not in KNOWN:
            yield f"{path}:{line}: {kind} {name}: {text}"
    gone = set(KNOWN) - {(name, short(path)) for path, _, _, name, _ in said}
    for name, path in sorted(gone) if whole else ():
        yield f"{path}: cppcheck no longer says {name}: take it out of KNOWN"
    if done.returncode and not said:
        yield f"cppcheck: {done.stderr.strip()}"
    return f"{len(paths)} files" if paths else None


if not shutil.which("cppcheck"):
    print("SKIPPED: cppcheck is not installed")
    sys.exit(77)
tree.run(check)
