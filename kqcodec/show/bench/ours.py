"""The .kq files: a tool for each coder and effort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import kqcodec
from kqcodec.coding.coders import efforts_of
from kqcodec.coding.encoder import in_order_of
from kqcodec.format.names import CODERS, DEFAULT_EFFORT
from kqcodec.show.bench.codec import Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.format.names import CoderName, EffortName
    from kqcodec.show.bench.subject import Frame, Pixels, Subject


@dataclass(frozen=True)
class KqCodec:
    """A .kq file by one coder and effort, with the palette in the order of the coder."""

    coder: CoderName
    effort: EffortName | None
    name: str = ""
    sees_order: bool = False

    def encode(self, subject: Subject) -> bytes:
        """See ``Codec``."""
        effort = self.effort or DEFAULT_EFFORT
        indexed = in_order_of(self.coder, subject.indexed)
        return kqcodec.encode(indexed, coder=self.coder, effort=effort, threads=1)

    def decode(self, data: bytes, frame: Frame) -> Pixels:
        """See ``Codec``."""
        return kqcodec.decode(data, threads=1, max_pixels=None)


def kq_tools(
    coders: Sequence[CoderName] = CODERS, efforts: Sequence[str] | None = None
) -> list[Tool]:
    """The tools of some coders.

    Args:
        coders: their names.
        efforts: of the coders that have any; None for all.
    """
    return [
        Tool(f"kq {coder}" + (f" {effort}" if effort else ""), (KqCodec(coder, effort),), False)
        for coder in coders
        for effort in efforts_of(coder) or (None,)
        if effort is None or efforts is None or effort in efforts
    ]
