# SPDX-License-Identifier: Apache-2.0
"""reference.py MODEL.safetensors FOLDER: the same encoder in NumPy, in double precision.

Reads ids.npy and mask.npy of the folder and compares the rows with Embedding.npy, which the Fuse
program wrote there. Exit status 1 when any value is off by more than 1e-4.
"""
import json
import math
import sys
from pathlib import Path

import numpy as np

LAYERS, HEADS = 6, 12
TOLERANCE = 1e-4
erf = np.vectorize(math.erf, otypes=[np.float64])


def read_weights(path):
    """safetensors: the header's length in 8 bytes, a JSON header, then the bytes of the tensors."""
    raw = np.memmap(path, np.uint8, "r")
    start = 8 + int(raw[:8].view("<u8")[0])
    header = json.loads(raw[8:start].tobytes())
    weights = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            begin, end = (start + offset for offset in entry["data_offsets"])
            values = np.frombuffer(raw[begin:end].tobytes(), "<f4")
            weights[name] = values.astype(np.float64).reshape(entry["shape"])
    return weights


def encode(w, ids, mask):
    def norm(x, at):
        unit = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return unit * w[at + "LayerNorm.weight"] + w[at + "LayerNorm.bias"]

    def dense(x, at):
        return x @ w[at + "weight"].T + w[at + "bias"]

    def split(x):
        return x.reshape(*x.shape[:2], HEADS, -1).transpose(0, 2, 1, 3)

    at = "embeddings."
    x = norm(w[at + "word_embeddings.weight"][ids] + w[at + "token_type_embeddings.weight"][0]
             + w[at + "position_embeddings.weight"][:ids.shape[1]], at)
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        q, k, v = (split(dense(x, f"{at}attention.self.{n}.")) for n in ("query", "key", "value"))
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
        scores = np.exp(scores - scores.max(-1, keepdims=True)) * mask[:, None, None, :]
        seen = (scores / scores.sum(-1, keepdims=True)) @ v
        seen = seen.transpose(0, 2, 1, 3).reshape(x.shape)
        x = norm(x + dense(seen, at + "attention.output.dense."), at + "attention.output.")
        wide = dense(x, at + "intermediate.dense.")
        wide = 0.5 * wide * (1 + erf(wide / np.sqrt(2)))
        x = norm(x + dense(wide, at + "output.dense."), at + "output.")
    mean = np.einsum("spd,sp->sd", x, mask) / mask.sum(1)[:, None]
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def main():
    weights, folder = read_weights(sys.argv[1]), Path(sys.argv[2])
    ids, mask = np.load(folder / "ids.npy"), np.load(folder / "mask.npy").astype(np.float64)
    want, got = encode(weights, ids, mask), np.load(folder / "Embedding.npy")
    if got.shape != want.shape:
        sys.exit(f"reference: the program's embeddings are {got.shape}, expected {want.shape}")
    error = float(np.abs(got - want).max())
    print(f"largest difference from NumPy: {error:.2g} (allowed {TOLERANCE:g})")
    sys.exit(0 if error <= TOLERANCE else 1)


if __name__ == "__main__":
    main()
