"""What options say about quantizing every picture of a run alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kqcodec.cli.screen.failures import refusing_tile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.coding.options import TileSize
    from kqcodec.format.names import CoderName, EffortName, SpaceName
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.pixels import ImageLike
    from kqcodec.quantization.goals import Goal
    from kqcodec.quantization.quantizer import CountedPixels


@dataclass(frozen=True)
class Quantizing:
    """The options of ``kqcodec.quantize`` and ``quantize_to``, and of the file to come; K is
    None where a palette is given."""

    k: int | None
    goal: Goal | None
    coder: CoderName
    tile: TileSize
    effort: EffortName
    space: SpaceName
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

    def quantized(
        self,
        name: str,
        source: ImageLike | CountedPixels,
        palette: NDArray[np.uint8] | None = None,
        **more: Any,
    ) -> IndexedImage:
        """The picture ``name`` in at most K colours, or in as many as the goal takes.

        Args:
            name: for messages.
            source: the picture.
            palette: to use instead of K colours.
            more: arguments of ``kqcodec.quantize`` besides.

        Raises:
            Failure: a tile of the file whose size counts would be too large.
            KqError, OSError: as ``kqcodec.quantize_to``.
        """
        import kqcodec

        more = {**self.search, "background": self.background, **more}
        if self.goal is None:
            return kqcodec.quantize(source, self.k, palette=palette, **more)
        with refusing_tile(name):
            return kqcodec.quantize_to(
                source, **asdict(self.goal), coder=self.coder, tile=self.tile, **more
            )
