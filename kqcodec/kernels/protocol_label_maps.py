"""The kernels of label maps: lists of numbers, and regions; see protocol.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

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
