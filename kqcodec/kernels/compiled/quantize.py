"""The quantizer's kernels in C, a part of ``kqcodec.kernels.compiled``.

Inputs become C-contiguous arrays of the right dtype here, results must be that
already; the boundary checks lengths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.kernels import _kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.int16]
    Weights = NDArray[np.int64]
    Labels = NDArray[np.uint16]
    Distances = NDArray[np.int32]
    Sums = NDArray[np.int64]


def nearest(points: Points, centers: Points, labels: Labels, distances: Distances) -> None:
    """See the reference."""
    _kernels.nearest(
        _input(points, np.int16),
        _input(centers, np.int16),
        _result(labels, np.uint16),
        _result(distances, np.int32),
    )


def nearest_two(
    points: Points,
    centers: Points,
    labels: Labels,
    distances: Distances,
    second_labels: Labels,
    second_distances: Distances,
) -> None:
    """See the reference."""
    _kernels.nearest_two(
        _input(points, np.int16),
        _input(centers, np.int16),
        _result(labels, np.uint16),
        _result(distances, np.int32),
        _result(second_labels, np.uint16),
        _result(second_distances, np.int32),
    )


def reassign(
    points: Points, weights: Weights, centers: Points, labels: Labels, sums: Sums, counts: Sums
) -> tuple[int, int]:
    """See the reference."""
    return _kernels.reassign(
        _input(points, np.int16),
        _input(weights, np.int64),
        _input(centers, np.int16),
        _result(labels, np.uint16),
        _result(sums, np.int64),
        _result(counts, np.int64),
    )


def lloyd(
    points: Points,
    weights: Weights,
    centers: Points,
    labels: Labels,
    sums: Sums,
    counts: Sums,
    *,
    iterations: int,
    relax: int,
    tolerance_bits: int,
) -> list[int]:
    """See the reference."""
    costs = np.empty(iterations, dtype=np.int64)
    done = _kernels.lloyd(
        _input(points, np.int16),
        _input(weights, np.int64),
        _result(centers, np.int16),
        _result(labels, np.uint16),
        _result(sums, np.int64),
        _result(counts, np.int64),
        relax,
        tolerance_bits,
        costs,
    )
    found: list[int] = costs[:done].tolist()
    return found


def search_round(
    points: Points,
    weights: Weights,
    labels: Labels,
    centers: Points,
    sums: Sums,
    counts: Sums,
    failed: NDArray[np.int32],
    changed: NDArray[np.int32],
    number: int,
    *,
    width: int,
    least_ratio: float,
    reach: int,
    trials: int,
    iterations: int,
    relax: int,
    tolerance_bits: int,
) -> tuple[int, int, int]:
    """See the reference."""
    return _kernels.search_round(
        _input(points, np.int16),
        _input(weights, np.int64),
        _result(labels, np.uint16),
        _result(centers, np.int16),
        _result(sums, np.int64),
        _result(counts, np.int64),
        _result(failed, np.int32),
        _result(changed, np.int32),
        number,
        width,
        least_ratio,
        reach,
        trials,
        iterations,
        relax,
        tolerance_bits,
    )


def settle_kinds(
    points: Points,
    weights: Weights,
    centers: Points,
    labels: Labels,
    distances: Distances,
    *,
    opaque_points: int,
    opaque: int,
    movable: int,
    iterations: int,
    tolerance_bits: int,
) -> tuple[int, int]:
    """See the reference."""
    return _kernels.settle_kinds(
        _input(points, np.int16),
        _input(weights, np.int64),
        _result(centers, np.int16),
        _result(labels, np.uint16),
        _result(distances, np.int32),
        opaque_points,
        opaque,
        movable,
        iterations,
        tolerance_bits,
    )


def merge_and_split(
    points: Points,
    weights: Weights,
    labels: Labels,
    distances: Distances,
    centers: Points,
    sums: Sums,
    counts: Sums,
    pairs: Labels,
    halves: Points,
    *,
    reach: int,
    trials: int,
    iterations: int,
    relax: int,
    tolerance_bits: int,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], int]:
    """See the reference."""
    outcomes = np.zeros(len(pairs), dtype=np.uint8)
    touched = np.zeros(len(centers), dtype=np.bool_)
    fall = _kernels.merge_and_split(
        _input(points, np.int16),
        _input(weights, np.int64),
        _result(labels, np.uint16),
        _result(distances, np.int32),
        _result(centers, np.int16),
        _result(sums, np.int64),
        _result(counts, np.int64),
        _input(pairs, np.uint16),
        _input(halves, np.int16),
        outcomes,
        touched,
        reach,
        trials,
        iterations,
        relax,
        tolerance_bits,
    )
    return outcomes, touched, fall


def near(centers: Points, some: Points, count: int) -> Labels:
    """See the reference."""
    found = np.empty((len(some), count), dtype=np.uint16)
    _kernels.near(_input(centers, np.int16), _input(some, np.int16), count, found)
    return found


def nudge(
    points: Points,
    weights: Weights,
    centers: Points,
    labels: Labels,
    distances: Distances,
    neighbors: Labels,
    active: NDArray[np.bool_],
    step: int,
) -> tuple[int, int]:
    """See the reference."""
    return _kernels.nudge(
        _input(points, np.int16),
        _input(weights, np.int64),
        _result(centers, np.int16),
        _result(labels, np.uint16),
        _result(distances, np.int32),
        _input(neighbors, np.uint16),
        _result(active, np.bool_),
        step,
    )


def accumulate(points: Points, weights: Weights, labels: Labels, sums: Sums, counts: Sums) -> None:
    """See the reference."""
    _kernels.accumulate(
        _input(points, np.int16),
        _input(weights, np.int64),
        _input(labels, np.uint16),
        _result(sums, np.int64),
        _result(counts, np.int64),
    )


def plus_plus(points: Points, weights: Weights, randoms: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """See the reference."""
    chosen = np.empty(len(randoms), dtype=np.uint32)
    _kernels.plus_plus(
        _input(points, np.int16), _input(weights, np.int64), _input(randoms, np.uint64), chosen
    )
    return chosen


def variance_cuts(points: Points, weights: Weights, k: int) -> Points:
    """See the reference."""
    centers = np.empty((k, 4), dtype=np.int16)
    count = _kernels.variance_cuts(_input(points, np.int16), _input(weights, np.int64), centers)
    return centers[:count]


def split_gains(
    points: Points, weights: Weights, labels: Labels, k: int
) -> tuple[NDArray[np.float64], Points]:
    """See the reference."""
    gains = np.empty(k, dtype=np.float64)
    halves = np.empty((k, 2, 4), dtype=np.int16)
    _kernels.split_gains(
        _input(points, np.int16),
        _input(weights, np.int64),
        _input(labels, np.uint16),
        gains,
        halves,
    )
    return gains, halves


def count_colors(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """See the reference."""
    pixels = _input(pixels, np.uint8)
    keys = np.empty(pixels.size // 3, dtype=np.uint32)
    counts = np.empty(pixels.size // 3, dtype=np.int64)
    count = _kernels.count_colors(pixels, keys, counts)
    return keys[:count].copy(), counts[:count].copy()


def merge_colors(
    keys_a: NDArray[np.uint32],
    counts_a: NDArray[np.int64],
    keys_b: NDArray[np.uint32],
    counts_b: NDArray[np.int64],
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """See the reference."""
    keys = np.empty(len(keys_a) + len(keys_b), dtype=np.uint32)
    counts = np.empty(len(keys), dtype=np.int64)
    count = _kernels.merge_colors(
        _input(keys_a, np.uint32),
        _input(counts_a, np.int64),
        _input(keys_b, np.uint32),
        _input(counts_b, np.int64),
        keys,
        counts,
    )
    return keys[:count].copy(), counts[:count].copy()


def merge_cells(
    points: Points, weights: Weights, keys: NDArray[np.uint32], mask: int
) -> tuple[Points, Weights, NDArray[np.uint32]]:
    """See the reference."""
    means = np.empty((len(keys), 4), dtype=np.int16)
    totals = np.empty(len(keys), dtype=np.int64)
    firsts = np.empty(len(keys), dtype=np.uint32)
    count = _kernels.merge_cells(
        _input(points, np.int16),
        _input(weights, np.int64),
        _input(keys, np.uint32),
        mask,
        means,
        totals,
        firsts,
    )
    return means[:count].copy(), totals[:count].copy(), firsts[:count].copy()


def morton_order(keys: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """See the reference."""
    order = np.empty(len(keys), dtype=np.uint32)
    _kernels.morton_order(_input(keys, np.uint32), order)
    return order


def diffuse(
    points: Points,
    mask: NDArray[np.bool_],
    centers: Points,
    errors: Distances,
    labels: Labels,
    *,
    strength: int,
    backwards: bool,
) -> None:
    """See the reference."""
    _kernels.diffuse(
        _input(points, np.int16),
        _input(mask, np.bool_),
        labels.shape[1],
        _input(centers, np.int16),
        _result(errors, np.int32),
        _result(labels, np.uint16),
        strength,
        backwards,
    )


def fill_table(keys: NDArray[np.uint32], labels: NDArray[Any], table: NDArray[Any]) -> None:
    """See the reference."""
    _kernels.fill_table(_input(keys, np.uint32), _input(labels, table.dtype), table.itemsize, table)


def look_up(pixels: NDArray[np.uint8], table: NDArray[Any], out: NDArray[Any]) -> None:
    """See the reference."""
    _kernels.look_up(_input(pixels, np.uint8), table, table.itemsize, _result(out, table.dtype))


def _input(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype)


def _result(out: NDArray[Any], dtype: Any) -> NDArray[Any]:
    if out.dtype != dtype:
        raise TypeError(f"the result must be {np.dtype(dtype)}, not {out.dtype}")
    return out
