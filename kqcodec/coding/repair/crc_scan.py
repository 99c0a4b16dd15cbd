"""Finding tile records among damaged bytes, by their checksums alone.

A tile's CRC-32 starts with what is known of it, header, kind and index (spec/kq.md, rule
3.2), so that a record tells which tile it is. A CRC is linear: the state that a record's
CRC must have started with follows from its last state by undoing the bytes between.
With the states of one CRC over all the bytes that is a few look-ups for each place at
which a record could begin, whatever its length: time is linear in the bytes, where
computing each candidate's CRC would be quadratic.

With P(x) the state after x bytes, begun with 0, and Z the step for a zero byte, a record
whose payload is the bytes a to b - 1 began with the state P(a) ^ Z^(a-b)(P(b) ^ its end).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.format.header import CHECKSUM_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    States = NDArray[np.uint32]

_POLYNOMIAL = 0xEDB88320  # rule 3.1, reflected
_ALL = np.uint32(0xFFFFFFFF)
_LENGTH_BITS = 28  # of a payload's length (rule 6.4)
_STEP = 1 << 20  # places looked at together


class Candidate(NamedTuple):
    """Bytes that are the record of some tile, by their checksum.

    Attributes:
        position: where the record begins.
        state: the state that its CRC began with, which says whose it is.
        start: where its payload begins.
        length: bytes of the payload.
    """

    position: int
    state: int
    start: int
    length: int

    @property
    def end(self) -> int:
        """Where the record ends."""
        return self.start + self.length + CHECKSUM_SIZE


def candidates(data: Buffer, least: int, most: int, wanted: States) -> list[Candidate]:
    """The records in ``data`` whose CRC began with one of the states in ``wanted``.

    Args:
        data: bytes that hold whole records, and others.
        least, most: the bytes that a payload may have.
        wanted: uint32, sorted.

    Returns:
        By position. In noise there is one for each 2**32 / len(wanted) bytes.
    """
    array = np.frombuffer(data, dtype=np.uint8)
    if array.size < 1 + CHECKSUM_SIZE or not wanted.size:
        return []
    states = prefix_states(array)
    found = []
    for first in range(0, array.size, _STEP):
        positions, starts, lengths = _lengths(array, first, least, most)
        ends = starts + lengths
        last = states[ends] ^ _big_endian(array, ends) ^ _ALL
        begun = states[starts] ^ _undone(last, lengths)
        place = np.minimum(np.searchsorted(wanted, begun), wanted.size - 1)
        for i in np.flatnonzero(wanted[place] == begun):
            found.append(Candidate(*(int(a[i]) for a in (positions, begun, starts, lengths))))
    return found


def prefix_states(array: NDArray[np.uint8]) -> States:
    """The state of a CRC-32, begun with 0 and not inverted, ahead of each byte and behind
    the last: uint32, shape (n + 1,).

    The bytes are cut into about as many rows as columns, whose states are computed side
    by side as if each row began with 0. What a row then really begins with is added,
    since a CRC is linear.
    """
    size = array.size
    side = max(1, int(np.ceil(np.sqrt(size))))
    rows = np.zeros((side, side), dtype=np.uint8)
    rows.reshape(-1)[:size] = array
    columns = np.ascontiguousarray(rows.T)
    table = _byte_table()
    inside = np.empty((side + 1, side), dtype=np.uint32)  # by column, then row
    inside[0] = 0
    for column in range(side):
        state = inside[column]
        inside[column + 1] = table[(state ^ columns[column]) & 0xFF] ^ state >> np.uint32(8)
    begin = np.zeros(side, dtype=np.uint32)
    over_row = _power(side)
    for row in range(1, side):
        begin[row] = inside[side, row - 1] ^ _apply(over_row, begin[row - 1 : row])[0]
    for column in range(side):
        inside[column] ^= begin
        begin = table[begin & 0xFF] ^ begin >> np.uint32(8)
    result = np.empty(size + 1, dtype=np.uint32)
    result[:size] = np.ascontiguousarray(inside[:side].T).reshape(-1)[:size]
    result[size] = 0
    if size:
        last = result[size - 1]
        result[size] = table[(last ^ array[-1]) & 0xFF] ^ last >> np.uint32(8)
    return result


def _lengths(
    array: NDArray[np.uint8], first: int, least: int, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(positions, starts of payloads, lengths) of what may be records, from ``first`` on
    and for ``_STEP`` places, by their lengths alone (rule 6.4)."""
    stop = min(first + _STEP, array.size)
    bytes_of = np.zeros((4, stop - first), dtype=np.int64)
    for i in range(4):
        part = array[first + i : stop + i]
        bytes_of[i, : part.size] = part
    goes_on = bytes_of >= 0x80
    size = np.ones(stop - first, dtype=np.int64)
    length = bytes_of[0] & 0x7F
    more = goes_on[0] & (bytes_of[0] != 0x80)
    valid = ~goes_on[0] | more
    for i in range(1, 4):
        length = np.where(more, length << 7 | bytes_of[i] & 0x7F, length)
        size += more
        more &= goes_on[i]
    valid &= ~more & (length >= least) & (length <= most)
    positions = np.arange(first, stop, dtype=np.int64)
    valid &= positions + size + length + CHECKSUM_SIZE <= array.size
    starts = positions + size
    return positions[valid], starts[valid], length[valid]


def _big_endian(array: NDArray[np.uint8], places: NDArray[np.int64]) -> States:
    value = np.zeros(places.size, dtype=np.uint32)
    for i in range(CHECKSUM_SIZE):
        value = value << np.uint32(8) | array[places + i]
    return value


def _undone(states: States, counts: NDArray[np.int64]) -> States:
    """The states so many zero bytes earlier."""
    states = states.copy()
    for bit in range(_LENGTH_BITS):
        where = np.flatnonzero(counts >> bit & 1)
        if where.size:
            states[where] = _apply(_undo_tables(bit), states[where])
    return states


def _apply(tables: States, states: States) -> States:
    """A linear map, given by what it makes of each value of each of the four bytes."""
    result: States = tables[0, states & 0xFF]
    for i in range(1, 4):
        result ^= tables[i, states >> np.uint32(8 * i) & 0xFF]
    return result


@cache
def _byte_table() -> States:
    """What a byte's value adds to a state."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> np.uint32(1) ^ _POLYNOMIAL, table >> np.uint32(1))
    return table.astype(np.uint32)


def _tables(columns: States) -> States:
    """The tables of ``_apply`` for the linear map that makes columns[i] of bit i."""
    values = np.arange(256)
    tables = np.zeros((4, 256), dtype=np.uint32)
    for i in range(32):
        tables[i // 8] ^= np.where(values >> (i % 8) & 1, columns[i], 0).astype(np.uint32)
    return tables


def _bits() -> States:
    return np.uint32(1) << np.arange(32, dtype=np.uint32)


def _power(count: int) -> States:
    """The map of ``count`` zero bytes, by squaring."""
    step = _byte_table()[_bits() & 0xFF] ^ _bits() >> np.uint32(8)
    result = _bits()
    while count:
        if count & 1:
            result = _apply(_tables(step), result)
        step = _apply(_tables(step), step)
        count >>= 1
    return _tables(result)


@cache
def _undo_tables(bit: int) -> States:
    """The map that undoes 2**bit zero bytes."""
    if bit:
        before = _undo_tables(bit - 1)
        return _tables(_apply(before, _apply(before, _bits())))
    table = _byte_table()
    of_top = np.zeros(256, dtype=np.uint32)  # the byte whose table entry has that top byte
    of_top[table >> np.uint32(24)] = np.arange(256, dtype=np.uint32)
    low = of_top[_bits() >> np.uint32(24)]
    return _tables((_bits() ^ table[low]) << np.uint32(8) | low)
