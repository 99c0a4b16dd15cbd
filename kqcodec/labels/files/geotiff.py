"""GeoTIFF files, read and written by rasterio: ids with their place in the world.

Transform, coordinate reference system, nodata, colour table and tags are in the file;
the attribute table is beside it, in one of the same name and .aux.xml, as GDAL has it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.meaning import Meaning
from kqcodec.errors import ImageError, LabelsError
from kqcodec.images.conversion import warn_of_loss
from kqcodec.labels.color_tables import colors_by_id
from kqcodec.labels.files.attribute_xml import (
    attributes_of,
    attributes_of_xml,
    names_and_colors,
    xml_of_attributes,
)
from kqcodec.labels.ids import LabelMap, as_integers, whole_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Tags of TIFF that only GeoTIFF and GDAL write: scale, tie points, transformation, keys,
# and GDAL's metadata and nodata.
_GEO_TAGS = frozenset({33550, 33922, 34264, 34735, 42112, 42113})
_BIG_TIFF = 43
SIDECAR = ".aux.xml"
_MOST_SIDECAR = 1 << 26
_WITH_COLORS = (np.uint8, np.uint16)  # of others TIFF has no colour table
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_BAND_TAG = "band 1 "  # ahead of the keys of tags that are the band's, not the file's


def is_geotiff(data: bytes) -> bool:
    """Whether the first directory of a TIFF file has a tag of GeoTIFF's or GDAL's."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return False
    try:
        (version,) = struct.unpack_from(order + "H", data, 2)
        big = version == _BIG_TIFF
        (start,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, start)
        first, step = (start + 8, 20) if big else (start + 2, 12)
        places = range(first, min(first + count * step, len(data)), step)
        tags = {struct.unpack_from(order + "H", data, place)[0] for place in places}
    except struct.error:
        return False
    return not _GEO_TAGS.isdisjoint(tags)


def rasterio_or_none() -> Any:
    """The package rasterio, or None where it isn't installed."""
    try:
        return importlib.import_module("rasterio")
    except ImportError:
        return None


def from_geotiff(
    data: bytes, name: str, path: str | None, *, whole: bool, nodata: int | None
) -> LabelMap:
    """The ids of a GeoTIFF file of one band, and what it says about them.

    Args:
        data: the file.
        name: for messages.
        path: where it lies, for the attribute table beside it; None if it doesn't.
        whole: whether floats with whole values are taken; NaN becomes ``nodata``.
        nodata: the id for what is unknown, if the file doesn't say.

    Raises:
        ImageError: it can't be read; LabelsError if it has several bands.
        ImportError: rasterio isn't there.
        TypeError, ValueError: its values aren't ids.
    """
    from PIL import Image

    with _reading(name), _opened(data) as file:
        if file.count != 1:
            raise LabelsError(f"{name} is no label map: it has {file.count} bands")
        limit = Image.MAX_IMAGE_PIXELS
        if limit is not None and file.width * file.height > limit:
            raise ImageError(
                f"{name} has too many pixels to be safe; if you trust it, raise "
                "PIL.Image.MAX_IMAGE_PIXELS",
                "max pixels",
            )
        values = file.read(1)
        own = _whole_or_none(file.nodata)
        nodata = own if nodata is None else nodata
        crs = _crs_text(file.crs)
        transform = tuple(float(value) for value in tuple(file.transform)[:6])
        tags = dict(file.tags()) | {_BAND_TAG + key: text for key, text in file.tags(1).items()}
        try:
            palette = file.colormap(1)
        except ValueError:
            palette = {}
    if values.dtype.kind == "f" and whole:
        values = whole_values(values, nodata)
    found = LabelMap(values)
    columns = () if path is None else _columns_beside(path)
    names, colors = names_and_colors(columns)
    colors = _given_colors(palette, found.values) | colors
    meaning = Meaning(
        names=names,
        colors=colors,
        nodata=nodata,
        attributes=columns,
        transform=None if transform == _IDENTITY else transform,  # type: ignore[arg-type]
        crs=crs,
        tags=tags,
    )
    return LabelMap(found.values, meaning)


def geotiff(values: NDArray[Any], meaning: Meaning) -> tuple[bytes, bytes | None]:
    """A GeoTIFF file, and the .aux.xml file beside it if there is an attribute table.

    Names and colours that the file can't hold stand in that table.

    Raises:
        ImportError: rasterio isn't there; the extra ``geo`` brings it.
        ValueError: the coordinate reference system isn't one that rasterio knows.

    Warns:
        ConversionWarning: nodata isn't an id of the dtype, or an id is too great for the table.
    """
    rasterio = rasterio_or_none()
    if rasterio is None:
        raise ImportError("a GeoTIFF file needs rasterio; pip install 'kqcodec[geo]' brings it")
    ids = as_integers(values, "GeoTIFF files hold pictures")
    height, width = ids.shape
    nodata = meaning.nodata
    limits = np.iinfo(ids.dtype)
    if nodata is not None and not limits.min <= nodata <= limits.max:
        warn_of_loss(f"nodata, {nodata}, is no {ids.dtype}: the file doesn't say it")
        nodata = None
    transform = rasterio.Affine(*(meaning.transform or _IDENTITY))
    try:
        crs = rasterio.crs.CRS.from_user_input(meaning.crs) if meaning.crs else None
    except rasterio.errors.CRSError as exc:
        raise ValueError(
            f"the coordinate reference system can't be written: {exc}; a .npy file keeps the ids"
        ) from exc
    profile = {
        "driver": "GTiff", "width": width, "height": height, "count": 1, "dtype": ids.dtype.name,
        "crs": crs, "transform": transform, "nodata": nodata, "compress": "deflate",
    }  # fmt: skip
    with _without_remarks(rasterio), rasterio.MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(ids, 1)
            of_band = {
                key.removeprefix(_BAND_TAG): text
                for key, text in meaning.tags.items()
                if key.startswith(_BAND_TAG)
            }
            of_file = {
                key: text for key, text in meaning.tags.items() if not key.startswith(_BAND_TAG)
            }
            file.update_tags(**of_file)
            file.update_tags(1, **of_band)
            if meaning.colors and ids.dtype in _WITH_COLORS:
                file.write_colormap(1, _palette(meaning, ids))
        data = bytes(memory.read())
    return data, _sidecar(meaning, ids.dtype)


def has_place(meaning: Meaning) -> bool:
    """Whether there is anything that only a GeoTIFF holds."""
    parts = (meaning.transform, meaning.crs, meaning.nodata)
    return any(part is not None for part in parts) or bool(meaning.attributes or meaning.tags)


def _sidecar(meaning: Meaning, dtype: np.dtype[Any]) -> bytes | None:
    opaque = all(len(color) == 3 for color in meaning.colors.values())
    if not meaning.attributes and not meaning.names and opaque and dtype in _WITH_COLORS:
        return None  # the colour table says it all
    try:
        columns = attributes_of(meaning)
    except (ValueError, OverflowError):  # GDAL's integers are too small for them
        warn_of_loss("names and colours of ids beyond 2^53 don't fit an attribute table")
        return None
    return xml_of_attributes(columns) if columns else None


def _palette(meaning: Meaning, ids: NDArray[Any]) -> dict[int, tuple[int, ...]]:
    """Red, green and blue for each id that there is or that has been given one. A TIFF file has
    no alpha there."""
    limit = int(np.iinfo(ids.dtype).max)
    given = [key for key in meaning.colors if 0 <= key <= limit]
    shown = np.union1d(np.unique(ids), np.array(given, dtype=ids.dtype))
    table = meaning.color_of(shown)[:, :3]
    return {int(key): tuple(map(int, color)) for key, color in zip(shown, table, strict=True)}


def _given_colors(
    palette: dict[int, tuple[int, ...]], values: NDArray[Any]
) -> dict[int, tuple[int, ...]]:
    if not palette:
        return {}
    table = np.zeros((max(palette) + 1, 3), dtype=np.uint8)
    for key, color in palette.items():
        table[key] = color[:3]  # GDAL makes nodata transparent
    return colors_by_id(table, values)


def _columns_beside(path: str) -> tuple[Any, ...]:
    beside = path + SIDECAR
    try:
        if os.path.getsize(beside) > _MOST_SIDECAR:
            raise ImageError(f"{beside} is too long for an attribute table")
        with open(beside, "rb") as file:
            return attributes_of_xml(file.read(_MOST_SIDECAR))
    except FileNotFoundError:
        return ()
    except (TypeError, ValueError, OverflowError) as exc:
        raise ImageError(f"{beside} can't be read as an attribute table: {exc}") from exc


def _whole_or_none(nodata: float | None) -> int | None:
    with contextlib.suppress(ValueError, OverflowError):
        if nodata is not None and int(nodata) == nodata:
            return int(nodata)
    return None


def _crs_text(crs: Any) -> str | None:
    """The code of an authority, if it says all that the file does; else WKT."""
    if not crs:
        return None
    code = crs.to_epsg()
    if code is not None and type(crs).from_epsg(code) == crs:
        return f"EPSG:{code}"
    return str(crs.to_wkt())


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    """The file as rasterio has it: GeoTIFF alone, since other drivers follow names to files."""
    rasterio = rasterio_or_none()
    if rasterio is None:
        raise ImportError("a GeoTIFF file needs rasterio; pip install 'kqcodec[geo]' brings it")
    with (
        _without_remarks(rasterio),
        rasterio.MemoryFile(data) as memory,
        memory.open(driver="GTiff") as file,
    ):
        yield file


@contextlib.contextmanager
def _without_remarks(rasterio: Any) -> Iterator[None]:
    """A picture without a place is none of rasterio's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        yield


@contextlib.contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except (ImageError, ImportError, MemoryError):
        raise
    except Exception as exc:
        raise ImageError(f"{name} can't be read as a GeoTIFF file: {exc}") from exc
