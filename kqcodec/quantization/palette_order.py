"""The order of a palette's entries, where it is free.

    coder       what the coder codes best; it may reorder further as it encodes
    luma        from dark to light, as ``kqcodec.quantization.finished_palette`` defines it
    frequency   the entry of most pixels first
    hue         greys and what is nearly grey first, then around the colour wheel from red

Where two entries are alike in that, luma decides, then the key. In every order but
the one by frequency what is fully transparent comes first, then what is translucent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.format.labels import label_dtype
from kqcodec.quantization.finished_palette import is_among, opacity_classes, stored_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.format.names import SortName
    from kqcodec.images.indexed_image import IndexedImage

# A sixth of the colour wheel.
_SIXTH = 1 << 16
# Channels that differ by less than this make a colour whose hue nobody sees.
_LEAST_CHROMA = 24


def palette_order(
    palette: NDArray[np.uint8], counts: NDArray[np.int64], sort: SortName
) -> NDArray[np.intp]:
    """The indices of entries, which have so many pixels each, in that order: intp, shape (K,);
    for "coder" in that by luma, of which most coders make the most."""
    ranks = luma_ranks(palette)
    if sort == "frequency":
        return np.lexsort((ranks, -counts))
    if sort == "hue":
        return np.lexsort((ranks, _hues(palette[:, :3]), opacity_classes(palette)))
    return np.argsort(ranks)


def luma_ranks(palette: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Each entry's place by luma, then key; repeated ones in their order: uint16, shape (K,)."""
    order = stored_order(palette)
    ranks = np.empty(len(palette), dtype=np.uint16)
    ranks[order] = np.arange(len(palette))
    return ranks


def rearranged(indexed: IndexedImage, sort: SortName, kept: NDArray[np.uint8]) -> IndexedImage:
    """The image with its palette in that order, without the entries that no label uses
    but for those ``kept``, opaque colours of shape (P, 3)."""
    palette = indexed.palette
    counts = np.bincount(indexed.labels.reshape(-1), minlength=len(palette))
    stays = (counts > 0) | is_among(palette, kept)
    order = palette_order(palette, counts, sort)
    order = order[stays[order]]
    renumber = np.zeros(len(palette), dtype=label_dtype(len(order)))
    renumber[order] = np.arange(len(order))
    return replace(indexed, palette=palette[order], labels=renumber[indexed.labels])


def _hues(palette: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The places on the colour wheel's hexagon, 0 to six sixths; -1 for what is nearly grey."""
    red, green, blue = palette.astype(np.int64).T
    highest, lowest = palette.max(axis=1).astype(np.int64), palette.min(axis=1).astype(np.int64)
    chroma = np.maximum(highest - lowest, 1)
    hues = np.where(
        highest == red,
        _SIXTH * (green - blue) // chroma % (6 * _SIXTH),
        np.where(
            highest == green,
            2 * _SIXTH + _SIXTH * (blue - red) // chroma,
            4 * _SIXTH + _SIXTH * (red - green) // chroma,
        ),
    )
    return np.where(highest - lowest < _LEAST_CHROMA, -1, hues)
