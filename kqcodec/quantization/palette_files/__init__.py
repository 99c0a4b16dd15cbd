"""Palettes in the files of other programs: which format a file has, reading and writing.

    gpl     GIMP, Inkscape, Krita: text; with alpha as Aseprite has it
    act     Adobe colour table: binary, at most 256 colours, one of them transparent
    aco     Photoshop's swatches: binary, opaque
    ase     Adobe swatch exchange: binary, opaque
    pal     JASC (Paint Shop Pro): text, written opaque; Microsoft's RIFF files and bare
            samples, 192 or 768 bytes of them, are read, too
    hex     a colour a line, #rrggbb or #rrggbbaa; paint.net's lists are read, too
    kq      the palette of a .kq file; written as a picture of one row

These are read only:

    kpl     Krita's: a zip archive
    clr     colour maps of ESRI, GDAL and QGIS: text, a value and its colour a line
    qml     QGIS's styles of rasters: XML
    txt     CVAT's labelmap.txt, NAME:R,G,B a line

A palette can also be read from a picture: its own, in its order, where it has one,
else its different colours as they first appear, row by row. The contents of a file tell
its format; only for .act, .aco, .clr and bare samples the extension decides.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np

from kqcodec.colors.values import colors_from, colors_of_rows, without_opaque_alpha
from kqcodec.errors import PaletteError
from kqcodec.format.header import MAX_COLORS, SIGNATURES
from kqcodec.images.numpy_files import ZIP_SIGNATURE
from kqcodec.quantization.palette_files import (
    binary_formats,
    from_pictures,
    krita,
    tables,
    text_formats,
)
from kqcodec.storage.atomic_write import write_parts, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.colors.values import ColorsLike
    from kqcodec.quantization.palette_files.text_formats import Rows

    PaletteLike: TypeAlias = "ColorsLike | str | os.PathLike[str]"

# What can be written, by the name of the format.
_WRITERS: dict[str, Callable[[NDArray[np.uint8]], bytes]] = {
    "gpl": text_formats.gimp_file,
    "act": binary_formats.color_table_file,
    "aco": binary_formats.photoshop_file,
    "ase": binary_formats.swatch_file,
    "pal": text_formats.jasc_file,
    "hex": text_formats.hex_file,
    "kq": from_pictures.kq_file,
}
PALETTE_FORMATS = tuple(_WRITERS)
_FORMAT_OF_SUFFIX = {f".{name}": name for name in _WRITERS} | {".txt": "hex"}

# The largest files with a palette are pictures.
_MOST_BYTES = 1 << 26


def read_palette(source: str | os.PathLike[str] | bytes | BinaryIO) -> NDArray[np.uint8]:
    """The colours of a palette file, in its order, repeated ones included.

    Args:
        source: a path, the contents of a file, or a binary file.

    Returns:
        uint8, shape (K, 3), or (K, 4) where any colour isn't opaque; K from 1 to 65,536.

    Raises:
        PaletteError: the file isn't a palette, is damaged, or has no colours, too many,
            or ones that have no RGB value.
        OSError: the file can't be read.
        TypeError: a source of another kind.

    Warns:
        ConversionWarning: of colours in CMYK, in a space that is taken for sRGB, or that
            sRGB can't show.
    """
    if isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
        with open(name, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        name, data = "the palette", bytes(source)
    elif hasattr(source, "read"):
        name, data = str(getattr(source, "name", "the palette")), source.read(_MOST_BYTES + 1)
        if not isinstance(data, bytes):
            raise TypeError(f"{name} must be opened in binary mode, 'rb'")
    else:
        raise TypeError(
            f"can't read a palette from {type(source).__name__}: give a path, the contents of "
            "a file or a binary file"
        )
    try:
        return _checked(_colors(data, os.path.splitext(name)[1].lower()))
    except PaletteError as exc:
        raise PaletteError(f"{name}: {exc}") from exc.__cause__


def write_palette(
    target: str | os.PathLike[str] | BinaryIO,
    palette: ColorsLike,
    format: str | None = None,
    *,
    overwrite: bool = True,
) -> int:
    """Write a palette file.

    Args:
        target: a path, where the file appears when it is complete; or a binary file.
        palette: uint8, shape (K, 3) or, with alpha, (K, 4), or a list of colours.
        format: one of "gpl", "act", "aco", "ase", "pal", "hex" and "kq"; None for what the
            path's extension says.
        overwrite: whether an existing file may be replaced.

    Returns:
        The bytes written.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        OSError: the target can't be written.
        TypeError, ValueError: a wrong argument, no such format, or too many colours
            for it, or transparent ones.
    """
    colors = palette_from(palette)
    if isinstance(target, (str, os.PathLike)):
        chosen = format_of_name(os.fspath(target)) if format is None else format
        return write_whole(target, [palette_bytes(colors, chosen)], overwrite)
    if format is None:
        raise TypeError("format is missing: an open file doesn't tell it")
    return write_parts(target, [palette_bytes(colors, format)])


def palette_from(given: PaletteLike, what: str = "the palette") -> NDArray[np.uint8]:
    """A palette as a caller gives it, colours that ``colors_from`` takes or the path of a file
    that ``read_palette`` reads, in its order and with its duplicates: uint8, shape (K, 3), or
    (K, 4) where any colour isn't opaque; K from 1 to 65,536. ``what`` names it in messages.

    Raises:
        PaletteError, OSError: the file can't be read.
        TypeError, ValueError: something else, a sample out of range, no colours or too many.
    """
    if isinstance(given, (str, os.PathLike)):
        return read_palette(given)
    colors = colors_from(given, what)
    if not 1 <= len(colors) <= MAX_COLORS:
        raise ValueError(f"{what} must have 1 to {MAX_COLORS:,} colours, not {len(colors):,}")
    return colors


def format_of_name(name: str) -> str:
    """The format that a file's extension names; raises ValueError where it names none."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix not in _FORMAT_OF_SUFFIX:
        what = f"the extension {suffix}" if suffix else "no extension"
        known = ", ".join(_FORMAT_OF_SUFFIX)
        raise ValueError(f"{name}: {what} names no palette format; use one of {known}")
    return _FORMAT_OF_SUFFIX[suffix]


def palette_bytes(palette: NDArray[np.uint8], name: str) -> bytes:
    """A palette as the contents of a file of the format ``name``; raises ValueError where
    there is no such format, or it can't hold such colours."""
    if name not in _WRITERS:
        raise ValueError(f"format must be one of {', '.join(_WRITERS)}, not {name!r}")
    return _WRITERS[name](palette)


def _colors(data: bytes, suffix: str) -> Rows:
    if not data:
        raise PaletteError("the file is empty: it has 0 bytes")
    if len(data) > _MOST_BYTES:
        raise PaletteError(f"the file is too large for a palette: over {_MOST_BYTES:,} bytes")
    words = text_formats.plain(data)
    bare = suffix == ".pal" and len(data) in binary_formats.BARE_SIZES
    for accepted, read, contents in (
        (data.startswith(SIGNATURES), from_pictures.read_kq, data),
        (data.startswith(binary_formats.SWATCHES), binary_formats.read_swatches, data),
        (binary_formats.is_riff(data), binary_formats.read_riff, data),
        (data.startswith(ZIP_SIGNATURE), krita.read_archive, data),
        (words.startswith(text_formats.GIMP), text_formats.read_gimp, words),
        (words.startswith(text_formats.JASC), text_formats.read_jasc, words),
        (suffix == ".act", binary_formats.read_color_table, data),
        (suffix == ".aco", binary_formats.read_photoshop, data),
        (words.startswith(tables.QGIS_MAP), tables.read_color_map, words),
        (suffix == ".clr", tables.read_color_map, words),
        (tables.QGIS_STYLE.match(words) is not None, tables.read_style, words),
        (tables.is_label_list(words), tables.read_label_list, words),
        (text_formats.is_hex_list(words), text_formats.read_hex_list, words),
        (bare, binary_formats.read_bare, data),
        (binary_formats.is_color_table(data), binary_formats.read_color_table, data),
        (binary_formats.is_photoshop(data), binary_formats.read_photoshop, data),
    ):
        if accepted:
            return read(contents)
    binary_formats.refuse_lookalikes(data)
    return from_pictures.read_picture(data)


def _checked(rows: Rows) -> NDArray[np.uint8]:
    if isinstance(rows, np.ndarray):
        palette = without_opaque_alpha(rows)
    else:
        palette = colors_of_rows(list(itertools.islice(rows, MAX_COLORS + 1)))
    if len(palette) == 0:
        raise PaletteError("the palette has no colours; give one that has some")
    if len(palette) > MAX_COLORS:
        raise PaletteError(f"the palette has over {MAX_COLORS:,} colours, more than one may have")
    return palette
