"""Segmentation by colour: the labels of a picture as sets of pixels.

Each label of an indexed image is a segment. ``segment`` quantizes a picture, or
takes a label map as it is, and measures every segment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.id_table import IdTable
from kqcodec.colors import costs
from kqcodec.colors.values import with_alpha
from kqcodec.errors import LabelsError
from kqcodec.format.header import MAX_COLORS
from kqcodec.format.integers import shown, whole_number
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.images.pixels import image_pixels
from kqcodec.labels.connected_components import component_counts
from kqcodec.labels.ids import LabelMap, plane_of
from kqcodec.labels.segment import Segment
from kqcodec.quantization.quantizer import quantize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL import Image
    from typing_extensions import Unpack

    from kqcodec.format.labels import Labels
    from kqcodec.images.pixels import Color, ImageLike
    from kqcodec.quantization.options import SearchKeywords


# Pixels compared at a time: 2^18 * 255^2 * 6 * 255^2 is below 2^53.
_PART = 1 << 18


@dataclass(frozen=True, eq=False, repr=False)
class Segmentation:
    """A picture's segments.

    Attributes:
        indexed: palette and labels; of a label map the colours of its ids, and which of
            them, in ascending order, a pixel has.
        original: the pixels that were segmented, uint8, shape (H, W, 3), or
            (H, W, 4) with alpha, if known.
        segments: one for each palette entry, in its order.
        label_map: the one that was measured, if it was one.
    """

    indexed: IndexedImage
    original: NDArray[np.uint8] | None
    segments: tuple[Segment, ...]
    label_map: LabelMap | None = None

    @property
    def labels(self) -> NDArray[Any]:
        """Each pixel's label, of a label map its id: shape (H, W)."""
        if self.label_map is None:
            return self.indexed.labels
        return self.label_map.values.reshape(self.indexed.labels.shape)

    @property
    def k(self) -> int:
        """The number of segments, empty ones included."""
        return self.indexed.k

    @property
    def used(self) -> list[Segment]:
        """The segments that have pixels."""
        return [segment for segment in self.segments if segment.pixels]

    def __repr__(self) -> str:
        return f"<Segmentation {self.indexed.width}x{self.indexed.height}, K = {self.k}>"

    def mask(self, label: int) -> NDArray[np.bool_]:
        """Where a label is: bool, shape (H, W).

        Raises:
            ValueError: there is no such label.
        """
        if self.label_map is None:
            return self._alone(whole_number(label, "label", 0, self.k - 1))
        place = next((i for i, found in enumerate(self.segments) if found.label == label), None)
        if place is None:
            raise ValueError(f"there is no id {shown(label)} in the label map")
        return self._alone(place)

    def _alone(self, place: int) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = self.indexed.labels == place
        return mask

    def masks(self) -> Iterator[NDArray[np.bool_]]:
        """The masks of all labels, one after the other."""
        return (self._alone(place) for place in range(self.k))

    def components(self, connectivity: int = 8) -> NDArray[np.int64]:
        """How many connected parts each label has: int64, shape (K,).

        Args:
            connectivity: 4 or 8, the neighbours of a pixel.

        Raises:
            ImportError: SciPy isn't there; the extra ``segment`` brings it.
        """
        return component_counts(self.indexed.labels, self.k, connectivity)

    def rows(self, connectivity: int | None = None) -> list[dict[str, object]]:
        """The segments as flat rows, for CSV, JSON or a data frame.

        Args:
            connectivity: 4 or 8 to count connected components; None leaves them out.
        """
        counts = None if connectivity is None else self.components(connectivity)
        named = any(segment.name is not None for segment in self.segments)
        rows = []
        for place, segment in enumerate(self.segments):
            row: dict[str, object] = {
                "label": segment.label,
                **({"name": segment.name} if named else {}),
                "color": "#" + bytes(segment.color).hex(),
                "pixels": segment.pixels,
                "share": segment.share,
            }
            sides = ("left", "top", "right", "bottom")
            row.update(zip(sides, segment.box or (None,) * 4, strict=True))
            if counts is not None:
                row["components"] = int(counts[place])
            rows.append({**row, "mse": segment.mse, "mean_distance": segment.mean_distance})
        return rows

    def overlay(self, opacity: float = 0.5) -> Image.Image:
        """The original in grey under the segments' colours, their borders drawn.

        Colours that the segmentation chose itself are too like the original's, so
        the segments get others, far apart; a label map keeps its own.

        Args:
            opacity: of the colours, 0..1.
        """
        from kqcodec.labels.overlay import overlay

        return overlay(self.indexed, self.original, opacity)

    def contact_sheet(self) -> Image.Image:
        """The original, the segments' colours, the overlay, and each segment alone."""
        from kqcodec.labels.overlay import segment_sheet

        return segment_sheet(self.indexed, self.original, self.segments)

    def _repr_png_(self) -> bytes:
        """What Jupyter shows."""
        return self.indexed._repr_png_()


def segment(
    image: ImageLike | IndexedImage | LabelMap,
    k: int | None = None,
    *,
    original: ImageLike | None = None,
    threads: int | None = None,
    background: Color | None = None,
    **options: Unpack[SearchKeywords],
) -> Segmentation:
    """Segments a picture by colour, or measures a label map.

    Args:
        image: a picture for k-means to divide; a label map, as ``label_map`` returns it,
            whose ids, those that there are, are the segments, up to 65,536; or an indexed
            image, whose segments are all entries of its palette.
        k: how many segments at most, 1..65,536; None for labels.
        original: the picture that labels segment, if there is one.
        threads, background: as for ``quantize``.
        options: more of ``quantize``: ``effort``, ``seed``, ``restarts``, ``space``.

    Raises:
        ImageError, OSError: a picture can't be read or converted.
        LabelsError: a label map has more ids.
        TypeError, ValueError: a wrong argument, a volume, or an original of another size.
    """
    if isinstance(image, LabelMap):
        plane_of(image.values, "segments are those of a picture")
    if not isinstance(image, (IndexedImage, LabelMap)):
        if k is None:
            raise TypeError("k, the number of segments, is missing")
        if original is not None:
            raise TypeError("original is for an indexed image; a picture is its own")
        pixels = image_pixels(image, background=background)
        indexed = quantize(pixels, k, threads=threads, **options)
        return _measured(indexed, pixels)
    if k is not None:
        what = "an IndexedImage" if isinstance(image, IndexedImage) else "a LabelMap"
        raise TypeError(f"k is for pictures to segment; {what} has its own")
    given: NDArray[np.uint8] | None = None
    if original is not None:
        given = image_pixels(original, background=background)
        labels = image.labels if isinstance(image, IndexedImage) else image.values
        height, width = labels.shape[:2]
        if given.shape[:2] != (height, width):
            raise ValueError(
                f"the original has {given.shape[1]} x {given.shape[0]} pixels, but the label map "
                f"has {width} x {height}"
            )
    if isinstance(image, IndexedImage):
        return _measured(image, given)
    return _measured_ids(image, given)


def _measured_ids(found: LabelMap, original: NDArray[np.uint8] | None) -> Segmentation:
    """The segments of a label map: one for each id that there is."""
    table = IdTable.of(found.values)
    if table.entries > MAX_COLORS:
        raise LabelsError(
            f"the label map has {table.entries:,} ids, and up to {MAX_COLORS:,} are measured"
        )
    entries = table.entries_of(found.values.reshape(found.values.shape[:2]))
    indexed = IndexedImage(found.meaning.color_of(table.ids), entries)
    measured = _measured(indexed, original)
    segments = tuple(
        replace(segment, label=label, name=found.meaning.names.get(label))
        for segment, label in zip(measured.segments, map(int, table.ids), strict=True)
    )
    return replace(measured, segments=segments, label_map=found)


def _measured(indexed: IndexedImage, original: NDArray[np.uint8] | None) -> Segmentation:
    counts = np.bincount(indexed.labels.ravel(), minlength=indexed.k).tolist()
    boxes = _boxes(indexed.labels, indexed.k).tolist()
    means: list[tuple[float | None, float | None]] = [(None, None)] * indexed.k
    if original is not None:
        sums = zip(*_errors(indexed, original), counts, strict=True)
        means = [(a / n, b / n) if n else (None, None) for a, b, n in sums]
    segments = tuple(
        Segment(
            label=label,
            color=tuple(color),
            pixels=counts[label],
            share=counts[label] / indexed.labels.size,
            box=tuple(boxes[label]) if counts[label] else None,
            mse=means[label][0],
            mean_distance=means[label][1],
        )
        for label, color in enumerate(indexed.palette.tolist())
    )
    return Segmentation(indexed, original, segments)


def _boxes(labels: Labels, k: int) -> NDArray[np.int64]:
    """The bounding box of each label: shape (k, 4); zeros where there is none.

    A line's labels all get the line's number, first or last line first, so that
    what stays is the least or the greatest number.
    """
    boxes = np.zeros((k, 4), dtype=np.int64)
    for lines, low, high in ((labels, 1, 3), (np.ascontiguousarray(labels.T), 0, 2)):
        for number in range(len(lines)):
            boxes[lines[number], high] = number + 1
        for number in reversed(range(len(lines))):
            boxes[lines[number], low] = number
    return boxes


def _errors(indexed: IndexedImage, original: NDArray[np.uint8]) -> tuple[list[float], list[float]]:
    """For each label the sums of squared distances and of distances, as whole numbers
    until the end: parts are small enough for float64 to hold theirs."""
    palette = indexed.palette
    if palette.shape[-1] != original.shape[-1]:
        palette, original = with_alpha(palette), with_alpha(original)
    # Python's integers, because squares with alpha may leave 63 bits.
    squares = np.zeros(indexed.k, dtype=object)
    steps = np.zeros(indexed.k, dtype=object)
    labels, pixels = indexed.labels.ravel(), original.reshape(-1, original.shape[2])
    unit = 1
    for start in range(0, len(labels), _PART):
        part = labels[start : start + _PART]
        squared, unit = costs.squares(pixels[start : start + _PART], palette[part])
        squares += np.bincount(part, squared, indexed.k).astype(np.int64)
        distances = costs.distances_in_steps(squared, unit)
        steps += np.bincount(part, distances, indexed.k).astype(np.int64)
    return [total / unit for total in squares], [costs.steps_to_distance(n) for n in steps]
