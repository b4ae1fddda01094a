# SPDX-License-Identifier: Apache-2.0
"""docs/errors.md has a section for every code of diag.def, in its order, and each example shows its code.

That the examples give these messages is a test of the documentation (tests/run docs).
"""
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r'^FTL_DIAG\((\w)_(\w+), (\d+), "(.*)"\)$', re.M)
SHOWN = re.compile(r"```(?:output|text)\n(.*?)```", re.S)


def sections():
    """[(heading, body)] of the page."""
    parts = re.split(r"^## ", (ROOT / "docs/errors.md").read_text(encoding="utf-8"), flags=re.M)[1:]
    return [(p.split("\n", 1)[0], p.split("\n", 1)[1]) for p in parts]


class ErrorsPage(unittest.TestCase):
    def test_every_code_has_its_section(self):
        codes = CODE.findall((ROOT / "src/base/diag.def").read_text(encoding="utf-8"))
        self.assertGreater(len(codes), 40)
        want = [f"{kind}{int(number):04d}: {doc}" for kind, _, number, doc in codes]
        self.assertEqual([heading for heading, _ in sections()], want)

    def test_examples_show_their_code(self):
        with_example = 0
        for heading, body in sections():
            shown = "".join(SHOWN.findall(body))
            if shown:
                with_example += 1
                self.assertIn(f"[{heading[:5]}]", shown, heading)
        self.assertGreater(with_example, 30)


if __name__ == "__main__":
    unittest.main()
