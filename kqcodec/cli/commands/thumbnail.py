"""`kq thumbnail`: a small picture of a .kq file, for file managers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import click

from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.options import common
from kqcodec.cli.screen.inputs import reading_kq

if TYPE_CHECKING:
    from PIL import Image


@click.command(
    "thumbnail",
    epilog="\b\nExamples:\n"
    "  kq thumbnail photo.kq small.png\n"
    "  kq thumbnail photo.kq tiny.png --size 64",
)
@click.argument("source", metavar="FILE", shell_complete=common.complete_files)
@click.argument(
    "output", metavar="OUT", shell_complete=common.complete_files, callback=common.as_stream
)
@click.option(
    "-s",
    "--size",
    type=click.IntRange(1, 65_535),
    default=256,
    show_default=True,
    metavar="N",
    help="Pixels of the longer side, at most.",
)
@common.max_pixels_option
@common.force_option
def command(*, source: str, output: str, size: int, max_pixels: int, force: bool) -> None:
    """Write a small PNG of a .kq file, in sRGB and upright; of a label map in its colours, of
    frames the first.

    Freedesktop's thumbnailers call this once kq integrate --user has told them to.
    Pictures that take much work to decode are refused, more than a quarter of what kq
    decode takes on: see --max-pixels. - is standard input or output.
    """
    from PIL import Image

    from kqcodec.coding.decoder import Opened, indexed_of, pixels_of
    from kqcodec.format.limits import Limits
    from kqcodec.storage.opening import open_source

    outputs = Outputs.plan([source], output, ".png", force)
    outputs.check(source)
    with reading_kq(source) as file, open_source(file) as opened:
        limits = Limits.of(max_pixels).for_thumbnails()
        found = Opened.from_source(opened, limits)
        if found.table is not None:
            image = Image.fromarray(pixels_of(found, threads=None))
        else:
            image = indexed_of(found, threads=None).to_pil()
    outputs.write(source, [_thumbnail(image, size)])


def _thumbnail(image: Image.Image, size: int) -> bytes:
    from PIL import Image

    from kqcodec.show.upright import upright_in_srgb

    image = upright_in_srgb(image)
    # Averages of whole blocks first: a picture of millions of pixels takes moments.
    image.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    image.info.clear()
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
