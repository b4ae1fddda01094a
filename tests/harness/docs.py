# SPDX-License-Identifier: Apache-2.0
"""Examples of the documentation. A fence that opens with one of these words is a test:

  fuse              the program passes `fuse check`; with a fence `output` after it, it is run and
                    what it prints is compared
  fuse error        the program is refused; with a fence `output`, the messages are compared
  fuse fragment     the text is parsed only (it uses names from elsewhere)
  c                 a program for the library: compiled and run; its output is compared likewise

A comment `<!-- no test -->` on the line before a fence leaves it out.
"""
import os
import re

from .programs import need
from .tasks import command, one, skipped, tail

FENCE = re.compile(
    r"(?P<before>[^\n]*)\n```(?P<kind>fuse|c)(?P<words>[^\n]*)\n(?P<text>.*?)\n?```\n"
    r"(?:\s*```output\n(?P<output>.*?)\n?```\n)?", re.S)


def examples(path):
    for m in FENCE.finditer("\n" + path.read_text(encoding="utf-8")):
        if "<!-- no test -->" not in m["before"]:
            yield m


def plain(text):
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))


def compile_c(context, folder, text):
    (folder / "example.c").write_text(text + "\n", encoding="utf-8")
    cc = os.environ.get("CC", "cc")
    san = ["-fsanitize=address,undefined"] if context.label else []
    return command([cc, "-std=c17", "-Wall", "-Wextra", "-Werror", *san, f"-I{context.root / 'include'}", "example.c",
                    "-o", "example", f"-L{context.build}", "-lfusetl", f"-Wl,-rpath,{context.build}"], folder)


def run_example(context, folder, m):
    if m["kind"] == "c":
        done = compile_c(context, folder, m["text"])
        return done if done.returncode else command(["./example"], folder)
    (folder / "example.fuse").write_text(m["text"] + "\n", encoding="utf-8")
    verb = "fmt" if "fragment" in m["words"] else "check" if m["output"] is None else "run"
    return command([context.fuse, verb, "example.fuse"], folder)


def judge(m, done):
    """(what is wrong or None, what came out)"""
    refused = "error" in m["words"].split()
    got = plain(done.stderr if refused else done.stdout)
    if done.returncode != (1 if refused else 0):
        return f"exit status {done.returncode}\n{tail(done.stdout + done.stderr)}", got
    if m["output"] is not None and got != plain(m["output"]):
        return f"got:\n{got}\nexpected:\n{plain(m['output'])}", got
    return None, got


def bless(path, m, got):
    text = path.read_text(encoding="utf-8")
    old = m[0][1:] if m[0].startswith("\n") else m[0]
    cut = old.rindex("```output\n") + len("```output\n")
    path.write_text(text.replace(old, old[:cut] + got + "\n```\n", 1), encoding="utf-8")


def example_task(context, path, m):
    line = ("\n" + path.read_text(encoding="utf-8"))[:m.start("text")].count("\n")
    name = f"{path.relative_to(context.root)}:{line}"

    def body(folder):
        why, got = judge(m, run_example(context, folder, m))
        if why and context.bless and why.startswith("got:"):
            bless(path, m, got)
            return "blessed: " + why
        return why
    return one(name, body)


def tasks(context):
    paths = [context.root / "README.md", *sorted((context.root / "docs").glob("**/*.md"))]
    found = [(p, m) for p in paths if p.exists() for m in examples(p)]
    if not found:
        return [skipped("docs", "no examples in README.md and docs/")]
    missing = need(context, context.fuse, "docs")
    return missing or [example_task(context, p, m) for p, m in found]
