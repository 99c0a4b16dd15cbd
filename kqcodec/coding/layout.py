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
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.coders import Coder, coder_of, label_coder_of
from kqcodec.coding.options import CODED_PALETTES, DEFAULT_CODING, CodingOptions
from kqcodec.coding.palette import encode_palette
from kqcodec.errors import ArgumentError, InvalidDataError
from kqcodec.format.container import MAX_SECTIONS, Sealer
from kqcodec.format.header import CHECKSUM_SIZE, HEADER_SIZE, MAX_TILE_LABELS, Header
from kqcodec.format.labels import palette_bytes
from kqcodec.format.short_form import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from kqcodec.coding.id_table import IdTable
    from kqcodec.format.container import Section
    from kqcodec.format.grid import Grid
    from kqcodec.format.labels import Labels
    from kqcodec.format.sequence import FrameTiming


@dataclass(frozen=True, eq=False)
class Layout:
    """See the module; ``of`` makes one. It can be pickled.

    Attributes:
        header: the file's.
        palette: uint8, shape (K, 3) or (K, 4), in its stored order; of a label map (0, 3).
        sections: extension sections.
        coded_palette: the palette's payload, where it is coded; of a label map its table's.
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
        options: CodingOptions = DEFAULT_CODING,
        *,
        sections: Sequence[Section] = (),
        timing: FrameTiming | None = None,
    ) -> Layout:
        """The layout of a picture of that size with that palette, or with a timing of a sequence
        of them; ValueError if there is no such file."""
        sections = _checked_sections(sections, timing)
        coded = None
        if options.coder in CODED_PALETTES:
            coded = encode_palette(palette_bytes(palette), len(palette))
        header = header_of(
            len(palette),
            width,
            height,
            options,
            sections=sections,
            alpha=palette.shape[1] == 4,
            coded_palette=coded is not None,
        )
        coder = coder_of(options.coder, palette, options.effort)
        return cls(header, palette, sections, coded, coder)

    @classmethod
    def of_labels(
        cls,
        table: IdTable,
        k: int,
        width: int,
        height: int,
        options: CodingOptions,
        *,
        sections: Sequence[Section] = (),
        timing: FrameTiming | None = None,
    ) -> Layout:
        """The layout of a label map of that size with those ids, of which a tile has at most
        ``k``, or with a timing of a sequence of them; ValueError if there is no such file."""
        sections = _checked_sections(sections, timing)
        header = header_of(
            k, width, height, options, sections=sections, alpha=False, label_map=True
        )
        coder = label_coder_of(options.coder, k, table.entries, options.effort)
        none = np.empty((0, 3), dtype=np.uint8)
        return cls(header, none, sections, table.to_payload(), coder)

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
        start = self.start()
        if self.grid.count == 1:
            payloads = list(payloads)
            palette = start[HEADER_SIZE:-CHECKSUM_SIZE]
            short = shorten(self.header, palette, payloads[0]) if len(payloads) == 1 else None
            if short is not None:
                yield short
                return
        yield start
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
    options: CodingOptions,
    *,
    sections: Sequence[Section],
    alpha: bool,
    coded_palette: bool = False,
    label_map: bool = False,
) -> Header:
    """The header of a file whose palette has ``k`` entries; ValueError if there is none."""
    exponents = options.tile_exponents(width, height)
    wide, high = (1 << e if e else side for e, side in zip(exponents, (width, height), strict=True))
    if wide * high > MAX_TILE_LABELS:
        raise ArgumentError(
            f"a tile of {wide} x {high} pixels is over {MAX_TILE_LABELS:,} (rule 6.2)",
            "smaller tiles",
        )
    try:
        return Header(
            coder=options.coder,
            width=width,
            height=height,
            k=k,
            tile_exponents=exponents,
            sections=bool(sections),
            alpha=alpha,
            coded_palette=coded_palette,
            label_map=label_map,
        )
    except InvalidDataError as exc:
        raise ValueError(str(exc)) from exc


def _checked_sections(
    sections: Sequence[Section], timing: FrameTiming | None
) -> tuple[Section, ...]:
    """The sections, behind that of a sequence."""
    for section in sections:
        if not section.optional:
            raise ValueError(f"no reader knows the mandatory section {section.kind!r}")
    frames = [] if timing is None else [timing.to_section()]
    if len(frames) + len(sections) > MAX_SECTIONS:
        raise ValueError(f"a file has at most {MAX_SECTIONS} sections, not {len(sections)}")
    return (*frames, *sections)
