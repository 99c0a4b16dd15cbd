"""What a page tells, gathered: the quantized picture, its costs, segments and sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kqcodec.coding.encoder import encode_indexed
from kqcodec.coding.kq_file import KqFile
from kqcodec.format.names import CODERS
from kqcodec.labels.segments import segment
from kqcodec.quantization.elbow import elbow_of
from kqcodec.quantization.goals import KNEE_KS
from kqcodec.show.report.other_formats import other_format_sizes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.coding.size_report import SizeReport
    from kqcodec.colors.costs import Costs
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.labels.segments import Segmentation
    from kqcodec.quantization.elbow import Elbow
    from kqcodec.quantization.file_sizes import FileCoding
    from kqcodec.quantization.options import QuantizeOptions
    from kqcodec.quantization.quantizer import CountedPixels

# The elbow goes from 2 to here at least, and to twice the picture's K.
_LEAST_RANGE = 10
_LARGE_K = 256


@dataclass(frozen=True, eq=False)
class Content:
    """Everything on the page.

    Attributes:
        title: of the page, a file's name mostly.
        pixels: the original, uint8, shape (H, W, 3), or (H, W, 4) with alpha.
        indexed: the picture in K colours.
        costs: what it lost.
        elbow: cost and size in other numbers of colours.
        segments: the pixels of each colour.
        report: the bits of the file by the coder that was chosen.
        ours: by coder, the bytes of the file.
        other_formats: by name, the bytes of other formats.
        source_bytes: of the file that the picture came from, if known.
    """

    title: str
    pixels: NDArray[np.uint8]
    indexed: IndexedImage
    costs: Costs
    elbow: Elbow
    segments: Segmentation
    report: SizeReport
    ours: dict[str, int]
    other_formats: dict[str, int]
    source_bytes: int | None


def gather(
    counted: CountedPixels,
    indexed: IndexedImage,
    filed: FileCoding,
    *,
    title: str,
    source_bytes: int | None,
    options: QuantizeOptions,
) -> Content:
    """Measure all that a page tells of an original and of that in K colours, with its costs.

    The file whose bits are shown is coded as ``filed`` says, and keeps the palette's order;
    the options are those of the elbow.
    """
    assert indexed.costs is not None  # noqa: S101 - quantize always fills it
    coding = filed.coding
    data = encode_indexed(indexed, coding)
    ours: dict[str, int] = {
        coder: replace(filed, coding=replace(coding, coder=coder)).size(indexed)
        for coder in CODERS
        if coder != coding.coder
    }
    return Content(
        title=title,
        pixels=counted.pixels,
        indexed=indexed,
        costs=indexed.costs,
        elbow=elbow_of(counted, _ks(indexed.k), options, coders=CODERS, tile=coding.tile),
        segments=segment(indexed, original=counted.pixels),
        report=KqFile(data, threads=coding.threads, max_pixels=None).size_report(),
        ours={coding.coder: len(data), **ours},
        other_formats=other_format_sizes(indexed),
        source_bytes=source_bytes,
    )


def _ks(k: int) -> list[int]:
    """The numbers of colours whose costs are shown."""
    if k <= _LEAST_RANGE:
        return list(range(2, _LEAST_RANGE + 1))
    ks = {other for other in KNEE_KS if other <= 2 * k}
    return sorted(ks | {k}) if k <= _LARGE_K else sorted(ks)
