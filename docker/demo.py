"""demo.py server | demo.py client URL - two hosts with weir between them

The server answers with the address that the request came from, and prints
it; the client asks every second, and prints the answer.  Behind weir that
address is not the client's but the gateway's WAN address.
"""
import http.server
import signal
import sys
import time
import urllib.request


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        host, port = self.client_address
        body = f"you come from {host} port {port}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        print(f"{self.path} asked for by {host} port {port}", flush=True)

    def log_message(self, *args):
        pass


def client(url):
    while True:
        try:
            with urllib.request.urlopen(url, timeout=3) as answer:
                print(f"{url} says: {answer.read().decode().strip()}",
                      flush=True)
        except OSError as wrong:
            print(f"{url}: {wrong}", flush=True)
        time.sleep(1)


def main():
    # The first process of a container has no default actions for signals.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if sys.argv[1:] == ["server"]:
        http.server.ThreadingHTTPServer(("", 80), Answer).serve_forever()
    elif len(sys.argv) == 3 and sys.argv[1] == "client":
        client(sys.argv[2])
    else:
        sys.exit("usage: demo.py server | demo.py client URL")


main()
