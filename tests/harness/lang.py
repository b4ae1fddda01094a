# SPDX-License-Identifier: Apache-2.0
"""Language tests: tests/lang/SECTION/NAME.fuse, a program and what is expected of it in comments.

  # args: --mode single           words for the command line
  # input W = [[1, 2], [3, 4]]    a tensor that is handed over as --input W=W.json
  # file e.csv = "a,b\nb,c\n"     a file beside the program
  # expect Y = [1, 2.5]           an export: shape and values (relative 1e-5, absolute 1e-6)
  # expect-shape Y = [2, 0]       an export's shape alone
  # expect-type Y = f2            an export's type as .npy names it: b1 u1 i1 i2 i4 i8 f2 f4 f8
  # expect-stdout WORDS           a text on standard output
  # expect-file y.csv = "0,1\n"   a file that the program writes
  # expect-error 3 WORDS          refused: an error at line 3 that holds the words (code or text)
  # expect-stderr WORDS           a text on standard error, such as that of a note or a hint
  # expect-warning 3 WORDS        a warning; without one of these there may be none
  # tolerance 1e-3                instead of 1e-5

A value runs over several comment lines while its brackets are open. All errors must be expected.
"""
import json
import math
import re

from . import npy
from .programs import need
from .tasks import command, one, skipped, tail

WORD = re.compile(r"^# ?(args|input|file|tolerance|expect(?:-\w+)?)\b:? ?(.*)$")
MESSAGE = re.compile(r"^(?P<file>[^\n:]*):(?P<line>\d+):(?P<col>\d+): (?P<kind>error|warning): (?P<text>.*)$", re.M)
NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def value_of(text):
    """JSON with nan, inf and -inf."""
    text = re.sub(r"(?<![\w\"])-inf\b", "-Infinity", text)
    text = re.sub(r"(?<![\w\"])inf\b", "Infinity", text)
    return json.loads(re.sub(r"(?<![\w\"])nan\b", "NaN", text))


def is_open(text):
    return text.count("[") > text.count("]")


def directives(source):
    """[(word, rest, number of the first line, number of the last)], lines from 0."""
    lines, found, n = source.split("\n"), [], 0
    while n < len(lines):
        m = WORD.match(lines[n])
        first = n
        if m:
            rest = m[2].strip()
            while "=" in rest and is_open(rest) and n + 1 < len(lines) and lines[n + 1].startswith("#"):
                n += 1
                rest += " " + lines[n].lstrip("# ").strip()
            found.append((m[1], rest, first, n))
        n += 1
    return found


def split(rest):
    name, _, value = rest.partition("=")
    return name.strip(), value.strip()


def shape_of(value):
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def flat(value):
    return [x for v in value for x in flat(v)] if isinstance(value, list) else [float(value)]


def close(got, want, tolerance):
    if not math.isfinite(want):
        return got == want or math.isnan(got) and math.isnan(want)
    return abs(got - want) <= 0.1 * tolerance + tolerance * abs(want)


def show(x):
    return f"{x:.7g}"


def compare(path, want, tolerance):
    """What differs between an export and the expected value, or None."""
    if not path.exists():
        return "not written"
    _, shape, values = npy.read(path)
    if shape != shape_of(want):
        return f"shape {list(shape)}, expected {list(shape_of(want))}"
    for k, (a, b) in enumerate(zip(values, flat(want))):
        if not close(float(a), b, tolerance):
            return f"element {k}: got {show(float(a))}, expected {show(b)}; all: {[show(float(v)) for v in values[:40]]}"
    return None


def prepare(words, folder):
    """Writes inputs and files; the command line of the run."""
    line = []
    for word, rest, _, _ in words:
        if word == "args":
            line += rest.split()
        elif word == "input":
            name, value = split(rest)
            (folder / f"{name}.json").write_text(value, encoding="utf-8")
            line += ["--input", f"{name}={name}.json"]
        elif word == "file":
            name, value = split(rest)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.loads(value), encoding="utf-8")
    return line


def check_messages(words, kind, found):
    """Every expected message is there; each message that is there is expected."""
    rest = [m for m in found if m["kind"] == kind]
    for word, text, _, _ in words:
        if word != f"expect-{kind}":
            continue
        line, _, part = text.partition(" ")
        hit = next((m for m in rest if m["line"] == line and part.strip().lower() in m["text"].lower()), None)
        if hit is None:
            return f"no {kind} at line {line} with {part.strip()!r}"
        rest.remove(hit)
    return f"a {kind} that is not expected: {rest[0][0]}" if rest else None


def check_outputs(words, folder, stdout, tolerance):
    for word, rest, _, _ in words:
        name, value = split(rest)
        path = folder / "out" / f"{name}.npy"
        why = None
        if word == "expect":
            why = compare(path, value_of(value), tolerance)
        elif word == "expect-shape":
            got = list(npy.read(path)[1]) if path.exists() else None
            why = None if got == json.loads(value) else f"shape {got}, expected {value}"
        elif word == "expect-type":
            got = npy.read(path)[0] if path.exists() else None
            why = None if got == value else f"type {got}, expected {value}"
        elif word == "expect-stdout":
            why = None if rest in stdout else f"standard output lacks {rest!r}"
        elif word == "expect-file":
            got = (folder / name).read_text(encoding="utf-8") if (folder / name).exists() else None
            why = None if got == json.loads(value) else f"holds {got!r}, expected {value}"
        if why:
            return f"{word} {name}: {why}"
    return None


def verdict(words, folder, done):
    wanted = {w for w, *_ in words}
    if not any(w.startswith("expect") for w in wanted):
        return "the test expects nothing"
    status = 1 if "expect-error" in wanted else 0
    found = list(MESSAGE.finditer(done.stderr))
    why = check_messages(words, "error", found) or check_messages(words, "warning", found)
    if not why and done.returncode != status:
        why = f"exit status {done.returncode}, expected {status}"
    missing = [r for w, r, *_ in words if w == "expect-stderr" and r not in done.stderr]
    why = why or (f"standard error lacks {missing[0]!r}" if missing else None)
    tolerance = next((float(r) for w, r, *_ in words if w == "tolerance"), 1e-5)
    if not why and status == 0:
        why = check_outputs(words, folder, done.stdout, tolerance)
    return f"{why}\n{tail(done.stderr)}".rstrip() if why else None


def bless(path, folder):
    """Rewrites the expected values of a test by what came out."""
    lines = path.read_text(encoding="utf-8").split("\n")
    for word, rest, first, last in reversed(directives("\n".join(lines))):
        name, _ = split(rest)
        got = folder / "out" / f"{name}.npy"
        if word == "expect" and got.exists():
            _, shape, values = npy.read(got)
            text = re.sub(r"[^\[\], ]+", lambda m: show(float(m[0])), str(npy.nested(shape, [float(v) for v in values])))
            lines[first:last + 1] = [f"# expect {name} = {text}"]
    path.write_text("\n".join(lines), encoding="utf-8")


def run_test(context, path, folder, extra=()):
    source = path.read_text(encoding="utf-8")
    (folder / path.name).write_text(source, encoding="utf-8")
    words = directives(source)
    line = prepare(words, folder)
    done = command([context.fuse, "run", path.name, *line, *extra, "--out", "out"], folder, timeout=60)
    why = verdict(words, folder, done)
    if why and context.bless and done.returncode == 0:
        bless(path, folder)
        return f"blessed: {why}"
    return why


def programs(context):
    return sorted((context.root / "tests/lang").glob("**/*.fuse"))


def tasks(context, extra=(), label=""):
    paths = programs(context)
    if not paths:
        return [skipped(f"{context.label}lang", "no programs in tests/lang")]
    missing = need(context, context.fuse, f"{context.label}lang")
    if missing:
        return missing
    return [one(f"{context.label}{label}{p.relative_to(context.root / 'tests')}",
                lambda folder, p=p: run_test(context, p, folder, extra)) for p in paths]
