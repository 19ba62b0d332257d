"""capture.py - what really arrives at a host, seen by a packet socket"""
import array
import fcntl
import socket
import struct

from lab import same

PACKET_HOST = 0                     # sockaddr_ll: towards this host
SOL_PACKET, PACKET_AUXDATA, CSUMNOTREADY = 263, 8, 1 << 3
ETH_P_ALL = 3
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
SYN, ACK = 0x02, 0x10


class Sniffer:
    """Sees every packet that reaches the host of a side, without tcpdump."""

    def __init__(self, w, side="wan"):
        self.socket = w.open(side, socket.AF_PACKET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.bind((w.tun(side), ETH_P_ALL))
        self.socket.setblocking(False)

    def packets(self):
        """(bytes, whether its TCP or UDP sum is left to a device) of each."""
        while True:
            try:
                packet, more, _, who = self.socket.recvmsg(65600, 64)
            except BlockingIOError:
                return
            status = struct.unpack_from("I", more[0][2])[0] if more else 0
            if who[2] == PACKET_HOST:
                yield packet, bool(status & CSUMNOTREADY)

    def sources(self):
        """IPv4 only."""
        return {socket.inet_ntoa(p[12:16]) for p, _ in self.packets()
                if p[0] >> 4 == 4}

    def syns(self):
        """Of each TCP packet with SYN: a Syn."""
        for packet, partial in self.packets():
            four = packet[0] >> 4 == 4
            head = (packet[0] & 15) * 4 if four else 40
            if packet[9 if four else 6] == socket.IPPROTO_TCP \
                    and packet[head + 13] & SYN:
                yield Syn(packet, head, partial)


def ones_sum(data):
    """RFC 1071, not complemented."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


class Syn:
    """A SYN or SYN-ACK as it stood on the wire."""

    def __init__(self, packet, head, partial):
        addresses = packet[12:20] if packet[0] >> 4 == 4 else packet[8:40]
        self.segment, self.partial = packet[head:], partial
        self.answers = bool(self.segment[13] & ACK)
        self.pseudo = addresses + struct.pack(
            ">II", len(self.segment), socket.IPPROTO_TCP)

    def mss(self):
        """What it announces, exactly once."""
        options, found = self.segment[20:self.segment[12] // 16 * 4], []
        while options and options[0] != 0:
            size = 1 if options[0] == 1 else options[1]
            if options[0] == 2:
                found.append(struct.unpack(">H", options[2:size])[0])
            options = options[size:]
        same(len(found), 1, "options of MSS")
        return found[0]

    def check_sum(self):
        """Right; where a device is to make it: right so far."""
        if self.partial:
            same(struct.unpack_from(">H", self.segment, 16)[0],
                 ones_sum(self.pseudo), "the pseudo header's sum")
        else:
            same(ones_sum(self.pseudo + self.segment), 0xffff,
                 "the sum over all of a segment")


def sum_in_software(w, side):
    """From now on that host's kernel makes its own sums: ethtool -K tx off."""
    with w.open(side, kind=socket.SOCK_DGRAM) as s:
        value = array.array("I", [ETHTOOL_STXCSUM, 0])
        fcntl.ioctl(s, SIOCETHTOOL, struct.pack(
            "15sxP", w.tun(side).encode(), value.buffer_info()[0]))
