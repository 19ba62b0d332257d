#!/usr/bin/env -S python3 -B
"""No bare protocol number or name: include/ctcore/words.def has them all.

A protocol's number is CT_PROTO_NAME: no literal is compared with, or put into,
what is called a protocol or a next header, none is a case of a switch over one,
and none is called by a protocol's name.  IPPROTO_NAME is for the kernel's
sockets alone.  A protocol's name is asked for by ct_word_name()."""
import re

import tree

WHERE = ("ctcore", "router", "web", "include")
WORDS = "include/ctcore/words.def"
# A text that is no name of a protocol.
TEXTS = {
    ("router/kernel/netlink/rules.c", "icmp"): "a match of xtables",
}

NAMED = r"\b\w*(?:proto|protonum|next_header|nexthdr)\b(?:\))*"
LITERAL = r"(?:[1-9]\d*|0[xX][0-9a-fA-F]+)[uUlL]*\b"
PUT = re.compile(NAMED + r"\s*(?:==|!=|=|<=|>=|<|>)\s*(" + LITERAL + ")")
SWITCH = re.compile(r"\bswitch\s*\([^{]*" + NAMED + r"[^{]*\)\s*\{")
CASE = re.compile(r"\bcase\s+(" + LITERAL + ")")
SOCKETS = re.compile(r"\b(?:socket|[gs]etsockopt)\s*\([^;]*?\)")
STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"')
ROW = re.compile(r"\b[PNX]\((\w+),\s*(?:(\w+)|\"([^\"]*)\"),?\s*(\d*)")


def rows(text):
    """{NAME: number}, and the names that are printed."""
    numbers, names = {}, set()
    for part in ("CT_PROTOS", "CT_BARE_PROTOS", "CT_EXTENSIONS"):
        for name, word, quoted, number in ROW.findall(tree.listed(text, part)):
            if number:
                numbers[name] = number
                names.add(word or quoted)
            else:
                numbers[name] = word
    return numbers, names


def block(code, at):
    """The braces that open before AT, as text."""
    depth, i = 1, at
    while depth and i < len(code):
        depth += {"{": 1, "}": -1}.get(code[i], 0)
        i += 1
    return code[at:i]


def faults(path, text, numbers, names):
    code = tree.code(text)
    for m in PUT.finditer(code):
        yield m.start(1), f"{m[1]} beside a protocol: CT_PROTO_NAME"
    for m in SWITCH.finditer(code):
        for c in CASE.finditer(block(code, m.end())):
            yield m.end() + c.start(1), f"case {c[1]}: CT_PROTO_NAME"
    bare = SOCKETS.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), code)
    for m in re.finditer(r"\bIPPROTO_\w+", bare):
        yield m.start(), f"{m[0]}, which is for sockets: CT_PROTO_NAME"
    whole = tree.blank(text, strings=False)
    for name, number in numbers.items():
        for m in re.finditer(rf"\b\w*(?<![A-Z]){name}\b\s*=?\s*{number}\b",
                             re.sub(r'"[^"\n]*"', '""', whole)):
            yield m.start(), f"{' '.join(m[0].split())}: CT_PROTO_{name}"
    if path.endswith(".def"):
        return
    for m in STRING.finditer(whole):
        if m[1] in names and (path, m[1]) not in TEXTS:
            yield m.start(), f'{m[0]}: ct_word_name(CT_WORDS_PROTO, ...)'


def check(root):
    if WORDS not in tree.files(root, (".def",), ("include",)):
        return "no list"  # what it is included by would not build
    numbers, names = rows(tree.blank(tree.read(root, WORDS), strings=False))
    if not numbers:
        yield f"{WORDS}: no protocol in it"
    n = 0
    for path in tree.files(root, (".c", ".h", ".def"), WHERE):
        if path == WORDS:
            continue
        n += 1
        text = tree.read(root, path)
        for at, what in sorted(faults(path, text, numbers, names)):
            yield f"{path}:{text.count(chr(10), 0, at) + 1}: {what}"
    return f"{n} files, {len(numbers)} protocols"


tree.run(check)
