"""From a quantized image to its file, as ``kqcodec.encode`` does it: what sizes that are
foretold or compared have to be about."""

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
class Filing:
    """How to write the file.

    Attributes:
        coding: the options of its coder.
        order_is_free: whether the coder may put the palette in an order of its own.
    """

    coding: CodingOptions
    order_is_free: bool

    @classmethod
    def after(cls, coder: CoderName, tile: TileSize, options: QuantizeOptions) -> Filing:
        """For images that ``quantize`` makes with those options.

        Raises:
            TypeError, ValueError: there are no such files.
        """
        return cls(options.coding(coder, tile), options.order_is_free)

    def ordered(self, indexed: IndexedImage) -> IndexedImage:
        """The image with its palette as the file has it."""
        return in_order_of(self.coding.coder, indexed) if self.order_is_free else indexed

    def size(self, indexed: IndexedImage) -> int:
        """The bytes of the file."""
        return encoded_size(self.ordered(indexed), self.coding)
