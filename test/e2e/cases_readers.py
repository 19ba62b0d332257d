"""cases_readers.py - a table of very many flows, listed while it changes

Packets come from pour.c: of a flow's addresses and ports each says what the
others must be, its length and its mark follow too, so a row that mixes two
flows, or two moments of one, gives itself away.  Three groups: 1 and 2 stay
and are sent again and again, 3 lives for a second.
"""
import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time

import lab
from lab import Lab, UnixHTTP, need, same, say, wait_for

CASES = {}
FLOWS = int(os.environ.get("WEIR_FLOWS", "100000"))
RATE = FLOWS // 10                  # packets a second
NAMED = FLOWS // 10                 # of them group 2: those that are flushed
# A bound by the clock is for a quiet machine: only who sets it is held to it.
STALL_MS = int(os.environ.get("WEIR_STALL_MS", "0"))
TICK_MS = 4                         # so old is what the kernel says
ROW = re.compile(rb'"id":"([\d-]+)".*?"original":\{"src":"10\.(\d)\.(\d+)\.2",'
                 rb'"dst":"198\.18\.(\d+)\.(\d+)","sport":(\d+),"dport":(\d+),'
                 rb'"packets":(\d+),"bytes":(\d+)\},"reply":\{"src":"198\.18\.'
                 rb'(\d+)\.(\d+)","dst":"10\.(\d)\.(\d+)\.2","sport":(\d+),'
                 rb'"dport":(\d+),"packets":0,"bytes":0\},"mark":(\d+)')


def case(function):
    CASES[function.__name__] = function
    return function


def pour_bin():
    path = os.environ.get("WEIR_POUR")
    need(path and os.access(path, os.X_OK), "WEIR_POUR names no program")
    return path


class Crowd(Lab):
    """A lan of a /8, its flows marked by their ports, without NAT."""

    def __init__(self, workers):
        half = 10000 + 2048
        super().__init__(workers, rules={
            "prerouting": [
                {"proto": ["tcp", "udp"], "sport": f"10000-{half - 1}", "set_mark": 1},
                {"proto": ["tcp", "udp"], "sport": f"{half}-14095", "set_mark": 2}],
            "postrouting": []},
            conntrack={"max": FLOWS * 5 // 4, "buckets": FLOWS,
                       "timeouts": {"udp": 1, "tcp_syn_sent": 600}})

    def default(self, rules):
        config = super().default(rules)
        config["interfaces"]["lan"]["address"] = [lab.LAN_GW + "/8"]
        return config

    def start(self):
        super().start()
        self.run("lan", f"ip link set {self.tun('lan')} txqueuelen 20000")

    def devices(self, s):
        """What found no room in a queue is not weir's to count."""

    def pour(self, *args, **more):
        return self.spawn("lan", [pour_bin(), args[0], self.tun("lan"),
                                  *map(str, args[1:])], **more)

    def entries(self):
        return self.weir.json("/api/v1/stats")["entries"]

    def matched(self, query):
        status, body = self.weir.get(
            f"/api/v1/flows?{query}&dry_run=true", "DELETE")
        same(status, 200, body)
        return json.loads(body)["matched"]


def fill(w):
    """Until each flow of groups 1 and 2 is there."""
    begin = time.monotonic()
    for group, flows in ((1, FLOWS - NAMED), (2, NAMED)):
        for attempt in range(8):
            rate = 400_000 >> attempt
            same(w.pour("fill", group, flows, rate).wait(), 0, "pour")
            w.stats()
            if w.matched(f"src=10.{group}.0.0/16") == flows:
                break
    say(f"{w.entries()} flows after {time.monotonic() - begin:.1f} s")
    drops = {k: v for k, v in w.stats()["drops"].items() if v}
    same(w.entries(), FLOWS, f"flows in the table; dropped {drops}")


class Listing(threading.Thread):
    """The whole table as one stream; looks at each row as it comes."""

    def __init__(self, w):
        super().__init__(daemon=True)
        self.path, self.wrong, self.seen = w.weir.socket, [], set()
        self.ids, self.rows, self.took = set(), 0, 0.0
        self.start()

    def run(self):
        begin = time.monotonic()
        c = UnixHTTP(self.path, 60)
        c.request("GET", "/api/v1/flows",
                  headers={"Accept": "application/x-ndjson"})
        for line in c.getresponse():
            self.look(line)
        c.close()
        self.took = time.monotonic() - begin

    def look(self, line):
        if b'"dport":7000,' in line:    # the probe's
            return
        m = ROW.search(line)
        self.rows += 1
        if m is None or not line.endswith(b"}\n"):
            self.wrong.append(line)
            return
        (group, host, third, fourth, sport, dport, packets, size, third2,
         fourth2, group2, host2, sport2, dport2, mark) = map(
             int, m.groups()[1:])
        length = 40 + sport % 10 * 4
        if (third, fourth, dport) != (sport % 251, host, sport ^ 0x5555) \
                or (third2, fourth2, group2, host2, sport2, dport2) != \
                (third, fourth, group, host, dport, sport) \
                or size != packets * length or packets == 0 \
                or mark != 1 + (sport >= 12048) or m[1] in self.ids:
            self.wrong.append(line)
        self.ids.add(m[1])
        if group != 3:
            self.seen.add((group, host, sport))


def threads(w):
    """What the kernel says about each worker: all threads but the first."""
    pid = w.weir.process.pid
    return [f"/proc/{pid}/task/{t}/schedstat"
            for t in os.listdir(f"/proc/{pid}/task") if int(t) != pid]


def churn(w):
    """The process that changes the table from now on."""
    near = w.open("lan", kind=socket.SOCK_DGRAM)
    far = w.listen("wan", (lab.WAN, 7000), socket.SOCK_DGRAM)
    near.connect((lab.WAN, 7000))
    ends = (near.fileno(), far.fileno())
    return w.pour("churn", FLOWS - NAMED, RATE, *ends, *threads(w),
                  pass_fds=ends, stdout=subprocess.PIPE)


def delete_named(w):
    """Those of group 2, each once; no packet opens them again."""
    begin = time.monotonic()
    status, body = w.weir.get("/api/v1/flows?src=10.2.0.0/16", "DELETE")
    same((status, json.loads(body)["deleted"]), (200, NAMED), "flows deleted")
    say(f"{NAMED} deleted by name in {time.monotonic() - begin:.1f} s")
    wait_for("they are gone", lambda: w.matched("src=10.2.0.0/16") == 0)


def asks_beside(w, listing):
    """A client of the other listener, as long as the list goes on: (how often
    it was answered, the longest it waited)."""
    asked, longest = 0, 0.0
    port = int(w.config["api"]["listen"].rsplit(":", 1)[1])
    while listing.is_alive():
        begin = time.monotonic()
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        c.request("GET", "/api/v1/stats")
        same(c.getresponse().status, 200, "status")
        c.close()
        asked, longest = asked + 1, max(longest, time.monotonic() - begin)
        time.sleep(0.02)
    return asked, longest


def check_listing(w, listing):
    """What stays is there exactly once, nothing else but what changes."""
    same(listing.wrong[:3], [], f"{len(listing.wrong)} torn or doubled rows")
    same(len({flow for flow in listing.seen if flow[0] == 1}), FLOWS - NAMED,
         "flows that stay, in the list")
    need(listing.rows > FLOWS - NAMED, "nothing changed meanwhile")
    say(f"{listing.rows} rows in {listing.took:.1f} s")


@case
def r7_dump_and_flush(workers):
    """Flows listed while packets change the table and another client deletes
    a tenth of them, then all."""
    with Crowd(workers) as w:
        fill(w)
        child = churn(w)
        time.sleep(1)
        listing = Listing(w)
        time.sleep(0.3)
        delete_named(w)
        asked, longest = asks_beside(w, listing)
        say(f"asked {asked} times beside it, {longest:.2f} s at most")
        listing.join()
        check_listing(w, listing)
        same(w.matched("src=10.1.0.0/16"), FLOWS - NAMED, "flows that stay")
        w.weir.conntrack("-F")
        wait_for("they are gone", lambda: w.entries() < FLOWS // 2)
        time.sleep(0.5)
        child.terminate()
        told = json.loads(child.communicate(timeout=20)[0])
        say(f"{told['sent'] / told['seconds']:.0f} packets a second; one took "
            f"{told['half'] / 1000} ms, of 100 99 at most "
            f"{told['most'] / 1000} ms, all {told['longest'] / 1000} ms, of "
            f"which a worker's own {told['ran'] / 1000} ms at most")
        need(not STALL_MS or told["ran"] <= (STALL_MS + TICK_MS) * 1000,
             "a worker's loop stood still")
