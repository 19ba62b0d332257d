#!/usr/bin/env -S python3 -B
"""R8: no naked offset into a packet.  Bytes become a header, a type of
include/ctcore/wire/, by its accessor, and nowhere else.

A pointer to bytes is what a packet comes as.  Such a pointer has no constant
behind it: neither p[12] nor p + HEADER_LEN, also behind a variable, as in
pkt->data[pkt->l4_off + 12].  A walk over options has variables: p[i], and the
next one, p[i + 1], but not so in a packet's own data.  Text is char.  sizeof and
offsetof name what they skip, and an array has a length that the compiler
knows."""
import re

import tree

WHERE = ("ctcore", "router", "web", "include")
PACKET = "data"                 # struct ct_pkt has it
ACCESSORS = "include/ctcore/wire/number.h"
# Bytes that are no header.
NO_PACKETS = {
    "ctcore/base/csum.c": "sums words, whatever they mean",
    "ctcore/proto/crc32c.c": "sums words, whatever they mean",
    "ctcore/proto/crc32c.h": "its number has its lowest byte first",
    "ctcore/helper/ftp.c": "reads text",
}

BYTES = r"\buint8_t\b\s*"
POINTER = re.compile(BYTES + r"(?:const\s+)?((?:\*+\s*(?:const\s+)?\w+"
                     r"(?:\s*=[^;,{}]*)?(?:,\s*|\s*(?=[;)=])))+)")
NAME = re.compile(r"\*\s*(?:const\s+)?(\w+)")
CONSTANT = re.compile(r"(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*$|[A-Z][A-Z0-9_]+$")
OPERAND = r"(?:sizeof\b[^;,\]]*|\w+(?:(?:->|\.)\w+)*(?:\([^()]*\))?)"
CAST = re.compile(r"\((?:const\s+)?struct\s+ct_\w+_header\s*\*\s*\)")


def pointers(text):
    """Names that text declares as pointers to bytes."""
    return {name for m in POINTER.finditer(text)
            for name in NAME.findall(m.group(1))}


def items(bare):
    """(first line, text) of what stands on the top level of a file."""
    depth = start = 0
    for m in re.finditer(r"[{};]", bare):
        depth += {"{": 1, "}": -1}.get(m.group(0), 0)
        if depth == 0:
            yield bare.count("\n", 0, start), bare[start:m.end()]
            start = m.end()


def is_naked(terms, walks):
    """Do these terms of a sum skip a constant number of bytes?"""
    terms = [t.strip() for t in terms]
    fixed = [t for t in terms if CONSTANT.match(t)]
    if walks and len(fixed) < len(terms):
        fixed = [t for t in fixed if t != "1"]
    return bool(fixed)


def faults(text, local, members):
    """(offset, what is wrong) in one item of a file."""
    base = [rf"(?<![\w.>])(?P<local>{'|'.join(sorted(local))})\b"] if local \
        else []
    base += [rf"(?:->|\.)(?P<member>{'|'.join(sorted(members))})\b"] \
        if members else []
    if not base:
        return
    use = re.compile(rf"(?:{'|'.join(base)})\s*(?:\[(?P<index>[^\[\]]*)\]|"
                     rf"(?P<sum>(?:\s*\+\s*{OPERAND})+))")
    for m in use.finditer(text):
        index = m.group("index")
        walks = index is not None and m.groupdict().get("member") != PACKET
        terms = re.split(r"\+|-(?!>)", index if index is not None
                         else m.group("sum").lstrip(" \n+"))
        if is_naked(terms, walks):
            yield m.start(), " ".join(m.group(0).split())


def check(root):
    paths = tree.files(root, (".c", ".h"), WHERE)
    codes = {p: tree.code(tree.read(root, p)) for p in paths}
    members = set()
    for text in codes.values():
        for _, item in items(text):
            if re.match(r"\s*(?:typedef\s+)?(?:static\s+)?(?:const\s+)?"
                        r"(?:struct|union)\b[^()=;]*\{", item):
                members |= pointers(item)
    for p, text in codes.items():
        for m in CAST.finditer(text):
            line = text.count("\n", 0, m.start()) + 1
            if p != ACCESSORS:
                yield f"{p}:{line}: R8: makes bytes a header: {m.group(0)}"
        if p in NO_PACKETS:
            continue
        for line, item in items(text):
            local = pointers(item)
            for at, what in faults(item, local, members):
                yield (f"{p}:{line + item.count(chr(10), 0, at) + 1}: R8: a "
                       f"naked offset: {what}")
    return f"{len(paths)} files, {len(members)} members" if paths else None


tree.run(check)
