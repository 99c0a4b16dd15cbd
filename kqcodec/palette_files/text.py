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
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from kqcodec.color_lists import color_of_hex
from kqcodec.errors import PaletteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Rows: TypeAlias = "Sequence[Sequence[int]] | NDArray[np.uint8]"

_GIMP = "GIMP Palette"
_JASC = "JASC-PAL"
_JASC_VERSION = "0100"
# How the lists of paint.net begin, in lower case.
_PAINT_NET = b";paint.net"
_BOM = b"\xef\xbb\xbf"
# No list of colours has a longer first line that tells what it is.
_HEAD = 4096


def is_gimp(data: bytes) -> bool:
    """Whether a file begins as GIMP's palettes do."""
    return _without_bom(data).startswith(_GIMP.encode())


def read_gimp(data: bytes) -> Rows:
    """The colours of GIMP's palette.

    Raises:
        PaletteError: it is damaged.
    """
    rows: list[list[int]] = []
    channels = 3
    for number, line in _lines(data):
        if number == 1 or not line or line.startswith("#"):
            continue
        name, _, value = line.partition(":")
        if not rows and name in ("Name", "Columns", "Channels"):
            if name == "Channels" and value.strip() == "RGBA":
                channels = 4
            continue
        rows.append(_samples(line, number, channels))
    return rows


def gimp_file(palette: NDArray[np.uint8]) -> bytes:
    """GIMP's palette, with alpha as Aseprite has it. The colours have names, as some
    programs skip those without."""
    lines = [_GIMP, "Name: kqcodec", "Columns: 16", "#"]
    if palette.shape[1] == 4:
        lines[1:3] = ["Channels: RGBA"]
    for color in palette.tolist():
        lines.append(" ".join(f"{sample:>3}" for sample in color) + "\t" + bytes(color).hex())
    return _text(lines, "\n")


def is_jasc(data: bytes) -> bool:
    """Whether a file begins as JASC's palettes do."""
    return _without_bom(data).startswith(_JASC.encode())


def read_jasc(data: bytes) -> Rows:
    """The colours of JASC's palette.

    Raises:
        PaletteError: it is damaged, of another version, or its number of colours is wrong.
    """
    lines = [(number, line) for number, line in _lines(data) if line]
    if len(lines) < 3 or not lines[2][1].isdecimal():
        raise PaletteError("the JASC palette is cut short: the number of its colours is missing")
    if lines[1][1] != _JASC_VERSION:
        raise PaletteError(f"line 2: version {lines[1][1]!r} of JASC palettes is not known")
    count = int(lines[2][1])
    rows = [_samples(line, number, 3) for number, line in lines[3:]]
    if len(rows) != count:
        raise PaletteError(
            f"the JASC palette says that it has {count:,} colours, but {len(rows):,} follow"
        )
    return rows


def jasc_file(palette: NDArray[np.uint8]) -> bytes:
    """JASC's palette, with the line ends of Windows, on which some readers insist.

    Raises:
        ValueError: there are transparent colours.
    """
    check_opaque(palette, "a JASC palette (.pal)")
    lines = [_JASC, _JASC_VERSION, str(len(palette))]
    return _text(lines + [f"{r} {g} {b}" for r, g, b in palette.tolist()], "\r\n")


def is_hex_list(data: bytes) -> bool:
    """Whether the first colour or comment of a file is one of a list of colours."""
    head = data[:_HEAD]
    if b"\0" in head:
        return False
    if head.lstrip().startswith((b";", b"//")):
        return True
    first = next(_words(_decoded(head, errors="replace")), "")
    return color_of_hex(first) is not None


def read_hex_list(data: bytes) -> Rows:
    """The colours of a list: #rrggbb, rrggbb or #rgb, with alpha #rrggbbaa or #rgba, and
    in paint.net's lists, which say that they are, aarrggbb; apart by line ends, spaces
    or commas. A comment goes from ; or // to the line's end.

    Raises:
        PaletteError: a word is none of these.
    """
    rows = []
    alpha_first = data.lstrip().lower().startswith(_PAINT_NET)
    for number, line in _lines(data):
        for word in _words(line):
            color = color_of_hex(word)
            if color is None:
                raise PaletteError(f"line {number}: {word[:20]!r} is not a colour like #ff8800")
            rows.append((*color[1:], color[0]) if alpha_first and len(color) == 4 else color)
    return rows


def hex_file(palette: NDArray[np.uint8]) -> bytes:
    """A list of colours, one a line, as #rrggbb, or #rrggbbaa with alpha."""
    return _text([f"#{bytes(color).hex()}" for color in palette.tolist()], "\n")


def check_opaque(palette: NDArray[np.uint8], what: str) -> None:
    """Raises ValueError where the palette, shape (K, 3) or (K, 4), has alpha, which this
    format has no place for."""
    if palette.shape[1] == 4:
        raise ValueError(f"{what} holds no transparent colours")


def _words(text: str) -> Iterator[str]:
    for line in text.splitlines():
        bare = line.split(";", 1)[0].split("//", 1)[0]
        if not bare.lstrip().startswith("# "):
            yield from bare.replace(",", " ").split()


def _samples(line: str, number: int, count: int) -> list[int]:
    """The numbers that a line begins with, each 0..255."""
    words = line.split()
    if len(words) >= count:
        try:
            samples = [int(word) for word in words[:count]]
        except ValueError:
            samples = []
        if samples and all(0 <= sample <= 255 for sample in samples):
            return samples
    raise PaletteError(f"line {number}: {line[:40]!r} is not {count} numbers in 0..255")


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(_decoded(data).splitlines(), 1):
        yield number, line.strip()


def _decoded(data: bytes, errors: str = "strict") -> str:
    try:
        return _without_bom(data).decode("utf-8", errors)
    except UnicodeDecodeError:
        # Names of colours from before UTF-8; the colours themselves are ASCII.
        return _without_bom(data).decode("latin-1")


def _without_bom(data: bytes) -> bytes:
    return data[len(_BOM) :] if data.startswith(_BOM) else data


def _text(lines: list[str], end: str) -> bytes:
    return "".join(line + end for line in lines).encode()
