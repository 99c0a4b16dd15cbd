"""Payloads of the coder `tokens`, put together by hand: fronts and tokens that no encoder chooses,
valid or not."""

from __future__ import annotations

import contextlib

import numpy as np

from kqcodec.format.container import pack_length
from kqcodec.kernels.reference.range_coder import RangeDecoder, RangeEncoder
from kqcodec.kernels.reference.tokens_codes import InvalidTokensError
from kqcodec.kernels.reference.tokens_front import KIND_AFTER, TOKENS, VALUES, Front, Token, Value
from kqcodec.kernels.reference.tokens_streams import Tables, write_stream
from kqcodec.kernels.reference.tokens_survey import Survey
from kqcodec.kernels.reference.tokens_way import Step, find_tokens

STREAM, BANDS = 1, 2  # the first byte


def complete(symbols: int) -> list[int]:
    """The lengths of a code in which symbols take as many bits as others, or one less."""
    bits = (symbols - 1).bit_length()
    shorter = (1 << bits) - symbols
    return [bits - 1] * shorter + [bits] * (symbols - shorter)


def whole_front(labels: int, k: int, state_bits: int = 6, bands: bool = False) -> Front:
    """A front of one table, in which all tokens have states, and symbols codes; so have values
    under 1,024."""
    front = Front(labels, k, bands)
    front.state_bits = state_bits
    tokens = Token.ESCAPE + 1 if bands else TOKENS
    each, more = divmod(1 << state_bits, tokens)
    front.counts[0][:tokens] = [each] * (tokens - 1) + [each + more]
    front.escape_tables, front.escape_bits = 1, 10
    front.lengths[0] = complete(front.symbols)
    if not bands:
        front.values = [complete(20) + [0] * (VALUES - 20) for _ in Value]
    return front


def front_bytes(front: Front) -> bytes:
    """The front, up to what is wrong with it."""
    encoder = RangeEncoder()

    def code_bit(bit: int, p: int) -> int:
        encoder.encode(bit, p)
        return bit

    with contextlib.suppress(InvalidTokensError):
        front.code(code_bit)
    data = encoder.finish(1 << 16)
    assert data is not None
    return data


def front_of(payload: bytes, labels: int, k: int) -> tuple[Front, bytes]:
    """The front of a payload whose length takes one byte or two, and what is behind it."""
    size, start = payload[1], 2
    if size >= 128:
        size, start = (size & 127) << 7 | payload[2], 3
    decoder = RangeDecoder(payload[start : start + size])
    front = Front(labels, k, payload[0] == BANDS)
    front.code(lambda _, p: decoder.decode(p))
    return front, payload[start + size :]


def joined(front: Front | bytes, rest: bytes, first: int = STREAM) -> bytes:
    """A payload: the front and what is behind it."""
    head = front if isinstance(front, bytes) else front_bytes(front)
    return bytes([first]) + pack_length(len(head)) + head + rest


def survey_of(labels: tuple[int, ...], width: int, k: int) -> Survey:
    """The surroundings of a tile's labels, which are places."""
    return Survey(np.array(labels, dtype=np.int64).reshape(-1, width), k)


def steps_of(tokens: list[tuple[int, int, int]]) -> list[Step]:
    """Tokens of (token, length, displacement) as steps."""
    steps: list[Step] = []
    place = kind = 0
    for token, length, distance in tokens:
        steps.append(Step(place, token, length, distance, kind))
        place, kind = place + length, KIND_AFTER[token]
    return steps


def by_hand(
    labels: tuple[int, ...], width: int, k: int, tokens: list[tuple[int, int, int]] | None = None
) -> bytes:
    """The payload of a tile by these tokens, or those of the encoder, and a whole front."""
    survey, front = survey_of(labels, width, k), whole_front(len(labels), k)
    steps = find_tokens(survey).steps if tokens is None else steps_of(tokens)
    return joined(front, write_stream(Tables(front), survey, steps))
