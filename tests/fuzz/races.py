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
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
KERNELS = HERE.parent.parent / "kqcodec" / "kernels"
WORK = HERE.parent.parent / "build" / "fuzz" / "races"

OK, FOUND, CANNOT = 0, 1, 2
TOP = 16320  # the highest coordinate
_CALLS_IN_A_ROUND = 0.15  # seconds with the same arrays
_ENDLESS = 300  # seconds of a round, on a machine that may be busy
_SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-shared-libasan")


class CannotRunError(Exception):
    """There is no compiler with the sanitizers; the text says what is missing."""


# --- the calls ----------------------------------------------------------------


class Arrays:
    """What a call is made with, drawn anew for each round.

    Attributes:
        n, k, wide: points or labels; colours or centres; bytes of a label.
    """

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.wide = int(self.random.integers(1, 3))
        self.n = int(self.random.choice((1, 63, 64, 300, 2000, 6000)))
        self.k = int(self.random.choice((2, 3, 16, 200, 256, 1000 if self.wide == 2 else 100)))

    def whole(self, dtype: str, *shape: int) -> Change:
        """Any numbers, all of them right."""
        return Change(lambda: _any(self.random, dtype, shape), _any(self.random, dtype, shape))

    def below(self, limit: int, dtype: str, *shape: int) -> Change:
        """Numbers below a limit, and wrong ones."""
        return self.between(0, limit - 1, dtype, *shape)

    def between(self, least: int, most: int, dtype: str, *shape: int) -> Change:
        """Numbers of a range, and wrong ones."""
        return Change(
            lambda: self.random.integers(least, most, shape, dtype=dtype, endpoint=True),
            _extreme(self.random, dtype, shape),
        )

    def points(self, count: int) -> Change:
        """Points or centres."""
        return self.between(0, TOP, "int16", count, 4)

    def weights(self) -> Change:
        """Of points."""
        return self.between(1, 50, "int64", self.n)

    def labels(self) -> Change:
        """Of points, by clusters."""
        return self.below(self.k, "uint16", self.n)

    def squares(self) -> Change:
        """Squared distances."""
        return self.between(0, 4 * TOP * TOP, "int32", self.n)

    def books(self) -> tuple[Change, Change]:
        """Sums and counts of clusters."""
        return (
            self.between(0, TOP * 50, "int64", self.k, 4),
            self.between(0, 50, "int64", self.k),
        )

    def pixels(self) -> Change:
        """Of smooth pictures or of noise."""
        spread = 256 if self.random.integers(2) else 3
        return Change(
            lambda: self.random.integers(0, spread, (self.n, 3), dtype=np.uint8),
            _any(self.random, "uint8", (self.n, 3)),
        )

    def tile(self) -> tuple[Change, int, int]:
        """A tile's labels, their bytes, and its width."""
        width = 7 if self.n % 7 == 0 else 20 if self.n % 20 == 0 else self.n
        dtype = f"uint{8 * self.wide}"
        return self.below(min(self.k, 1 << 8 * self.wide), dtype, self.n), self.wide, width

    def order(self) -> Change:
        """An order of entries."""
        return Change(
            lambda: self.random.permutation(self.k).astype(np.uint16),
            _extreme(self.random, "uint16", (self.k,)),
        )


@dataclass(frozen=True)
class Change:
    """An argument that is changed while it is read.

    Attributes:
        right: makes contents that a caller might give.
        wrong: contents that none would.
    """

    right: Callable[[], np.ndarray[Any, Any]]
    wrong: np.ndarray[Any, Any]


def _any(random: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(random.bytes(count), dtype).reshape(shape)


def _extreme(
    random: np.random.Generator, dtype: str, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Anything, and often the ends of what the dtype can hold."""
    info = np.iinfo(dtype)
    ends = random.choice(np.array([info.min, info.max, info.max // 2, 0], dtype), shape)
    return np.where(random.integers(0, 2, shape, dtype=bool), ends, _any(random, dtype, shape))


def _dense(a: Arrays) -> tuple[int, int, int]:
    """K, the labels of a block, its bits, by the largest block of 64 bits or less."""
    k = min(a.k, 1 << 8 * a.wide)
    block = max(1, int(60 / np.log2(k)))
    return k, block, (k**block - 1).bit_length()


def _dense_encode(a: Arrays) -> list[Any]:
    k, block, bits = _dense(a)
    count = max(1, a.n // block) * block
    labels = a.below(k, f"uint{8 * a.wide}", count)
    return [labels, a.wide, k, block, bits, 0, bytearray(-(-count // block * bits // 8))]


def _dense_decode(a: Arrays) -> list[Any]:
    k, block, bits = _dense(a)
    count = max(1, a.n // block) * block
    out = a.whole(f"uint{8 * a.wide}", count)
    return [a.whole("uint8", -(-count // block * bits // 8)), a.wide, k, block, bits, 0, out]


def _paint(a: Arrays) -> list[Any]:
    channels = int(a.random.integers(1, 6))
    labels = a.below(min(a.k, 1 << 8 * a.wide), f"uint{8 * a.wide}", a.n)
    out = bytearray(a.n * channels)
    palette = a.whole("uint8", a.k, channels)
    return [labels, a.wide, 1, a.n, palette, channels, out, 0, a.n * channels]


def _context_encode(a: Arrays) -> list[Any]:
    labels, itemsize, width = a.tile()
    setting = int(a.random.choice((0x5B, 0x6C, 0x9B, 0xAC, 0xDD, 0xFF)))
    return [
        *(labels, itemsize, width, a.order(), a.whole("uint8", a.k, 3)),
        *(setting, bytearray(2 * a.n * a.wide + 8)),
    ]


def _context_decode(a: Arrays) -> list[Any]:
    labels, itemsize, width = a.tile()
    setting = int(a.random.choice((0x5B, 0x6C, 0x9B, 0xAC, 0xDD, 0xFF)))
    payload = a.whole("uint8", max(1, a.n // 3))
    return [payload, itemsize, width, a.order(), a.whole("uint8", a.k, 3), setting, labels]


def _histogram(a: Arrays, count: int) -> list[Change]:
    keys = Change(
        lambda: np.sort(a.random.choice(1 << 24, count, replace=False)).astype(np.uint32),
        _any(a.random, "uint32", (count,)),
    )
    return [keys, a.between(1, 100, "int64", count)]


def _merge_and_split(a: Arrays) -> list[Any]:
    pairs = a.below(a.k, "uint16", 8, 2)
    return [
        *(a.points(a.n), a.weights(), a.labels(), a.squares(), a.points(a.k), *a.books()),
        *(pairs, a.points(2 * a.k), a.below(1, "uint8", 8), a.below(1, "uint8", a.k)),
        *(int(a.random.integers(0, 12)), 8, 4, 20, 8),
    ]


def _search_round(a: Arrays) -> list[Any]:
    some = a.below(3, "int32", a.k, a.k), a.below(3, "int32", a.k)
    return [
        *(a.points(a.n), a.weights(), a.labels(), a.points(a.k), *a.books()),
        *(*some, 3, 8, 0.1, min(8, a.k - 1), 4, 4, 20, 8),
    ]


def _nudge(a: Arrays) -> list[Any]:
    neighbors = a.below(a.k, "uint16", a.k, min(8, a.k))
    return [
        *(a.points(a.n), a.weights(), a.points(a.k), a.labels(), a.squares(), neighbors),
        *(a.between(0, 1, "uint8", a.k), int(a.random.choice((1, 16, 64)))),
    ]


def _settle_kinds(a: Arrays) -> list[Any]:
    return [
        *(a.points(a.n), a.weights(), a.points(a.k), a.labels(), a.squares()),
        *(a.n // 2, max(1, a.k // 2), a.k, 4, 8),
    ]


def _diffuse(a: Arrays) -> list[Any]:
    width = 20 if a.n % 20 == 0 else a.n
    return [
        *(a.points(a.n), a.between(0, 1, "uint8", a.n), width, a.points(a.k)),
        *(a.between(-(1 << 20), 1 << 20, "int32", width + 2, 4), a.labels(), 256, 0),
    ]


TABLE = 1 << 24
FAMILIES: dict[str, dict[str, Callable[[Arrays], list[Any]]]] = {
    "pixels": {
        "count_colors": lambda a: [a.pixels(), a.whole("uint32", a.n), a.whole("int64", a.n)],
        "merge_colors": lambda a: [
            *_histogram(a, a.n),
            *_histogram(a, a.k),
            *(a.whole("uint32", a.n + a.k), a.whole("int64", a.n + a.k)),
        ],
        "merge_cells": lambda a: [
            *(a.points(a.n), a.weights(), a.below(1 << 24, "uint32", a.n), 0xF0F0F0),
            *(a.points(a.n), a.weights(), a.whole("uint32", a.n)),
        ],
        "morton_order": lambda a: [a.below(1 << 24, "uint32", a.n), a.whole("uint32", a.n)],
        "fill_table": lambda a: [
            a.whole("uint32", a.n),
            a.whole("uint8", a.n),
            1,
            np.zeros(TABLE, np.uint8),
        ],
        "look_up": lambda a: [a.pixels(), np.zeros(TABLE, np.uint8), 1, a.whole("uint8", a.n)],
    },
    "labels": {
        "pack": lambda a: [a.below(8, "uint8", a.n), 1, 3, bytearray(-(-a.n * 3 // 8))],
        "unpack": lambda a: [a.whole("uint8", -(-a.n * 3 // 8)), 1, 3, a.whole("uint8", a.n)],
        "dense_encode": _dense_encode,
        "dense_decode": _dense_decode,
        "paint": _paint,
    },
    "context": {
        "tree_order": lambda a: [a.whole("uint8", a.k, 3), a.whole("uint16", a.k)],
        "context_encode": _context_encode,
        "context_decode": _context_decode,
    },
    "palette": {
        "encode_palette": lambda a: [
            *(a.whole("uint8", a.k, 3), a.k, int(a.random.integers(2))),
            bytearray(8 * a.k),
        ],
        "decode_palette": lambda a: [a.whole("uint8", 2 * a.k), a.k, a.whole("uint8", a.k, 4)],
        "code_bits": lambda a: [
            *(a.whole("uint8", a.n), a.between(1, 65535, "uint16", a.n)),
            bytearray(a.n),
        ],
        "decode_bits": lambda a: [
            a.whole("uint8", a.n),
            a.between(1, 65535, "uint16", a.n),
            a.whole("uint8", a.n),
        ],
    },
    "nearest": {
        "nearest": lambda a: [a.points(a.n), a.points(a.k), a.labels(), a.squares()],
        "nearest_two": lambda a: [
            *(a.points(a.n), a.points(a.k), a.labels(), a.squares(), a.labels(), a.squares()),
        ],
        "reassign": lambda a: [a.points(a.n), a.weights(), a.points(a.k), a.labels(), *a.books()],
        "lloyd": lambda a: [
            *(a.points(a.n), a.weights(), a.points(a.k), a.labels(), *a.books(), 20, 8),
            a.whole("int64", 6),
        ],
        "accumulate": lambda a: [a.points(a.n), a.weights(), a.labels(), *a.books()],
        "near": lambda a: [a.points(a.k), a.points(a.k), 2, a.whole("uint16", a.k, 2)],
    },
    "search": {
        "merge_and_split": _merge_and_split,
        "search_round": _search_round,
        "settle_kinds": _settle_kinds,
        "nudge": _nudge,
        "plus_plus": lambda a: [
            *(a.points(a.n), a.weights(), a.whole("uint64", a.k), a.whole("uint32", a.k)),
        ],
        "variance_cuts": lambda a: [a.points(a.n), a.weights(), a.points(a.k)],
        "split_gains": lambda a: [
            *(a.points(a.n), a.weights(), a.labels(), a.whole("float64", a.k)),
            a.points(2 * a.k),
        ],
    },
    "diffuse": {"diffuse": _diffuse},
}


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
        _round(getattr(module, name), name, calls[name](Arrays(number)), number, change, counts)
        number += 1
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps(vars(counts)))


def _round(
    kernel: Any, name: str, pattern: list[Any], number: int, change: Any, counts: Counts
) -> None:
    """Calls with the same arrays, some of which are changed."""
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

    thread = threading.Thread(target=changer)
    thread.start()
    try:
        end = time.monotonic() + _CALLS_IN_A_ROUND
        while (start := time.monotonic()) < end:
            counts.calls += 1
            try:
                kernel(*arguments)
            except ValueError:
                counts.refused += 1
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
    include = [f"-I{sysconfig.get_paths()['include']}", f"-I{KERNELS}"]
    shared = [clang, "-std=gnu99", "-g", "-fPIC", "-shared", "-ffp-contract=off"]
    source = str(KERNELS / "_kernels.c")
    plain = ["-D__builtin_cpu_supports(feature)=0"]
    wanted = {
        "_kernels.so": [*shared, "-O0" if quickly else "-O2", *_SANITIZERS, *include, source],
        "_kernels_plain.so": [*shared, "-O1", *plain, *_SANITIZERS, *include, source],
        "changer.so": [*shared, "-O2", str(HERE / "kernels" / "changer.c")],
    }
    if quickly:
        del wanted["_kernels_plain.so"]
    newest = max(path.stat().st_mtime for path in (*KERNELS.glob("*.[ch]"), HERE / "kernels"))
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
