"""One trial of the local search: a few clusters start again from fresh centres,
and keep what they find only where that costs less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels.reference.cluster import lloyd

if TYPE_CHECKING:
    from numpy.typing import NDArray


def relocate(
    points: NDArray[np.int16],
    weights: NDArray[np.int64],
    labels: NDArray[np.uint16],
    distances: NDArray[np.int32],
    centers: NDArray[np.int16],
    sums: NDArray[np.int64],
    counts: NDArray[np.int64],
    clusters: NDArray[np.uint16],
    fresh: NDArray[np.int16],
    *,
    iterations: int,
    relax: int,
    tolerance_bits: int,
) -> int:
    """Runs ``lloyd`` on the points of some clusters alone, from fresh centres.

    ``clusters`` are ascending, shape (R,); ``fresh``, of shape (R, 4), is
    overwritten. Where the cost falls, the rest of the arguments, which describe
    the whole clustering, follow. Returns by how much it fell, or 0.
    """
    place = np.full(len(centers), -1)
    place[clusters] = np.arange(len(clusters))
    members = np.flatnonzero(place[labels] >= 0)
    some_points, some_weights = points[members], weights[members]
    some_labels = place[labels[members]].astype(np.uint16)
    some_sums, some_counts = sums[clusters], counts[clusters]
    before = int((some_weights * distances[members]).sum())
    if len(members) == 0:
        return 0
    costs = lloyd(
        some_points,
        some_weights,
        fresh,
        some_labels,
        some_sums,
        some_counts,
        iterations=iterations,
        relax=relax,
        tolerance_bits=tolerance_bits,
        goal=before,
    )
    if costs[-1] >= before:
        return 0
    centers[clusters], sums[clusters], counts[clusters] = fresh, some_sums, some_counts
    labels[members] = clusters[some_labels]
    difference = some_points.astype(np.int32) - fresh[some_labels]
    distances[members] = (difference * difference).sum(axis=1)
    return before - costs[-1]
