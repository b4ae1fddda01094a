# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share. Each test_*.py is run as `test_X.py FUSE -v` in an empty folder."""
import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
FUSE = str(Path(sys.argv.pop(1)).resolve()) if len(sys.argv) > 1 else str(ROOT / "build/fuse")

FULL = os.environ.get("FUSE_SWEEP") == "full"  # tests/run --full
LAYER = "W[i,j] = [[1, 2], [3, 4]]\nX[j] = [1, -1]\nY[i] = relu(W[i,j] X[j])\nexport Y\n"
SHOWN = "Y = f32[2]\n[0, 0]\n"
ENDLESS = "B[i] = [1, 0]\nX[i] = B[i]\nX[i] = 0 - X[i]\nexport X\n"
FOREVER = ("--threads=1", "--mode=fixpoint", "--max-iters=1000000000000", "--tol=0")
ASKS = "X[i] = [1, 2, 3]\nY[i] = X[i] X[i]\nexport Y\n"


def npy(values):
    """A .npy file of float32 in one axis."""
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(values)},), }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}f", *values)


class Case(unittest.TestCase):
    """A test in an empty folder, self.folder, which is the working folder of what it runs."""
    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="fusecli"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def environment(self, **more):
        keep = {k: v for k, v in os.environ.items() if k.startswith(("PATH", "LD_", "HOME", "TMPDIR", "ASAN", "UBSAN"))}
        return {**keep, "LC_ALL": "C.UTF-8", "TERM": "xterm", "SHELL": "/bin/sh", **more}

    def fuse(self, *words, given="", **more):
        """The finished command; given: its standard input."""
        return subprocess.run([FUSE, *map(str, words)], cwd=self.folder, env=self.environment(), text=True,
                              input=given, capture_output=True, timeout=60, check=False, **more)

    def shell(self, script, shell="sh", **more):
        """A script that knows the program as $FUSE."""
        return subprocess.run([shell, "-c", script], cwd=self.folder, env=self.environment(FUSE=FUSE), text=True,
                              capture_output=True, timeout=60, stdin=subprocess.DEVNULL, check=False, **more)

    def expect(self, done, status, out="", err=""):
        """out and err: what the streams hold; texts are found in them, None: not compared, empty: they are empty."""
        self.assertEqual(done.returncode, status, f"{done.args}\n{done.stdout}{done.stderr}")
        for want, got in ((out, done.stdout), (err, done.stderr)):
            if want == "":
                self.assertEqual(got, "", done.args)
            elif want is not None:
                self.assertIn(want, got, done.args)

    def names(self):
        return sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if not p.is_dir())


class Terminal:
    """A program on a terminal of its own; what it writes is gathered in `seen`."""

    def __init__(self, case, words, streams=("stdout", "stderr"), columns=100, **env):
        self.case, self.seen = case, ""
        self.fd, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        use = {name: end if name in streams else subprocess.PIPE for name in ("stdout", "stderr")}
        self.process = subprocess.Popen([FUSE, *words], cwd=case.folder, env=case.environment(**env), stdin=end, **use)
        os.close(end)
        case.addCleanup(self.close)

    def close(self):
        self.process.kill()
        self.process.communicate()
        os.close(self.fd)

    def read(self, until=None):
        """Up to a text, or to the end."""
        end = time.monotonic() + 30
        while (until is None or until not in self.seen) and time.monotonic() < end:
            if not select.select([self.fd], [], [], 30)[0]:
                break
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                got = b""
            if not got:
                break
            self.seen += got.decode()
        if until is not None:
            self.case.assertIn(until, self.seen)
        return self.seen

    def wait(self):
        self.read()
        return self.process.wait(timeout=30)


def main():
    unittest.main(module="__main__")
