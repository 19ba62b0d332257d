#!/usr/bin/env -S python3 -B
"""A header compiles alone."""
import os
import shlex
import shutil
import subprocess

import tree


def flags(path):
    folder = path.split("/")[0]
    out = ["-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
           "-Wno-unused-function", "-Iinclude", "-x", "c"]
    out += ["-I" + at for at in tree.quoted_from(path)]
    if folder not in ("ctcore",) and not path.startswith("include/ctcore"):
        out.append("-D_GNU_SOURCE")
    return out


def check(root):
    uses = []
    if shutil.which("pkg-config"):
        uses = shlex.split(subprocess.run(
            ["pkg-config", "--cflags", "libuv", "jansson", "libmicrohttpd",
             "libmnl", "cmocka"], text=True, capture_output=True).stdout)
    paths = tree.files(root, (".h",))
    for p in paths:
        if "/fuzz/" in p:
            continue
        text = f'#include "{os.path.join(root, p)}"\n'
        done = subprocess.run(["cc", *flags(p), *uses, "-"], cwd=root,
                              input=text, text=True, capture_output=True)
        if done.returncode:
            said = [s for s in done.stderr.splitlines() if "error" in s]
            yield f"{p}: does not compile alone: {(said or ['?'])[0]}"
    return f"{len(paths)} headers" if paths else None


tree.run(check)
