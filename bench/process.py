# SPDX-License-Identifier: Apache-2.0
"""The rows that are measured on whole processes: start (P1), compile time (P12), memory (P13, and
that of P6), a mapped source of 4 GB (P14)."""
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from work import HERE, find_works

ROUNDS = 21
MEASURED = {"P13": ["P5/block_8x128x512", "P16/minilm_32x128", "P3/lattice_5x5"],
            "P6": ["P6/attention_4096"]}


def run_process(words, env, folder):
    """Seconds from start to end."""
    with open(os.devnull, "r+b") as null, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        status = subprocess.call([str(w) for w in words], cwd=folder, env=env, stdin=null,
                                 stdout=null, stderr=errors)
        seconds = time.perf_counter() - start
        if status:
            errors.seek(0)
            raise RuntimeError(errors.read().decode(errors="replace").strip()[:300])
    return seconds


def compare_processes(row, name, ours, peer, folder, env):
    """Both in turn; medians, and the ratio of peer to ours."""
    times = {"fuse": [], peer[0]: []}
    for _ in range(ROUNDS):
        for title, words in (("fuse", ours), peer):
            times[title].append(run_process(words, env, folder))
    pairs = [b / a for a, b in zip(times["fuse"], times[peer[0]])]
    return {"row": row, "name": name, "threads": 0, "failures": {}, "flops": 0, "bytes": 0,
            "seconds": {n: statistics.median(t) for n, t in times.items()},
            "ratios": {peer[0]: statistics.median(pairs)}}


def measure_start(options, env, folder):
    ours = [options.fuse, "run", HERE / "ten.fuse"]
    peer = ("import numpy", [sys.executable, "-c", "import numpy"])
    yield compare_processes("P1", "start", ours, peer, folder, env)


def measure_mapped(options, start, env, folder):
    rows, width = 1 << 20, 1 << 10  # float32: 4 GiB, all of it a hole in the file
    with open(folder / "big.npy", "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4 * rows * width)
    (folder / "row.fuse").write_text(
        'W[r,d] = "big.npy"\nRow[d] = W[777777,d]\nexport Row\n', encoding="utf-8")
    ours = [options.fuse, "run", folder / "row.fuse"]
    text = "import numpy as n; print(n.load('big.npy', mmap_mode='r')[777777])"
    peer = ("np.load(mmap_mode)", [sys.executable, "-c", text])
    record = compare_processes("P14", "one_row_of_4GB", ours, peer, folder, env)
    driver = start("fuse", [options.driver, "1"], 1)
    (folder / "in").mkdir()
    answer = driver.ask("prepare", folder / "row.fuse", "Row", folder / "in")
    driver.close()
    record["memory"] = {"fuse": answer["peak"] - answer["before"]}
    yield record


def write_equations(count):
    lines = ["axis a = 8", "axis b = 8", "T0[a] = a / 8", "W[a,b] = sin(a + 2 * b)"]
    forms = ["T{i}[a] = relu(W[a,b] T{p}[b] + T{q}[a])", "T{i}[a] = T{p}[a] * T{q}[a] - 0.5",
             "T{i}[a.] = softmax(T{p}[a])", "T{i}[a] = tanh(W[a,b] T{p}[b] / 3)"]
    for i in range(1, count):
        lines.append(forms[i % 4].format(i=i, p=i - 1, q=i // 2))
    return "\n".join(lines + [f"Y[a] = T{count - 1}[a]", "export Y"]) + "\n"


def measure_compile(options, start):
    """Seconds from the text to a planned runner, inside one process."""
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in (10, 100, 1000, 10000):
            path = Path(folder) / f"{count}.fuse"
            path.write_text(write_equations(count), encoding="utf-8")
            driver = start("fuse", [options.driver, "1"], 1)
            times = [driver.ask("compile", path) for _ in range(5 if count < 10000 else 3)]
            driver.close()
            if "error" in times[0]:
                raise RuntimeError(times[0]["error"])
            seconds[count] = statistics.median(t["seconds"] for t in times)
    for count, value in seconds.items():
        yield {"row": "P12", "name": f"{count}_equations", "threads": 1, "failures": {},
               "flops": 0, "bytes": 0, "seconds": {"fuse": value}, "ratios": {}}


def measure_memory(options, start, row, key):
    """Memory that one work takes beyond inputs, in fresh processes: for ours, `live` is what the
    plan says is alive at once, and resident pages of mapped files are counted apart."""
    work = find_works()[key]
    record = {"row": row, "name": f"memory_{work.name}", "threads": 1, "failures": {},
              "flops": 0, "bytes": 0, "seconds": {}, "ratios": {}, "memory": {}}
    commands = {"fuse": [options.driver, "1"]}
    if row != "P13":
        commands |= {n: [sys.executable, str(HERE / "worker.py"), n, "1"] for n in work.peers}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        work.write(folder)
        for name, command in commands.items():
            contender = start(name, command, 1)
            words = work.name_ours(folder) if name == "fuse" else (work.key,)
            answer = contender.ask("prepare", *words, folder / "in")
            contender.close()
            if "error" in answer:
                record["failures"][name] = answer["error"]
                continue
            record["memory"][name] = answer["peak"] - answer["before"]
            if "live" in answer:
                record["memory"][name] -= answer["mapped"]
                record["memory"]["mapped files"] = answer["mapped"]
                record["live"] = answer["live"]
    yield record


def measure_rows(options, wanted, start, env):
    """Records of the rows that are wanted; a row that fails is told and left out."""
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        if options.fuse:
            rows.append(("P1", measure_start(options, env, Path(folder))))
        if options.driver:
            rows.append(("P14", measure_mapped(options, start, env, Path(folder))))
            rows.append(("P12", measure_compile(options, start)))
            rows += [(row, measure_memory(options, start, row, key))
                     for row, keys in MEASURED.items() for key in keys]
        for row, records in rows:
            if not wanted(row):
                continue
            try:
                yield from records
            except RuntimeError as error:
                print(f"{row}: {error}", file=sys.stderr)
