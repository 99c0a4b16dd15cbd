"""The header: the first 20 bytes of a file (spec/kq.md, section 2).

Everything else follows from it: the size of the palette, the tiles, and for the
coders packed and dense the length of the file. No NumPy is imported, so that
looking at a file stays cheap.
"""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kqcodec.errors import (
    ChecksumError,
    InvalidDataError,
    SignatureError,
    TruncatedError,
    UnsupportedError,
)
from kqcodec.format.grid import Grid

if TYPE_CHECKING:
    from kqcodec.format.names import CoderName

SIGNATURE = bytes.fromhex("cb510d0a0a")
SHORT_SIGNATURE = bytes.fromhex("cb6b")  # of the short form (kqcodec.format.short_form)
SIGNATURES = SIGNATURE, SHORT_SIGNATURE
MAJOR, MINOR = 1, 0

CODER_NUMBERS: dict[CoderName, int] = {"packed": 0, "dense": 1, "context": 2, "tokens": 3}
CODER_NAMES = {number: name for name, number in CODER_NUMBERS.items()}

FLAG_ALPHA = 1 << 0
FLAG_CODED_PALETTE = 1 << 1
FLAG_SECTIONS = 1 << 2
FLAG_LABEL_MAP = 1 << 3
_FLAGS = 0x1F
_KNOWN_FLAGS = FLAG_ALPHA | FLAG_CODED_PALETTE | FLAG_SECTIONS | FLAG_LABEL_MAP

HEADER_SIZE = 20
CHECKSUM_SIZE = 4
MAX_SIDE = 2**32 - 1
MAX_COLORS = 65_536
MAX_TILE_LABELS = 2**26
MIN_TILE_EXPONENT, MAX_TILE_EXPONENT = 4, 18  # tile sides of 16 to 262,144

_FIELDS = struct.Struct(">5sBBBIIH")  # the header without its checksum

# What a text-mode transfer makes of the signature, and its name.
_MANGLED = {
    b"KQ\r\n\n": "its eighth bits were cleared",
    b"\xcbQ\n\n": "CR LF became LF: it was transferred as text",
    b"\xcbQ\r\r\n": "LF became CR LF: it was transferred as text",
    b"\xcbQ\r\n\r": "LF became CR LF: it was transferred as text",
    b"\xc3\x8bQ\r\n": "it was re-encoded from Latin-1 to UTF-8",
    b"\xef\xbf\xbdQ": "it was decoded as UTF-8 text",
}


@dataclass(frozen=True)
class Header:
    """The first 20 bytes of a file. An instance that exists is valid.

    Attributes:
        coder: "packed", "dense", "context" or "tokens".
        width, height: pixels, 1..2**32-1.
        k: palette entries, 1..65,536; of a label map the labels that a tile is coded with.
        tile_exponents: (x, y): tiles are 2**x wide and 2**y high, x and y from
            4 to 18; 0 means as wide or high as the picture.
        sections: whether extension sections follow the palette.
        minor: the format's minor version: 0, and nothing that readers look at.
        alpha: whether the palette has alpha.
        coded_palette: whether the palette is coded; packed and dense have it plain.
        label_map: whether a table of ids stands in the palette's place.

    Raises:
        InvalidDataError: a value outside the format's limits.
    """

    coder: CoderName
    width: int
    height: int
    k: int
    tile_exponents: tuple[int, int] = (0, 0)
    sections: bool = False
    minor: int = MINOR
    alpha: bool = False
    coded_palette: bool = False
    label_map: bool = False

    def __post_init__(self) -> None:
        if self.label_map and (self.alpha or self.coded_palette):
            raise InvalidDataError("a label map with a palette (rule 4.6)")
        if self.coded_palette and self.coder in ("packed", "dense"):
            raise InvalidDataError(f"a coded palette with the coder {self.coder} (rule 4.5)")
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise InvalidDataError(
                f"a picture of {self.width} x {self.height} pixels is impossible (rule 2.6)"
            )
        if not 1 <= self.k <= MAX_COLORS:
            raise InvalidDataError(f"a palette of {self.k} colours is impossible (rule 2.7)")
        for exponent in self.tile_exponents:
            if exponent and not MIN_TILE_EXPONENT <= exponent <= MAX_TILE_EXPONENT:
                raise InvalidDataError(f"a tile side of 2**{exponent} is impossible (rule 2.5)")
        grid = self.grid
        if grid.tile_width * grid.tile_height > MAX_TILE_LABELS:
            raise InvalidDataError(
                f"a tile of {grid.tile_width} x {grid.tile_height} pixels is over "
                f"{MAX_TILE_LABELS:,} (rule 6.2)"
            )

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @cached_property
    def grid(self) -> Grid:
        """The tiles."""
        x, y = self.tile_exponents
        return Grid(
            self.width,
            self.height,
            min(self.width, 1 << x) if x else self.width,
            min(self.height, 1 << y) if y else self.height,
        )

    @property
    def channels(self) -> int:
        """Bytes of a palette's entry: 3, or 4 with alpha."""
        return 4 if self.alpha else 3

    @property
    def palette_size(self) -> int:
        """Bytes of the palette's colours, with their alpha, where they aren't coded."""
        return self.channels * self.k

    @property
    def directory_size(self) -> int:
        """Bytes of the directory and its checksum; 0 in a file of one tile."""
        count = self.grid.count
        return 4 * count + CHECKSUM_SIZE if count > 1 else 0

    def to_bytes(self) -> bytes:
        """The header as it stands in a file."""
        flags = FLAG_SECTIONS if self.sections else 0
        flags |= FLAG_ALPHA if self.alpha else 0
        flags |= FLAG_CODED_PALETTE if self.coded_palette else 0
        flags |= FLAG_LABEL_MAP if self.label_map else 0
        x, y = (e - MIN_TILE_EXPONENT + 1 if e else 0 for e in self.tile_exponents)
        fields = _FIELDS.pack(
            SIGNATURE,
            MAJOR << 4 | self.minor,
            CODER_NUMBERS[self.coder] << 5 | flags,
            x << 4 | y,
            self.width,
            self.height,
            self.k - 1,
        )
        return fields + struct.pack(">H", crc16(fields))

    @classmethod
    def from_bytes(cls, data: bytes) -> Header:
        """Parse and check 20 bytes.

        Raises:
            SignatureError, TruncatedError, ChecksumError, UnsupportedError,
            InvalidDataError: in the order of the checks.
        """
        _check_signature(data)
        if len(data) < HEADER_SIZE:
            raise TruncatedError(f"the file ends within its header, after {len(data)} bytes")
        fields, (checksum,) = data[: _FIELDS.size], struct.unpack_from(">H", data, _FIELDS.size)
        if crc16(fields) != checksum:
            raise ChecksumError("the header is damaged: its checksum doesn't match")
        _, version, coder_and_flags, tile, width, height, last_index = _FIELDS.unpack(fields)
        if version >> 4 != MAJOR:
            raise UnsupportedError(
                f"the file is of format {version >> 4}.{version & 15}; "
                f"this version reads format {MAJOR}"
            )
        coder = _supported_coder(coder_and_flags >> 5, version)
        flags = _supported_flags(coder_and_flags & _FLAGS, version)
        return cls(
            coder=coder,
            width=width,
            height=height,
            k=last_index + 1,
            tile_exponents=(_exponent(tile >> 4), _exponent(tile & 15)),
            sections=bool(flags & FLAG_SECTIONS),
            minor=version & 15,
            alpha=bool(flags & FLAG_ALPHA),
            coded_palette=bool(flags & FLAG_CODED_PALETTE),
            label_map=bool(flags & FLAG_LABEL_MAP),
        )


def crc16(data: bytes) -> int:
    """The CRC-16 of the header and of the heads of sections (rule 2.8)."""
    return binascii.crc_hqx(data, 0xFFFF)


def _exponent(nibble: int) -> int:
    return nibble + MIN_TILE_EXPONENT - 1 if nibble else 0


def _check_signature(data: bytes) -> None:
    if data.startswith(SIGNATURE):
        return
    if data and SIGNATURE.startswith(data):
        raise TruncatedError(f"the file ends within its signature, after {len(data)} bytes")
    for mangled, cause in _MANGLED.items():
        if data.startswith(mangled):
            raise SignatureError(f"a damaged .kq file: {cause}", "binary transfer")
    raise SignatureError("not a .kq file" if data else "an empty file, not a .kq file")


def _supported_coder(number: int, version: int) -> CoderName:
    if number not in CODER_NAMES:
        raise UnsupportedError(
            f"the coder number {number} of format {version >> 4}.{version & 15} "
            "needs a newer version of kqcodec"
        )
    return CODER_NAMES[number]


def _supported_flags(flags: int, version: int) -> int:
    if unknown := flags & ~_KNOWN_FLAGS:
        raise UnsupportedError(
            f"flag {unknown & -unknown:#x} of format {version >> 4}.{version & 15} "
            "needs a newer version of kqcodec"
        )
    return flags
