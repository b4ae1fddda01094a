# SPDX-License-Identifier: Apache-2.0
"""What a terminal gets and a pipe does not."""
import unittest

from console import ENDLESS, FOREVER, FULL, LAYER, SHOWN, Case, Terminal, main


class Progress(Case):
    def setUp(self):
        super().setUp()
        self.write("endless.fuse", ENDLESS)
        self.write("p.fuse", LAYER)

    def test_a_short_run_shows_none(self):
        t = Terminal(self, ("run", "p.fuse"))
        self.assertEqual((t.wait(), t.seen.replace("\r", "")), (0, SHOWN))

    def test_who_sees_it(self):
        """The terminal that messages go to, and no pipe."""
        words = ("run", "endless.fuse", *FOREVER)
        both, out, err = (Terminal(self, words, s) for s in (("stdout", "stderr"), ("stdout",), ("stderr",)))
        dumb = Terminal(self, words, TERM="dumb")
        both.read("\x1b[K\rrunning")
        self.assertRegex(both.seen, r"running  1 s  round \d+ of at most 1000000000000")
        self.assertNotIn("%", both.seen)
        err.read("round ")
        for t in (both, out, err, dumb):
            t.process.kill()
        self.assertEqual((out.read(), dumb.read()), ("", ""))
        for pipe in (out.process.stderr, err.process.stdout):
            self.assertEqual(pipe.read(), b"")

    @unittest.skipUnless(FULL, "takes seconds: run with tests/run --full")
    def test_the_bar_is_erased(self):
        """How long a run takes differs, so the size of the program grows until a bar was seen."""
        for size in (30, 90, 270):
            self.write("scan.fuse", f"axis t = {size}000000\nS[t] = 0.5 S[t-1] + 1\nY = S[t]\nexport Y\n")
            t = Terminal(self, ("run", "scan.fuse", "--threads=1"), columns=60)
            self.assertEqual(t.wait(), 0)
            if "%" in t.seen:
                break
        self.assertRegex(t.seen, r"running \[#*\.*\] +\d+%")
        lines, _, rest = t.seen.rpartition("\r\x1b[K")
        self.assertTrue(rest.startswith("Y = "), t.seen)
        for line in lines.split("\r"):
            self.assertLess(len(line.replace("\x1b[K", "")), 60)

    @unittest.skipUnless(FULL, "takes seconds: run with tests/run --full")
    def test_explain_counts_its_runs(self):
        t = Terminal(self, ("explain", "endless.fuse", "--mode=fixpoint", "--max-iters=2000000", "--tol=0", "--repeat=50"))
        t.read("running ")
        t.read(" of 50")


class Colours(Case):
    def setUp(self):
        super().setUp()
        self.write("bad.fuse", "Y[i = 2\n")

    def test_on_a_terminal(self):
        t = Terminal(self, ("run", "bad.fuse"))
        self.assertEqual(t.wait(), 1)
        self.assertIn("\x1b[1;31merror:\x1b[0m", t.seen)
        t = Terminal(self, ("rum",))
        self.assertEqual(t.wait(), 2)
        self.assertIn("\x1b[1;31merror:\x1b[0m unknown command", t.seen)

    def test_the_text_is_the_same(self):
        plain = self.fuse("run", "bad.fuse").stderr
        t = Terminal(self, ("run", "bad.fuse"))
        t.wait()
        for code in ("\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[32m", "\x1b[36m"):
            t.seen = t.seen.replace(code, "")
        self.assertEqual(t.seen.replace("\r\n", "\n"), plain)

    def test_where_there_are_none(self):
        self.assertNotIn("\x1b", self.fuse("run", "bad.fuse").stderr)
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
            t = Terminal(self, ("run", "bad.fuse"), **env)
            t.wait()
            self.assertNotIn("\x1b", t.seen)
        self.write("p.fuse", LAYER)
        for words in (("run", "p.fuse"), ("--help",), ("check", "p.fuse"), ("explain", "p.fuse", "--repeat=0")):
            t = Terminal(self, words)
            t.wait()
            self.assertNotIn("\x1b", t.seen)


if __name__ == "__main__":
    main()
