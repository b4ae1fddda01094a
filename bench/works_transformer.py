# SPDX-License-Identifier: Apache-2.0
"""P5: a transformer encoder block. P6: long causal attention. P16: the MiniLM sentence encoder.

The block normalises after each residual sum, as BERT does; GELU is the tanh form in P5 and the erf
form in P16, which is what the trained weights expect.
"""
import numpy as np

import minilm
from work import HERE, Work

BLOCK = """\
axis heads = {heads}
Q[b,h,p,e] = WQ[h,e,d] X[b,p,d] + BQ[h,e]
K[b,h,p,e] = WK[h,e,d] X[b,p,d] + BK[h,e]
V[b,h,p,e] = WV[h,e,d] X[b,p,d] + BV[h,e]
S[b,h,p,p'.] = softmax(Q[b,h,p,e] K[b,h,p',e] / sqrt({size}))
A[b,p,h,e] = S[b,h,p,p'] V[b,h,p',e]
U[b,p,d] = X[b,p,d] + WO[d,h,e] A[b,p,h,e] + BO[d]
M[b,p,d] = GM[d] layernorm(U[b,p,d], axis=d, eps=1e-5) + NM[d]
F[b,p,f] = gelu(WI[f,d] M[b,p,d] + BI[f])
R[b,p,d] = M[b,p,d] + WF[d,f] F[b,p,f] + BF[d]
Y[b,p,d] = GY[d] layernorm(R[b,p,d], axis=d, eps=1e-5) + NY[d]
export Y
"""


def block_inputs(batch, tokens, width, heads):
    rng = np.random.default_rng(5)

    def draw(*shape, fan=1):
        return (rng.standard_normal(shape) / np.sqrt(fan)).astype(np.float32)

    size = width // heads
    arrays = {"X": draw(batch, tokens, width)}
    for name in ("Q", "K", "V"):
        arrays["W" + name] = draw(heads, size, width, fan=width)
        arrays["B" + name] = draw(heads, size, fan=100)
    arrays["WO"] = draw(width, heads, size, fan=width)
    arrays["WI"] = draw(4 * width, width, fan=width)
    arrays["WF"] = draw(width, 4 * width, fan=4 * width)
    arrays["BI"] = draw(4 * width, fan=100)
    for name in ("BO", "BF", "NM", "NY"):
        arrays[name] = draw(width, fan=100)
    for name in ("GM", "GY"):
        arrays[name] = 1 + draw(width, fan=100)
    return arrays


def block_torch(t, heads):
    import torch.nn.functional as F
    width = t["X"].shape[-1]
    matrix = {n: t["W" + n].reshape(width, width) for n in "QKVO"}
    bias = {n: t["B" + n].reshape(width) for n in "QKVO"}

    def split(y):
        return y.unflatten(-1, (heads, width // heads)).transpose(1, 2)

    def block(x):
        q, k, v = (split(F.linear(x, matrix[n], bias[n])) for n in "QKV")
        a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        m = F.layer_norm(x + F.linear(a, matrix["O"], bias["O"]), (width,), t["GM"], t["NM"], 1e-5)
        f = F.gelu(F.linear(m, t["WI"], t["BI"]), approximate="tanh")
        return F.layer_norm(m + F.linear(f, t["WF"], t["BF"]), (width,), t["GY"], t["NY"], 1e-5)
    return block


def block_jax(w, x):
    import jax
    import jax.numpy as jnp

    def norm(y, gain, bias):
        mean = jnp.mean(y, -1, keepdims=True)
        variance = jnp.mean(jnp.square(y - mean), -1, keepdims=True)
        return gain * ((y - mean) * jax.lax.rsqrt(variance + 1e-5)) + bias

    q, k, v = (jnp.einsum("hed,bpd->bhpe", w["W" + n], x) + w["B" + n][None, :, None, :]
               for n in "QKV")
    s = jax.nn.softmax(jnp.einsum("bhpe,bhqe->bhpq", q, k) / np.sqrt(q.shape[-1]), -1)
    a = jnp.einsum("bhpq,bhqe->bphe", s, v)
    m = norm(x + jnp.einsum("dhe,bphe->bpd", w["WO"], a) + w["BO"], w["GM"], w["NM"])
    f = jax.nn.gelu(m @ w["WI"].T + w["BI"], approximate=True)
    return norm(m + f @ w["WF"].T + w["BF"], w["GY"], w["NY"])


def with_torch_block(heads, compiled):
    def build(arrays):
        import torch
        tensors = {n: torch.from_numpy(a) for n, a in arrays.items()}
        block = block_torch(tensors, heads)
        return minilm.call_torch(torch.compile(block) if compiled else block, tensors["X"])
    return build


def with_jax_block(arrays):
    import jax
    import jax.numpy as jnp
    values = {n: jnp.asarray(a) for n, a in arrays.items()}
    call = jax.jit(block_jax)
    return lambda: call(values, values["X"]).block_until_ready()


def make_block(batch, tokens, width, heads):
    rows = batch * tokens
    return Work(
        row="P5", name=f"block_{batch}x{tokens}x{width}", output="Y",
        program=BLOCK.format(heads=heads, size=width // heads).split("\n", 1)[1],
        inputs=lambda: block_inputs(batch, tokens, width, heads),
        flops=2.0 * rows * width * width * 12 + 4.0 * rows * tokens * width,
        peers={"torch": with_torch_block(heads, False), "torch.compile": with_torch_block(heads, True),
               "jax": with_jax_block})


ATTENTION = """\
Y[h,p,e] = attention(Q[h,p,e], K[h,q,e], V[h,q,e], causal=true)
export Y
"""


def attention_inputs():
    rng = np.random.default_rng(9)
    return {n: rng.standard_normal((8, 4096, 64), np.float32) for n in "QKV"}


def attention_torch(arrays):
    import torch
    import torch.nn.functional as F
    q, k, v = (torch.from_numpy(arrays[n])[None] for n in "QKV")
    return lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True)[0]


def attention_jax(arrays):
    import jax
    import jax.numpy as jnp
    q, k, v = (jnp.asarray(arrays[n].transpose(1, 0, 2))[None] for n in "QKV")
    call = jax.jit(lambda *t: jax.nn.dot_product_attention(*t, is_causal=True)[0].swapaxes(0, 1))
    return lambda: call(q, k, v).block_until_ready()


def make_minilm(batch, tokens):
    program = HERE.parent / "examples" / "minilm" / "minilm.fuse"
    return Work(
        row="P16", name=f"minilm_{batch}x{tokens}", output="Embedding", rtol=1e-4,
        program=program.read_text(encoding="utf-8") if program.exists() else "",
        inputs=lambda: minilm.make_tokens(batch, tokens),
        files=lambda: {"model.safetensors": minilm.find_weights()},
        flops=minilm.count_flops(batch, tokens),
        peers={"onnxruntime": minilm.with_onnxruntime, "torch": minilm.with_torch,
               "torch.compile": minilm.with_torch_compile, "jax": minilm.with_jax})


WORKS = [make_block(1, 128, 512, 8), make_block(8, 128, 512, 8), make_block(1, 1024, 768, 12)]
WORKS.append(Work(
    row="P6", name="attention_4096", output="Y", program=ATTENTION, inputs=attention_inputs,
    flops=2.0 * 8 * 4096 * 4096 * 64,
    peers={"torch": attention_torch, "jax": attention_jax}))
WORKS += [make_minilm(1, 32), make_minilm(32, 128)]
