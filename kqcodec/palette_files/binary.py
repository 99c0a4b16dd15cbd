"""The palettes that are binary: Adobe's colour table and swatches, Microsoft's RIFF.

Colour table, .act: 256 times red, green, blue, then perhaps how many of them count
and which is transparent (65535: none), two bytes each, high byte first.

Swatches, .ase, high byte first: ``ASEF``, version 1.0, the number of blocks; then of
each block its type and length, and of a colour:

    ┌──────────────┬───────────────┬─────────┬──────────────────┬────────┐
    │ units, 2     │ name, UTF-16, │ model,  │ values, 4 each,  │ kind,  │
    │ incl. a zero │ 2 · units     │ 4       │ float32          │ 2      │
    └──────────────┴───────────────┴─────────┴──────────────────┴────────┘
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from kqcodec.errors import PaletteError
from kqcodec.palette_files.text import check_opaque

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.palette_files.text import Rows

_TABLE_COLORS = 256
_TABLE = 3 * _TABLE_COLORS
_TABLE_WITH_COUNT = _TABLE + 4
_NONE_TRANSPARENT = 0xFFFF
_OPAQUE = 255

_SWATCHES = b"ASEF"
_GROUP, _GROUP_END, _COLOR = 0xC001, 0xC002, 0x0001
_NORMAL = 2
_CHANNELS = {b"RGB ": 3, b"Gray": 1}

_RIFF = b"RIFF"
_RIFF_VERSION = 0x0300
# Aseprite's sprites share the extension .ase.
_SPRITE_MAGIC = b"\xe0\xa5"


def is_color_table(data: bytes) -> bool:
    """Whether a file has the size of a colour table; nothing else tells."""
    return len(data) in (_TABLE, _TABLE_WITH_COUNT)


def read_color_table(data: bytes) -> Rows:
    """The colours of Adobe's colour table.

    Raises:
        PaletteError: another size, or a wrong number of colours.
    """
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
    """Adobe's colour table, with the number of colours and the transparent one.

    Raises:
        ValueError: there are more than 256, or more than one that isn't opaque.
    """
    if len(palette) > _TABLE_COLORS:
        raise ValueError(f"a colour table (.act) holds at most 256 colours, not {len(palette):,}")
    transparent = _NONE_TRANSPARENT
    if palette.shape[1] == 4:
        alphas = [(i, alpha) for i, alpha in enumerate(palette[:, 3].tolist()) if alpha < _OPAQUE]
        if len(alphas) != 1 or alphas[0][1] != 0:
            raise ValueError(
                "a colour table (.act) holds one fully transparent colour and no translucent ones"
            )
        transparent = alphas[0][0]
    table = palette[:, :3].tobytes().ljust(_TABLE, b"\0")
    return table + struct.pack(">HH", len(palette), transparent)


def is_swatches(data: bytes) -> bool:
    """Whether a file begins as Adobe's swatches do."""
    return data.startswith(_SWATCHES)


def read_swatches(data: bytes) -> Rows:
    """The colours of Adobe's swatches, those of all groups in the file's order.

    Raises:
        PaletteError: it is damaged, or a colour is neither RGB nor grey.
    """
    rows: list[list[int]] = []
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
                rows.append(_swatch(body))
    except struct.error as exc:
        raise PaletteError("the swatches are cut short or damaged") from exc
    return rows


def _swatch(body: bytes) -> list[int]:
    (units,) = struct.unpack_from(">H", body)
    model = body[2 + 2 * units : 6 + 2 * units]
    if model in (b"CMYK", b"LAB "):
        raise PaletteError(
            f"a swatch is {model.decode().strip()}, which has no exact RGB value; "
            "convert the swatches to RGB first"
        )
    if model not in _CHANNELS:
        raise PaletteError("the swatches are damaged: a colour has no known model")
    values = struct.unpack_from(f">{_CHANNELS[model]}f", body, 6 + 2 * units)
    if not all(math.isfinite(value) and 0 <= value <= 1 for value in values):
        raise PaletteError("the swatches are damaged: a value is outside 0..1")
    samples = [math.floor(255 * value + 0.5) for value in values]
    return samples * (3 // len(samples))


def swatch_file(palette: NDArray[np.uint8]) -> bytes:
    """Adobe's swatches in one group, without which GIMP loses the last.

    Raises:
        ValueError: there are transparent colours.
    """
    check_opaque(palette, "a swatch file (.ase)")
    blocks = [_block(_GROUP, _name("kqcodec"))]
    for color in palette.tolist():
        name = _name("#{:02x}{:02x}{:02x}".format(*color))
        values = struct.pack(">3f", *(sample / 255 for sample in color))
        blocks.append(_block(_COLOR, name + b"RGB " + values + struct.pack(">H", _NORMAL)))
    blocks.append(_block(_GROUP_END, b""))
    return _SWATCHES + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks)


def _block(kind: int, body: bytes) -> bytes:
    return struct.pack(">HI", kind, len(body)) + body


def _name(name: str) -> bytes:
    return struct.pack(">H", len(name) + 1) + (name + "\0").encode("utf-16-be")


def is_riff(data: bytes) -> bool:
    """Whether a file is a RIFF palette."""
    return data.startswith(_RIFF) and data[8:12] == b"PAL "


def read_riff(data: bytes) -> Rows:
    """The colours of Microsoft's palette: a LOGPALETTE in the chunk ``data``.

    Raises:
        PaletteError: it is damaged.
    """
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
