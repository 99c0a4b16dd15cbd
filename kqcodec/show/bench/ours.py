"""The .kq files: a tool for each coder and effort."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.codec import decode
from kqcodec.coding.coders import efforts_of
from kqcodec.coding.encoder import encode_indexed, in_order_of
from kqcodec.coding.options import CodingOptions
from kqcodec.format.names import CODERS, DEFAULT_EFFORT
from kqcodec.show.bench.codec import Codec, Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.format.names import CoderName, EffortName
    from kqcodec.show.bench.subject import Subject


def _codec(coder: CoderName, effort: EffortName | None) -> Codec:
    """A .kq file by one coder and effort, with the palette in the order of the coder."""
    options = CodingOptions(coder=coder, effort=effort or DEFAULT_EFFORT, threads=1)

    def encode(subject: Subject) -> bytes:
        return encode_indexed(in_order_of(coder, subject.indexed), options)

    return Codec(encode, lambda data, _: decode(data, threads=1, max_pixels=None))


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
