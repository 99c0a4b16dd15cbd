"""Files of the format put together from `Parts`, each of which an invalid one replaces by a
wrong one, and the entries that test vectors have in their index (tests/make_vectors.py)."""

from __future__ import annotations

import binascii
import functools
import hashlib
import struct
import zlib
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from kqcodec.coding.coders import coder_of
from kqcodec.coding.coders.enlarged import Enlargement
from kqcodec.format.container import pack_length
from kqcodec.format.grid import Grid
from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels

SIGNATURE = bytes.fromhex("CB510D0A0A")
SHORT_SIGNATURE = bytes.fromhex("CB6B")
CODERS = {"packed": 0, "dense": 1}
CODER_NUMBERS = CODERS | {"context": 2, "tokens": 3}
FLAG_ALPHA = 1
FLAG_CODED_PALETTE = 2
FLAG_SECTIONS = 4
FLAG_LABEL_MAP = 8
END = (b"END ", b"")
METADATA = (b"icc ", b"exif", b"xmp ")


def section_head(kind: bytes, length: int) -> bytes:
    """A section's kind and length with their CRC-16."""
    head = kind + struct.pack(">I", length)
    return head + struct.pack(">H", binascii.crc_hqx(head, 0xFFFF))


class Section(NamedTuple):
    """An extension section to write, valid or not."""

    kind: bytes
    data: bytes


@dataclass(frozen=True)
class Parts:
    """The contents of a file, and the bytes of each of its parts."""

    width: int
    height: int
    palette: bytes
    labels: tuple[int, ...]
    coder: str = "packed"
    version: int = 0x10
    tile: int = 0x00  # byte 7 of the header
    alpha: bytes | None = None  # of each palette entry
    coded_palette: bytes | None = None  # its payload, with flag C
    sections: tuple[Section, ...] | None = None  # without END
    header_override: bytes | None = None  # the 18 bytes ahead of the CRC-16
    payload_override: tuple[tuple[int, bytes], ...] = ()  # (tile, payload)

    @property
    def k(self) -> int:
        """The number of palette entries."""
        return len(self.palette) // 3

    @property
    def grid(self) -> Grid:
        """The tiles."""
        sides = []
        for nibble, side in ((self.tile >> 4, self.width), (self.tile & 15, self.height)):
            sides.append(min(side, 8 << nibble) if nibble else side)
        return Grid(self.width, self.height, sides[0], sides[1])

    @property
    def fields(self) -> bytes:
        """The header ahead of its CRC-16."""
        if self.header_override is not None:
            return self.header_override
        flags = 0 if self.sections is None else FLAG_SECTIONS
        flags |= 0 if self.alpha is None else FLAG_ALPHA
        flags |= 0 if self.coded_palette is None else FLAG_CODED_PALETTE
        numbers = (self.version, CODER_NUMBERS[self.coder] << 5 | flags, self.tile)
        sizes = (self.width, self.height, self.k - 1)
        return SIGNATURE + struct.pack(">BBBIIH", *numbers, *sizes)

    @property
    def header(self) -> bytes:
        """The 20 bytes of the header."""
        return self.fields + struct.pack(">H", binascii.crc_hqx(self.fields, 0xFFFF))

    def seal(self, kind: bytes, ordinal: int, body: bytes) -> bytes:
        """The CRC-32 of a part (rule 3.2)."""
        covered = self.header + kind + struct.pack(">Q", ordinal) + body
        return struct.pack(">I", zlib.crc32(covered))

    def palette_part(self) -> bytes:
        """The palette and its CRC-32."""
        body = self.palette + (self.alpha or b"")
        if self.coded_palette is not None:
            body = pack_length(len(self.coded_palette)) + self.coded_palette
        return body + self.seal(b"PLTE", 0, body)

    def section_parts(self) -> list[bytes]:
        """The sections, END included; none without the flag."""
        if self.sections is None:
            return []
        return [self.section_part(i, *s) for i, s in enumerate((*self.sections, END))]

    def section_part(self, ordinal: int, kind: bytes, data: bytes) -> bytes:
        """One section."""
        return section_head(kind, len(data)) + data + self.seal(kind, ordinal, data)

    def payloads(self) -> list[bytes]:
        """The payloads of the tiles."""
        array = np.array(self.labels, dtype=label_dtype(self.k)).reshape(self.height, self.width)
        palette = np.frombuffer(self.palette, dtype=np.uint8).reshape(-1, 3)
        coder = coder_of(self.coder, palette)
        boxes = (self.grid.box(index) for index in range(self.grid.count))
        payloads = [coder.encode(np.ascontiguousarray(array[b.slices])) for b in boxes]
        for index, payload in self.payload_override:
            payloads[index] = payload
        return payloads

    def record(self, index: int, payload: bytes, length: bytes | None = None) -> bytes:
        """A tile's record, by default with the length of its payload."""
        length = pack_length(len(payload)) if length is None else length
        return length + payload + self.seal(b"TILE", index, payload)

    def records(self) -> list[bytes]:
        """The tiles' records."""
        return [self.record(index, payload) for index, payload in enumerate(self.payloads())]

    def directory(self, lengths: list[int] | None = None) -> bytes:
        """The directory, by default with the right lengths; nothing for one tile."""
        lengths = [len(payload) for payload in self.payloads()] if lengths is None else lengths
        if len(lengths) < 2:
            return b""
        body = struct.pack(f">{len(lengths)}I", *lengths)
        return body + self.seal(b"TDIR", 0, body)

    def head(self) -> bytes:
        """Everything ahead of the tiles."""
        return self.header + self.palette_part() + b"".join(self.section_parts())

    def to_bytes(self) -> bytes:
        """The whole file."""
        return self.head() + b"".join(self.records()) + self.directory()

    def described(self) -> dict[str, object]:
        """What the index says of the pixels, besides their number."""
        return {} if self.alpha is None else {"alpha": True}

    def pixels(self) -> bytes:
        """The raw RGB or RGBA pixels, row by row."""
        alpha = self.alpha or b""
        entries = [self.palette[3 * i : 3 * i + 3] + alpha[i : i + 1] for i in range(self.k)]
        return b"".join([entries[label] for label in self.labels])


P = TypeVar("P", bound=Parts)


@dataclass(frozen=True)
class ContextParts(Parts):
    """The same by the coder context, with these settings in every tile."""

    coder: str = "context"
    settings: int = 0x5C  # the small model, a question, matches, learning rate 4
    # The tiles consist of cells: across, columns lost, down, rows lost.
    cells: tuple[int, int, int, int] | None = None

    def payloads(self) -> list[bytes]:
        """The payloads of the tiles."""
        if self.k == 1:
            payloads = [b""] * self.grid.count
        else:
            array = np.array(self.labels, dtype=label_dtype(self.k))
            array = array.reshape(self.height, self.width)
            boxes = (self.grid.box(index) for index in range(self.grid.count))
            tiles = (array[box.slices] for box in boxes)
            payloads = [self.payload(tile) for tile in tiles]
        for index, payload in self.payload_override:
            payloads[index] = payload
        return payloads

    def payload(self, tile: np.ndarray) -> bytes:
        """The payload of one tile."""
        head = b""
        if self.cells is not None:
            enlargement = Enlargement(*self.cells)
            head, tile = enlargement.to_bytes(), enlargement.reduce(tile)
        labels = tuple(tile.ravel().tolist())
        return head + context_payload(tile.shape, labels, self.palette, self.settings)


@dataclass(frozen=True)
class ShortParts(ContextParts):
    """The same in the short form; by the model dense, so that no model matters."""

    settings: int = 0

    def numbers(self) -> bytes:
        """Width, height and K, each less one."""
        return b"".join(pack_length(side - 1) for side in (self.width, self.height, self.k))

    def contents(self) -> bytes:
        """Palette and tile without their CRC-32s."""
        return self.palette_part()[:-4] + self.record(0, self.payloads()[0])[:-4]

    def to_bytes(self) -> bytes:
        """The whole file."""
        return self.sealed(self.fields[6], self.numbers(), self.contents())

    def sealed(self, coder_and_flags: int, *parts: bytes) -> bytes:
        """A file of these parts."""
        body = b"".join((SHORT_SIGNATURE, bytes((coder_and_flags,)), *parts))
        return body + struct.pack(">I", zlib.crc32(body))


@functools.cache  # the reference kernels take their time
def context_payload(
    shape: tuple[int, int], labels: tuple[int, ...], palette: bytes, settings: int
) -> bytes:
    """The payload of a tile; with the model dense where the settings' gives no less."""
    height, width = shape
    dense = Parts(width, height, palette, labels, "dense").payloads()[0]
    rest = None
    if settings:
        colors = np.frombuffer(palette, dtype=np.uint8).reshape(-1, 3)
        array = np.array(labels, dtype=label_dtype(len(colors))).reshape(shape)
        order = kernels.tree_order(colors)
        rest = kernels.context_encode(array, order, colors, settings, len(dense))
    return b"\0" + dense if rest is None else bytes((settings,)) + rest


@dataclass(frozen=True)
class Valid:
    """A file that every decoder decodes."""

    name: str
    what: str
    rules: tuple[str, ...]
    parts: Parts

    @property
    def data(self) -> bytes:
        """The file."""
        return self.parts.to_bytes()

    def entry(self) -> dict[str, object]:
        """Its place in the index."""
        return {
            "name": f"valid/{self.name}.kq",
            "what": self.what,
            "rules": list(self.rules),
            "width": self.parts.width,
            "height": self.parts.height,
            "k": self.parts.k,
            **self.parts.described(),
            "pixels_sha256": hashlib.sha256(self.parts.pixels()).hexdigest(),
            "file_sha256": hashlib.sha256(self.data).hexdigest(),
            **self.metadata(),
        }

    def metadata(self) -> dict[str, object]:
        """What the sections of rule 5.6 hold, if there are any."""
        sections = self.parts.sections or ()
        first = {kind: data for kind, data in reversed(sections) if kind in METADATA}
        hashes = {k.decode().strip(): hashlib.sha256(d).hexdigest() for k, d in first.items()}
        return {"metadata_sha256": dict(sorted(hashes.items()))} if hashes else {}


@dataclass(frozen=True)
class Invalid:
    """A file that every decoder refuses."""

    name: str
    what: str
    rule: str
    kind: str
    data: bytes

    def entry(self) -> dict[str, object]:
        """Its place in the index."""
        return {
            "name": f"invalid/{self.name}.kq",
            "what": self.what,
            "rule": self.rule,
            "kind": self.kind,
            "file_sha256": hashlib.sha256(self.data).hexdigest(),
        }


# ── Contents ────────────────────────────────────────────────────────────────


def colors(k: int) -> bytes:
    """K different colours: 97 is odd, so that red runs through all its values."""
    return b"".join(bytes((97 * i & 255, 57 * i & 255, i >> 8)) for i in range(k))


def scattered(count: int, k: int) -> tuple[int, ...]:
    """Labels in no order (a linear congruence's upper bits), K − 1 and 0 first."""
    labels = [k - 1, 0]
    state = 1
    while len(labels) < count:
        state = (1_103_515_245 * state + 12_345) % 2**31
        labels.append((state >> 8) * k >> 23)
    return tuple(labels[:count])


def patterned(width: int, height: int, k: int) -> tuple[int, ...]:
    """Labels with flat places, edges, lines, a texture that repeats, and a few others."""
    labels = []
    other = scattered(width * height, k)
    for r in range(height):
        for c in range(width):
            if (c - width // 3) ** 2 + (r - height // 3) ** 2 < (min(width, height) // 4) ** 2:
                label = 1
            elif 2 * r > height:
                label = (c % 6) * (c % 6 + r % 4) + 2
            elif c > r:
                label = (c + r) // 5
            else:
                label = 0
            i = r * width + c
            labels.append(other[i] if i % 23 == 11 else label % k)
    return tuple(labels)


def with_sections(parts: Parts, *sections: tuple[bytes, bytes]) -> Parts:
    """The same with extension sections."""
    return replace(parts, sections=tuple(Section(*section) for section in sections))


def flipped(data: bytes, position: int, bit: int = 0) -> bytes:
    """The bytes with one bit changed; positions may count from the end."""
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)
