"""Indexed images to code, drawn by hypothesis or made from a seed."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

import kqcodec
from kqcodec.coding.frames.writer import encoded_frames
from kqcodec.coding.options import CodingOptions
from kqcodec.format.container import Section
from kqcodec.format.labels import label_dtype
from kqcodec.format.sequence import FrameTiming
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.kernels import chosen

# In plain Python a decision of the coder context takes 30 microseconds, and a large
# palette, coded, a minute.
SLOW = chosen() == "reference"

# One K of every kind: none, powers of two, their neighbours, the label's width.
KS = (1, 2, 3, 7, 10, 16, 17, 255, 256, 257, 4096, 65_536)
CODERS = ("packed", "dense", "context", "tokens")
TILES = (None, 0, 16, (32, 16), (0, 16), (16, 0), 1024)


def size_report(data, **options):
    """The report of a file that is opened with these options."""
    return kqcodec.open(data, **options).size_report()


def recover(data, **options):
    """What is saved of a file that is opened with these options."""
    return kqcodec.open(data, **options).recover()


def indexed(width: int, height: int, k: int, seed: int = 0, channels: int = 3) -> IndexedImage:
    """Random colours, random labels that reach k - 1."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, k, (height, width)).astype(label_dtype(k))
    labels.flat[-1] = k - 1
    return IndexedImage(random.integers(0, 256, (k, channels)).astype(np.uint8), labels)


def slow() -> IndexedImage:
    """A picture that takes WebAssembly about a second to decode by effort "best"."""
    rows, columns = np.mgrid[:250, :300]
    noise = np.random.default_rng(2).integers(0, 3, rows.shape)
    return IndexedImage(indexed(1, 1, 200).palette, (rows * columns // 700 + noise) % 200)


@st.composite
def indexed_images(draw: st.DrawFn, max_side: int = 70) -> IndexedImage:
    """Any size, K and statistics, noise and constant pictures among them."""
    if SLOW:
        k, max_side = draw(st.integers(1, 300)), min(max_side, 20)
    else:
        k = draw(st.one_of(st.sampled_from(KS), st.integers(1, 300), st.integers(1, 65_536)))
    width, height = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    channels = draw(st.sampled_from((3, 3, 4)))
    image = indexed(width, height, k, draw(st.integers(0, 2**32 - 1)), channels)
    spread = draw(st.sampled_from((k, max(1, k // 4), 1)))
    return IndexedImage(image.palette, k - 1 - image.labels.astype(np.int64) % spread)


def animation(
    k: int = 16, width: int = 37, height: int = 29, count: int = 6, **timing: Any
) -> tuple[list[IndexedImage], bytes]:
    """Frames in which a rectangle after the other changes, each for a tenth of a second, and
    their file; ``timing`` is that of ``FrameTiming``."""
    random = np.random.default_rng(k)
    first = indexed(width, height, k, seed=k)
    frames = [first.labels]
    for _ in range(count - 1):
        labels = frames[-1].copy()
        left, top = random.integers(0, width - 3), random.integers(0, height - 3)
        part = labels[top : top + 9, left : left + 12]
        part[:] = random.integers(0, k, part.shape)
        frames.append(labels)
    images = [IndexedImage(first.palette, labels) for labels in frames]
    data = file_of_frames(first.palette, frames, **timing)
    return [image.lasting(Fraction(1, 10)) for image in images], data


def file_of_frames(palette: Any, frames: list[Any], **timing: Any) -> bytes:
    """The file of these labels, each shown for a tenth of a second."""
    height, width = frames[0].shape
    tenth = FrameTiming(**{"unit": Fraction(1, 10), **timing})
    parts = encoded_frames(
        *(palette, width, height, [(labels, 1) for labels in frames], tenth),
        options=CodingOptions(coder="packed"),
    )
    return b"".join(parts)


def tiled(
    k: int = 16, width: int = 1000, height: int = 700, channels: int = 3
) -> tuple[IndexedImage, bytes]:
    """In tiles of 128 x 128, 8 in a row and 6 rows, about 8 kB each."""
    image = indexed(width, height, k, seed=k, channels=channels)
    return image, kqcodec.encode(image, coder="packed", tile=128)


def region(image: IndexedImage, box: tuple[int, int, int, int]) -> Any:
    """The labels of a rectangle."""
    left, upper, right, lower = box
    return image.labels[upper:lower, left:right]


class Pipe(io.RawIOBase):
    """Bytes that come in odd lots and can't be sought."""

    def __init__(self, data):
        self.data = data
        self.position = 0

    def readable(self):
        return True

    def seekable(self):
        return False

    def read(self, size=-1):
        size = len(self.data) if size < 0 else min(size, 7)
        part = self.data[self.position : self.position + size]
        self.position += len(part)
        return part


def _regions(ids: Any) -> Any:
    """A map of blobs that has all of these ids."""
    rows, columns = np.mgrid[:40, :60]
    places = (rows // 7 * 31 + columns // 9 * 17) % len(ids)
    places[0, : len(ids)] = range(len(ids))
    return np.asarray(ids)[places]


# Arrays of ids, of the kinds that there are.
LABEL_MAPS = {
    "bools": _regions([False, True]),
    "classes": _regions(np.arange(3, dtype=np.uint8)),
    "instances": _regions(np.arange(35, dtype=np.uint16) * 942 + 1),
    "column": _regions(np.arange(35, dtype=np.int32) * 942)[:, :, np.newaxis],
    "signed": _regions(np.arange(-4, 5, dtype=np.int64)),
    "wide": _regions(np.arange(-4, 5) * 10**17),
}


# Those that label maps can have.
LABEL_DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


def extremes(dtype: str) -> np.ndarray:
    """The least and the greatest values of a dtype, and some between; shape (2, 3)."""
    if dtype == "?":
        return np.array([[True, False, True], [False, False, True]])
    limits = np.iinfo(dtype)
    values = [limits.min, limits.max, 0, 1, limits.max - 1, limits.min + 1]
    return np.array(values, dtype).reshape(2, 3)


def moving(k: int, width: int, height: int, frames: int, seed: int = 0) -> list[Any]:
    """Labels of frames, of which each changes a rectangle of the one before, or nothing."""
    random = np.random.default_rng(seed)
    labels = [indexed(width, height, k, seed).labels]
    for _ in range(frames - 1):
        now = labels[-1].copy()
        if random.integers(3):
            top, left = random.integers(0, height), random.integers(0, width)
            part = now[top : top + 5, left : left + 7]
            part[...] = random.integers(0, k, part.shape)
        labels.append(now)
    return labels


TIMING = FrameTiming()


def sequence(
    palette: Any,
    labels: list[Any],
    durations: list[int] | None = None,
    *,
    timing: FrameTiming = TIMING,
    sections: tuple[Section, ...] = (),
    **options: Any,
) -> bytes:
    """The file of frames that last so many units, or one each."""
    height, width = labels[0].shape
    frames = zip(labels, durations or [1] * len(labels), strict=True)
    coding = CodingOptions(**options)
    return b"".join(
        encoded_frames(palette, width, height, frames, timing, options=coding, sections=sections)
    )
