#!/usr/bin/env -S python3 -B
"""selftest.py - planted faults: proof that the structure checks can fail

A small well-kept source tree is made in a temporary folder.  Every check must
find nothing there; then each fault below is planted alone, and the check that
it belongs to must fail and name it.
"""
import os
import shutil
import subprocess
import sys
import tempfile

import planted_lists

HERE = os.path.dirname(os.path.abspath(__file__))

TREE = {
    "CMakeLists.txt": "cmake_minimum_required(VERSION 3.25)\n"
                      "project(small LANGUAGES C)\n"
                      "add_subdirectory(ctcore)\n"
                      "add_subdirectory(web)\nadd_subdirectory(router)\n",
    ".gitignore": "/build/\n",
    "LICENSE": "",
    "README.md": "# small\n",
    "test/differential/README.md":
        "# small\n\n## Workers\n\n| `id` | a | b | why |\n"
        "|---|---|---|---|\n| `few` | one | many | parts |\n"
        "\n## Where weir is not the kernel\n\n| `id` | a | b | why |\n"
        "|---|---|---|---|\n| `slow` | fast | slow | care |\n",
    "ctcore/CMakeLists.txt": "add_library(ctcore STATIC nat.c table.c\n"
                             "    base/pool.c proto/udp.c)\n"
                             "target_include_directories(ctcore PRIVATE\n"
                             "    ../include .)\n",
    "include/ctcore/lists.h":
        "#ifndef LISTS_H\n#define LISTS_H\n#include <ctcore/reasons.def>\n"
        "enum ct_reason {\n#define R(name, text) CT_REASON_##name,\n"
        "    CT_REASONS(R)\n#undef R\n        CT_N_REASONS\n};\n"
        "int ct_nat_ports(void);\n#endif\n",
    "include/ctcore/reasons.def":
        "#define CT_REASONS(R)          \\\n"
        "    R(NONE,    \"well\")      \\\n"
        "    R(NO_PORT, \"no port\")\n",
    "include/web/source.h":
        "#ifndef SOURCE_H\n#define SOURCE_H\n#include <ctcore/lists.h>\n"
        "struct web_source {\n    int n;\n};\n#endif\n",
    "ctcore/base/pool.h":
        "#ifndef POOL_H\n#define POOL_H\nint base_pool_size(int n);\n#endif\n",
    "ctcore/base/pool.c":
        '#include "base/pool.h"\n\n'
        "int base_pool_size(int n)\n{\n    return 2 * n;\n}\n",
    "ctcore/proto/udp.h":
        "#ifndef UDP_H\n#define UDP_H\nint proto_udp_wait(int n);\n#endif\n",
    "ctcore/proto/udp.c":
        '#include "proto/udp.h"\n\n#include "base/pool.h"\n\n'
        "int proto_udp_wait(int n)\n{\n    return base_pool_size(n);\n}\n",
    "ctcore/table.h":
        "#ifndef TABLE_H\n#define TABLE_H\n#include <stddef.h>\n"
        "void table_clear(void *p, size_t n);\n#endif\n",
    "ctcore/table.c":
        '#include "table.h"\n#include <string.h>\n\n'
        "void table_clear(void *p, size_t n)\n{\n    memset(p, 0, n);\n}\n",
    "ctcore/nat.h":
        "#ifndef NAT_H\n#define NAT_H\n#include <ctcore/lists.h>\n"
        "enum ct_reason nat_setup(int port);\n"
        "#endif\n",
    "ctcore/nat.c":
        '#include "nat.h"\n\n#include "table.h"\n\n'
        "static enum ct_reason choose(int port)\n{\n"
        "    return port ? CT_REASON_NONE : CT_REASON_NO_PORT;\n}\n\n"
        "enum ct_reason nat_setup(int port)\n{\n    return choose(port);\n}\n"
        "\nint ct_nat_ports(void)\n{\n    return 0;\n}\n",
    "router/CMakeLists.txt": "add_executable(weir main.c)\n"
                             "target_include_directories(weir PRIVATE\n"
                             "    ../include .)\n",
    "router/log.h": "#ifndef LOG_H\n#define LOG_H\nvoid log_line(void);\n"
                    "#endif\n",
    "router/main.c": '#include "log.h"\n\n#include <web/source.h>\n\n'
                     "int main(void)\n{\n    return 0;\n}\n",
    "web/CMakeLists.txt": "add_library(web STATIC server.c)\n"
                          "target_include_directories(web PRIVATE\n"
                          "    ../include .)\n",
    "web/server.c": "/* RFC 792 */\n#include <web/source.h>\n\n"
                    "int server_start(void)\n{\n    return 0;\n}\n",
    "test/CMakeLists.txt": "add_executable(test_tcp scenario/tcp.c\n"
                           "    differential/script.c)\n",
    "test/unit/CMakeLists.txt": "weir_unit(ctcore/proto/udp testlib)\n",
    "test/unit/rig.h": "#ifndef RIG_H\n#define RIG_H\n"
                       '#include "base/pool.h"\n#include "table.h"\n#endif\n',
    "test/unit/ctcore/proto/udp.c": '#include "proto/udp.h"\n\n'
                                    '#include "rig.h"\n',
    "test/differential/differences.def":
        '#define JUDGE_WORKERS(W) W(few, "one", "many", "parts")\n'
        "#define JUDGE_WORKERS_UNSHOWN(U) \n#define JUDGE_UNSHOWN(U) \n"
        '#define JUDGE_DIFFERENCES(D) D(slow, "fast",\\\n  "slow", "care") \\\n',
    "test/differential/script.c":
        'struct script s = {.differs = "slow", .workers = "few"};\n',
    **planted_lists.TREE,
}

LONG = "\nstatic int endless(void)\n{\n" + "    ;\n" * 80 + "    return 0;\n}\n"
TABLE = ("\nint nat_table(void)\n{\n    static const int t[] = {\n"
         + "        0,\n" * 100 + "    };\n    return t[0];\n}\n")
ROWS = TABLE.replace("nat_table", "nat_rows").replace(
    "static const int t[]", "static const struct {\n        int n;\n    } t[]"
).replace("t[0]", "t[0].n")



def function(name, calls=None):
    """A shared function that calls another one without any header."""
    call = f"{calls}()" if calls else "0"
    return ((f"int {calls}(void);\n" if calls else "")
            + f"int {name}(void);\nint {name}(void)\n{{\n"
              f"    return {call};\n}}\n")


def header(*names):
    return "".join(f"int {name}(void);\n" for name in names)


def sources(owner, **texts):
    """Files, and those of them that are compiled: base__a for base/a.c, _h for
    a header."""
    files = {}
    for name, text in texts.items():
        path = name.replace("__", "/")
        path = path[:-2] + ".h" if path.endswith("_h") else path + ".c"
        files[f"{owner}/{path}"] = text
    listed = " ".join(p.partition("/")[2] for p in files if p.endswith(".c"))
    target = {"router": "weir"}.get(owner, owner)
    files[f"{owner}/CMakeLists.txt"] = \
        f"target_sources({target} PRIVATE {listed})\n"
    return files


SHARED = header("a_x", "b_x")
MODULES = [
    ("modules", "a circle by symbols behind a shared header", sources(
        "ctcore", base__shared_h=SHARED,
        base__a='#include "base/shared.h"\n' + function("a_x", "b_x"),
        base__b='#include "base/shared.h"\n' + function("b_x", "a_x")),
     None, "R3: circle ctcore/base/a -> ctcore/base/b -> ctcore/base/a"),
    ("modules", "a circle by symbols without a header", sources(
        "ctcore", base__a=function("a_x", "b_x"),
        base__b=function("b_x", "c_x"), base__c=function("c_x", "a_x")),
     None, "R3: circle ctcore/base/a -> ctcore/base/b -> ctcore/base/c -> "),
    ("modules", "a circle by includes alone", sources(
        "ctcore", base__a_h='#include "base/b.h"\n', base__b_h="\n",
        base__a=function("a_x"),
        base__b='#include "base/a.h"\n' + function("b_x")),
     None, "R3: circle ctcore/base/a -> ctcore/base/b -> ctcore/base/a"),
    ("modules", "a circle half by an include and half by a symbol", sources(
        "ctcore", base__a_h="struct a {\n    int n;\n};\n",
        base__a=function("a_x", "b_x"),
        base__b='#include "base/a.h"\n' + function("b_x")),
     None, "R3: circle ctcore/base/a -> ctcore/base/b -> ctcore/base/a"),
    ("modules", "a circle among public headers", "include/ctcore/lists.h",
     "#include <web/source.h>\n", "R3: circle include/"),
    ("modules", "files of one name in two folders are two", sources(
        "ctcore", base__udp=function("base_udp_x"),
        proto__more=function("more_x", "base_udp_x"),
        proto__last=function("last_x", "proto_udp_wait")), None, ""),
    ("modules", "an arrow up by an include", sources(
        "ctcore", base__a='#include "proto/udp.h"\n' + function("a_x")),
     None, "R3: ctcore/base (level 1) uses ctcore/proto (level 2)"),
    ("modules", "an arrow up by a symbol", sources(
        "ctcore", base__a=function("a_x", "b_x"), proto__b=function("b_x")),
     None, "R3: ctcore/base (level 1) uses ctcore/proto (level 2)"),
    ("modules", "an arrow to a module of the same level", sources(
        "ctcore", frag__a=function("a_x", "b_x"), table__b=function("b_x")),
     None, "R3: ctcore/frag (level 4) uses ctcore/table (level 4)"),
    ("modules", "a module that uses a file of the top folder", sources(
        "ctcore", hook__a='#include "nat.h"\n' + function("a_x")),
     None, "R3: ctcore/hook (level 9) uses ctcore (level 10)"),
    ("modules", "a module without a level", sources(
        "ctcore", extra__a=function("a_x")),
     None, "ctcore/extra: R3: no level"),
    ("modules", "the core asks web for a symbol", sources(
        "ctcore", base__a=function("a_x", "server_start")),
     None, "ctcore/base/a.c: R1: asks for server_start of web/server"),
    ("modules", "the router asks for a symbol that the core does not offer",
     sources("router", log=function("log_line", "base_pool_size")),
     None, "router/log.c: R1: asks for base_pool_size"),
    ("modules", "a header for two files", sources(
        "ctcore", base__shared_h=SHARED, base__a=function("a_x"),
        base__b=function("b_x")),
     None, "shared.h: R3: declares functions of ctcore/base/a, ctcore/base/b"),
    ("modules", "a header that declares another file's function", sources(
        "ctcore", base__a_h=SHARED, base__a=function("a_x"),
        base__b=function("b_x")),
     None, "ctcore/base/a.h: R3: declares functions of ctcore/base/b"),
    ("modules", "a header for two files, by a macro", sources(
        "ctcore", base__shared_h="#define MADE(name) int name(void)\n"
        "MADE(a_x);\nMADE(b_x);\n", base__a=function("a_x"),
        base__b=function("b_x")),
     None, "shared.h: R3: declares functions of ctcore/base/a, ctcore/base/b"),
    ("modules", "an arrow up by a header's macro", sources(
        "ctcore", base__a_h="#define A_UP() udp_b()\n",
        proto__udp_b=function("udp_b")), None, "ctcore/base/a.h names udp_b"),
    ("modules", "an arrow up by a header's inline function", sources(
        "ctcore", base__a_h="int udp_b(void);\nstatic inline int up(void)\n"
        "{\n    return udp_b();\n}\n", proto__udp_b=function("udp_b")),
     None, "ctcore/base/a.h names udp_b"),
    ("modules", "a header for a file of another name", sources(
        "ctcore", base__face_h=header("a_x", "a_y"),
        base__a=function("a_x") + function("a_y")), None, ""),
    ("modules", "a macro makes a function without the file's noun", sources(
        "ctcore", base__a="#define MAKE(name) int name(void);\\\n"
        "    int name(void) { return 0; }\nMAKE(pick)\n"),
     None, "ctcore/base/a.c: R4: pick is shared and does not begin with a"),
    ("modules", "a shared function behind an attribute", "web/server.c",
     "\n__attribute__((noinline)) int begin(void);\n"
     "__attribute__((noinline)) int begin(void)\n{\n    return 0;\n}\n",
     "web/server.c: R4: begin is shared and does not begin with server"),
    ("modules", "ct_ is the core's alone", "web/server.c",
     function("ct_start"), "web/server.c: R4: ct_start is shared"),
    ("modules", "ct_ is for what is public", "ctcore/nat.c",
     function("ct_secret"), "ctcore/nat.c: R4: ct_secret is shared"),
    ("modules", "a static may be a bare verb", "web/server.c",
     "\nstatic inline int begin(void)\n{\n    return 0;\n}\n", ""),
    ("modules", "a module's noun and that of a folder below it", sources(
        "router", config__rule__match="".join(function(name) for name in (
            "config_match_x", "config_rule_match_x", "rule_match_x",
            "match_x"))), None, ""),
    ("modules", "a module's noun is not enough", "ctcore/proto/udp.c",
     function("proto_wait"),
     "proto_wait is shared and does not begin with udp or proto_udp"),
    ("modules", "a noun of two modules without its module's", sources(
        "ctcore", base__a=function("a_x"), proto__a=function("proto_a_x")),
     None, "base/a.c: R4: a_x is shared and does not begin with base_a"),
    ("modules", "a module's file of its own name", sources(
        "ctcore", frag__frag=function("frag_x"),
        nat__frag=function("nat_frag_x")), None, ""),
    ("modules", "a folder of 41 entries",
     {f"test/many/{n}": "" for n in range(41)},
     None, "test/many: R6: 41 entries, more than 40"),
    ("modules", "a folder of 40 entries",
     {f"test/many/{n}": "" for n in range(40)}, None, ""),
    ("modules", "sources that do not build", "ctcore/nat.c",
     "int broken(\n", "the release build fails"),
]

# check, what is planted, file, text put behind it (None: the file is removed),
# what the check must say; "" where it must stay content.  Several files are a
# dict of texts.
FAULTS = [
    ("includes", "web includes a router header", "web/server.c",
     "#include <log.h>\n", "private header of router"),
    ("includes", "web climbs into ctcore", "web/server.c",
     '#include "../ctcore/nat.h"\n', "climbs out"),
    ("includes", "the core asks for stdio", "ctcore/nat.c",
     "#include <stdio.h>\n", "C library's headers only"),
    ("includes", "the core asks the web", "ctcore/nat.c",
     "#include <web/source.h>\n", "ctcore may not use that folder"),
    ("includes", "the router includes the core's insides", "router/main.c",
     "#include <nat.h>\n", "private header of ctcore"),
    ("includes", "a public core header asks for stdio",
     "include/ctcore/lists.h", "#include <stdio.h>\n",
     "C library's headers only"),
    ("includes", "the router depends on test", "router/main.c",
     "#include <test/lib/world.h>\n", "router may not use that folder"),
    ("includes", "a path that begins in the file's own folder",
     "ctcore/proto/udp.c", '#include "udp.h"\n',
     "no header with this path from ctcore/"),
    ("includes", "a path that begins in another top folder",
     "web/server.c", '#include "proto/udp.h"\n',
     "no header with this path from web/"),
    ("includes", "a private header of another's folder in angles",
     "router/main.c", "#include <proto/udp.h>\n", "private header of ctcore"),
    ("includes", "a test that names no header", "test/unit/ctcore/proto/udp.c",
     '#include "udp.h"\n', "no header with this path"),
    ("includes", "a macro for a header's name", "ctcore/nat.c",
     '#define UP "table.h"\n#include UP\n', "a macro hides which header"),
    ("includes", "a header with another ending", "ctcore/nat.c",
     '#include "rows.inc"\n', "its name ends otherwise"),
    ("includes", "a remark is no include", "web/server.c",
     "/* #include <log.h> */\n", ""),
    ("symbols", "the core prints", "ctcore/table.c",
     "int printf(const char *, ...);\nvoid table_say(int n);\n"
     "void table_say(int n)\n{\n    printf(\"%d\", n);\n}\n",
     "table.c.o asks for printf"),
    ("symbols", "the core allocates", "ctcore/nat.c",
     "void *malloc(unsigned long);\nvoid *nat_new(void);\n"
     "void *nat_new(void)\n{\n    return malloc(8);\n}\n",
     "nat.c.o asks for malloc"),
    ("symbols", "an archive that nm can't read", "CMakeLists.txt",
     "target_compile_options(ctcore PRIVATE -flto -fno-fat-lto-objects)\n",
     "shows no ct_ symbol"),
    ("symbols", "an archive with nothing in it", "ctcore/CMakeLists.txt",
     "set_target_properties(ctcore PROPERTIES SOURCES empty.c)\n"
     "file(WRITE ${CMAKE_CURRENT_SOURCE_DIR}/empty.c \"int empty_x;\")\n",
     "shows no ct_ symbol"),
    ("symbols", "a core that does not build", "ctcore/nat.c",
     "int broken(\n", "release build fails"),
    ("analysis", "a variable that is never set", "ctcore/nat.c",
     "\nint nat_unset(void);\nint nat_unset(void)\n{\n    int x;\n\n"
     "    return x;\n}\n", "error uninitvar"),
    ("analysis", "text that does not parse", "router/main.c",
     "int broken(\n", "router/main.c"),
    ("lengths", "a file of 601 lines", "ctcore/nat.c", "\n" * 585,
     "lines, more than 600"),
    ("lengths", "a page of 601 lines", "web/page.js", "\n" * 601,
     "lines, more than 600"),
    ("lengths", "a function of more than 80", "ctcore/nat.c", LONG,
     "endless has 84 lines, more than 80"),
    ("lengths", "a table does not count", "ctcore/nat.c", TABLE, ""),
    ("lengths", "nor do rows of a struct", "ctcore/nat.c", ROWS, ""),
    ("heads", "a file without one", "web/stale.c", "int stale_x;\n",
     "web/stale.c:1: does not begin with: /* stale.c - "),
    ("heads", "one of another file", "web/stale.h", "/* old.h - old */\n",
     "web/stale.h:1: does not begin with: /* stale.h - "),
    ("heads", "one that says nothing", "web/rows.def", "/* rows.def */\n",
     "web/rows.def:1: does not begin with: /* rows.def - "),
    ("sources", "a glob", "router/CMakeLists.txt", "file(GLOB S *.c)\n",
     "GLOB: list sources by name"),
    ("sources", "a forgotten file", "web/stale.c", "int stale_x;\n",
     "web/stale.c: R6: in no CMakeLists.txt"),
    ("sources", "a forgotten file of assembly", "web/stale.S", "\n",
     "web/stale.S: R6: in no CMakeLists.txt"),
    ("sources", "a forgotten file of a name that another folder lists",
     "ctcore/base/nat.c", "int nat_x;\n",
     "ctcore/base/nat.c: R6: in no CMakeLists.txt"),
    ("sources", "a forgotten test", "test/unit/ctcore/base/pool.c",
     "int pool_x;\n", "test/unit/ctcore/base/pool.c: R6: in no"),
    ("sources", "a file that its folder's list names", "ctcore/proto/CMakeLists.txt",
     "add_library(proto STATIC udp.c)\n", ""),
    ("sources", "a file named only in a remark", "web/CMakeLists.txt",
     "# stale.c\n", ""),
    ("toplevel", "a new folder", "scripts/x.sh", "\n",
     "scripts: not allowed"),
    ("toplevel", "a new file", "NOTES.md", "\n", "NOTES.md: not allowed"),
    ("tables", "a row that the README lacks",
     "test/differential/differences.def",
     'D(new, "a", "b", "c")\n', "Where weir is not the kernel is not what"),
    ("tables", "a row of the README's alone", "test/differential/README.md",
     "| `old` | a | b | c |\n", "Where weir is not the kernel is not what"),
    ("tables", "a row that reads otherwise", "test/differential/README.md",
     "| `slow` | fast | slow | haste |\n", "is not what test/differential/"),
    ("tables", "a table that is not there", {
        "include/ctcore/params.def":
            '#define CT_PARAMS(P) P(a, 1, 0, 1, 0, 9, "", START, "b")\n'
            "#define CT_N_TIMEOUTS 0\n"}, None, "no table below ## What the"),
    ("tables", "a tunable with another default", {
        "ctcore/README.md": "\n## What the profiles differ in\n\n"
                     "| | | | | |\n|---|---|---|---|---|\n"
                     "| `a` | 1 | 1 | 0 | more than b |\n",
        "include/ctcore/params.def":
            "#define CT_PARAMS(P) \\\n"
            '    P(c, 9, 8, 7, 0, 9, "s", START, "a duration") \\\n'
            '    P(a, 1, 0, 1, 0, 9, "", START, "b") \\\n'
            '    P(d, 1, 1, 1, 0, 9, "", START, "alike")\n'
            "#define CT_N_TIMEOUTS 1\n"}, None, "differ in is not what"),
    ("tables", "a tunable of which the README says more", {
        "ctcore/README.md": "\n## What the profiles differ in\n\n"
                     "| | | | | |\n|---|---|---|---|---|\n"
                     "| `a` | 1 | 0 | 1 | more than b |\n",
        "include/ctcore/params.def":
            "#define CT_PARAMS(P) \\\n"
            '    P(a, 1, 0, 1, 0, 9, "", START, "b") \\\n'
            '    P(d, 1, 1, 1, 0, 9, "", START, "alike")\n'
            "#define CT_N_TIMEOUTS 0\n"}, None, ""),
    ("differences", "one that no case shows", "test/differential/script.c",
     None, "slow has no scripted case"),
    ("differences", "one that both is and is not shown",
     "test/differential/differences.def",
     '\n#define JUDGE_UNSHOWN(U) U(slow, "never")\n',
     "slow has a case, and is said to have none"),
    ("differences", "a case of none", "test/differential/script.c",
     'struct script t = {.differs = "gone"};\n', "no row gone"),
    ("offsets", "a field by its number", "ctcore/nat.c",
     "int nat_ttl(const uint8_t *ip);\n"
     "int nat_ttl(const uint8_t *ip)\n{\n    return ip[8];\n}\n",
     "naked offset: ip[8]"),
    ("offsets", "a field behind a number", "ctcore/nat.c",
     "unsigned nat_sum(const uint8_t *a, const uint8_t *ip)\n{\n"
     "    return load(a) + load(ip + 10);\n}\n",
     "naked offset: ip + 10"),
    ("offsets", "a field behind a length with a name", "router/main.c",
     "enum { HEADER_LEN = 20 };\nunsigned port(uint8_t *p)\n{\n"
     "    return load(p + HEADER_LEN);\n}\n",
     "naked offset: p + HEADER_LEN"),
    ("offsets", "a field of what a variable begins", "ctcore/nat.c",
     "struct pkt {\n    uint8_t *data;\n    unsigned l4;\n};\n"
     "int nat_flags(const struct pkt *p)\n{\n"
     "    return p->data[p->l4 + 13];\n}\n",
     "naked offset: ->data[p->l4 + 13]"),
    ("offsets", "the same, one byte further", "ctcore/nat.c",
     "struct pkt {\n    uint8_t *data;\n    unsigned l4;\n};\n"
     "int nat_code(const struct pkt *p)\n{\n"
     "    return p->data[p->l4 + 1];\n}\n",
     "naked offset: ->data[p->l4 + 1]"),
    ("offsets", "a second pointer of one declaration", "ctcore/nat.c",
     "int nat_same(const struct pkt *p)\n{\n"
     "    const uint8_t *x = p->begin, *y = p->end;\n\n"
     "    return *x == y[4];\n}\n",
     "naked offset: y[4]"),
    ("offsets", "a header made elsewhere", "ctcore/nat.c",
     "const void *nat_head(const uint8_t *p)\n{\n"
     "    return (const struct ct_tcp_header *)p;\n}\n",
     "makes bytes a header"),
    ("offsets", "a walk, an array, sizeof and text", "ctcore/nat.c",
     "int nat_walk(const uint8_t *p, unsigned n, const char *text)\n{\n"
     "    const uint8_t own[4] = {0};\n    unsigned i = 0;\n\n"
     "    while (i < n && p[i] != 0)\n        i += p[i + 1];\n"
     "    return own[2] + text[3] + *(p + sizeof own);\n}\n",
     ""),
    ("headers", "a header that needs another first", "ctcore/table.h",
     "struct holder {\n    uint32_t n;\n};\n",
     "ctcore/table.h: does not compile alone"),
    ("rows", "a reason never given", "include/ctcore/reasons.def",
     "#undef CT_REASONS\n#define CT_REASONS(R) R(NEVER, \"never\")\n",
     "CT_REASON_NEVER is used nowhere"),
    ("rows", "a reason only a remark names", "include/ctcore/reasons.def",
     "/* CT_REASON_IDLE */\n#define CT_REASONS(R) R(IDLE, \"idle\")\n",
     "CT_REASON_IDLE is used nowhere"),
    ("rows", "a reason never given, with the cause beside it",
     "include/ctcore/reasons.def",
     "#define CT_REASONS(R) \\\n"
     "    R(NEVER, \"never\") /* unused: a kernel's name */ \\\n", ""),
    ("rows", "a reason that is given and says it is not",
     "include/ctcore/reasons.def",
     "#define CT_REASONS(R) \\\n    R(NONE, \"well\") /* unused: why */\n",
     "CT_REASON_NONE is used"),
    ("rows", "a list without an enum", "include/ctcore/extra.def",
     "#define CT_EXTRA(R) R(IDLE, \"idle\")\n",
     "CT_EXTRA is made into no enum, nor expanded"),
    ("rows", "an option that nothing reads", "include/web/options.def",
     '#define WEB_OPTIONS(O) O(SWITCH, "/api/never", never, true, START, "b")\n',
     "/api/never is an option whose field never is read nowhere"),
    ("words", "a promise", "router/main.c", "/* TO" "DO: later */\n",
     "says TO" "DO"),
    ("words", "a page that is not here", "router/main.c",
     "/* net" "filter 2.1: first packets only */\n", "cites a page"),
    ("words", "a sentence that says not who", "router/main.c",
     "/* Some" "body reads it. */\n", "says Some" "body: say who"),
    ("words", "a promise in a script", "test/run", "# FIX" "ME\n",
     "test/run:1: says FIX" "ME"),
    ("format", "two statements in a line", "web/server.c",
     "int   server_x ;\n", "web/server.c: not formatted"),
]
FAULTS += MODULES + planted_lists.FAULTS
CHECKS = list(dict.fromkeys(f[0] for f in FAULTS))


def make(root):
    for path, text in TREE.items():
        at = os.path.join(root, path)
        os.makedirs(os.path.dirname(at), exist_ok=True)
        with open(at, "w", encoding="utf-8") as f:
            if path.endswith((".c", ".h", ".def")):
                f.write(f"/* {os.path.basename(path)} - small */\n")
            f.write(text)
    style = os.path.join(HERE, "..", "..", ".clang-format")
    shutil.copy(style, os.path.join(root, ".clang-format"))


def ask(check, root):
    """(exit status, what it said)"""
    done = subprocess.run(
        [sys.executable, "-B", os.path.join(HERE, check + ".py"), root],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def plant(check, path, text):
    with tempfile.TemporaryDirectory(prefix="weir-structure-") as root:
        make(root)
        texts = path if isinstance(path, dict) else {path: text}
        for path, text in texts.items() if path else ():
            at = os.path.join(root, path)
            os.makedirs(os.path.dirname(at), exist_ok=True)
            if text is None:
                os.remove(at)
            else:
                with open(at, "a", encoding="utf-8") as f:
                    f.write(text)
        return ask(check, root)


def main():
    wrong = 0
    only = sys.argv[1:] or CHECKS
    for check in only:
        cases = [("the tree as it should be", None, "", "")]
        cases += [f[1:] for f in FAULTS if f[0] == check]
        for what, path, text, want in cases:
            status, said = plant(check, path, text)
            if status == 77:
                print(f"SKIPPED {check}: {said.strip()}")
                break
            good = status == 0 if want == "" else status == 1 and want in said
            print(f"{'ok  ' if good else 'FAIL'} {check}: {what}")
            if not good:
                wrong += 1
                print(f"     wanted: {want or 'no fault'}\n     said: {said}")
    sys.exit(1 if wrong else 0)


main()
