"""Files for the viewer to show, and what is to be seen of them."""

from __future__ import annotations

import binascii
import struct
from functools import cache
from typing import NamedTuple

import numpy as np
from places import VECTORS

import kqcodec

HOSTILE = "<img src=x onerror=document.title=1>"
REVERSED = "cat\u202egnp.exe"


class Shown(NamedTuple):
    """A file, and by frame the labels and colours of its pixels: of shape (H, W) and (H, W, 4)."""

    data: bytes
    labels: list[np.ndarray]
    pixels: list[np.ndarray]


def _rgba(palette):
    opaque = np.full((len(palette), 1), 255, dtype=np.uint8)
    return palette if palette.shape[1] == 4 else np.hstack([palette, opaque])


def _shown(data, labels, palette):
    return Shown(data, labels, [_rgba(palette)[each] for each in labels])


@cache
def picture():
    """Of 8 colours, a ninth that isn't used, and 12 tiles."""
    from skimage import data

    indexed = kqcodec.quantize(np.ascontiguousarray(data.coffee()[::5, ::5]), 8, effort="fast")
    palette = np.vstack([indexed.palette, [[1, 2, 3]]]).astype(np.uint8)
    indexed = kqcodec.IndexedImage(palette, indexed.labels)
    return _shown(kqcodec.encode(indexed, tile=32), [indexed.labels], palette)


@cache
def clear():
    """With alpha, and colours under it that a canvas would lose."""
    rng = np.random.default_rng(1)
    palette = rng.integers(0, 256, (5, 4), dtype=np.uint8)
    palette[:, 3] = 0, 1, 100, 254, 255
    labels = rng.integers(0, 5, (9, 13), dtype=np.uint8)
    return _shown(kqcodec.encode(kqcodec.IndexedImage(palette, labels)), [labels], palette)


@cache
def many():
    """Of 300 colours, more than a palette of PNG holds."""
    rng = np.random.default_rng(2)
    palette = rng.integers(0, 256, (300, 3), dtype=np.uint8)
    labels = rng.integers(0, 300, (40, 30), dtype=np.uint16)
    return _shown(kqcodec.encode(kqcodec.IndexedImage(palette, labels)), [labels], palette)


@cache
def label_map():
    """Of the ids 0, 7, 300 and 5000, of which some have names and one a colour."""
    ids = np.zeros((24, 36), dtype=np.uint16)
    ids[2:12, 3:20] = 7
    ids[8:20, 15:30] = 300
    ids[20:, :9] = 5000
    names = {7: HOSTILE, 300: REVERSED}
    data = kqcodec.encode_labels(ids, names=names, colors={7: (10, 200, 30)}, nodata=0)
    with kqcodec.open(data) as file:
        return _shown(data, [np.searchsorted(file.ids, ids)], file.palette)


@cache
def frames(loop=2):
    """Five frames of half a tenth of a second, the third of a whole one."""
    rng = np.random.default_rng(3)
    palette = rng.integers(0, 256, (4, 3), dtype=np.uint8)
    labels = [np.zeros((20, 30), dtype=np.uint8) for _ in range(5)]
    for number, each in enumerate(labels):
        each[4:12, 3 * number : 3 * number + 8] = 1 + number % 3
    durations = ["0.05", "0.05", "0.1", "0.05", "0.05"]
    indexed = [kqcodec.IndexedImage(palette, each) for each in labels]
    data = kqcodec.encode_frames(indexed, durations=durations, loop=loop)
    return _shown(data, labels, palette)


@cache
def volume():
    """Four slices of labels, half a millimetre apart."""
    ids = np.zeros((4, 10, 12), dtype=np.uint8)
    for number, each in enumerate(ids):
        each[number : number + 5, 2:9] = 3
    data = kqcodec.encode_labels(ids, spacing="5e-4")
    with kqcodec.open(data) as file:
        return _shown(data, list(np.searchsorted(file.ids, ids)), file.palette)


def huge():
    """A header of over 2^27 pixels in tiles of 2048 x 2048, ahead of a palette that is damaged."""
    header = bytes.fromhex("cb510d0a0a100088") + struct.pack(">IIH", 16384, 8200, 0)
    return header + struct.pack(">H", binascii.crc_hqx(header, 0xFFFF)) + bytes(100)


def vector(name):
    """The bytes of a vector."""
    return (VECTORS / f"{name}.kq").read_bytes()
