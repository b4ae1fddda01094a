# SPDX-License-Identifier: Apache-2.0
"""--help and the manual page tell of what the parser takes, and of nothing else."""
import re
import shutil
import subprocess

from console import ROOT, Case, main

ROW = re.compile(r'\{"(--[\w-]+)",\s*(?:"(.*?)"|NULL),\s*(OPT_\w+),\s*.*?,\s*"(\w+)",', re.S)
COMMAND = re.compile(r'\{"(\w+)", "(\w*)", "[^"]*", \'(\w)\', cli_\w+\}')
TABLE = (ROOT / "cli/table.c").read_text(encoding="utf-8")
OPTIONS = ROW.findall(TABLE)
COMMANDS = COMMAND.findall(TABLE)
FLAGS = ("OPT_FLAG", "OPT_INT_FLAG")


def takes(kinds, letter, later=True):
    return letter in kinds or (later and letter.upper() in kinds)


class Help(Case):
    def test_the_table_was_read(self):
        self.assertEqual(len(OPTIONS), len(re.findall(r'^    \{"--', TABLE, re.M)))
        self.assertEqual(len(COMMANDS), len(re.findall(r'^    \{"\w', TABLE, re.M)))
        self.assertGreater(len(OPTIONS), 30)

    def test_it_lists_what_a_command_takes(self):
        for command, _, letter in COMMANDS:
            text = self.fuse(command, "--help").stdout
            shown = re.findall(r"^  (--[\w-]+)", text, re.M)
            self.assertEqual(shown, [name for name, _, _, kinds in OPTIONS if takes(kinds, letter, later=False)], command)
            self.assertEqual(self.fuse("help", command).stdout, text)
            self.assertEqual(self.fuse(command, "x", "-h").stdout, text)

    def test_the_parser_takes_what_is_listed(self):
        """An option without its value is told from one that is not known."""
        for command, operand, letter in COMMANDS:
            if operand != "PROG":
                continue
            for name, _, kind, kinds in OPTIONS:
                done = self.fuse(command, name)
                if not takes(kinds, letter):
                    want = f"unknown option '{name}'"
                elif kind in (*FLAGS, "OPT_EXPLAIN", "OPT_STRICT"):
                    want = "the program is missing"
                else:
                    want = f"{name} needs a value"
                self.expect(done, 2, "", want)

    def test_it_fits_a_screen(self):
        general = self.fuse("--help").stdout
        self.assertLess(general.count("\n"), 24)
        for command, _, _ in COMMANDS:
            self.assertIn(f"\n  {command} ", general)
            text = self.fuse(command, "--help").stdout
            self.assertLess(text.count("\n"), 40)
            self.assertLessEqual(max(map(len, text.split("\n"))), 120)

    def test_the_manual_page(self):
        page = self.fuse("man").stdout
        plain = page.replace("\\-", "-")
        for name, _, _, kinds in OPTIONS:
            self.assertIn(f"\\fB{name}\\fR", plain)
        for command, _, _ in COMMANDS:
            self.assertIn(f"\\fB{command}\\fR", plain)
        for part in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES"):
            self.assertIn(f".SH {part}\n", page)

    def test_the_manual_page_is_sound(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        done = subprocess.run(["groff", "-man", "-Tutf8", "-P-c", "-ww"], input=self.fuse("man").stdout, text=True,
                              capture_output=True, check=False)
        self.expect(done, 0, None)
        self.assertIn("EXIT STATUS", re.sub(".\b", "", done.stdout))


if __name__ == "__main__":
    main()
