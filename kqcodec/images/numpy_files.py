"""NumPy's files, from hands that needn't be trusted.

No pickles are loaded, and nothing is allocated before the header's promise has been
compared with the bytes that there are, or with Pillow's limit of pixels.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.errors import ImageError, LabelsError
from kqcodec.storage.archives import opened_member

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from numpy.typing import NDArray

NPY_SIGNATURE = b"\x93NUMPY"
ZIP_SIGNATURE = b"PK\x03\x04"
# The widest integers, for a limit of pixels as one of bytes.
_MOST_ITEM_BYTES = 8
# More than NumPy takes for the header of a file that may not be trusted.
_MOST_HEADER = 1 << 17


def npy_array(data: bytes, name: str) -> NDArray[Any]:
    """The array of a .npy file; ImageError if it is damaged, or holds no plain array. ``name`` is
    for the message."""
    file = io.BytesIO(data)
    with _reading_numpy(name):
        promised = _npy_size(file)
        if len(data) - file.tell() < promised:
            raise ValueError("it is damaged or cut short")
        return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)


def npz_arrays(
    data: bytes, name: str, key: str | None = None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The arrays called ``key``, or "labels" (or the only one), and, if it is there, "palette";
    ImageError as for ``npy_array``, or if there are others only."""
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    arrays: dict[str, NDArray[Any]] = {}
    with _reading_numpy(name), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.namelist()
        labels = f"{'labels' if key is None else key}.npy"
        if labels not in members:
            if len(members) != 1 or key is not None:
                raise LabelsError(f'{name} has no array called "{labels.removesuffix(".npy")}"')
            labels = members[0]
        wanted = [member for member in members if member in (labels, "palette.npy")]
        for member in wanted:
            with opened_member(archive, member) as file:
                start = file.read(_MOST_HEADER)
                header = io.BytesIO(start)
                size = _npy_size(header)
                if limit is not None and size > _MOST_ITEM_BYTES * limit:
                    raise ImageError(
                        f"{name} has too many pixels to be safe; if you trust it, raise "
                        "PIL.Image.MAX_IMAGE_PIXELS",
                        "max pixels",
                    )
                # However much stands behind the array, it is no part of it.
                rest = file.read(max(header.tell() + size - len(start), 0))
            arrays[member] = npy_array(start + rest, name)
    palette = arrays.get("palette.npy") if labels != "palette.npy" else None
    return arrays[labels], palette


def _npy_size(file: IO[bytes]) -> int:
    """How many bytes of numbers a .npy header promises; leaves the file behind it."""
    from numpy.lib import format as npy

    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(file)
    if version not in readers:
        raise ValueError(f"its version {version} is for structured arrays")
    shape, _, dtype = readers[version](file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    return int(np.prod(shape, dtype=object)) * int(dtype.itemsize)


@contextlib.contextmanager
def _reading_numpy(name: str) -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except Exception as exc:
        # A header is Python, and NumPy's parser of it raises what Python's does.
        raise ImageError(f"{name} can't be read as a NumPy array: {exc}") from exc
