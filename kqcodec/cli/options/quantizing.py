"""What options say about quantizing every picture of a run alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqcodec.cli.screen.failures import refusing_tile

if TYPE_CHECKING:
    from kqcodec.coding.layout import TileSize
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.pixels import ImageLike
    from kqcodec.quantization.goals import Goal
    from kqcodec.quantization.options import QuantizeOptions
    from kqcodec.quantization.quantizer import CountedPixels


@dataclass(frozen=True)
class Quantizing:
    """The options of ``kqcodec.quantize`` and ``quantize_to``, and of the file to come; K is
    None where a palette is given."""

    k: int | None
    goal: Goal | None
    coder: str
    tile: TileSize
    effort: str
    space: str
    seed: int
    restarts: int
    threads: int | None
    background: tuple[int, int, int] | None
    max_pixels: int

    @property
    def request(self) -> QuantizeOptions:
        """The options of ``kqcodec.quantize``."""
        from kqcodec.quantization.options import QuantizeOptions

        return QuantizeOptions(
            effort=self.effort,
            space=self.space,
            seed=self.seed,
            restarts=self.restarts,
            threads=self.threads,
            background=self.background,
        )

    def quantized(
        self, name: str, source: ImageLike | CountedPixels, request: QuantizeOptions
    ) -> IndexedImage:
        """The picture ``name`` in at most K colours, or in as many as the goal takes.

        Args:
            name: for messages.
            source: the picture.
            request: the options of ``kqcodec.quantize``.

        Raises:
            Failure: a tile of the file whose size counts would be too large.
            KqError, OSError: as ``kqcodec.quantize_to``.
        """
        from kqcodec.quantization.goals import quantized_to
        from kqcodec.quantization.quantizer import quantized

        if self.goal is None:
            return quantized(source, self.k, request)
        with refusing_tile(name):
            return quantized_to(source, self.goal, request, coder=self.coder, tile=self.tile)
