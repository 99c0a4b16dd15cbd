"""Section 19 of kq.md: the frames of a sequence.

A part of decode.py. Written like it: from kq.md alone, in its order, each comment that starts
with a number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

from decode_bits import Refused, Source, number, read_length
from decode_chains import Chain
from decode_header import CRC32_LENGTH, DENSE, PACKED, Box, Header, check_part
from decode_labels import read_lists
from decode_tiles import check_length

TIME, DEPTH = 0, 1
F, D, U = 1, 2, 4  # of a head's flags


class Timing(NamedTuple):
    """What `FRAM` says."""

    axis: int
    key_distance: int  # 0: only frame 0 is a key frame
    plays: int  # 0: for ever
    unit: Fraction  # seconds, or metres

    def is_key(self, frame: int) -> bool:
        """Return whether that frame needs no other."""
        # 19.2, its table: "if it is 0, frame 0 is the only *key frame*; otherwise those are
        # whose number is a multiple of D"
        return frame == 0 if self.key_distance == 0 else frame % self.key_distance == 0


def read_timing(data: bytes, header: Header) -> Timing:
    """Return what the data of `FRAM` say."""
    # 19.2: "The data of `FRAM` are 20 bytes:"
    if len(data) != 20:
        raise Refused("19.2", f"section FRAM has {len(data)} bytes of data")
    axis = data[0]
    distance, plays, above, below = (number(data[i : i + 4]) for i in range(4, 20, 4))

    # 19.2: "The axis is 0 or 1. The denominator isn't 0, nor in time the numerator. By packed and
    # dense D is 1."
    if axis not in (TIME, DEPTH) or any(data[1:4]):
        raise Refused("19.2", f"section FRAM begins {data[:4].hex(' ')}")
    if below == 0 or (axis == TIME and above == 0):
        raise Refused("19.2", f"section FRAM has the unit {above} / {below}")
    if header.coder in (PACKED, DENSE) and distance != 1:
        raise Refused("19.2", f"section FRAM has the key distance {distance}, not 1")
    return Timing(axis, distance, plays, Fraction(above, below))


class Canvas:
    """The labels of a picture or of a frame."""

    def __init__(self, header: Header) -> None:
        """Start with anything."""
        self.width = header.width
        self.labels = [0] * (header.width * header.height)

    def fill(self, box: Box, labels: Iterable[int]) -> None:
        """Put the labels of a tile, row by row, in their places."""
        # 1.3: "Rows run from the top of the picture to the bottom, and pixels in a row
        # from left to right."
        left = iter(labels)
        for start in range(box.top * self.width, box.bottom * self.width, self.width):
            row = islice(left, box.right - box.left)
            self.labels[start + box.left : start + box.right] = row


# ── 19.4 to 19.6: heads ─────────────────────────────────────────────────────


class Head(NamedTuple):
    """What stands ahead of a frame's payloads."""

    duration: int
    lengths: list[int]  # of the payloads of all tiles
    is_unchanged: bool


def read_head(source: Source, header: Header, frame: int, before: int) -> Head | None:
    """Return the head of a frame, the one before which lasted so long; None if it is the end."""
    # 19.4: "f is 1 for a frame, and 0 for the end, where all of the byte is 0 and only the
    # CRC-16 follows."
    what = f"the head of frame {frame}"
    start = source.position
    flags = source.take(1, "19.4", what)[0]
    if flags not in (0, 1, 3, 5, 7):
        raise Refused("19.4", f"{what} has the flags {flags:08b}")

    # 19.4: "If d is 1 a duration follows; if u is 0, for each tile the length of its payload,
    # written as in rule 6.4."
    tiles = [f"{index} of frame {frame}" for index in range(header.tiles)]
    duration = read_duration(source, what) if flags & D else before
    read = tiles if flags & F and not flags & U else []
    lengths = [read_length(source, f"tile {tile}", "19.4") for tile in read]

    # 19.4: "The CRC-16, as in rule 2.8, is that of the 20 bytes of the header, the number of the
    # frame in eight bytes (F at the end), and the head's bytes ahead of it. A decoder compares it
    # before it uses the head."
    covered = header.raw + frame.to_bytes(8, "big") + source.data[start : source.position]
    if binascii.crc_hqx(covered, 0xFFFF) != number(source.take(2, "19.4", what)):
        raise Refused("19.4", f"{what} is damaged: its CRC-16 differs", "checksum")
    if not flags & F:
        return None

    # 19.5: "*Durations* are 1 to 2^32 − 1, written like lengths but in up to five bytes."
    # 19.5: "One that is written differs from the one before."
    if flags & D and (duration == before or not 1 <= duration < 2**32):
        raise Refused("19.5", f"{what} has the duration {duration}, behind {before}")
    return Head(duration, lengths or [0] * header.tiles, bool(flags & U))


def read_duration(source: Source, what: str) -> int:
    """Read how long a frame lasts."""
    # 19.5: "written like lengths but in up to five bytes."
    duration = 0
    for group in range(5):
        byte = source.take(1, "19.4", what)[0]
        # 6.4: "It has the fewest bytes possible: the first is not 80."
        if group == 0 and byte == 0x80:
            break
        duration = duration << 7 | byte & 0x7F
        if byte < 0x80:
            return duration
    raise Refused("19.5", f"{what} has a malformed duration")


# ── 19.6 to 19.8: tiles ─────────────────────────────────────────────────────


def read_frames(
    source: Source, header: Header, entries: list[bytes], timing: Timing, max_pixels: int
) -> Iterator[tuple[list[int], int]]:
    """Yield the labels of each frame, row by row, and its duration; the list is used again."""
    # 19.3: "Behind `END` stand the frames, each as its *head* and the payloads of its tiles,
    # then a head that says the end, and the *frame directory*."
    canvas = Canvas(header)
    chains = [Chain(header, entries, box) for box in header.boxes()]
    sizes: list[int] = []
    durations: list[int] = []
    for frame in range(2**31):
        start = source.position
        head = read_head(source, header, frame, durations[-1] if durations else 1)
        if head is None:
            check_directory(source, header, sizes, durations)
            return

        # 9.3: "a decoder may have limits of its own"; this one counts the pixels of all frames.
        if (frame + 1) * header.width * header.height > max_pixels:
            why = f"frame {frame} has more than this decoder's {max_pixels} pixels"
            raise Refused("9.3", why, "limit")
        check_lengths(header, head, frame, timing.is_key(frame))
        for index, (chain, length) in enumerate(zip(chains, head.lengths, strict=True)):
            if length == 0:
                # 19.6: "*Unchanged tiles* have the labels of the same tile in the frame before,
                # and a payload of length 0."
                continue

            # 19.7: "Behind the head stand, in the order of the tiles, the payloads whose length
            # isn't 0, each followed by its CRC-32. Its kind is `TILE` (3.2) and its ordinal f·T +
            # t for tile t of frame f."
            tile = f"{index} of frame {frame}"
            payload = source.take(length, "19.7", f"the payload of tile {tile}")
            stored = source.take(CRC32_LENGTH, "19.7", f"the CRC-32 of tile {tile}")
            check_part(header, b"TILE", frame * header.tiles + index, payload, stored)
            chain.decode(payload, tile, timing.is_key(frame))
            canvas.fill(chain.box, chain.labels)
        sizes.append(source.position - start)
        durations.append(head.duration)
        yield canvas.labels, head.duration
    raise Refused("19.9", "the file has 2^31 frames or more")


def check_lengths(header: Header, head: Head, frame: int, is_key: bool) -> None:
    """Refuse a head whose payloads have lengths that they can't have."""
    # 19.6: "If all tiles of a frame have no payload, u is 1, otherwise 0."
    # 19.6: "For K = 1 all payloads of all frames are empty and u is 1; so all labels are 0."
    if head.is_unchanged != (not any(head.lengths)):
        raise Refused("19.6", f"frame {frame} has lengths that are all 0")
    for index, (box, length) in enumerate(zip(header.boxes(), head.lengths, strict=True)):
        tile = f"{index} of frame {frame}"
        if length == 0 and header.k > 1:
            # 19.6: "Key frames have no unchanged tiles."
            if is_key:
                raise Refused("19.6", f"tile {tile} is unchanged, and the frame is a key frame")
        else:
            # 19.8: "By context and tokens a payload that isn't empty is, for K ≥ 2, at most 64
            # bytes longer than rules 6.6 and 18.6 allow a still;"
            check_length(header, tile, length, box.labels, 64)


# ── 19.9: the frame directory ───────────────────────────────────────────────


def check_directory(source: Source, header: Header, sizes: list[int], durations: list[int]) -> None:
    """Compare the frame directory with what stands ahead of it."""
    # 19.9: "F is at least 1 and less than 2^31"
    if not sizes:
        raise Refused("19.9", "the file has no frames")

    # 19.9: "it is the end of the file:"
    rest = source.take(source.bytes_left(), "19.9", "the frame directory")
    if len(rest) < 12:
        why = f"the file ends at byte {len(source.data)}, within the directory"
        raise Refused("19.9", why, "truncated")

    # 19.9: "The CRC-32 has the kind `TDIR` and the ordinal 0; its body is all ahead of it."
    check_part(header, b"TDIR", 0, rest[:-4], rest[-4:])

    # 19.9: "The length is that of the payload."
    frames, length = number(rest[-12:-8]), number(rest[-8:-4])
    if frames != len(sizes) or length != len(rest) - 12:
        raise Refused("19.9", f"the frame directory has {frames} frames in {length} bytes")

    # 19.9: "The payload is two lists of numbers (18.7) of F numbers each, the bytes and the
    # durations."
    # 19.9: "The directory agrees with the heads."
    if read_lists(rest[:-12], [frames, frames], "the frame directory") != [sizes, durations]:
        raise Refused("19.9", "the frame directory disagrees with the frames")
