"""`kq decode` of parts of a picture, of smaller ones, and of those larger than memory."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.options.common import parsed, together
from kqcodec.cli.screen.failures import STREAM, display_name, reading
from kqcodec.cli.screen.inputs import reading_kq
from kqcodec.format.names import SCALING_METHODS
from kqcodec.storage.atomic_write import is_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.format.header import Header
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.metadata import Metadata

# Equal to kqcodec.coding.downscale.MOST_TIMES; a test compares them.
MOST_TIMES = 4096
# From so many pixels on, TIFF files and arrays are written tile by tile.
_LARGE = 1 << 25
_IN_PIECES = ("TIFF", "NPY")


@parsed("not LEFT,TOP,RIGHT,BOTTOM in pixels, like 0,0,640,480")
def region(text: str) -> tuple[int, int, int, int]:
    """LEFT,TOP,RIGHT,BOTTOM."""
    found = re.fullmatch(r"(\d{1,10}),(\d{1,10}),(\d{1,10}),(\d{1,10})", text.replace(" ", ""))
    if found is None:
        raise ValueError
    left, top, right, bottom = (int(part) for part in found.groups())
    if right <= left or bottom <= top:
        raise click.BadParameter(
            f"{text!r} is empty: it is LEFT,TOP,RIGHT,BOTTOM, two corners rather than a width "
            "and a height."
        )
    return left, top, right, bottom


@parsed(f"not 1/N, like 1/8, with N up to {MOST_TIMES:,}")
def times_smaller(text: str) -> int:
    """1/N."""
    found = re.fullmatch(r"1/(\d{1,4})", text.strip())
    if found is None or not 1 <= int(found[1]) <= MOST_TIMES:
        raise ValueError
    return int(found[1])


@dataclass(frozen=True)
class Part:
    """What ``part_options`` puts on a command line."""

    region: tuple[int, int, int, int] | None
    scale: int | None
    scale_by: str | None

    @classmethod
    def taken_from(cls, given: dict[str, Any], labels: bool) -> Part:
        """The options, which leave the command's others behind; click.UsageError if they make no
        sense together."""
        part = cls(given.pop("region"), given.pop("scale"), given.pop("scale_by"))
        if part.scale_by is not None and part.scale is None:
            raise click.UsageError("--scale-by is about --scale, which is missing.")
        if labels and part.scale is not None and part.scale_by == "mean":
            raise click.UsageError("labels have no mean; use --scale-by nearest.")
        return cls(part.region, part.scale, part.scale_by or ("nearest" if labels else "mean"))

    @property
    def is_given(self) -> bool:
        """Whether less than all of the picture is asked for."""
        return self.region is not None or self.scale is not None


# The options of ``Part``.
part_options = together(
    click.option(
        "--region",
        type=region,
        metavar="LEFT,TOP,RIGHT,BOTTOM",
        help="Only this box; its right column and bottom row are not part of it. Only the "
        "tiles that it touches are read.",
    ),
    click.option(
        "--scale",
        type=times_smaller,
        metavar="1/N",
        help="N times smaller, 1/8 say; tile by tile, so that the whole needn't fit into memory.",
    ),
    click.option(
        "--scale-by",
        type=click.Choice(SCALING_METHODS),
        help="A pixel of the smaller picture is the mean of N x N, or the one in their "
        "middle, which keeps the palette.  [default: mean; with --labels nearest]",
    ),
)


def read_part(
    name: str, part: Part, threads: int, max_pixels: int
) -> tuple[IndexedImage | NDArray[np.uint8], Metadata]:
    """The part of the input ``name``, as an indexed image or, of means, as pixels of shape
    (H, W, 3) or (H, W, 4); a Failure if it can't be read, or has no such part."""
    from kqcodec.coding.kq_file import KqFile

    with reading_kq(name) as source, KqFile(source, threads=threads, max_pixels=max_pixels) as file:
        found: IndexedImage | NDArray[np.uint8]
        if part.scale is None:
            assert part.region is not None  # noqa: S101 - or there is no part
            found = file.region(part.region)
        elif part.scale_by == "nearest":
            found = file.scaled(part.scale, method="nearest", box=part.region)
        else:
            found = file.scaled(part.scale, box=part.region)
        return found, file.metadata


def mean_file(
    pixels: NDArray[np.uint8],
    metadata: Metadata,
    file_format: str,
    background: tuple[int, int, int] | None,
) -> bytes:
    """Pixels that aren't indexed as a file of that format; ValueError if it can't hold them."""
    from PIL import Image

    from kqcodec.coding.export import carried, check_alpha, npy_bytes, pillow_bytes
    from kqcodec.images.pixels import flattened

    if background is not None:
        pixels = flattened(pixels, background)
    check_alpha(pixels.shape[2] == 4, file_format)
    flat, metadata = carried(pixels.reshape(-1, pixels.shape[2]), metadata, file_format)
    pixels = flat.reshape(pixels.shape)
    if file_format == "NPY":
        return npy_bytes(pixels)
    return pillow_bytes(Image.fromarray(pixels), file_format, metadata)


def large_header(name: str, file_format: str, max_pixels: int) -> Header | None:
    """The header of an input that is to be written tile by tile; None for others, and a Failure
    for one over the limit."""
    if name == STREAM or file_format not in _IN_PIECES:
        return None
    from kqcodec.format.limits import Limits
    from kqcodec.format.short_form import read_header
    from kqcodec.storage.opening import open_source

    with reading(display_name(name)), open_source(name) as source:
        header = read_header(source)
        if header.pixels < _LARGE:
            return None
        Limits.of(max_pixels).by_tiles(source.size).check_picture(header)
    return header


def large_parts(
    name: str,
    target: str,
    file_format: str,
    *,
    labels: bool,
    background: tuple[int, int, int] | None,
    threads: int,
    max_pixels: int,
) -> Iterator[bytes]:
    """The parts of the file in that format."""
    from kqcodec.large.export import export_parts

    streams = target == STREAM or is_stream(target)
    folder = None if streams else os.path.dirname(os.path.abspath(target))
    with reading(display_name(name)):
        yield from export_parts(
            name,
            file_format,
            labels=labels,
            background=background,
            threads=threads,
            max_pixels=max_pixels,
            folder=folder,
        )
