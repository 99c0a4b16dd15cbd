"""The invalid test vectors of chains; tests/make_vectors.py writes them with the others."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from frame_parts import FrameParts, moving
from label_map_parts import listed, own_list, with_length
from places import SPEC
from vector_topics.chains import CHAINED, SETTINGS, by_hand, chained, overridden
from vector_topics.frames import sequence, slices, volume
from vector_topics.invalid_frames import told

from kqcodec.format.container import pack_length
from kqcodec.kernels.reference.range_coder import RangeEncoder

sys.path.append(str(SPEC))  # where pytest has it anyway
from decode_bits import ArithmeticDecoder
from decode_frame_blocks import Blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vector_parts import Invalid


def second(parts: FrameParts, payload: bytes) -> bytes:
    """A file whose second frame has this payload."""
    first = parts.coded or tuple(payloads[0] for payloads in parts.payloads())
    return overridden(replace(parts, frames=parts.frames[:2]), (first[0], payload)).to_bytes()


def invalid_context() -> Iterator[Invalid]:
    """Chained payloads by context."""
    base = chained(20, 18, 4, list(moving(20, 18, 4, 3)))
    coded = by_hand(base)
    base = overridden(base, coded)
    key, later = coded[0][2:], coded[1][1:]
    alone = replace(
        base, coded=(b"\0" + bytes(90), *coded[1:]), frames=((0,) * 360, *base.frames[1:])
    )
    cases = [
        ("no-settings", "nothing behind 06 where a chain begins", CHAINED),
        ("size-0", "tables of size 0", CHAINED + bytes((SETTINGS & 63,)) + key),
        ("bit-5", "bit 5 of the settings", CHAINED + bytes((SETTINGS | 32,)) + key),
        ("zero", "a zero behind a key frame's payload", coded[0] + b"\0"),
        ("more", "bytes behind a key frame's payload", coded[0] + bytes(5) + b"\1"),
    ]
    for name, what, payload in cases:
        parts = overridden(replace(base, frames=base.frames[:1]), [payload])
        yield told(what, "19.14", f"chain-{name}", parts.to_bytes())
    cases = [
        ("later-zero", "a zero behind a chained payload", coded[1] + b"\0"),
        ("later-more", "bytes behind a chained payload", coded[1] + bytes(5) + b"\1"),
    ]
    for name, what, payload in cases:
        yield told(what, "19.14", f"chain-{name}", second(base, payload))
    for name, what, payload in (
        ("still-no-settings", "no settings behind a payload by itself", CHAINED),
        ("still-size-0", "tables of size 0 behind one", CHAINED + bytes((SETTINGS & 63,)) + later),
    ):
        yield told(what, "19.14", f"chain-{name}", second(alone, payload))
    what = "a payload of tokens by context"
    yield told(what, "16.1", "chain-other", second(base, b"\7" + later))
    yield from invalid_moves(base)


def invalid_moves(base: FrameParts) -> Iterator[Invalid]:
    """Blocks that come from outside, the first of 2 × 2 but where another is named."""
    for name, what, move, block in (
        ("left", "the left", (0, -1, 0), 0),
        ("upper", "above", (0, 0, -1), 0),
        ("right", "the right", (0, 5, 0), 0),
        ("lower", "below", (0, 0, 3), 0),
        ("corner", "the right, of the smallest block", (0, 1, 0), 3),
        ("farthest", "far below", (0, 0, 32_767), 0),
        ("earlier", "a frame that isn't there", (1, 0, 0), 0),
        ("earliest", "a frame long ago", (255, 0, 0), 0),
    ):
        data = second(base, CHAINED + moving_block(base, *move, block))
        yield told(f"a block moves from {what}", "19.18", f"chain-move-{name}", data)
    third = (*base.coded[:2], CHAINED + later_move(base))
    data = overridden(base, third).to_bytes()
    yield told("a block moves from two frames ahead", "19.18", "chain-move-later", data)


def moving_block(base: FrameParts, r: int, dx: int, dy: int, block: int) -> bytes:
    """The payload in which one of 2 × 2 blocks has moved."""
    return coded_blocks(Blocks(base.width, base.height), r, dx, dy, block)


def later_move(base: FrameParts) -> bytes:
    """The payload of the third frame, of which the second one had a block changed that stays: it
    asks for a frame ahead of the first."""
    blocks = blocks_behind(base.width, base.height, base.coded[1:2])
    return coded_blocks(blocks, 2, 0, 0, 0)


def blocks_behind(width: int, height: int, payloads: Sequence[bytes]) -> Blocks:
    """Blocks as they are behind these chained payloads."""
    blocks = Blocks(width, height)
    for payload in payloads:
        blocks.read(ArithmeticDecoder(payload[1:]).bit)
    return blocks


def coded_blocks(blocks: Blocks, r: int, dx: int, dy: int, block: int) -> bytes:
    """A payload in which one block of 2 × 2 has moved, with the counters as they are."""
    fields = f"{r:08b}{dx + 32768:016b}{dy + 32768:016b}"
    bits = [1, *map(int, fields), 0]
    for row in range(2):
        bits.append(int(block // 2 == row))
        for column in range(2 if block // 2 == row else 0):
            bits += [1, 1] if block % 2 == column else [0]
    encoder = RangeEncoder()

    def next_bit(p: int) -> int:
        encoder.encode(bits[0], p)
        return bits.pop(0)

    blocks.read(next_bit)
    assert not bits
    return encoder.finish(1 << 20) or b""


def invalid_lists() -> Iterator[Invalid]:
    """Chains of label maps."""
    for coder, first in (("context", CHAINED), ("tokens", b"\7")):
        parts = sequence(volume(20, 18, 4, coder), slices(20, 18, 4, 2), axis=1)
        key = (CHAINED + bytes((SETTINGS,)), b"\7\0" + bytes(4))[coder == "tokens"]
        alone = overridden(parts, [own_list((2,)), b""])
        what = f"a payload chained to a list of one entry, {coder}"
        yield told(what, "19.11", f"labels-chain-one-{coder}", second(alone, first + b"\1\1"))
        what = f"a list of one entry, and a chained payload behind it, {coder}"
        data = second(parts, own_list((2,)) + key)
        yield told(what, "19.11", f"labels-chain-one-behind-{coder}", data)
        what = f"a list within a chained payload, {coder}"
        data = second(parts, own_list((1, 2)) + own_list((1, 2)) + key)
        yield told(what, "18.8", f"labels-chain-twice-{coder}", data)
    parts = sequence(volume(20, 18, 4, "tokens"), slices(20, 18, 4, 2), axis=1)
    data = second(parts, own_list((1, 2)) + b"\7\0" + bytes(4))
    what = "a list, and a chained payload that has no frame before it, tokens"
    yield told(what, "19.10", "labels-chain-tokens-list", data)


def invalid_tokens() -> Iterator[Invalid]:
    """Chained payloads by tokens, of 20 × 18 labels in 2 × 2 blocks."""
    base = chained(20, 18, 4, list(moving(20, 18, 4, 2)), coder="tokens")
    good = base.payloads()[1][0]
    base = overridden(base, [base.payloads()[0][0], good])
    key = overridden(replace(base, frames=base.frames[:1]), [good]).to_bytes()
    yield told("a chained payload in a key frame, by tokens", "19.10", "tokens-key", key)
    yield told(
        "a payload of context by tokens", "17.1", "tokens-other", second(base, CHAINED + good)
    )
    one, up = pack_length(0) + pack_length(2), b"\7\1"  # a block that comes from one row below
    run = b"\0" + with_length(listed([0], [0]))
    zero = b"\0" + with_length(run[2:] + b"\0")
    box, two = bytes(4), b"\7\2" + one + one
    cases = [
        ("no-moves", "19.27", "no number of moves", b"\7"),
        ("four-moves", "19.27", "four moves", b"\7\4" + one * 4 + run),
        ("move-cut", "19.27", "an end within a move", b"\7\1\0"),
        ("move-none", "19.27", "a move by 0 and 0", b"\7\1\0\0" + run),
        ("move-width", "19.27", "a move by the width", b"\7\1" + bytes((40, 0)) + run),
        ("move-height", "19.27", "a move by the height", b"\7\1" + bytes((0, 35)) + run),
        ("move-padded", "6.4", "a move not in its fewest bytes", b"\7\1\x80\2\0" + run),
        ("no-runs", "19.28", "no number of runs", up + one),
        ("runs-five", "19.28", "five runs of four blocks", up + one + b"\4" + run[1:]),
        ("runs-cut", "19.28", "runs longer than the payload", up + one + b"\0\x40" + run[2:]),
        ("runs-empty", "18.7", "runs of no bytes", up + one + b"\0\0"),
        ("runs-zero", "18.7", "a zero behind the runs", up + one + zero),
    ]
    for name, what, lists in (
        ("gap", "a run behind the last block", ([4], [0])),
        ("length", "a run beyond the last block", ([2], [2])),
        ("outside", "blocks that come from outside", ([0], [3])),
        ("huge", "a run of 2^63 blocks", ([0], [2**63])),
        ("gap-huge", "a run far behind the last block", ([2**64 - 1], [0])),
    ):
        payload = up + one + b"\0" + with_length(listed(*lists))
        cases.append((f"run-{name}", "19.28", what, payload))
    wrong = two + b"\0" + with_length(listed([0], [0], [2]))
    cases.append(("run-move", "19.28", "the third move of two", wrong))
    rest = good[6:]
    for name, what, outside in (
        ("right", "beyond the right edge", (1, 0, 19, 0)),
        ("lower", "beyond the lower edge", (0, 2, 0, 16)),
        ("left", "that begins outside", (20, 0, 0, 0)),
    ):
        payload = b"\7\0" + bytes(outside) + rest
        cases.append((f"box-{name}", "19.29", f"a rectangle {what}", payload))
    cases += [
        ("box-none", "19.29", "neither moves nor a rectangle", b"\7\0"),
        ("box-cut", "19.29", "an end within the rectangle", b"\7\0\0\0\1"),
        ("box-padded", "6.4", "a rectangle not in its fewest bytes", b"\7\0\x80" + box + rest),
        ("labels-none", "19.29", "a rectangle without labels", b"\7\0" + box),
        ("labels-first", "17.1", "labels that begin with 07", b"\7\0" + box + b"\7"),
        ("labels-dense", "18.9", "too many labels by dense", b"\7\0" + box + b"\0\0\0"),
        ("labels-list", "18.8", "the label 4, of four", b"\7\0" + box + own_list((5,))),
    ]
    for name, rule, what, payload in cases:
        data = second(base, payload)
        yield told(f"chained by tokens, {what}", rule, f"tokens-{name}", data)


INVALID = (
    invalid_context,
    invalid_lists,
    invalid_tokens,
)
