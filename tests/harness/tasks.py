# SPDX-License-Identifier: Apache-2.0
"""Tests as tasks: a name and a function that is given an empty folder and yields results."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable

PASS, FAIL, SKIP = "pass", "fail", "skip"


@dataclass(frozen=True)
class Context:
    root: Path     # the project
    build: Path    # where the programs are
    san: Path      # where the sanitized programs are
    bless: bool    # write expected outputs
    seconds: int   # for each fuzz target
    label: str = ""

    @property
    def fuse(self):
        return self.build / "fuse"

    def sanitized(self):
        return replace(self, build=self.san, bless=False, label="san ")


@dataclass(frozen=True)
class Result:
    name: str
    state: str
    why: str = ""


@dataclass(frozen=True)
class Task:
    name: str
    body: Callable  # body(folder) -> list of Result
    is_short: bool = False  # one run of a program; what may take longer starts before these


def one(name, body):
    """A task that is one test: body(folder) returns None where all is well, or what is wrong."""
    def run(folder):
        why = body(folder)
        return [Result(name, FAIL, why) if why else Result(name, PASS)]
    return Task(name, run, is_short=True)


def skipped(name, why):
    return Task(name, lambda folder: [Result(name, SKIP, why)])


def failed(name, why):
    return Task(name, lambda folder: [Result(name, FAIL, why)])


def environment(folder):
    """What a test sees: its own home and temporary folder, one language, sanitizers that fail."""
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH", "OPENBLAS_NUM_THREADS", "FUSE_SWEEP")}
    return {**keep, "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8", "TERM": "dumb",
            "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1:exitcode=99",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
            "TSAN_OPTIONS": "halt_on_error=1:exitcode=99:allocator_may_return_null=1"}


def command(words, folder, timeout=120, **more):
    """Runs words in folder. A program that does not end is a failure with exit status 124."""
    try:
        return subprocess.run([str(w) for w in words], cwd=folder, env=environment(folder), text=True,
                              capture_output=True, errors="replace", timeout=timeout,
                              stdin=subprocess.DEVNULL, check=False, **more)
    except subprocess.TimeoutExpired as e:
        def text(b):
            return b.decode(errors="replace") if isinstance(b, bytes) else b or ""
        return subprocess.CompletedProcess(words, 124, text(e.stdout),
                                           text(e.stderr) + f"\nno end within {timeout} s")
    except OSError as e:
        return subprocess.CompletedProcess(words, 127, "", f"{words[0]}: {e.strerror}")


def tail(text, lines=25):
    return "\n".join(text.rstrip().split("\n")[-lines:])


def run_task(task):
    folder = Path(tempfile.mkdtemp(prefix="fusetest"))
    try:
        return task.body(folder) or [Result(task.name, FAIL, "ran no test")]
    except Exception as e:  # a fault of the harness is a failed test, never a lost one
        return [Result(task.name, FAIL, f"harness: {type(e).__name__}: {e}")]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def show(result, verbose):
    if result.state == FAIL:
        print(f"FAIL {result.name}")
        for line in result.why.split("\n"):
            print("     " + line)
    elif result.state == SKIP and verbose:
        print(f"skip {result.name}: {result.why}")
    elif verbose:
        print(f"ok   {result.name}")
    sys.stdout.flush()


VERSION = re.compile(r": error: (.*): not in this version \[E0903\]")


def reason(why):
    """What skips have in common: what this version lacks, else the first line."""
    lacks = VERSION.search(why)
    return f"{lacks[1]}: not in this version" if lacks else why.split("\n")[0]


def show_skips(skips):
    """A line for each reason."""
    count = Counter(reason(r.why) for r in skips)
    for why, n in count.most_common():
        names = sorted(r.name for r in skips if reason(r.why) == why)
        print(f"skipped {n}: {why} ({names[0]}{', ...' if n > 1 else ''})")


def run_all(work, jobs, verbose):
    """Runs the tasks on jobs threads; exit status 0 when nothing failed and something ran."""
    counts = {PASS: 0, FAIL: 0, SKIP: 0}
    skips = []
    work = sorted(work, key=lambda t: t.is_short)
    begin = time.monotonic()
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for done in as_completed([pool.submit(run_task, t) for t in work]):
            for result in done.result():
                counts[result.state] += 1
                show(result, verbose)
                skips += [result] if result.state == SKIP else []
    if not verbose:
        show_skips(skips)
    print(f"in {time.monotonic() - begin:.1f} s")
    print(f"{counts[PASS]} passed, {counts[FAIL]} failed, {counts[SKIP]} skipped")
    return 1 if counts[FAIL] or not counts[PASS] else 0
