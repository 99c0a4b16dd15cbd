"""Section 18 of kq.md: the table of ids of a label map, and its tiles.

A part of decode.py, which itself reads the records. Written like the rest: from kq.md
alone, in its order, each comment that starts with a number quoting the rule which the lines
below it carry out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from decode_bits import ArithmeticDecoder, Refused, Source, read_length
from decode_tokens import LearningBits


class Type(NamedTuple):
    """What an id can be."""

    name: str  # as NumPy writes it: big-endian, and the number of bytes
    size: int
    lowest: int
    highest: int


# 18.3: "0 truth values; 1 int8, 2 uint8, 3 int16, 4 uint16, 5 int32, 6 uint32, 7 int64, 8
# uint64"
TRUTH = Type("|b1", 1, 0, 1)


def types() -> Iterator[Type]:
    """Yield the types, in the order of their numbers."""
    yield TRUTH
    for size in (1, 2, 4, 8):
        order = "|" if size == 1 else ">"
        yield Type(f"{order}i{size}", size, -(2 ** (8 * size - 1)), 2 ** (8 * size - 1) - 1)
        yield Type(f"{order}u{size}", size, 0, 2 ** (8 * size) - 1)


TYPES = list(types())


class Table(NamedTuple):
    """The ids of a label map, and what the array was."""

    dtype: str
    is_column: bool
    entries: list[bytes]  # the id of each entry, big-endian


# ── 18.2 to 18.5: the table of ids ──────────────────────────────────────────


def decode_table(payload: bytes, n: int, k: int, is_whole: bool) -> Table:
    """Decode the table of a label map of n pixels; K is M where the coder is packed or dense."""
    # 18.3: "m: 1 if entries are mapped"
    # 18.3: "s: 1 for an array of the shape (H, W, 1), 0 for (H, W)"
    source = Source(payload, "the table of ids")
    kind = source.take(1, "18.3", "its kind")[0]
    is_mapped, is_column, number = bool(kind & 32), bool(kind & 16), kind & 15
    if kind >> 6 or number >= len(TYPES):
        raise Refused("18.3", f"the table of ids has the kind {kind:08b}")
    type_ = TYPES[number]

    # 18.4: "U is the number of different ids, M the number of *entries*; both are written less
    # 1 as lengths are by rule 6.4."
    # 18.4: "If m is 0, M is U."
    u = m = 1 + read_length(source, "the ids", "18.4")
    if is_mapped:
        m = 1 + read_length(source, "the entries", "18.4")

    # 18.4: "U is at most M, M is at most N and at least K; by packed and dense it is K."
    if not u <= m <= n or m < k or (is_whole and m != k):
        raise Refused("18.4", f"{u} ids and {m} entries of {n} pixels, and K is {k}")

    # 18.4: "The lists of numbers (18.7) are, one after the other in one payload:"
    counts = [u, m] if is_mapped else [u]
    lists = read_lists(source.take(source.bytes_left(), "18.4", "its lists"), counts)

    # 18.4: "the first one, v, as v; where the type has signs, as 2·v if it isn't negative and as
    # −2·v − 1 if it is."
    first = lists[0][0]
    if type_.lowest < 0:
        first = -(first + 1) // 2 if first % 2 else first // 2
    ids = [first]

    # 18.4: "Then each other as its difference from the one before, less 1."
    for difference in lists[0][1:]:
        ids.append(ids[-1] + difference + 1)

    # 18.4: "Each id is one of the type, false and true being 0 and 1."
    if ids[0] < type_.lowest or ids[-1] > type_.highest:
        raise Refused("18.4", f"the ids are {ids[0]} to {ids[-1]}, and the type {type_.name}")
    stored = [id_.to_bytes(type_.size, "big", signed=type_.lowest < 0) for id_ in ids]

    # 18.4: "If m is 1, for each entry which id it has: a number less than U. If m is 0, entry i
    # has the id i, counted from 0."
    if is_mapped:
        if max(lists[1]) >= u:
            raise Refused("18.4", f"an entry has the id {max(lists[1])}, and there are {u}")
        stored = [stored[place] for place in lists[1]]
    return Table(type_.name, is_column, stored)


# ── 18.7: lists of numbers ──────────────────────────────────────────────────


def read_lists(payload: bytes, counts: list[int]) -> list[list[int]]:
    """Read lists of so many numbers from one payload."""
    decoder = ArithmeticDecoder(payload)
    lists = []
    for count in counts:
        bits = LearningBits(decoder.bit)
        lists.append([bits.number(7) for _ in range(count)])
        if any(number >= 2**64 for number in lists[-1]):
            raise Refused("18.7", "a list has a number of over 64 bits")
    if not decoder.ends_well():
        raise Refused("18.7", "a list of numbers doesn't end as an encoder ends it")
    return lists


# ── Tiles ───────────────────────────────────────────────────────────────────


def decode_label_tile(
    k: int,
    m: int,
    index: int,
    payload: bytes,
    size: tuple[int, int],
    decode_plain: Callable[[int, bytes], list[int]],
) -> Iterator[int]:
    """Yield the entries, of M, that are the labels of a tile of so many columns and rows.

    `decode_plain` decodes a payload of sections 16 and 17 for K labels without colours.
    """
    return iter(decode_plain(k, payload))
