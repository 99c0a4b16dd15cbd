"""The kernels of label maps: lists of numbers, and regions; see protocol.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer


class LabelMapKernels(Protocol):
    """What ids, and tiles that consist of regions, are coded by."""

    def numbers_encode(self, lists: Sequence[NDArray[np.uint64]]) -> bytes:
        """The payload of lists of numbers, each list of shape (n,), n being 0 or more."""

    def numbers_decode(
        self, payload: Buffer, counts: Sequence[int]
    ) -> list[NDArray[np.uint64]] | None:
        """Lists of so many numbers from such a payload; None if it is invalid."""

    def regions_encode(
        self, labels: NDArray[np.unsignedinteger[Any]], k: int, capacity: int
    ) -> tuple[int, NDArray[np.uint8], bytes] | None:
        """The regions of labels below ``k``: uint8, uint16 or uint32, shape (height, width).

        Returns how many colours they have, the map in these, and the payload of the regions'
        labels; None where ``capacity`` bytes aren't enough. Labels are in one region that are
        equal and side by side or one below the other. Regions that touch differ in colour; six
        are enough. Each gets the lowest that no neighbour has yet, in this order: from the end
        on the one that has the fewest neighbours left, and of several the one that has had so
        few for the longest time, at first by order of appearance.
        """

    def regions_decode(
        self,
        payload: Buffer,
        colors: NDArray[np.uint8],
        k: int,
        out: NDArray[np.unsignedinteger[Any]],
    ) -> bool:
        """Fills ``out`` with what is such a map, of shape (height, width); False where the payload
        is invalid, or a label ``k`` or more."""
