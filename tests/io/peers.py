#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files as NumPy and the safetensors library write and read them (see tests/unit/test_io_peers.c).

peers.py make    writes files of every kind into the working folder and manifest.txt: a line for each
                 tensor with file, member or -, element type, rank, extents, values
peers.py check   compares out/N.npy, out/N.npz and out/N.json with line N of the manifest
"""
import itertools
import json
import sys
import zipfile

import numpy as np

TYPES = "bool u1 i1 <i2 >i2 <i4 >i4 <i8 >i8 <u2 >u2 <u4 >u4 <u8 >u8 <f2 >f2 <f4 >f4 <f8 >f8".split()
SHAPES = ((), (0,), (7,), (3, 4), (2, 0, 3), (2, 3, 1, 5))
WIDER = {"uint16": "int32", "uint32": "int64", "uint64": "int64"}
TENSOR_TYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool", "uint16",
                "uint32", "uint64")


def sample(dtype, shape, seed):
    draws = np.random.default_rng(seed)
    values = draws.normal(size=shape) * 3 if np.dtype(dtype).kind == "f" else draws.integers(0, 100, shape)
    return np.asarray(values).astype(dtype)


class Manifest:
    def __init__(self):
        self.lines = []

    def add(self, path, member, array):
        name = array.dtype.newbyteorder("=").name
        values = [repr(float(x)) for x in array.flatten()]
        words = [path, member, WIDER.get(name, name), array.ndim, *array.shape, *values]
        self.lines.append(" ".join(str(w) for w in words))

    def write(self):
        with open("manifest.txt", "w", encoding="utf-8") as f:
            f.write("\n".join(self.lines) + "\n")


def make_npy(manifest):
    for n, (dtype, shape) in enumerate(itertools.product(TYPES, SHAPES)):
        for order in "CF":
            array = np.asarray(sample(dtype, shape, n), order=order)
            path = f"n{n}{order}.npy"
            with open(path, "wb") as f:
                np.lib.format.write_array(f, array, version=((1, 0), (2, 0), (3, 0))[n % 3])
            manifest.add(path, "-", array)


def make_npz(manifest):
    arrays = {f"a{n}": sample(dtype, (2, n + 1), n) for n, dtype in enumerate(TYPES)}
    np.savez("stored.npz", **arrays)
    np.savez_compressed("packed.npz", **arrays)
    with zipfile.ZipFile("bare.npz", "w") as z, z.open("plain", "w", force_zip64=True) as f:
        np.lib.format.write_array(f, arrays["a3"])
    manifest.add("bare.npz", "plain", arrays["a3"])
    for path, (name, array) in itertools.product(("stored.npz", "packed.npz"), arrays.items()):
        manifest.add(path, name, array)


def make_safetensors(manifest):
    try:
        from safetensors.numpy import save_file
    except ImportError:
        print("without safetensors")
        return
    arrays = {f"{t}.{n}": sample(t, s, n) for n, (t, s) in enumerate(itertools.product(TENSOR_TYPES, SHAPES))}
    save_file(arrays, "all.safetensors", metadata={"made": "here"})
    for name, array in arrays.items():
        manifest.add("all.safetensors", name, array)


def parse(line):
    words = line.split()
    rank = int(words[3])
    shape = tuple(int(w) for w in words[4:4 + rank])
    return words[2], np.array([float(w) for w in words[4 + rank:]]).reshape(shape)


def same(got, want, what):
    if got.shape != want.shape or not np.array_equal(got.astype(float), want):
        sys.exit(f"{what}: {got!r} is not {want!r}")


def check():
    with open("manifest.txt", encoding="utf-8") as f:
        lines = f.read().splitlines()
    for n, line in enumerate(lines):
        dtype, want = parse(line)
        got = np.load(f"out/{n}.npy")
        if got.dtype.name != dtype or not got.dtype.isnative:
            sys.exit(f"out/{n}.npy has the type {got.dtype}, not {dtype}")
        same(got, want, f"out/{n}.npy")
        with np.load(f"out/{n}.npz") as z:
            same(z["arr_0"], want, f"out/{n}.npz")
        with zipfile.ZipFile(f"out/{n}.npz") as z:
            if z.testzip() is not None:
                sys.exit(f"out/{n}.npz: a wrong sum")
        with open(f"out/{n}.json", encoding="utf-8") as f:
            got = np.array(json.load(f), dtype=float)
        if got.size or want.size:
            same(got.astype(dtype), want.astype(dtype).astype(float), f"out/{n}.json")
    print(f"{len(lines)} tensors")


def main():
    if sys.argv[1:] == ["check"]:
        check()
        return
    manifest = Manifest()
    make_npy(manifest)
    make_npz(manifest)
    make_safetensors(manifest)
    manifest.write()


if __name__ == "__main__":
    main()
