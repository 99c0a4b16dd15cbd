"""What was saved of a damaged file, and the clean file made of it.

The payloads of sound tiles are copied byte for byte, and so are the palette and the
sections whose checksums are right; the directory is made from the tiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from kqcodec.coding import label_index
from kqcodec.coding.coders import coder_of, label_coder_of
from kqcodec.coding.encoder import encoded_parts
from kqcodec.coding.id_images import indexed_ids
from kqcodec.coding.id_table import IdTable
from kqcodec.coding.label_files import encoded_labels, painted
from kqcodec.coding.meaning import Meaning
from kqcodec.coding.options import CodingOptions
from kqcodec.format.container import SECTION_KINDS, Sealer
from kqcodec.format.labels import label_dtype
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.images.metadata import Metadata
from kqcodec.storage.atomic_write import write_to

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kqcodec.coding.coders import Coder
    from kqcodec.coding.repair.damaged_front import Damage, Front
    from kqcodec.coding.repair.tile_search import Places
    from kqcodec.format.container import Section
    from kqcodec.format.grid import Box
    from kqcodec.format.header import Header
    from kqcodec.format.names import EffortName

_COPY_EFFORT: EffortName = "fast"  # of a tile of one colour, which takes a few bytes by any


@dataclass(frozen=True)
class Recovery:
    """What was saved of a file.

    Attributes:
        labels: the labels, shape (H, W), or the ids of a label map, of its dtype and shape,
            lost tiles filled.
        header: the header of the damaged file, put right if it was damaged.
        lost: the indices of the tiles that are lost, ascending.
        damages: everything that is wrong with the file, in its order; none if it is sound.
        fill: the colour in the lost tiles, red, green, blue and, if the palette has it,
            alpha; of a label map that of the id in them.
        fill_label: its label, or that id.
        coded_anew: whether ``to_bytes`` codes every tile anew, since the palette, or the
            table of ids, had to change; otherwise sound tiles keep their bytes.
    """

    labels: NDArray[Any]
    header: Header
    lost: tuple[int, ...]
    damages: tuple[Damage, ...]
    fill: tuple[int, ...]
    fill_label: int
    coded_anew: bool
    _palette: NDArray[np.uint8] | None  # of a picture
    _front: Front
    _places: Places
    _data: memoryview
    _short: bytes | None  # the file, if it is one in the short form

    @cached_property
    def image(self) -> IndexedImage:
        """The picture, lost tiles filled, with the metadata that are sound; of a label map as
        ``KqFile.read`` has it: LabelsError where an id is below 0 or over 65,535."""
        metadata = Metadata.from_sections(self._front.sections)
        if self._palette is not None:
            return IndexedImage(self._palette, self.labels, metadata=metadata)
        table = IdTable.of(self.labels)
        entries = table.entries_of(self.labels.reshape(self.labels.shape[:2]))
        return indexed_ids(entries, table, self.meaning, metadata)

    @property
    def meaning(self) -> Meaning:
        """What the ids of a label map mean, if the section that says so is sound."""
        return Meaning.from_sections(self._front.sections)

    def to_pixels(self) -> NDArray[np.uint8]:
        """The pixels, lost tiles filled: uint8, shape (H, W, 3), or (H, W, 4) with alpha."""
        if self._palette is not None:
            return self.image.to_pixels()
        return painted(self.labels, self.meaning)

    @property
    def k(self) -> int:
        """How many entries the palette has, or of a label map how many ids there are."""
        return len(IdTable.of(self.labels).distinct if self._palette is None else self._palette)

    @property
    def tiles(self) -> int:
        """How many tiles the picture has."""
        return self.header.grid.count

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The box of each lost tile."""
        grid = self.header.grid
        return tuple(grid.box(tile) for tile in self.lost)

    @property
    def lost_pixels(self) -> int:
        """How many pixels are lost."""
        return sum(box.pixels for box in self.boxes)

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """Which pixels are lost: shape (H, W)."""
        mask = np.zeros((self.header.height, self.header.width), dtype=np.bool_)
        for box in self.boxes:
            mask[box.slices] = True
        return mask

    def to_bytes(self) -> bytes:
        """The clean file. A file that was sound comes back as it was."""
        return b"".join(self.parts())

    def write(self, target: str | os.PathLike[str] | BinaryIO, *, overwrite: bool = True) -> int:
        """Write the clean file to a path or a binary file object, as ``kqcodec.write`` does.

        Returns:
            The bytes written.
        """
        return write_to(target, self.parts(), overwrite)

    def parts(self) -> Iterator[bytes]:
        """The clean file part by part."""
        if self._short is not None and not self.damages:
            yield self._short
            return
        if self.coded_anew:
            yield from self._coded_anew()
            return
        sealer = Sealer(self.header)
        yield self.header.to_bytes()
        yield self._front.stored_palette
        if self.header.sections:
            yield sealer.sections(self._sections)
        filled = self._filled_tiles()
        lost = set(self.lost)
        lengths = []
        for tile in range(self.tiles):
            if tile in lost:
                payload = filled.payload(tile)
            else:
                payload = bytes(payload_of(self._data, self._places, tile))
            lengths.append(len(payload))
            yield sealer.tile(tile, payload)
        yield sealer.directory(lengths)

    @property
    def _sections(self) -> list[Section]:
        """Those that are sound, and still say what is right: no index of what is lost."""
        lost = label_index.KIND if self.lost else b""
        return [section for section in self._front.sections if section.kind != lost]

    def _coded_anew(self) -> Iterator[bytes]:
        x, y = self.header.tile_exponents
        sides = (1 << x if x else 0, 1 << y if y else 0)
        options = CodingOptions(coder=self.header.coder, tile=sides)
        if self.header.label_map:
            yield from encoded_labels(self.labels, options, self._sections)
            return
        known = set(SECTION_KINDS.values())
        other = [section for section in self._front.sections if section.kind not in known]
        yield from encoded_parts(self.image, options, sections=other)

    def _filled_tiles(self) -> _FilledTiles:
        header, table = self.header, self._front.table
        if table is None:
            coder = coder_of(header.coder, self.image.palette, _COPY_EFFORT)
            return _FilledTiles(coder, header, self.fill_label, label_dtype(header.k))
        coder = label_coder_of(header.coder, header.k, table.entries, _COPY_EFFORT)
        entry = int((table.ids == table.dtype.type(self.fill_label)).argmax())
        return _FilledTiles(coder, header, entry, table.label_dtype)


class _FilledTiles:
    """The payloads of tiles of one colour, of which there are at most four."""

    def __init__(
        self, coder: Coder, header: Header, label: int, dtype: type[np.unsignedinteger[Any]]
    ) -> None:
        self._coder, self._grid, self._label, self._dtype = coder, header.grid, label, dtype
        self._known: dict[tuple[int, int], bytes] = {}

    def payload(self, tile: int) -> bytes:
        box = self._grid.box(tile)
        shape = (box.height, box.width)
        if shape not in self._known:
            labels = np.full(shape, self._label, dtype=self._dtype)
            self._known[shape] = self._coder.encode(labels)
        return self._known[shape]


def payload_of(data: memoryview, places: Places, tile: int) -> memoryview:
    """The payload of a tile that was found."""
    start = int(places.starts[tile])
    return data[start : start + int(places.lengths[tile])]
