"""The palettes that are text: GIMP's, JASC's and lists of hexadecimal colours.

GIMP (developer.gimp.org, "GIMP Palette Format"), with # before comments:

    GIMP Palette
    Name: Sunset
    Columns: 4
    255 136   0 Orange

Aseprite adds the line ``Channels: RGBA`` and alpha as a fourth number. JASC, every line as
rigid as it looks, the third being the number of colours:

    JASC-PAL
    0100
    1
    255 136 0

Texts are read as bytes, since only names need an encoding and nobody tells which.
"""

from __future__ import annotations

import codecs
import itertools
import re
from typing import TYPE_CHECKING, TypeAlias

from kqcodec.colors.values import color_of_hex
from kqcodec.errors import PaletteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    # Of a file: colours one after the other, as far as somebody asks for them.
    Rows: TypeAlias = "Iterable[Sequence[int]] | NDArray[np.uint8]"

GIMP = b"GIMP Palette"
JASC = b"JASC-PAL"
_JASC_VERSION = b"0100"
_PAINT_NET = re.compile(rb"\s*;\s*paint\.net\b", re.IGNORECASE)
_LINE_END = re.compile(rb"\r\n|\r|\n")
_COUNT = re.compile(rb"[0-9]{1,9}")
_SAMPLE = re.compile(rb"[0-9]{1,3}")
_BOM = b"\xef\xbb\xbf"
# 65,536 colours, each with a long name.
_MOST_BYTES = 1 << 24
# No list of colours has a longer first line that tells what it is.
HEAD = 4096


def plain(data: bytes) -> bytes:
    """A text without its byte order mark, and in UTF-8 where the mark tells UTF-16, as
    which Windows saves "Unicode". What isn't text stays as it is."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16").encode()
        except UnicodeError:
            return data
    return data.removeprefix(_BOM)


def read_gimp(data: bytes) -> Iterator[Sequence[int]]:
    """The colours of GIMP's palette; raises PaletteError where it is damaged."""
    begun, channels = False, 3
    for number, line in lines(data):
        if number == 1 or not line or line.startswith(b"#"):
            continue
        name, _, value = line.partition(b":")
        if not begun and name in (b"Name", b"Columns", b"Channels"):
            if name == b"Channels" and value.strip() == b"RGBA":
                channels = 4
            continue
        begun = True
        yield samples(line.split(None, channels), number, channels, line)


def gimp_file(palette: NDArray[np.uint8]) -> bytes:
    """GIMP's palette, with alpha as Aseprite has it. The colours have names, as some
    programs skip those without."""
    text = [GIMP.decode(), "Name: kqcodec", "Columns: 16", "#"]
    if palette.shape[1] == 4:
        text[1:3] = ["Channels: RGBA"]
    for color in palette.tolist():
        text.append(" ".join(f"{sample:>3}" for sample in color) + "\t" + bytes(color).hex())
    return _text(text, "\n")


def read_jasc(data: bytes) -> Iterator[Sequence[int]]:
    """The colours of JASC's palette, with alpha where a colour has a fourth number; raises
    PaletteError where it is damaged, of another version, or its number of colours is wrong."""
    filled = ((number, line) for number, line in lines(data) if line)
    head = [line for _, line in itertools.islice(filled, 3)]
    if len(head) < 3 or not _COUNT.fullmatch(head[2]):
        raise PaletteError("the JASC palette is cut short: the number of its colours is missing")
    if head[1] != _JASC_VERSION:
        raise PaletteError(f"line 2: version {shown(head[1])} of JASC palettes is not known")
    wanted, count = int(head[2]), 0
    for number, line in filled:
        words = line.split(None, 4)
        yield samples(words, number, 4 if len(words) > 3 else 3, line)
        count += 1
    if wanted != count:
        raise PaletteError(
            f"the JASC palette says that it has {wanted:,} colours, but {count:,} follow"
        )


def jasc_file(palette: NDArray[np.uint8]) -> bytes:
    """JASC's palette, with the line ends of Windows, on which some readers insist; raises
    ValueError where there are transparent colours."""
    check_opaque(palette, "a JASC palette (.pal)")
    text = [JASC.decode(), _JASC_VERSION.decode(), str(len(palette))]
    return _text(text + [f"{r} {g} {b}" for r, g, b in palette.tolist()], "\r\n")


def is_hex_list(data: bytes) -> bool:
    """Whether the first colour or comment of a file is one of a list of colours."""
    head = data[:HEAD]
    if b"\0" in head:
        return False
    if head.lstrip().startswith((b";", b"//")):
        return True
    found = (word for _, line in lines(head) for word in _words(line))
    return color_of_hex(next(found, "")) is not None


def read_hex_list(data: bytes) -> Iterator[Sequence[int]]:
    """The colours of a list: #rrggbb, rrggbb or #rgb, with alpha #rrggbbaa or #rgba, and
    in paint.net's lists, which say that they are, aarrggbb; apart by line ends, spaces
    or commas. A comment goes from ; or // to the line's end. Raises PaletteError where a
    word is none of these."""
    alpha_first = _PAINT_NET.match(data) is not None
    for number, line in lines(data):
        for word in _words(line):
            color = color_of_hex(word)
            if color is None:
                raise PaletteError(f"line {number}: {word[:20]!r} is not a colour like #ff8800")
            yield (*color[1:], color[0]) if alpha_first and len(color) == 4 else color


def hex_file(palette: NDArray[np.uint8]) -> bytes:
    """A list of colours, one a line, as #rrggbb, or #rrggbbaa with alpha."""
    return _text([f"#{bytes(color).hex()}" for color in palette.tolist()], "\n")


def check_opaque(palette: NDArray[np.uint8], what: str) -> None:
    """Raises ValueError where the palette, shape (K, 3) or (K, 4), has alpha, which this
    format has no place for."""
    if palette.shape[1] == 4:
        raise ValueError(f"{what} holds no transparent colours")


def lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines of a text without the space around them, numbered from 1. They end at LF,
    CR LF or CR alone, and at nothing else: in a name any other byte may stand. Raises
    PaletteError where the text is too long."""
    if len(data) > _MOST_BYTES:
        raise PaletteError(f"the text is too long for a palette: over {_MOST_BYTES:,} bytes")
    start = number = 0
    for number, end in enumerate(_LINE_END.finditer(data), 1):
        yield number, data[start : end.start()].strip()
        start = end.end()
    yield number + 1, data[start:].strip()


def samples(words: list[bytes], number: int, count: int, line: bytes) -> list[int]:
    """The first ``count`` words as numbers, each 0..255, of that line; raises PaletteError where
    they aren't such numbers."""
    if len(words) >= count and all(map(is_sample, words[:count])):
        return [int(word) for word in words[:count]]
    raise PaletteError(f"line {number}: {shown(line)} is not {count} numbers in 0..255")


def is_sample(word: bytes) -> bool:
    """Whether a word is a number from 0 to 255."""
    return _SAMPLE.fullmatch(word) is not None and int(word) <= 255


def shown(line: bytes) -> str:
    """The beginning of a line, for a message."""
    return repr(line[:40].decode("utf-8", "replace"))


def _words(line: bytes) -> Iterator[str]:
    bare = line.split(b";", 1)[0].split(b"//", 1)[0]
    if not bare.lstrip().startswith(b"# "):
        for word in bare.replace(b",", b" ").split():
            yield word.decode("ascii", "replace")


def _text(lines: list[str], end: str) -> bytes:
    return "".join(line + end for line in lines).encode()
