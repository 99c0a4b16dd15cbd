"""The palettes that are binary: Adobe's colour table and swatches, Microsoft's RIFF, and
bare samples.

Colour table, .act: 256 times red, green, blue, then perhaps how many of them count
and which is transparent (65535: none), two bytes each, high byte first.

Swatches, .ase, high byte first: ``ASEF``, version 1.0, the number of blocks; then of
each block its type and length, and of a colour:

    ┌──────────────┬───────────────┬─────────┬──────────────────┬────────┐
    │ units, 2     │ name, UTF-16, │ model,  │ values, 4 each,  │ kind,  │
    │ incl. a zero │ 2 · units     │ 4       │ float32          │ 2      │
    └──────────────┴───────────────┴─────────┴──────────────────┴────────┘

RGB, grey and CMYK have values from 0 to 1; of LAB the lightness has, and a and b have -128 to 127.

Photoshop's swatches, .aco, two bytes each, high byte first: version 1, the number of
colours, and of each its model and four values; then perhaps all again as version 2, each
colour with two zero bytes, the units of its name and that in UTF-16.

    model       values
    0   RGB     0..65535
    1   HSB     0..65535, hue too
    2   CMYK    0..65535, 0 being all of an ink
    7   Lab     lightness 0..10000, a and b -12800..12700
    8   grey    0..10000, 10000 being black, as GIMP reads it
    9   CMYK    0..10000, 0 being all of an ink

Bare samples, .pal: 64 or 256 times red, green, blue and nothing else. VGA hardware took 6
bits of each, and much is stored so: where no byte is over 63, they are taken for that.
"""

from __future__ import annotations

import colorsys
import struct
from typing import TYPE_CHECKING

from kqcodec.colors.values import OPAQUE_ALPHA
from kqcodec.errors import PaletteError
from kqcodec.quantization.palette_files.inks import Inks, of_unit
from kqcodec.quantization.palette_files.text_formats import check_opaque

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.quantization.palette_files.text_formats import Rows

_TABLE_COLORS = 256
_TABLE = 3 * _TABLE_COLORS
_TABLE_WITH_COUNT = _TABLE + 4
_NONE_TRANSPARENT = 0xFFFF

SWATCHES = b"ASEF"
_GROUP, _GROUP_END, _COLOR = 0xC001, 0xC002, 0x0001
_NORMAL = 2
_CHANNELS = {b"RGB ": 3, b"Gray": 1, b"CMYK": 4, b"LAB ": 3}

_ACO_COLOR = 10
_RGB, _HSB, _CMYK, _LAB, _GREY, _WIDE_CMYK = 0, 1, 2, 7, 8, 9
_FULL = 0xFFFF
_WIDE = 10_000

# Bytes of 64 and of 256 bare colours; nothing else tells them.
BARE_SIZES = (192, 768)
_MOST_OF_6_BITS = 63

_RIFF = b"RIFF"
_RIFF_VERSION = 0x0300
# Aseprite's sprites share the extension .ase.
_SPRITE_MAGIC = b"\xe0\xa5"


def is_color_table(data: bytes) -> bool:
    """Whether a file has the size of a colour table; nothing else tells."""
    return len(data) in (_TABLE, _TABLE_WITH_COUNT)


def read_color_table(data: bytes) -> Rows:
    """The colours of Adobe's colour table; raises PaletteError where its size or
    its number of colours is wrong."""
    if not is_color_table(data):
        raise PaletteError(
            f"a colour table (.act) has {_TABLE} or {_TABLE_WITH_COUNT} bytes, not {len(data):,}"
        )
    count, transparent = _TABLE_COLORS, _NONE_TRANSPARENT
    if len(data) == _TABLE_WITH_COUNT:
        count, transparent = struct.unpack_from(">HH", data, _TABLE)
        if count > _TABLE_COLORS:
            raise PaletteError(f"the colour table says that {count:,} of its 256 colours count")
    rows = [list(data[i : i + 3]) for i in range(0, 3 * count, 3)]
    if transparent < count:
        rows[transparent].append(0)
    return rows


def color_table_file(palette: NDArray[np.uint8]) -> bytes:
    """Adobe's colour table, with the number of colours and the transparent one; raises ValueError
    where there are more than 256, or more than one that isn't opaque."""
    if len(palette) > _TABLE_COLORS:
        raise ValueError(f"a colour table (.act) holds at most 256 colours, not {len(palette):,}")
    transparent = _NONE_TRANSPARENT
    if palette.shape[1] == 4:
        alphas = [
            (i, alpha) for i, alpha in enumerate(palette[:, 3].tolist()) if alpha < OPAQUE_ALPHA
        ]
        if len(alphas) != 1 or alphas[0][1] != 0:
            raise ValueError(
                "a colour table (.act) holds one fully transparent colour and no translucent ones"
            )
        transparent = alphas[0][0]
    table = palette[:, :3].tobytes().ljust(_TABLE, b"\0")
    return table + struct.pack(">HH", len(palette), transparent)


def read_swatches(data: bytes) -> Iterator[Sequence[int]]:
    """The colours of Adobe's swatches, those of all groups in the file's order, with a warning
    of CMYK, and of what sRGB can't show; raises PaletteError where they are damaged."""
    inks = Inks()
    try:
        (blocks,) = struct.unpack_from(">I", data, 8)
        position = 12
        for _ in range(blocks):
            kind, length = struct.unpack_from(">HI", data, position)
            body = data[position + 6 : position + 6 + length]
            if len(body) < length:
                raise PaletteError("the swatches are cut short")
            position += 6 + length
            if kind == _COLOR:
                yield _swatch(body, inks)
    except struct.error as exc:
        raise PaletteError("the swatches are cut short or damaged") from exc


def _swatch(body: bytes, inks: Inks) -> list[int]:
    (units,) = struct.unpack_from(">H", body)
    model = body[2 + 2 * units : 6 + 2 * units]
    if model not in _CHANNELS:
        raise PaletteError("the swatches are damaged: a colour has no known model")
    values = struct.unpack_from(f">{_CHANNELS[model]}f", body, 6 + 2 * units)
    if model == b"CMYK":
        return inks.of_cmyk(*values)
    if model == b"LAB ":
        return inks.of_lab(100 * values[0], *values[1:])
    samples = of_unit(values)
    return samples * (3 // len(samples))


def swatch_file(palette: NDArray[np.uint8]) -> bytes:
    """Adobe's swatches in one group, without which GIMP loses the last; raises ValueError where
    there are transparent colours."""
    check_opaque(palette, "a swatch file (.ase)")
    blocks = [_block(_GROUP, _name("kqcodec"))]
    for color in palette.tolist():
        name = _name("#{:02x}{:02x}{:02x}".format(*color))
        values = struct.pack(">3f", *(sample / 255 for sample in color))
        blocks.append(_block(_COLOR, name + b"RGB " + values + struct.pack(">H", _NORMAL)))
    blocks.append(_block(_GROUP_END, b""))
    return SWATCHES + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks)


def _block(kind: int, body: bytes) -> bytes:
    return struct.pack(">HI", kind, len(body)) + body


def _name(name: str) -> bytes:
    return struct.pack(">H", len(name) + 1) + (name + "\0").encode("utf-16-be")


def is_photoshop(data: bytes) -> bool:
    """Whether a file has the structure of Photoshop's swatches; there is no signature."""
    if len(data) < 4:
        return False
    version, count = struct.unpack_from(">HH", data)
    end = 4 + _ACO_COLOR * count
    if version == 1:
        return count > 0 and (len(data) == end or data[end : end + 4] == b"\0\2" + data[2:4])
    return version == 2 and count > 0 and data[14:16] == b"\0\0" and len(data) >= end + 4 * count


def read_photoshop(data: bytes) -> Iterator[Sequence[int]]:
    """The colours of Photoshop's swatches; of both versions of them, those of the first, with
    a warning of CMYK, and of what sRGB can't show; raises PaletteError where they are
    damaged, or a colour is of a book of inks."""
    inks = Inks()
    try:
        version, count = struct.unpack_from(">HH", data)
        if version not in (1, 2):
            raise PaletteError(f"version {version} of Photoshop's swatches is not known")
        position = 4
        for _ in range(count):
            yield _photoshop_color(inks, *struct.unpack_from(">5H", data, position))
            position += _ACO_COLOR
            if version == 2:
                (units,) = struct.unpack_from(">I", data, position)
                position += 4 + 2 * units
        if position > len(data):
            raise PaletteError("the swatches are cut short")
    except struct.error as exc:
        raise PaletteError("the swatches are cut short") from exc


def _photoshop_color(inks: Inks, model: int, *values: int) -> list[int]:
    if model == _RGB:
        # Exact for those who write 8 bits twice, and for those who write zeros below.
        return [value >> 8 for value in values[:3]]
    if model == _HSB:
        hue, saturation, brightness, _ = (value / _FULL for value in values)
        return of_unit(colorsys.hsv_to_rgb(hue % 1, saturation, brightness))
    if model in (_CMYK, _WIDE_CMYK):
        full = _FULL if model == _CMYK else _WIDE
        return inks.of_cmyk(*(1 - value / full for value in values))
    if model == _LAB:
        a, b = (value - (value >> 15 << 16) for value in values[1:3])
        return inks.of_lab(values[0] / 100, a / 100, b / 100)
    if model == _GREY:
        return of_unit([1 - values[0] / _WIDE]) * 3
    raise PaletteError(f"a swatch is of a book of inks (model {model}), which has no RGB values")


def photoshop_file(palette: NDArray[np.uint8]) -> bytes:
    """Photoshop's swatches in both versions, as Photoshop writes them; raises ValueError where
    there are transparent colours, or more than can be counted."""
    check_opaque(palette, "a swatch file (.aco)")
    if len(palette) > _FULL:
        raise ValueError(f"a swatch file (.aco) holds at most {_FULL:,} colours")
    plain, named = [], []
    for color in palette.tolist():
        record = struct.pack(">5H", _RGB, *(257 * sample for sample in color), 0)
        plain.append(record)
        named.append(record + b"\0\0" + _name("#{:02x}{:02x}{:02x}".format(*color)))
    count = len(palette)
    first, second = (struct.pack(">HH", version, count) for version in (1, 2))
    return b"".join([first, *plain, second, *named])


def read_bare(data: bytes) -> Rows:
    """The colours of bare samples, of 8 bits or, where none is over 63, of 6."""
    if max(data) <= _MOST_OF_6_BITS:
        data = bytes(value << 2 | value >> 4 for value in data)
    return [list(data[i : i + 3]) for i in range(0, len(data), 3)]


def is_riff(data: bytes) -> bool:
    """Whether a file is a RIFF palette."""
    return data.startswith(_RIFF) and data[8:12] == b"PAL "


def read_riff(data: bytes) -> Rows:
    """The colours of Microsoft's palette: a LOGPALETTE in the chunk ``data``; raises PaletteError
    where it is damaged."""
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        body = data[position + 8 : position + 8 + length]
        if kind == b"data" and len(body) >= 4:
            version, count = struct.unpack_from("<HH", body)
            if version == _RIFF_VERSION and len(body) >= 4 + 4 * count:
                return [list(body[4 + 4 * i : 7 + 4 * i]) for i in range(count)]
            break
        position += 8 + length + length % 2
    raise PaletteError("the RIFF palette is cut short or damaged")


def refuse_lookalikes(data: bytes) -> None:
    """Raises PaletteError for files that share an extension with palettes."""
    if data[4:6] == _SPRITE_MAGIC:
        raise PaletteError("this is a sprite of Aseprite; export its palette as .gpl")
