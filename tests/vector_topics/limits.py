"""Test vectors that come to what a rule counts or compares with: the least and the largest
tables, runs and lengths at the bounds, equal values, numbers that wrap. Without them a decoder
that is wrong there by one passes all others (tests/mutants/decoder)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from unittest.mock import patch

from frame_parts import FrameParts
from label_map_parts import COLUMN, VOLUME, LabelParts, listed, numbered, own_list
from token_payloads import complete, joined, survey_of, whole_front
from vector_parts import ContextParts, Invalid, Parts, Valid, patterned, scattered
from vector_topics.chains import CHAINED, by_hand, chained, overridden
from vector_topics.contents import alphas, by_context, greys, soft, with_coded_palette
from vector_topics.frames import sequence, slices, volume
from vector_topics.invalid_chains import blocks_behind, coded_blocks
from vector_topics.labels import row_of

from kqcodec.coding.coders.frame_parts import FrameParts as TokenParts
from kqcodec.kernels.reference import tokens_front, tokens_streams
from kqcodec.kernels.reference.tokens_front import Front, Value
from kqcodec.kernels.reference.tokens_streams import Tables, write_stream
from kqcodec.kernels.reference.tokens_way import find_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SMALL, LARGE = 0x5C, 0x9C  # settings of the coder context
# Values that differ by so much that what counts for a channel is the same for several.
TIES = ((4, 3, 0, 3), (3, 7, 1, 3), (6, 5, 2, 3))


def few_of(width: int, height: int, k: int, few: int, seed: int, settings: int) -> ContextParts:
    """A few labels of K, in no order, so that all models need fewer bytes than dense does."""
    labels = scattered(width * height + seed, few)[seed:]
    return ContextParts(width, height, soft(k), labels, settings=settings)


def patched(width: int, height: int, k: int, side: tuple[int, int], settings: int) -> ContextParts:
    """A flat tile with a patch of labels in no order in its lower right corner."""
    across, down = side
    other = scattered(across * down, k)
    labels = [0] * (width * height)
    for row in range(down):
        start = (height - down + row - 2) * width + width - across - 4
        labels[start : start + across] = other[row * across : (row + 1) * across]
    return ContextParts(width, height, soft(k), tuple(labels), settings=settings)


def valid_context_tables() -> Iterator[Valid]:
    """The least and the largest tables."""
    rules = ("16.4", "16.16", "16.17")
    for name, width, height, few, seed in (("32", 8, 4, 3, 50), ("128", 16, 8, 2, 50)):
        parts = few_of(width, height, 60, few, seed, SMALL)
        what = f"{name} labels, with the least tables"
        yield Valid(f"context-tables-{name}", what, rules, parts)
    parts = few_of(16, 16, 60, 2, 50, SMALL)
    yield Valid("context-tables-256", "256 labels: tables of 2^8 positions", rules, parts)
    for model, settings, side in (("small", SMALL, (40, 50)), ("large", LARGE, (40, 30))):
        parts = patched(320, 220, 2, side, settings)
        what = f"70,400 labels, with the largest tables, model {model}"
        yield Valid(f"context-tables-{model}", what, rules, parts)


def valid_context_rows() -> Iterator[Valid]:
    """Rows of weights that have been in use for more than 1,023 bits."""
    parts = patched(100, 70, 2, (60, 50), 0x57)
    what = "labels in no order, a question and nothing else, learning rate 7"
    yield Valid("context-rows-1023", what, ("15.10", "16.21"), parts)


def valid_context_trees() -> Iterator[Valid]:
    """Orders of palettes."""
    levels = bytes(
        factor * (i * step >> shift & mask) for i in range(60) for factor, step, shift, mask in TIES
    )
    parts = ContextParts(20, 12, levels, patterned(20, 12, 60), alpha=alphas(60), settings=SMALL)
    what = "channels that count for the same, and equal sums of colours whose alpha differs"
    yield Valid("context-tree-ties", what, ("16.5",), parts)
    sums = bytes(v for i in range(24) for v in (40 * (i % 3), 200 - 6 * i, 6 * i))
    parts = ContextParts(20, 12, sums, patterned(20, 12, 24), settings=SMALL)
    what = "equal values and sums, whose order another channel has turned before"
    yield Valid("context-tree-turned", what, ("16.5",), parts)
    for k in (64, 65):
        parts = by_context(20, 16, k)
        yield Valid(f"context-small-k{k}", f"K = {k}, model small", ("16.15",), parts)
    for k in (256, 257, 512):
        few = tuple((0, 1, k - 2, k - 1)[i] for i in scattered(168, 4))
        parts = ContextParts(14, 12, soft(k), few, settings=SMALL)
        what = f"K = {k}, and the first and the last places of the search"
        yield Valid(f"context-paths-k{k}", what, ("16.19", "16.21"), parts)
    parts = few_of(8, 6, 4096, 3, 9, SMALL)
    yield Valid("context-small-k4096", "K = 4,096, model small", ("16.14",), parts)


def bands(width: int, lengths: Sequence[int]) -> tuple[int, ...]:
    """Rows that stand twice: labels in no order, of another number in each, and flat behind. Above
    where that begins are other labels the second time, so that no matched run goes there."""
    other = scattered(sum(lengths), 5)
    flat = (0,) * width
    labels: list[int] = []
    for length in lengths:
        row = (*other[:length], *flat[length:])
        above = (*flat[: length - 1], 1, *flat[length:])
        labels += (*flat, *above, *row, *flat, *flat, *row)
        other = other[length:]
    return tuple(labels)


def valid_context_runs() -> Iterator[Valid]:
    """Runs and matches of all lengths."""
    # The small model has matched runs where such long matches go on.
    for model, settings, lengths in (
        ("small", SMALL, [*range(15, 21), *range(32, 40)] * 2),
        ("large", LARGE, [*range(32, 38)] * 2),
    ):
        labels = bands(72, lengths)
        parts = ContextParts(72, len(labels) // 72, soft(6), labels, settings=settings)
        what = f"flat runs where matches go on, model {model}"
        yield Valid(f"context-runs-{model}-flat", what, ("16.10",), parts)
    block = scattered(53, 5)
    broken = tuple(4 if i in (1450, 1590) else block[i % 1500 % 53] for i in range(1500 * 2))
    for model, settings in (("small", SMALL), ("large", LARGE)):
        parts = ContextParts(1500, 2, soft(300), broken, settings=settings)
        what = f"53 labels again and again, in matches of over 1,024, model {model}"
        yield Valid(f"context-runs-{model}-long", what, ("16.8", "16.11"), parts)


def valid_coded_palettes() -> Iterator[Valid]:
    """Coded palettes in files whose labels need nothing but the coder dense."""
    kept = [(4 * i + i * i % 7, 230 - 3 * i + i % 5, i * i >> 4, 255 - i // 5) for i in range(60)]
    grid = [
        (r, g, b, a) for g in (0, 60, 200) for r in (0, 90) for b in (0, 70, 255) for a in (9, 99)
    ]
    other = scattered(3 * 33, 60)
    far = [(*other[3 * i : 3 * i + 3], 0) for i in range(33)]
    for name, what, entries, has_alpha in (
        ("kept", "in its own order", kept, False),
        ("alpha", "in its own order, with alpha", kept, True),
        ("set", "ascending, many of them alike in two channels", grid[::2], False),
        ("set-alpha", "ascending, the first one black and clear", grid, True),
        ("history-31", "of 32 entries three times", far[:32] * 3, False),
        ("history-32", "of 33 entries three times", far * 3, False),
    ):
        alpha = bytes(entry[3] for entry in entries) if has_alpha else None
        palette = b"".join(bytes(entry[:3]) for entry in entries)
        k = len(entries)
        parts = ContextParts(9, 7, palette, scattered(63, k), alpha=alpha, settings=0)
        coded = with_coded_palette(parts)
        rules = ("4.5", "14.1", "16.2")
        what_all = f"a coded palette {what}; labels by dense"
        yield Valid(f"context-dense-palette-{name}", what_all, rules, coded)


USED = (0, 1, 2, 4, 5, 8, 12, 13, 20, 21, 40)  # labels, some of them side by side


def long_codes(labels: int, tables: int, intervals: int = 32) -> Front:
    """A front for 200 colours, of which only some have codes: codes of escapes of up to ten bits,
    another in each table, of values of nine, and so many intervals of both neighbours."""
    front = whole_front(labels, 200)
    front.escape_tables = tables
    front.lengths = [[0] * 200 for _ in range(tables)]
    for table, lengths in enumerate(front.lengths):
        for i, label in enumerate(USED):
            lengths[label] = min(i * (table % 10 + 1) % 11 + 1, 10)
    front.intervals = [[min(symbol, intervals - 1) for symbol in range(200)] for _ in "WN"]
    front.cells = [[(7 * w + 3 * n) % tables for n in range(intervals)] for w in range(intervals)]
    front.values = [[*complete(45)[:-1], 7, 8, 9, 9] for _ in Value]
    return front


def with_front(width: int, height: int, front: Front, labels: tuple[int, ...]) -> Parts:
    """A picture by a front of its own, which may have more than there can be."""
    survey = survey_of(labels, width, 200)
    unlimited = patch.object(tokens_front, "_demand", lambda _: None)
    with unlimited, patch.object(tokens_streams, "VALUE_BITS", 15):
        payload = joined(front, write_stream(Tables(front), survey, find_tokens(survey).steps))
    picture = Parts(width, height, greys(200), labels, "tokens")
    return replace(picture, payload_override=((0, payload),))


def valid_tokens_fronts() -> Iterator[Valid]:
    """Fronts of the coder tokens with as much as there can be."""
    rules = ("17.7", "17.10", "17.11", "17.12", "17.13")
    labels = tuple(USED[i] for i in scattered(512, 11)) + (0,) * 512
    parts = with_front(32, 32, long_codes(1024, 3), labels)
    what = "1,024 labels and three tables of escapes, 32 intervals, the longest codes"
    yield Valid("tokens-front-most", what, rules, parts)
    labels = (USED[9],) * 12_000 + tuple(USED[i] for i in scattered(128 * 124 - 12_000, 11))
    parts = with_front(128, 124, long_codes(128 * 124, 32), labels)
    yield Valid("tokens-front-32", "32 tables of escapes", rules, parts)


def valid_tokens_codes() -> Iterator[Valid]:
    """Codes of nine bits and of ten beside each other."""
    front = long_codes(1024, 1)
    lengths = [0] * 200
    for label, length in zip(USED, (1, 2, 3, 4, 5), strict=False):
        lengths[label] = length
    lengths[50:74] = [9, 9, 10, 10, 10, 10] * 4
    front.lengths = [lengths]
    labels = tuple(USED[i] for i in scattered(1024, 5))
    parts = with_front(32, 32, front, labels)
    what = "codes of nine bits and of ten beside each other"
    yield Valid("tokens-front-codes", what, ("17.11", "17.13"), parts)


def valid_chain_tables() -> Iterator[Valid]:
    """Chains whose tables are as large as their size allows."""
    for size, width, height in ((1, 100, 60), (2, 180, 110)):
        first = patched(width, height, 2, (40, 50), SMALL)
        turned = tuple(1 - label if i % 97 == 5 else label for i, label in enumerate(first.labels))
        parts = FrameParts(first, (first.labels, turned))
        parts = overridden(parts, by_hand(parts, size << 6 | 0x1C))
        what = f"{width * height:,} labels in a chain, tables of size {size}"
        yield Valid(f"frames-chain-tables-size{size}", what, ("19.14", "16.16"), parts)


def valid_chain_ages() -> Iterator[Valid]:
    """Labels that have stayed for over 127 frames."""
    base = patterned(5, 4, 3)
    frames = []
    for number in range(140):
        at = 19 if number < 133 else 3
        frames.append(tuple((x + number) % 3 if i == at else x for i, x in enumerate(base)))
    first = ContextParts(5, 4, soft(3), frames[0], settings=SMALL)
    parts = FrameParts(first, tuple(frames))
    parts = overridden(parts, by_hand(parts))
    what = "labels that change after more than 127 frames, so that ages end"
    yield Valid("frames-chain-ages", what, ("19.22",), parts)


def long_ago(r: int) -> FrameParts:
    """A chain of frames of four blocks, in the last of which the first block is that of the r-th
    frame ahead of the one before."""
    base = patterned(17, 17, 3)
    frames = [
        tuple((x + 1) % 3 if i in (f, 40 + 3 * f) else x for i, x in enumerate(base))
        for f in range(r + 2)
    ]
    then, before = frames[1], frames[-1]
    last = tuple(then[i] if i % 17 < 16 and i < 272 else x for i, x in enumerate(before))
    first = ContextParts(17, 17, soft(3), base, settings=SMALL)
    coded = by_hand(FrameParts(first, tuple(frames)))
    blocks = blocks_behind(17, 17, coded[1:])
    coded.append(CHAINED + coded_blocks(blocks, r, 0, 0, 0))
    return overridden(FrameParts(first, (*frames, last)), coded)


def valid_chain_earlier() -> Iterator[Valid]:
    """The first of the frames that are kept."""
    what = "a block that comes from the sixteenth frame ahead of the one before"
    yield Valid("frames-chain-earlier-16", what, ("19.18",), long_ago(16))


def invalid_tokens() -> Iterator[Invalid]:
    """Fronts with one more than there can be, and nothing else that is wrong."""
    what = "a block that comes from the seventeenth frame ahead of the one before"
    more, values, bits = (long_codes(1024, 1) for _ in range(3))
    more.lengths[0] = [min(symbol + 1, 11) if symbol < 12 else 0 for symbol in range(200)]
    more.escape_bits = 11
    values.values[2] = [*complete(46)[:-1], 7, 8, 9, 9]
    bits.values[2] = [*complete(44)[:-1], 7, 8, 9, 10, 10]
    for name, rule, what, width, height, front in (
        ("labels", "17.7", "1,023 labels, three tables of escapes", 33, 31, long_codes(1023, 3)),
        ("33", "17.7", "33 tables of escapes", 128, 128, long_codes(128 * 128, 33)),
        ("intervals", "17.10", "33 intervals", 32, 32, long_codes(1024, 3, 33)),
        ("bits", "17.7", "codes of up to 11 bits", 32, 32, more),
        ("values", "17.12", "a code of 49 values", 32, 32, values),
        ("value", "17.13", "a value with a code of ten bits", 32, 32, bits),
    ):
        flat = (USED[0 if front is more else 10],) * (width * height)
        data = with_front(width, height, front, flat).to_bytes()
        yield Invalid(f"tokens-most-{name}", what, rule, "invalid", data)


def invalid_labels() -> Iterator[Invalid]:
    """Tiles of label maps with one more than there can be, and nothing else that is wrong."""
    row = row_of((0, 1) * 40, 80, *[(0,)] * 79, (2 + 63,))
    what = "a recent label that isn't kept any longer"
    yield Invalid("labels-regions-recent-65", what, "18.11", "invalid", row.to_bytes())
    row = row_of(tuple(range(9)), 9, *[(0,)] * 9)
    what = "regions in nine colours"
    yield Invalid("labels-regions-9", what, "18.10", "invalid", row.to_bytes())
    tile = LabelParts(6, 5, labels=scattered(30, 5), ids=numbered(8), dtype="uint16", lists=True)
    data = replace(tile, most=4).to_bytes()
    yield Invalid("labels-list-5", "a list of five entries, and K is 4", "18.8", "invalid", data)
    tiled = LabelParts(
        17, 1, labels=(0, 1, 2) * 5 + (3, 4), tile=0x10, ids=numbered(5), dtype="uint16"
    )
    pair = LabelParts(1, 1, labels=(1,), ids=(0, 1)).payloads()[0]
    payload = own_list((0, 4)) + pair
    data = replace(tiled, payload_override=((1, payload),)).to_bytes()
    what = "a list of two entries in a tile of one label"
    yield Invalid("labels-list-labels", what, "18.8", "invalid", data)
    parts = FrameParts(replace(tile, most=4), (tile.labels,), axis=1)
    data = overridden(parts, [replace(tile, most=4).payloads()[0]]).to_bytes()
    what = "a volume: a list of five entries, and K is 4"
    yield Invalid("frames-labels-list-5", what, "18.8", "invalid", data)
    still = volume(20, 18, 4, "tokens")
    table = still.table_body()[1:]
    still = replace(still, table=bytes((table[0] | COLUMN | VOLUME,)) + table[1:])
    data = sequence(still, slices(20, 18, 4, 2), axis=1).to_bytes()
    what = "a table of ids of a volume with a last axis"
    yield Invalid("frames-labels-column", what, "18.3", "invalid", data)


def invalid_chains() -> Iterator[Invalid]:
    """Chained payloads with one more than there can be, and nothing else that is wrong."""
    what = "a block that comes from the seventeenth frame ahead of the one before"
    data = long_ago(17).to_bytes()
    yield Invalid("frames-chain-earlier-17", what, "19.18", "invalid", data)
    base = chained(40, 33, 9, [scattered(1320, 9)] * 2, coder="tokens")
    up = (0, 1)
    for name, rule, what, moves, lists in (
        ("moves-four", "19.27", "four moves", (up,) * 4, ([0], [0], [3])),
        ("moves-width", "19.27", "a second move by the width", (up, (40, 0)), ([0], [0], [0])),
        ("moves-height", "19.27", "a second move by the height", (up, (0, 33)), ([0], [0], [0])),
        ("moves-none", "19.27", "a second move by nothing", (up, (0, 0)), ([0], [0], [0])),
        ("moves-right", "19.28", "a block from the right of the tile", ((1, 0),), ([2], [0])),
        ("moves-left", "19.28", "a block from the left of the tile", ((-1, 0),), ([3], [0])),
        ("moves-above", "19.28", "a block from above the tile", ((0, -1),), ([1], [0])),
        ("moves-below", "19.28", "a block behind the last one", ((0, -16),), ([9], [0])),
    ):
        payload = TokenParts(moves, 1, listed(*lists)).to_bytes()
        data = replace(base, payload_override=((1, 0, payload),)).to_bytes()
        yield Invalid(f"frames-tokens-{name}", f"tokens, {what}", rule, "invalid", data)
    for name, left, top, width, height in (("right", 39, 0, 2, 1), ("lower", 0, 32, 1, 2)):
        changed = LabelParts(width, height, labels=(0, 0), coder="tokens", ids=numbered(10))
        box = bytes((left, top, width - 1, height - 1))
        payload = b"\7\0" + box + changed.payloads()[0]
        data = replace(base, payload_override=((1, 0, payload),)).to_bytes()
        what = f"tokens, a rectangle of two labels beyond the {name} edge"
        yield Invalid(f"frames-tokens-box-{name}-edge", what, "19.29", "invalid", data)


def valid_lists() -> Iterator[Valid]:
    """A list of a chain that is longer than its tile."""
    labels = (0, 1, 2) * 5 + (3, 4)
    first = LabelParts(17, 1, labels=labels, tile=0x10, ids=numbered(5), dtype="uint16")
    pair = LabelParts(1, 1, labels=(1,), ids=(0, 1)).payloads()[0]
    parts = FrameParts(first, (labels,), axis=1)
    parts = replace(parts, payload_override=((0, 1, own_list((0, 4)) + pair),))
    what = "a volume: a list of two entries in a tile of one label"
    yield Valid("frames-labels-list-long", what, ("18.8", "19.11"), parts)
    steps = scattered(260, 12)
    listed_ids = [sum(steps[: i + 1]) + i for i in range(260)]
    labels = (0,) * 16 + (listed_ids[200],)
    first = replace(first, labels=labels, ids=numbered(2000))
    one = LabelParts(1, 1, labels=(200,), ids=numbered(260), dtype="uint16").payloads()[0]
    parts = FrameParts(first, (labels,), axis=1)
    parts = replace(parts, payload_override=((0, 1, own_list(listed_ids) + one),))
    what = "a volume: a list of 260 entries in a tile of one label"
    yield Valid("frames-labels-list-longer", what, ("19.8", "19.11"), parts)


VALID = (
    valid_context_tables,
    valid_context_rows,
    valid_context_trees,
    valid_context_runs,
    valid_coded_palettes,
    valid_tokens_fronts,
    valid_tokens_codes,
    valid_chain_tables,
    valid_chain_ages,
    valid_chain_earlier,
    valid_lists,
)
INVALID = (invalid_tokens, invalid_labels, invalid_chains)
