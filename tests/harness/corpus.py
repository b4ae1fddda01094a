# SPDX-License-Identifier: Apache-2.0
"""The conformance corpus, which lies beside a checkout as ../shared/corpus (or where FUSE_CORPUS says).

tests/corpus/pending.txt names the cases that are known not to pass on native yet, one on a line. Such
a case counts as skipped while it fails; when it passes, that is a failure until the line is gone.
"""
import json
import os
import re
import sys
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


def backend_task(context, folder_of_cases, python, backend):
    name = f"corpus {backend}"
    jobs = len(os.sched_getaffinity(0))

    def body(folder):
        done = command([python, folder_of_cases / "check.py", folder_of_cases / "cases", "--cmd", f"{context.fuse} run",
                        "--backend", backend, "--jobs", jobs, "-v"], folder, timeout=900)
        waits = pending(context) if backend == "native" else set()
        results = [result_of(f"{name} {case}", word == "ok  ", why or "", case in waits)
                   for word, case, why in LINE.findall(done.stdout)]
        if not re.search(r"^\d+ passed, \d+ failed$", done.stdout, re.M):
            results.append(Result(name, FAIL, tail(done.stdout + done.stderr)))
        return results
    return Task(name, body)


def is_present(context, backend):
    done = command([context.fuse, "backends", "--json"], context.root)
    listed = json.loads(done.stdout) if done.returncode == 0 else []
    return any(b["name"] == backend and b["present"] for b in listed)


def tasks(context):
    place = Path(os.environ.get("FUSE_CORPUS", context.root.parent / "shared/corpus"))
    if not (place / "check.py").exists():
        return [skipped("corpus", "no ../shared/corpus beside the checkout")]
    missing = need(context, context.fuse, "corpus")
    if missing:
        return missing
    python = python_with_numpy(context)
    if python is None:
        return [failed("corpus", "its checker needs numpy: run 'make deps'")]
    return [backend_task(context, place, python, b) if b == "native" or is_present(context, b)
            else skipped(f"corpus {b}", "this backend is not here; see 'fuse backends'") for b in BACKENDS]
