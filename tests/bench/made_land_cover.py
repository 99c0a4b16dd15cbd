"""A land-cover map of ESA WorldCover's kind: an ocean with islands, 36,000 pixels a side.

    python tests/bench/made_land_cover.py [--side 36000] [--seed 1] [--tile 1024]

draws the map, which is mostly one class, codes it by `kqcodec.encode_labels` and as a tiled
GeoTIFF would be (TIFF, tiles of 1,024, zstd 19, as tifffile writes it), reads both back and
compares. Needs the extra ``bench`` and disk space for three times the map (1.3 GB), which
stands in files and not in memory. The same seed draws the same map everywhere: heights and
moisture are value noise, integers from a hash of their place (K. Perlin, "An image
synthesizer", SIGGRAPH 1985, with fewer means), and so each block is drawn by itself.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

import kqcodec

if TYPE_CHECKING:
    from collections.abc import Iterator

Integers = np.ndarray[Any, np.dtype[np.int64]]

SIDE = 36_000
BLOCK = 1_000
OCEAN = 0  # where WorldCover has no data; its other codes:
TREES, SHRUBS, GRASS, CROPS, BUILT, BARE, WATER, MANGROVES = 10, 20, 30, 40, 50, 60, 80, 95
# Centre (y, x) and radius of each island, in pixels of a map of the whole side.
ISLANDS = ((27_500, 7_200, 2_300), (15_900, 16_700, 750), (30_900, 6_600, 180))
ROUGH = 1 << 16  # noise is below


def hashed(y: Integers, x: Integers, seed: int) -> Integers:
    """16 bits that look random, of each place of a lattice."""
    mixed = (y.astype(np.uint64) << np.uint64(32)) ^ x.astype(np.uint64)
    mixed ^= np.uint64(seed * 0x9E3779B97F4A7C15 % (1 << 64))
    for multiplier in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):  # as in SplitMix64
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(multiplier)
    return (mixed >> np.uint64(48)).astype(np.int64)


def smooth(y: Integers, x: Integers, shift: int, seed: int) -> Integers:
    """Hashes at each 2 ** shift pixels, and linear between; ``y`` a column, ``x`` a row."""
    step = 1 << shift
    row, column = (y >> shift).ravel(), (x >> shift).ravel()
    rows = np.arange(row[0], row[-1] + 2)[:, None]
    lattice = hashed(rows, np.arange(column[0], column[-1] + 2)[None], seed)
    right, down = x & (step - 1), y & (step - 1)
    column, row = column - column[0], row - row[0]
    across = lattice[:, column] * (step - right) + lattice[:, column + 1] * right
    return (across[row] * (step - down) + across[row + 1] * down) >> (2 * shift)


def noise(y: Integers, x: Integers, shifts: range, seed: int) -> Integers:
    """Octaves, each finer one of half the weight; below `ROUGH`."""
    total = sum(smooth(y, x, shift, seed + shift) >> (shifts[0] - shift) for shift in shifts)
    return total >> 1


def block(y: Integers, x: Integers, side: int, seed: int) -> np.ndarray[Any, Any]:
    """The classes at these places."""
    height = np.full((y.size, x.size), -ROUGH, np.int64)
    for centre_y, centre_x, radius in ISLANDS:
        top, left, reach = (value * side // SIDE for value in (centre_y, centre_x, radius))
        distance = (y - top) ** 2 + (x - left) ** 2
        height = np.maximum(height, ROUGH - distance * ROUGH // max(1, reach * reach))
    if height.max() <= -ROUGH // 2:
        return np.full(height.shape, OCEAN, np.uint8)
    height += noise(y, x, range(10, 0, -1), seed) - ROUGH // 2
    moisture = noise(y, x, range(8, 0, -1), seed + 100)
    people = noise(y, x, range(7, 0, -1), seed + 200)
    classes = np.full(height.shape, TREES, np.uint8)
    classes[moisture < ROUGH * 44 // 100] = SHRUBS
    classes[moisture < ROUGH * 42 // 100] = GRASS
    classes[(people > ROUGH * 56 // 100) & (height < ROUGH * 3 // 4)] = CROPS
    classes[(people > ROUGH * 62 // 100) & (height < ROUGH // 2)] = BUILT
    classes[height > ROUGH * 5 // 4] = BARE
    classes[(height < ROUGH // 16) & (moisture > ROUGH * 58 // 100)] = MANGROVES
    classes[height < 0] = WATER
    classes[height < -ROUGH // 2] = OCEAN
    return classes


def draw(labels: np.ndarray[Any, Any], seed: int) -> None:
    """Block by block."""
    side = labels.shape[0]
    for top, left in corners(side):
        y = np.arange(top, min(top + BLOCK, side), dtype=np.int64)[:, None]
        x = np.arange(left, min(left + BLOCK, side), dtype=np.int64)[None]
        labels[top : top + BLOCK, left : left + BLOCK] = block(y, x, side, seed)


def corners(side: int) -> Iterator[tuple[int, int]]:
    for top in range(0, side, BLOCK):
        for left in range(0, side, BLOCK):
            yield top, left


def compare(found: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], name: str) -> None:
    for top in range(0, labels.shape[0], BLOCK):
        rows = slice(top, top + BLOCK)
        if not np.array_equal(found[rows], labels[rows]):
            raise SystemExit(f"{name}: what was decoded isn't what was encoded")


def measure(side: int, seed: int, tile: int, folder: Path) -> dict[str, int]:
    """Draws, codes, compares, prints; the sizes by codec."""

    def mapped(name: str) -> np.ndarray[Any, Any]:
        return np.memmap(folder / name, np.uint8, "w+", shape=(side, side))

    labels, found = mapped("labels"), mapped("found")
    draw(labels, seed)
    sizes = {}
    shares = {int(kind): int(count) for kind, count in zip(*counted(labels), strict=True)}
    print(f"{side:,} x {side:,}:", end=" ")
    print(", ".join(f"{kind}: {count / labels.size:.3%}" for kind, count in shares.items()))

    start = time.process_time()
    data = kqcodec.encode_labels(labels, tile=tile, threads=1)
    middle = time.process_time()
    kqcodec.decode_labels(data, out=found, threads=1, max_pixels=side * side)
    end = time.process_time()
    compare(found, labels, "kq")
    sizes["kq"] = len(data)
    print(f"kq        {len(data):>10,} bytes, {middle - start:.1f} s to encode, ", end="")
    print(f"{end - middle:.1f} s to decode")

    path = folder / "labels.tif"
    zstd = {"compression": "zstd", "compressionargs": {"level": 19}}
    start = time.process_time()
    tifffile.imwrite(path, labels, tile=(1024, 1024), bigtiff=True, maxworkers=1, **zstd)
    middle = time.process_time()
    tifffile.imread(path, out=found, maxworkers=1)
    end = time.process_time()
    compare(found, labels, "TIFF")
    sizes["tiff-zstd"] = path.stat().st_size
    print(f"tiff-zstd {sizes['tiff-zstd']:>10,} bytes, {middle - start:.1f} s to encode, ", end="")
    print(f"{end - middle:.1f} s to decode; kq takes {sizes['kq'] / sizes['tiff-zstd']:.3f} of it")
    return sizes


def counted(labels: np.ndarray[Any, Any]) -> tuple[Integers, Integers]:
    """Classes that are there, and pixels of each."""
    rows = range(0, labels.shape[0], BLOCK)
    counts = sum(np.bincount(labels[row : row + BLOCK].ravel(), minlength=256) for row in rows)
    kinds = np.flatnonzero(counts)
    return kinds, counts[kinds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tile", type=int, default=1024, help="of kq; 0 for none")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments.side, arguments.seed, arguments.tile, Path(folder))


if __name__ == "__main__":
    main()
