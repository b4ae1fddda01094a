# SPDX-License-Identifier: Apache-2.0
"""picture.py SENTENCES SIMILARITY.npy PICTURE.svg: the similarities as a picture; the darker, the more alike."""
import sys
from html import escape
from pathlib import Path

import numpy as np

CELL, LEFT, TOP = 46, 372, 64
PALE, DARK = (246, 248, 251), (23, 78, 140)
EQUATION = "Similarity[s, t] = Embedding[s, d] Embedding[t, d]"


def colour(value):
    part = min(max(float(value), 0), 1)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(PALE, DARK))


def text(x, y, words, more=""):
    return f'<text x="{x}" y="{y}" {more}>{escape(words)}</text>'


def draw_row(number, sentence, values):
    y = TOP + number * CELL
    yield text(LEFT - 14, y + 28, f"{sentence}  {number + 1}", 'text-anchor="end"')
    for column, value in enumerate(values):
        x = LEFT + column * CELL
        ink = "#fff" if value > 0.6 else "#222"
        yield f'<rect x="{x}" y="{y}" width="{CELL - 2}" height="{CELL - 2}" rx="3" fill="{colour(value)}"/>'
        yield text(x + CELL / 2 - 1, y + 28, f"{value:.2f}", f'text-anchor="middle" fill="{ink}" font-size="13"')


def main():
    rows = [s for s in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines() if s.strip()]
    table = np.load(sys.argv[2])
    width, height = LEFT + len(rows) * CELL + 14, TOP + len(rows) * CELL + 14
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           'font-family="Helvetica, Arial, sans-serif" font-size="14" fill="#222">',
           "<title>Similarity of seven sentences, computed by examples/minilm</title>",
           f'<rect width="{width}" height="{height}" fill="#fff"/>',
           text(14, 28, EQUATION, 'font-family="monospace" font-size="15"')]
    out += [text(LEFT + c * CELL + CELL / 2 - 1, TOP - 8, str(c + 1), 'text-anchor="middle"') for c in range(len(rows))]
    for number, (sentence, values) in enumerate(zip(rows, table)):
        out += draw_row(number, sentence, values)
    Path(sys.argv[3]).write_text("\n".join([*out, "</svg>", ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
