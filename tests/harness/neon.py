# SPDX-License-Identifier: Apache-2.0
"""The build for aarch64, whose vector kernels are those of NEON, under an emulator: unit tests, language
tests, the corpus. `tools/deps arm64` brings the compiler, the emulator, and the libraries in .deps/arm64.
"""
import shlex
import shutil
from dataclasses import replace

from . import corpus, lang, programs
from .tasks import SKIP, Result, Task, command, failed, one, skipped, tail

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
STARTS_FUSE = {"test_cut_file"}
REFUSED = {"-mbig-endian": "little-endian", "-mabi=ilp32": "64-bit"}
SLOW = 1800  # seconds for what takes a hundredth of it without emulation


def libraries(context):
    return context.root / ".deps/arm64"


def obstacle(context):
    """What is not there, or None."""
    absent = [p for p in (COMPILER, EMULATOR) if not shutil.which(p)]
    if absent:
        return f"{' and '.join(absent)}: not installed"
    complete = (libraries(context) / "complete").exists()
    return None if complete else "no libraries of aarch64 in .deps/arm64: run 'tools/deps arm64'"


def link_flags(context):
    """Programs name their loader and its libraries, as the emulator's -L would make of "/" another folder."""
    root = libraries(context)
    folders = ":".join(str(root / f / "aarch64-linux-gnu") for f in ("lib", "usr/lib"))
    return f"-Wl,--dynamic-linker={root / 'lib/ld-linux-aarch64.so.1'},--disable-new-dtags,-rpath,{folders}"


def make(context):
    """Builds everything; what went wrong, or None."""
    root = libraries(context)
    done = command(["env", f"PKG_CONFIG_SYSROOT_DIR={root}",
                    f"PKG_CONFIG_LIBDIR={root / 'usr/lib/aarch64-linux-gnu/pkgconfig'}",
                    "make", "-C", context.root, f"CC={COMPILER} --sysroot={root}", "WERROR=1",
                    f"LDFLAGS={link_flags(context)}", f"BUILD={context.build}", "test-programs"],
                   context.root, timeout=SLOW)
    return tail(done.stdout + done.stderr) if done.returncode else None


def write_command(context, emulator):
    """build/arm64/emulated/fuse runs build/arm64/fuse; the context in which it is the command."""
    folder = context.build / "emulated"
    folder.mkdir(exist_ok=True)
    script = folder / "fuse"
    script.write_text(f"#!/bin/sh\nexec {shlex.join([emulator, str(context.fuse)])} \"$@\"\n", encoding="utf-8")
    script.chmod(0o755)
    return replace(context, build=folder)


def leave(task):
    """A task whose tests that start `fuse` themselves are skipped."""
    def of(result):
        is_left = result.name.split(": ")[-1] in STARTS_FUSE
        return Result(result.name, SKIP, "starts a program of aarch64 without the emulator") if is_left else result
    return Task(task.name, lambda folder: [of(r) for r in task.body(folder)])


def uses_neon(context):
    def body(folder):
        done = command([context.fuse, "backends"], folder)
        return None if "cpu: neon" in done.stdout else tail(done.stdout + done.stderr)
    return one("neon is what the command uses", body)


def refuses(context, option, words):
    """Machines that the code is not made for are refused at its first header."""
    def body(folder):
        (folder / "any.c").write_text('#include "base/base.h"\n', encoding="utf-8")
        done = command([COMPILER, option, f"-I{context.root / 'src'}", f"-I{context.root / 'include'}",
                        "-fsyntax-only", "any.c"], folder)
        return None if done.returncode and words in done.stderr else f"not refused\n{tail(done.stderr)}"
    return one(f"neon refuses {option}", body)


def tasks(context):
    why = obstacle(context)
    if why:
        return [skipped("neon", why)]
    target = replace(context, build=context.build / "arm64", bless=False, label="neon ")
    why = make(target)
    if why:
        return [failed("neon build", why)]
    emulator = shutil.which(EMULATOR)
    emulated = write_command(target, emulator)
    return [uses_neon(emulated), *[refuses(context, *r) for r in REFUSED.items()],
            *[leave(t) for t in programs.unit_tasks(target, wrapper=[emulator], timeout=SLOW)],
            *lang.tasks(emulated), *corpus.tasks(emulated, ("native",))]
