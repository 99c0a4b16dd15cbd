"""Label maps: pictures and volumes whose pixels are numbers of classes or regions.

``label_map`` takes one in whatever form it comes, with what is said there about its ids, and
changes no id and no dtype.
"""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from kqcodec.coding.kq_file import KqFile
from kqcodec.coding.meaning import Meaning
from kqcodec.errors import ImageError, LabelsError
from kqcodec.format.header import SIGNATURES
from kqcodec.images.conversion import warn_of_loss
from kqcodec.images.image_files import opened_image, opened_path, read_contents, reading_image
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.images.numpy_files import NPY_SIGNATURE, ZIP_SIGNATURE, npy_array, npz_arrays
from kqcodec.images.pixels import is_pillow_image
from kqcodec.labels.color_tables import color_table, colors_by_id
from kqcodec.labels.files.coco import instances, panoptic_meaning
from kqcodec.labels.files.geotiff import from_geotiff, is_geotiff, rasterio_or_none
from kqcodec.labels.files.json_files import is_json, parsed_json
from kqcodec.labels.files.label_lists import label_list
from kqcodec.labels.files.pillow_images import from_pillow, tiff_array, unread_by_pillow
from kqcodec.labels.files.zarr_arrays import is_zarr, zarr_array
from kqcodec.labels.ids import LabelMap, check_no_colors, ids_of_rgb, whole_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.images.pixels import ImageLike

Ids: TypeAlias = Literal["values", "rgb", "categories"]
IDS: tuple[Ids, ...] = get_args(Ids)


def label_map(
    source: ImageLike | IndexedImage | LabelMap,
    *,
    key: str | None = None,
    ids: Ids = "values",
    image: str | int | None = None,
    names: str | os.PathLike[str] | None = None,
    whole: bool = False,
    nodata: int | None = None,
) -> LabelMap:
    """The ids of ``source``, each unchanged, and what is said there about them.

    Args:
        source: an array of bools or integers of shape (H, W) or (H, W, 1), negative and 64-bit
            ones too, or of a volume (Z, H, W), but not uint8 of shape (Z, H, 3) or (Z, H, 4),
            which are taken for colours: ``LabelMap(array)`` takes them; a Pillow image of mode
            P, 1, L, I or I;16; a path, bytes or a binary file: images that Pillow opens in such
            a mode, TIFF of up to 64 bits (by the extra ``tiff``), its grey pages of one size
            being the slices of a volume, GeoTIFF (by the extra ``geo``, with place, nodata,
            colours, attributes and tags), .npy, .npz, .kq, COCO's JSON of instances, and one
            mask in COCO's run lengths as JSON; the path of a .zarr folder (by the extra
            ``zarr``): an array, or an image-label group of OME-Zarr, of which the highest
            resolution is taken; an indexed image; or a label map.
        key: the array of an .npz file, "labels" or the only one if it is None; or the path
            within a .zarr folder.
        ids: "values" for samples, or "rgb" for COCO's panoptic pictures, where a colour is the
            id R + 256·G + 256²·B, and the JSON of the same name beside the picture or its
            folder, if there is one, says what they mean. Of COCO's instances "values" are the
            ids of annotations, and "categories" those of their categories.
        image: the id or file name of the image in COCO's JSON of instances.
        names: the path of a list of labels, whose names and colours stand in for those of the
            source: labelme's, CVAT's or COCO's, or COCO's panoptic JSON.
        whole: whether float arrays are taken if all values are whole.
        nodata: the id for what isn't known, in place of the source's. NaN becomes it.

    Raises:
        LabelsError: a file or image doesn't hold labels.
        ImageError: the file can't be read.
        FormatError: a .kq file is damaged.
        ImportError: an extra is missing, and the message names it.
        OSError: the file can't be opened or read.
        TypeError: the source is of another kind, or its dtype.
        ValueError: its shape is another, or there are no labels; or a float isn't whole.

    Warns:
        ConversionWarning: the ids are kept, but something else is lost.
    """
    if ids not in IDS:
        raise ValueError(f"ids is one of {', '.join(map(repr, IDS))}, not {ids!r}")
    options = _Options(key, ids, image, whole, nodata)
    found = _read(source, options)
    meaning = found.meaning
    if names is not None:
        meaning = _named(meaning, os.fspath(names), _name_of(source))
    if nodata is not None:
        meaning = replace(meaning, nodata=nodata)
    return found if meaning is found.meaning else LabelMap(found.values, meaning)


@dataclass(frozen=True)
class _Options:
    """How a source is read, as ``label_map`` is told."""

    key: str | None
    ids: Ids
    image: str | int | None
    whole: bool
    nodata: int | None

    @property
    def rgb(self) -> bool:
        """Whether three bytes of colour are an id."""
        return self.ids == "rgb"


def _read(source: Any, options: _Options) -> LabelMap:
    if isinstance(source, LabelMap):
        return source
    if isinstance(source, IndexedImage):
        return _from_indexed(source)
    if is_pillow_image(source):
        return _from_image(source, "the image", options)
    if isinstance(source, (str, os.PathLike)):
        return _from_path(os.fspath(source), options)
    if isinstance(source, (bytes, bytearray, memoryview)) or hasattr(source, "read"):
        return _from_file(source, options)
    if hasattr(source, "__array__") or hasattr(source, "__array_interface__"):
        return _from_array(source, options)
    raise TypeError(
        f"can't read labels from {type(source).__name__}: give a NumPy array, a Pillow image, "
        "a path, the bytes of a file or a binary file"
    )


def _from_path(path: str, options: _Options) -> LabelMap:
    if is_zarr(path):
        values, meaning = zarr_array(path, options.key)
        with _holding_labels(path):
            return LabelMap(_from_array(values, options).values, meaning)
    with opened_path(path) as file:
        return _from_data(read_contents(file, path), path, options, path)


def _from_file(source: Any, options: _Options) -> LabelMap:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_data(read_contents(io.BytesIO(source), "the data"), "the data", options)
    name = getattr(source, "name", None)
    shown = name if isinstance(name, str) else "the file"
    return _from_data(read_contents(source, shown), shown, options)


def _from_data(data: bytes, name: str, options: _Options, path: str | None = None) -> LabelMap:
    if data.startswith(SIGNATURES):
        return _from_kq(data)
    if data.startswith((NPY_SIGNATURE, ZIP_SIGNATURE)):
        zipped = data.startswith(ZIP_SIGNATURE)
        arrays = npz_arrays(data, name, options.key) if zipped else (npy_array(data, name), None)
        with _holding_labels(name):
            found = _from_array(arrays[0], options)
            if arrays[1] is None:
                return found
            colors = colors_by_id(color_table(arrays[1]), found.values)
            return LabelMap(found.values, replace(found.meaning, colors=colors))
    if is_json(data):
        categories = options.ids == "categories"
        return instances(parsed_json(data, name), name, options.image, categories=categories)
    if is_geotiff(data):
        if rasterio_or_none() is not None:
            with _holding_labels(name):
                return from_geotiff(data, name, path, whole=options.whole, nodata=options.nodata)
        warn_of_loss(
            f"{name} is a GeoTIFF file; its place and attributes are kept with rasterio only: "
            "pip install 'kqcodec[geo]' brings it"
        )
    try:
        with opened_image(data, name) as opened, reading_image(name), _holding_labels(name):
            found = _from_image(opened, name, options)
    except ImageError as exc:
        if not unread_by_pillow(exc, data):
            raise
        with _holding_labels(name):
            found = _from_array(tiff_array(data, name), options)
    beside = _panoptic_json_beside(path) if options.rgb and path is not None else None
    return LabelMap(found.values, _named(found.meaning, beside, path)) if beside else found


def _from_kq(data: bytes) -> LabelMap:
    with KqFile(data) as file:
        if file.is_label_map:
            return LabelMap(file.labels(), file.meaning)
        return _from_indexed(file.read())


def _from_image(image: Any, name: str, options: _Options) -> LabelMap:
    if image.mode == "F" and options.whole:
        return _from_array(np.asarray(image), options)
    return from_pillow(image, name, rgb=options.rgb)


def _from_array(source: Any, options: _Options) -> LabelMap:
    if options.rgb:
        samples = np.asarray(source)
        if samples.ndim != 3 or samples.shape[2] not in (3, 4) or samples.dtype != np.uint8:
            raise ValueError(
                f"ids in RGB are uint8 of shape (H, W, 3), not {samples.dtype} of {samples.shape}"
            )
        return LabelMap(ids_of_rgb(samples))
    check_no_colors(source)
    if options.whole and not isinstance(source, np.ma.MaskedArray):
        array = np.asarray(source)
        if array.dtype.kind == "f" and array.size:
            return LabelMap(whole_values(array, options.nodata))
    return LabelMap(source)


def _from_indexed(indexed: IndexedImage) -> LabelMap:
    return LabelMap(indexed.labels, Meaning(colors=colors_by_id(indexed.palette, indexed.labels)))


@contextlib.contextmanager
def _holding_labels(name: str) -> Iterator[None]:
    """Turn TypeError and ValueError about what a file holds into a LabelsError."""
    try:
        yield
    except (TypeError, ValueError) as exc:
        raise LabelsError(f"{name} doesn't hold labels: {exc}") from exc


# --- what stands beside it --------------------------------------------------


def _name_of(source: Any) -> str | None:
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else None


def _panoptic_json_beside(path: str) -> str | None:
    """x.json for x.png, or folder.json for folder/x.png."""
    root, _ = os.path.splitext(path)
    folder = os.path.dirname(os.path.abspath(path))
    return next((at for at in (root + ".json", folder + ".json") if os.path.isfile(at)), None)


def _named(meaning: Meaning, path: str, picture: str | None) -> Meaning:
    with opened_path(path) as file:
        data = read_contents(file, path)
    if picture is not None and is_json(data):
        found = parsed_json(data, path)
        panoptic = isinstance(found, dict) and {"annotations", "categories"} <= set(found)
        listed = found["annotations"] if panoptic else None
        first = listed[0] if isinstance(listed, list) and listed else None
        if isinstance(first, dict) and "segments_info" in first:
            return panoptic_meaning(found, picture, path)
    told = label_list(data, path)
    return replace(
        meaning,
        names=told.names,
        colors=told.colors or meaning.colors,
        ignore=told.ignore or meaning.ignore,
    )
