# SPDX-License-Identifier: Apache-2.0
"""What an interrupt leaves, and how the program ends then."""
import signal
import subprocess
import time

from console import ENDLESS, FOREVER, FUSE, Case, Terminal, main

# A job in the background ignores interrupts and hands that on: what the tests start must not.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

WRITER = "axis i = 3000000\nX[i] = i * 1.37\nexport X\n"


class Interrupt(Case):
    def test_a_run(self):
        self.write("endless.fuse", ENDLESS + '"x.npy" = X[i]\n')
        started = [(n, Terminal(self, ("run", "endless.fuse", *FOREVER, "--out", "d")))
                   for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        for number, t in started:
            t.read("round ")
            t.process.send_signal(number)
            self.assertEqual(t.wait(), -number)
            self.assertTrue(t.seen.endswith("\r\x1b[K"), t.seen)
            self.assertEqual(self.names(), ["endless.fuse"])

    def test_the_shell_sees_130(self):
        self.write("endless.fuse", ENDLESS)
        words = " ".join(("run", "endless.fuse", *FOREVER))
        done = self.shell(f'set -m; "$FUSE" {words} & sleep 0.3; kill -INT $!; wait $!; echo "status $?"', "bash")
        self.assertIn("status 130", done.stdout)

    def test_writers_leave_nothing(self):
        self.write("p.fuse", WRITER)
        self.write("s.fuse", WRITER + '"d/x.json" = X[i]\n')
        for words in (("run", "p.fuse", "--out=d/x.json"), ("run", "p.fuse", "--out=d/x.csv"), ("run", "s.fuse", "--quiet")):
            process = subprocess.Popen([FUSE, *words], cwd=self.folder, env=self.environment(),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            while process.poll() is None and not any(n.endswith(".new") for n in self.names()):
                time.sleep(0.002)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)[1]
            self.assertEqual(process.returncode, -signal.SIGINT, said)
            self.assertEqual(said, b"")
            self.assertEqual(self.names(), ["p.fuse", "s.fuse"])

    def test_an_older_file_stays(self):
        self.write("p.fuse", WRITER)
        self.write("x.json", "old")
        process = subprocess.Popen([FUSE, "run", "p.fuse", "--out=x.json"], cwd=self.folder, env=self.environment())
        while process.poll() is None and not any(n.endswith(".new") for n in self.names()):
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), -signal.SIGINT)
        self.assertEqual((self.folder / "x.json").read_text(), "old")
        self.assertEqual(self.names(), ["p.fuse", "x.json"])

    def test_what_was_ignored_stays_ignored(self):
        self.write("p.fuse", WRITER.replace("3000000", "100000"))
        process = subprocess.Popen(["sh", "-c", f"trap '' HUP; exec '{FUSE}' run p.fuse --out x.json"], cwd=self.folder,
                                   env=self.environment())
        while process.poll() is None and not any(n.endswith(".new") for n in self.names()):
            time.sleep(0.002)
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(self.names(), ["p.fuse", "x.json"])


if __name__ == "__main__":
    main()
