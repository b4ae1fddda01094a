# SPDX-License-Identifier: Apache-2.0
"""The conformance corpus: where FUSE_CORPUS says, or a folder `corpus` with check.py beside the checkout or in a
folder beside it.

tests/corpus/pending.txt names the cases that are known not to pass on native yet, one on a line. Such
a case counts as skipped while it fails; when it passes, that is a failure until the line is gone.
"""
import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .programs import need
from .tasks import FAIL, PASS, SKIP, Result, Task, command, failed, skipped, tail

LINE = re.compile(r"^(ok  |FAIL) ([\w.-]+)(?:: (.*))?$", re.M)
BACKENDS = ("native", "torch", "xla")


def python_with_numpy(context):
    for python in (context.root / ".deps/venv/bin/python", sys.executable):
        if command([python, "-c", "import numpy"], context.root).returncode == 0:
            return python
    return None


def pending(context):
    path = context.root / "tests/corpus/pending.txt"
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return {x.strip() for x in lines if x.strip() and not x.startswith("#")}


def result_of(name, ok, why, waits):
    if waits and ok:
        return Result(name, FAIL, "passes: take its line out of tests/corpus/pending.txt")
    if waits:
        return Result(name, SKIP, f"pending: {why}")
    return Result(name, PASS if ok else FAIL, why)


@dataclass(frozen=True)
class Check:
    """One run of the checker over all cases."""
    name: str
    backend: str
    command: str
    waits: set = field(default_factory=set)  # cases that are known not to pass
    leaves: set = field(default_factory=set)  # cases that this run says nothing about


def check_task(place, python, check):
    jobs = len(os.sched_getaffinity(0))

    def body(folder):
        done = command([python, place / "check.py", place / "cases", "--cmd", check.command, "--backend", check.backend,
                        "--jobs", jobs, "-v"], folder, timeout=900)
        results = [result_of(f"{check.name} {case}", word == "ok  ", why or "", case in check.waits)
                   for word, case, why in LINE.findall(done.stdout) if case not in check.leaves]
        if not re.search(r"^\d+ passed, \d+ failed$", done.stdout, re.M):
            results.append(Result(check.name, FAIL, tail(done.stdout + done.stderr)))
        return results
    return Task(check.name, body)


def formatted(context, place):
    """Every program that runs gives the same after `fuse fmt`."""
    cases = {p.parent.name: json.loads(p.read_text(encoding="utf-8")) for p in place.glob("cases/*/case.json")}
    refused = {name for name, meta in cases.items() if "error" in meta or "warns" in meta}
    text = f"{context.fuse} fmt --write program.fuse && exec {context.fuse} run \"$@\""
    return Check("corpus formatted", "native", f"sh -c '{text}' sh", pending(context), refused)


def is_present(context, backend):
    done = command([context.fuse, "backends", "--json"], context.root)
    listed = json.loads(done.stdout) if done.returncode == 0 else []
    return any(b["name"] == backend and b["present"] for b in listed)


def find_place(context):
    """The folder of the corpus, or None."""
    given = os.environ.get("FUSE_CORPUS")
    beside = context.root.parent
    places = [Path(given)] if given else [beside / "corpus", *sorted(beside.glob("*/corpus"))]
    return next((p for p in places if (p / "check.py").exists()), None)


def tasks(context, backends=("formatted", *BACKENDS)):
    place = find_place(context)
    if place is None:
        return [skipped("corpus", "no corpus beside the checkout; FUSE_CORPUS=DIR names one")]
    missing = need(context, context.fuse, "corpus")
    if missing:
        return missing
    python = python_with_numpy(context)
    if python is None:
        return [failed("corpus", "its checker needs numpy: run 'make deps'")]
    checks = [formatted(context, place)] if "formatted" in backends else []
    absent = []
    for backend in [b for b in BACKENDS if b in backends]:
        if backend == "native" or is_present(context, backend):
            waits = pending(context) if backend == "native" else set()
            checks.append(Check(f"{context.label}corpus {backend}", backend, f"{context.fuse} run", waits))
        else:
            absent.append(skipped(f"corpus {backend}", "this backend is not here; see 'fuse backends'"))
    return absent + [check_task(place, python, c) for c in checks]
