# SPDX-License-Identifier: Apache-2.0
"""Programs, inputs and outputs as files, pipes and what is neither."""
import os
import resource
import struct
import subprocess

from console import FUSE, LAYER, SHOWN, Case, main, npy

NAMES = ["with blank.fuse", "new\nline.fuse", "-dash.fuse", "--out", "grüße.fuse", "a=b.fuse", "tab\there.fuse", "x;rm.fuse",
         "'q\".fuse", "$HOME.fuse", "*.fuse", "a#b.fuse", "x" * 240 + ".fuse"]


class Names(Case):
    def test_any_name(self):
        for name in NAMES:
            with self.subTest(name=name):
                self.write(name, LAYER)
                self.expect(self.fuse("run", "--", name), 0, SHOWN)
                self.expect(self.fuse("run", "./" + name), 0, SHOWN)
                self.expect(self.fuse("fmt", "--write", "--", name), 0)

    def test_messages_stay_on_a_line(self):
        for name in NAMES:
            with self.subTest(name=name):
                self.write(name, "Y[i = 2\n")
                done = self.fuse("check", "--", name)
                self.expect(done, 1, "", ":1:2: error: '[' is not closed")
                self.assertNotIn("\t", done.stderr.split("\n")[0])

    def test_a_name_that_is_no_utf8(self):
        path = os.fsencode(self.folder) + b"/caf\xe9.fuse"
        with open(path, "wb") as f:
            f.write(LAYER.encode())
        done = subprocess.run([os.fsencode(FUSE), b"run", path], capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, SHOWN.encode()))
        done = subprocess.run([os.fsencode(FUSE), b"run", path + b"x"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 1)
        done.stderr.decode()  # what is said is UTF-8 whatever the name is

    def test_inputs_and_outputs_of_any_name(self):
        self.write("p.fuse", "Y[i] = X[i] + 1\nexport Y\n")
        for name in ("with blank", "new\nline", "-dash", "grüße", "a=b", "a#b"):
            with self.subTest(name=name):
                self.write(name + ".npy", npy([1, 2]))
                self.expect(self.fuse("run", "p.fuse", "--input", f"X={name}.npy", "--out", f"./{name}/y.npy"), 0)
                self.assertEqual((self.folder / name / "y.npy").read_bytes(), npy([2, 3]))

    def test_names_that_are_too_long(self):
        self.write("p.fuse", LAYER)
        long = "x" * 300
        self.expect(self.fuse("run", long + ".fuse"), 1, "", "File name too long")
        self.expect(self.fuse("run", "p.fuse", "--out", long + ".npy"), 1, "", "too long")
        self.expect(self.fuse("run", "p.fuse", "--out", "d/" * 2100), 1, "", "too long")
        self.expect(self.fuse("run", "d/" * 2100 + "p.fuse"), 1, "", "File name too long")


class Programs(Case):
    def test_what_is_no_file(self):
        self.expect(self.fuse("run", "zork.fuse"), 1, "", "zork.fuse:1:1: error: cannot be opened: No such file")
        self.expect(self.fuse("run", "."), 1, "", ".:1:1: error: is a folder")
        self.expect(self.fuse("run", ""), 1, "", "No such file")
        self.write("p.fuse", LAYER)
        self.expect(self.fuse("run", "p.fuse/q.fuse"), 1, "", "Not a directory")
        self.expect(self.fuse("run", "p.fuse/"), 1, "", "Not a directory")
        (self.folder / "loop.fuse").symlink_to("loop.fuse")
        self.expect(self.fuse("run", "loop.fuse"), 1, "", "symbolic links")

    def test_data(self):
        """One message, and not one for each byte."""
        for content in (npy([1, 2]), b"PK\x03\x04\x14\0\0\0", b"\x7fELF\x02\x01\x01" + bytes(100)):
            self.write("p.fuse", content)
            done = self.fuse("run", "p.fuse")
            self.expect(done, 1, "", "p.fuse:1:1: error: ")
            self.assertEqual(done.stderr.count("error:"), 1, done.stderr)

    def test_a_link(self):
        self.write("d/p.fuse", LAYER.replace("relu", "  relu"))
        (self.folder / "q.fuse").symlink_to("d/p.fuse")
        self.expect(self.fuse("run", "q.fuse"), 0, SHOWN)
        self.expect(self.fuse("fmt", "--write", "q.fuse"), 0)
        self.assertTrue((self.folder / "q.fuse").is_symlink())
        self.assertEqual(self.names(), ["d/p.fuse", "q.fuse"])

    def test_files_that_may_not_be_read_or_written(self):
        self.write("p.fuse", LAYER).chmod(0)
        self.write("q.fuse", LAYER + '"y.npy" = Y[i]\n')
        self.write("r.fuse", "Y[i] = X[i]\nexport Y\n")
        self.write("x.npy", npy([1])).chmod(0)
        self.folder.chmod(0o755)
        other = {"user": 65534} if os.geteuid() == 0 else {}
        try:
            self.expect(self.fuse("--version", **other), 0, "fuse")
        except PermissionError:
            self.skipTest("root may read everything, and nobody may run what was built")
        self.expect(self.fuse("run", "p.fuse", **other), 1, "", "p.fuse:1:1: error: cannot be opened: Permission denied")
        self.expect(self.fuse("run", "r.fuse", "--input", "X=x.npy", **other), 1, "", "Permission denied")
        self.folder.chmod(0o555)
        self.expect(self.fuse("run", "q.fuse", **other), 1, "", "Permission denied")
        self.expect(self.fuse("run", "q.fuse", "--out", "d", **other), 1, "", "Permission denied")
        self.expect(self.fuse("fmt", "--write", "r.fuse", **other), 0)
        self.write("r.fuse", "Y[i]  =  X[i]\n")
        self.expect(self.fuse("fmt", "--write", "r.fuse", **other), 1, "", "Permission denied")

    def test_fmt_keeps_a_file_that_cannot_be_written(self):
        self.write("p.fuse", "Y[i]   = [1,2]\n")

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4))
        self.expect(self.fuse("fmt", "--write", "p.fuse", preexec_fn=limit), 1, "", "cannot be rewritten")
        self.assertEqual(self.names(), ["p.fuse"])
        self.assertEqual((self.folder / "p.fuse").read_text(), "Y[i]   = [1,2]\n")


class Standard(Case):
    """The program from the standard input, from pipes and from devices."""

    def test_every_command(self):
        self.expect(self.fuse("run", "-", given=LAYER), 0, SHOWN)
        self.expect(self.fuse("check", "-", given=LAYER), 0, "Y[2] f32")
        self.expect(self.fuse("fmt", "-", given="Y[i]=[1,2]"), 0, "Y[i] = [1, 2]\n")
        self.expect(self.fuse("fmt", "-", "--check", given="Y[i]=[1,2]"), 1)
        self.expect(self.fuse("fmt", "-", "--check", given="Y[i] = [1, 2]\n"), 0)
        self.expect(self.fuse("dump", "-", "--after=parse", given=LAYER), 0, "relu")
        self.expect(self.fuse("explain", "-", "--repeat=0", given=LAYER), 0, "relu")
        self.expect(self.fuse("explain", "-", "--repeat=0", "--json", given=LAYER), 0, '"<stdin>"')
        self.expect(self.fuse("run", "/dev/stdin", given=LAYER), 0, SHOWN)

    def test_errors_name_it(self):
        self.expect(self.fuse("run", "-", given="Y[i = 2\n"), 1, "", "<stdin>:1:2: error:")
        self.expect(self.fuse("fmt", "/dev/stdin", given="Y[i = 2\n"), 1, "", "<stdin>:1:2: error:")
        self.expect(self.fuse("run", "-", given="Y[i] = X[i]\nexport Y\n"), 1, "", "<stdin>:1:8: error:")
        self.expect(self.shell('"$FUSE" run - <.'), 1, "", "<stdin>:1:1: error: cannot be read: Is a directory")
        self.expect(self.shell('"$FUSE" run - <&-'), 1, "", "<stdin>:1:1: error: cannot be read: Bad file")

    def test_a_file_as_standard_input(self):
        self.write("p.fuse", LAYER)
        for word in ("-", "/dev/stdin", "/dev/fd/0"):
            self.expect(self.shell(f'"$FUSE" run {word} <p.fuse'), 0, SHOWN)

    def test_sources_are_relative_to_the_working_folder(self):
        self.write("w.npy", npy([1, 2]))
        self.expect(self.fuse("run", "-", given='W[i] = "w.npy"\nexport W\n'), 0, "[1, 2]")

    def test_a_file_of_that_name(self):
        self.write("-", LAYER)
        self.expect(self.fuse("run", "./-"), 0, SHOWN)

    def test_a_pipe(self):
        os.mkfifo(self.folder / "p.fifo")
        self.write("w.npy", npy([1, 2]))
        self.write("p.fuse", 'W[i] = "w.npy"\nexport W\n')
        self.expect(self.shell('cat p.fuse >p.fifo & "$FUSE" run p.fifo'), 0, "[1, 2]")
        self.expect(self.shell('echo "Y[i = 2" >p.fifo & "$FUSE" run p.fifo'), 1, "", "p.fifo:1:2: error:")
        self.expect(self.shell('cat p.fuse >p.fifo & "$FUSE" fmt --write p.fifo'), 2, "", "cannot be rewritten")

    def test_process_substitution(self):
        self.write("w.npy", npy([1, 2]))
        self.expect(self.shell("""exec 2>&1; "$FUSE" run <(echo 'W[i] = "w.npy"'; echo export W)""", "bash"), 0, "[1, 2]")
        self.expect(self.shell('"$FUSE" run <(echo "Y[i = 2")', "bash"), 1, "", ">:1:2: error:")

    def test_what_never_ends(self):
        self.expect(self.fuse("run", "/dev/zero"), 1, "", "more than 256 MiB")
        self.expect(self.shell('yes "Y[i] = X[i]" | "$FUSE" check -'), 1, "", "<stdin>:1:1: error: a program of more than 256 MiB")

    def test_nothing(self):
        self.expect(self.fuse("run", "-"), 0, "", "nothing is exported")
        self.expect(self.fuse("run", "/dev/null"), 0, "", "nothing is exported")


class Inputs(Case):
    def setUp(self):
        super().setUp()
        self.write("p.fuse", "Y[i] = X[i] + 1\nexport Y\n")

    def test_what_is_no_file(self):
        os.mkfifo(self.folder / "x.npy")
        self.write("d.npy/x", "")
        self.write("x.foo", "")
        for word, said in (("zork.npy", "No such file"), ("d.npy", "is a folder"), ("x.npy", "is a pipe"),
                           ("x.foo", "files of the kind '.foo' are not read")):
            with self.subTest(word=word):
                self.expect(self.fuse("run", "p.fuse", "--input", "X=" + word), 1, "", said)

    def test_hostile_files(self):
        good = npy([1, 2, 3])
        for n in range(0, len(good), 7):
            self.write("x.npy", good[:n])
            self.expect(self.fuse("run", "p.fuse", "--input", "X=x.npy"), 1, "", "x.npy")

    def test_members(self):
        self.expect(self.fuse("run", "p.fuse", "--input", "X=x.npz#a"), 1, "", "x.npz")

    def test_strict_files_and_strict_programs_are_two(self):
        head = "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }".ljust(117) + "\n"
        big = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(">2f", 1, 2)
        self.write("x.npy", big)
        self.write("q.fuse", "X[i] = [1, 2]\nY[j] = X[i] Z[j]\nZ[j] = [1, 1]\nexport Y\n")
        copied, doubtful = ("p.fuse", "--input", "X=x.npy"), ("q.fuse",)
        for words, files, program in ((), 0, 0), (("--strict=files",), 1, 0), (("--strict=program",), 0, 1), (("--strict",), 1, 1), (
                ("--strict=files", "--strict=program"), 1, 1):
            with self.subTest(words=words):
                self.expect(self.fuse("run", *copied, *words), files, None, "strict mode" if files else "")
                self.expect(self.fuse("run", *doubtful, *words), program, None, "E0306" if program else "")


class Outputs(Case):
    def setUp(self):
        super().setUp()
        self.write("p.fuse", LAYER)
        self.write("two.fuse", LAYER + "Z[i] = Y[i] + 1\nexport Z\n")

    def test_forms(self):
        for name in ("y.npy", "y.npz", "y.json", "y.jsonl", "y.csv", "y.tsv", "Y.NPY", "deep/er/y.npy"):
            self.expect(self.fuse("run", "p.fuse", "--out", name), 0)
            self.assertIn(name, self.names())
        for name in ("results", "results2/", "a.b/c"):
            self.expect(self.fuse("run", "two.fuse", "--out", name), 0)
            self.assertIn(name.rstrip("/") + "/Y.npy", self.names())
            self.assertIn(name.rstrip("/") + "/Z.npy", self.names())
        (self.folder / "v1.2").mkdir()
        self.expect(self.fuse("run", "p.fuse", "--out", "v1.2"), 0)
        self.assertIn("v1.2/Y.npy", self.names())

    def test_an_unknown_extension(self):
        for name in ("y.foo", "y.npyy", "d/y.h5", "y.txt", "y.safetensors"):
            with self.subTest(name=name):
                done = self.fuse("run", "p.fuse", "--out", name)
                self.expect(done, 2, "", ".npy, .npz, .json, .jsonl, .csv, .tsv")
                self.assertIn(name + "/", done.stderr)
        self.expect(self.fuse("run", "two.fuse", "--out", "y.npy"), 2, "", "Y, Z")
        self.assertEqual(self.names(), ["p.fuse", "two.fuse"])

    def test_it_is_refused_before_anything_is_computed(self):
        self.write("taken", "")
        self.write("q.fuse", LAYER + '"s.npy" = Y[i]\n')
        for name, status in (("y.foo", 2), ("taken/y.npy", 1), ("/dev/full", 2), ("/dev/null/x", 1), ("taken", 2)):
            self.expect(self.fuse("run", "q.fuse", "--out", name), status, "", "error:")
            self.assertNotIn("s.npy", self.names())

    def test_they_stay_below_the_output_root(self):
        (self.folder / "root").mkdir()
        (self.folder / "root/up").symlink_to("..")
        for name in ("../y.npy", str(self.folder / "y.npy"), "a/../../y.npy", "up/y.npy", "..", "../d/", "up", "/"):
            with self.subTest(name=name):
                self.expect(self.fuse("run", "p.fuse", "--output-root", "root", "--out", name), 1, "", "output root")
        for name in ("y.npy", "d", "e/", "f/z.npz"):
            self.expect(self.fuse("run", "p.fuse", "--output-root", "root", "--out", name), 0)
        self.assertEqual(self.names(), ["p.fuse", "root/d/Y.npy", "root/e/Y.npy", "root/f/z.npz", "root/y.npy", "two.fuse"])
        self.expect(self.fuse("run", "p.fuse", "--output-root", "zork", "--out", "y.npy"), 1, "", "zork")

    def test_without_a_root_they_go_where_they_are_sent(self):
        self.expect(self.fuse("run", "p.fuse", "--out", str(self.folder / "d/y.npy")), 0)
        self.assertIn("d/y.npy", self.names())

    def test_a_full_disk(self):
        self.write("big.fuse", "X[i] = i\naxis i = 100000\nZ[i] = X[i] + 1\nexport X\nexport Z\n")

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))
        for name in ("d", "d/y.npz", "e/f/"):
            with self.subTest(name=name):
                self.expect(self.fuse("run", "big.fuse", "--out", name, preexec_fn=limit), 1, "", "File too large")
                self.assertEqual(self.names(), ["big.fuse", "p.fuse", "two.fuse"])
        self.assertEqual([p for p in self.folder.iterdir() if p.is_dir()], [])

    def test_a_small_file_system(self):
        self.write("big.fuse", "X[i] = i\naxis i = 100000\nexport X\n")
        (self.folder / "m").mkdir()
        done = self.shell('unshare -rm sh -c \'mount -t tmpfs -o size=64k none m && echo mounted >&2 && '
                          'printf old >m/X.npy && "$FUSE" run big.fuse --out m; echo "status $?"; ls -A m; cat m/X.npy\'')
        if "mounted" not in done.stderr:
            self.skipTest("no file system can be mounted here")
        self.expect(done, 0, "status 1\nX.npy\nold", "No space left on device")

    def test_devices_and_links(self):
        (self.folder / "d").mkdir()
        (self.folder / "d/Y.npy").symlink_to("/dev/full")
        self.expect(self.fuse("run", "p.fuse", "--out", "d"), 1, "", "not a file")
        (self.folder / "there").mkdir()
        (self.folder / "y.npy").symlink_to("there/real.npy")
        self.expect(self.fuse("run", "p.fuse", "--out", "y.npy"), 0)
        self.assertTrue((self.folder / "y.npy").is_symlink())
        self.assertTrue((self.folder / "there/real.npy").is_file())

    def test_an_axis_given_twice(self):
        for query in ("Y[i=1,i=0]", "Y[i=0:1,i=1]", "W[i=0,j=1,i=1]"):
            self.expect(self.fuse("run", "p.fuse", "--query", query), 1, "", "'i' is given twice")
        self.expect(self.fuse("run", "p.fuse", "--query", "W[i=0,j=1]"), 0, "= 2")


if __name__ == "__main__":
    main()
