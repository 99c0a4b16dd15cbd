"""Dithering: spreading what each pixel's palette entry is off by over its
neighbours, so that areas get the right colour on average.

Three kinds, all in the space in which the palette was chosen, in integers:

    floyd-steinberg   the error goes to the pixels that come after (Floyd & Steinberg
                      1976), rows running to the right and to the left in turn
    blue-noise        each colour becomes a mix of 64 entries, each chosen with the
                      error of those before it (Knoll's pattern dithering, 1999); a
                      threshold for each place chooses among them. The thresholds are
                      blue noise of 64 x 64 by void and cluster (Ulichney 1993)
    bayer             the same with Bayer's 8 x 8 thresholds (1973)

The last two look at nothing but a pixel's colour and place, so equal areas stay
equal and a picture can change in one place without changing in others. A pixel
whose colour is in the palette, and which no error reaches, keeps it.

With a strength below 1 that part of each error is passed on. As k-means puts
entries into the middle of clusters, colours at their rim are no mix of any, and
full strength piles their errors up: about 0.85 has the lowest error from afar.

Only opaque pixels are dithered: what is transparent stays exactly so.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.colors.costs import costs_of_pixels
from kqcodec.colors.histogram import colors_of_keys, keys_of_colors
from kqcodec.colors.spaces import TOP, space_of
from kqcodec.colors.values import OPAQUE_ALPHA
from kqcodec.format.integers import real_number
from kqcodec.format.names import DITHER_KINDS, check_name
from kqcodec.kernels import kernels
from kqcodec.quantization.palette_order import luma_ranks
from kqcodec.storage.threads import ordered_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.colors.spaces import Space
    from kqcodec.format.labels import Labels
    from kqcodec.format.names import DitherKind, SpaceName
    from kqcodec.images.indexed_image import IndexedImage


# The strength in whole numbers.
FULL = 256
# Entries in a mix, and different thresholds.
_MIX = 64
_BAYER_SIDE = 8
_BLUE_SIDE = 64
# The width of the Gaussian by which void and cluster measures crowding, squared.
_BLUE_SIGMA_SQUARED = Decimal("2.25")
_BLUE_UNIT = 1 << 30
_ARITHMETIC = Context(prec=28, rounding=ROUND_HALF_EVEN)  # whatever the caller's is
# Pixels dithered at a time.
_DIFFUSED = 1 << 20
_MIXED = 1 << 18


def dither_strength(amount: float, kind: DitherKind) -> int:
    """The strength 0..256 that an amount 0..1 means; raises TypeError or ValueError where it
    isn't such an amount, or there is no such kind."""
    amount = real_number(amount, "dither")
    if not 0 <= amount <= 1:  # not a number, too
        raise ValueError(f"dither must be from 0 to 1, not {amount}")
    check_name(kind, DITHER_KINDS, "dither_kind")
    return round(amount * FULL)


def dithered(
    pixels: NDArray[np.uint8],
    indexed: IndexedImage,
    space: SpaceName,
    *,
    strength: int,
    kind: DitherKind,
    threads: int,
) -> IndexedImage:
    """The indexed image of these pixels, shape (H, W, 3) or (H, W, 4), with its opaque
    pixels dithered among its opaque entries, and with the costs of that.

    The result doesn't depend on ``threads``, of which only the kinds with
    thresholds can use several.
    """
    assert indexed.costs is not None  # noqa: S101 - quantizing has filled it
    if indexed.costs.mse == 0:
        return indexed
    labels = dithered_labels(
        pixels,
        indexed.palette,
        indexed.labels,
        space,
        strength=strength,
        kind=kind,
        threads=threads,
    )
    costs = costs_of_pixels(pixels, indexed.palette, labels, like=indexed.costs)
    return replace(indexed, labels=labels, costs=costs)


def dithered_labels(
    pixels: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    labels: Labels,
    space: SpaceName,
    *,
    strength: int,
    kind: DitherKind,
    threads: int,
    mask: NDArray[np.bool_] | None = None,
    place: tuple[int, int] = (0, 0),
) -> Labels:
    """The labels of these pixels, shape (H, W, 3) or (H, W, 4), dithered.

    Args:
        pixels: the rectangle of a picture whose first row and column are ``place`` there.
        palette: shape (K, 3), or (K, 4) where the pixels have alpha.
        labels: those that pixels keep that aren't opaque, shape (H, W).
        space, strength, kind, threads: as for ``dithered``.
        mask: where to dither, shape (H, W); errors end elsewhere, and labels stay. None for
            everywhere.
    """
    entries = np.arange(len(palette))
    if mask is None:
        mask = np.ones(labels.shape, dtype=np.bool_)
    if pixels.shape[2] == 4:
        mask = mask & (pixels[:, :, 3] == OPAQUE_ALPHA)
        entries = np.flatnonzero(palette[:, 3] == OPAQUE_ALPHA)
        if len(entries) == 0:
            return labels
    rgb, colors = pixels[:, :, :3], palette[entries, :3]
    if kind == "floyd-steinberg":
        found = _diffused(rgb, mask, colors, space_of(space), strength)
    else:
        matrix = _bayer() if kind == "bayer" else _blue_noise()
        found = _mixed(
            rgb,
            colors,
            space_of(space),
            strength=strength,
            thresholds=np.roll(matrix, (-place[0], -place[1]), axis=(0, 1)),
            threads=threads,
        )
    chosen: Labels = np.where(mask, entries.astype(labels.dtype)[found], labels)
    return chosen


def _diffused(
    pixels: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    palette: NDArray[np.uint8],
    space: Space,
    strength: int,
) -> NDArray[np.uint16]:
    """Labels where the mask is; errors end where it isn't, and labels are 0."""
    height, width = mask.shape
    centers = space.points(palette)
    labels = np.zeros((height, width), dtype=np.uint16)
    errors = np.zeros((width + 2, 4), dtype=np.int32)
    rows = max(1, _DIFFUSED // width)
    for top in range(0, height, rows):
        band = slice(top, top + rows)
        points = space.points(pixels[band].reshape(-1, 3)).reshape(-1, width, 4)
        kernels.diffuse(
            points,
            mask[band],
            centers,
            errors,
            labels[band],
            strength=strength,
            backwards=top % 2 == 1,
        )
    return labels


def _mixed(
    pixels: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    space: Space,
    *,
    strength: int,
    thresholds: NDArray[np.uint8],
    threads: int,
) -> NDArray[np.uint16]:
    height, width = pixels.shape[:2]
    centers = space.points(palette)
    rank = luma_ranks(palette)
    by_rank = np.argsort(rank).astype(np.uint16)
    side = len(thresholds)
    labels = np.empty((height, width), dtype=np.uint16)

    def dither(top: int) -> None:
        band = pixels[top : top + rows]
        keys, inverse = np.unique(keys_of_colors(band), return_inverse=True)
        # In Morton order, in which neighbours share candidates.
        order = kernels.morton_order(keys)
        mixes = rank[_mixes(space.points(colors_of_keys(keys[order])), centers, strength)]
        mixes.sort(axis=1)
        place = np.empty_like(order)
        place[order] = np.arange(len(order), dtype=np.uint32)
        y, x = np.ogrid[top : top + len(band), 0:width]
        chosen = mixes[place[inverse].reshape(band.shape[:2]), thresholds[y % side, x % side]]
        labels[top : top + rows] = by_rank[chosen]

    rows = max(1, _MIXED // width)
    tops = range(0, height, rows)
    for _ in ordered_map(dither, tops, min(threads, len(tops))):
        pass
    return labels


def _mixes(
    points: NDArray[np.int16], centers: NDArray[np.int16], strength: int
) -> NDArray[np.uint16]:
    """For each point the entries that replace it, one after the other the nearest to
    the point and the sum of the errors so far: uint16, shape (N, 64)."""
    mixes = np.empty((_MIX, len(points)), dtype=np.uint16)
    distances = np.empty(len(points), dtype=np.int32)
    wide, wide_centers = points.astype(np.int32), centers.astype(np.int32)
    errors = np.zeros_like(wide)
    for labels in mixes:
        goals = wide + (errors + FULL // 2) // FULL
        np.clip(goals, -TOP // 2, TOP + TOP // 2, out=goals)
        kernels.nearest(goals.clip(0, TOP).astype(np.int16), centers, labels, distances)
        np.subtract(goals, wide_centers.take(labels, axis=0), out=errors)
        errors *= strength
    return np.ascontiguousarray(mixes.T)


@lru_cache(maxsize=1)
def _bayer() -> NDArray[np.uint8]:
    """Bayer's thresholds 0..63: each matrix is four of half its side, 4 M + 0 2 3 1."""
    matrix = np.zeros((1, 1), dtype=np.uint8)
    while len(matrix) < _BAYER_SIDE:
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix


@lru_cache(maxsize=1)
def _blue_noise() -> NDArray[np.uint8]:
    """Thresholds 0..63 without low frequencies, whose tiles fit together.

    Void and cluster: of ones scattered on a torus the most crowded moves to the
    emptiest place until that is where it was. Taking the most crowded away one by
    one ranks these ones; filling the emptiest places ranks the rest.
    """
    side = _BLUE_SIDE
    crowd = _crowding()
    ones = _scattered(crowd)
    ranks = np.empty((side, side), dtype=np.int64)
    pattern, density = ones.copy(), _density(ones, crowd)
    for rank in range(int(ones.sum()) - 1, -1, -1):
        ranks[_turned(True, pattern, density, crowd)] = rank
    pattern, density = ones.copy(), _density(ones, crowd)
    for rank in range(int(ones.sum()), side * side):
        ranks[_turned(False, pattern, density, crowd)] = rank
    return (ranks * _MIX // (side * side)).astype(np.uint8)


def _scattered(crowd: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Evenly scattered ones, a tenth of all places."""
    side = len(crowd)
    # An additive sequence with the plastic number's ratios: scattered, and no random draw.
    steps = np.arange(side * side // 10, dtype=np.int64)
    rows, columns = steps * 3_242_174_889 >> 26, steps * 2_447_445_414 >> 26
    pattern = np.zeros((side, side), dtype=np.bool_)
    pattern[rows % side, columns % side] = True
    density = _density(pattern, crowd)
    while True:
        crowded = _turned(True, pattern, density, crowd)
        if _turned(False, pattern, density, crowd) == crowded:
            return pattern


def _crowding() -> NDArray[np.int64]:
    """How much a one at (0, 0) crowds each place of the torus: exp(-d^2 / 2 s^2) in whole
    numbers, whose digits decimal arithmetic makes the same everywhere."""
    side = _BLUE_SIDE
    near = [min(i, side - i) ** 2 for i in range(side)]
    with localcontext(_ARITHMETIC):
        levels = {
            square: int((Decimal(-square) / (2 * _BLUE_SIGMA_SQUARED)).exp() * _BLUE_UNIT)
            for square in {a + b for a in near for b in near}
        }
    return np.array([[levels[a + b] for b in near] for a in near], dtype=np.int64)


def _density(pattern: NDArray[np.bool_], crowd: NDArray[np.int64]) -> NDArray[np.int64]:
    density = np.zeros_like(crowd)
    for place in np.argwhere(pattern).tolist():
        density += np.roll(crowd, place, axis=(0, 1))
    return density


def _turned(
    one: bool, pattern: NDArray[np.bool_], density: NDArray[np.int64], crowd: NDArray[np.int64]
) -> tuple[int, int]:
    """Take the most crowded ``one`` away, or else put one into the emptiest place; of several
    places the first. Returns it."""
    sign = 1 if one else -1
    ranked = np.where(pattern == one, sign * density, np.iinfo(np.int64).min)
    row, column = divmod(int(ranked.argmax()), len(pattern))
    pattern[row, column] = not one
    density -= sign * np.roll(crowd, (row, column), axis=(0, 1))
    return row, column
