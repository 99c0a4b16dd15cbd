"""The codec ``kq_labels`` of zarr: chunks of label maps as .kq files, with the extra ``zarr``.

    >>> import numpy as np, zarr
    >>> from kqcodec.zarr import KqLabels
    >>> labels = np.arange(64**3, dtype=np.uint32).reshape(64, 64, 64) // 4096
    >>> array = zarr.open_array({}, mode="w", shape=labels.shape, chunks=(32, 32, 32),
    ...                         dtype=labels.dtype, zarr_format=2, compressor=KqLabels())
    >>> array[:] = labels
    >>> bool((array[:] == labels).all())
    True

``KqLabels()`` is what to give for ``compressor`` or ``compressors``, of arrays of the formats 2
and 3. Entry points name the codec to numcodecs, which format 2 asks, and to zarr 3
(``kqcodec.zarr.format3``), so that who reads an array needs kqcodec installed, and no more.

A chunk has any number of axes. Its rows, those of the last axis that is longer than 1, become
the rows of one picture, one below the other; or its planes, those of the last two such axes, the
slices of a volume, if that is smaller, as it is for most chunks of 128 voxels a side and many of
64. Its ids are the numbers that its bytes are in little-endian order. Each chunk is a .kq file,
whose checksums are compared before it is decoded: damage raises ``kqcodec.errors.FormatError``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

try:
    from numcodecs.abc import Codec  # type: ignore[import-untyped]
    from numcodecs.compat import ensure_ndarray, ndarray_copy  # type: ignore[import-untyped]
except ImportError as exc:
    raise ImportError(
        "kqcodec.zarr needs numcodecs; pip install 'kqcodec[zarr]' brings it"
    ) from exc

from kqcodec.coding.kq_file import KqFile
from kqcodec.errors import ArgumentError, InvalidDataError
from kqcodec.format.limits import DEFAULT_MAX_PIXELS
from kqcodec.format.names import CODERS, DEFAULT_CODER, DEFAULT_EFFORT, EFFORTS, check_name
from kqcodec.format.sizes import predictable
from kqcodec.labels.ids import LabelMap
from kqcodec.labels.label_codec import encode_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.format.names import CoderName, EffortName

CODEC_NAME = "kq_labels"
# Smaller planes aren't tried as slices, each of which takes nine bytes more than its labels.
_LEAST_SLICE = 1 << 12


class KqLabels(Codec, dict):  # type: ignore[misc, type-arg]
    """The codec of chunks of bools, or integers of 8 to 64 bits, which come back exactly.

    It is a codec of numcodecs, and a dict besides, because zarr's format 3 takes none of these,
    but the description of a codec, name and configuration.

    Attributes:
        effort: "fast", "default" or "best", of the coder context.
        coder: "context" for the smallest chunks, "tokens" for those that are decoded fastest;
            "dense" or "packed".

    Raises:
        ValueError: there is no such effort or coder.
    """

    codec_id = CODEC_NAME

    def __init__(
        self, effort: EffortName = DEFAULT_EFFORT, coder: CoderName = DEFAULT_CODER
    ) -> None:
        check_name(effort, EFFORTS, "effort")
        check_name(coder, CODERS, "coder")
        self.effort, self.coder = effort, coder
        super().__init__(name=CODEC_NAME, configuration={"effort": effort, "coder": coder})

    def encode(self, buf: Any) -> bytes:
        """The bytes of a chunk: an array of any shape, contiguous in the order of C or Fortran.

        Raises:
            TypeError: it doesn't hold labels.
            ValueError: it has too many.
        """
        return encoded_chunk(ensure_ndarray(buf), self.effort, self.coder)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """The labels of a chunk in the order that they had in memory, shape (N,); in ``out``, if
        that is given. FormatError if the chunk is damaged."""
        return ndarray_copy(decoded_chunk(buf, DEFAULT_MAX_PIXELS), out)


def encoded_chunk(chunk: NDArray[Any], effort: EffortName, coder: CoderName) -> bytes:
    """The bytes of a chunk; errors are those of ``KqLabels.encode``."""
    if chunk.dtype.kind not in "biu":
        raise TypeError(f"{CODEC_NAME} codes bools and integers, not {chunk.dtype}")
    if chunk.size > DEFAULT_MAX_PIXELS:
        raise ArgumentError(f"a chunk of {chunk.size:,} labels is over {DEFAULT_MAX_PIXELS:,}")
    if not chunk.flags.c_contiguous:
        chunk = np.ascontiguousarray(chunk.T)
    sides = [side for side in chunk.shape if side > 1] or [1]
    ids = chunk.view(chunk.dtype.newbyteorder("<")).reshape(sides)
    # zarr has a thread for each chunk.
    options: Any = {"coder": coder, "effort": effort, "threads": 1}
    data = encode_labels(ids.reshape(-1, sides[-1]), **options)
    if len(sides) > 2 and sides[-2] * sides[-1] >= _LEAST_SLICE and not predictable(coder):
        slices = LabelMap(ids.reshape(-1, *sides[-2:]))
        data = min(data, encode_labels(slices, key_distance=0, **options), key=len)
    return data


def decoded_chunk(data: Any, most: int) -> NDArray[Any]:
    """The labels of a chunk that has at most so many: shape (N,), little-endian; FormatError if
    it is damaged."""
    # What it takes to decode so many was taken to encode them, too.
    with KqFile(data, threads=1, max_pixels=None) as file:
        count = file.header.pixels * (file.frames if file.is_volume else 1)
        if count > most:
            raise InvalidDataError(f"a chunk of {count:,} labels, over {most:,}")
        labels = file.labels().reshape(-1)
    return labels.astype(labels.dtype.newbyteorder("<"), copy=False)
