"""Makes kqcodec/portable/kq.wasm and kq-scalar.wasm of kernels/c/wasm/wasm.c.

    python tests/portable/make_wasm.py [--check]

Without a C library, in two steps: clang as a driver would run wasm-opt, if it is installed,
without saying which instructions it may use. kq-scalar.wasm has no vector instructions, for
browsers before 2021 and 2023 (Safari); but for that they do the same.

Other versions of clang make other bytes. So these are made by one alone, and left as they are
where it isn't installed; in Debian 12 and Ubuntu 22.04 it is in the packages clang-14 and lld-14.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from making import KERNELS, CannotMakeError, main

VERSION = "14.0.6"
COMPILE = [
    *("--target=wasm32", "-std=c99", "-ffreestanding", "-DNDEBUG", "-mbulk-memory"),
    *("-O2", "-fno-vectorize"),  # loops that are vectors by themselves are large, and gain little
    *("-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Iwasm/include", "-I."),
    *("-c", "wasm/wasm.c"),
]
LINK = ["--no-entry", "--strip-all", "--stack-first", "-z", "stack-size=131072"]
MODULES = {"kq.wasm": ["-msimd128"], "kq-scalar.wasm": []}


def tool(name: str) -> str:
    """The command of that name, of the right version; raises CannotMakeError where there is
    none."""
    for command in (f"{name}-{VERSION.partition('.')[0]}", name):
        path = shutil.which(command)
        if path and VERSION in subprocess.check_output([path, "--version"], text=True):
            return path
    raise CannotMakeError(f"there is no {name} {VERSION}")


def make() -> dict[str, bytes]:
    """Both modules."""
    clang, linker = tool("clang"), tool("wasm-ld")
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        linked, compiled = Path(folder, "kq.wasm"), Path(folder, "kq.o")
        for name, flags in MODULES.items():
            subprocess.run([clang, *COMPILE, *flags, "-o", compiled], cwd=KERNELS, check=True)
            subprocess.run([linker, *LINK, compiled, "-o", linked], check=True)
            made[name] = linked.read_bytes()
    return made


if __name__ == "__main__":
    main(make, __doc__)
