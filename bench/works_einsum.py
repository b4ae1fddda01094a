# SPDX-License-Identifier: Apache-2.0
"""P2: contractions of two or three tensors (contractions.tsv). P3: networks of many (networks.tsv).

Both files hold: name, einsum equation, extents. In networks.tsv an axis may be any letter, also
beyond ASCII; the Fuse programs call the axes x0, x1, ...
"""
import string

import numpy as np

from work import HERE, Work


def read_rows(name):
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            title, equation, extents = line.split("\t")
            sizes = {a: int(n) for a, n in (word.split("=") for word in extents.split(","))}
            yield title, equation, sizes


def name_operands(count):
    letters = [c for c in string.ascii_uppercase if c != "Y"]
    return letters[:count] if count <= len(letters) else [f"T{i}" for i in range(count)]


def write_program(equation):
    """The Fuse text of one einsum: `ik,kj->ij` gives `Y[x0,x2] = A[x0,x1] B[x1,x2]`."""
    inputs, output = equation.split("->")
    operands = inputs.split(",")
    axes = {}
    for letter in inputs.replace(",", ""):
        axes.setdefault(letter, f"x{len(axes)}")

    def spell(name, letters):
        return f"{name}[{','.join(axes[c] for c in letters)}]" if letters else name

    factors = [spell(n, op) for n, op in zip(name_operands(len(operands)), operands)]
    lines = [" ".join(factors[i:i + 6]) for i in range(0, len(factors), 6)]
    return f"{spell('Y', output)} = (\n    " + "\n    ".join(lines) + ")\nexport Y\n"


def make_inputs(equation, sizes):
    operands = equation.split("->")[0].split(",")
    rng = np.random.default_rng(7)
    scale = [1.0 / np.sqrt(np.sqrt(np.prod([sizes[c] for c in op]))) for op in operands]
    if len(operands) < 4:
        scale = [1.0] * len(operands)
    return {name: (s * rng.standard_normal([sizes[c] for c in op])).astype(np.float32)
            for name, op, s in zip(name_operands(len(operands)), operands, scale)}


def with_numpy(equation, count):
    def build(arrays):
        operands = [arrays[n] for n in name_operands(count)]
        path = np.einsum_path(equation, *operands, optimize=True)[0]
        return lambda: np.einsum(equation, *operands, optimize=path)
    return build


def with_torch(equation, count):
    def build(arrays):
        import torch
        operands = [torch.from_numpy(arrays[n]) for n in name_operands(count)]
        return lambda: torch.einsum(equation, *operands)
    return build


def with_jax(equation, count):
    def build(arrays):
        import jax
        import jax.numpy as jnp
        operands = [jnp.asarray(arrays[n]) for n in name_operands(count)]
        call = jax.jit(lambda *ops: jnp.einsum(equation, *ops, optimize="optimal"))
        return lambda: call(*operands).block_until_ready()
    return build


def with_opt_einsum(equation, count):
    def build(arrays):
        import opt_einsum
        operands = [arrays[n] for n in name_operands(count)]
        shapes = [a.shape for a in operands]
        path, info = opt_einsum.contract_path(equation, *shapes, shapes=True, optimize="auto-hq")
        call = opt_einsum.contract_expression(equation, *shapes, optimize=path)

        def once():
            return call(*operands)
        once.cost = float(info.opt_cost)
        return once
    return build


def make_contraction(title, equation, sizes):
    count = equation.count(",") + 1
    letters = sorted(set(equation) - set(",->"))
    flops = 2.0 * np.prod([float(sizes[c]) for c in letters])
    if title == "triple_chain":
        flops = 2.0 * sizes["j"] * sizes["l"] * (sizes["k"] + sizes["i"])  # the second pair first
    return Work(
        row="P2", name=title, program=write_program(equation), output="Y", flops=flops,
        inputs=lambda: make_inputs(equation, sizes),
        peers={"numpy": with_numpy(equation, count), "torch": with_torch(equation, count),
               "jax": with_jax(equation, count)})


def make_network(title, equation, sizes):
    return Work(
        row="P3", name=title, program=write_program(equation), output="Y",
        inputs=lambda: make_inputs(equation, sizes),
        peers={"opt_einsum": with_opt_einsum(equation, equation.count(",") + 1)})


WORKS = [make_contraction(*row) for row in read_rows("contractions.tsv")]
WORKS += [make_network(*row) for row in read_rows("networks.tsv")]
