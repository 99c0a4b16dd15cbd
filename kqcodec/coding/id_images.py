"""Label maps as indexed images, whose labels are the ids, as far as palettes have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.errors import LabelsError
from kqcodec.format.header import MAX_COLORS
from kqcodec.format.labels import Labels, label_dtype
from kqcodec.images.indexed_image import IndexedImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.coding.id_table import IdTable
    from kqcodec.coding.meaning import Meaning
    from kqcodec.images.metadata import Metadata


def indexed_ids(
    entries: Labels, table: IdTable, meaning: Meaning, metadata: Metadata
) -> IndexedImage:
    """A label map as a picture, whose labels are the ids; LabelsError if there is one that no
    palette has."""
    palette = palette_of_ids(table, meaning)
    shown: Labels = table.ids.astype(label_dtype(len(palette)))
    labels: Labels = shown[entries]
    labels.flags.writeable = False
    return IndexedImage(palette, labels, metadata=metadata)


def palette_of_ids(table: IdTable, meaning: Meaning) -> NDArray[np.uint8]:
    """The colours of the ids from 0 to the greatest: uint8, shape (K, 3), or (K, 4) with alpha;
    LabelsError if there is an id that no palette has."""
    lowest, highest = int(table.distinct[0]), int(table.distinct[-1])
    if lowest < 0 or highest >= MAX_COLORS:
        wrong = lowest if lowest < 0 else highest
        raise LabelsError(
            f"a label map with the id {wrong}, which no palette has: its ids are to be had "
            "with decode_labels(), or KqFile.labels()"
        )
    return meaning.color_of(np.arange(highest + 1))
