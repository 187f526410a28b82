"""What the checks do; see the README beside the folder."""

import os
import threading
import time

COUNT = int(os.environ["PEER_CHECKS"])
KIND = os.environ["PEER_KIND"]
STATIC = b'{"status":"healthy"}'

runs = 0


def name(number):
    return f"check-{number:05}"


def begin():
    global runs
    runs += 1


def run(number):
    """One run of a synchronous check."""
    if number > 0:
        return
    begin()
    if KIND == "slow":
        time.sleep(1)
    elif KIND == "hung":
        threading.Event().wait()
    elif KIND == "blocking":
        time.sleep(5)
    elif KIND == "panicking":
        raise RuntimeError("the check panics")


def end_with_input():
    def wait():
        import sys

        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
