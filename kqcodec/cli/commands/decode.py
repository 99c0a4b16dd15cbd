"""`kq decode`: .kq files to pictures."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.driver import Batch, BatchOptions, batch_options
from kqcodec.cli.commands._decode_parts import (
    Part,
    is_large,
    large_parts,
    part_options,
    read_part,
    still_file,
)
from kqcodec.cli.commands._frame_outputs import (
    FrameFiles,
    FrameOptions,
    write_frames,
    write_slices,
)
from kqcodec.cli.commands._label_outputs import (
    ZarrOutputs,
    check_format,
    ids_of,
    write_ids,
)
from kqcodec.cli.commands.convert import summary
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import REFUSED, STREAM, Failure, display_name
from kqcodec.cli.screen.inputs import reading_kq, warnings_as_lines
from kqcodec.cli.screen.text import visible
from kqcodec.errors import LimitError
from kqcodec.storage.atomic_write import is_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.coding.kq_file import KqFile

_DEFAULT_SUFFIX = ".png"
_OF_LABELS = ("NPY", "NPZ", "ZARR", "PNG", "BMP", "TIFF")


@click.command(
    "decode",
    epilog="\b\nExamples:\n"
    "  kq decode photo.kq -o back.png\n"
    "  kq decode photo.kq --labels -o labels.npy\n"
    "  kq decode mask.kq -o mask.tiff\n"
    "  kq decode mask.kq --colors -o shown.png\n"
    "  kq decode photo.kq --region 10,10,30,30 -o corner.png\n"
    "  kq decode photo.kq --scale 1/2 -o small.png\n"
    "  kq decode demo.kq -o demo.gif\n"
    "  kq decode demo.kq -o frames/%04d.png\n"
    "  kq decode demo.kq --frame 2 -o third.png\n"
    "  kq decode -r pictures/ -o decoded/",
)
@common.inputs_argument
@common.output_option(
    "The picture to write, its format told by the extension; for several inputs and folders a "
    "directory, made if missing; - for PNG on standard output; frames/%04d.png, say, for a file of "
    "each frame.  [default: beside each input, as NAME.png]"
)
@click.option(
    "--labels",
    is_flag=True,
    help="Write a picture's labels instead of their colours: an integer array to .npy, palette "
    "indices to .png or, over 256 colours, 16-bit grey. Of a label map they are what is written "
    "anyway.",
)
@click.option(
    "--colors", is_flag=True, help="Write a label map as a picture, of the colours of its ids."
)
@click.option(
    "--ids",
    type=click.Choice(["values", "rgb"]),
    default="values",
    show_default=True,
    help="How .png has ids of a label map: as samples of 8 or 16 bits; or rgb, COCO's panoptic "
    "pictures, of ids up to 2^24 - 1, with the JSON beside.",
)
@click.option(
    "--background",
    type=common.opaque_color,
    metavar="COLOR",
    help="Put this colour behind transparent pixels, for formats without alpha.",
)
@click.option(
    "--frame",
    type=click.IntRange(min=0),
    metavar="N",
    help="Only this frame of an animation or a volume; the first is number 0.",
)
@part_options
@common.threads_option
@common.max_pixels_option
@batch_options
def command(
    *,
    inputs: tuple[str, ...],
    output: str | None,
    labels: bool,
    colors: bool,
    ids: str,
    background: tuple[int, int, int] | None,
    frame: int | None,
    threads: int | None,
    max_pixels: int,
    **given: Any,
) -> int:
    """Turn .kq files back into pictures.

    A FILE is a .kq file, a folder of them with -r, or - for standard input. The
    extension chooses the format: whatever Pillow writes, and .npy for a NumPy array of
    RGB or RGBA. Up to 256 colours, PNG keeps the palette and the indices as they are,
    without alpha GIF, BMP and TIFF too; other formats get pixels, WebP without loss. JPEG,
    AVIF and PDF change colours; whatever else would come back in another size, in other
    colours or without its transparency is refused. An
    ICC profile, Exif and XMP go along where the format carries them. Pictures of over 32
    megapixels become tiled TIFF files and .npy tile by tile, in bounded memory.

    Animations become .gif, .png (APNG) and .webp, frame by frame, none left out, with their
    durations rounded so that the whole lasts as long; .npy gets all frames. GIF has at most 256
    colours in what changes at once, and pixels that are wholly transparent or not at all. What a
    format can't hold is refused.

    Label maps are written as their ids, never as colours unless --colors asks for them: to
    .png of 8 or 16 bits, to .tiff (a GeoTIFF if the map has a place), .npy, .npz and .zarr of
    any; other formats are refused, and so are ids that don't fit.
    """
    options = BatchOptions.taken_from(given)
    part = Part.taken_from(given, labels)
    chosen = FrameOptions(frame, part, labels, background, max_pixels)
    if colors and (labels or ids == "rgb"):
        raise click.UsageError("--colors is for colours rather than labels or ids.")
    batch = Batch.plan(inputs, options, ".kq".__eq__, _DEFAULT_SUFFIX, output)
    batch = FrameFiles.instead(ZarrOutputs.instead(batch, inputs, output), inputs, output)
    named = batch.outputs.directory is None and output not in (None, STREAM)
    file_format = _format_of(output) if output is not None and named else "PNG"
    if labels and file_format not in _OF_LABELS:
        raise click.UsageError(
            f"{file_format} files don't keep labels; with --labels use .npy, .png or .tiff."
        )
    if ids == "rgb" and (file_format != "PNG" or batch.outputs.use_stream):
        raise click.UsageError("--ids rgb makes .png files, with a JSON file beside.")

    def decoded(name: str, outputs: Outputs, each: int) -> dict[str, Any]:
        from kqcodec.coding.kq_file import KqFile

        target = outputs.targets[name]
        start = {"input": name, "output": target, "format": file_format}
        with (
            reading_kq(name) as source,
            KqFile(source, threads=each, max_pixels=max_pixels) as file,
        ):
            in_ids = file.is_label_map and not colors
            if in_ids:
                check_format(name, file_format, rgb=ids == "rgb")
            elif ids == "rgb" or file_format == "ZARR":
                raise Failure(REFUSED, f"{display_name(name)}: it is a picture, which has no ids")
            if in_ids and (frame is not None or isinstance(outputs, FrameFiles)):
                rgb = ids == "rgb"
                slices = write_slices(file, name, outputs, file_format, chosen, rgb=rgb)
                return {**start, **slices}
            if not in_ids and (written := write_frames(file, name, outputs, file_format, chosen)):
                return {**start, **written}
            whole = frame is None and not part.is_given
            if whole and is_large(file, name, file_format, max_pixels):
                large = large_parts(
                    name,
                    target,
                    file_format,
                    labels=labels or in_ids,
                    background=background,
                    threads=each,
                    max_pixels=max_pixels,
                )
                return {**start, **_large_size(file), "output_bytes": outputs.write(name, large)}
            if in_ids:
                with _in_one_piece(name, part):
                    values, meaning = ids_of(file, name, part)
                rgb = ids == "rgb"
                return {
                    **start,
                    **write_ids(values, meaning, name, outputs, file_format, rgb=rgb),
                }
            with _in_one_piece(name, part):
                found = read_part(file, part) if frame is None else next(chosen.frames(file, name))
            metadata = file.metadata
        parts, figures = still_file(found, metadata, file_format, labels, background)
        return {**start, **figures, "output_bytes": outputs.write(name, parts)}

    def work(name: str, outputs: Outputs, each: int) -> dict[str, Any]:
        figures = decoded(name, outputs, each)
        return {**figures, "text": summary(figures)}

    with warnings_as_lines():
        return batch.run(work, threads)


@contextlib.contextmanager
def _in_one_piece(name: str, part: Part) -> Iterator[None]:
    """Say of a whole picture over the limit how it can be had all the same."""
    try:
        yield
    except LimitError as exc:
        if exc.advice != "part" or part.is_given:
            raise
        what = "write .tiff or .npy, or take a --region or --scale of it"
        raise Failure(REFUSED, f"{display_name(name)}: {exc}, {what}") from exc


def _large_size(file: KqFile) -> dict[str, Any]:
    header = file.header
    size = {"width": header.width, "height": header.height}
    if header.label_map:
        return {**size, "k": len(file.ids), "dtype": file.ids.dtype.name}
    return {**size, "k": header.k, "alpha": header.alpha}


def _format_of(target: str) -> str:
    """Pillow's name of the format that the target's extension means, or one of ours."""
    suffix = os.path.splitext(target.rstrip("/"))[1].lower()
    if not suffix and is_stream(target):
        return "PNG"  # as on standard output
    if suffix == ".zarr":
        return "ZARR"
    from kqcodec.coding.export import format_of

    try:
        return format_of(target)
    except ValueError as exc:
        raise click.UsageError(f"{visible(target)}: {exc}.") from exc
