"""serve.py http|udp ADDRESS PORT [FOLDER] - the servers the tests talk to

http: files of FOLDER; PUT answers with the SHA-256 of what came; GET /peer
answers with the address the client seems to have.  udp: echoes, with the
sender's address before it.  Says "ready" when it listens.
"""
import functools
import hashlib
import http.server
import os
import socket
import socketserver
import sys


class Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/peer":
            self.answer(f"{self.client_address[0]} {self.client_address[1]}")
        else:
            super().do_GET()

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        digest = hashlib.sha256()
        while left:
            piece = self.rfile.read(min(left, 1 << 20))
            if not piece:
                return
            digest.update(piece)
            left -= len(piece)
        self.answer(digest.hexdigest())

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True

    def server_bind(self):              # no reverse DNS look-up
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "weir", self.server_address[1]


class Server6(Server):
    address_family = socket.AF_INET6


def http_server(address, port, folder):
    kind = Server6 if ":" in address else Server
    return kind((address, port),
                functools.partial(Files, directory=folder)).serve_forever


def udp_server(address, port, _):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind((address, port))

    def echo():
        while True:
            data, peer = s.recvfrom(65536)
            s.sendto(f"{peer[0]} {peer[1]} ".encode() + data, peer)
    return echo


def main():
    kind, address, port = sys.argv[1:4]
    folder = sys.argv[4] if len(sys.argv) > 4 else os.getcwd()
    loop = {"http": http_server, "udp": udp_server}[kind](
        address, int(port), folder)
    print("ready", flush=True)
    loop()


main()
