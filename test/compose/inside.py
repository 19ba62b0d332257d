"""inside.py WHAT ... - the test's hands inside a container

Given to python3 -c, so that nothing has to be mounted.  Each answer is a line
of JSON on standard output.

    serve PORT              HTTP: /N sends N bytes, PUT answers with their
                            SHA-256, /peer with the address of the client
    echo PORT               TCP: first the client's address as a line, then
                            what comes; any number of connections at once
    get URL                 length, SHA-256
    put URL N               what the server answers, and the SHA-256 here
    peer HOST PORT [FROM]   the address that echo saw, from source port FROM
    hold HOST PORT N [FROM] N connections at once, and their peers; with each
                            line of input all of them send and hear again
    udp HOST PORT N         N datagrams from N sockets
"""
import asyncio
import hashlib
import http.server
import json
import random
import resource
import socket
import sys
import time
import urllib.request


def tell(what):
    print(json.dumps(what), flush=True)


def data(n):
    return random.Random(n).randbytes(n)


class Files(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/peer":
            self.answer("%s %d" % self.client_address)
        else:
            self.answer(data(int(self.path[1:])))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(hashlib.sha256(body).hexdigest())

    def answer(self, body):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024


def serve(port):
    Server(("", int(port)), Files).serve_forever()


async def echo_one(reader, writer):
    host, port = writer.get_extra_info("peername")
    writer.write(f"{host} {port}\n".encode())
    try:
        while line := await reader.readline():
            writer.write(line)
    except OSError:
        pass
    writer.close()


def echo(port):
    async def main():
        server = await asyncio.start_server(echo_one, "0.0.0.0", int(port),
                                            backlog=1024)
        await server.serve_forever()
    asyncio.run(main())


def get(url):
    with urllib.request.urlopen(url, timeout=60) as r:
        body = r.read()
    tell([len(body), hashlib.sha256(body).hexdigest()])


def put(url, n):
    body = data(int(n))
    request = urllib.request.Request(url, data=body, method="PUT")
    with urllib.request.urlopen(request, timeout=60) as r:
        tell([r.read().decode(), hashlib.sha256(body).hexdigest()])


def peer(host, port, source="0"):
    with socket.socket() as s:
        s.settimeout(5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", int(source)))
        s.connect((host, int(port)))
        address, there = s.makefile().readline().split()
        tell([address, int(there), s.getsockname()[1]])


def hold(host, port, n, source=None):
    mine = {"local_addr": ("0.0.0.0", int(source))} if source else {}

    async def round_trip(i, reader, writer):
        line = f"{i} {random.random()}\n".encode()
        writer.write(line)
        return await reader.readline() == line

    async def main():
        many = await asyncio.gather(*(
            asyncio.open_connection(host, int(port), **mine)
            for _ in range(int(n))))
        peers = [(await r.readline()).decode().split() for r, _ in many]
        tell(peers)
        while await asyncio.to_thread(sys.stdin.readline):
            answers = await asyncio.wait_for(asyncio.gather(
                *(round_trip(i, *c) for i, c in enumerate(many))), 20)
            tell(sum(answers))
    asyncio.run(main())


def udp(host, port, n):
    for i in range(int(n)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"%d" % i, (host, int(port)))
        if i % 50 == 49:    # no device's queue runs over on a busy machine
            time.sleep(0.005)
    tell(int(n))


soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
{f.__name__: f for f in (serve, echo, get, put, peer, hold, udp)}[
    sys.argv[1]](*sys.argv[2:])
