# SPDX-License-Identifier: Apache-2.0
"""P4: chains of elementwise operations and small reductions over 64 MB, bound by memory.

`bytes` counts what must be read and written once; divided by the time it is compared with the copy
bandwidth that run.py measures beside it.
"""
import numpy as np

from work import Work

ROWS, WIDTH = 4096, 4096
SIZE = 4.0 * ROWS * WIDTH
TANH_SCALE = 0.7978845608028654  # sqrt(2 / pi)


def make_matrix(*names):
    rng = np.random.default_rng(11)
    arrays = {n: rng.standard_normal((ROWS, WIDTH), np.float32) for n in names}
    arrays["B"] = rng.standard_normal(WIDTH).astype(np.float32)
    arrays["G"] = rng.standard_normal(WIDTH).astype(np.float32)
    return arrays


def torch_tensors(arrays, names):
    import torch
    return [torch.from_numpy(arrays[n]) for n in names]


def torch_eager(function, names):
    def build(arrays):
        tensors = torch_tensors(arrays, names)
        return lambda: function(*tensors)
    return build


def torch_compiled(function, names):
    def build(arrays):
        import torch
        tensors = torch_tensors(arrays, names)
        compiled = torch.compile(function)
        return lambda: compiled(*tensors)
    return build


def jax_jitted(function, names):
    def build(arrays):
        import jax
        import jax.numpy as jnp
        values = [jnp.asarray(arrays[n]) for n in names]
        compiled = jax.jit(function)
        return lambda: compiled(*values).block_until_ready()
    return build


def numexpr_gelu(arrays):
    import numexpr
    scope = {"X": arrays["X"], "R": arrays["R"], "B": arrays["B"][None, :], "c": np.float32(0.5),
             "k": np.float32(TANH_SCALE), "q": np.float32(0.044715), "one": np.float32(1)}
    text = "R + c*(X+B)*(one + tanh(k*((X+B) + q*(X+B)*(X+B)*(X+B))))"
    out = np.empty_like(arrays["X"])
    return lambda: numexpr.evaluate(text, scope, out=out)


def gelu_torch(x, r, b):
    import torch.nn.functional as F
    return r + F.gelu(x + b, approximate="tanh")


def gelu_jax(x, r, b):
    import jax
    return r + jax.nn.gelu(x + b, approximate=True)


def softmax_torch(x):
    import torch
    return torch.softmax(x, -1)


def softmax_jax(x):
    import jax
    return jax.nn.softmax(x, -1)


def norm_torch(x, g, b):
    import torch.nn.functional as F
    return F.layer_norm(x, x.shape[-1:], g, b, 1e-5)


def norm_jax(x, g, b):
    import jax
    import jax.numpy as jnp
    mean = jnp.mean(x, -1, keepdims=True)
    variance = jnp.mean(jnp.square(x - mean), -1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * g + b


def make_peers(names, torch_function, jax_function):
    return {"torch": torch_eager(torch_function, names),
            "torch.compile": torch_compiled(torch_function, names),
            "jax": jax_jitted(jax_function, names)}


WORKS = [
    Work(row="P4", name="bias_gelu_residual", output="Y", bytes=3 * SIZE,
         program="Y[n,d] = R[n,d] + gelu(X[n,d] + B[d])\nexport Y\n",
         inputs=lambda: make_matrix("X", "R"),
         peers=make_peers("XRB", gelu_torch, gelu_jax) | {"numexpr": numexpr_gelu}),
    Work(row="P4", name="softmax", output="Y", bytes=2 * SIZE,
         program="Y[n,d.] = softmax(X[n,d])\nexport Y\n",
         inputs=lambda: make_matrix("X"),
         peers=make_peers("X", softmax_torch, softmax_jax)),
    Work(row="P4", name="layernorm", output="Y", bytes=2 * SIZE,
         program="Y[n,d] = G[d] layernorm(X[n,d], axis=d, eps=1e-5) + B[d]\nexport Y\n",
         inputs=lambda: make_matrix("X"),
         peers=make_peers("XGB", norm_torch, norm_jax)),
]
