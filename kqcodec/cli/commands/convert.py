"""`kq convert`: .kq files to other formats, palette and order kept."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.driver import Batch, BatchOptions, batch_options
from kqcodec.cli.commands._frame_outputs import ALL_FRAMES, write_animation
from kqcodec.cli.commands._label_outputs import check_format, write_ids
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import REFUSED, STREAM, Failure, display_name, display_output
from kqcodec.cli.screen.inputs import reading_kq, warnings_as_lines
from kqcodec.cli.screen.text import visible

if TYPE_CHECKING:
    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.images.indexed_image import IndexedImage

# As --to takes them, and as extensions; kqcodec.coding.export has them in capitals.
_FORMATS = ("png", "gif", "bmp", "tiff", "webp", "npy", "npz")
_ANIMATED = ("png", "gif", "webp")
_MOST_COLORS = 256
_PALETTE_SUFFIX = ".palette.npy"


@click.command(
    "convert",
    epilog="\b\nExamples:\n"
    "  kq convert photo.kq\n"
    "  kq convert photo.kq -o photo.gif\n"
    "  kq convert -r pictures/ --to webp -o web/",
)
@common.inputs_argument
@common.output_option(
    "The file to write; for several inputs and folders a directory, made if missing; - for "
    "standard output.  [default: beside each input, as NAME.png, say]"
)
@click.option(
    "--to",
    type=click.Choice(_FORMATS),
    help="The format.  [default: by the extension of -o, else png]",
)
@common.threads_option
@common.max_pixels_option
@batch_options
def command(
    *,
    inputs: tuple[str, ...],
    output: str | None,
    to: str | None,
    threads: int | None,
    max_pixels: int,
    **given: Any,
) -> int:
    """Convert .kq files to other formats without losing anything.

    png is PNG8: its palette and indices are the file's, entry by entry; so are those
    of gif, bmp and tiff. These take up to 256 colours. webp is lossless WebP, which
    keeps every pixel, but no order. npz holds the arrays "palette" and "labels", npy
    the labels, with the palette beside them in NAME.palette.npy. Animations become png (APNG),
    gif and webp, and nothing else. An ICC profile, Exif
    and XMP go along where the format carries them. A label map becomes png, tiff, npy or npz
    of its ids, as by kq decode; other formats are refused. A FILE is a .kq file, a folder of
    them with -r, or - for standard input.
    """
    options = BatchOptions.taken_from(given)
    to = to or _by_extension(output)
    batch = Batch.plan(inputs, options, ".kq".__eq__, "." + to, output)
    if to == "npy" and batch.outputs.use_stream:
        raise click.UsageError("npy takes two files; use --to npz with standard output.")

    def work(name: str, outputs: Outputs, each: int) -> dict[str, Any]:
        from kqcodec.coding.kq_file import KqFile

        with (
            reading_kq(name) as source,
            KqFile(source, threads=each, max_pixels=max_pixels) as file,
        ):
            if file.is_label_map:
                check_format(name, to.upper())
                ids = write_ids(file.labels(), file.meaning, name, outputs, to.upper(), rgb=False)
                start = {"input": name, "output": outputs.targets[name], "format": to}
                return {**(figures := {**start, **ids}), "text": summary(figures)}
            if file.timing is not None:
                if to not in _ANIMATED:
                    raise Failure(
                        REFUSED,
                        f"{display_name(name)}: it has frames, and {to} takes one; use --to "
                        "png, gif or webp, or kq decode for a file of each",
                    )
                start = {"input": name, "output": outputs.targets[name], "format": to}
                frames = replace(ALL_FRAMES, max_pixels=max_pixels)
                figures = write_animation(file, name, outputs, to.upper(), frames)
                return {**(figures := {**start, **figures}), "text": summary(figures)}
            indexed = file.read()
        figures = {
            "input": name,
            "output": outputs.targets[name],
            "format": to,
            "width": indexed.width,
            "height": indexed.height,
            "k": indexed.k,
            "output_bytes": _write(indexed, name, to, outputs),
        }
        return {**figures, "text": summary(figures)}

    with warnings_as_lines():
        return batch.run(work, threads)


def _by_extension(output: str | None) -> str:
    if output is None or output == STREAM or os.path.isdir(output) or output.endswith(os.sep):
        return "png"
    suffix = os.path.splitext(output)[1].lower().removeprefix(".")
    if suffix == "tif":
        return "tiff"
    if suffix and suffix not in _FORMATS:
        raise click.UsageError(
            f"{visible(output)}: the extension .{suffix} is none of "
            f"{', '.join(_FORMATS)}; kq decode writes other formats."
        )
    return suffix or "png"


def _write(indexed: IndexedImage, name: str, to: str, outputs: Outputs) -> int:
    from kqcodec.coding.export import PALETTED, npy_bytes, picture_bytes

    file_format = to.upper()
    if file_format in PALETTED and indexed.k > _MOST_COLORS:
        raise Failure(
            REFUSED,
            f"{display_name(name)}: K = {indexed.k:,}, and a palette of {to} has at most "
            f"{_MOST_COLORS} colours; use --to webp or npz, or kq decode for true colour",
        )
    if file_format == "TIFF" and indexed.has_alpha:
        raise Failure(
            REFUSED, f"{display_name(name)}: a palette of tiff keeps no transparency; use --to png"
        )
    if file_format == "NPY":
        # The palette first: where both can't be written there are no labels without. One
        # that is there already is that of an interrupted run.
        written = outputs.write(name, [npy_bytes(indexed.palette)], _PALETTE_SUFFIX)
        return written + outputs.write(name, [npy_bytes(indexed.labels)])
    try:
        data = picture_bytes(indexed, file_format)
    except ValueError as exc:
        raise Failure(REFUSED, f"{display_name(name)}: {exc}; choose another format") from exc
    return outputs.write(name, [data])


def summary(figures: dict[str, Any]) -> str:
    """What has become of a .kq file, in a line; nothing beside standard output."""
    if figures["output"] == STREAM:
        return ""
    colors = f"K = {figures['k']:,}, " if "k" in figures else ""  # means have no palette
    count = figures.get("frames", 0)
    frames = f"{count:,} frame{'s' * (count != 1)}, " if count else ""
    return (
        f"{display_output(figures['output'])}: {figures['width']:,} x {figures['height']:,}, "
        f"{frames}{colors}{figures['output_bytes']:,} bytes"
    )
