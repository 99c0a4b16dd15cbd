"""The .kq files: a tool for each coder and effort."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.codec import decode
from kqcodec.coding.coders import efforts_of
from kqcodec.coding.encoder import encode_indexed, in_order_of
from kqcodec.coding.options import CodingOptions
from kqcodec.format.names import CODERS, DEFAULT_EFFORT
from kqcodec.frames.encoding import encode_frames
from kqcodec.frames.reading import read_frames
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.show.bench.codec import Codec, Tool
from kqcodec.show.bench.subject import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqcodec.format.names import CoderName, EffortName
    from kqcodec.show.bench.subject import Pixels, Shape, Subject


def _codec(coder: CoderName, effort: EffortName | None) -> Codec:
    """A .kq file by one coder and effort, with the palette in the order of the coder."""
    options = CodingOptions(coder=coder, effort=effort or DEFAULT_EFFORT, threads=1)

    def encode(subject: Subject) -> bytes:
        ordered = replace(subject, indexed=in_order_of(coder, subject.indexed))
        if subject.frames == 1:
            return encode_indexed(ordered.indexed, options)
        return encode_frames(
            ordered.pictures, durations=SECONDS, coder=coder, effort=options.effort, threads=1
        )

    return Codec(encode, _decoded)


def _decoded(data: bytes, shape: Shape) -> Pixels:
    if shape.frames == 1:
        return decode(data, threads=1, max_pixels=None)
    return np.concatenate([frame.to_rgb() for frame in _frames(data)])


def _frames(data: bytes) -> Iterator[IndexedImage]:
    return read_frames(data, threads=1, max_pixels=None)


def stored_in(data: bytes) -> IndexedImage:
    """Palette and labels that a .kq file has, of all its frames below each other."""
    frames = list(_frames(data))
    labels = np.concatenate([frame.labels for frame in frames])
    return IndexedImage(frames[0].palette, labels)


def kq_tools(
    coders: Sequence[CoderName] = CODERS, efforts: Sequence[str] | None = None
) -> list[Tool]:
    """The tools of some coders, each at these of its efforts, or at all it has."""
    return [
        Tool(f"kq {coder}" + (f" {effort}" if effort else ""), (_codec(coder, effort),), False)
        for coder in coders
        for effort in efforts_of(coder) or (None,)
        if effort is None or efforts is None or effort in efforts
    ]
