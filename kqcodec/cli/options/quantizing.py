"""What options say about quantizing every picture of a run alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kqcodec.coding.options import TileSize
    from kqcodec.format.names import CoderName, EffortName, SpaceName
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.pixels import ImageLike
    from kqcodec.quantization.goals import Goal
    from kqcodec.quantization.options import QuantizeOptions
    from kqcodec.quantization.quantizer import CountedPixels


@dataclass(frozen=True)
class SearchSettings:
    """What ``search_options`` and their like say about the search for colours."""

    effort: EffortName
    space: SpaceName
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


@dataclass(frozen=True)
class Quantizing(SearchSettings):
    """The options of ``kqcodec.quantize`` and ``quantize_to``, and of the file to come; K is
    None where a palette is given."""

    k: int | None
    goal: Goal | None
    coder: CoderName
    tile: TileSize

    def quantized(
        self, source: ImageLike | CountedPixels, request: QuantizeOptions
    ) -> IndexedImage:
        """A picture in at most K colours, or in as many as the goal takes; raises what
        ``kqcodec.quantize_to`` raises."""
        from kqcodec.quantization.goals import quantized_to
        from kqcodec.quantization.quantizer import quantized

        if self.goal is None:
            return quantized(source, self.k, request)
        return quantized_to(source, self.goal, request, coder=self.coder, tile=self.tile)
