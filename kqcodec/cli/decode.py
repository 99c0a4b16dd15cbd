"""`kq decode`: .kq files to pictures."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

import kqcodec
from kqcodec.cli import options
from kqcodec.cli.batch import Batch, Flags, batch_options
from kqcodec.cli.convert import summary
from kqcodec.cli.failures import STREAM, USAGE, Failure, display_name, reading
from kqcodec.cli.pictures import warnings_as_lines

if TYPE_CHECKING:
    from kqcodec.cli.outputs import Outputs
    from kqcodec.image import IndexedImage

_DEFAULT_SUFFIX = ".png"
_OF_LABELS = ("NPY", "PNG", "BMP", "TIFF")


@click.command(
    "decode",
    epilog="\b\nExamples:\n"
    "  kq decode photo.kq -o back.png\n"
    "  kq decode photo.kq --labels -o labels.npy\n"
    "  kq decode -r pictures/ -o decoded/",
)
@options.inputs_argument
@options.output_option(
    "The picture to write, its format told by the extension; for several inputs and folders a "
    "directory, made if missing; - for PNG on standard output.  [default: beside each input, as "
    "NAME.png]"
)
@click.option(
    "--labels",
    is_flag=True,
    help="Write the labels instead of their colours: an integer array to .npy, palette indices "
    "to .png or, over 256 colours, 16-bit grey.",
)
@click.option(
    "--background",
    type=options.ColorType(),
    metavar="COLOR",
    help="Put this colour behind transparent pixels, for formats without alpha.",
)
@options.threads_option
@options.max_pixels_option
@batch_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    inputs: tuple[str, ...],
    output: str | None,
    labels: bool,
    background: tuple[int, int, int] | None,
    threads: int | None,
    max_pixels: int,
    **given: Any,
) -> None:
    """Turn .kq files back into pictures.

    A FILE is a .kq file, a folder of them with -r, or - for standard input. The
    extension chooses the format: whatever Pillow writes, and .npy for a NumPy array of
    RGB or RGBA. Up to 256 colours, PNG keeps the palette and the indices as they are,
    without alpha GIF, BMP and TIFF too; other formats get pixels, WebP without loss. An
    ICC profile, Exif and XMP go along where the format carries them.
    """
    flags = Flags.taken_from(given)
    batch = Batch.plan(inputs, output, _DEFAULT_SUFFIX, flags, ".kq".__eq__)
    named = batch.outputs.directory is None and output not in (None, STREAM)
    file_format = _format_of(output) if output is not None and named else "PNG"
    if labels and file_format not in _OF_LABELS:
        raise click.UsageError(
            f"{file_format} files don't keep labels; with --labels use .npy, .png or .tiff."
        )

    def work(name: str, outputs: Outputs, each: int) -> dict[str, Any]:
        with reading(display_name(name)):
            source = sys.stdin.buffer if name == STREAM else name
            indexed = kqcodec.read(source, threads=each, max_pixels=max_pixels)
        if background is not None:
            indexed = indexed.flattened(background)
        written = outputs.write(name, _file(indexed, file_format, labels))
        return {
            "input": name,
            "output": outputs.targets[name],
            "format": file_format,
            "width": indexed.width,
            "height": indexed.height,
            "k": indexed.k,
            "alpha": indexed.has_alpha,
            "output_bytes": written,
        }

    with warnings_as_lines():
        code = batch.run(work, summary, threads)
    ctx.exit(code)


def _format_of(target: str) -> str:
    """Pillow's name of the format that the target's extension means, or "NPY".

    Raises:
        click.UsageError: none does.
    """
    suffix = os.path.splitext(target)[1].lower()
    if suffix == ".npy":
        return "NPY"
    from PIL import Image

    found = Image.registered_extensions().get(suffix)
    if found is None or found not in Image.SAVE:
        what = f"the extension {suffix}" if suffix else "no extension"
        raise click.UsageError(
            f"{click.format_filename(target)}: {what} names no format that can be written; "
            "use .png, .ppm, .tiff, .bmp, .webp or .npy, say."
        )
    return found


def _file(indexed: IndexedImage, file_format: str, labels: bool) -> list[bytes]:
    """The bytes of the picture in that format, in memory, so that a picture that
    the format can't hold leaves no file; of its labels, if they are wanted."""
    from kqcodec.exports import npy_bytes, picture_bytes, pillow_bytes
    from kqcodec.labelmaps import label_picture

    try:
        if not labels:
            return [picture_bytes(indexed, file_format)]
        if file_format == "NPY":
            return [npy_bytes(indexed.labels)]
        return [pillow_bytes(label_picture(indexed), file_format, indexed.metadata)]
    except ValueError as exc:
        other = ", or give a --background" if indexed.has_alpha else ""
        raise Failure(USAGE, f"{exc}; choose another extension, .png say{other}") from exc
