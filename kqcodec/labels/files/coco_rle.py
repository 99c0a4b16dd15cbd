"""COCO's run lengths and polygons as masks (pycocotools, ``common/maskApi.c``).

A mask's runs go down its columns, those of 0 and of 1 in turn, the first of 0. In the
compressed form each run, from the third on less the one two before, is written in groups of
five bits, the lowest first, a character of 48 + group each: 16 is the sign of the last group,
32 says that another one follows.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST, _MORE, _SIGN, _GROUP = 48, 32, 16, 5
_MOST_GROUPS = 7
# pycocotools draws an edge pixel by pixel, so this bounds its work.
_MOST_CORNERS = 1 << 16


def mask_of_rle(rle: Any, size: tuple[int, int] | None = None) -> NDArray[np.bool_]:
    """The mask, shape (H, W), of {"size": [H, W], "counts": [...] or "..."}.

    Raises:
        KeyError, TypeError, ValueError: that isn't one, or not of the ``size`` asked for; also
            if its runs are of more or fewer pixels than it has.
    """
    from PIL import Image

    height, width = (_natural(side) for side in rle["size"])
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and height * width > limit:
        raise ValueError(
            f"a mask of {width} x {height} pixels is too large to be safe; if you trust it, "
            "raise PIL.Image.MAX_IMAGE_PIXELS"
        )
    if size is not None and (height, width) != size:
        raise ValueError(f"a mask has size {[height, width]}, and the picture {list(size)}")
    counts = rle["counts"]
    runs = _expanded(counts) if isinstance(counts, (str, bytes)) else [_natural(c) for c in counts]
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError("the runs of a mask don't fill it")
    ones = np.arange(len(runs)) % 2 == 1
    mask: NDArray[np.bool_] = np.repeat(ones, runs).reshape(width, height).T
    return mask


def mask_of_polygons(polygons: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask, shape (H, W), of polygons [[x, y, x, y, ...], ...] as pycocotools draws them.

    Raises:
        ImportError: pycocotools isn't there; the extra ``coco`` brings it.
        TypeError, ValueError: they aren't such, or lie far outside the picture.
    """
    try:
        coco: Any = importlib.import_module("pycocotools.mask")
    except ImportError as exc:
        raise ImportError(
            "polygons of COCO need pycocotools; pip install 'kqcodec[coco]' brings it"
        ) from exc
    height, width = size
    found = []
    for polygon in polygons:
        points = np.array(polygon, dtype=np.float64)
        if points.ndim != 1 or not 6 <= points.size <= 2 * _MOST_CORNERS or points.size % 2:
            raise ValueError("a polygon isn't a list of three or more corners")
        reach = 2 * max(height, width)
        if not bool((np.abs(points) <= reach).all()):
            raise ValueError("a polygon lies far outside the picture")
        found.append(points.tolist())
    if not found:
        return np.zeros(size, dtype=bool)
    return mask_of_rle(coco.merge(coco.frPyObjects(found, height, width)), size)


def _expanded(counts: str | bytes) -> list[int]:
    text = counts.encode("ascii") if isinstance(counts, str) else counts
    runs: list[int] = []
    at = 0
    while at < len(text):
        value = groups = 0
        while True:
            if at == len(text) or groups == _MOST_GROUPS:
                raise ValueError("the runs of a mask are cut short")
            code = text[at] - _FIRST
            at += 1
            if not 0 <= code < 2 * _MORE:
                raise ValueError("the runs of a mask hold a wrong character")
            value |= (code & (_MORE - 1)) << _GROUP * groups
            groups += 1
            if not code & _MORE:
                break
        if code & _SIGN:
            value -= 1 << _GROUP * groups
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs


def _natural(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} isn't a number of pixels")
    return value
