"""Basic indexing of an array that is cut into tiles: which elements of which tile go where.

Integers, slices with any step, and "..." are NumPy's basic indices; along an axis each
selects an arithmetic sequence, and so it does within each tile.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Axis:
    """What an index selects along an axis: start, start + step, ..., ``count`` of them.

    Attributes:
        start: the first, where there is one.
        step: not 0; negative for backwards.
        count: how many.
        dropped: whether the index was an integer, so that the result hasn't this axis.
    """

    start: int
    step: int
    count: int
    dropped: bool = False

    @property
    def selection(self) -> slice:
        """The same for NumPy."""
        if not self.count:
            return slice(0)
        stop = self.start + self.count * self.step
        return slice(self.start, None if stop < 0 else stop, self.step)

    def parts(self, side: int) -> dict[int, tuple[slice, slice]]:
        """For each tile of that side that is touched: where its elements go in the result,
        and which of its elements they are. The tiles ascend."""
        found = {}
        done = 0
        while done < self.count:
            position = self.start + done * self.step
            tile, within = divmod(position, side)
            room = side - 1 - within if self.step > 0 else within
            take = min(room // abs(self.step) + 1, self.count - done)
            found[tile] = (slice(done, done + take), Axis(within, self.step, take).selection)
            done += take
        return dict(sorted(found.items()))


def axes_of(key: Any, shape: Sequence[int]) -> list[Axis]:
    """What the index of an array of that shape selects along each axis; IndexError if it isn't a
    basic index, has too many parts, or is out of bounds."""
    parts = list(key) if isinstance(key, tuple) else [key]
    dots = [place for place, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    left_out = len(shape) - (len(parts) - len(dots))
    if left_out < 0:
        raise IndexError(f"too many indices: the array has {len(shape)} axes")
    place = dots[0] if dots else len(parts)
    parts[place : place + len(dots)] = [slice(None)] * left_out
    pairs = zip(parts, shape, strict=True)
    return [_axis(part, axis, length) for axis, (part, length) in enumerate(pairs)]


def _axis(part: Any, axis: int, length: int) -> Axis:
    if isinstance(part, slice):
        chosen = range(*part.indices(length))
        return Axis(chosen.start, chosen.step, len(chosen))
    try:
        if isinstance(part, bool):
            raise TypeError
        index = operator.index(part)
    except TypeError:
        raise IndexError(
            "only integers, slices and '...' index an array of a file; for others, index what a "
            "slice returns"
        ) from None
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of bounds for axis {axis} with size {length}")
    return Axis(index % length, 1, 1, dropped=True)
