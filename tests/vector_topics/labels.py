"""The valid test vectors of label maps; tests/make_vectors.py writes them with the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from label_map_parts import (
    NAMES,
    LabelParts,
    cells,
    label_map,
    listed,
    numbered,
    own_list,
    told,
    with_length,
)
from vector_parts import (
    Valid,
    patterned,
    scattered,
    with_sections,
)

from kqcodec.coding.coders.label_parts import regions_head
from kqcodec.coding.label_index import IndexBuilder
from kqcodec.format.labels import label_dtype

if TYPE_CHECKING:
    from collections.abc import Iterator

MEANING = (b"labl", b'{"colors":{"7":[0,100,0]},"names":{"7":"trees"},"nodata":"40"}')


def ids_of(dtype: str, count: int) -> tuple[int, ...]:
    """So many ids of a type: the least and the greatest, and others between them."""
    if dtype == "bool":
        return (0, 1)
    span = 2 ** int(dtype.lstrip("uint"))
    least = 0 if dtype.startswith("u") else -span // 2
    between = sorted({i * i * i % (span - 2) + 1 for i in range(2, count)})
    return tuple(least + i for i in (0, *between, span - 1))


def valid_tables() -> Iterator[Valid]:
    """What ids there can be."""
    for dtype in NAMES:
        ids = ids_of(dtype, 9)
        labels = patterned(13, 11, len(ids))
        for coder, column in (("context", False), ("packed", True)):
            parts = LabelParts(
                13, 11, labels=labels, coder=coder, ids=ids, dtype=dtype, column=column
            )
            shape = "(11, 13, 1)" if column else "(11, 13)"
            what = f"ids of the type {dtype}, shape {shape}, {coder}"
            yield Valid(f"labels-{dtype}-{coder}", what, ("18.2", "18.3", "18.4"), parts)
    base = label_map(13, 11, 5)
    k = base.entries
    some = (
        ("shared", "entries share ids", (-300, 4, 70), (2, 0, 2, 1, 0)),
        ("merged", "all entries have one id", (-300,), (0,) * k),
        ("unused", "ids of no entry", (-300, -1, 4, 70, 30_000), (3, 3, 1, 1, 1)),
        (
            "turned",
            "entries in another order than their ids",
            (-300, -1, 4, 70, 71),
            (4, 3, 2, 1, 0),
        ),
    )
    for name, what, ids, places in some:
        parts = replace(base, ids=ids, places=places, dtype="int16")
        yield Valid(f"labels-table-{name}", what, ("18.4",), parts)
    one = replace(base, ids=(-1,), labels=(0,) * 143, dtype="int64")
    yield Valid("labels-one", "one id, so that payloads are empty", ("18.4", "18.8"), one)
    absent = replace(base, labels=tuple(min(label, 2) for label in base.labels))
    yield Valid("labels-absent", "ids and entries that no label has", ("18.4",), absent)
    wide = replace(base, ids=tuple(i * 0x0F0F_0F0F_0F0F_0F0F for i in (0, 1, 2, 9, 17)))
    wide = replace(wide, dtype="uint64", coder="dense")
    yield Valid("labels-wide", "ids far from each other, dense", ("18.4", "18.7"), wide)


def valid_forms() -> Iterator[Valid]:
    """Label maps by all coders, in all forms of files."""
    for coder in ("packed", "dense", "context", "tokens"):
        parts = label_map(40, 37, 12, coder)
        yield Valid(f"labels-{coder}", f"12 ids, {coder}", ("2.4", "4.6", "18.1"), parts)
        tiled = replace(parts, tile=0x11)
        what = f"12 ids in tiles of 16 × 16, {coder}"
        yield Valid(f"labels-{coder}-tiles", what, ("18.1", "6.1"), tiled)
    for k in (2, 70, 300):
        for model, settings in (("small", 0x54), ("small", 0x5C), ("large", 0x9C)):
            parts = replace(label_map(24, 20, 2), ids=numbered(k), settings=settings)
            parts = replace(parts, labels=patterned(24, 20, k))
            matches = "matches" if settings & 8 else "no matches"
            what = f"{k:,} ids, no colours, model {model}, {matches}"
            rules = ("16.5", "16.15", "16.16", "18.9")
            yield Valid(f"labels-k{k}-{settings:02x}", what, rules, parts)
    scatter = replace(label_map(24, 20, 2), ids=numbered(90), settings=0, labels=scattered(480, 90))
    yield Valid("labels-scattered", "labels in no order, model dense", ("16.2", "18.9"), scatter)
    large = tuple(label for label in cells(16, 10, 9) for _ in range(3))
    rows = [large[i : i + 48] for i in range(0, 480, 48)]
    large = tuple(label for row in rows for _ in range(2) for label in row)
    base = replace(label_map(48, 20, 9), labels=large)
    small = replace(label_map(16, 10, 9), settings=0x5C)
    payload = bytes((1, 2, 0, 1, 0)) + small.payloads()[0]
    parts = replace(base, payload_override=((0, payload),))
    yield Valid("labels-enlarged", "an enlarged tile of 3 × 2", ("16.24", "18.9"), parts)
    for coder in ("context", "tokens"):
        short = replace(label_map(20, 12, 6, coder), short=True, column=True, settings=0x5C)
        what = f"a label map in the short form, {coder}"
        yield Valid(f"labels-short-{coder}", what, ("12.1", "18.1"), short)
    none = replace(label_map(500, 400, 1), short=True, ids=(2**64 - 1,), dtype="uint64")
    none = replace(none, labels=(0,) * 200_000)
    yield Valid("labels-short-one", "one id of 64 bits, short", ("12.1", "18.1"), none)
    meant = with_sections(label_map(20, 12, 6), MEANING, (b"note", b"four"))
    yield Valid("labels-meaning", "what ids mean, and another section", ("5.6", "18.1"), meant)
    foreign = with_sections(label_map(20, 12, 6), (b"labl", b"\xff"), (b"lidx", b"\x01\x02\x03"))
    what = "sections that aren't what their kinds say, which changes no label"
    yield Valid("labels-sections-foreign", what, ("5.6", "18.1"), foreign)


def with_index(parts: LabelParts) -> LabelParts:
    """The same with an index."""
    plane = np.array(parts.labels, dtype=label_dtype(parts.entries))
    plane = plane.reshape(parts.height, parts.width)
    builder = IndexBuilder(parts.entries, parts.grid)
    for index in range(parts.grid.count):
        builder.add(index, plane[parts.grid.box(index).slices])
    section = builder.finish().to_section(parts.grid)
    return with_sections(parts, (section.kind, section.data))


def index_of_two(last: int) -> bytes:
    """The index of rule 18.18, in which the box of entry 1 ends with that column."""
    boxes = ((3, 795), (0, 0), (0, 0), (39, last), (19, 19))
    payloads = [listed(*boxes), listed((2, 0)), listed((1, 2))]
    return b"".join([with_length(payloads[0]), with_length(payloads[1]), payloads[2]])


def valid_indexes() -> Iterator[Valid]:
    """Label maps with an index, which a decoder of all labels needn't read."""
    corners = tuple(0 if i in {0, 39, 760, 799} else 1 for i in range(800))
    example = LabelParts(40, 20, labels=corners, ids=(0, 1), tile=0x11)
    rules = ("18.12", "18.13", "18.15", "18.16")
    what = "an index: the example of rule 18.18"
    parts = with_sections(example, (b"lidx", index_of_two(39)))
    assert parts == with_index(example)
    yield Valid("labels-index-example", what, rules, parts)
    tiled = with_index(replace(label_map(90, 70, 12), tile=0x11))
    yield Valid("labels-index", "an index of 12 ids in 30 tiles", rules, tiled)
    outside = with_sections(example, (b"lidx", index_of_two(40)))
    what = "an index with a box outside, which changes no label: only who asks it refuses it"
    yield Valid("labels-index-outside", what, ("18.14", "18.17"), outside)


def valid_own_lists() -> Iterator[Valid]:
    """Tiles with lists of their own."""
    rules = ("18.8",)
    for coder in ("context", "tokens"):
        parts = replace(label_map(48, 40, 30, coder), tile=0x11, lists=True)
        what = f"each tile with a list of its own, {coder}"
        yield Valid(f"labels-own-lists-{coder}", what, rules, parts)
        fewer = replace(parts, most=12)
        assert all(len({*labels}) <= 12 for labels in tiles_of(fewer))
        what = f"30 entries, and K = 12, so that tiles have lists of their own, {coder}"
        yield Valid(f"labels-own-lists-fewer-{coder}", what, (*rules, "18.5"), fewer)
    single = tuple(label if c < 16 else 5 for c, label in columns(parts))
    what = "lists of one entry, behind which is nothing"
    yield Valid("labels-own-lists-single", what, rules, replace(parts, labels=single))
    lists = replace(parts, regions=True)
    what = "lists, and behind them regions"
    yield Valid("labels-own-lists-regions", what, (*rules, "18.10"), lists)
    whole = label_map(20, 16, 9)
    everything = own_list(range(9)) + whole.payloads()[0]
    parts = replace(whole, payload_override=((0, everything),))
    yield Valid("labels-own-lists-all", "a list of all entries", rules, parts)


def columns(parts: LabelParts) -> list[tuple[int, int]]:
    """Labels with their columns."""
    return [(i % parts.width, label) for i, label in enumerate(parts.labels)]


def tiles_of(parts: LabelParts) -> list[list[int]]:
    """The labels of each tile."""
    boxes = [parts.grid.box(index) for index in range(parts.grid.count)]
    rows = range(0, len(parts.labels), parts.width)
    plane = [parts.labels[start : start + parts.width] for start in rows]
    return [[label for row in plane[b.slices[0]] for label in row[b.slices[1]]] for b in boxes]


def row_of(colors: tuple[int, ...], k: int, *numbers: tuple[int, ...]) -> LabelParts:
    """A map of one row, by regions whose labels are told by these numbers; by tokens."""
    c = max(colors) + 1
    by_tokens = LabelParts(
        len(colors), 1, labels=colors, coder="tokens", ids=numbered(c), dtype="uint16"
    )
    payload = regions_head(c, told(*numbers)) + by_tokens.payloads()[0]
    return replace(by_tokens, ids=numbered(k), payload_override=((0, payload),))


def valid_regions() -> Iterator[Valid]:
    """Tiles told by regions."""
    rules = ("18.10", "18.11")
    for coder in ("context", "tokens"):
        for k in (6, 60):
            parts = replace(label_map(50, 40, k, coder), regions=True, settings=0x9C)
            yield Valid(f"labels-regions-{coder}-k{k}", f"{k} regions, {coder}", rules, parts)
        noisy = replace(label_map(24, 20, 30, coder), regions=True)
        labels = tuple(b if i % 7 == 3 else a for i, (a, b) in noise(noisy))
        what = f"many regions of few labels, {coder}"
        yield Valid(f"labels-regions-noisy-{coder}", what, rules, replace(noisy, labels=labels))
        tiled = replace(label_map(50, 40, 200, coder), regions=True, tile=0x11)
        what = f"200 areas, regions in tiles of 16 × 16, {coder}"
        yield Valid(f"labels-regions-tiles-{coder}", what, rules, tiled)
    for width, height in ((1, 60), (60, 1), (2, 40)):
        parts = replace(label_map(width, height, 9), regions=True)
        parts = replace(parts, labels=tuple(sorted(parts.labels)))
        yield Valid(f"labels-regions-{width}x{height}", f"{width} × {height}", rules, parts)
    for c in range(2, 9):
        colors = tuple(i % c for i in range(30))
        parts = row_of(colors, 30, *[(0,)] * 30)
        parts = replace(parts, labels=tuple(range(30)))
        what = f"regions in {c} colours, each with the next label"
        yield Valid(f"labels-regions-c{c}", what, rules, parts)
    numbers = [(1, 2 * 6), (0,), (2,), (1, 2 * 8 + 1), (3,), (2,), (0,), (4,), (1, 2 * 3)]
    labels = (7, 8, 7, 0, 8, 0, 1, 7, 6)
    parts = replace(row_of((0, 1) * 4 + (0,), 9, *numbers), labels=labels)
    what = "labels ahead of the next, behind it, and recent ones"
    yield Valid("labels-regions-numbers", what, rules, parts)
    twice = replace(row_of((0, 1) * 40, 80, *[(0,)] * 79, (2 + 62,)), labels=(*range(79), 15))
    yield Valid("labels-regions-recent", "the last recent label that is kept", rules, twice)
    one = replace(label_map(30, 20, 50), labels=(41,) * 600)
    payload = regions_head(1, told((1, 2 * 40)))
    parts = replace(one, payload_override=((0, payload),))
    what = "regions in one colour, so that there is no map"
    yield Valid("labels-regions-c1", what, rules, parts)
    yield Valid("labels-most", "65,792 ids, K = 4,096", ("18.4", "18.5", "18.8"), most_ids())


def noise(parts: LabelParts) -> Iterator[tuple[int, tuple[int, int]]]:
    """Numbers of labels with the label, and another one."""
    other = scattered(len(parts.labels), parts.entries)
    return enumerate(zip(parts.labels, other, strict=True))


def most_ids() -> LabelParts:
    """More entries than a tile can have, of which each strip has others, by a list of its own."""
    width, height = 256, 257
    ids = tuple(range(-40_000, width * height - 40_000))
    labels = tuple(4111 * (r // 16) + c // 32 for r in range(height) for c in range(width))
    base = LabelParts(width, height, labels=labels, coder="tokens", tile=0x01)
    return replace(base, ids=ids, dtype="int32", most=4096, lists=True)


VALID = (
    valid_tables,
    valid_forms,
    valid_indexes,
    valid_own_lists,
    valid_regions,
)
