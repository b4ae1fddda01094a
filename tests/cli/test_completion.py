# SPDX-License-Identifier: Apache-2.0
"""The completion scripts load in their shells and complete real commands, options and values."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

from console import ROOT, Case, main

TABLE = (ROOT / "cli/table.c").read_text(encoding="utf-8")
COMMANDS = re.findall(r'^    \{"(\w+)", "', TABLE, re.M)
RUN = [name for name, letters in re.findall(r'\{"(--[\w-]+)",.*?"([a-zA-Z]+)",', re.sub(r'"(?:[A-Z][^"]*|\[=[^"]*)", OPT', "OPT", TABLE))
       if "r" in letters]


class Completion(Case):
    def script(self, shell):
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")
        done = self.fuse("completion", shell)
        self.expect(done, 0, "fuse")
        return self.write(f"completion.{shell}", done.stdout)

    def test_the_table_was_read(self):
        self.assertIn("explain", COMMANDS)
        self.assertIn("--input", RUN)
        self.assertIn("--strict", RUN)
        self.assertNotIn("--after", RUN)

    def bash(self, *words):
        """What bash offers for the last word."""
        line = " ".join(f"'{w}'" for w in words)
        done = self.shell(f". ./completion.bash; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _fuse; "
                          'printf "%s\\n" "${COMPREPLY[@]}"', "bash")
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash(self):
        self.script("bash")
        self.write("prog.fuse", "")
        self.assertEqual(self.bash("fuse", ""), [*COMMANDS, "help", "--help", "--version"])
        self.assertEqual(self.bash("fuse", "ex"), ["explain"])
        self.assertEqual(self.bash("fuse", "run", "--"), [*RUN, "--help"])
        self.assertEqual(self.bash("fuse", "fmt", "--w"), ["--write"])
        self.assertEqual(self.bash("fuse", "run", "--mode", ""), ["auto", "single", "fixpoint", "demand"])
        self.assertEqual(self.bash("fuse", "run", "--mode", "=", "si"), ["single"])
        self.assertEqual(self.bash("fuse", "run", "--mode", "="), ["auto", "single", "fixpoint", "demand"])
        self.assertEqual(self.bash("fuse", "run", "pro"), ["prog.fuse"])
        self.assertEqual(self.bash("fuse", "run", "--strict", "pro"), ["prog.fuse"])
        self.assertEqual(self.bash("fuse", "run", "--strict", "=", "f"), ["files"])
        self.assertEqual(self.bash("fuse", "completion", ""), ["bash", "zsh", "fish", "--help"])
        self.assertEqual(self.bash("fuse", "completion", "z"), ["zsh"])

    def fish(self, line):
        done = self.shell(f"fish --no-config -c 'source completion.fish; complete -C \"{line}\"'")
        self.assertEqual(done.stderr, "")
        return [w.split("\t")[0] for w in done.stdout.splitlines()]

    def test_fish(self):
        self.script("fish")
        self.write("prog.fuse", "")
        self.assertEqual(sorted(self.fish("fuse ")), sorted(COMMANDS))
        self.assertEqual(sorted(w for w in self.fish("fuse run --") if not w.endswith("=")), sorted(RUN))
        self.assertEqual(sorted(self.fish("fuse run --strict=")), ["--strict=files", "--strict=program"])
        self.assertEqual(self.fish("fuse fmt --w"), ["--write"])
        self.assertEqual(sorted(self.fish("fuse run --mode ")), ["auto", "demand", "fixpoint", "single"])
        self.assertEqual(self.fish("fuse run --mode=si"), ["--mode=single"])
        self.assertEqual(self.fish("fuse run pro"), ["prog.fuse"])
        self.assertEqual(self.fish("fuse run --out pro"), ["prog.fuse"])
        self.assertEqual(sorted(self.fish("fuse completion ")), ["bash", "fish", "zsh"])

    def zsh(self, *lines):
        """What zsh shows on a terminal after each line and a tab."""
        main_end, end = pty.openpty()
        env = self.environment(TERM="xterm", PS1="> ", COLUMNS="200", LINES="100")
        shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=end, stdout=end, stderr=end, cwd=self.folder, env=env,
                                 start_new_session=True)
        os.close(end)
        seen, ready = b"", b"\x1b[?2004h"  # what zsh says when it reads a line

        def wait(mark, times=1):
            nonlocal seen
            until = time.monotonic() + 20
            while seen.count(mark) < times and time.monotonic() < until and select.select([main_end], [], [], 20)[0]:
                try:
                    seen += os.read(main_end, 65536)
                except OSError:
                    break
            self.assertIn(mark, seen)
        try:
            wait(ready)
            os.write(main_end, b"autoload -Uz compinit; compinit -u -D; . ./completion.zsh; setopt no_beep list_ambiguous; "
                               b"LISTMAX=999; print rea''dy\n")
            wait(b"ready")
            for n, line in enumerate(lines):
                wait(ready, n + 2)
                os.write(main_end, line.encode() + b"\t\x05\x15print don''e" + str(n).encode() + b"\n")
                wait(b"done" + str(n).encode())
        finally:
            shell.kill()
            shell.wait()
            os.close(main_end)
        return seen.decode(errors="replace")

    def test_zsh(self):
        path = self.script("zsh")
        self.expect(self.shell(f"zsh -n {path}"), 0)
        self.write("prog.fuse", "")
        shown = self.zsh("fuse ", "fuse run --", "fuse fmt --wr", "fuse run --mode=si", "fuse run pro", "fuse completion fi")
        for word in (*COMMANDS, *RUN):
            self.assertIn(word, shown)
        for word in ("--write", "single", "prog.fuse", "fish"):
            self.assertIn(word, shown)


if __name__ == "__main__":
    main()
