"""Arrays of ids to the bytes of a .kq file, and back: ``kqcodec.encode_labels`` and
``kqcodec.decode_labels``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.decoder import Opened
from kqcodec.coding.label_files import encoded_labels, values_of
from kqcodec.coding.meaning import Meaning
from kqcodec.coding.options import CodingOptions
from kqcodec.errors import ArgumentError
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits
from kqcodec.format.names import DEFAULT_CODER, DEFAULT_EFFORT
from kqcodec.labels.ids import LabelMap, check_no_colors, is_volume
from kqcodec.labels.spacing import timing_of_slices
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from kqcodec.coding.options import TileSize
    from kqcodec.format.names import CoderName, EffortName
    from kqcodec.labels.spacing import SpacingLike
    from kqcodec.storage.opening import Readable


def encode_labels(
    labels: ArrayLike | LabelMap,
    *,
    coder: CoderName = DEFAULT_CODER,
    effort: EffortName = DEFAULT_EFFORT,
    tile: TileSize = None,
    names: Mapping[int, str] | None = None,
    colors: Mapping[int, Sequence[int]] | None = None,
    nodata: int | None = None,
    meaning: Meaning | None = None,
    index: bool = False,
    key_distance: int | None = None,
    spacing: SpacingLike | None = None,
    threads: int | None = None,
) -> bytes:
    """The bytes of a .kq file that holds an array of ids, exactly: ``decode_labels`` gives an
    equal one, of the same dtype and shape.

    What counts is how many different ids there are, not how large they are. There is no
    palette; colours, if they are given, are for those who look at the map.

        >>> import numpy as np, kqcodec
        >>> cells = np.zeros((8, 64, 64), dtype=np.uint32)
        >>> cells[2:6, 10:30, 20:50] = 7_000_001
        >>> data = kqcodec.encode_labels(cells, key_distance=4, spacing="4e-8")
        >>> bool((kqcodec.decode_labels(data) == cells).all())
        True

    Args:
        labels: bools or integers of 8 to 64 bits, of a picture in shape (H, W) or (H, W, 1), or of
            a volume in shape (Z, H, W), whose slices are coded one from the other; where the
            third axis is 1, it is a picture. Or what ``label_map`` returns, with its meaning.
        coder: "context" for the smallest files; "tokens" for those that are decoded twice to
            seven times as quickly; "dense" or "packed". These two take up to 65,536 different
            ids, the others as many as there are pixels.
        effort: "fast", "default" or "best": how hard "context" tries.
        tile: the side of tiles, or (width, height), powers of two from 16 on; 0 for a single
            tile; None for one up to two megapixels, and then tiles that suit the coder.
        names: what ids are called.
        colors: red, green, blue, and maybe alpha of ids, 0 to 255; others have a colour by the
            rule of PASCAL VOC.
        nodata: the id of pixels about which nothing is known.
        meaning: what else is to be kept of what ids mean; the three above replace theirs.
        index: whether the file of a picture has an index, by which boxes, numbers of pixels, and
            the tiles that have an id are known without decoding.
        key_distance: of a volume, every how many slices there is one that needs no other: to read
            a slice takes those from there on. 0 for the first alone; None for 256.
        spacing: of a volume, the metres from a slice to the next, exactly: a fraction whose
            numerator and denominator are below 2^32, from a whole number, a float by its
            shortest decimal, a Fraction, or a text like "4e-8" or "1/3000".
        threads: how many threads code tiles; None for as many as there are processors.

    Raises:
        TypeError: the array holds something else, or is masked.
        ValueError: a wrong shape or option; or more ids, meaning or index than a file holds.
    """
    if not isinstance(labels, LabelMap):
        labels = np.asanyarray(labels)
        check_no_colors(labels)
    found = labels if isinstance(labels, LabelMap) else LabelMap(labels)
    if not is_volume(found.values) and (key_distance, spacing) != (None, None):
        raise ArgumentError("key_distance and spacing are of volumes, of shape (Z, H, W)")
    given: dict[str, Any] = {"names": names, "colors": colors, "nodata": nodata}
    given = {field: value for field, value in given.items() if value is not None}
    known = found.meaning if meaning is None else meaning
    if not isinstance(known, Meaning):
        raise TypeError(f"meaning must be a Meaning, not {type(known).__name__}")
    if given:
        known = replace(known, **given)
    options = CodingOptions(coder=coder, effort=effort, tile=tile, threads=threads)
    timing = timing_of_slices(key_distance, spacing)
    parts = encoded_labels(found.values, options, known.sections(), index=index, timing=timing)
    return b"".join(parts)


def decode_labels(
    source: Readable,
    out: NDArray[Any] | None = None,
    *,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> NDArray[Any]:
    """The array of ids in a .kq file, of the dtype and shape that it was encoded from: of a
    picture (H, W) or (H, W, 1), of a volume (Z, H, W).

    Args:
        source: a path, a URL, the file's bytes, or a binary file object.
        out: an array of that dtype and shape to fill, instead of a new one; C-contiguous, it
            is filled at once. If an error is raised, what it holds is undefined.
        threads: how many threads decode tiles; None for as many as there are processors.
        max_pixels: as for ``kqcodec.read``; of a volume the pixels of all slices count.

    Raises:
        FormatError: the file is damaged, foreign or over the limit.
        LabelsError: it is a picture, and no label map.
        OSError: the file can't be read.
        TypeError, ValueError: a wrong argument.
    """
    with open_source(source) as opened_source:
        opened = Opened.from_source(opened_source, Limits.of(max_pixels))
        return values_of(opened, out, threads)
