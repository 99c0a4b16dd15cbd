"""What options say about quantizing every picture of a run alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.coding.layout import TileSize
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.pixels import ImageLike
    from kqcodec.quantization.goals import Goal
    from kqcodec.quantization.quantizer import CountedPixels


@dataclass(frozen=True)
class SearchSettings:
    """What ``search_options`` and their like say about the search for colours."""

    effort: str
    space: str
    seed: int
    restarts: int
    threads: int | None
    background: tuple[int, int, int] | None
    max_pixels: int

    @property
    def search(self) -> dict[str, Any]:
        """How k-means is to search."""
        names = ("effort", "space", "seed", "restarts", "threads")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Quantizing(SearchSettings):
    """The options of ``kqcodec.quantize`` and ``quantize_to``, and of the file to come; K is
    None where a palette is given."""

    k: int | None
    goal: Goal | None
    coder: str
    tile: TileSize

    def quantized(
        self,
        source: ImageLike | CountedPixels,
        palette: NDArray[np.uint8] | None = None,
        **more: Any,
    ) -> IndexedImage:
        """A picture in at most K colours, or in as many as the goal takes.

        Args:
            source: the picture.
            palette: to use instead of K colours.
            more: arguments of ``kqcodec.quantize`` besides.

        Raises:
            KqError, OSError: as ``kqcodec.quantize_to``.
        """
        from kqcodec.quantization.goals import quantize_to
        from kqcodec.quantization.quantizer import quantize

        more = {**self.search, "background": self.background, **more}
        if self.goal is None:
            return quantize(source, self.k, palette=palette, **more)
        return quantize_to(source, **asdict(self.goal), coder=self.coder, tile=self.tile, **more)
