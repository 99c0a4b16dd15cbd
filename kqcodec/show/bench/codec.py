"""What takes part in a comparison: a tool, and the ways in which it may code."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqcodec.show.bench.subject import Pixels, Shape, Subject


@dataclass(frozen=True)
class Codec:
    """One way of turning an image into bytes and back, on one thread.

    Attributes:
        encode: gives the bytes that count, those of the palette included.
        decode: gives the pixels of bytes, and is told their shape.
        name: tells it from the other codecs of its tool.
        sees_order: whether other orders of the palette are worth trying, since it codes
            bare labels.
    """

    encode: Callable[[Subject], bytes]
    decode: Callable[[bytes, Shape], Pixels]
    name: str = ""
    sees_order: bool = False


@dataclass(frozen=True)
class Tool:
    """A row of the comparison; the smallest result of its codecs counts.

    Attributes:
        name: as users give and read it.
        codecs: what it tries.
        is_peer: whether it is one of the others, not .kq.
        missing: why it can't run here, or None; it also loads what is needed,
            so that no import is measured.
        max_colors, max_side: of images that it can hold.
    """

    name: str
    codecs: tuple[Codec, ...]
    is_peer: bool = True
    missing: Callable[[], str | None] = lambda: None
    max_colors: int | None = None
    max_side: int | None = None

    def refusal(self, shape: Shape) -> str | None:
        """Why the tool can't hold such an image, or None."""
        if self.max_colors is not None and shape.k > self.max_colors:
            return f"it holds at most {self.max_colors} colours"
        if self.max_side is not None and max(shape.width, shape.height) > self.max_side:
            return f"its sides are at most {self.max_side:,} pixels"
        return None


def needs(module: str, package: str) -> Callable[[], str | None]:
    """For ``Tool.missing``: import a module, or say which package has it."""

    def missing() -> str | None:
        try:
            importlib.import_module(module)
        except ImportError:
            return f"{package} isn't installed; pip install 'kqcodec[bench]' brings it"
        return None

    return missing
