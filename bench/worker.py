# SPDX-License-Identifier: Apache-2.0
"""One peer in one process, driven by lines on standard input; answers are JSON lines.

    prepare KEY DIR   read DIR/NAME.npy, build the work, run it twice
    run N             run it N times: seconds of one run, by the clock and of CPU
    save FILE         run it once more and write the output as .npy
    quit

The number of threads is fixed by the environment and by the CPUs that the conductor allows.
"""
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from work import find_works


def read_status(name):
    """A line of /proc/self/status, in bytes: VmRSS now, VmHWM the peak."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(text.split(name + ":")[1].split()[0])


def set_threads(peer, threads):
    if peer.startswith("torch"):
        import torch
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
    elif peer == "numexpr":
        import numexpr
        numexpr.set_num_threads(threads)
    elif peer == "jax":
        import jax  # noqa: F401, so that its import counts for no work


class Session:
    def __init__(self, peer, threads):
        self.peer, self.works, self.once = peer, find_works(), None
        set_threads(peer, threads)

    def prepare(self, key, folder):
        work = self.works[key]
        arrays = {path.stem: np.load(path) for path in sorted(Path(folder).glob("*.npy"))}
        before = read_status("VmRSS")
        start = time.perf_counter()
        self.once = work.peers[self.peer](arrays)
        self.once()
        first = time.perf_counter() - start
        self.once()
        peak = read_status("VmHWM")
        cost = getattr(self.once, "cost", None)  # operations of the planned order, where it is told
        return {"first": first, "before": before, "peak": peak, "cost": cost}

    def run(self, count):
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(int(count)):
            self.once()
        return {"seconds": (time.perf_counter() - start) / int(count),
                "cpu": (time.process_time() - cpu) / int(count)}

    def drop(self):
        self.once = None
        return {}

    def save(self, path):
        np.save(path, np.asarray(self.once()))
        return {}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peers print must not mix with the answers
    session = Session(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        verb, *words = line.split()
        if verb == "quit":
            break
        try:
            answer = getattr(session, verb)(*words)
        except Exception as error:  # a peer that cannot do a work is left out of its row
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
