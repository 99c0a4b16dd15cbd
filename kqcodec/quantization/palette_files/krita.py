"""Krita's palettes, .kpl: a zip archive with the colours in colorset.xml.

    <Colorset name="Dusk" columns="2" rows="1" version="1.0">
      <ColorSetEntry name="rose" id="" bitdepth="U8" spot="false">
        <RGB space="sRGB-elle-V2-srgbtrc.icc" r="1" g="0.5" b="0"/>
        <Position row="0" column="0"/>
      </ColorSetEntry>
      <Group name="cold" rows="1"> more entries </Group>
    </Colorset>

Colours stand where their position says, row by row, group after group.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from kqcodec.errors import PaletteError
from kqcodec.quantization.palette_files.inks import Inks, of_unit
from kqcodec.quantization.palette_files.markup import each_element
from kqcodec.storage.archives import opened_member

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.quantization.palette_files.text_formats import Rows

_COLORS = "colorset.xml"
# Palettes have some kilobytes, and profiles of some megabytes beside them at most.
_MOST_BYTES = 1 << 24
_MOST_FILES = 4096
# What zipfile lets through beside its own exceptions.
_OF_DAMAGE = (OSError, ValueError, NotImplementedError, RuntimeError, struct.error)
# What a colour's element is called, and the attributes that hold its numbers.
_MODELS: dict[str, Sequence[str]] = {
    "RGB": "rgb",
    "sRGB": "rgb",
    "Gray": "g",
    "CMYK": "cmyk",
    "Lab": "Lab",
    "XYZ": "xyz",
    "YCbCr": ("Y", "Cb", "Cr"),
}


def read_archive(data: bytes) -> Rows:
    """The colours of Krita's palette, with a warning of CMYK, and of RGB in another space than
    sRGB; raises PaletteError where it isn't one, is damaged or too large, or holds colours of
    a model that has no RGB values here."""
    colors = _Colors()
    each_element(_contents(data), colors.begin, colors.end)
    return [samples for _, samples in sorted(colors.found, key=lambda found: found[0])]


class _Colors:
    """The colours as the elements come: each with its group, row, column and number."""

    def __init__(self) -> None:
        self.found: list[tuple[tuple[int, int, int, int], list[int]]] = []
        self._groups = self._group = 0  # how many there were, and which it is; 0 is none
        self._inks = Inks()
        self._samples: list[int] | None = None
        self._place = (0, 0)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Group":
            self._groups += 1
            self._group = self._groups
        elif name == "ColorSetEntry":
            self._samples, self._place = None, (0, 0)
        elif name == "Position":
            self._place = (_whole(attributes.get("row")), _whole(attributes.get("column")))
        elif name in _MODELS:
            self._samples = _samples(name, attributes, self._inks)

    def end(self, name: str) -> None:
        if name == "Group":
            self._group = 0
        if name != "ColorSetEntry":
            return
        if self._samples is None:
            raise PaletteError("the palette is damaged: an entry has no colour")
        number = len(self.found)
        self.found.append(((self._group, *self._place, number), self._samples))


def _samples(model: str, attributes: dict[str, str], inks: Inks) -> list[int]:
    try:
        values = [float(attributes[name]) for name in _MODELS[model]]
    except (KeyError, ValueError) as exc:
        raise PaletteError(f"the palette is damaged: a colour in {model} lacks numbers") from exc
    if model in ("RGB", "sRGB"):
        space = attributes.get("space", "sRGB")
        if "srgb" not in space.lower() or "g10" in space.lower():
            inks.warn(f"the palette's colours in {space[:60]!r} are taken for sRGB")
        return of_unit(values)
    if model == "Gray":
        return of_unit(values) * 3
    if model == "CMYK":
        return inks.of_cmyk(*values)
    raise PaletteError(f"a colour is in {model}; convert the palette to RGB first")


def _whole(text: str | None) -> int:
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 10):
        raise PaletteError("the palette is damaged: a colour's position is no number")
    return int(text)


def _contents(data: bytes) -> bytes:
    """The member with the colours, as many bytes as are allowed and no more."""
    try:
        # Where the members stand in a list, whose length the last record tells.
        if data.count(b"PK\x01\x02") > _MOST_FILES:
            raise PaletteError("the archive has too many files for a palette")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            try:
                member = opened_member(archive, _COLORS)
            except ValueError as exc:
                raise PaletteError(f"the archive is no palette of Krita: {exc}") from exc
            with member as file:
                contents = file.read(_MOST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, *_OF_DAMAGE) as exc:
        raise PaletteError(f"the archive is damaged ({str(exc) or type(exc).__name__})") from exc
    if len(contents) > _MOST_BYTES:
        raise PaletteError(f"{_COLORS} is too large for a palette: over {_MOST_BYTES:,} bytes")
    return contents
