"""Pictures of a segmentation: the overlay and the contact sheet."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from kqcodec.images.contact_sheet import Column, contact_sheet
from kqcodec.images.pixels import WHITE, flattened
from kqcodec.quantization.finished_palette import LUMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kqcodec.format.labels import Labels
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.labels.segment import Segment

# Beyond it a sheet shows the largest segments only.
MOST_SEGMENTS = 61
# What a segment stands on when it is alone: paper, or ink where it is light
# itself, and the rest of the picture as a watermark, so many 256ths strong.
_PAPER, _INK = (250, 249, 246), (32, 32, 36)
_WATERMARK = 30
# Colours are mixed in parts of this.
_UNIT = 256
_LIGHT = 128
# A golden section of the circle apart, any number of hues in a row differ well.
_HUE_STEP = 0.618034
# The longer side that a sheet's pictures have at least, where there is as much.
_ENOUGH = 800
# Pictures less wide or high have no room for borders.
_ICON = 64
# Rows painted at a time.
_ROWS = 256


def overlay(
    indexed: IndexedImage, original: NDArray[np.uint8] | None, opacity: float
) -> Image.Image:
    """A picture, shape (H, W, 3) or (H, W, 4), in grey under the colours of its segments, their
    borders drawn; without an original the palette's colours alone.

    An indexed image without costs is a label map, whose colours mean something and are kept;
    others are replaced by ones that differ well.

    Raises:
        ValueError: the opacity of the colours is outside 0..1.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must be between 0 and 1, not {opacity}")
    labels = indexed.labels
    borders = _borders(labels)
    if original is None:
        out = indexed.to_rgb()
        out[borders] >>= 1
        return Image.fromarray(out)
    original = flattened(original, WHITE)
    share = round(opacity * _UNIT)
    tints = _tints(indexed).astype(np.uint16) * np.uint16(share) + np.uint16(_UNIT // 2)
    out = np.empty((*labels.shape, 3), dtype=np.uint8)
    for top in range(0, len(labels), _ROWS):
        rows = slice(top, top + _ROWS)
        grey = _grey(original[rows]) * np.uint16(_UNIT - share)
        out[rows] = (tints[labels[rows]] + grey[:, :, np.newaxis]) // np.uint16(_UNIT)
        out[rows][borders[rows]] >>= 1
    return Image.fromarray(out)


def _tints(indexed: IndexedImage) -> NDArray[np.uint8]:
    """A colour for each label: shape (K, 3)."""
    if indexed.costs is None:  # a label map: its colours mean something
        return flattened(indexed.palette, WHITE)
    colors = [
        colorsys.hsv_to_rgb(_HUE_STEP * label % 1, (0.85, 0.6)[label % 2], (1, 0.75)[label % 2])
        for label in range(indexed.k)
    ]
    samples: NDArray[np.uint8] = np.rint(np.array(colors) * 255).astype(np.uint8)
    return samples


def _borders(labels: Labels) -> NDArray[np.bool_]:
    """The pixels whose right or lower neighbour has another label; none in an icon,
    which they would cover."""
    borders = np.zeros(labels.shape, dtype=np.bool_)
    if min(labels.shape) < _ICON:
        return borders
    borders[:, :-1] = labels[:, :-1] != labels[:, 1:]
    borders[:-1] |= labels[:-1] != labels[1:]
    return borders


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Luma, ITU-R BT.601, rounded."""
    weighted = np.full(pixels.shape[:-1], 500, dtype=np.uint32)
    for channel, weight in enumerate(LUMA):
        weighted += pixels[..., channel].astype(np.uint32) * np.uint32(weight)
    return (weighted // np.uint32(1000)).astype(np.uint16)


def segment_sheet(
    indexed: IndexedImage, original: NDArray[np.uint8] | None, segments: Sequence[Segment]
) -> Image.Image:
    """One sheet of pictures: the original, if there is one, the palette's colours, the
    overlay, and the largest segments of those that have pixels, each alone. There is a segment
    for each entry of the palette."""
    used = [(place, segment) for place, segment in enumerate(segments) if segment.pixels]
    rgb = indexed.to_rgb()
    picture = rgb if original is None else flattened(original, WHITE)
    largest = sorted(used, key=lambda one: -one[1].pixels)[:MOST_SEGMENTS]
    columns = []
    if original is not None:
        size = f"{indexed.width:,} x {indexed.height:,}"
        columns.append(Column(_reduced(picture), ("original", size)))
    loss = "a label map"
    if indexed.costs is not None:
        loss = f"PSNR {indexed.costs.psnr:.2f} dB" if indexed.costs.inertia else "every pixel exact"
    caption = (f"K = {indexed.k:,}", loss)
    columns.append(Column(_reduced(rgb), caption, flattened(indexed.palette, WHITE)))
    colored = np.asarray(overlay(indexed, original, 0.5))
    hidden = "" if len(largest) == len(used) else f"the largest {len(largest)} are shown"
    columns.append(Column(_reduced(colored), ("segments", f"{len(used):,} used", hidden)))
    grounds = [_ground(picture, color) for color in (_PAPER, _INK)]
    lightness = _mean_greys(indexed.labels, picture, indexed.k)
    for place, segment in sorted(largest, key=lambda one: one[0]):
        color = flattened(np.array([segment.color], dtype=np.uint8), WHITE)
        ground = grounds[int(lightness[place] > _LIGHT)]
        mask = (indexed.labels == place)[:, :, np.newaxis]
        alone = _reduced(np.where(mask, picture, ground))
        has_error = indexed.costs is not None
        columns.append(Column(alone, _caption(segment, has_error), color))
    return contact_sheet(columns)


def _mean_greys(labels: Labels, picture: NDArray[np.uint8], k: int) -> NDArray[np.float64]:
    """The mean luma of the pixels of each label; 0 where there are none."""
    sums, counts = np.zeros(k), np.zeros(k)
    for top in range(0, len(labels), _ROWS):
        rows = slice(top, top + _ROWS)
        sums += np.bincount(labels[rows].ravel(), _grey(picture[rows]).ravel(), k)
        counts += np.bincount(labels[rows].ravel(), minlength=k)
    return sums / np.maximum(counts, 1)


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The pixels, or means of squares of them where that is more than a sheet shows."""
    factor = max(pixels.shape[:2]) // _ENOUGH
    if factor < 2:
        return pixels
    return np.asarray(Image.fromarray(pixels).reduce(factor))


def _ground(picture: NDArray[np.uint8], color: tuple[int, int, int]) -> NDArray[np.uint8]:
    ground = np.empty_like(picture)
    for top in range(0, len(picture), _ROWS):
        rows = slice(top, top + _ROWS)
        watermark = _grey(picture[rows])[:, :, np.newaxis] * np.uint16(_WATERMARK)
        plain = np.array(color, dtype=np.uint16) * np.uint16(_UNIT - _WATERMARK)
        ground[rows] = (watermark + plain) // np.uint16(_UNIT)
    return ground


def _caption(segment: Segment, has_error: bool) -> tuple[str, ...]:
    # The colours of a label map are names, and their errors mean nothing.
    error = f", MSE {segment.mse:,.1f}" if has_error else ""
    return (
        f"{segment.name or segment.label}: {100 * segment.share:.1f} %",
        f"{segment.pixels:,} pixels",
        "#" + bytes(segment.color).hex() + error,
    )
