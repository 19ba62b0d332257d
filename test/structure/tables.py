#!/usr/bin/env -S python3 -B
"""The manual's tables that say what lists say are made from them.

tables.py ROOT --write writes them; without it the check says which would change.
The two lines above a table's rows, and the last column of the tunables (where
the README says more than the list), stay as they are in the manual.
"""
import re
import sys

import requirements
import tree

WRITE = "python3 test/structure/tables.py . --write"
DIFFERENCES = "test/differential/differences.def"
PARAMS = "include/ctcore/params.def"
METRICS = ("include/ctcore/stats.def", "include/web/iface.def",
           "include/web/metrics.def")
OPTIONS = ("router/config/options.def", "include/ctcore/options.def",
           "include/web/options.def")
STRING = r'\s*"((?:[^"\\]|\\.)*)"'


def differences(text, old, name):
    for row in re.findall(r"\b\w\((\w+)," + ",".join([STRING] * 3) + r"\)",
                          tree.listed(text, name)):
        yield row


def tunables(text, old, name):
    """Those that are no durations and that the profiles differ in."""
    rows = re.findall(r"\bP\((\w+)," + r"\s*(\d+)," * 5 + STRING
                      + r",\s*\w+," + STRING + r"\)", tree.listed(text, name))
    durations = int(re.search(r"#define CT_N_TIMEOUTS (\d+)", text)[1])
    for name, linux, weir, rfc, _, _, _, text in rows[durations:]:
        if not linux == weir == rfc:
            yield name, linux, weir, rfc, old.get(name, text)


def metrics(text, old, name):
    """Every family of /metrics: with its label where samples are told apart."""
    type_of = {"COUNTER": "counter", "GAUGE": "gauge", "MAX": "gauge"}
    stats = re.findall(r"\bS\(\w+,\s*(\w+),\s*(\w+)(?:\(([^)]*)\))?,"
                       + STRING + r"\)", tree.listed(text, name))
    for group, family, label, each, means in re.findall(
            r"\bM\((\w+)," + STRING + "," + STRING + r",\s*(\w+)," + STRING,
            tree.listed(text, "CT_METRICS")):
        values = re.findall(rf'AMONG\({group}, "(\w+)"\)',
                            tree.listed(text, name))
        by = f"{means}, by {'worker and ' * (each == 'WORKER')}{label}"
        yield family, "counter", by + (": " + ", ".join(values)
                                       if values else "")
    for kind, form, family, means in stats:
        if form == "NAMED":
            yield family.strip('"'), type_of[kind], means
    for family, means in re.findall(r"\bC\(\w+," + STRING + "," + STRING,
                                    tree.listed(text, "IFACE_COUNTS")):
        yield family, "counter", means + ", by interface"
    yield from re.findall(r"\bM\(" + STRING + r",\s*(\w+),\s*\w+," + STRING,
                          tree.listed(text, "METRICS"))


WHEN = {"RELOAD": "at a reload", "START": "at the start",
        "LESS": "at a reload, up to its value at the start",
        "ON": "at a reload, if on at the start"}
OWN = {"TEXT": "text", "TEXT_OR_NULL": "text or null", "LIST": "list",
       "NUMBER_OR_NULL": "number or null"}


def values(kind, cells):
    """What an option may be, and its default, of what stands behind its field."""
    if kind == "NUMBER":
        default, least, most, unit = cells[:4]
        default = default if int(default) >= int(least) else ""
        return f"{least} to {most} {unit}".strip(), default
    if kind == "SWITCH":
        return "true, false", cells[0]
    if kind == "CHOICE":
        return cells[1].replace("|", ", "), cells[0]
    if kind == "TEXT":
        return f"{cells[2]}, {cells[1]} bytes at most", cells[0]
    return OWN[cells[0]], cells[1]


def options(text, old, name):
    """Fixed keys; <ctcore/option.h> says what their rows are."""
    for row in re.findall(r'\bO\((\w+,(?:"(?:[^"\\]|\\.)*"|[^"])*?)\)(?=\s|$)',
                          tree.listed(text, name)):
        cells = [(a or b).strip() for a, b in
                 re.findall(r'"((?:[^"\\]|\\.)*)"|([^,"\s][^,"]*)|(?<=,) *(?=,)',
                            row)]
        kind, path, _, *rest, when, text = cells
        may, default = values(kind, rest)
        yield (path[1:].replace("/", "."), may, default, WHEN[when], text)


LISTS = {"CT_WORDS_FAMILY": ("CT_FAMILIES", r"\bF\(\w+," + STRING),
         "CT_WORDS_INFO": ("CT_INFOS", r"\bI\(\w+," + STRING),
         "CT_WORDS_RULE_STATUS": ("CT_STATUSES", r"\bS\(\w+,\s*\d+,\s*[^,]+,"
                                  + STRING),
         "CT_WORDS_DSCP": ("CT_DSCPS", r"\bC\(" + STRING)}
MAY_BE = {"FAMILY": "{words}", "IFACE": "names of interfaces",
          "PROTO": "words such as `tcp`, or numbers from 0 to {top}, at most 6",
          "ONE_OF": "{words}", "BITS": "any of {words}",
          "MARK": "`5`, or `\"VALUE/MASK\"`: its bits in the mask",
          "LABELS": "0 to {top}, all of them; `not_{key}`: not all of them",
          "NUMBER": "0 to {top}, a range `\"A-B\"`{or_words}",
          "PORT": "0 to {top}, a range `\"A-B\"`; beside a `proto` with ports",
          "TYPE": "0 to {top}, a range, a name such as `echo-request`; beside "
                  "`proto`", "FLAG": "true",
          "ADDRS": "addresses, prefixes, ranges `A-B`, names of sets or "
                   "interfaces"}


def matches(text, old, name):
    for kind, key, words, top, says in re.findall(
            r"\bM\((\w+),\s*\w+," + STRING + r",[^,]*,\s*(\w+),\s*(\w+),"
            + STRING + r"\)", re.sub(r'"\s+"', "", tree.listed(text, name))):
        known = ""
        if words in LISTS:
            name_of, row = LISTS[words]
            known = " ".join(f"`{w}`" for w in
                             re.findall(row, tree.listed(text, name_of)))
        yield (key, MAY_BE[kind].format(
            key=key, top=top, words=known,
            or_words=f", or one of {known}" if known else ""), says)


GIVEN = {"WORD": "`verdict`", "QUEUE": "`verdict`", "TRUE": "true",
         "ZONE": "0 to 65535", "HELPER": "a helper", "LABELS": "0 to 127, or "
         "a list", "MARK": "`5`, or `\"VALUE/MASK\"`", "TIMEOUTS": "durations, "
         "such as `{ \"udp\": 5 }`", "MSS": "`\"pmtu\"`, or 88 to 65495",
         "TTL": "1 to 255, `\"+N\"`, `\"-N\"`",
         "DSCP": "as the match `dscp`, one", "TARGET": "an address, a range "
         "`A-B`, or a prefix, a pool of all its addresses; each with ports",
         "MASQUERADE": "true", "REDIRECT": "true, a port or a range",
         "NETMAP": "a prefix", "NO_NAT": "`\"none\"`"}
BESIDE = {"NOTHING": "", "REJECT_WITH": "; with `reject_with`",
          "PORTS": "; with `ports`, `random`, `persistent`"}
HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")


def stands_in(mask):
    named = re.findall(r"AT\((\w+)\)", mask)
    if "ANYWHERE" in mask:
        return ("everywhere but " if named else "everywhere") \
            + ", ".join(named).lower()
    return ", ".join(h for h in HOOKS if h in named).lower()


def actions(text, old, name):
    for word, hooks, kind, takes, says in re.findall(
            r"\bD\(\w+," + STRING + r",\s*\w+,([^\"]*?),\s*(\w+),\s*(\w+),"
            + STRING + r"\)",
            re.sub(r'"\s+"', "", tree.listed(text, "CT_VERDICTS")
                   + tree.listed(text, "CT_KEYED_ACTIONS"))):
        if kind != "NONE":
            yield word, GIVEN[kind] + BESIDE[takes], stands_in(hooks), says


README, RFCS = "README.md", "test/rfc/README.md"
REQUIREMENTS = (requirements.LIST,)

# Page, heading in it, lists, a macro of theirs, what makes rows of it.
TABLES = (
    (README, "## What /metrics says", METRICS, "CT_STATS", metrics),
    (README, "## Where weir is not the kernel", DIFFERENCES,
     "JUDGE_DIFFERENCES", differences),
    (README, "## Workers", DIFFERENCES, "JUDGE_WORKERS", differences),
    (README, "## What the profiles differ in", PARAMS, "CT_PARAMS", tunables),
    (README, "## Options", OPTIONS, r"\w+_OPTIONS", options),
    (README, "## Rules", ("include/ctcore/matches.def",
                          "include/ctcore/words.def"), "CT_MATCHES", matches),
    (README, "### Actions", "include/ctcore/words.def", "CT_VERDICTS", actions),
    (RFCS, "## The RFCs", REQUIREMENTS, None, requirements.subjects),
    (RFCS, "## The requirements", REQUIREMENTS, None, requirements.demands),
)


def fill(page, heading, rows):
    """The page with this table's rows made again, by rows(its old last cells);
    how many, or None."""
    before, found, rest = page.partition(heading + "\n")
    part, end, after = rest.partition("\n## ")
    m = re.search(r"^((?:\|.*\n){2})((?:\|.*\n)*)", part + "\n", re.M)
    if not found or not m:
        return page, None
    old = {cells[1].strip(" `"): cells[-2].strip()
           for cells in (line.split("|") for line in m[2].splitlines())}
    made = [f"| `{row[0]}` | " + " | ".join(row[1:]) + " |\n"
            for row in rows(old)]
    part = (part + "\n")[:m.start(2)] + "".join(made) \
        + (part + "\n")[m.end(2):]
    return before + found + part[:-1] + end + after, len(made)


def check(root):
    was = {page: tree.read(root, page) for page in (README, RFCS)}
    pages, n = dict(was), 0
    for page, heading, paths, name, rows in TABLES:
        paths = [paths] if isinstance(paths, str) else paths
        if not set(paths) <= set(tree.files(root, (".def", ".txt"))):
            continue
        text = "\n\n".join(tree.blank(tree.read(root, path), strings=False)
                           for path in paths)
        before = pages[page]
        pages[page], made = fill(
            before, heading,
            lambda old: rows(text, old, name) if name else rows(root))
        n += made or 0
        if not made:
            yield (f"{page}: no table below {heading}, or "
                   f"{name or paths[0]} has no row")
        elif pages[page] != before and "--write" not in sys.argv:
            yield (f"{page}: the table below {heading} is not what {paths[0]} "
                   f"says: {WRITE}")
    if "--write" in sys.argv:
        for page in (page for page in pages if pages[page] != was[page]):
            with open(f"{root}/{page}", "w", encoding="utf-8") as f:
                f.write(pages[page])
    return f"{n} rows" if n else None


tree.run(check)
