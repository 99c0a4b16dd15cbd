"""All of a file that is known before its tiles are: header, palette, sections, and how
the tiles are cut and coded.

The checksum of a tile's record depends on the header and on nothing that precedes it,
so records can be made in any order, on any machine that has the layout, and put
together one after the other:

    layout.start() + layout.record(0, …) + layout.record(1, …) + … + layout.end(lengths)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from kqcodec.coding.coders import Coder, check_coder, coder_of
from kqcodec.coding.options import CODED_PALETTES, DEFAULT_CODER, DEFAULT_EFFORT
from kqcodec.coding.palette import encode_palette
from kqcodec.errors import ArgumentError, InvalidDataError
from kqcodec.format.container import MAX_SECTIONS, SECTION_KINDS, Sealer
from kqcodec.format.grid import POLICIES
from kqcodec.format.header import (
    MAX_TILE_EXPONENT,
    MAX_TILE_LABELS,
    MIN_TILE_EXPONENT,
    Header,
)
from kqcodec.format.integers import shown, whole_number
from kqcodec.format.labels import palette_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.format.container import Section
    from kqcodec.format.grid import Grid
    from kqcodec.format.labels import Labels

# None: by the picture's size; 0: one tile; a side, or (width, height).
TileSize: TypeAlias = "int | tuple[int, int] | None"


@dataclass(frozen=True, eq=False)
class Layout:
    """See the module; ``of`` makes one. It can be pickled.

    Attributes:
        header: the file's.
        palette: uint8, shape (K, 3) or (K, 4), in its stored order.
        sections: extension sections.
        coded_palette: the palette's payload, where it is coded.
        coder: what codes tiles.
    """

    header: Header
    palette: NDArray[np.uint8]
    sections: tuple[Section, ...]
    coded_palette: bytes | None
    coder: Coder

    @classmethod
    def of(
        cls,
        palette: NDArray[np.uint8],
        width: int,
        height: int,
        *,
        coder: str = DEFAULT_CODER,
        effort: str = DEFAULT_EFFORT,
        tile: TileSize = None,
        sections: Sequence[Section] = (),
    ) -> Layout:
        """The layout of a picture of that size with that palette; the rest is as for
        ``encode_indexed``.

        Raises:
            TypeError, ValueError: an argument is of the wrong kind or out of range.
        """
        check_coder(coder, effort)
        _check_sections(sections)
        coded = None
        if coder in CODED_PALETTES:
            coded = encode_palette(palette_bytes(palette), len(palette))
        header = header_of(
            len(palette),
            width,
            height,
            coder=coder,
            tile=tile,
            sections=sections,
            alpha=palette.shape[1] == 4,
            coded_palette=coded is not None,
        )
        return cls(header, palette, tuple(sections), coded, coder_of(coder, palette, effort))

    @property
    def grid(self) -> Grid:
        """The tiles."""
        return self.header.grid

    @cached_property
    def _sealer(self) -> Sealer:
        return Sealer(self.header)

    def start(self) -> bytes:
        """The file up to its first tile."""
        start = self.header.to_bytes()
        start += self._sealer.palette(palette_bytes(self.palette), self.coded_palette)
        return start + (self._sealer.sections(self.sections) if self.sections else b"")

    def payload(self, labels: Labels) -> bytes:
        """The payload of a tile with these labels, of its shape, each below K."""
        return self.coder.encode(labels)

    def record(self, index: int, payload: bytes) -> bytes:
        """The record of the tile of that index."""
        return self._sealer.tile(index, payload)

    def end(self, lengths: list[int]) -> bytes:
        """The directory, from the lengths of all payloads; nothing for one tile."""
        return self._sealer.directory(lengths)

    def parts(self, payloads: Iterable[bytes]) -> Iterator[bytes]:
        """The whole file, from the payloads of all tiles in order."""
        yield self.start()
        lengths = []
        for index, payload in enumerate(payloads):
            lengths.append(len(payload))
            yield self.record(index, payload)
        if len(lengths) != self.grid.count:
            raise ValueError(f"{len(lengths)} payloads for {self.grid.count} tiles")
        yield self.end(lengths)


def header_of(
    k: int,
    width: int,
    height: int,
    *,
    coder: str,
    tile: TileSize,
    sections: Sequence[Section],
    alpha: bool,
    coded_palette: bool = False,
) -> Header:
    """The header of a file; see ``encode_indexed``.

    Raises:
        TypeError, ValueError: there is none.
    """
    exponents = tile_exponents(tile, width, height, coder)
    wide, high = (1 << e if e else side for e, side in zip(exponents, (width, height), strict=True))
    if wide * high > MAX_TILE_LABELS:
        raise ArgumentError(
            f"a tile of {wide} x {high} pixels is over {MAX_TILE_LABELS:,} (rule 6.2)",
            "smaller tiles",
        )
    try:
        return Header(
            coder=coder,
            width=width,
            height=height,
            k=k,
            tile_exponents=exponents,
            sections=bool(sections),
            minor=_least_minor(coder, alpha, sections),
            alpha=alpha,
            coded_palette=coded_palette,
        )
    except InvalidDataError as exc:
        raise ValueError(str(exc)) from exc


def _check_sections(sections: Sequence[Section]) -> None:
    if len(sections) > MAX_SECTIONS:
        raise ValueError(f"a file has at most {MAX_SECTIONS} sections, not {len(sections)}")
    for section in sections:
        if not section.optional:
            raise ValueError(f"no reader knows the mandatory section {section.kind!r}")


def _least_minor(coder: str, alpha: bool, sections: Sequence[Section]) -> int:
    """The least minor version of the format that has all that the file uses."""
    if coder == "context":
        return 2
    return int(alpha or any(section.kind in SECTION_KINDS.values() for section in sections))


def tile_exponents(tile: TileSize, width: int, height: int, coder: str) -> tuple[int, int]:
    """The header's exponents (x, y) for a tile size; 0 where the tile is as wide
    or high as the picture.

    Raises:
        TypeError, ValueError: not a tile size; see ``encode_indexed``.
    """
    if tile is None:
        policy = POLICIES[coder]
        tile = 0 if width * height <= policy.one_tile_pixels else policy.side
    pair = tuple(tile) if isinstance(tile, (tuple, list)) else (tile, tile)
    if len(pair) != 2:
        raise TypeError(f"tile must be a whole number or a pair of them, not {shown(tile)}")
    return _exponent(pair[0], width), _exponent(pair[1], height)


def _exponent(side: int, length: int) -> int:
    lowest, highest = 1 << MIN_TILE_EXPONENT, 1 << MAX_TILE_EXPONENT
    side = whole_number(side, "a tile side", 0, highest)
    if side & (side - 1) or 0 < side < lowest:
        raise ValueError(
            f"a tile side must be 0 or a power of two from {lowest} to {highest:,}, not {side}"
        )
    return 0 if side == 0 or side >= length else side.bit_length() - 1
