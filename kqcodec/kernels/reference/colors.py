"""Counting colours, and giving pixels the labels of their colours.

A colour's key is R << 16 | G << 8 | B.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.kernels.protocol import Bytes, Keys, Points, Weights

# From so many pixels on, counting in a table of all 2^24 keys beats sorting.
_TABLE_PIXELS = 1 << 22


def count_colors(pixels: Bytes) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    keys = _keys(pixels).ravel()
    if len(keys) < _TABLE_PIXELS:
        unique, counts = np.unique(keys, return_counts=True)
        return unique, counts.astype(np.int64)
    table = np.bincount(keys)
    present = np.flatnonzero(table)
    return present.astype(np.uint32), table[present].astype(np.int64)


def merge_colors(
    keys_a: Keys, counts_a: Weights, keys_b: Keys, counts_b: Weights
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    keys, inverse = np.unique(np.concatenate([keys_a, keys_b]), return_inverse=True)
    counts = np.zeros(len(keys), dtype=np.int64)
    np.add.at(counts, inverse, np.concatenate([counts_a, counts_b]))
    return keys, counts


def merge_cells(
    points: Points, weights: Weights, keys: Keys, mask: int
) -> tuple[NDArray[np.int16], NDArray[np.int64], NDArray[np.uint32]]:
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = (keys[1:] ^ keys[:-1]) & np.uint32(mask) != 0
    starts = np.flatnonzero(first)
    totals = np.add.reduceat(weights, starts)
    sums = np.add.reduceat(points * weights[:, np.newaxis], starts, axis=0)
    divisor = totals[:, np.newaxis]
    return ((sums + divisor // 2) // divisor).astype(np.int16), totals, keys[starts]


def morton_order(keys: Keys) -> NDArray[np.uint32]:
    codes = np.zeros(len(keys), dtype=np.uint32)
    for bit in range(8):
        for channel in range(3):
            codes |= (keys >> np.uint32(8 * channel + bit) & np.uint32(1)) << np.uint32(
                3 * bit + channel
            )
    return np.argsort(codes, kind="stable").astype(np.uint32)


def fill_table(keys: Keys, labels: NDArray[Any], table: NDArray[Any]) -> None:
    table[keys] = labels


def look_up(pixels: Bytes, table: NDArray[Any], out: NDArray[Any]) -> None:
    out[...] = table[_keys(pixels)].reshape(out.shape)


def _keys(pixels: Bytes) -> NDArray[np.uint32]:
    keys = pixels[..., 0].astype(np.uint32)
    for channel in (1, 2):
        keys <<= np.uint32(8)
        keys |= pixels[..., channel]
    return keys
