"""Colours that belong to values: tables of geographic programs and of annotators.

ESRI's, GDAL's and QGIS's colour maps, .clr, are a value and its colour a line, perhaps
with alpha and, in QGIS's, a name:

    # QGIS Generated Color Map Export File
    INTERPOLATION:EXACT
    0,0,64,128,255,water

QGIS's styles of rasters, .qml, hold the same as XML, in the elements ``paletteEntry`` of
single values or the ``item``s of a ramp. CVAT's labelmap.txt has a label a line, whose
number is the line's:

    # label:color_rgb:parts:actions
    water:0,64,128::

Where every value is one that a label can have, whole and 0..255 (of ``paletteEntry`` up to
65,535), and comes once, its colour stands at that place of the palette, so that labels find
their colours. Places between are fully transparent, (0, 0, 0, 0), which no opaque pixel is
given. Otherwise the values are points of a ramp, and the colours keep their order.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kqcodec.colors.values import color_of_hex
from kqcodec.errors import PaletteError
from kqcodec.format.header import MAX_COLORS
from kqcodec.quantization.palette_files import text_formats
from kqcodec.quantization.palette_files.markup import each_element

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqcodec.quantization.palette_files.text_formats import Rows

# How a colour map begins where it says that it is one, and a style.
QGIS_MAP = b"# QGIS Generated Color Map"
QGIS_STYLE = re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!DOCTYPE qgis\b|<qgis\b)")
_CVAT = re.compile(
    rb".*?:\s*([0-9]{1,3})\s*,\s*([0-9]{1,3})\s*,\s*([0-9]{1,3})\s*(?::.*)?", re.DOTALL
)
_CVAT_HEAD = b"# label:color_rgb"
_BETWEEN = re.compile(rb"[\s,:]+")
_VALUE = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?%?|nv|[+-]?inf|nan")
_WHOLE = re.compile(rb"[0-9]{1,5}(\.0*)?")
_MOST_LABELS = 256


def read_color_map(data: bytes) -> Rows:
    """The colours of a colour map; raises PaletteError where it is damaged."""
    values: list[bytes] = []
    rows: list[list[int]] = []
    for number, line in text_formats.lines(data):
        if not line or line.startswith(b"#") or line.upper().startswith(b"INTERPOLATION"):
            continue
        value, *words = _BETWEEN.split(line, 5)
        if not _VALUE.fullmatch(value.lower()):
            raise PaletteError(f"line {number}: {text_formats.shown(line)} begins with no value")
        channels = 4 if len(words) > 3 and words[3].isdigit() else 3
        values.append(value)
        rows.append(text_formats.samples(words, number, channels, line))
        if len(rows) > MAX_COLORS:
            break
    return _placed(values, rows, _MOST_LABELS)


def read_style(data: bytes) -> Rows:
    """The colours of a raster's style in QGIS; raises PaletteError where it is damaged, or has no
    table of colours."""
    single: list[tuple[bytes, Sequence[int]]] = []
    ramp: list[tuple[bytes, Sequence[int]]] = []
    inside: list[str] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name == "paletteEntry":
            single.append(_entry(attributes))
        elif name == "item" and inside and inside[-1] == "colorrampshader":
            ramp.append(_entry(attributes))
        inside.append(name)

    each_element(data, begin, lambda _: inside.pop())
    found = single or ramp
    if not found:
        raise PaletteError("the style has no table of colours, as rasters' styles have")
    values, rows = zip(*found, strict=True)
    return _placed(values, rows, MAX_COLORS if single else _MOST_LABELS)


def is_label_list(data: bytes) -> bool:
    """Whether the first line of a text that isn't a comment is a label of CVAT's."""
    return data.startswith(_CVAT_HEAD) or _CVAT.fullmatch(_first_line(data)) is not None


def read_label_list(data: bytes) -> Iterator[Sequence[int]]:
    """The colours of CVAT's labels; raises PaletteError where a line is no label with its
    colour."""
    for number, line in text_formats.lines(data):
        if not line or line.startswith(b"#"):
            continue
        match = _CVAT.fullmatch(line)
        if match is None:
            raise PaletteError(
                f"line {number}: {text_formats.shown(line)} is no label with its colour"
            )
        yield text_formats.samples(list(match.groups()), number, 3, line)


def _first_line(data: bytes) -> bytes:
    head: Iterator[bytes] = (line for _, line in text_formats.lines(data[: text_formats.HEAD]))
    return next((line for line in head if line and not line.startswith(b"#")), b"")


def _entry(attributes: dict[str, str]) -> tuple[bytes, Sequence[int]]:
    color = color_of_hex(attributes.get("color", ""))
    alpha = attributes.get("alpha", "255").encode()
    if color is None or len(color) != 3 or not text_formats.is_sample(alpha):
        raise PaletteError("the style is damaged: an entry of its table has no colour")
    return attributes.get("value", "").encode(), (*color, int(alpha))


def _placed(
    values: Sequence[bytes], rows: Sequence[Sequence[int]], most: int
) -> Sequence[Sequence[int]]:
    """The colours at the places that their values name, if they all name one."""
    if not all(map(_WHOLE.fullmatch, values)):
        return rows
    places = [int(value.split(b".")[0]) for value in values]
    if not places or max(places) >= most or len(set(places)) < len(places):
        return rows
    placed: list[Sequence[int]] = [(0, 0, 0, 0)] * (max(places) + 1)
    for place, row in zip(places, rows, strict=True):
        placed[place] = row
    return placed
