"""`kq decode`: .kq files to pictures."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

import kqcodec
from kqcodec.cli import options
from kqcodec.cli.failures import STREAM, USAGE, Failure, display_name, reading, run_each
from kqcodec.cli.outputs import Outputs
from kqcodec.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from PIL import Image
    from typing_extensions import Buffer

    from kqcodec.image import IndexedImage

_DEFAULT_SUFFIX = ".png"
# The formats in which Pillow keeps a palette and its indices as they are.
_PALETTED = ("PNG", "BMP", "TIFF")
_OF_LABELS = ("NPY", *_PALETTED)


@click.command("decode")
@options.inputs_argument
@options.output_option(
    "The picture to write, its format told by the extension; for several inputs a directory, "
    "made if missing; - for PNG on standard output.  [default: beside each input, as NAME.png]"
)
@click.option(
    "--labels",
    is_flag=True,
    help="Write the labels instead of their colours: an integer array to .npy, palette indices "
    "to .png or, over 256 colours, 16-bit grey.",
)
@options.threads_option
@options.max_pixels_option
@options.force_option
@options.json_option
@options.quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    inputs: tuple[str, ...],
    output: str | None,
    labels: bool,
    threads: int | None,
    max_pixels: int,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Turn .kq files back into pictures.

    The extension chooses the format: whatever Pillow writes, and .npy for a
    NumPy array of RGB. Up to 256 colours, PNG, BMP and TIFF keep the palette and the
    indices as they are; other formats get RGB pixels. - is standard input.
    """
    outputs = Outputs.plan(inputs, output, _DEFAULT_SUFFIX, force)
    named = outputs.directory is None and output not in (None, STREAM)
    file_format = _format_of(output) if output is not None and named else "PNG"
    if labels and file_format not in _OF_LABELS:
        raise click.UsageError(
            f"{file_format} files don't keep labels; with --labels use .npy, .png or .tiff."
        )
    file_of = _label_file if labels else _picture_file
    status_err = outputs.use_stream

    def work(name: str) -> None:
        outputs.check(name)
        with reading(display_name(name)):
            source = sys.stdin.buffer if name == STREAM else name
            indexed = kqcodec.read(source, threads=threads, max_pixels=max_pixels)
        written = outputs.write(name, file_of(indexed, file_format))
        figures = {
            "input": name,
            "output": outputs.targets[name],
            "format": file_format,
            "width": indexed.width,
            "height": indexed.height,
            "k": indexed.k,
            "output_bytes": written,
        }
        if as_json:
            click.echo(json.dumps(figures), err=status_err)
        elif not quiet and not outputs.use_stream:
            click.echo(
                f"{click.format_filename(outputs.targets[name])}: {indexed.width:,} x "
                f"{indexed.height:,}, K = {indexed.k:,}, {written:,} bytes"
            )

    with progress(inputs, hidden=quiet or as_json) as names:
        code = run_each(names, work, as_json=as_json, status_err=status_err)
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


def _picture_file(indexed: IndexedImage, file_format: str) -> Iterable[Buffer]:
    """The bytes of the picture in that format, in memory, so that a picture that
    the format can't hold leaves no file."""
    if file_format == "NPY":
        return _npy(indexed.to_rgb())
    image = indexed.to_pil()
    if image.mode == "P" and file_format not in _PALETTED:
        image = image.convert("RGB")
    return _saved(image, file_format)


def _label_file(indexed: IndexedImage, file_format: str) -> Iterable[Buffer]:
    """The same for the labels themselves."""
    from kqcodec.labelmaps import label_picture

    if file_format == "NPY":
        return _npy(indexed.labels)
    return _saved(label_picture(indexed), file_format)


def _npy(array: NDArray[Any]) -> Iterable[Buffer]:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array)
    return [buffer.getbuffer()]


def _saved(image: Image.Image, file_format: str) -> Iterable[Buffer]:
    buffer = io.BytesIO()
    try:
        image.save(buffer, file_format)
    except (OSError, ValueError, KeyError) as exc:
        raise Failure(
            USAGE,
            f"the picture of {image.width:,} x {image.height:,} pixels can't be written "
            f"as {file_format} ({exc}); choose another extension, .png say",
        ) from exc
    return [buffer.getbuffer()]
