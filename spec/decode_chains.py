"""Section 19 of kq.md, its second half: the payloads of a tile, frame after frame.

A part of decode_frames.py. Written like the rest: from kq.md alone, in its order, each comment
that starts with a number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

from decode_bits import Refused, check_unused_bits
from decode_header import CONTEXT, DENSE, PACKED, TOKENS, Box, Header
from decode_tiles import labels_of_tile, payload_bits

# 19.8: "its first byte is 06 by context, 07 by tokens."
CHAINED = {CONTEXT: b"\6", TOKENS: b"\7"}


class Chain:
    """A tile, as it is in one frame after the other."""

    def __init__(self, header: Header, entries: list[bytes], box: Box) -> None:
        """Start ahead of frame 0."""
        self.header, self.entries, self.box = header, entries, box
        self.labels = [0] * box.labels

    def decode(self, payload: bytes, tile: str, is_key: bool) -> None:
        """Put the labels that a payload says in the place of those before."""
        if self.header.coder in (PACKED, DENSE):
            check_unused_bits(payload, payload_bits(self.header, self.box.labels), tile)
        if payload[:1] != CHAINED.get(self.header.coder):
            labels = labels_of_tile(self.header, self.entries, tile, payload, self.box.size)
            self.labels = list(labels)
            return
        raise Refused("19.10", f"tile {tile} is chained")
