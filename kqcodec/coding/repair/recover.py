"""Damaged files: what of the picture is whole, and a clean file that holds it.

Tiles are independent (spec/kq.md, section 6), so that damage costs the tiles that it
touches and no others. Here the rest is decoded, what is lost is told and filled, and the
file is written anew: the payloads of sound tiles are copied byte for byte, and so are the
palette and the sections whose checksums are right; the directory is made from the tiles.

The fill is an entry of the palette, since its entries are all the colours that a tile can
have. A colour that isn't among them is added, and then every tile is coded anew, without
loss: the size of a label depends on the number of entries.
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np

from kqcodec.coding.coders import coder_of
from kqcodec.coding.encoder import encoded_parts
from kqcodec.coding.repair import damaged_front
from kqcodec.coding.repair.damaged_front import Damage, Front
from kqcodec.coding.repair.tile_search import Places, find_tiles
from kqcodec.coding.work import most_work, work_of
from kqcodec.colors.values import colors_from, with_alpha
from kqcodec.errors import ChecksumError, FormatError, LimitError, TruncatedError
from kqcodec.format.container import SECTION_KINDS, Record, Sealer
from kqcodec.format.header import HEADER_SIZE, MAX_COLORS, Header
from kqcodec.format.labels import label_dtype, palette_of_bytes
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits, memory_for
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.images.metadata import Metadata
from kqcodec.storage.atomic_write import write_to
from kqcodec.storage.opening import open_source
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.coding.coders import Coder
    from kqcodec.format.grid import Box
    from kqcodec.format.labels import Labels
    from kqcodec.quantization.palette_files import PaletteLike
    from kqcodec.storage.opening import Readable

    # "transparent", "#rrggbb", "#rrggbbaa", or three or four numbers.
    Fill: TypeAlias = "str | Sequence[int]"

TRANSPARENT = "transparent"
GREY = "grey"
_MIDDLE = 128
_COPY_EFFORT = "fast"  # of a tile of one colour, which takes a few bytes by any


class DamageWarning(UserWarning):
    """A part of the picture was damaged, and is filled."""


@dataclass(frozen=True)
class Recovery:
    """What was saved of a file.

    Attributes:
        image: the picture, lost tiles filled; with the metadata that are sound.
        header: the header of the damaged file, put right if it was damaged.
        lost: the indices of the tiles that are lost, ascending.
        damages: everything that is wrong with the file, in its order; none if it is sound.
        fill: the colour in the lost tiles, red, green, blue and, if the palette has it,
            alpha.
        fill_label: its label.
        coded_anew: whether ``to_bytes`` codes every tile anew, since the palette had to
            change; otherwise sound tiles keep their bytes.
    """

    image: IndexedImage
    header: Header
    lost: tuple[int, ...]
    damages: tuple[Damage, ...]
    fill: tuple[int, ...]
    fill_label: int
    coded_anew: bool
    _front: Front
    _places: Places
    _data: memoryview

    @property
    def tiles(self) -> int:
        """How many tiles the picture has."""
        return self.header.grid.count

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The rectangle of each lost tile: left, upper, right, lower, as Pillow's."""
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
        """Write the clean file; as ``kqcodec.write``, whose arguments and errors these are.

        Returns:
            The bytes written.
        """
        return write_to(target, self.parts(), overwrite)

    def parts(self) -> Iterator[bytes]:
        """The clean file part by part."""
        if self.coded_anew:
            known = set(SECTION_KINDS.values())
            other = [section for section in self._front.sections if section.kind not in known]
            sides = tuple(1 << side if side else 0 for side in self.header.tile_exponents)
            yield from encoded_parts(
                self.image, coder=self.header.coder, tile=(sides[0], sides[1]), sections=other
            )
            return
        sealer = Sealer(self.header)
        yield self.header.to_bytes()
        yield self._front.stored_palette
        if self.header.sections:
            yield sealer.sections(self._front.sections)
        coder = coder_of(self.header.coder, self.image.palette, _COPY_EFFORT)
        filled = _FilledTiles(coder, self.header, self.fill_label)
        lost = set(self.lost)
        lengths = []
        for tile in range(self.tiles):
            payload = filled.payload(tile) if tile in lost else self._payload(tile)
            lengths.append(len(payload))
            yield sealer.tile(tile, payload)
        yield sealer.directory(lengths)

    def _payload(self, tile: int) -> bytes:
        return bytes(_payload_of(self._data, self._places, tile))


class _FilledTiles:
    """The payloads of tiles of one colour, of which there are at most four."""

    def __init__(self, coder: Coder, header: Header, label: int) -> None:
        self._coder, self._grid, self._label = coder, header.grid, label
        self._dtype = label_dtype(header.k)
        self._known: dict[tuple[int, int], bytes] = {}

    def payload(self, tile: int) -> bytes:
        box = self._grid.box(tile)
        shape = (box.height, box.width)
        if shape not in self._known:
            labels = np.full(shape, self._label, dtype=self._dtype)
            self._known[shape] = self._coder.encode(labels)
        return self._known[shape]


def recover(
    source: Readable,
    *,
    fill: Fill | None = None,
    palette: PaletteLike | None = None,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> Recovery:
    """Save what is whole of a damaged file.

    A tile counts if its checksum matches and its labels are valid. A lost directory, a
    tile's damaged length and a header with one wrong byte cost nothing; bytes that are
    missing or too many cost the tiles that they are in. A file of one tile has nothing
    that could be saved without it.

    Args:
        source: a path, the file's bytes, or a binary file object. All of it is read.
        fill: the colour of what is lost: "#rrggbb", "#rrggbbaa", "transparent", or three
            or four numbers. One that the palette lacks is added to it, and then all tiles
            are coded anew. None for a transparent entry if there is one, else the entry
            nearest to middle grey.
        palette: for a file whose palette is damaged, its colours: an array, a list, or
            the path of a palette file; or "grey" for shades of grey in the order of the
            labels. By the coder context labels can't be read without their palette, so
            that only the very same one will do. A sound palette is kept instead.
        threads: how many threads decode tiles; None for as many as there are processors.
        max_pixels: as for ``decode``; see ``kqcodec.format.limits``.

    Raises:
        FormatError: not a .kq file, over a limit, or nothing of it could be saved.
        OSError: the file can't be read.
        TypeError, ValueError: a wrong argument, or a fill for which the palette has no
            room.
        PaletteError: the palette file can't be read.
    """
    wanted = None if fill is None else _fill_color(fill)
    count = thread_count(threads)
    limits = Limits.of(max_pixels)
    data = _contents(source, limits)

    def check(header: Header) -> None:
        limits.check_picture(header)
        limits.check_tile(header)

    front = damaged_front.read_front(data, check, limits.check_metadata)
    if front.palette is None:
        front = _with_palette(front, palette)
    header = front.header
    colors = palette_of_bytes(front.palette or b"", header.k)
    with memory_for(header):  # untouched as yet, so that a claim costs nothing
        labels: Labels = np.empty((header.height, header.width), dtype=label_dtype(header.k))
    places = find_tiles(data, header, Sealer(header), front.first_record, front.search_from)
    if not places.found.any():
        raise _nothing_saved(front, data)
    _check_work(data, header, places, limits)
    coder = coder_of(header.coder, colors)
    label = _nearest_label(colors, wanted)
    refused = _decoded(data, header, places, coder, labels, label=label, threads=count)
    lost = sorted({*np.flatnonzero(~places.found).tolist(), *refused})
    if len(lost) == header.grid.count:
        raise _nothing_saved(front, data)
    grown, label = _grown(colors, label, wanted) if lost else (colors, label)
    if grown is not colors:
        labels = np.asarray(labels, dtype=label_dtype(len(grown)))
        for tile in lost:
            labels[header.grid.box(tile).slices] = label
    labels.flags.writeable = False
    return Recovery(
        image=IndexedImage(grown, labels, metadata=Metadata.from_sections(front.sections)),
        header=header,
        lost=tuple(lost),
        damages=(*front.damages, *_tile_damages(lost, refused, places, data, header)),
        fill=tuple(int(value) for value in grown[label]),
        fill_label=label,
        coded_anew=grown is not colors,
        _front=front,
        _places=places,
        _data=data,
    )


def recovered_pixels(
    data: Buffer, *, fill: Fill | None, threads: int | None, max_pixels: int | None
) -> NDArray[np.uint8]:
    """What ``decode(data, errors="recover")`` gives.

    Warns:
        DamageWarning: something is lost.
    """
    saved = recover(data, fill=fill, threads=threads, max_pixels=max_pixels)
    if saved.lost:
        first = ", ".join(str(tuple(box)) for box in saved.boxes[:3])
        more = ", ..." if len(saved.lost) > 3 else ""
        warnings.warn(
            f"{len(saved.lost):,} of {saved.tiles:,} tiles are lost: {first}{more}",
            DamageWarning,
            stacklevel=3,
        )
    return saved.image.to_pixels()


def _contents(source: Readable, limits: Limits) -> memoryview:
    """The bytes of the file: as many as one within the limits can have, and some."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return memoryview(source).cast("B")
    with open_source(source) as opened:
        parts: list[memoryview] = []
        most = sys.maxsize if limits.pixels is None else 4 * max(limits.pixels, DEFAULT_MAX_PIXELS)
        while opened.position <= most:
            part = memoryview(opened.read_up_to(min(1 << 24, most + 1 - opened.position)))
            if not part.nbytes:
                return memoryview(b"".join(parts))
            parts.append(part)
    raise LimitError(
        f"the file has more than {most:,} bytes, and so more than a picture within max_pixels; "
        "raise it (--max-pixels) if you trust the file"
    )


# --- palette and fill ------------------------------------------------------------


def _with_palette(front: Front, given: PaletteLike | None) -> Front:
    """The front with a palette in place of the damaged one.

    Raises:
        ChecksumError: none is given, or not the one that is needed.
    """
    from dataclasses import replace

    header = front.header
    if given is None:
        other = "its colours" if header.coder == "context" else 'its colours, or "grey",'
        raise ChecksumError(
            "the palette is damaged, and without it the labels have no colours; "
            f"give {other} as palette (--palette)"
        )
    plain = _plain_palette(given, header)
    coded = None
    if header.coded_palette:
        from kqcodec.coding.palette import encode_palette

        coded = encode_palette(plain, header.k)
    if header.coded_palette and coded is None:
        raise _wrong_palette()
    part = Sealer(header).palette(plain, coded)
    # The labels of context are only what they are with the palette that coded them.
    if header.coder == "context" and part[-4:] != front.stored_palette[-4:]:
        raise _wrong_palette()
    told = Damage("palette", "its checksum doesn't match; the one that was given is used")
    damages = [told if damage.part == "palette" else damage for damage in front.damages]
    return replace(front, palette=plain, stored_palette=part, damages=damages)


def _wrong_palette() -> ChecksumError:
    return ChecksumError(
        "the palette is damaged, and the one that was given is not the one that the labels were "
        "coded with"
    )


def _plain_palette(given: PaletteLike, header: Header) -> bytes:
    from kqcodec.format.labels import palette_bytes
    from kqcodec.quantization.palette_files import palette_from

    if isinstance(given, str) and given == GREY:
        greys = np.linspace(0, 255, header.k).round().astype(np.uint8)
        colors = np.repeat(greys[:, None], 3, axis=1)
    else:
        colors = palette_from(given)
    if len(colors) != header.k:
        raise ValueError(f"the palette must have {header.k:,} colours, not {len(colors):,}")
    colors = with_alpha(colors)
    if not header.alpha:
        if (colors[:, 3] != 255).any():
            raise ValueError("the palette has alpha, and the file's has none")
        colors = colors[:, :3]
    return palette_bytes(colors)


def _fill_color(fill: Fill) -> tuple[int, ...]:
    """Four numbers."""
    if isinstance(fill, str) and fill == TRANSPARENT:
        return 0, 0, 0, 0
    return tuple(int(value) for value in with_alpha(colors_from([fill], "fill"))[0])


def _nearest_label(palette: NDArray[np.uint8], wanted: tuple[int, ...] | None) -> int:
    """The entry for what is lost: that colour, or what is nearest to middle grey, but a
    transparent one first."""
    full = with_alpha(palette).astype(np.int64)
    clear = np.flatnonzero(full[:, 3] == 0)
    if wanted is None and clear.size:
        return int(clear[0])
    if wanted is not None and wanted[3] == 0 and clear.size:
        return int(clear[0])
    middle = (_MIDDLE, _MIDDLE, _MIDDLE, 255) if wanted is None else wanted
    return int(((full - np.array(middle)) ** 2).sum(axis=1).argmin())


def _grown(
    palette: NDArray[np.uint8], label: int, wanted: tuple[int, ...] | None
) -> tuple[NDArray[np.uint8], int]:
    """The palette with the wanted colour, if it lacks it, and its label."""
    full = with_alpha(palette)
    clear = wanted is not None and wanted[3] == 0 and int(full[label, 3]) == 0
    if wanted is None or clear or tuple(full[label].tolist()) == wanted:
        return palette, label
    if len(palette) == MAX_COLORS:
        raise ValueError(
            f"the palette has {MAX_COLORS:,} colours, and no room for another; "
            "choose a fill from among them, or none"
        )
    grown = np.vstack([full, np.array([wanted], dtype=np.uint8)])
    if palette.shape[1] == 3 and wanted[3] == 255:
        grown = np.ascontiguousarray(grown[:, :3])
    grown.flags.writeable = False
    return grown, len(palette)


# --- tiles -------------------------------------------------------------------------


def _check_work(data: memoryview, header: Header, places: Places, limits: Limits) -> None:
    """Raise LimitError if decoding all that was found takes too much work."""
    if limits.work is None:
        return
    most = most_work(header, header.pixels, header.grid.count)
    if most > limits.work:
        found = np.flatnonzero(places.found).tolist()
        records = (Record(tile, _payload_of(data, places, tile), 0) for tile in found)
        limits.check_work(sum(work_of(header, record) for record in records), most)


def _payload_of(data: memoryview, places: Places, tile: int) -> memoryview:
    start = int(places.starts[tile])
    return data[start : start + int(places.lengths[tile])]


def _decoded(
    data: memoryview,
    header: Header,
    places: Places,
    coder: Coder,
    labels: Labels,
    *,
    label: int,
    threads: int,
) -> dict[int, str]:
    """Fill ``labels``; returns why tiles that were found are lost all the same."""
    labels.fill(label)
    grid = header.grid
    refused: dict[int, str] = {}

    def decode(tile: int) -> None:
        box = grid.box(tile)
        payload = _payload_of(data, places, tile)
        part = np.empty((box.height, box.width), dtype=labels.dtype)
        try:
            coder.decode(payload, part)
        except FormatError as exc:
            refused[tile] = str(exc)
        else:
            labels[box.slices] = part

    found = np.flatnonzero(places.found).tolist()
    for _ in ordered_map(decode, found, min(threads, len(found))):
        pass
    return refused


def _tile_damages(
    lost: list[int], refused: dict[int, str], places: Places, data: memoryview, header: Header
) -> Iterator[Damage]:
    last_found = int(np.flatnonzero(places.found)[-1])
    cut = last_found < header.grid.count - 1 and not places.directory
    for tile in lost:
        reason = "its record is damaged"
        if tile in refused:
            reason = refused[tile]
        elif cut and tile > last_found:
            reason = "it is damaged or cut off"
        yield Damage(f"tile {tile}", reason)
    if not places.directory:
        yield Damage("directory", "it is damaged, and made anew from the tiles")
    if places.end < len(data):
        extra = len(data) - places.end
        yield Damage("end", f"{extra:,} byte{'s' * (extra > 1)} that don't belong to the file")


def _nothing_saved(front: Front, data: memoryview) -> FormatError:
    tiles = front.header.grid.count
    whole = "its only tile isn't whole" if tiles == 1 else f"none of its {tiles:,} tiles is whole"
    least = HEADER_SIZE + len(front.stored_palette)
    kind = TruncatedError if len(data) <= least else ChecksumError
    return kind(f"nothing of the picture can be saved: {whole}")
