"""cases_sctp.py - associations of a real SCTP stack, behind one address"""
import os
import re
import select
import subprocess
import sys

import lab
from lab import Lab, need, same, say, wait_for

CASES = {}
PROGRAM = [sys.executable, "-B", os.path.join(lab.HERE, "assoc.py")]
STATES = ["CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED",
          "SHUTDOWN_SENT", "SHUTDOWN_ACK_SENT", "CLOSED"]


def case(function):
    CASES[function.__name__] = function
    return function


def hear(child, *want):
    """The next line that the program says, within 10 s."""
    need(select.select([child.stdout], [], [], 10)[0],
         f"waited 10 s in vain for {want}")
    same(tuple(child.stdout.readline().split()), want, "the program's words")


def go_on(child):
    child.stdin.write("\n")
    child.stdin.flush()


def states(text, host):
    """Of each event about a host's flow: the state it was in then."""
    return re.findall(rf"(?:NEW|UPDATE)\] sctp .*?([A-Z_]+) src={host} ", text)


def listed(w):
    """{source: (state, outside port)} of conntrack -L."""
    rows = re.findall(r"^sctp +132 \d+ ([A-Z_]+) src=(\S+) dst=\S+ sport=4001 "
                      r"dport=5001 .*?dst=198\.51\.100\.1 sport=5001 "
                      r"dport=(\d+)", w.weir.conntrack("-L", "-p", "sctp"),
                      re.M)
    return {host: (state, port) for state, host, port in rows}


@case
def sctp(workers):
    """Two hosts, one source port: set up, 100 KB, shut down."""
    with Lab(workers) as w:
        events = w.spawn("lan", [lab.weir_bin(), "conntrack", "--socket",
                                 w.weir.socket, "-E", "-p", "sctp"],
                         stdout=open(os.path.join(w.folder, "events"), "w"))
        server = w.spawn("wan", [*PROGRAM, "serve", lab.WAN, "5001"],
                         stdout=subprocess.PIPE)
        hear(server, "ready")
        # One after the other: each hears all of the machine's SCTP, and ends
        # what it does not know until it has been told not to.
        clients = {}
        for host in (lab.LAN, lab.LAN2):
            clients[host] = w.spawn("lan", [*PROGRAM, "talk", host, "4001",
                                            lab.WAN, "5001"],
                                    stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE)
            hear(clients[host], "up")
        rows = listed(w)
        same({h: row[0] for h, row in rows.items()},
             dict.fromkeys(clients, "ESTABLISHED"), "conntrack -L")
        same(len({port for _, port in rows.values()}), 2, "outside ports")
        for child in clients.values():
            go_on(child)
        for host, child in clients.items():
            hear(child, "same", lab.WAN_GW, rows[host][1])
            go_on(child)
        for child in clients.values():
            hear(child, "down")
        wait_for("both are over", lambda: {
            state for state, _ in listed(w).values()} == {"CLOSED"})
        need(events.poll() is None, "conntrack -E ended")
        for host in clients:
            seen = wait_for("events", lambda: states(
                open(os.path.join(w.folder, "events")).read(), host))
            same(seen, STATES, f"states of {host}")
        say(f"ports {sorted(p for _, p in rows.values())}")
