# SPDX-License-Identifier: Apache-2.0
"""docs/language.md tells of every builtin and its arguments, docs/cli.md of every command and option."""
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def coded(text):
    """The words in a page that stand in backticks, or in a fence."""
    return " ".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.S))


class LanguagePage(unittest.TestCase):
    def test_builtins(self):
        table = read("src/ir/builtin.def")
        rows = re.findall(r'^FTL_BUILTIN\(\w+, "(\w+)", \w+, \d+, -?\d+,\s*"([\w,]*)"', table, re.M)
        self.assertEqual(len(rows), len(re.findall(r"^FTL_BUILTIN\(", table, re.M)))
        self.assertGreater(len(rows), 40)
        section = coded(re.search(r"^## Builtins\n(.*?)^## ", read("docs/language.md"), re.M | re.S)[1])
        for name, keywords in rows:
            self.assertRegex(section, rf"\b{name}\b", "a builtin without a word in docs/language.md")
            for keyword in filter(None, keywords.split(",")):
                self.assertRegex(section, rf"\b{keyword}\b", f"an argument of {name}")
        for alias, _ in re.findall(r'^FTL_BUILTIN_ALIAS\("(\w+)", "(\w+)"\)', table, re.M):
            self.assertRegex(section, rf"\b{alias}\b")


class CommandLinePage(unittest.TestCase):
    def setUp(self):
        self.table = read("cli/table.c")
        self.page = coded(read("docs/cli.md"))

    def test_options(self):
        names = re.findall(r'^    \{"(--[\w-]+)"', self.table, re.M)
        self.assertGreater(len(names), 30)
        for name in names:
            self.assertRegex(self.page, rf"(?<![\w-]){name}(?![\w-])", "an option without a word in docs/cli.md")

    def test_values(self):
        """The words that an option takes."""
        found = re.findall(r'^    \{"(--[\w-]+)", "[^"]*", OPT_(?:WORD|STRICT|EXPLAIN), [^"]*"\w+",\s*"([\w ]+)"', self.table, re.M)
        self.assertGreater(len(found), 5)
        for name, values in found:
            for value in values.split():
                self.assertRegex(self.page, rf"\b{value}\b", name)

    def test_commands(self):
        names = re.findall(r'^    \{"(\w+)", "\w*", "', self.table, re.M)
        self.assertGreater(len(names), 7)
        for name in names:
            self.assertRegex(self.page, rf"\b{name}\b")

    def test_no_option_that_is_not_there(self):
        names = set(re.findall(r'"(--[\w-]+)"', self.table)) | {"--help", "--version"}
        for page in ("docs/cli.md", "README.md", "docs/files.md", "docs/language.md", "docs/errors.md"):
            for word in re.findall(r"`fuse [^`\n]*`|`--[^`\n]*`", read(page)):
                for name in re.findall(r"(?<![\w-])--[\w-]+", word):
                    self.assertIn(name, names, page)


if __name__ == "__main__":
    unittest.main()
