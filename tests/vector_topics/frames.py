"""The valid test vectors of sequences; tests/make_vectors.py writes them with the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from frame_parts import FrameParts, Labels, moving
from label_map_parts import LabelParts, cells, label_map
from vector_parts import ContextParts, Parts, Valid, colors, scattered, with_sections

from kqcodec.coding.palette import encode_palette

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONTAINER = ("19.1", "19.2", "19.3", "19.4", "19.9")


def still(width: int, height: int, k: int, coder: str, tile: int = 0) -> Parts:
    """A picture whose labels are yet to come."""
    kind = ContextParts if coder == "context" else Parts
    return kind(width, height, colors(k), (), coder, tile=tile)


def sequence(parts: Parts, frames: Sequence[Labels], **fields: object) -> FrameParts:
    """A sequence of these frames, of which each payload is one by itself."""
    first = replace(parts, labels=tuple(frames[0]))
    return FrameParts(first, tuple(frames), **{"chained": False, **fields})


def animation(
    width: int, height: int, k: int, coder: str, frames: int = 4, tile: int = 0, **fields: object
) -> FrameParts:
    """A square that moves."""
    parts = still(width, height, k, coder, tile)
    return sequence(parts, list(moving(width, height, k, frames)), **fields)


def valid_exact() -> Iterator[Valid]:
    """Sequences by packed and dense, whose sizes are known."""
    rules = (*CONTAINER, "19.7", "19.8")
    for coder in ("packed", "dense"):
        parts = animation(5, 4, 3, coder, key_distance=1)
        yield Valid(f"frames-{coder}", f"4 frames of 5 × 4 pixels, {coder}", rules, parts)
        parts = animation(20, 18, 5, coder, tile=0x11, key_distance=1)
        what = f"4 frames in tiles of 16 × 16, {coder}"
        yield Valid(f"frames-{coder}-tiles", what, rules, parts)
        parts = sequence(parts.still, parts.frames[:1] * 3, key_distance=1)
        what = f"3 frames that are the same, {coder}, and aren't unchanged"
        yield Valid(f"frames-{coder}-same", what, rules, parts)
    one = animation(6, 5, 300, "packed", frames=1, key_distance=1)
    yield Valid("frames-one", "a sequence of one frame", rules, one)


def valid_single_color() -> Iterator[Valid]:
    """Sequences in which K is 1."""
    for coder in ("packed", "dense", "context", "tokens"):
        distance = 1 if coder in ("packed", "dense") else 2
        parts = sequence(still(40, 7, 1, coder, 0x11), [(0,) * 280] * 5, key_distance=distance)
        what = f"5 frames of one colour in tiles, {coder}: no payloads"
        yield Valid(f"frames-k1-{coder}", what, (*CONTAINER, "19.6"), parts)


def valid_times() -> Iterator[Valid]:
    """Durations, plays, units."""
    lasting = (100, 100, 1, 127, 128, 16_384, 2_097_152, 268_435_456, 2**32 - 1, 2**32 - 1, 1)
    parts = animation(4, 3, 2, "packed", frames=len(lasting), key_distance=1, durations=lasting)
    what = "durations in one to five bytes, and as before"
    yield Valid("frames-durations", what, ("19.4", "19.5", "19.9"), parts)
    parts = animation(4, 3, 2, "dense", key_distance=1, plays=3, unit=(1001, 30_000))
    yield Valid("frames-unit", "3 plays, frames of 1001/30000 seconds", ("19.2",), parts)
    most = 2**32 - 1
    parts = replace(parts, plays=most, unit=(most, most), durations=(7, 7, 7, 9))
    yield Valid("frames-most", "the greatest numbers that FRAM can have", ("19.2",), parts)
    parts = animation(4, 3, 2, "packed", axis=1, key_distance=1, unit=(1, 250_000))
    yield Valid("frames-depth", "slices 4 micrometres apart", ("19.2",), parts)
    parts = replace(parts, unit=(0, 1), plays=2, durations=(1, 5, 5, 2))
    what = "slices at no known distance, with plays and durations, which have no meaning"
    yield Valid("frames-depth-unknown", what, ("19.2",), parts)


def valid_unchanged() -> Iterator[Valid]:
    """Tiles and frames that are unchanged; key frames."""
    rules = (*CONTAINER, "19.6", "19.7", "19.8")
    for coder in ("context", "tokens"):
        parts = animation(40, 35, 6, coder, tile=0x11)
        frames = [*parts.frames[:2], parts.frames[1], parts.frames[1], parts.frames[0]]
        parts = sequence(parts.still, frames, key_distance=3)
        assert not any(parts.payloads()[2])
        assert sum(map(bool, parts.payloads()[1])) in range(1, parts.grid.count)
        assert all(parts.payloads()[3])
        what = f"unchanged tiles and frames, a key frame every third, {coder}"
        yield Valid(f"frames-unchanged-{coder}", what, rules, parts)
        only = replace(parts, key_distance=0)
        what = f"the same, with one key frame, {coder}"
        yield Valid(f"frames-unchanged-{coder}-one-key", what, rules, only)
        far = replace(parts, key_distance=2**32 - 1)
        what = f"a key distance that no frame reaches, {coder}"
        yield Valid(f"frames-key-far-{coder}", what, ("19.2",), far)


def valid_still_payloads() -> Iterator[Valid]:
    """What else a file and a payload by itself can have."""
    base = animation(24, 20, 9, "context")
    for name, settings in (("dense", 0), ("large", 0x9C)):
        parts = replace(base, still=replace(base.still, settings=settings))
        what = f"payloads by themselves, model {name}"
        yield Valid(f"frames-context-{name}", what, ("19.8",), parts)
    doubled = [tuple(f[i // 96 * 24 + i % 48 // 2] for i in range(48 * 40)) for f in base.frames]
    enlarged = replace(base.still, width=48, height=40, cells=(2, 0, 2, 0))
    parts = sequence(enlarged, doubled)
    yield Valid("frames-context-enlarged", "enlarged payloads", ("19.8", "16.24"), parts)
    clear = replace(base.still, alpha=bytes(255 - 20 * i for i in range(9)))
    parts = replace(base, still=clear)
    yield Valid("frames-alpha", "frames with alpha", ("19.1", "4.4"), parts)
    coded = encode_palette(colors(9), 9)
    parts = replace(base, still=replace(base.still, coded_palette=coded))
    yield Valid("frames-coded-palette", "a coded palette", ("19.1", "4.5"), parts)
    meant = with_sections(base.still, (b"note", b"four"), (b"xmp ", b"<x/>"))
    parts = replace(base, still=meant)
    yield Valid("frames-sections", "sections behind FRAM", ("19.1", "5.6"), parts)
    wide = sequence(still(17, 9, 300, "tokens"), [scattered(153, 300), scattered(153, 299)])
    yield Valid("frames-k300", "K = 300", ("19.8",), wide)


def volume(width: int, height: int, k: int, coder: str, **fields: object) -> LabelParts:
    """A label map whose labels are yet to come."""
    return replace(label_map(width, height, k, coder), **fields)


def slices(width: int, height: int, k: int, count: int) -> list[Labels]:
    """Areas that grow from slice to slice."""
    whole = cells(width + count, height, k)
    rows = range(0, len(whole), width + count)
    return [tuple(x for r in rows for x in whole[r + i : r + i + width]) for i in range(count)]


def valid_volumes() -> Iterator[Valid]:
    """Label maps with slices."""
    rules = ("18.3", "19.1", "19.8")
    for coder in ("packed", "dense", "context", "tokens"):
        distance = 1 if coder in ("packed", "dense") else 0
        parts = sequence(
            volume(30, 20, 8, coder), slices(30, 20, 8, 4), axis=1, key_distance=distance
        )
        yield Valid(f"frames-labels-{coder}", f"4 slices of 8 ids, {coder}", rules, parts)
    for coder in ("context", "tokens"):
        parts = volume(40, 36, 30, coder, tile=0x11, lists=True, most=12)
        parts = sequence(parts, slices(40, 36, 30, 3), axis=1)
        what = f"3 slices in tiles with lists of their own, {coder}"
        yield Valid(f"frames-labels-lists-{coder}", what, (*rules, "18.8"), parts)
        parts = sequence(volume(40, 36, 30, coder, regions=True), slices(40, 36, 30, 3), axis=1)
        what = f"3 slices told by regions, {coder}"
        yield Valid(f"frames-labels-regions-{coder}", what, (*rules, "18.10"), parts)
    many = volume(4, 3, 40, "context", settings=0)
    parts = sequence(many, [tuple(range(i, i + 12)) for i in (0, 12, 24, 28)], axis=1)
    yield Valid("frames-labels-more", "more ids than a slice has pixels", ("18.2", "18.4"), parts)


VALID = (
    valid_exact,
    valid_single_color,
    valid_times,
    valid_unchanged,
    valid_still_payloads,
    valid_volumes,
)
