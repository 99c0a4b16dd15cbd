"""The report to look at: one self-contained HTML page about a picture in K colours.

The page needs no server and no network, which its content security policy forbids;
pictures are inside it. Equal arguments give equal pages.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from kqcodec.format.integers import whole_number
from kqcodec.format.names import DEFAULT_CODER
from kqcodec.format.version import __version__
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.quantization.file_sizes import FileCoding
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.quantizer import CountedPixels, count_pixels, quantized
from kqcodec.show.report import player, sections
from kqcodec.show.report.content import gather
from kqcodec.show.report.frames import gather_frames, several_frames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack

    from kqcodec.coding.options import TileSize
    from kqcodec.format.names import CoderName
    from kqcodec.images.pixels import Color, ImageLike
    from kqcodec.quantization.options import SearchKeywords
    from kqcodec.show.report.frames import FramesContent

# Of a file; no file system has larger ones.
_MOST_BYTES = (1 << 63) - 1
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def html_report(
    image: ImageLike | CountedPixels,
    k: int | IndexedImage,
    *,
    title: str = "A picture",
    coder: CoderName = DEFAULT_CODER,
    tile: TileSize = None,
    threads: int | None = None,
    background: Color | None = None,
    source_bytes: int | None = None,
    **options: Unpack[SearchKeywords],
) -> str:
    """A page about an image in ``k`` colours, to be written to a .html file as UTF-8.

    It shows the original and the result under a slider, the palette with shares, the
    elbow, the mask of each colour, the bits of each part of the file against theory,
    and sizes beside PNG and lossless WebP.

    An image of several frames, a file or a Pillow image, is played there, and has no elbow and no
    masks: instead the bytes of each frame are shown, and sizes beside GIF, APNG and WebP.

    Args:
        image: whatever ``quantize`` accepts.
        k: the number of colours, or what ``quantize`` or ``quantize_to`` has made of
            that very image, whose palette then keeps its order, and which then is its only frame.
        title: above all.
        coder, tile: of the file whose bits are shown.
        threads, background: as for ``quantize``.
        source_bytes: the size of the file that the image came from, to be mentioned.
        options: more of ``quantize``: ``effort``, ``space``, ``seed``, ``restarts``.

    Raises:
        ImageError, OSError: the image can't be read or converted.
        TypeError, ValueError: a wrong argument, or an image in K colours of another size.
    """
    chosen = QuantizeOptions(threads=threads, background=background, **options)
    coding = FileCoding.after(coder, tile, chosen)
    if source_bytes is not None:
        source_bytes = whole_number(source_bytes, "source_bytes", 0, _MOST_BYTES)
    animation = None if isinstance(k, IndexedImage) else several_frames(image)
    if animation is not None and not isinstance(k, IndexedImage):
        return frames_page(
            gather_frames(
                *(animation, k, coding.coding),
                title=title,
                source_bytes=source_bytes,
                background=background,
                search=options,
            )
        )
    if not isinstance(image, CountedPixels):
        image = count_pixels(image, threads=threads, background=background)
    indexed = k if isinstance(k, IndexedImage) else coding.ordered(quantized(image, k, chosen))
    if indexed.costs is None:
        raise TypeError("an IndexedImage to report on comes from quantize, with its costs")
    content = gather(
        image,
        indexed,
        coding,
        title=title,
        source_bytes=source_bytes,
        options=chosen,
    )
    parts = (
        sections.head,
        sections.picture,
        sections.palette,
        sections.elbow,
        sections.masks,
        sections.bits,
        sections.file_sizes,
    )
    return _page(title, indexed.k, [part(content) for part in parts], "page.js")


def frames_page(content: FramesContent) -> str:
    """The page about frames."""
    parts = (
        player.head(content),
        player.player(content),
        player.palette(content),
        player.frame_bytes(content),
        sections.bits(content),
        sections.file_sizes(content),
    )
    return _page(content.title, content.first.k, parts, "page.js", "player.js")


def _page(title: str, k: int, parts: Iterable[str], *scripts: str) -> str:
    body = "\n".join(f"<section>{part}</section>" for part in parts)
    script = "".join(map(_resource, scripts))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}: {k:,} colours</title>\n"
        f'<link rel="icon" href="data:,">\n<style>\n{_resource("page.css")}</style></head>\n'
        f"<body>\n{body}\n<footer>Made by kqcodec {__version__}, from k-means to the last "
        f"bit.</footer>\n<script>\n{script}</script></body></html>\n"
    )


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
