"""Threads that do everything at once, each beginning at another job; they must agree.

    python tests/trust/crowd.py THREADS

tests/trust/races.py runs it under ThreadSanitizer, tests/storage/test_threads.py without.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from trust.digest_cases import indexed_of
from trust.pictures import badge, shapes, waves

import kqcodec
from kqcodec.errors import FormatError
from kqcodec.kernels import chosen

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 64 if chosen() == "compiled" else 24


def coded(coder: str, k: int) -> tuple[bytes, ...]:
    """A file of several tiles, and what is read of it in every way."""
    indexed = indexed_of("areas", k, 3, SIDE, SIDE)
    data = kqcodec.encode(indexed, coder=coder, tile=16, effort="fast", threads=2)
    pixels = kqcodec.decode(data, threads=2)
    region = kqcodec.open(data).region((3, 5, 12, 11)).to_rgb()
    if not np.array_equal(pixels[5:11, 3:12], region):
        raise AssertionError("a region differs from its picture")
    return data, pixels.tobytes(), region.tobytes()


def damaged() -> str:
    """What is said of a damaged file."""
    indexed = indexed_of("areas", 9, 3, SIDE, SIDE)
    data = bytearray(kqcodec.encode(indexed, coder="dense", tile=16))
    data[-60] ^= 4
    try:
        kqcodec.decode(bytes(data), threads=2)
    except FormatError as error:
        return str(error)
    raise AssertionError("a damaged file is decoded")


def segmented() -> list[Any]:
    """The table of segments."""
    found = kqcodec.segment(shapes(SIDE, SIDE), 4, effort="fast", threads=2)
    return [found.labels.tolist(), found.segments]


JOBS: dict[str, Callable[[], Any]] = {
    "quantize": lambda: kqcodec.quantize(waves(SIDE, SIDE), 16, effort="fast", threads=2),
    "default": lambda: kqcodec.encode(shapes(SIDE, SIDE), 9),
    "alpha": lambda: kqcodec.encode(badge(SIDE, SIDE), 12, effort="fast", threads=3),
    "oklab": lambda: kqcodec.quantize(waves(SIDE, SIDE), 7, space="oklab", effort="fast"),
    "dither": lambda: kqcodec.quantize(
        waves(SIDE, SIDE), 8, effort="fast", dither=0.8, dither_kind="blue-noise"
    ),
    "diffuse": lambda: kqcodec.quantize(waves(SIDE, SIDE), 8, effort="fast", dither=0.8),
    "context": lambda: coded("context", 40),
    "dense": lambda: coded("dense", 300),
    "packed": lambda: coded("packed", 3),
    "damaged": damaged,
    "segment": segmented,
    "shared": lambda: kqcodec.shared_palette([waves(20, 20), shapes(20, 20)], 8).tolist(),
}


def results(first: int = 0) -> dict[str, Any]:
    """Of all jobs, begun at one of them."""
    names = list(JOBS)
    return {name: JOBS[name]() for name in names[first:] + names[:first]}


def crowd(threads: int) -> list[dict[str, Any]]:
    """The results of threads that begin together and take turns often."""
    together = threading.Barrier(threads)

    def run(number: int) -> dict[str, Any]:
        together.wait()
        return results(number * len(JOBS) // threads)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(run, range(threads)))
    finally:
        sys.setswitchinterval(interval)


if __name__ == "__main__":
    alone = results()
    if any(found != alone for found in crowd(int(sys.argv[1]))):
        raise SystemExit("threads differ")
