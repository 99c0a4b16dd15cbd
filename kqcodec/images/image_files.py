"""Image files of any format, opened and decoded by Pillow, whose errors, which may be of any
kind, become ours here."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
from typing import TYPE_CHECKING, Any, BinaryIO

from kqcodec.errors import (
    ImageError,
    KqError,
    LabelsError,
    LimitError,
    UnsupportedError,
    UnsupportedImageError,
)
from kqcodec.format.limits import max_input_bytes
from kqcodec.format.source import read_at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image


def opened_path(path: str | os.PathLike[str]) -> BinaryIO:
    """The file at ``path``, open for reading, or an OSError that says what to do."""
    name = os.fspath(path)
    if os.path.isdir(name):
        message = "this is a directory; give the image files in it"
        raise IsADirectoryError(errno.EISDIR, message, name)
    try:
        return open(name, "rb")
    except FileNotFoundError as exc:
        raise FileNotFoundError(errno.ENOENT, "no such file; check the path", name) from exc


def read_contents(file: BinaryIO | Any, name: str) -> bytes:
    """All that is left in a file: at least one byte, and at most 1 GiB, or eight for each
    pixel that Pillow's limit allows if that is more.

    Raises:
        ImageError: it is empty, or has more.
        TypeError: it is open in text mode.
    """
    from PIL import Image

    try:
        data = read_at_most(file, max_input_bytes(Image.MAX_IMAGE_PIXELS), name)
    except LimitError as exc:
        raise ImageError(f"{name}: {exc}") from exc
    if len(data) == 0:
        raise ImageError(f"{name} is empty: it has 0 bytes")
    return data


def opened_image(data: bytes, name: str) -> Image.Image:
    """The image file ``data`` as Pillow opens it, not yet decoded; ImageError if it can't, or
    refuses its size."""
    from PIL import Image

    with reading_image(name):
        return Image.open(io.BytesIO(data))


# What Pillow says of formats, or kinds of them, that it can't read, rather than of damage.
_UNSUPPORTED = re.compile(
    r"not supported|unsupported|not (yet )?implemented|unimplemented|not available|"
    r"cannot find loader|can't handle|cannot handle|unknown|unable to locate|too large",
    re.IGNORECASE,
)


@contextlib.contextmanager
def reading_image(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises for the file ``name`` into an ImageError.

    Its decoders raise OSError, SyntaxError, ValueError, TypeError, struct.error and others
    for data that they can't read.

    Raises:
        ImageError: the file can't be used.
        KqError, MemoryError, Warning: as they are.
        OSError: the system refuses to read it, by a number.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise ImageError(
            f"{name} has too many pixels to be safe ({exc}); "
            "if you trust it, raise PIL.Image.MAX_IMAGE_PIXELS",
            "max pixels",
        ) from exc
    except (KqError, MemoryError, Warning):
        raise
    except UnidentifiedImageError as exc:
        raise UnsupportedImageError(
            f"{name} is not an image in a format that Pillow reads, or its start is damaged"
        ) from exc
    except Exception as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise
        cause = exc.__cause__
        if isinstance(
            cause, (LimitError, UnsupportedError, LabelsError)
        ):  # by our own plugin of Pillow's
            raise ImageError(f"{name} can't be read as an image: {cause}") from cause
        reason = str(exc) or type(exc).__name__
        if isinstance(exc, NotImplementedError) or _UNSUPPORTED.search(reason):
            raise UnsupportedImageError(
                f"{name} is an image of a kind that Pillow doesn't read: {reason}"
            ) from exc
        raise ImageError(
            f"{name} is damaged or cut short and can't be read as an image: {reason}",
            "undamaged copy",
        ) from exc


def load(image: Image.Image, name: str) -> None:
    """Let Pillow decode the image; errors are those of ``reading_image``, and ImageError if it
    has no pixels."""
    with reading_image(name):
        image.load()
    if 0 in image.size:
        raise ImageError(f"{name} has no pixels: its size is {image.width} x {image.height}")


def raw_mode(image: Any) -> str:
    """How the samples lie in the file, as Pillow's decoders are told; "" once they are
    decoded, or where they aren't told."""
    for tile in (getattr(image, "tile", None) or ())[:1]:
        told = tile[-1]
        first = told[0] if isinstance(told, (tuple, list)) and told else told
        return first if isinstance(first, str) else ""
    return ""


def is_transparent(image: Any) -> bool:
    """Whether any pixel of a Pillow image might be transparent, by its mode and ``info``."""
    return (
        image.mode in ("RGBA", "RGBa", "LA", "La", "PA")
        or "transparency" in image.info
        or (image.mode == "P" and getattr(image.palette, "mode", "RGB") == "RGBA")
    )


# Further images of these are previews of the first (MPO), or its layers (PSD).
WITH_PREVIEWS_OR_LAYERS = ("MPO", "PSD")
_SUBFILE_TYPE, _REDUCED = 254, 1
MOST_COUNTED = 1 << 12


def frame_count(image: Any) -> int:
    """How many frames or pages there are; 1 where they can't be counted. Of a TIFF file's
    directories, each of which takes its time, no more than ``MOST_COUNTED`` are looked at."""
    if image.format in WITH_PREVIEWS_OR_LAYERS:
        return 1
    place = image.tell()
    count = 1
    # What is wrong with the others isn't the picture's fault.
    with contextlib.suppress(Exception):
        if image.format == "TIFF" and raw_mode(image):  # nothing to lose yet
            count = _page_count(image, place)
        else:
            count = int(getattr(image, "n_frames", 1))
    if image.tell() != place:
        image.seek(place)
    return count


def _page_count(image: Any, place: int) -> int:
    """How many directories of a TIFF file aren't smaller versions of another one; that at
    ``place``, which is used, counts in any case."""
    count = 0
    for number in range(MOST_COUNTED):
        try:
            image.seek(number)
        except EOFError:
            break
        count += number == place or not is_reduced(image)
    return count


def is_reduced(image: Any) -> bool:
    """Whether the directory of a TIFF file that an image stands at is a smaller version of
    another one."""
    return bool(int(image.tag_v2.get(_SUBFILE_TYPE, 0)) & _REDUCED)
