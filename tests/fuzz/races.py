#!/usr/bin/env python3
"""Runs the compiled kernels while somebody else writes to their arrays: see
`tests/fuzz/races.py --help`.

A caller's array may be mapped from a file that another process writes, or filled by another
thread. Whatever stands in it from one moment to the next, results may be wrong and calls
may be refused, but nothing outside of the arrays is read or written, nothing is undefined,
and every call returns. The races themselves are meant: the thread sanitizer would name
nothing else.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from race_calls import FAMILIES, Arrays, Change

HERE = Path(__file__).resolve().parent
HEADERS = HERE.parent.parent / "kqcodec" / "kernels" / "c"
WORK = HERE.parent.parent / "build" / "fuzz" / "races"

OK, FOUND, CANNOT = 0, 1, 2
_CALLS_IN_A_ROUND = 0.15  # seconds with the same arrays
_ENDLESS = 300  # seconds of a round, on a machine that may be busy
_SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-shared-libasan")


class CannotRunError(Exception):
    """There is no compiler with the sanitizers; the text says what is missing."""


# --- inside the process that has the sanitizers -------------------------------


class _Target(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("at", "one", "other", "wrong")),
        *((name, ctypes.c_size_t) for name in ("items", "size")),
    )


@dataclass
class Counts:
    """What was done.

    Attributes:
        calls, refused: of a kernel, and of these those that raised ValueError.
        changes: writes to arrays meanwhile.
        slowest: seconds of a call.
    """

    calls: int = 0
    refused: int = 0
    changes: int = 0
    slowest: float = 0.0
    kernels: dict[str, int] = field(default_factory=dict)


def _inside(families: list[str], seconds: float, programs: list[str]) -> None:
    """Call the kernels of families in turn, each once at least, and print what was done, as
    JSON."""
    modules = [_loaded(path) for path in programs[:-1]]
    change = ctypes.CDLL(programs[-1]).change
    change.restype = ctypes.c_uint64
    counts = Counts()
    end, number = time.monotonic() + seconds, 0
    calls = {name: call for family in families for name, call in FAMILIES[family].items()}
    while time.monotonic() < end or number < len(calls):
        name = list(calls)[number % len(calls)]
        module = modules[number // len(calls) % len(modules)]
        faulthandler.dump_traceback_later(_ENDLESS, exit=True)
        _round(module, name, calls[name](Arrays(number)), number, change, counts)
        number += 1
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps(vars(counts)))


def _round(
    module: Any, name: str, pattern: list[Any], number: int, change: Any, counts: Counts
) -> None:
    """Calls with the same arrays, some of which are changed; a chain, which may come to an end,
    is opened anew then."""
    random = np.random.default_rng(number)
    places = [place for place, what in enumerate(pattern) if isinstance(what, Change)]
    arguments = [what.right().copy() if isinstance(what, Change) else what for what in pattern]
    some = random.choice(places, int(random.integers(1, 1 + min(3, len(places)))), replace=False)
    kept, targets = [], (_Target * len(some))()
    for target, place in zip(targets, some, strict=True):
        contents = [pattern[place].right().copy() for _ in range(2)]
        contents.append(pattern[place].wrong.copy())
        kept.append(contents)
        array = arguments[place]
        target.at = array.ctypes.data
        target.one, target.other, target.wrong = (one.ctypes.data for one in contents)
        target.items, target.size = array.size, array.itemsize
    stop = ctypes.c_int(0)

    def changer() -> None:
        counts.changes += change(
            targets, ctypes.c_size_t(len(targets)), ctypes.c_uint32(number), ctypes.byref(stop)
        )

    def opened() -> list[Any]:
        return [what(module) if callable(what) else what for what in arguments]

    kernel, now = getattr(module, name), opened()
    thread = threading.Thread(target=changer)
    thread.start()
    try:
        end = time.monotonic() + _CALLS_IN_A_ROUND
        while (start := time.monotonic()) < end:
            counts.calls += 1
            try:
                kernel(*now)
            except ValueError:
                counts.refused += 1
            except RuntimeError:
                now = opened()
            counts.slowest = max(counts.slowest, time.monotonic() - start)
            counts.kernels[name] = counts.kernels.get(name, 0) + 1
    finally:
        stop.value = 1
        thread.join()


def _loaded(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("_kernels", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- outside ------------------------------------------------------------------


def built(folder: Path, quickly: bool = False) -> tuple[list[Path], Path]:
    """The kernels as two extension modules with sanitizers, with AVX2 and in plain C, and
    the library that changes arrays; and the sanitizers' own library. ``quickly`` without
    optimization, and without the kernels in plain C.

    Raises:
        CannotRunError: there is no clang, or it lacks the sanitizers.
    """
    clang = shutil.which("clang")
    if clang is None:
        raise CannotRunError("no clang; on Debian: apt-get install clang")
    name = f"libclang_rt.asan-{platform.machine()}.so"
    found = subprocess.run(
        [clang, f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    runtime = Path(found.stdout.strip())
    if not runtime.is_absolute():
        raise CannotRunError(f"clang has no {name}; on Debian: apt-get install libclang-rt-dev")
    folder.mkdir(parents=True, exist_ok=True)
    include = [f"-I{sysconfig.get_paths()['include']}", f"-I{HEADERS}"]
    shared = [clang, "-std=gnu99", "-g", "-fPIC", "-shared", "-ffp-contract=off"]
    source = str(HEADERS / "boundary" / "kernels.c")
    plain = ["-D__builtin_cpu_supports(feature)=0"]
    wanted = {
        "_kernels.so": [*shared, "-O0" if quickly else "-O2", *_SANITIZERS, *include, source],
        "_kernels_plain.so": [*shared, "-O1", *plain, *_SANITIZERS, *include, source],
        "changer.so": [*shared, "-O2", str(HERE / "kernels" / "changer.c")],
    }
    if quickly:
        del wanted["_kernels_plain.so"]
    newest = max(path.stat().st_mtime for path in (*HEADERS.glob("**/*.[ch]"), HERE / "kernels"))
    for program, command in wanted.items():
        path = folder / program
        if path.exists() and path.stat().st_mtime > newest:
            continue
        done = subprocess.run(
            [*command, "-o", str(path)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CannotRunError(f"clang can't build it:\n{done.stderr.strip()[:2000]}")
    return [folder / program for program in wanted], runtime


def run(
    families: list[str], seconds: float, programs: list[Path], runtime: Path
) -> tuple[Counts, str]:
    """What was done, and what the sanitizers found, "" for nothing."""
    environment = os.environ | {
        "LD_PRELOAD": str(runtime),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",  # so that small buffers, too, have ends that are watched
        "OPENBLAS_NUM_THREADS": "1",
    }
    inside = ["--inside", *map(str, programs)]
    command = [sys.executable, __file__, "--seconds", str(seconds)]
    command += [part for family in families for part in ("--family", family)] + inside
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        return Counts(), done.stderr.strip()[:4000] or f"exit code {done.returncode}"
    return Counts(**json.loads(done.stdout)), ""


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="tests/fuzz/races.py",
        description="Calls the compiled kernels while another thread writes to their arrays, "
        "right numbers and wrong ones, under the address and undefined-behaviour sanitizers. "
        "Needs clang with both.",
        epilog="Exit code: 0 nothing found, 1 something found, 2 it can't be run here.",
    )
    parser.add_argument("--seconds", type=float, default=60, help="for each family (60)")
    parser.add_argument(
        "--family", action="append", choices=FAMILIES, help="one of them (again for more; all)"
    )
    parser.add_argument("--folder", type=Path, default=WORK, help="for what is built")
    parser.add_argument("--inside", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    families = options.family or list(FAMILIES)
    if options.inside:
        _inside(families, options.seconds, options.inside)
        return OK
    try:
        programs, runtime = built(options.folder)
    except CannotRunError as exc:
        print(f"not run: {exc}")
        return CANNOT
    code = OK
    for family in families:
        counts, failure = run([family], options.seconds, programs, runtime)
        if failure:
            code = FOUND
            print(f"{family} FAILED\n{failure}", flush=True)
            continue
        print(
            f"{family:8} {counts.calls:>11,} calls, {counts.refused:>11,} refused, "
            f"{counts.changes:>14,} changes, slowest {counts.slowest:.3f} s, 0 findings",
            flush=True,
        )
    return code


if __name__ == "__main__":
    sys.exit(main())
