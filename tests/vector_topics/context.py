"""The valid test vectors of the coder context."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vector_parts import ContextParts, Valid, scattered, with_sections
from vector_topics.contents import (
    MODELS,
    TIES,
    alphas,
    ascending,
    by_context,
    example_context,
    never_flat,
    of_cells,
    soft,
    with_coded_palette,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def valid_context() -> Iterator[Valid]:
    """The coder context."""
    rules = ("16.1", "16.3")
    yield Valid("example-context", "worked example 16.23", ("16.23",), example_context())
    for model in MODELS:
        for k in (2, 3, 17, 200, 4097):
            parts = by_context(17, 14, k, model) if k > 99 else by_context(26, 21, k, model)
            yield Valid(f"context-{model}-k{k}", f"K = {k:,}, model {model}", rules, parts)
        for question in (0, 1):
            for match in (0, 1):
                parts = by_context(
                    23, 17, 40, model, question, match, rate=2 + 2 * question + match
                )
                asks = "a question" if question else "no question"
                what = f"{asks}, {'' if match else 'no '}matches, model {model}"
                name = f"context-{model}-question{question}-match{match}"
                yield Valid(name, what, (*rules, "16.18", "16.19"), parts)
    for rate in (0, 1, 6, 7):
        what = f"learning rate {rate}"
        yield Valid(f"context-rate{rate}", what, rules, by_context(25, 25, 9, rate=rate))
    for k in (3, 200):
        scatter = ContextParts(23, 11, soft(k), scattered(253, k), settings=0)
        what = f"K = {k}, model dense: labels in no order"
        yield Valid(f"context-dense-k{k}", what, ("16.2",), scatter)


def valid_context_shapes() -> Iterator[Valid]:
    """The coder context in pictures and tiles of all shapes."""
    rules = ("16.1", "16.6")
    one = ContextParts(9, 7, b"\x80\x20\x10", (0,) * 63)
    yield Valid("context-k1", "K = 1: the payload is empty", ("16.1",), one)
    smallest = ContextParts(1, 1, soft(2), (0,))
    yield Valid("context-1x1", "1 × 1, K = 2", rules, smallest)
    for width, height in ((1, 40), (40, 1), (2, 30)):
        parts = by_context(width, height, 5, "large")
        yield Valid(f"context-{width}x{height}", f"{width} × {height}", rules, parts)
    flat = ContextParts(90, 70, soft(200), (199,) * 6300, settings=0x54)
    yield Valid("context-flat", "one label everywhere, K = 200", ("16.8", "16.11"), flat)
    specks = tuple(1 + (i >> 4 & 1) if i % 89 == 40 else 0 for i in range(70 * 60))
    parts = ContextParts(70, 60, soft(3), specks)
    what = "a flat picture with specks, at which runs end"
    yield Valid("context-specks", what, ("16.8", "16.11"), parts)
    never = never_flat(150, 150) + scattered(300, 2)
    parts = ContextParts(150, 152, soft(2), never, settings=0x54)
    what = "flat surroundings never go on: a counter sees over 255 bits and falls to the least p"
    yield Valid("context-never-flat", what, ("15.11", "16.8"), parts)
    block = scattered(300 * 6, 6)
    broken = tuple(5 if i % 1151 == 700 else block[i % len(block)] for i in range(300 * 24))
    for model, number in MODELS.items():
        parts = ContextParts(300, 24, soft(6), broken, settings=number << 6 | 0x1C)
        what = f"rows that repeat but for single labels, so that matched runs end, model {model}"
        yield Valid(f"context-{model}-runs", what, ("16.8", "16.12"), parts)
    other = scattered(500, 11)
    places = (c + 8 * r for r in range(40) for c in range(40))
    slope = tuple(2 if j % 120 > 70 else other[j] for j in places)
    what = "rows that are those above moved by eight, so that matches run through margins"
    yield Valid("context-margins", what, ("16.6", "16.9"), ContextParts(40, 40, soft(11), slope))
    weave = tuple((7 * (i % 37) * (i % 37) + i // 37 % 3) // 5 % 11 for i in range(37 * 60))
    for model, number in MODELS.items():
        settings = number << 6 | 0x1C
        parts = ContextParts(37, 60, soft(11), weave, settings=settings)
        what = f"a texture that repeats, for long matches, model {model}"
        yield Valid(f"context-{model}-weave", what, ("16.9", "16.12", "16.10"), parts)
    slanted = ContextParts(61, 40, soft(11), tuple(i * i // 9 % 67 % 11 for i in range(2440)))
    what = "a texture that repeats aslant, so that matches run into margins"
    yield Valid("context-slanted", what, ("16.6", "16.9"), slanted)
    for name, tile, what in (("tiles", 0x11, "tiles of 16 × 16"), ("strips", 0x01, "strips")):
        parts = by_context(40, 37, 7, tile=tile)
        yield Valid(f"context-{name}", f"{what}, cut at the edges", (*rules, "6.1", "6.8"), parts)
    mixed = by_context(64, 16, 7, tile=0x11)
    others = [replace(mixed, settings=settings).payloads() for settings in (0, 0x45, 0x9C)]
    mixed = replace(mixed, payload_override=tuple((i, o[i]) for i, o in enumerate(others)))
    what = "four tiles, each with another model"
    yield Valid("context-tiles-mixed", what, ("16.1", "16.2", "6.5"), mixed)


def valid_context_palettes() -> Iterator[Valid]:
    """Palettes with the coder context."""
    base = by_context(24, 19, 60)
    levels = bytes(64 * (i * step >> shift & 3) for i in range(60) for step, shift in TIES)
    ties = replace(base, palette=levels)
    yield Valid("context-palette-ties", "many equal values in a channel", ("16.5",), ties)
    descends = replace(base, palette=bytes(reversed(base.palette)))
    same = replace(base, palette=bytes((9, 9, 9)) * 60)
    glass = replace(base, alpha=alphas(60))
    noted = with_sections(base, (b"note", b"four"))
    yield Valid("context-alpha", "alpha, palette not coded", ("4.4", "16.5"), glass)
    yield Valid("context-palette-same", "60 entries of one colour", ("16.5", "16.15"), same)
    for name, what, parts in (
        ("set", "a coded palette whose entries ascend", ascending(base)),
        ("kept", "a coded palette in its own order", base),
        ("kept-other", "a coded palette in its own order, from its end", descends),
        ("same", "a coded palette of one colour", same),
        ("alpha", "a coded palette with alpha", glass),
        ("section", "a section behind a coded palette", noted),
    ):
        coded = with_coded_palette(parts)
        yield Valid(f"context-coded-palette-{name}", what, ("4.5", "14.1"), coded)


def valid_context_cells() -> Iterator[Valid]:
    """Enlarged tiles of the coder context."""
    for name, width, height, cells in (
        ("4x4", 64, 40, (4, 0, 4, 0)),
        ("3x2", 50, 31, (3, 2, 2, 1)),
        ("lost", 43, 47, (7, 6, 9, 8)),
        ("columns", 90, 20, (5, 1, 1, 0)),
        ("rows", 20, 90, (1, 0, 5, 3)),
        ("256", 600, 300, (256, 0, 256, 255)),
    ):
        across, column, down, row = cells
        what = f"cells of {across} × {down}, of which the first lost {column} and {row}"
        parts = of_cells(width, height, 9, cells, 0x5C)
        yield Valid(f"context-cells-{name}", what, ("16.24",), parts)
    for model, number in (MODELS | {"dense": 0}).items():
        parts = of_cells(48, 36, 12, (2, 1, 3, 0), number << 6 | 0x1C if number else 0)
        what = f"cells of 2 × 3, model {model}"
        yield Valid(f"context-cells-{model}", what, ("16.1", "16.24"), parts)
    tiled = of_cells(50, 40, 7, (2, 0, 4, 0), 0x5C, 0x11)
    what = "tiles of 16 × 16, cells of 2 × 4"
    yield Valid("context-cells-tiles", what, ("16.24", "6.1"), tiled)
    one = replace(of_cells(16, 16, 2, (16, 0, 16, 0), 0), palette=soft(2))
    yield Valid("context-cells-one", "a cell as large as the tile", ("16.24",), one)


VALID = (
    valid_context,
    valid_context_shapes,
    valid_context_palettes,
    valid_context_cells,
)
