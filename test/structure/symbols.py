#!/usr/bin/env -S python3 -B
"""R2: libctcore asks the outside for nothing but a handful of mem functions.

Builds the release archive in a folder of its own and reads it with nm: the
machine code of fat objects, for of LTO objects nm shows not what they ask for,
and then the check could not fail.
"""
import os
import subprocess
import tempfile

import tree

ALLOWED = {"memcpy", "memset", "memmove", "memcmp", "__memcpy_chk",
           "__memset_chk", "__memmove_chk", "__stack_chk_fail",
           "_GLOBAL_OFFSET_TABLE_"}     # the linker's own, of position
                                        # independent code: nobody's function


def build(root, at):
    for command in (
            ["cmake", "-S", root, "-B", at, "-G", "Ninja",
             "-DCMAKE_BUILD_TYPE=Release",
             "-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF", "-DWEIR_TESTS=OFF"],
            ["cmake", "--build", at, "--target", "ctcore", "-j", "2"]):
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode:
            return None, done.stdout.strip()
    for folder, _, names in os.walk(at):
        if "libctcore.a" in names:
            return os.path.join(folder, "libctcore.a"), ""
    return None, "the build made no libctcore.a"


def symbols(archive, *flags):
    """{symbol: {objects}}"""
    out = subprocess.run(["nm", "-A", "--format=posix", *flags, archive],
                         check=True, text=True, capture_output=True).stdout
    seen = {}
    for line in out.splitlines():
        where, rest = line.split(": ", 1)
        name = rest.split()[0]
        seen.setdefault(name, set()).add(where.rsplit("[", 1)[-1].rstrip("]"))
    return seen


def check(root):
    with tempfile.TemporaryDirectory(prefix="weir-structure-") as at:
        archive, trouble = build(root, at)
        if not archive:
            yield f"ctcore/CMakeLists.txt: R2: release build fails: {trouble}"
            return "no archive"
        # Of fat objects nm would read what is meant for the linker.
        subprocess.run(["objcopy", "--wildcard", "-R", ".gnu.lto_*", archive],
                       check=True)
        given = symbols(archive, "--defined-only", "--extern-only")
        asked = symbols(archive, "--undefined-only")
        members = subprocess.run(["ar", "t", archive], check=True, text=True,
                                 capture_output=True).stdout.split()
    outside = sorted(set(asked) - set(given))
    print("asks the outside for:", ", ".join(outside) or "nothing")
    print(f"offers {len(given)} symbols in {len(members)} objects")
    if not any(name.startswith("ct_") for name in given) or not outside:
        yield "libctcore.a: R2: nm shows no ct_ symbol or no memset: no code?"
    for name in outside:
        if name not in ALLOWED:
            users = ", ".join(sorted(asked[name]))
            yield f"libctcore.a: R2: {users} asks for {name}"
    return f"{len(given)} symbols" if given else None


tree.run(check)
