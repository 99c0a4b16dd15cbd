"""The coders: how the labels of a tile become bytes, and back.

Each is a module of its own behind one protocol; a tile is coded by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kqcodec.coders.dense import DenseCoder
from kqcodec.coders.packed import PackedCoder

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from kqcodec.image import Labels

DEFAULT_CODER = "dense"


class Coder(Protocol):
    """What the encoder and decoder need of a coder."""

    name: str

    def encode(self, labels: Labels, k: int) -> bytes:
        """The payload of a tile: ``labels`` of shape (h, w), values in 0..k-1."""

    def decode(self, payload: Buffer, k: int, out: Labels) -> None:
        """Fill ``out``, of shape (h, w), C-contiguous.

        Raises:
            InvalidDataError: not a payload that ``encode`` makes. What ``out``
                then holds is undefined.
        """


_CODERS: dict[str, Coder] = {coder.name: coder for coder in (PackedCoder(), DenseCoder())}


def coder_named(name: str) -> Coder:
    """The coder of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in _CODERS:
        raise ValueError(f"coder must be one of {', '.join(_CODERS)}, not {name!r}")
    return _CODERS[name]
