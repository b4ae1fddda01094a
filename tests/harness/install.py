# SPDX-License-Identifier: Apache-2.0
"""What a user of the library gets: exported symbols, an installed tree that compiles, links and goes."""
import os
import re
import shutil

from .tasks import command, one, tail

EXAMPLE = "examples/c/fusetl_example.c"
SHOWN = "Y = f32[2]\n[0, 0]\nY = f32[2]\n[3, 7]\n"
FENCE = re.compile(r"^```c\n(.*?)^```$", re.S | re.M)
COMMANDS = re.compile(r"^```sh\nmake install PREFIX=\$HOME/(\S+)\n(.*?)^```$", re.S | re.M)


def declared(context):
    """Names of the functions that fusetl.h declares."""
    text = (context.root / "include/fusetl.h").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/|^\s*#[^\n]*|\{[^{}]*\}", "", text, flags=re.S | re.M)
    return set(re.findall(r"\b(ftl_\w+)\s*\((?!\s*\*)", text))


def check_exports(context, folder):
    done = command(["nm", "-D", "--defined-only", context.build / "libfusetl.so"], folder)
    have = {line.split()[-1] for line in done.stdout.splitlines()}
    want = declared(context)
    if done.returncode or not want:
        return f"no symbols to compare\n{tail(done.stderr)}"
    if have != want:
        return f"exported and not declared: {sorted(have - want)}; declared and not exported: {sorted(want - have)}"
    return None


def make(context, folder, target, prefix):
    settings = os.environ.get("MAKEFLAGS", "").partition(" -- ")[2].split()
    settings = [s for s in settings if not s.startswith(("BUILD=", "SAN=", "PREFIX=", "DESTDIR="))]
    return command(["make", "-C", context.root, *settings, f"BUILD={context.build}", f"PREFIX={prefix}", target], folder)


def files(prefix):
    return sorted(p.relative_to(prefix).as_posix() for p in prefix.rglob("*") if not p.is_dir())


def compile_with(context, folder, prefix, static):
    flags = command(["pkg-config", "--cflags", "--libs", *(["--static"] if static else []),
                     prefix / "lib/pkgconfig/fusetl.pc"], folder)
    libs = flags.stdout.split()
    if static:
        libs = [str(prefix / "lib/libfusetl.a") if w == "-lfusetl" else w for w in libs]
    name = "static" if static else "shared"
    done = command([os.environ.get("CC", "cc"), "-std=c17", "-Wall", "-Werror", "user.c", "-o", name, *libs,
                    f"-Wl,-rpath,{prefix / 'lib'}"], folder)
    return done if done.returncode else command([f"./{name}"], folder)


def check_install(context, folder):
    prefix = folder / "prefix"
    done = make(context, folder, "install", prefix)
    if done.returncode:
        return f"make install failed\n{tail(done.stdout + done.stderr)}"
    have = files(prefix)
    for name in ("bin/fuse", "include/fusetl.h", "lib/libfusetl.a", "lib/libfusetl.so", "lib/pkgconfig/fusetl.pc",
                 "share/man/man1/fuse.1", "share/bash-completion/completions/fuse"):
        if name not in have:
            return f"{name} is not installed; there are {have}"
    shutil.copy(context.root / EXAMPLE, folder / "user.c")
    for static in (False, True):
        done = compile_with(context, folder, prefix, static)
        if done.returncode or done.stdout != SHOWN:
            return f"a program for the library fails\n{tail(done.stdout + done.stderr)}"
    done = make(context, folder, "uninstall", prefix)
    left = files(prefix)
    return f"make uninstall leaves {left}\n{tail(done.stderr)}" if done.returncode or left else None


def check_readme(context, folder):
    """README shows the example as it stands, and commands that build and run it."""
    text = (context.root / "README.md").read_text(encoding="utf-8")
    if (context.root / EXAMPLE).read_text(encoding="utf-8") not in FENCE.findall(text):
        return f"README.md does not show {EXAMPLE} word for word"
    shown = COMMANDS.search(text)
    if not shown:
        return "README.md has no fence sh that starts with make install PREFIX=$HOME/..."
    done = make(context, folder, "install", folder / shown[1])
    if done.returncode:
        return f"make install failed\n{tail(done.stdout + done.stderr)}"
    shutil.copy(context.root / EXAMPLE, folder)
    done = command(["sh", "-ec", shown[2]], folder)
    if done.returncode or done.stdout != SHOWN:
        return f"the commands of README.md fail\n{tail(done.stdout + done.stderr)}"
    return None


def check_cplusplus(context, folder):
    (folder / "user.cc").write_text("#include <fusetl.h>\nint main() { return ftl_get_version() == nullptr; }\n",
                                    encoding="utf-8")
    done = command(["c++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{context.root / 'include'}",
                    "-fsyntax-only", "user.cc"], folder)
    return tail(done.stderr) if done.returncode else None


def tasks(context):
    return [one("install: exported symbols", lambda folder: check_exports(context, folder)),
            one("install: tree", lambda folder: check_install(context, folder)),
            one("install: the example of README.md", lambda folder: check_readme(context, folder)),
            one("install: the header in C++", lambda folder: check_cplusplus(context, folder))]
