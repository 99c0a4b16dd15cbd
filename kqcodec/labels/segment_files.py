"""A segmentation as files: label maps, masks, pictures and tables."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from PIL import Image

from kqcodec.coding.export import pillow_bytes
from kqcodec.coding.label_files import encoded_labels
from kqcodec.coding.meaning import Meaning
from kqcodec.coding.options import DEFAULT_CODING, CodingOptions
from kqcodec.images.metadata import Metadata
from kqcodec.labels.ids import LabelMap
from kqcodec.labels.saving import label_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqcodec.labels.segments import Segmentation

# What there is to write, and what each is called. Masks are called by their labels;
# a label without pixels has none.
NAMES = {
    "kq": "labels.kq",
    "png": "labels.png",
    "npy": "labels.npy",
    "masks": "mask-{label}.png",
    "overlay": "overlay.png",
    "sheet": "contact-sheet.png",
    "csv": "segments.csv",
    "json": "segments.json",
}
LABEL_KINDS = ("kq", "png", "npy")


def file_names(kinds: Sequence[str], segmentation: Segmentation | None = None) -> list[str]:
    """The names of the files that ``segment_files`` makes; without a segmentation
    those that don't depend on it, all but the masks."""
    names = []
    for kind in kinds:
        if kind != "masks":
            names.append(NAMES[kind])
        elif segmentation is not None:
            digits = len(str(segmentation.segments[-1].label))
            names += [NAMES[kind].format(label=f"{s.label:0{digits}}") for s in segmentation.used]
    return names


def segment_files(
    segmentation: Segmentation,
    kinds: Sequence[str],
    *,
    connectivity: int | None = None,
    opacity: float = 0.5,
    coding: CodingOptions = DEFAULT_CODING,
) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files, made one after the other, for kinds out of ``NAMES``.

    With a ``connectivity``, 4 or 8, the tables count connected components. The opacity is
    that of the overlay, the coding that of the labels' .kq file.
    """
    names = iter(file_names(kinds, segmentation))
    for kind in kinds:
        if kind == "masks":
            for segment, mask in zip(segmentation.segments, segmentation.masks(), strict=True):
                if segment.pixels:
                    yield next(names), _png(Image.fromarray(mask))
        elif kind == "overlay":
            yield next(names), _png(segmentation.overlay(opacity))
        elif kind == "sheet":
            yield next(names), _png(segmentation.contact_sheet())
        elif kind == "csv":
            yield next(names), table_csv(segmentation.rows(connectivity))
        elif kind == "json":
            rows = segmentation.rows(connectivity)
            yield next(names), (json.dumps(rows, indent=1) + "\n").encode()
        else:
            yield next(names), label_file(segmentation, kind, coding)


def label_file(
    segmentation: Segmentation, kind: str, coding: CodingOptions = DEFAULT_CODING
) -> bytes:
    """The label map as "kq", with the segments' colours, as "png" (palette indices, or 16-bit grey
    over 256 labels) or as "npy"; ValueError if there are ids that a PNG doesn't hold."""
    found = segmentation.label_map
    if found is None:
        colors = dict(enumerate(map(tuple, segmentation.indexed.palette.tolist())))
        found = LabelMap(segmentation.labels, Meaning(colors=colors))
    if kind == "kq":
        return b"".join(encoded_labels(found.values, coding, found.meaning.sections()))
    ((_, data),) = label_files(found, "", f".{kind}", rgb=False)
    return data


def table_csv(rows: Sequence[dict[str, object]]) -> bytes:
    """Rows of the same names as CSV in UTF-8; None is an empty field."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _png(image: Image.Image) -> bytes:
    return pillow_bytes(image, "PNG", Metadata())
