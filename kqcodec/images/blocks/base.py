"""The base of all pictures that are read in rectangles, and what their samples mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqcodec.format.grid import Grid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.format.grid import Box

# About so many pixels are read at a time where the source doesn't mind.
_BLOCK_PIXELS = 1 << 21


@dataclass(frozen=True, eq=False)
class Interpretation:
    """What samples mean, where a file says so (TIFF's photometric interpretation).

    Attributes:
        color_table: the colours that samples pick, uint8, shape (N, 3).
        profile: an ICC profile that the colours are in.
        inverted: whether 0 is white.
        premultiplied: whether colours are multiplied by their alpha.
        ignored: whether the last sample means nothing.
    """

    color_table: NDArray[np.uint8] | None = None
    profile: bytes | None = None
    inverted: bool = False
    premultiplied: bool = False
    ignored: bool = False


class Blocks(ABC):
    """A picture's samples, rectangle by rectangle. A context manager that closes.

    Attributes:
        name: for messages.
        width, height: in pixels, at least 1.
        samples: of a pixel: 1 grey, 2 grey and alpha, 3 or 4; 0 if there is no such axis.
        dtype: theirs.
        chunk: (width, height) of what is stored together, so that reading a part of it
            costs as much as all; None where any rectangle is as good as another.
        interpretation: what the samples mean.
        of_file: whether a dtype that means nothing is a file's fault.
        rereadable: whether ``read`` may be called in any order and more than once;
            otherwise once, in the order of ``boxes``.
    """

    name: str
    width: int
    height: int
    samples: int
    dtype: np.dtype[Any]
    chunk: tuple[int, int] | None = None
    interpretation: Interpretation = Interpretation()
    of_file: bool = False
    rereadable: bool = True

    @abstractmethod
    def read(self, box: Box) -> NDArray[Any]:
        """The samples of a rectangle: shape (h, w) or (h, w, samples), the caller's to keep.

        Several threads may call it. Whatever it raises means that they can't be read.
        """

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Close the files that are read."""

    def __enter__(self) -> Blocks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def bytes_a_pixel(self) -> int:
        """Bytes that the samples of a pixel take."""
        return max(1, self.samples) * int(self.dtype.itemsize)

    def boxes(self, tiles: Grid) -> Grid:
        """The rectangles to read the picture in, for a file of such tiles: these, if no
        chunk is then read twice, or else chunks, several where they are small."""
        if self.rereadable and self._fits(tiles):
            return tiles
        wide, high = self.chunk or (1, 1)
        wide, high = min(wide, self.width), min(high, self.height)
        width = min(wide * max(1, _BLOCK_PIXELS // (wide * high)), self.width)
        height = high
        if width == self.width:
            height = min(high * max(1, _BLOCK_PIXELS // (width * high)), self.height)
        return Grid(self.width, self.height, width, height)

    def _fits(self, tiles: Grid) -> bool:
        if self.chunk is None:
            return True
        wide, high = self.chunk
        return (tiles.tile_width % wide == 0 or tiles.columns == 1) and (
            tiles.tile_height % high == 0 or tiles.rows == 1
        )
