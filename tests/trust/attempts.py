"""Damage to a file: every bit flipped, cut at every length, bytes behind, parts moved.

An attempt is a damaged copy of a file. Each kind of damage is a function from the file
to its attempts, which are all there are of that kind, not a sample; none of them is the
file itself.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trust.files import Part

TAILS = [bytes([value]) for value in range(256)] + [b"\r\n", bytes(4), bytes(64), b"\xff" * 4096]


def flips(data: bytes) -> Iterator[bytearray]:
    """Every single bit changed, all in one buffer that is mended behind each."""
    damaged = bytearray(data)
    for bit in range(8 * len(data)):
        damaged[bit // 8] ^= 0x80 >> bit % 8
        yield damaged
        damaged[bit // 8] ^= 0x80 >> bit % 8


def truncations(data: bytes) -> Iterator[bytes]:
    """Every length from none to all but a byte."""
    for length in range(len(data)):
        yield data[:length]


def appended(data: bytes) -> Iterator[bytes]:
    """Each byte behind the end, some longer tails, and the file twice."""
    for tail in [*TAILS, data]:
        yield data + tail


def rearranged(data: bytes, parts: Sequence[Part]) -> Iterator[bytes]:
    """Every two parts in each other's place; every part left out, doubled, and put in
    the place of another."""
    pieces = [data[part.start : part.end] for part in parts]
    for one, other in combinations(range(len(pieces)), 2):
        swapped = list(pieces)
        swapped[one], swapped[other] = pieces[other], pieces[one]
        for over, by in ((one, other), (other, one)):
            copied = list(pieces)
            copied[over] = pieces[by]
            yield from _unless(data, copied)
        yield from _unless(data, swapped)
    for index in range(len(pieces)):
        yield from _unless(data, pieces[:index] + pieces[index + 1 :])
        yield from _unless(data, pieces[: index + 1] + pieces[index:])


def grafted(
    data: bytes, parts: Sequence[Part], other: bytes, others: Sequence[Part]
) -> list[bytes]:
    """Each part exchanged for that of the same name in another file, one that fits."""
    there = {part.name: other[part.start : part.end] for part in others}
    for part in parts:
        if part.name in there:
            graft = data[: part.start] + there[part.name] + data[part.end :]
            if graft not in (data, other):
                yield graft


def _unless(data: bytes, pieces: list[bytes]) -> Iterator[bytes]:
    damaged = b"".join(pieces)
    if damaged != data:
        yield damaged
