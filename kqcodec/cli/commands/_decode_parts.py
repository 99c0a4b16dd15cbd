"""`kq decode` of parts of a picture, of smaller ones, and of those larger than memory."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.options.common import parsed, together
from kqcodec.cli.screen.failures import STREAM, USAGE, Failure, display_name, reading
from kqcodec.format.names import SCALING_METHODS
from kqcodec.storage.atomic_write import is_stream
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.coding.kq_file import KqFile
    from kqcodec.format.names import ScalingMethod
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
    scale_by: ScalingMethod | None

    @classmethod
    def taken_from(cls, given: dict[str, Any], labels: bool) -> Part:
        """The options, which leave the command's others behind; click.UsageError if they make no
        sense together."""
        part = cls(given.pop("region"), given.pop("scale"), given.pop("scale_by"))
        if part.scale_by is not None and part.scale is None:
            raise click.UsageError("--scale-by is about --scale, which is missing.")
        if labels and part.scale is not None and part.scale_by == "mean":
            raise click.UsageError("labels have no mean; use --scale-by nearest.")
        return replace(part, scale_by="nearest") if labels else part

    def method(self, default: ScalingMethod) -> ScalingMethod:
        """What --scale-by names, or that."""
        return self.scale_by or default

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
        "middle, which keeps the palette.  [default: mean; of labels nearest]",
    ),
)


def read_part(file: KqFile, part: Part) -> IndexedImage | NDArray[np.uint8]:
    """The part of the picture, or all of it, as an indexed image; of means, or of a label map in
    its colours, as pixels of shape (H, W, 3) or (H, W, 4)."""
    if part.scale is not None and part.method("mean") == "mean":
        return file.scaled(part.scale, box=part.region)
    if file.is_label_map:
        from kqcodec.coding.label_files import painted

        frame = 0 if file.is_volume else None
        ids = file.labels(part.region, frame=frame, times=part.scale or 1)
        return painted(ids, file.meaning)
    if part.scale is not None:
        return file.scaled(part.scale, method="nearest", box=part.region)
    return file.read() if part.region is None else file.region(part.region)


def part_of_frame(frame: IndexedImage, part: Part) -> IndexedImage | NDArray[np.uint8]:
    """The part of a frame that was decoded whole, as ``read_part`` has it."""
    from kqcodec.coding.encoder import encode_indexed
    from kqcodec.coding.kq_file import KqFile
    from kqcodec.coding.options import CodingOptions
    from kqcodec.images.indexed_image import IndexedImage

    alone = encode_indexed(frame, CodingOptions(coder="packed", threads=1))
    with KqFile(alone, threads=1, max_pixels=None) as file:
        found = read_part(file, part)
    return found.lasting(frame.duration) if isinstance(found, IndexedImage) else found


def still_file(
    found: IndexedImage | NDArray[np.uint8],
    metadata: Metadata,
    file_format: str,
    labels: bool,
    background: tuple[int, int, int] | None,
) -> tuple[list[bytes], dict[str, Any]]:
    """What ``read_part`` has found as a file of that format, in memory, so that a picture that
    the format can't hold leaves no file; of its labels, if they are wanted. The figures, too."""
    from kqcodec.images.indexed_image import IndexedImage

    if not isinstance(found, IndexedImage):
        with for_format(found.shape[2] == 4):
            return [mean_file(found, metadata, file_format, background)], figures_of(found)
    if background is not None:
        found = found.flattened(background)
    return _picture_file(found, file_format, labels), figures_of(found)


def figures_of(found: IndexedImage | NDArray[np.uint8]) -> dict[str, Any]:
    """The figures of what ``read_part`` has found, ready for JSON; means have no palette."""
    from kqcodec.images.indexed_image import IndexedImage

    if isinstance(found, IndexedImage):
        size = {"width": found.width, "height": found.height}
        return {**size, "k": found.k, "alpha": found.has_alpha}
    height, width, channels = found.shape
    return {"width": width, "height": height, "alpha": channels == 4}


def _picture_file(indexed: IndexedImage, file_format: str, labels: bool) -> list[bytes]:
    from kqcodec.coding.export import npy_bytes, picture_bytes, pillow_bytes
    from kqcodec.labels.indexed_labels import label_picture

    with for_format(indexed.has_alpha):
        if not labels:
            return [picture_bytes(indexed, file_format)]
        if file_format == "NPY":
            return [npy_bytes(indexed.labels)]
        return [pillow_bytes(label_picture(indexed), file_format, indexed.metadata)]


@contextlib.contextmanager
def for_format(has_alpha: bool) -> Iterator[None]:
    """Turn the exception of a format that can't hold a picture into a Failure."""
    try:
        yield
    except ValueError as exc:
        other = ", or give a --background" if has_alpha else ""
        raise Failure(USAGE, f"{exc}; choose another extension, .png say{other}") from exc


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


def is_large(file: KqFile, name: str, file_format: str, max_pixels: int) -> bool:
    """Whether an open input is to be written tile by tile; LimitError if it is over the limit."""
    from kqcodec.format.limits import Limits

    if name == STREAM or file_format not in _IN_PIECES or file.header.pixels < _LARGE:
        return False
    with open_source(name) as source:
        Limits.of(max_pixels).by_tiles(source.size).check_picture(file.header)
    return True


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
