"""The sizes of files that ``kqcodec.encode`` would make of quantized images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqcodec.coding.encoder import encoded_size, in_order_of

if TYPE_CHECKING:
    from kqcodec.coding.options import CodingOptions, TileSize
    from kqcodec.format.names import CoderName
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.quantization.options import QuantizeOptions


@dataclass(frozen=True)
class FileCoding:
    """How a quantized image is coded into a file.

    Attributes:
        coding: the options of its coder.
        order_is_free: whether the coder may put the palette in an order of its own.
    """

    coding: CodingOptions
    order_is_free: bool

    @classmethod
    def after(cls, coder: CoderName, tile: TileSize, options: QuantizeOptions) -> FileCoding:
        """The coding of images that ``quantize`` makes with these options; raises TypeError or
        ValueError for a wrong coder or tile."""
        return cls(options.coding(coder, tile), options.order_is_free)

    def ordered(self, indexed: IndexedImage) -> IndexedImage:
        """The image with its palette as the file has it."""
        return in_order_of(self.coding.coder, indexed) if self.order_is_free else indexed

    def size(self, indexed: IndexedImage) -> int:
        """How many bytes the file has."""
        return encoded_size(self.ordered(indexed), self.coding)
