"""Small .kq files of every kind, cut into their parts, for damage to be done to them.

`small_files` are those of the suite, `all_files` those of the long run: every coder and
effort, every class of K, one tile and many, with and without alpha, metadata and other
sections, plain and coded palettes, and labels from noise to a single colour; and label maps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.decoder import Opened, read
from kqcodec.coding.encoder import encode_indexed
from kqcodec.coding.options import CodingOptions
from kqcodec.format import container
from kqcodec.format.container import Section
from kqcodec.format.labels import label_dtype
from kqcodec.format.limits import Limits
from kqcodec.format.short_form import expand, start
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.labels.label_codec import encode_labels
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = (
    ("packed", "default"),
    ("dense", "default"),
    ("context", "fast"),
    ("context", "default"),
    ("context", "best"),
    ("tokens", "default"),
)
# Width, height, tile: a pixel, one tile, two, and some with narrow and low ones.
SHAPES = ((1, 1, 0), (15, 15, 0), (20, 5, 16), (33, 18, 16))
KS = (1, 2, 3, 4, 7, 10, 16, 17, 100, 255, 256, 257)
SECTIONS = {
    "none": (),
    "metadata": (
        Section(b"icc ", bytes(range(40))),
        Section(b"exif", b"MM\0\x2a\0\0\0\x08\0\0\0\0\0\0"),
        Section(b"xmp ", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"),
    ),
    "unknown": (Section(b"abcd", b""), Section(b"abcd", b"twice"), Section(b"z9 9", b"!" * 20)),
}


@dataclass(frozen=True)
class Part:
    """A stretch of a file that has a meaning of its own."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class File:
    """A file, and the picture in it."""

    name: str
    data: bytes
    picture: IndexedImage


def small_files() -> Iterator[File]:
    """Each way to code and each feature once or twice: some 50 files, most under 300 bytes."""
    for way in WAYS:
        for k, shape in ((1, (3, 2, 0)), (2, (9, 5, 0)), (3, (33, 17, 16)), (17, (20, 9, 16))):
            yield _file(way, k, shape)
        yield _file(way, 16, (7, 5, 0), smooth=True)
        yield _file(way, 5, (18, 4, 16), channels=4, sections="unknown")
    yield _file(("packed", "default"), 257, (4, 3, 0))
    yield _file(("context", "default"), 257, (4, 3, 0), smooth=True)
    yield _file(("tokens", "default"), 257, (18, 15, 0), smooth=True)
    yield _file(("dense", "default"), 4, (18, 4, 16), sections="metadata")
    yield _file(("context", "fast"), 40, (17, 1, 16), smooth=True, sections="metadata")
    short = _file(("context", "default"), 17, (7, 5, 0), smooth=True)
    yield replace(short, name=f"{short.name}-long", data=expand(short.data)[1])
    for number, way in enumerate(WAYS):
        yield _label_map(way, (20 + number, 9, 16))
    for shape in ((7, 5, 0), (33, 17, 16)):
        yield _label_map(("context", "default"), shape, smooth=True)
    yield _label_map(("context", "default"), (18, 17, 16), smooth=True, index=True)


def all_files() -> Iterator[File]:
    """Every way to code with every K in every shape, smooth and noisy, with alpha and
    without in turn; with sections; and some palettes of 4,096 entries."""
    for way in WAYS:
        for number, k in enumerate(KS):
            for turn, shape in enumerate(SHAPES, number):
                channels = 3 if turn % 4 < 2 else 4
                yield _file(way, k, shape, smooth=turn % 2 == 1, channels=channels)
        for k, sections in ((3, "metadata"), (16, "unknown")):
            for shape in SHAPES[1:3]:
                yield _file(way, k, shape, smooth=k == 16, sections=sections)
        yield _file(way, 4096, (20, 5, 16), smooth=True)
        for shape in SHAPES:
            for smooth in (False, True):
                yield _label_map(way, shape, smooth=smooth)
                yield _label_map(way, shape, smooth=smooth, index=True)


def huge_files() -> Iterator[File]:
    """The largest palettes, plain in 196,000 bytes and coded in 70,000."""
    yield _file(("packed", "default"), 65_536, (20, 5, 16))
    yield _file(("dense", "default"), 65_535, (15, 15, 0))
    yield _file(("context", "default"), 65_536, (20, 5, 16), smooth=True, channels=4)


def parts_of(data: bytes) -> list[Part]:
    """The parts of an undamaged file, which cover it in order."""
    found = [Part("header", 0, 20)]

    def add(name: str, end: int) -> None:
        found.append(Part(name, found[-1].end, end))

    with open_source(data) as source:
        opened = Opened.from_source(source, Limits.of(None))
        if source.short_size is not None:
            found = [Part("start", 0, len(start(opened.header)))]
            add("palette", found[-1].end + opened.palette_size)
            add("tile 0", len(data) - 4)
            add("checksum", len(data))
            return found
        first = 20 + opened.palette_size + 4
        add("palette", first)
        if opened.header.sections:
            for index, section in enumerate(opened.sections):
                add(f"section {index}", found[-1].end + 14 + len(section.data))
            add("END", found[-1].end + 14)
        assert found[-1].end == opened.first_record
        for record in opened.records():
            size = container.record_size(memoryview(record.payload).nbytes)
            add(f"tile {record.tile}", found[-1].end + size)
        if opened.header.grid.count > 1:
            add("directory", len(data))
    assert found[-1].end == len(data)
    return found


def palette_length_bits(data: bytes) -> range:
    """The bits of a coded palette's length; none in a file whose palette isn't coded."""
    with open_source(data) as source:
        opened = Opened.from_source(source, Limits.of(None))
    if not opened.header.coded_palette:
        return range(0)
    first = 20 if source.short_size is None else len(start(opened.header))
    behind = first + 1
    while data[behind - 1] & 0x80:
        behind += 1
    return range(8 * first, 8 * behind)


def _file(
    way: tuple[str, str],
    k: int,
    shape: tuple[int, int, int],
    *,
    smooth: bool = False,
    channels: int = 3,
    sections: str = "none",
) -> File:
    coder, effort = way
    width, height, tile = shape
    picture = _picture(width, height, k, smooth, channels)
    data = encode_indexed(
        picture,
        CodingOptions(coder=coder, effort=effort, tile=tile, threads=1),
        sections=SECTIONS[sections],
    )
    name = [coder if coder != "context" else f"{coder}-{effort}", f"k{k}", f"{width}x{height}"]
    name += [f"tile{tile}"] * (tile > 0) + ["smooth"] * smooth + ["alpha"] * (channels == 4)
    name += [sections] * (sections != "none")
    return File("-".join(name), data, picture)


def _label_map(
    way: tuple[str, str], shape: tuple[int, int, int], *, smooth: bool = False, index: bool = False
) -> File:
    """Noise of a few ids, or noisy bands; with an index, names and colours."""
    coder, effort = way
    width, height, tile = shape
    places = _picture(width, height, 40 if smooth else 7, smooth, 3).labels
    data = encode_labels(
        300 * places.astype(np.int32) + 3,
        coder=coder,
        effort=effort,
        tile=tile,
        names={3: "three"} if index else None,
        colors={303: (1, 2, 3)} if index else None,
        index=index,
        threads=1,
    )
    name = [coder if coder != "context" else f"{coder}-{effort}", "ids", f"{width}x{height}"]
    name += [f"tile{tile}"] * (tile > 0) + ["smooth"] * smooth + ["index"] * index
    return File("-".join(name), data, read(data))


def _picture(width: int, height: int, k: int, smooth: bool, channels: int) -> IndexedImage:
    """Noise in random colours; or a few bands in a ramp of colours, which codes well."""
    if smooth:
        y, x = np.mgrid[:height, :width]
        labels = (x // 6 + y // 9) % k
        steps = np.arange(k)
        palette = np.stack([steps * 255 // k, steps % 256, steps * 13 // 16 % 256], axis=1)
        palette = np.column_stack([palette, 255 - steps % 256])[:, :channels]
        palette = palette[np.lexsort(palette.T[[2, 0, 1]])]
    else:
        random = np.random.default_rng(1000 * k + width)
        labels = random.integers(0, k, (height, width))
        palette = random.integers(0, 256, (k, channels))
    return IndexedImage(palette.astype(np.uint8), labels.astype(label_dtype(k)))
