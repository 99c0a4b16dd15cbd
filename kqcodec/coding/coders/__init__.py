"""The coders: how the labels of a tile become bytes, and back.

Each is a module of its own behind one protocol; a tile is coded by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kqcodec.coding.coders.context import ContextCoder
from kqcodec.coding.coders.dense import DenseCoder
from kqcodec.coding.coders.label_tiles import LabelTileCoder
from kqcodec.coding.coders.packed import PackedCoder
from kqcodec.coding.coders.tokens import TokensCoder
from kqcodec.format.names import CODERS, DEFAULT_EFFORT, EFFORTS, check_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.format.names import CoderName, EffortName


class Coder(Protocol):
    """What the encoder and decoder need of a coder; it knows the file's palette."""

    def encode(self, labels: Labels) -> bytes:
        """The payload of a tile: ``labels`` of shape (h, w), values in 0..K-1."""

    def decode(self, payload: Buffer, out: Labels) -> None:
        """Fill ``out``, of shape (h, w), C-contiguous.

        Raises:
            InvalidDataError: not a payload that ``encode`` makes. What ``out``
                then holds is undefined.
        """


def coder_of(
    name: CoderName, palette: NDArray[np.uint8], effort: EffortName = DEFAULT_EFFORT
) -> Coder:
    """The coder of that name for the tiles of a file with that palette, shape (K, 3) or (K, 4);
    ValueError if there is no such coder or effort."""
    check_name(name, CODERS, "coder")
    check_name(effort, EFFORTS, "effort")
    if name == "context":
        return ContextCoder(palette, effort)
    if name == "tokens":
        return TokensCoder(palette)
    return PackedCoder(len(palette)) if name == "packed" else DenseCoder(len(palette))


def label_coder_of(
    name: CoderName, k: int, entries: int, effort: EffortName = DEFAULT_EFFORT
) -> Coder:
    """The coder of that name for the tiles of a label map, whose labels are the entries of a
    table: at most ``k`` of them in a tile; ValueError if there is no such coder or effort."""
    check_name(name, CODERS, "coder")
    check_name(effort, EFFORTS, "effort")
    if name in ("packed", "dense"):
        return PackedCoder(k) if name == "packed" else DenseCoder(k)
    return LabelTileCoder(k, name, effort, entries)


def efforts_of(name: str) -> tuple[EffortName, ...]:
    """The efforts of a coder, least first; none where it has but one way."""
    return EFFORTS if name == "context" else ()
