"""What test vectors are made of: pictures by each coder, small and the same on every machine."""

from __future__ import annotations

import struct
from dataclasses import replace

from token_payloads import BANDS, joined, survey_of, whole_front
from vector_parts import ContextParts, P, Parts, ShortParts, colors, patterned, scattered

from kqcodec.coding.palette import encode_palette
from kqcodec.format.container import pack_length
from kqcodec.kernels.reference.tokens_streams import Tables, write_stream
from kqcodec.kernels.reference.tokens_way import plain_tokens

TIES = ((7, 0), (5, 1), (3, 2))  # a factor and a shift for each channel
MODELS = {"small": 1, "large": 2}
BLACK_RED_WHITE = bytes.fromhex("000000 C81E1E FFFFFF")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
# One directory with Orientation 1.
EXIF = bytes.fromhex("4D4D002A 00000008 0001 0112 0003 00000001 00010000 00000000")


def picture(width: int, height: int, k: int, coder: str = "packed", tile: int = 0) -> Parts:
    """A picture of K different colours and scattered labels."""
    return Parts(width, height, colors(k), scattered(width * height, k), coder, tile=tile)


def filled(width: int, height: int, k: int, label: int, coder: str) -> Parts:
    """A picture with the same label everywhere."""
    return Parts(width, height, colors(k), (label,) * (width * height), coder)


def example(coder: str) -> Parts:
    """The picture of the worked examples 11.1 and 11.2."""
    labels = (0, 1, 2, 1, 0, 1, 2, 2, 2, 1, 0, 1, 2, 1, 0, 2, 0, 1, 0, 2)
    return Parts(5, 4, BLACK_RED_WHITE, labels, coder)


def example_tiles(coder: str = "packed") -> Parts:
    """The picture of the worked example 11.3."""
    labels = tuple((c + r) % 3 for r in range(17) for c in range(17))
    return Parts(17, 17, BLACK_RED_WHITE, labels, coder, tile=0x11)


def never_flat(width: int, height: int) -> tuple[int, ...]:
    """Labels 0, and 1 wherever six neighbours (rule 16.8) are all 0."""
    rows = [[0] * (width + 4) for _ in range(height + 2)]
    for r in range(2, height + 2):
        rows[r][:2] = [rows[r - 1][2]] * 2
        for c in range(2, width + 2):
            above = rows[r - 1][c - 1 : c + 2]
            six = (*rows[r][c - 2 : c], *above, rows[r - 2][c])
            rows[r][c] = int(not any(six))
        rows[r][width + 2 :] = [rows[r][width + 1]] * 2
    return tuple(label for row in rows[2:] for label in row[2 : width + 2])


def soft(k: int) -> bytes:
    """K colours, most of them near those before."""
    return b"".join(bytes((255 * i // k, 5 * i & 255, 200 - 199 * i // k)) for i in range(k))


def by_context(
    width: int,
    height: int,
    k: int,
    model: str = "small",
    question: int = 1,
    match: int = 1,
    rate: int = 4,
    tile: int = 0,
) -> ContextParts:
    """A picture by the coder context."""
    settings = MODELS[model] << 6 | question << 4 | match << 3 | rate
    labels = patterned(width, height, k)
    return ContextParts(width, height, soft(k), labels, tile=tile, settings=settings)


def example_context() -> ContextParts:
    """The picture of the worked example 16.23."""
    whole = replace(example_tiles(), tile=0)
    return ContextParts(whole.width, whole.height, whole.palette, whole.labels)


def by_tokens(width: int, height: int, k: int, tile: int = 0) -> Parts:
    """A picture by the coder tokens, whose places are its labels."""
    labels = patterned(width, height, k)
    return Parts(width, height, greys(k), labels, "tokens", tile=tile)


def greys(k: int) -> bytes:
    """K colours in the order of rule 16.5: greys, from the darkest on; of equal ones the lower
    index is first."""
    return b"".join(bytes((255 * i // (k - 1),)) * 3 for i in range(k)) if k > 1 else bytes(3)


def drifting(width: int, height: int, k: int) -> tuple[int, ...]:
    """Noise that doesn't repeat itself: each label is near the one on its left."""
    steps = scattered(width * height, 3)
    labels: list[int] = []
    for i, step in enumerate(steps):
        labels.append((labels[-1] + step - 1) % k if i % width else i // width * 7 % k)
    return tuple(labels)


def with_coded_palette(parts: P) -> P:
    """The same with a coded palette."""
    payload = encode_palette(parts.palette + (parts.alpha or b""), parts.k)
    assert payload is not None
    return replace(parts, coded_palette=payload)


def with_alpha(parts: Parts, alpha: bytes) -> Parts:
    """The same with the alpha of each palette entry."""
    return replace(parts, alpha=alpha)


def alphas(k: int) -> bytes:
    """K alphas: 0, 255, and others; 73 is odd, so that they run through all values."""
    return bytes((0, 255, *(73 * i & 255 for i in range(2, k))))[:k]


def of_cells(
    width: int, height: int, k: int, cells: tuple[int, int, int, int], settings: int, tile: int = 0
) -> ContextParts:
    """A picture in which all cells are alike in size."""
    across, column, down, row = cells
    small = patterned(width, height, k)  # more than there are cells
    labels = tuple(
        small[(y + row) // down * width + (x + column) // across]
        for y in range(height)
        for x in range(width)
    )
    return ContextParts(width, height, soft(k), labels, tile=tile, settings=settings, cells=cells)


def ascending(parts: ContextParts) -> ContextParts:
    """The same with the palette sorted by green, red and blue; its labels are as before."""
    entries = [parts.palette[i : i + 3] for i in range(0, 3 * parts.k, 3)]
    entries.sort(key=lambda entry: (entry[1], entry[0], entry[2]))
    return replace(parts, palette=b"".join(entries))


def short(width: int, height: int, k: int) -> ShortParts:
    """A picture in the short form."""
    return ShortParts(width, height, colors(k), scattered(width * height, k))


def banded(width: int, height: int, k: int) -> Parts:
    """A small picture in three bands."""
    parts = by_tokens(width, height, k)
    labels = parts.labels
    front = whole_front(width * height, k, 5, bands=True)
    third = height // 3 * width
    streams = []
    for band in (labels[:third], labels[third : 2 * third], labels[2 * third :]):
        survey = survey_of(band, width, k)
        streams.append(write_stream(Tables(front), survey, plain_tokens(survey).steps))
    lengths = b"".join(pack_length(len(stream)) for stream in streams[:2])
    payload = joined(front, lengths + b"".join(streams), BANDS)
    return replace(parts, payload_override=((0, payload),))


def with_byte(parts: Parts, position: int, value: int) -> Parts:
    """The same with one byte of the header changed, and all checksums right."""
    fields = bytearray(parts.fields)
    fields[position] = value
    return replace(parts, header_override=bytes(fields))


def with_sides(parts: Parts, width: int, height: int) -> Parts:
    """The same with another size claimed in the header, and all checksums right."""
    fields = parts.fields
    return replace(
        parts, header_override=fields[:8] + struct.pack(">II", width, height) + fields[16:]
    )
