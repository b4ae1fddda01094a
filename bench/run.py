# SPDX-License-Identifier: Apache-2.0
"""Speed, side by side: one table (work, ours, each peer, ratio), and the same as JSON.

Each contender is a process that lives as long as one thread count is measured: the C driver for
ours, worker.py for each peer. A round asks every contender in turn for a run of at least
MIN_SECONDS; the figure is the median over the rounds, the ratio the median of the paired ratios
(peer's time divided by ours: above 1 we are faster). Results are compared before anything counts.
"""
import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import process
import table
from work import HERE, find_works

MIN_SECONDS = 0.03
LONG_SECONDS = 240
OURS = "fuse"


def clean_environment(threads):
    """Threads fixed for every library; what misleads OpenBLAS about the CPU is taken out."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMEXPR_MAX"):
        env[name + "_NUM_THREADS"] = str(threads)
    env["JAX_PLATFORMS"] = "cpu"
    env["TF_CPP_MIN_LOG_LEVEL"] = "3"
    return env


def choose_cpus(threads):
    return set(sorted(os.sched_getaffinity(0))[-threads:])


class Contender:
    """A process that answers each line with one line of JSON; one that does not is started anew."""

    def __init__(self, name, command, threads):
        self.name, self.command, self.threads = name, command, threads
        self.start()

    def start(self):
        cpus = choose_cpus(self.threads)
        self.child = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=None if os.environ.get("BENCH_VERBOSE") else subprocess.DEVNULL,
            env=clean_environment(self.threads),
            preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    def ask(self, *words):
        try:
            print(*words, file=self.child.stdin, flush=True)
            ready = select.select([self.child.stdout], [], [], LONG_SECONDS)[0]
            line = self.child.stdout.readline() if ready else ""
        except BrokenPipeError:
            ready, line = [True], ""
        if line:
            return json.loads(line)
        self.child.kill()
        self.child.wait()
        self.start()
        return {"error": "the process ended" if ready else f"no answer within {LONG_SECONDS} s"}

    def close(self):
        try:
            print("quit", file=self.child.stdin, flush=True)
            self.child.wait(10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.child.kill()
            self.child.wait()


def start_contenders(options, works, threads):
    names = []
    for work in works:
        names += [n for n in work.peers if n not in names]
    names = [n for n in names if not options.peers or n in options.peers]
    worker = str(HERE / "worker.py")
    contenders = {n: Contender(n, [sys.executable, worker, n, str(threads)], threads)
                  for n in names}
    if options.driver:
        contenders[OURS] = Contender(OURS, [options.driver, str(threads)], threads)
    return contenders


def check_result(work, got, want):
    if got.shape != want.shape:
        return f"shape {got.shape}, a peer has {want.shape}"
    scale = max(1e-30, float(np.abs(want).max())) if want.size else 1.0
    error = float(np.abs(got.astype(np.float64) - want).max()) / scale if want.size else 0.0
    return None if error <= work.rtol else f"differs by {error:.2g} of the largest value"


def prepare(work, contenders, folder):
    """Contenders that can do the work, the others with the reason, and the results."""
    work.write(folder)
    able, failures, results, costs = {}, {}, {}, {}
    for name, contender in contenders.items():
        if name not in work.peers and name != OURS:
            continue
        words = work.name_ours(folder) if name == OURS else (work.key,)
        answer = contender.ask("prepare", *words, folder / "in")
        if answer.get("cost"):
            costs[name] = answer["cost"]
        if "error" not in answer:
            out = folder / f"{len(results)}.npy"
            answer = contender.ask("save", out)
        if "error" in answer:
            failures[name] = answer["error"]
        else:
            able[name], results[name] = contender, np.load(out)
    if costs and OURS in able:
        costs[OURS] = read_cost(able[OURS], folder / "plan.json")
    return able, failures, results, costs


def read_cost(contender, path):
    """The operations of our plan, as `fuse explain --explain=json` tells them."""
    contender.ask("explain", path)
    steps = json.loads(path.read_text(encoding="utf-8"))["steps"]
    return sum(step["flops"] for step in steps)


def choose_count(contender):
    seconds = contender.ask("run", 1)["seconds"]
    return max(1, int(MIN_SECONDS / max(seconds, 1e-7)))


def measure(work, contenders, options, folder):
    able, failures, results, costs = prepare(work, contenders, folder)
    reference = next((results[n] for n in results if n != OURS), None)
    for name in list(able):
        wrong = None if reference is None else check_result(work, results[name], reference)
        if wrong:
            failures[name] = wrong
            del able[name]
    counts = {n: choose_count(c) for n, c in able.items()}
    times = {n: [] for n in able}
    for turn in range(options.rounds):
        order = list(able) if turn % 2 == 0 else list(able)[::-1]
        for name in order:
            times[name].append(able[name].ask("run", counts[name])[options.clock])
    for contender in contenders.values():
        contender.ask("drop")
    return times, failures, costs


def summarise(work, threads, times, failures, costs):
    record = {"row": work.row, "name": work.name, "threads": threads, "failures": failures,
              "costs": costs, "flops": work.flops, "bytes": work.bytes,
              "seconds": {n: statistics.median(t) for n, t in times.items()}, "ratios": {}}
    for name in times:
        if name != OURS and OURS in times:
            pairs = [peer / own for peer, own in zip(times[name], times[OURS])]
            record["ratios"][name] = statistics.median(pairs)
    return record


def describe(record):
    seconds = record["seconds"]
    words = [f"{record['row']:4}{record['name']:22} {record['threads']}T"]
    for name, value in seconds.items():
        text = f"{name} {value * 1e3:.3f} ms"
        if record["flops"]:
            text += f" ({record['flops'] / value * 1e-9:.0f} GF/s)"
        if record["bytes"]:
            text += f" ({record['bytes'] / value * 1e-9:.1f} GB/s)"
        if name == OURS and "copy" in record:
            text += f" ({record['bytes'] / value / record['copy']:.2f} of copy)"
        if name in record["ratios"]:
            text += f" x{record['ratios'][name]:.2f}"
        words.append(text)
    words += [f"{n} plans {c:.3g} operations" for n, c in record.get("costs", {}).items()]
    words += [f"{n} {b / 1e6:.1f} MB" for n, b in record.get("memory", {}).items()]
    if "live" in record:
        words.append(f"live set {record['live'] / 1e6:.1f} MB")
    words += [f"{name}: {why}" for name, why in record["failures"].items()]
    return "  ".join(words)


def run_works(options, works, threads):
    contenders = start_contenders(options, works, threads)
    records = []
    copy = contenders[OURS].ask("copy", 64)[options.clock] if OURS in contenders else None
    try:
        for work in works:
            with tempfile.TemporaryDirectory() as folder:
                measured = measure(work, contenders, options, Path(folder))
            records.append(summarise(work, threads, *measured))
            if copy and work.bytes:
                records[-1]["copy"] = copy
            print(describe(records[-1]), flush=True)
    finally:
        for contender in contenders.values():
            contender.close()
    return records


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--driver", help="the compiled bench/driver.c; without it: peers only")
    parser.add_argument("--fuse", help="the program, for P1, P12, P13, P14")
    parser.add_argument("--only", default="", help="rows or row/name, with commas")
    parser.add_argument("--peers", default="", help="only these peers, with commas")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--clock", default="seconds", choices=("seconds", "cpu"),
                        help="cpu: processor time, for one thread on a machine with other work")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", default="build/bench.json", help="where the figures go")
    options = parser.parse_args()
    for name in ("driver", "fuse"):
        if getattr(options, name):
            setattr(options, name, os.path.abspath(getattr(options, name)))
    options.peers = [p for p in options.peers.split(",") if p]
    options.only = [p for p in options.only.split(",") if p]
    return options


def main():
    options = parse_options()

    def wanted(row, name=""):
        return not options.only or row in options.only or f"{row}/{name}" in options.only

    works = [w for w in find_works().values() if wanted(w.row, w.name)]
    records = []
    for threads in (int(t) for t in options.threads.split(",")):
        if works:
            records += run_works(options, works, threads)
    for record in process.measure_rows(options, wanted, Contender, clean_environment(1)):
        records.append(record)
        print(describe(record), flush=True)
    Path(options.json).write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    print("\n".join(table.write_table(records)))


if __name__ == "__main__":
    main()
