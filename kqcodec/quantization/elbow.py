"""The elbow: what a picture costs in every number of colours, and where the costs stop
falling fast.

All K share one histogram. A coder whose sizes follow from the header is asked for
its size; any other encodes the picture. Either way the bytes are those of the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kqcodec.format import sizes
from kqcodec.format.names import CODERS, DEFAULT_CODER
from kqcodec.quantization.elbow_point import ElbowPoint
from kqcodec.quantization.file_sizes import FileCoding
from kqcodec.quantization.knee import knee
from kqcodec.quantization.options import QuantizeOptions, number_of_colors
from kqcodec.quantization.quantizer import CountedPixels, count_pixels, quantized

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL import Image
    from typing_extensions import Unpack

    from kqcodec.coding.options import TileSize
    from kqcodec.format.names import CoderName
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.pixels import ImageLike
    from kqcodec.quantization.options import PictureKeywords

# What the lesson tries, and how often it starts anew.
NOTEBOOK_KS = range(2, 11)
NOTEBOOK_RESTARTS = 4


@dataclass(frozen=True, eq=False, repr=False)
class Elbow:
    """What ``elbow`` found.

    Attributes:
        points: by ascending K.
        knee: the K at the knee of the inertia, None where there is none.
        distance_knee: that at the knee of the sum of distances.
        unique_colors: of the original.
    """

    points: tuple[ElbowPoint, ...]
    knee: int | None
    distance_knee: int | None
    unique_colors: int
    _counted: CountedPixels
    _tile: TileSize
    _options: QuantizeOptions

    def __repr__(self) -> str:
        ks = [point.k for point in self.points]
        return f"<Elbow K = {ks[0]}..{ks[-1]}, knee {self.knee}>"

    def image(self, k: int) -> IndexedImage:
        """The picture in ``k`` colours, as ``quantize`` with the same options gives it."""
        return quantized(self._counted, k, self._options)

    def pictures(self, ks: Sequence[int] = (3, 6, 10)) -> Image.Image:
        """The original and the picture in these numbers of colours, side by side, with
        palettes and losses."""
        from kqcodec.images.contact_sheet import Column, contact_sheet

        coding = FileCoding.after(DEFAULT_CODER, self._tile, self._options)
        bits = sizes.color_bits(self._counted.pixels.shape[2] == 4)
        columns = [Column(self._counted.pixels, ("original", f"{bits} bits a pixel"))]
        for k in ks:
            indexed = self.image(k)
            assert indexed.costs is not None  # noqa: S101 - quantize always fills it
            loss = f"{indexed.costs.psnr:.2f} dB" if indexed.costs.inertia else "exact"
            file_bytes = coding.size(indexed)
            share = 100 * file_bytes / self._counted.pixels.size
            size = f"{file_bytes:,} bytes, {share:.1f}% of raw"
            columns.append(
                Column(indexed.to_pixels(), (f"K = {indexed.k:,}", loss, size), indexed.palette)
            )
        return contact_sheet(columns)

    def plot(self, title: str = "") -> Any:
        """Cost and size against K: a matplotlib figure, which Jupyter shows.

        Raises:
            ImportError: matplotlib isn't there; the extra ``plot`` brings it.
        """
        from kqcodec.quantization.elbow_figure import elbow_figure

        return elbow_figure(self.points, self.knee, title)

    def to_dict(self) -> dict[str, object]:
        """Every figure by name, ready for JSON."""
        return {
            "knee": self.knee,
            "distance_knee": self.distance_knee,
            "unique_colors": self.unique_colors,
            "points": [point.to_dict() for point in self.points],
        }


def elbow(
    image: ImageLike | CountedPixels,
    ks: Iterable[int] = NOTEBOOK_KS,
    *,
    coders: Sequence[CoderName] = CODERS,
    tile: TileSize = None,
    progress: Callable[[ElbowPoint], object] | None = None,
    **options: Unpack[PictureKeywords],
) -> Elbow:
    """What an image costs in every number of colours, and the knee of that curve.

    The knee is found by Kneedle (Satopää et al. 2011). It depends on the range of K as much as on
    the picture: it is where, *within that range*, more colours begin to matter little.

    Args:
        image: whatever ``quantize`` accepts.
        ks: numbers of colours, 1..65,536, in any order.
        coders: whose sizes to give.
        tile: as for ``encode``; sizes depend on it.
        progress: called with each point when it is known.
        options: of ``quantize``: ``space``, ``seed``, ``restarts`` (of k-means at each K,
            here 4 unless given), ``threads``, ``background``, ``pins``, ``dither`` and its
            kind; and ``effort``, which is that of the coders, too.

    Raises:
        ImageError, OSError: the image can't be read or converted.
        TypeError, ValueError: a wrong argument.
    """
    options.setdefault("restarts", NOTEBOOK_RESTARTS)
    chosen = QuantizeOptions(**options)
    if not isinstance(ks, Iterable):
        raise TypeError(f"ks must be numbers of colours, not {type(ks).__name__}")
    return elbow_of(image, ks, chosen, coders=coders, tile=tile, progress=progress)


def elbow_of(
    image: ImageLike | CountedPixels,
    ks: Iterable[int],
    options: QuantizeOptions,
    *,
    coders: Sequence[CoderName],
    tile: TileSize = None,
    progress: Callable[[ElbowPoint], object] | None = None,
) -> Elbow:
    """What ``elbow`` finds, with the options of ``quantize`` as one object; other arguments
    and the errors are those of ``elbow``."""
    codings = [FileCoding.after(coder, tile, options) for coder in coders]
    wanted = sorted({number_of_colors(k) for k in ks})
    if not wanted:
        raise ValueError("an elbow needs at least one K")
    if not isinstance(image, CountedPixels):
        image = count_pixels(image, threads=options.threads, background=options.background)
    points: list[ElbowPoint] = []
    for k in wanted:
        if points and points[-1].inertia == 0:  # exact: more colours change nothing
            points.append(replace(points[-1], k=k))
        else:
            points.append(_point(quantized(image, k, options), k, codings))
        if progress is not None:
            progress(points[-1])
    return Elbow(
        points=tuple(points),
        knee=_knee(points, [point.inertia for point in points]),
        distance_knee=_knee(points, [point.distance_sum for point in points]),
        unique_colors=len(image.colors),
        _counted=image,
        _tile=tile,
        _options=options,
    )


def _point(indexed: IndexedImage, k: int, codings: Sequence[FileCoding]) -> ElbowPoint:
    costs = indexed.costs
    assert costs is not None  # noqa: S101 - quantize always fills it
    return ElbowPoint(
        k=k,
        colors=indexed.k,
        inertia=costs.inertia,
        distance_sum=costs.distance_sum,
        mse=costs.mse,
        psnr=costs.psnr,
        theory_bits=sizes.theory_bits(costs.pixels, indexed.k, indexed.has_alpha),
        file_bytes={coding.coding.coder: coding.size(indexed) for coding in codings},
    )


def _knee(points: Sequence[ElbowPoint], costs: Sequence[float]) -> int | None:
    found = knee([point.k for point in points], costs)
    return None if found is None else points[found].k
