#!/usr/bin/env -S python3 -B
"""queue_client.py - a user program that decides about weir's packets

    {"queues": {"list": [{"number": 0}]},
     "rules": {"forward": [{"proto": "udp", "dport": 53, "verdict": "queue 0"}]}}

    queue_client.py /run/weir/queue.sock 0                  shows and accepts
    queue_client.py /run/weir/queue.sock 0 --drop WORD      drops what has WORD in it
    queue_client.py /run/weir/queue.sock 0 --replace A B    writes B where A was

The messages are described in router/queue/wire.h.  As a module: Client(path),
subscribe(number), for packet in client: packet.accept(), drop(), repeat().
"""
import argparse
import ipaddress
import socket
import struct
import sys

VERSION = 1
SUBSCRIBE, SUBSCRIBED, PACKET, VERDICT, ERROR = 1, 2, 3, 4, 5
DROP, ACCEPT, REPEAT = 0, 1, 4
MARK, BYTES = 1, 2                          # flags of VERDICT
PARTIAL, GSO, CUT, FIRST, OWN = 1, 2, 4, 8, 16      # flags of PACKET
HEAD = struct.Struct(">BBHI")
PACKET_HEAD = struct.Struct(">BBHIQQIIIIBBBBBBHHH16s16sI")
VERDICT_HEAD = struct.Struct(">BBHIQIBBH")
ERROR_HEAD = struct.Struct(">BBHIQHH")
HOOKS = ("prerouting", "input", "forward", "output", "postrouting")
STATES = ("invalid", "new", "established", "related", "untracked")
LONGEST = PACKET_HEAD.size + 65575
NO_FLOW = 0xffffffff
HANGS_UP = range(1, 7)                      # codes of ERROR


class Refused(Exception):
    """weir's ERROR: code, packet id (0: none), text; fatal: weir hangs up."""

    def __init__(self, code, packet, text):
        super().__init__(text)
        self.code, self.packet, self.text = code, packet, text
        self.fatal = code in HANGS_UP


def fit(data):
    """Lengths are a program's to keep right, IP's and UDP's; checksums are
    weir's.  TCP's may change where the queue says "resize"."""
    data = bytearray(data)
    if data[0] >> 4 == 4:
        at, protocol = (data[0] & 15) * 4, data[9]
        data[2:4] = len(data).to_bytes(2, "big")
    else:
        at, protocol = 40, data[6]
        data[4:6] = (len(data) - 40).to_bytes(2, "big")
    if protocol == 17:
        data[at + 4:at + 6] = (len(data) - at).to_bytes(2, "big")
    return bytes(data)


class Packet:
    def __init__(self, client, message):
        (_, _, self.queue, _, self.id, self.time_ms, flow, gen, self.mark,
         self.length, _, _, hook, info, self.direction, self.family,
         self.flags, self.gso_size, self.frag_max, into, out,
         _) = PACKET_HEAD.unpack_from(message)
        self.client = client
        self.flow = None if flow == NO_FLOW else f"{flow}-{gen}"
        self.hook, self.state = HOOKS[hook], STATES[info]
        self.iface_in = into.rstrip(b"\0").decode()
        self.iface_out = out.rstrip(b"\0").decode()
        self.bytes = message[PACKET_HEAD.size:]

    def accept(self, mark=None, data=None):
        self.client.verdict(self, ACCEPT, mark, data)

    def drop(self):
        self.client.verdict(self, DROP)

    def repeat(self, mark=None, data=None):
        self.client.verdict(self, REPEAT, mark, data)

    def addresses(self):
        at, n = (12, 4) if self.family == 4 else (8, 16)
        return tuple(str(ipaddress.ip_address(self.bytes[i:i + n]))
                     for i in (at, at + n))

    def __str__(self):
        source, target = self.addresses()
        way = f"{self.iface_in or '-'} to {self.iface_out or '-'}"
        return (f"{self.hook} {way}: {source} > {target}, {self.length} bytes,"
                f" {self.state}, flow {self.flow or '-'}, mark {self.mark}")


class Client:
    def __init__(self, path, timeout=None):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(timeout)
        self.socket.connect(path)

    def close(self):
        self.socket.close()

    def send(self, kind, queue, body):
        self.socket.send(HEAD.pack(VERSION, kind, queue, HEAD.size + len(body))
                         + body)

    def read(self):
        """A Packet, the options of a queue that was subscribed to, or None at
        the end.  Raises what weir refuses."""
        message = self.socket.recv(LONGEST)
        if not message:
            return None
        _, kind, queue, _ = HEAD.unpack_from(message)
        if kind == PACKET:
            return Packet(self, message)
        if kind == SUBSCRIBED:
            most, options, wait = struct.unpack_from(">III", message, HEAD.size)
            return {"queue": queue, "max": most, "bypass": bool(options & 1),
                    "fail_open": bool(options & 2), "resize": bool(options & 4),
                    "timeout_ms": wait}
        _, _, _, _, packet, code, _ = ERROR_HEAD.unpack_from(message)
        raise Refused(code, packet, message[ERROR_HEAD.size:].decode())

    def subscribe(self, queue, copy=65575):
        """copy: so many bytes of each packet at most.  Packets of other queues
        that come before the answer are lost: subscribe first."""
        self.send(SUBSCRIBE, queue, struct.pack(">II", copy, 0))
        return self.read()

    def verdict(self, packet, verdict, mark=None, data=None):
        flags = (MARK if mark is not None else 0) | (BYTES if data else 0)
        data = data or b""
        self.socket.send(VERDICT_HEAD.pack(
            VERSION, VERDICT, packet.queue, VERDICT_HEAD.size + len(data),
            packet.id, mark or 0, verdict, flags, 0) + data)

    def refused(self, why):
        """weir refused something about one packet alone: a verdict that came
        too late, bytes that are no packet."""
        print(f"packet {why.packet}: {why}", file=sys.stderr, flush=True)

    def __iter__(self):
        """The packets, until weir hangs up."""
        while True:
            try:
                packet = self.read()
            except Refused as why:
                if why.fatal:
                    raise
                self.refused(why)
                continue
            if packet is None:
                return
            if isinstance(packet, Packet):
                yield packet


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("socket")
    args.add_argument("queue", type=int)
    args.add_argument("--drop", metavar="WORD", type=os_bytes)
    args.add_argument("--replace", metavar=("A", "B"), nargs=2, type=os_bytes)
    args.add_argument("--mark", type=int)
    args = args.parse_args()
    client = Client(args.socket)
    print("listening:", client.subscribe(args.queue), flush=True)
    for packet in client:
        data = None
        if args.drop and args.drop in packet.bytes:
            print("dropped", packet, flush=True)
            packet.drop()
            continue
        if args.replace and args.replace[0] in packet.bytes:
            data = fit(packet.bytes.replace(*args.replace))
        print("changed" if data else "accepted", packet, flush=True)
        packet.accept(args.mark, data)


def os_bytes(text):
    return text.encode()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
