"""Fetches the public label maps of `label_pictures.list`: nobody looked at them while tuning.

    python tests/bench/label_pictures.py FOLDER [--clones CLONES]
    python tests/bench/labels.py FOLDER

saves each as FOLDER/KIND__NAME.npz, an array by the key ``labels``, out of the file as it is
in the commit that is named; `pictures.py` tells of clones and FOLDER/manifest.json, and brings
pictures. What a line says between name and path is done to the file's array (z, y, x), one
after the other: a slice or some of a volume (``z=60``), a part (``crop=Y,X,HEIGHT,WIDTH``),
ids from 0 on without gaps (``renumber``), or superpixels of a photograph, by scikit-image
(needs the extra ``labelbench``); another version of that may make others.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from pictures import content, entries
from PIL import Image

LIST = Path(__file__).with_suffix(".list")
NIFTI_TYPES = {2: "u1", 4: "<i2", 8: "<i4", 256: "i1", 512: "<u2", 768: "<u4"}

Array = np.ndarray[Any, np.dtype[Any]]


def array(name: str, data: bytes) -> Array:
    """What the file holds; a picture of ids in RGB (the lowest byte first) as 32 bits."""
    if name.endswith((".tif", ".tiff")):
        return tifffile.imread(io.BytesIO(data))
    if name.endswith(".nii.gz"):
        return nifti(gzip.decompress(data))
    if name.endswith(".ckl.gz"):
        import crackle

        return crackle.decompress(gzip.decompress(data)).T
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def nifti(data: bytes) -> Array:
    """A volume of NIfTI-1, little-endian (https://nifti.nimh.nih.gov/nifti-1)."""
    dimensions, *shape = struct.unpack_from("<8h", data, 40)
    (code,) = struct.unpack_from("<h", data, 70)
    (offset,) = struct.unpack_from("<f", data, 108)
    shape = shape[:dimensions]
    flat = np.frombuffer(data, NIFTI_TYPES[code], int(np.prod(shape)), int(offset))
    return flat.reshape(shape[::-1])


def superpixels(photograph: Array, method: str, value: float) -> Array:
    from skimage import color, filters, segmentation

    if method == "slic":
        return segmentation.slic(photograph, int(value), start_label=0)
    if method == "felzenszwalb":
        return segmentation.felzenszwalb(photograph, scale=value, min_size=20)
    if method == "quickshift":
        return segmentation.quickshift(photograph, max_dist=value)
    grey = color.rgb2gray(photograph) if photograph.ndim == 3 else photograph
    return segmentation.watershed(filters.sobel(filters.gaussian(grey, value)))


def changed(labels: Array, change: str) -> Array:
    name, _, value = change.partition("=")
    if name == "z":
        first, _, end = value.partition(":")
        return labels[int(first) : int(end)] if end else labels[int(first)]
    if name == "crop":
        y, x, height, width = map(int, value.split(","))
        return labels[y : y + height, x : x + width]
    if name == "renumber":
        ids, labels = np.unique(labels, return_inverse=True)
        return smaller(labels, ids.size - 1)
    made = superpixels(labels, name, float(value))
    return smaller(made, int(made.max()))


def smaller(labels: Array, largest: int) -> Array:
    """In 16 bits where those do, as such maps are mostly kept."""
    return labels.astype(np.uint16 if largest < 1 << 16 else np.uint32)


def label_map(path: str, changes: str, data: bytes) -> Array:
    labels = array(path, data)
    for change in changes.split("+"):
        if change != "-":
            labels = changed(labels, change)
    if labels.ndim == 3 and labels.shape[2] == 3:
        labels = labels @ (1 << 8 * np.arange(3, dtype=np.uint32))
    return np.ascontiguousarray(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the label maps are saved")
    parser.add_argument("--clones", type=Path, help="take them out of clones in this folder")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    manifest = {}
    for name, repository, commit, rest in entries(LIST):
        changes, path = rest.split(maxsplit=1)
        target = arguments.folder / f"{name}.npz"
        if not target.exists():
            data = content(repository, commit, path, arguments.clones)
            np.savez_compressed(target, labels=label_map(path, changes, data))
        with np.load(target) as arrays:
            labels = arrays["labels"]
        manifest[target.name] = {
            "repository": repository,
            "commit": commit,
            "path": path,
            "changes": changes,
            "shape": labels.shape,
            "dtype": labels.dtype.str,
            "sha256": hashlib.sha256(labels.tobytes()).hexdigest(),
        }
    (arguments.folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"{len(manifest)} label maps in {arguments.folder}")


if __name__ == "__main__":
    main()
