"""The invalid test vectors of the coder tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from token_payloads import BANDS, STREAM, by_hand, complete, front_bytes, front_of, joined
from vector_parts import Invalid, Parts, flipped
from vector_topics.contents import banded, by_tokens, greys

from kqcodec.format.container import pack_length
from kqcodec.kernels.reference.tokens_front import Front, Token

if TYPE_CHECKING:
    from collections.abc import Iterator


def invalid_tokens() -> Iterator[Invalid]:
    """Payloads of the coder tokens, under right CRC-32s."""
    base = by_tokens(24, 20, 5)
    payload = base.payloads()[0]
    front, stream = front_of(payload, 480, 5)
    head = front_bytes(front)
    dense = b"\0" + replace(base, coder="dense").payloads()[0]
    bands = banded(20, 18, 40)
    in_bands = bands.payloads()[0]
    band_front, behind = front_of(in_bands, 360, 40)
    band_head = front_bytes(band_front)
    sizes, streams = behind[:2], behind[2:]
    long_front = bytes([STREAM]) + pack_length(len(head) + len(stream) + 1) + head + stream
    cases = [
        ("first", "a first byte of 3", "17.1", base, b"\3" + payload[1:]),
        ("dense-shorter", "by dense, a byte too short", "17.1", base, dense[:-1]),
        ("dense-padding", "by dense, an unused bit is 1", "6.7", base, flipped(dense, -1)),
        (
            "dense-label",
            "by dense, a block that is K^n and more",
            "8.4",
            base,
            dense[:1] + b"\xff" * (len(dense) - 2) + dense[-1:],
        ),
        ("alone", "a first byte and nothing behind it", "17.2", base, payload[:1]),
        ("front-longer", "the front is longer than the payload", "17.2", base, long_front),
        (
            "front-length",
            "the length of the front isn't in its shortest form",
            "6.4",
            base,
            bytes([STREAM, 0x80]) + payload[1:],
        ),
        ("no-stream", "a front and no stream", "17.2", base, joined(head, b"")),
        ("front-zero", "the front ends in a 0", "17.6", base, joined(head + b"\0", stream)),
        (
            "front-behind",
            "bytes that aren't asked for behind the front",
            "17.6",
            base,
            joined(head + b"\1" * 5, stream),
        ),
        (
            "bands-no-lengths",
            "three bands, and nothing behind the front",
            "17.2",
            bands,
            joined(band_head, b"", BANDS),
        ),
        (
            "bands-empty",
            "the second of three bands has an empty stream",
            "17.2",
            bands,
            joined(band_head, sizes[:1] + b"\0" + streams, BANDS),
        ),
        (
            "bands-longer",
            "the second of three bands is longer than the payload",
            "17.2",
            bands,
            joined(band_head, sizes[:1] + b"\xff\x7f" + streams, BANDS),
        ),
        (
            "bands-lengths",
            "the first of three bands ends a byte early",
            "17.14",
            bands,
            joined(band_head, bytes((sizes[0] - 1, sizes[1])) + streams, BANDS),
        ),
    ]
    for name, what, rule, parts, wrong in cases:
        data = replace(parts, payload_override=((0, wrong),)).to_bytes()
        yield Invalid(f"tokens-{name}", what, rule, "invalid", data)
    tiled = by_tokens(32, 16, 5, tile=0x11)
    data = replace(tiled, payload_override=((1, b""),)).to_bytes()
    yield Invalid("tokens-empty", "an empty payload", "6.6", "invalid", data)
    data = replace(base, payload_override=((0, dense + b"\0"),)).to_bytes()
    yield Invalid("tokens-longer", "two bytes longer than by dense", "6.6", "invalid", data)
    one = Parts(4, 4, b"\x80\x20\x10", (0,) * 16, "tokens")
    data = replace(one, payload_override=((0, b"\0"),)).to_bytes()
    yield Invalid("tokens-k1", "K = 1, and a payload", "6.6", "invalid", data)
    data = flipped(base.to_bytes(), -8, 3)
    what = "a bit is changed in a payload of tokens"
    yield Invalid("checksum-payload-tokens", what, "3.3", "checksum", data)
    data = base.to_bytes()[:-6]
    yield Invalid("truncated-tokens", "the file ends within a payload", "6.3", "truncated", data)


def invalid_tokens_fronts() -> Iterator[Invalid]:
    """Fronts that are none, up to what is wrong with them, and behind them a sound stream."""
    base = by_tokens(37, 30, 40)
    payload = base.payloads()[0]
    k, labels = base.k, len(base.labels)

    def front() -> Front:
        return front_of(payload, labels, k)[0]

    stream = front_of(payload, labels, k)[1]
    wrong: list[tuple[str, str, str, Front]] = []

    def case(name: str, rule: str, what: str) -> Front:
        wrong.append((name, rule, what, front()))
        return wrong[-1][3]

    changed = case("tables", "17.7", "more tables of escapes than so many labels may have")
    changed.escape_tables = 4
    changed = case("no-escapes", "17.7", "escapes, and no table of them")
    changed.escape_tables = 0
    changed = case("long-codes", "17.7", "codes of up to 11 bits")
    changed.escape_bits = 11
    changed = case("context", "17.8", "a context with the table 3, of three")
    changed.tables = 3
    changed.map[0][0] = 3
    changed = case("states", "17.9", "a token with more states than there are")
    changed.counts[0] = [1, 1000, *[0] * 11]
    for name, rule, what in (
        ("intervals", "17.10", "33 intervals of W"),
        ("pair", "17.10", "a pair of intervals with the table 3, of three"),
    ):
        changed = case(name, rule, what)
        changed.escape_tables = 3
        changed.lengths[:3] = [complete(k)] * 3
        if name == "intervals":
            changed.intervals[0] = list(range(k))
        else:
            changed.cells[0][0] = 3
    changed = case("values", "17.12", "a code of 49 values")
    changed.values[0] = [0] * 48 + [1]
    for name, what, lengths in (
        ("code-over", "a code longer than B", [11, 11, *range(10, 0, -1)]),
        ("code-more", "more codes than there can be", [1] * 3),
        ("code-fewer", "a code that isn't complete", [1, 2]),
        ("code-single", "one symbol, with a code of two bits", [2]),
    ):
        changed = case(name, "17.13", what)
        changed.escape_tables = 1
        changed.lengths[0] = lengths + [0] * (k - len(lengths))
    changed = case("value-over", "17.13", "a value's code of ten bits")
    changed.values[0] = [10, 10, *range(9, 0, -1)] + [0] * 37
    for name, rule, what, changed in wrong:
        data = replace(base, payload_override=((0, joined(changed, stream)),)).to_bytes()
        yield Invalid(f"tokens-{name}", what, rule, "invalid", data)


def invalid_tokens_streams() -> Iterator[Invalid]:
    """Streams that aren't their labels'."""
    row = (1, 1, 1, 1, 0, 2, 3, 4)
    base = Parts(8, 15, greys(200), row * 15, "tokens")
    escapes = [(int(Token.ESCAPE), 1, 0)] * 8
    # The last byte is the last token, four bits, and padding.
    tokens = [*escapes, (Token.RUN_N, 110, 0), *[(int(Token.N), 1, 0)] * 2]
    whole = by_hand(base.labels, 8, 200, tokens)
    front, stream = front_of(whole, 120, 200)
    state, padding = (stream[:-1] + bytes((stream[-1] | bit,)) for bit in (1, 128))
    cases = [
        ("stream-shorter", "17.14", "the stream ends early", joined(front, stream[:-1])),
        ("stream-longer", "17.14", "a byte is left", joined(front, stream + b"\0")),
        ("stream-state", "17.14", "another state at the end", joined(front, state)),
        ("stream-padding", "17.14", "a bit behind the last one is 1", joined(front, padding)),
    ]
    for name, rule, what, tokens in (
        ("run-long", "17.15", "a run longer than the tile", [(Token.RUN_N, 113, 0)]),
        ("copy-long", "17.15", "a copy longer than the tile", [(Token.COPY, 113, 8)]),
        ("copy-ahead", "17.16", "a displacement beyond the first label", [(Token.COPY, 112, 9)]),
        ("copy-zero", "17.16", "a displacement of 0", [(Token.COPY, 112, 0)]),
        ("copy-below", "17.16", "a displacement under 0", [(Token.COPY, 112, -3)]),
        ("copy-none", "17.16", "the last displacement, ahead of all", [(Token.COPY_LAST, 112, 0)]),
        ("flat-none", "17.17", "flat, where NE isn't W", [(Token.FLAT, 112, 0)]),
    ):
        cases.append((name, rule, what, by_hand(base.labels, 8, 200, [*escapes, *tokens])))
    for name, rule, what, wrong in cases:
        data = replace(base, payload_override=((0, wrong),)).to_bytes()
        yield Invalid(f"tokens-{name}", what, rule, "invalid", data)
    high = Parts(16, 16, greys(257), (0,) * 255 + (256,), "tokens")
    tokens = [(Token.RUN_W, 255, 0), (Token.ESCAPE, 1, 0)]
    wrong = by_hand((0,) * 255 + (257,), 16, 257, tokens)
    data = replace(high, payload_override=((0, wrong),)).to_bytes()
    yield Invalid("tokens-label", "the label 257, and K is 257", "17.14", "invalid", data)


INVALID = (
    invalid_tokens,
    invalid_tokens_fronts,
    invalid_tokens_streams,
)
