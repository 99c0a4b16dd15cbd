"""A map of any size, drawn tile by tile, the same bytes on every machine.

    python tests/bench/map_picture.py 40000 25000 map.tif

Land in tints of height with contour lines and shading, water, woods of single trees,
fields, and roads: some 150 colours, in integer arithmetic. A pixel depends on its place
alone. The file is a tiled BigTIFF, compressed by deflate; it needs tifffile.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

TIFF_TILE = 512
# Sides of the cells of each octave of the heights, and how much it counts.
_OCTAVES = ((2048, 8), (512, 4), (128, 2), (32, 1))
_WEIGHT = sum(weight for _, weight in _OCTAVES)
_SEA = 90
_BAND = 10  # heights of one tint
_TINTS = np.array(
    [
        [142, 178, 140], [160, 190, 145], [180, 203, 152], [200, 215, 163], [217, 222, 173],
        [226, 218, 168], [222, 202, 150], [212, 182, 130], [198, 160, 112], [182, 140, 100],
        [168, 124, 92], [160, 118, 96], [172, 140, 124], [196, 176, 168], [226, 220, 218],
        [246, 244, 244],
    ],
    dtype=np.int16,
)  # fmt: skip
_WATER = np.array([[168, 204, 222], [150, 190, 214], [130, 174, 204]], dtype=np.int16)
_TREES = np.array([[92, 138, 84], [108, 152, 96]], dtype=np.int16)
_FIELDS = np.array([[224, 214, 150], [206, 216, 140], [232, 226, 190]], dtype=np.int16)
_ROAD, _EDGE = np.array([250, 236, 160], np.int16), np.array([150, 130, 100], np.int16)


def map_tile(left: int, upper: int, width: int, height: int) -> NDArray[np.uint8]:
    """A rectangle of the map: uint8, shape (height, width, 3)."""
    # One more row and column above and to the left, for slopes and lines.
    x = np.arange(left, left + width + 1, dtype=np.int64)
    y = np.arange(upper, upper + height + 1, dtype=np.int64)
    heights = _heights(x, y)
    here = heights[1:, 1:]
    band = np.clip((here - _SEA) // _BAND, -3, len(_TINTS) - 1)
    tint = np.where(
        (band >= 0)[:, :, None], _TINTS[np.maximum(band, 0)], _WATER[np.clip(-band - 1, 0, 2)]
    )
    _draw_fields(tint, x[1:], y[1:], band)
    shade = np.clip(2 * here - heights[1:, :-1] - heights[:-1, 1:], -2, 2).astype(np.int16)
    tint += np.where(band >= 0, 5 * shade, 0)[:, :, None].astype(np.int16)
    before = np.clip((heights - _SEA) // _BAND, -3, len(_TINTS) - 1)
    line = (band != before[1:, :-1]) | (band != before[:-1, 1:])
    tint[line & (band >= 0)] -= 24
    _draw_roads(tint, x[1:], y[1:], band)
    return np.clip(tint, 0, 255).astype(np.uint8)


def _heights(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int32]:
    """Heights 0..255: smoothed noise on lattices of several sizes, added up."""
    total = np.zeros((len(y), len(x)), dtype=np.int32)
    for side, weight in _OCTAVES:
        columns, rows = x // side, y // side
        across, down = _eased(x % side, side), _eased(y % side, side)
        first = np.arange(rows[0], rows[-1] + 2)[:, None]
        corners = _hashed(np.arange(columns[0], columns[-1] + 2)[None], first, side)
        i, j = rows - rows[0], columns - columns[0]
        upper = corners[i] * (256 - down)[:, None] + corners[i + 1] * down[:, None]
        value = upper[:, j] * (256 - across) + upper[:, j + 1] * across
        total += weight * (value >> 16)
    return total // _WEIGHT


def _eased(place: NDArray[np.int64], side: int) -> NDArray[np.int32]:
    """0..256 along a cell's side, by 3t^2 - 2t^3: no creases where cells meet."""
    t = place * 256 // side
    return ((3 * 256 - 2 * t) * t * t >> 16).astype(np.int32)


def _hashed(x: NDArray[np.int64], y: NDArray[np.int64], seed: int) -> NDArray[np.int32]:
    """A number 0..255 for each place, by a 32-bit integer hash."""
    value = (x * 0x9E3779B1 + y * 0x85EBCA77 + seed * 0xC2B2AE3D) & 0xFFFFFFFF
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        value = (value ^ (value >> shift)) * factor & 0xFFFFFFFF
    return ((value ^ (value >> 16)) & 255).astype(np.int32)


def _draw_fields(
    tint: NDArray[np.int16], x: NDArray[np.int64], y: NDArray[np.int64], band: NDArray[np.int64]
) -> None:
    """Fields in the lowlands, a crop each, and woods above, tree by tree."""
    kind = _hashed((x // 96)[None], (y // 64)[:, None], 5)
    crop = (band >= 0) & (band <= 3) & (kind < 140)
    tint[crop] = _FIELDS[kind[crop] % 3]
    wood = (band >= 2) & (band <= 9) & (_hashed((x // 256)[None], (y // 256)[:, None], 7) < 90)
    tree = wood & (_hashed((x // 4)[None], (y // 4)[:, None], 9) < 120)
    tint[tree] = _TREES[(x[None] // 4 + y[:, None] // 4)[tree] % 2]


def _draw_roads(
    tint: NDArray[np.int16], x: NDArray[np.int64], y: NDArray[np.int64], band: NDArray[np.int64]
) -> None:
    """A net of roads on dry land, some of its sides left out."""
    for along, across in ((x[None], y[:, None]), (y[:, None], x[None])):
        cell = _hashed(along // 640, across // 640, 11)
        bend = np.abs(along % 640 - 320) // 8  # each goes up and down like a gable
        distance = np.abs(across % 640 - 300 - bend)
        built = (band >= 0) & (cell < 150)
        tint[built & (distance <= 4)] = _EDGE
        tint[built & (distance <= 3)] = _ROAD


def tiles(width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    """The tiles of the TIFF, whole ones, row by row."""
    for upper in range(0, height, TIFF_TILE):
        for left in range(0, width, TIFF_TILE):
            yield map_tile(left, upper, TIFF_TILE, TIFF_TILE)


def write_map(path: str, width: int, height: int) -> None:
    """Write the map as a tiled BigTIFF."""
    import tifffile

    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        writer.write(
            tiles(width, height),
            shape=(height, width, 3),
            dtype=np.uint8,
            tile=(TIFF_TILE, TIFF_TILE),
            photometric="rgb",
            compression="zlib",
            compressionargs={"level": 1},
        )


def main() -> None:
    """Write one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("width", type=int)
    parser.add_argument("height", type=int)
    parser.add_argument("path")
    arguments = parser.parse_args()
    write_map(arguments.path, arguments.width, arguments.height)


if __name__ == "__main__":
    main()
