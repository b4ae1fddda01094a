# SPDX-License-Identifier: Apache-2.0
"""Compiled test programs (cmocka) and the tests of the tools."""
import re
import sys

from .tasks import FAIL, PASS, SKIP, Result, Task, command, failed, one, tail

LINE = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (?!\d+ test)(.*)$", re.M)
WHY = re.compile(r"^skip: (.*)$", re.M)
STATES = {"OK": PASS, "FAILED": FAIL, "SKIPPED": SKIP}


def results_of(name, done):
    """Results of one program, one for each of its tests; a crash is one more failure."""
    out = done.stdout + done.stderr
    seen = {}
    whys, at = {}, 0
    for m in LINE.finditer(out):
        seen[m[2].strip()] = STATES[m[1]]
        said = WHY.findall(out, at, m.start())
        whys.setdefault(m[2].strip(), said[-1] if said else "the test does not say why")
        at = m.end()
    results = [Result(f"{name}: {test}", state, tail(out) if state == FAIL else whys[test])
               for test, state in seen.items()]
    whole = re.search(r"^\[=+\] \d+ test\(s\) run\.", out, re.M)
    if done.returncode < 0 or not whole or (done.returncode and FAIL not in seen.values()):
        results.append(Result(name, FAIL, f"exit status {done.returncode}\n{tail(out)}"))
    return results


def program_task(context, program, wrapper=(), timeout=300):
    name = f"{context.label}{program.relative_to(context.build / 'tests')}"
    return Task(name, lambda folder: results_of(name, command([*wrapper, program], folder, timeout)))


def sources(context, *folders):
    return sorted(p for f in folders for p in (context.root / "tests" / f).glob("test_*.c"))


def built(context, paths, **options):
    """Tasks of the programs that were built from these sources."""
    tests = context.root / "tests"
    return [program_task(context, context.build / "tests" / p.relative_to(tests).with_suffix(""), **options)
            for p in paths]


def unit_tasks(context, **options):
    return built(context, sources(context, "unit", "api"), **options)


def fault_tasks(context):
    return built(context, sources(context, "fault"))


def python_task(path, *words):
    """A file of Python's unittest, given these words, as a task with a result for each test."""
    def body(folder):
        done = command([sys.executable, "-B", path, *words, "-v"], folder)
        found = re.findall(r"^(\w+) \(.*\)(?:\n.*)? \.\.\. (ok|FAIL|ERROR|skipped.*)$", done.stderr, re.M)
        state = {"ok": PASS, "FAIL": FAIL, "ERROR": FAIL}
        results = [Result(f"{path.stem}: {test}", state.get(word, SKIP),
                          word[8:].strip(" '") if word.startswith("skipped") else tail(done.stderr, 40))
                   for test, word in found]
        if done.returncode and not any(r.state == FAIL for r in results):
            results.append(Result(path.stem, FAIL, tail(done.stderr)))
        return results
    return Task(path.stem, body)


def tool_tasks(context):
    def tool(name):
        def body(folder):
            done = command([sys.executable, "-B", context.root / "tools" / name], folder)
            return tail(done.stdout + done.stderr, 40) if done.returncode else None
        return one(f"tools/{name}", body)
    tests = [python_task(p) for p in sorted((context.root / "tests/tools").glob("test_*.py"))]
    return [tool("check_layers"), tool("check_size"), *tests]


def need(context, path, name):
    """A failing task where a program that others need was not built, else nothing."""
    return [] if path.exists() else [failed(name, f"{path.relative_to(context.root)} was not built")]
