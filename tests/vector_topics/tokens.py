"""The valid test vectors of the coder tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from token_payloads import BANDS, by_hand, joined, survey_of, whole_front
from vector_parts import Parts, Valid, scattered
from vector_topics.contents import (
    TIES,
    alphas,
    banded,
    by_tokens,
    drifting,
    example_tiles,
    greys,
    soft,
    with_coded_palette,
)

from kqcodec.kernels.reference.tokens_front import Token
from kqcodec.kernels.reference.tokens_streams import Tables, write_stream
from kqcodec.kernels.reference.tokens_way import find_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator


def valid_tokens() -> Iterator[Valid]:
    """The coder tokens."""
    rules = ("17.1", "17.2", "17.7", "17.14")
    whole = replace(example_tiles("tokens"), tile=0)
    example = with_coded_palette(whole)
    yield Valid("example-tokens", "worked example 17.19", ("17.19",), example)
    for k in (2, 3, 16, 40, 200, 256, 257, 300, 4097):
        parts = by_tokens(37, 30, k)
        yield Valid(f"tokens-k{k}", f"K = {k:,}", (*rules, "17.3"), parts)
    one = replace(by_tokens(9, 7, 2), palette=b"\x80\x20\x10", labels=(0,) * 63)
    yield Valid("tokens-k1", "K = 1: the payload is empty", ("17.1",), one)
    scatter = Parts(23, 11, soft(40), scattered(253, 40), "tokens")
    yield Valid("tokens-dense", "by the coder dense: labels in no order", ("17.1",), scatter)
    smallest = replace(by_tokens(1, 1, 2), labels=(1,))
    yield Valid("tokens-1x1", "1 × 1, K = 2", ("17.1",), smallest)
    for width, height in ((1, 400), (400, 1), (2, 200), (3, 131)):
        parts = by_tokens(width, height, 40)
        payload = by_hand(parts.labels, width, 40)
        parts = replace(parts, payload_override=((0, payload),))
        what = f"{width} × {height}, by tables that an encoder wouldn't take"
        yield Valid(f"tokens-{width}x{height}", what, ("17.4", "17.9"), parts)
    flat = replace(by_tokens(90, 70, 200), labels=(199,) * 6300)
    yield Valid("tokens-flat", "one label everywhere, K = 200", ("17.13", "17.15"), flat)
    repeats = replace(by_tokens(50, 41, 60), labels=(scattered(67, 60) * 31)[:2050])
    yield Valid("tokens-repeats", "67 labels again and again", ("17.16",), repeats)
    noisy = replace(by_tokens(61, 60, 60), labels=scattered(3660, 7))
    rising = tuple(min(a + i // 61, 59) for i, a in enumerate(noisy.labels))
    what = "labels near each other, by several tables of escapes"
    yield Valid("tokens-near", what, ("17.10", "17.11"), replace(noisy, labels=rising))
    for name, tile, what in (("tiles", 0x11, "tiles of 16 × 16"), ("strips", 0x01, "strips")):
        parts = by_tokens(40, 37, 7, tile)
        yield Valid(f"tokens-{name}", f"{what}, cut at the edges", (*rules, "6.1", "6.8"), parts)
    glass = replace(by_tokens(24, 19, 60), alpha=alphas(60))
    yield Valid("tokens-alpha", "alpha, palette not coded", ("4.4", "17.3"), glass)
    ties = by_tokens(24, 19, 60)
    levels = bytes(64 * (i * step >> shift & 3) for i in range(60) for step, shift in TIES)
    what = "many equal values in a channel, for the order of places"
    yield Valid("tokens-palette-ties", what, ("16.5", "17.3"), replace(ties, palette=levels))


def valid_tokens_by_hand() -> Iterator[Valid]:
    """Payloads of the coder tokens by tables and tokens that its encoder wouldn't take."""
    base = by_tokens(37, 20, 40)
    survey = survey_of(base.labels, 37, 40)
    for bits in (5, 6, 7, 8):
        front = whole_front(740, 40, bits)
        payload = joined(front, write_stream(Tables(front), survey, find_tokens(survey).steps))
        parts = replace(base, payload_override=((0, payload),))
        yield Valid(f"tokens-states-{1 << bits}", f"{1 << bits} states", ("17.9", "17.14"), parts)
    row = (1, 1, 1, 1, 0, 2, 3, 4)
    tokens = [
        *[(int(Token.ESCAPE), 1, 0)] * 8,
        (Token.COPY, 5, 8),
        (Token.COPY_LAST, 3, 0),
        (Token.COPY_ABOVE, 4, 0),
        (Token.COPY, 4, 16),
        (Token.COPY_ABOVE, 8, 0),  # of 16: the later copy in the group above
        (Token.RUN_N, 8, 0),
        (Token.COPY_ABOVE, 8, 0),  # the group above has none: the last one
        (Token.N, 1, 0),
        (Token.FLAT, 2, 0),
        (Token.RUN_W, 1, 0),
        *[(int(Token.N), 1, 0)] * 4,
        (Token.COPY, 64, 24),
    ]
    picture = Parts(8, 15, greys(200), row * 15, "tokens")
    parts = replace(picture, payload_override=((0, by_hand(row * 15, 8, 200, tokens)),))
    what = "each token, and displacements that are kept and not"
    yield Valid("tokens-each", what, ("17.5", "17.15", "17.16", "17.17"), parts)


def valid_tokens_bands() -> Iterator[Valid]:
    """Tiles of the coder tokens in three bands."""
    for width, height, k in ((20, 18, 40), (7, 33, 300), (300, 2, 40), (1, 150, 60)):
        what = f"{width} × {height} labels in three bands, K = {k}"
        parts = banded(width, height, k)
        yield Valid(f"tokens-bands-{width}x{height}", what, ("17.5", "17.18"), parts)
    labels = drifting(128, 126, 16)
    parts = Parts(128, 126, greys(16), labels, "tokens")
    assert parts.payloads()[0][0] == BANDS
    yield Valid("tokens-bands", "three bands, as an encoder has them", ("17.18",), parts)


VALID = (
    valid_tokens,
    valid_tokens_by_hand,
    valid_tokens_bands,
)
