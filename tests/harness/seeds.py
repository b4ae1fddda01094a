# SPDX-License-Identifier: Apache-2.0
"""First inputs for the fuzz targets: small files of each kind, made here."""
import io
import json
import re
import struct
import zipfile


def npy(descr="<f4", shape=(2, 3), fortran=False, version=1, payload=None):
    head = repr({"descr": descr, "fortran_order": fortran, "shape": shape}).encode() + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(head))
    count = 1
    for extent in shape:
        count *= extent
    body = bytes(range(count * int(descr[2:]))) if payload is None else payload
    return b"\x93NUMPY" + bytes([version, 0]) + size + head + body


def npy_files():
    kinds = ("<f4", "<f8", "<f2", "|b1", "|u1", "|i1", "<i2", ">i4", "<i8", ">f4")
    files = [npy(kind) for kind in kinds]
    return files + [npy(shape=()), npy(shape=(0, 5)), npy(fortran=True), npy(version=2), npy(version=3)]


def npz(compression, members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, data in members.items():
            z.writestr(name, data)
    return out.getvalue()


def npz_files():
    members = {"W.npy": npy(), "b.npy": npy("<f8", (2,))}
    ways = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return [npz(way, m) for way in ways for m in (members, {"arr_0.npy": npy()}, {})]


def safetensors_file(header, payload):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def safetensors_files():
    def entry(dtype, shape, start, end):
        return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    two = {"W": entry("F32", [2, 2], 0, 16), "b": entry("BF16", [3], 16, 22), "__metadata__": {"k": "v"}}
    return [safetensors_file(two, bytes(22)), safetensors_file({"W": entry("I64", [], 0, 8)}, bytes(8)),
            safetensors_file({"W": entry("F16", [0, 4], 0, 0)}, b""), safetensors_file({}, b"")]


def json_files():
    texts = ("[[1, 2.5], [-3e4, 0]]", "7", "[]", "[[], []]", "[[[true]]]", "[NaN, 1]", '{"a": [1]}', "[1, [2]]")
    return [t.encode() for t in texts]


def csv_files():
    texts = ("x,y\n0,1\n1,2\n", "alice,bob\n", '"a ""b""",c\n\n', "0,1,0.5\r\n3,4,-2\r\n", "1;2\n", "-1,2\n", "")
    return [bytes([k]) + t.encode() for t in texts for k in (2, 6)]


def text_files():
    known = json.dumps({"version": 1, "items": [{"token": "the", "index": 1}, {"token": "owl", "index": 0}]})
    texts = ("the owl saw the mouse", "caf\u00e9\u00a0noir\u2003\U0001f989\r\n", "", " \n\tx")
    return [t.encode() for t in texts] + [known.encode() + b"\0" + t.encode() for t in texts]


def program_files(root):
    places = ("tests/lang", "examples")
    return [p.read_bytes() for place in places for p in sorted((root / place).glob("**/*.fuse"))]


def graph_files(root):
    """The graphs in the tests of the passes: what stands between lines of === and ---."""
    texts = [p.read_text() for p in sorted((root / "tests/plan").glob("*.txt"))]
    parts = [part for text in texts for part in re.split(r"^(?:===|---).*\n", text, flags=re.M)]
    return [part.encode() for part in parts if part.strip()]


def rules_files():
    texts = ("relation E[5, 5] input 0\nrelation P[5, 5] result\nP(x, y) <- E(x, y)\nP(x, z) <- P(x, y), E(y, z), x != z @1\n",
             'relation A[7] result\nrelation "a b"[]\nrelation _[3]\nvars(y, x) A(x) <- let x = 2*y - 1 < 7, range y < 3, not $2(y), x <= 5\n'
             '"a b"() <- not A(_), not A(-1) @2:1:4:9\nA(3) <- true\n')
    return [t.encode() for t in texts]


def write(root, target, folder):
    """Writes the first inputs of a target into folder."""
    kinds = {"npy": npy_files, "npz": npz_files, "safetensors": safetensors_files, "json": json_files,
             "csv": csv_files, "text": text_files, "parser": lambda: program_files(root), "graph": lambda: graph_files(root),
             "rules": rules_files,
             "check": lambda: [bytes([mode]) + text for mode in (0, 8) for text in program_files(root)]}
    for n, data in enumerate(kinds.get(target, list)()):
        (folder / f"seed{n}").write_bytes(data)
