# SPDX-License-Identifier: Apache-2.0
"""A reader of .npy files for the tests, with Python's own means: shape, type and nested lists."""
import ast
import math
import struct

CODES = {"b1": "?", "u1": "B", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "f2": "e", "f4": "f", "f8": "d"}


def read(path):
    """(type such as "f4", shape, flat list in row-major order)"""
    data = path.read_bytes()
    if data[:6] != b"\x93NUMPY":
        raise ValueError(f"{path.name}: no .npy file")
    wide = data[6] >= 2
    size = struct.unpack_from("<I" if wide else "<H", data, 8)[0]
    start = (12 if wide else 10) + size
    head = ast.literal_eval(data[12 if wide else 10:start].decode("utf-8").strip())
    shape, kind = tuple(head["shape"]), head["descr"]
    count = math.prod(shape)
    order = ">" if kind[0] == ">" else "<"
    values = list(struct.unpack_from(f"{order}{count}{CODES[kind[1:]]}", data, start))
    if start + count * int(kind[2:]) != len(data):
        raise ValueError(f"{path.name}: {len(data)} bytes do not fit shape {shape}")
    if head["fortran_order"]:
        values = [values[k] for k in fortran_places(shape)]
    return kind[1:], shape, values


def fortran_places(shape):
    """Place in a column-major file of each element taken in row-major order."""
    steps = [math.prod(shape[:k]) for k in range(len(shape))]
    places = [0]
    for extent, step in zip(shape, steps):
        places = [p + k * step for p in places for k in range(extent)]
    return places


def nested(shape, values):
    """Nested lists of a flat list."""
    if not shape:
        return values[0]
    inner = math.prod(shape[1:])
    return [nested(shape[1:], values[k * inner:(k + 1) * inner]) for k in range(shape[0])]
