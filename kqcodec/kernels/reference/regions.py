"""Regions of a label map: few colours for them and their labels apart (spec/kq.md, section 18).

A region is what is equal and side by side or one below the other. Regions are in order of first
appearance, and so are their labels: which is the next new one, or one of those that were lately.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.kernels.reference.learning_bits import LearningBits, decoding, encoding
from kqcodec.kernels.reference.range_coder import RangeDecoder, RangeEncoder

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.kernels.reference.logistic import Code as CodeBit

    Map = NDArray[np.unsignedinteger[Any]]

KEPT = 64  # recent labels
_NEXT, _JUMP, _RECENT = 0, 1, 2  # what a region's number says; more: another recent one
_TREE = 7  # bits that say how many a number has


class _InvalidIdsError(Exception):
    """These can't be the labels of regions."""


def regions_of(labels: Map) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """The region of each label, and the row and column of each region's first label."""
    height, width = labels.shape
    plane = labels.tolist()
    regions = [[-1] * width for _ in range(height)]
    firsts: list[tuple[int, int]] = []
    for start in np.ndindex(height, width):
        if regions[start[0]][start[1]] >= 0:
            continue
        waiting = [start]
        while waiting:
            row, column = waiting.pop()
            if regions[row][column] >= 0 or plane[row][column] != plane[start[0]][start[1]]:
                continue
            regions[row][column] = len(firsts)
            around = (row, column - 1), (row, column + 1), (row - 1, column), (row + 1, column)
            waiting += [(y, x) for y, x in around if 0 <= y < height and 0 <= x < width]
        firsts.append(start)
    return regions, firsts


class _Ids:
    """Codes the labels of regions."""

    def __init__(self, code_bit: CodeBit, k: int) -> None:
        self._bits = LearningBits(code_bit)
        self._k = k
        self._next = 0  # one more than the last label that was told by itself
        self._recent: list[int] = []

    def code(self, near: dict[str, int], wanted: int | None) -> int:
        """The label of the next region; ``near`` has those of its first label's neighbours."""
        around = (None, near.get("W"), near.get("N"))
        aslant = near.get("NW"), near.get("NE")
        context = [label not in around for label in aslant]
        usual = dict.fromkeys([*aslant, *self._recent])
        recent = [label for label in usual if label is not None and label not in around]
        number = jump = 0
        if wanted is not None:
            if wanted in recent:
                number = _RECENT + recent.index(wanted)
            elif wanted != self._next:
                far = wanted - self._next
                number, jump = _JUMP, 2 * far - 2 if far > 0 else -2 * far - 1
        number = self._bits.number(number, _TREE, *context)
        label = self._next
        if number == _JUMP:
            jump = self._bits.number(jump, _TREE, "jump")
            label += -(jump // 2) - 1 if jump & 1 else jump // 2 + 1
        elif number >= _RECENT:
            if number - _RECENT >= len(recent):
                raise _InvalidIdsError
            label = recent[number - _RECENT]
        if not 0 <= label < self._k:
            raise _InvalidIdsError
        if number < _RECENT:
            self._next = label + 1
        self._recent = [label, *(one for one in self._recent if one != label)][:KEPT]
        return label


def _code_ids(
    code_bit: CodeBit,
    regions: list[list[int]],
    firsts: list[tuple[int, int]],
    k: int,
    labels: Map | None,
) -> list[int]:
    """The label of each region, which an encoder has."""
    coder, width = _Ids(code_bit, k), len(regions[0])
    found: list[int] = []
    places = {"W": (0, -1), "N": (-1, 0), "NW": (-1, -1), "NE": (-1, 1)}
    for row, column in firsts:
        near = {
            name: found[regions[row + down][column + right]]
            for name, (down, right) in places.items()
            if row + down >= 0 and 0 <= column + right < width
        }
        found.append(coder.code(near, None if labels is None else int(labels[row, column])))
    return found


def _smallest_last(neighbors: list[list[int]]) -> list[int]:
    """The regions so that, from the end on, each has the fewest neighbours left; of several it
    is the one that has had so few for the longest time."""
    degrees = [len(some) for some in neighbors]
    queues: list[dict[int, None]] = [{} for _ in neighbors]
    for region, degree in enumerate(degrees):
        queues[degree][region] = None
    order: list[int] = []
    while len(order) < len(neighbors):
        queue = next(filter(None, queues))
        region = next(iter(queue))
        del queue[region]
        order.append(region)
        degrees[region] = -1
        for other in neighbors[region]:
            if degrees[other] >= 0:
                del queues[degrees[other]][other]
                degrees[other] -= 1
                queues[degrees[other]][other] = None
    return order[::-1]


def _colored(regions: NDArray[np.intp], count: int) -> list[int]:
    """The colour of each region, the lowest that no neighbour has, the smallest last."""
    touching: list[set[int]] = [set() for _ in range(count)]
    across, down = (regions[:, :-1], regions[:, 1:]), (regions[:-1], regions[1:])
    for one, other in (across, down):
        for x, y in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True):
            if x != y:
                touching[x].add(y)
                touching[y].add(x)
    neighbors = [sorted(some) for some in touching]
    colors = [-1] * count
    for region in _smallest_last(neighbors):
        taken = {colors[one] for one in neighbors[region]}
        colors[region] = min(set(range(len(taken) + 1)) - taken)
    return colors


def regions_encode(
    labels: Map, k: int, capacity: int
) -> tuple[int, NDArray[np.uint8], bytes] | None:
    regions, firsts = regions_of(labels)
    colors = _colored(np.array(regions), len(firsts))
    encoder = RangeEncoder()
    _code_ids(encoding(encoder), regions, firsts, k, labels)
    payload = encoder.finish(capacity)
    if payload is None:
        return None
    return max(colors) + 1, np.array(colors, np.uint8)[np.array(regions)], payload


def regions_decode(payload: Buffer, colors: NDArray[np.uint8], k: int, out: Map) -> bool:
    regions, firsts = regions_of(colors)
    decoder = RangeDecoder(payload)
    try:
        found = _code_ids(decoding(decoder), regions, firsts, k, None)
    except _InvalidIdsError:
        return False
    out[...] = np.array(found)[np.array(regions)]
    return decoder.valid
