"""Test vectors that come to what a rule counts or compares with: the least and the largest
tables, runs and lengths at the bounds, equal values, numbers that wrap. Without them a decoder
that is wrong there by one passes all others (tests/mutants/decoder)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frame_parts import FrameParts
from vector_parts import ContextParts, Invalid, Valid, patterned, scattered
from vector_topics.chains import CHAINED, by_hand, overridden
from vector_topics.contents import alphas, by_context, soft, with_coded_palette
from vector_topics.invalid_chains import blocks_behind, coded_blocks
from vector_topics.labels import row_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SMALL, LARGE = 0x5C, 0x9C  # settings of the coder context
# Values that differ by so much that what counts for a channel is the same for several.
TIES = ((4, 3, 0, 3), (3, 7, 1, 3), (6, 5, 2, 3))


def few_of(width: int, height: int, k: int, few: int, seed: int, settings: int) -> ContextParts:
    """A few labels of K, in no order, so that all models need fewer bytes than dense does."""
    labels = scattered(width * height + seed, few)[seed:]
    return ContextParts(width, height, soft(k), labels, settings=settings)


def patch(width: int, height: int, k: int, side: tuple[int, int], settings: int) -> ContextParts:
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
        parts = patch(320, 220, 2, side, settings)
        what = f"70,400 labels, with the largest tables, model {model}"
        yield Valid(f"context-tables-{model}", what, rules, parts)


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
    labels = bands(64, [*range(13, 22), *range(30, 50)] * 2)
    parts = ContextParts(64, len(labels) // 64, soft(6), labels, settings=SMALL)
    what = "flat runs where matches of 2 to 40 labels go on"
    yield Valid("context-runs-flat", what, ("16.10",), parts)
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


def valid_chain_tables() -> Iterator[Valid]:
    """Chains whose tables are as large as their size allows."""
    for size, width, height in ((1, 100, 60), (2, 180, 110)):
        first = patch(width, height, 2, (40, 50), SMALL)
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


def invalid_limits() -> Iterator[Invalid]:
    """One more than there is."""
    what = "a block that comes from the seventeenth frame ahead of the one before"
    data = long_ago(17).to_bytes()
    yield Invalid("frames-chain-earlier-17", what, "19.18", "invalid", data)
    row = row_of((0, 1) * 40, 80, *[(0,)] * 79, (2 + 63,))
    what = "a recent label that isn't kept any longer"
    yield Invalid("labels-regions-recent-65", what, "18.11", "invalid", row.to_bytes())


VALID = (
    valid_context_tables,
    valid_context_trees,
    valid_context_runs,
    valid_coded_palettes,
    valid_chain_tables,
    valid_chain_ages,
    valid_chain_earlier,
)
INVALID = (invalid_limits,)
