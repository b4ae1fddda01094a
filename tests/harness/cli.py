# SPDX-License-Identifier: Apache-2.0
"""The command line as its users meet it: tests/cli/test_*.py, each run with the program that was built."""
from .programs import need, python_task


def tasks(context):
    return need(context, context.fuse, "cli") or [
        python_task(p, context.fuse) for p in sorted((context.root / "tests/cli").glob("test_*.py"))]
