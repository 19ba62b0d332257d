#!/usr/bin/env -S python3 -B
"""R2: libctcore asks the outside for nothing but a handful of mem functions.

Reads the machine code of the release archive with nm: of LTO objects nm shows
not what they ask for, and then the check could not fail.
"""
import os

import release
import tree

ALLOWED = {"memcpy", "memset", "memmove", "memcmp", "__memcpy_chk",
           "__memset_chk", "__memmove_chk", "__stack_chk_fail",
           "_GLOBAL_OFFSET_TABLE_"}     # the linker's own, of position
                                        # independent code: no function


def symbols(archive, *flags):
    """{symbol: {objects}}"""
    seen = {}
    for member, name, _ in release.symbols(archive, *flags):
        seen.setdefault(name, set()).add(member)
    return seen


def library(root):
    at = release.build(root, "ctcore")
    for folder, _, names in os.walk(at):
        if "libctcore.a" in names:
            return os.path.join(folder, "libctcore.a")
    raise release.Trouble("the build made no libctcore.a")


def check(root):
    try:
        archive = library(root)
        given = symbols(archive, "--defined-only", "--extern-only")
        asked = symbols(archive, "--undefined-only")
        members = release.run("ar", "t", archive).split()
    except release.Trouble as why:
        yield f"ctcore/CMakeLists.txt: R2: release build fails: {why}"
        return "no archive"
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
