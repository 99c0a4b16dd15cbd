"""What stands ahead in the payload of a label map's tile: a list of its own, and regions.

spec/kq.md, section 18. No NumPy here: how much a tile asks for is foretold from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from kqcodec.errors import InvalidDataError, TruncatedError
from kqcodec.format.container import pack_length, read_length
from kqcodec.format.source import BufferSource

OWN_LIST, REGIONS = 4, 5  # the first bytes of such payloads
MOST_COLORS = 8  # of regions
# Bytes that decoding takes for each entry of an own list and for each label of a tile with one; and
# for each label of regions, of which each may be a run by itself.
_A_LISTED, _A_LISTED_LABEL, _A_REGION_LABEL = 32, 2, 9


@dataclass(frozen=True)
class TileParts:
    """The parts of a payload.

    Attributes:
        listed: how many entries the tile's own list has; 0 where there is none.
        own_list: its payload.
        colors: how many colours the regions have; 0 where the labels stand as they are.
        ids: the payload of the regions' labels.
        rest: the payload of the labels, or of the colours.
    """

    listed: int
    own_list: memoryview
    colors: int
    ids: memoryview
    rest: memoryview

    @classmethod
    def from_bytes(cls, payload: memoryview, most: int) -> TileParts:
        """What a tile says, whose list has so many entries at most, none where that is 0;
        InvalidDataError if it can't be."""
        listed = colors = 0
        own_list = ids = memoryview(b"")
        try:
            if payload[:1] == bytes([OWN_LIST]):
                listed, own_list, payload = listed_parts(payload, most)
            if listed != 1 and payload[:1] == bytes([REGIONS]):
                source = BufferSource(payload, 1)
                colors = 1 + source.read_byte("a tile's regions")
                if colors > MOST_COLORS:
                    raise InvalidDataError(f"a tile's regions have {colors} colours, not 1 to 8")
                ids, payload = _split(source, payload)
        except TruncatedError as exc:
            raise _cut_short() from exc
        if has_parts(payload):
            raise InvalidDataError(f"a tile's payload begins with {payload[0]:02x} in its middle")
        return cls(listed, own_list, colors, ids, payload)

    def workspace(self, labels: int) -> int:
        """Bytes that these parts take, of a tile of so many labels, besides the payload, the
        labels, and what its rest takes."""
        own_list = self.listed * _A_LISTED + labels * _A_LISTED_LABEL if self.listed else 0
        return own_list + (labels * _A_REGION_LABEL if self.colors else 0)


def has_parts(payload: memoryview) -> bool:
    """Whether a payload begins with a list of its own, or with regions."""
    return payload.nbytes > 0 and payload[0] in (OWN_LIST, REGIONS)


def listed_parts(payload: memoryview, most: int) -> tuple[int, memoryview, memoryview]:
    """Of a payload that begins with a list of its own: how many entries it has, at most so many,
    its payload, and what follows. InvalidDataError if it can't be."""
    source = BufferSource(payload, 1)
    try:
        listed = 1 + read_length(source, "a tile's own list")
        if listed > most:
            raise InvalidDataError(f"a tile's own list of {listed:,} labels is too long")
        return listed, *_split(source, payload)
    except TruncatedError as exc:
        raise _cut_short() from exc


def _cut_short() -> InvalidDataError:
    return InvalidDataError("a tile's own list or regions are cut short")


def _split(source: BufferSource, payload: memoryview) -> tuple[memoryview, memoryview]:
    """The part whose length the source stands at, and what follows it."""
    length = read_length(source, "a tile's own list or regions")
    part = source.read(length, "a tile's own list or regions")
    return memoryview(part).cast("B"), payload[source.position :]


def own_list_head(listed: int, own_list: bytes) -> bytes:
    """What stands ahead of a tile with a list of its own."""
    return bytes([OWN_LIST]) + pack_length(listed - 1) + pack_length(len(own_list)) + own_list


def regions_head(colors: int, ids: bytes) -> bytes:
    """What stands ahead of the colours of a tile's regions."""
    return bytes([REGIONS, colors - 1]) + pack_length(len(ids)) + ids
