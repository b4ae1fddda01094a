# SPDX-License-Identifier: Apache-2.0
"""table.py SENTENCES SIMILARITY.npy: the similarities as a table, and each sentence's nearest."""
import sys
from pathlib import Path

import numpy as np


def main():
    rows = [s for s in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines() if s.strip()]
    table = np.load(sys.argv[2])
    print("Similarity of each pair of sentences (1: the same), then the nearest of each:")
    print("    " + " ".join(f"{n:5d}" for n in range(1, len(rows) + 1)))
    for number, values in enumerate(table, 1):
        print(f"{number:3d} " + " ".join(f"{v:5.2f}" for v in values))
    others = table - 2 * np.eye(len(rows))
    for number, sentence in enumerate(rows):
        nearest = int(others[number].argmax())
        print(f"{number + 1:3d} {sentence}  -> {nearest + 1} ({table[number, nearest]:.2f})")


if __name__ == "__main__":
    main()
