"""Corners of the coder `context` that pictures hardly reach, on both kernels: that they
are reached is seen in the reference, which defines what must come out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from trust.pictures import noise

from kqcodec.errors import KernelError
from kqcodec.kernels import load, reference
from kqcodec.kernels.reference import context as reference_context

try:
    compiled = load("compiled")
except KernelError:
    compiled = None

ROOM = 1 << 20
HEAVIEST = 1 << 30


def both_code(labels: np.ndarray, k: int, setting: int) -> bytes:
    """The reference's payload, which the compiled kernels make, too, and decode."""
    order, colors = np.arange(k, dtype=np.uint16), np.zeros((k, 3), dtype=np.uint8)
    payload = reference.context_encode(labels, order, colors, setting, ROOM)
    if compiled is not None:
        assert compiled.context_encode(labels, order, colors, setting, ROOM) == payload
        out = np.empty_like(labels)
        assert compiled.context_decode(payload, order, colors, setting, out)
        assert (out == labels).all()
    return payload


def test_a_weight_heavier_than_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last bit of each label is 0, and no context has seen it before: only the weight
    of the model best's bias can say so, and grows until no more of it counts."""
    made: list[Any] = []

    class Seen(reference_context.Mixer):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(reference_context, "Mixer", Seen)
    labels = (2 * noise(128, 128, 32_768)).astype(np.uint16)
    both_code(labels, 65_536, 3 << 6 | 1 << 4 | 7)
    (mixer,) = made
    assert mixer._weights.min() < -HEAVIEST


def test_a_match_that_only_nee_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place is another's whose hash is in the same place, and whose W, WW, N, NW, NE
    and NN are the same."""
    refused: list[int] = []
    alike = reference_context.Match._alike

    def seen(self: Any, one: int, other: int) -> bool:
        found = alike(self, one, other)
        labels, n = self._labels, self._stride
        if not found:
            kept, labels[one - n + 2] = labels[one - n + 2], labels[other - n + 2]
            if alike(self, one, other):
                refused.append(other)
            labels[one - n + 2] = kept
        return found

    def without(self: Any, one: int, other: int) -> bool:
        labels, n = self._labels, self._stride
        kept, labels[one - n + 2] = labels[one - n + 2], labels[other - n + 2]
        found = alike(self, one, other)
        labels[one - n + 2] = kept
        return found

    matter = 0
    for seed in range(12):
        refused.clear()
        labels = noise(16, 16, 2, seed).astype(np.uint8)
        monkeypatch.setattr(reference_context.Match, "_alike", seen)
        payload = both_code(labels, 2, 1 << 6 | 1 << 4 | 1 << 3 | 4)
        if refused:
            monkeypatch.setattr(reference_context.Match, "_alike", without)
            order, colors = np.arange(2, dtype=np.uint16), np.zeros((2, 3), dtype=np.uint8)
            other = reference.context_encode(
                labels, order, colors, 1 << 6 | 1 << 4 | 1 << 3 | 4, ROOM
            )
            matter += other != payload
    assert matter >= 3
