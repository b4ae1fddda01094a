# SPDX-License-Identifier: Apache-2.0
"""tools/check_layers and tools/check_size must fail on what they are there to find."""
import contextlib
import io
import sys
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

TOOLS = Path(__file__).resolve().parents[2] / "tools"
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def load(name):
    """A script of tools/ as a module."""
    module = types.ModuleType(name)
    module.__file__ = str(TOOLS / name)
    module.__doc__ = name
    exec(compile((TOOLS / name).read_text(encoding="utf-8"), module.__file__, "exec"), module.__dict__)
    return module


MODULES = {name: load(name) for name in ("check_layers", "check_size")}


def run(tool, files, *args):
    """Exit status and output of a tool over a project made of files {path: text}."""
    with tempfile.TemporaryDirectory() as temp:
        for path, text in files.items():
            target = Path(temp) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        out = io.StringIO()
        argv = [tool, "--root", temp, *args]
        with mock.patch.object(sys, "argv", argv), contextlib.redirect_stdout(out):
            try:
                MODULES[tool].main()
            except SystemExit as e:
                return e.code, out.getvalue()
    raise AssertionError("the tool did not exit")


class Layers(unittest.TestCase):
    def check(self, files, want):
        """want: words of the one problem, or None where all is well."""
        base = {"include/fusetl.h": SPDX, "src/base/base.h": '#include "fusetl.h"\n'}
        code, out = run("check_layers", {**base, **files})
        if want is None:
            self.assertEqual((code, out.count("\n")), (0, 1), out)
        else:
            self.assertEqual(code, 1, out)
            self.assertIn(want, out)

    def test_listed_edges(self):
        self.check({"src/ir/ir.h": '#include "base/base.h"\n',
                    "src/check/a.c": '#include "ir/ir.h"\n#include <stdio.h>\n'}, None)

    def test_unlisted_edge(self):
        self.check({"src/check/check.h": "", "src/ir/a.c": '#include "check/check.h"\n'},
                   "src/ir/a.c:1: room ir may not include room check")

    def test_unlisted_edge_between_spaces(self):
        self.check({"src/run/run.h": "", "src/plan/a.c": '\n  #  include "run/run.h"\n'},
                   "src/plan/a.c:2: room plan may not include room run")

    def test_unlisted_room(self):
        self.check({"src/magic/a.c": ""}, "room magic is not in the table")

    def test_backend_sees_no_other_backend(self):
        self.check({"src/backend/native/n.h": "", "src/backend/xla/a.c": '#include "backend/native/n.h"\n'},
                   "room backend/xla may not include room backend/native")

    def test_backend_sees_its_table(self):
        self.check({"src/backend/backend.h": "", "src/backend/xla/a.c": '#include "backend/backend.h"\n'}, None)

    def test_path_beside(self):
        self.check({"src/ir/ir.h": "", "src/ir/a.c": '#include "ir.h"\n'}, "relative to src/")

    def test_missing_file(self):
        self.check({"src/ir/a.c": '#include "ir/gone.h"\n'}, "no such file")

    def test_public_header_inside(self):
        self.check({"src/ir/a.c": "#include <fusetl.h>\n"}, "ir may not include fusetl.h")

    def test_api_sees_every_room(self):
        self.check({"src/plan/p.h": "", "src/api/a.c": '#include "fusetl.h"\n#include "plan/p.h"\n'}, None)

    def test_users_see_the_public_header_only(self):
        for folder in ("cli", "tests/api", "examples/x"):
            self.check({f"{folder}/a.c": '#include "base/base.h"\n'}, "may include fusetl.h only")
            self.check({f"{folder}/a.c": '#include "../src/base/base.h"\n'}, "may include fusetl.h only")
            self.check({f"{folder}/a.c": '#include "fusetl.h"\n#include <stdio.h>\n'}, None)
        self.check({"cli/table.h": "", "cli/a.c": '#include "table.h"\n'}, None)

    def test_cycle(self):
        tool = MODULES["check_layers"]
        self.assertEqual(tool.find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}), ["b", "c", "b"])
        self.assertIsNone(tool.find_cycle({"a": {"b", "c"}, "b": {"c"}}))
        table = {k: set(v) for k, v in tool.ALLOWED.items() if v != ["*"]}
        self.assertIsNone(tool.find_cycle(table))


def function(lines, head="int f(int a)", mark=""):
    return f"{head}\n{{{mark}\n" + "    g();\n" * (lines - 3) + "}\n"


class Sizes(unittest.TestCase):
    def check(self, text, want, path="src/ir/a.c", verbose=False, head=SPDX):
        code, out = run("check_size", {path: head + text}, *(["-v"] if verbose else []))
        if want is None:
            self.assertEqual((code, out.count("\n")), (0, 1), out)
        else:
            self.assertEqual(code, 0 if verbose else 1, out)
            self.assertIn(want, out)

    def test_function_length(self):
        short = "".join(function(5) for _ in range(40))
        self.check(short + function(60), None)
        self.check(short + function(61), "src/ir/a.c:202: f has 61 lines")
        self.check(short + function(61, mark=" /* dispatch */"), None)
        self.check(short + function(61, head="/* dispatch */ int f(int a)"), None)
        self.check(short + function(61, head="int f(int a) /* not a dispatch */"), "f has 61 lines")

    def test_percentile(self):
        self.check("".join(function(5) for _ in range(90)) + "".join(function(46) for _ in range(10)),
                   "95th percentile of function length is 46")
        self.check("".join(function(5) for _ in range(90)) + "".join(function(45) for _ in range(10)), None)

    def test_median_is_told(self):
        self.check(function(14), "median function length is 14", verbose=True)

    def test_what_is_no_function(self):
        table = "static const int t[] = {\n" + "    1,\n" * 70 + "};\n"
        struct = "struct s {\n" + "    int (*f)(int a, int b, int c, int d, int e, int f);\n" * 70 + "};\n"
        self.check(table + struct + "/*\n" + "{ x\n" * 70 + "*/\n#define M { \\\n  ( \\\n  {\n" + function(5), None)

    def test_file_length(self):
        self.check("int a;\n" * 1198, None)
        self.check("int a;\n" * 1199, "src/ir/a.c:1: 1201 lines")
        self.check("int a;\n" * 600, "602 lines (aim at 500)", verbose=True)

    def test_columns(self):
        self.check("int " + "a" * 95 + ";\n", None)
        self.check("int " + "a" * 96 + ";\n", "src/ir/a.c:2: 101 columns")
        self.check("\tint a;\n", "a tab")

    def test_parameters(self):
        self.check("static int f(int a, int (*b)(int, int), int c, int d, int e)\n{\n}\n", None)
        self.check("static int f(int a, int b,\n  int c, int d, int e, int g)\n{\n}\n", "f has 6 parameters")
        self.check("void f(void)\n{\n}\n", None)

    def test_nesting(self):
        def nest(*heads):
            return "void f(void)\n{\n" + "".join(h + " {\n" for h in heads) + "g();\n" + "}\n" * len(heads) + "}\n"
        self.check(nest("if (a)", "for (;;)", "while (b)"), None)
        self.check(nest("if (a)", "for (;;)", "while (b)", "if (c)"), "f nests 4 deep", verbose=True)
        self.check(nest("if (a)", "for (;;)", "while (b)", "if (c)", "if (d)"), "f nests 5 deep")
        self.check(nest("if (a)", "EACH(x, list)", "while (b)", "for (;;)", "if (d)"), "f nests 5 deep")
        self.check("void f(void)\n{\nif (a) do { if (b) { do { if (c) g(); } while (d); } } while (e);\n}\n",
                   "f nests 5 deep")
        self.check("void f(void)\n{\nif (a) for (;;) while (b) if (c) if (d) g();\n}\n", "f nests 5 deep")
        self.check("void f(void)\n{\nif (a)\ng();\nelse if (b)\ng();\nelse if (c)\ng();\nelse if (d)\ng();\n"
                   "else if (e)\ng();\n}\n", None)
        self.check("void f(void)\n{\nswitch (a) {\ncase 1: {\nfor (;;) {\nif (b)\ng();\n}\n}\ndefault:\ng();\n}\n}\n", None)
        self.check("void f(void)\n{\nfor (;;)\nx = (struct s){.a = {1, {2, {3, {4}}}}};\n}\n", None)

    def test_branches_of_the_preprocessor(self):
        self.check("void f(void)\n{\n#if A\n    if (x) {\n#else\n    if (y) {\n#endif\n        g();\n    }\n}\n" + function(5), None)

    def test_words(self):
        self.check("/* TO" "DO: more */\n", "src/ir/a.c:2: a note for later")
        self.check("/* see /wo" "rk/x */\n", "a machine's path")
        self.check("see /ro" "ot/x\n", "docs/a.md:1: a machine's path", path="docs/a.md", head="")
        self.check("/* a path /workers and work/x */\n", None)

    def test_licence_line(self):
        self.check("int a;\n", "no SPDX-License-Identifier", head="")
        self.check("#!/bin/sh\n", "no SPDX-License-Identifier", path="tools/x", head="")
        self.check("text\n", None, path="docs/a.md", head="")

    def test_names(self):
        for path in ("src/ir/utils.c", "src/common/a.c", "tests/misc/a.c", "tools/helper.py"):
            self.check("", "says nothing", path=path, head="# " + SPDX)

    def test_public_functions(self):
        def header(n):
            return "".join(f"ftl_status ftl_f{i}(int a, void (*b)(int));\n" for i in range(n)) + \
                "typedef struct x {\n    int (*ftl_y)(int);\n} x;\ntypedef void (*ftl_fn)(int);\n"
        self.check(header(79), None, path="include/fusetl.h")
        self.check(header(80), "80 functions", path="include/fusetl.h")


if __name__ == "__main__":
    unittest.main()
