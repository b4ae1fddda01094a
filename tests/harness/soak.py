# SPDX-License-Identifier: Apache-2.0
"""Long checks: fuzz targets, valgrind, the thread sanitizer."""
import os
import shutil
from dataclasses import replace

from . import lang, programs, seeds
from .tasks import command, failed, one, skipped, tail

VALGRIND = ("valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite")


def fuzz_task(context, program):
    target = program.name.removeprefix("fuzz_")

    def body(folder):
        words = [program, f"-max_total_time={context.seconds}", "-rss_limit_mb=2048", "-timeout=20",
                 "-malloc_limit_mb=1024", "-print_final_stats=1", "new", "seeds"]
        for name in ("new", "seeds"):
            (folder / name).mkdir()
        seeds.write(context.root, target, folder / "seeds")
        done = command(words, folder, timeout=context.seconds + 120)
        if done.returncode == 0:
            return None
        kept = context.build / "fuzz"
        for path in folder.glob("*-*"):
            shutil.copy(path, kept / f"{target}-{path.name}")
        return f"a finding; inputs are in {kept}\n{tail(done.stderr, 40)}"
    return one(f"fuzz {target} ({context.seconds} s)", body)


def fuzz_tasks(context):
    names = sorted(p.stem for p in (context.root / "fuzz").glob("fuzz_*.c"))
    if not names:
        return [skipped("fuzz", "no targets in fuzz/")]
    return [fuzz_task(context, context.build / "fuzz" / n) for n in names]


def valgrind_tasks(context):
    if not shutil.which("valgrind", path=os.environ.get("PATH")):
        return [skipped("valgrind", "valgrind is not installed")]
    under = replace(context, label="valgrind ")
    return programs.built(under, programs.sources(context, "unit", "api"), wrapper=VALGRIND, timeout=1200)


def thread_tasks(context):
    build = context.build / "tsan"
    if not build.exists():
        return [failed("threads", "the thread-sanitized build is missing")]
    under = replace(context, build=build, label="threads ")
    return programs.unit_tasks(under) + lang.tasks(under)
