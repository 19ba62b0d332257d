#!/usr/bin/env -S python3 -B
"""The library as its users get it: installed, found by pkg-config, linked."""
import os
import re
import subprocess
import sys
import tempfile

import release

PAGE = "ctcore/README.md"


def run(*args, **kw):
    done = subprocess.run(args, text=True, capture_output=True, **kw)
    if done.returncode:
        sys.exit(f"{' '.join(args)}\n{done.stdout}{done.stderr}")
    return done.stdout


def program(root):
    """The one that the library's page shows."""
    with open(os.path.join(root, PAGE), encoding="utf-8") as f:
        found = re.findall(r"^```c\n(.*?)^```$", f.read(), re.M | re.S)
    if len(found) != 1:
        sys.exit(f"{PAGE} shows {len(found)} programs, not one")
    return found[0]


def main():
    root = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="weir-structure-") as tmp:
        prefix = tmp + "/usr"
        build = release.build(root, "ctcore", CMAKE_INSTALL_PREFIX=prefix)
        run("cmake", "--install", build, "--component", "ctcore")
        with open(tmp + "/user.c", "w", encoding="utf-8") as f:
            f.write(program(root))
        for folder, _, names in os.walk(prefix):
            if "ctcore.pc" in names:
                env = dict(os.environ, PKG_CONFIG_PATH=folder)
        flags = run("pkg-config", "--cflags", "--libs", "ctcore",
                    env=env).split()
        run("cc", "-std=c11", "-Wall", "-Werror", tmp + "/user.c", "-o",
            tmp + "/user", *flags)
        said = run(tmp + "/user").strip()
        if said != "table_full":
            sys.exit(f"the installed library said {said!r}")
        print("installed, found and linked")


main()
