# SPDX-License-Identifier: Apache-2.0
"""table.py BENCH.json: the figures as a table in Markdown, with the geometric mean of each row.

A ratio is the time of the peer by ours: above 1 we are faster. `best` is the fastest peer.
"""
import json
import math
import sys

OURS = "fuse"


def format_seconds(value):
    if value >= 1:
        return f"{value:.2f} s"
    return f"{value * 1e3:.2f} ms" if value >= 1e-3 else f"{value * 1e6:.1f} µs"


def find_best(record):
    """The ratio against the fastest peer, or None where there is no pair."""
    times = {n: t for n, t in record["seconds"].items() if n in record["ratios"]}
    return record["ratios"][min(times, key=times.get)] if times else None


def describe_ours(record):
    if OURS not in record["seconds"]:
        return record["failures"].get(OURS, "-")
    seconds = record["seconds"][OURS]
    text = format_seconds(seconds)
    if record["flops"]:
        text += f" ({record['flops'] / seconds * 1e-9:.0f} GFLOP/s)"
    if "copy" in record:
        text += f" ({record['bytes'] / seconds / record['copy']:.2f} of copy)"
    return text


def describe_peers(record):
    words = [f"{name} {format_seconds(t)}" for name, t in record["seconds"].items() if name != OURS]
    for name, size in record.get("memory", {}).items():
        words.append(f"{name} {size / 1e6:.1f} MB")
    for name, cost in record.get("costs", {}).items():
        words.append(f"{name} plans {cost:.3g} operations")
    if "live" in record:
        words.append(f"live set {record['live'] / 1e6:.1f} MB")
    return ", ".join(words)


def write_means(records):
    groups = {}
    for record in records:
        best = find_best(record)
        if best:
            groups.setdefault((record["row"], record["threads"]), []).append(best)
    for (row, threads), values in groups.items():
        if len(values) > 1:
            mean = math.exp(sum(map(math.log, values)) / len(values))
            yield f"| {row} | geometric mean of {len(values)} | {threads} | | | {mean:.2f} |"


def write_table(records):
    yield "| row | work | threads | fuse | peers | best peer / fuse |"
    yield "|---|---|---|---|---|---|"
    for record in records:
        best = find_best(record)
        ratio = f"{best:.2f}" if best else ""
        yield (f"| {record['row']} | {record['name']} | {record['threads'] or ''} "
               f"| {describe_ours(record)} | {describe_peers(record)} | {ratio} |")
    yield from write_means(records)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print("\n".join(write_table(json.load(file))))
