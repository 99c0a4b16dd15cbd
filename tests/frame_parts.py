"""Sequences put together like pictures (tests/vector_parts.py): heads, payloads of frames and the
directory, valid or not (spec/kq.md, section 19)."""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from label_map_parts import LabelParts, listed
from vector_parts import Parts, Section

from kqcodec.coding.coders import coder_of, label_coder_of
from kqcodec.coding.frames.chains import Chains
from kqcodec.format.container import pack_length
from kqcodec.format.header import Header
from kqcodec.format.labels import label_dtype

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqcodec.format.grid import Grid

Labels = tuple[int, ...]
FRAM = b"FRAM"
FRAME, DURATION, UNCHANGED = 1, 2, 4  # flags of a head
AXES = ("time", "depth")


@dataclass(frozen=True)
class FrameParts:
    """The contents of a sequence, and the bytes of each of its parts.

    ``still`` is its first frame as a file of its own, of which it has the header's fields, the
    palette or table and the sections; ``frames`` are the labels of all.
    """

    still: Parts
    frames: tuple[Labels, ...]
    durations: tuple[int, ...] = ()  # all 1 where there are none
    axis: int = 0
    key_distance: int = 0
    plays: int = 0
    unit: tuple[int, int] = (1, 1000)
    chained: bool = True  # as our encoder has it; otherwise each payload is one by itself
    coded: tuple[bytes, ...] = ()  # the payloads of one tile, where they are others
    payload_override: tuple[tuple[int, int, bytes], ...] = ()  # (frame, tile, payload)
    fram: bytes | None = None  # other data of the section

    @property
    def width(self) -> int:
        """Of a frame."""
        return self.still.width

    @property
    def height(self) -> int:
        """Of a frame."""
        return self.still.height

    @property
    def k(self) -> int:
        """Of the header."""
        return self.still.k

    @property
    def grid(self) -> Grid:
        """The tiles."""
        return self.still.grid

    @property
    def base(self) -> Parts:
        """What stands ahead of the frames: the still with the section FRAM."""
        sections = (Section(FRAM, self.section_data()), *(self.still.sections or ()))
        volume = {"volume": True} if isinstance(self.still, LabelParts) else {}
        return replace(self.still, sections=sections, **volume)

    @property
    def sections(self) -> tuple[Section, ...]:
        """All sections."""
        return self.base.sections or ()

    def section_data(self) -> bytes:
        """The data of FRAM."""
        numbers = (self.key_distance, self.plays, *self.unit)
        return self.fram or struct.pack(">B3xIIII", self.axis, *numbers)

    def lasting(self) -> tuple[int, ...]:
        """The duration of each frame."""
        return self.durations or (1,) * len(self.frames)

    def is_key(self, frame: int) -> bool:
        """Whether that frame is a key frame."""
        return frame % self.key_distance == 0 if self.key_distance else frame == 0

    # ── Payloads ──

    def payloads(self) -> list[list[bytes]]:
        """The payloads of all tiles of each frame."""
        if self.coded:
            return [[payload] for payload in self.coded]
        found = self.by_chains() if self.chained else self.by_themselves()
        for frame, tile, payload in self.payload_override:
            found[frame][tile] = payload
        return found

    def tiles(self, frame: int) -> list[np.ndarray]:
        """The labels of each tile."""
        entries = self.still.entries if isinstance(self.still, LabelParts) else self.k
        array = np.array(self.frames[frame], dtype=label_dtype(entries))
        array = array.reshape(self.height, self.width)
        boxes = (self.grid.box(index) for index in range(self.grid.count))
        return [np.ascontiguousarray(array[box.slices]) for box in boxes]

    def by_themselves(self) -> list[list[bytes]]:
        """Each as in a still, unless it is unchanged."""
        found = []
        for number, labels in enumerate(self.frames):
            payloads = replace(self.still, labels=labels).payloads()
            if not self.is_key(number):
                pairs = zip(self.tiles(number - 1), self.tiles(number), strict=True)
                same = [np.array_equal(*pair) for pair in pairs]
                payloads = [b"" if s else p for s, p in zip(same, payloads, strict=True)]
            found.append(payloads)
        return found

    def by_chains(self) -> list[list[bytes]]:
        """As our encoder has them."""
        if isinstance(self.still, LabelParts):
            palette, entries = None, self.still.entries
            coder = label_coder_of(self.still.coder, self.k, entries)
        else:
            palette, entries = np.frombuffer(self.still.palette, dtype=np.uint8), self.k
            palette = palette.reshape(-1, 3)
            coder = coder_of(self.still.coder, palette)
        chains = Chains(Header.from_bytes(self.base.header), coder, palette, entries)
        found = []
        for number in range(len(self.frames)):
            if self.is_key(number):
                tiles = [chains.begin(tile) for tile in range(self.grid.count)]
            parts = zip(tiles, self.tiles(number), strict=True)
            found.append([chain.encode(labels) for chain, labels in parts])
        return found

    # ── Bytes ──

    def head(self, number: int, body: bytes) -> bytes:
        """The head of a frame, from its flags on, and its CRC-16."""
        covered = self.base.header + struct.pack(">Q", number) + body
        return body + struct.pack(">H", binascii.crc_hqx(covered, 0xFFFF))

    def tile(self, number: int, index: int, payload: bytes) -> bytes:
        """A payload of a frame and its CRC-32; nothing of an unchanged tile."""
        ordinal = number * self.grid.count + index
        return payload + self.base.seal(b"TILE", ordinal, payload) if payload else b""

    def frame(
        self,
        number: int,
        payloads: Sequence[bytes],
        duration: int | None = None,
        *,
        lengths: bytes | None = None,
    ) -> bytes:
        """A frame: its head, with a duration if there is one, and its payloads; ``lengths`` stand
        in the place of the right ones."""
        flags = FRAME | (0 if duration is None else DURATION)
        if lengths is None and not any(payloads):
            flags |= UNCHANGED
        elif lengths is None:
            lengths = b"".join(pack_length(len(payload)) for payload in payloads)
        lasting = b"" if duration is None else pack_length(duration)
        head = self.head(number, bytes((flags,)) + lasting + (lengths or b""))
        return head + b"".join(self.tile(number, i, p) for i, p in enumerate(payloads))

    def frame_parts(self) -> list[bytes]:
        """The frames."""
        parts, before = [], 1
        for number, payloads in enumerate(self.payloads()):
            lasts = self.lasting()[number]
            parts.append(self.frame(number, payloads, None if lasts == before else lasts))
            before = lasts
        return parts

    def end(self, frames: int | None = None) -> bytes:
        """The head that says that there are no more frames."""
        return self.head(len(self.frames) if frames is None else frames, b"\0")

    def directory(
        self, sizes: Sequence[int], durations: Sequence[int] | None = None, **wrong: object
    ) -> bytes:
        """The directory of frames of these sizes; ``payload``, ``frames`` and ``length`` stand in
        the place of the right ones."""
        lasting = self.lasting() if durations is None else durations
        payload = wrong.get("payload", listed(sizes, lasting))
        numbers = (wrong.get("frames", len(sizes)), wrong.get("length", len(payload)))
        body = payload + struct.pack(">II", *numbers)
        return body + self.base.seal(b"TDIR", 0, body)

    def whole(self, frames: Sequence[bytes], *, end: bytes | None = None) -> bytes:
        """A file of these frames, with a directory of them."""
        durations = (self.lasting() * 99)[: len(frames)]
        directory = self.directory([*map(len, frames)], durations)
        end = self.end(len(frames)) if end is None else end
        return self.base.head() + b"".join(frames) + end + directory

    def to_bytes(self) -> bytes:
        """The whole file."""
        return self.whole(self.frame_parts())

    # ── What it decodes to ──

    def pixels(self) -> bytes:
        """The pixels of all frames, one after the other."""
        return b"".join(replace(self.still, labels=labels).pixels() for labels in self.frames)

    def described(self) -> dict[str, object]:
        """What the index says of the sequence, besides the size of a frame."""
        said = self.still.described()
        if "shape" in said:
            said["shape"] = [len(self.frames), self.height, self.width]
        return said | {
            "frames": len(self.frames),
            "axis": AXES[self.axis],
            "key_distance": self.key_distance,
            "plays": self.plays,
            "unit": f"{self.unit[0]}/{self.unit[1]}",
            "durations": list(self.lasting()),
        }


def moving(width: int, height: int, k: int, frames: int) -> Iterator[Labels]:
    """Frames in which a square of changing labels moves over a ground that stays."""
    ground = [(c // 5 + r // 7) % max(k - 1, 1) for r in range(height) for c in range(width)]
    side = max(min(width, height) // 4, 1)
    for number in range(frames):
        labels = list(ground)
        left, top = (3 * number) % max(width - side, 1), (2 * number) % max(height - side, 1)
        for r in range(top, min(top + side, height)):
            for c in range(left, min(left + side, width)):
                labels[r * width + c] = (number + c * r) % k
        yield tuple(labels)


def scrolling(width: int, height: int, k: int, frames: int, step: int = 3) -> Iterator[Labels]:
    """Frames in which everything moves up by so many rows, and new ones come."""
    state, rows = 7, []
    for _ in range(height + step * frames):
        row = []
        for _ in range(width):
            state = (1_103_515_245 * state + 12_345) % 2**31
            row.append((state >> 8) % (4 * k) % k if state >> 20 & 3 == 0 else 0)
        rows.append(row)
    for number in range(frames):
        seen = rows[number * step : number * step + height]
        yield tuple(label for row in seen for label in row)
