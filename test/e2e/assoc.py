"""assoc.py serve ADDRESS PORT | talk HERE PORT THERE PORT - SCTP by a program

The kernel need not have SCTP: usrsctp speaks it itself, over raw sockets.  The
server answers each association's 100,000 bytes with their SHA-256 and the
address and port its peer seems to have; it says "ready" when it listens.  A
talk goes on by a line of its input each: it says "up" when it is associated,
then sends and says what the server answered, then shuts down and says "down".
"""
import ctypes
import hashlib
import os
import socket
import struct
import sys
import threading

BYTES = 100_000
PIECE = 1000
sctp = ctypes.CDLL("libusrsctp.so.2", use_errno=True)
for name in ("usrsctp_socket", "usrsctp_accept"):
    getattr(sctp, name).restype = ctypes.c_void_p
sctp.usrsctp_sendv.restype = sctp.usrsctp_recvv.restype = ctypes.c_ssize_t
SHUT_WR = 1


def must(result, what):
    if result is None or result < 0:
        sys.exit(f"assoc.py: {what}: {os.strerror(ctypes.get_errno())}")
    return result


def address(host, port):
    """A sockaddr_in."""
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) \
        + socket.inet_aton(host) + bytes(8)


def endpoint(host, port):
    s = ctypes.c_void_p(must(sctp.usrsctp_socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP, None, None,
        0, None), "socket"))
    must(sctp.usrsctp_bind(s, address(host, port), 16), "bind")
    return s


def send(s, data):
    for at in range(0, len(data), PIECE):
        piece = data[at:at + PIECE]
        must(sctp.usrsctp_sendv(s, piece, len(piece), None, 0, None, 0, 0, 0),
             "send")


def receive(s, n):
    """n bytes; fewer at the end of the association."""
    out, room = b"", ctypes.create_string_buffer(65536)
    while len(out) < n:
        flags, size = ctypes.c_int(0), ctypes.c_uint32(0)
        kind, far, length = (ctypes.c_uint(0), ctypes.create_string_buffer(28),
                             ctypes.c_uint32(28))
        got = must(sctp.usrsctp_recvv(
            s, room, min(n - len(out), 65536), far, ctypes.byref(length), None,
            ctypes.byref(size), ctypes.byref(kind), ctypes.byref(flags)),
            "receive")
        if got == 0:
            break
        out += room.raw[:got]
    return out


def answer(s, who):
    send(s, f"{hashlib.sha256(receive(s, BYTES)).hexdigest()} {who}"
         .encode().ljust(PIECE))
    receive(s, 1)                       # until the peer shuts down
    sctp.usrsctp_close(s)


def serve(host, port):
    s = endpoint(host, port)
    must(sctp.usrsctp_listen(s, 16), "listen")
    print("ready", flush=True)
    while True:
        far, length = ctypes.create_string_buffer(28), ctypes.c_uint32(28)
        one = ctypes.c_void_p(must(sctp.usrsctp_accept(
            s, far, ctypes.byref(length)), "accept"))
        port = struct.unpack_from(">H", far.raw, 2)[0]
        who = f"{socket.inet_ntoa(far.raw[4:8])} {port}"
        threading.Thread(target=answer, args=(one, who), daemon=True).start()


def talk(here, sport, there, port):
    s = endpoint(here, sport)
    must(sctp.usrsctp_connect(s, address(there, port), 16), "connect")
    print("up", flush=True)
    sys.stdin.readline()
    word = os.urandom(BYTES)
    send(s, word)
    digest, *who = receive(s, PIECE).decode().split()
    print("same" if digest == hashlib.sha256(word).hexdigest() else "other",
          *who, flush=True)
    sys.stdin.readline()
    must(sctp.usrsctp_shutdown(s, SHUT_WR), "shut down")
    receive(s, 1)
    sctp.usrsctp_close(s)
    print("down", flush=True)
    sys.stdin.readline()                # what is on its way may end


def main():
    sctp.usrsctp_init(0, None, None)
    # A raw socket sees all of a host's SCTP: others' packets are no mistake.
    sctp.usrsctp_sysctl_set_sctp_blackhole(2)
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        talk(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    os._exit(0)


main()
