"""cases_helper.py - programs that announce a second connection in the first"""
import os
import socket
import struct
import sys

import lab
from cases_starts import refuse
from cases_traffic import random_file, sha256
from lab import Lab, need, same, say

CASES = {}
ROOM = {"extensions": 256}


def case(function):
    CASES[function.__name__] = function
    return function


def helper(name, proto, port):
    return {"proto": proto, "dport": port, "helper": name}


def serve(w, side, *args):
    child = w.spawn(side, [sys.executable, "-B",
                           os.path.join(lab.HERE, "serve_files.py"), *args],
                    stdout=lab.subprocess.PIPE)
    same(child.stdout.readline().strip(), "ready", "the server's word")
    return child


def said(child, word):
    """The next line of a client that begins with word."""
    for line in child.stdout:
        if line.upper().startswith(word):
            return line.strip()
    raise lab.Failure(f"no client said {word}")


def both_ways(w, side, host, want, path, *how):
    """Down and up with curl, by checksum."""
    got, name = os.path.join(w.folder, "got"), os.path.join(w.folder, "up")
    base = f"ftp://[{host}]" if ":" in host else f"ftp://{host}"
    common = ["curl", "-sSf", "--max-time", "40", "--no-ftp-skip-pasv-ip",
              *how]
    w.run(side, [*common, "-o", got, base + "/data"], timeout=50)
    same(sha256(got), want, "SHA-256 of what came down")
    w.run(side, [*common, "-T", path, base + "/up"], timeout=50)
    same(sha256(name), want, "SHA-256 of what went up")
    os.unlink(name)
    say(f"ftp {host} {' '.join(how)}: both ways, checksums equal")


ACTIVE = ("-P", "-")


@case
def ftp_client_inside(workers):
    """curl from inside: active and passive, old and new commands."""
    rules = {"prerouting": [helper("ftp", "tcp", 21)]}
    with Lab(workers, rules=rules, conntrack=ROOM) as w:
        path, want = random_file(w.folder, 3)
        server = serve(w, "wan", "ftp", lab.WAN, "21", w.folder)
        both_ways(w, "lan", lab.WAN, want, path)
        both_ways(w, "lan", lab.WAN, want, path, "--disable-epsv")
        both_ways(w, "lan", lab.WAN, want, path, *ACTIVE)
        line = said(server, "EPRT")
        need(lab.WAN_GW in line, f"the server heard {line}")
        both_ways(w, "lan", lab.WAN, want, path, *ACTIVE, "--disable-eprt")
        line = said(server, "PORT")
        need(lab.WAN_GW.replace(".", ",") in line, f"the server heard {line}")
        flows = w.weir.flows("&proto=tcp")
        need(any(f.get("helper") == "ftp" and f["original"]["dport"] == 21
                 for f in flows), "no flow has the helper")
        need(any("EXPECTED" in f["status"] and "master" in f for f in flows),
             "no flow was expected")
        same(w.weir.json("/api/v1/expectations")["expectations"], [],
             "what is still waited for")
        c = w.stats()["counters"]
        need(c["expect_new"] >= 8, f"{c['expect_new']} expected flows came")
        same(c["invalid"], 0, "INVALID packets")


@case
def ftp_expected(workers):
    """What is announced is shown, in conntrack's words."""
    rules = {"prerouting": [helper("ftp", "tcp", 21)]}
    with Lab(workers, rules=rules, conntrack=ROOM) as w:
        listener = w.listen("wan", (lab.WAN, 21))
        c = w.open("lan")
        c.bind((lab.LAN, 0))
        c.connect((lab.WAN, 21))
        s = listener.accept()[0]
        s.settimeout(5)
        s.sendall(b"220 hello\r\n")
        c.recv(100)
        c.sendall(b"USER a\r\n")
        s.recv(100)
        s.sendall(b"230 in\r\n")
        c.recv(100)
        c.sendall(b"PORT 10,0,1,2,19,137\r\n")
        words = s.recv(100).decode().strip().split(",")
        same(words[:4], ["PORT 198", "51", "100", "1"], "the address outside")
        port = int(words[4]) << 8 | int(words[5])
        same(port % workers, int(s.getpeername()[1]) % workers,
             "the slice of the port")
        line = w.weir.conntrack("-L", "expect").splitlines()[0]
        need(line.split(" ", 1)[1] ==
             f"proto=6 src={lab.WAN} dst={lab.WAN_GW} sport=0 dport={port} "
             "mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 "
             f"dport=65535 master-src={lab.LAN} master-dst={lab.WAN} "
             f"sport={c.getsockname()[1]} dport=21 class=0 helper=ftp", line)
        out = lab.sh([lab.weir_bin(), "conntrack", "--socket", w.weir.socket,
                      "-L", "expect", "-o", "xml"])
        need(f"<dport>{port}</dport></expected>" in out and
             out.startswith("<?xml") and "</expect>" in out, out)
        # behind the longer line, both ways
        for n in range(100):
            c.sendall(b"NOOP %d\r\n" % n)
            same(s.recv(100), b"NOOP %d\r\n" % n, "what the server heard")
            s.sendall(b"200 %d\r\n" % n)
            same(c.recv(100), b"200 %d\r\n" % n, "what the client heard")
        same(w.stats()["counters"]["invalid"], 0, "INVALID packets")


@case
def ftp_server_inside(workers):
    """A server behind a forward, whose own address no host outside knows."""
    rules = {"prerouting": [
        helper("ftp", "tcp", 21),
        {"in": "wan", "proto": "tcp", "dst": lab.WAN_GW, "dport": 21,
         "dnat": f"{lab.LAN}:21"}]}
    with Lab(workers, rules=rules, conntrack=ROOM) as w:
        path, want = random_file(w.folder, 2)
        serve(w, "lan", "ftp", lab.LAN, "21", w.folder)
        both_ways(w, "wan", lab.WAN_GW, want, path)
        both_ways(w, "wan", lab.WAN_GW, want, path, "--disable-epsv")
        both_ways(w, "wan", lab.WAN_GW, want, path, *ACTIVE)
        same(w.stats()["counters"]["invalid"], 0, "INVALID packets")


@case
def ftp_ipv6(workers):
    """The same through IPv6 NAT: EPRT and EPSV are all there is."""
    rules = {"prerouting": [helper("ftp", "tcp", 21)],
             "postrouting": [{"out": "wan", "masquerade": True}]}
    with Lab(workers, rules=rules, conntrack=ROOM) as w:
        path, want = random_file(w.folder, 2)
        server = serve(w, "wan", "ftp", lab.WAN6, "21", w.folder)
        both_ways(w, "lan", lab.WAN6, want, path)
        both_ways(w, "lan", lab.WAN6, want, path, *ACTIVE)
        line = said(server, "EPRT")
        need("|2|2001:0db8:0001:0000:0000:0000:0000:0001|" in line, line)


@case
def ftp_without_helper(workers):
    """No rule, no helper: active fails, nothing in the payload changes."""
    with Lab(workers, conntrack=ROOM) as w:
        path, want = random_file(w.folder, 1)
        server = serve(w, "wan", "ftp", lab.WAN, "21", w.folder)
        both_ways(w, "lan", lab.WAN, want, path)
        w.run("lan", ["curl", "-sS", "--max-time", "3", *ACTIVE,
                      f"ftp://{lab.WAN}/data"], check=False)
        need(lab.LAN in said(server, "EPRT"), "the address was changed")


@case
def tftp(workers):
    """curl's TFTP both ways, and of several clients at once."""
    rules = {"prerouting": [helper("tftp", "udp", 69)]}
    with Lab(workers, rules=rules, conntrack={**ROOM, "profile": "weir"}) as w:
        path, want = random_file(w.folder, 1)
        serve(w, "wan", "tftp", lab.WAN, "69", w.folder)
        jobs = [w.spawn("lan", ["curl", "-sSf", "--max-time", "60",
                                "--tftp-no-options", "-o",
                                os.path.join(w.folder, f"got{n}"),
                                f"tftp://{lab.WAN}/data"]) for n in range(4)]
        for n, job in enumerate(jobs):
            same(job.wait(70), 0, "exit of curl")
            same(sha256(os.path.join(w.folder, f"got{n}")), want,
                 "SHA-256 of what came down")
        w.run("lan", ["curl", "-sSf", "--max-time", "60", "--tftp-no-options",
                      "-T", path, f"tftp://{lab.WAN}/up"], timeout=70)
        same(sha256(os.path.join(w.folder, "up")), want,
             "SHA-256 of what went up")
        same(w.stats()["counters"]["expect_new"], 5, "expected flows that came")


SIZES = {1: 156, 2: 156, 7: 168, 8: 32}


def message(kind, *words):
    body = struct.pack(f"!{len(words)}H", *words)
    head = struct.pack("!HHIHH", SIZES[kind], 1, 0x1a2b3c4d, kind, 0)
    return (head + body).ljust(SIZES[kind], b"\0")


def ask(sender, receiver, packet):
    sender.sendall(packet)
    got = b""
    while len(got) < len(packet):
        got += receiver.recv(1000)
    return got


def gre(call, text):
    return struct.pack("!HHHHI", 0x3001, 0x880b, len(text), call, 1) + text


class Call:
    """A client with a call of the id 77, which all of them choose."""

    def __init__(self, w, listener, host, servers_id):
        self.c = w.open("lan")
        self.c.bind((host, 0))
        self.c.connect((lab.WAN, 1723))
        self.s = listener.accept()[0]
        self.s.settimeout(5)
        self.pac = servers_id
        ask(self.c, self.s, message(1, 0x100, 0))
        ask(self.s, self.c, message(2, 0x100, 0x100))
        heard = ask(self.c, self.s, message(7, 77, 1))
        self.outside = struct.unpack("!H", heard[12:14])[0]
        heard = ask(self.s, self.c, message(8, self.pac, self.outside, 0x100))
        same(struct.unpack("!HH", heard[12:16]), (self.pac, 77),
             "ids as the client hears them")

    def close(self):
        self.c.close()
        self.s.close()


def raw_gre(w, side, host):
    s = w.open(side, kind=socket.SOCK_RAW, proto=47)
    s.bind((host, 0))
    return s


def heard(s, call, text, what):
    packet = s.recv(2000)[20:]
    same(packet, gre(call, text), what)


@case
def pptp(workers):
    """Two clients with the same call id to one server; GRE both ways."""
    rules = {"prerouting": [helper("pptp", "tcp", 1723)]}
    if workers > 1:
        with Lab(workers, rules=rules, conntrack=ROOM, start=False) as w:
            refuse(w, 2, ["pptp", '"workers": 1'])
        return
    with Lab(workers, rules=rules,
             conntrack={**ROOM, "profile": "weir"}) as w:
        listener = w.listen("wan", (lab.WAN, 1723))
        server = raw_gre(w, "wan", lab.WAN)
        inside = {h: raw_gre(w, "lan", h) for h in (lab.LAN, lab.LAN2)}
        calls = {h: Call(w, listener, h, 1000 + n)
                 for n, h in enumerate(inside)}
        need(calls[lab.LAN].outside != calls[lab.LAN2].outside,
             "both have one id outside")
        for n in range(20):
            for host, call in calls.items():
                text = f"{host} {n}".encode()
                inside[host].sendto(gre(call.pac, text), (lab.WAN, 0))
                heard(server, call.pac, text, "what the server heard")
                server.sendto(gre(call.outside, text), (lab.WAN_GW, 0))
                heard(inside[host], 77, text, "what the client heard")
        flows = w.weir.flows("&proto=gre")
        same(len(flows), 2, "GRE flows")
        for f in flows:
            same(f["original"]["srckey"], 77, "the id inside")
            need("ASSURED" in f["status"] and f["timeout"] > 17000, f"{f}")
        for call in calls.values():
            call.close()
        for s in (server, *inside.values()):
            s.close()
