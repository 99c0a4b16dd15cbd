"""The coded palette: a palette in fewer bytes than 3·K (spec/kq.md, section 14).

Palettes are plain bytes here, as they stand in a file that doesn't code them: red,
green and blue of each entry, then, where there is alpha, that of each entry. No
NumPy is imported to decode one, so that `kq info` stays quick.

A palette whose entries ascend by green, red, blue and alpha is coded as a set, which
saves the log2(K!) bits of its order; ``in_coding_order`` puts one so.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING

from kqcodec.errors import InvalidDataError
from kqcodec.format.container import check_crc, pack_length, read_length
from kqcodec.kernels import palette_kernels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.container import Sealer
    from kqcodec.format.header import Header
    from kqcodec.format.source import Source
    from kqcodec.images.indexed_image import IndexedImage

# Up to so many entries that ascend, the payload that says so isn't always the shorter one;
# beyond, it hardly ever isn't, and then by a byte.
_BOTH_WAYS = 8


def encode_palette(plain: bytes, k: int) -> bytes | None:
    """The shortest payload of a palette of ``k`` entries; None where the plain bytes
    take no more room, as they do not need a length."""
    kernels = palette_kernels()
    best: bytes | None = None
    ascends = _ascends(plain, k)
    for ascending in (True, False):
        if ascending != ascends and (ascending or k > _BOTH_WAYS):
            continue
        capacity = (len(plain) if best is None else len(best)) - 1
        best = kernels.encode_palette(plain, k, ascending, capacity) or best
    if best is None or len(pack_length(len(best))) + len(best) >= len(plain):
        return None
    return best


def decode_palette(payload: Buffer, k: int, channels: int) -> bytes:
    """The plain bytes of a palette of ``k`` entries of 3 or 4 channels; InvalidDataError if the
    payload isn't one that ``encode_palette`` makes."""
    plain = palette_kernels().decode_palette(payload, k, channels)
    if plain is None:
        raise InvalidDataError("the coded palette doesn't end as it must (rule 13.5)")
    return plain


def coding_order(palette: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The order in which a palette codes best: ``palette[order]`` ascends by green, red,
    blue and alpha. ``palette`` has shape (K, 3) or (K, 4); equal entries keep their order.
    """
    import numpy as np

    green, red, blue, *alpha = (palette[:, i] for i in (1, 0, 2, 3)[: palette.shape[1]])
    return np.lexsort((*alpha, blue, red, green))  # the last key is the first to count


def in_coding_order(indexed: IndexedImage) -> IndexedImage:
    """The same picture with its palette in ``coding_order``."""
    import numpy as np

    order = coding_order(indexed.palette)
    labels = np.empty(indexed.k, dtype=indexed.labels.dtype)
    labels[order] = np.arange(indexed.k, dtype=labels.dtype)
    return replace(indexed, palette=indexed.palette[order], labels=labels[indexed.labels])


def _ascends(plain: bytes, k: int) -> bool:
    red, green, blue = (plain[channel : 3 * k : 3] for channel in range(3))
    entries = list(zip(green, red, blue, plain[3 * k :] or bytes(k), strict=True))
    return all(map(operator.le, entries, entries[1:]))


def read_palette(source: Source, header: Header, sealer: Sealer) -> bytes:
    """The palette's 3·K bytes, red, green and blue of each entry; where the file has
    alpha, that of each entry behind them all. Where they are coded they are decoded."""
    if header.coded_palette:
        return _read_coded_palette(source, header, sealer)
    palette = bytes(source.read(header.palette_size, "the palette"))
    check_crc(source, sealer.palette_checksum(palette), "the palette")
    return palette


def _read_coded_palette(source: Source, header: Header, sealer: Sealer) -> bytes:
    size = read_length(source, "the palette")
    length = pack_length(size)
    if len(length) + size >= header.palette_size:
        raise InvalidDataError(
            f"a coded palette of {size:,} bytes is not smaller than the plain one (rule 4.5)"
        )
    payload = bytes(source.read(size, "the palette"))
    check_crc(source, sealer.palette_checksum(length + payload), "the palette")
    return decode_palette(payload, header.k, header.channels)
