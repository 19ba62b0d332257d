"""planted_lists.py - faults for catalogue.py, tables of its lists, protocols.py

As in selftest.py: files of the well-kept tree, and what is planted in it.
"""

RFC = "test/rfc/requirements.txt"
WORDS = "include/ctcore/words.def"
PROTOS = ("#define CT_PROTOS(P) P(TCP, tcp, 6, 20) P(UDP, udp, 17, 8)\n"
          "#define CT_EXTENSIONS(X) X(ROUTING, 43)\n")

TREE = {
    "test/structure/catalogue.txt": "T1  blind resets\nK3  a host\n"
                                    "     by e2e.quiet\n",
    "test/scenario/tcp.c": "static void t1_resets(void **state)\n{\n"
                           "    (void)state;\n}\n\n"
                           "static void rfc793_s3_4_1_opens(void **state)\n{\n"
                           "    (void)state;\n}\n",
    "test/e2e/CMakeLists.txt": "set(cases\n    loud quiet)\n",
    "test/rfc/requirements.txt": """RFC 792 informs: ICMP

RFC 793: TCP

3.4.1 MUST
    It opens.

3.5 SHOULD
    It closes.
    by scenario.tcp t1_resets
    by e2e.quiet

3.6 MUST
    It waits.
    not patient
    enough
""",
    "test/rfc/README.md": """# RFCs

## The RFCs

| RFC | about | tests | none |
|---|---|---|---|
| `RFC 792` | ICMP |  |  |
| `RFC 793` | TCP | 2 | 1 |

## The requirements

| requirement | | what | tests |
|---|---|---|---|
| `RFC 793 3.4.1` | MUST | It opens. | `scenario.tcp rfc793_s3_4_1_opens` |
| `RFC 793 3.5` | SHOULD | It closes. | `e2e.quiet`, `scenario.tcp t1_resets` |
| `RFC 793 3.6` | MUST | It waits. | none: patient enough |
""",
}


def test(name):
    return f"static void {name}(void **state)\n{{\n    (void)state;\n}}\n"


FAULTS = [
    ("catalogue", "a failure without a test", "test/structure/catalogue.txt",
     "T2  ports\n", "no test bears T2"),
    ("catalogue", "one by a test that is none", "test/structure/catalogue.txt",
     "K4  hosts\n     by e2e.nothing\n", "K4 is by e2e.nothing"),
    ("catalogue", "a test of no row", "test/scenario/tcp.c",
     test("t9_reflection"), "t9_reflection bears T9"),
    ("catalogue", "a requirement without a test", RFC, "\n3.7 MUST\n    It is.\n",
     "RFC 793 3.7 has a test, or says why none"),
    ("catalogue", "one that has a test and says that it has none", RFC,
     "\n3.7 MUST\n    It is.\n    by e2e.loud\n    not so\n",
     "RFC 793 3.7 has a test, or says why none"),
    ("catalogue", "one by a function that the test lacks", RFC,
     "\n3.7 MUST\n    It is.\n    by scenario.tcp t2_gone\n",
     "RFC 793 3.7 is by scenario.tcp t2_gone, which is no test"),
    ("catalogue", "one by a function of another test", RFC,
     "\n3.7 MUST\n    It is.\n    by scenario.udp t1_resets\n",
     "RFC 793 3.7 is by scenario.udp t1_resets, which is no test"),
    ("catalogue", "one that informs", RFC, "\n3.7 informs\n    It is.\n", ""),
    ("catalogue", "a requirement twice", RFC,
     "\n3.5 MUST\n    It is.\n    by e2e.loud\n", "RFC 793 3.5 has two rows"),
    ("catalogue", "a requirement that says nothing", RFC,
     "\n3.7 MUST\n    by e2e.loud\n", "RFC 793 3.7 says nothing"),
    ("catalogue", "a level that there is not", RFC,
     "\n3.7 OUGHT\n    It is.\n    by e2e.loud\n", "3.7 OUGHT is no row"),
    ("catalogue", "a test of no requirement", "test/scenario/tcp.c",
     test("rfc793_s9_ends"), "rfc793_s9_ends bears RFC 793 9, which has no"),
    ("catalogue", "a test of no requirement, behind a failure's id",
     "test/scenario/tcp.c", test("t1_rfc793_req5b_ends"),
     "t1_rfc793_req5b_ends bears RFC 793 REQ-5b, which has no row"),
    ("catalogue", "a test of an RFC that no row of it names",
     "test/scenario/tcp.c", test("rfc793_ends"),
     "rfc793_ends bears RFC 793, which has no row"),
    ("catalogue", "a source that cites what is unknown", "ctcore/nat.c",
     "/* RFC 794: so */\n", "ctcore/nat.c: cites RFC 794, which has no row"),
    ("catalogue", "a source that cites a section without a row", "web/server.c",
     "/* As RFC\n * 793 s3.4, s8 asks. */\n",
     "web/server.c: cites RFC 793 8, which has no row"),
    ("catalogue", "a source that cites what only informs", "web/server.c",
     "/* RFC 792 section 7, RFC 793 3.5 and 3.6 */\n", ""),
    ("catalogue", "an RFC that is cited nowhere", RFC, "\nRFC 795: so\n",
     "no source cites RFC 795"),
    ("tables", "a requirement that the page lacks", RFC,
     "\n3.7 informs\n    It is.\n", "The requirements is not what test/rfc/"),
    ("tables", "an RFC that the page lacks", RFC, "\nRFC 795 informs: so\n",
     "The RFCs is not what test/rfc/requirements.txt says"),
    ("tables", "a requirement whose tests are others", "test/scenario/tcp.c",
     test("rfc793_s3_5_ends"), "The requirements is not what test/rfc/"),
    *(("protocols", what, {WORDS: PROTOS, path: text}, None, says)
      for what, path, text, says in (
        ("a list without a row", WORDS, "", "no protocol in it"),
        ("a number compared", "ctcore/nat.c",
         "\nint nat_is(int proto)\n{\n    return proto == 6;\n}\n",
         "6 beside a protocol"),
        ("a number put", "router/main.c",
         "\nvoid main_put(struct m *m)\n{\n    m->next_header = 0x11;\n}\n",
         "0x11 beside a protocol"),
        ("a number in a switch", "ctcore/nat.c",
         "\nint nat_of(int proto)\n{\n    switch (proto) {\n    case 17:\n"
         "        return 1;\n    }\n    return 0;\n}\n", "case 17"),
        ("a name of the system's", "ctcore/nat.c",
         "\nint nat_p(void)\n{\n    return IPPROTO_UDP;\n}\n",
         "IPPROTO_UDP, which is for sockets"),
        ("a second list of numbers", "router/main.c",
         "\nenum { MAIN_UDP = 17 };\n", "MAIN_UDP = 17: CT_PROTO_UDP"),
        ("a list of extensions", "router/main.c",
         "\nenum { ROUTING = 43 };\n", "ROUTING = 43: CT_PROTO_ROUTING"),
        ("a name", "router/main.c",
         '\nconst char *main_n(void)\n{\n    return "udp";\n}\n',
         '"udp": ct_word_name'),
      )),
]
