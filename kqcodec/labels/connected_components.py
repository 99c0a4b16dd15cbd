"""How many connected parts each label of a picture has.

Runs, pixels of one label side by side in a row, are the nodes of a graph, and runs of one label
that touch from row to row its edges; SciPy, which is an extra, finds the graph's connected
components. All labels are counted at once, and a picture has far fewer runs than pixels.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.format.integers import shown, whole_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.format.labels import Labels

CONNECTIVITIES = (4, 8)


def component_counts(labels: Labels, k: int, connectivity: int = 8) -> NDArray[np.int64]:
    """The number of connected components of each of the labels 0..k-1: int64, shape (k,).

    ``connectivity`` is 4 where pixels connect by their sides only, 8 where they do by their
    corners too.

    Raises:
        ValueError: another connectivity.
        ImportError: SciPy isn't there; the extra ``segment`` brings it.
    """
    try:
        known = whole_number(connectivity, "connectivity") in CONNECTIVITIES
    except TypeError:
        known = False
    if not known:
        raise ValueError(f"connectivity must be 4 or 8, not {shown(connectivity)}")
    graphs, sparse = _scipy("scipy.sparse.csgraph"), _scipy("scipy.sparse")
    starts = np.ones(labels.shape, dtype=np.bool_)
    starts[:, 1:] = labels[:, 1:] != labels[:, :-1]
    run_labels = labels[starts]
    above, below = _edges(labels, starts, connectivity)
    shape = (len(run_labels), len(run_labels))
    graph = sparse.coo_matrix((np.ones(len(above), dtype=np.int8), (above, below)), shape)
    count, components = graphs.connected_components(graph, directed=False)
    label_of = np.empty(count, dtype=labels.dtype)
    label_of[components] = run_labels
    return np.bincount(label_of, minlength=k).astype(np.int64)


def _edges(
    labels: Labels, starts: NDArray[np.bool_], connectivity: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The runs that touch, as numbers of the upper and of the lower one."""
    runs = np.cumsum(starts, dtype=np.int64).reshape(labels.shape) - 1
    # Where two runs overlap, the first pixel that they share begins one of them.
    touching = (labels[:-1] == labels[1:]) & (starts[:-1] | starts[1:])
    above, below = [runs[:-1][touching]], [runs[1:][touching]]
    if connectivity == 8:
        # Only where both rows change labels aren't the two joined by a side already.
        corner = starts[:-1, 1:] & starts[1:, 1:]
        falling = corner & (labels[:-1, :-1] == labels[1:, 1:])
        rising = corner & (labels[:-1, 1:] == labels[1:, :-1])
        above += [runs[:-1, :-1][falling], runs[:-1, 1:][rising]]
        below += [runs[1:, 1:][falling], runs[1:, :-1][rising]]
    return np.concatenate(above), np.concatenate(below)


def _scipy(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        raise ImportError(
            "counting connected components needs SciPy; pip install 'kqcodec[segment]' brings it"
        ) from exc
