#!/usr/bin/env -S python3 -B
"""The library as its users get it: installed, found by pkg-config, linked."""
import os
import subprocess
import sys
import tempfile

import release

PROGRAM = r"""
#include <ctcore/ct.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct ct_config c = {.max = 1024, .n_shards = 1};
    struct ct *ct;
    void *block;

    ct_params_default(&c.params, CT_PROFILE_LINUX);
    block = aligned_alloc(64, ct_size(&c));
    ct = ct_init(block, &c, (ct_time){0});
    if (ct == NULL || ct_slots(ct) != 1024)
        return 1;
    printf("%s\n", ct_reason_name(CT_REASON_TABLE_FULL));
    free(block);
    return 0;
}
"""


def run(*args, **kw):
    done = subprocess.run(args, text=True, capture_output=True, **kw)
    if done.returncode:
        sys.exit(f"{' '.join(args)}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    root = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="weir-structure-") as tmp:
        prefix = tmp + "/usr"
        build = release.build(root, "ctcore", CMAKE_INSTALL_PREFIX=prefix)
        run("cmake", "--install", build, "--component", "ctcore")
        with open(tmp + "/user.c", "w") as f:
            f.write(PROGRAM)
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
