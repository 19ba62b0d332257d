"""seeds.py - what the libFuzzer targets begin with

Inputs that get past the first checks, and words from the sources that read
them: a text that no random change would ever spell.
"""
import glob
import os
import re
import struct

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

WORDS = {
    "fuzz_config": ("router/config/*.c", "router/config/rule/*.c", "include/ctcore/*.def"),
    "fuzz_swap": ("router/config/*.c", "router/config/rule/*.c"),
    "fuzz_http": ("web/*.c", "web/*/*.c"),
    "fuzz_cli": ("router/cli/*.c",),
    "fuzz_helper": ("ctcore/helper/*.c",),
    "fuzz_order": ("router/gateway/setting.c",),
}

# Bytes of one input; else 400.
LONGEST = {"fuzz_config": 4000, "fuzz_packet": 1500, "fuzz_netlink": 800,
           "fuzz_http": 600, "fuzz_swap": 160}


def words(target):
    """A dictionary: string literals of those files."""
    found = set()
    for pattern in WORDS.get(target, ()):
        for path in glob.glob(os.path.join(ROOT, pattern)):
            with open(path, encoding="utf-8") as f:
                text = f.read()
            found.update(re.findall(r'"([\w./=:, -]{2,28})"', text))
            if path.endswith(".def"):
                found.update(re.findall(r"\w\((\w{3,28})", text))
    if target == "fuzz_config":
        found.update(f'\\"{w}\\":' for w in list(found)
                     if re.fullmatch(r"\w+", w))
    return "".join(f'"{w}"\n' for w in sorted(found))


# ---- packets: a head of fuzz_packet.c's, then the bytes ----

IN, OUT = "10.0.0.2", "203.0.113.5"
WAN = "192.0.2.1"


def addr(text):
    return bytes(int(b) for b in text.split("."))


def total(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(f">{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def ipv4(proto, body, src=IN, dst=OUT, frag=0, ident=7):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), ident, frag,
                       64, proto, 0, addr(src), addr(dst))
    return head[:10] + struct.pack(">H", total(head)) + head[12:] + body


def ipv6(proto, body, src=b"\xfd" + b"\0" * 14 + b"\x02",
         dst=b"\x20\x01\x0d\xb8" + b"\0" * 11 + b"\x05"):
    return struct.pack(">IHBB16s16s", 6 << 28, len(body), proto, 64, src,
                       dst) + body


def tcp(flags, sport=4000, dport=80, seq=100, ack=0, data=b""):
    return struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags,
                       60000, 0, 0) + data


def udp(sport=4000, dport=53, data=b"x"):
    return struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data


def packets(*all_of_them):
    out = b""
    for wan, data in all_of_them:
        out += struct.pack(">H", len(data) | (0x8000 if wan else 0)) + data
    return out


def packet_seeds():
    syn, back = tcp(2), tcp(18, 80, 4000, 900, 101)
    whole = udp(data=b"a" * 56)
    echo = b"\x08\0\0\0\0\x07\0\x01ping"
    sctp = struct.pack(">HHII", 4000, 80, 0, 0)
    init = b"\x01\0\0\x14" + struct.pack(">IIHHI", 5, 9000, 1, 1, 1)
    dccp = struct.pack(">HHBBHBBHI", 4000, 80, 4, 0, 0, 1, 0, 0, 1) + b"\0" * 4
    gre = b"\x30\x01\x88\x0b\0\0\0\x05" + b"\0" * 4
    error = b"\x03\x01\0\0\0\0\0\0" + ipv4(17, udp(), WAN, OUT)
    yield packets((0, ipv4(6, syn)), (1, ipv4(6, back, OUT, WAN)),
                  (0, ipv4(6, tcp(16, seq=101, ack=901, data=b"hi"))),
                  (0, ipv4(6, tcp(17, seq=103, ack=901))),
                  (1, ipv4(6, tcp(4, 80, 4000, 901), OUT, WAN)))
    yield packets((0, ipv4(17, udp())), (1, ipv4(17, udp(53, 4000), OUT, WAN)),
                  (1, ipv4(1, error, OUT, WAN)))
    yield packets((0, ipv4(1, echo)), (1, ipv4(1, b"\0" + echo[1:], OUT, WAN)))
    yield packets((0, ipv4(17, whole[:32], frag=0x2000)),
                  (0, ipv4(17, whole[32:], frag=4)))
    yield packets((0, ipv6(6, syn)), (0, ipv6(17, udp())),
                  (0, ipv6(44, b"\x11\0\0\x01\0\0\0\x07" + whole[:32])),
                  (0, ipv6(44, b"\x11\0\0\x20\0\0\0\x07" + whole[32:])))
    yield packets((0, ipv6(58, b"\x80\0\0\0\0\x07\0\x01ping")),
                  (1, ipv6(58, b"\x87\0\0\0" + b"\0" * 20)),
                  (0, ipv4(136, udp())), (0, ipv4(253, b"any")))
    yield packets((0, ipv4(132, sctp + init)), (0, ipv4(33, dccp)),
                  (0, ipv4(47, gre)), (1, ipv4(6, tcp(2, 5, 80), OUT, WAN)))


def helper_seeds():
    def says(*lines):
        return b"".join(bytes([flags, len(text)]) + text
                        for flags, text in lines)
    yield b"\0" + says((0, b"PORT 10,0,0,2,4,1\r\n"), (1, b"200 ok\r\n"),
                       (1, b"227 Entering Passive Mode (203,0,113,5,4,1)\r\n"))
    yield b"\0" + says((0, b"EPRT |1|10.0.0.2|1025|\r\n"),
                       (1, b"229 Entering Extended Passive Mode (|||6446|)\r\n"))
    yield b"\1" + says((0, b"\0\1file\0octet\0"))
    yield b"\2" + says((0, b"\0\x9c\0\1\x1a\x2b\x3c\x4d\0\1\0\0" + b"\0" * 144))


def queue_seeds():
    def verdict(what, flags, data=b""):
        return struct.pack(">BBHIQIBBH", 1, 4, 0, 24 + len(data), 1, 7, what,
                           flags, 0) + data
    yield struct.pack(">BBHI", 1, 1, 0, 16) + b"\0" * 8
    yield verdict(1, 0)
    yield verdict(1, 1)
    yield verdict(1, 2, ipv4(17, udp(4000, 53, b"question"), "10.0.1.2"))
    yield verdict(1, 2, ipv4(6, tcp(16, seq=101, ack=901, data=b"pay"),
                             "10.0.1.2"))


def config_seeds():
    for path in glob.glob(os.path.join(ROOT, "docker", "**", "*.json"),
                          recursive=True):
        with open(path, "rb") as f:
            yield f.read()
    with open(os.path.join(ROOT, "ctcore", "README.md"), encoding="utf-8") as f:
        readme = f.read()
    for rules in re.findall(r'^    ("(?:pre|post)routing": .*|"forward": .*)$',
                            readme, re.M):
        yield ('{"interfaces":{"lan":{"tun":"l","side":"inside","address":'
               '["10.0.1.1/24"]},"wan":{"tun":"w","side":"outside","address":'
               '["198.51.100.1/24"]}},"rules":{' + rules + "}}").encode()
    yield b'{"gateway":{"lan":"eth0","wan":"eth1"}}\0' + b"\1" * 60


def http_seeds():
    for line in ("/api/v1/flows", "/api/v1/flows?proto=tcp&limit=2",
                 "/api/v1/rules", "/api/v1/queues", "/metrics", "/healthz",
                 "/api/v1/events?type=new", "/", "/api/v1/expectations",
                 "/api/v1/openapi.json", "/api/v1/flows/0-1", "/app.js",
                 "/api/v1/flows?sort=bytes&order=desc&status=assured"):
        yield f"\4GET {line} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    yield (b"\4POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\n"
           b"Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}")
    for what in ("flows", "flows?proto=udp", "flows/0-1"):
        yield (f"\4DELETE /api/v1/{what} HTTP/1.1\r\nHost: localhost\r\n"
               "Authorization: Bearer x\r\n\r\n").encode()
    yield b"\0proto=udp&src=10.0.1.0/24&limit=5"


def cli_seeds():
    yield b"-L\0-p\0tcp\0-s\00010.0.1.2\0--dport\00080\0-o\0xml"
    yield b"-D\0-f\0ipv4\0--mark\0005/7\0--zone\0003"
    yield b"-G\0-p\0udp\0-s\00010.0.1.2\0-d\000192.0.2.1\0--sport\0001"
    yield b"-E\0-e\0NEW,DESTROY\0-o\0timestamp"


SEEDS = {"fuzz_packet": packet_seeds, "fuzz_helper": helper_seeds,
         "fuzz_queue": queue_seeds, "fuzz_config": config_seeds,
         "fuzz_http": http_seeds, "fuzz_cli": cli_seeds}


def write(target, folder):
    """What that target needs; the options that say where it is."""
    corpus = os.path.join(folder, target + ".in")
    os.makedirs(corpus)
    for i, data in enumerate(SEEDS.get(target, lambda: ())()):
        with open(os.path.join(corpus, str(i)), "wb") as f:
            f.write(data)
    options = [f"-max_len={LONGEST.get(target, 400)}", "-len_control=0", corpus]
    if target in WORDS:
        dictionary = os.path.join(folder, target + ".dict")
        with open(dictionary, "w", encoding="utf-8") as f:
            f.write(words(target))
        options.append(f"-dict={dictionary}")
    return options
