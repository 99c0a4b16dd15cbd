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


# 18.3: "0 truth values; 1 int8, 2 uint8, 3 int16, 4 uint16,"
# 18.3: "5 int32, 6 uint32, 7 int64, 8 uint64"
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
    is_volume: bool
    entries: list[bytes]  # the id of each entry, big-endian


# ── 18.2 to 18.5: the table of ids ──────────────────────────────────────────


def decode_table(payload: bytes, n: int, k: int, is_whole: bool) -> Table:
    """Decode the table of a label map of n pixels; K is M where the coder is packed or dense."""
    # 18.3: "m: 1 if entries are mapped"
    # 18.3: "s: 1 for an array of the shape (H, W, 1)"
    # 18.3: "v: 1 for one of the shape (F, H, W), of a sequence"
    source = Source(payload, "the table of ids")
    kind = source.take(1, "18.3", "its kind")[0]
    is_mapped, is_column, is_volume = bool(kind & 32), bool(kind & 16), is_of_volume(payload)
    number = kind & 15
    if kind >> 7 or (is_column and is_volume) or number >= len(TYPES):
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
    rest = source.take(source.bytes_left(), "18.4", "its lists")
    lists = read_lists(rest, counts, "the table of ids")

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
    return Table(type_.name, is_column, is_volume, stored)


def is_of_volume(payload: bytes) -> bool:
    """Return whether the payload of a table says that its array has slices."""
    return bool(payload[0] & 64)


# ── 18.7: lists of numbers ──────────────────────────────────────────────────


class NumberReader:
    """The numbers of a payload."""

    def __init__(self, payload: bytes, what: str) -> None:
        """Start before the first number."""
        # 18.7: "*Lists of numbers* are a payload of section 13, of which rule 13.5 holds, for the
        # numbers one after the other, each 0 to 2^64 − 1."
        self.decoder = ArithmeticDecoder(payload)
        self.what = what
        self.begin_list()

    def begin_list(self) -> None:
        """Forget what was learnt."""
        # 18.7: "Its bits are as in rule 17.6, and begin anew for each list."
        self.bits = LearningBits(self.decoder.bit)

    def number(self, *name: object) -> int:
        """Return the next number, by the bits of this name."""
        # 18.7: "A number is coded as in rule 17.9, but m by a tree of seven bits. m is at most 64,
        # and the number less than 2^64."
        number = self.bits.number(7, *name)
        if number >= 2**64:
            raise Refused("18.7", f"{self.what} has a number of over 64 bits")
        return number

    def end(self, rule: str) -> None:
        """Refuse a payload that has ended too early or too late."""
        if not self.decoder.ends_well():
            raise Refused(rule, f"{self.what} doesn't end as an encoder ends it")


def read_lists(payload: bytes, counts: list[int], what: str) -> list[list[int]]:
    """Read lists of so many numbers, none of which is empty, from one payload."""
    # 18.7: "How many numbers a list has is known before;"
    reader = NumberReader(payload, what)
    lists = []
    for count in counts:
        reader.begin_list()
        lists.append([reader.number() for _ in range(count)])
    reader.end("18.7")
    return lists


# ── 18.8 to 18.11: tiles ────────────────────────────────────────────────────

OWN_LIST, REGIONS = 4, 5
RECENT = 64


def read_own_list(name: str, most: int, m: int, payload: bytes) -> tuple[list[int], bytes]:
    """Return the entries, of M, that a tile's list has, at most so many, and what follows it."""
    # 18.8: "n − 1 and the length of the list's payload are written as lengths are by rule 6.4.
    # n is at most K, and at most the number of the tile's labels."
    what = f"the own list of {name}"
    source = Source(payload, f"the payload of {name}")
    source.position = 1
    n = 1 + read_length(source, what, "18.8")
    if n > most:
        raise Refused("18.8", f"{what} has {n} entries")
    numbers = source.take(read_length(source, what, "18.8"), "18.8", what)

    # 18.8: "The list has n numbers (18.7): the first entry, then each other as its difference
    # from the one before, less 1. Entries are less than M."
    entry, entries = -1, []
    for difference in read_lists(numbers, [n], what)[0]:
        entry += difference + 1
        entries.append(entry)
    if entry >= m:
        raise Refused("18.8", f"{what} has the entry {entry}, and there are {m}")

    # 18.8: "What follows is the payload of a tile with K = n, whose label i is entry i of the
    # list."
    return entries, source.take(source.bytes_left(), "18.8", what)


class LabelTile(NamedTuple):
    """A tile by context or tokens, of which rule 18.9 is carried out by another."""

    name: str
    width: int
    height: int
    most: int  # entries of a list of its own
    decode_plain: Callable[[int, bytes], list[int]]  # the labels for K from a payload of 18.9

    def entries(self, k: int, m: int, payload: bytes) -> list[int]:
        """Return the entries, of M, that are the labels of a tile with this K."""
        # 18.8: "Otherwise it can begin with a list of the entries that the tile has:"
        if payload[0] != OWN_LIST:
            return self.labels(k, payload)
        entries, rest = read_own_list(self.name, self.most, m, payload)

        # 18.8: "It doesn't begin with 04."
        if rest[:1] == bytes([OWN_LIST]):
            raise Refused("18.8", f"the own list of {self.name} is followed by another")
        return [entries[label] for label in self.labels(len(entries), rest)]

    def labels(self, k: int, payload: bytes) -> list[int]:
        """Return the labels of a tile without a list, each of them less than K."""
        # 18.8: "For K = 1 the payload of a tile is empty."
        if k == 1 or payload[:1] != bytes([REGIONS]):
            return self.decode_plain(k, payload)

        # 18.10: "c is 1 to 8. The length is that of the labels' payload, written as in rule 6.4."
        what = f"the regions of {self.name}"
        source = Source(payload, f"the payload of {self.name}")
        source.position = 1
        c = 1 + source.take(1, "18.10", what)[0]
        if c > 8:
            raise Refused("18.10", f"{what} have {c} colours")
        told = source.take(read_length(source, what, "18.10"), "18.10", what)

        # 18.10: "The map is a payload of rule 18.9 with K = c, and empty if c is 1."
        colors = self.decode_plain(c, source.take(source.bytes_left(), "18.10", what))
        regions, firsts = self.regions(colors)
        reader = RegionReader(told, k, what)
        found: list[int] = []
        for first in firsts:
            # 18.11: "For each region, in order, let W, N, NW and NE be the labels of the regions
            # that its first label's neighbours are in (16.7), as far as they are in the tile;
            # these regions come earlier."
            near = [
                found[regions[place]] if place is not None else None
                for place in (self.place(first, *step) for step in NEAR)
            ]
            found.append(reader.label(*near))
        reader.end("18.11")
        return [found[region] for region in regions]

    def place(self, i: int, right: int, down: int) -> int | None:
        """Return the number of the label so far from label i; None if it isn't in the tile."""
        column, row = i % self.width + right, i // self.width + down
        if not (0 <= column < self.width and 0 <= row < self.height):
            return None
        return row * self.width + column

    def regions(self, colors: list[int]) -> tuple[list[int], list[int]]:
        """Return the region of each label, and the first label of each region."""
        # 18.10: "Two labels are in one region if they are equal and side by side or one below the
        # other, or if there is a way between them from label to label like that."
        # 18.10: "The regions are in the order of their *first labels*, row by row and from left to
        # right."
        regions = [-1] * len(colors)
        firsts: list[int] = []
        for i, region in enumerate(regions):
            if region >= 0:
                continue
            regions[i] = len(firsts)
            ways = [i]
            while ways:
                here = ways.pop()
                for right, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                    there = self.place(here, right, down)
                    if there is not None and regions[there] < 0 and colors[there] == colors[i]:
                        regions[there] = len(firsts)
                        ways.append(there)
            firsts.append(i)
        return regions, firsts


# 16.7, as columns and rows from X: W, N, NW and NE.
NEAR = ((-1, 0), (0, -1), (-1, -1), (1, -1))


class RegionReader(NumberReader):
    """The labels of regions."""

    def __init__(self, payload: bytes, k: int, what: str) -> None:
        """Start before the first region."""
        # 18.11: "The labels' payload is one of section 13, of which rule 13.5 holds, and its bits
        # are as in rule 17.6."
        super().__init__(payload, what)
        self.k = k
        self.next = 0
        self.recent: list[int] = []

    def label(self, w: int | None, n: int | None, nw: int | None, ne: int | None) -> int:
        """Return the label of the next region; None is for a neighbour that isn't there."""
        # 18.11: "Its *candidates* are NW, NE, and the *recent* labels, the latest first; each of
        # them once, and neither W nor N."
        known = dict.fromkeys((nw, ne, *self.recent))
        candidates = [label for label in known if label is not None and label not in (w, n)]

        # 18.11: "A number is coded as in rule 18.7, with bits of its own for each of the four
        # cases of whether NW is a candidate and whether NE is, even if both are the same:"
        number = self.number("region", nw in candidates, ne in candidates)
        if number == 0:
            # 18.11, its table: "*next*, which is 0 at first"
            label = self.next
        elif number == 1:
            # 18.11, its table: "another, told by a second number j, coded likewise with bits of
            # its own: next + j / 2 + 1 if j is even, next − (j + 1) / 2 if it is odd"
            j = self.number("j")
            label = self.next + (j // 2 + 1 if j % 2 == 0 else -(j + 1) // 2)
        elif number - 2 < len(candidates):
            # 18.11, its table: "candidate i, counted from 0, of those that there are"
            label = candidates[number - 2]
        else:
            raise Refused("18.11", f"{self.what} ask for candidate {number - 2}")

        # 18.11: "A label is less than K (18.8)."
        if not 0 <= label < self.k:
            raise Refused("18.11", f"{self.what} have the label {label}, and K is {self.k}")

        # 18.11: "After the numbers 0 and 1 next becomes the region's label plus 1."
        if number < 2:
            self.next = label + 1

        # 18.11: "Then the label becomes the latest of the recent ones, of which only the latest 64
        # different ones are kept."
        self.recent = [label, *(other for other in self.recent if other != label)][:RECENT]
        return label
