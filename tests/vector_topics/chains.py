"""The valid test vectors of chains, in which frames are coded from the frame before;
tests/make_vectors.py writes them with the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from frame_parts import FrameParts, Labels, moving, scrolling
from label_map_parts import LabelParts, listed, own_list
from vector_parts import ContextParts, Valid, context_payload, scattered
from vector_topics.frames import sequence, slices, still, volume

from kqcodec.coding.coders.frame_parts import FrameParts as TokenParts
from kqcodec.format.grid import Box
from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHAINED = b"\6"
SETTINGS = 0x5C  # of a chain: tables of size 1, a question, matches, learning rate 4
RULES = ("19.10", "19.14", "19.15", "19.17", "19.19", "19.20", "19.21")


def chained(
    width: int, height: int, k: int, frames: Sequence[Labels], **fields: object
) -> FrameParts:
    """A sequence by context, as our encoder has it."""
    coder = str(fields.pop("coder", "context"))
    tile = int(fields.pop("tile", 0))
    parts = still(width, height, k, coder, tile)
    return replace(sequence(parts, frames, **fields), chained=True)


def by_hand(parts: FrameParts, settings: int = SETTINGS, begin: bytes | None = None) -> list[bytes]:
    """The chained payloads of frames of one tile with these settings; with ``begin``, a payload of
    the first frame by itself."""
    if isinstance(parts.still, LabelParts):
        order, colors = np.arange(parts.k, dtype=np.uint16), np.empty((0, 3), dtype=np.uint8)
    else:
        colors = np.frombuffer(parts.still.palette, dtype=np.uint8).reshape(-1, 3)
        order = kernels.tree_order(colors)
    chain = kernels.frame_chain(order, colors, parts.width, parts.height, settings)
    tiles = [
        parts.tiles(number)[0].astype(label_dtype(parts.k)) for number in range(len(parts.frames))
    ]
    payloads = []
    if begin is not None:
        chain.begin(tiles.pop(0))
        payloads.append(begin)
    first = bytes((settings,))
    for tile in tiles:
        payload = chain.encode(tile, 1 << 16)
        assert payload is not None
        payloads.append(CHAINED + first + payload)
        first = b""
    return payloads


def overridden(parts: FrameParts, payloads: Sequence[bytes]) -> FrameParts:
    """The same with these payloads of one tile."""
    return replace(parts, coded=tuple(payloads))


def toggling(width: int, height: int, k: int) -> list[Labels]:
    """Frames of two pictures in turn, and a third."""
    one, two = scattered(width * height, k), scattered(width * height + 9, k)[9:]
    half = width * height // 2
    return [one, two, one, (*two[:half], *one[half:]), two, one]


def example() -> FrameParts:
    """The sequence of the worked example 19.30."""
    labels = tuple((c + r) % 3 for r in range(17) for c in range(17))
    changed = tuple(0 if i == 5 * 17 + 5 else label for i, label in enumerate(labels))
    palette = bytes.fromhex("000000 C81E1E FFFFFF")
    first = ContextParts(17, 17, palette, labels)
    key, later = by_hand(FrameParts(first, (labels, changed)), 0x9C)
    parts = FrameParts(first, (labels, labels, changed), durations=(4, 4, 8))
    return overridden(parts, (key, b"", later))


def valid_context() -> Iterator[Valid]:
    """Chains by context."""
    what = "worked example 19.30"
    yield Valid("example-frames", what, ("19.4", "19.9", "19.14", "19.30"), example())
    for k in (2, 5, 70, 300):
        parts = chained(34, 21, k, list(moving(34, 21, k, 5)))
        yield Valid(f"frames-chain-k{k}", f"a square that moves, K = {k}", RULES, parts)
    for width, height in ((1, 40), (40, 1), (3, 2)):
        frames = list(moving(width, height, 4, 4))
        what = f"frames of {width} × {height}"
        parts = chained(width, height, 4, frames)
        yield Valid(f"frames-chain-{width}x{height}", what, RULES, parts)
    parts = chained(40, 35, 6, list(moving(40, 35, 6, 6)), tile=0x11, key_distance=3)
    what = "chains in tiles of 16 × 16, a key frame every third"
    yield Valid("frames-chain-tiles", what, (*RULES, "19.10"), parts)
    for size, settings in ((1, 0x53), (2, 0x8F), (3, 0xC0)):
        parts = chained(30, 24, 9, list(moving(30, 24, 9, 4)))
        what = f"tables of size {size}, settings {settings:02X}"
        parts = overridden(parts, by_hand(parts, settings))
        yield Valid(f"frames-chain-size{size}", what, ("19.14", "19.23"), parts)
    scrolled = chained(80, 70, 5, list(scrolling(80, 70, 5, 5)))
    yield Valid("frames-chain-scrolling", "what scrolls", ("19.17", "19.18", "19.19"), scrolled)
    parts = chained(50, 36, 3, toggling(50, 36, 3))
    what = "frames of which earlier ones come back"
    yield Valid("frames-chain-earlier", what, ("19.17", "19.18", "19.19"), parts)
    yield from valid_beginnings()


def valid_beginnings() -> Iterator[Valid]:
    """Chains that begin with a payload by itself."""
    parts = chained(30, 24, 9, list(moving(30, 24, 9, 4)))
    alone = context_payload((24, 30), parts.frames[0], parts.still.palette, 0x5C)
    begun = by_hand(parts, begin=alone)
    what = "a key frame by itself, and a chain behind it"
    yield Valid("frames-chain-behind-still", what, RULES, overridden(parts, begun))
    payloads = by_hand(parts)
    rest = replace(parts, frames=parts.frames[2:])
    alone = context_payload((24, 30), rest.frames[0], parts.still.palette, 0x9C)
    payloads[2:] = by_hand(rest, 0x94, begin=alone)
    what = "a payload by itself between chains"
    yield Valid("frames-chain-still-between", what, RULES, overridden(parts, payloads))
    unchanged = replace(parts, frames=(*parts.frames[:2], *parts.frames[1:]))
    payloads = by_hand(replace(parts, frames=parts.frames))
    payloads.insert(2, b"")
    what = "an unchanged frame within a chain"
    yield Valid("frames-chain-unchanged", what, RULES, overridden(unchanged, payloads))
    noise = [parts.frames[0], scattered(720, 9), parts.frames[1]]
    dense = chained(30, 24, 9, noise)
    yield Valid("frames-chain-noise", "a frame of noise", RULES, dense)
    same = chained(30, 24, 9, [parts.frames[0]] * 2)
    payloads = by_hand(same)
    what = "a chained payload in which nothing changes"
    yield Valid("frames-chain-nothing", what, RULES, overridden(same, payloads))


def valid_volumes() -> Iterator[Valid]:
    """Chains of label maps."""
    rules = ("19.11", "19.14", "19.24", "19.25")
    for k in (2, 8, 300):
        parts = replace(
            sequence(volume(30, 22, k, "context"), slices(30, 22, k, 4), axis=1), chained=True
        )
        parts = overridden(parts, by_hand(parts, 0x52))
        yield Valid(f"frames-labels-chain-k{k}", f"a volume of {k} ids", rules, parts)
    base = sequence(volume(24, 20, 30, "context", most=12), [()] * 5, axis=1)
    frames = [tuple(f % 5 + first for f in labels) for labels, first in lists_of(24, 20)]
    base = replace(base, frames=tuple(frames), still=replace(base.still, labels=frames[0]))
    payloads: list[bytes] = []
    for start, stop, first in ((0, 2, 3), (2, 3, 17), (3, 5, 25)):
        part = replace(base, frames=tuple(tuple(x - first for x in f) for f in frames[start:stop]))
        part = replace(part, still=replace(part.still, ids=part.still.ids[:5], most=None))
        alone = LabelParts(24, 20, labels=part.frames[0], ids=(1, 2, 3, 4, 5)).payloads()[0]
        # The last chain begins with a list and a tile by itself.
        coded = by_hand(part, begin=alone) if start == 3 else by_hand(part)
        payloads += [own_list(range(first, first + 5)) + coded[0], *coded[1:]]
    what = "lists of their own, from one to the next"
    yield Valid("frames-labels-chain-lists", what, rules, overridden(base, payloads))
    single = [(4,) * 480, (4,) * 480, frames[0], frames[1]]
    base = replace(base, frames=tuple(single), still=replace(base.still, labels=single[0]))
    behind = own_list(range(3, 8))
    parts = overridden(
        base, [own_list((4,)), b"", behind + payloads[0][len(behind) :], payloads[1]]
    )
    what = "a list of one entry, and then another"
    yield Valid("frames-labels-chain-single", what, rules, parts)


def lists_of(width: int, height: int) -> Iterator[tuple[Labels, int]]:
    """Frames of five labels, and which is the first of these."""
    frames = [tuple(label % 5 for label in f) for f in moving(width, height, 5, 5)]
    yield from zip(map(np.array, frames), (3, 3, 17, 25, 25), strict=True)


def valid_tokens() -> Iterator[Valid]:
    """Chains by tokens."""
    rules = ("19.10", "19.27", "19.29")
    for k in (2, 70, 300):
        parts = chained(40, 30, k, list(moving(40, 30, k, 4)), coder="tokens")
        what = f"a square that moves, K = {k}, tokens"
        yield Valid(f"frames-tokens-k{k}", what, rules, parts)
    parts = chained(
        40, 35, 6, list(moving(40, 35, 6, 6)), tile=0x11, key_distance=3, coder="tokens"
    )
    what = "tiles of 16 × 16, a key frame every third, tokens"
    yield Valid("frames-tokens-tiles", what, rules, parts)
    parts = chained(80, 70, 5, list(scrolling(80, 70, 5, 4)), coder="tokens")
    yield Valid("frames-tokens-scrolling", "what scrolls, tokens", (*rules, "19.28"), parts)
    base = chained(40, 33, 9, [scattered(1320, 9)] * 2, coder="tokens")
    for name, moves, runs, lists in (
        ("one", ((0, 1),), 1, ([0], [1])),
        ("two", ((-3, 0), (-5, 1)), 2, ([1, 0], [0, 0], [0, 1])),
        ("three", ((0, -1), (-31, 0), (2, -30)), 3, ([2, 0, 2], [0, 0, 0], [1, 0, 2])),
    ):
        what = f"blocks that have moved alone, moves: {name}"
        parts = TokenParts(moves, runs, listed(*lists))
        yield Valid(
            f"frames-tokens-moves-{name}", what, ("19.27", "19.28"), moved(base, parts, lists)
        )
    few = chained(20, 16, 9, [scattered(320, 9)] * 2, coder="tokens")
    lists = ([0], [0], [2])
    parts = moved(few, TokenParts(((0, 1), (0, 2), (3, 0)), 1, listed(*lists)), lists)
    what = "the third of three moves, and two blocks"
    yield Valid("frames-tokens-moves-blocks", what, ("19.27", "19.28"), parts)
    labels = tuple(slices(30, 22, 8, 3))
    parts = replace(sequence(volume(30, 22, 8, "tokens"), labels, axis=1), chained=True)
    yield Valid("frames-labels-tokens-chain", "a volume, tokens", ("19.11", "19.29"), parts)
    plain = parts.payloads()
    everything = [[own_list(range(8)) + plain[0][0]], *plain[1:]]
    parts = overridden(parts, [payload for (payload,) in everything])
    what = "a volume with a list of all ids, tokens"
    yield Valid("frames-labels-tokens-list", what, ("19.11", "19.29"), parts)


def moved(base: FrameParts, parts: TokenParts, lists: Sequence[Sequence[int]]) -> FrameParts:
    """The second frame by blocks that have moved."""
    before = np.array(base.frames[0]).reshape(base.height, base.width)
    after, across = before.copy(), -(-base.width // 16)
    block, which = 0, lists[2] if len(lists) > 2 else [0] * len(lists[0])
    for gap, less, move in zip(lists[0], lists[1], which, strict=True):
        for place in range(block + gap, block + gap + less + 1):
            y, x = (16 * side for side in divmod(place, across))
            box = Box(x, y, min(x + 16, base.width), min(y + 16, base.height))
            after[box.slices] = before[box.moved(*parts.moves[move]).slices]
        block += gap + less + 1
    frames = (base.frames[0], tuple(after.ravel().tolist()))
    return replace(base, frames=frames, payload_override=((1, 0, parts.to_bytes()),))


VALID = (
    valid_context,
    valid_volumes,
    valid_tokens,
)
