"""Label maps in zarr: pictures and volumes, and the image-label groups of OME-Zarr.

https://ngff.openmicroscopy.org: such a group has "multiscales", whose first data set is the
one of the highest resolution, and "image-label", with colours and properties by id.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.meaning import Meaning
from kqcodec.errors import ImageError, LabelsError
from kqcodec.labels.files.pillow_images import check_pixels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


# One of these is in every folder of zarr's.
_METADATA = ("zarr.json", ".zarray", ".zgroup")


def is_zarr(path: str) -> bool:
    """Whether a path is that of a folder of zarr's."""
    return any(os.path.exists(os.path.join(path, name)) for name in _METADATA)


def zarr_array(path: str, key: str | None) -> tuple[NDArray[Any], Meaning]:
    """A zarr array of one picture or volume, or that of an OME-Zarr image-label group with what
    the group says about its ids.

    Args:
        path: the folder.
        key: the path within it, if it is a group of arrays; None for the highest resolution
            of an image-label group.

    Raises:
        ImageError: it can't be read; LabelsError if it holds something else than one of these.
        ImportError: zarr isn't there; the extra ``zarr`` brings it.
    """
    zarr = _zarr()
    try:
        found: Any = zarr.open(path, mode="r")
        if key is not None:
            found = found[key]
        attributes: Mapping[str, Any] = {}
        if not hasattr(found, "shape"):
            members = ", ".join(sorted(found)[:8])
            attributes = dict(found.attrs)
            attributes = attributes.get("ome", attributes)
            scale = _highest_resolution(attributes)
            if scale is None:
                raise LabelsError(
                    f"{path} is a group of arrays ({members}); name one of them, with key="
                )
            found = found[scale]
        shape = tuple(int(side) for side in found.shape)
        check_pixels(int(np.prod(shape, dtype=object)), path)
        flat = _sides(shape)
        if flat is None:
            raise LabelsError(
                f"{path} is no picture or volume: its shape is {shape}; take a part of it"
            )
        values: NDArray[Any] = np.asarray(found[...]).reshape(flat)
    except ImageError:
        raise
    except Exception as exc:
        raise ImageError(f"{path} can't be read as a zarr array: {exc}") from exc
    return values, _image_label(attributes)


def save_zarr(values: NDArray[Any], path: str, overwrite: bool) -> None:
    """Write the ids as a zarr array, a folder, which appears when it is complete.

    Raises:
        FileExistsError: there is something already, and ``overwrite`` is false.
        ImportError: zarr isn't there.
    """
    zarr = _zarr()
    target = Path(os.path.realpath(path))
    if target.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        made, old = Path(folder, "new"), Path(folder, "old")
        zarr.save_array(str(made), values)
        if target.exists():
            os.rename(target, old)
        try:
            os.rename(made, target)
        except OSError:
            if old.exists():
                os.rename(old, target)
            raise
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(old)


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as exc:
        raise ImportError("zarr arrays need zarr; pip install 'kqcodec[zarr]' brings it") from exc
    return zarr


def _sides(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """(H, W), (H, W, 1) or (Z, H, W), without the axes ahead that are 1, as OME-Zarr has time,
    channel and depth; None for anything else."""
    while len(shape) > 2 and shape[0] == 1 and shape[2:] != (1,):
        shape = shape[1:]
    return shape if len(shape) in (2, 3) else None


def _highest_resolution(attributes: Mapping[str, Any]) -> str | None:
    try:
        path = attributes["multiscales"][0]["datasets"][0]["path"]
    except (KeyError, IndexError, TypeError):
        return None
    return path if isinstance(path, str) else None


def _image_label(attributes: Mapping[str, Any]) -> Meaning:
    """Names and colours of an image-label group; what isn't right there is left aside."""
    label = attributes.get("image-label")
    if not isinstance(label, dict):
        return Meaning()
    colors: dict[int, Any] = {}
    names: dict[int, str] = {}
    for entry in _entries(label.get("colors")):
        with contextlib.suppress(TypeError, ValueError):
            one = Meaning(colors={entry["label-value"]: _opaque(entry.get("rgba"))})
            colors.update(one.colors)
    for entry in _entries(label.get("properties")):
        name = next((entry[key] for key in ("name", "class") if key in entry), None)
        with contextlib.suppress(TypeError, ValueError):
            names.update(Meaning(names={entry["label-value"]: name}).names)  # type: ignore[dict-item]
    return Meaning(names=names, colors=colors)


def _entries(found: Any) -> list[dict[str, Any]]:
    listed = found if isinstance(found, list) else []
    return [entry for entry in listed if isinstance(entry, dict) and "label-value" in entry]


def _opaque(rgba: Any) -> Any:
    if isinstance(rgba, list) and len(rgba) == 4 and rgba[3] == 255:
        return rgba[:3]
    return rgba
