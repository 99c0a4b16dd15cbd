"""The ids of a label map: which values its labels stand for (spec/kq.md, section 18).

A label map has no palette. In its place stands a table: the dtype and the shape of the
array, and its ids, each once and ascending. Tiles hold *entries* of the table, 0 to M - 1,
so that ids of any size cost what their number costs. Entries and ids may also be joined by a
map, of which several entries may have one id: to renumber or to merge ids is to write
another table, and no tile.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from kqcodec.errors import InvalidDataError, TruncatedError
from kqcodec.format.container import check_crc, pack_length, read_length
from kqcodec.format.integers import whole_number
from kqcodec.format.labels import LabelDType, Labels, label_dtype
from kqcodec.format.limits import DEFAULT_LIMITS, Limits
from kqcodec.format.sizes import most_labels, table_range
from kqcodec.format.source import BufferSource
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.container import Sealer
    from kqcodec.format.header import Header
    from kqcodec.format.sequence import FrameTiming
    from kqcodec.format.source import Source

    # bool, or integers of 8 to 64 bits.
    Ids: TypeAlias = "NDArray[Any]"

# By their number in a file (rule 18.3).
DTYPES = tuple(
    np.dtype(name)
    for name in ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
)
_BOUNDS = {dtype: (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)) for dtype in DTYPES[1:]}
_BOUNDS[DTYPES[0]] = 0, 1
# (H, W), (H, W, 1), and (Z, H, W).
Shape: TypeAlias = Literal["plane", "column", "volume"]
_SHAPES: dict[int, Shape] = {0: "plane", 1 << 4: "column", 1 << 6: "volume"}  # by their bits
_SHAPE_BITS = 0xD0
_MAPPED = 1 << 5
_SIGN = np.uint64(1 << 63)
_ONE = np.uint64(1)
# Of arrays of more labels, and of ids of up to 16 bits, all possible ids are looked up.
_LOOK_UP = 1 << 14


@dataclass(frozen=True, eq=False)
class IdTable:
    """The ids of a label map. An instance that exists is valid.

    Attributes:
        distinct: the ids that there are, ascending, each once: of the array's dtype, bool or an
            integer one of 8 to 64 bits, shape (U,).
        places: for each entry the place of its id among these, shape (M,), or None where entry
            i has id i, and M is U.
        shape: whether the array is (H, W), a "plane"; (H, W, 1), a "column"; or (Z, H, W), a
            "volume", of slices one behind the other.
    """

    distinct: Ids
    places: NDArray[np.uint32] | None = None
    shape: Shape = "plane"

    def __post_init__(self) -> None:
        self.distinct.flags.writeable = False  # they are given away, as KqFile.ids

    @property
    def dtype(self) -> np.dtype[Any]:
        """The array's."""
        return self.distinct.dtype

    @cached_property
    def ids(self) -> Ids:
        """The id of each entry, shape (M,)."""
        return self.distinct if self.places is None else self.distinct[self.places]

    @property
    def entries(self) -> int:
        """M, the number of entries."""
        return len(self.distinct) if self.places is None else len(self.places)

    @property
    def label_dtype(self) -> LabelDType:
        """Of the entries in an array."""
        return label_dtype(self.entries)

    # --- from and to arrays of ids ------------------------------------------

    @classmethod
    def of(cls, values: Ids) -> IdTable:
        """The table of an array of ids; one whose third and last axis is 1 is (H, W, 1)."""
        if values.ndim == 2:
            return cls(_distinct(values))
        if values.shape[2] == 1:
            return cls(_distinct(values[:, :, 0]), shape="column")
        # Slice by slice, since a volume needn't be in memory.
        return cls(np.unique(np.concatenate([*map(_distinct, values)])), shape="volume")

    def entries_of(self, values: Ids) -> Labels:
        """The entries of an array of ids, of its shape: C-contiguous; ValueError if there is one
        that the table doesn't have. Of entries with one id the first counts."""
        if values.dtype.itemsize > 2 or values.size <= _LOOK_UP:
            heads, lengths = _run_heads(values)
            places = np.searchsorted(self.distinct, heads)
            places[places == len(self.distinct)] = 0
            known = bool((self.distinct[places] == heads).all())
            found = np.repeat(self._entry_of_place[places], lengths).reshape(values.shape)
        else:
            numbers, (here, look_up) = _numbers(values), self._look_up
            known = bool(here[numbers].all())
            found = look_up[numbers]
        if not known:
            raise ValueError("the labels have changed while they were being encoded")
        return found

    def values_of(self, entries: Labels, out: Ids | None = None) -> Ids:
        """The ids of an array of entries; in ``out``, of its shape and the table's dtype, if it
        is given."""
        if out is None:
            out = np.empty(entries.shape, dtype=self.dtype)
        if entries.itemsize > 2 or entries.ndim != 2 or not entries.size:
            out[...] = self.ids[entries]
        elif out.flags.c_contiguous:
            kernels.paint(entries, _bytes_of(self.ids), _bytes_of(out))
        else:
            out[...] = self.values_of(entries)
        return out

    def entries_with(self, label: int) -> NDArray[np.intp]:
        """The entries that have that id; none if there is no such id. TypeError if it isn't
        one."""
        number = int(label) if isinstance(label, (bool, np.bool_)) else whole_number(label, "an id")
        place = bisect_left(self.distinct, number)
        if place == len(self.distinct) or int(self.distinct[place]) != number:
            return np.empty(0, dtype=np.intp)
        return np.array([place]) if self.places is None else np.flatnonzero(self.places == place)

    def check_frames(self, timing: FrameTiming | None) -> None:
        """Raise InvalidDataError if the file has frames, and this is none of a volume, or the other
        way round."""
        if (self.shape == "volume") != (timing is not None):
            raise InvalidDataError("label maps have frames if they are volumes alone (rule 18.3)")

    @cached_property
    def _entry_of_place(self) -> Labels:
        """The first entry of each distinct id."""
        if self.places is None:
            return np.arange(len(self.distinct), dtype=self.label_dtype)
        first = np.zeros(len(self.distinct), dtype=self.label_dtype)
        first[self.places[::-1]] = np.arange(len(self.places))[::-1]
        return first

    @cached_property
    def _look_up(self) -> tuple[NDArray[np.bool_], Labels]:
        """Of ids of up to 16 bits, by their bits: which ones there are, and their entries."""
        here = np.zeros(1 << 8 * self.dtype.itemsize, dtype=np.bool_)
        entries: Labels = np.zeros(len(here), dtype=self.label_dtype)
        here[_numbers(self.distinct)] = True
        entries[_numbers(self.distinct)] = self._entry_of_place
        return here, entries

    def with_ids(self, ids: Ids) -> IdTable:
        """The table whose entries, one after the other, have these ids of any dtype."""
        distinct, places = np.unique(ids, return_inverse=True)
        if len(distinct) == len(ids) and bool((places[1:] > places[:-1]).all()):
            return IdTable(distinct, None, self.shape)
        return IdTable(distinct, places.astype(np.uint32), self.shape)

    # --- from and to files --------------------------------------------------

    def to_payload(self) -> bytes:
        """The bytes of the table in a file, without their length."""
        first = DTYPES.index(self.dtype)
        first |= next(bits for bits, shape in _SHAPES.items() if shape == self.shape)
        head = pack_length(len(self.distinct) - 1)
        lists = [_differences(self.distinct)]
        if self.places is not None:
            first |= _MAPPED
            head += pack_length(len(self.places) - 1)
            lists.append(self.places.astype(np.uint64))
        return bytes([first]) + head + kernels.numbers_encode(lists)

    @classmethod
    def from_payload(
        cls, payload: Buffer, header: Header, limits: Limits = DEFAULT_LIMITS
    ) -> IdTable:
        """The table that these bytes are; InvalidDataError if they are none of a file with that
        header, LimitError if it has too many entries."""
        source = BufferSource(payload)
        first = source.read_byte("the table of ids")
        shape = _SHAPES.get(first & _SHAPE_BITS)
        if first & 15 >= len(DTYPES) or shape is None:
            raise InvalidDataError(f"a table of ids of the kind {first:#04x} (rule 18.3)")
        mapped = bool(first & _MAPPED)
        try:
            distinct = read_length(source, "the table of ids") + 1
            entries = read_length(source, "the table of ids") + 1 if mapped else distinct
        except TruncatedError as exc:
            raise InvalidDataError("the table of ids is cut short (rule 18.4)") from exc
        most = most_labels(header, shape == "volume")
        if not distinct <= entries <= most or entries < header.k:
            raise InvalidDataError(
                f"a table of {entries:,} labels and {distinct:,} ids (rule 18.4)"
            )
        if header.coder in ("packed", "dense") and entries != header.k:
            raise InvalidDataError(f"a table of {entries:,} labels where K is {header.k:,}")
        limits.check_ids(entries)
        counts = [distinct, entries] if mapped else [distinct]
        rest = source.read(source.size - source.position, "the table of ids")
        lists = kernels.numbers_decode(rest, counts)
        if lists is None:
            raise InvalidDataError("the table of ids doesn't end as it must (rule 13.5)")
        places = None
        if mapped:
            if int(lists[1].max()) >= distinct:
                raise InvalidDataError("a label has an id that the table doesn't have (rule 18.5)")
            places = lists[1].astype(np.uint32)
        return cls(_ids(lists[0], DTYPES[first & 15]), places, shape)


def read_table(source: Source, header: Header, sealer: Sealer, limits: Limits) -> IdTable:
    """The table that the source stands at; errors are those of ``IdTable.from_payload``."""
    size = read_length(source, "the table of ids")
    first = bytes([source.read_byte("the table of ids")])
    least, most = table_range(header, _SHAPES.get(first[0] & _SHAPE_BITS) == "volume")
    if not least <= size <= most:
        raise InvalidDataError(f"a table of ids of {size:,} bytes is impossible (rule 18.2)")
    payload = first + bytes(source.read(size - 1, "the table of ids"))
    check_crc(source, sealer.palette_checksum(pack_length(size) + payload), "the table of ids")
    return IdTable.from_payload(payload, header, limits)


def _distinct(plane: Ids) -> Ids:
    """The ids of a picture, ascending, each once."""
    if plane.dtype.itemsize > 2 or plane.size <= _LOOK_UP:
        return np.unique(_run_heads(plane)[0])
    found: Ids = _all_ids(plane.dtype)[_present(plane)]
    return found


def _run_heads(values: Ids) -> tuple[Ids, NDArray[np.intp]]:
    """The ids of an array as runs, row after row: the id of each, and its length."""
    flat = values.reshape(-1)
    starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([np.zeros(1, dtype=starts.dtype), starts])
    return flat[starts], np.diff(starts, append=flat.size)


def _bytes_of(values: Ids) -> NDArray[np.uint8]:
    """The bytes of ids, C-contiguous, along one more axis."""
    return values.view(np.uint8).reshape(*values.shape, values.itemsize)


def _numbers(values: Ids) -> NDArray[Any]:
    """Ids of up to 16 bits as the unsigned integers of the same bits."""
    return values.view(np.dtype(f"u{values.dtype.itemsize}"))


def _all_ids(dtype: np.dtype[Any]) -> Ids:
    """All ids that a dtype of up to 16 bits can have, ascending."""
    lowest, highest = _BOUNDS[dtype]
    return np.arange(lowest, highest + 1).astype(dtype)


def _present(values: Ids) -> NDArray[np.bool_]:
    """Which of ``_all_ids`` an array has."""
    bits = 8 * values.dtype.itemsize
    here = np.zeros(1 << bits, dtype=np.bool_)
    here[_numbers(np.ascontiguousarray(values))] = True
    if values.dtype.kind == "i":  # the negative ones come first
        return np.roll(here, 1 << (bits - 1))
    return here[:2] if values.dtype == np.bool_ else here


def _differences(ids: Ids) -> NDArray[np.uint64]:
    """Ids that ascend as numbers: the first, zigzag where they have signs, then how much each
    one is above the one before, less 1 (rule 18.4)."""
    signed = ids.dtype.kind == "i"
    wide = ids.astype(np.int64).view(np.uint64) if signed else ids.astype(np.uint64)
    numbers = np.empty(len(ids), dtype=np.uint64)
    first = int(ids[0])
    numbers[0] = first if first >= 0 and not signed else 2 * first if first >= 0 else -2 * first - 1
    numbers[1:] = wide[1:] - wide[:-1] - _ONE
    return numbers


def _ids(numbers: NDArray[np.uint64], dtype: np.dtype[Any]) -> Ids:
    """The ids that ``_differences`` makes these numbers of; InvalidDataError if there are none of
    that dtype."""
    signed = dtype.kind == "i"
    first = int(numbers[0])
    if signed:
        first = first >> 1 if not first & 1 else -(first >> 1) - 1
    steps = numbers + _ONE
    steps[0] = np.uint64(first % (1 << 64))
    sums = steps.cumsum(dtype=np.uint64)
    # In an order that counts up from the least: wrapped round, a sum isn't above the one before.
    order = sums ^ _SIGN if signed else sums
    last = int(sums[-1:].view(np.int64)[0]) if signed else int(sums[-1])
    lowest, highest = _BOUNDS[dtype]
    if not (bool((order[1:] > order[:-1]).all()) and lowest <= first and last <= highest):
        raise InvalidDataError(f"an id is beyond those of {dtype} (rule 18.4)")
    return (sums.view(np.int64) if signed else sums).astype(dtype)
