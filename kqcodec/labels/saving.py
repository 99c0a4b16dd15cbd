"""Label maps as files of other formats, each id unchanged."""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kqcodec.labels.files.coco import check_rgb_ids, panoptic_json
from kqcodec.labels.files.geotiff import SIDECAR, geotiff, has_place
from kqcodec.labels.files.zarr_arrays import save_zarr
from kqcodec.labels.ids import LabelMap, as_integers, id_range, is_volume, rgb_of_ids
from kqcodec.storage.atomic_write import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from kqcodec.coding.meaning import Meaning

SUFFIXES = (".npy", ".npz", ".png", ".tif", ".tiff", ".zarr")
_TIFF = (".tif", ".tiff")
_PNG = ".png files hold pictures"
_MOST_IN_PALETTE, _MOST_IN_16_BITS = 255, 65_535


def save_labels(
    labels: ArrayLike | LabelMap,
    path: str | os.PathLike[str],
    *,
    ids: Literal["values", "rgb"] = "values",
    overwrite: bool = True,
) -> None:
    """Write ids as a file of another format, which appears when it is complete.

    ===========  ==================================================================
    .npy         the array as it is
    .npz         the array as it is, "labels", and the colours that were given, "palette"
    .png         a palette image for ids up to 255, 16-bit grey up to 65,535; or, by
                 ``ids="rgb"``, COCO's panoptic picture, its JSON beside it
    .tif, .tiff  every dtype (bools as bytes), the slices of a volume as pages; of a picture with
                 a place, nodata, attributes or tags a GeoTIFF by the extra ``geo``, its
                 attribute table beside it in .aux.xml
    .zarr        the array as it is, by the extra ``zarr``
    ===========  ==================================================================

    Args:
        labels: bools or integers of shape (H, W) or (H, W, 1), or of a volume (Z, H, W); or a
            ``LabelMap``, of whose meaning each format holds what it can.
        path: where to, with one of these endings.
        ids: "values", or "rgb" for three bytes a pixel.
        overwrite: whether what is there may be replaced.

    Raises:
        FileExistsError: there is something, and ``overwrite`` is false.
        ImportError: an extra is missing, and the message names it.
        OSError: it can't be written.
        TypeError: these aren't labels.
        ValueError: a wrong shape or ending; or the format doesn't hold such ids, and the message
            names one that does.

    Warns:
        ConversionWarning: the ids are kept, but something that a GeoTIFF should say isn't.
    """
    name = os.fspath(path)
    suffix = os.path.splitext(name)[1].lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"labels are written to {', '.join(SUFFIXES)}, not {suffix or name!r}")
    if ids == "rgb" and suffix != ".png":
        raise ValueError(f"ids in RGB are written to .png, not {suffix}")
    checked = labels if isinstance(labels, LabelMap) else LabelMap(np.asanyarray(labels))
    if suffix == ".zarr":
        save_zarr(checked.values, name, overwrite)
        return
    # What stands beside comes first: it says nothing without the picture.
    files = list(label_files(checked, name, suffix, rgb=ids == "rgb"))
    there = [target for target, _ in files if os.path.lexists(target)]
    if there and not overwrite:
        raise FileExistsError(f"{there[0]} exists already")
    for target, data in files:
        write_whole(target, [data], overwrite)
    if suffix in _TIFF and len(files) == 1:  # what was said of the file that was replaced
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name + SIDECAR)


def label_files(
    labels: LabelMap, name: str, suffix: str, *, rgb: bool
) -> Iterator[tuple[str, bytes]]:
    """The names and bytes of the files to write, that of this name and suffix the last; errors
    and warnings are those of ``save_labels``, which writes .zarr by itself."""
    values, meaning = labels.values, labels.meaning
    if suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, values)
        yield name, buffer.getvalue()
    elif suffix == ".npz":
        yield name, _npz(values, meaning)
    elif suffix == ".png" and rgb:
        check_rgb_ids(values)
        said = panoptic_json(values, meaning, os.path.basename(name))
        yield os.path.splitext(name)[0] + ".json", said
        yield name, _image_bytes(rgb_of_ids(as_integers(values, _PNG)), "PNG")
    elif suffix == ".png":
        yield name, _png(as_integers(values, _PNG), meaning)
    elif is_volume(values):
        yield name, _tiff_of_pages(values.view(np.uint8) if values.dtype == np.bool_ else values)
    elif has_place(meaning):
        data, beside = geotiff(values, meaning)
        if beside is not None:
            yield name + SIDECAR, beside
        yield name, data
    else:
        yield name, _tiff(as_integers(values, ".tiff files hold pictures"))


def _npz(values: NDArray[Any], meaning: Meaning) -> bytes:
    buffer = io.BytesIO()
    lowest, highest = id_range(values)
    last = max(highest, *meaning.colors, 0) if meaning.colors else -1
    if lowest >= 0 and 0 <= last <= _MOST_IN_16_BITS:
        palette = meaning.color_of(np.arange(last + 1))
        np.savez_compressed(buffer, labels=values, palette=palette)
    else:
        np.savez_compressed(buffer, labels=values)
    return buffer.getvalue()


def _png(ids: NDArray[Any], meaning: Meaning) -> bytes:
    from PIL import Image

    lowest, highest = id_range(ids)
    if lowest < 0 or highest > _MOST_IN_16_BITS:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(
            f"label {wrong} doesn't fit a PNG's 16 bits; a .npy or .tiff file keeps it"
        )
    if highest > _MOST_IN_PALETTE:
        return _image_bytes(ids.astype(np.uint16), "PNG")
    given = [key for key in meaning.colors if 0 <= key <= _MOST_IN_PALETTE]
    table = meaning.color_of(np.arange(max(highest, *given, 0) + 1 if given else highest + 1))
    image = Image.fromarray(ids.astype(np.uint8))
    image.putpalette(table[:, :3].tobytes())
    options = {"transparency": table[:, 3].tobytes()} if table.shape[1] == 4 else {}
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def _tiff(ids: NDArray[Any]) -> bytes:
    """Of a picture; by Pillow where it keeps the dtype, else by tifffile."""
    if ids.dtype in (np.uint8, np.uint16, np.int32):
        return _image_bytes(ids, "TIFF", compression="tiff_adobe_deflate")
    return _tiff_of_pages(ids)


def _tiff_of_pages(ids: NDArray[Any]) -> bytes:
    """By tifffile; of a volume each slice is a page."""
    try:
        import tifffile
    except ImportError as exc:
        raise ImportError(
            f"a TIFF file of {ids.dtype} needs tifffile: pip install 'kqcodec[tiff]' brings it, "
            "or write .npy"
        ) from exc
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, ids, photometric="minisblack", compression="zlib", metadata=None)
    return buffer.getvalue()


def _image_bytes(samples: NDArray[Any], file_format: str, **options: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, file_format, **options)
    return buffer.getvalue()
