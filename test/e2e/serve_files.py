"""serve_files.py ftp|tftp ADDRESS PORT FOLDER - old servers that call back

ftp: RETR, and STOR, by PORT, EPRT, PASV and EPSV (RFC 959, RFC 2428); each
line of a client is printed as it came.  tftp: RRQ and WRQ in blocks of 512
bytes, each from a port of its own (RFC 1350).  Says "ready" when it listens.
"""
import os
import socket
import struct
import sys
import threading


class Session:
    def __init__(self, control, folder):
        self.control, self.folder = control, folder
        self.mine, self.peer = control.getsockname(), control.getpeername()
        self.data = None                # how to get the data connection

    def tell(self, line):
        self.control.sendall(line.encode() + b"\r\n")

    def call(self, host, port):
        def connect():
            s = socket.socket(self.control.family, socket.SOCK_STREAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.settimeout(10)
            s.connect((host, port))
            return s
        self.data = connect
        self.tell("200 I shall call")

    def wait(self):
        s = socket.socket(self.control.family, socket.SOCK_STREAM)
        s.settimeout(10)
        s.bind((self.mine[0], 0))
        s.listen(1)
        self.data = lambda: s.accept()[0]
        return s.getsockname()[1]

    def open(self):
        self.tell("150 here it comes")
        return self.data()

    def do_user(self, _):
        self.tell("230 welcome")

    def do_pwd(self, _):
        self.tell('257 "/"')

    def do_type(self, _):
        self.tell("200 as you like")

    def do_size(self, name):
        path = os.path.join(self.folder, os.path.basename(name))
        self.tell(f"213 {os.path.getsize(path)}")

    def do_port(self, text):
        n = [int(x) for x in text.split(",")]
        self.call(".".join(map(str, n[:4])), n[4] << 8 | n[5])

    def do_eprt(self, text):
        _, _, host, port, _ = text.split(text[0])
        self.call(host, int(port))

    def do_pasv(self, _):
        port = self.wait()
        host = self.mine[0].replace(".", ",")
        self.tell(f"227 Entering Passive Mode "
                  f"({host},{port >> 8},{port & 255})")

    def do_epsv(self, _):
        self.tell(f"229 Entering Extended Passive Mode (|||{self.wait()}|)")

    def do_retr(self, name):
        with open(os.path.join(self.folder, os.path.basename(name)),
                  "rb") as f, self.open() as s:
            s.sendfile(f)
        self.tell("226 done")

    def do_stor(self, name):
        with self.open() as s, open(os.path.join(
                self.folder, os.path.basename(name)), "wb") as f:
            while piece := s.recv(1 << 16):
                f.write(piece)
        self.tell("226 done")

    def run(self):
        self.tell("220 at your service")
        for line in self.control.makefile("r", encoding="ascii",
                                          errors="replace", newline="\r\n"):
            word, _, rest = line.strip().partition(" ")
            print(line.strip(), flush=True)
            if word.upper() == "QUIT":
                break
            do = getattr(self, "do_" + word.lower(), None)
            try:
                do(rest) if do else self.tell("502 no such thing")
            except OSError as wrong:
                self.tell(f"425 {wrong}")
        self.control.close()


def ftp(address, port, folder):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.listen(64)

    def loop():
        while True:
            control = s.accept()[0]
            threading.Thread(target=Session(control, folder).run,
                             daemon=True).start()
    return loop


def send(s, data):
    for at in range(0, len(data) + 1, 512):
        block = at // 512 + 1
        while True:
            s.send(struct.pack("!HH", 3, block & 0xffff) + data[at:at + 512])
            try:
                if s.recv(600)[:4] == struct.pack("!HH", 4, block & 0xffff):
                    break
            except TimeoutError:
                pass


def receive(s, path):
    block, got = 0, b""
    with open(path, "wb") as f:
        while len(got) == 512 or block == 0:
            s.send(struct.pack("!HH", 4, block))
            packet = s.recv(600)
            block, got = struct.unpack("!H", packet[2:4])[0], packet[4:]
            f.write(got)
    s.send(struct.pack("!HH", 4, block))


def transfer(address, peer, request, folder):
    code = struct.unpack("!H", request[:2])[0]
    name = request[2:].split(b"\0")[0].decode()
    path = os.path.join(folder, os.path.basename(name))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((address, 0))
        s.connect(peer)
        s.settimeout(1)
        if code == 1:
            with open(path, "rb") as f:
                send(s, f.read())
        elif code == 2:
            receive(s, path)


def tftp(address, port, folder):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))

    def loop():
        while True:
            request, peer = s.recvfrom(600)
            threading.Thread(target=transfer, daemon=True,
                             args=(address, peer, request, folder)).start()
    return loop


def main():
    kind, address, port, folder = sys.argv[1:5]
    loop = {"ftp": ftp, "tftp": tftp}[kind](address, int(port), folder)
    print("ready", flush=True)
    loop()


main()
