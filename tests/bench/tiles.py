"""What smaller tiles cost in bytes, and what threads gain by them.

    python tests/bench/tiles.py [PICTURE...] [-k 64] [--effort default] [--repeats 3]

Each picture (by default scikit-image's retina, and a sheet of four of its photographs)
is reduced to K colours once and coded in one tile and in tiles of several sizes: bytes
to those of one tile, and how many times as fast two threads encode and decode as one.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

import kqcodec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIDES = (256, 512, 1024, 2048)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("pictures", nargs="*", metavar="PICTURE")
    parser.add_argument("-k", type=int, default=64)
    parser.add_argument("--effort", default="default", choices=("fast", "default", "best"))
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    named = [(name, name) for name in arguments.pictures] or list(samples())
    print(f"{'picture':<24} {'tile':>6} {'tiles':>6} {'bytes':>10} {'to one':>7}", end="")
    print(f" {'encode x2':>10} {'decode x2':>10}")
    for name, picture in named:
        indexed = kqcodec.quantize(picture, arguments.k)
        whole = 0
        for side in (0, *(s for s in SIDES if s < max(indexed.width, indexed.height))):
            encode = encoder(indexed, arguments.effort, side)
            data = encode(1)
            whole = whole or len(data)
            if kqcodec.read(data) != indexed:
                sys.exit(f"{name}: what was decoded isn't what was encoded")
            tiles = kqcodec.open(data).header.grid.count
            gains = [gain(job, arguments.repeats) for job in (encode, decoder(data))]
            print(f"{name[-24:]:<24} {side or 'one':>6} {tiles:>6} {len(data):>10,}", end="")
            print(f" {len(data) / whole:>7.4f} {gains[0]:>10.2f} {gains[1]:>10.2f}")


def samples() -> Iterator[tuple[str, np.ndarray]]:
    from skimage import data

    yield "retina", data.retina()
    parts = [data.astronaut(), data.coffee()[:, :512], data.chelsea(), data.rocket()]
    height, width = (max(part.shape[axis] for part in parts) for axis in (0, 1))
    sheet = np.full((2 * height, 2 * width, 3), 255, dtype=np.uint8)
    for place, part in enumerate(parts):
        top, left = place // 2 * height, place % 2 * width
        sheet[top : top + part.shape[0], left : left + part.shape[1]] = part
    yield "sheet", sheet


def encoder(indexed: kqcodec.IndexedImage, effort: str, side: int) -> Callable[[int], bytes]:
    return lambda threads: kqcodec.encode(
        indexed, coder="context", effort=effort, tile=side, threads=threads
    )


def decoder(data: bytes) -> Callable[[int], object]:
    return lambda threads: kqcodec.decode(data, threads=threads)


def gain(job: Callable[[int], object], repeats: int) -> float:
    """The least time of one thread to that of two, taken in turn."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(repeats):
        for threads, found in seconds.items():
            start = time.perf_counter()
            job(threads)
            found.append(time.perf_counter() - start)
    return min(seconds[1]) / min(seconds[2])


if __name__ == "__main__":
    main()
