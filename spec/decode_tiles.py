"""The payload of a tile as kq.md has it: how long it is, and its labels by the coder of its file.

A part of decode.py. Written like it: from kq.md alone, in its order, each comment that starts
with a number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from decode_bits import (
    ArithmeticDecoder,
    Index,
    Refused,
    Source,
    bits_for,
    check_unused_bits,
    decode_dense,
    decode_packed,
    dense_bits,
    read_length,
)
from decode_context import NO_COLOR, decode_tile, tree_order
from decode_header import CONTEXT, DENSE, PACKED, TOKENS, Header
from decode_labels import LabelTile
from decode_tokens import Broken, decode_streams, read_front

# ── 6. Tiles: payloads ──────────────────────────────────────────────────────


def payload_bits(header: Header, labels: int) -> int:
    """Return how many bits so many labels take in the file's coder, at the most."""
    if header.coder == PACKED:
        return labels * bits_for(header.k)
    return dense_bits(header.k, labels)


def payload_length(header: Header, labels: int) -> int:
    """Return how many bytes the payload of so many labels has."""
    # 7.2: "The payload of n labels is ceil(n·b / 8) bytes."
    # 8.3: "The payload of N labels, N = q·n + r with r < n, is
    # ceil((q·B(n) + B(r)) / 8) bytes, B(0) being 0."
    return (payload_bits(header, labels) + 7) // 8


def check_length(header: Header, index: Index, length: int, labels: int, more: int = 0) -> None:
    """Refuse a payload of so many bytes for so many labels; a sequence's may have some more."""
    # 6.6: "The payloads of packed and dense have exactly the length that sections 7
    # and 8 give. A payload of context or tokens has, for K ≥ 2, at least one byte and at
    # most one more than dense would need for the same labels; for K = 1 it is empty."
    needed = payload_length(header, labels)
    least, most = needed, needed
    if header.coder in (CONTEXT, TOKENS) and header.k >= 2:
        least, most = 1, 1 + needed + more

        # 18.6: "By context and tokens, the payload of a tile of n labels has, for K ≥ 2, at most
        # 1 + d + 16 + 6·min(n, K) bytes, d being what dense needs for them;"
        # 19.8: "but in rule 18.6 K stands for min(n, K)"
        if header.is_label_map:
            most += 16 + 6 * (header.k if more else min(labels, header.k))
    if not least <= length <= most:
        why = f"the payload of tile {index} claims {length} bytes and its labels take {needed}"
        rule = "18.6" if header.is_label_map and length > most > 0 else "6.6"
        raise Refused("19.8" if more else rule, why)


def labels_of_tile(
    header: Header,
    entries: list[bytes],
    index: Index,
    payload: bytes,
    size: tuple[int, int],
    *,
    most_listed: int | None = None,
) -> Iterator[int]:
    """Yield the labels of one tile of so many columns and rows, each the number of an entry."""
    # 7.1: "For K = 1, b is 0 and the payload empty."
    # 8.1: "For K = 1 the payload is empty."
    # 16.1: "For K = 1 the payload is empty."
    # 17.1: "For K = 1 the payload is empty."
    count = size[0] * size[1]
    if header.k == 1:
        return itertools.repeat(0, count)
    if header.coder == PACKED:
        return decode_packed(header.k, index, payload, count)
    if header.coder == DENSE:
        return decode_dense(header.k, index, payload, count)
    decode_labels = decode_context if header.coder == CONTEXT else decode_tokens
    if not header.is_label_map:
        return decode_labels(entries, index, payload, size)

    def decode_plain(k: int, payload: bytes) -> list[int]:
        # 18.9: "*The labels*, where they stand as they are, are a payload of section 16 or 17, by
        # the file's coder, with K as in rule 18.8, of which rule 6.6 holds as in pictures."
        most = 1 + (dense_bits(k, count) + 7) // 8 if k > 1 else 0
        if not min(most, 1) <= len(payload) <= most:
            raise Refused("18.9", f"{len(payload)} bytes of labels in tile {index}, where K is {k}")
        return list(decode_labels([NO_COLOR] * k, index, payload, size)) if k > 1 else [0] * count

    # 18.8: "n is at most K, and at most the number of the tile's labels."
    most = min(header.k, count) if most_listed is None else most_listed
    tile = LabelTile(f"tile {index}", *size, most, decode_plain)
    return iter(tile.entries(header.k, len(entries), payload))


# ── 16. The coder context ───────────────────────────────────────────────────


def decode_context(
    entries: list[bytes], index: Index, payload: bytes, size: tuple[int, int]
) -> Iterator[int]:
    """Yield the labels of one tile of so many columns and rows."""
    # 16.1: "A first byte of 01 isn't settings: such a tile is enlarged, by rule 16.24."
    if payload[0] == 1:
        return iter(decode_enlarged(entries, index, payload, size))

    # 16.1: "its first byte, the *settings*, says how the rest is coded"
    settings, rest = payload[0], payload[1:]
    model = settings >> 6

    # 16.1: "The model isn't 3, bit 5 is 0, and of the model dense the byte is all 0."
    if model == 3 or settings & 32 or (model == 0 and settings != 0):
        raise Refused("16.1", f"tile {index} has the settings {settings:08b}")

    # 16.2: "With the model dense, the rest is exactly the payload that section 8 gives the
    # same labels."
    if model == 0:
        return decode_dense_rest(len(entries), index, rest, size, "16.2")

    # 16.3: "With the other models the rest is a payload of section 13, of which rule 13.5
    # holds, for the labels one after the other."
    decoder = ArithmeticDecoder(rest)
    labels = decode_tile(decoder.bit, settings, entries, *size)
    if not decoder.ends_well():
        raise Refused("16.3", f"the payload of tile {index} doesn't end as an encoder ends it")
    return iter(labels)


def decode_dense_rest(
    k: int, index: Index, rest: bytes, size: tuple[int, int], rule: str
) -> Iterator[int]:
    """Yield the labels of a tile whose payload goes on as by the coder dense."""
    bits = dense_bits(k, size[0] * size[1])
    if len(rest) != (bits + 7) // 8:
        raise Refused(rule, f"{len(rest)} bytes of dense in tile {index}, of {bits} bits")
    check_unused_bits(rest, bits, index)
    return decode_dense(k, index, rest, size[0] * size[1])


def decode_enlarged(
    entries: list[bytes], index: Index, payload: bytes, size: tuple[int, int]
) -> list[int]:
    """Return the labels of a tile that consists of cells."""
    # 16.24: "Its payload begins with five bytes"
    if len(payload) < 5:
        raise Refused("16.24", f"{len(payload)} bytes in tile {index}, which is enlarged")

    # 16.24: "Let the width be a and the height b, 1 to 256 each and not both 1, and the
    # losses c, less than a, and d, less than b."
    a, c, b, d = payload[1] + 1, payload[2], payload[3] + 1, payload[4]
    if a * b == 1 or c >= a or d >= b:
        raise Refused("16.24", f"tile {index} has cells of {a} x {b}, which lost {c} and {d}")

    # 16.24: "So in a tile of w columns and h rows the cells have floor((w − 1 + c) / a) + 1
    # columns and floor((h − 1 + d) / b) + 1 rows."
    w, h = size
    columns, rows = (w - 1 + c) // a + 1, (h - 1 + d) // b + 1

    # 16.24: "Behind these five bytes stands what the payload of a tile of as many columns
    # and rows would be, with the cells as its labels; rule 6.6 holds for it and the number
    # of cells, and it doesn't begin with 01."
    rest, most = payload[5:], 1 + (dense_bits(len(entries), columns * rows) + 7) // 8
    if not 1 <= len(rest) <= most or rest[0] == 1:
        raise Refused("16.24", f"the cells of tile {index} don't have a payload of theirs")
    cells = list(decode_context(entries, index, rest, (columns, rows)))

    # 16.24: "The label of column x and row y of the tile is that of the cell in column
    # floor((x + c) / a) and row floor((y + d) / b)."
    return [cells[(y + d) // b * columns + (x + c) // a] for y in range(h) for x in range(w)]


# ── 17. The coder tokens ────────────────────────────────────────────────────


def decode_tokens(
    entries: list[bytes], index: Index, payload: bytes, size: tuple[int, int]
) -> Iterator[int]:
    """Yield the labels of one tile of so many columns and rows."""
    # 17.1: "Otherwise its first byte says how the rest is coded: 0 by the coder dense, exactly
    # as section 8 has the same labels; 1 in one stream; 2 in three bands. Any other is
    # invalid."
    k, first = len(entries), payload[0]
    if first == 0:
        return decode_dense_rest(k, index, payload[1:], size, "17.1")
    if first > 2:
        raise Refused("17.1", f"the payload of tile {index} begins with {first}")

    # 17.2: "Lengths are written as in rule 6.4."
    source = Source(payload, f"the payload of tile {index}")
    source.position = 1
    part = f"the front of tile {index}"
    front = source.take(read_length(source, part, "17.2"), "17.2", part)
    streams = 1 if first == 1 else 3
    part = f"a stream of tile {index}"
    lengths = [read_length(source, part, "17.2") for _ in range(streams - 1)]

    # 17.2: "The last stream ends with the payload; none is empty."
    data = [source.take(length, "17.2", part) for length in lengths]
    data.append(source.take(source.bytes_left(), "17.2", part))
    if b"" in data:
        raise Refused("17.2", f"{part} is empty")

    # 17.3: "there are S = floor((K − 1) / 2^z) + 1 symbols."
    # 17.6: "*The front* is a payload of section 13, of which rule 13.5 holds."
    z = max(0, bits_for(k) - 8)
    decoder = ArithmeticDecoder(front)
    try:
        tables = read_front(decoder.bit, first == 2, (k - 1 >> z) + 1, size[0] * size[1])
        if not decoder.ends_well():
            raise Broken("17.6", "has a front that doesn't end as an encoder ends it")
        places = decode_streams(tables, data, k, size)
    except Broken as broken:
        raise Refused(broken.rule, f"tile {index} {broken.how}") from broken

    # 17.3: "From here on labels are places in the order of rule 16.5."
    order = tree_order(entries)
    return (order[place] for place in places)
