# SPDX-License-Identifier: Apache-2.0
"""What a benchmark is: a Fuse program, its inputs, and the same work written for each peer.

A Work is a description that every process rebuilds for itself (the conductor run.py and one
worker.py per peer), so nothing but names and .npy files passes between them. `inputs` makes the
arrays, `peers` maps a peer's name to a builder: builder(arrays) returns a function of no arguments
that does the work once and returns its output as something numpy can read.
"""
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np

HERE = Path(__file__).resolve().parent


@dataclass
class Work:
    row: str                      # the row of the table: P2, P5, ...
    name: str
    program: str                  # text of the Fuse program
    output: str                   # the export that is compared
    inputs: Callable[[], dict]    # tensor name -> array
    peers: dict = field(default_factory=dict)
    flops: float = 0.0            # of one run, where it means something
    bytes: float = 0.0            # read and written by one run, where bandwidth is the limit
    rtol: float = 1e-3            # |ours - peer| <= rtol * max |peer|
    files: Callable[[], dict] = dict  # name beside the program -> file that it links to

    @property
    def key(self):
        return f"{self.row}/{self.name}"

    def write(self, folder):
        """The program, the files it reads and its inputs, as FOLDER/work.fuse and FOLDER/in."""
        arrays = folder / "in"
        arrays.mkdir()
        for name, array in self.inputs().items():
            np.save(arrays / f"{name}.npy", array)
        for name, target in self.files().items():
            (folder / name).symlink_to(target)
        (folder / "work.fuse").write_text(self.program, encoding="utf-8")

    def name_ours(self, folder):
        """The words of the driver's `prepare` before the folder of inputs."""
        return folder / "work.fuse", self.output


def find_works():
    """Every work, by key. The modules import no peer: builders do, when they are called."""
    import works_chain
    import works_einsum
    import works_transformer
    works = works_einsum.WORKS + works_chain.WORKS + works_transformer.WORKS
    return {work.key: work for work in works}
