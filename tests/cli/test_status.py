# SPDX-License-Identifier: Apache-2.0
"""Exit statuses, and which stream says what."""
import subprocess
from pathlib import Path

from console import ASKS, FUSE, LAYER, SHOWN, Case, main


class Status(Case):
    def test_done_is_0_and_says_nothing_else(self):
        self.write("p.fuse", LAYER)
        self.expect(self.fuse("run", "p.fuse"), 0, SHOWN)
        self.expect(self.fuse("check", "p.fuse"), 0, "Y[2] f32")
        self.expect(self.fuse("fmt", "p.fuse"), 0, "relu(W[i, j] X[j])")
        self.expect(self.fuse("dump", "p.fuse", "--after=plan"), 0, "# arena")
        self.expect(self.fuse("explain", "p.fuse", "--repeat=1"), 0, "total:")
        self.expect(self.fuse("backends"), 0, "native")
        self.expect(self.fuse("man"), 0, ".TH FUSE 1")
        self.expect(self.fuse("--version"), 0, "fuse ")
        self.expect(self.fuse("--help"), 0, "usage:")
        self.expect(self.fuse("help"), 0, "usage:")
        self.expect(self.fuse("help", "run"), 0, "--input")
        self.expect(self.fuse("run", "--help"), 0, "--input")
        self.expect(self.fuse("run", "p.fuse", "--quiet"), 0, "")

    def test_a_bad_program_is_1(self):
        self.write("bad.fuse", "Y[i] = X[i\n")
        self.write("names.fuse", "Y[i] = X[i]\nexport Y\n")
        for verb in ("run", "check", "fmt", "explain"):
            self.expect(self.fuse(verb, "bad.fuse"), 1, "", "bad.fuse:1:9: error:")
        self.expect(self.fuse("dump", "bad.fuse", "--after=lower"), 1, "", "bad.fuse:1:9: error:")
        self.expect(self.fuse("run", "names.fuse"), 1, "", "names.fuse:1:8: error:")

    def test_bad_data_is_1(self):
        self.write("p.fuse", "I[i] = [0, 7]\nX[i] = [1, 2]\nY[i] = X[I[i]]\nexport Y\n")
        self.expect(self.fuse("run", "p.fuse"), 1, "", "p.fuse:3:")
        self.write("q.fuse", "Y[i] = X[i]\nexport Y\n")
        self.write("x.npy", "no array")
        self.expect(self.fuse("run", "q.fuse", "--input", "X=x.npy"), 1, "", "x.npy")

    def test_a_blas_is_used_or_is_2(self):
        self.write("p.fuse", "A[i,j] = [[1, 2], [3, 4]]\nY[i,k] = A[i,j] A[j,k]\nexport Y\n")
        self.expect(self.fuse("run", "p.fuse", "--blas", "no/such.so"), 2, "", "cannot be opened")
        self.expect(self.fuse("run", "p.fuse", "--blas=libm.so.6"), 2, "", "has no cblas_sgemm")
        self.expect(self.fuse("run", "p.fuse", "--backend=oracle", "--blas=libm.so.6"), 2, "", "no use for a BLAS")
        library = Path(FUSE).parent / "tests/libcount.so"
        if not library.exists():
            self.skipTest("the tests' own BLAS is not built")
        done = self.fuse("run", "p.fuse", "--explain", "--blas", library)
        self.expect(done, 0, "products: 1 of 1 by cblas of")
        self.expect(done, 0, "[[ 7, 10],\n [15, 22]]")

    def test_what_is_not_in_this_version_is_1(self):
        self.write("p.fuse", ASKS + "L = Y[i]\n")
        for words in (("--weights", "w.json"), ("--cache", "c"), ("--projection", "monte_carlo"), ("--steps", "2"),
                      ("--grad", "L", "--wrt", "X")):
            self.expect(self.fuse("run", "p.fuse", *words), 1, "", "not in this version")

    def test_a_change_of_fmt_check_is_1(self):
        self.write("p.fuse", "Y[i]   = [1,2]\n")
        self.expect(self.fuse("fmt", "--check", "p.fuse"), 1)
        self.expect(self.fuse("fmt", "--write", "p.fuse"), 0)
        self.expect(self.fuse("fmt", "--check", "p.fuse"), 0)

    def test_a_wrong_command_line_is_2(self):
        self.write("p.fuse", ASKS)
        for words, said in [
                ((), "usage:"), (("zork",), "unknown command 'zork'"), (("rnu",), "did you mean 'run'?"),
                (("help", "zork"), "unknown command 'zork'"), (("run",), "the program is missing"),
                (("completion",), "the shell is missing"), (("completion", "ksh"), "bash, zsh, fish"),
                (("run", "p.fuse", "q.fuse"), "q.fuse is one word too many"), (("man", "x"), "one word too many"),
                (("run", "p.fuse", "--inptu", "X=a"), "did you mean '--input'?"), (("run", "-p"), "./-p"),
                (("run", "p.fuse", "--input"), "--input needs a value"),
                (("run", "p.fuse", "--input", "X"), "NAME=FILE"), (("run", "p.fuse", "--input", "X="), "NAME=FILE"),
                (("run", "p.fuse", "--input", "X=a", "--input", "X=b"), "twice for 'X'"),
                (("run", "p.fuse", "--out", ""), "--out cannot be ''"), (("run", "p.fuse", "--quiet=1"), "takes no value"),
                (("run", "p.fuse", "--mode", "zork"), "auto, single, fixpoint, demand"),
                (("run", "p.fuse", "--explain=html"), "text, json"), (("run", "p.fuse", "--strict=zork"), "program, files"),
                (("run", "p.fuse", "--threads", "-1"), "a whole number"), (("run", "p.fuse", "--threads", "300"), "256"),
                (("run", "p.fuse", "--max-iters", "x"), "a whole number"), (("run", "p.fuse", "--tol", "-1"), "a number"),
                (("run", "p.fuse", "--tol", "nan"), "a number"), (("run", "p.fuse", "--memory-limit", "12Q"), "512M"),
                (("run", "p.fuse", "--memory-limit", "9999999999G"), "512M"), (("run", "p.fuse", "--precision", "fp8"), "bf16"),
                (("run", "p.fuse", "--backend", "zork"), "native"), (("run", "p.fuse", "--device", "zork"), "cpu"),
                (("run", "p.fuse", "--param", "x"), "NAME=VALUE"), (("run", "p.fuse", "--grad", "Y"), "--wrt"),
                (("dump", "p.fuse"), "--after"), (("dump", "p.fuse", "--after=zork"), "lower"),
                (("fmt", "p.fuse", "--out", "x"), "unknown option '--out'"), (("fmt", "-", "--write"), "cannot be rewritten")]:
            with self.subTest(words=words):
                self.expect(self.fuse(*words), 2, "", said)

    def test_values_behind_an_equals_sign(self):
        self.write("p.fuse", LAYER)
        self.expect(self.fuse("run", "--threads=1", "--memory-limit=64M", "--mode=single", "p.fuse"), 0, SHOWN)
        self.expect(self.fuse("run", "p.fuse", "--memory-limit=8"), 1, "", "limit is 8")


class Streams(Case):
    def test_warnings_leave_the_output_alone(self):
        self.write("p.fuse", LAYER)
        self.write("x.npy", "")
        done = self.fuse("run", "p.fuse", "--input", "Zork=x.npy")
        self.assertEqual((done.returncode, done.stdout), (0, SHOWN))
        self.assertIn("p.fuse:1:1: warning:", done.stderr)

    def test_a_reader_that_has_seen_enough(self):
        self.write("p.fuse", "X[i] = [1, 2, 3, 4]\nY[i,j,k,l,m] = X[i] X[j] X[k] X[l] X[m]\nexport Y\n")
        self.write("q.fuse", "".join(f"Y{n}[i] = [1, 2, 3]\nexport Y{n}\n" for n in range(9000)))
        for program in ("p.fuse", "q.fuse"):
            self.expect(self.shell(f'"$FUSE" run {program} | head -1'), 0, "Y")
        self.expect(self.shell('"$FUSE" man | true; "$FUSE" fmt q.fuse | head -c 3'), 0, "Y0[")

    def test_full_and_closed_output(self):
        self.write("p.fuse", LAYER)
        for verb in ("run p.fuse", "check p.fuse", "fmt p.fuse", "explain p.fuse --repeat 1", "backends", "man", "--help",
                     "--version", "completion bash", "dump p.fuse --after plan"):
            for to in (">/dev/full", ">&-"):
                with self.subTest(verb=verb, to=to):
                    self.expect(self.shell(f'"$FUSE" {verb} {to}'), 1, "", "cannot write to the standard output")

    def test_closed_input_and_messages(self):
        self.write("p.fuse", LAYER)
        self.expect(self.shell('"$FUSE" run p.fuse <&-'), 0, SHOWN)
        self.expect(self.shell('"$FUSE" run p.fuse 2>&-'), 0, SHOWN)
        self.expect(self.shell('"$FUSE" run zork.fuse 2>&-'), 1)
        self.expect(self.shell('"$FUSE" run zork.fuse 2>/dev/full'), 1)

    def test_closed_streams_do_not_end_in_files(self):
        """A file that is opened while 1 is free gets that number: what is printed must not land in it."""
        self.write("p.fuse", LAYER)
        self.write("q.fuse", LAYER + '"z.npy" = Y[i]\n')
        for program in ("p.fuse --out y.npy", "q.fuse"):
            self.shell(f'"$FUSE" run {program} <&- >&- 2>&-')
        for name in ("y.npy", "z.npy"):
            self.assertEqual((self.folder / name).read_bytes()[:6], b"\x93NUMPY")

    def test_no_words_at_all(self):
        done = subprocess.run([], executable=FUSE, capture_output=True, text=True, check=False)
        self.expect(done, 2, "", "usage:")


if __name__ == "__main__":
    main()
