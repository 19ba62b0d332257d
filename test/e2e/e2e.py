#!/usr/bin/env -S python3 -B
"""e2e.py CASE WORKERS - one end-to-end case; e2e.py --list names all

$WEIR_BIN is the program.  Exit 0 fine, 1 failed, 77 not root.
"""
import os
import signal
import subprocess
import sys
import time

import cases_caps
import cases_frag
import cases_gateway
import cases_gateway_faults
import cases_gateway_health
import cases_gateway_host
import cases_gateway_kill
import cases_gateway_life
import cases_gateway_more
import cases_gateway_nat
import cases_gateway_past
import cases_gateway_vanish
import cases_helper
import cases_life
import cases_log
import cases_mss
import cases_nat
import cases_queue
import cases_readers
import cases_run
import cases_sandbox
import cases_sctp
import cases_starts
import cases_traffic
import cases_tunnel
import cases_zones
import lab

CASES = {}
for module in (cases_traffic, cases_frag, cases_helper, cases_queue, cases_nat,
               cases_mss, cases_zones, cases_log, cases_readers, cases_sctp, cases_tunnel,
               cases_life, cases_starts, cases_caps, cases_run, cases_gateway,
               cases_gateway_life, cases_gateway_kill, cases_gateway_nat, cases_gateway_faults,
               cases_gateway_past, cases_gateway_health, cases_gateway_vanish, cases_gateway_more,
               cases_sandbox, cases_gateway_host):
    CASES.update(module.CASES)


def main():
    if sys.argv[1] == "--list":         # with words: are these all?
        print("\n".join(CASES))
        return sys.argv[2:] not in ([], [" ".join(CASES)])
    case, workers = CASES[sys.argv[1]], int(sys.argv[2])
    if os.geteuid():
        print("SKIPPED: NOT ROOT. This test makes network namespaces: "
              "nothing of it was run.")
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    begin = time.monotonic()
    try:
        case(workers)
    except (lab.Failure, OSError, subprocess.SubprocessError) as wrong:
        import traceback
        traceback.print_exc()
        print(f"FAILED: {wrong}")
        return 1
    print(f"passed in {time.monotonic() - begin:.1f} s")
    return 0


sys.exit(main())
