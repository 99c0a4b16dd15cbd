"""Rules 19.10, 19.11 and 19.14 of kq.md: the payloads of a tile, one frame after the other.

A part of decode_frames.py; decode_frame_tile.py has what a chained payload says. Written like
the rest: from kq.md alone, in its order, each comment that starts with a number quoting the
rule which the lines below it carry out.
"""

from __future__ import annotations

from decode_bits import ArithmeticDecoder, Refused, check_unused_bits
from decode_context import NO_COLOR, tree_order
from decode_frame_tile import FrameTile, KeyTile
from decode_frame_tokens import ChangedTile
from decode_header import CONTEXT, DENSE, PACKED, TOKENS, Box, Header
from decode_labels import OWN_LIST, read_own_list
from decode_mixing import NextBit
from decode_tiles import labels_of_tile, payload_bits

# 19.8: "its first byte is 06 by context, 07 by tokens."
CHAINED = {CONTEXT: b"\6", TOKENS: b"\7"}


class Chain:
    """A tile, as it is in one frame after the other."""

    def __init__(self, header: Header, entries: list[bytes], box: Box) -> None:
        """Start ahead of frame 0."""
        self.header, self.entries, self.box = header, entries, box
        self.labels = [0] * box.labels
        self.begin([])

    def begin(self, listed: list[int]) -> None:
        """Begin a chain, of the entries of a list if there are any in it."""
        self.listed = listed
        self.settings: int | None = None
        self.key: KeyTile | None = None
        self.tile: FrameTile | None = None

        # 19.11: "The chained ones behind it have no list, and the same K; their labels are entries
        # of that list."
        k = len(listed) or self.header.k
        has_colors = self.header.coder == CONTEXT and not self.header.is_label_map
        self.colors = self.entries if has_colors else [NO_COLOR] * k

        # 19.14: "Where it tells its labels by themselves, it does so by rules 16.5 to 16.22"
        # 16.5: "From here on labels are places, and colours those of the entries there."
        order = tree_order(self.colors)
        self.colors = [self.colors[label] for label in order]
        self.order = [listed[label] for label in order] if listed else order

    def decode(self, payload: bytes, name: str, is_key: bool) -> None:
        """Put the labels that a payload says in the place of those before."""
        header = self.header
        if header.coder in (PACKED, DENSE):
            check_unused_bits(payload, payload_bits(header, self.box.labels), name)

        # 19.11: "A payload with a list of its own (18.8), a key frame's or another, begins a chain,
        # too: behind the list stands the payload of a tile with K = n, by itself or chained"
        listed: list[int] = []
        rest = payload
        chained = CHAINED.get(header.coder)
        if chained and header.is_label_map and payload[0] == OWN_LIST:
            # 19.11: "So in a sequence a list may have more entries than its tile has labels, but
            # has at most K."
            listed, rest = read_own_list(f"tile {name}", header.k, len(self.entries), payload)

        # 19.8: "the payload that the same labels may have in a still, which is then one *by
        # itself*"
        if rest[:1] != chained:
            size = self.box.size
            labels = labels_of_tile(header, self.entries, name, payload, size, most_listed=header.k)
            self.labels = list(labels)
            # 19.10: "It begins a *chain* of payloads of its tile"
            self.begin(listed)
            return

        # 19.11: "For n = 1 there are none."
        if len(listed or self.listed) == 1:
            raise Refused("19.11", f"tile {name} is chained, with a list of one entry")

        # 19.10: "A chained payload of a key frame tells its labels by themselves. By tokens there
        # is none."
        # 19.11: "in the latter case it tells its labels by themselves."
        by_itself = is_key or bool(listed)
        if header.coder == CONTEXT:
            places = self.decode_context(rest, name, listed, by_itself)
        elif by_itself:
            raise Refused("19.10", f"tile {name} is chained, and has no frame before it")
        else:
            places = self.decode_tokens(rest, name)
        self.labels = [self.order[place] for place in places]

    def places(self) -> list[int]:
        """Return the places of the labels in the frame before."""
        place_of = {entry: place for place, entry in enumerate(self.order)}
        return [place_of[label] for label in self.labels]

    def decode_context(
        self, payload: bytes, name: str, listed: list[int], by_itself: bool
    ) -> list[int]:
        """Return the places of the labels of a chained payload by context."""
        if by_itself:
            self.begin(listed)
        # 19.14: "The first of a chain has a byte of settings behind 06. What follows, of the others
        # behind 06, is a payload of section 13, of which rule 13.5 holds."
        rest = payload[1:]
        if self.settings is None:
            self.settings, rest = read_settings(rest, name), rest[1:]
        decoder = ArithmeticDecoder(rest)
        if by_itself:
            self.key = KeyTile(decoder.bit, self.settings, self.colors, *self.box.size)
            places = self.key.decode()
        else:
            places = self.frame_tile(decoder.bit, self.settings).decode_frame(decoder.bit, name)
        if not decoder.ends_well():
            raise Refused("19.14", f"the payload of tile {name} doesn't end as an encoder ends it")
        return places

    def frame_tile(self, next_bit: NextBit, settings: int) -> FrameTile:
        """Return the tile that decodes what has changed, which begins with the first of these."""
        if self.tile is None:
            self.tile = FrameTile(next_bit, settings, self.colors, *self.box.size)
            self.tile.begin(self.places(), self.key)
        return self.tile

    def decode_tokens(self, payload: bytes, name: str) -> list[int]:
        """Return the labels of a chained payload by tokens."""

        def labels_of(k: int, m: int, rest: bytes, size: tuple[int, int]) -> list[int]:
            header = self.header._replace(k=k, is_label_map=True)
            return list(labels_of_tile(header, [NO_COLOR] * m, name, rest, size))

        tile = ChangedTile(name, self.box.size, self.places())
        return tile.decode(payload, len(self.order), labels_of)


def read_settings(rest: bytes, name: str) -> int:
    """Return the settings of a chain, which stand first."""
    # 19.14: "size of tables: 1 to 3"
    if not rest or rest[0] >> 6 == 0 or rest[0] & 32:
        raise Refused("19.14", f"tile {name} has a chain of the settings {rest[:1].hex()}")
    return rest[0]
