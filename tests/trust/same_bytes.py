"""The same bytes everywhere? Checks the digests of digests.json as far as this machine
carries: kernels, threads, hash seeds, versions, compilers, word sizes, processors.

    python tests/trust/same_bytes.py [--only PART] [--whole-reference]

PART is one of

- `kernels`: tests/trust/kernels.c, which needs no Python, by gcc and clang from -O0 to
  -O3, for 32 bits, with sanitizers, without AVX2, and for other processors under
  qemu-user. On Debian these come with `apt-get install clang gcc-12-multilib qemu-user` and
  `gcc-12-ARCH libc6-dev-ARCH-cross` of each architecture.
- `python`: tests/trust/digests.py on both kernels, 1 to 8 threads and several hash seeds.
  The reference kernels leave out what takes them long, unless --whole-reference is given.
- `versions`: the same in fresh environments, one with the oldest version of everything
  that pyproject.toml allows, one with the newest (pip gets them).

It prints a line for each, and what was left out for want of a compiler. The exit code is 1
if anything differs.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from trust import digests, native
from trust.pictures import real_pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("kernels", "python", "versions")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-O1")
# Debian's name of the compiler's target, qemu's of the processor, and what it is.
TARGETS = (
    ("s390x-linux-gnu", "s390x", "64 bits, big-endian"),
    ("powerpc-linux-gnu", "ppc", "32 bits, big-endian"),
    ("aarch64-linux-gnu", "aarch64", "64 bits"),
    ("arm-linux-gnueabihf", "arm", "32 bits"),
    ("riscv64-linux-gnu", "riscv64", "64 bits"),
)
WITHOUT_AVX2 = "Nehalem"  # a processor of qemu's


class Row(NamedTuple):
    """A line of the table, before its result is known: ``check`` gives what differs and
    how many digests there were, or raises LeftOutError."""

    what: str
    check: Callable[[], tuple[list[str], int]]


class LeftOutError(Exception):
    """Something is missing here."""


# --- kernels.c ------------------------------------------------------------------------


def _program(cc: str, options: Sequence[str], folder: Path) -> Path:
    """Built by that compiler; raises LeftOutError where it isn't there, or can't."""
    found = shutil.which(cc)
    if found is None:
        raise LeftOutError(f"no {cc}")
    try:
        return native.build(folder / "kernels", found, *options)
    except native.BuildError as error:
        missing = re.search(r"cannot find|No such file|libasan|libubsan|stubs-32", str(error))
        if missing is None:
            raise
        raise LeftOutError(f"{cc} lacks parts: {error}") from None


def _kernels(
    cc: str, options: Sequence[str], arguments: Sequence[str] = (), under: Sequence[str] = ()
) -> tuple[list[str], int]:
    if under and shutil.which(under[0]) is None:
        raise LeftOutError(f"no {under[0]}")
    with tempfile.TemporaryDirectory() as folder:
        lines = native.run(_program(cc, options, Path(folder)), *arguments, under=under)
    found = digests.of_kernels(lines)
    return digests.differing(found, digests.load()), len(lines)


def _cross(target: str, qemu: str) -> tuple[list[str], int]:
    """Statically, so that qemu needs no libraries of the other machine."""
    names = [f"{target}-gcc", *(f"{target}-gcc-{v}" for v in range(20, 8, -1))]
    cc = next((name for name in names if shutil.which(name)), None)
    if cc is None:
        raise LeftOutError(f"no {target}-gcc")
    emulators = [name for name in (f"qemu-{qemu}", f"qemu-{qemu}-static") if shutil.which(name)]
    if not emulators:
        raise LeftOutError(f"no qemu-{qemu}")
    return _kernels(cc, ("-O2", "-static"), under=(emulators[0],))


def kernel_rows() -> Iterator[Row]:
    """Compilers and processors."""
    x86 = platform.machine() in ("x86_64", "i686")
    for cc in ("gcc", "clang"):
        levels = [(f"-O{level}",) for level in range(4)]
        for options in [*levels, ("-O3", "-march=native"), SANITIZERS]:
            yield Row(f"{cc} {' '.join(options)}", lambda a=(cc, options): _kernels(*a))
        yield Row(f"{cc} -O2, 8 threads at once", lambda cc=cc: _kernels(cc, ("-O2",), ("8",)))
        for options in [("-m32", "-O0"), ("-m32", "-O2"), ("-m32", "-O3", "-march=native")]:
            if x86:
                yield Row(f"{cc} {' '.join(options)}", lambda a=(cc, options): _kernels(*a))
    if platform.machine() == "x86_64":
        old = ("qemu-x86_64", "-cpu", WITHOUT_AVX2)
        yield Row("gcc -O2, no AVX2", lambda: _kernels("gcc", ("-O2",), under=old))
    for target, qemu, kind in TARGETS:
        yield Row(f"{qemu}, {kind}: gcc -O2", lambda a=(target, qemu): _cross(*a))


# --- the package -------------------------------------------------------------------------


def _digests(
    python: Path | str, arguments: Sequence[str], environment: dict[str, str]
) -> tuple[list[str], int]:
    command = [str(python), digests.__file__, *arguments]
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=elsewhere,
            env={**os.environ, **environment},
        )
    last = re.search(r"(\d+) of (\d+) digests as kept", done.stdout)
    if last is None:
        raise native.BuildError((done.stderr.strip().splitlines() or ["no answer"])[-1])
    return done.stdout.splitlines()[:-1], int(last[2])


def python_rows(pictures: Path, whole_reference: bool) -> Iterator[Row]:
    """Kernels, threads and hash seeds."""

    def row(kernels: str, threads: int, seed: str, *more: str) -> Row:
        arguments = ("--threads", str(threads), "--pictures", str(pictures), *more)
        environment = {"KQCODEC_KERNELS": kernels, "PYTHONHASHSEED": seed}
        some = "thread" if threads == 1 else "threads"
        return Row(
            f"{kernels} kernels, {threads} {some}, PYTHONHASHSEED={seed}",
            lambda: _digests(sys.executable, arguments, environment),
        )

    for threads in range(1, 9):
        yield row("compiled", threads, ("0", "1", "random")[threads % 3])
    quick = () if whole_reference else ("--quick",)
    yield row("reference", 2, "7", *quick)


def oldest_requirements() -> list[str]:
    """The dependencies in pyproject.toml, each in the least version that it allows."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    return [f"{name}=={least}" for name, least in re.findall(r'"([a-z]+)>=([\d.]+)"', block[1])]


def _fresh(folder: Path, wheel: Path, requirements: Sequence[str]) -> Path:
    """The Python of a new environment with that wheel."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    done = subprocess.run(
        [*install, *requirements, str(wheel)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LeftOutError(f"pip: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return python


def _version_of(python: Path, package: str) -> str:
    program = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run(
        [str(python), "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def version_rows(pictures: Path, folder: Path) -> Iterator[Row]:
    """Fresh environments."""
    built = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    if subprocess.run(built, check=False).returncode:
        raise SystemExit("the package can't be built")
    wheel = next(folder.glob("*.whl"))
    for name, requirements in (("oldest", oldest_requirements()), ("newest", [])):
        try:
            python = _fresh(folder / name, wheel, requirements)
        except LeftOutError as error:
            yield Row(f"the {name} versions", _leave_out(error))
            continue
        what = ", ".join(f"{p} {_version_of(python, p)}" for p in ("numpy", "pillow", "bitarray"))
        for kernels, more in (("compiled", ()), ("reference", ("--quick",))):
            arguments = ("--pictures", str(pictures), *more)
            environment = {"KQCODEC_KERNELS": kernels}
            yield Row(
                f"{what}: {kernels}",
                lambda a=(python, arguments, environment): _digests(*a),
            )


def _leave_out(error: LeftOutError) -> Callable[[], tuple[list[str], int]]:
    def check() -> tuple[list[str], int]:
        raise error

    return check


# --- all of it ---------------------------------------------------------------------------


def rows(parts: Sequence[str], whole_reference: bool, folder: Path) -> Iterator[Row]:
    """Those of some parts."""
    pictures = folder / "pictures.npz"
    np.savez(pictures, **real_pictures())
    if "kernels" in parts:
        yield from kernel_rows()
    if "python" in parts:
        yield from python_rows(pictures, whole_reference)
    if "versions" in parts:
        yield from version_rows(pictures, folder)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--whole-reference", action="store_true")
    given = parser.parse_args()
    parts = (given.only,) if given.only else PARTS
    same = different = left_out = 0
    with tempfile.TemporaryDirectory() as folder:
        for what, check in rows(parts, given.whole_reference, Path(folder)):
            start = time.perf_counter()
            print(f"{what:<58}", end="", flush=True)
            try:
                wrong, count = check()
            except LeftOutError as error:
                left_out += 1
                print(f"left out: {error}")
                continue
            except native.BuildError as error:
                different += 1
                print(f"failed: {error}")
                continue
            same += not wrong
            different += bool(wrong)
            result = f"{count} as kept" if not wrong else f"{len(wrong)} of {count} DIFFER"
            print(f"{result:<18}{time.perf_counter() - start:7.1f} s")
            for name in wrong:
                print(f"    {name}")
    print(f"{same} the same, {different} different, {left_out} left out")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
