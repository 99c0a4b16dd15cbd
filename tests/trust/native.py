"""Builds tests/trust/kernels.c, which runs every kernel without Python, and runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "kernels.c"
KERNELS = HERE.parent.parent / "kqcodec" / "kernels"
HEADERS = KERNELS / "c"
# As kqcodec/kernels/CMakeLists.txt has it; the second lets unused functions stand.
FLAGS = (
    "-std=gnu99",
    "-ffp-contract=off",
    "-fsigned-char",
    "-Wall",
    "-Wextra",
    "-Wno-unused-function",
    f"-I{HEADERS}",
)
# Which of its lines what may change; see digest_cases.py. Not named: the quantizer's.
GROUPS = {
    "packed and dense": ("packed", "dense", "paint"),
    "context and tokens": (
        *("range-coder", "palette", "tree", "context-", "tokens", "numbers", "regions"),
        "frame-",
    ),
}


class BuildError(Exception):
    """It can't be built or run here."""


def compiler() -> str | None:
    """The machine's own, if there is one."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def build(target: Path, cc: str, *options: str, source: Path = SOURCE) -> Path:
    """A program from kernels.c.

    Raises:
        BuildError: with what the compiler said.
    """
    command = [cc, *FLAGS, *options, str(source), "-o", str(target), "-pthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(_first_error(done.stderr))
    return target


def run(
    program: Path, *arguments: str, under: Sequence[str] = (), **environment: str
) -> dict[str, str]:
    """What the program prints: digests by kernel.

    Raises:
        BuildError: it fails, or prints something else.
    """
    command = [*under, str(program), *arguments]
    variables = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if done.returncode:
        raise BuildError(_first_error(done.stderr) or f"exit code {done.returncode}")
    lines = dict(line.split() for line in done.stdout.splitlines())
    if not lines or not all(re.fullmatch("[0-9a-f]{16}", digest) for digest in lines.values()):
        raise BuildError(f"printed {done.stdout[:80]!r}")
    return lines


def _first_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.search("error|WARNING: |fatal|cannot", line)]
    return (errors or lines or [""])[0]


def group_of(kernel: str) -> str:
    """The group of a line."""
    for group, beginnings in GROUPS.items():
        if kernel.startswith(beginnings):
            return group
    return "quantizer"
