"""Placeholder until the branch that codes regions comes."""

from __future__ import annotations

import numpy as np

from kqcodec.coding.coders.context import ContextCoder
from kqcodec.coding.coders.tokens import TokensCoder


def LabelTileCoder(k, name, effort, entries):  # type: ignore[no-untyped-def]
    zeros = np.zeros((k, 3), dtype=np.uint8)
    return ContextCoder(zeros, effort) if name == "context" else TokensCoder(zeros)
