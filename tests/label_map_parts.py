"""Label maps put together like pictures (tests/vector_parts.py): tables of ids, lists of numbers,
own lists and regions, valid or not (spec/kq.md, section 18)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from vector_parts import FLAG_LABEL_MAP, FLAG_SECTIONS, SHORT_SIGNATURE, Parts, scattered

from kqcodec.coding.coders.dense import DenseCoder
from kqcodec.coding.coders.label_parts import own_list_head, regions_head
from kqcodec.coding.coders.packed import PackedCoder
from kqcodec.coding.coders.tokens import TokensCoder
from kqcodec.coding.id_table import DTYPES
from kqcodec.format.container import pack_length
from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels
from kqcodec.kernels.reference.learning_bits import LearningBits, encoding
from kqcodec.kernels.reference.range_coder import RangeEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_COLORS = np.empty((0, 3), dtype=np.uint8)
NAMES = [str(dtype) for dtype in DTYPES]
COLUMN, MAPPED, VOLUME = 16, 32, 64  # of a table's kind
TREE = 7  # bits of the tree of a list's numbers


def listed(*lists: Sequence[int]) -> bytes:
    """Lists of numbers (rule 18.7), also of such as are too large."""
    encoder = RangeEncoder()
    for numbers in lists:
        bits = LearningBits(encoding(encoder))
        for number in numbers:
            bits.number(number, TREE)
    return encoder.finish(1 << 30) or b""


def steps(ascending: Sequence[int]) -> list[int]:
    """The first of ascending numbers, and the differences from one to the next, less 1."""
    before = (-1, *ascending)
    return [one - last - 1 for one, last in zip(ascending, before, strict=False)]


def zigzag(number: int) -> int:
    """A number with a sign as one without (rule 18.4)."""
    return 2 * number if number >= 0 else -2 * number - 1


def table_of(
    kind: int, ids: Sequence[int], places: Sequence[int] | None = None, behind: bytes = b""
) -> bytes:
    """The payload of a table of ids (rule 18.3); the kind says neither shape nor map."""
    first = zigzag(ids[0]) if NAMES[kind].startswith("int") else ids[0]
    numbers = [first, *steps(ids)[1:]]
    if places is None:
        return bytes((kind,)) + pack_length(len(ids) - 1) + listed(numbers) + behind
    lengths = pack_length(len(ids) - 1) + pack_length(len(places) - 1)
    return bytes((kind | MAPPED,)) + lengths + listed(numbers, places) + behind


def told(*numbers: tuple[int, ...]) -> bytes:
    """The labels' payload of regions whose neighbours aslant are no candidates (rule 18.11): the
    numbers of each region."""
    encoder = RangeEncoder()
    bits = LearningBits(encoding(encoder))
    for number, *jump in numbers:
        bits.number(number, TREE, "region")
        for far in jump:
            bits.number(far, TREE, "j")
    return encoder.finish(1 << 30) or b""


@dataclass(frozen=True)
class LabelParts(Parts):
    """The contents of a label map. ``labels`` are entries of its table."""

    palette: bytes = b""
    labels: tuple[int, ...] = ()
    coder: str = "context"
    ids: tuple[int, ...] = (0,)  # ascending
    dtype: str = "uint8"
    column: bool = False
    volume: bool = False  # of a sequence
    places: tuple[int, ...] | None = None  # of the ids, for each entry
    most: int | None = None  # K, where it isn't the number of entries
    table: bytes | None = None  # another payload in its place
    lists: bool = False  # whether tiles have lists of their own
    regions: bool = False  # whether they are told by regions
    settings: int = 0x5C  # of the coder context
    short: bool = False

    @property
    def entries(self) -> int:
        """M, the number of entries."""
        return len(self.ids if self.places is None else self.places)

    @property
    def k(self) -> int:
        """The number of labels that a tile is coded with."""
        return self.entries if self.most is None else self.most

    @property
    def fields(self) -> bytes:
        """The header ahead of its CRC-16."""
        fields = bytearray(super().fields)
        fields[6] |= FLAG_LABEL_MAP
        return self.header_override or bytes(fields)

    def table_body(self) -> bytes:
        """The length and the payload of the table."""
        payload = self.table
        if payload is None:
            kind = NAMES.index(self.dtype)
            payload = table_of(kind, self.ids, self.places)
            shape = COLUMN if self.column else VOLUME if self.volume else 0
            payload = bytes((payload[0] | shape,)) + payload[1:]
        return pack_length(len(payload)) + payload

    def palette_part(self) -> bytes:
        """The table in the palette's place."""
        body = self.table_body()
        return body + self.seal(b"IDS ", 0, body)

    def payloads(self) -> list[bytes]:
        """The payloads of the tiles."""
        array = np.array(self.labels, dtype=label_dtype(self.entries))
        array = array.reshape(self.height, self.width)
        boxes = (self.grid.box(index) for index in range(self.grid.count))
        payloads = [self.payload(array[box.slices]) for box in boxes]
        for index, payload in self.payload_override:
            payloads[index] = payload
        return payloads

    def payload(self, tile: np.ndarray) -> bytes:
        """The payload of one tile."""
        if self.k == 1:
            return b""
        head, k = b"", self.k
        if self.lists:
            used, places = np.unique(tile, return_inverse=True)
            head, k = own_list(used.tolist()), len(used)
            tile = places.reshape(tile.shape)
        if self.regions and k > 1:
            found = kernels.regions_encode(tile.astype(label_dtype(k)), k, 1 << 20)
            assert found is not None
            k, tile, labels = found
            head += regions_head(k, labels)
        return head + (self.plain(tile, k) if k > 1 else b"")

    def plain(self, tile: np.ndarray, k: int) -> bytes:
        """Labels as they are, for K of the coder's own; by context with the settings, or by dense
        where they give no less."""
        labels = np.ascontiguousarray(tile, dtype=label_dtype(k))
        dense = DenseCoder(k).encode(labels)
        if self.coder == "packed":
            return PackedCoder(k).encode(labels)
        if self.coder == "dense":
            return dense
        if self.coder == "tokens":
            return TokensCoder(k).encode(labels)
        order = np.arange(k, dtype=np.uint16)
        rest = None
        if self.settings:
            rest = kernels.context_encode(labels, order, NO_COLORS, self.settings, len(dense))
        return b"\0" + dense if rest is None else bytes((self.settings,)) + rest

    def to_bytes(self) -> bytes:
        """The whole file."""
        return self.short_bytes() if self.short else super().to_bytes()

    def short_bytes(self, table: bytes | None = None) -> bytes:
        """The same in the short form."""
        flags = self.fields[6] & ~FLAG_SECTIONS
        sizes = b"".join(pack_length(side - 1) for side in (self.width, self.height, self.k))
        payload = self.payloads()[0]
        body = SHORT_SIGNATURE + bytes((flags,)) + sizes
        body += self.table_body() if table is None else table
        body += pack_length(len(payload)) + payload
        return body + struct.pack(">I", zlib.crc32(body))

    def pixels(self) -> bytes:
        """The ids, row by row, the most significant byte first."""
        ids = np.array(self.ids, dtype=self.dtype)
        of_entries = ids if self.places is None else ids[list(self.places)]
        values = of_entries[list(self.labels)]
        return values.astype(values.dtype.newbyteorder(">")).tobytes()

    def described(self) -> dict[str, object]:
        """What the index says of the array."""
        shape = (self.height, self.width, *((1,) if self.column else ()))
        return {"dtype": self.dtype, "shape": list(shape)}


def own_list(entries: Sequence[int]) -> bytes:
    """What stands ahead of a tile that has these entries."""
    return own_list_head(len(entries), listed(steps(entries)))


def with_length(part: bytes) -> bytes:
    """A part with its length ahead."""
    return pack_length(len(part)) + part


def cells(width: int, height: int, k: int) -> tuple[int, ...]:
    """Labels of places as that of the nearest of K points; all are there if there is room."""
    places = scattered(2 * k, max(width, height))
    points = [(x % width, y % height) for x, y in zip(places[::2], places[1::2], strict=True)]

    def nearest(x: int, y: int) -> int:
        return min(range(k), key=lambda i: (points[i][0] - x) ** 2 + (points[i][1] - y) ** 2)

    return tuple(nearest(x, y) for y in range(height) for x in range(width))


def numbered(k: int, apart: int = 3) -> tuple[int, ...]:
    """K ids of 16 bits at the same distance."""
    return tuple(range(7, 7 + k * apart, apart))


def label_map(width: int, height: int, k: int, coder: str = "context") -> LabelParts:
    """A label map of K areas."""
    labels = cells(width, height, k)
    return LabelParts(width, height, labels=labels, coder=coder, ids=numbered(k), dtype="uint16")
