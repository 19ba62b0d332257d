"""trial.py - what tests in Python say of what they find"""
import time


class Failure(Exception):
    """The test found what must not be."""


def need(true, what):
    if not true:
        raise Failure(what)


def same(got, want, what):
    need(got == want, f"{what}: got {got!r}, want {want!r}")


def wait_for(what, ask, seconds=10.0, pause=0.02):
    """Until ask() answers something true: that, or a Failure."""
    end = time.monotonic() + seconds
    while True:
        got = ask()
        if got:
            return got
        if time.monotonic() > end:
            raise Failure(f"waited {seconds:g} s in vain: {what}")
        time.sleep(pause)
