# SPDX-License-Identifier: Apache-2.0
"""The harness of tests/ must see what goes wrong: a fake fuse and fake test programs show it."""
import contextlib
import io
import struct
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import corpus, docs, lang, neon, npy, programs, seeds, tasks  # noqa: E402


def npy_bytes(descr, shape, payload, **more):
    return seeds.npy(descr, shape, payload=payload, **more)


class Case(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory()
        self.root = Path(self.temp.name)
        self.folder = self.root / "folder"
        for name in ("build", "tests/lang", "tests/corpus", "docs", "folder"):
            (self.root / name).mkdir(parents=True)
        self.context = tasks.Context(root=self.root, build=self.root / "build", san=self.root / "san",
                                     bless=False, seconds=1)

    def tearDown(self):
        self.temp.cleanup()

    def fuse(self, script):
        path = self.root / "build/fuse"
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)

    def program(self, name, script):
        path = self.root / "build/tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)
        return programs.program_task(self.context, path)


class Npy(Case):
    def read(self, data):
        (self.root / "a.npy").write_bytes(data)
        return npy.read(self.root / "a.npy")

    def test_types(self):
        self.assertEqual(self.read(npy_bytes("<f4", (2,), struct.pack("<2f", 1.5, 2))), ("f4", (2,), [1.5, 2.0]))
        self.assertEqual(self.read(npy_bytes(">i2", (1, 2), struct.pack(">2h", 1, -2))), ("i2", (1, 2), [1, -2]))
        self.assertEqual(self.read(npy_bytes("|b1", (), b"\1", version=2)), ("b1", (), [True]))
        self.assertEqual(self.read(npy_bytes("<f8", (0, 3), b"")), ("f8", (0, 3), []))

    def test_fortran_order(self):
        data = struct.pack("<6b", 1, 4, 2, 5, 3, 6)
        self.assertEqual(self.read(npy_bytes("|i1", (2, 3), data, fortran=True))[2], [1, 2, 3, 4, 5, 6])

    def test_damage(self):
        for data in (b"x", npy_bytes("<f4", (2,), b"1234567"), npy_bytes("<f4", (1,), b"12345")):
            with self.assertRaises(Exception):
                self.read(data)

    def test_nested(self):
        self.assertEqual(npy.nested((2, 2), [1, 2, 3, 4]), [[1, 2], [3, 4]])
        self.assertEqual(npy.nested((), [5]), 5)


class Lang(Case):
    def run_test(self, text, script="exit 0", export=None):
        """What the harness says of a test whose fuse runs script and writes export to out/Y.npy."""
        if export is not None:
            (self.root / "y.npy").write_bytes(export)
            script = f"mkdir -p out; cp {self.root}/y.npy out/Y.npy; {script}"
        self.fuse(script)
        path = self.root / "tests/lang/a.fuse"
        path.write_text(text)
        return lang.run_test(self.context, path, self.folder)

    def test_values(self):
        two = npy_bytes("<f4", (2,), struct.pack("<2f", 1, 2.5))
        self.assertIsNone(self.run_test("# expect Y = [1, 2.5]\n", export=two))
        self.assertIn("got 2.5, expected 2.6", self.run_test("# expect Y = [1, 2.6]\n", export=two))
        self.assertIn("shape [2]", self.run_test("# expect Y = [[1, 2.5]]\n", export=two))
        self.assertIsNone(self.run_test("# expect Y = [1,\n#   2.5]\n", export=two))
        self.assertIsNone(self.run_test("# tolerance 0.1\n# expect Y = [1, 2.6]\n", export=two))
        self.assertIn("exit status 3", self.run_test("# expect Y = [1, 2.5]\n", "exit 3", export=two))

    def test_not_written(self):
        self.assertIn("not written", self.run_test("# expect Y = [1]\n"))

    def test_special_values(self):
        odd = npy_bytes("<f4", (3,), struct.pack("<3f", float("nan"), float("inf"), float("-inf")))
        self.assertIsNone(self.run_test("# expect Y = [nan, inf, -inf]\n", export=odd))
        for wrong in ("[0, inf, -inf]", "[nan, 0, -inf]", "[nan, inf, inf]"):
            self.assertIsNotNone(self.run_test(f"# expect Y = {wrong}\n", export=odd))

    def test_shape_and_type(self):
        empty = npy_bytes("<f2", (2, 0), b"")
        self.assertIsNone(self.run_test("# expect-shape Y = [2, 0]\n# expect-type Y = f2\n", export=empty))
        self.assertIsNotNone(self.run_test("# expect-shape Y = [2]\n", export=empty))
        self.assertIsNotNone(self.run_test("# expect-type Y = f4\n", export=empty))

    def test_errors(self):
        say = "echo 'a.fuse:3:1: error: unknown name Q [E0101]' >&2; exit 1"
        self.assertIsNone(self.run_test("# expect-error 3 E0101\n", say))
        self.assertIsNone(self.run_test("# expect-error 3 UNKNOWN name\n", say))
        self.assertIn("no error at line 4", self.run_test("# expect-error 4 E0101\n", say))
        self.assertIn("no error at line 3", self.run_test("# expect-error 3 E0102\n", say))
        self.assertIn("not expected", self.run_test("# expect-error 3 E0101\n", f"echo 'a.fuse:9:1: error: x' >&2; {say}"))
        self.assertIn("exit status 0", self.run_test("# expect-error 3 E0101\n", say.replace("exit 1", "exit 0")))
        self.assertIn("exit status 139", self.run_test("# expect-error 3 E0101\n", say.replace("exit 1", "exit 139")))

    def test_warnings(self):
        say = "echo 'a.fuse:2:1: warning: the sum comes first' >&2"
        self.assertIsNone(self.run_test("# expect-warning 2 sum\n", say))
        self.assertIn("not expected", self.run_test("# expect-stdout \n", say))
        self.assertIn("no warning", self.run_test("# expect-warning 2 sum\n"))

    def test_files_and_output(self):
        test = '# file a.csv = "1,2\\n"\n# expect-file b.csv = "1,2\\n"\n# expect-stdout done\n'
        self.assertIsNone(self.run_test(test, "cp a.csv b.csv; echo done"))
        self.assertIn("holds None", self.run_test(test, "echo done; rm -f b.csv"))
        self.assertIn("standard output lacks", self.run_test(test, "cp a.csv b.csv"))

    def test_command_line(self):
        test = "# args: --mode single\n# input W = [[1]]\n# expect-stdout run a.fuse --mode single --input W=W.json --out out\n"
        self.assertIsNone(self.run_test(test, 'test -f W.json && echo "$@"'))

    def test_no_expectation(self):
        self.assertIn("expects nothing", self.run_test("# args: --mode single\n"))

    def test_bless(self):
        two = npy_bytes("<f4", (2, 1), struct.pack("<2f", 1, 2.5))
        self.context = tasks.Context(**{**self.context.__dict__, "bless": True})
        self.assertIn("blessed", self.run_test("x\n# expect Y = [[0],\n# [1]]\n# end\n", export=two))
        self.assertEqual((self.root / "tests/lang/a.fuse").read_text(), "x\n# expect Y = [[1], [2.5]]\n# end\n")


GOOD = """echo '[==========] Running 2 test(s).'
echo '[ RUN      ] a'; echo '[       OK ] a'; echo '[ RUN      ] b'; echo '[       OK ] b'
echo '[==========] 2 test(s) run.'; echo '[  PASSED  ] 2 test(s).'"""


class Programs(Case):
    def states(self, script):
        return sorted(r.state for r in tasks.run_task(self.program("unit/test_x", script)))

    def test_counts(self):
        self.assertEqual(self.states(GOOD), ["pass", "pass"])
        self.assertEqual(self.states(GOOD.replace("      OK ] b", " FAILED  ] b") + "; exit 1"), ["fail", "pass"])
        self.assertEqual(self.states(GOOD.replace("      OK ] b", "SKIPPED ] b")), ["pass", "skip"])

    def test_a_skip_says_why(self):
        out = "[ RUN      ] a\nskip: no such thing\n[  SKIPPED ] a\n[ RUN      ] b\n[  SKIPPED ] b\n[==========] 2 test(s) run.\n"
        done = programs.results_of("t", SimpleNamespace(stdout=out, stderr="", returncode=0))
        self.assertEqual([r.why for r in done], ["no such thing", "the test does not say why"])

    def test_crash_and_silence(self):
        self.assertIn("fail", self.states("kill -SEGV $$"))
        self.assertIn("fail", self.states("exit 0"))
        self.assertIn("fail", self.states(GOOD + "; exit 99"))
        self.assertIn("fail", [r.state for r in tasks.run_task(programs.program_task(
            self.context, self.root / "build/tests/unit/test_missing"))])

    def test_python(self):
        path = self.root / "test_p.py"
        path.write_text("import unittest\nclass A(unittest.TestCase):\n def test_a(self): pass\n"
                        " def test_b(self): self.fail()\n @unittest.skip('x')\n def test_c(self): pass\nunittest.main()\n")
        self.assertEqual(sorted(r.state for r in tasks.run_task(programs.python_task(path))), ["fail", "pass", "skip"])


class Neon(Case):
    def test_one_skip_without_libraries(self):
        results = [r for t in neon.tasks(self.context) for r in t.body(self.folder)]
        self.assertEqual([(r.name, r.state) for r in results], [("neon", tasks.SKIP)])
        self.assertRegex(results[0].why, "not installed|tools/deps arm64")

    def test_what_starts_fuse_is_left(self):
        task = self.program("test_files", "echo '[  FAILED  ] test_cut_file'; echo '[  FAILED  ] test_other'; "
                            "echo '[=====] 2 test(s) run.'; exit 2")
        states = {r.name.split(": ")[-1]: r.state for r in neon.leave(task).body(self.folder)}
        self.assertEqual(states, {"test_cut_file": tasks.SKIP, "test_other": tasks.FAIL})


class Docs(Case):
    def states(self, text, script, bless=False):
        (self.root / "README.md").write_text(text)
        self.fuse(script)
        context = tasks.Context(**{**self.context.__dict__, "bless": bless})
        return [r.state for t in docs.tasks(context) for r in tasks.run_task(t)]

    def test_examples(self):
        good = "Text\n```fuse\nY = 1\n```\n\n```output\nY 1\n```\n"
        self.assertEqual(self.states(good, '[ "$1" = fmt ] || echo "Y 1  "'), ["pass"])
        self.assertEqual(self.states(good, '[ "$1" = run ] && echo "Y 1  "'), ["fail"])  # fmt --check refuses it
        self.assertEqual(self.states(good, "echo Y 2"), ["fail"])
        self.assertEqual(self.states("```fuse\nY\n```\n", '[ "$1" != run ]'), ["pass"])
        self.assertEqual(self.states("```fuse\nY\n```\n", "exit 1"), ["fail"])
        self.assertEqual(self.states("```fuse error\nY\n```\n```output\nbad\n```\n", "echo bad >&2; exit 1"), ["pass"])
        self.assertEqual(self.states("```fuse error\nY\n```\n", "exit 0"), ["fail"])
        self.assertEqual(self.states("```fuse fragment\nY\n```\n", '[ "$1" = fmt ]'), ["pass"])
        self.assertEqual(self.states("<!-- no test -->\n```fuse\nY\n```\n", "exit 1"), ["skip"])

    def test_numbers_of_two_processors(self):
        self.assertTrue(docs.is_same("Y = f32[2]\n[0.123457, 1e-07]", "Y = f32[2]\n[0.123456,  0]"))
        self.assertFalse(docs.is_same("Y = f32[2]\n[0.1235]", "Y = f32[2]\n[0.1234]"))
        self.assertFalse(docs.is_same("Y = f32[3]", "Y = f32[2]"))
        self.assertFalse(docs.is_same("Y = 0.5", "Z = 0.5"))
        self.assertFalse(docs.is_same("Y = f32[2]\n[1,\n 2]", "Y = f32[2]\n[1, 2]"))

    def test_page_of_an_example(self):
        for name in ("examples/x", "docs/examples"):
            (self.root / name).mkdir(parents=True)
        (self.root / "examples/x/x.fuse").write_text("Y = 1\n")
        (self.root / "examples/x/beside").write_text("")
        page = self.root / "docs/examples/x.md"
        good = "```fuse\nY = 1\n```\n```output\nY 1\n```\n"
        run = '[ "$1" = fmt ] || { [ "$2" = x.fuse ] && [ -f beside ] && echo "Y 1"; }'
        for text, script, bless, want in ((good, run, False, "pass"), (good.replace("Y = 1", "Y = 2"), run, False, "fail"),
                                          (good.replace("Y = 1", "Y = 2"), "echo Y 3", True, "fail")):
            page.write_text(text)
            self.assertEqual(self.states("", script, bless=bless), ["pass", want])
        self.assertEqual(page.read_text(), good.replace("Y 1", "Y 3"))
        self.assertEqual(self.states("", '[ "$1" = run ]'), ["fail", "fail"])

    def test_bless(self):
        text = "A\n```fuse\nY = 1\n```\n```output\nY 1\n```\nB\n"
        self.assertEqual(self.states(text, "echo Y 2", bless=True), ["fail"])
        self.assertEqual((self.root / "README.md").read_text(), text.replace("Y 1\n", "Y 2\n"))


class Runner(Case):
    def test_status(self):
        def status(*work):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                code = tasks.run_all(list(work), 2, False)
            return code, out.getvalue().strip().split("\n")[-1]
        good = tasks.one("a", lambda folder: None)
        self.assertEqual(status(good), (0, "1 passed, 0 failed, 0 skipped"))
        self.assertEqual(status(good, tasks.failed("b", "x"))[0], 1)
        self.assertEqual(status(tasks.skipped("b", "x")), (1, "0 passed, 0 failed, 1 skipped"))
        self.assertEqual(status(good, tasks.Task("c", lambda folder: 1 / 0))[0], 1)
        self.assertEqual(status(good, tasks.Task("c", lambda folder: []))[0], 1)

    def test_no_end(self):
        done = tasks.command(["sleep", "5"], self.folder, timeout=0.1)
        self.assertEqual(done.returncode, 124)

    def test_pending(self):
        states = [corpus.result_of("a", ok, "", waits).state for ok in (True, False) for waits in (True, False)]
        self.assertEqual(states, ["fail", "pass", "skip", "fail"])


if __name__ == "__main__":
    unittest.main()
