"""The coder `tokens`: labels as tokens, coded by tables that stand ahead of them (spec/kq.md,
section 17).

Which neighbour a label is equal to, if any, is what an asymmetric numeral system codes by a table
for the context; other labels have prefix codes. Where a tile repeats itself, runs and copies are
tokens, too, as in LZ77; where it is noisy, it is cut into three bands of plain tokens.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.errors import FormatError
from kqcodec.format.container import pack_length, read_length
from kqcodec.format.source import BufferSource
from kqcodec.kernels.reference.range_coder import RangeDecoder, RangeEncoder
from kqcodec.kernels.reference.tokens_codes import InvalidTokensError
from kqcodec.kernels.reference.tokens_entropy import code_lengths
from kqcodec.kernels.reference.tokens_front import VALUE_BITS, Front
from kqcodec.kernels.reference.tokens_streams import Tables, read_stream, write_stream
from kqcodec.kernels.reference.tokens_survey import Survey, first_costs, plain_costs
from kqcodec.kernels.reference.tokens_tables import make_escape_tables, make_token_tables
from kqcodec.kernels.reference.tokens_way import find_tokens, plain_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels

_STREAM, _BANDS = 1, 2  # the first byte of a payload: how the rest is to be read


def _bands(height: int, bands: bool) -> list[slice]:
    """The rows of each stream."""
    third = height // 3
    ends = [third, 2 * third, height] if bands else [height]
    return [slice(*rows) for rows in itertools.pairwise([0, *ends])]


def tokens_encode(labels: Labels, order: NDArray[np.uint16], capacity: int) -> bytes | None:
    k = len(order)
    places = np.empty(k, dtype=np.int64)
    places[order] = np.arange(k)
    plane = places[labels]
    tile = Survey(plane, k)
    bands = tile.suits_bands(plain_costs(tile, first_costs(tile)))
    surveys = [Survey(plane[rows], k) for rows in _bands(len(plane), bands)]
    found = [plain_tokens(survey) if bands else find_tokens(survey) for survey in surveys]

    front = Front(labels.size, k, bands)
    front.state_bits = 8 if labels.size > 20000 else 7 if labels.size > 2000 else 6
    values = np.sum([one.value_counts for one in found], axis=0)
    front.values = [code_lengths(counts.tolist(), VALUE_BITS) for counts in values]
    make_token_tables(front, np.sum([one.counts for one in found], axis=0))
    make_escape_tables(front, np.concatenate([one.escapes for one in found]))
    encoder = RangeEncoder()

    def code_bit(bit: int, p: int) -> int:
        encoder.encode(bit, p)
        return bit

    front.code(code_bit)
    head = encoder.finish(capacity)
    if head is None:
        return None
    tables = Tables(front)
    streams = [
        write_stream(tables, survey, one.steps) for survey, one in zip(surveys, found, strict=True)
    ]
    lengths = b"".join(pack_length(len(stream)) for stream in streams[:-1])
    first = bytes([_BANDS if bands else _STREAM])
    payload = first + pack_length(len(head)) + head + lengths + b"".join(streams)
    return payload if len(payload) <= capacity else None


def tokens_decode(payload: Buffer, order: NDArray[np.uint16], out: Labels) -> bool:
    try:
        places = _decode(bytes(payload), len(order), *out.shape)
    except (InvalidTokensError, FormatError):
        return False
    out[:] = order[places].reshape(out.shape)
    return True


def _decode(payload: bytes, k: int, height: int, width: int) -> list[int]:
    source = BufferSource(payload)
    first = bytes(source.read(1, "the payload"))
    if first not in (bytes([_STREAM]), bytes([_BANDS])):
        raise InvalidTokensError
    bands = first[0] == _BANDS
    decoder = RangeDecoder(source.read(read_length(source, "the front"), "the front"))
    front = Front(height * width, k, bands)
    front.code(lambda _, p: decoder.decode(p))
    tables = Tables(front)
    if not decoder.valid:
        raise InvalidTokensError
    rows = _bands(height, bands)
    sizes = [read_length(source, "a stream") for _ in rows[:-1]]
    sizes.append(len(payload) - source.position - sum(sizes))
    if min(sizes) < 1:
        raise InvalidTokensError
    places: list[int] = []
    for size, band in zip(sizes, rows, strict=True):
        count = len(range(height)[band]) * width
        places += read_stream(tables, bytes(source.read(size, "a stream")), k, width, count)
    return places
