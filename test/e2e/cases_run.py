"""cases_run.py - which configuration `weir run` takes: flag, variable, place"""
import os
import subprocess

import lab
from lab import Lab, need, same, say

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def show(status, args=(), env=(), wrap=()):
    """`weir run --print-config`: what it said."""
    done = subprocess.run(
        ["env", *env, *wrap, lab.weir_bin(), "run", "--print-config", *args],
        text=True, capture_output=True, timeout=20,
        preexec_fn=lab.die_with_parent)
    said = done.stdout + done.stderr
    say(f"{' '.join(env)} weir run {' '.join(args)}: exit {done.returncode}, "
        f"{said.strip().splitlines()[:1]}")
    same(done.returncode, status, "exit status")
    return said


@case
def run_config(workers):
    with Lab(workers, start=False) as w:
        file = {}
        for name in ("flag", "variable", "place"):
            config = lab.json.loads(lab.json.dumps(w.config))
            config["api"]["socket"] = f"/run/{name}.sock"
            file[name] = os.path.join(w.folder, name + ".json")
            with open(file[name], "w", encoding="utf-8") as f:
                lab.json.dump(config, f)
        # An /etc of its own, with the file at the ordinary place.
        etc = ["unshare", "-m", "sh", "-c",
               "mount -t tmpfs none /etc && mkdir /etc/weir && "
               f"cp {file['place']} /etc/weir/weir.json && exec \"$@\"", "sh"]
        bare = ["unshare", "-m", "sh", "-c",
                'mount -t tmpfs none /etc && exec "$@"', "sh"]
        flag, env = ("-c", file["flag"]), "WEIR_CONFIG=" + file["variable"]
        for name, said in (
                ("flag", show(0, flag, [env], etc)),
                ("variable", show(0, (), [env], etc)),
                ("place", show(0, (), ["WEIR_CONFIG="], etc))):
            need(f"/run/{name}.sock" in said, f"not {name}: {said}")
        need("/nowhere/weir.json" in show(
            1, (), ["WEIR_CONFIG=/nowhere/weir.json"], etc), "the file's name")
        show(2, (), (), bare)           # nothing says what to do
        said = show(0, (), ["WEIR_GATEWAY_LAN=eth0", "WEIR_GATEWAY_WAN=eth1",
                            "WEIR_SOCKET=/run/bare.sock"], bare)
        need("/run/bare.sock" in said and "eth1" in said, said)
