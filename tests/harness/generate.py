# SPDX-License-Identifier: Apache-2.0
"""Random programs, each from a number, and their comparison between a backend and the oracle.

A program has a few inputs and a few equations over axes a, b, c, d. What decides (comparisons, guards)
looks at inputs only, which both sides hold exactly, so that rounding never changes a decision; other
values are kept small by tanh.
"""
import json
import random

from . import npy
from .programs import need
from .tasks import Task, Result, FAIL, PASS, command, tail

EXTENTS = (1, 2, 3, 5, 8, 17, 33)
FUNCTIONS = ("relu", "tanh", "sigmoid", "gelu", "silu", "abs", "erf")
PROJECTIONS = ("=", "=", "+=", "max=", "min=", "avg=", "lse=")
TOLERANCE = 2e-4  # of an element, relative; absolute below 1
INFINITY = float("inf")


class Program:
    def __init__(self, number):
        self.random = random.Random(number)
        self.extents = {axis: self.random.choice(EXTENTS) for axis in "abcd"}
        self.inputs, self.lines, self.tensors = {}, [], {}
        for k in range(self.random.randint(2, 4)):
            self.add_input(f"X{k}")
        for k in range(self.random.randint(2, 6)):
            self.add_equation(f"Y{k}")
        self.lines.append("export " + ", ".join(n for n in self.tensors if n not in self.inputs))

    def pick_axes(self, most):
        return self.random.sample("abcd", self.random.randint(0, most))

    def add_input(self, name):
        axes = self.pick_axes(3)
        self.inputs[name] = self.values([self.extents[x] for x in axes])
        self.tensors[name] = axes

    def values(self, shape):
        if not shape:
            return round(self.random.uniform(-2, 2), 3)
        return [self.values(shape[1:]) for _ in range(shape[0])]

    def reference(self, name, change=None):
        axes = [change.get(x, x) for x in self.tensors[name]] if change else self.tensors[name]
        return f"{name}[{','.join(axes)}]" if axes else name

    def some_reference(self, inputs_only=False):
        """(text, axes) of a reference, sometimes shifted along an axis."""
        name = self.random.choice(list(self.inputs if inputs_only else self.tensors))
        axes, change = self.tensors[name], {}
        if axes and self.random.random() < 0.2:
            axis = self.random.choice(axes)
            change[axis] = self.random.choice((f"{axis}-1", f"{axis}+2"))
        return self.reference(name, change), set(axes)

    def product(self):
        parts = [self.some_reference() for _ in range(self.random.choice((1, 2, 2, 3)))]
        sign = self.random.choice((" ", " * "))
        return sign.join(p for p, _ in parts), set().union(*(a for _, a in parts))

    def choice(self):
        condition, first = self.some_reference(True)
        yes, second = self.some_reference()
        return f"({condition} > 0.3 ? {yes} : 0.25)", first | second

    def factor(self):
        roll = self.random.random()
        if roll < 0.55:
            return self.product()
        if roll < 0.8:
            text, axes = self.product()
            return f"{self.random.choice(FUNCTIONS)}({text})", axes
        if roll < 0.9:
            text, axes = self.some_reference()
            return f"({text} - 0.5) ** 2", axes
        return self.choice()

    def head(self, name, axes):
        self.tensors[name] = axes
        return f"{name}[{','.join(axes)}]" if axes else name

    def left_axes(self, axes):
        axes = sorted(axes)
        self.random.shuffle(axes)
        return [x for x in axes if self.random.random() < 0.75]

    def add_equation(self, name):
        roll = self.random.random()
        if roll < 0.15 and self.add_normalised(name):
            return
        terms = [self.factor() for _ in range(self.random.choice((1, 1, 2, 3)))]
        body = self.random.choice((" + ", " - ")).join(t for t, _ in terms)
        left = self.left_axes(set().union(*(a for _, a in terms)))
        projection = self.random.choice(PROJECTIONS)
        if projection in ("=", "+=") and self.random.random() < 0.85:
            body = f"tanh({body})"
        guard = self.guard(left) if self.random.random() < 0.15 else ""
        self.lines.append(f"{self.head(name, left)}{guard} {projection} {body}")

    def guard(self, left):
        names = [n for n in self.inputs if set(self.tensors[n]) <= set(left)]
        return f" when {self.reference(self.random.choice(names))} > 0" if names else ""

    def add_normalised(self, name):
        names = [n for n, axes in self.tensors.items() if axes]
        if not names:
            return False
        source = self.random.choice(names)
        axes = list(self.tensors[source])
        axis = self.random.choice(axes)
        function = self.random.choice(("softmax", "log_softmax"))
        self.lines.append(f"{self.head(name, axes)} = {function}({self.reference(source)}, axis={axis})")
        return True

    def text(self):
        return "\n".join(self.lines) + "\n"


def run(context, folder, program, backend):
    """(exit status, messages, {name: (shape, values)}) of a program on a backend."""
    words = [context.fuse, "run", "p.fuse", "--backend", backend, "--out", backend]
    for name in program.inputs:
        words += ["--input", f"{name}={name}.json"]
    done = command(words, folder, timeout=60)
    files = sorted((folder / backend).glob("*.npy"))
    return done.returncode, done.stderr, {p.stem: npy.read(p)[1:] for p in files}


def difference(got, want):
    if got.keys() != want.keys():
        return f"exports {sorted(got)}, the oracle has {sorted(want)}"
    for name, (shape, values) in want.items():
        if got[name][0] != shape:
            return f"{name}: shape {got[name][0]}, the oracle has {shape}"
        for k, (a, b) in enumerate(zip(got[name][1], values)):
            if not (a == b or abs(a - b) <= TOLERANCE * (1 + abs(b)) < INFINITY or (a != a and b != b)):
                return f"{name}, element {k}: {a!r}, the oracle has {b!r}"
    return None


def check(context, folder, number, backend):
    program = Program(number)
    (folder / "p.fuse").write_text(program.text(), encoding="utf-8")
    for name, value in program.inputs.items():
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    status, messages, got = run(context, folder, program, backend)
    oracle_status, _, want = run(context, folder, program, "oracle")
    if status or oracle_status or not want:
        return f"exit status {status}, of the oracle {oracle_status}\n{program.text()}{tail(messages)}"
    why = difference(got, want)
    return f"{why}\n{program.text()}" if why else None


def batch(context, numbers, backend):
    """A task that compares some programs; each gets a folder of its own."""
    def body(folder):
        results = []
        for number in numbers:
            name = f"{backend} beside the oracle, program {number}"
            own = folder / str(number)
            own.mkdir()
            why = check(context, own, number, backend)
            results.append(Result(name, FAIL, why) if why else Result(name, PASS))
        return results
    return Task(f"{backend} beside the oracle, programs {numbers[0]}-{numbers[-1]}", body)


def tasks(context, backend="native", count=400, size=20):
    missing = need(context, context.fuse, "oracle")
    return missing or [batch(context, range(k, k + size), backend) for k in range(0, count, size)]
