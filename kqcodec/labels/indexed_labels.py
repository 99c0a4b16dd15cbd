"""Label maps as indexed images: for ids from 0 to 65,535, the ids themselves are indices of a
palette."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.format.header import MAX_COLORS
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.labels.color_tables import color_table
from kqcodec.labels.ids import LabelMap, as_integers, check_no_colors, id_range
from kqcodec.labels.label_maps import label_map

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from kqcodec.images.pixels import ImageLike
    from kqcodec.labels.color_tables import ColorTable


def indexed_labels(
    source: ImageLike | IndexedImage | LabelMap, palette: ColorTable | None = None
) -> IndexedImage:
    """The labels of ``source`` as an indexed image, each label unchanged.

    Args:
        source: as for ``label_map``; an indexed image stays as it is.
        palette: the colour table: integers 0..255 of shape (K, 3), or (K, 4) with alpha, or as
            flat as Pillow's ``putpalette`` takes them. Order, repeated and unused entries are
            kept. None for the source's own colours, and those of PASCAL VOC where it has none:
            as many as the greatest label, or the greatest that has a colour, needs.

    Raises:
        Whatever ``label_map`` does, and
        TypeError: the colour table isn't one.
        ValueError: a label is negative, over 65,535, or beyond the colour table.
    """
    if isinstance(source, IndexedImage):
        return source if palette is None else IndexedImage(color_table(palette), source.labels)
    found = label_map(source)
    labels = checked_labels(found.values)
    if palette is not None:
        return IndexedImage(color_table(palette), labels)
    colored = [key for key in found.meaning.colors if 0 <= key < MAX_COLORS]
    last = max(int(labels.max()), *colored) if colored else int(labels.max())
    return IndexedImage(found.meaning.color_of(np.arange(last + 1)), labels)


def checked_labels(source: Any) -> NDArray[Any]:
    """Integers of shape (H, W), from 0 to 65,535, from an array of whole numbers; raises
    TypeError or ValueError where it holds something else."""
    check_no_colors(source)
    array = as_integers(LabelMap(source).values, "indexed images have shape (H, W)")
    lowest, highest = id_range(array)
    if lowest < 0:
        raise ValueError(
            f"label {lowest} is negative, and labels are numbers from 0: shift them first, "
            f"with labels + {-lowest}"
        )
    if highest >= MAX_COLORS:
        raise ValueError(
            f"label {highest} is over {MAX_COLORS - 1:,}, the greatest that a .kq file holds: "
            "renumber them first, with np.unique(labels, return_inverse=True)"
        )
    return array


def label_picture(indexed: IndexedImage) -> Image.Image:
    """A Pillow image whose pixels are the labels: mode P with the palette where K
    is at most 256, else 16-bit grey."""
    if indexed.k <= 256:
        return indexed.to_pil()
    from PIL import Image

    return Image.fromarray(np.asarray(indexed.labels, dtype=np.uint16))
