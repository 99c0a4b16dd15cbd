"""`kq encode` of pictures that are read in pieces: large TIFF files, .npy and zarr
arrays, and raw pixels from a pipe."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from kqcodec.cli.batch.paths import digested
from kqcodec.cli.options.common import MAX_PIXELS
from kqcodec.cli.screen.failures import REFUSED, STREAM, USAGE, Failure, display_name, reading
from kqcodec.cli.screen.progress import stages
from kqcodec.cli.screen.text import warn
from kqcodec.errors import KqError
from kqcodec.format.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.cli.options.encoding import EncodeSettings
    from kqcodec.colors.costs import Costs
    from kqcodec.format.header import Header
    from kqcodec.images.blocks import Blocks

ARRAY_SUFFIXES = (".npy", ".zarr")
_TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".svs", ".ome")
# TIFF files of so many pixels aren't read whole: from here on that takes less memory, and
# hardly more time. The bytes are the same.
_LARGE = 1 << 25


def is_in_pieces(name: str, settings: EncodeSettings) -> bool:
    """Whether the input ``name`` is read in pieces; a Failure if it would have to be, but can't."""
    if settings.pieces.raw is not None or (_suffix(name) == ".zarr" and not settings.labels):
        return _possible(name, settings)
    if settings.labels:  # read whole, where it may be, which knows more kinds, and what ids mean
        in_pieces = not settings.label_settings.are_given and _is_large_label_map(
            name, settings.max_pixels
        )
        return in_pieces and _possible(name, settings)
    if name == STREAM or not os.path.isfile(name):
        return False
    if _suffix(name) == ".npy":
        return _possible(name, settings)
    if _suffix(name) not in _TIFF_SUFFIXES or _needs_all(settings) is not None:
        return False
    pixels = _tiff_pixels(name)
    small = pixels is not None and pixels < _LARGE
    return not small and _has_tifffile(name, pixels, settings.max_pixels)


def _is_large_label_map(name: str, max_pixels: int) -> bool:
    """Of TIFF files only those that are over the limit, since they say more of their ids."""
    is_array = _suffix(name) in ARRAY_SUFFIXES
    if not is_array and _suffix(name) not in _TIFF_SUFFIXES:
        return False
    from kqcodec.images.blocks import open_blocks

    try:
        # Whoever reads it says what is lost, or wrong.
        with warnings.catch_warnings(action="ignore"), open_blocks(name) as blocks:
            pixels = blocks.width * blocks.height
    except (KqError, OSError, ImportError, TypeError, ValueError):
        return False
    return pixels >= _LARGE if is_array else pixels > max_pixels


def _suffix(name: str) -> str:
    return os.path.splitext(name.rstrip("/" + os.sep))[1].lower()


def _needs_all(settings: EncodeSettings) -> str | None:
    """The option that takes the whole picture in memory, if there is one."""
    chosen = {
        "--dither": settings.dither > 0,
        "--keep": bool(settings.keep),
        "--skip-if-larger": settings.skip_if_larger,
        "--lossless": settings.lossless,
        "--frame": settings.frames.frame is not None,
        "a goal like --psnr": settings.goal is not None,
    }
    return next((option for option, is_given in chosen.items() if is_given), None)


def _possible(name: str, settings: EncodeSettings) -> bool:
    option = _needs_all(settings)
    if option is not None:
        raise Failure(
            USAGE,
            f"{display_name(name)}: {option} takes the whole picture at once, and this one is "
            "read in pieces; leave it out, or convert the picture to PNG first",
        )
    return True


def _tiff_pixels(name: str) -> int | None:
    """How many pixels Pillow says that a file has; None where it can't tell or refuses."""
    from PIL import Image

    try:
        with Image.open(name) as image:
            return int(image.width * image.height)
    except Exception:  # noqa: BLE001 - whatever Pillow raises for what it doesn't know
        return None


def _has_tifffile(name: str, pixels: int | None, limit: int) -> bool:
    from importlib.util import find_spec

    if find_spec("tifffile") is not None:
        return True
    if pixels is None or pixels > limit:
        raise Failure(
            REFUSED,
            f"{display_name(name)}: this TIFF file is too large to be read whole, or of a kind "
            "that Pillow doesn't read; with tifffile it can be read in pieces: "
            "pip install 'kqcodec[tiff]'",
        )
    return False


def encode_pieces(
    name: str, outputs: Outputs, settings: EncodeSettings, digest: Callable[[bytes], None]
) -> tuple[Header, Costs | None, int, int | None]:
    """Encode the input ``name``: header, costs, bytes written, and of how many pixels the
    palette is, where not of all. All bytes are told to ``digest``."""
    from kqcodec.large.streaming import opened_stream

    shown = display_name(name)
    if settings.labels and _suffix(name) in _TIFF_SUFFIXES:
        warn(
            f"{shown}: it is read in pieces, and of what it says of its ids only colours are kept: "
            "no place, names or nodata"
        )
    arguments: dict[str, Any] = {"palette": settings.palette, "labels": settings.labels}
    if not settings.labels:
        names = ("k", "pins", "sort", "space", "seed", "restarts", "background")
        arguments |= {option: getattr(settings, option) for option in names}
    with contextlib.ExitStack() as stack:
        stack.enter_context(reading(shown))
        blocks = stack.enter_context(_opened(name, settings))
        _check_limit(name, blocks, settings)
        progress = stack.enter_context(stages(shown, hidden=settings.hidden))
        stream = stack.enter_context(
            opened_stream(
                blocks,
                coder=settings.coder,
                effort=settings.effort,
                tile=settings.tile,
                threads=settings.threads,
                memory=settings.pieces.memory,
                progress=progress,
                **arguments,
            )
        )
        written = outputs.write(name, digested(_parts(stream.parts, shown), digest))
        if stream.sampled is not None:
            warn(
                f"{shown}: the palette is that of its first {stream.sampled:,} of "
                f"{stream.header.pixels:,} pixels; give a --palette, or a file instead of a pipe"
            )
        return stream.header, stream.costs(), written, stream.sampled


def _parts(parts: Iterator[bytes], shown: str) -> Iterator[bytes]:
    """The parts, with what goes wrong in reading told of the input, not of the output."""
    with reading(shown):
        yield from parts


@contextlib.contextmanager
def _opened(name: str, settings: EncodeSettings) -> Iterator[Blocks]:
    from kqcodec.images.blocks import RawPixels, open_blocks

    if settings.pieces.raw is None:
        with open_blocks(name) as blocks:
            yield blocks
        return
    pipe = contextlib.nullcontext(sys.stdin.buffer)
    with pipe if name == STREAM else open(name, "rb") as file:
        raw = RawPixels(file, *settings.pieces.raw, settings.pieces.raw_layout)
        raw.name = display_name(name)
        yield raw


def _check_limit(name: str, blocks: Blocks, settings: EncodeSettings) -> None:
    """Refuse pictures of too many pixels. Memory has a bound of its own here, but time hasn't;
    and what is stored together is unpacked together."""
    asked = settings.max_pixels
    if settings.pieces.raw is not None and asked == MAX_PIXELS:
        return  # the size is the user's own word
    by_pieces = Limits.of(asked).by_tiles(_stored_bytes(name)).pixels
    wide, high = blocks.chunk or (1, 1)
    for pixels, most, what in (
        (blocks.width * blocks.height, by_pieces, "the picture has"),
        (min(wide, blocks.width) * min(high, blocks.height), asked, "each of its parts has"),
    ):
        if most is not None and pixels > most:
            raise Failure(
                REFUSED,
                f"{display_name(name)}: {what} {pixels:,} pixels, more than {most:,}; raise "
                "--max-pixels if you trust the file",
            )


def _stored_bytes(name: str) -> int:
    """The size of a file, or of all in the folder of a zarr array."""
    if not os.path.isdir(name):
        return os.path.getsize(name) if os.path.isfile(name) else 0
    paths = (os.path.join(top, file) for top, _, files in os.walk(name) for file in files)
    return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
